package redis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// link keeps one shared connection to a server: it connects when first needed,
// and again whenever the connection is lost, until it is closed. It owns one
// goroutine, which owns the connection.
type link struct {
	connect   func(ctx context.Context) (*conn, error)
	connected func() // told of each connection that was made
	logger    *slog.Logger
	pacer     // between attempts

	current atomic.Pointer[conn] // the live connection; nil while there is none
	most    int                  // attempts that a call waits for, with a deadline too; 0: see get
	waiting atomic.Int64         // calls of get that wait

	mu       sync.Mutex
	started  bool
	closed   bool
	attempts int           // attempts to connect that failed, ever
	lastErr  error         // why there is no connection
	before   uint64        // requests that connections before the live one have answered
	changed  chan struct{} // closed and made anew at each change of all above

	stale chan error // capacity 1: why the connection is to be made again

	grace context.Context // how long close lets requests be answered; set before ctx ends

	ctx  context.Context // ends when the link is closed
	stop context.CancelFunc
	done chan struct{} // closed when the goroutine has ended
}

func newLink(o *Options, connect func(context.Context) (*conn, error), connected func()) *link {
	l := &link{connect: connect, connected: connected, pacer: newPacer(o.Backoff), logger: o.Logger, most: o.MaxAttempts, changed: make(chan struct{}), stale: make(chan error, 1), done: make(chan struct{})}
	l.ctx, l.stop = context.WithCancel(context.Background())
	return l
}

// adopt starts the link with a connection that is there already.
func (l *link) adopt(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.started = true
	l.current.Store(c)
	go l.run(c)
}

// Without a deadline in its context, a call gives up after maxAttempts
// attempts and patienceLimit.
const (
	maxAttempts   = 3
	patienceLimit = 5 * time.Second
)

// errNoLink marks the error of a call that has waited out its attempts.
var errNoLink = errors.New("no connection")

// errStillConnecting stands for the error of an attempt that is not over.
var errStillConnecting = errors.New("the server has not answered yet")

// get returns a live connection, waiting for one while ctx lasts. In a context
// without a deadline it gives up after maxAttempts attempts have failed; in any, after as
// many as Options.MaxAttempts, which are made soon then.
func (l *link) get(ctx context.Context) (*conn, error) {
	if c := l.current.Load(); c != nil && c.alive() {
		return c, nil
	}
	bounded := ctx
	_, hasDeadline := ctx.Deadline()
	if !hasDeadline {
		var cancel context.CancelFunc
		bounded, cancel = context.WithTimeout(ctx, patienceLimit)
		defer cancel()
	}
	l.waiting.Add(1)
	defer l.waiting.Add(-1)
	first := -1
	for {
		l.mu.Lock()
		if l.closed {
			l.mu.Unlock()
			return nil, ErrClosed
		}
		if !l.started {
			l.started = true
			go l.run(nil)
		}
		c, attempts, lastErr, changed := l.current.Load(), l.attempts, l.lastErr, l.changed
		l.mu.Unlock()

		if c != nil && c.alive() {
			return c, nil
		}
		if first < 0 {
			first = attempts
		}
		lastErr = or(lastErr, errStillConnecting)
		if failed := attempts - first; !hasDeadline && failed >= maxAttempts || l.most > 0 && failed >= l.most {
			if failed == 1 { // the caller may make more of them
				return nil, fmt.Errorf("%w: %w", errNoLink, lastErr)
			}
			return nil, fmt.Errorf("%w after %d attempts: %w", errNoLink, failed, lastErr)
		}
		if l.most > 0 {
			l.hurry()
		}
		select {
		case <-changed:
		case <-bounded.Done():
			if ctx.Err() == nil {
				return nil, fmt.Errorf("%w within %v: %w", errNoLink, patienceLimit, lastErr)
			}
			return nil, fmt.Errorf("%w: %w: %w", ended(ctx), errNoLink, lastErr)
		}
	}
}

// run connects, waits for the connection's end, and connects again.
func (l *link) run(c *conn) {
	defer close(l.done)
	failures := 0 // since a connection last lasted
	for {
		if c == nil {
			l.served()
			select {
			case <-l.stale: // the connection is made now
			default:
			}
			var err error
			if c, err = l.connect(l.ctx); err != nil {
				if l.ctx.Err() != nil {
					return
				}
				l.change(nil, err)
				if !l.pause(l.ctx, l.backoff.delay(failures)) {
					return
				}
				failures++
				continue
			}
			l.change(c, nil)
			l.connected()
			l.served()
		}
		up := time.Now()
		select {
		case <-c.closing:
			<-c.done
			l.lost(c)
		case reason := <-l.stale:
			l.replace(c, reason)
		case <-l.ctx.Done():
			c.drain(l.grace)
			return
		}
		c = nil
		if time.Since(up) >= lasting {
			failures = 0
		}
		// The first attempt after a loss is made at once.
		if failures > 0 && !l.pause(l.ctx, l.backoff.delay(failures-1)) {
			return
		}
		failures++
	}
}

// change tells those who wait of a new connection or a failed attempt.
func (l *link) change(c *conn, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.current.Store(c)
	if l.lastErr = err; err != nil {
		l.attempts++
	}
	close(l.changed)
	l.changed = make(chan struct{})
}

// lost notes that the connection is gone.
func (l *link) lost(c *conn) {
	l.mu.Lock()
	if l.current.CompareAndSwap(c, nil) {
		l.before += c.answered // it is closed: nobody writes to that any more
	}
	l.lastErr = c.cause // set before closing was closed
	l.mu.Unlock()
	l.logger.Warn("redis: connection lost", "server", c.addr, "error", c.cause)
}

// close refuses new calls, lets what is in flight be answered while ctx lasts,
// and returns when the goroutine has ended.
func (l *link) close(ctx context.Context) {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		<-l.done
		return
	}
	l.closed = true
	l.grace = ctx
	if !l.started {
		close(l.done)
	}
	close(l.changed)
	l.changed = make(chan struct{})
	l.mu.Unlock()
	l.stop()
	<-l.done
}
