package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redchan-go/redchan/cluster/slot"
	"github.com/redchan-go/redchan/internal/retry"
	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
)

// Client is a client of a cluster, with a method for every command. It is safe for concurrent
// use, and is meant to be shared by the whole program. Call Close when it is no longer needed.
type Client struct {
	command.Commands
	options Options
	batches command.BatchPool // the memory of pipelines

	routes  atomic.Pointer[routes] // nil until a node has reported the topology
	watched atomic.Bool            // the refresher watches the nodes
	turn    atomic.Uint32          // for commands that any node can answer
	probing atomic.Bool

	wake   chan struct{} // capacity 1: refresh the topology
	watch  *time.Ticker  // when to check the nodes; stopped while watched is false
	quiet  int           // checks without anything in flight; owned by run
	lostAt time.Time     // since when no node has reported the topology; owned by run
	older  int           // consecutive views older than the topology; owned by run

	ctx       context.Context // ends when the client is closed; used by run and tasks
	stop      context.CancelFunc
	closing   chan struct{} // closed first by Close
	closeOnce sync.Once
	done      chan struct{}  // closed when run has ended
	tasks     sync.WaitGroup // probes, and clients of nodes that are being closed; only run adds to it

	mu       sync.Mutex
	nodes    map[string]*node // by address; nil after the client is closed
	changed  chan struct{}    // closed and replaced at the end of each refresh
	replaced chan struct{}    // closed and replaced with each topology that differs
	paused   int              // calls that wait for replaced, or for a pause, before they retry
	failures int              // the number of failed refreshes
	lastErr  error            // the error of the last refresh
	hooks    []*func(*Topology)
	named    string // the node that a MOVED has named since the last refresh
	avoid    string // the node that the next refresh should avoid asking

	subscriptions subscriptions
}

// New returns a client that connects on first use. It returns an error if the options are
// invalid.
func New(options Options) (*Client, error) {
	o, err := options.withDefaults()
	if err != nil {
		return nil, err
	}
	c := &Client{
		options:  o,
		wake:     make(chan struct{}, 1),
		watch:    time.NewTicker(watchEvery),
		closing:  make(chan struct{}),
		done:     make(chan struct{}),
		nodes:    map[string]*node{},
		changed:  make(chan struct{}),
		replaced: make(chan struct{}),
	}
	c.watch.Stop()
	c.Commands = *command.On(c)
	c.ctx, c.stop = context.WithCancel(context.Background())
	c.subscriptions.begin(c)
	go c.run()
	return c, nil
}

// Open returns a client for a URL, see [ParseURL]. It returns once a node has reported the
// topology. ctx bounds only this call.
func Open(ctx context.Context, url string) (*Client, error) {
	options, err := ParseURL(url)
	if err != nil {
		return nil, err
	}
	return OpenWith(ctx, options)
}

// OpenWith is like [Open], with options instead of a URL.
func OpenWith(ctx context.Context, options Options) (*Client, error) {
	c, err := New(options)
	if err != nil {
		return nil, err
	}
	if _, err := c.ready(ctx, true); err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("cluster: can't connect to any of %s: %w", strings.Join(c.options.Addrs, ", "), err)
	}
	return c, nil
}

// Options returns a copy of the client's options with the defaults filled in.
func (c *Client) Options() Options {
	o := c.options
	o.Node.ReadOnly, o.Node.MaxAttempts = false, 0 // the cluster client decides these
	o.Addrs = append([]string(nil), o.Addrs...)
	if o.Node.TLS != nil {
		o.Node.TLS = o.Node.TLS.Clone()
	}
	return o
}

// Format prints the client as the addresses that it was created with, whatever the verb, because
// its options contain a password.
func (c *Client) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "cluster client of %s", strings.Join(c.options.Addrs, ", "))
}

// Do sends one request to the node that serves its keys, and returns the reply. Programs call
// the command methods, or [command.Cmd.Do], which call Do.
//
// Do follows redirects. It retries a request that was not sent, or that was rejected for a
// temporary reason, while ctx lasts; if ctx has no deadline, it tries at most 3 times within 5
// s. It also retries a read-only request whose reply was lost, up to 3 attempts.
func (c *Client) Do(ctx context.Context, r command.Request) (proto.Value, error) {
	if !c.watched.Load() {
		c.awake()
	}
	s, err := slotOf(&r)
	switch {
	case err != nil:
		return proto.Value{}, notSent(r.Name(), "", err)
	case s == anySlot:
		return c.doAnywhere(ctx, r)
	}
	if routes := c.routes.Load(); routes != nil {
		if owner := routes.of(s); owner != nil {
			if n := c.pick(owner, r.ReadOnly(), nil); n != nil {
				v, err := n.client.Do(ctx, r)
				if err == nil {
					n.answered()
					return v, nil
				}
				return c.follow(ctx, r, s, n, v, err)
			}
		}
	}
	return c.doFirst(ctx, r, s)
}

// doFirst is Do for the case that the topology has no node for the slot, or that there is no
// topology yet.
func (c *Client) doFirst(ctx context.Context, r command.Request, s int) (proto.Value, error) {
	if err := r.Err(); err != nil {
		return proto.Value{}, notSent(r.Name(), "", err)
	}
	n, err := c.target(ctx, s, r.ReadOnly(), nil)
	if err != nil {
		err = notSent(r.Name(), "", err)
		if c.routes.Load() == nil {
			return proto.Value{}, err // it has already waited for a topology
		}
		return c.follow(ctx, r, s, nil, proto.Value{}, err)
	}
	v, err := n.client.Do(ctx, r)
	return c.follow(ctx, r, s, n, v, err)
}

// slotOf returns the slot of a request, or anySlot if it has no key.
func slotOf(r *command.Request) (int, error) {
	word, ok := r.Route()
	if !ok {
		return anySlot, nil
	}
	s := slot.Of(word)
	for key := range r.Keys() {
		if of := slot.Of(key); of != s {
			return 0, &CrossSlotError{[2]string{word, key}, [2]int{s, of}}
		}
	}
	return s, nil
}

// Exec sends a batch and sets the results of its futures, see [Client.DoBatch]. It returns the
// error of the first command that failed, as a [*command.BatchError]; redis.Nil does not count
// as an error. The batch is empty afterwards.
func (c *Client) Exec(ctx context.Context, b *command.Batch) error { return b.Exec(ctx, c) }

// Pipeline returns an empty pipeline, which is a batch bound to its client.
func (c *Client) Pipeline() *redis.Pipeline {
	return redis.NewPipeline(&c.batches, c, multi{c})
}

// Any sends a command and returns its reply as the Go value that fits it, see redis.View.Any.
// Strings in the reply become Go strings.
func (c *Client) Any(ctx context.Context, cmd command.Queueable) (any, error) {
	return command.DoAny(ctx, c, cmd, nil)
}

// Topology returns the topology as the client knows it: which nodes serve which slots. It
// returns nil until a node has reported it.
func (c *Client) Topology() *Topology {
	if r := c.routes.Load(); r != nil {
		return r.topology
	}
	return nil
}

// Refresh asks nodes for the topology and returns it. It waits until ctx ends at most. The
// client refreshes by itself when that is needed.
func (c *Client) Refresh(ctx context.Context) (*Topology, error) {
	c.mu.Lock()
	changed := c.changed
	c.mu.Unlock()
	// The first refresh to end may have begun before this call.
	for range 2 {
		c.refreshSoon()
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, retry.Ended(ctx)
		case <-c.closing:
			return nil, redis.ErrClosed
		}
		c.mu.Lock()
		changed = c.changed
		c.mu.Unlock()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.Topology(), c.lastErr
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

// Close refuses new commands, waits up to half a second for the replies of those in flight, and
// closes all connections. It returns when nothing is left running. Further calls do nothing. The
// error is always nil.
func (c *Client) Close() error {
	c.closeOnce.Do(func() {
		close(c.closing)
		c.subscriptions.close()
		c.stop()
		<-c.done
		c.mu.Lock()
		nodes := c.nodes
		c.nodes = nil
		c.mu.Unlock()
		var all sync.WaitGroup
		for _, n := range nodes {
			all.Go(func() { _ = n.client.Close() })
		}
		all.Wait()
		c.tasks.Wait()
	})
	return nil
}

// Node returns the client of one node, by its "host:port" in the topology, for commands that
// concern one node. The cluster client owns it: don't close it. Don't keep it for long either,
// because it is closed when the node leaves the cluster. It does not retry commands.
func (c *Client) Node(addr string) (*redis.Client, error) {
	r := c.routes.Load()
	if r != nil {
		for _, n := range r.nodes() {
			if n.addr == addr {
				return n.client, nil
			}
		}
	}
	return nil, fmt.Errorf("cluster: %w: no node of the topology has the address %q", errNoNode, addr)
}

// NodeOf returns the client of the primary that serves a key, see [Client.Node]. It waits for
// the topology while ctx lasts.
func (c *Client) NodeOf(ctx context.Context, key string) (*redis.Client, error) {
	n, err := c.target(ctx, slot.Of(key), false, nil)
	if err != nil {
		return nil, fmt.Errorf("cluster: %w", err)
	}
	return n.client, nil
}

// errNoNode reports that a named node does not exist.
var errNoNode = errors.New("no such node")
