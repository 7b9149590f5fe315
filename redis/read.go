package redis

import (
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/redchan-go/redchan/proto"
)

// countingReader counts what is read from a connection.
type countingReader struct{ c *conn }

func (r countingReader) Read(p []byte) (n int, err error) {
	c := r.c
	if c.subscriber && !c.secure {
		n, err = c.proof.read(c.nc, p)
	} else {
		n, err = c.nc.Read(p)
	}
	c.received.Add(uint64(n))
	if n > 0 && c.started {
		c.known = c.enqueued.Load()
		// At once, also where the rest of it never comes.
		if c.known == c.answered && c.reader.Buffered() == 0 && !c.beginsPush(p[0]) {
			err = errUnasked
		}
	}
	return n, err
}

// beginsPush reports whether what begins with mark may be a push.
func (c *conn) beginsPush(mark byte) bool {
	return mark == '>' || mark == '*' && c.subscriber || mark == '+' && c.monitoring
}

// unasked reports whether the buffer has the beginning of a reply though everything has been
// answered that could have one. Who calls it has the read lease.
func (c *conn) unasked() bool {
	return c.answered == c.known && c.reader.Buffered() > 0 && c.reader.Mark() != 0 && !c.beginsPush(c.reader.Mark())
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
	c *conn
}

func (p provenConn) Read(buf []byte) (int, error) { return p.c.proof.read(p.Conn, buf) }

// readLoop gives each reply to the slot that is its turn, and each push to
// onPush, while callers don't (lend.go). It is the last of the connection's
// goroutines: it shuts down.
func (c *conn) readLoop() {
	defer c.shutdown()
	defer c.recoverPanic()
	for {
		v, err := c.next()
		if err == nil {
			if err = c.dispatch(v); err == nil && c.release() {
				<-c.lending.resume
				if !c.alive() {
					return // what is left unread may stand behind a misreading
				}
				c.reader.Shrink()
			}
		}
		if err != nil && !errors.Is(err, errInterrupted) {
			c.fail(c.explain(err))
			return
		}
	}
}

// explain says what an end of file means here.
func (c *conn) explain(err error) error {
	switch {
	case errors.Is(err, io.EOF):
		return errServerClosed
	case errors.Is(err, net.ErrClosed): // by a net.Conn of the user's own
		return errClosedBelow
	}
	return err
}

// errClosedBelow stands for "use of closed network connection".
var errClosedBelow = errors.New("the connection was closed on this side")

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

// handOut is what whoever reads needs to hand out replies many at a time, so
// that mu is taken once for all of them.
type handOut struct {
	replies [32]proto.Value
	met     [32]met
	callers int // answered since the last read
}

// met is a slot whose last reply has come, and what its state was before.
type met struct {
	slot   *slot
	before slotState
}

// dispatch hands out a reply or push, and whatever else of complete ones the
// buffer holds. Who calls it has the read lease.
func (c *conn) dispatch(v proto.Value) error {
	pushes := uint64(0)
	defer func() {
		if pushes > 0 {
			c.pushed(pushes)
		}
	}()
	n, ok := 0, true
	c.handOut.callers = 0
	batch := c.batchLeft() // replies that are the same batch's, v among them
	replies := c.handOut.replies[:]
	var err error
	for {
		switch {
		case ok && n < len(replies) && !c.isPush(v):
			replies[n] = v
			n++
			if batch--; batch > 0 {
				more := c.reader.TryShared(replies[n:min(n+batch, len(replies))])
				n, batch = n+more, batch-more
			}
			if v, ok, err = c.reader.TryNext(); err == nil {
				continue
			}
		case n == 0: // a push
			pushes++
			if c.onPush != nil {
				c.onPush(v)
			}
			if v, ok, err = c.reader.TryNext(); err == nil && ok {
				continue
			}
			return c.behind(err)
		}
		if pushes > 0 { // which came before these replies
			c.pushed(pushes)
			pushes = 0
		}
		wrong := c.answer(replies[:n], !ok)
		if n = 0; wrong != nil || err != nil || !ok {
			return c.behind(or(wrong, err))
		}
		batch = c.batchLeft()
	}
}

// behind looks at what is left of the bytes read when all complete replies are handed out.
func (c *conn) behind(err error) error {
	if err == nil && c.unasked() {
		err = errUnasked
	}
	return err
}

// pushed is called behind some pushes: before the replies that came after them, and
// when all that was read is handed out.
func (c *conn) pushed(n uint64) {
	c.pushes.Add(n)
	if c.afterPushes != nil {
		c.afterPushes()
	}
}

// batchLeft returns how many replies are still to come to the batch whose turn it is,
// 0 where it is no batch's turn.
func (c *conn) batchLeft() int {
	if c.batches.Load() == 0 {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.inflight.front(); s != nil && s.batch {
		return s.left
	}
	return 0
}

// manyCallers is how many callers have to be answered at once for the writer goroutine
// to be made ready for the requests that they are likely to make next.
const manyCallers = 100

// answer gives replies to the slots whose turn it is. final says that no more replies
// are there.
func (c *conn) answer(replies []proto.Value, final bool) (err error) {
	done := c.handOut.met[:0]
	last := -1 // in done, of those that wait
	c.mu.Lock()
	for _, v := range replies {
		s := c.inflight.front()
		if s == nil || c.answered >= c.known {
			err = errUnasked
			break
		}
		complete, wrong := s.take(v)
		if wrong != nil {
			err = wrong
			break
		}
		if !complete {
			continue
		}
		c.inflight.pop()
		c.answered++
		if s.batch {
			c.batches.Add(-1)
		}
		if s.state == slotWaiting && s.fence == nil {
			last = len(done)
			c.handOut.callers++
		}
		done = append(done, met{s, s.state})
		if s.state == slotAbandoned {
			c.abandoned--
		} else {
			s.state = slotAnswered
		}
	}
	c.freed()
	flush := final && last >= 0 && c.handOut.callers >= manyCallers && c.expectRequests()
	c.mu.Unlock()
	clear(replies)
	for i, m := range done {
		if flush && i == last {
			c.wake <- struct{}{}
		}
		switch {
		case m.slot.fence != nil:
			m.slot.fence.done(m.slot.fence.err)
		case m.before == slotWaiting:
			m.slot.ready <- struct{}{}
		case m.before == slotAbandoned:
			c.recycle(m.slot)
		}
		done[i] = met{}
	}
	return err
}

// isPush reports whether v is a push, or what stands for one in RESP2.
func (c *conn) isPush(v proto.Value) bool {
	return v.Kind() == proto.KindPush || c.subscriber && isPubSub(v) || c.monitoring && isMonitorLine(v)
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
