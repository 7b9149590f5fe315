package conn

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/redchan-go/redchan/internal/retry"
	"github.com/redchan-go/redchan/proto"
)

// turns decides who reads. A goroutine that waits for another one to read is woken twice, once
// by the poller and once by the reader. So while requests flow, callers read in turn, each its
// own reply and those of others that it meets, and the reader goroutine parks. Whoever reads
// has the read lease:
//
//   - At most one goroutine has it: the reader, or one caller (leader). reading is true
//     while anybody has it. It changes hands under mu alone.
//   - The reader goroutine reads first, and whenever nobody has led for a tick:
//     so a connection that is closed while it is idle is noticed. It reads all
//     the time on connections that may have pushes to see.
//   - A caller that queues a request while nobody reads takes the lease. It
//     reads until it has met its own reply, and hands the replies of others to
//     them; what the buffer still holds of complete replies it hands out too.
//     Then it passes the lease on: to the caller whose reply is next, or, where
//     nobody waits for that, to the reader goroutine, or, where nothing is in
//     flight, to nobody.
//   - A caller that gives up takes mu. Answered already: it returns the reply.
//     Granted the lease: it passes it on. Else it marks itself abandoned.
//   - A read deadline in the past is a hint, to be woken by, and nothing else: who
//     has the lease clears it, looks at its own context, and reads on. No byte is
//     lost by it, because the reader of replies can be interrupted anywhere.
//   - That hint is armed only for a caller that has led for a whole tick: most
//     replies come sooner, and each arming would cost two allocations.
//   - A caller that fails to read passes the lease to the reader goroutine. Only that shuts
//     down, and it has the lease when it does. Where nobody has it when the connection is
//     closed, the reader goroutine takes it.
type turns struct {
	receiver

	resume chan struct{} // capacity 1: the reader goroutine has the lease

	// All below is guarded by mu.
	reading bool
	leader  *slot       // the caller that has the lease; nil where the reader has
	led     uint64      // leases that callers have taken or been granted
	timer   *time.Timer // ticks while callers lead
	tick    time.Duration
	ticking bool
	stopped bool
	ticks   sync.WaitGroup // a tick that is running
	last    struct{ led, answered uint64 }
	disarm  func() bool // stops the hint that is armed for leader; nil where none is
}

// A tick is how long a caller leads before its context can interrupt it, and how
// long nobody leads before the reader goroutine reads again; either may take two.
// While requests flow, ticks get longer: each wakes an idle processor, which
// costs more than several requests.
const (
	shortTick = 2 * time.Millisecond
	longTick  = 16 * time.Millisecond
)

// prepare finds out whether a connection's callers may read. A subscriber
// connection has pushes to see, and TLS can be interrupted less cleanly.
func (t *turns) prepare() {
	t.writer.prepare()
	t.interruptible = !t.role.Subscriber && !t.role.Monitor && !t.secure && t.nc.SetReadDeadline(time.Time{}) == nil
}

// takeLease makes a slot's caller the leader where nobody reads. mu is held.
func (t *turns) takeLease(s *slot) (leads bool) {
	if !t.interruptible || t.reading {
		return false
	}
	t.reading = true
	t.appoint(s)
	return true
}

// appoint makes a slot's caller the leader. mu is held.
func (t *turns) appoint(s *slot) {
	s.state = slotLeading
	t.leader = s
	t.led++
}

// pass gives the lease of a caller that leads no longer to the next one. mu is
// held, and released.
func (t *turns) pass() {
	disarm := t.disarm
	t.leader, t.disarm = nil, nil
	if !t.lendOn() {
		t.recall()
	}
	t.mu.Unlock()
	if disarm != nil {
		disarm() // where it has fired already, whoever reads next ignores it
	}
}

// lendOn gives the lease to the caller whose reply is next, or to nobody where
// nothing is in flight. False: the reader goroutine has to have it. mu is held.
func (t *turns) lendOn() bool {
	if t.cause != nil {
		return false
	}
	next := t.inflight.front()
	switch {
	case next == nil && t.peeker == nil:
		return false // nobody else would see what comes unasked
	case next == nil:
		t.reading = false
	case next.state == slotWaiting && next.fence == nil:
		t.appoint(next)
		next.ready <- struct{}{}
	default: // nobody waits for it
		return false
	}
	t.startTicks()
	return true
}

// recall gives the lease to the reader goroutine. mu is held.
func (t *turns) recall() {
	t.reading = true
	t.resume <- struct{}{}
}

// release is called by the reader goroutine when all that it had is handed out. It reports
// whether the goroutine has given the lease away, and must await it.
func (t *turns) release() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.interruptible && t.lendOn()
}

// readLoop reads while callers don't. It returns when the connection is closed and the lease is
// its own.
func (t *turns) readLoop() {
	defer t.recoverPanic()
	for {
		v, err := t.next()
		if err == nil {
			if err = t.dispatch(v); err == nil && t.release() {
				t.await()
				if !t.alive() {
					return // what is left unread may stand behind a misreading
				}
				t.reader.Shrink()
			}
		}
		if err != nil && !errors.Is(err, errInterrupted) {
			t.fail(err)
			return
		}
	}
}

// await returns when the reader goroutine has the lease again.
func (t *turns) await() {
	select {
	case <-t.resume:
		return
	case <-t.closing:
	}
	t.mu.Lock()
	taken := t.reading // by a caller that will pass it on, or it is in resume already
	t.reading = true
	t.mu.Unlock()
	if taken {
		<-t.resume
	}
}

// wait waits for the slot's answer or the end of ctx, reading where it is its turn. leads says
// that it is at once. With an error the slot is the reader's, and partial has the replies
// of a batch that had come.
func (t *turns) wait(ctx context.Context, s *slot, leads bool) (partial []proto.Value, err error) {
	if leads {
		return t.lead(ctx, s)
	}
	if done := ctx.Done(); done == nil {
		<-s.ready
	} else {
		select {
		case <-s.ready:
		case <-done:
			return t.giveUp(ctx, s)
		}
	}
	if s.state == slotLeading {
		return t.lead(ctx, s)
	}
	return nil, nil
}

// giveUp abandons a slot whose caller's context has ended, unless its reply has
// come.
func (t *turns) giveUp(ctx context.Context, s *slot) (partial []proto.Value, err error) {
	t.mu.Lock()
	switch s.state {
	case slotAnswered:
		t.mu.Unlock()
		<-s.ready
		return nil, nil
	case slotLeading: // granted, and not taken up
		<-s.ready
		return t.resignLocked(ctx, s)
	}
	// Who reads appends behind these values, and never changes them; nor must the
	// caller append to them in place.
	partial = slices.Clip(s.values)
	tooMany := t.abandon(s)
	t.mu.Unlock()
	if tooMany {
		t.fail(errAbandoned)
	}
	return partial, retry.Ended(ctx)
}

// lead lets the caller of s, who has the lease, read until s is answered or ctx
// has ended, and passes the lease on.
func (t *turns) lead(ctx context.Context, s *slot) (partial []proto.Value, err error) {
	for {
		v, err := t.next()
		if errors.Is(err, errInterrupted) {
			if ctx.Err() == nil {
				continue
			}
			return t.resign(ctx, s)
		}
		if err == nil {
			err = t.dispatch(v)
		}
		if err != nil {
			return t.capitulate(s, err)
		}
		if s.state == slotAnswered { // by this goroutine itself
			t.mu.Lock()
			t.pass()
			return nil, nil
		}
	}
}

// resign ends the leading of a caller whose context has ended.
func (t *turns) resign(ctx context.Context, s *slot) ([]proto.Value, error) {
	t.mu.Lock()
	return t.resignLocked(ctx, s)
}

// resignLocked is resign with mu held; it is released.
func (t *turns) resignLocked(ctx context.Context, s *slot) ([]proto.Value, error) {
	partial := slices.Clip(s.values)
	tooMany := t.abandon(s)
	t.pass()
	if tooMany {
		t.fail(errAbandoned)
	}
	return partial, retry.Ended(ctx)
}

// capitulate ends the leading of a caller that could not read: the reader
// goroutine shuts down, and answers it with all others.
func (t *turns) capitulate(s *slot, err error) ([]proto.Value, error) {
	t.fail(err)
	t.mu.Lock()
	if s.state == slotLeading {
		s.state = slotWaiting
	}
	answered := s.state == slotAnswered
	t.pass()
	if !answered {
		<-s.ready
	}
	return nil, nil
}

// startTicks starts the ticks of a connection whose callers lead. mu is held.
func (t *turns) startTicks() {
	if t.ticking || t.stopped {
		return
	}
	t.ticking = true
	t.tick = shortTick
	t.last.led, t.last.answered = t.led, t.answered
	if t.timer == nil {
		t.timer = time.AfterFunc(t.tick, t.leadTick)
	} else {
		t.timer.Reset(t.tick)
	}
}

// leadTick looks after a connection whose callers lead.
func (t *turns) leadTick() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopped || t.cause != nil {
		return
	}
	t.ticks.Add(1)
	defer t.ticks.Done()
	switch {
	case !t.reading && t.answered == t.last.answered && t.led == t.last.led:
		// Idle: the reader goroutine sees what comes, the connection's end too, and
		// gives back the memory of a burst.
		t.shrink()
		t.recall()
		t.ticking = false
		return
	case t.reading && t.leader == nil:
		t.ticking = false // the reader goroutine starts them again
		return
	case t.leader != nil && t.led == t.last.led && t.disarm == nil:
		t.arm()
		if t.stopped {
			return
		}
	}
	if t.led != t.last.led {
		t.tick = min(2*t.tick, longTick)
	} else {
		t.tick = shortTick
	}
	t.last.led, t.last.answered = t.led, t.answered
	t.timer.Reset(t.tick)
}

// arm lets the end of the leader's context interrupt its read. mu is held, and
// released meanwhile: a context may be of the user's own making.
func (t *turns) arm() {
	ctx, led := t.leader.ctx, t.led
	t.mu.Unlock()
	disarm := context.AfterFunc(ctx, func() {
		defer t.recoverPanic() // of a net.Conn of the user's own
		_ = t.nc.SetReadDeadline(time.Unix(1, 0))
	})
	t.mu.Lock()
	if t.leader != nil && t.led == led {
		t.disarm = disarm
		return
	}
	t.mu.Unlock()
	disarm()
	t.mu.Lock()
}

// stopTicks ends the ticks of a connection that is shut down, and waits for one
// that is running.
func (t *turns) stopTicks() {
	t.mu.Lock()
	t.stopped = true
	if t.timer != nil {
		t.timer.Stop()
	}
	t.mu.Unlock()
	t.ticks.Wait()
}
