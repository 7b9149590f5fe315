package redis

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redchan-go/redchan/internal/conn"
	"github.com/redchan-go/redchan/internal/retry"
	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
)

// Client is a client of one server, with a method for every command. It is safe for
// concurrent use and meant to be shared by the whole program. The commands of all
// goroutines go over a few connections, and concurrent commands are batched automatically.
// Close the client when it is no longer needed.
type Client struct {
	command.Commands
	options Options
	dialer  *conn.Dialer
	links   []*link
	next    atomic.Uint32 // chooses the link for the next command if there are several
	pool    *pool
	renewal renewal
	batches command.BatchPool // the memory of pipelines

	closing   chan struct{} // closed by Close, with mu held
	closeOnce sync.Once

	mu          sync.Mutex
	shared      *subscriber              // for all subscriptions except blocking ones; nil until the first one
	subscribers map[*subscriber]struct{} // shared, and one for each blocking subscription
	tasks       sync.WaitGroup           // the goroutines of closeAfter
}

// closeGrace is how long Close waits for replies to commands in flight.
const closeGrace = 500 * time.Millisecond

// New returns a client that connects when it is first used. It returns an error if the
// options are not valid.
func New(options Options) (*Client, error) {
	o, err := options.withDefaults()
	if err != nil {
		return nil, err
	}
	c := &Client{options: o, closing: make(chan struct{}), subscribers: map[*subscriber]struct{}{}}
	c.Commands = *command.On(c)
	c.dialer = c.options.dialer()
	connect := func(ctx context.Context) (*conn.Conn, error) {
		return c.dialer.Dial(ctx, conn.Role{Generation: c.renewal.now()})
	}
	for range o.Connections {
		c.links = append(c.links, newLink(&c.options, c.dialer, connect, c.serverIsBack))
	}
	c.pool = newPool(&c.options, connect)
	return c, nil
}

// Open connects to the server that a URL names and returns a client for it. [ParseURL]
// describes the URLs. ctx bounds only this first connect.
func Open(ctx context.Context, url string) (*Client, error) {
	options, err := ParseURL(url)
	if err != nil {
		return nil, err
	}
	return OpenWith(ctx, options)
}

// OpenWith is like [Open], but takes options instead of a URL.
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

// Options returns a copy of the client's options, with defaults filled in.
func (c *Client) Options() Options {
	o := c.options
	if o.TLS != nil {
		o.TLS = o.TLS.Clone()
	}
	return o
}

// Format prints the client's address and database for every verb, so that the password in
// its options is never printed.
func (c *Client) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "redis client of %s, database %d", c.options.Addr, c.options.DB)
}

// Do sends one request and returns its reply. Programs call the methods of the commands or
// [command.Cmd.Do], which call this.
//
// Do sends a request again if it was not sent, or if the server rejected it for a temporary
// reason. It does so while ctx lasts; if ctx has no deadline, at most 3 times within 5 s. A
// request that only reads is also sent again if its reply was lost, at most 3 times.
func (c *Client) Do(ctx context.Context, r command.Request) (proto.Value, error) {
	if err := c.refuse(ctx, &r); err != nil {
		return proto.Value{}, retry.NotSent(r.Name(), "", err)
	}
	if r.Blocks() {
		used, v, err := c.pool.do(ctx, &r)
		return c.retry(ctx, &r, used, v, err)
	}
	l := c.pick()
	if live := l.current.Load(); live != nil {
		// The usual case needs nothing else.
		v, err := live.Do(ctx, &r)
		if err == nil && v.Kind() != proto.KindError {
			return v, nil
		}
		return c.retry(ctx, &r, live, v, err)
	}
	used, v, err := c.once(ctx, &r, l)
	return c.retry(ctx, &r, used, v, err)
}

// errNotMade is the error of the zero Client and the zero Session.
var errNotMade = fmt.Errorf("%w: it is the zero value: make a client by New or Open, and a session by the client's Session", ErrArgument)

// errNilContext is the error of a call without a context.
var errNilContext = fmt.Errorf("%w: the context is nil: use context.Background", ErrArgument)

// usable returns an error if the client or ctx can't be used.
func (c *Client) usable(ctx context.Context) error {
	switch {
	case c == nil || len(c.links) == 0:
		return errNotMade
	case ctx == nil:
		return errNilContext
	}
	return nil
}

// refuse returns an error if a request must not be sent.
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
		return fmt.Errorf("%w: it reports on the writes of its own connection: "+
			"use a session, or, with the client of one server, put it in a batch after the writes", ErrArgument)
	}
	return nil
}

// pick returns the link for the next command.
func (c *Client) pick() *link {
	if len(c.links) == 1 {
		return c.links[0]
	}
	return c.links[c.next.Add(1)%uint32(len(c.links))]
}

// once makes one attempt to send a request, and waits for a connection.
func (c *Client) once(ctx context.Context, r *command.Request, l *link) (used *conn.Conn, v proto.Value, err error) {
	live, err := l.get(ctx)
	if err != nil {
		return nil, proto.Value{}, retry.NotSent(r.Name(), c.options.Addr, err)
	}
	v, err = live.Do(ctx, r)
	return live, v, err
}

// serverIsBack is called after each successful connect: connections that wait to be made to
// the same server need not wait any longer.
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

// Stats describes the state of the connections that a client's commands share.
type Stats struct {
	// InFlight is the number of requests and batches that wait for replies, including those
	// whose callers have given up.
	InFlight int
	// Waiting is the number of calls that wait for a connection to be made.
	Waiting int
	// Answered is the number of requests and batches that were answered since the client
	// was made. If it does not grow while others are in flight, the server is stuck.
	Answered uint64
}

// Stats returns the state of the shared connections.
func (c *Client) Stats() Stats {
	var s Stats
	for _, l := range c.links {
		s.Waiting += int(l.waiting.Load())
		l.mu.Lock() // so that the answers of a connection are counted once
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

// Close refuses new commands, gives the server at most half a second to answer commands in
// flight, ends all subscriptions, and closes all connections. Commands that block on the
// server end at once. Close returns when everything has stopped. Closing again does
// nothing. The error is always nil.
//
// The functions that a client calls while connecting (Options.Dial, Resolve,
// SubscriberRetry.Pause, and the Logger) must not call Close, because it waits for them.
func (c *Client) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeGrace)
	defer cancel()
	return c.Shutdown(ctx)
}

// Shutdown is like [Client.Close], but lets commands in flight be answered while ctx lasts,
// instead of half a second. Once ctx has ended they fail at once.
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
