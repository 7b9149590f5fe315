package shard

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/cluster/slot"
	"github.com/redchan-go/redchan/pubsub"
)

// replicaOf returns the replica of a node. The cluster's mu is held.
func (w *world) replicaOf(old *simNode) *simNode {
	for _, n := range w.nodes {
		if n.master == old {
			return n
		}
	}
	w.Fatal("no replica")
	return nil
}

// A primary that was cut off learns late that a replica has taken its place, and only then
// takes its channels away. What the new primary was sent until then is missing: the gap begins
// when another node last said that the old one serves the slot.
func TestGapOfAHealedFailover(t *testing.T) {
	for name, replicas := range map[string]bool{"primaries": false, "replicas": true} {
		t.Run(name, func(t *testing.T) {
			story(t, func(o *Options) { o.Replicas = replicas }, func(w *world) {
				w.update(4)
				sub := w.subscribe(pubsub.ShardChannel("a"), pubsub.GapMarkers())
				w.wait(time.Second)
				w.update(4)
				proven := time.Now()
				w.wait(time.Second)
				old := w.owner[slot.Of("a")]
				w.do(func() {
					w.pushesAtPromoted = replicas // the replica is where the channel is
					old.cutOff = true
					w.promote(w.replicaOf(old))
				})
				promoted := time.Now()
				w.publish("a")
				w.wait(5 * time.Second)
				w.do(func() { // it is back, and hears
					old.cutOff = false
					old.demote(w.owner[slot.Of("a")])
				})
				w.wait(time.Second)
				w.update(4)
				w.wait(time.Second)
				w.publish("a")
				synctest.Wait()
				gap, ok := sub.TryNext()
				for ok && gap.Kind != pubsub.KindGap {
					gap, ok = sub.TryNext()
				}
				if !ok || gap.Gap.From.After(promoted) || gap.Gap.From.Before(proven) {
					t.Fatalf("promoted at %v, proven at %v: received %v", promoted, proven, gap)
				}
			})
		})
	}
}

// Where a slot is moved from one primary to another, the old one says so at once: the gap is
// as long as the way to the new one.
func TestGapOfAMigration(t *testing.T) {
	story(t, nil, func(w *world) {
		w.update(4)
		sub := w.subscribe(pubsub.ShardChannel("a"), pubsub.GapMarkers())
		w.wait(9 * time.Second)
		moved := time.Now()
		w.do(func() {
			to := w.nodes[0]
			if w.owner[slot.Of("a")] == to {
				to = w.nodes[1]
			}
			w.move(slot.Of("a"), to)
		})
		w.wait(time.Second)
		gap, err := sub.Next(context.Background())
		if err != nil || gap.Kind != pubsub.KindGap || gap.Gap.From.Before(moved) || gap.Gap.To.Sub(moved) > 200*time.Millisecond {
			t.Errorf("moved at %v: received %v, %v", moved, gap, err)
		}
	})
}
