package redis

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redchan-go/redchan/internal/conn"
	"github.com/redchan-go/redchan/internal/hub"
	"github.com/redchan-go/redchan/internal/retry"
	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/pubsub"
	"github.com/redchan-go/redchan/redis/command"
)

// Client is a client of one server, with a method for every command. It is
// safe for concurrent use, and meant to be shared by the whole program: all
// goroutines' commands go over a few connections, together where they come
// together. Close it when it is needed no more.
type Client struct {
	command.Commands
	options Options
	dialer  *conn.Dialer
	links   []*link
	next    atomic.Uint32 // the link for the next command, where there are several
	pool    *pool
	renewal renewal
	batches command.BatchPool // the memory of pipelines

	closing   chan struct{} // closed by Close, with mu held
	closeOnce sync.Once

	mu          sync.Mutex
	shared      *subscriber              // for all subscriptions but those that block; nil until the first
	subscribers map[*subscriber]struct{} // shared and the blocking ones'
	tasks       sync.WaitGroup           // of closeAfter
}

// closeGrace is how long Close lets commands in flight be answered.
const closeGrace = 500 * time.Millisecond

// New returns a client that connects when it is first used. An error says what
// is wrong with the options.
func New(options Options) (*Client, error) {
	o, err := options.withDefaults()
	if err != nil {
		return nil, err
	}
	c := &Client{options: o, closing: make(chan struct{}), subscribers: map[*subscriber]struct{}{}}
	c.Commands = *command.On(c)
	c.dialer = c.options.dialer()
	connect := func(ctx context.Context) (*conn.Conn, error) { return c.dialer.Dial(ctx, conn.Role{}) }
	for range o.Connections {
		c.links = append(c.links, newLink(&c.options, c.dialer, connect, c.serverIsBack))
	}
	c.pool = newPool(&c.options, connect)
	return c, nil
}

// Open returns a client for a URL, see [ParseURL], once it has connected. ctx
// bounds this first connect alone.
func Open(ctx context.Context, url string) (*Client, error) {
	options, err := ParseURL(url)
	if err != nil {
		return nil, err
	}
	return OpenWith(ctx, options)
}

// OpenWith is [Open] for options.
func OpenWith(ctx context.Context, options Options) (*Client, error) {
	c, err := New(options)
	if err != nil {
		return nil, err
	}
	first, err := c.links[0].connect(ctx)
	if err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("redis: can't connect to %s: %w", c.options.Addr, err)
	}
	c.links[0].adopt(first)
	return c, nil
}

// Options returns a copy of the client's options with defaults in place.
func (c *Client) Options() Options {
	o := c.options
	if o.TLS != nil {
		o.TLS = o.TLS.Clone()
	}
	return o
}

// Format prints the client as its address and database, whatever the verb: its
// options have a password.
func (c *Client) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "redis client of %s, database %d", c.options.Addr, c.options.DB)
}

// Do sends one request and returns its reply. Programs call the methods of the
// commands, or [command.Cmd.Do]; this is what those call.
//
// A request that was not sent, or that the server rejected for a reason that
// passes, is sent again while ctx lasts; where ctx has no deadline, at most 3
// times within 5 s. One that only reads is sent again also when its reply was
// lost, at most 3 times.
func (c *Client) Do(ctx context.Context, r command.Request) (proto.Value, error) {
	if err := c.refuse(ctx, &r); err != nil {
		return proto.Value{}, retry.NotSent(r.Name(), "", err)
	}
	if r.Blocks() {
		v, err := c.pool.do(ctx, &r)
		return c.retry(ctx, &r, v, err)
	}
	l := c.pick()
	if live := l.current.Load(); live != nil {
		// The usual case, without anything around it.
		v, err := live.Do(ctx, &r)
		if err == nil && v.Kind() != proto.KindError {
			return v, nil
		}
		return c.retry(ctx, &r, v, err)
	}
	v, err := c.once(ctx, &r, l)
	return c.retry(ctx, &r, v, err)
}

// errNotMade tells of a client or session that nobody has made.
var errNotMade = fmt.Errorf("%w: it is the zero value: make a client by New or Open, and a session by the client's Session", ErrArgument)

// errNilContext tells of a call without a context.
var errNilContext = fmt.Errorf("%w: the context is nil: use context.Background", ErrArgument)

// usable returns why nothing can be done with the client, or with ctx.
func (c *Client) usable(ctx context.Context) error {
	switch {
	case c == nil || len(c.links) == 0:
		return errNotMade
	case ctx == nil:
		return errNilContext
	}
	return nil
}

// refuse returns why a request must not be sent.
func (c *Client) refuse(ctx context.Context, r *command.Request) error {
	if err := c.usable(ctx); err != nil {
		return err
	}
	if err := r.Err(); err != nil {
		return err
	}
	if r.OfSession() {
		return fmt.Errorf("%w: it belongs to a session: use the client's Watch", ErrArgument)
	}
	if r.Blocks() && (r.Name() == "WAIT" || r.Name() == "WAITAOF") {
		return fmt.Errorf("%w: it tells of the writes of its own connection: "+
			"use a session, or, with the client of one server, a batch behind them", ErrArgument)
	}
	return nil
}

// DoBatch sends requests in their order and returns their replies, error replies
// among them. Programs call [Client.Exec]. It sends them in one run, but for more than
// 4,096 requests or 1 MiB: then others' commands may run in between, and the next part
// is sent when the one before has been answered. A part is sent again only where no
// byte of it has left.
func (c *Client) DoBatch(ctx context.Context, rs *command.Requests) ([]proto.Value, error) {
	if err := or(c.usable(ctx), rs.Err()); err != nil || rs.Len() == 0 {
		return nil, err
	}
	if rs.Len() <= partRequests && rs.Size() <= partBytes || rs.Blocks() || rs.IsTransaction() {
		return c.doPart(ctx, rs)
	}
	all := make([]proto.Value, 0, rs.Len())
	for len(all) < rs.Len() {
		part := nextPart(rs, len(all))
		values, err := c.doPart(ctx, part)
		all = append(all, values...)
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

// These bound what a batch sends at once, so that it holds up nobody else for long and
// needs no memory in proportion twice.
const (
	partRequests = 4096
	partBytes    = 1 << 20
)

// nextPart returns the next requests of a large batch: those from number from on that
// go together, one at least.
func nextPart(rs *command.Requests, from int) *command.Requests {
	to, bytes := from+1, rs.SizeOf(from)
	for to < rs.Len() && to-from < partRequests {
		if bytes += rs.SizeOf(to); bytes > partBytes {
			break
		}
		to++
	}
	if to < rs.Len() && rs.Name(to-1) == "ASKING" {
		to++ // it is for the next request of its connection
	}
	return rs.Part(from, to)
}

// doPart sends requests that go together.
func (c *Client) doPart(ctx context.Context, rs *command.Requests) ([]proto.Value, error) {
	values, err := c.batchOnce(ctx, rs)
	p := newPatience(ctx)
	for err != nil && len(values) == 0 && p.another(ctx, c, err, false) {
		values, err = c.batchOnce(ctx, rs)
	}
	if err == nil {
		c.lookForWrongServer(rs, values)
	}
	return values, p.outcome(ctx, err)
}

// batchOnce sends a batch over a shared connection, or over a lent one where it
// may block.
func (c *Client) batchOnce(ctx context.Context, rs *command.Requests) ([]proto.Value, error) {
	if rs.Blocks() {
		return c.pool.doBatch(ctx, rs)
	}
	live, err := c.pick().get(ctx)
	if err != nil {
		return nil, retry.NotSent("batch", c.options.Addr, err)
	}
	return live.DoBatch(ctx, rs)
}

// Exec sends a batch and gives its futures their results. It returns the first
// command's error, a [*command.BatchError]; [Nil] is none. The batch is empty
// afterwards.
func (c *Client) Exec(ctx context.Context, b *command.Batch) error { return b.Exec(ctx, c) }

// Pipeline returns an empty pipeline: a batch that knows its client.
//
//	p := client.Pipeline()
//	visits := p.Incr("visits")
//	name := p.Get("name")
//	if err := p.Exec(ctx); err != nil { ... }
//	n, err := visits.Result()
//
// Its memory is used again for the client's next ones.
func (c *Client) Pipeline() *Pipeline {
	return NewPipeline(&c.batches, c, multi{c})
}

// NewPipeline returns an empty pipeline for a client of one's own, which executes it by
// commands, or as a transaction by transactions. Its memory comes from pool and goes back
// to it.
func NewPipeline(pool *command.BatchPool, commands, transactions command.BatchDoer) *Pipeline {
	return &Pipeline{Batch: pool.Batch(), to: commands, multi: transactions}
}

// Pipeline is a batch of commands for one client. It is filled by one goroutine;
// the futures that it gives may be read by many. It can be used again once it has
// been executed.
type Pipeline struct {
	command.Batch
	to, multi command.BatchDoer
}

// Add queues commands, see [command.Batch.Add], and returns the pipeline:
//
//	err := client.Pipeline().Add(command.Incr("visits"), command.Get("name").Into(&name)).Exec(ctx)
func (p *Pipeline) Add(cmds ...command.Queueable) *Pipeline {
	p.Batch.Add(cmds...)
	return p
}

// Exec sends the commands queued, see [Client.Exec].
func (p *Pipeline) Exec(ctx context.Context) error { return p.Batch.Exec(ctx, p.to) }

// Multi sends the commands queued as a transaction, see [Client.Multi].
func (p *Pipeline) Multi(ctx context.Context) error { return p.Batch.Exec(ctx, p.multi) }

// pick returns the link for the next command.
func (c *Client) pick() *link {
	if len(c.links) == 1 {
		return c.links[0]
	}
	return c.links[c.next.Add(1)%uint32(len(c.links))]
}

// once sends a request one time, waiting for a connection.
func (c *Client) once(ctx context.Context, r *command.Request, l *link) (proto.Value, error) {
	live, err := l.get(ctx)
	if err != nil {
		return proto.Value{}, retry.NotSent(r.Name(), c.options.Addr, err)
	}
	return live.Do(ctx, r)
}

// serverIsBack is told by whoever has connected: what waits to connect to the
// same server need not wait longer.
func (c *Client) serverIsBack() {
	for _, l := range c.links {
		l.hurry()
	}
	for _, s := range c.liveSubscribers() {
		s.hurry()
	}
}

// isClosed reports whether Close has been called.
func (c *Client) isClosed() bool {
	select {
	case <-c.closing:
		return true
	default:
		return false
	}
}

// Subscribe subscribes to channels. Every one is acknowledged by the server
// when it returns: what is published from then on arrives on
// [pubsub.Subscription.Messages], or is told as lost.
//
// ctx is the life of the subscription, not of the call, which ends after
// Options.SubscribeTimeout. When ctx ends, so does the subscription.
func (c *Client) Subscribe(ctx context.Context, channels ...string) (*pubsub.Subscription, error) {
	if len(channels) == 0 {
		return nil, retry.NotSent("SUBSCRIBE", "", errNoNames)
	}
	return c.NewSubscription(ctx, pubsub.Channels(channels...))
}

// errNoNames tells of a subscription to nothing.
var errNoNames = fmt.Errorf("%w: there is no name to subscribe to; NewSubscription makes a subscription that gets its names later", ErrArgument)

// PSubscribe is [Client.Subscribe] for patterns such as "news.*".
func (c *Client) PSubscribe(ctx context.Context, patterns ...string) (*pubsub.Subscription, error) {
	if len(patterns) == 0 {
		return nil, retry.NotSent("PSUBSCRIBE", "", errNoNames)
	}
	return c.NewSubscription(ctx, pubsub.Patterns(patterns...))
}

// NewSubscription is [Client.Subscribe] for channels and patterns together, and
// with options: bounds, what happens at them, gap markers.
//
// A subscription with pubsub.Block has a connection of its own; all others
// share one.
func (c *Client) NewSubscription(ctx context.Context, opts ...pubsub.Option) (*pubsub.Subscription, error) {
	if err := c.usable(ctx); err != nil {
		return nil, retry.NotSent("SUBSCRIBE", "", err)
	}
	if err := ctx.Err(); err != nil {
		return nil, retry.NotSent("SUBSCRIBE", c.options.Addr, retry.Ended(ctx))
	}
	var s *subscriber
	own := false
	sub, err := pubsub.New(ctx, func(p *hub.Plan) (h *hub.Hub, release func(), err error) {
		own = p.Own
		s, release, err = c.openSubscriber(own)
		if err != nil {
			return nil, nil, err
		}
		return s.hub, release, nil
	}, opts...)
	switch {
	case s == nil: // nothing was asked of the server
		return nil, retry.NotSent("SUBSCRIBE", c.options.Addr, err)
	case own && err != nil:
		s.close()
	case own:
		c.closeAfter(sub, s)
	}
	return sub, err
}

// openSubscriber returns the subscriber connection for a subscription, and what to call when
// that was made, or was not.
func (c *Client) openSubscriber(own bool) (s *subscriber, release func(), err error) {
	err = errSubscriberEnded
	for errors.Is(err, errSubscriberEnded) { // given up just now: there is another next
		if s, err = c.subscriber(own); err != nil {
			return nil, nil, err
		}
		err = s.open()
	}
	if err != nil {
		if own {
			s.close()
		}
		return nil, nil, err
	}
	return s, s.release, nil
}

// subscriber returns the shared subscriber connection, or a new one of its own.
func (c *Client) subscriber(own bool) (*subscriber, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.isClosed() {
		return nil, ErrClosed
	}
	if !own && c.shared != nil {
		if !c.shared.givenUp() {
			return c.shared, nil
		}
		c.tasks.Go(c.shared.close)
	}
	s := newSubscriber(&c.options, c.dialer, nil, c.serverIsBack, c.forget)
	c.subscribers[s] = struct{}{}
	if !own {
		c.shared = s
	}
	return s, nil
}

// closeAfter closes the subscriber of a subscription that shares it with no
// other, once the subscription has ended.
func (c *Client) closeAfter(sub *pubsub.Subscription, s *subscriber) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.isClosed() {
		return // Close closes it
	}
	c.tasks.Go(func() {
		<-sub.Done()
		s.close()
	})
}

// forget is told by a subscriber that it has ended.
func (c *Client) forget(s *subscriber) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.subscribers, s)
}

// Stats is what the connections that a client's commands share are at.
type Stats struct {
	// InFlight is how many requests and batches wait for replies, those that nobody
	// waits for any more included.
	InFlight int
	// Waiting is how many calls wait for a connection to be made.
	Waiting int
	// Answered is how many requests and batches were answered since the client was made.
	// Where it stands still while others are in flight, the server does.
	Answered uint64
}

// Stats returns what the shared connections are at.
func (c *Client) Stats() Stats {
	var s Stats
	for _, l := range c.links {
		s.Waiting += int(l.waiting.Load())
		l.mu.Lock() // so that what a connection has answered is counted once
		s.Answered += l.before
		if live := l.current.Load(); live != nil {
			inFlight, answered := live.Load()
			s.InFlight += inFlight
			s.Answered += answered
		}
		l.mu.Unlock()
	}
	return s
}

// Close refuses new commands, lets those in flight be answered for half a
// second at most, ends all subscriptions and closes all connections. Commands
// that block on the server end at once. It returns when nothing is left
// running. Closing again does nothing. Its error is always nil.
//
// What the options have called while connecting, Dial, Resolve, SubscriberRetry.Pause and the
// Logger, must not call it: it waits for them.
func (c *Client) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeGrace)
	defer cancel()
	return c.Shutdown(ctx)
}

// Shutdown is [Client.Close] that lets commands in flight be answered while ctx lasts,
// instead of half a second. Where ctx has ended they fail at once.
func (c *Client) Shutdown(ctx context.Context) error {
	if c == nil || len(c.links) == 0 {
		return nil // the zero Client has nothing to close
	}
	c.closeOnce.Do(func() {
		c.mu.Lock()
		close(c.closing)
		c.mu.Unlock()
		var all sync.WaitGroup
		for _, l := range c.links {
			all.Go(func() { l.close(ctx) })
		}
		all.Go(c.pool.close)
		for _, s := range c.liveSubscribers() {
			all.Go(s.close)
		}
		all.Wait()
		c.tasks.Wait()
	})
	return nil
}

// liveSubscribers returns the subscribers that have not ended.
func (c *Client) liveSubscribers() []*subscriber {
	c.mu.Lock()
	defer c.mu.Unlock()
	live := make([]*subscriber, 0, len(c.subscribers))
	for s := range c.subscribers {
		live = append(live, s)
	}
	return live
}
