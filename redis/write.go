package redis

import (
	"context"
	"runtime"
	"time"

	"github.com/redchan-go/redchan/redis/command"
)

const (
	// maxInflight bounds the requests of one connection that wait for their
	// replies, and maxOutgoing the bytes that wait to be written. Who comes
	// when one is reached waits for room, bound by the own context.
	maxInflight = 1 << 16
	maxOutgoing = 16 << 20
	// largeRequest is the size from which a request is encoded outside of mu,
	// into a piece of its own.
	largeRequest = 32 << 10
	// writeStep bounds one call of Write.
	writeStep = 64 << 10
	// keepEncoded is the largest buffer of a slot that is kept for reuse.
	keepEncoded = 4 << 10
	// idleBuffer is the largest write buffer that an idle connection keeps.
	idleBuffer = 1 << 10
	// keepBuffer is the largest write buffer that is kept for reuse, and keepPieces
	// how many are, until the connection is idle.
	keepBuffer = 64 << 10
	keepPieces = 16
	// slowYield is how long a yield before a flush may take that brought fewer bytes
	// than worthYield. Then the program's goroutines are busy with other things than
	// requests, and the next yieldsSkipped flushes go without.
	slowYield     = 100 * time.Microsecond
	worthYield    = 512
	yieldsSkipped = 16
)

// sendFenced queues bytes whose answer ends with a fence. Nobody waits for it:
// the fence's done is called on the reader, or never when the connection is
// lost first. It does not block, does not write itself, because a hub calls it with its
// own lock held, and is not held up by a full connection.
func (c *conn) sendFenced(encoded []byte, f *fence) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause != nil {
		return
	}
	c.append(&slot{fence: f}, encoded)
	if c.lease == leaseFree {
		c.handToWriter()
	}
}

// enqueue puts a request, or a batch, into the FIFO and into the writer's
// buffer. It waits where the connection is full. An error says that no byte
// was queued; leads, that the caller is to read, see lend.go.
func (c *conn) enqueue(ctx context.Context, s *slot, r *command.Request, rs *command.Requests) (leads bool, err error) {
	if ctx.Err() != nil {
		return false, ended(ctx)
	}
	// Requests are encoded outside of mu, which others wait for. A large one has
	// to have room first.
	isLarge := sizeOf(r, rs) > largeRequest
	if r != nil && !isLarge {
		s.encoded = r.Append(s.encoded[:0])
	}
	if err := c.waitForRoom(ctx); err != nil {
		return false, err
	}
	if isLarge {
		c.mu.Unlock()
		piece := encode(nil, r, rs)
		c.mu.Lock()
		if c.cause != nil || c.draining != nil {
			defer c.mu.Unlock()
			return false, or(c.cause, c.draining)
		}
		c.append(s, piece)
	} else {
		last := c.open()
		before := len(*last)
		if r != nil {
			*last = append(*last, s.encoded...)
		} else {
			*last = rs.Append(*last)
		}
		s.start = c.queued
		c.queued += uint64(len(*last) - before)
		c.push(s)
	}
	if s.batch {
		c.batches.Add(1)
	}
	s.ctx = ctx
	leads = c.takeLease(s)
	c.flush(c.inflight.size == 1)
	return leads, nil
}

// yield lets callers that can run now add their requests to the flush, where some
// are likely to. mu is held, and released meanwhile.
func (c *conn) yield() {
	if !c.several && c.inflight.size <= 1 {
		return
	}
	if c.skipYields > 0 {
		c.skipYields--
		return
	}
	before, queued := time.Now(), c.queued
	c.mu.Unlock()
	runtime.Gosched()
	c.mu.Lock()
	if c.queued-queued < worthYield && time.Since(before) > slowYield {
		c.skipYields = yieldsSkipped
	}
}

// waitForRoom returns with mu held where the connection takes a request, and
// with an error and without mu where it does not.
func (c *conn) waitForRoom(ctx context.Context) error {
	c.mu.Lock()
	for waited := false; ; waited = true {
		switch {
		case c.cause != nil || c.draining != nil:
			defer c.mu.Unlock()
			return or(c.cause, c.draining)
		// Nobody overtakes those that wait already.
		case !c.full() && (c.room == nil || waited):
			return nil
		}
		if c.room == nil {
			c.room = make(chan struct{})
		}
		room := c.room
		c.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
			return ended(ctx)
		case <-c.closing:
		}
		c.mu.Lock()
	}
}

// sizeOf returns about how many bytes a request, or a batch, takes.
func sizeOf(r *command.Request, rs *command.Requests) int {
	if r != nil {
		return r.Size()
	}
	return rs.Size()
}

// encode appends a request, or a batch, to b.
func encode(b []byte, r *command.Request, rs *command.Requests) []byte {
	if r != nil {
		return r.Append(b)
	}
	return rs.Append(b)
}

// open returns the last piece of outgoing, which takes more bytes. mu is held.
func (c *conn) open() *[]byte {
	if n := len(c.outgoing); n == 0 || len(c.outgoing[n-1]) >= largeRequest {
		var piece []byte
		if last := len(c.spares) - 1; last >= 0 {
			piece, c.spares[last] = c.spares[last], nil
			c.spares = c.spares[:last]
		}
		c.outgoing = append(c.outgoing, piece)
	}
	return &c.outgoing[len(c.outgoing)-1]
}

// append queues an encoded request as a piece of its own. mu is held.
func (c *conn) append(s *slot, piece []byte) {
	s.start = c.queued
	c.outgoing = append(c.outgoing, piece)
	c.queued += uint64(len(piece))
	c.push(s)
}

// push puts a slot into the FIFO. mu is held.
func (c *conn) push(s *slot) {
	c.inflight.push(s)
	c.enqueued.Add(1)
	c.monitor.busy()
}

// full reports whether a new request has to wait. mu is held.
func (c *conn) full() bool {
	return c.inflight.size >= maxInflight || c.queued-c.taken >= maxOutgoing
}

// freed wakes those who wait for room, once half of it is free. mu is held.
func (c *conn) freed() {
	if c.room != nil && c.inflight.size <= maxInflight/2 && c.queued-c.taken <= maxOutgoing/2 {
		close(c.room)
		c.room = nil
	}
}

// writeLoop writes what callers have queued, as much as there is at once, whenever
// it has the write lease.
func (c *conn) writeLoop() {
	defer close(c.writerDone)
	defer c.recoverPanic()
	for {
		select {
		case <-c.wake:
		case <-c.closing:
			return
		}
		for c.takeForWriter() {
			if err := c.write(c.flushing[0]); err != nil {
				c.fail(err)
				return
			}
			c.mu.Lock()
			c.pieceWritten()
			c.mu.Unlock()
		}
	}
}

// takeForWriter reports whether flushing has something for the writer goroutine to
// write, and gives the write lease up where there is nothing.
func (c *conn) takeForWriter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.flushing) == 0 {
		if len(c.outgoing) > 0 && c.direct == nil {
			c.yield()
		}
		c.takeOutgoing()
	}
	if len(c.flushing) == 0 {
		c.freeLease()
		return false
	}
	return true
}

// write writes one piece, in steps that are not so large that a slow line looks
// like a dead one to the monitor.
func (c *conn) write(piece []byte) error {
	for len(piece) > 0 {
		step := piece[:min(len(piece), writeStep)]
		n, err := c.nc.Write(step)
		c.mu.Lock()
		c.written += uint64(n)
		c.freed()
		c.mu.Unlock()
		if err != nil {
			return err
		}
		piece = piece[n:]
	}
	return nil
}

// takeOutgoing moves what is queued to flushing, which is empty. mu is held.
func (c *conn) takeOutgoing() {
	c.outgoing, c.flushing = c.flushing[:0], c.outgoing
	c.taken = c.queued
	c.several = c.inflight.size > 1
}

// pieceWritten removes the first piece of flushing, and keeps it for reuse where it
// is not too large. mu is held.
func (c *conn) pieceWritten() {
	piece := c.flushing[0]
	last := len(c.flushing) - 1
	copy(c.flushing, c.flushing[1:])
	c.flushing[last] = nil
	c.flushing = c.flushing[:last]
	if len(c.spares) < keepPieces && cap(piece) <= keepBuffer {
		c.spares = append(c.spares, piece[:0])
	}
}

// shrink gives the memory of a burst back. mu is held.
func (c *conn) shrink() {
	c.inflight.shrink()
	if len(c.spares) > 0 && (len(c.spares) > 1 || cap(c.spares[0]) > idleBuffer) {
		c.spares = nil
	}
}
