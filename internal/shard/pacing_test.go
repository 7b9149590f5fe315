package shard

import (
	"testing"
	"time"

	"github.com/redchan-go/redchan/cluster/slot"
	"github.com/redchan-go/redchan/internal/hub"
	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/pubsub"
)

// refreshing answers refreshes as a cluster's client does, with the same view as long as nothing
// changes, 100 ms apart.
func (w *world) refreshing(o *Options) {
	under := false
	o.Refresh = func(string) {
		w.cluster.mu.Lock()
		defer w.cluster.mu.Unlock()
		w.asked++
		if !under {
			under = true
			time.AfterFunc(100*time.Millisecond, func() {
				w.do(func() { under = false })
				w.update(0)
			})
		}
	}
}

// While a node refuses, it is asked less and less often; another channel does not wait for that,
// and all is asked at once when the view has changed.
func TestRefusalsArePaced(t *testing.T) {
	a := slot.Of("a")
	for name, refuse := range map[string]func(w *world){
		"CLUSTERDOWN": func(w *world) {
			w.owner[a].refuses = &proto.Error{Code: "CLUSTERDOWN", Message: "The cluster is down"}
		},
		"a loop of MOVED": func(w *world) {
			for i, n := range w.nodes[:3] {
				n.believes[a] = belief{w.nodes[(i+1)%3], 1}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			var w *world
			var asked func(string)
			story(t, func(o *Options) { o.Refresh = func(avoid string) { asked(avoid) } }, func(world *world) {
				w = world
				var o Options
				w.refreshing(&o)
				asked = o.Refresh
				w.update(0)
				w.do(func() { refuse(w) })
				go func() {
					_, _ = subscribeTo(w.mux, pubsub.ShardChannels("a", "{a}1", "{a}2"), pubsub.Timeouts(time.Hour, 0))
				}()
				w.wait(time.Second)
				before := w.taken[hub.OpSSubscribe]
				w.do(func() { w.asked = 0 })
				w.wait(30 * time.Second)
				if n := w.taken[hub.OpSSubscribe] - before; n > 60 || n < 10 {
					t.Errorf("SSUBSCRIBE was sent %d times in 30 s", n)
				}
				if w.asked > 60 || w.asked < 10 {
					t.Errorf("the topology was asked for %d times in 30 s", w.asked)
				}

				began := time.Now()
				other := w.subscribe(pubsub.ShardChannels("c"))
				if took := time.Since(began); took > 50*time.Millisecond {
					t.Errorf("another channel took %v", took)
				}
				w.hears(other, "c")

				w.do(func() {
					for i := range w.nodes {
						w.nodes[i].refuses = nil
						w.nodes[i].believes[a] = belief{w.nodes[2], 2}
					}
					w.owner[a] = w.nodes[2]
				})
				w.update(0)
				w.wait(50 * time.Millisecond)
				if n := w.mux.hub.Stats().Unconfirmed; n != 0 {
					t.Errorf("%d names are not confirmed after the view has changed", n)
				}
			})
		})
	}
}
