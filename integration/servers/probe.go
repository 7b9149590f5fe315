package servers

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"
)

// Wire is a plain connection to a server, by which a test sees what the server sends,
// pushes included, as it stands. It is for one goroutine.
type Wire struct {
	conn   net.Conn
	reader *bufio.Reader
}

// Dial returns a connection of its own to the server, authenticated where the server
// wants it. The caller closes it. It speaks RESP2 until it sends HELLO 3.
func (s *Server) Dial(ctx context.Context) (*Wire, error) {
	return dial(ctx, "tcp", s.Addr, s.TLSConfig(), s.config.credentials())
}

func dial(ctx context.Context, network, address string, config *tls.Config, credentials []string) (*Wire, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if config != nil {
		conn = tls.Client(conn, config)
	}
	wire := &Wire{conn: conn, reader: bufio.NewReader(conn)}
	if len(credentials) > 0 {
		if _, err := wire.Do(ctx, append([]string{"AUTH"}, credentials...)...); err != nil {
			return nil, errors.Join(err, wire.Close())
		}
	}
	return wire, nil
}

// Send sends one command.
func (w *Wire) Send(ctx context.Context, words ...string) error {
	defer w.within(ctx)()
	return w.wrap(ctx, words[0], writeCommand(w.conn, words))
}

// Receive returns what the server sends next, an error reply too. When the context
// ends before it is complete, the connection is of no more use.
func (w *Wire) Receive(ctx context.Context) (Reply, error) {
	defer w.within(ctx)()
	reply, err := readReply(w.reader)
	return reply, w.wrap(ctx, "reading a reply", err)
}

// Do sends one command and returns what the server sends next; an error reply is an
// error.
func (w *Wire) Do(ctx context.Context, words ...string) (Reply, error) {
	if err := w.Send(ctx, words...); err != nil {
		return Reply{}, err
	}
	reply, err := w.Receive(ctx)
	if err == nil {
		err = w.wrap(ctx, words[0], reply.err())
	}
	return reply, err
}

// Close closes the connection.
func (w *Wire) Close() error { return w.conn.Close() }

// within bounds what follows by the context, until the function returned is called.
func (w *Wire) within(ctx context.Context) (end func() bool) {
	return context.AfterFunc(ctx, func() { w.conn.SetDeadline(time.Unix(1, 0)) })
}

// wrap says what an error came of, and whether the context's end was the reason.
func (w *Wire) wrap(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, errors.Join(err, ctx.Err()))
}

// call sends one command over a connection of its own, after AUTH where credentials
// are given, and returns the reply; an error reply is an error.
func call(ctx context.Context, network, address string, config *tls.Config, credentials, words []string) (Reply, error) {
	wire, err := dial(ctx, network, address, config, credentials)
	if err != nil {
		return Reply{}, err
	}
	defer wire.Close()
	return wire.Do(ctx, words...)
}
