package integration

import (
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redchan-go/redchan/cluster"
	"github.com/redchan-go/redchan/cluster/slot"
	"github.com/redchan-go/redchan/integration/servers"
	"github.com/redchan-go/redchan/pubsub"
)

// farClient returns a client of the cluster for which every node is a round trip away.
func (f *clusterFixture) farClient(roundTrip time.Duration) *cluster.Client {
	f.Helper()
	far := map[string]string{}
	var proxies []*servers.Far
	for _, node := range f.cluster.Nodes() {
		proxy, err := servers.NewFar(node.Addr, roundTrip)
		f.must(err)
		proxies = append(proxies, proxy)
		far[node.Addr] = proxy.Addr
	}
	// Registered first, so that they are closed behind the client.
	f.Cleanup(func() {
		for _, proxy := range proxies {
			f.must(proxy.Close())
		}
	})
	return f.openCluster(func(o *cluster.Options) {
		for i, addr := range o.Addrs {
			o.Addrs[i] = far[addr]
		}
		o.MapAddr = func(addr string) string { return far[addr] }
	})
}

// TestShardMoveWindow reports how long a channel is deaf while its slot moves, for a client
// that is 20 ms away, in round trips. What is lost in it lies in a gap.
func TestShardMoveWindow(t *testing.T) {
	const (
		roundTrip = 20 * time.Millisecond
		moves     = 10
	)
	ownCluster(t, servers.ClusterConfig{}, func(f *clusterFixture) {
		f.since("7.0", "shard channels")
		far, near := f.farClient(roundTrip), f.openCluster(nil)
		if _, port, _ := net.SplitHostPort(far.Topology().From); strings.Contains(strings.Join(f.cluster.Addrs(), " "), ":"+port) {
			f.Fatalf("the client is not far: it asked %s", far.Topology().From)
		}
		sub, err := far.NewShardSubscription(f.ctx, pubsub.ShardChannel("moving"), pubsub.GapMarkers(), pubsub.Buffer(1<<20, 1<<30))
		f.must(err)
		var at []time.Time // when each message was published
		var mu sync.Mutex
		stop := make(chan struct{})
		var publishing sync.WaitGroup
		publishing.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				mu.Lock()
				n := len(at)
				at = append(at, time.Now())
				mu.Unlock()
				if _, err := near.SPublish(f.ctx, "moving", n); err != nil {
					f.Errorf("SPUBLISH: %v", err)
					return
				}
			}
		})
		s := slot.Of("moving")
		nodes := f.cluster.Nodes()
		last, first, gap := -1, -1, false
		var windows []time.Duration
		for i := range moves {
			from, err := f.cluster.NodeOf(f.ctx, s)
			f.must(err)
			to := nodes[i%len(nodes)]
			if to == from {
				to = nodes[(i+1)%len(nodes)]
			}
			for gap = false; ; { // until some have come
				msg, err := sub.Next(f.ctx)
				f.must(err)
				if n, _ := strconv.Atoi(msg.Payload); msg.Kind == pubsub.KindShardMessage && n > last+100 {
					last = n
					break
				}
			}
			f.must(f.cluster.MigrateSlot(f.ctx, s, from, to))
			for ; ; last = first {
				msg, err := sub.Next(f.ctx)
				f.must(err)
				if msg.Kind == pubsub.KindGap {
					gap = true
					continue
				}
				if first, err = strconv.Atoi(msg.Payload); err != nil {
					f.Fatal(err)
				}
				if first > last+1 && !gap {
					f.Fatalf("message %d came after %d, and no gap in between", first, last)
				}
				if gap {
					break
				}
			}
			mu.Lock()
			windows = append(windows, at[first].Sub(at[last+1]))
			mu.Unlock()
			last = first
		}
		close(stop)
		publishing.Wait()
		f.must(sub.Close())
		slices.Sort(windows)
		trips := func(d time.Duration) float64 { return float64(d) / float64(roundTrip) }
		f.Logf("a slot's move with a round trip of %v: deaf for %.2f round trips (median of %d; %.2f to %.2f)",
			roundTrip, trips(windows[moves/2]), moves, trips(windows[0]), trips(windows[moves-1]))
	})
}
