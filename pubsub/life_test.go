package pubsub

import (
	"context"
	"errors"
	"strconv"
	"testing"
)

// Subscriptions that share a context end together with its cause; those that have ended
// before stay as they are.
func TestSharedContext(t *testing.T) {
	type key struct{}
	errOwn := errors.New("own")
	story(t, func(w *world) {
		ctx, cancel := context.WithCancelCause(context.Background())
		defer cancel(nil)
		valued := context.WithValue(ctx, key{}, 1) // ends with ctx
		below, cancelBelow := context.WithCancel(ctx)
		defer cancelBelow()
		subscribe := func(ctx context.Context, name string) *Subscription {
			var sub *Subscription
			result := async(func() (err error) {
				sub, err = subscribeTo(ctx, w.hub, Channel(name))
				return err
			})
			w.confirmAll()
			w.wantResult(result, nil)
			return sub
		}
		var subs []*Subscription
		for i := range 10 {
			subs = append(subs, subscribe(ctx, strconv.Itoa(i)), subscribe(valued, strconv.Itoa(i)))
		}
		other, free := subscribe(below, "other"), subscribe(context.Background(), "free")
		subs[0].Close()
		cancelBelow()
		<-other.Done()
		cancel(errOwn)
		for i, sub := range subs[1:] {
			<-sub.Done()
			if err := sub.Err(); !errors.Is(err, errOwn) {
				t.Errorf("subscription %d: %v", i, err)
			}
		}
		if err := subs[0].Err(); err != nil {
			t.Errorf("one that was closed before: %v", err)
		}
		select {
		case <-free.Done():
			t.Error("one with another context has ended")
		default:
		}
		if _, err := subscribeTo(ctx, w.hub, Channel("late")); !errors.Is(err, errOwn) {
			t.Errorf("with an ended context: %v", err)
		}
		w.confirmAll()
	})
}
