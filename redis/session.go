package redis

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/redchan-go/redchan/internal/conn"
	"github.com/redchan-go/redchan/internal/retry"
	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
)

// Session is a connection for exclusive use, with all commands. It is for WATCH, for WAIT
// after writes on the same connection, and for anything else that must not share a
// connection. It comes from the client's pool, see Options.PoolSize, and [Session.Close]
// returns it:
//
//	s, err := client.Watch(ctx, "stock")
//	if err != nil {
//		return err
//	}
//	defer s.Close()
//	n, err := command.AsInt(command.Get("stock")).Do(ctx, s)
//	...
//	var b command.Batch
//	b.Set("stock", n-1)
//	err = s.Multi(ctx, &b) // ErrTxConflict: another client has changed the stock
//
// A session never reconnects. If its connection is lost, its commands fail and the server
// forgets what it watched. The same happens if the context of a blocking command ends
// before the reply arrives. A session never repeats a command. It is safe for concurrent
// use, but all its users share the watched keys.
type Session struct {
	command.Commands
	client *Client
	conn   *conn.Conn

	mu       sync.Mutex
	watching bool // a WATCH was sent, and nothing that ends it since
	watches  int  // counts the beginnings and the ends of calls that watch
	dropped  bool // the connection must not be used again
	closed   bool
	calls    int // under way
}

// ErrSessionClosed is the cause of an error that was returned because the session is
// closed.
var ErrSessionClosed = errors.New("the session is closed")

// Session takes a connection from the pool. If all connections are in use, it waits until
// ctx ends and then returns [ErrPoolExhausted]. ctx bounds only this call.
func (c *Client) Session(ctx context.Context) (*Session, error) {
	if err := c.usable(ctx); err != nil {
		return nil, retry.NotSent("session", "", err)
	}
	lent, err := c.pool.lend(ctx)
	if err != nil {
		return nil, retry.NotSent("session", c.options.Addr, err)
	}
	s := &Session{client: c, conn: lent}
	s.Commands = *command.On(s)
	return s, nil
}

// Watch takes a connection from the pool that watches keys. The next [Session.Multi] runs
// only if no other client has changed one of the keys since, and none of them has expired.
// Without keys, Watch is the same as [Client.Session]. Since 2.2.0.
func (c *Client) Watch(ctx context.Context, keys ...string) (*Session, error) {
	s, err := c.Session(ctx)
	if err != nil || len(keys) == 0 {
		return s, err
	}
	if err := s.Watch(ctx, keys...); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

// Watch watches more keys, see [Client.Watch].
func (s *Session) Watch(ctx context.Context, keys ...string) error {
	r := command.WatchRequest(keys...)
	if err := r.Err(); err != nil {
		return retry.NotSent(r.Name(), s.addr(), err)
	}
	if err := s.begin(ctx, r.Name()); err != nil {
		return err
	}
	defer s.end()
	s.watch() // until the reply shows that nothing is watched
	defer s.watch()
	_, err := s.roundTrip(ctx, &r)
	return err
}

// Unwatch forgets all watched keys. It sends nothing if no keys are watched.
func (s *Session) Unwatch(ctx context.Context) error {
	r := command.UnwatchRequest()
	if err := s.begin(ctx, r.Name()); err != nil {
		return err
	}
	defer s.end()
	watching, watches := s.watched()
	if !watching {
		return nil
	}
	_, err := s.roundTrip(ctx, &r)
	if err == nil {
		s.forget(watches)
	}
	return err
}

// begin begins a call. It refuses the call if the session is closed, because another caller
// may be using the connection by then.
func (s *Session) begin(ctx context.Context, name string) error {
	switch {
	case s == nil || s.client == nil:
		return retry.NotSent(name, "", errNotMade)
	case ctx == nil:
		return retry.NotSent(name, s.conn.Addr(), errNilContext)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return retry.NotSent(name, s.conn.Addr(), ErrSessionClosed)
	}
	s.calls++
	return nil
}

// addr returns the server's address; empty for the zero Session.
func (s *Session) addr() string {
	if s == nil || s.conn == nil {
		return ""
	}
	return s.conn.Addr()
}

// end ends a call.
func (s *Session) end() {
	s.mu.Lock()
	s.calls--
	s.mu.Unlock()
}

// watch notes the beginning, or the end, of a call that watches.
func (s *Session) watch() {
	s.mu.Lock()
	s.watching = true
	s.watches++
	s.mu.Unlock()
}

// watched reports whether keys may be watched. The caller of a command that ends the watch
// passes watches, as it was before the command, to forget.
func (s *Session) watched() (watching bool, watches int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.watching, s.watches
}

// forget notes that nothing is watched any more. It does nothing if another watching call
// has begun or ended in the meantime, because the server may have executed it later.
func (s *Session) forget(watches int) {
	s.mu.Lock()
	if s.watches == watches {
		s.watching = false
	}
	s.mu.Unlock()
}

// Do sends one request over the session's connection. [command.Cmd.Do] and the methods of
// the commands call it.
func (s *Session) Do(ctx context.Context, r command.Request) (proto.Value, error) {
	if err := r.Err(); err != nil {
		return proto.Value{}, retry.NotSent(r.Name(), s.addr(), err)
	}
	if r.OfSession() && r.Name() == "MONITOR" {
		return proto.Value{}, retry.NotSent(r.Name(), s.addr(), fmt.Errorf("%w: use the client's Monitor", ErrArgument))
	}
	if err := s.begin(ctx, r.Name()); err != nil {
		return proto.Value{}, err
	}
	defer s.end()
	if r.OfSession() { // it may be a WATCH
		s.watch()
		defer s.watch()
	}
	return s.roundTrip(ctx, &r)
}

func (s *Session) roundTrip(ctx context.Context, r *command.Request) (proto.Value, error) {
	if r.Blocks() {
		defer s.conn.MayBlock(r.BlockFor())()
	}
	v, err := s.conn.Do(ctx, r)
	s.givenUp(r.Blocks(), err)
	if err == nil {
		if err = s.client.options.replyError(r, s.conn.Addr(), v); errors.Is(err, ErrRejected) && isWrongServer(err) {
			s.client.renew(err, s.conn)
		}
	}
	return v, err
}

// DoBatch sends requests together over the session's connection.
func (s *Session) DoBatch(ctx context.Context, rs *command.Requests) ([]proto.Value, error) {
	if err := rs.Err(); err != nil || rs.Len() == 0 {
		return nil, err
	}
	if err := s.begin(ctx, "batch"); err != nil {
		return nil, err
	}
	defer s.end()
	if rs.Blocks() {
		defer s.conn.MayBlock(rs.BlockFor())()
	}
	values, err := s.conn.DoBatch(ctx, rs)
	s.givenUp(rs.Blocks(), err)
	return values, err
}

// givenUp closes the connection if the caller of a command that may block has given up: a
// pop must then not take an element.
func (s *Session) givenUp(blocks bool, err error) {
	if blocks && errors.Is(err, ErrMaybeExecuted) {
		s.conn.Fail(errGivenUp)
	}
}

// Exec sends a batch over the session's connection, see [Client.Exec].
func (s *Session) Exec(ctx context.Context, b *command.Batch) error { return b.Exec(ctx, s) }

// Multi sends a batch as a transaction, see [Client.Multi]. If a watched key was changed,
// the error is [ErrTxConflict] and nothing has run. This is also true of an empty batch,
// which is sent only if keys are watched. The server watches nothing afterwards, whatever
// the result. A lost connection is not a conflict; it has an error of its own.
func (s *Session) Multi(ctx context.Context, b *command.Batch) error {
	if b.Len() > 0 {
		return b.Exec(ctx, sessionMulti{s})
	}
	if watching, _ := s.watched(); !watching {
		return nil
	}
	_, err := sessionMulti{s}.DoBatch(ctx, new(command.Requests))
	return err
}

// sessionMulti sends batches of a session as transactions.
type sessionMulti struct{ session *Session }

func (m sessionMulti) DoBatch(ctx context.Context, rs *command.Requests) ([]proto.Value, error) {
	s := m.session
	if err := rs.Err(); err != nil {
		return nil, err
	}
	if err := s.begin(ctx, "MULTI"); err != nil {
		return nil, err
	}
	defer s.end()
	_, watches := s.watched()
	values, err := transact(ctx, s.conn, rs, rs.Transaction())
	if !errors.Is(err, ErrNotSent) && !errors.Is(err, ErrMaybeExecuted) {
		s.forget(watches) // EXEC was answered
	}
	return values, err
}

// Drop makes Close close the connection instead of returning it to the pool.
func (s *Session) Drop() {
	s.mu.Lock()
	s.dropped = true
	s.mu.Unlock()
}

// Close returns the connection to the pool in a clean state. If keys are still watched,
// Close unwatches them and waits at most half a second for that. Close closes the
// connection instead if a call is under way, a reply is still to come, or Drop was called.
// Closing again does nothing. The error is always nil.
func (s *Session) Close() error {
	if s == nil || s.client == nil {
		return nil // the zero Session
	}
	s.mu.Lock()
	closed, watching, dropped := s.closed, s.watching, s.dropped || s.calls > 0
	s.closed = true
	s.mu.Unlock()
	if closed {
		return nil
	}
	if !dropped && watching {
		// If a reply is still to come, it may arrive before giveBack looks. So the watched
		// keys must be known to be unwatched.
		dropped = !isIdle(s.conn) || !s.unwatched()
	}
	if dropped {
		s.conn.Fail(errDropped)
	}
	s.client.pool.giveBack(s.conn)
	return nil
}

// unwatched reports whether the server has unwatched all keys.
func (s *Session) unwatched() bool {
	ctx, cancel := context.WithTimeout(context.Background(), closeGrace)
	defer cancel()
	r := command.UnwatchRequest()
	_, err := s.roundTrip(ctx, &r)
	return err == nil
}

// errDropped closes a connection of the pool that must not be used again.
var errDropped = fmt.Errorf("its session is over: %w", ErrSessionClosed)
