package integration

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/redchan-go/redchan/cluster"
	"github.com/redchan-go/redchan/cluster/slot"
	"github.com/redchan-go/redchan/integration/servers"
	"github.com/redchan-go/redchan/pubsub"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
)

// TestManyShardNamesComeBack loses the connections under 10,000 shard names of three slots, with
// every processor busy, and reports how long it takes until all are confirmed again.
func TestManyShardNamesComeBack(t *testing.T) {
	const count, losses = 10_000, 10
	ownCluster(t, servers.ClusterConfig{}, func(f *clusterFixture) {
		f.since("7.0", "shard channels")
		client := f.openCluster(func(o *cluster.Options) { o.Node.SubscribeTimeout = 30 * time.Second })
		var names []string
		slots := map[int]bool{}
		for i := 0; len(slots) < 3; i++ {
			tag := fmt.Sprint(i)
			if s := slot.Of(tag); !slots[s] {
				slots[s] = true
				for j := range count / 3 {
					names = append(names, fmt.Sprintf("{%s}%d", tag, j))
				}
			}
		}
		sub, err := client.NewShardSubscription(f.ctx, pubsub.ShardChannels(names...), pubsub.GapMarkers())
		f.must(err)
		var killers []*redis.Client
		for _, node := range f.cluster.Nodes() {
			killers = append(killers, f.openNode(node))
		}
		stop := make(chan struct{})
		var load sync.WaitGroup
		for range 2 * runtime.GOMAXPROCS(0) {
			load.Go(func() {
				for n := 0; ; n++ {
					select {
					case <-stop:
						return
					default:
						_ = fmt.Sprint(n)
					}
				}
			})
		}
		defer load.Wait()
		defer close(stop)
		between := time.NewTicker(300 * time.Millisecond) // losses
		defer between.Stop()
		for range losses {
			<-between.C
			began := time.Now()
			var kills sync.WaitGroup
			for _, killer := range killers {
				kills.Go(func() { _, _ = killer.ClientKill(f.ctx, command.WhereType("pubsub")) })
			}
			kills.Wait()
			killed := time.Since(began)
			gap, err := sub.Next(f.ctx)
			f.must(err)
			if gap.Kind != pubsub.KindGap {
				f.Errorf("after the loss came %v", gap)
			}
			f.Logf("%d names are back after %v (killed after %v)", len(names), time.Since(began), killed)
		}
	})
}
