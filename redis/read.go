package redis

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/redchan-go/redchan/proto"
)

// countingReader counts what is read from a connection.
type countingReader struct{ c *conn }

func (r countingReader) Read(p []byte) (int, error) {
	if r.c.subscriber {
		return r.c.proof.read(r.c, p)
	}
	n, err := r.c.nc.Read(p)
	r.c.received.Add(uint64(n))
	return n, err
}

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

func (p *proof) read(c *conn, buf []byte) (int, error) {
	began := time.Now().UnixNano()
	n, err := c.nc.Read(buf)
	c.received.Add(uint64(n))
	if n > 0 {
		p.alive.Store(p.drained)
		if n < len(buf) {
			p.drained = max(began, time.Now().UnixNano()-int64(lateGoroutine))
		}
	}
	return n, err
}

// readLoop gives each reply to the slot that is its turn, and each push to
// onPush, while callers don't (lend.go). It is the last of the connection's
// goroutines: it shuts down.
func (c *conn) readLoop() {
	defer c.shutdown()
	defer c.recoverPanic()
	served := false // something was handed out since the last read
	for {
		v, ok, err := c.reader.TryNext()
		if err == nil && !ok {
			if served && c.release() {
				<-c.lending.resume
			}
			served = false
			v, err = c.next()
		}
		if err == nil {
			served = true
			err = c.dispatch(v)
		}
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			c.fail(c.explain(err))
			return
		}
	}
}

// explain says what an end of file means here.
func (c *conn) explain(err error) error {
	if errors.Is(err, io.EOF) {
		return errServerClosed
	}
	return err
}

// recoverPanic turns a panic, of a net.Conn of the user's own, into the
// connection's end.
func (c *conn) recoverPanic() {
	if r := recover(); r != nil {
		c.fail(panicError(r))
	}
}

func panicError(r any) error {
	return fmt.Errorf("panic on the connection: %v\n%s", r, debug.Stack())
}

var errServerClosed = errors.New("the server closed the connection")

// dispatch hands on one reply or push.
func (c *conn) dispatch(v proto.Value) error {
	if v.Kind() == proto.KindPush || c.subscriber && isPubSub(v) {
		c.pushes.Add(1)
		if c.onPush != nil {
			c.onPush(v)
		}
		return nil
	}
	c.mu.Lock()
	s := c.inflight.front()
	if s == nil {
		c.mu.Unlock()
		return errUnasked
	}
	last, err := s.take(v)
	if !last {
		c.mu.Unlock()
		return err
	}
	c.inflight.pop()
	c.answered++
	c.freed()
	before := s.state
	if before == slotAbandoned {
		c.abandoned--
	} else {
		s.state = slotAnswered
	}
	c.mu.Unlock()
	switch {
	case s.fence != nil:
		s.fence.done(s.fence.err)
	case before == slotWaiting:
		s.ready <- struct{}{}
	case before == slotAbandoned:
		c.recycle(s)
	}
	return nil
}

// isPubSub reports whether a RESP2 array on a subscriber connection is a
// message or a confirmation. Such a connection carries nothing else but PING.
func isPubSub(v proto.Value) bool {
	if v.Kind() != proto.KindArray || v.Len() < 3 {
		return false
	}
	switch v.Index(0).Str() {
	case "message", "pmessage", "smessage", "subscribe", "psubscribe", "ssubscribe",
		"unsubscribe", "punsubscribe", "sunsubscribe":
		return true
	}
	return false
}
