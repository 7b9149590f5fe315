package pubsub

import (
	"context"
	"errors"
	"runtime/debug"
	"sync"
	"time"
)

// Handlers, run in the background. One goroutine receives from the subscription and
// sorts the messages into backlogs, one for each channel of a handler; workers take a backlog
// at a time, so that the messages of a channel are handled in their order, and a slow
// handler holds up its own channel alone, as long as a worker is free.

// Runner runs the handlers of a subscription, see [Subscription.Run]. Its methods are safe for
// concurrent use.
type Runner struct {
	sub     *Subscription
	ctx     context.Context // of the handlers
	cancel  context.CancelFunc
	onError func(error, *Subscription, *Runner)
	// maxMessages and maxBytes bound what is in the backlogs together.
	maxMessages, maxBytes int

	stopping chan struct{} // closed where asked is set: no more is received
	done     chan struct{} // closed last
	workers  sync.WaitGroup

	mu       sync.Mutex
	wake     sync.Cond // of mu: a backlog is ready, there is room, or all is over
	backlogs map[backlogKey]*backlog
	ready    []*backlog // with messages, and no worker at them
	busy     int        // backlogs that are in ready, or have a worker at them
	// messages and bytes are those in all backlogs.
	messages, bytes int
	// gaps are to be told to a handler with the next message that comes for it.
	gaps  map[Name]*Gap
	over  bool // nothing comes any more
	cut   bool // what is in the backlogs is not handled any more
	asked bool // stopping is closed
	err   error
	stats RunnerStats
}

// RunnerStats counts what a [Runner] has done.
type RunnerStats struct {
	Handled uint64 // handler calls that returned or panicked
	Failed  uint64 // handler calls that returned an error or panicked
	Dropped uint64 // messages dropped because there was no room or no handler, or because the context ended
	Waiting int    // messages that wait for a worker
}

// Run calls the handlers of the subscription with its messages. It uses as many goroutines as
// workers says, at least 1. Messages of the same channel are handled one after the other, in
// order. Messages of different channels are handled concurrently. The runner takes over
// [Subscription.Messages]: nobody else may receive from it.
// [Subscription.Messages]: nobody else may receive from it.
// Run fails with a [*NoHandlerError] if a name has no handler, and with [ErrRunning] if another
// run is under way. A message of a name that is added later without a handler causes a
// NoHandlerError too.
//
// onError is called with each error that a handler returns, as a [*HandlerError]. A panic is
// reported in the same way, as a [*PanicError] inside. The worker calls onError, concurrently
// with other workers; onError may call run.Stop. If onError is nil, the first error ends the
// run, and Wait returns it.
//
// A gap in the subscription's stream concerns all of its names, so each handler gets the gap
// with its next message. With [GapMarkers], each handler is called at once with an item of
// KindGap. For a channel the item comes in order with its messages. For a pattern it comes
// concurrently with them. The NameKind of the item, with its Channel or Pattern, names the
// handler that it is for. Gaps from messages that the runner drops, as described below, always
// come with the next message. A stream that ends incomplete after Unsubscribe ends with an item
// of KindGap even without GapMarkers, see [IncompleteError].
//
// The messages that wait for workers are bounded by the same numbers as the subscription's
// [Buffer], but counted separately. If they exceed the bounds, the channel with the most waiting
// messages loses its oldest one, and its handler gets the gap. With [DropNewest] the new message
// is dropped, with [FailSlow] the subscription ends, and with [Block] the runner receives
// nothing more until there is room.
//
// The run ends when the subscription ends and the received messages are handled, after
// [Runner.Stop], or when ctx ends. If ctx ends, messages that wait are dropped and counted.
// Ending the run by Stop or ctx does not end the subscription, which can be run again. The next
// run reports the gaps that the handlers have not seen, including the messages dropped at the
// end.
func (s *Subscription) Run(ctx context.Context, workers int, onError func(err error, sub *Subscription, run *Runner)) (*Runner, error) {
	switch {
	case ctx == nil:
		return nil, errNoContext
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	}
	if without := s.without(); len(without) > 0 {
		return nil, &NoHandlerError{without}
	}
	if !s.running.CompareAndSwap(false, true) {
		return nil, ErrRunning
	}
	r := &Runner{
		sub: s, onError: onError,
		maxMessages: s.maxMessages + cap(s.out), maxBytes: s.maxBytes,
		stopping: make(chan struct{}), done: make(chan struct{}),
		backlogs: make(map[backlogKey]*backlog), gaps: s.untold,
	}
	if r.gaps == nil {
		r.gaps = make(map[Name]*Gap)
	}
	r.wake.L = &r.mu
	r.ctx, r.cancel = context.WithCancel(ctx)
	for range max(1, workers) {
		r.workers.Go(r.work)
	}
	go r.run(ctx)
	return r, nil
}

// Stop ends the run: the runner receives no more messages, and handles those that it has
// received. Stop does not wait, so a handler may call it. Further calls do nothing.
func (r *Runner) Stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stop()
}

// stop is Stop with mu held.
func (r *Runner) stop() {
	if !r.asked {
		r.asked = true
		close(r.stopping)
	}
}

// Done returns a channel that is closed when the run has ended and no handler runs.
func (r *Runner) Done() <-chan struct{} { return r.done }

// Wait waits until the run has ended and no handler is running, or until ctx ends. It returns
// the reason for the end of the run. The reason is nil after Stop, and if the subscription ended
// without an error. A handler must not wait for its own run: it would wait for itself.
func (r *Runner) Wait(ctx context.Context) error {
	if err := checkContext(ctx); err != nil {
		return err
	}
	select {
	case <-r.done:
	case <-ctx.Done():
		select {
		case <-r.done:
		default:
			return context.Cause(ctx)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// Stats returns the statistics of the run.
func (r *Runner) Stats() RunnerStats {
	r.mu.Lock()
	defer r.mu.Unlock()
	stats := r.stats
	stats.Waiting = r.messages
	return stats
}

// run receives until the end, and waits for the workers.
func (r *Runner) run(ctx context.Context) {
	defer close(r.done)
	unwatch := context.AfterFunc(ctx, func() { r.end(context.Cause(ctx), true) })
	r.receive()
	r.workers.Wait()
	unwatch()
	r.cancel()
	r.sub.untold = r.gaps
	r.sub.running.Store(false)
}

// receive sorts messages into backlogs until the end.
func (r *Runner) receive() {
	for {
		select {
		case <-r.stopping: // before a next message
			r.end(nil, false)
			return
		default:
		}
		select {
		case msg, ok := <-r.sub.out:
			if !ok {
				r.end(r.sub.Err(), false)
				return
			}
			r.sort(&msg)
		case <-r.stopping:
		}
	}
}

// end says that nothing comes any more, and why; cut, that what waits is dropped.
func (r *Runner) end(err error, cut bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.endLocked(err, cut)
}

func (r *Runner) endLocked(err error, cut bool) {
	if !r.over {
		r.over, r.err = true, err
	}
	if cut && !r.cut {
		r.cut = true
		r.stats.Dropped += uint64(r.messages)
		r.messages, r.bytes = 0, 0
		now := time.Now()
		for key, b := range r.backlogs {
			if gap := b.queue.finish(0, now); gap != nil {
				r.missed(key.name, *gap)
			}
		}
		r.busy -= len(r.ready)
		r.ready, r.backlogs = nil, make(map[backlogKey]*backlog)
		r.stop()
	}
	r.wake.Broadcast()
}

// work is a worker: it handles a backlog's first messages, and then another backlog's.
func (r *Runner) work() {
	var hand [1]Message
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		if r.ctx.Err() != nil { // whoever watches it may not have come to that yet
			r.endLocked(context.Cause(r.ctx), true)
		}
		for len(r.ready) == 0 {
			if r.over && (r.cut || r.busy == 0) {
				return
			}
			r.wake.Wait()
		}
		b := r.ready[0]
		r.ready[0] = nil
		r.ready = r.ready[1:]
		items, messages, bytes := b.queue.take(hand[:])
		if items == 0 { // dropped meanwhile
			r.leave(b)
			continue
		}
		r.messages -= messages
		r.bytes -= bytes
		r.wake.Broadcast() // there is room
		r.handle(b, &hand[0])
		hand[0] = Message{}
	}
}

// handle calls the handler with a message of a backlog. mu is held, and released meanwhile.
func (r *Runner) handle(b *backlog, msg *Message) {
	r.mu.Unlock()
	returned := false
	fn := r.sub.handler(b.key.name)
	passed := fn == nil && !r.sub.unhandled(b.key.name)
	var err error
	defer func() {
		if !returned { // the handler, or onError, has called runtime.Goexit
			err = errGoexit
			r.end(err, true)
		}
		r.mu.Lock()
		switch {
		case passed && msg.Kind.isMessage():
			r.stats.Dropped++
		case returned && !passed:
			r.stats.Handled++
			if err != nil {
				r.stats.Failed++
			}
		}
		r.leave(b)
	}()
	if !passed {
		err = r.call(b.key.name, fn, msg)
	}
	if err != nil {
		r.fail(err)
	}
	returned = true
}

// errGoexit ends a run whose handler has ended its goroutine.
var errGoexit = errors.New("pubsub: a handler has called runtime.Goexit")

// call calls the handler of a name, fn.
func (r *Runner) call(name Name, fn Handler, msg *Message) (err error) {
	if fn == nil {
		return &NoHandlerError{[]Name{name}}
	}
	returned := false
	defer func() {
		if returned {
			return
		}
		if value := recover(); value != nil {
			err = &HandlerError{*msg, &PanicError{value, debug.Stack()}}
		}
	}()
	err = fn(r.ctx, *msg)
	returned = true
	if err != nil {
		return &HandlerError{*msg, err}
	}
	return nil
}

// fail tells an error of a handler, or ends the run with it.
func (r *Runner) fail(err error) {
	if r.onError == nil {
		r.end(err, true)
		return
	}
	defer func() {
		if value := recover(); value != nil {
			r.end(&PanicError{value, debug.Stack()}, true)
		}
	}()
	r.onError(err, r.sub, r)
}
