package pubsub

import (
	"context"
	"fmt"
)

// Ping sends a PING with data, and returns when it is answered. The answer is
// also told as an EventPong.
func (s *Subscription) Ping(ctx context.Context, data string) error {
	h := s.hub
	h.mu.Lock()
	lost := h.linkLost
	if h.link == nil {
		h.mu.Unlock()
		return h.noLink()
	}
	answer := make(chan error, 1)
	h.link.Ping(data, func(err error) {
		if err == nil {
			s.tell(Event{Kind: EventPong, Data: data})
		}
		answer <- err
	})
	h.mu.Unlock()
	var cause error
	select {
	case err := <-answer:
		return err
	case <-lost:
		cause = fmt.Errorf("%w: it was lost before PING was answered", ErrNoLink)
	case <-s.stopped:
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
