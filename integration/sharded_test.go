package integration

import (
	"context"
	"testing"
	"time"

	"github.com/redchan-go/redchan"
	"github.com/redchan-go/redchan/cluster/slot"
	"github.com/redchan-go/redchan/integration/servers"
	"github.com/redchan-go/redchan/pubsub"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/sharded"
)

// TestShardedMove moves the slot of one of two shard channels, and then lets a primary fail over:
// the subscription says which node serves each channel, and reports each move with its gap.
func TestShardedMove(t *testing.T) {
	ownCluster(t, servers.ClusterConfig{Replicas: 1}, func(f *clusterFixture) {
		f.since("7.0", "shard channels")
		ctx, cancel := context.WithTimeout(f.ctx, 2*time.Minute)
		defer cancel()
		const moving, staying = "prices:EURUSD", "prices:USDJPY"
		client := f.openCluster(nil)
		sub, err := sharded.Subscribe(ctx, client, moving, staying)
		if err != nil {
			f.Fatal(err)
		}
		defer sub.Close()
		owner := func(channel string) *servers.Node {
			f.Helper()
			node, err := f.cluster.NodeOf(ctx, slot.Of(channel))
			f.must(err)
			return node
		}
		wantNode := func(channel, want string) {
			f.Helper()
			if addr, served := sub.Node(channel); addr != want || !served {
				f.Errorf("%s is on %q, %v, want %s", channel, addr, served, want)
			}
		}
		// next returns the next move of a channel.
		next := func(channel string) sharded.Move {
			f.Helper()
			for {
				select {
				case move := <-sub.Moves():
					if move.Channel == channel {
						return move
					}
				case <-ctx.Done():
					f.Fatal("no move is reported")
				}
			}
		}
		for _, channel := range []string{moving, staying} {
			wantNode(channel, owner(channel).Addr)
		}

		from, to := owner(moving), f.cluster.Nodes()[0]
		if to == from {
			to = f.cluster.Nodes()[1]
		}
		began := time.Now()
		f.must(f.cluster.MigrateSlot(ctx, slot.Of(moving), from, to))
		move := next(moving)
		f.Logf("%v", move)
		if move.From != from.Addr || move.To != to.Addr || move.Gap.Reason&pubsub.Moved == 0 || move.Gap.From.Before(began) || move.Gap.Duration() > 5*time.Second {
			f.Errorf("from %s to %s: %+v", from.Addr, to.Addr, move)
		}
		wantNode(moving, to.Addr)
		wantNode(staying, owner(staying).Addr)
		if _, err := client.SPublish(ctx, moving, "1.08"); err != nil {
			f.Fatal(err)
		}
		msg, err := sub.Next(ctx)
		if err != nil || msg.Payload != "1.08" || msg.Gap == nil || msg.Gap.Reason != move.Gap.Reason {
			f.Errorf("received %v, %v", msg, err)
		}

		view, err := f.cluster.Agreed(ctx)
		f.must(err)
		old := owner(staying)
		replicas := view.Replicas(old)
		if len(replicas) == 0 {
			f.Fatalf("%s has no replica", old.Addr)
		}
		f.must(f.cluster.Failover(ctx, replicas[0]))
		move = next(staying)
		f.Logf("%v", move)
		if move.From != old.Addr || move.To != replicas[0].Addr || move.Gap.Reason == 0 {
			f.Errorf("a failover from %s to %s: %+v", old.Addr, replicas[0].Addr, move)
		}
		wantNode(staying, replicas[0].Addr)
		f.must(sub.Close())
		for move := range sub.Moves() {
			f.Logf("at the end: %v", move)
		}
	})
}

// TestShardedServer subscribes to a shard channel of one server: it has no node to tell, and nothing
// moves.
func TestShardedServer(t *testing.T) {
	shared(t, func(f *fixture) {
		f.since("7.0", "shard channels")
		client, err := redchan.New(redchan.Options{Server: redis.Options{Addr: f.server.Addr, RESP2: f.resp2}})
		if err != nil {
			f.Fatal(err)
		}
		defer client.Close()
		sub, err := sharded.Subscribe(f.ctx, client, "s")
		if err != nil {
			f.Fatal(err)
		}
		if addr, served := sub.Node("s"); addr != "" || !served {
			f.Errorf("s is on %q, %v", addr, served)
		}
		if err := sub.Close(); err != nil {
			f.Error(err)
		}
		if move, ok := <-sub.Moves(); ok {
			f.Errorf("%v", move)
		}
	})
}
