package redis

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"
)

// dial connects, shakes hands and starts the connection. prepare, which may be
// nil, sets what a connection needs to know before it starts. An error leaves
// nothing open.
func dial(ctx context.Context, o *Options, prepare func(*conn)) (*conn, error) {
	leave, err := o.learned.enter(ctx, o)
	if err != nil {
		return nil, err
	}
	defer leave()
	bounded, cancel := context.WithTimeoutCause(ctx, o.DialTimeout, &dialTimeout{o.DialTimeout, nil})
	defer cancel()
	m := o.manners()
	c, err := dialOnce(bounded, o, m, prepare)
	first := err
	for more := true; more && bounded.Err() == nil; {
		if m, more = m.simpler(err); !more {
			break
		}
		if c, err = dialOnce(bounded, o, m, prepare); err == nil {
			o.learned.keep(m)
		}
	}
	if isLost(err) && first != nil {
		err = first
	}
	if err != nil {
		if ctx.Err() == nil {
			err = hideDeadline(err, o.DialTimeout)
		}
		return nil, o.learned.note(err)
	}
	_ = o.learned.note(nil)
	c.monitor.begin(c, o)
	c.start()
	o.Logger.Debug("redis: connected", "server", c.addr, "version", c.server, "resp3", c.resp3)
	return c, nil
}

// dialTimeout is the error of an attempt to connect that took longer than
// Options.DialTimeout. It is no context.DeadlineExceeded: that would be the end of the
// caller's own context.
type dialTimeout struct {
	after time.Duration
	err   error // what was under way; may be nil
}

func (e *dialTimeout) Error() string {
	text := fmt.Sprintf("connecting took longer than %v (Options.DialTimeout)", e.after)
	if e.err != nil {
		text += ": " + e.err.Error()
	}
	return text
}

// Timeout reports true: it is a net.Error.
func (e *dialTimeout) Timeout() bool { return true }

// Temporary reports true.
func (e *dialTimeout) Temporary() bool { return true }

// hideDeadline returns an error of connecting without the deadline of our own that it may
// have met: net.Dialer and others tell it as the context's.
func hideDeadline(err error, after time.Duration) error {
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &dialTimeout{after, errors.New(err.Error())}
}

// dialOnce makes one connection that works, and has not started.
func dialOnce(ctx context.Context, o *Options, m manners, prepare func(*conn)) (*conn, error) {
	addr := o.Addr
	if o.Resolve != nil {
		var err error
		if addr, err = o.Resolve(ctx); err != nil {
			return nil, err
		}
	}
	nc, err := o.dialer()(ctx, o.Network, addr)
	if err != nil {
		if ctx.Err() != nil {
			err = whileDialing(ctx, err)
		}
		return nil, err
	}
	if nc == nil {
		return nil, errNoConn
	}
	c := newConn(nc, nc, addr, o)
	// Whatever hangs from here on ends with ctx by the connection's end.
	stop := context.AfterFunc(ctx, func() { _ = nc.Close() })
	if err = c.setUp(ctx, o, m, prepare); err != nil {
		if !stop() {
			err = whileDialing(ctx, err)
		}
		_ = nc.Close()
		return nil, err
	}
	if !stop() {
		return nil, context.Cause(ctx)
	}
	return c, nil
}

// whileDialing is the error of an attempt that ended with its context. What the end has
// done to the connection is no news to anybody.
func whileDialing(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	if errors.Is(err, net.ErrClosed) || errors.Is(err, ctx.Err()) {
		var lost *lostError
		var secure *tlsError
		switch {
		case errors.As(err, &lost):
			return fmt.Errorf("%w, no answer to %s", cause, lost.command)
		case errors.As(err, &secure):
			return fmt.Errorf("%w, no answer to the handshake of TLS (is that a port for TLS?)", cause)
		}
		return cause
	}
	return fmt.Errorf("%w: %w", cause, err)
}

// tlsError is a handshake of TLS that failed.
type tlsError struct {
	addr string
	err  error
}

func (e *tlsError) Error() string {
	return "TLS with " + e.addr + " (is that a port for TLS?): " + e.err.Error()
}

func (e *tlsError) Unwrap() error { return e.err }

// errNoConn tells of a Dial that returns neither a connection nor an error.
var errNoConn = errors.New("Options.Dial returned no connection")

// dialer returns what opens raw connections.
func (o *Options) dialer() func(ctx context.Context, network, addr string) (net.Conn, error) {
	if o.Dial != nil {
		return o.Dial
	}
	return (&net.Dialer{}).DialContext
}

// tlsFor returns the configuration of TLS with the server at addr.
func (o *Options) tlsFor(addr string) *tls.Config {
	if o.Resolve == nil || o.TLS.ServerName != "" {
		return o.TLS
	}
	config := o.TLS.Clone()
	config.ServerName, _, _ = net.SplitHostPort(addr)
	return config
}

// setUp does TLS and the handshake of the protocol.
func (c *conn) setUp(ctx context.Context, o *Options, m manners, prepare func(*conn)) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = panicError(r)
		}
	}()
	if prepare != nil {
		prepare(c)
	}
	return c.shakeHands(ctx, o, func(ctx context.Context) error {
		if err := c.startTLS(ctx, o); err != nil {
			return err
		}
		if err := c.handshake(o, m); err != nil {
			return err
		}
		return c.stranger
	})
}

// startTLS does the handshake of TLS, where the options want it.
func (c *conn) startTLS(ctx context.Context, o *Options) error {
	if o.TLS != nil {
		raw := c.raw
		if c.subscriber {
			raw = provenConn{raw, c}
		}
		secure := tls.Client(raw, o.tlsFor(c.addr))
		if err := secure.HandshakeContext(ctx); err != nil {
			return &tlsError{c.addr, err}
		}
		c.nc, c.secure = secure, true
	}
	return nil
}
