package pubsub

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redchan-go/redchan/internal/hub"
)

// Calls that subscribe and unsubscribe. The hub knows what is asked and what was answered;
// the waiting is done here.

// subscribe subscribes s to names and returns when each is acknowledged.
// If it fails it leaves nothing behind. ctx bounds this call alone.
func (s *Subscription) subscribe(ctx context.Context, names []Name) error {
	timer := time.NewTimer(s.subscribeTimeout())
	defer timer.Stop()
	ended := false
	stopped := s.signal(&s.stopped)
	wait := func(done <-chan struct{}) error {
		select {
		case <-done:
			return nil
		case <-stopped:
			ended = true
			return s.endError()
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-timer.C:
			return fmt.Errorf("%w (%v)", ErrSubscribeTimeout, s.subscribeTimeout())
		}
	}
	wanted := hubNames(names)
	c, leaving, err := s.wants.Want(wanted)
	for leaving != nil {
		if cause := wait(leaving.Done()); ended {
			return cause
		} else if cause != nil {
			return s.unacknowledged(names, len(names), cause)
		}
		c, leaving, err = s.wants.Want(wanted)
	}
	if err != nil {
		return s.callError(err)
	}
	cause := wait(c.Done())
	outcome := s.wants.Settle(c)
	if outcome.Drains {
		s.drain()
	}
	switch {
	case outcome.Succeeded:
		return nil
	case outcome.Err != nil:
		err = s.callError(outcome.Err)
	default:
		told := cause
		if outcome.Said != nil {
			told = fmt.Errorf("%w; the server has said: %w", cause, outcome.Said)
		}
		err = s.unacknowledged(publicNames(outcome.Missing), outcome.Of, told)
	}
	switch {
	case !ended:
		return err
	case s.hub.Linked(): // or what the subscription ended with would hide why nothing was acknowledged
		return cause
	}
	return s.unacknowledged(names, len(names), cause)
}

// unacknowledged is the error of a call that has given up waiting for missing.
func (s *Subscription) unacknowledged(missing []Name, of int, cause error) error {
	err := &UnacknowledgedError{
		Missing: len(missing), Of: of, Names: missing[:min(len(missing), 3)], Err: cause,
	}
	if !s.hub.Linked() {
		err.Connection = s.notConnected()
	}
	return err
}

// callError returns an error of the hub as callers see it.
func (s *Subscription) callError(err error) error {
	if errors.Is(err, hub.ErrOver) {
		return s.endError()
	}
	return publicError(err)
}

// publicError returns an error of the hub as users see it.
func publicError(err error) error {
	switch told := err.(type) { //nolint:errorlint // the hub does not wrap its errors
	case *hub.RefusedError:
		return &RefusedError{Name: publicName(told.Name), Err: told.Err}
	case *hub.ClosedError:
		if told.Err != nil {
			return fmt.Errorf("%w: %w", ErrEnded, told.Err)
		}
		return ErrEnded
	}
	return err
}

// notConnected is why there is no connection.
func (s *Subscription) notConnected() error {
	if linkError := s.hub.Options().LinkError; linkError != nil {
		if err := linkError(); err != nil {
			return fmt.Errorf("%w: %w", ErrNotConnected, err)
		}
	}
	return ErrNotConnected
}

// unsubscribe takes names off s when the server has answered, or without
// its answer after UnsubscribeTimeout or with ctx, and then with a gap. A
// subscription without names left drains.
func (s *Subscription) unsubscribe(ctx context.Context, kind NameKind, names []string) error {
	if err := checkContext(ctx); err != nil {
		return err
	}
	d, err := s.wants.Depart(hub.Kind(kind), names)
	switch {
	case err != nil:
		return s.callError(err)
	case d == nil:
		return nil
	}
	defer func() {
		if s.wants.Conclude(d) {
			s.drain()
		}
	}()
	if err := s.awaitDeparture(ctx, d); err != nil {
		return &IncompleteError{Gap{Reason: Closed, From: d.Asked(), To: time.Now()}, err}
	}
	lost, err := d.Result()
	if err != nil {
		s.hub.Options().Logger.Warn("pubsub: unsubscribing failed", "error", err)
	}
	switch err := s.Err(); {
	case err != nil: // it did not drain, but was ended
		return err
	case lost.Reason&hub.Reconnect != 0:
		return &IncompleteError{publicGap(lost), errLostUnanswered}
	case lost.Reason != 0:
		return &IncompleteError{publicGap(lost), errTakenAway}
	}
	return nil
}

// awaitDeparture waits for the server's answers. Time in which the subscription itself holds up
// the reader of these answers does not count.
func (s *Subscription) awaitDeparture(ctx context.Context, d *hub.Departure) error {
	began, heldBefore := time.Now(), s.heldUp()
	timer := time.NewTimer(s.unsubscribeTimeout())
	defer timer.Stop()
	for {
		var err error
		select {
		case <-d.Done():
			return nil
		case <-ctx.Done():
			err = context.Cause(ctx)
		case <-timer.C:
			waited := time.Since(began) - (s.heldUp() - heldBefore)
			if left := s.unsubscribeTimeout() - waited; left > 0 {
				timer.Reset(left)
				continue
			}
			err = fmt.Errorf("%w (%v)", ErrSubscribeTimeout, s.unsubscribeTimeout())
		}
		select {
		case <-d.Done(): // which beats the end of the waiting
			return nil
		default:
			return err
		}
	}
}
