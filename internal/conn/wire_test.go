//go:build unix

package conn

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/redistest"
)

// wire is between a connection and its fake server. It stands for the socket that
// callers write to directly, and notes who writes how much.
type wire struct {
	t      *testing.T
	c      *Conn
	direct *direct

	// take says how many bytes of a caller's direct write fit, and what is wrong.
	// Nothing of it runs with the connection's mu held.
	take func(piece []byte) (int, error)
	// byWriter is called before each write of the writer goroutine.
	byWriter func()
	// written is called behind each direct write, before its caller goes on.
	written func()

	writing atomic.Int32
	mu      sync.Mutex
	log     []string
}

// callersConn is what callers write to. Nothing else of a RawConn is used.
type callersConn struct {
	syscall.RawConn
	w *wire
}

func (f callersConn) Write(func(fd uintptr) bool) error {
	w, piece := f.w, f.w.direct.piece
	defer w.alone()()
	n, err := w.take(piece)
	sent, lost := w.c.raw.Write(piece[:n])
	if n > 0 && lost != nil {
		n, err = sent, lost
	}
	w.note("caller %d/%d", n, len(piece))
	w.written()
	w.direct.n, w.direct.err = n, err
	return nil
}

// writersConn is what the writer goroutine writes to.
type writersConn struct {
	net.Conn
	w *wire
}

func (f writersConn) Write(b []byte) (int, error) {
	defer f.w.alone()()
	f.w.note("writer %d", len(b))
	f.w.byWriter()
	return f.Conn.Write(b)
}

// alone fails the test where two write at once.
func (w *wire) alone() (done func()) {
	if w.writing.Add(1) != 1 {
		w.t.Error("two goroutines write at once")
	}
	return func() { w.writing.Add(-1) }
}

func (w *wire) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log = append(w.log, fmt.Sprintf(format, args...))
}

// expect fails the test where others have written, or other things, since the last
// call.
func (w *wire) expect(want ...string) {
	w.t.Helper()
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Equal(w.log, want) {
		w.t.Errorf("written were %q, expected %q", w.log, want)
	}
	w.log = nil
}

// holds makes direct writes wait, each for a send on the channel that is returned,
// of how many bytes fit.
func (w *wire) holds() chan<- int {
	fits := make(chan int)
	w.take = func([]byte) (int, error) { return <-fits, nil }
	return fits
}

// all takes everything.
func all(piece []byte) (int, error) { return len(piece), nil }

// newWire puts itself between a connection that is at rest and its server.
func newWire(t *testing.T, c *Conn) *wire {
	w := &wire{t: t, c: c, direct: &direct{}, take: all, byWriter: func() {}, written: func() {}}
	w.direct.raw = callersConn{w: w}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.direct = w.direct
	c.nc = writersConn{c.nc, w}
	return w
}

// onWire is onConn, with callers that write directly.
func onWire(t *testing.T, test func(t *testing.T, c *Conn, server *redistest.Conn, w *wire)) {
	t.Helper()
	onConn(t, func(t *testing.T, c *Conn, server *redistest.Conn) {
		t.Helper()
		test(t, c, server, newWire(t, c))
		synctest.Wait()
		if c.alive() {
			atRest(t, c)
		}
	})
}

// atRest fails the test where somebody has the write lease, or has forgotten to
// write something.
func atRest(t *testing.T, c *Conn) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lease != leaseFree || len(c.wake) != 0 {
		t.Errorf("at rest the lease is %d, wake has %d", c.lease, len(c.wake))
	}
	if len(c.flushing) != 0 || len(c.outgoing) != 0 || c.written != c.queued || c.taken != c.queued {
		t.Errorf("at rest %d pieces are being written and %d wait; of %d bytes %d are taken and %d written",
			len(c.flushing), len(c.outgoing), c.queued, c.taken, c.written)
	}
	if c.inflight.size != 0 || c.abandoned != 0 {
		t.Errorf("at rest %d requests are in flight, %d abandoned", c.inflight.size, c.abandoned)
	}
}

// asked is a GET that a goroutine of its own makes.
type asked struct {
	t     *testing.T
	key   string
	value string
	err   error
	done  chan struct{}
}

// ask makes a request, and returns when it is queued and nobody can go on.
func ask(t *testing.T, c *Conn, key string) *asked {
	a := &asked{t: t, key: key, done: make(chan struct{})}
	go func() {
		defer close(a.done)
		a.run(c)
	}()
	synctest.Wait()
	return a
}

func (a *asked) run(c *Conn) {
	r := command.Get(a.key).Request()
	v, err := c.Do(a.t.Context(), &r)
	a.value, a.err = v.Str(), err
}

// waits fails the test where the request has ended.
func (a *asked) waits() {
	a.t.Helper()
	synctest.Wait()
	select {
	case <-a.done:
		a.t.Errorf("%.10s has ended: %q, %v", a.key, a.value, a.err)
	default:
	}
}

// answered expects the request on the server and answers it.
func (a *asked) answered(server *redistest.Conn) {
	a.t.Helper()
	server.Expect("GET", a.key)
	server.Bulk("value of " + a.key)
	<-a.done
	if a.value != "value of "+a.key || a.err != nil {
		a.t.Errorf("%.10s: got %.20q, %v", a.key, a.value, a.err)
	}
}

// failed expects that the request fails, and what its error says.
func (a *asked) failed(cause, outcome error) {
	a.t.Helper()
	<-a.done
	other := command.ErrNotSent
	if outcome == command.ErrNotSent {
		other = command.ErrMaybeExecuted
	}
	if !errors.Is(a.err, cause) || !errors.Is(a.err, outcome) || errors.Is(a.err, other) {
		a.t.Errorf("%.10s: %v, expected %v: %v", a.key, a.err, outcome, cause)
	}
}

// outcomeOf is what has to be told of the nth request of a write, of which taken
// bytes have left.
func outcomeOf(n, taken int) error {
	if n*getBytes < taken {
		return command.ErrMaybeExecuted
	}
	return command.ErrNotSent
}

// forget forgets what was written.
func (w *wire) forget() {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log = nil
}
