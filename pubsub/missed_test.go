package pubsub

import (
	"testing"
	"testing/synctest"
	"time"
)

// gapAround returns the gap in front of the next message.
func (w *world) gapAround(sub *Subscription) *Gap {
	w.Helper()
	w.publish("x", "1")
	synctest.Wait()
	msg := <-sub.Messages()
	if msg.Gap == nil {
		w.Fatalf("received %v", msg)
	}
	return msg.Gap
}

// What was missed before the link was lost is told too, however soon that is known: while the link
// is down, or when the name is confirmed again.
func TestMissedBeforeTheLinkWasLost(t *testing.T) {
	for name, early := range map[string]bool{"known while it is down": true, "known later": false} {
		t.Run(name, func(t *testing.T) {
			story(t, func(w *world) {
				sub := w.subscribe(Channel("x"))
				confirmed := time.Now()
				time.Sleep(time.Second)
				missed := time.Now()
				time.Sleep(time.Minute)
				w.linkLost()
				if early {
					w.lane().Missed(missed)
				}
				time.Sleep(time.Second)
				w.linkUp()
				w.confirmAll()
				if !early {
					time.Sleep(time.Second)
					w.lane().Missed(missed)
				}
				if gap := w.gapAround(sub); !gap.From.Equal(missed) || !gap.To.Equal(time.Now()) {
					t.Errorf("%v to %v, missed since %v", gap.From, gap.To, missed)
				}
				// Nothing is told twice, nor what was before the name.
				again := time.Now()
				if early {
					again = missed.Add(time.Minute)
				}
				time.Sleep(time.Second)
				w.lane().Missed(confirmed.Add(-time.Hour))
				if gap := w.gapAround(sub); !gap.From.Equal(again) {
					t.Errorf("%v to %v, told until %v", gap.From, gap.To, again)
				}
			})
		})
	}
}

// A name that was never confirmed has missed nothing, and one that was has missed nothing before.
func TestMissedBeforeTheName(t *testing.T) {
	story(t, func(w *world) {
		subscribed, result := w.subscribing(Channel("x"))
		w.lane().Missed(time.Now().Add(-time.Minute))
		w.confirmAll()
		w.wantResult(result, nil)
		sub := subscribed()
		confirmed := time.Now()
		time.Sleep(time.Second)
		w.linkLost()
		w.lane().Missed(confirmed.Add(-time.Minute))
		w.linkUp()
		w.confirmAll()
		if gap := w.gapAround(sub); !gap.From.Equal(confirmed) {
			t.Errorf("%v to %v, confirmed at %v", gap.From, gap.To, confirmed)
		}
	})
}

// A subscription that is unsubscribing is still owed what the server sent before: what the server
// itself has missed is told to it too.
func TestMissedWhileUnsubscribing(t *testing.T) {
	for name, others := range map[string]bool{"the last of a name": false, "others stay": true} {
		t.Run(name, func(t *testing.T) {
			story(t, func(w *world) {
				sub := w.subscribe(Channel("x"))
				if others {
					w.subscribe(Channel("x"))
				}
				time.Sleep(time.Second)
				missed := time.Now()
				time.Sleep(time.Second)
				result := w.unsubscribing(sub)
				w.wantBusy(result)
				w.lane().Missed(missed)
				if gap := w.gapAround(sub); !gap.From.Equal(missed) || !gap.To.Equal(time.Now()) {
					t.Errorf("%v to %v, missed since %v", gap.From, gap.To, missed)
				}
				w.confirm()
				w.wantResult(result, nil)
				w.want(sub, "closed")
			})
		})
	}
}
