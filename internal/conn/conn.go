package conn

import (
	"cmp"
	"context"
	"net"
	"time"

	"github.com/redchan-go/redchan/internal/retry"
	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
)

// Conn is one connection to a server. It is safe for concurrent use. It ends by Fail, Drain, or
// by itself where it is lost, and never connects again.
type Conn struct {
	turns
	watchdog watchdog
}

// monitorLine bounds one line of MONITOR: it repeats a command with all its values, in quotes.
const monitorLine = 512 << 20

// newConn returns a connection that has not started yet.
func newConn(nc net.Conn, addr string, role Role, limits proto.Limits) *Conn {
	if role.Monitor {
		limits.MaxLine = cmp.Or(limits.MaxLine, monitorLine)
	}
	c := new(Conn)
	c.nc, c.raw, c.addr, c.role = nc, nc, addr, role
	c.closing, c.done = make(chan struct{}), make(chan struct{})
	c.slots.New = func() any { return &slot{ready: make(chan struct{}, 1)} }
	c.wake, c.writerDone = make(chan struct{}, 1), make(chan struct{})
	c.reader = proto.NewReader(countingReader{&c.receiver}, limits)
	c.proof.begin()
	c.resume, c.reading = make(chan struct{}, 1), true // the reader goroutine has the read lease at the start
	return c
}

// start starts the connection's goroutines, after the handshake. They end after fail, and done
// is closed when they have.
func (c *Conn) start(o *Options) {
	c.watchdog.begin(&c.receiver, o)
	c.started = true
	c.prepare()
	go c.writeLoop()
	go c.run()
}

// run is the reader goroutine. It is the last of the connection's goroutines: it shuts down.
func (c *Conn) run() {
	c.readLoop()
	c.shutdown()
}

// shutdown ends the connection: the writer has to be gone before the slots are failed, because
// written tells which of them were sent. cause is set.
func (c *Conn) shutdown() {
	c.awaitWriters()
	c.watchdog.stop()
	c.stopTicks()
	c.mu.Lock()
	c.failAll()
	c.drop()
	c.flushing = nil
	c.mu.Unlock()
	close(c.done)
}

// Do sends one request and waits for its reply, an error reply among them.
func (c *Conn) Do(ctx context.Context, r *command.Request) (proto.Value, error) {
	s := c.slot(1)
	leads, err := c.enqueue(ctx, s, r, nil)
	if err != nil {
		c.recycle(s)
		return proto.Value{}, retry.NotSent(r.Name(), c.addr, err)
	}
	if _, err := c.wait(ctx, s, leads); err != nil {
		return proto.Value{}, retry.MaybeExecuted(r.Name(), c.addr, err)
	}
	if s.err != nil {
		return proto.Value{}, c.lost(s, r.Name())
	}
	v := s.value
	c.recycle(s)
	return v, nil
}

// DoBatch sends requests in one run and waits for all replies. With an error it returns the
// replies that came before.
func (c *Conn) DoBatch(ctx context.Context, rs *command.Requests) ([]proto.Value, error) {
	s := c.slot(rs.Len())
	s.batch = true
	s.values = make([]proto.Value, 0, rs.Len())
	leads, err := c.enqueue(ctx, s, nil, rs)
	if err != nil {
		c.recycle(s)
		return nil, retry.NotSent("batch", c.addr, err)
	}
	if values, err := c.wait(ctx, s, leads); err != nil {
		return values, retry.MaybeExecuted("batch", c.addr, err)
	}
	values := s.values
	if s.err != nil {
		return values, c.lost(s, "batch")
	}
	c.recycle(s)
	return values, nil
}

// enqueue queues a request, or a batch, and sees to it that it is written. It waits where the
// connection is full. An error says that no byte was queued; leads, that the caller is to read.
func (c *Conn) enqueue(ctx context.Context, s *slot, r *command.Request, rs *command.Requests) (leads bool, err error) {
	if err := c.put(ctx, s, r, rs); err != nil {
		return false, err
	}
	c.watchdog.busy()
	leads = c.takeLease(s)
	c.flush(c.inflight.size == 1) // gives mu back
	return leads, nil
}

// lost is the error for a slot that was failed with the connection, which it recycles.
func (c *Conn) lost(s *slot, name string) error {
	err, unsent := s.err, c.unsent(s)
	c.recycle(s)
	if unsent {
		return retry.NotSent(name, c.addr, err)
	}
	return retry.MaybeExecuted(name, c.addr, err)
}

// Fence queues bytes whose answer ends with a fence. Nobody waits for it: the fence's Done is
// called by whoever reads, or never where the connection is lost first. Fence does not block,
// and does not write itself, so that it may be called with a lock held.
func (c *Conn) Fence(encoded []byte, f *Fence) { c.watchdog.sendFenced(encoded, f) }

// MayBlock says that a call begins which the server may block for a time, without end where
// that is 0: then its reply is not late before ReplyTimeout has passed on top. over is to be
// called at the end of the call.
func (c *Conn) MayBlock(block time.Duration) (over func()) { return c.watchdog.patience(block) }

// Fail closes the connection for a reason, of which the first counts. It returns at once; Done
// tells when all is over.
func (c *Conn) Fail(cause error) { c.fail(cause) }

// Drain refuses new requests and closes the connection once what is in flight has been answered,
// or when ctx ends. It returns when the connection is closed.
func (c *Conn) Drain(ctx context.Context, reason error) {
	c.mu.Lock()
	c.draining = reason
	waiting := c.inflight.size > 0
	c.mu.Unlock()
	if waiting {
		// A PING behind everything else: its reply is the last.
		answered := make(chan struct{})
		c.watchdog.sendPing("redchan drain", func(error) { close(answered) })
		select {
		case <-answered:
		case <-ctx.Done():
		case <-c.closing:
		}
	}
	c.fail(reason)
	<-c.done
}

// Done returns a channel that is closed when the connection has ended, and every request has
// been answered.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Cause returns why the connection was closed; nil while it is open.
func (c *Conn) Cause() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cause
}

// Alive reports whether the connection is open.
func (c *Conn) Alive() bool { return c.alive() }

// Addr returns the server's address.
func (c *Conn) Addr() string { return c.addr }

// Load returns how many requests and batches are in flight, and how many were answered.
func (c *Conn) Load() (inFlight int, answered uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.inflight.size, c.answered
}

// Proven returns the time up to which everything that the server had to send was read, for a
// subscriber connection: where a gap begins when the connection is lost.
func (c *Conn) Proven() time.Time { return time.Unix(0, c.proof.alive.Load()) }
