package hub

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"
)

var (
	x = Name{Channel, "x"}
	y = Name{Channel, "y"}
	p = Name{Pattern, "p*"}
)

// The life of two subscriptions, from the first SUBSCRIBE to the last UNSUBSCRIBE.
func TestLife(t *testing.T) {
	story(t, func(w *world) {
		a := w.add()
		c, _, err := a.Want([]Name{x, p})
		if err != nil {
			t.Fatal(err)
		}
		w.wantSent("SUBSCRIBE x", "PSUBSCRIBE p*")
		w.confirmAll()
		<-c.Done()
		a.Settle(c)
		a.wantTold(t, `confirmed channel "x" on "", lost false`, `confirmed pattern "p*" on "", lost false`)

		b := w.subscribe(x) // which asks for nothing
		w.push("message", "x", "1")
		w.push("pmessage", "p*", "pq", "2")
		a.wantTold(t, `channel "x": x 1`, `pattern "p*": pq 2`)
		b.wantTold(t, `channel "x": x 1`)

		w.Main().LinkLost(time.Time{}, io.EOF)
		b.wantTold(t, `disconnected from "": EOF`, `lost channel "x" on "": <nil>`)
		w.link = &fakeLink{}
		w.Main().LinkUp(w.link)
		w.confirmAll()
		b.wantTold(t, "connected", `confirmed channel "x" on "", lost true`)

		d, _ := a.Depart(Channel, nil)
		w.wantSent("PING " + pingToken) // b stays
		w.push("message", "x", "3")
		w.confirmAll()
		<-d.Done()
		if a.Conclude(d) {
			t.Error("it drains, but has a pattern")
		}
		w.push("message", "x", "4")
		b.wantTold(t, `channel "x": x 3`, `channel "x": x 4`)
		b.Stop(nil)
		w.wantSent("UNSUBSCRIBE x")
		w.confirmAll()
		d, _ = a.Depart(Pattern, []string{"p*"})
		w.wantSent("PUNSUBSCRIBE p*")
		w.confirmAll()
		if !a.Conclude(d) {
			t.Error("it has no names and does not drain")
		}
		a.Stop(nil)
		if got := w.Stats(); got != (Stats{}) || !w.Idle() {
			t.Errorf("%+v is left", got)
		}
	})
}

// A subscription that takes some messages only is given the others again.
func TestDeliverTakesSome(t *testing.T) {
	story(t, func(w *world) {
		a, b := w.subscribe(x, y), w.subscribe(y)
		a.takes = 1
		for _, push := range [][]any{{"message", "x", "1"}, {"message", "x", "2"}, {"message", "y", "3"}} {
			w.collect(push...)
		}
		a.wantTold(t)
		w.Main().Flush()
		a.wantTold(t, `channel "x": x 1`, `channel "x": x 2`, `channel "y": y 3`)
		b.wantTold(t, `channel "y": y 3`)
		for _, d := range w.main.collected[:cap(w.main.collected)] {
			if d != (Delivery{}) {
				t.Fatalf("%v is kept", d)
			}
		}
	})
}

// The subscriptions of a context are kept together, and no longer than they live.
func TestLives(t *testing.T) {
	story(t, func(w *world) {
		ctx, cancel := context.WithCancelCause(context.Background())
		below, cancelBelow := context.WithCancel(ctx)
		defer cancelBelow()
		var sinks []*fakeSink
		for _, ctx := range []context.Context{ctx, ctx, below, context.Background()} {
			s := w.add()
			s.Live(ctx)
			sinks = append(sinks, s)
		}
		wantLives := func(want int) {
			t.Helper()
			if n := len(w.lives.contexts); n != want {
				t.Errorf("%d contexts are watched over, want %d", n, want)
			}
		}
		wantLives(2)
		sinks[0].Stop(nil)
		cancelBelow()
		<-sinks[2].Done()
		wantLives(1)
		cancel(io.ErrClosedPipe)
		<-sinks[1].Done()
		sinks[1].wantTold(t, "stopped: io: read/write on closed pipe")
		wantLives(0)
		synctest.Wait()
		sinks[3].wantTold(t)
		ended := w.add()
		ended.Stop(nil)
		ended.Live(below) // too late
		wantLives(0)
	})
}

// A PING in the middle of Close finds no link, and says so.
func TestPingWhileClosing(t *testing.T) {
	story(t, func(w *world) {
		s := w.subscribe(x)
		w.mu.Lock() // as Close begins
		w.closed, w.closeErr = true, io.ErrClosedPipe
		w.main.unlink()
		w.mu.Unlock()
		var closed *ClosedError
		if _, err := s.Ping("data", nil); !errors.As(err, &closed) || !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("PING: %v", err)
		}
		if err := w.Hub.Add(new(Subscriber), s, nil); !errors.As(err, &closed) {
			t.Errorf("Add: %v", err)
		}
	})
}

func TestDrop(t *testing.T) {
	h := New(Options{})
	l := h.NewLane("a")
	h.NewLane("b")
	l.Drop()
	if len(h.lanes) != 2 || h.lanes[0] != h.Main() || h.lanes[1].Node() != "b" {
		t.Errorf("%d lanes are left", len(h.lanes))
	}
}

// A link may be told to fail only while the hub's lock is free: closing a
// connection may take its time, and every call of every subscription would wait for it.
func TestNoLockIsHeldWhileALinkFails(t *testing.T) {
	for what, misbehave := range map[string]func(w *world){
		"malformed message":       func(w *world) { w.push("message", "x") },
		"unexpected confirmation": func(w *world) { w.push("subscribe", "y", 1) },
		"answer without confirmations": func(w *world) {
			if _, _, err := w.add().Want([]Name{{Channel, "z"}}); err != nil {
				w.Error(err)
			}
			w.wantSent("SUBSCRIBE z")
			w.link.done[0](nil)
		},
	} {
		t.Run(what, func(t *testing.T) {
			story(t, func(w *world) {
				w.subscribe(x)
				failed := false
				w.link.fails = func(error) {
					failed = true
					if !w.mu.TryLock() {
						t.Error("the link was told to fail with the hub's lock held")
						return
					}
					w.mu.Unlock()
				}
				misbehave(w)
				if !failed {
					t.Error("the link was not told to fail")
				}
			})
		})
	}
}
