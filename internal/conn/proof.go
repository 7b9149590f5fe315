package conn

import (
	"net"
	"sync/atomic"
	"time"
)

// proof knows, for a subscriber connection, a time up to which everything that
// the server had to send was read: where a gap begins when the link is lost.
//
// What a server has for a client it writes all at once. So what a read brings was
// written after the read before had emptied the socket, and whatever is lost was
// published after that. When the socket was empty can't be told exactly: after
// the read before began, and before the goroutine had run to look at the clock,
// which takes no longer than lateGoroutine.
type proof struct {
	alive   atomic.Int64 // that time, in ns since 1970
	drained int64        // it is that time when a read brings more; the reader's alone
}

const lateGoroutine = time.Second

func (p *proof) begin() {
	p.drained = time.Now().UnixNano()
	p.alive.Store(p.drained)
}

func (p *proof) read(nc net.Conn, buf []byte) (int, error) {
	began := time.Now().UnixNano()
	n, err := nc.Read(buf)
	if n > 0 {
		p.alive.Store(p.drained)
		if n < len(buf) {
			p.drained = max(began, time.Now().UnixNano()-int64(lateGoroutine))
		}
	}
	return n, err
}

// provenConn is a subscriber connection below TLS, which gives one record at a time: only
// here a read that brings less than there is room for has emptied the socket.
type provenConn struct {
	net.Conn
	proof *proof
}

func (p provenConn) Read(buf []byte) (int, error) { return p.proof.read(p.Conn, buf) }
