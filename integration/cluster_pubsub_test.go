package integration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redchan-go/redchan/cluster"
	"github.com/redchan-go/redchan/cluster/slot"
	"github.com/redchan-go/redchan/integration/servers"
	"github.com/redchan-go/redchan/pubsub"
)

// TestShardSubscription subscribes to shard channels of many slots at once, adds some and
// takes some off, and receives what is published on each.
func TestShardSubscription(t *testing.T) {
	sharedCluster(t, func(f *clusterFixture) {
		f.since("7.0", "shard channels")
		client := f.openCluster(nil)
		var channels []string
		for i := range 20 {
			channels = append(channels, "shard"+strconv.Itoa(i))
		}
		sub, err := client.SSubscribe(f.ctx, channels...)
		if err != nil {
			f.Fatal(err)
		}
		defer sub.Close()
		f.must(sub.SSubscribe(f.ctx, "{tag}1", "{tag}2"))
		f.must(sub.SUnsubscribe(f.ctx, channels[:5]...))
		want := append(slices.Clone(channels[5:]), "{tag}1", "{tag}2")
		for _, channel := range append(slices.Clone(want), channels[0]) {
			n, err := client.SPublish(f.ctx, channel, "to "+channel)
			if expected := int64(1); err != nil || channel == channels[0] && n != 0 || channel != channels[0] && n != expected {
				f.Errorf("SPUBLISH %s = %d, %v", channel, n, err)
			}
		}
		got := map[string]bool{}
		for range want {
			msg, err := sub.Next(f.ctx)
			if err != nil {
				f.Fatal(err)
			}
			if msg.Kind != pubsub.KindShardMessage || msg.Payload != "to "+msg.Channel || msg.Gap != nil {
				f.Errorf("received %v", msg)
			}
			got[msg.Channel] = true
		}
		for _, channel := range want {
			if !got[channel] {
				f.Errorf("nothing came on %s", channel)
			}
		}
		// Each event names the node that serves the slot.
		for range want {
			event := <-sub.Events()
			if event.Kind != pubsub.EventSubscribed {
				continue
			}
			owner, err := f.cluster.NodeOf(f.ctx, slot.Of(event.Name.Name))
			f.must(err)
			if event.Node != owner.Addr {
				f.Errorf("%v, which %s serves", event, owner.Addr)
			}
		}
		if _, err := client.NewSubscription(f.ctx, pubsub.ShardChannel("s"), pubsub.Channel("c")); !errors.Is(err, cluster.ErrMixedNames) {
			f.Errorf("shard channels and others: %v", err)
		}
		var refused *pubsub.RefusedError
		if err := sub.Subscribe(f.ctx, "c"); !errors.As(err, &refused) {
			f.Errorf("a channel beside shard channels: %v", err)
		}
		f.must(sub.Close())
	})
}

// TestShardReplicas reads shard channels from replicas, and from one node.
func TestShardReplicas(t *testing.T) {
	sharedCluster(t, func(f *clusterFixture) {
		f.since("7.0", "shard channels")
		client := f.openCluster(func(o *cluster.Options) { o.ReadFrom = cluster.PreferReplica })
		sub, err := client.SSubscribe(f.ctx, "r1", "r2", "r3")
		if err != nil {
			f.Fatal(err)
		}
		defer sub.Close()
		for range 3 {
			event := <-sub.Events()
			node := f.node(event.Node)
			primary, err := f.cluster.PrimaryOf(f.ctx, node)
			f.must(err)
			owner, err := f.cluster.NodeOf(f.ctx, slot.Of(event.Name.Name))
			f.must(err)
			if primary != owner {
				f.Errorf("%v, whose replica is another one", event)
			}
		}
		for _, channel := range []string{"r1", "r2", "r3"} {
			if _, err := client.SPublish(f.ctx, channel, "x"); err != nil {
				f.Fatal(err)
			}
			if msg, err := sub.Next(f.ctx); err != nil || msg.Channel != channel {
				f.Fatalf("%v, %v", msg, err)
			}
		}

		// One node's channels alone, by that node's client.
		owner, err := f.cluster.NodeOf(f.ctx, slot.Of("one"))
		f.must(err)
		node, err := client.Node(owner.Addr)
		f.must(err)
		one, err := node.NewSubscription(f.ctx, pubsub.ShardChannel("one"))
		if err != nil {
			f.Fatal(err)
		}
		defer one.Close()
		if n, err := client.SPublish(f.ctx, "one", "x"); n != 1 || err != nil {
			f.Fatalf("%d, %v", n, err)
		}
		if msg, err := one.Next(f.ctx); err != nil || msg.Payload != "x" {
			f.Fatalf("%v, %v", msg, err)
		}
		elsewhere := "other"
		for slot.Of(elsewhere)*3/slot.Count == slot.Of("one")*3/slot.Count {
			elsewhere += "x"
		}
		var refused *pubsub.RefusedError
		if _, err := node.NewSubscription(f.ctx, pubsub.ShardChannel(elsewhere)); !errors.As(err, &refused) || !strings.Contains(err.Error(), "MOVED") {
			f.Errorf("a shard channel of another node: %v", err)
		}
	})
}

// node returns the node at an address.
func (f *clusterFixture) node(addr string) *servers.Node {
	f.Helper()
	for _, node := range f.cluster.Nodes() {
		if node.Addr == addr {
			return node
		}
	}
	f.Fatalf("no node is at %q", addr)
	return nil
}

// TestShardForgotten lets the others forget a primary whose replica has taken its place
// before: it goes on to serve its subscribers, who hear nothing, and are found within 15 s.
func TestShardForgotten(t *testing.T) {
	ownCluster(t, servers.ClusterConfig{Replicas: 1, Proxied: true}, func(f *clusterFixture) {
		f.since("7.0", "shard channels")
		d := f.startFeed(f.openCluster(nil), f.openCluster(nil))
		d.flows("the start")
		primary, replica := f.pair(1)
		f.must(f.cluster.Partition(primary))
		f.must(f.cluster.AwaitPromoted(f.ctx, replica, primary, replica))
		f.must(f.cluster.AwaitFailed(f.ctx, primary, replica))
		for _, node := range f.cluster.Nodes() {
			if node != primary {
				f.at(node, "CLUSTER", "FORGET", primary.ID())
			}
		}
		// Whoever publishes knows of it at once; whoever subscribes is to find out.
		_, err := d.publisher.Refresh(f.ctx)
		f.must(err)
		began := time.Now()
		d.flows("a forgotten primary")
		if took := time.Since(began); took > 15*time.Second {
			f.Errorf("that took %v", took)
		}
		d.end()
		f.must(f.cluster.Heal())
	})
}

// subscriberNode returns the node that a connection of pub/sub is on.
func (f *clusterFixture) subscriberNode() *servers.Node {
	f.Helper()
	var found *servers.Node
	f.eventually("a subscriber", func() bool {
		found = nil
		for _, node := range f.cluster.Nodes() {
			if node.Answering() && f.at(node, "CLIENT", "LIST", "TYPE", "pubsub") != "" {
				found = node
			}
		}
		return found != nil
	})
	return found
}

// TestRoamingSubscription lets the node die, or stand still, on which a subscription is.
func TestRoamingSubscription(t *testing.T) {
	ownCluster(t, servers.ClusterConfig{Replicas: 1}, func(f *clusterFixture) {
		client := f.openCluster(nil)
		named := f.cluster.Nodes()[4]
		sub, err := client.NewSubscriptionAt(f.ctx, named.Addr, pubsub.Channel("news"), pubsub.Pattern("new*"))
		if err != nil {
			f.Fatal(err)
		}
		defer sub.Close()
		f.hears(client, sub, "a", 2)
		if node := f.subscriberNode(); node != named {
			f.Errorf("the subscription is on %s, want %s", node.Addr, named.Addr)
		}

		f.must(named.Kill(f.ctx))
		f.hears(client, sub, "b", 2)
		f.must(named.Start(f.ctx))
		f.must(f.cluster.AwaitHealthy(f.ctx))

		node := f.subscriberNode()
		f.must(node.Pause(f.ctx))
		began := time.Now()
		f.hears(client, sub, "c", 2)
		f.Logf("back %v after its node stood still", time.Since(began).Round(time.Millisecond))
		f.must(node.Unpause(f.ctx))
		f.must(f.cluster.AwaitHealthy(f.ctx))
	})
}

// hears publishes until a subscription receives.
func (f *clusterFixture) hears(client *cluster.Client, sub *pubsub.Subscription, text string, each int) {
	f.Helper()
	for n := 0; ; n++ {
		ctx, cancel := context.WithTimeout(f.ctx, time.Second)
		_, err := client.Publish(ctx, "news", text)
		cancel()
		if err != nil && f.ctx.Err() != nil {
			f.Fatal(err)
		}
		wait, cancel := context.WithTimeout(f.ctx, 100*time.Millisecond)
		got := 0
		for got < each {
			msg, err := sub.Next(wait)
			if err != nil {
				break
			}
			if msg.Payload == text {
				got++
			}
		}
		cancel()
		switch {
		case got == each:
			return
		case f.ctx.Err() != nil || sub.Err() != nil:
			f.Fatalf("nothing came after %d messages %q: %v", n, text, sub.Err())
		}
	}
}

// TestClusterKeyEvents receives the notifications of all primaries, also behind a failover.
func TestClusterKeyEvents(t *testing.T) {
	config := servers.ClusterConfig{Replicas: 1, Lines: []string{"notify-keyspace-events KEA"}}
	ownCluster(t, config, func(f *clusterFixture) {
		client := f.openCluster(nil)
		events, err := client.KeyEvents(f.ctx, pubsub.Keyevent(0, "set"))
		if err != nil {
			f.Fatal(err)
		}
		nodes := map[string]bool{}
		set := func(prefix string) {
			f.Helper()
			want := map[string]bool{}
			for i := range 30 {
				key := fmt.Sprint(prefix, i)
				want[key] = true
				if err := client.Set(f.ctx, key, "v"); err != nil {
					f.Fatal(err)
				}
			}
			for len(want) > 0 {
				select {
				case event := <-events.Events():
					if event.Err != nil || event.Key != "" && event.Event != "set" {
						f.Fatalf("%+v", event)
					}
					if want[event.Key] {
						nodes[event.Node] = true
					}
					delete(want, event.Key)
				case <-f.ctx.Done():
					f.Fatalf("no events of %v", want)
				}
			}
		}
		set("a")
		if len(nodes) != 3 {
			f.Errorf("events of %v", nodes)
		}
		_, replica := f.pair(1)
		f.must(f.cluster.Failover(f.ctx, replica))
		gap := false
		for key := 0; !gap; key++ {
			// A SET lets the client find the new primary.
			if err := client.Set(f.ctx, fmt.Sprint("b", key), "v"); err != nil {
				f.Fatal(err)
			}
			for more := true; more && !gap; {
				select {
				case event := <-events.Events():
					gap = event.Node == replica.Addr && event.Gap != nil && event.Gap.Reason == pubsub.Moved
				case <-time.After(20 * time.Millisecond):
					more = false
				}
			}
		}
		set("c")
		f.must(events.Close())
		if err := events.Err(); err != nil {
			f.Errorf("after Close: %v", err)
		}
	})
}

// TestShardBlocking lets a subscription with the policy Block hold up nobody but itself.
func TestShardBlocking(t *testing.T) {
	sharedCluster(t, func(f *clusterFixture) {
		f.since("7.0", "shard channels")
		client := f.openCluster(nil)
		slow, err := client.NewShardSubscription(f.ctx, pubsub.ShardChannels("b1", "b2", "b3"), pubsub.Block(time.Minute), pubsub.Buffer(2, 0))
		if err != nil {
			f.Fatal(err)
		}
		fast, err := client.SSubscribe(f.ctx, "b1", "b2", "b3")
		if err != nil {
			f.Fatal(err)
		}
		const each = 20
		for i := range each {
			for _, channel := range []string{"b1", "b2", "b3"} {
				if _, err := client.SPublish(f.ctx, channel, i); err != nil {
					f.Fatal(err)
				}
			}
		}
		for _, sub := range []*pubsub.Subscription{fast, slow} {
			next := map[string]int{}
			for range 3 * each {
				msg, err := sub.Next(f.ctx)
				if err != nil {
					f.Fatal(err)
				}
				if msg.Gap != nil || msg.Payload != strconv.Itoa(next[msg.Channel]) {
					f.Fatalf("%v, want number %d", msg, next[msg.Channel])
				}
				next[msg.Channel]++
			}
		}
		f.must(slow.Close())
		f.must(fast.Close())
	})
}

// TestClusterPubSubCommands asks for subscriptions that are spread over the cluster.
func TestClusterPubSubCommands(t *testing.T) {
	sharedCluster(t, func(f *clusterFixture) {
		f.since("7.0", "shard channels")
		client := f.openCluster(nil)
		for _, node := range f.cluster.Nodes()[:4] {
			sub, err := client.NewSubscriptionAt(f.ctx, node.Addr, pubsub.Channels("everywhere", "at "+node.Addr), pubsub.Pattern("p*"))
			f.must(err)
			defer sub.Close()
		}
		for range 2 {
			other := f.openCluster(nil)
			sub, err := other.SSubscribe(f.ctx, "s1", "s2", "s3", "s4")
			f.must(err)
			defer sub.Close()
		}
		channels, err := client.PubSubChannels(f.ctx, "*e*")
		f.must(err)
		if len(channels) != 1 || channels[0] != "everywhere" {
			f.Errorf("PUBSUB CHANNELS: %q", channels)
		}
		channels, err = client.PubSubChannels(f.ctx, "at *")
		f.must(err)
		if len(channels) != 4 {
			f.Errorf("PUBSUB CHANNELS of several nodes: %q", channels)
		}
		numbers, err := client.PubSubNumSub(f.ctx, "everywhere", "nowhere", "at "+f.cluster.Nodes()[0].Addr)
		f.must(err)
		if len(numbers) != 3 || numbers[0].Subscribers != 4 || numbers[1].Subscribers != 0 || numbers[2].Subscribers != 1 {
			f.Errorf("PUBSUB NUMSUB: %+v", numbers)
		}
		// Servers count patterns, however many have them.
		if n, err := client.PubSubNumPat(f.ctx); n != 4 || err != nil {
			f.Errorf("PUBSUB NUMPAT: %d, %v", n, err)
		}
		shards, err := client.PubSubShardChannels(f.ctx, "s*")
		f.must(err)
		slices.Sort(shards)
		if !slices.Equal(shards, []string{"s1", "s2", "s3", "s4"}) {
			f.Errorf("PUBSUB SHARDCHANNELS: %q", shards)
		}
		numbers, err = client.PubSubShardNumSub(f.ctx, "s4", "s1", "nowhere")
		f.must(err)
		if len(numbers) != 3 || numbers[0].Subscribers != 2 || numbers[1].Subscribers != 2 || numbers[2].Subscribers != 0 {
			f.Errorf("PUBSUB SHARDNUMSUB: %+v", numbers)
		}
	})
}
