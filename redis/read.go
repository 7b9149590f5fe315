package redis

import (
	"errors"
	"io"
	"time"

	"github.com/redchan-go/redchan/proto"
)

// countingReader counts what is read from a connection.
type countingReader struct{ c *conn }

func (r countingReader) Read(p []byte) (int, error) {
	n, err := r.c.nc.Read(p)
	r.c.received.Add(uint64(n))
	if r.c.subscriber && n > 0 {
		r.c.lastRead.Store(time.Now().UnixNano())
	}
	return n, err
}

// readLoop gives each reply to the slot that is its turn, and each push to
// onPush. It is the last of the connection's goroutines: it shuts down.
func (c *conn) readLoop() {
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
			c.shutdown()
			return
		}
	}
}

// errServerClosed says what an end of file means here.
var errServerClosed = errors.New("the server closed the connection")

// dispatch hands on one reply or push.
func (c *conn) dispatch(v proto.Value) error {
	if v.Kind() == proto.KindPush || c.subscriber && isPubSub(v) {
		c.mu.Lock()
		c.pushes++
		c.mu.Unlock()
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
	last := s.take(v)
	if last {
		c.inflight.pop()
		c.answered++
		c.freed()
	}
	c.mu.Unlock()
	if last {
		c.complete(s)
	}
	return nil
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
