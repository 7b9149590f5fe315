package pubsub

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redchan-go/redchan/internal/hub"
)

// A Subscribe that ends before the server could be reached says why there was no connection,
// whatever ended it.
func TestSubscribeKeepsTheCause(t *testing.T) {
	why := errors.New("dial tcp 127.0.0.1:1: " + syscall.ECONNREFUSED.Error())
	storyWith(t, hub.Options{LinkError: func() error { return why }}, func(w *world) {
		w.linkLost()
		ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
		defer cancel()
		sub, err := subscribeTo(ctx, w.hub, Channel("x"))
		if sub != nil || !errors.Is(err, why) || !errors.Is(err, ErrNotConnected) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("with a context that ends early: %v", err)
		}
		if _, err = subscribeTo(context.Background(), w.hub, Channel("x")); !errors.Is(err, why) || !errors.Is(err, ErrSubscribeTimeout) {
			t.Errorf("with one that does not: %v", err)
		}
		idle, err := subscribeTo(context.Background(), w.hub)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel = context.WithTimeout(context.Background(), 300*time.Millisecond)
		defer cancel()
		if err := idle.Subscribe(ctx, "x"); !errors.Is(err, why) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("adding a name: %v", err)
		}
	})
}

func TestNothingToSubscribeTo(t *testing.T) {
	story(t, func(w *world) {
		ctx := context.Background()
		sub := w.subscribe()
		var nobody context.Context
		for what, err := range map[string]error{
			"Channels()":      second(subscribeTo(ctx, w.hub, Channels())),
			"Patterns()":      second(subscribeTo(ctx, w.hub, GapMarkers(), Patterns())),
			"ShardChannels()": second(subscribeTo(ctx, w.hub, ShardChannels([]string{}...))),
			"Subscribe":       sub.Subscribe(ctx),
			"PSubscribe":      sub.PSubscribe(ctx),
			"SSubscribe":      sub.SSubscribe(ctx),
		} {
			if err == nil || !strings.Contains(err.Error(), "no names") {
				t.Errorf("%s: %v", what, err)
			}
		}
		for what, err := range map[string]error{
			"New":         second(subscribeTo(nobody, w.hub, Channel("x"))),
			"Subscribe":   sub.Subscribe(nobody, "x"),
			"Unsubscribe": sub.Unsubscribe(nobody),
			"Next":        second(sub.Next(nobody)),
			"Ping":        sub.Ping(nobody, "x"),
			"Run":         second(sub.Run(nobody, 1, nil)),
		} {
			if err == nil || !strings.Contains(err.Error(), "nil") {
				t.Errorf("%s with a nil context: %v", what, err)
			}
		}
		if sub := w.subscribe(Channels(), Pattern("x")); len(sub.Names()) != 1 {
			t.Errorf("subscribed to %v", sub.Names())
		}
	})
}

func second[T any](_ T, err error) error { return err }
