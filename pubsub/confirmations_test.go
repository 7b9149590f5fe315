package pubsub

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
)

// All of many confirmations arrive, whatever the bounds are, and in their places.
func TestManyConfirmations(t *testing.T) {
	for _, policy := range []Option{DropOldest, DropNewest, FailSlow} {
		story(t, func(w *world) {
			const names = 10_000
			opts := []Option{Confirmations(), Buffer(10, 100), policy}
			for i := range names {
				opts = append(opts, Channel("n"+strconv.Itoa(i)))
			}
			sub := w.subscribe(opts...)
			w.publish("n0", "1")
			seen := map[string]bool{}
			for i := range names {
				msg, ok := sub.TryNext()
				if !ok || msg.Kind != KindSubscribed || int(msg.Count) != i+1 || msg.Gap != nil {
					t.Fatalf("item %d is %v, %v", i, msg, ok)
				}
				seen[msg.Channel] = true
			}
			if len(seen) != names {
				t.Errorf("%d of %d names are confirmed", len(seen), names)
			}
			w.want(sub, "n0:1")
			if got := sub.Stats(); got != (Stats{Delivered: 1}) {
				t.Errorf("stats are %+v", got)
			}
		})
	}
}

// Confirmations take no room from messages: as many fit as without them.
func TestConfirmationsCostNoMessage(t *testing.T) {
	for _, policy := range []Option{DropOldest, DropNewest, FailSlow} {
		for _, room := range []int{1, 2, 10, 65, 100} {
			story(t, func(w *world) {
				sub := w.subscribe(Channel("x"), Confirmations(), Buffer(room, 0), policy)
				w.confirmations(sub, "y", 300)
				w.publish("x", numbers(0, room)...)
				w.confirmations(sub, "z", 300)
				var got []string
				for {
					msg, ok := sub.TryNext(KindSubscribed, KindUnsubscribed)
					if !ok {
						break
					}
					got = append(got, brief(msg))
				}
				var want []string
				for _, number := range numbers(0, room) {
					want = append(want, "x:"+number)
				}
				if fmt.Sprint(got) != fmt.Sprint(want) || sub.Err() != nil {
					t.Errorf("with %v and room for %d: received %q, %v", policy, room, got, sub.Err())
				}
			})
		}
	}
}

// confirmations subscribes and unsubscribes a name many times, and then subscribes it.
func (w *world) confirmations(sub *Subscription, name string, times int) {
	w.Helper()
	for range times {
		result := async(func() error { return sub.Subscribe(context.Background(), name) })
		w.confirmAll()
		w.wantResult(result, nil)
		result = async(func() error { return sub.Unsubscribe(context.Background(), name) })
		w.confirmAll()
		w.wantResult(result, nil)
	}
	result := async(func() error { return sub.Subscribe(context.Background(), name) })
	w.confirmAll()
	w.wantResult(result, nil)
}

// Of a name that is confirmed again and again the last confirmation is kept, so what waits
// is bounded by the number of names.
func TestConfirmationsAreState(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channel("x"), Confirmations())
		w.confirmations(sub, "y", 500)
		sub.mu.Lock()
		waiting, latest := len(sub.queue.confirmations.waiting), len(sub.queue.confirmations.latest)
		sub.mu.Unlock()
		if waiting > 50 || latest > 2 {
			t.Errorf("%d confirmations of %d names wait", waiting, latest)
		}
		var last Message
		for msg, ok := sub.TryNext(); ok; msg, ok = sub.TryNext() {
			last = msg
		}
		if last.Kind != KindSubscribed || last.Channel != "y" || last.Count != 2 {
			t.Errorf("the last is %v", last)
		}
		sub.Close()
		if got := sub.Stats(); got.Dropped != 0 || got.FinalGap != nil {
			t.Errorf("stats are %+v", got)
		}
	})
}

// A gap in front of a confirmation is the next message's, because confirmations may be skipped.
func TestGapInFrontOfConfirmation(t *testing.T) {
	for _, more := range []int{1, 2, 3} {
		story(t, func(w *world) {
			sub := w.subscribe(Channel("x"), Confirmations(), Buffer(70, 0))
			sub.TryNext()
			w.publish("x", numbers(0, 70)...)
			synctest.Wait()
			result := async(func() error { return sub.Subscribe(context.Background(), "y") })
			w.confirmAll()
			w.wantResult(result, nil)
			w.publish("x", numbers(70, 140+more)...)
			messages, dropped := 0, uint64(0)
			for {
				msg, ok := sub.TryNext(KindSubscribed)
				if !ok {
					break
				}
				messages++
				if msg.Gap != nil {
					dropped += msg.Gap.Dropped
				}
			}
			if stats := sub.Stats(); messages+int(dropped) != 140+more || stats.Dropped != dropped || dropped == 0 {
				t.Errorf("%d messages, %d told as dropped, %+v", messages, dropped, stats)
			}
		})
	}
}
