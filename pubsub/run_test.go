package pubsub

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// calls records what handlers were called with.
type calls struct {
	mu  sync.Mutex
	all []string
}

func (c *calls) handle(_ context.Context, msg Message) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, brief(msg))
	return nil
}

// take returns what was recorded since it was called last, once everybody waits.
func (c *calls) take() []string {
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.all
	c.all = nil
	return all
}

func (c *calls) want(t *testing.T, want ...string) {
	t.Helper()
	if got := c.take(); !slices.Equal(got, want) {
		t.Fatalf("handled %q, want %q", got, want)
	}
}

// failures is an error function that records.
type failures struct {
	mu  sync.Mutex
	all []error
}

func (f *failures) tell(err error, _ *Subscription, _ *Runner) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all = append(f.all, err)
}

func (f *failures) take() []error {
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	all := f.all
	f.all = nil
	return all
}

func mustRun(t *testing.T, sub *Subscription, workers int, onError func(error, *Subscription, *Runner)) *Runner {
	t.Helper()
	r, err := sub.Run(context.Background(), workers, onError)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestHandlers(t *testing.T) {
	story(t, func(w *world) {
		var plain, pattern, later calls
		binary := "\x00\xff\r\n"
		sub := w.subscribe(Handle(Channel("x"), plain.handle), Handle(Pattern("x*"), pattern.handle), Handle(Channel(binary), plain.handle))
		run := mustRun(t, sub, 3, nil)
		w.publish("x", "1", "2")
		w.publish(binary, "3")
		w.push("pmessage", "x*", "x", "1")
		if got := plain.take(); len(got) != 3 || slices.Index(got, "x:1") > slices.Index(got, "x:2") || !slices.Contains(got, binary+":3") {
			t.Errorf("handled %q", got)
		}
		pattern.want(t, "x*~x:1")

		// Added, replaced and taken away while it runs.
		sub.Handle(Channel("y"), later.handle)
		result := async(func() error { return sub.Subscribe(context.Background(), "y") })
		w.confirmAll()
		w.wantResult(result, nil)
		sub.Handle(Channel("x"), later.handle)
		w.publish("y", "1")
		later.want(t, "y:1")
		w.publish("x", "3")
		later.want(t, "x:3")
		plain.want(t)

		// Handlers survive a reconnect, and each is told of the gap once.
		w.linkLost()
		w.linkUp()
		w.confirmAll()
		w.publish("x", "4", "5")
		w.publish(binary, "6")
		later.want(t, "gap(reconnect,0) x:4", "x:5")
		plain.want(t, "gap(reconnect,0) "+binary+":6")
		w.push("pmessage", "x*", "x", "4")
		pattern.want(t, "gap(reconnect,0) x*~x:4")

		sub.Close()
		if err := run.Wait(context.Background()); err != nil {
			t.Errorf("Wait: %v", err)
		}
		if got := run.Stats(); got.Handled != 10 || got.Failed+got.Dropped != 0 || got.Waiting != 0 {
			t.Errorf("stats are %+v", got)
		}
	})
}

func TestRunRefuses(t *testing.T) {
	story(t, func(w *world) {
		var c calls
		sub := w.subscribe(Channel("a"), Pattern("b*"), Handle(Channel("c"), c.handle))
		_, err := sub.Run(context.Background(), 1, nil)
		var missing *NoHandlerError
		if !errors.Is(err, ErrNoHandler) || !errors.As(err, &missing) || !slices.Equal(missing.Names, []Name{Channel("a"), Pattern("b*")}) ||
			!strings.Contains(err.Error(), `channel "a", pattern "b*"`) {
			t.Errorf("Run: %v", err)
		}
		sub.Handle(Channel("a"), c.handle)
		sub.Handle(Pattern("b*"), c.handle)
		run := mustRun(t, sub, 1, nil)
		if _, err := sub.Run(context.Background(), 1, nil); !errors.Is(err, ErrRunning) {
			t.Errorf("a second Run: %v", err)
		}
		run.Stop()
		run.Stop()
		if err := run.Wait(context.Background()); err != nil {
			t.Errorf("Wait: %v", err)
		}
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := sub.Run(ended, 1, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("Run with an ended context: %v", err)
		}
		// The subscription goes on, and can be run again: nothing between was lost.
		w.publish("a", "1")
		run = mustRun(t, sub, 1, nil)
		c.want(t, "a:1")

		// A name that comes without a handler is an error too.
		var f failures
		run.Stop()
		<-run.Done()
		mustRun(t, sub, 1, f.tell)
		result := async(func() error { return sub.Subscribe(context.Background(), "d") })
		w.confirmAll()
		w.wantResult(result, nil)
		w.publish("d", "1")
		if errs := f.take(); len(errs) != 1 || !errors.Is(errs[0], ErrNoHandler) {
			t.Errorf("%v", errs)
		}
		sub.Close()
	})
}

func TestHandlerErrors(t *testing.T) {
	errOwn := errors.New("own")
	story(t, func(w *world) {
		fail := func(_ context.Context, msg Message) error {
			switch msg.Payload {
			case "error":
				return errOwn
			case "panic":
				panic(errOwn)
			}
			return nil
		}
		sub := w.subscribe(Handle(Channel("x"), fail))
		var f failures
		run := mustRun(t, sub, 2, f.tell)
		w.publish("x", "error", "fine", "panic", "fine")
		errs := f.take()
		var failed *HandlerError
		if len(errs) != 2 || !errors.As(errs[0], &failed) || failed.Message.Payload != "error" || failed.Err != errOwn {
			t.Fatalf("%v", errs)
		}
		var panicked *PanicError
		if !errors.As(errs[1], &panicked) || !errors.Is(errs[1], errOwn) || !strings.Contains(panicked.Error(), "run_test.go") {
			t.Errorf("%v", errs[1])
		}
		if got := run.Stats(); got.Handled != 4 || got.Failed != 2 {
			t.Errorf("stats are %+v", got)
		}
		run.Stop()
		<-run.Done()

		// Without an error function the first error ends the run.
		run = mustRun(t, sub, 1, nil)
		w.publish("x", "fine", "error", "fine")
		if err := run.Wait(context.Background()); !errors.Is(err, errOwn) {
			t.Errorf("Wait: %v", err)
		}
		// And a panic of the error function does.
		run = mustRun(t, sub, 1, func(error, *Subscription, *Runner) { panic("mine") })
		w.publish("x", "error")
		if err := run.Wait(context.Background()); !errors.As(err, &panicked) || panicked.Value != "mine" {
			t.Errorf("Wait: %v", err)
		}
		// A handler that ends its goroutine ends the run, and leaves nobody waiting.
		sub.Handle(Channel("x"), func(context.Context, Message) error { runtime.Goexit(); return nil })
		run = mustRun(t, sub, 2, f.tell)
		w.publish("x", "1")
		if err := run.Wait(context.Background()); !errors.Is(err, errGoexit) {
			t.Errorf("Wait: %v", err)
		}
		sub.Close()
	})
}

// The error function is given the runner, to stop it, and the subscription.
func TestStopFromInside(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Handle(Channel("x"), func(_ context.Context, msg Message) error { return errors.New(msg.Payload) }))
		run := mustRun(t, sub, 4, func(_ error, s *Subscription, r *Runner) {
			if s != sub {
				t.Error("another subscription")
			}
			r.Stop()
		})
		w.publish("x", "1")
		if err := run.Wait(context.Background()); err != nil {
			t.Errorf("Wait: %v", err)
		}
		sub.Close()
	})
}

// Stop lets what was received be handled; the end of the context does not.
func TestStopDrains(t *testing.T) {
	for _, cancelled := range []bool{false, true} {
		story(t, func(w *world) {
			slow := func(ctx context.Context, _ Message) error {
				select {
				case <-time.After(time.Second):
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			sub := w.subscribe(Handle(Channel("x"), slow))
			ctx, cancel := context.WithCancelCause(context.Background())
			run, err := sub.Run(ctx, 1, func(error, *Subscription, *Runner) {})
			if err != nil {
				t.Fatal(err)
			}
			w.publish("x", numbers(0, 10)...)
			synctest.Wait()
			start := time.Now()
			if cancelled {
				cancel(errors.New("enough"))
			} else {
				run.Stop()
			}
			err = run.Wait(context.Background())
			took, stats := time.Since(start), run.Stats()
			if cancelled {
				if took != 0 || stats.Handled != 1 || stats.Dropped != 9 || err == nil || err.Error() != "enough" {
					t.Errorf("cancelled: %v after %v, %+v", err, took, stats)
				}
			} else if took != 10*time.Second || stats.Handled != 10 || stats.Dropped != 0 || err != nil {
				t.Errorf("stopped: %v after %v, %+v", err, took, stats)
			}
			cancel(nil)
			// A Wait that is not to wait for long doesn't.
			sub.Close()
		})
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	story(t, func(w *world) {
		var c calls
		sub := w.subscribe(Handle(Channel("x"), c.handle))
		run := mustRun(t, sub, 1, nil)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := run.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Wait: %v", err)
		}
		sub.Close()
		<-run.Done()
	})
}

// A slow handler holds up its own channel, and others only when all workers are busy.
func TestSlowHandlers(t *testing.T) {
	story(t, func(w *world) {
		var fast calls
		release := make(chan struct{})
		slow := func(context.Context, Message) error { <-release; return nil }
		sub := w.subscribe(Handle(Channel("s1"), slow), Handle(Channel("s2"), slow), Handle(Channel("fast"), fast.handle))
		mustRun(t, sub, 2, nil)
		w.publish("s1", numbers(0, 50)...)
		w.publish("fast", "1", "2")
		fast.want(t, "fast:1", "fast:2") // one worker is left
		w.publish("s2", "1")
		w.publish("fast", "3")
		fast.want(t) // none is
		release <- struct{}{}
		synctest.Wait()
		fast.want(t, "fast:3") // it is the first in line
		close(release)
		sub.Close()
	})
}

// The messages of a channel are handled one after the other, in their order, whatever
// the number of workers; nothing is lost where handlers keep up.
func TestRunOrder(t *testing.T) {
	story(t, func(w *world) {
		const channels, messages = 20, 200
		var mu sync.Mutex
		next := map[string]int{}
		busy := map[string]bool{}
		handle := func(_ context.Context, msg Message) error {
			mu.Lock()
			if busy[msg.Channel] || msg.Payload != fmt.Sprint(next[msg.Channel]) || msg.Gap != nil {
				t.Errorf("%s: %v, want %d; busy: %v", msg.Channel, msg, next[msg.Channel], busy[msg.Channel])
			}
			busy[msg.Channel] = true
			next[msg.Channel]++
			mu.Unlock()
			time.Sleep(time.Duration(len(msg.Payload)) * time.Millisecond)
			mu.Lock()
			busy[msg.Channel] = false
			mu.Unlock()
			return nil
		}
		sub := w.subscribe(Handle(Pattern("c*"), handle), Buffer(channels*messages, 0))
		run := mustRun(t, sub, 7, nil)
		for i := range messages {
			for c := range channels {
				w.push("pmessage", "c*", fmt.Sprint("c", c), fmt.Sprint(i))
			}
		}
		result := async(func() error { return sub.PUnsubscribe(context.Background()) })
		w.confirmAll()
		w.wantResult(result, nil)
		if err := run.Wait(context.Background()); err != nil {
			t.Errorf("Wait: %v", err)
		}
		for c := range channels {
			if n := next[fmt.Sprint("c", c)]; n != messages {
				t.Errorf("channel %d: %d messages", c, n)
			}
		}
		if got := run.Stats(); got.Handled != channels*messages || got.Dropped != 0 {
			t.Errorf("stats are %+v", got)
		}
	})
}

// What waits for handlers is bounded. The channel that has most waiting loses, and its
// handler is told; the others don't notice.
func TestRunBounds(t *testing.T) {
	for _, policy := range []Policy{DropOldest, DropNewest} {
		story(t, func(w *world) {
			var slow, fast calls
			release := make(chan struct{})
			wait := func(ctx context.Context, msg Message) error {
				<-release
				return slow.handle(ctx, msg)
			}
			sub := w.subscribe(Handle(Channel("slow"), wait), Handle(Channel("fast"), fast.handle), policy, Buffer(100, 0))
			run := mustRun(t, sub, 2, nil)
			for i := range 1000 {
				w.publish("slow", fmt.Sprint(i))
				if policy == DropOldest {
					w.publish("fast", fmt.Sprint(i))
				}
				synctest.Wait()
			}
			if policy == DropOldest {
				if got := fast.take(); len(got) != 1000 || strings.Contains(fmt.Sprint(got), "gap") {
					t.Errorf("the fast one handled %d", len(got))
				}
			}
			stats := run.Stats()
			if stats.Waiting > 100 {
				t.Errorf("stats are %+v", stats)
			}
			close(release)
			got := slow.take()
			w.publish("slow", "last") // tells of what was dropped in front of it
			got = append(got, slow.take()...)
			told := uint64(0)
			for _, text := range got {
				var n uint64
				if _, err := fmt.Sscanf(text, "gap(overflow,%d)", &n); err == nil {
					told += n
				}
			}
			after := run.Stats()
			subStats := sub.Stats()
			if uint64(len(got))+told != 1001 || told != after.Dropped+subStats.Dropped {
				t.Errorf("policy %d: %d handled and %d told as dropped of 1001; %+v, %+v", policy, len(got), told, after, subStats)
			}
			sub.Close()
		})
	}
}

// With FailSlow the subscription ends; with Block the reader waits, and nothing is lost.
func TestRunBoundsThatHold(t *testing.T) {
	story(t, func(w *world) {
		release := make(chan struct{})
		sub := w.subscribe(Handle(Channel("x"), func(context.Context, Message) error { <-release; return nil }), FailSlow, Buffer(100, 0))
		run := mustRun(t, sub, 1, nil)
		for i := range 1000 {
			w.publish("x", fmt.Sprint(i))
			synctest.Wait()
		}
		close(release)
		if err := run.Wait(context.Background()); !errors.Is(err, ErrSlowConsumer) {
			t.Errorf("Wait: %v", err)
		}
	})
	story(t, func(w *world) {
		var c calls
		slow := func(ctx context.Context, msg Message) error {
			time.Sleep(time.Millisecond)
			return c.handle(ctx, msg)
		}
		sub := w.subscribe(Handle(Channel("x"), slow), Block(time.Minute), Buffer(100, 0))
		run := mustRun(t, sub, 1, nil)
		w.publish("x", numbers(0, 1000)...)
		time.Sleep(2 * time.Second)
		if got := c.take(); len(got) != 1000 || got[999] != "x:999" || run.Stats().Dropped != 0 {
			t.Errorf("%d handled, %+v", len(got), run.Stats())
		}
		sub.Close()
	})
}

// With markers a gap is a call of its own, for every handler, without a next message.
func TestRunGapMarkers(t *testing.T) {
	story(t, func(w *world) {
		var a, b calls
		sub := w.subscribe(Handle(Channel("a"), a.handle), Handle(Pattern("b*"), b.handle), GapMarkers())
		mustRun(t, sub, 2, nil)
		w.linkLost()
		w.linkUp()
		w.confirmAll()
		a.want(t, "gap(reconnect,0)")
		b.want(t, "gap(reconnect,0)")
		w.publish("a", "1")
		a.want(t, "a:1")
		sub.Close()
	})
}

// A pattern with a channel for each message: one that is dropped is not handled, its lane
// is given up, and the next message that comes for the handler tells.
func TestRunBoundsOfManyChannels(t *testing.T) {
	for _, policy := range []Policy{DropOldest, DropNewest} {
		story(t, func(w *world) {
			var c calls
			release := make(chan struct{})
			wait := func(ctx context.Context, msg Message) error {
				<-release
				return c.handle(ctx, msg)
			}
			sub := w.subscribe(Handle(Pattern("c*"), wait), policy, Buffer(4, 0))
			run := mustRun(t, sub, 1, nil)
			for i := range 10 {
				w.push("pmessage", "c*", fmt.Sprint("c", i), "")
				synctest.Wait()
			}
			close(release)
			got := c.take()
			w.push("pmessage", "c*", "last", "")
			got = append(got, c.take()...)
			told := uint64(0)
			for _, text := range got {
				var n uint64
				if _, err := fmt.Sscanf(text, "gap(overflow,%d)", &n); err == nil {
					told += n
				}
				if !strings.Contains(text, "c*~") {
					t.Errorf("policy %d: handled %q, which nobody has sent", policy, text)
				}
			}
			if stats := run.Stats(); len(got) != 6 || told != 5 || stats.Handled != 6 || stats.Dropped != 5 || stats.Waiting != 0 {
				t.Errorf("policy %d: handled %q, %+v", policy, got, stats)
			}
			run.mu.Lock()
			defer run.mu.Unlock()
			if len(run.backlogs) != 0 || run.busy != 0 {
				t.Errorf("policy %d: %d backlogs are left, %d busy", policy, len(run.backlogs), run.busy)
			}
		})
	}
}

// A gap is told with the message that came behind it, not with one that waited before.
func TestRunGapInOrder(t *testing.T) {
	story(t, func(w *world) {
		var a, b calls
		release := make(chan struct{})
		wait := func(c *calls) Handler {
			return func(ctx context.Context, msg Message) error {
				<-release
				return c.handle(ctx, msg)
			}
		}
		sub := w.subscribe(Handle(Channel("a"), wait(&a)), Handle(Channel("b"), wait(&b)))
		mustRun(t, sub, 2, nil)
		w.publish("a", "1", "2")
		w.publish("b", "1", "2")
		w.linkLost()
		w.linkUp()
		w.confirmAll()
		w.publish("a", "3", "4")
		w.publish("b", "3", "4")
		synctest.Wait()
		close(release)
		a.want(t, "a:1", "a:2", "gap(reconnect,0) a:3", "a:4")
		b.want(t, "b:1", "b:2", "gap(reconnect,0) b:3", "b:4")
	})
}

// A marker finds room where messages don't, and is none of what was dropped.
func TestRunGapMarkersFindRoom(t *testing.T) {
	for _, policy := range []Policy{DropOldest, DropNewest, FailSlow} {
		story(t, func(w *world) {
			var c calls
			release := make(chan struct{})
			wait := func(ctx context.Context, msg Message) error {
				<-release
				return c.handle(ctx, msg)
			}
			sub := w.subscribe(Handle(Channel("x"), wait), Buffer(4, 0), policy, GapMarkers())
			run := mustRun(t, sub, 1, nil)
			for i := range 5 { // one is being handled, four wait
				w.publish("x", fmt.Sprint(i))
				synctest.Wait()
			}
			w.linkLost()
			w.linkUp()
			w.confirmAll()
			close(release)
			c.want(t, "x:0", "x:1", "x:2", "x:3", "x:4", "gap(reconnect,0)")
			if got := run.Stats(); got.Dropped != 0 || sub.Err() != nil {
				t.Errorf("policy %d: %+v, %v", policy, got, sub.Err())
			}
		})
	}
}

// What gaps the handlers of a run were not told of, those of the next one are.
func TestRunAgainTellsGaps(t *testing.T) {
	story(t, func(w *world) {
		var a, b calls
		sub := w.subscribe(Handle(Channel("a"), a.handle), Handle(Channel("b"), b.handle))
		run := mustRun(t, sub, 1, nil)
		w.linkLost()
		w.linkUp()
		w.confirmAll()
		w.publish("a", "1")
		a.want(t, "gap(reconnect,0) a:1")
		run.Stop()
		if err := run.Wait(context.Background()); err != nil {
			t.Errorf("Wait: %v", err)
		}
		mustRun(t, sub, 1, nil)
		w.publish("a", "2")
		w.publish("b", "2")
		a.want(t, "a:2")
		b.want(t, "gap(reconnect,0) b:2")
	})
	for _, opts := range [][]Option{nil, {GapMarkers()}} {
		story(t, func(w *world) {
			var c calls
			release := make(chan struct{})
			wait := func(ctx context.Context, msg Message) error {
				<-release
				return c.handle(ctx, msg)
			}
			sub := w.subscribe(append(opts, Handle(Channel("x"), wait))...)
			ctx, cancel := context.WithCancel(context.Background())
			run, err := sub.Run(ctx, 1, nil)
			if err != nil {
				t.Fatal(err)
			}
			w.publish("x", "1", "2")
			w.linkLost()
			w.linkUp()
			w.confirmAll()
			w.publish("x", "3")
			synctest.Wait()
			cancel()
			close(release)
			if err := run.Wait(context.Background()); !errors.Is(err, context.Canceled) {
				t.Errorf("Wait: %v", err)
			}
			mustRun(t, sub, 1, nil)
			w.publish("x", "4")
			c.want(t, "x:1", "gap(reconnect|closed,2) x:4")
			if got := run.Stats(); got.Handled != 1 || got.Dropped != 2 {
				t.Errorf("%+v", got)
			}
		})
	}
}

// A handler that fails with a marker is named, whatever kind it is of.
func TestHandlerErrorOfAMarker(t *testing.T) {
	story(t, func(w *world) {
		var f failures
		fail := func(context.Context, Message) error { return errors.New("own") }
		sub := w.subscribe(Handle(Channel("c"), fail), Handle(Pattern("p*"), fail), Handle(ShardChannel("s"), fail), GapMarkers())
		mustRun(t, sub, 1, f.tell)
		w.linkLost()
		w.linkUp()
		w.confirmAll()
		var got []string
		for _, err := range f.take() {
			got = append(got, err.Error())
			var failed *HandlerError
			if !errors.As(err, &failed) || failed.Message.Kind != KindGap || failed.Message.Gap == nil {
				t.Errorf("%#v", err)
			}
		}
		slices.Sort(got)
		want := []string{
			`pubsub: the handler of channel "c" failed with a gap: own`,
			`pubsub: the handler of pattern "p*" failed with a gap: own`,
			`pubsub: the handler of shard channel "s" failed with a gap: own`,
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q", got)
		}
		sub.Close()
	})
}

// What waited for a handler when that was taken away does not end the run.
func TestHandlerTakenAway(t *testing.T) {
	story(t, func(w *world) {
		var x, y calls
		release := make(chan struct{})
		wait := func(ctx context.Context, msg Message) error {
			<-release
			return y.handle(ctx, msg)
		}
		sub := w.subscribe(Handle(Channel("x"), x.handle), Handle(Channel("y"), wait), GapMarkers())
		run := mustRun(t, sub, 1, nil)
		w.publish("y", "1")
		w.publish("x", "waits")
		gone := w.unsubscribing(sub, "x")
		w.confirmAll()
		w.wantResult(gone, nil)
		sub.Handle(Channel("x"), nil)
		close(release)
		y.want(t, "y:1")
		x.want(t)
		if got := run.Stats(); got != (RunnerStats{Handled: 1, Dropped: 1}) {
			t.Errorf("stats are %+v", got)
		}

		// While it is subscribed nothing is called either, not with a gap either, but no run
		// begins so.
		sub.Handle(Channel("y"), nil)
		w.publish("y", "2")
		w.linkLost()
		w.linkUp()
		w.confirmAll()
		if got := run.Stats(); got != (RunnerStats{Handled: 1, Dropped: 2}) {
			t.Errorf("stats are %+v", got)
		}
		run.Stop()
		if err := run.Wait(context.Background()); err != nil {
			t.Errorf("Wait: %v", err)
		}
		if _, err := sub.Run(context.Background(), 1, nil); !errors.Is(err, ErrNoHandler) {
			t.Errorf("Run: %v", err)
		}
		sub.Handle(Channel("y"), y.handle)
		run = mustRun(t, sub, 1, nil)
		w.publish("y", "3")
		y.want(t, "y:3")

		// A name that is subscribed anew wants a handler, and nothing is left of the old one.
		result := async(func() error { return sub.Subscribe(context.Background(), "z") })
		w.confirmAll()
		w.wantResult(result, nil)
		sub.Handle(Channel("z"), nil)
		gone = w.unsubscribing(sub, "z")
		w.confirmAll()
		w.wantResult(gone, nil)
		if len(sub.handlers) != 1 {
			t.Errorf("%d handlers are left", len(sub.handlers))
		}
		result = async(func() error { return sub.Subscribe(context.Background(), "z") })
		w.confirmAll()
		w.wantResult(result, nil)
		w.publish("z", "1")
		if err := run.Wait(context.Background()); !errors.Is(err, ErrNoHandler) {
			t.Errorf("Wait: %v", err)
		}
	})
}
