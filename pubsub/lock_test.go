package pubsub

import (
	"runtime"
	"testing"
)

// unlockedLink is a link that may be told to fail only while the hub's lock is free: closing a
// connection may take its time, and every call of every subscription would wait for it.
type unlockedLink struct {
	*fakeLink
	t   *testing.T
	hub *Hub
}

func (l *unlockedLink) Fail(err error) {
	l.fakeLink.Fail(err)
	for range 10_000 { // others may hold it for a moment
		if l.hub.mu.TryLock() {
			l.hub.mu.Unlock()
			return
		}
		runtime.Gosched()
	}
	l.t.Error("the link was told to fail with the hub's lock held")
}

func TestNoLockIsHeldWhileALinkFails(t *testing.T) {
	for what, misbehave := range map[string]func(w *world){
		"malformed message":       func(w *world) { w.push("message", "x") },
		"unexpected confirmation": func(w *world) { w.push("subscribe", "y", 1) },
		"answer without confirmations": func(w *world) {
			go func() { _, _ = w.hub.Subscribe(w.Context(), Channel("z")) }()
			w.wantSent("SUBSCRIBE z")
			c, _ := w.link.pop()
			c.done(nil)
		},
	} {
		t.Run(what, func(t *testing.T) {
			story(t, func(w *world) {
				w.subscribe(Channel("x"))
				w.linkLost()
				w.link = &fakeLink{}
				w.lane().LinkUp(&unlockedLink{w.link, t, w.hub})
				w.confirmAll()
				misbehave(w)
				if w.link.failed == nil {
					t.Error("the link was not told to fail")
				}
			})
		})
	}
}
