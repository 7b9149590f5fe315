package pubsub

import (
	"context"
	"fmt"
)

// Ping sends a PING with data, and returns when it is answered. The answer is
// also told as an EventPong. Where the names are on several connections, one of them is
// asked.
func (s *Subscription) Ping(ctx context.Context, data string) error {
	if err := checkContext(ctx); err != nil {
		return err
	}
	answer := make(chan error, 1)
	stopped := s.signal(&s.stopped)
	lost, err := s.ping(data, func(err error) {
		if err == nil {
			s.tell(Event{Kind: EventPong, Data: data})
		}
		answer <- err
	})
	if err != nil {
		return err
	}
	var cause error
	select {
	case err := <-answer:
		return err
	case <-lost:
		cause = fmt.Errorf("%w: it was lost before PING was answered", ErrNoLink)
	case <-stopped:
		cause = s.endError()
	case <-ctx.Done():
		cause = context.Cause(ctx)
	}
	select {
	case err := <-answer: // a result beats the end of waiting for it
		return err
	default:
		return cause
	}
}

// ping sends a PING over a lane with a link, and returns what is closed when that is lost.
func (s *Subscription) ping(data string, done func(error)) (lost <-chan struct{}, err error) {
	h := s.hub
	h.mu.Lock()
	l, closed := s.lane(), h.closed
	if l != nil && !closed {
		defer h.mu.Unlock()
		l.link.Ping(data, done)
		return l.linkLost, nil
	}
	h.mu.Unlock()
	if closed {
		return nil, s.endError()
	}
	return nil, h.noLink()
}

// lane returns a lane with a link: one that a name of the subscription is confirmed on,
// where there is one. nil: there is no link. The Hub's mu is held.
func (s *Subscription) lane() *Lane {
	for _, m := range s.names.all() {
		if m.entry.confirmed && m.entry.lane.link != nil {
			return m.entry.lane
		}
	}
	for _, l := range s.hub.lanes {
		if l.link != nil {
			return l
		}
	}
	return nil
}
