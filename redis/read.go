package redis

import (
	"errors"
	"fmt"
	"io"
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
// onPush. It is the last of the connection's goroutines: it shuts down.
func (c *conn) readLoop() {
	defer c.shutdown()
	defer c.recoverPanic()
	for {
		v, err := c.reader.Next()
		if err == nil {
			err = c.dispatch(v)
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = errServerClosed
			}
			c.fail(err)
			return
		}
	}
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

// errServerClosed says what an end of file means here.
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
	if last {
		c.inflight.pop()
		c.answered++
		c.freed()
	}
	c.mu.Unlock()
	if last {
		c.complete(s)
	}
	return err
}

// complete tells whoever waits for a slot that it is done.
func (c *conn) complete(s *slot) {
	if s.fence != nil {
		s.fence.done(s.fence.err)
		return
	}
	if !s.answer() {
		c.mu.Lock()
		c.abandoned--
		c.mu.Unlock()
		c.recycle(s)
	}
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
