package redistest

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// bufferSize is how many bytes a connection holds in each direction before a
// write waits, like a socket's buffer.
const bufferSize = 64 << 10

// newPipe returns the two ends of a connection in memory.
func newPipe() (client, server *end) {
	up, down := newStream(), newStream()
	return &end{in: down, out: up, name: "client"}, &end{in: up, out: down, name: "server"}
}

// end is one end of a connection. It is a net.Conn.
type end struct {
	in, out *stream
	name    string
}

func (e *end) Read(p []byte) (int, error) { return e.in.read(p) }

// PeekByte returns the first byte that has arrived and was not read, without waiting.
func (e *end) PeekByte() (first byte, ok bool, err error) { return e.in.peek() }

func (e *end) Write(p []byte) (int, error) { return e.out.write(p) }

// Close ends both directions: the other end reads what was written, then EOF.
func (e *end) Close() error {
	e.in.close(true)
	e.out.close(false)
	return nil
}

func (e *end) LocalAddr() net.Addr  { return addr(e.name) }
func (e *end) RemoteAddr() net.Addr { return addr("redistest") }

func (e *end) SetDeadline(t time.Time) error {
	e.in.readLimit.set(t)
	e.out.writeLimit.set(t)
	return nil
}

func (e *end) SetReadDeadline(t time.Time) error {
	e.in.readLimit.set(t)
	return nil
}

func (e *end) SetWriteDeadline(t time.Time) error {
	e.out.writeLimit.set(t)
	return nil
}

type addr string

func (addr) Network() string  { return "memory" }
func (a addr) String() string { return string(a) }

// stream is one direction of a connection.
type stream struct {
	readLimit, writeLimit *deadline

	mu      sync.Mutex
	buf     []byte
	changed chan struct{} // closed and replaced at each change of buf and closed
	// readErr is what a reader gets after the last byte, and writeErr what a writer gets.
	// They are nil while the stream is open.
	readErr, writeErr error
}

func newStream() *stream {
	return &stream{readLimit: newDeadline(), writeLimit: newDeadline(), changed: make(chan struct{})}
}

// change wakes all waiting readers and writers. mu is held.
func (s *stream) change() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// close ends the stream. If its reader closes it, the reader gets nothing more, and the
// writer gets an error. If its writer closes it, the reader gets the rest of the buffer and
// then io.EOF.
func (s *stream) close(byReader bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if byReader {
		s.buf, s.readErr, s.writeErr = nil, net.ErrClosed, io.ErrClosedPipe
	} else {
		s.writeErr = net.ErrClosed
		if s.readErr == nil {
			s.readErr = io.EOF
		}
	}
	s.change()
}

// ended reports whether the writing end has been closed.
func (s *stream) ended() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.readErr != nil
}

func (s *stream) read(p []byte) (int, error) {
	for {
		passed := s.readLimit.passed()
		s.mu.Lock()
		switch {
		case closed(passed):
			s.mu.Unlock()
			return 0, os.ErrDeadlineExceeded
		case len(s.buf) > 0:
			n := copy(p, s.buf)
			s.buf = s.buf[n:]
			s.change()
			s.mu.Unlock()
			return n, nil
		case s.readErr != nil:
			defer s.mu.Unlock()
			return 0, s.readErr
		}
		changed := s.changed
		s.mu.Unlock()
		select {
		case <-changed:
		case <-passed:
		}
	}
}

func (s *stream) peek() (first byte, ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.buf) > 0 {
		return s.buf[0], true, nil
	}
	return 0, false, s.readErr
}

func (s *stream) write(p []byte) (written int, err error) {
	for {
		passed := s.writeLimit.passed()
		s.mu.Lock()
		if s.writeErr != nil {
			defer s.mu.Unlock()
			return written, s.writeErr
		}
		if closed(passed) {
			s.mu.Unlock()
			return written, os.ErrDeadlineExceeded
		}
		if n := min(bufferSize-len(s.buf), len(p)); n > 0 {
			s.buf = append(s.buf, p[:n]...)
			p, written = p[n:], written+n
			s.change()
		}
		if len(p) == 0 {
			s.mu.Unlock()
			return written, nil
		}
		changed := s.changed
		s.mu.Unlock()
		select {
		case <-changed:
		case <-passed:
		}
	}
}

// deadline is a time after which waiting fails. It can be moved.
type deadline struct {
	mu    sync.Mutex
	timer *time.Timer
	past  chan struct{} // closed when the deadline has passed
	moved int           // how often it was set: an earlier timer then does nothing
}

func newDeadline() *deadline { return &deadline{past: make(chan struct{})} }

// passed returns a channel that is closed when the deadline passes.
func (d *deadline) passed() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.past
}

// set moves the deadline. Callers that are already waiting keep the previous deadline if it
// has not passed. So a deadline in the past wakes them too.
func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
	}
	d.moved++
	if closed(d.past) {
		d.past = make(chan struct{})
	}
	if t.IsZero() {
		return
	}
	moved := d.moved
	pass := func() {
		if moved == d.moved && !closed(d.past) {
			close(d.past)
		}
	}
	if wait := time.Until(t); wait > 0 {
		d.timer = time.AfterFunc(wait, func() {
			d.mu.Lock()
			defer d.mu.Unlock()
			pass()
		})
	} else {
		pass()
	}
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
