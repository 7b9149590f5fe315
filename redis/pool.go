package redis

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/semaphore"

	"github.com/redchan-go/redchan/internal/conn"
	"github.com/redchan-go/redchan/internal/retry"
	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
)

// pool provides connections for exclusive use, one each, to callers that must not share
// one. At most size connections are open; later callers wait.
type pool struct {
	connect func(ctx context.Context) (*conn.Conn, error)
	free    *semaphore.Weighted // connections that may still be taken
	size    int

	ctx  context.Context // ends when the pool is closed
	stop context.CancelFunc

	mu     sync.Mutex
	closed bool
	idle   []*conn.Conn // the last one used is at the end
	lent   map[*conn.Conn]struct{}
	// generation is the lowest generation of connections that are used again.
	generation uint64
	worked     bool  // a connection was made
	dialing    int   // connections that are being made
	lastErr    error // why the last attempt failed; nil if it succeeded

	dials sync.WaitGroup // connections that are being made, or closed
}

func newPool(o *Options, connect func(context.Context) (*conn.Conn, error)) *pool {
	p := &pool{
		connect: connect,
		free:    semaphore.NewWeighted(int64(o.PoolSize)),
		size:    o.PoolSize,
		lent:    map[*conn.Conn]struct{}{},
	}
	p.ctx, p.stop = context.WithCancel(context.Background())
	return p
}

// lend returns a connection for exclusive use by the caller, which returns it with
// giveBack.
func (p *pool) lend(ctx context.Context) (*conn.Conn, error) {
	if ctx.Err() != nil {
		return nil, retry.Ended(ctx)
	}
	if err := p.acquire(ctx); err != nil {
		return nil, err
	}
	c, err := p.take(ctx)
	if err != nil {
		p.free.Release(1)
		return nil, err
	}
	return c, nil
}

// acquire waits until one more connection may be taken.
func (p *pool) acquire(ctx context.Context) error {
	if p.free.TryAcquire(1) {
		return nil
	}
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(p.ctx, cancel)()
	if p.free.Acquire(waiting, 1) == nil {
		return nil
	}
	if ctx.Err() == nil {
		return ErrClosed
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if lent := p.size - p.dialing; lent <= 0 || p.lastErr != nil && p.dialing > 0 || !p.worked { // the server is the reason, not the size of the pool
		return fmt.Errorf("%w: %w: %w", retry.Ended(ctx), errNoLink, or(p.lastErr, conn.ErrStillConnecting))
	}
	return fmt.Errorf("%w: all %d connections are in use (Options.PoolSize): %w", ErrPoolExhausted, p.size, retry.Ended(ctx))
}

// take returns an idle connection, or makes a new one.
func (p *pool) take(ctx context.Context) (*conn.Conn, error) {
	for {
		p.mu.Lock()
		if p.closed {
			p.mu.Unlock()
			return nil, ErrClosed
		}
		n := len(p.idle)
		if n == 0 {
			p.dials.Add(1) // before closed can be set, so that close waits for it
			p.dialing++
			p.mu.Unlock()
			return p.make(ctx)
		}
		c := p.idle[n-1]
		p.idle[n-1] = nil
		p.idle = p.idle[:n-1]
		if c.Alive() {
			p.lent[c] = struct{}{}
			p.mu.Unlock()
			return c, nil
		}
		p.mu.Unlock()
		<-c.Done()
	}
}

// make makes a connection for the caller.
func (p *pool) make(ctx context.Context) (*conn.Conn, error) {
	defer p.dials.Done()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(p.ctx, func() { cancel(ErrClosed) })()
	c, err := p.connect(ctx)
	p.mu.Lock()
	p.dialing--
	if err == nil || ctx.Err() == nil { // otherwise it says nothing about the server
		p.lastErr = err
	}
	if err != nil {
		p.mu.Unlock()
		return nil, err
	}
	p.worked = true
	p.lent[c] = struct{}{}
	closed := p.closed
	p.mu.Unlock()
	if closed {
		c.Fail(ErrClosed)
		<-c.Done()
	}
	return c, nil
}

// renew replaces all connections of generations below the one given. It closes idle ones at
// once, and those in use when they are returned.
func (p *pool) renew(reason error, generation uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.generation = max(p.generation, generation)
	if p.closed {
		return
	}
	for _, c := range p.idle {
		p.dials.Go(func() {
			c.Fail(reason)
			<-c.Done()
		})
	}
	p.idle = nil
}

// giveBack takes a connection back. A connection that is closed, or that still waits for a
// reply, is not used again.
func (p *pool) giveBack(c *conn.Conn) {
	if !isIdle(c) {
		c.Fail(errGivenUp)
	}
	p.mu.Lock()
	if c.Alive() && !p.closed && c.Generation() >= p.generation {
		p.idle = append(p.idle, c)
	} else {
		p.mu.Unlock()
		c.Fail(ErrClosed)
		<-c.Done() // before it is removed: close waits for connections in use
		p.mu.Lock()
	}
	delete(p.lent, c)
	p.mu.Unlock()
	p.free.Release(1)
}

// isIdle reports whether nothing is in flight.
func isIdle(c *conn.Conn) bool {
	inFlight, _ := c.Load()
	return inFlight == 0
}

// errGivenUp closes a connection from the pool whose caller did not wait for the reply.
var errGivenUp = fmt.Errorf("its caller has given up: %w", context.Canceled)

// close closes all connections, including those in use, and waits for them. It does not
// wait for their users, because a session may be open for long.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	open := p.idle
	p.idle = nil
	for c := range p.lent {
		open = append(open, c)
	}
	p.mu.Unlock()
	p.stop()
	for _, c := range open {
		c.Fail(ErrClosed)
	}
	for _, c := range open {
		<-c.Done()
	}
	p.dials.Wait()
}

// do runs one request, which may block, on a connection from the pool. If ctx ends before
// the reply arrives, do closes the connection: a pop that nobody waits for must not take an
// element.
func (p *pool) do(ctx context.Context, r *command.Request) (used *conn.Conn, v proto.Value, err error) {
	c, err := p.lend(ctx)
	if err != nil {
		return nil, proto.Value{}, retry.NotSent(r.Name(), "", err)
	}
	defer p.giveBack(c)
	defer c.MayBlock(r.BlockFor())()
	v, err = c.Do(ctx, r)
	return c, v, err
}

// doBatch is do for a batch with a request that may block.
func (p *pool) doBatch(ctx context.Context, rs *command.Requests) (used *conn.Conn, values []proto.Value, err error) {
	c, err := p.lend(ctx)
	if err != nil {
		return nil, nil, retry.NotSent("batch", "", err)
	}
	defer p.giveBack(c)
	defer c.MayBlock(rs.BlockFor())()
	values, err = c.DoBatch(ctx, rs)
	return c, values, err
}
