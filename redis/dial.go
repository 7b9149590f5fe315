package redis

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
)

// dial connects, shakes hands and starts the connection. prepare, which may be
// nil, sets what a connection needs to know before it starts. An error leaves
// nothing open.
func dial(ctx context.Context, o *Options, prepare func(*conn)) (*conn, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, o.DialTimeout,
		fmt.Errorf("no connection within %v: %w", o.DialTimeout, context.DeadlineExceeded))
	defer cancel()

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
			err = fmt.Errorf("%w: %w", err, context.Cause(ctx))
		}
		return nil, err
	}
	if nc == nil {
		return nil, errNoConn
	}
	c := newConn(nc, nc, addr, o)
	// Whatever hangs from here on ends with ctx by the connection's end.
	stop := context.AfterFunc(ctx, func() { _ = nc.Close() })
	if err = c.setUp(ctx, o, prepare); err != nil {
		if !stop() {
			err = fmt.Errorf("%w: %w", context.Cause(ctx), err)
		}
		_ = nc.Close()
		return nil, err
	}
	if !stop() {
		return nil, context.Cause(ctx)
	}
	c.monitor.begin(c, o)
	c.start()
	o.Logger.Debug("redis: connected", "server", addr, "version", c.server, "resp3", c.resp3)
	return c, nil
}

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
func (c *conn) setUp(ctx context.Context, o *Options, prepare func(*conn)) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = panicError(r)
		}
	}()
	if prepare != nil {
		prepare(c)
	}
	if o.TLS != nil {
		raw := c.raw
		if c.subscriber {
			raw = provenConn{raw, c}
		}
		secure := tls.Client(raw, o.tlsFor(c.addr))
		if err := secure.HandshakeContext(ctx); err != nil {
			return fmt.Errorf("TLS with %s (is that a port for TLS?): %w", c.addr, err)
		}
		c.nc, c.secure = secure, true
	}
	return c.handshake(o)
}
