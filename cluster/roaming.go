package cluster

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/redchan-go/redchan/internal/retry"
	"github.com/redchan-go/redchan/redis"
)

// roaming is a pub/sub client with one connection, which may go to any node. When it connects
// again it goes to another node.
type roaming struct {
	cluster   *Client
	preferred string // the node to use if it can be reached; "" for any
	client    *redis.Client

	mu   sync.Mutex
	node string // the current, last or next node
	// last is the topology of the last review. vouched is when another node last reported that
	// the node is well. Moving to another node changes neither, because what was missed until
	// then is known only after the next review.
	last    *Topology
	vouched time.Time
}

// roaming returns the pub/sub client for a preferred node, or a new one for a subscription that
// may block its connection.
func (c *Client) roaming(preferred string, own bool) (*roaming, error) {
	s := &c.subscriptions
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, redis.ErrClosed
	}
	if r := s.plain[preferred]; r != nil && !own {
		return r, nil
	}
	r := &roaming{cluster: c, preferred: preferred}
	o := c.options.Node
	o.Addr = "any node of the cluster"
	o.Resolve = r.resolve
	o.NodeID = func() string {
		r.mu.Lock()
		defer r.mu.Unlock()
		return c.idAt(r.node)
	}
	client, err := redis.New(o)
	if err != nil {
		return nil, err
	}
	r.client = client
	if own {
		s.ownPlain[r] = struct{}{}
	} else {
		s.plain[preferred] = r
	}
	return r, nil
}

// resolve returns the node to connect to: the preferred one, unless that was used last time;
// otherwise one of the others, starting with those that are believed to answer.
func (r *roaming) resolve(ctx context.Context) (string, error) {
	routes, err := r.cluster.ready(ctx, false)
	if err != nil {
		return "", err
	}
	r.cluster.refreshSoon() // the previous node is lost
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == nil {
		r.last, r.vouched = routes.topology, time.Now() // no gap begins before the names are confirmed
	}
	if r.preferred != "" && r.node != r.preferred {
		r.node = r.preferred
		return r.node, nil
	}
	nodes := slices.DeleteFunc(routes.nodes(), func(n *node) bool { return n.addr == r.node })
	if well := slices.DeleteFunc(slices.Clone(nodes), func(n *node) bool { return !healthy(n) }); len(well) > 0 {
		nodes = well
	}
	switch {
	case len(nodes) > 0:
		r.node = nodes[retry.Random().IntN(len(nodes))].addr
	case r.node == "":
		return "", ErrNoTopology
	}
	return r.node, nil
}

// errLeft is the reason why subscriptions move to another node.
var errLeft = errors.New("the cluster says that this node has failed, or has left it")

// unnoticed is how long a node may be cut off before the others notice: the default
// cluster-node-timeout. What the others report about the node proves nothing about that much
// time before.
const unnoticed = 15 * time.Second

// review leaves a node that is not in the topology, or that has failed. Published messages
// travel over the cluster's bus, and clients of a node that is cut off from the bus notice
// nothing. So if the topology shows that a node was cut off, either this node or one where
// others publish, review puts a Gap into the subscriptions.
func (r *roaming) review(t *Topology) {
	r.mu.Lock()
	node, last, vouched := r.node, r.last, r.vouched
	if node == "" {
		r.mu.Unlock()
		return
	}
	r.last = t
	if t.vouches(node) {
		r.vouched = t.At
	}
	r.mu.Unlock()
	left := !t.has(node)
	if left || t.failedOver(last) {
		redis.ForCluster(r.client).Missed(vouched.Add(-unnoticed))
	}
	if left {
		r.client.Reconnect(errLeft)
	}
}
