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
	// slowYield is how long yielding before a flush may take before it is left
	// out for the next skipYields flushes: then the program's goroutines are
	// busy with other things than requests.
	slowYield  = 100 * time.Microsecond
	skipYields = 16
)

// sendFenced queues bytes whose answer ends with a fence. Nobody waits for it:
// the fence's done is called on the reader, or never when the connection is
// lost first. It does not block, and is not held up by a full connection.
func (c *conn) sendFenced(encoded []byte, f *fence) {
	c.mu.Lock()
	if c.cause == nil {
		c.append(&slot{fence: f}, encoded)
	}
	c.mu.Unlock()
	c.wakeWriter()
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
		s.encoded = encode(s.encoded[:0], r, rs)
	}
	if err := c.waitForRoom(ctx); err != nil {
		return false, err
	}
	if isLarge {
		c.mu.Unlock()
		piece := encode(nil, r, rs)
		c.mu.Lock()
		if c.cause != nil || c.draining {
			defer c.mu.Unlock()
			return false, or(c.cause, ErrClosed)
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
		c.inflight.push(s)
		c.monitor.busy()
	}
	s.ctx = ctx
	leads = c.takeLease(s)
	c.flush()
	return leads, nil
}

// flush sees to it that what has been queued is written: by the caller itself,
// without waiting, where it is the only one, and by the writer otherwise. mu is
// held, and released.
//
// The write lease (writing) is held by the writer or by one caller, which write
// and nobody else does. Who comes meanwhile need not wake anybody: its holder
// looks for more before it gives the lease up.
func (c *conn) flush() {
	if c.writing {
		c.mu.Unlock()
		return
	}
	// After a flush that carried several requests more callers are about to come.
	alone := c.direct != nil && c.inflight.size == 1 && !c.several && len(c.outgoing) == 1
	if !alone {
		wake := !c.woken
		c.woken = true
		c.mu.Unlock()
		if wake {
			c.wakeWriter()
		}
		return
	}
	c.writing = true
	piece := c.outgoing[0]
	c.outgoing[0] = nil
	c.outgoing = c.outgoing[:0]
	c.taken = c.queued
	c.mu.Unlock()

	n, err := c.direct.write(piece)

	c.mu.Lock()
	c.written += uint64(n)
	c.writing = false
	switch {
	case err != nil: // the rest is lost with the connection
	case n < len(piece):
		c.outgoing = append([][]byte{piece[n:]}, c.outgoing...)
	default:
		c.keep(piece)
	}
	more := len(c.outgoing) > 0
	c.mu.Unlock()
	if err != nil {
		c.fail(err)
	} else if more {
		c.wakeWriter()
	}
}

// waitForRoom returns with mu held where the connection takes a request, and
// with an error and without mu where it does not.
func (c *conn) waitForRoom(ctx context.Context) error {
	c.mu.Lock()
	for waited := false; ; waited = true {
		switch {
		case c.cause != nil || c.draining:
			defer c.mu.Unlock()
			return or(c.cause, ErrClosed)
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
	c.inflight.push(s)
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

func (c *conn) wakeWriter() {
	select {
	case c.wake <- struct{}{}:
	default: // it is awake, and will see what was queued
	}
}

// writeLoop writes what callers have queued, as much as there is at once.
func (c *conn) writeLoop() {
	defer close(c.writerDone)
	defer c.recoverPanic()
	var pieces [][]byte
	skip := 0
	for {
		select {
		case <-c.wake:
		case <-c.closing:
			return
		}
		for {
			if skip > 0 {
				skip--
			} else if c.worthYielding() {
				// Callers that can run now add their requests to this flush.
				before := time.Now()
				runtime.Gosched()
				if time.Since(before) > slowYield {
					skip = skipYields
				}
			}
			if pieces = c.takeOutgoing(pieces[:0]); len(pieces) == 0 {
				break
			}
			for i, piece := range pieces {
				if err := c.write(piece); err != nil {
					c.fail(err)
					return
				}
				c.mu.Lock()
				c.keep(piece)
				c.mu.Unlock()
				pieces[i] = nil
			}
		}
	}
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

// keep takes a written piece for reuse, where it is not too large. mu is held.
func (c *conn) keep(piece []byte) {
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

// worthYielding reports whether others are likely to add to the flush.
func (c *conn) worthYielding() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.outgoing) > 0 && (c.several || c.inflight.size > 1)
}

// takeOutgoing moves the queued pieces to the writer's slice, and gives the write
// lease up where there are none, or where a caller has it.
func (c *conn) takeOutgoing(pieces [][]byte) [][]byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.writing && !c.writerWrites {
		c.woken = false
		return pieces // the caller that has the lease wakes the writer for the rest
	}
	c.woken = false
	pieces = append(pieces, c.outgoing...)
	clear(c.outgoing)
	c.outgoing = c.outgoing[:0]
	c.taken = c.queued
	c.writing = len(pieces) > 0
	c.writerWrites = c.writing
	if c.writing {
		c.several = c.inflight.size > 1
	}
	return pieces
}
