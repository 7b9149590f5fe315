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

// pool lends out connections one by one, for what must not share one. At most
// size are open; who comes later waits.
type pool struct {
	connect func(ctx context.Context) (*conn.Conn, error)
	free    *semaphore.Weighted // connections that may still be lent
	size    int

	ctx  context.Context // ends when the pool is closed
	stop context.CancelFunc

	mu     sync.Mutex
	closed bool
	idle   []*conn.Conn // the one used last at the end
	// renewed counts the calls of renew, and lent says for each connection which of them were
	// before it was made: one that is older than the last is not lent again.
	renewed int
	lent    map[*conn.Conn]int
	worked  bool  // a connection was made
	dialing int   // connections that are being made
	lastErr error // why the last one could not be; nil where it could

	dials sync.WaitGroup // connections that are being made, or closed
}

func newPool(o *Options, connect func(context.Context) (*conn.Conn, error)) *pool {
	p := &pool{
		connect: connect,
		free:    semaphore.NewWeighted(int64(o.PoolSize)),
		size:    o.PoolSize,
		lent:    map[*conn.Conn]int{},
	}
	p.ctx, p.stop = context.WithCancel(context.Background())
	return p
}

// lend returns a connection for the caller alone, who gives it back by
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

// acquire waits until one more connection may be lent.
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
	if lent := p.size - p.dialing; lent <= 0 || p.lastErr != nil && p.dialing > 0 || !p.worked { // the server is why, not the size of the pool
		return fmt.Errorf("%w: %w: %w", retry.Ended(ctx), errNoLink, or(p.lastErr, conn.ErrStillConnecting))
	}
	return fmt.Errorf("%w: all %d connections are in use (Options.PoolSize): %w", ErrPoolExhausted, p.size, retry.Ended(ctx))
}

// take returns an idle connection, or a new one.
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
			renewed := p.renewed
			p.mu.Unlock()
			return p.make(ctx, renewed)
		}
		c := p.idle[n-1]
		p.idle[n-1] = nil
		p.idle = p.idle[:n-1]
		if c.Alive() {
			p.lent[c] = p.renewed // those of before are not idle
			p.mu.Unlock()
			return c, nil
		}
		p.mu.Unlock()
		<-c.Done()
	}
}

// make makes a connection, and lends it.
func (p *pool) make(ctx context.Context, renewed int) (*conn.Conn, error) {
	defer p.dials.Done()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(p.ctx, func() { cancel(ErrClosed) })()
	c, err := p.connect(ctx)
	p.mu.Lock()
	p.dialing--
	if err == nil || ctx.Err() == nil { // else it says nothing of the server
		p.lastErr = err
	}
	if err != nil {
		p.mu.Unlock()
		return nil, err
	}
	p.worked = true
	p.lent[c] = renewed
	closed := p.closed
	p.mu.Unlock()
	if closed {
		c.Fail(ErrClosed)
		<-c.Done()
	}
	return c, nil
}

// renew has all connections made anew: those that are idle are closed, those that are lent
// when they come back.
func (p *pool) renew(reason error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.renewed++
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

// giveBack takes a connection back. One that is closed, or that still waits
// for a reply, is not lent again.
func (p *pool) giveBack(c *conn.Conn) {
	if !isIdle(c) {
		c.Fail(errGivenUp)
	}
	p.mu.Lock()
	if c.Alive() && !p.closed && p.lent[c] == p.renewed {
		p.idle = append(p.idle, c)
	} else {
		p.mu.Unlock()
		c.Fail(ErrClosed)
		<-c.Done() // before it is forgotten: close waits for what is lent
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

// errGivenUp closes a lent connection whose caller did not wait for the reply.
var errGivenUp = fmt.Errorf("its caller has given up: %w", context.Canceled)

// close closes all connections, those that are lent as well, and waits for
// them, but not for who has borrowed one: a session may be open for long.
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

// do runs one request, which may block, on a lent connection. When ctx ends
// before the reply is there, the connection is closed: a pop that nobody waits
// for must not take an element.
func (p *pool) do(ctx context.Context, r *command.Request) (proto.Value, error) {
	c, err := p.lend(ctx)
	if err != nil {
		return proto.Value{}, retry.NotSent(r.Name(), "", err)
	}
	defer p.giveBack(c)
	defer c.MayBlock(r.BlockFor())()
	return c.Do(ctx, r)
}

// doBatch is do for a batch that has a request which may block.
func (p *pool) doBatch(ctx context.Context, rs *command.Requests) ([]proto.Value, error) {
	c, err := p.lend(ctx)
	if err != nil {
		return nil, retry.NotSent("batch", "", err)
	}
	defer p.giveBack(c)
	defer c.MayBlock(rs.BlockFor())()
	return c.DoBatch(ctx, rs)
}
