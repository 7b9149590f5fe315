package shard

import (
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/redchan-go/redchan/internal/hub"
	"github.com/redchan-go/redchan/pubsub"
)

// Making a connection's client is no business of the lock that every call of every shard
// subscription needs, nor is closing it.
func TestNoLockIsHeldWhileConnecting(t *testing.T) {
	var w *world
	free := func(what string) {
		for range 10_000 { // others may hold it for a moment
			if w.mux.mu.TryLock() {
				w.mux.mu.Unlock()
				return
			}
			runtime.Gosched()
		}
		t.Errorf("the lock is held while %s", what)
	}
	var connected, closed atomic.Int32
	connect := func(addr string, lane *hub.Lane) (func(), error) {
		free("connecting")
		connected.Add(1)
		stop, err := w.carry(addr, lane)
		return func() {
			free("closing")
			closed.Add(1)
			stop()
		}, err
	}
	story(t, func(o *Options) { o.Connect = connect }, func(world *world) {
		w = world
		w.update(0)
		sub := w.subscribe(pubsub.ShardChannels("a", "b"))
		w.hears(sub, "a")
		_ = sub.Close()
		for range quietViews + 1 {
			w.update(0)
		}
		if connected.Load() == 0 || closed.Load() != connected.Load() {
			t.Errorf("%d connections, %d closed", connected.Load(), closed.Load())
		}
	})
}
