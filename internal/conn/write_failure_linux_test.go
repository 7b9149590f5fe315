package conn

import (
	"errors"
	"syscall"
	"testing"

	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/redistest"
)

// Behind a direct write that has failed nobody writes any more, not even who comes
// before the connection is closed.
func TestNobodyWritesBehindAFailure(t *testing.T) {
	broken := errors.New("broken")
	// A mutex goes by turns only after real time.
	really := func() { ts := syscall.NsecToTimespec(5e6); _ = syscall.Nanosleep(&ts, nil) }
	onWire(t, func(t *testing.T, c *Conn, server *redistest.Conn, w *wire) {
		returns := make(chan struct{})
		w.take = func([]byte) (int, error) { return 0, broken }
		w.written = func() { <-returns }
		a := ask(t, c, "a")
		w.take = all
		c.mu.Lock()
		c.skipYields = yieldsSkipped // b would let a close the connection first
		close(returns)               // a's caller waits for mu, and behind it b's
		really()
		b := &asked{t: t, key: "b", done: make(chan struct{})}
		go func() {
			defer close(b.done)
			b.run(c)
		}()
		really()
		c.mu.Unlock()
		c.mu.Lock() // who has waited for long and finds it taken again makes it go by turns
		really()
		c.mu.Unlock()
		a.failed(broken, command.ErrNotSent)
		b.failed(broken, command.ErrNotSent)
		w.expect("caller 0/20")
		server.ExpectEnd()
	})
}
