package redis

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"time"

	"github.com/redchan-go/redchan/proto"
)

// countingReader counts what is read from a connection.
type countingReader struct{ c *conn }

func (r countingReader) Read(p []byte) (int, error) {
	n, err := r.c.nc.Read(p)
	r.c.received.Add(uint64(n))
	if r.c.subscriber && n > 0 {
		// What this read brought may have waited for the goroutine to run. What
		// is certain is that nothing was there when a read before it had not
		// filled its buffer.
		r.c.provenAlive.Store(r.c.drained)
		if n < len(p) {
			r.c.drained = time.Now().UnixNano()
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
