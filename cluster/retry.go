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
	pauses    int // since the topology was replaced the last time
}

// newPatience starts with a first attempt that has failed just now.
func newPatience(ctx context.Context) patience {
	return patience{Patience: retry.NewPatience(ctx)}
}

// another reports, after the pause that is due, whether there is to be another attempt.
// lost says that a reply was: then the reply itself may be what ends connections.
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
	c.mu.Lock()
	replaced := c.replaced
	c.paused++
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.replaced == replaced { // else it counts no more
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

// tellWaiting ends all pauses: the topology is another one.
func (c *Client) tellWaiting() {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.replaced)
	c.replaced, c.paused = make(chan struct{}), 0
}
