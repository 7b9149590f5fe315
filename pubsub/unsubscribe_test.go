package pubsub

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/internal/hub"
)

// unsubscribing begins an Unsubscribe and lets it come as far as it can.
func (w *world) unsubscribing(sub *Subscription, channels ...string) <-chan error {
	return async(func() error { return sub.Unsubscribe(context.Background(), channels...) })
}

// wantLastGap expects that the stream ends with a gap: from so long after start
// to so long after it.
func (w *world) wantLastGap(sub *Subscription, reason Reason, start time.Time, from, to time.Duration) {
	w.Helper()
	msg, err := sub.Next(context.Background())
	gap := msg.Gap
	if err != nil || msg.Kind != KindGap || gap.Reason != reason || gap.From.Sub(start) != from || gap.To.Sub(start) != to || gap.Dropped != 0 {
		w.Fatalf("the last item is %v, %v", msg, err)
	}
	w.want(sub, "closed")
	if final := sub.Stats().FinalGap; final != nil {
		w.Fatalf("the final gap is %v", final)
	}
}

func TestUnsubscribeDeliversWhatTheServerSentBefore(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channels("x", "y"))
		result := w.unsubscribing(sub)
		w.wantBusy(result)
		w.wantEvents(sub, "subscribed x 1", "subscribed y 2")
		w.publish("x", "1") // the server has not seen UNSUBSCRIBE yet
		w.publish("y", "2")
		w.confirm()
		w.wantResult(result, nil)
		w.publish("x", "too late")
		w.want(sub, "x:1", "y:2", "closed")
		if got := sub.Stats(); got != (Stats{Delivered: 2}) {
			t.Errorf("stats are %+v", got)
		}
		w.wantClean()
	})
}

// Where the server takes several commands, or none because others stay, one
// answer tells that nothing more is to come.
func TestUnsubscribeWaitsForTheLastCommand(t *testing.T) {
	storyWith(t, hub.Options{CommandNames: 1}, func(w *world) {
		other := w.subscribe(Channels("x", "z"))
		sub := w.subscribe(Channels("x", "y", "z"))
		gone := async(func() error { return sub.Unsubscribe(context.Background(), "z", "y", "y") })
		w.wantSent("UNSUBSCRIBE y") // its fence does for z
		w.publish("z", "1")
		w.confirm()
		w.wantResult(gone, nil)
		w.publish("z", "2")
		w.want(sub, "z:1")
		w.want(other, "z:1", "z:2")

		gone = w.unsubscribing(other)
		w.wantSent("UNSUBSCRIBE z")
		w.publish("x", "3")
		w.confirm()
		w.wantResult(gone, nil)
		w.want(other, "x:3", "closed")
		w.publish("x", "4")
		w.want(sub, "x:3", "x:4")

		more := w.subscribe(Channels("a", "b"))
		gone = w.unsubscribing(more)
		w.confirm()
		w.wantBusy(gone)
		w.publish("a", "on the way to the second fence")
		w.confirm()
		w.wantResult(gone, nil)
		w.want(more, "a:on the way to the second fence", "closed")
	})
}

func TestUnsubscribeUnacknowledgedTellsAGap(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channels("x", "y"))
		start := time.Now()
		time.Sleep(time.Second)
		if err := sub.Unsubscribe(context.Background(), "x"); !errors.Is(err, ErrSubscribeTimeout) {
			t.Error(err)
		}
		w.publish("x", "too late")
		w.publish("y", "1")
		msg, _ := sub.TryNext()
		if g := msg.Gap; msg.Payload != "1" || g == nil || g.Reason != Closed ||
			g.From.Sub(start) != time.Second || g.Duration() != 100*time.Millisecond {
			t.Errorf("received %v", msg)
		}

		ctx, cancel := context.WithCancel(context.Background())
		result := async(func() error { return sub.Unsubscribe(ctx) })
		time.Sleep(time.Millisecond)
		w.wantBusy(result)
		cancel()
		w.wantResult(result, context.Canceled)
		w.publish("y", "too late")
		w.wantLastGap(sub, Closed, start, 1100*time.Millisecond, 1101*time.Millisecond)
		w.confirmAll()
		w.wantClean()
	})
}

func TestLinkLostWhileUnsubscribing(t *testing.T) {
	story(t, func(w *world) {
		start := time.Now()
		sub := w.subscribe(Channel("x"))
		other := w.subscribe(Channels("y", "z"))
		third := w.subscribe(Channel("y"))
		one := w.unsubscribing(sub)
		two := w.unsubscribing(other, "y")
		w.wantSent("UNSUBSCRIBE x", "PING "+pingToken)
		w.publish("x", "1")
		time.Sleep(20 * time.Millisecond)
		w.hub.Main().LinkLost(start.Add(10*time.Millisecond), io.EOF)
		w.wantResult(one, ErrNotConnected)
		w.wantResult(two, ErrNotConnected)
		if got := read(sub, 1); got[0] != "x:1" {
			t.Errorf("received %q", got)
		}
		w.wantLastGap(sub, Reconnect, start, 10*time.Millisecond, 20*time.Millisecond)
		w.wantEvents(sub, "subscribed x 1", "disconnected", "unsubscribed x 0", "closed")
		w.linkUp()
		w.confirmAll()
		w.publish("y", "2")
		w.publish("z", "3")
		w.want(other, "gap(reconnect,0) z:3")
		w.want(third, "gap(reconnect,0) y:2")
	})
}

func TestSubscribeWhileAnotherUnsubscribes(t *testing.T) {
	story(t, func(w *world) {
		old := w.subscribe(Channels("x", "y"))
		gone := w.unsubscribing(old, "x")
		sub, result := w.subscribing(Channel("x"))
		w.wantSent("UNSUBSCRIBE x", "SUBSCRIBE x")
		w.publish("x", "1")
		c, _ := w.link.pop()
		w.confirmNames(c)
		w.wantBusy(result) // that was of the UNSUBSCRIBE
		c.done(nil)
		w.wantResult(gone, nil)
		w.confirm()
		w.wantResult(result, nil)
		w.publish("x", "2")
		w.want(old, "x:1")
		w.want(sub(), "x:2")
		if w.link.failed != nil {
			t.Error(w.link.failed)
		}
	})
}

// A subscription is in an entry once: no message comes twice to one that takes a
// name off and adds it again, nor is one lost in between.
func TestSubscribeWaitsForOnesOwnUnsubscribe(t *testing.T) {
	story(t, func(w *world) {
		w.subscribe(Channel("x"))
		sub := w.subscribe(Channels("x", "y"))
		gone := w.unsubscribing(sub, "x")
		back := async(func() error { return sub.Subscribe(context.Background(), "y", "x") })
		w.wantSent("PING " + pingToken)
		w.publish("x", "1")
		w.wantBusy(back)
		w.confirm()
		w.wantResult(gone, nil)
		w.wantResult(back, nil)
		w.publish("x", "2")
		w.want(sub, "x:1", "x:2")
		w.wantEvents(sub, "subscribed x 1", "subscribed y 2", "unsubscribed x 1", "subscribed x 2")
	})
	storyWith(t, hub.Options{UnsubscribeTimeout: time.Hour}, func(w *world) {
		sub := w.subscribe(Channels("x", "y"))
		w.unsubscribing(sub, "x")
		var missing *UnacknowledgedError
		err := sub.Subscribe(context.Background(), "x")
		if !errors.Is(err, ErrSubscribeTimeout) || !errors.As(err, &missing) || missing.Missing != 1 {
			t.Errorf("the error is %v", err)
		}
		ended := async(func() error { return sub.Subscribe(context.Background(), "x") })
		w.wantBusy(ended)
		sub.Close()
		w.wantResult(ended, ErrEnded)
	})
}

func TestUnsubscribingTheLastNameTakesNoMore(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channels("x", "y"))
		one := w.unsubscribing(sub, "x")
		two := w.unsubscribing(sub, "y")
		for _, name := range []string{"x", "z"} {
			if err := sub.Subscribe(context.Background(), name); err != ErrEnded {
				t.Errorf("the error is %v", err)
			}
		}
		w.confirm()
		w.wantResult(one, nil)
		w.publish("y", "1")
		w.confirm()
		w.wantResult(two, nil)
		w.want(sub, "y:1", "closed")
		w.wantResult(w.unsubscribing(sub), ErrEnded)
	})
}

// A name may be on its way to a subscription that unsubscribes the last one it
// has; if it does not come, nothing is left. The call that fails because of it
// does not make the other's name leave early.
func TestUnsubscribeWhileAnotherNameIsRefused(t *testing.T) {
	storyWith(t, hub.Options{CommandNames: 1}, func(w *world) {
		sub := w.subscribe()
		more := async(func() error { return sub.Subscribe(context.Background(), "x", "y") })
		w.confirm()
		gone := w.unsubscribing(sub, "x")
		w.wantSent("SUBSCRIBE y", "UNSUBSCRIBE x")
		w.publish("x", "1")
		w.refuse("NOPERM", "no")
		synctest.Wait()
		var refused *RefusedError
		if err := <-more; !errors.As(err, &refused) {
			t.Errorf("the error is %v", err)
		}
		w.publish("x", "2")
		w.confirm()
		w.wantResult(gone, nil)
		w.want(sub, "x:1", "x:2", "closed")
		w.wantClean()
	})
}

func TestUnsubscribeTwiceAtOnce(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channels("x", "y"))
		one := w.unsubscribing(sub, "x")
		two := w.unsubscribing(sub, "x")
		w.wantSent("UNSUBSCRIBE x", "PING "+pingToken)
		w.publish("x", "1")
		w.confirm()
		w.wantResult(one, nil)
		w.wantBusy(two)
		w.confirm()
		w.wantResult(two, nil)
		w.publish("y", "2")
		w.want(sub, "x:1", "y:2")
		w.wantEvents(sub, "subscribed x 1", "subscribed y 2", "unsubscribed x 1")

		// Whichever of the calls returns first, nothing comes afterwards.
		one = w.unsubscribing(sub, "y")
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		w.wantResult(async(func() error { return sub.Unsubscribe(ctx, "y") }), context.Canceled)
		w.publish("y", "3")
		w.want(sub, "gap(closed,0)", "closed")
		w.confirmAll()
		w.wantResult(one, nil)
		w.wantClean()
	})
}

// The last one that wants a name may go while others are leaving.
func TestLastOneStopsWhileOthersAreLeaving(t *testing.T) {
	story(t, func(w *world) {
		stays := w.subscribe(Channel("x"))
		sub := w.subscribe(Channel("x"))
		gone := w.unsubscribing(sub)
		stays.Close()
		next, result := w.subscribing(Channel("x"))
		w.wantSent("PING "+pingToken, "UNSUBSCRIBE x", "SUBSCRIBE x")
		w.publish("x", "1")
		w.confirm()
		w.wantResult(gone, nil)
		w.publish("x", "2") // for nobody any more
		w.confirm()
		w.confirm()
		w.wantResult(result, nil)
		w.want(sub, "x:1", "closed")
		w.want(next())
	})
}

func TestCloseWhileUnsubscribing(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channels("x", "y"))
		gone := w.unsubscribing(sub, "x")
		w.publish("x", "1")
		sub.Close()
		w.want(sub, "x:1", "closed")
		w.wantSent("UNSUBSCRIBE x", "UNSUBSCRIBE y")
		w.publish("x", "2")
		w.confirmAll()
		w.wantResult(gone, nil)
		if gap := sub.Stats().FinalGap; gap != nil {
			t.Errorf("the final gap is %v", gap)
		}
		w.wantClean()
	})
}

func TestHubCloseWhileUnsubscribing(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channel("x"))
		gone := w.unsubscribing(sub)
		start := time.Now()
		w.hub.Close(io.ErrClosedPipe)
		w.wantResult(gone, io.ErrClosedPipe)
		if sub.Err() != io.ErrClosedPipe || time.Since(start) != 0 {
			t.Errorf("Err is %v after %v", sub.Err(), time.Since(start))
		}
	})
}

// The server may take a shard channel away before it sees that we leave it. It
// says the same then, but once more than we asked for.
func TestShardChannelTakenAwayWhileUnsubscribing(t *testing.T) {
	for _, refused := range []bool{false, true} {
		story(t, func(w *world) {
			start := time.Now()
			sub := w.subscribe(ShardChannel("s"))
			gone := async(func() error { return sub.SUnsubscribe(context.Background()) })
			w.push("smessage", "s", "1")
			w.push("sunsubscribe", "s", 0)
			time.Sleep(time.Millisecond)
			if refused {
				w.refuse("MOVED", "1 127.0.0.1:7001")
			} else {
				w.confirm()
			}
			w.wantResult(gone, errTakenAway)
			if got := read(sub, 1); got[0] != "s:1" {
				t.Errorf("received %q", got)
			}
			w.wantLastGap(sub, Moved, start, 0, time.Millisecond)
			w.wantSent()
		})
	}
}

func TestUnsubscribeRefused(t *testing.T) {
	var log strings.Builder
	storyWith(t, hub.Options{Logger: textLogger(&log)}, func(w *world) {
		sub := w.subscribe(Channel("x"))
		gone := w.unsubscribing(sub)
		w.publish("x", "1")
		w.refuse("NOPERM", "no")
		w.wantResult(gone, nil)
		w.publish("x", "2") // on and on, for nobody
		w.want(sub, "x:1", "closed")
		if gap := sub.Stats().FinalGap; gap != nil {
			t.Errorf("the final gap is %v", gap)
		}
		if !strings.Contains(log.String(), "unsubscribing failed") {
			t.Errorf("logged %q", log.String())
		}
	})
}

func TestUnsubscribeGapMarker(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(GapMarkers(), Channel("x"))
		if err := sub.Unsubscribe(context.Background()); !errors.Is(err, ErrSubscribeTimeout) {
			t.Error(err)
		}
		w.want(sub, "gap(closed,0)", "closed")
		if gap := sub.Stats().FinalGap; gap != nil {
			t.Errorf("the final gap is %v", gap)
		}
	})
}

// A subscription may have timeouts of its own.
func TestTimeouts(t *testing.T) {
	story(t, func(w *world) {
		start := time.Now()
		_, result := w.subscribing(Channel("x"), Timeouts(time.Minute, 0))
		time.Sleep(30 * time.Second) // the hub's is a second
		w.wantBusy(result)
		time.Sleep(31 * time.Second)
		w.wantResult(result, ErrSubscribeTimeout)
		if took := time.Since(start); took > 62*time.Second {
			t.Errorf("it took %v", took)
		}
		w.confirmAll()
		sub := w.subscribe(Channel("y"), Timeouts(0, time.Minute))
		left := async(func() error { return sub.Unsubscribe(context.Background()) })
		time.Sleep(59 * time.Second)
		w.wantBusy(left)
		time.Sleep(2 * time.Second)
		w.wantResult(left, ErrSubscribeTimeout)
		sub.Close()
		w.confirmAll()
	})
}

// Where there is nothing to wait for, a context that has ended is no error.
func TestUnsubscribeThatNeedNotWait(t *testing.T) {
	story(t, func(w *world) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		for range 50 {
			sub := w.subscribe(Channel("x"))
			w.linkLost()
			if err := sub.Unsubscribe(ctx); err != nil {
				t.Fatal(err)
			}
			w.linkUp()
		}
	})
}

// A subscription whose last name goes while another one is being asked for ends when that
// fails: nobody would ever receive anything from it. One that never had a name stays.
func TestLastNameGoesBeforeANewOneFails(t *testing.T) {
	for _, refused := range []bool{false, true} {
		story(t, func(w *world) {
			sub := w.subscribe(Channel("x"))
			w.publish("x", "1")
			result := async(func() error { return sub.Subscribe(context.Background(), "y") })
			gone := w.unsubscribing(sub, "x")
			time.Sleep(200 * time.Millisecond) // nothing is answered
			w.wantResult(gone, ErrSubscribeTimeout)
			if refused {
				w.refuse("ERR", "no")
				synctest.Wait()
				var refusal *RefusedError
				if err := <-result; !errors.As(err, &refusal) {
					t.Errorf("Subscribe: %v", err)
				}
			} else {
				time.Sleep(time.Second)
				w.wantResult(result, ErrSubscribeTimeout)
			}
			w.confirmAll()
			w.want(sub, "x:1", "gap(closed,0)", "closed")
			if err := sub.Err(); err != nil {
				t.Errorf("Err: %v", err)
			}
			w.wantClean()
		})
	}
	story(t, func(w *world) {
		sub := w.subscribe()
		result := async(func() error { return sub.Subscribe(context.Background(), "y") })
		w.refuse("ERR", "no")
		if err := <-result; err == nil {
			t.Error("a refused name is subscribed")
		}
		result = async(func() error { return sub.Subscribe(context.Background(), "z") })
		w.confirmAll()
		w.wantResult(result, nil)
		w.publish("z", "1")
		w.want(sub, "z:1")
	})
}
