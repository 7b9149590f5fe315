package redis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redchan-go/redchan/internal/conn"
	"github.com/redchan-go/redchan/internal/retry"
)

// link keeps one shared connection to a server. It connects when the connection is first
// needed, and again whenever it is lost, until the link is closed. It owns one goroutine,
// which owns the connection.
type link struct {
	connect   func(ctx context.Context) (*conn.Conn, error)
	connected func() // called after each successful connect
	logger    *slog.Logger
	dialer    *conn.Dialer
	pacer     // between attempts

	replyTimeout time.Duration // bounds how long a retired connection is drained

	current atomic.Pointer[conn.Conn] // the live connection; nil while there is none
	most    int                       // attempts that a call waits for, even with a deadline; 0: see get
	waiting atomic.Int64              // calls of get that wait

	mu       sync.Mutex
	started  bool
	closed   bool
	lossy    bool          // a pause after a lost connection is running; callers may cut it short
	stale    error         // why the connection that is being made must be replaced; nil if it need not be
	attempts int           // all attempts to connect that failed
	lastErr  error         // why there is no connection
	before   uint64        // requests that earlier connections have answered
	changed  chan struct{} // closed and replaced at each change of the fields above

	grace context.Context // how long close lets requests be answered; set before ctx ends

	retired chan error // capacity 1: the connection of run must be replaced

	ctx   context.Context // ends when the link is closed
	stop  context.CancelFunc
	tasks sync.WaitGroup // retired connections that are being drained
	done  chan struct{}  // closed when the goroutine has ended
}

func newLink(o *Options, d *conn.Dialer, connect func(context.Context) (*conn.Conn, error), connected func()) *link {
	l := &link{
		connect: connect, connected: connected, logger: o.Logger, dialer: d, most: o.MaxAttempts,
		pacer: newPacer(o.Backoff), replyTimeout: o.ReplyTimeout,
		changed: make(chan struct{}), retired: make(chan error, 1), done: make(chan struct{}),
	}
	l.ctx, l.stop = context.WithCancel(context.Background())
	return l
}

// adopt starts the link with an existing connection.
func (l *link) adopt(c *conn.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.started = true
	l.current.Store(c)
	go l.run(c)
}

// errNoLink marks the error of a call whose attempts were used up while it waited.
var errNoLink = errors.New("no connection")

// get returns a live connection, and waits for one while ctx lasts. If ctx has no deadline,
// get gives up after retry.MaxAttempts attempts have failed. In any context it gives up
// after Options.MaxAttempts attempts, which then follow each other quickly.
func (l *link) get(ctx context.Context) (*conn.Conn, error) {
	if c := l.current.Load(); c != nil && c.Alive() {
		return c, nil
	}
	bounded := ctx
	_, hasDeadline := ctx.Deadline()
	if !hasDeadline {
		var cancel context.CancelFunc
		bounded, cancel = context.WithTimeout(ctx, retry.Limit)
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

		if c != nil && c.Alive() {
			return c, nil
		}
		if conn.IsRefused(lastErr) {
			return nil, fmt.Errorf("%w: %w", errNoLink, lastErr) // waiting does not help
		}
		if first < 0 {
			first = attempts
			if l.most == 0 { // otherwise it hurries below, once
				l.hurryBehindLoss()
			}
		}
		lastErr = or(lastErr, conn.ErrStillConnecting)
		if failed := attempts - first; !hasDeadline && failed >= retry.MaxAttempts || l.most > 0 && failed >= l.most {
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
				return nil, fmt.Errorf("%w within %v: %w", errNoLink, retry.Limit, lastErr)
			}
			return nil, fmt.Errorf("%w: %w: %w", retry.Ended(ctx), errNoLink, lastErr)
		}
	}
}

// hurryBehindLoss cuts short the pause after a lost connection, because the server may be
// well. It does not cut the pauses after failed attempts short. Otherwise many callers
// would keep the server busy with attempts.
func (l *link) hurryBehindLoss() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lossy {
		l.hurry()
	}
}

// run connects, waits for the connection's end, and connects again.
func (l *link) run(c *conn.Conn) {
	defer close(l.done)
	defer l.tasks.Wait()
	failures := 0 // since a connection last served
	for {
		if c == nil {
			l.served()
			l.connecting()
			var err error
			if c, err = l.connect(l.ctx); err != nil {
				if l.ctx.Err() != nil {
					return
				}
				l.served() // callers that have hurried fail with this attempt, or wait out the pause
				l.change(nil, err)
				if !l.pauseBehind(err, failures) {
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
		case <-c.Done():
		case reason := <-l.retired:
			l.retire(c, reason)
			c = nil
			continue
		case <-l.ctx.Done():
			c.Drain(l.grace, ErrClosed)
			return
		}
		l.lost(c)
		if l.backoff.served(c, time.Since(up)) {
			failures = 0
		}
		c = nil
		// The first attempt after a loss is made at once.
		if failures > 0 && !l.pauseBehindLoss(failures-1) {
			return
		}
		failures++
	}
}

// pauseBehind waits after a failed attempt.
func (l *link) pauseBehind(err error, failures int) bool {
	if conn.IsRefused(err) {
		return retry.Sleep(l.ctx, nil, l.dialer.RefusedFor())
	}
	return l.pause(l.ctx, l.backoff.delay(failures))
}

// pauseBehindLoss waits after a loss. The wait is shorter if a caller waits for a
// connection.
func (l *link) pauseBehindLoss(n int) bool {
	l.lossPause(true)
	defer l.lossPause(false)
	if l.waiting.Load() > 0 {
		l.hurry()
	}
	return l.pause(l.ctx, l.backoff.delay(n))
}

func (l *link) lossPause(runs bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lossy = runs
}

// connecting notes that a connection is about to be made.
func (l *link) connecting() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stale = nil
	select {
	case <-l.retired: //nolint:errcheck // it was meant for a connection that is gone
	default:
	}
}

// renew replaces the connection. New requests wait for the next one, and those in flight
// are still answered. A connection that is just being made is replaced as well.
func (l *link) renew(reason error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.current.Load()
	if c == nil || !c.Alive() {
		l.stale = reason
		return
	}
	l.current.Store(nil)
	l.lastErr = reason
	l.retired <- reason // has room: once for each connection
}

// retire waits until the requests in flight on a connection are answered, and then closes
// it.
func (l *link) retire(c *conn.Conn, reason error) {
	l.logger.Info("redis: connection replaced", "server", c.Addr(), "reason", reason)
	l.tasks.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), l.replyTimeout)
		defer cancel()
		defer context.AfterFunc(l.ctx, func() { context.AfterFunc(l.grace, cancel) })()
		c.Drain(ctx, reason)
		_, answered := c.Load()
		l.mu.Lock()
		l.before += answered
		l.mu.Unlock()
	})
}

// change reports a new connection or a failed attempt to the waiting calls.
func (l *link) change(c *conn.Conn, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lastErr = err; err != nil {
		l.attempts++
	}
	if c != nil && l.stale != nil {
		l.lastErr = l.stale
		l.retired <- l.stale
		c = nil
	}
	l.current.Store(c)
	close(l.changed)
	l.changed = make(chan struct{})
}

// lost notes that the connection is gone.
func (l *link) lost(c *conn.Conn) {
	_, answered := c.Load()
	l.mu.Lock()
	l.current.CompareAndSwap(c, nil)
	l.before += answered
	l.lastErr = c.Cause()
	l.mu.Unlock()
	l.logger.Warn("redis: connection lost", "server", c.Addr(), "error", c.Cause())
}

// close refuses new calls, lets requests in flight be answered while ctx lasts, and returns
// when the goroutine has ended.
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
