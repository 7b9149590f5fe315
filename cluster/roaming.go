package cluster

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"

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
		r.node = nodes[rand.IntN(len(nodes))].addr
	case r.node == "":
		return "", ErrNoTopology
	}
	return r.node, nil
}

// errLeft is why subscriptions go to another node.
var errLeft = errors.New("the cluster says that this node has failed, or has left it")

// review leaves a node that the topology does not have, or has for failed.
func (r *roaming) review(t *Topology) {
	r.mu.Lock()
	node := r.node
	r.mu.Unlock()
	if node == "" {
		return
	}
	known := slices.ContainsFunc(t.nodes(), func(n Node) bool { return n.Addr == node })
	if !known || slices.Contains(t.failed, node) {
		r.client.Reconnect(errLeft)
	}
}
