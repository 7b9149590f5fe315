package pubsub

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// items receives what is there of a channel, in short.
func items[T any](from <-chan Item[T]) []string {
	got := []string{}
	for {
		synctest.Wait()
		select {
		case item, ok := <-from:
			if !ok {
				return append(got, "closed")
			}
			text := fmt.Sprint(item.Value)
			if item.Err != nil {
				text = "undecoded"
			}
			if item.Gap != nil {
				text = fmt.Sprintf("gap(%v) %s", item.Gap.Reason, text)
			}
			got = append(got, text)
		default:
			return got
		}
	}
}

func wantItems[T any](t *testing.T, from <-chan Item[T], want ...string) {
	t.Helper()
	if got := items(from); !slices.Equal(got, want) {
		t.Fatalf("received %q, want %q", got, want)
	}
}

func TestAs(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channel("x"))
		numbers := As(sub, strconv.Atoi)
		w.publish("x", "1", "private", "2")
		synctest.Wait()
		if item := <-numbers; item.Value != 1 || item.Channel != "x" || item.Err != nil || item.Kind != KindMessage {
			t.Errorf("%+v", item)
		}
		var undecoded *DecodeError
		item := <-numbers
		if !errors.As(item.Err, &undecoded) || !errors.Is(item.Err, strconv.ErrSyntax) || undecoded.Message.Payload != "private" {
			t.Errorf("%+v", item)
		}
		wantItems(t, numbers, "2")
		if got := sub.Stats().Undecoded; got != 1 {
			t.Errorf("%d undecoded", got)
		}
		w.linkLost()
		w.linkUp()
		w.confirmAll()
		w.publish("x", "3")
		wantItems(t, numbers, "gap(reconnect) 3")
		sub.Close()
		wantItems(t, numbers, "closed")
	})
}

func TestAsJSON(t *testing.T) {
	type price struct{ Cents int }
	story(t, func(w *world) {
		sub := w.subscribe(Channel("x"), GapMarkers())
		prices := AsJSON[price](sub)
		w.publish("x", `{"Cents":5}`, "{")
		wantItems(t, prices, "{5}", "undecoded")
		w.linkLost()
		w.linkUp()
		w.confirmAll()
		synctest.Wait()
		if item := <-prices; item.Kind != KindGap || item.Gap == nil || item.Err != nil {
			t.Errorf("%+v", item)
		}
		sub.Close()
	})
}

func TestAsPanics(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channel("x"))
		values := As(sub, func(payload string) (int, error) { return len(payload[5:]), nil })
		w.publish("x", "short"[:2], "long enough")
		wantItems(t, values, "undecoded", "6")
		sub.Close()
	})
}

func TestPayloads(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channel("x"), GapMarkers(), Confirmations())
		payloads := Payloads(sub)
		w.publish("x", "1")
		w.linkLost()
		w.linkUp()
		w.confirmAll()
		w.publish("x", "2")
		synctest.Wait()
		sub.Close()
		var got []string
		for payload := range payloads {
			got = append(got, payload)
		}
		if !slices.Equal(got, []string{"1", "2"}) {
			t.Errorf("%q", got)
		}
	})
}

// After Close what has room stays readable and the rest is counted; after the last name
// has gone everything is delivered, however slowly.
func TestTypedEnds(t *testing.T) {
	const sent = 200
	story(t, func(w *world) {
		sub := w.subscribe(Channel("x"))
		payloads := Payloads(sub)
		w.publish("x", numbers(0, sent)...)
		synctest.Wait()
		sub.Close()
		<-sub.Done()
		got := 0
		for payload := range payloads {
			if payload != strconv.Itoa(got) {
				t.Fatalf("%s, want %d", payload, got)
			}
			got++
		}
		stats := sub.Stats()
		if stats.FinalGap == nil || got+int(stats.FinalGap.Dropped) != sent || stats.FinalGap.Dropped != stats.Dropped {
			t.Errorf("%d received, %+v, %v", got, stats, stats.FinalGap)
		}
	})
	story(t, func(w *world) {
		sub := w.subscribe(Channel("x"))
		payloads := Payloads(sub)
		w.publish("x", numbers(0, sent)...)
		result := async(func() error { return sub.Unsubscribe(context.Background()) })
		w.confirmAll()
		w.wantResult(result, nil)
		for i := range sent {
			if payload := <-payloads; payload != strconv.Itoa(i) {
				t.Fatalf("%s, want %d", payload, i)
			}
		}
		if _, ok := <-payloads; ok {
			t.Error("more than was sent")
		}
		<-sub.Done()
	})
	// Nobody receives: Close ends the waiting, also of one that is draining.
	story(t, func(w *world) {
		sub := w.subscribe(Channel("x"))
		Payloads(sub)
		w.publish("x", numbers(0, sent)...)
		result := async(func() error { return sub.Unsubscribe(context.Background()) })
		w.confirmAll()
		w.wantResult(result, nil)
		synctest.Wait()
		sub.Close()
		<-sub.Done()
	})
	// One made behind the end gives what was left.
	story(t, func(w *world) {
		sub := w.subscribe(Channel("x"))
		w.publish("x", "1", "2")
		sub.Close()
		wantItems(t, As(sub, strconv.Atoi), "1", "2", "closed")
	})
}

// What a reader has no room for at the end is dropped, and not delivered. What it would have
// told of is in the final gap, and what is no message is not counted.
func TestTypedEndsExactly(t *testing.T) {
	for _, opts := range [][]Option{{}, {GapMarkers()}} {
		story(t, func(w *world) {
			sub := w.subscribe(append(opts, Channel("x"))...)
			items := As(sub, strconv.Atoi)
			w.publish("x", numbers(0, 80)...)
			w.linkLost()
			w.linkUp()
			w.confirmAll()
			w.publish("x", numbers(80, 100)...)
			synctest.Wait()
			sub.Close()
			got := 0
			for range items {
				got++
			}
			stats := sub.Stats()
			if stats.Delivered != uint64(got) || stats.Delivered+stats.Dropped != 100 ||
				stats.FinalGap == nil || stats.FinalGap.Dropped != stats.Dropped || stats.FinalGap.Reason != Reconnect|Closed {
				t.Errorf("%d received, %+v, %v", got, stats, stats.FinalGap)
			}
		})
	}
}

// Who has received everything finds the rest counted.
func TestTypedCountsBeforeItCloses(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channel("x"))
		release := make(chan struct{})
		items := As(sub, func(string) (int, error) { <-release; return 0, nil })
		w.publish("x", numbers(0, 200)...)
		synctest.Wait()
		ended := async(sub.Close)
		sub.mu.Lock() // nothing is counted
		close(release)
		for range 10_000 { // until the reader has no room; it may wait for a mutex then
			runtime.Gosched()
		}
		var closed atomic.Bool
		go func() {
			received := 0
			for range items {
				received++
			}
			closed.Store(received > 0)
		}()
		for range 10_000 {
			runtime.Gosched()
		}
		if closed.Load() {
			t.Error("it is closed before the rest was counted")
		}
		sub.mu.Unlock()
		w.wantResult(ended, nil)
	})
}

// The final gap of Stats is the caller's own.
func TestFinalGapIsNotChanged(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channel("x"))
		release := make(chan struct{})
		As(sub, func(string) (int, error) { <-release; return 0, nil })
		w.publish("x", numbers(0, 200)...)
		synctest.Wait()
		closed := async(sub.Close)
		gap := sub.Stats().FinalGap
		before := *gap
		close(release)
		w.wantResult(closed, nil)
		if after := sub.Stats().FinalGap; *gap != before || after.Dropped <= before.Dropped {
			t.Errorf("it was %v and is %v; now it would be %v", &before, gap, after)
		}
	})
}

func TestConfirmations(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channel("x"), Pattern("p*"), Confirmations())
		confirmed := func(want ...string) {
			t.Helper()
			synctest.Wait()
			var got []string
			for len(sub.out) > 0 {
				got = append(got, (<-sub.out).String())
			}
			if !slices.Equal(got, want) {
				t.Fatalf("received %q, want %q", got, want)
			}
		}
		confirmed(`subscribed channel "x", 1 in all`, `subscribed pattern "p*", 2 in all`)
		w.publish("x", "1")
		result := async(func() error { return sub.PUnsubscribe(context.Background(), "p*") })
		w.confirmAll()
		w.wantResult(result, nil)
		confirmed(`message "x": "1"`, `unsubscribed pattern "p*", 1 in all`)

		// The gap is the next message's, which nobody skips.
		w.linkLost()
		w.linkUp()
		w.confirmAll()
		w.publish("x", "2")
		msg, ok := sub.TryNext(KindSubscribed, KindUnsubscribed)
		if !ok || brief(msg) != "gap(reconnect,0) x:2" {
			t.Errorf("%v, %v", msg, ok)
		}
		result = async(func() error { return sub.Unsubscribe(context.Background()) })
		w.confirmAll()
		w.wantResult(result, nil)
		if msg, err := sub.Next(context.Background()); err != nil || msg.Kind != KindUnsubscribed || msg.Count != 0 {
			t.Errorf("%v, %v", msg, err)
		}
		if _, err := sub.Next(context.Background()); err != ErrEnded {
			t.Errorf("%v", err)
		}
		if got := sub.Stats(); got.Delivered != 2 {
			t.Errorf("%+v", got)
		}
	})
}

func TestAll(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channel("x"))
		w.publish("x", "1", "2", "3", "4")
		var got []string
		for msg, err := range sub.All(context.Background()) {
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, msg.Payload); len(got) == 2 {
				break
			}
		}
		result := async(func() error { return sub.Unsubscribe(context.Background()) })
		w.confirmAll()
		w.wantResult(result, nil)
		for msg, err := range sub.All(context.Background()) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, msg.Payload)
		}
		if !slices.Equal(got, []string{"1", "2", "3", "4"}) {
			t.Errorf("%q", got)
		}
	})
	story(t, func(w *world) {
		sub := w.subscribe(Channel("x"))
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		ended := 0
		for _, err := range sub.All(ctx) {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%v", err)
			}
			ended++
		}
		errOwn := errors.New("own")
		w.hub.Close(errOwn)
		for _, err := range sub.All(context.Background()) {
			if !errors.Is(err, errOwn) {
				t.Errorf("%v", err)
			}
			ended++
		}
		if ended != 2 {
			t.Errorf("%d errors", ended)
		}
	})
}

// A decode function that ends its goroutine ends the subscription, and leaves nobody waiting.
func TestAsGoexit(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channel("x"))
		w.publish("x", "1", "exit", "3")
		numbers := As(sub, func(payload string) (int, error) {
			if payload == "exit" {
				runtime.Goexit()
			}
			return strconv.Atoi(payload)
		})
		w.confirmAll()
		wantItems(t, numbers, "1", "closed")
		w.wantResult(async(sub.Close), nil)
		if err := sub.Err(); !errors.Is(err, errDecodeGoexit) {
			t.Errorf("Err: %v", err)
		}
		if got := sub.Stats(); got.Delivered != 1 || got.Dropped != 2 || got.FinalGap == nil || got.FinalGap.Dropped != 2 {
			t.Errorf("stats are %+v", got)
		}
	})
}
