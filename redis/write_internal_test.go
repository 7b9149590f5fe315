//go:build unix

package redis

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/redistest"
)

var (
	writeSeed  = flag.Uint64("write.seed", 0, "play this one seed of the storm of writes, and no other")
	writeSeeds = flag.Uint64("write.seeds", 0, "play so many seeds of the storm of writes")
)

// wire is between a connection and its fake server. It stands for the socket that
// callers write to directly, and notes who writes how much.
type wire struct {
	t      *testing.T
	c      *conn
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
func newWire(t *testing.T, c *conn) *wire {
	w := &wire{t: t, c: c, direct: &direct{}, take: all, byWriter: func() {}, written: func() {}}
	w.direct.raw = callersConn{w: w}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.direct = w.direct
	c.nc = writersConn{c.nc, w}
	return w
}

// onWire is onConn, with callers that write directly.
func onWire(t *testing.T, test func(t *testing.T, c *conn, server *redistest.Conn, w *wire)) {
	t.Helper()
	onConn(t, func(t *testing.T, c *conn, server *redistest.Conn) {
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
func atRest(t *testing.T, c *conn) {
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

// getBytes is how many bytes a GET of a key of one letter takes.
const getBytes = len("*2\r\n$3\r\nGET\r\n$1\r\na\r\n")

// ask makes a request, and returns when it is queued and nobody can go on.
func ask(t *testing.T, c *conn, key string) *asked {
	a := &asked{t: t, key: key, done: make(chan struct{})}
	go func() {
		defer close(a.done)
		a.run(c)
	}()
	synctest.Wait()
	return a
}

func (a *asked) run(c *conn) {
	r := command.Get(a.key).Request()
	v, err := c.do(a.t.Context(), &r)
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
	other := ErrNotSent
	if outcome == ErrNotSent {
		other = ErrMaybeExecuted
	}
	if !errors.Is(a.err, cause) || !errors.Is(a.err, outcome) || errors.Is(a.err, other) {
		a.t.Errorf("%.10s: %v, expected %v: %v", a.key, a.err, outcome, cause)
	}
}

// outcomeOf is what has to be told of the nth request of a write, of which taken
// bytes have left.
func outcomeOf(n, taken int) error {
	if n*getBytes < taken {
		return ErrMaybeExecuted
	}
	return ErrNotSent
}

// What of a caller's write does not fit is written by the writer goroutine.
func TestDirectWriteThatDoesNotFit(t *testing.T) {
	for _, n := range []int{0, 1, getBytes / 2, getBytes - 1} {
		onWire(t, func(t *testing.T, c *conn, server *redistest.Conn, w *wire) {
			for range 3 { // the lease comes back each time
				w.take = func([]byte) (int, error) { return n, nil }
				a := ask(t, c, "a")
				w.expect(fmt.Sprintf("caller %d/%d", n, getBytes), fmt.Sprintf("writer %d", getBytes-n))
				a.answered(server)
				atRest(t, c)
				w.take = all
				b := ask(t, c, "b")
				w.expect(fmt.Sprintf("caller %d/%[1]d", getBytes))
				b.answered(server)
			}
		})
	}
}

// Of several pieces the one that did not fit is continued where it was cut, and the
// others come behind it.
func TestDirectWriteOfSeveralPieces(t *testing.T) {
	large := strings.Repeat("L", largeRequest+1)
	size := len(fmt.Sprintf("*2\r\n$3\r\nGET\r\n$%d\r\n%s\r\n", len(large), large))
	for _, cut := range []int{0, 1, 2} {
		for _, left := range []int{1, getBytes} { // of the piece that is cut
			onWire(t, func(t *testing.T, c *conn, server *redistest.Conn, w *wire) {
				fits := w.holds()
				first := ask(t, c, "1")
				var others []*asked
				for _, key := range []string{"a", large, "b"} {
					others = append(others, ask(t, c, key))
				}
				fits <- getBytes
				var want []string
				pieces := []int{getBytes, size, getBytes}
				for i, piece := range pieces {
					switch {
					case i < cut:
						fits <- piece
						want = append(want, fmt.Sprintf("caller %d/%[1]d", piece))
					case i == cut:
						fits <- piece - left
						want = append(want, fmt.Sprintf("caller %d/%d", piece-left, piece), fmt.Sprintf("writer %d", left))
					default:
						want = append(want, fmt.Sprintf("writer %d", piece))
					}
				}
				w.expect(append([]string{fmt.Sprintf("caller %d/%[1]d", getBytes)}, want...)...)
				for _, a := range append([]*asked{first}, others...) {
					a.answered(server)
				}
			})
		}
	}
}

// What others queue while a caller writes is written by that caller, some times in
// a row, and then by the writer goroutine.
func TestCallerWritesForOthers(t *testing.T) {
	for rounds := 1; rounds <= callerFlushes+3; rounds++ {
		onWire(t, func(t *testing.T, c *conn, server *redistest.Conn, w *wire) {
			fits, goes := w.holds(), make(chan struct{})
			w.byWriter = func() { <-goes }
			var everybody []*asked
			var want []string
			for round := range rounds {
				// The first request is its caller's. All others are queued during a write.
				for range min(round+1, 3) {
					everybody = append(everybody, ask(t, c, string(rune('a'+len(everybody)))))
				}
				size := min(round+1, 3) * getBytes
				if round < callerFlushes {
					want = append(want, fmt.Sprintf("caller %d/%[1]d", size))
				} else {
					want = append(want, fmt.Sprintf("writer %d", size))
				}
				if round == 0 {
					continue
				}
				if previous := min(round, 3) * getBytes; round <= callerFlushes {
					fits <- previous
				} else {
					goes <- struct{}{}
				}
				synctest.Wait()
			}
			if last := min(rounds, 3) * getBytes; rounds <= callerFlushes {
				fits <- last
			} else {
				goes <- struct{}{}
			}
			w.expect(want...)
			for _, a := range everybody {
				a.answered(server)
			}
			atRest(t, c)
			again := ask(t, c, "z")
			fits <- getBytes
			w.expect(fmt.Sprintf("caller %d/%[1]d", getBytes))
			again.answered(server)
		})
	}
}

// A direct write that fails closes the connection. What was on the wire may have
// run, and what was not has not.
func TestDirectWriteFails(t *testing.T) {
	broken := errors.New("broken")
	for taken := range 3*getBytes + 1 {
		onWire(t, func(t *testing.T, c *conn, server *redistest.Conn, w *wire) {
			early := ask(t, c, "0")
			fits := w.holds()
			first := ask(t, c, "1")
			var glued []*asked
			for _, key := range []string{"a", "b", "c"} {
				glued = append(glued, ask(t, c, key))
			}
			fails := make(chan struct{})
			w.take = func([]byte) (int, error) { <-fails; return taken, broken }
			fits <- getBytes
			synctest.Wait()
			behind := ask(t, c, "z")
			close(fails)
			early.failed(broken, ErrMaybeExecuted)
			first.failed(broken, ErrMaybeExecuted)
			for i, a := range glued {
				a.failed(broken, outcomeOf(i, taken))
			}
			behind.failed(broken, ErrNotSent)
			w.expect(fmt.Sprintf("caller %d/%[1]d", getBytes), fmt.Sprintf("caller %d/%[1]d", getBytes),
				fmt.Sprintf("caller %d/%d", taken, 3*getBytes)) // and nobody behind the failure
			<-c.done
		})
	}
}

// The connection is closed while a caller is in its direct write: nobody is told
// what has become of a request before the write is over.
func TestClosedWhileACallerWrites(t *testing.T) {
	lost := errors.New("lost")
	for taken := range 2*getBytes + 1 {
		onWire(t, func(t *testing.T, c *conn, server *redistest.Conn, w *wire) {
			// Another caller reads, and passes the read lease to who shuts down.
			early := ask(t, c, "0")
			fits := w.holds()
			first := ask(t, c, "1")
			a, b := ask(t, c, "a"), ask(t, c, "b")
			returns := make(chan struct{})
			w.take = func([]byte) (int, error) { return taken, nil }
			w.written = func() {
				if len(w.direct.piece) > getBytes {
					<-returns
				}
			}
			fits <- getBytes
			synctest.Wait()
			behind := ask(t, c, "z")
			c.fail(lost)
			early.waits()
			first.waits()
			a.waits()
			b.waits()
			behind.waits()
			select {
			case <-c.done:
				t.Error("the connection has shut down under a caller that writes")
			default:
			}
			w.take = all
			close(returns)
			early.failed(lost, ErrMaybeExecuted)
			first.failed(lost, ErrMaybeExecuted)
			a.failed(lost, outcomeOf(0, taken))
			b.failed(lost, outcomeOf(1, taken))
			behind.failed(lost, ErrNotSent)
			<-c.done
		})
	}
}

// The connection is closed while the writer goroutine writes what a caller has left
// it.
func TestClosedWhileTheWriterHasTheRest(t *testing.T) {
	for _, taken := range []int{0, 1, getBytes, getBytes + 1, 2*getBytes - 1} {
		onWire(t, func(t *testing.T, c *conn, server *redistest.Conn, w *wire) {
			early := ask(t, c, "0") // reads
			fits := w.holds()
			first := ask(t, c, "1")
			a, b := ask(t, c, "a"), ask(t, c, "b")
			goes := make(chan struct{})
			w.byWriter = func() { <-goes }
			fits <- getBytes
			fits <- taken
			w.expect(fmt.Sprintf("caller %d/%[1]d", getBytes), fmt.Sprintf("caller %d/%[1]d", getBytes),
				fmt.Sprintf("caller %d/%d", taken, 2*getBytes), fmt.Sprintf("writer %d", 2*getBytes-taken))
			behind := ask(t, c, "z")
			c.fail(ErrClosed)
			early.waits()
			first.waits()
			a.waits()
			b.waits()
			behind.waits()
			close(goes) // and finds the connection closed
			early.failed(ErrClosed, ErrMaybeExecuted)
			first.failed(ErrClosed, ErrMaybeExecuted)
			a.failed(ErrClosed, outcomeOf(0, taken))
			b.failed(ErrClosed, outcomeOf(1, taken))
			behind.failed(ErrClosed, ErrNotSent)
			<-c.done
		})
	}
}

// A connection that is drained while a caller writes answers what was queued, and
// takes nothing more.
func TestDrainWhileACallerWrites(t *testing.T) {
	for _, taken := range []int{0, 1, getBytes} {
		onWire(t, func(t *testing.T, c *conn, server *redistest.Conn, w *wire) {
			fits := w.holds()
			a := ask(t, c, "a")
			b := ask(t, c, "b")
			drained := make(chan struct{})
			go func() { c.drain(t.Context()); close(drained) }()
			synctest.Wait()
			refused := ask(t, c, "z")
			refused.failed(ErrClosed, ErrNotSent)
			w.take = all
			fits <- taken
			a.answered(server)
			b.answered(server)
			server.Expect("PING", "redchan drain")
			synctest.Wait()
			select {
			case <-drained:
				t.Error("drained before everything is answered")
			default:
			}
			server.Bulk("redchan drain")
			<-drained
			server.ExpectEnd()
		})
	}
}

// A fence is written by who has the write lease, and where nobody has it by the writer
// goroutine: who sends it holds a lock of its own.
func TestFenceAndTheWriteLease(t *testing.T) {
	ping := string(proto.AppendCommand(nil, "PING", "token"))
	send := func(c *conn) (done chan error) {
		done = make(chan error, 1)
		c.sendFenced([]byte(ping), &fence{token: "token", done: func(err error) { done <- err }})
		return done
	}
	for _, taken := range []int{0, 1, len(ping) - 1, len(ping)} {
		onWire(t, func(t *testing.T, c *conn, server *redistest.Conn, w *wire) {
			answered := func(done chan error) {
				server.Expect("PING", "token")
				server.Bulk("token")
				if err := <-done; err != nil {
					t.Errorf("the fence: %v", err)
				}
			}
			rest := func() (want []string) {
				want = append(want, fmt.Sprintf("caller %d/%d", taken, len(ping)))
				if taken < len(ping) {
					want = append(want, fmt.Sprintf("writer %d", len(ping)-taken))
				}
				return want
			}
			w.take = func([]byte) (int, error) { return taken, nil }
			done := send(c)
			w.expect(fmt.Sprintf("writer %d", len(ping)))
			answered(done)
			// Behind a caller's write.
			fits := w.holds()
			a := ask(t, c, "a")
			done = send(c)
			w.expect()
			fits <- getBytes
			fits <- taken
			w.expect(append([]string{fmt.Sprintf("caller %d/%[1]d", getBytes)}, rest()...)...)
			a.answered(server)
			answered(done)
		})
	}
}

// Behind many callers that are answered at once the writer goroutine has the write
// lease: what they ask next it writes at once.
func TestManyCallersAnswered(t *testing.T) {
	for _, callers := range []int{manyCallers - 1, manyCallers} {
		onWire(t, func(t *testing.T, c *conn, server *redistest.Conn, w *wire) {
			many := askedMany(t, c, server, callers)
			w.forget()
			// The fence is answered before the last caller is, and the writer is not
			// awake yet: a request that is queued there is the next.
			many.atFence = func() {
				synctest.Wait()
				c.mu.Lock()
				defer c.mu.Unlock()
				if expects := c.lease == leaseWriter; expects != (callers >= manyCallers) {
					t.Errorf("behind %d callers the lease is %d", callers, c.lease)
				}
			}
			server.Send(many.replies)
			many.end()
			server.Expect("PING", "next")
			server.Bulk("next")
			synctest.Wait()
			w.expect(fmt.Sprintf("writer %d", len(proto.AppendCommand(nil, "PING", "next"))))
			atRest(t, c)
			a := ask(t, c, "a")
			w.expect(fmt.Sprintf("caller %d/%[1]d", getBytes))
			a.answered(server)
		})
	}
}

// Nobody takes the lease from a caller that writes, or from the writer goroutine,
// however many callers are answered.
func TestManyCallersAnsweredWhileOneWrites(t *testing.T) {
	for _, byWriter := range []bool{false, true} {
		onWire(t, func(t *testing.T, c *conn, server *redistest.Conn, w *wire) {
			many := askedMany(t, c, server, manyCallers)
			w.forget()
			fits, goes := w.holds(), make(chan struct{})
			w.byWriter = func() { <-goes }
			a := ask(t, c, "a")
			want := []string{}
			if byWriter {
				fits <- 1
				want = append(want, fmt.Sprintf("caller 1/%d", getBytes), fmt.Sprintf("writer %d", getBytes-1))
			}
			w.expect(want...)
			b := ask(t, c, "b")
			server.Send(many.replies)
			many.end()
			w.expect() // nobody has begun to write
			if n := len(c.wake); n != 0 {
				t.Errorf("wake has %d", n)
			}
			w.take = all
			if byWriter {
				close(goes)
			} else {
				fits <- getBytes
			}
			a.answered(server)
			b.answered(server)
			server.Expect("PING", "next")
			server.Bulk("next")
		})
	}
	// And where the connection is closed already, nobody is made ready.
	onWire(t, func(t *testing.T, c *conn, server *redistest.Conn, w *wire) {
		c.mu.Lock()
		c.cause = ErrClosed
		expects := c.expectRequests()
		c.cause = nil
		c.mu.Unlock()
		if expects {
			t.Error("the writer goroutine of a closed connection has the lease")
		}
	})
}

// many are callers that wait for their replies, and a fence in front of the last of
// them that asks for another one as soon as it is answered.
type many struct {
	t       *testing.T
	calls   []*call
	replies string
	atFence func() // may be nil
}

// askedMany returns so many callers, and one that leads besides.
func askedMany(t *testing.T, c *conn, server *redistest.Conn, callers int) *many {
	t.Helper()
	m := &many{t: t}
	for i := range callers + 1 {
		if i == callers {
			c.sendFenced(proto.AppendCommand(nil, "PING", "many"), &fence{token: "many", done: func(error) {
				if m.atFence != nil {
					m.atFence()
				}
				c.sendFenced(proto.AppendCommand(nil, "PING", "next"), &fence{token: "next", done: func(error) {}})
			}})
			server.Expect("PING", "many")
			m.replies += "$4\r\nmany\r\n"
		}
		key := fmt.Sprint("many", i)
		m.calls = append(m.calls, enqueued(t, t.Context(), c, server, key))
		m.replies += fmt.Sprintf("$%d\r\n%s\r\n", len(key), key)
	}
	if !m.calls[0].leads {
		t.Fatal("the first caller does not lead")
	}
	return m
}

// end lets the callers run.
func (m *many) end() {
	m.t.Helper()
	for i, l := range m.calls {
		l.expect(fmt.Sprint("many", i))
	}
}

// forget forgets what was written.
func (w *wire) forget() {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log = nil
}

// Callers and writer hand over to each other at random, seed by seed: everybody gets
// the own reply, or the own context's error, and at the end nothing is left.
func TestStormOfWrites(t *testing.T) {
	first, seeds := uint64(1), uint64(150)
	switch {
	case *writeSeed > 0:
		first, seeds = *writeSeed, 1
	case *writeSeeds > 0:
		seeds = *writeSeeds
	case testing.Short():
		seeds = 40
	}
	var total stormCount
	for seed := first; seed < first+seeds && !t.Failed(); seed++ {
		onWire(t, func(t *testing.T, c *conn, server *redistest.Conn, w *wire) {
			playWrites(t, seed, c, server, w, &total)
		})
		if t.Failed() {
			t.Logf("to repeat it: -run TestStormOfWrites -write.seed %d", seed)
		}
	}
	t.Logf("%d requests answered, %d cancelled; %d direct writes fitted, %d not; %d writes by the writer, %d of them behind many callers",
		total.answered.Load(), total.cancelled.Load(), total.whole.Load(), total.partial.Load(), total.byWriter.Load(), total.expected.Load())
	// How many of the last kind there are is the scheduler's doing under the race
	// detector: TestManyCallersAnswered is what proves them.
	if seeds > 1 && (total.answered.Load() == 0 || total.cancelled.Load() == 0 || total.whole.Load() == 0 ||
		total.partial.Load() == 0 || total.byWriter.Load() == 0) {
		t.Error("the storm did not get to what it is about")
	}
}

type stormCount struct{ answered, cancelled, whole, partial, byWriter, expected atomic.Int64 }

func playWrites(t *testing.T, seed uint64, c *conn, server *redistest.Conn, w *wire, total *stormCount) {
	random := rand.New(rand.NewPCG(seed, 0))
	callers, calls := 2+random.IntN(20), 12
	patience := []time.Duration{time.Millisecond, 20 * time.Millisecond, time.Hour}[random.IntN(3)]
	late := 500 * time.Microsecond // the server
	many := seed%5 == 0            // who are answered at once, because they ask for little
	if many {
		callers, calls = manyCallers+20+random.IntN(60), 6
		patience, late = time.Hour, 5*time.Millisecond
	}

	// Who has the write lease runs these, one at a time.
	writes := rand.New(rand.NewPCG(seed, 1))
	pause := func() {
		switch writes.IntN(8) {
		case 0:
			time.Sleep(time.Duration(writes.Int64N(int64(200 * time.Microsecond))))
		case 1, 2:
			runtime.Gosched()
		}
	}
	handed := false // the last direct write was followed by a hand-over
	rounds := 0
	w.take = func(piece []byte) (int, error) {
		pause()
		n := len(piece)
		switch writes.IntN(6) {
		case 0:
			n = 0
		case 1, 2:
			n = writes.IntN(n + 1)
		}
		if rounds++; n < len(piece) {
			total.partial.Add(1)
		} else {
			total.whole.Add(1)
		}
		handed = n < len(piece) || rounds >= callerFlushes
		return n, nil
	}
	w.written = pause
	w.byWriter = func() {
		total.byWriter.Add(1)
		if !handed {
			total.expected.Add(1)
		}
		pause()
		rounds = 0
	}

	served := make(chan struct{})
	go func() { serveGlued(server, rand.New(rand.NewPCG(seed, 2)), late); close(served) }()

	var everybody sync.WaitGroup
	var fences atomic.Int32
	for i := range callers {
		random := rand.New(rand.NewPCG(seed, 3+uint64(i)))
		everybody.Go(func() {
			for n := range calls {
				key := fmt.Sprintf("%d.%d%s", i, n, strings.Repeat(".", random.IntN(60)))
				if !many && random.IntN(100) == 0 {
					key += strings.Repeat("L", largeRequest)
				}
				if random.IntN(20) == 0 {
					fences.Add(1)
					c.sendFenced(proto.AppendCommand(nil, "PING", key), &fence{token: key, done: func(err error) {
						if fences.Add(-1); err != nil {
							t.Errorf("a fence: %v", err)
						}
					}})
				}
				ctx, cancel := context.Background(), func() {}
				if random.IntN(3) == 0 {
					ctx, cancel = context.WithTimeout(ctx, time.Duration(1+random.Int64N(int64(patience))))
				}
				switch err := askOrBatch(ctx, t, c, random, key, !many || random.IntN(10) == 0); {
				case err == nil:
					total.answered.Add(1)
				case ctx.Err() == nil || !errors.Is(err, context.DeadlineExceeded):
					t.Errorf("%.10s: %v", key, err)
				default:
					total.cancelled.Add(1)
				}
				cancel()
				if random.IntN(4) == 0 {
					time.Sleep(time.Duration(random.Int64N(int64(time.Millisecond))))
				}
			}
		})
	}
	everybody.Wait()
	r := command.Get("last").Request()
	if v, err := c.do(context.Background(), &r); v.Str() != "last" || err != nil { // behind all that was abandoned
		t.Errorf("at the end: %.20q, %v", v.Str(), err)
	}
	time.Sleep(time.Millisecond) // the longest pause is shorter
	synctest.Wait()
	if n := fences.Load(); n != 0 {
		t.Errorf("%d fences are not answered", n)
	}
	atRest(t, c)
	c.fail(ErrClosed)
	<-c.done
	<-served
}

// askOrBatch makes one request, or some at once, and looks at the replies.
func askOrBatch(ctx context.Context, t *testing.T, c *conn, random *rand.Rand, key string, batches bool) error {
	if !batches || random.IntN(5) > 0 || len(key) > largeRequest/2 {
		r := command.Get(key).Request()
		v, err := c.do(ctx, &r)
		if err == nil && v.Str() != key {
			t.Errorf("%.10s got %.20q", key, v.Str())
		}
		return err
	}
	var rs command.Requests
	n := 1 + random.IntN(40)
	if random.IntN(20) == 0 {
		n = 1000 // a piece of its own
	}
	for i := range n {
		r := command.Get(fmt.Sprint(key, "/", i)).Request()
		rs.Add(&r)
	}
	values, err := c.doBatch(ctx, &rs)
	if err == nil && len(values) != n {
		t.Errorf("%.10s: %d replies to %d requests", key, len(values), n)
	}
	for i, v := range values {
		if v.Str() != fmt.Sprint(key, "/", i) {
			t.Errorf("%.10s, %d of its batch, got %.20q", key, i, v.Str())
		}
	}
	return err
}

// serveGlued answers with the last word of each command, as many replies at once as
// have come together meanwhile.
func serveGlued(server *redistest.Conn, random *rand.Rand, late time.Duration) {
	var mu sync.Mutex
	var glued []byte
	some, ended := make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer close(ended)
		for range some {
			time.Sleep(late/2 + time.Duration(random.Int64N(int64(late/2))))
			mu.Lock()
			all := string(glued)
			glued = glued[:0]
			mu.Unlock()
			server.Send(all)
		}
	}()
	server.Serve(func(words []string) (string, bool) {
		word := words[len(words)-1]
		mu.Lock()
		glued = fmt.Appendf(glued, "$%d\r\n%s\r\n", len(word), word)
		mu.Unlock()
		select {
		case some <- struct{}{}:
		default:
		}
		return "", true
	})
	close(some)
	<-ended
}

// cutConn counts the direct writes to a real socket, and those that did not fit.
type cutConn struct {
	syscall.RawConn
	d          *direct
	whole, cut *atomic.Int64
}

func (f cutConn) Write(try func(fd uintptr) bool) error {
	size := len(f.d.piece)
	err := f.RawConn.Write(try)
	if f.d.n < size {
		f.cut.Add(1)
	} else {
		f.whole.Add(1)
	}
	return err
}

// Over a real socket whose buffers are so small that direct writes don't fit.
func TestDirectWritesThatDontFitASocket(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	defer serving.Wait()
	defer listener.Close()
	serving.Go(func() {
		nc, err := listener.Accept()
		if err != nil {
			return
		}
		defer nc.Close()
		_ = nc.(*net.TCPConn).SetReadBuffer(256 << 10) // a small one makes TCP wait for its timers
		echo(nc)
	})
	o, err := (&Options{Addr: listener.Addr().String(), Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
		nc, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		if err == nil {
			err = nc.(*net.TCPConn).SetWriteBuffer(4 << 10)
		}
		return nc, err
	}}).withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	c, err := dial(t.Context(), &o, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		c.fail(ErrClosed)
		<-c.done
	}()
	if c.direct == nil {
		t.Fatal("callers don't write to a TCP socket")
	}
	var whole, cut atomic.Int64
	c.mu.Lock()
	c.direct.raw = cutConn{c.direct.raw, c.direct, &whole, &cut}
	c.mu.Unlock()
	watchdog := time.AfterFunc(time.Minute, func() { panic("somebody is stuck") })
	defer watchdog.Stop()
	for wave := range 40 { // each begins with a caller that writes
		var everybody sync.WaitGroup
		for i := range 64 {
			everybody.Go(func() {
				random := rand.New(rand.NewPCG(uint64(wave), uint64(i)))
				size := random.IntN(100)
				if random.IntN(4) == 0 {
					size = random.IntN(64 << 10)
				}
				key := fmt.Sprintf("%d.%d.%s", wave, i, strings.Repeat(string(rune('a'+i%26)), size))
				if err := askOrBatch(context.Background(), t, c, random, key, true); err != nil {
					t.Errorf("%.10s: %v", key, err)
				}
			})
		}
		everybody.Wait()
	}
	t.Logf("%d direct writes fitted, %d did not", whole.Load(), cut.Load())
	if whole.Load() == 0 || cut.Load() == 0 {
		t.Error("the buffers were too large, or too small")
	}
	for writes := true; writes; runtime.Gosched() { // the last write may just return
		c.mu.Lock()
		writes = c.lease != leaseFree
		c.mu.Unlock()
	}
	atRest(t, c)
}

// echo answers each command with its last word, until the connection ends.
func echo(nc net.Conn) {
	reader := proto.NewReader(nc, proto.Limits{})
	for {
		v, err := reader.Next()
		if err != nil {
			return
		}
		reply := "+OK\r\n"
		switch word := v.Index(v.Len() - 1).Str(); v.Index(0).Str() {
		case "HELLO":
			reply = "%2\r\n+server\r\n+redis\r\n+proto\r\n:3\r\n"
		case "GET":
			reply = fmt.Sprintf("$%d\r\n%s\r\n", len(word), word)
		}
		if _, err := io.WriteString(nc, reply); err != nil {
			return
		}
	}
}
