package redis

import (
	"context"
	"net"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
)

// conn is one connection to a server: a writer goroutine, a reader goroutine,
// and between them the FIFO of requests in flight. Callers encode their
// request into the connection's buffer themselves and wait on a channel of
// their own. Callers may also write and read for the two goroutines (lend.go):
// below, writer and reader are whoever does so. One writes at a time, and one
// reads.
//
// What holds, always:
//
//  1. A request enters the in-flight FIFO, under mu, before its bytes can be
//     flushed, and the reader takes one slot per reply. A push takes none. A
//     SUBSCRIBE batch is one slot, which absorbs error replies until its
//     fence's token. (Else a fast reply would find no slot, or another's.)
//  2. The writer never waits for room in the FIFO: callers do, before they
//     have queued a byte. (Else writer and reader could wait for each other.)
//  3. A slot's channel has capacity 1 and is answered once at most, and only
//     where its caller waits, so that an abandoned request can't block the
//     reader. Replies are decoded into fresh
//     memory, never into the caller's, who may have gone.
//  4. A reply that is there beats cancellation and closing.
//  5. Cancelling stops the waiting, not the connection: the slot stays in the
//     FIFO and its reply is discarded. Abandoned slots are capped, and the
//     connection is closed when no reply has come for too long while one was
//     waited for, by one monitor (health.go), not by a deadline for each
//     operation.
//  6. A parse error, a failed handshake and a write that stays partial close
//     the connection and fail every slot. A connection that has misread one
//     byte is never used again. Decoding is apart: a wrong type is the
//     caller's error and leaves no byte unread.
//  7. Shutdown is one function. closing closes first and refuses new requests;
//     done closes last, when every accepted request has been answered.
//  8. Errors tell what happened: NotSent where no byte of the request was
//     written, MaybeExecuted where any may have been.
//  9. No user code runs on the reader or the writer, save a net.Conn of the
//     user's own, and no panic leaves them.
//  10. A batch is one uninterrupted run on the wire, because it is queued under
//     mu at once.
type conn struct {
	nc     net.Conn
	raw    net.Conn // below TLS: what is closed, because TLS's own Close can block
	secure bool     // nc is TLS
	addr   string
	reader *proto.Reader // of who has the read lease, after the handshake

	// Set before start, never changed.
	onPush func(proto.Value) // called by the reader for every push; may be nil
	// afterPushes is called by the reader behind some calls of onPush; may be nil.
	afterPushes func()
	peeker      peeker      // of nc; nil where it has none
	direct      *direct     // for callers that write themselves; nil where that is not possible
	subscriber  bool        // RESP2 arrays of pub/sub are pushes here
	lentFor     int         // which generation of the pool it is of; guarded by the pool's mu
	monitoring  bool        // lines of MONITOR are pushes here
	held        func() bool // whether onPush is waiting for a slow consumer; may be nil
	resp3       bool
	bare        bool   // a PING has no data here: the server can't answer that
	server      string // name and version as HELLO tells them
	stranger    error  // it is not the node that it should be; nil where it is

	wake       chan struct{} // capacity 1: the writer goroutine has the write lease
	closing    chan struct{} // closed first: no new requests
	writerDone chan struct{}
	done       chan struct{} // closed last: every request has been answered

	// started says that the handshake is over; set by start.
	started bool
	// enqueued counts the slots that have entered the FIFO; changed with mu held. known is
	// what it was when the last bytes were read, and of who has the read lease: whatever
	// has been read can't be an answer to what came later.
	enqueued atomic.Uint64
	known    uint64

	received atomic.Uint64 // bytes read, for the monitor
	pushes   atomic.Uint64 // pushes read, for the monitor
	batches  atomic.Int32  // batches in flight; changed with mu held
	proof    proof
	monitor  monitor
	lending  lending
	handOut  handOut // of who has the read lease
	slots    sync.Pool

	mu sync.Mutex // guards all below; held for memory operations only
	// outgoing has the encoded requests that the writer has not taken yet, the
	// last piece open for more. spares are pieces that were written, for reuse.
	outgoing [][]byte
	spares   [][]byte
	// queued counts the bytes ever put into outgoing, taken those the writer
	// has taken, written those that net.Conn has taken.
	queued, taken, written uint64
	// flushing has what is being written, and is of who has the write lease.
	// several says that the last flush carried more than one request, and
	// skipYields how many flushes go without a yield.
	lease       lease
	flushing    [][]byte
	several     bool
	skipYields  int
	callerWrote chan struct{} // for shutdown: closed when a caller has ended writing; nil while nobody waits for that
	inflight    fifo
	abandoned   int           // slots in flight that nobody waits for
	answered    uint64        // slots that have left the FIFO
	room        chan struct{} // closed when half of a full connection is free again; nil while nobody waits for that
	draining    error         // why there are no new requests; nil where there are
	cause       error         // why the connection was closed; nil while it is open
}

// maxAbandoned is how many requests may be in flight that nobody waits for any
// more: beyond it the server is as good as gone.
const maxAbandoned = 1 << 14

// newConn returns a connection that has not started yet.
func newConn(nc, raw net.Conn, addr string, o *Options) *conn {
	c := &conn{
		nc:         nc,
		raw:        raw,
		addr:       addr,
		wake:       make(chan struct{}, 1),
		closing:    make(chan struct{}),
		writerDone: make(chan struct{}),
		done:       make(chan struct{}),
	}
	c.proof.begin()
	c.reader = proto.NewReader(countingReader{c}, o.Limits)
	// The reader goroutine has the lease at the start.
	c.lending.reading = true
	c.lending.resume = make(chan struct{}, 1)
	c.slots.New = func() any { return &slot{ready: make(chan struct{}, 1)} }
	return c
}

// start starts the connection's goroutines. They end after fail, and done is
// closed when they have.
func (c *conn) start() {
	c.started = true
	c.direct = newDirect(c.nc)
	if c.direct != nil {
		c.peeker = c.direct
	} else {
		c.peeker, _ = c.nc.(peeker)
	}
	c.lending.prepare(c)
	go c.writeLoop()
	go c.readLoop()
}

// do sends one request and waits for its reply, an error reply among them.
func (c *conn) do(ctx context.Context, r *command.Request) (proto.Value, error) {
	s := c.slots.Get().(*slot)
	s.left = 1
	leads, err := c.enqueue(ctx, s, r, nil)
	if err != nil {
		c.recycle(s)
		return proto.Value{}, notSent(r.Name(), c.addr, err)
	}
	if _, err := c.wait(ctx, s, leads); err != nil {
		return proto.Value{}, maybeExecuted(r.Name(), c.addr, err)
	}
	if s.err != nil {
		return proto.Value{}, c.lost(s, r.Name())
	}
	v := s.value
	c.recycle(s)
	return v, nil
}

// lost is the error for a slot that was failed with the connection, which it
// recycles.
func (c *conn) lost(s *slot, name string) error {
	err, unsent := s.err, c.unsent(s)
	c.recycle(s)
	if unsent {
		return notSent(name, c.addr, err)
	}
	return maybeExecuted(name, c.addr, err)
}

// doBatch sends requests in one run and waits for all replies. With an error
// it returns the replies that came before.
func (c *conn) doBatch(ctx context.Context, rs *command.Requests) ([]proto.Value, error) {
	s := c.slots.Get().(*slot)
	s.left, s.batch = rs.Len(), true
	s.values = make([]proto.Value, 0, rs.Len())
	leads, err := c.enqueue(ctx, s, nil, rs)
	if err != nil {
		c.recycle(s)
		return nil, notSent("batch", c.addr, err)
	}
	if values, err := c.wait(ctx, s, leads); err != nil {
		return values, maybeExecuted("batch", c.addr, err)
	}
	values := s.values
	if s.err != nil {
		return values, c.lost(s, "batch")
	}
	c.recycle(s)
	return values, nil
}

// wait waits for the slot's answer or the end of ctx, helping to read where it is
// its turn. With an error the slot is the reader's, and partial has the replies
// of a batch that had come.
func (c *conn) wait(ctx context.Context, s *slot, leads bool) (partial []proto.Value, err error) {
	if leads {
		return c.lead(ctx, s)
	}
	if done := ctx.Done(); done == nil {
		<-s.ready
	} else {
		select {
		case <-s.ready:
		case <-done:
			return c.giveUp(ctx, s)
		}
	}
	if s.state == slotLeading {
		return c.lead(ctx, s)
	}
	return nil, nil
}

// giveUp abandons a slot whose caller's context has ended, unless its reply has
// come.
func (c *conn) giveUp(ctx context.Context, s *slot) (partial []proto.Value, err error) {
	c.mu.Lock()
	switch s.state {
	case slotAnswered:
		c.mu.Unlock()
		<-s.ready
		return nil, nil
	case slotLeading: // granted, and not taken up
		<-s.ready
		return c.resignLocked(ctx, s)
	}
	s.state = slotAbandoned
	// Who reads appends behind these values, and never changes them; nor must the
	// caller append to them in place.
	partial = slices.Clip(s.values)
	c.abandoned++
	tooMany := c.abandoned > maxAbandoned
	c.mu.Unlock()
	if tooMany {
		c.fail(errAbandoned)
	}
	return partial, ended(ctx)
}

// unsent reports whether no byte of a failed slot was written.
func (c *conn) unsent(s *slot) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return s.start >= c.written
}

// recycle gives an answered slot back for reuse.
func (c *conn) recycle(s *slot) {
	s.value, s.values, s.err, s.batch, s.ctx = proto.Value{}, nil, nil, false, nil
	if cap(s.encoded) > keepEncoded {
		s.encoded = nil
	}
	s.state = slotWaiting
	c.slots.Put(s)
}

// fail closes the connection for a reason, of which the first counts. It
// returns at once; done tells when all is over.
func (c *conn) fail(cause error) {
	cause = c.explain(cause)
	c.mu.Lock()
	first := c.cause == nil
	if first {
		c.cause = cause
		close(c.closing)
		if !c.lending.reading {
			c.recall() // to shut down
		}
	}
	c.mu.Unlock()
	if first {
		_ = c.raw.Close() // wakes reader and writer; its error tells nothing new
	}
}

// shutdown ends the connection: the writer has to be gone before the slots are
// failed, because written tells which of them were sent. It runs on the reader
// once cause is set.
func (c *conn) shutdown() {
	<-c.writerDone
	c.awaitCaller()
	c.monitor.stop()
	c.stopTicks()
	c.mu.Lock()
	for s := c.inflight.front(); s != nil; s = c.inflight.front() {
		c.inflight.pop()
		if s.state == slotWaiting && s.fence == nil {
			s.err, s.state = c.cause, slotAnswered
			s.ready <- struct{}{}
		}
	}
	c.outgoing, c.flushing, c.spares = nil, nil, nil
	if c.room != nil {
		close(c.room)
		c.room = nil
	}
	c.mu.Unlock()
	close(c.done)
}

// drain refuses new requests and closes the connection once what is in flight
// has been answered, or when ctx ends. It returns when the connection is closed.
func (c *conn) drain(ctx context.Context, reason error) {
	c.mu.Lock()
	c.draining = reason
	waiting := c.inflight.size > 0
	c.mu.Unlock()
	if waiting {
		// A PING behind everything else: its reply is the last.
		answered := make(chan struct{})
		c.sendPing("redchan drain", func(error) { close(answered) })
		select {
		case <-answered:
		case <-ctx.Done():
		case <-c.closing:
		}
	}
	c.fail(reason)
	<-c.done
}

// idle reports whether nothing is in flight.
func (c *conn) idle() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.inflight.size == 0
}

// alive reports whether the connection takes requests.
func (c *conn) alive() bool {
	select {
	case <-c.closing:
		return false
	default:
		return true
	}
}
