package pubsub

import (
	"context"
	"time"

	"github.com/redchan-go/redchan/internal/hub"
)

// How a subscription learns of its names, and how it ends.
//
// It ends in one of two ways. Draining: the last name has been unsubscribed, and
// the pump empties the queue. Stopping: Close, the end of the context, a refusal, a slow
// consumer or the hub's end; the pump leaves the queue as it is. Whichever of
// the goroutines concerned is the last to leave closes the channels, in
// finishIfQuiet.

// sink is a Subscription as its hub sees it, see [hub.Sink].
type sink Subscription

// Confirmed notes that the server sends the messages of a name, after loss if that
// was so before.
func (k *sink) Confirmed(name hub.Name, node string, loss hub.Loss) {
	s := (*Subscription)(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	count := s.count(name)
	*count++
	if o := s.observer(); o != nil { // who receives the event can ask it
		o.Confirmed(name, node, loss)
	}
	event := Event{Kind: EventSubscribed, Name: publicName(name), Node: node, Count: *count}
	if loss.Reason != 0 {
		s.lost--
		gap := publicGap(loss)
		s.queue.pending.merge(gap)
		event.Gap = &gap
	}
	s.tellLocked(event)
	s.flushGap()
}

// Lost notes that a confirmed name is not any more; the loss is told with
// an event where err is not nil.
func (k *sink) Lost(name hub.Name, node string, err error) {
	s := (*Subscription)(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	count := s.count(name)
	*count--
	s.lost++
	if o := s.observer(); o != nil {
		o.Lost(name)
	}
	if err != nil {
		s.tellLocked(Event{Kind: EventUnsubscribed, Name: publicName(name), Node: node, Count: *count, Err: err})
	}
}

// Left notes that nothing is delivered for a name from now on.
func (k *sink) Left(name hub.Name, joined bool, loss hub.Loss, err error) {
	s := (*Subscription)(k)
	s.nameLeft(name, joined, loss, err)
	s.handlerLeft(publicName(name))
}

// observer returns who observes the subscription, nil for nobody.
func (s *Subscription) observer() hub.Observer {
	if s.special == nil {
		return nil
	}
	return s.special.observer
}

func (s *Subscription) nameLeft(name hub.Name, joined bool, loss hub.Loss, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !joined {
		return
	}
	if o := s.observer(); o != nil {
		o.Left(name)
	}
	count := s.count(name)
	if loss.Reason == 0 {
		*count--
	} else {
		s.lost--
		s.queue.pending.merge(publicGap(loss))
	}
	s.tellLocked(Event{Kind: EventUnsubscribed, Name: publicName(name), Count: *count, Err: publicError(err)})
	s.flushGap()
}

// Missed puts a gap behind what has arrived.
func (k *sink) Missed(loss hub.Loss) {
	s := (*Subscription)(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue.pending.merge(publicGap(loss))
	s.flushGap()
}

// Owed notes a gap in front of whatever comes next.
func (k *sink) Owed(since time.Time) {
	s := (*Subscription)(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue.pending.merge(Gap{Reason: Closed, From: since, To: time.Now()})
}

// Connected tells that there is a link again.
func (k *sink) Connected() { (*Subscription)(k).tell(Event{Kind: EventConnected}) }

// Disconnected tells that a link was lost.
func (k *sink) Disconnected(node string, err error) {
	(*Subscription)(k).tell(Event{Kind: EventDisconnected, Node: node, Err: err})
}

// Stop makes the subscription end with err.
func (k *sink) Stop(err error) { (*Subscription)(k).stop(publicError(err)) }

// LifeOver ends a subscription whose context has ended.
func (k *sink) LifeOver(ctx context.Context) { (*Subscription)(k).stop(lifeError(ctx)) }

// Done is [Subscription.Done].
func (k *sink) Done() <-chan struct{} { return (*Subscription)(k).Done() }

// count returns the count that a name belongs to. mu is held.
func (s *Subscription) count(name hub.Name) *int {
	if name.Kind == hub.Shard {
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
	e.Time = time.Now()
	s.events.Add(e)
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

	s.wants.Release()

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
	s.events.Close()
	if o := s.observer(); o != nil {
		o.Ended()
	}
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
	s.wants.Forget()
	s.mu.Lock()
	s.done.give()
	s.mu.Unlock()
}
