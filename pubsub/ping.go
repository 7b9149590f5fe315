package pubsub

import (
	"context"
	"errors"
	"fmt"

	"github.com/redchan-go/redchan/internal/hub"
)

// Ping sends a PING with data, and returns when the server answers. The answer is also reported
// as an EventPong. If the names are on several connections, Ping uses one of them.
func (s *Subscription) Ping(ctx context.Context, data string) error {
	if err := checkContext(ctx); err != nil {
		return err
	}
	answer := make(chan error, 1)
	stopped := s.signal(&s.stopped)
	lost, err := s.wants.Ping(data, func(err error) {
		if err == nil {
			s.tell(Event{Kind: EventPong, Data: data})
		}
		answer <- err
	})
	switch {
	case errors.Is(err, hub.ErrNoLink):
		return s.notConnected()
	case err != nil:
		return s.endError()
	}
	var cause error
	select {
	case err := <-answer:
		return err
	case <-lost:
		cause = fmt.Errorf("%w: it was lost before PING was answered", ErrNotConnected)
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
