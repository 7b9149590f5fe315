package redis

import (
	"context"
	"time"

	"github.com/redchan-go/redchan/internal/conn"
	"github.com/redchan-go/redchan/internal/retry"
)

// Backoff spaces attempts: before attempt n it waits a random time between 0
// and Base doubled n times, Max at most (full jitter), so that many clients
// don't come back in step.
type Backoff struct {
	Base time.Duration
	Max  time.Duration
}

// lasting is how long a connection must have been up for the next loss to
// start from the shortest backoff again, where it has answered nothing.
const lasting = 30 * time.Second

// served reports whether a connection that was lost has been of use, so that the next one
// is made at once: it has answered something. One that is lost sooner than the shortest
// backoff does not count, or a server that ends each connection at its first command
// would be dialed without a pause.
func (b Backoff) served(c *conn.Conn, up time.Duration) bool {
	_, answered := c.Load()
	return up >= lasting || up >= b.Base && answered > 0
}

// or returns b with zero fields taken from instead.
func (b Backoff) or(instead Backoff) Backoff {
	return Backoff{or(b.Base, instead.Base), or(b.Max, instead.Max)}
}

// delay returns the time to wait before attempt n, counted from 0.
func (b Backoff) delay(n int) time.Duration { return retry.Backoff(b).Delay(n) }

// bound returns the longest delay before attempt n.
func (b Backoff) bound(n int) time.Duration { return retry.Backoff(b).Bound(n) }

// pacer waits between attempts to connect. Anybody may cut a wait short.
type pacer struct {
	backoff Backoff
	soon    chan struct{} // capacity 1: connect now
}

func newPacer(b Backoff) pacer { return pacer{b, make(chan struct{}, 1)} }

// served forgets who has hurried so far: what they want begins now, or is there.
func (p *pacer) served() {
	select {
	case <-p.soon:
	default:
	}
}

// pause waits for a delay. It is cut short also for who has hurried since served was
// called: they may come between the end of an attempt and the pause. False: ctx has ended.
func (p *pacer) pause(ctx context.Context, delay time.Duration) bool {
	least := min(delay, p.backoff.Base)
	if !retry.Sleep(ctx, nil, least) {
		return false
	}
	if retry.Sleep(ctx, p.soon, delay-least) {
		return true
	}
	return ctx.Err() == nil // hurried
}

// hurry cuts a pause short, but not below the shortest backoff: the server has
// been reached otherwise, or somebody waits for the connection.
func (p *pacer) hurry() {
	select {
	case p.soon <- struct{}{}:
	default:
	}
}
