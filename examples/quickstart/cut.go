package main

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// link is a network that can be cut: its dial is a redis.Options.Dial.
type link struct {
	mu    sync.Mutex
	down  bool
	conns []net.Conn
}

var errDown = errors.New("the network is down")

// dial connects, unless the link is down.
func (l *link) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		return nil, errors.Join(errDown, conn.Close())
	}
	l.conns = append(l.conns, conn)
	return linkConn{conn}, nil
}

// linkConn is a connection over a link.
type linkConn struct{ net.Conn }

// Read says in words why it ends.
func (c linkConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if errors.Is(err, net.ErrClosed) {
		err = errDown
	}
	return n, err
}

// cut breaks all connections and lets no new one come about for d.
func (l *link) cut(ctx context.Context, d time.Duration) {
	l.set(true)
	defer l.set(false)
	wait(ctx, time.After(d))
}

func (l *link) set(down bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = down
	for _, conn := range l.conns {
		_ = conn.Close()
	}
	l.conns = nil
}
