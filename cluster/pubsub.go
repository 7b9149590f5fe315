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

// A cluster has two kinds of pub/sub. Messages of PUBLISH go to all nodes, so one connection to
// any node is enough; it moves to another node when its own dies. Messages of SPUBLISH stay in
// the shard of their channel, so a sharding.Mux keeps a connection to each shard.

// subscriptions is the pub/sub state of a client.
type subscriptions struct {
	mu     sync.Mutex
	closed bool
	shards *sharding.Mux              // nil until the first shard subscription
	own    map[*sharding.Mux]struct{} // of subscriptions that block
	// plain has the clients for channels and patterns, by the requested node; "" means any node.
	plain     map[string]*roaming
	ownPlain  map[*roaming]struct{} // of subscriptions that block
	keyEvents map[*KeyEvents]struct{}
	tasks     sync.WaitGroup
}

// ErrMixedNames reports that a subscription names shard channels together with channels or
// patterns. Shard channels come from the nodes that serve their slots, the others from any node.
var ErrMixedNames = errors.New("a subscription has either shard channels, or channels and patterns")

// Subscribe subscribes to channels, on one node of the cluster, see [redis.Client.Subscribe]. If
// that node dies or leaves the cluster, another takes its place, and a Gap reports the change.
func (c *Client) Subscribe(ctx context.Context, channels ...string) (*pubsub.Subscription, error) {
	return c.NewSubscription(ctx, pubsub.Channels(channels...))
}

// PSubscribe is like [Client.Subscribe], for patterns such as "news.*".
func (c *Client) PSubscribe(ctx context.Context, patterns ...string) (*pubsub.Subscription, error) {
	return c.NewSubscription(ctx, pubsub.Patterns(patterns...))
}

// SSubscribe subscribes to shard channels, in any slots, on the nodes that serve them, and
// follows the slots when they move: see package sharded. It returns when each channel is
// acknowledged, and fails after Options.Node.SubscribeTimeout. ctx bounds the life of the
// subscription, not the call. The subscription reads from replicas if Options.ReadFrom does.
// Since 7.0.0.
func (c *Client) SSubscribe(ctx context.Context, channels ...string) (*pubsub.Subscription, error) {
	return c.NewShardSubscription(ctx, pubsub.ShardChannels(channels...))
}

// NewSubscription is like [Client.Subscribe], with options, and for channels and patterns
// together. It also takes shard channels, like [Client.SSubscribe]. Shard channels together with
// other names are an error, [ErrMixedNames].
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

// NewSubscriptionAt is like [Client.NewSubscription], for channels and patterns on the node with
// a given "host:port" in the topology. It fails if the topology has no such node. If the node
// dies or leaves the cluster, another takes its place until that one is lost; then the client
// tries the given node first again.
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

// NewShardSubscription is like [Client.SSubscribe], with options. It may be called without
// names; the subscription's SSubscribe adds them later.
func (c *Client) NewShardSubscription(ctx context.Context, opts ...pubsub.Option) (*pubsub.Subscription, error) {
	o := opening{client: c, name: "SSUBSCRIBE"}
	return o.subscribe(ctx, func(p *hub.Plan) (*hub.Hub, func(), error) {
		if p.Others {
			return nil, nil, ErrMixedNames
		}
		return o.shards(p)
	}, opts)
}

// opening is a subscription that is being created.
type opening struct {
	client *Client
	name   string // the command's name, for errors
	node   string // the requested node; "" for any
	opened bool   // there is a hub for it
	after  func() // closes the resources of this subscription alone; may be nil
}

// subscribe creates the subscription.
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

// mux returns the mux that all shard subscriptions share, or a new one if own is set.
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

// closeAfter calls end, which closes the resources of one subscription, after the subscription
// has ended, or at once if sub is nil.
func (c *Client) closeAfter(sub *pubsub.Subscription, end func()) {
	s := &c.subscriptions
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return // close calls it
	}
	s.tasks.Go(func() {
		if sub != nil {
			<-sub.Done()
		}
		end()
	})
}

// forgetMux removes the mux of one subscription.
func (s *subscriptions) forgetMux(m *sharding.Mux) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.own, m)
}

// forget removes the roaming client of one subscription.
func (s *subscriptions) forget(r *roaming) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.ownPlain, r)
}

// carry keeps a subscriber connection to a node for a lane. The connection has its own client,
// because the clients for commands are closed when a node leaves the topology, and this one is
// needed until all its channels have moved.
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

// viewOf converts a topology to a sharding.View.
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

// tellSubscriptions passes a new topology to everything that handles pub/sub.
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

// begin initializes s on first use, and registers it for new topologies.
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
