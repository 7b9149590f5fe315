package redis

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/redchan-go/redchan/internal/conn"
	"github.com/redchan-go/redchan/internal/hub"
	"github.com/redchan-go/redchan/internal/retry"
	"github.com/redchan-go/redchan/proto"
)

// subscriber keeps the connection that carries subscriptions and nothing else, because the
// server applies tighter output limits to a subscribed connection. It connects for the
// first subscription, and again whenever the connection is lost. It gives up only when
// there is no subscription left. The hub decides what is subscribed. That is either the
// subscriber's own hub, or one with a lane for this subscriber. In the second case the
// subscriber is needed until it is closed.
type subscriber struct {
	options *Options
	dialer  *conn.Dialer
	hub     *hub.Hub // nil for a lane of another hub
	lane    *hub.Lane
	// connected is called after each successful connect, and ended once, when the
	// subscriber has been closed.
	connected func()
	ended     func(*subscriber)

	ctx   context.Context // ends when the subscriber is closed
	stop  context.CancelFunc
	tasks sync.WaitGroup // run
	pacer                // between attempts
	once  sync.Once

	renewal renewal // by reconnect

	mu      sync.Mutex
	running bool       // run is at work
	callers int        // between open and release: the hub may still be empty
	closed  bool       // no new run
	later   bool       // a reconnection is due soon
	since   time.Time  // when the live connection was made
	reason  error      // why it was given up; nil if it was not
	conn    *conn.Conn // the live connection; nil while there is none
	stale   error      // why the connection that is being made must be replaced; nil if it need not be
	lastErr error      // why there is no connection
}

// newSubscriber returns a subscriber for a hub of its own, or for a lane of another hub.
func newSubscriber(o *Options, d *conn.Dialer, lane *hub.Lane, connected func(), ended func(*subscriber)) *subscriber {
	s := &subscriber{options: o, dialer: d, lane: lane, ended: ended, connected: connected, pacer: newPacer(o.SubscriberBackoff)}
	s.ctx, s.stop = context.WithCancel(context.Background())
	if lane != nil {
		return s
	}
	s.hub = hub.New(hub.Options{
		SubscribeTimeout:   o.SubscribeTimeout,
		UnsubscribeTimeout: o.UnsubscribeTimeout,
		Logger:             o.Logger,
		LinkError:          s.linkError,
	})
	s.lane = s.hub.Main()
	return s
}

// carry starts a subscriber for a lane of another hub.
func (s *subscriber) carry() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = true
	s.tasks.Go(s.run)
}

// open makes the subscriber connect, if there is no connection, for a subscription that is
// about to be added to the hub. The caller must call release when the subscription was
// added or could not be added.
func (s *subscriber) open() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errSubscriberEnded
	}
	if err := s.dialer.Refused(); err != nil && s.conn == nil {
		return err // waiting does not help
	}
	s.callers++
	if !s.running {
		s.running = true
		s.tasks.Go(s.run)
	}
	s.hurry() // a caller waits for it now
	return nil
}

// release undoes open.
func (s *subscriber) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.callers--
}

// errSubscriberEnded says that a subscriber was given up, or closed, before it was used.
var errSubscriberEnded = errors.New("the subscriber has ended")

// unneeded reports whether no subscription needs a connection. If so, it lets run end. The
// next subscription starts it again.
func (s *subscriber) unneeded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hub == nil || s.callers > 0 || !s.hub.Idle() {
		return false
	}
	s.running = false
	return true
}

// run connects, informs the hub, waits for the connection's end, informs the hub, and
// connects again.
func (s *subscriber) run() {
	failures := 0 // in a row, since a connection last lasted
	for {
		s.connecting()
		c, err := s.dialer.Dial(s.ctx, s.role())
		if s.ctx.Err() != nil {
			if err == nil {
				c.Fail(ErrClosed)
				<-c.Done()
			}
			return
		}
		if err != nil {
			s.noteError(err)
			if conn.IsRefused(err) && s.hub != nil {
				s.hub.FailCalls(retry.NotSent("SUBSCRIBE", s.options.Addr, err))
			}
			s.options.Logger.Warn("redis: no subscriber connection", "server", s.options.Addr, "error", err)
			if failures++; s.unneeded() || !s.again(failures, err) {
				return
			}
			continue
		}
		up := time.Now()
		s.noteError(nil)
		s.connected()
		s.served()
		s.setConn(c)
		s.lane.LinkUp(&hubLink{c: c})
		select {
		case <-c.Done():
		case <-s.ctx.Done():
			c.Fail(ErrClosed)
			<-c.Done()
			s.lane.LinkLost(c.Proven(), c.Cause()) // the hub may be closing
			return
		}
		s.lost(c.Cause())
		s.lane.LinkLost(c.Proven(), c.Cause())
		s.options.Logger.Warn("redis: subscriber connection lost", "server", s.options.Addr, "error", c.Cause())
		if s.unneeded() {
			return
		}
		if s.backoff.served(c, time.Since(up)) {
			failures = 0
		}
		if failures++; !s.again(failures, c.Cause()) {
			return
		}
	}
}

// again waits as long as the policy says before the next attempt to connect. It returns
// false if there will be no other attempt: all subscriptions have ended, or the subscriber
// is being closed.
func (s *subscriber) again(failures int, err error) bool {
	delay, ok := s.retryPause(failures, err)
	if ok {
		return s.pause(s.ctx, delay)
	}
	if s.hub == nil { // the owner of the lane knows whether the server is still needed
		return s.pause(s.ctx, s.options.SubscriberBackoff.Max)
	}
	s.options.Logger.Error("redis: no further attempt to connect", "server", s.options.Addr, "error", err)
	reason := fmt.Errorf("%w: %w", ErrGivenUp, err)
	s.mu.Lock()
	s.closed, s.reason = true, reason
	s.mu.Unlock()
	s.hub.Close(reason)
	s.stop()
	return false
}

// givenUp reports whether there will be no other connection.
func (s *subscriber) givenUp() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// retryPause asks the policy. A panic in the policy counts as giving up.
func (s *subscriber) retryPause(failures int, err error) (delay time.Duration, ok bool) {
	defer func() {
		if p := recover(); p != nil {
			s.options.Logger.Error("redis: the retry policy panicked", "panic", p)
			delay, ok = 0, false
		}
	}()
	return s.options.SubscriberRetry.next(s.options.SubscriberBackoff, failures, err)
}

// ErrGivenUp is in the error of subscriptions that ended because their connection was lost
// and Options.SubscriberRetry allowed no further attempt.
var ErrGivenUp = errors.New("redis: the subscriber connection was given up")

// role says what the connection is for.
func (s *subscriber) role() conn.Role {
	return conn.Role{
		Subscriber:  true,
		Held:        s.lane.Blocked,
		OnPush:      func(v proto.Value) { s.lane.Collect(v) },
		AfterPushes: s.lane.Flush,
	}
}

func (s *subscriber) noteError(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastErr = err
}

// connecting notes that a connection is about to be made.
func (s *subscriber) connecting() {
	s.served()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stale = nil
}

// setConn stores the live connection. It closes the connection if a replacement was
// requested while it was being made.
func (s *subscriber) setConn(c *conn.Conn) {
	s.mu.Lock()
	s.conn, s.since = c, time.Now()
	stale := s.stale
	s.mu.Unlock()
	if stale != nil {
		c.Fail(stale)
	}
}

// lost notes that there is no connection any more. It resets the calls to hurry that had
// this connection. A caller that waits for a confirmation still waits for the next
// connection.
func (s *subscriber) lost(cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn, s.lastErr = nil, cause
	s.served()
	if s.callers > 0 {
		s.hurry()
	}
}

// reconnect closes the connection, even one that is being made, so that it is made again. A
// connection that has just been made is left until the shortest backoff has passed, because
// many callers may report the same problem. Repeated requests take effect more and more
// rarely.
func (s *subscriber) reconnect(cause error) {
	s.mu.Lock()
	c := s.conn
	wait := max(s.options.Backoff.Base-time.Since(s.since), s.renewal.wait(s.options.SubscriberBackoff))
	if c != nil && wait > 0 {
		if !s.later && !s.closed {
			s.later = true
			s.tasks.Go(func() { s.reconnectLater(c, wait, cause) })
		}
		s.mu.Unlock()
		return
	}
	s.stale = cause
	s.mu.Unlock()
	if c != nil {
		s.renewal.due(s.options.SubscriberBackoff, nil)
		c.Fail(cause)
	}
}

// reconnectLater closes a connection after a pause.
func (s *subscriber) reconnectLater(c *conn.Conn, pause time.Duration, cause error) {
	passed := retry.Sleep(s.ctx, c.Done(), pause)
	s.mu.Lock()
	s.later = false
	s.mu.Unlock()
	if passed {
		s.renewal.due(s.options.SubscriberBackoff, nil)
		c.Fail(cause)
	}
}

// linkError returns the reason why there is no connection, for the errors of the hub.
func (s *subscriber) linkError() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lastErr
}

// close ends all subscriptions and the connection, and waits for them.
func (s *subscriber) close() {
	s.once.Do(func() {
		s.mu.Lock()
		s.closed = true
		reason := or(s.reason, ErrClosed)
		s.mu.Unlock()
		if s.hub != nil {
			s.hub.Close(reason)
		}
		s.stop()
		s.tasks.Wait()
		s.ended(s)
	})
}

// hubLink is one subscriber connection as the hub sees it.
type hubLink struct {
	c      *conn.Conn
	fences uint64 // fences sent; guarded by the hub, which sends one at a time
}

// Send sends a command and, after it, the fence: a PING whose token no server makes up.
func (l *hubLink) Send(op hub.Op, names []string, done func(error)) {
	l.fences++
	token := "redchan fence " + strconv.FormatUint(l.fences, 10)
	b := proto.AppendArray(nil, 1+len(names))
	b = proto.AppendString(b, op.String())
	for _, name := range names {
		b = proto.AppendString(b, name)
	}
	b = proto.AppendCommand(b, "PING", token)
	l.c.Fence(b, &conn.Fence{Token: token, Behind: true, Done: done})
}

// Ping sends a PING with data.
func (l *hubLink) Ping(data string, done func(error)) {
	l.c.Fence(proto.AppendCommand(nil, "PING", data), &conn.Fence{Token: data, Done: done})
}

// Fail closes the connection.
func (l *hubLink) Fail(err error) { l.c.Fail(errors.Join(errMisbehaved, err)) }

// errMisbehaved closes a subscriber connection whose pushes break the protocol.
var errMisbehaved = errors.New("the server broke the rules of pub/sub")
