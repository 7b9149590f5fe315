package integration

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/redchan-go/redchan/integration/servers"
	"github.com/redchan-go/redchan/pubsub"
	"github.com/redchan-go/redchan/redis"
)

// numbers publishes numbers to a plain channel at a node, and knows when.
type numbers struct {
	mu sync.Mutex
	at []time.Time
}

// publish publishes until ctx ends.
func (n *numbers) publish(ctx context.Context, node *redis.Client) {
	pace := time.NewTicker(5 * time.Millisecond)
	defer pace.Stop()
	for ctx.Err() == nil {
		n.mu.Lock()
		number := len(n.at)
		n.at = append(n.at, time.Now())
		n.mu.Unlock()
		_, _ = node.Publish(ctx, "numbers", strconv.Itoa(number))
		<-pace.C
	}
}

// TestPlainGapOfAFailover cuts a node off from the others until a replica has taken its place, and heals
// that before the client looks: what its subscription has not had is told by a gap.
func TestPlainGapOfAFailover(t *testing.T) {
	ownCluster(t, servers.ClusterConfig{Replicas: 1, Proxied: true}, func(f *clusterFixture) {
		client := f.openCluster(nil)
		primary, replica := f.pair(0)
		other, _ := f.pair(1)
		sub, err := client.NewSubscriptionAt(f.ctx, primary.Addr, pubsub.Channel("numbers"), pubsub.GapMarkers())
		f.must(err)
		defer sub.Close()

		ctx, stop := context.WithCancel(f.ctx)
		defer stop()
		var n numbers
		var publishing sync.WaitGroup
		publishing.Go(func() { n.publish(ctx, f.openNode(other)) })
		_, err = client.Refresh(f.ctx)
		f.must(err)
		f.must(f.cluster.Partition(primary))
		f.must(f.cluster.AwaitPromoted(f.ctx, replica, primary, replica))
		f.must(f.cluster.Heal())
		f.must(f.cluster.AwaitHealthy(f.ctx))
		_, err = client.Refresh(f.ctx)
		f.must(err)
		f.Cleanup(func() { publishing.Wait() })

		received := map[int]bool{}
		var gaps []*pubsub.Gap
		n.mu.Lock()
		last := len(n.at) + 100
		n.mu.Unlock()
		for number := -1; number < last; {
			msg, err := sub.Next(f.ctx)
			f.must(err)
			if msg.Kind == pubsub.KindGap {
				gaps = append(gaps, msg.Gap)
				continue
			}
			number, err = strconv.Atoi(msg.Payload)
			f.must(err)
			received[number] = true
		}
		stop()
		lost := 0
		for number := range last {
			if received[number] {
				continue
			}
			lost++
			if at := n.at[number]; !covers(gaps, at) {
				f.Fatalf("message %d, published at %v, is missing, and no gap tells of it: %v", number, at, gaps)
			}
		}
		if lost == 0 {
			f.Error("nothing was lost: the test shows nothing")
		}
		f.Logf("%d of %d messages lost, %d gaps", lost, last, len(gaps))
	})
}

// covers reports whether a gap tells of a time.
func covers(gaps []*pubsub.Gap, at time.Time) bool {
	for _, gap := range gaps {
		if !at.Before(gap.From) && !at.After(gap.To) {
			return true
		}
	}
	return false
}
