package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/redchan-go/redchan/internal/hub"
	sharding "github.com/redchan-go/redchan/internal/shard"
	"github.com/redchan-go/redchan/pubsub"
	"github.com/redchan-go/redchan/redis"
)

// Pub/sub in a cluster is of two kinds. What is published by PUBLISH goes to all nodes, so
// one connection to any of them is enough: it moves to another node when its own dies. What
// is published by SPUBLISH stays in the shard of its channel: a sharding.Mux keeps a
// connection to each.

// subscriptions is what a client has of pub/sub.
type subscriptions struct {
	mu     sync.Mutex
	closed bool
	shards *sharding.Mux              // nil until the first
	own    map[*sharding.Mux]struct{} // of subscriptions that block
	// plain has the clients for what any node has, by the node that was asked for; ""
	// for none in particular.
	plain     map[string]*roaming
	ownPlain  map[*roaming]struct{} // of subscriptions that block
	keyEvents map[*KeyEvents]struct{}
	tasks     sync.WaitGroup
}

// ErrMixedNames says that one subscription can't have shard channels and others: the ones
// come from the nodes that serve their slots, the others from any node.
var ErrMixedNames = errors.New("a subscription has either shard channels, or channels and patterns")

// Subscribe subscribes to channels, on one node of the cluster: see [redis.Client.Subscribe]. When
// that node dies, or leaves the cluster, another one takes its place, and a Gap tells.
func (c *Client) Subscribe(ctx context.Context, channels ...string) (*pubsub.Subscription, error) {
	return c.NewSubscription(ctx, pubsub.Channels(channels...))
}

// PSubscribe is [Client.Subscribe] for patterns such as "news.*".
func (c *Client) PSubscribe(ctx context.Context, patterns ...string) (*pubsub.Subscription, error) {
	return c.NewSubscription(ctx, pubsub.Patterns(patterns...))
}

// SSubscribe subscribes to shard channels, of any slots, on the nodes that serve them,
// wherever these move: see package sharded. Every one is acknowledged when it returns. ctx
// is the life of the subscription, not of the call, which ends after
// Options.Node.SubscribeTimeout. It reads from replicas where Options.ReadFrom does. Since
// 7.0.0.
func (c *Client) SSubscribe(ctx context.Context, channels ...string) (*pubsub.Subscription, error) {
	return c.NewShardSubscription(ctx, pubsub.ShardChannels(channels...))
}

// NewSubscription is [Client.Subscribe] for channels and patterns together, or
// [Client.SSubscribe] for shard channels, and with options. Shard channels and others in one
// are [ErrMixedNames].
func (c *Client) NewSubscription(ctx context.Context, opts ...pubsub.Option) (*pubsub.Subscription, error) {
	o := opening{client: c, name: "SUBSCRIBE"}
	return o.subscribe(ctx, func(p *hub.Plan) (*hub.Hub, func(), error) {
		switch {
		case p.Shards && p.Others:
			o.name = "SSUBSCRIBE"
			return nil, nil, ErrMixedNames
		case p.Shards:
			return o.shards(p)
		}
		return o.plain(p)
	}, opts)
}

// NewSubscriptionAt is [Client.NewSubscription] for channels and patterns, on the node at a
// "host:port" that the topology has; it is an error where it has none. When that node dies, or
// leaves the cluster, another one takes its place, until that one is lost: then the node is
// tried first again.
func (c *Client) NewSubscriptionAt(ctx context.Context, node string, opts ...pubsub.Option) (*pubsub.Subscription, error) {
	o := opening{client: c, name: "SUBSCRIBE", node: node}
	return o.subscribe(ctx, func(p *hub.Plan) (*hub.Hub, func(), error) {
		if p.Shards {
			return nil, nil, fmt.Errorf("%w: for shard channels of one node use the client of that node", ErrMixedNames)
		}
		if node != "" {
			if _, err := c.ready(ctx, false); err != nil {
				return nil, nil, err
			}
			if _, err := c.Node(node); err != nil {
				return nil, nil, err
			}
		}
		return o.plain(p)
	}, opts)
}

// NewShardSubscription is [Client.SSubscribe] with options, also without names: they are
// added by the subscription's SSubscribe.
func (c *Client) NewShardSubscription(ctx context.Context, opts ...pubsub.Option) (*pubsub.Subscription, error) {
	o := opening{client: c, name: "SSUBSCRIBE"}
	return o.subscribe(ctx, func(p *hub.Plan) (*hub.Hub, func(), error) {
		if p.Others {
			return nil, nil, ErrMixedNames
		}
		return o.shards(p)
	}, opts)
}

// opening is a subscription that is being made.
type opening struct {
	client *Client
	name   string // of the command, for errors
	node   string // where it is wanted; "" for anywhere
	opened bool   // there is a hub for it
	after  func() // closes what it has for itself, where it has anything
}

// subscribe makes the subscription.
func (o *opening) subscribe(ctx context.Context, open hub.Opener, opts []pubsub.Option) (*pubsub.Subscription, error) {
	sub, err := pubsub.New(ctx, open, opts...)
	if o.after != nil {
		o.client.closeAfter(sub, o.after)
	}
	if err != nil && !o.opened {
		return nil, notSent(o.name, o.node, err)
	}
	return sub, err
}

// plain returns the hub for channels and patterns, on any node.
func (o *opening) plain(p *hub.Plan) (h *hub.Hub, release func(), err error) {
	c := o.client
	r, err := c.roaming(o.node, p.Own)
	if err != nil {
		return nil, nil, err
	}
	if p.Own {
		o.after = func() {
			c.subscriptions.forget(r)
			_ = r.client.Close()
		}
	}
	p.Refuse = func(kind hub.Kind) error {
		if kind == hub.Shard {
			return ErrMixedNames
		}
		return nil
	}
	h, release, err = redis.ForCluster(r.client).Open(p)
	o.opened = err == nil
	return h, release, err
}

// shards returns the hub for shard channels.
func (o *opening) shards(p *hub.Plan) (h *hub.Hub, release func(), err error) {
	o.name = "SSUBSCRIBE"
	c := o.client
	m, err := c.mux(p.Own)
	if err != nil {
		return nil, nil, err
	}
	if p.Own {
		o.after = func() {
			c.subscriptions.forgetMux(m)
			m.Close(redis.ErrClosed)
		}
	}
	o.opened = true
	return m.Open(p)
}

// mux returns what all shard subscriptions share, or one of its own.
func (c *Client) mux(own bool) (*sharding.Mux, error) {
	s := &c.subscriptions
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, redis.ErrClosed
	}
	if !own && s.shards != nil {
		defer s.mu.Unlock()
		return s.shards, nil
	}
	m := sharding.New(sharding.Options{
		Connect:            c.carry,
		Refresh:            c.refreshAvoiding,
		MapAddr:            c.options.MapAddr,
		Replicas:           c.options.ReadFrom != Primary,
		SubscribeTimeout:   c.options.Node.SubscribeTimeout,
		UnsubscribeTimeout: c.options.Node.UnsubscribeTimeout,
		Logger:             c.options.Logger,
		LinkError:          c.lastError,
	})
	if own {
		s.own[m] = struct{}{}
	} else {
		s.shards = m
	}
	s.mu.Unlock()
	if t := c.Topology(); t != nil {
		m.Update(c.viewOf(t))
	}
	return m, nil
}

// closeAfter calls end, which closes what one subscription had for itself, behind it, or at
// once where sub is nil.
func (c *Client) closeAfter(sub *pubsub.Subscription, end func()) {
	s := &c.subscriptions
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return // close closes it
	}
	s.tasks.Go(func() {
		if sub != nil {
			<-sub.Done()
		}
		end()
	})
}

// forgetMux forgets the mux of one subscription.
func (s *subscriptions) forgetMux(m *sharding.Mux) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.own, m)
}

// forget forgets a client that roams for one subscription.
func (s *subscriptions) forget(r *roaming) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.ownPlain, r)
}

// carry keeps a subscriber connection to a node for a lane. It has a client of its own,
// because those for commands are closed when a node leaves the topology, and this one is
// needed until everything has moved.
func (c *Client) carry(addr string, lane *hub.Lane) (stop func(), err error) {
	o := c.options.Node
	o.Addr = addr
	o.NodeID = func() string { return c.idAt(addr) }
	client, err := redis.New(o)
	if err != nil {
		return nil, err
	}
	if _, err = redis.ForCluster(client).Carry(lane); err != nil {
		return nil, errors.Join(err, client.Close())
	}
	return func() { _ = client.Close() }, nil
}

// viewOf returns a topology as sharding.Mux wants it.
func (c *Client) viewOf(t *Topology) sharding.View {
	v := sharding.View{From: t.From, At: t.At}
	for _, told := range t.Shards() {
		s := sharding.Shard{Slots: told.Slots, Primary: told.Primary.Addr}
		for _, replica := range told.Replicas {
			if !replica.Loading {
				s.Replicas = append(s.Replicas, replica.Addr)
			}
		}
		v.Shards = append(v.Shards, s)
	}
	return v
}

// tellSubscriptions tells all that has to do with pub/sub of a new topology.
func (c *Client) tellSubscriptions(t *Topology) {
	s := &c.subscriptions
	s.mu.Lock()
	var muxes []*sharding.Mux
	if s.shards != nil {
		muxes = append(muxes, s.shards)
	}
	for m := range s.own {
		muxes = append(muxes, m)
	}
	var plain []*roaming
	for _, r := range s.plain {
		plain = append(plain, r)
	}
	for r := range s.ownPlain {
		plain = append(plain, r)
	}
	s.mu.Unlock()
	if len(muxes) > 0 {
		v := c.viewOf(t)
		for _, m := range muxes {
			m.Update(v)
		}
	}
	for _, r := range plain {
		r.review(t)
	}
}

// begin makes what is empty ready, and has it told of topologies.
func (s *subscriptions) begin(c *Client) {
	s.own = map[*sharding.Mux]struct{}{}
	s.plain = map[string]*roaming{}
	s.ownPlain = map[*roaming]struct{}{}
	s.keyEvents = map[*KeyEvents]struct{}{}
	c.onTopology(c.tellSubscriptions)
}

// close ends all subscriptions.
func (s *subscriptions) close() {
	s.mu.Lock()
	s.closed = true
	var all sync.WaitGroup
	if m := s.shards; m != nil {
		all.Go(func() { m.Close(redis.ErrClosed) })
	}
	for m := range s.own {
		all.Go(func() { m.Close(redis.ErrClosed) })
	}
	for _, r := range s.plain {
		all.Go(func() { _ = r.client.Close() })
	}
	for r := range s.ownPlain {
		all.Go(func() { _ = r.client.Close() })
	}
	for k := range s.keyEvents {
		k.stop(redis.ErrClosed)
	}
	s.mu.Unlock()
	all.Wait()
	s.tasks.Wait()
}
