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

// link keeps one shared connection to a server: it connects when first needed,
// and again whenever the connection is lost, until it is closed. It owns one
// goroutine, which owns the connection.
type link struct {
	connect   func(ctx context.Context) (*conn.Conn, error)
	connected func() // told of each connection that was made
	logger    *slog.Logger
	dialer    *conn.Dialer
	pacer     // between attempts

	replyTimeout time.Duration // bounds how long a retired connection is drained

	current atomic.Pointer[conn.Conn] // the live connection; nil while there is none
	most    int                       // attempts that a call waits for, with a deadline too; 0: see get
	waiting atomic.Int64              // calls of get that wait

	mu       sync.Mutex
	started  bool
	closed   bool
	lossy    bool          // a pause behind a lost connection runs, which callers may cut short
	stale    error         // why the connection that is being made is to be made again; nil where it is not
	attempts int           // attempts to connect that failed, ever
	lastErr  error         // why there is no connection
	before   uint64        // requests that connections before the live one have answered
	changed  chan struct{} // closed and made anew at each change of all above

	grace context.Context // how long close lets requests be answered; set before ctx ends

	retired chan error // capacity 1: the connection that run has is to be replaced

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

// adopt starts the link with a connection that is there already.
func (l *link) adopt(c *conn.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.started = true
	l.current.Store(c)
	go l.run(c)
}

// errNoLink marks the error of a call that has waited out its attempts.
var errNoLink = errors.New("no connection")

// get returns a live connection, waiting for one while ctx lasts. In a context
// without a deadline it gives up after retry.MaxAttempts attempts have failed; in any, after as
// many as Options.MaxAttempts, which are made soon then.
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
			if l.most == 0 { // else it hurries below, and hurries once
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

// hurryBehindLoss cuts the pause behind a lost connection short: the server may be well.
// Pauses behind failed attempts are not, or many callers would keep it busy with attempts.
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
				l.served() // whoever has hurried fails with this attempt, or waits out the pause
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

// pauseBehindLoss waits after a loss, shorter where somebody waits for a connection.
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
	case <-l.retired: //nolint:errcheck // was that of a connection which is gone
	default:
	}
}

// renew has the connection replaced: new requests wait for the next one, those in flight
// are still answered. One that is being made is made again.
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

// retire lets a connection be answered what is in flight, and closes it then.
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

// change tells those who wait of a new connection or a failed attempt.
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
