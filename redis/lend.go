package redis

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/redchan-go/redchan/proto"
)

// Callers help with writing and with reading. A goroutine that does it for them has to
// be woken, and in a program that is busy with other things it waits for its turn behind
// them. There are two leases.
//
// The write lease:
//
//   - At most one goroutine has it, and writes: the writer, or a caller that has queued a
//     request while nobody wrote. It changes hands under mu alone. flushing is its
//     holder's.
//   - Who queues a request while it is taken need not do anything: its holder looks for
//     more, under mu, before it gives the lease up.
//   - A caller writes without ever waiting for the socket. What does not fit it hands to
//     the writer, with the lease; so it does when others queue more and more.
//   - Where a write fails nobody has the lease any more, from before mu is released: who
//     wrote then would write behind a hole.
//   - shutdown waits for a caller that writes: written tells which requests were sent.
//
// The read lease:
//
//   - A goroutine that waits for another one to read is woken twice, once by the poller and
//     once by the reader. So while requests flow, the lease goes from caller to caller, and
//     the reader goroutine parks.
//   - At most one goroutine has the lease: the reader, or one caller (leader).
//     reading is true while anybody has it. It changes hands under mu alone.
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
//   - Who has the lease when a read fails passes it to the reader goroutine,
//     which alone shuts down, and which holds the lease when it does.

// lending is the state of the read lease.
type lending struct {
	// enabled is set before start: the connection's read deadlines work, and no
	// pushes are to be seen at once.
	enabled bool
	resume  chan struct{} // capacity 1: the reader goroutine has the lease

	hints int // deadlines that have passed since the last reply; of who has the lease

	// All below is guarded by conn.mu.
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

// maxHints is how many deadlines may pass without a reply between them: more are
// none of ours, but a connection's that is broken.
const maxHints = 100

// prepare finds out whether a connection's callers may help. A subscriber
// connection has pushes to see, and TLS can be interrupted less cleanly.
func (l *lending) prepare(c *conn) {
	l.enabled = !c.subscriber && !c.monitoring && !c.secure && c.nc.SetReadDeadline(time.Time{}) == nil
}

// takeLease makes a slot's caller the leader where nobody reads. c.mu is held.
func (c *conn) takeLease(s *slot) (leads bool) {
	l := &c.lending
	if !l.enabled || l.reading {
		return false
	}
	l.reading = true
	c.appoint(s)
	return true
}

// appoint makes a slot's caller the leader. c.mu is held.
func (c *conn) appoint(s *slot) {
	s.state = slotLeading
	c.lending.leader = s
	c.lending.led++
}

// pass gives the lease of a caller that leads no longer to the next one. c.mu is
// held, and released.
func (c *conn) pass() {
	l := &c.lending
	disarm := l.disarm
	l.leader, l.disarm = nil, nil
	if !c.lendOn() {
		c.recall()
	}
	c.mu.Unlock()
	if disarm != nil {
		disarm() // where it has fired already, whoever reads next ignores it
	}
}

// lendOn gives the lease to the caller whose reply is next, or to nobody where
// nothing is in flight. False: the reader goroutine has to have it. c.mu is held.
func (c *conn) lendOn() bool {
	if c.cause != nil {
		return false
	}
	next := c.inflight.front()
	switch {
	case next == nil && c.peeker == nil:
		return false // nobody else would see what comes unasked
	case next == nil:
		c.lending.reading = false
	case next.state == slotWaiting && next.fence == nil:
		c.appoint(next)
		next.ready <- struct{}{}
	default: // nobody waits for it
		return false
	}
	c.startTicks()
	return true
}

// recall gives the lease to the reader goroutine. c.mu is held.
func (c *conn) recall() {
	c.lending.reading = true
	c.lending.resume <- struct{}{}
}

// release is called by the reader goroutine when all that it had is handed out. It reports whether the goroutine has given the lease away, and must wait for
// resume.
func (c *conn) release() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lending.enabled && c.lendOn()
}

// lead lets the caller of s, who has the lease, read until s is answered or ctx
// has ended, and passes the lease on.
func (c *conn) lead(ctx context.Context, s *slot) (partial []proto.Value, err error) {
	for {
		v, err := c.next()
		if errors.Is(err, errInterrupted) {
			if ctx.Err() == nil {
				continue
			}
			return c.resign(ctx, s)
		}
		if err == nil {
			err = c.dispatch(v)
		}
		if err != nil {
			return c.capitulate(s, err)
		}
		if s.state == slotAnswered { // by this goroutine itself
			c.mu.Lock()
			c.pass()
			return nil, nil
		}
	}
}

// resign ends the leading of a caller whose context has ended.
func (c *conn) resign(ctx context.Context, s *slot) ([]proto.Value, error) {
	c.mu.Lock()
	return c.resignLocked(ctx, s)
}

// resignLocked is resign with mu held; it is released.
func (c *conn) resignLocked(ctx context.Context, s *slot) ([]proto.Value, error) {
	partial := slices.Clip(s.values)
	s.state = slotAbandoned
	c.abandoned++
	tooMany := c.abandoned > maxAbandoned
	c.pass()
	if tooMany {
		c.fail(errAbandoned)
	}
	return partial, ended(ctx)
}

// capitulate ends the leading of a caller that could not read: the reader
// goroutine shuts down, and answers it with all others.
func (c *conn) capitulate(s *slot, err error) ([]proto.Value, error) {
	c.fail(c.explain(err))
	c.mu.Lock()
	if s.state == slotLeading {
		s.state = slotWaiting
	}
	answered := s.state == slotAnswered
	c.pass()
	if !answered {
		<-s.ready
	}
	return nil, nil
}

// next reads the next reply or push. errInterrupted says that a read deadline has
// passed, which is only a hint and is cleared.
func (c *conn) next() (v proto.Value, err error) {
	defer func() {
		if r := recover(); r != nil { // of a net.Conn of the user's own
			err = panicError(r)
		}
	}()
	v, err = c.reader.Next()
	l := &c.lending
	switch {
	case err == nil:
		l.hints = 0
	case l.enabled && l.hints < maxHints && errors.Is(err, os.ErrDeadlineExceeded):
		l.hints++
		if err = c.nc.SetReadDeadline(time.Time{}); err == nil {
			err = errInterrupted
		}
	}
	return v, err
}

// errInterrupted tells of a read that ended by a hint.
var errInterrupted = errors.New("interrupted")

// startTicks starts the ticks of a connection whose callers lead. c.mu is held.
func (c *conn) startTicks() {
	l := &c.lending
	if l.ticking || l.stopped {
		return
	}
	l.ticking = true
	l.tick = shortTick
	l.last.led, l.last.answered = l.led, c.answered
	if l.timer == nil {
		l.timer = time.AfterFunc(l.tick, c.leadTick)
	} else {
		l.timer.Reset(l.tick)
	}
}

// leadTick looks after a connection whose callers lead.
func (c *conn) leadTick() {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := &c.lending
	if l.stopped || c.cause != nil {
		return
	}
	l.ticks.Add(1)
	defer l.ticks.Done()
	switch {
	case !l.reading && c.answered == l.last.answered && l.led == l.last.led:
		// Idle: the reader goroutine sees what comes, the connection's end too, and
		// gives back the memory of a burst.
		c.shrink()
		c.recall()
		l.ticking = false
		return
	case l.reading && l.leader == nil:
		l.ticking = false // the reader goroutine starts them again
		return
	case l.leader != nil && l.led == l.last.led && l.disarm == nil:
		c.arm()
		if l.stopped {
			return
		}
	}
	if l.led != l.last.led {
		l.tick = min(2*l.tick, longTick)
	} else {
		l.tick = shortTick
	}
	l.last.led, l.last.answered = l.led, c.answered
	l.timer.Reset(l.tick)
}

// arm lets the end of the leader's context interrupt its read. c.mu is held, and
// released meanwhile: a context may be of the user's own making.
func (c *conn) arm() {
	l := &c.lending
	ctx, led := l.leader.ctx, l.led
	c.mu.Unlock()
	disarm := context.AfterFunc(ctx, func() {
		defer c.recoverPanic() // of a net.Conn of the user's own
		_ = c.nc.SetReadDeadline(time.Unix(1, 0))
	})
	c.mu.Lock()
	if l.leader != nil && l.led == led {
		l.disarm = disarm
		return
	}
	c.mu.Unlock()
	disarm()
	c.mu.Lock()
}

// stopTicks ends the ticks of a connection that is shut down, and waits for one
// that is running.
func (c *conn) stopTicks() {
	l := &c.lending
	c.mu.Lock()
	l.stopped = true
	if l.timer != nil {
		l.timer.Stop()
	}
	c.mu.Unlock()
	l.ticks.Wait()
}

// lease is who has the write lease.
type lease uint8

const (
	leaseFree   lease = iota
	leaseCaller       // a caller has it
	leaseWriter       // the writer goroutine has it, or is about to find it in wake
	leaseLost         // a write has failed: nobody writes any more
)

// callerFlushes is how many times in a row a caller writes what others have queued
// meanwhile, before the writer goroutine takes over.
const callerFlushes = 4

// flush sees to it that what has been queued is written. first says that nothing else is
// in flight: then nothing must have come that is no push. mu is held, and released.
func (c *conn) flush(first bool) {
	if c.lease != leaseFree {
		c.mu.Unlock()
		return
	}
	var err error
	if first && c.peeker != nil {
		c.lease = leaseCaller // nobody writes meanwhile, so no answer can come
		c.mu.Unlock()
		err = c.peek()
		c.mu.Lock()
	}
	if err == nil && c.direct == nil {
		c.handToWriter()
		c.mu.Unlock()
		return
	}
	c.lease = leaseCaller
	for n := 0; c.lease == leaseCaller; n++ {
		switch {
		case err != nil:
			// Before mu is released: nobody must write behind what is missing.
			c.lease = leaseLost
			c.leaseMoved()
		case len(c.outgoing) == 0:
			c.freeLease()
		case n == callerFlushes:
			c.handToWriter()
		default:
			err = c.flushDirectly()
		}
	}
	c.mu.Unlock()
	if err != nil {
		c.fail(err)
	}
}

// peeker tells, without waiting, whether something has come that nobody has read, and the
// first byte of it. The error says that the connection has ended. Sockets have it, and
// net.Conns may: then callers lead on them also where nothing else is in flight.
type peeker interface {
	PeekByte() (first byte, ok bool, err error)
}

// peek looks at a connection that nothing is expected from before a request is written to
// it. The error says that the connection has ended, or that a reply has come which nobody
// asked for: the request's caller would get it. What it costs is little beside a round
// trip, and it keeps requests from being written to a connection that the server has closed.
func (c *conn) peek() (err error) {
	defer func() {
		if r := recover(); r != nil { // of a net.Conn of the user's own
			err = panicError(r)
		}
	}()
	first, ok, err := c.peeker.PeekByte()
	switch {
	case err != nil:
		return c.explain(err)
	case ok && !c.beginsPush(first):
		return errUnasked
	}
	return nil
}

// flushDirectly writes what is queued from a caller that has the write lease. What
// does not fit it hands to the writer goroutine. mu is held, and released meanwhile.
func (c *conn) flushDirectly() error {
	c.yield()
	c.takeOutgoing()
	for len(c.flushing) > 0 {
		piece := c.flushing[0]
		c.mu.Unlock()
		n, err := c.direct.write(piece)
		c.mu.Lock()
		c.written += uint64(n)
		if err != nil {
			return err
		}
		if n < len(piece) {
			c.flushing[0] = piece[n:]
			c.handToWriter()
			return nil
		}
		c.pieceWritten()
	}
	c.freed()
	return nil
}

// handToWriter gives the write lease to the writer goroutine. mu is held.
func (c *conn) handToWriter() {
	c.lease = leaseWriter
	c.wake <- struct{}{} // has room: only who gives it the lease sends
	c.leaseMoved()
}

// expectRequests is called when many callers are about to be answered, who are likely
// to ask again. It reports whether the write lease is the writer goroutine's now.
// Woken just before the last of them, the goroutine comes behind all of them in the
// scheduler's queue, and writes what they have queued at once. mu is held.
func (c *conn) expectRequests() bool {
	if c.lease != leaseFree || c.cause != nil {
		return false
	}
	c.lease = leaseWriter
	return true
}

// freeLease gives the write lease up. mu is held.
func (c *conn) freeLease() {
	c.lease = leaseFree
	c.leaseMoved()
}

// leaseMoved wakes shutdown, which waits for a caller that writes. mu is held.
func (c *conn) leaseMoved() {
	if c.callerWrote != nil {
		close(c.callerWrote)
		c.callerWrote = nil
	}
}

// awaitCaller returns when no caller writes any more. The connection is closed, so
// that no other one begins.
func (c *conn) awaitCaller() {
	c.mu.Lock()
	if c.lease != leaseCaller {
		c.mu.Unlock()
		return
	}
	wrote := make(chan struct{})
	c.callerWrote = wrote
	c.mu.Unlock()
	<-wrote
}
