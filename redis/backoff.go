package redis

import (
	"context"
	"time"

	"github.com/redchan-go/redchan/internal/conn"
	"github.com/redchan-go/redchan/internal/retry"
)

// Backoff spaces attempts. Before attempt n the client waits a random time between 0 and
// Base doubled n times, but at most Max (full jitter), so that many clients don't come back
// at the same moment.
type Backoff struct {
	Base time.Duration
	Max  time.Duration
}

// lasting is how long a connection that has answered nothing must have been up for the next
// loss to start from the shortest backoff again.
const lasting = 30 * time.Second

// served reports whether a lost connection has been of use: it has answered something. The
// next connection is then made at once. A connection that is lost sooner than the shortest
// backoff does not count. Otherwise the client would dial without a pause a server that
// ends each connection at its first command.
func (b Backoff) served(c *conn.Conn, up time.Duration) bool {
	_, answered := c.Load()
	return up >= lasting || up >= b.Base && answered > 0
}

// or returns b, with its zero fields taken from instead.
func (b Backoff) or(instead Backoff) Backoff {
	return Backoff{or(b.Base, instead.Base), or(b.Max, instead.Max)}
}

// delay returns the time to wait before attempt n, counted from 0.
func (b Backoff) delay(n int) time.Duration { return retry.Backoff(b).Delay(n) }

// bound returns the longest delay before attempt n.
func (b Backoff) bound(n int) time.Duration { return retry.Backoff(b).Bound(n) }

// pacer waits between attempts to connect. Any goroutine may cut a wait short.
type pacer struct {
	backoff Backoff
	soon    chan struct{} // capacity 1: connect now
}

func newPacer(b Backoff) pacer { return pacer{b, make(chan struct{}, 1)} }

// served forgets the calls to hurry so far: their callers are now waiting for the next
// connection, or have one.
func (p *pacer) served() {
	select {
	case <-p.soon:
	default:
	}
}

// pause waits for a delay. A call to hurry since served was last called also cuts it short,
// because such a call may come between the end of an attempt and the pause. pause returns
// false if ctx has ended.
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

// hurry cuts a pause short, but not below the shortest backoff. It is called when the
// server has been reached by another connection, or when a caller waits for this one.
func (p *pacer) hurry() {
	select {
	case p.soon <- struct{}{}:
	default:
	}
}
