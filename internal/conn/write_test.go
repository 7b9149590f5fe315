//go:build unix

package conn

import (
	"errors"
	"flag"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/redistest"
)

var (
	writeSeed  = flag.Uint64("write.seed", 0, "play this one seed of the storm of writes, and no other")
	writeSeeds = flag.Uint64("write.seeds", 0, "play so many seeds of the storm of writes")
)

// getBytes is how many bytes a GET of a key of one letter takes.
const getBytes = len("*2\r\n$3\r\nGET\r\n$1\r\na\r\n")

// What of a caller's write does not fit is written by the writer goroutine.
func TestDirectWriteThatDoesNotFit(t *testing.T) {
	for _, n := range []int{0, 1, getBytes / 2, getBytes - 1} {
		onWire(t, func(t *testing.T, c *Conn, server *redistest.Conn, w *wire) {
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
			onWire(t, func(t *testing.T, c *Conn, server *redistest.Conn, w *wire) {
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
		onWire(t, func(t *testing.T, c *Conn, server *redistest.Conn, w *wire) {
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
		onWire(t, func(t *testing.T, c *Conn, server *redistest.Conn, w *wire) {
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
			early.failed(broken, command.ErrMaybeExecuted)
			first.failed(broken, command.ErrMaybeExecuted)
			for i, a := range glued {
				a.failed(broken, outcomeOf(i, taken))
			}
			behind.failed(broken, command.ErrNotSent)
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
		onWire(t, func(t *testing.T, c *Conn, server *redistest.Conn, w *wire) {
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
			early.failed(lost, command.ErrMaybeExecuted)
			first.failed(lost, command.ErrMaybeExecuted)
			a.failed(lost, outcomeOf(0, taken))
			b.failed(lost, outcomeOf(1, taken))
			behind.failed(lost, command.ErrNotSent)
			<-c.done
		})
	}
}

// The connection is closed while the writer goroutine writes what a caller has left
// it.
func TestClosedWhileTheWriterHasTheRest(t *testing.T) {
	for _, taken := range []int{0, 1, getBytes, getBytes + 1, 2*getBytes - 1} {
		onWire(t, func(t *testing.T, c *Conn, server *redistest.Conn, w *wire) {
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
			c.fail(errClosed)
			early.waits()
			first.waits()
			a.waits()
			b.waits()
			behind.waits()
			close(goes) // and finds the connection closed
			early.failed(errClosed, command.ErrMaybeExecuted)
			first.failed(errClosed, command.ErrMaybeExecuted)
			a.failed(errClosed, outcomeOf(0, taken))
			b.failed(errClosed, outcomeOf(1, taken))
			behind.failed(errClosed, command.ErrNotSent)
			<-c.done
		})
	}
}

// A connection that is drained while a caller writes answers what was queued, and
// takes nothing more.
func TestDrainWhileACallerWrites(t *testing.T) {
	for _, taken := range []int{0, 1, getBytes} {
		onWire(t, func(t *testing.T, c *Conn, server *redistest.Conn, w *wire) {
			fits := w.holds()
			a := ask(t, c, "a")
			b := ask(t, c, "b")
			drained := make(chan struct{})
			go func() { c.Drain(t.Context(), errClosed); close(drained) }()
			synctest.Wait()
			refused := ask(t, c, "z")
			refused.failed(errClosed, command.ErrNotSent)
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
	send := func(c *Conn) (done chan error) {
		done = make(chan error, 1)
		c.Fence([]byte(ping), &Fence{Token: "token", Done: func(err error) { done <- err }})
		return done
	}
	for _, taken := range []int{0, 1, len(ping) - 1, len(ping)} {
		onWire(t, func(t *testing.T, c *Conn, server *redistest.Conn, w *wire) {
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
		onWire(t, func(t *testing.T, c *Conn, server *redistest.Conn, w *wire) {
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
		onWire(t, func(t *testing.T, c *Conn, server *redistest.Conn, w *wire) {
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
	onWire(t, func(t *testing.T, c *Conn, server *redistest.Conn, w *wire) {
		c.mu.Lock()
		c.cause = errClosed
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
func askedMany(t *testing.T, c *Conn, server *redistest.Conn, callers int) *many {
	t.Helper()
	m := &many{t: t}
	for i := range callers + 1 {
		if i == callers {
			c.Fence(proto.AppendCommand(nil, "PING", "many"), &Fence{Token: "many", Done: func(error) {
				if m.atFence != nil {
					m.atFence()
				}
				c.Fence(proto.AppendCommand(nil, "PING", "next"), &Fence{Token: "next", Done: func(error) {}})
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
