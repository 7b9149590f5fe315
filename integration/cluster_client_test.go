package integration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redchan-go/redchan/cluster"
	"github.com/redchan-go/redchan/cluster/slot"
	"github.com/redchan-go/redchan/integration/servers"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
)

// openCluster returns a client of the fixture's cluster, closed at the end of the test.
func (f *clusterFixture) openCluster(change func(*cluster.Options)) *cluster.Client {
	f.Helper()
	o := cluster.Options{Addrs: f.cluster.Addrs()[:1], Node: redis.Options{RESP2: f.resp2}}
	if change != nil {
		change(&o)
	}
	client, err := cluster.OpenWith(f.ctx, o)
	f.must(err)
	f.Cleanup(func() { _ = client.Close() })
	return client
}

func TestClusterClient(t *testing.T) {
	sharedCluster(t, func(f *clusterFixture) {
		client := f.openCluster(nil)
		values, keys := command.Map{}, []string(nil)
		for i := range 300 {
			key := "key" + strconv.Itoa(i)
			keys = append(keys, key)
			values[key] = i
			err := client.Set(f.ctx, key, i)
			f.must(err)
		}
		for i, key := range keys {
			if v, err := client.Get(f.ctx, key); v != strconv.Itoa(i) || err != nil {
				f.Fatalf("%s: %q, %v", key, v, err)
			}
		}
		if n, err := client.DBSize(f.ctx); n != 300 || err != nil {
			f.Errorf("DBSIZE: %d, %v", n, err)
		}
		all, err := client.Keys(f.ctx, "*")
		f.must(err)
		found := map[string]bool{}
		for key, err := range client.ScanAll(f.ctx, command.Count(17)) {
			f.must(err)
			found[key] = true
		}
		if len(all) != 300 || len(found) != 300 {
			f.Errorf("KEYS found %d, ScanAll %d", len(all), len(found))
		}
		if key, err := client.RandomKey(f.ctx); err != nil || !found[key] {
			f.Errorf("RANDOMKEY: %q, %v", key, err)
		}
		if n, err := cluster.Exists(f.ctx, client, append(keys, "missing")...); n != 300 || err != nil {
			f.Errorf("EXISTS: %d, %v", n, err)
		}
		got, err := cluster.MGet(f.ctx, client, keys...)
		f.must(err)
		for i, v := range got {
			if v.Value != strconv.Itoa(i) {
				f.Fatalf("MGET %d: %v", i, v)
			}
		}
		if n, err := cluster.Unlink(f.ctx, client, keys...); n != 300 || err != nil {
			f.Errorf("UNLINK: %d, %v", n, err)
		}
		f.must(cluster.MSet(f.ctx, client, values))
		if n, err := client.DBSize(f.ctx); n != 300 || err != nil {
			f.Errorf("DBSIZE: %d, %v", n, err)
		}
		f.must(client.FlushAll(f.ctx))
		if n, err := client.DBSize(f.ctx); n != 0 || err != nil {
			f.Errorf("DBSIZE: %d, %v", n, err)
		}

		p := client.Pipeline()
		var lengths []*command.Future[int64]
		for i := range 600 {
			lengths = append(lengths, p.Append(keys[i%300], "x"))
		}
		f.must(p.Exec(f.ctx))
		for i, n := range lengths {
			if n.Value() != int64(1+i/300) {
				f.Fatalf("APPEND %d: %d", i, n.Value())
			}
		}

		n := p.Incr("{tag}n")
		p.Set("{tag}v", 1)
		f.must(p.Multi(f.ctx))
		if n.Value() != 1 {
			f.Errorf("INCR: %d", n.Value())
		}
		p.Incr("a")
		p.Incr("b")
		if err := p.Multi(f.ctx); !errors.Is(err, cluster.ErrCrossSlot) {
			f.Errorf("a transaction across slots: %v", err)
		}
		var doubled sync.WaitGroup
		for range 10 {
			doubled.Go(func() {
				_, err := redis.Transaction(f.ctx, client, func(s *redis.Session, b *command.Batch) (int64, error) {
					n, err := command.AsInt(command.Get("{tag}n")).Do(f.ctx, s)
					b.Set("{tag}n", 2*n)
					return 2 * n, err
				}, "{tag}n")
				if err != nil {
					f.Errorf("%v", err)
				}
			})
		}
		doubled.Wait()
		if v, err := client.Get(f.ctx, "{tag}n"); v != "1024" || err != nil {
			f.Errorf("%q, %v", v, err)
		}

		script := command.NewScript("return redis.call('INCR', KEYS[1])")
		for i := range 20 {
			if n, err := command.AsInt(script.Call([]string{fmt.Sprint("script", i)})).Do(f.ctx, client); n != 1 || err != nil {
				f.Errorf("a script: %d, %v", n, err)
			}
		}
		known, err := client.ScriptExists(f.ctx, script.Hash(), "0000000000000000000000000000000000000000")
		if err != nil || !slices.Equal(known, []bool{true, false}) {
			f.Errorf("SCRIPT EXISTS: %v, %v", known, err)
		}
		f.must(client.ScriptFlush(f.ctx))
		for i, node := range f.cluster.Nodes() { // one at each, replicas too
			subscriber := f.openNode(node)
			sub, err := subscriber.Subscribe(f.ctx, "news", fmt.Sprint("news", i%2))
			f.must(err)
			defer sub.Close()
			patterns, err := subscriber.PSubscribe(f.ctx, "n*", fmt.Sprint(i, "*"))
			f.must(err)
			defer patterns.Close()
		}
		counts, err := client.PubSubNumSub(f.ctx, "news", "nobody", "news0")
		if want := []command.ChannelCount{{Channel: "news", Subscribers: 6}, {Channel: "nobody"}, {Channel: "news0", Subscribers: 3}}; err != nil || !slices.Equal(counts, want) {
			f.Errorf("PUBSUB NUMSUB: %v, %v", counts, err)
		}
		channels, err := client.PubSubChannels(f.ctx, "")
		if err != nil || !slices.Equal(channels, []string{"news", "news0", "news1"}) {
			f.Errorf("PUBSUB CHANNELS: %q, %v", channels, err)
		}
		if n, err := client.PubSubNumPat(f.ctx); n != 12 || err != nil {
			f.Errorf("PUBSUB NUMPAT: %d, %v", n, err)
		}
		if n, err := client.SPublish(f.ctx, "orders", "m"); f.has("7.0") && (n != 0 || err != nil) {
			f.Errorf("SPUBLISH: %d, %v", n, err)
		}
		if v, err := client.BLPop(f.ctx, 10*time.Millisecond, "{tag}list"); !errors.Is(err, redis.Nil) {
			f.Errorf("BLPOP: %v, %v", v, err)
		}
		if n := len(client.Topology().Shards()); n != 3 || len(client.Topology().Uncovered()) > 0 {
			f.Errorf("%d shards", n)
		}
	})
}

// Replicas answer reads, where they are asked to.
func TestClusterReadsFromReplicas(t *testing.T) {
	sharedCluster(t, func(f *clusterFixture) {
		for name, from := range map[string]cluster.ReadFrom{"prefer replica": cluster.PreferReplica, "round robin": cluster.RoundRobin, "latency": cluster.LowestLatency} {
			client := f.openCluster(func(o *cluster.Options) { o.ReadFrom = from })
			err := client.Set(f.ctx, "k", name)
			f.must(err)
			f.eventually("the value at the replica", func() bool {
				for range 4 {
					if v, err := client.Get(f.ctx, "k"); v != name {
						f.must(err)
						return false
					}
				}
				return true
			})
			if from == cluster.PreferReplica {
				owner, err := f.cluster.NodeOf(f.ctx, slot.Of("k"))
				f.must(err)
				f.at(owner, "CONFIG", "RESETSTAT")
				for range 10 {
					_, err := client.Get(f.ctx, "k")
					f.must(err)
				}
				if stats := f.at(owner, "INFO", "commandstats"); strings.Contains(stats, "cmdstat_get:") {
					f.Errorf("the primary was read from: %s", stats)
				}
			}
			f.must(client.Close())
		}
	})
}

// While a slot moves, nothing is lost and nothing runs twice.
func TestClusterSlotMoves(t *testing.T) {
	ownCluster(t, servers.ClusterConfig{}, func(f *clusterFixture) {
		client := f.openCluster(nil)
		number := slot.Of("{tag}")
		from, err := f.cluster.NodeOf(f.ctx, number)
		f.must(err)
		to := f.cluster.Nodes()[(slices.Index(f.cluster.Nodes(), from)+1)%3]
		ctx, stop := context.WithCancel(f.ctx)
		defer stop()
		var callers sync.WaitGroup
		var done [8]atomic.Int64
		for i := range done {
			callers.Go(func() {
				for round := 0; ctx.Err() == nil; round++ {
					key := fmt.Sprintf("{tag}%d-%d", i, round%50)
					var err error
					switch round % 3 {
					case 0:
						_, err = client.Incr(f.ctx, key)
					case 1:
						var b command.Batch
						b.Incr(key)
						b.Incr("elsewhere" + key[5:])
						err = client.Exec(f.ctx, &b)
					default:
						var b command.Batch
						b.Incr(key)
						err = client.Multi(f.ctx, &b)
					}
					if err != nil {
						f.Errorf("%v", err)
						return
					}
					done[i].Add(1)
				}
			})
		}
		total := func() (n int64) {
			for i := range done {
				n += done[i].Load()
			}
			return n
		}
		for range 3 { // there, back, and there
			before := total()
			f.must(f.cluster.MigrateSlot(f.ctx, number, from, to))
			f.eventually("more of the commands", func() bool { return total() > before+100 })
			from, to = to, from
		}
		stop()
		callers.Wait()
		sum := int64(0)
		for i := range done {
			for round := range 50 {
				v, err := command.AsInt(command.Get(fmt.Sprintf("{tag}%d-%d", i, round))).Do(f.ctx, client)
				if !errors.Is(err, redis.Nil) {
					f.must(err)
				}
				sum += v
			}
		}
		if sum != total() {
			f.Errorf("%d INCRs were answered, and %d have run", total(), sum)
		}
		if owner, _ := client.Topology().ShardOf(number); owner.Primary.Addr != from.Addr {
			f.Errorf("the slot is with %s, and the client thinks with %s", from.Addr, owner.Primary.Addr)
		}
	})
}

// A primary is paused, or killed, and its replica promoted: the cluster is usable within a
// second of that.
func TestClusterFailover(t *testing.T) {
	ownCluster(t, servers.ClusterConfig{Replicas: 1}, func(f *clusterFixture) {
		client := f.openCluster(nil)
		for i, fault := range []func(*servers.Node, context.Context) error{(*servers.Node).Kill, (*servers.Node).Pause} {
			old, replica := f.cluster.Nodes()[i], f.cluster.Nodes()[3+i]
			key := ""
			for n := 0; key == ""; n++ {
				candidate := fmt.Sprint("key", n)
				if owner, err := f.cluster.NodeOf(f.ctx, slot.Of(candidate)); err == nil && owner == old {
					key = candidate
				}
			}
			err := client.Set(f.ctx, key, "v")
			f.must(err)
			usable := make(chan time.Time, 1)
			f.must(fault(old, f.ctx))
			go func() {
				for f.ctx.Err() == nil {
					if err := client.Set(f.ctx, key, "v"); err == nil {
						break
					}
				}
				usable <- time.Now()
			}()
			f.must(f.cluster.AwaitPromoted(f.ctx, replica, old))
			promoted := time.Now()
			took := (<-usable).Sub(promoted)
			f.Logf("usable %v after the promotion was seen by all", took)
			if took > time.Second {
				f.Errorf("usable only %v after the promotion", took)
			}
			if v, err := client.Get(f.ctx, key); v != "v" || err != nil {
				f.Errorf("GET: %q, %v", v, err)
			}
			if i == 0 {
				f.must(old.Start(f.ctx))
			} else {
				f.must(old.Unpause(f.ctx))
			}
			f.must(f.cluster.AwaitHealthy(f.ctx))
		}
	})
}

// TLS and a password.
func TestClusterSecuredClient(t *testing.T) {
	ownCluster(t, servers.ClusterConfig{Password: "secret", TLS: true}, func(f *clusterFixture) {
		client := f.openCluster(func(o *cluster.Options) {
			o.Node.Password = redis.NewSecret("secret")
			o.Node.TLS = f.server.TLSConfig()
		})
		for i := range 50 {
			err := client.Set(f.ctx, fmt.Sprint("key", i), i)
			f.must(err)
		}
		if n, err := client.DBSize(f.ctx); n != 50 || err != nil {
			f.Errorf("DBSIZE: %d, %v", n, err)
		}
	})
}
