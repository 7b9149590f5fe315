package pubsub

import (
	"time"
)

// How a subscription learns of its names, and how it ends.
//
// It ends in one of two ways. Draining: the last name has been unsubscribed, and
// the pump empties the queue. Stopping: Close, the end of the context, a refusal, a slow
// consumer or the hub's end; the pump leaves the queue as it is. Whichever of
// the goroutines concerned is the last to leave closes the channels, in
// finishIfQuiet.

// nameConfirmed notes that the server sends the messages of m's name, after gap if that
// was so before. The Hub's mu is held.
func (s *Subscription) nameConfirmed(m *member, gap Gap) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := m.entry
	m.lane = e.lane
	count := s.count(e.name)
	*count++
	event := Event{Kind: EventSubscribed, Name: e.name, Node: e.lane.node, Count: *count}
	if m.joined {
		s.lost--
		s.queue.pending.merge(gap)
		event.Gap = new(gap) // its own: other subscriptions are told too
	}
	s.tellLocked(event)
	s.flushGap()
}

// nameLost notes that a confirmed name is not any more; the loss is told with
// an event where err is not nil. The Hub's mu is held.
func (s *Subscription) nameLost(e *entry, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	count := s.count(e.name)
	*count--
	s.lost++
	if err != nil {
		s.tellLocked(Event{Kind: EventUnsubscribed, Name: e.name, Node: e.lane.node, Count: *count, Err: err})
	}
}

// nameLeft notes that m leaves its entry: nothing is delivered for it from now
// on. err is why, where it is not by our wish. The Hub's mu is held.
func (s *Subscription) nameLeft(m *member, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m.active = false
	if !m.joined {
		return
	}
	count := s.count(m.entry.name)
	if m.entry.confirmed {
		*count--
	} else {
		s.lost--
		s.queue.pending.merge(m.loss())
	}
	s.tellLocked(Event{Kind: EventUnsubscribed, Name: m.entry.name, Count: *count, Err: err})
	s.flushGap()
}

// missed notes a gap in front of whatever comes next.
func (s *Subscription) missed(gap Gap) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue.pending.merge(gap)
}

// gapBehind puts a gap behind what has arrived. The Hub's mu is held.
func (s *Subscription) gapBehind(gap Gap) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue.pending.merge(gap)
	s.flushGap()
}

// count returns the count that a name belongs to. mu is held.
func (s *Subscription) count(name Name) *int {
	if name.Kind == NameShard {
		return &s.confirmed[1]
	}
	return &s.confirmed[0]
}

// tell tells an event of a live subscription.
func (s *Subscription) tell(e Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tellLocked(e)
}

func (s *Subscription) tellLocked(e Event) {
	if s.state != live {
		return
	}
	s.events.tell(e)
	switch {
	case !s.confirms:
	case e.Kind == EventSubscribed:
		s.confirm(KindSubscribed, e)
	case e.Kind == EventUnsubscribed:
		s.confirm(KindUnsubscribed, e)
	}
}

// confirm puts what the server has confirmed into the stream. mu is held.
func (s *Subscription) confirm(kind Kind, e Event) {
	msg := Message{Kind: kind, NameKind: e.Name.Kind, Channel: e.Name.Name, Count: int32(e.Count)}
	if !s.pumping && s.trySend(&msg) {
		return
	}
	s.queue.confirm(msg)
	s.startPump()
}

// end stops the subscription and waits until it has ended.
func (s *Subscription) end(err error) {
	s.stop(err)
	<-s.Done()
}

// stop makes the subscription end with err, and does not wait. The first call
// decides. No lock is held.
func (s *Subscription) stop(err error) {
	s.mu.Lock()
	s.quit.give()
	if s.state >= stopping {
		s.mu.Unlock()
		return
	}
	s.state, s.err = stopping, err
	s.stopped.give()
	s.mu.Unlock()

	s.hub.release(s)

	s.mu.Lock()
	s.released = true
	s.mu.Unlock()
	s.finishIfQuiet()
}

// drain makes the subscription, which has no names any more, end when what
// waits has gone into the channel. No lock is held.
func (s *Subscription) drain() {
	s.mu.Lock()
	if s.state == live {
		s.state = draining
	}
	s.mu.Unlock()
	s.finishIfQuiet()
}

// finishIfQuiet ends the subscription if it is to and nobody is at work on it.
// All that work on it call this when they leave. No lock is held.
func (s *Subscription) finishIfQuiet() {
	s.mu.Lock()
	quiet := !s.pumping && (s.state == draining || s.state == stopping && s.released)
	if quiet && s.state == draining && s.queue.pending.Reason != 0 {
		// Nothing comes that could carry it. Who has unsubscribed relies on having got
		// everything, so the stream itself tells, with or without GapMarkers.
		s.queue.pushMarker(Message{Kind: KindGap})
		s.startPump()
		quiet = false
	}
	if !quiet {
		s.mu.Unlock()
		return
	}
	if s.state == draining {
		s.stopped.give()
	}
	s.state = finished
	s.finalGap = s.queue.finish(s.blocked(), time.Now())
	if s.special != nil {
		s.special.blocked = 0 // they are dropped, and wait no longer
	}
	s.events.close()
	close(s.out)
	s.tellProgress()
	last := s.readers == 0
	s.mu.Unlock()
	if last {
		s.finish()
	}
}

// finish is the very end, when all that works on the subscription has left. No lock is
// held.
func (s *Subscription) finish() {
	s.hub.watch.end(s)
	s.hub.forget(s)
	s.mu.Lock()
	s.done.give()
	s.mu.Unlock()
}
