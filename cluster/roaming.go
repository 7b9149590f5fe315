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

// roaming is a client for pub/sub, of one connection, which goes to any node: each time to
// another one.
type roaming struct {
	cluster   *Client
	preferred string // the node to be at where it can be reached; "" for any
	client    *redis.Client

	mu   sync.Mutex
	node string // where it is, or was, or is to be
	// last is the topology of the last review. vouched is when another node last said that the node
	// is well. Going to another node changes neither, since what was missed until then is not known
	// before the next review.
	last    *Topology
	vouched time.Time
}

// roaming returns the client for pub/sub by a node, or one of its own for a subscription that
// may hold up its connection.
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

// resolve returns the node to connect to: the preferred one, unless that was it the last
// time; else one of the others, those first that are thought to answer.
func (r *roaming) resolve(ctx context.Context) (string, error) {
	routes, err := r.cluster.ready(ctx, false)
	if err != nil {
		return "", err
	}
	r.cluster.refreshSoon() // whatever was there before is lost
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

// errLeft is why subscriptions go to another node.
var errLeft = errors.New("the cluster says that this node has failed, or has left it")

// unnoticed is how long a node may be cut off before the others notice: the default of the
// servers' cluster-node-timeout. What they say of it proves nothing of the time before.
const unnoticed = 15 * time.Second

// review leaves a node that the topology does not have, or has for failed. What is published goes
// over the cluster's bus, and the clients of a node that is cut off from that notice nothing: so
// where the topology shows that a node was cut off, this one or one at which others publish, the
// subscriptions get a Gap.
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
