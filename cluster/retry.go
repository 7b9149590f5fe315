package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redchan-go/redchan/internal/retry"
	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis"
)

// Without a deadline in its context, a call gives up after maxAttempts attempts and
// patienceLimit.
const (
	maxAttempts   = 3
	patienceLimit = 5 * time.Second
)

// patience decides how often something is tried.
type patience struct {
	attempts    int
	redirects   int
	pauses      int // since the topology was replaced the last time
	began       time.Time
	hasDeadline bool
}

// newPatience starts with a first attempt that has failed just now.
func newPatience(ctx context.Context) patience {
	_, hasDeadline := ctx.Deadline()
	return patience{attempts: 1, began: time.Now(), hasDeadline: hasDeadline}
}

// another reports, after the pause that is due, whether there is to be another attempt.
// lost says that a reply was: then the reply itself may be what ends connections.
func (p *patience) another(ctx context.Context, c *Client, lost bool) bool {
	switch {
	case c.isClosed() || ctx.Err() != nil:
		return false
	case lost && p.attempts >= maxAttempts:
		return false
	case !p.hasDeadline && (p.attempts >= maxAttempts || time.Since(p.began) >= patienceLimit):
		return false
	}
	p.attempts++
	p.pauses++
	fresh, ok := c.pause(ctx, p.pauses)
	if fresh {
		// How long the slot had nobody says nothing of how long its new node needs.
		p.pauses = 0
	}
	return ok
}

// redirectsAtOnce is how many redirects of a request are followed without a pause.
const redirectsAtOnce = 2

// redirected reports, after the pause that is due, whether one more redirect is to be
// followed. The first ones are at once; further ones show that nodes don't agree.
func (p *patience) redirected(ctx context.Context, c *Client) bool {
	if p.redirects >= c.options.MaxRedirects || c.isClosed() || ctx.Err() != nil {
		return false
	}
	if p.redirects++; p.redirects <= redirectsAtOnce {
		return true
	}
	_, ok := c.pause(ctx, p.redirects-redirectsAtOnce)
	return ok
}

// pause waits for the backoff before attempt n, counted from 1, or until another topology
// is there, which fresh reports, and for which the refresher looks more often meanwhile. Not
// ok: ctx has ended, or the client is closed.
func (c *Client) pause(ctx context.Context, n int) (fresh, ok bool) {
	delay := retry.Backoff(c.options.Node.Backoff).Delay(n - 1)
	timer := time.NewTimer(delay)
	defer timer.Stop()
	c.paused.Add(1)
	defer c.paused.Add(-1)
	c.mu.Lock()
	replaced := c.replaced
	c.mu.Unlock()
	select {
	case <-timer.C:
		return false, ctx.Err() == nil
	case <-replaced:
		return true, ctx.Err() == nil
	case <-ctx.Done():
	case <-c.closing:
	}
	return false, false
}

// tellWaiting ends all pauses: the topology is another one.
func (c *Client) tellWaiting() {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.replaced)
	c.replaced = make(chan struct{})
}

// sleep waits for d, and reports whether ctx lasted as long.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(max(d, 0))
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// ended returns why ctx has ended, so that errors.Is finds both the context's error and the
// cause it was cancelled with.
func ended(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if cause == nil || errors.Is(cause, err) {
		if cause != nil {
			return cause
		}
		return err
	}
	return fmt.Errorf("%w: %w", err, cause)
}

// lostRead reports whether err is that of a lost reply, and of a connection that was not
// ended by this very request: by a reply that takes too long, or that can't be read.
func lostRead(err error) bool {
	var wrong *proto.ProtocolError
	return errors.Is(err, redis.ErrMaybeExecuted) && !errors.Is(err, redis.ErrReplyTimeout) && !errors.As(err, &wrong)
}
