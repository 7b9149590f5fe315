package pubsub

import "time"

// queue is what waits behind a subscription's Go channel, and the gaps that are
// to be told. It is a plain data structure, guarded by its Subscription's mu.
type queue struct {
	ring ring
	// messages and bytes count what is in the ring; an item of KindGap counts
	// for nothing, so there is always room to tell of a gap.
	messages, bytes int

	// pending is the gap in front of whatever comes next; it covers nothing
	// most of the time. Gaps further ahead are in the Gap of an item.
	pending Gap
	dropped uint64

	// front is the number of the item at the front of the ring: items are numbered in their
	// order. confirmations belong between them, and are nil where nobody wants any.
	front         int
	confirmations *confirmations
}

// push adds a message at the end. It carries the pending gap.
func (q *queue) push(msg Message) {
	if gap := q.takePending(); gap != nil {
		msg.Gap = gap // has none: only what nothing is pending for carries one here
	}
	q.ring.pushBack(msg)
	q.messages++
	q.bytes += msg.size()
}

// pushMarker adds the pending gap at the end as an item of its own, marker, of KindGap.
func (q *queue) pushMarker(marker Message) {
	if tail := q.ring.back(); tail != nil && tail.Kind == KindGap {
		tail.Gap.merge(q.pending)
		q.pending = Gap{}
		return
	}
	marker.Gap = q.takePending()
	q.ring.pushBack(marker)
}

// take moves items from the front into hand, and returns how many items,
// messages and bytes that were.
func (q *queue) take(hand []Message) (items, messages, bytes int) {
	for items < len(hand) {
		if msg, ok := q.confirmations.next(q.front); ok {
			hand[items] = msg
			items++
			continue
		}
		if q.ring.len() == 0 {
			break
		}
		hand[items] = q.popFront()
		if hand[items].Kind != KindGap {
			messages++
			bytes += hand[items].size()
		}
		items++
	}
	q.messages -= messages
	q.bytes -= bytes
	return items, messages, bytes
}

// putBack undoes take for items that were not handed out.
func (q *queue) putBack(items []Message) {
	for i := len(items) - 1; i >= 0; i-- {
		if items[i].Kind.confirms() {
			q.confirmations.putBack(q.front, items[i])
			continue
		}
		q.ring.pushFront(items[i])
		q.front--
		if items[i].Kind != KindGap {
			q.messages++
			q.bytes += items[i].size()
		}
	}
}

// popFront takes the item at the front.
func (q *queue) popFront() Message {
	q.front++
	return q.ring.popFront()
}

// confirm adds what the server has confirmed at the end. The pending gap is left to the
// next message: who skips confirmations must not miss it.
func (q *queue) confirm(msg Message) {
	if q.confirmations == nil {
		q.confirmations = new(confirmations)
	}
	q.confirmations.add(q.front+q.ring.len(), msg)
}

// dropOldest drops the message at the front. What is then in front, or comes next, is marked
// with the gap, which also tells what the dropped one told.
func (q *queue) dropOldest(now time.Time) {
	var gap Gap
	for dropped := false; !dropped; {
		item := q.popFront()
		if item.Gap != nil {
			gap.merge(*item.Gap)
		}
		if item.Kind != KindGap {
			q.messages--
			q.bytes -= item.size()
			dropped = true
		}
	}
	gap.merge(Gap{Reason: Overflow, From: now, To: now, Dropped: 1})
	q.dropped++
	switch {
	case q.ring.len() == 0:
		q.pending.merge(gap)
	case q.ring.at(0).Gap == nil:
		q.ring.at(0).Gap = &gap
	default:
		q.ring.at(0).Gap.merge(gap)
	}
}

// dropNewest drops a message that was not added.
func (q *queue) dropNewest(why Reason, now time.Time) {
	q.pending.merge(Gap{Reason: why, From: now, To: now, Dropped: 1})
	q.dropped++
}

// takePending returns the pending gap, or nil if there is none.
func (q *queue) takePending() *Gap {
	if q.pending.Reason == 0 {
		return nil
	}
	gap := q.pending
	q.pending = Gap{}
	return &gap
}

// finish empties the queue for good, drops as many messages more that were not added, and
// returns the gap that nobody was told of, nil if all was delivered.
func (q *queue) finish(more int, now time.Time) *Gap {
	var gap Gap
	for q.ring.len() > 0 {
		item := q.ring.popFront()
		if item.Gap != nil {
			gap.merge(*item.Gap)
		}
	}
	gap.merge(q.pending)
	if n := uint64(q.messages + more); n > 0 {
		gap.merge(Gap{Reason: Closed, From: now, To: now, Dropped: n})
		q.dropped += n
	}
	*q = queue{dropped: q.dropped}
	if gap.Reason == 0 {
		return nil
	}
	return &gap
}

// ring is a queue of items that grows on demand. The zero ring is empty and
// holds no memory.
type ring struct {
	items []Message // the length is 0 or a power of two
	head  int       // index of the front
	n     int
}

const minRing = 16

func (r *ring) len() int { return r.n }

// at returns the place i behind the front.
func (r *ring) at(i int) *Message { return &r.items[(r.head+i)&(len(r.items)-1)] }

// back returns the last item, nil if there is none.
func (r *ring) back() *Message {
	if r.n == 0 {
		return nil
	}
	return r.at(r.n - 1)
}

func (r *ring) pushBack(item Message) {
	r.grow()
	*r.at(r.n) = item
	r.n++
}

func (r *ring) pushFront(item Message) {
	r.grow()
	r.head = (r.head - 1) & (len(r.items) - 1)
	*r.at(0) = item
	r.n++
}

func (r *ring) popFront() Message {
	slot := r.at(0)
	item := *slot
	*slot = Message{} // for the garbage collector
	r.head = (r.head + 1) & (len(r.items) - 1)
	r.n--
	return item
}

// grow makes room for one more item.
func (r *ring) grow() {
	if r.n < len(r.items) {
		return
	}
	items := make([]Message, max(minRing, 2*len(r.items)))
	for i := range r.n {
		items[i] = *r.at(i)
	}
	r.items, r.head = items, 0
}
