package pubsub

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/internal/hub"
)

// serveSlowly lets messages arrive on x and then the answer to UNSUBSCRIBE, from a reader that
// a subscription may hold up.
func (w *world) serveSlowly(messages int) {
	go func() {
		w.publish("x", numbers(0, messages)...)
		w.confirm()
	}()
}

// While the subscription itself holds up the reader, the answer to UNSUBSCRIBE cannot be read:
// that is no reason to give up what the server sent before.
func TestUnsubscribeDoesNotCountItsOwnDelay(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channel("x"), Buffer(4, 0), Block(time.Hour))
		gone := w.unsubscribing(sub)
		w.serveSlowly(400)
		received := 0
		for range sub.Messages() {
			time.Sleep(50 * time.Millisecond) // 20 s in all; the timeout is 100 ms
			received++
		}
		if received != 400 {
			t.Errorf("received %d of 400 messages", received)
		}
		w.wantResult(gone, nil)
		if got := sub.Stats(); got != (Stats{Delivered: 400}) {
			t.Errorf("stats are %+v", got)
		}
	})
}

func TestUnsubscribeDoesNotCountItsRunnersDelay(t *testing.T) {
	for _, policy := range []Option{Block(time.Hour), Buffer(1000, 0)} {
		story(t, func(w *world) {
			handled := 0
			sub := w.subscribe(Buffer(4, 0), policy, Handle(Channel("x"), func(context.Context, Message) error {
				time.Sleep(50 * time.Millisecond)
				handled++
				return nil
			}))
			run, err := sub.Run(context.Background(), 1, nil)
			if err != nil {
				t.Fatal(err)
			}
			gone := w.unsubscribing(sub)
			w.serveSlowly(400)
			if err := run.Wait(context.Background()); err != nil || handled != 400 {
				t.Errorf("%d of 400 messages handled, and then %v", handled, err)
			}
			w.wantResult(gone, nil)
		})
	}
}

// Another subscription's delay counts: its patience is not ours.
func TestUnsubscribeCountsTheServersDelay(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channel("x"), Buffer(2, 0), Block(time.Hour))
		gone := w.unsubscribing(sub)
		go w.publish("x", numbers(0, 10)...)
		synctest.Wait()
		time.Sleep(time.Second)
		w.wantBusy(gone)
		read(sub, 10)
		time.Sleep(time.Second) // the server does not answer
		w.wantResult(gone, ErrSubscribeTimeout)
	})
}

// What is lost at the end is told in the stream, by the call and never by Stats alone.
func TestTheStreamTellsOfALossAtItsEnd(t *testing.T) {
	for _, markers := range []bool{false, true} {
		story(t, func(w *world) {
			opts := []Option{Channel("x")}
			if markers {
				opts = append(opts, GapMarkers())
			}
			sub := w.subscribe(opts...)
			w.publish("x", "1")
			err := sub.Unsubscribe(context.Background())
			if !errors.Is(err, ErrSubscribeTimeout) {
				t.Errorf("the call returned %v", err)
			}
			w.want(sub, "x:1", "gap(closed,0)", "closed")
			if got := sub.Stats(); got != (Stats{Delivered: 1, Gaps: 1}) {
				t.Errorf("stats are %+v", got)
			}
		})
		story(t, func(w *world) { // the handlers too
			var got []string
			opts := []Option{Handle(Channel("x"), func(_ context.Context, msg Message) error {
				got = append(got, brief(msg))
				return nil
			})}
			if markers {
				opts = append(opts, GapMarkers())
			}
			sub := w.subscribe(opts...)
			run, err := sub.Run(context.Background(), 2, nil)
			if err != nil {
				t.Fatal(err)
			}
			w.publish("x", "1")
			w.wantResult(w.unsubscribingLate(sub), ErrSubscribeTimeout)
			if err := run.Wait(context.Background()); err != nil || fmt.Sprint(got) != "[x:1 gap(closed,0)]" {
				t.Errorf("handled %q, and then %v", got, err)
			}
		})
	}
}

// unsubscribingLate is unsubscribing, and its time is over.
func (w *world) unsubscribingLate(sub *Subscription) <-chan error {
	result := w.unsubscribing(sub)
	time.Sleep(time.Second)
	return result
}

// An Unsubscribe whose subscription ends for another reason says so.
func TestUnsubscribeOfASlowConsumer(t *testing.T) {
	for _, policy := range []Option{FailSlow, Block(time.Second)} {
		story(t, func(w *world) {
			sub := w.subscribe(Channel("x"), Buffer(2, 0), policy)
			gone := w.unsubscribing(sub)
			w.serveSlowly(10)
			time.Sleep(time.Minute)
			w.wantResult(gone, ErrSlowConsumer)
			if got := sub.Stats(); got.Queued != len(sub.Messages()) || got.FinalGap == nil || got.Delivered+got.Dropped == 0 {
				t.Errorf("stats are %+v", got)
			}
		})
	}
}

// The message with which a reader waits is counted once when the subscription ends.
func TestBlockedMessageIsCountedOnce(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channel("x"), Buffer(3, 0), Block(time.Hour))
		go w.publish("x", numbers(0, 4)...)
		synctest.Wait()
		if got := sub.Stats(); got.Delivered != 2 || got.Queued != 4 || got.Dropped != 0 {
			t.Errorf("stats are %+v", got)
		}
		sub.Close()
		if got := sub.Stats(); got.Delivered != 2 || got.Queued != 2 || got.Dropped != 2 {
			t.Errorf("at the end, stats are %+v", got)
		}
	})
}

// A loop over TryNext takes all that has arrived, and so does one over Next whose context has
// ended, also what waits behind the Go channel.
func TestTryNextTakesAllThatHasArrived(t *testing.T) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	loops := map[string]func(sub *Subscription) bool{
		"TryNext": func(sub *Subscription) bool { _, ok := sub.TryNext(); return ok },
		"Next":    func(sub *Subscription) bool { _, err := sub.Next(ended); return err == nil },
	}
	for name, next := range loops {
		for _, size := range []int{1, 2, 64, 65, 66, 500} {
			t.Run(name+" "+strconv.Itoa(size), func(t *testing.T) {
				hub := hub.New(hub.Options{})
				defer hub.Close(nil)
				w := &world{T: t, hub: hub}
				w.linkUp()
				sub := w.subscribeNow(Channel("x"), Buffer(max(1, size), 0))
				for range 20 {
					w.publish("x", numbers(0, size)...)
					n := 0
					for next(sub) {
						n++
					}
					if n != size {
						t.Fatalf("%d of %d messages that had arrived", n, size)
					}
				}
			})
		}
	}
}

// subscribeNow is subscribe outside of a bubble.
func (w *world) subscribeNow(opts ...Option) *Subscription {
	w.Helper()
	subscribed := make(chan *Subscription)
	go func() {
		sub, err := subscribeTo(context.Background(), w.hub, opts...)
		if err != nil {
			w.Error(err)
		}
		subscribed <- sub
	}()
	for {
		if c, ok := w.link.pop(); ok {
			w.confirmNames(c)
			c.done(nil)
			return <-subscribed
		}
		time.Sleep(time.Millisecond)
	}
}

// With Block what the reader waits with has arrived as well.
func TestTryNextTakesWhatTheReaderWaitsWith(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channel("x"), Buffer(10, 0), Block(time.Hour))
		go w.publish("x", numbers(0, 300)...)
		synctest.Wait()
		n := 0
		for {
			if _, ok := sub.TryNext(); !ok {
				break
			}
			n++
		}
		if n < 11 {
			t.Errorf("%d messages of 11 that had arrived", n)
		}
		synctest.Wait()
		if n += len(read(sub, -1)); n != 300 {
			t.Errorf("%d messages of 300", n)
		}
	})
}

func TestTryNextOfAnEndedSubscription(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channel("x"), Buffer(10, 0))
		w.publish("x", numbers(0, 10)...)
		gone := w.unsubscribing(sub)
		w.confirm()
		w.wantResult(gone, nil)
		for i := range 10 {
			if _, ok := sub.TryNext(); !ok {
				t.Fatalf("%d messages of 10", i)
			}
		}
		if _, ok := sub.TryNext(); ok {
			t.Error("a message too many")
		}
		if _, err := sub.Next(context.Background()); err != ErrEnded {
			t.Errorf("the end is %v", err)
		}
	})
}

// A consumer that keeps up, but not within each burst, loses nothing with the default bounds.
func TestAFloodOfSmallMessages(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channel("x"))
		received := 0
		message := value(t, ">", "message", "x", "0123456789")
		for range 8 {
			for range 50_000 {
				w.hub.Main().Push(message)
			}
			for msg, ok := sub.TryNext(); ok; msg, ok = sub.TryNext() {
				if msg.Gap != nil {
					t.Errorf("%v in front of message %d", msg.Gap, received)
				}
				received++
			}
		}
		if received != 400_000 {
			t.Errorf("received %d of 400,000", received)
		}
	})
}
