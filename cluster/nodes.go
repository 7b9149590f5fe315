package cluster

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/redchan-go/redchan/cluster/slot"
	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis"
)

// node is a node of the cluster with its client. Everything that the cluster client does at that
// node uses this one client.
type node struct {
	addr   string
	client *redis.Client

	suspect atomic.Bool            // it could not be reached, or could not answer: gets no reads until it does
	missed  atomic.Int32           // consecutive callers whose time ran out before it answered
	latency atomic.Int64           // of PING, in nanoseconds; 0 if not measured
	zone    atomic.Pointer[string] // nil if unknown
	pulse   pulse                  // owned by the refresher
	named   atomic.Int64           // when a redirect last named it, in nanoseconds
}

// wanted reports whether a redirect has recently named the node, whatever the topology says.
func (n *node) wanted() bool { return time.Now().UnixNano()-n.named.Load() < int64(namedFor) }

// namedFor is how long the client keeps a node that a redirect has named but that the topology
// does not have. Callers that were redirected there are still on their way.
const namedFor = 10 * time.Second

// inZone reports whether the node is in an availability zone.
func (n *node) inZone(name string) bool {
	zone := n.zone.Load()
	return zone != nil && *zone == name
}

// shard is a shard of the topology with the clients of its nodes.
type shard struct {
	primary  *node // nil if there is none
	replicas []*node
	all      []*node
	turn     atomic.Uint32 // for reads in turn
}

// routes is a topology with the clients of its nodes.
type routes struct {
	topology *Topology
	shards   []*shard // in the order of the topology
}

// of returns the shard that serves a slot, or nil.
func (r *routes) of(slot int) *shard {
	if owner := r.topology.owner[slot]; owner != 0 {
		return r.shards[owner-1]
	}
	return nil
}

// primaries returns all primaries.
func (r *routes) primaries() []*node {
	nodes := make([]*node, 0, len(r.shards))
	for _, s := range r.shards {
		if s.primary != nil && !slices.Contains(nodes, s.primary) {
			nodes = append(nodes, s.primary)
		}
	}
	return nodes
}

// headless reports whether a shard that has slots has no primary.
func (r *routes) headless() bool {
	for _, owner := range r.topology.owner {
		if owner != 0 && r.shards[owner-1].primary == nil {
			return true
		}
	}
	return false
}

// isPrimary reports whether n, which may be nil, is one of the primaries.
func (r *routes) isPrimary(n *node) bool {
	return n != nil && slices.ContainsFunc(r.shards, func(s *shard) bool { return s.primary == n })
}

// nodes returns all nodes.
func (r *routes) nodes() []*node {
	nodes := r.primaries()
	for _, s := range r.shards {
		for _, n := range s.replicas {
			if !slices.Contains(nodes, n) {
				nodes = append(nodes, n)
			}
		}
	}
	return nodes
}

// node returns the node at an address, which need not be in the topology. A node outside the
// topology lasts until the next refresh, or longer if a redirect has named it.
func (c *Client) node(addr string) (*node, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.nodes == nil {
		return nil, redis.ErrClosed
	}
	if n := c.nodes[addr]; n != nil {
		return n, nil
	}
	o := c.options.Node
	o.Addr = addr
	o.NodeID = func() string { return c.idAt(addr) }
	client, err := redis.New(o)
	if err != nil {
		return nil, err
	}
	n := &node{addr: addr, client: client}
	c.nodes[addr] = n
	return n, nil
}

// idAt returns the ID of the node that the topology has at an address, or "" if there is none.
func (c *Client) idAt(addr string) string {
	if r := c.routes.Load(); r != nil {
		for _, n := range r.topology.nodes() {
			if n.Addr == addr {
				return n.ID
			}
		}
	}
	return ""
}

// routesTo returns a topology with the clients of its nodes. It leaves out nodes with invalid
// addresses.
func (c *Client) routesTo(t *Topology) (*routes, error) {
	r := &routes{topology: t}
	for i := range t.shards {
		told := &t.shards[i]
		s := new(shard)
		if told.Primary.Addr != "" {
			n, err := c.known(told.Primary)
			switch {
			case err == nil:
				s.primary = n
				s.all = append(s.all, n)
			case !errors.Is(err, redis.ErrOptions):
				return nil, err
			}
		}
		for _, replica := range told.Replicas {
			n, err := c.known(replica)
			if err != nil && !errors.Is(err, redis.ErrOptions) {
				return nil, err
			}
			if err == nil && !replica.Loading {
				s.all = append(s.all, n)
				s.replicas = append(s.replicas, n)
			}
		}
		r.shards = append(r.shards, s)
	}
	return r, nil
}

// known returns the node for an entry of the topology.
func (c *Client) known(told Node) (*node, error) {
	n, err := c.node(told.Addr)
	if err != nil {
		c.options.Logger.Warn("cluster: a node can't be used", "server", told.Addr, "error", err)
		return nil, err
	}
	if told.Zone != "" {
		n.zone.Store(&told.Zone)
	}
	return n, err
}

// prune closes the clients of nodes that the topology does not have. Callers that wait there get
// an error: at once if the node has failed or is stalled, and otherwise after requests in flight
// had time to be answered.
func (c *Client) prune(t *Topology) {
	keep := map[string]bool{}
	for _, n := range t.nodes() {
		keep[n.Addr] = true
	}
	var gone []*node
	c.mu.Lock()
	for addr, n := range c.nodes {
		if !keep[addr] && (!n.wanted() || slices.Contains(t.failed, addr)) {
			delete(c.nodes, addr)
			gone = append(gone, n)
		}
	}
	c.mu.Unlock()
	for _, n := range gone {
		grace := goneGrace
		if n.pulse.stands || slices.Contains(t.failed, n.addr) {
			grace = 0
		}
		c.options.Logger.Debug("cluster: a node that is not in the topology", "server", n.addr)
		c.tasks.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), grace)
			defer cancel()
			_ = n.client.Shutdown(ctx)
		})
	}
}

// goneGrace is how long requests in flight at a node that has left may take.
const goneGrace = 500 * time.Millisecond

// onTopology makes the refresher call fn with each new topology, until remove is called. fn must
// not wait for the client.
func (c *Client) onTopology(fn func(*Topology)) (remove func()) {
	hook := &fn
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hooks = append(c.hooks, hook)
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.hooks = slices.DeleteFunc(slices.Clone(c.hooks), func(h *func(*Topology)) bool { return h == hook })
	}
}

// parseRedirect parses a MOVED or ASK error. is reports whether err is one, and wrong says why
// it can't be followed.
func parseRedirect(err error) (r proto.Redirect, is bool, wrong error) {
	var reply *proto.Error
	if !errors.As(err, &reply) || !isRedirect(reply) {
		return r, false, nil
	}
	r, wrong = proto.ParseRedirect(reply)
	return r, true, wrong
}

// movedTo notes that the node at addr serves a slot, and starts a refresh of the topology.
func (c *Client) movedTo(s int, addr string) {
	if s < 0 || s >= slot.Count {
		return
	}
	for {
		old := c.routes.Load()
		if old == nil {
			break
		}
		if owner := old.of(s); owner != nil && owner.primary != nil && owner.primary.addr == addr {
			return // another caller has already noted it
		}
		next := old.topology.moved(s, addr)
		if next == nil {
			break
		}
		r, err := c.patched(old, next)
		if err != nil {
			break
		}
		if c.routes.CompareAndSwap(old, r) {
			break
		}
	}
	c.mu.Lock()
	c.named = addr
	c.mu.Unlock()
	c.refreshSoon()
}

// patched returns the routes of a topology that differs from that of old in one slot.
func (c *Client) patched(old *routes, t *Topology) (*routes, error) {
	if len(t.shards) == len(old.shards) {
		return &routes{topology: t, shards: old.shards}, nil
	}
	return c.routesTo(t)
}
