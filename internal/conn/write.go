package conn

import (
	"runtime"
	"time"
)

// writer writes what is queued. A goroutine of the connection does it, or a caller: to wake
// the goroutine costs time, and in a program that is busy with other things it waits for its
// turn behind them. Whoever writes has the write lease:
//
//   - At most one goroutine has it, and writes: the writer goroutine, or a caller that has
//     queued a request while nobody wrote. It changes hands under mu alone. flushing belongs
//     to its holder.
//   - A caller that queues a request while the lease is taken does nothing else: the holder
//     looks for more, under mu, before it gives the lease up.
//   - A caller writes without ever waiting for the socket. What does not fit it hands to
//     the writer goroutine, with the lease; so it does when others queue more and more.
//   - Where a write fails nobody has the lease any more, from before mu is released: another
//     writer would write behind a hole.
//   - shutdown waits for a caller that writes: written tells which requests were sent.
//
// What lies below the writer never waits for it: callers wait for room before they queue a
// byte, so that the writer and the reader can't wait for each other.
type writer struct {
	outbox

	// Set before start, never changed.
	peeker     peeker        // of nc; nil where it has none
	direct     *direct       // for callers that write themselves; nil where that is not possible
	wake       chan struct{} // capacity 1: the writer goroutine has the write lease
	writerDone chan struct{}

	// All below is guarded by mu, but for flushing.
	written uint64 // bytes that nc has taken
	lease   lease
	// flushing has what is being written, and belongs to who has the write lease.
	// several says that the last flush carried more than one request, and
	// skipYields how many flushes go without a yield.
	flushing    [][]byte
	several     bool
	skipYields  int
	callerWrote chan struct{} // for shutdown: closed when a caller has ended writing; nil while nobody waits for that
}

// lease is who has the write lease.
type lease uint8

const (
	leaseFree   lease = iota
	leaseCaller       // a caller has it
	leaseWriter       // the writer goroutine has it, or is about to find it in wake
	leaseLost         // a write has failed: nobody writes any more
)

const (
	// callerFlushes is how many times in a row a caller writes what others have queued
	// meanwhile, before the writer goroutine takes over.
	callerFlushes = 4
	// writeStep bounds one call of Write.
	writeStep = 64 << 10
	// slowYield is how long a yield before a flush may take that brought fewer bytes
	// than worthYield. Then the program's goroutines are busy with other things than
	// requests, and the next yieldsSkipped flushes go without.
	slowYield     = 100 * time.Microsecond
	worthYield    = 512
	yieldsSkipped = 16
)

// prepare finds out how nc can be written to.
func (w *writer) prepare() {
	w.direct = newDirect(w.nc)
	if w.direct != nil {
		w.peeker = w.direct
	} else {
		w.peeker, _ = w.nc.(peeker)
	}
}

// fence queues bytes whose answer ends with a fence, and reports whether it did. It does not
// block and does not write itself, because a hub calls it with its own lock held; nor does a
// full connection hold it up. mu is held.
func (w *writer) fence(encoded []byte, f *Fence) bool {
	if w.cause != nil {
		return false
	}
	w.append(&slot{fence: f}, encoded)
	if w.lease == leaseFree {
		w.handToWriter()
	}
	return true
}

// flush sees to it that what has been queued is written. first says that nothing else is
// in flight: then nothing must have come that is no push. mu is held, and released.
func (w *writer) flush(first bool) {
	if w.lease != leaseFree {
		w.mu.Unlock()
		return
	}
	var err error
	if first && w.peeker != nil {
		w.lease = leaseCaller // nobody writes meanwhile, so no answer can come
		w.mu.Unlock()
		err = w.peek()
		w.mu.Lock()
	}
	if err == nil && w.direct == nil {
		w.handToWriter()
		w.mu.Unlock()
		return
	}
	w.lease = leaseCaller
	for n := 0; w.lease == leaseCaller; n++ {
		switch {
		case err != nil:
			// Before mu is released: nobody must write behind what is missing.
			w.lease = leaseLost
			w.leaseMoved()
		case len(w.outgoing) == 0:
			w.freeLease()
		case n == callerFlushes:
			w.handToWriter()
		default:
			err = w.flushDirectly()
		}
	}
	w.mu.Unlock()
	if err != nil {
		w.fail(err)
	}
}

// peeker tells, without waiting, whether something has come that nobody has read, and the
// first byte of it. The error says that the connection has ended. Sockets have it, and
// net.Conns may: then callers read on them also where nothing else is in flight.
type peeker interface {
	PeekByte() (first byte, ok bool, err error)
}

// peek looks at a connection that nothing is expected from before a request is written to
// it. The error says that the connection has ended, or that a reply has come which nobody
// asked for: the request's caller would get it. What it costs is little beside a round
// trip, and it keeps requests from being written to a connection that the server has closed.
func (w *writer) peek() (err error) {
	defer func() {
		if r := recover(); r != nil { // of a net.Conn of the user's own
			err = panicError(r)
		}
	}()
	first, ok, err := w.peeker.PeekByte()
	switch {
	case err != nil:
		return explain(err)
	case ok && !w.role.beginsPush(first):
		return errUnasked
	}
	return nil
}

// flushDirectly writes what is queued from a caller that has the write lease. What
// does not fit it hands to the writer goroutine. mu is held, and released meanwhile.
func (w *writer) flushDirectly() error {
	w.yield()
	w.takeOutgoing()
	for len(w.flushing) > 0 {
		piece := w.flushing[0]
		w.mu.Unlock()
		n, err := w.direct.write(piece)
		w.mu.Lock()
		w.written += uint64(n)
		if err != nil {
			return err
		}
		if n < len(piece) {
			w.flushing[0] = piece[n:]
			w.handToWriter()
			return nil
		}
		w.pieceWritten()
	}
	w.freed()
	return nil
}

// yield lets callers that can run now add their requests to the flush, where some
// are likely to. mu is held, and released meanwhile.
func (w *writer) yield() {
	if !w.several && w.inflight.size <= 1 {
		return
	}
	if w.skipYields > 0 {
		w.skipYields--
		return
	}
	before, queued := time.Now(), w.queued
	w.mu.Unlock()
	runtime.Gosched()
	w.mu.Lock()
	if w.queued-queued < worthYield && time.Since(before) > slowYield {
		w.skipYields = yieldsSkipped
	}
}

// handToWriter gives the write lease to the writer goroutine. mu is held.
func (w *writer) handToWriter() {
	w.lease = leaseWriter
	w.wake <- struct{}{} // has room: only who gives it the lease sends
	w.leaseMoved()
}

// expectRequests is called when many callers are about to be answered, who are likely
// to ask again. It reports whether the write lease is the writer goroutine's now.
// Woken just before the last of them, the goroutine comes behind all of them in the
// scheduler's queue, and writes what they have queued at once. mu is held.
func (w *writer) expectRequests() bool {
	if w.lease != leaseFree || w.cause != nil {
		return false
	}
	w.lease = leaseWriter
	return true
}

// freeLease gives the write lease up. mu is held.
func (w *writer) freeLease() {
	w.lease = leaseFree
	w.leaseMoved()
}

// leaseMoved wakes shutdown, which waits for a caller that writes. mu is held.
func (w *writer) leaseMoved() {
	if w.callerWrote != nil {
		close(w.callerWrote)
		w.callerWrote = nil
	}
}

// awaitWriters returns when nobody writes any more. The connection is closed, so that no other
// caller begins.
func (w *writer) awaitWriters() {
	<-w.writerDone
	w.mu.Lock()
	if w.lease != leaseCaller {
		w.mu.Unlock()
		return
	}
	wrote := make(chan struct{})
	w.callerWrote = wrote
	w.mu.Unlock()
	<-wrote
}

// writeLoop writes what callers have queued, as much as there is at once, whenever
// it has the write lease.
func (w *writer) writeLoop() {
	defer close(w.writerDone)
	defer w.recoverPanic()
	for {
		select {
		case <-w.wake:
		case <-w.closing:
			return
		}
		for w.takeForWriter() {
			if err := w.write(w.flushing[0]); err != nil {
				w.fail(err)
				return
			}
			w.mu.Lock()
			w.pieceWritten()
			w.mu.Unlock()
		}
	}
}

// takeForWriter reports whether flushing has something for the writer goroutine to
// write, and gives the write lease up where there is nothing.
func (w *writer) takeForWriter() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.flushing) == 0 {
		if len(w.outgoing) > 0 && w.direct == nil {
			w.yield()
		}
		w.takeOutgoing()
	}
	if len(w.flushing) == 0 {
		w.freeLease()
		return false
	}
	return true
}

// write writes one piece, in steps that are not so large that a slow line looks
// like a dead one to the watchdog.
func (w *writer) write(piece []byte) error {
	for len(piece) > 0 {
		step := piece[:min(len(piece), writeStep)]
		n, err := w.nc.Write(step)
		w.mu.Lock()
		w.written += uint64(n)
		w.freed()
		w.mu.Unlock()
		if err != nil {
			return err
		}
		piece = piece[n:]
	}
	return nil
}

// takeOutgoing moves what is queued to flushing, which is empty. mu is held.
func (w *writer) takeOutgoing() {
	w.flushing = w.takeAll(w.flushing[:0])
	w.several = w.inflight.size > 1
}

// pieceWritten removes the first piece of flushing. mu is held.
func (w *writer) pieceWritten() {
	piece := w.flushing[0]
	last := len(w.flushing) - 1
	copy(w.flushing, w.flushing[1:])
	w.flushing[last] = nil
	w.flushing = w.flushing[:last]
	w.keep(piece)
}

// unsent reports whether no byte of a failed slot was written.
func (w *writer) unsent(s *slot) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return s.start >= w.written
}
