package conn

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"
)

// Dialer makes connections to one server, and knows of the server what those before have
// learned. It is safe for concurrent use.
type Dialer struct {
	options Options
	learned learned
}

// NewDialer returns a dialer.
func NewDialer(o Options) *Dialer {
	d := &Dialer{options: o}
	d.learned.trying = make(chan struct{}, 1)
	return d
}

// Refused returns why the server lets nobody in, as long as no attempt to connect is due. Then
// waiting does not help.
func (d *Dialer) Refused() error { return d.learned.refused() }

// RefusedFor returns how long no attempt to connect is due because the server has refused to let
// the client in.
func (d *Dialer) RefusedFor() time.Duration { return d.learned.wait() }

// Dial connects, shakes hands and starts the connection. An error leaves nothing open. While
// the server refuses the client for good, see [IsRefused], it fails at once.
func (d *Dialer) Dial(ctx context.Context, role Role) (*Conn, error) {
	o := &d.options
	leave, err := d.learned.enter(ctx, o)
	if err != nil {
		return nil, err
	}
	defer leave()
	bounded, cancel := context.WithTimeoutCause(ctx, o.DialTimeout, &dialTimeout{o.DialTimeout, nil})
	defer cancel()
	m := d.learned.manners(o)
	c, err := d.dialOnce(bounded, m, role)
	first := err
	for more := true; more && bounded.Err() == nil; {
		if m, more = m.simpler(err); !more {
			break
		}
		if c, err = d.dialOnce(bounded, m, role); err == nil {
			d.learned.keep(m)
		}
	}
	if isLost(err) && first != nil {
		err = first
	}
	if err != nil {
		if ctx.Err() == nil {
			err = hideDeadline(err, o.DialTimeout)
		}
		return nil, d.learned.note(err)
	}
	_ = d.learned.note(nil)
	c.start(o)
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
func (d *Dialer) dialOnce(ctx context.Context, m manners, role Role) (*Conn, error) {
	o := &d.options
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
	c := newConn(nc, addr, role, o.Limits)
	// Whatever hangs from here on ends with ctx by the connection's end.
	stop := context.AfterFunc(ctx, func() { _ = nc.Close() })
	if err = d.setUp(ctx, c, m); err != nil {
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

// setUp does TLS and the handshake of the protocol.
func (d *Dialer) setUp(ctx context.Context, c *Conn, m manners) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = panicError(r)
		}
	}()
	h := handshake{o: &d.options, learned: &d.learned, in: &c.receiver, manners: m}
	err = h.whileProbing(ctx, func(ctx context.Context) error {
		if err := c.startTLS(ctx, h.o); err != nil {
			return err
		}
		if err := h.shake(); err != nil {
			return err
		}
		return h.stranger
	})
	if err == nil {
		h.o.Logger.Debug("redis: connected", "server", c.addr, "version", h.server, "resp3", h.resp3)
	}
	return err
}

// startTLS does the handshake of TLS, where the options want it.
func (r *receiver) startTLS(ctx context.Context, o *Options) error {
	if o.TLS == nil {
		return nil
	}
	raw := r.raw
	if r.role.Subscriber {
		raw = provenConn{raw, &r.proof}
	}
	secure := tls.Client(raw, o.tlsFor(r.addr))
	if err := secure.HandshakeContext(ctx); err != nil {
		return &tlsError{r.addr, err}
	}
	r.nc, r.secure = secure, true
	return nil
}
