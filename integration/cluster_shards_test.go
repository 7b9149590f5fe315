package integration

import (
	"testing"
	"time"

	"github.com/redchan-go/redchan/cluster/slot"
	"github.com/redchan-go/redchan/integration/servers"
)

// TestShardMigration moves slots forth and back all the time, under a thousand messages a
// second on a hundred shard channels, and under pipelines.
func TestShardMigration(t *testing.T) {
	ownCluster(t, servers.ClusterConfig{Replicas: 1}, func(f *clusterFixture) {
		f.since("7.0", "shard channels")
		client := f.openCluster(nil)
		d := f.startFeed(client, f.openCluster(nil))
		c := f.startCounters(client)
		moves := 0
		nodes := f.cluster.Nodes()[:3]
		for end := time.Now().Add(5 * time.Second); time.Now().Before(end); moves++ {
			// A channel's slot, and now and then a counter's.
			s := slot.Of(d.channels[moves%7])
			if moves%3 == 0 {
				s = slot.Of("counter" + string(rune('1'+moves%9)))
			}
			from, err := f.cluster.NodeOf(f.ctx, s)
			f.must(err)
			to := nodes[moves%len(nodes)]
			if to == from {
				to = nodes[(moves+1)%len(nodes)]
			}
			f.must(f.cluster.MigrateSlot(f.ctx, s, from, to))
		}
		f.Logf("%d slots have moved", moves)
		d.flows("the migrations")
		c.end(false)
		d.end()
	})
}

// TestShardFaults does to a cluster whatever can happen to it, one after the other, under
// the same subscription.
func TestShardFaults(t *testing.T) {
	ownCluster(t, servers.ClusterConfig{Replicas: 1, Proxied: true}, func(f *clusterFixture) {
		f.since("7.0", "shard channels")
		client := f.openCluster(nil)
		d := f.startFeed(client, f.openCluster(nil))
		c := f.startCounters(client)
		d.flows("the start")

		_, replica := f.pair(0)
		f.must(f.cluster.Failover(f.ctx, replica))
		d.flows("a manual failover")

		primary, replica := f.pair(1)
		f.must(primary.Kill(f.ctx))
		f.must(f.cluster.AwaitPromoted(f.ctx, replica, primary))
		d.flows("a killed primary")
		f.must(primary.Start(f.ctx))
		f.must(f.cluster.AwaitHealthy(f.ctx))

		primary, replica = f.pair(2)
		f.must(primary.Pause(f.ctx))
		f.must(f.cluster.AwaitPromoted(f.ctx, replica, primary))
		d.flows("a paused primary")
		f.must(primary.Unpause(f.ctx))
		f.must(f.cluster.AwaitHealthy(f.ctx))
		d.flows("its return")

		primary, replica = f.pair(0)
		f.must(f.cluster.Partition(primary))
		f.must(f.cluster.AwaitPromoted(f.ctx, replica, primary, replica))
		// Whoever publishes knows of it at once: the old primary would take messages still.
		_, err := d.publisher.Refresh(f.ctx)
		f.must(err)
		d.flows("a primary in the minority")
		f.must(f.cluster.Heal())
		f.must(f.cluster.AwaitHealthy(f.ctx))
		d.flows("its return")

		s := slot.Of(d.channels[0])
		owner, err := f.cluster.NodeOf(f.ctx, s)
		f.must(err)
		f.must(f.cluster.DelSlots(f.ctx, s))
		f.must(f.cluster.AddSlots(f.ctx, owner, s))
		f.must(f.cluster.AwaitHealthy(f.ctx))
		d.flows("a slot that nobody served")

		f.must(f.cluster.RollingRestart(f.ctx))
		d.flows("a rolling restart")

		c.end(true)
		d.end()
	})
}

// pair returns the primary of the slots that one of three had at the start, and its replica.
func (f *clusterFixture) pair(i int) (primary, replica *servers.Node) {
	f.Helper()
	primary, err := f.cluster.NodeOf(f.ctx, i*slot.Count/3+10)
	f.must(err)
	replicas, err := f.cluster.ReplicasOf(f.ctx, primary)
	f.must(err)
	if len(replicas) == 0 {
		f.Fatalf("%s has no replica", primary.Addr)
	}
	return primary, replicas[0]
}
