package cluster

import (
	"context"
	"time"

	"github.com/redchan-go/redchan/internal/retry"
)

// patience decides how often something is tried.
type patience struct {
	retry.Patience
	redirects int
	pauses    int // since the topology was last replaced
}

// newPatience starts after a first attempt that has just failed.
func newPatience(ctx context.Context) patience {
	return patience{Patience: retry.NewPatience(ctx)}
}

// another waits for the next pause, and reports whether there is to be another attempt. lost
// means that a reply was lost: then the reply itself may be what breaks connections.
func (p *patience) another(ctx context.Context, c *Client, lost bool) bool {
	switch {
	case c.isClosed() || ctx.Err() != nil:
		return false
	case lost && p.Attempts >= retry.MaxAttempts, p.Over():
		return false
	}
	p.Attempts++
	p.pauses++
	fresh, ok := c.pause(ctx, p.pauses)
	if fresh {
		// The time that the slot had no node says nothing about the time that its new node
		// needs.
		p.pauses = 0
	}
	return ok
}

// redirectsAtOnce is how many redirects of a request are followed without a pause.
const redirectsAtOnce = 2

// redirected waits for the next pause, and reports whether to follow one more redirect. The
// first ones are followed at once; further ones show that nodes don't agree.
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

// pause waits for the backoff before attempt n, counted from 1, or until there is a new
// topology, which fresh reports. The refresher refreshes more often meanwhile. ok is false if
// ctx has ended or the client is closed.
func (c *Client) pause(ctx context.Context, n int) (fresh, ok bool) {
	delay := retry.Backoff(c.options.Node.Backoff).Delay(n - 1)
	timer := time.NewTimer(delay)
	defer timer.Stop()
	c.mu.Lock()
	replaced := c.replaced
	c.paused++
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.replaced == replaced { // otherwise this pause is no longer counted
			c.paused--
		}
	}()
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

// tellWaiting ends all pauses: there is a new topology.
func (c *Client) tellWaiting() {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.replaced)
	c.replaced, c.paused = make(chan struct{}), 0
}
