// Package retry is what the clients of one server and of a cluster know alike about errors
// and about the time between attempts: which error leaves the chance of success to another
// attempt, how many attempts a call makes, and how it waits between them. What a client does
// about an error is its own concern.
package retry

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
)

// Without a deadline in its context, a call gives up after MaxAttempts attempts and Limit.
const (
	MaxAttempts = 3
	Limit       = 5 * time.Second
)

// ErrReplyTimeout is the cause of errors of a connection that was closed because its oldest
// command had no reply in time.
var ErrReplyTimeout = errors.New("the server did not answer in time")

// NotSent returns the error for a request of which no byte has left.
//
//go:noinline
func NotSent(name, addr string, cause error) error {
	return &command.Error{Command: name, Addr: addr, Outcome: command.NotSent, Err: cause}
}

// MaybeExecuted returns the error for a request whose reply was lost.
//
//go:noinline
func MaybeExecuted(name, addr string, cause error) error {
	return &command.Error{Command: name, Addr: addr, Outcome: command.MaybeExecuted, Err: cause}
}

// LostReply reports whether err is that of a lost reply, and of a connection that was not
// ended by this very request: by a reply that takes too long, or that can't be read. Then a
// request that only reads may be sent again.
func LostReply(err error) bool {
	var wrong *proto.ProtocolError
	return errors.Is(err, command.ErrMaybeExecuted) && !errors.Is(err, ErrReplyTimeout) && !errors.As(err, &wrong)
}

// Ended returns why ctx has ended, so that errors.Is finds both the context's error and the
// cause it was canceled with.
func Ended(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	switch {
	case cause == nil:
		return err
	case errors.Is(cause, err), errors.Is(err, cause):
		return cause
	}
	return fmt.Errorf("%w: %w", err, cause)
}

// Sleep waits for d, or until ctx ends or closing is closed, which may be nil. It reports
// whether d has passed.
func Sleep(ctx context.Context, closing <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	case <-closing:
		return false
	}
}

// Backoff spaces attempts, see redis.Backoff.
type Backoff struct {
	Base time.Duration
	Max  time.Duration
}

// Delay returns the time to wait before attempt n, counted from 0: any up to Bound.
func (b Backoff) Delay(n int) time.Duration {
	return rand.N(max(b.Bound(n), 1))
}

// Bound returns the longest delay before attempt n: Base doubled n times, Max at most.
func (b Backoff) Bound(n int) time.Duration {
	if n < 32 && b.Base<<n > 0 {
		return min(b.Base<<n, b.Max)
	}
	return b.Max
}

// Patience counts the attempts of one call and knows how long it has lasted.
type Patience struct {
	Attempts    int // made so far
	began       time.Time
	hasDeadline bool
}

// NewPatience starts with a first attempt that has failed just now.
func NewPatience(ctx context.Context) Patience {
	_, hasDeadline := ctx.Deadline()
	return Patience{Attempts: 1, began: time.Now(), hasDeadline: hasDeadline}
}

// Bounded reports whether the context of the call has a deadline. Then that alone bounds the
// attempts.
func (p *Patience) Bounded() bool { return p.hasDeadline }

// Over reports whether the call has made all its attempts, or has lasted too long.
func (p *Patience) Over() bool {
	return !p.hasDeadline && (p.Attempts >= MaxAttempts || time.Since(p.began) >= Limit)
}
