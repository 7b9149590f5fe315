package conn

import (
	"sync"
	"sync/atomic"
)

// flight is the FIFO of what was sent and has not been answered, and the counters of it.
type flight struct {
	life

	slots sync.Pool
	// enqueued counts the slots that have entered the FIFO; changed with mu held.
	enqueued atomic.Uint64
	batches  atomic.Int32 // batches in flight; changed with mu held

	// All below is guarded by mu.
	inflight  fifo
	abandoned int    // slots in flight that nobody waits for
	answered  uint64 // slots that have left the FIFO. Who has the read lease reads it without mu: nobody else changes it
}

// maxAbandoned is how many requests may be in flight that nobody waits for any more: beyond it
// the server is as good as gone.
const maxAbandoned = 1 << 14

// slot returns a slot for so many replies.
func (f *flight) slot(replies int) *slot {
	s := f.slots.Get().(*slot)
	s.left = replies
	return s
}

// recycle gives an answered slot back for reuse.
func (f *flight) recycle(s *slot) {
	s.reset()
	f.slots.Put(s)
}

// push puts a slot into the FIFO. mu is held.
func (f *flight) push(s *slot) {
	f.inflight.push(s)
	f.enqueued.Add(1)
	if s.batch {
		f.batches.Add(1)
	}
}

// pop takes the oldest slot, which has been answered, out of the FIFO. mu is held.
func (f *flight) pop(s *slot) {
	f.inflight.pop()
	f.answered++
	if s.batch {
		f.batches.Add(-1)
	}
}

// abandon leaves a slot to the reader, because its caller has given up. It reports whether too
// many have. mu is held.
func (f *flight) abandon(s *slot) (tooMany bool) {
	s.state = slotAbandoned
	f.abandoned++
	return f.abandoned > maxAbandoned
}

// failAll answers every slot in flight with the cause of the connection's end. mu is held.
func (f *flight) failAll() {
	for s := f.inflight.front(); s != nil; s = f.inflight.front() {
		f.inflight.pop()
		if s.state == slotWaiting && s.fence == nil {
			s.err, s.state = f.cause, slotAnswered
			s.ready <- struct{}{}
		}
	}
}

// fifo is a queue of slots in a ring that grows by doubling. The zero fifo is
// empty.
type fifo struct {
	ring       []*slot
	head, size int
}

// push appends a slot.
func (q *fifo) push(s *slot) {
	if q.size == len(q.ring) {
		grown := make([]*slot, max(16, 2*len(q.ring)))
		n := copy(grown, q.ring[q.head:])
		copy(grown[n:], q.ring[:q.head])
		q.ring, q.head = grown, 0
	}
	q.ring[(q.head+q.size)&(len(q.ring)-1)] = s
	q.size++
}

// front returns the oldest slot, nil where there is none.
func (q *fifo) front() *slot {
	if q.size == 0 {
		return nil
	}
	return q.ring[q.head]
}

// pop removes the oldest slot.
func (q *fifo) pop() {
	q.ring[q.head] = nil
	q.head = (q.head + 1) & (len(q.ring) - 1)
	q.size--
}

// shrink gives the memory of a burst back where the queue is empty.
func (q *fifo) shrink() {
	if q.size == 0 && len(q.ring) > 16 {
		*q = fifo{}
	}
}
