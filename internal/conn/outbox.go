package conn

import (
	"context"

	"github.com/redchan-go/redchan/internal/retry"
	"github.com/redchan-go/redchan/redis/command"
)

const (
	// maxInflight bounds the requests of one connection that wait for their
	// replies, and maxOutgoing the bytes that wait to be written. A caller that comes
	// when one is reached waits for room, as long as its context lasts.
	maxInflight = 1 << 16
	maxOutgoing = 16 << 20
	// largeRequest is the size from which a request is encoded outside of mu,
	// into a piece of its own.
	largeRequest = 32 << 10
	// idleBuffer is the largest write buffer that an idle connection keeps.
	idleBuffer = 1 << 10
	// keepBuffer is the largest write buffer that is kept for reuse, and keepPieces
	// how many are, until the connection is idle.
	keepBuffer = 64 << 10
	keepPieces = 16
)

// outbox has the bytes of requests that wait to be written, and the callers that wait for
// room. All of it is guarded by mu.
type outbox struct {
	flight

	// outgoing has the encoded requests that the writer has not taken yet, the
	// last piece open for more. spares are pieces that were written, for reuse.
	outgoing [][]byte
	spares   [][]byte
	// queued counts the bytes ever put into outgoing, taken those the writer has taken.
	queued, taken uint64
	room          chan struct{} // closed when half of a full connection is free again; nil while nobody waits for that
}

// put puts a request, or a batch, into the FIFO and into the buffer. It waits where the
// connection is full. It returns with mu held, or with an error and without mu: then no byte
// was queued.
func (o *outbox) put(ctx context.Context, s *slot, r *command.Request, rs *command.Requests) error {
	if ctx.Err() != nil {
		return retry.Ended(ctx)
	}
	// Requests are encoded outside of mu, which others wait for. A large one has
	// to have room first.
	isLarge := sizeOf(r, rs) > largeRequest
	if r != nil && !isLarge {
		s.encoded = r.Append(s.encoded[:0])
	}
	if err := o.waitForRoom(ctx); err != nil {
		return err
	}
	s.ctx = ctx
	if isLarge {
		o.mu.Unlock()
		piece := encode(nil, r, rs)
		o.mu.Lock()
		if err := o.refusal(); err != nil {
			o.mu.Unlock()
			return err
		}
		o.append(s, piece)
		return nil
	}
	last := o.open()
	before := len(*last)
	if r != nil {
		*last = append(*last, s.encoded...)
	} else {
		*last = rs.Append(*last)
	}
	s.start = o.queued
	o.queued += uint64(len(*last) - before)
	o.push(s)
	return nil
}

// append queues an encoded request as a piece of its own. mu is held.
func (o *outbox) append(s *slot, piece []byte) {
	s.start = o.queued
	o.outgoing = append(o.outgoing, piece)
	o.queued += uint64(len(piece))
	o.push(s)
}

// open returns the last piece of outgoing, which takes more bytes. mu is held.
func (o *outbox) open() *[]byte {
	if n := len(o.outgoing); n == 0 || len(o.outgoing[n-1]) >= largeRequest {
		var piece []byte
		if last := len(o.spares) - 1; last >= 0 {
			piece, o.spares[last] = o.spares[last], nil
			o.spares = o.spares[:last]
		}
		o.outgoing = append(o.outgoing, piece)
	}
	return &o.outgoing[len(o.outgoing)-1]
}

// takeAll returns all that is queued, and keeps the empty slice for what comes. mu is held.
func (o *outbox) takeAll(empty [][]byte) (all [][]byte) {
	all, o.outgoing = o.outgoing, empty
	o.taken = o.queued
	return all
}

// keep keeps a piece that was written for reuse, where it is not too large. mu is held.
func (o *outbox) keep(piece []byte) {
	if len(o.spares) < keepPieces && cap(piece) <= keepBuffer {
		o.spares = append(o.spares, piece[:0])
	}
}

// waitForRoom returns with mu held where the connection takes a request, and
// with an error and without mu where it does not.
func (o *outbox) waitForRoom(ctx context.Context) error {
	o.mu.Lock()
	for waited := false; ; waited = true {
		if err := o.refusal(); err != nil {
			o.mu.Unlock()
			return err
		}
		// Nobody overtakes those that wait already.
		if !o.full() && (o.room == nil || waited) {
			return nil
		}
		if o.room == nil {
			o.room = make(chan struct{})
		}
		room := o.room
		o.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
			return retry.Ended(ctx)
		case <-o.closing:
		}
		o.mu.Lock()
	}
}

// full reports whether a new request has to wait. mu is held.
func (o *outbox) full() bool {
	return o.inflight.size >= maxInflight || o.queued-o.taken >= maxOutgoing
}

// freed wakes those who wait for room, once half of it is free. mu is held.
func (o *outbox) freed() {
	if o.room != nil && o.inflight.size <= maxInflight/2 && o.queued-o.taken <= maxOutgoing/2 {
		o.wakeWaiting()
	}
}

// wakeWaiting wakes those who wait for room. mu is held.
func (o *outbox) wakeWaiting() {
	if o.room != nil {
		close(o.room)
		o.room = nil
	}
}

// drop forgets what was queued, and wakes those who wait for room. mu is held.
func (o *outbox) drop() {
	o.outgoing, o.spares = nil, nil
	o.wakeWaiting()
}

// shrink gives the memory of a burst back. mu is held.
func (o *outbox) shrink() {
	o.inflight.shrink()
	if len(o.spares) > 0 && (len(o.spares) > 1 || cap(o.spares[0]) > idleBuffer) {
		o.spares = nil
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
