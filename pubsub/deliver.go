package pubsub

import (
	"runtime"
	"time"

	"github.com/redchan-go/redchan/internal/hub"
)

// Delivery. While nothing waits behind the Go channel the reader sends straight
// into it. What finds the channel full goes into the queue, and from there on
// everything does, so that the order holds, until the pump, a goroutine that
// runs only then, has emptied the queue into the channel.
//
// The channel is sent to by the reader, with mu held and no pump running, or by
// the pump, without mu; never by both. Whoever is the last to leave closes it.

// pumpBatch bounds what the pump takes out of the queue at a time.
const pumpBatch = 16

// verdict is what became of a message.
type verdict uint8

const (
	taken   verdict = iota // delivered, queued or dropped by policy
	tooSlow                // dropped, and the subscription is to end
	full                   // nothing yet: policy Block, and there is no room
)

// Deliver delivers some messages, or drops them as the policy says. It returns how many
// it has come to. It never waits: if it is to, for the last of these, done is false, and
// DeliverBlocking does.
func (k *sink) Deliver(l *hub.Lane, some []hub.Delivery) (n int, done bool) {
	s := (*Subscription)(k)
	v := taken
	s.mu.Lock()
	for n < len(some) && v == taken {
		d := &some[n]
		n++
		if s.state == live && d.Current(l) {
			msg := message(d)
			v = s.offer(&msg)
		}
	}
	if v == full {
		s.special.block()
	}
	s.mu.Unlock()
	if v == tooSlow {
		s.stop(ErrSlowConsumer)
	}
	return n, v != full
}

// message returns a message as users see it.
func message(d *hub.Delivery) Message {
	name := d.Name()
	msg := Message{Kind: Kind(name.Kind), Channel: d.Channel, Payload: d.Payload} // both kinds are in the same order
	if name.Kind == hub.Pattern {
		msg.Pattern = name.Name
	}
	return msg
}

// DeliverBlocking waits for room without holding mu, so whoever ends the
// subscription gets through at once, and ends the waiting. It is told of room when
// half of the bounds is free, and looks for any when its time is over.
func (k *sink) DeliverBlocking(l *hub.Lane, d *hub.Delivery) {
	s := (*Subscription)(k)
	msg := message(d)
	timer := time.NewTimer(s.special.blockFor)
	defer timer.Stop()
	stopped := s.signal(&s.stopped)
	for late := false; ; {
		select {
		case <-s.special.room:
		case <-timer.C:
			late = true
		case <-stopped:
			return // the final gap has it
		}
		s.mu.Lock()
		if s.state >= stopping {
			s.mu.Unlock()
			return
		}
		var v verdict
		switch {
		case d.Left() || s.state != live: // the name was unsubscribed, without waiting for the server
			s.queue.dropNewest(Closed, time.Now())
		case !d.Current(l): // another lane has taken it over
			s.queue.dropNewest(Moved, time.Now())
		default:
			v = s.offer(&msg)
		}
		if v == full && late {
			s.queue.dropNewest(Overflow, time.Now())
			v = tooSlow
		}
		if v != full {
			s.special.unblock()
			s.tellProgress()
			s.tellRoom() // the reader of another lane may wait too
		}
		s.mu.Unlock()
		switch v {
		case taken:
			return
		case tooSlow:
			s.stop(ErrSlowConsumer)
			return
		}
	}
}

// offer takes a message in, by the policy if there is no room. mu is held.
func (s *Subscription) offer(msg *Message) verdict {
	q := &s.queue
	if !s.pumping {
		// Nothing waits, so what is pending is in front of msg.
		msg.Gap = q.takePending()
		if s.trySend(msg) {
			return taken
		}
	}
	size := msg.size()
	for !s.fits(size) {
		now := time.Now()
		switch s.policy {
		case DropNewest:
			q.dropNewest(Overflow, now)
			s.overflow(now)
			s.flushGap()
			return taken
		case FailSlow:
			q.dropNewest(Overflow, now)
			return tooSlow
		case block:
			return full
		default: // DropOldest
			if q.messages > 0 {
				q.dropOldest(now)
				s.overflow(now)
				continue
			}
			// All that waits is in the pump's hand. It is to give it back, and
			// drops the oldest then; msg is one too many as long.
			select {
			case s.recall <- struct{}{}:
			default:
			}
			s.enqueue(msg)
			return taken
		}
	}
	s.enqueue(msg)
	return taken
}

// fits reports whether a message of this size is within the bounds. A message
// fits in any case when nothing waits behind the channel. mu is held.
func (s *Subscription) fits(size int) bool {
	waiting := s.queue.messages + int(s.held.Load())
	if waiting == 0 {
		return true
	}
	return waiting < s.maxMessages && s.queue.bytes+int(s.heldBytes.Load())+size <= s.maxBytes
}

// enqueue puts a message behind the channel. mu is held.
func (s *Subscription) enqueue(msg *Message) {
	s.queue.push(*msg)
	s.startPump()
}

// overflow tells with an event that messages begin to be dropped: once until
// the queue was empty again. mu is held.
func (s *Subscription) overflow(now time.Time) {
	if s.overflowing {
		return
	}
	s.overflowing = true
	s.events.Add(Event{Kind: EventOverflow, Time: time.Now(), Gap: &Gap{Reason: Overflow, From: now, To: now, Dropped: 1}})
}

// flushGap puts the pending gap into the stream, if it is to be an item of its
// own and all names are there that it waits for. mu is held.
func (s *Subscription) flushGap() {
	if !s.markers || s.lost > 0 || s.state != live || s.queue.pending.Reason == 0 {
		return
	}
	if !s.pumping {
		gap := s.queue.pending
		if s.trySend(&Message{Kind: KindGap, Gap: &gap}) {
			s.queue.pending = Gap{}
			return
		}
	}
	s.queue.pushMarker(Message{Kind: KindGap})
	s.startPump()
}

// split returns what goes into the channel next for msg: msg itself, or in
// front of it its Gap as an item of its own, and then there is more.
func (s *Subscription) split(msg *Message) (item Message, more bool) {
	if s.markers && msg.Gap != nil && msg.Kind != KindGap {
		return Message{Kind: KindGap, Gap: msg.Gap}, true
	}
	return *msg, false
}

// sent counts an item that went into the channel.
func (s *Subscription) sent(item *Message) {
	if item.Kind.isMessage() {
		s.delivered.Add(1)
	}
	if item.Gap != nil {
		s.gaps.Add(1)
	}
}

// trySend sends msg into the channel if there is room. If only its Gap found
// room, msg has none any more.
func (s *Subscription) trySend(msg *Message) bool {
	for {
		item, more := s.split(msg)
		select {
		case s.out <- item:
		default:
			return false
		}
		s.sent(&item)
		if !more {
			return true
		}
		msg.Gap = nil
	}
}

// send is trySend, but waits for room until it is recalled or stopped. First it lets
// a consumer that can run empty the channel: a sender that waits at a full one is
// woken for each single message.
func (s *Subscription) send(msg *Message, stopped <-chan struct{}) bool {
	if s.trySend(msg) {
		return true
	}
	runtime.Gosched()
	for !s.trySend(msg) {
		item, more := s.split(msg)
		select {
		case s.out <- item:
		case <-s.recall:
			return false
		case <-stopped:
			return false
		}
		s.sent(&item)
		if !more {
			return true
		}
		msg.Gap = nil
	}
	return true
}

// startPump lets the pump run if it does not. mu is held.
func (s *Subscription) startPump() {
	if !s.pumping {
		s.pumping = true
		if s.recall == nil {
			s.recall = make(chan struct{}, 1)
		}
		go s.pump(s.stopped.wait())
	}
}

// pump moves the queue into the channel until it is empty or the subscription
// stops.
func (s *Subscription) pump(stopped <-chan struct{}) {
	var buf [pumpBatch]Message
	// With small bounds, leave something to drop in the queue.
	hand := buf[:max(1, min(len(buf), s.maxMessages/2))]
	s.mu.Lock()
	for s.state != stopping {
		items, messages, bytes := s.queue.take(hand)
		if items == 0 {
			break
		}
		s.held.Store(int64(messages))
		s.heldBytes.Store(int64(bytes))
		s.mu.Unlock()

		gone := 0
		for gone < items && s.send(&hand[gone], stopped) {
			if msg := &hand[gone]; msg.Kind.isMessage() {
				s.held.Add(-1)
				s.heldBytes.Add(-int64(msg.size()))
			}
			gone++
		}

		s.mu.Lock()
		s.queue.putBack(hand[gone:items])
		s.held.Store(0)
		s.heldBytes.Store(0)
		clear(hand[:items])
		s.trim()
		s.tellRoom()
	}
	s.pumping = false
	s.overflowing = false
	if s.queue.ring.len() == 0 {
		s.queue.ring = ring{}
	}
	s.tellProgress()
	s.mu.Unlock()
	s.finishIfQuiet()
}

// tellRoom wakes DeliverBlocking where half of the bounds is free: woken for each
// message, the reader would be as slow as that. mu is held.
func (s *Subscription) tellRoom() {
	if s.special == nil || s.queue.messages > s.maxMessages/2 || s.queue.bytes > s.maxBytes/2 {
		return
	}
	select {
	case s.special.room <- struct{}{}:
	default: // it is told already, or nobody blocks
	}
}

// trim drops what exceeds the bounds after the pump has given back what it
// held, see offer. mu is held.
func (s *Subscription) trim() {
	q := &s.queue
	for q.messages > 1 && (q.messages > s.maxMessages || q.bytes > s.maxBytes) {
		now := time.Now()
		q.dropOldest(now)
		s.overflow(now)
	}
}
