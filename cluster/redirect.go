package cluster

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/redchan-go/redchan/internal/retry"
	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
)

// verdict says what to do about a request that has failed.
type verdict struct {
	next nextStep
	node *node // for toNode and toAsk
	lost bool  // its reply was lost
	err  error // for final: replaces the error that was judged, if not nil
}

type nextStep uint8

const (
	final  nextStep = iota // the caller gets the error
	again                  // after a pause, at the node in the topology
	toNode                 // at once, at node
	toAsk                  // at once, at node after ASKING
)

// judge decides what to do about a request that has failed with err at a node, which may be nil,
// and reports to the refresher what the error shows.
func (c *Client) judge(ctx context.Context, n *node, err error, readOnly bool) verdict {
	if n != nil && errors.Is(err, redis.ErrRejected) {
		if r, ok, wrong := parseRedirect(err); ok {
			return c.redirected(n, r, err, wrong)
		}
	}
	switch {
	case ctx.Err() != nil: // the failure says nothing about the node
		return verdict{}
	case errors.Is(err, redis.ErrArgument), errors.Is(err, redis.ErrPoolExhausted), errors.Is(err, command.ErrTxConflict):
		return verdict{}
	case errors.Is(err, redis.ErrRejected):
		return c.rejected(n, err)
	case errors.Is(err, redis.ErrNotSent):
		c.doubt(n)
		return verdict{next: again}
	case errors.Is(err, redis.ErrReplyTimeout): // it was in flight for a long time, and is not sent again
		c.doubt(n)
	case retry.LostReply(err):
		c.doubt(n)
		if readOnly {
			return verdict{next: again, lost: true}
		}
	}
	return verdict{}
}

// redirected is judge for err, a MOVED or ASK. wrong says why it can't be followed.
func (c *Client) redirected(n *node, r proto.Redirect, err, wrong error) verdict {
	var target *node
	addr := ""
	if wrong == nil {
		addr = c.origin(n.addr).mapped(r.Addr(n.addr))
		target, wrong = c.node(addr)
	}
	switch {
	case errors.Is(wrong, redis.ErrClosed):
		return verdict{}
	case wrong != nil: // a retry would give the same answer
		return verdict{err: unfollowable(err, wrong)}
	case target == n:
		// The node's address has changed, but the connection still leads to the old server.
		n.client.Reconnect(err)
		c.refreshSoon()
		return verdict{next: again}
	}
	target.named.Store(time.Now().UnixNano())
	if r.Ask {
		return verdict{next: toAsk, node: target}
	}
	c.movedTo(r.Slot, addr)
	// A replica that redirects reads to the primary does not replicate from that primary. This
	// happens after failovers, which may leave a replica of a replica. Don't read from it until
	// it is probed again.
	// until it is probed again.
	if now := c.routes.Load(); now != nil {
		if owner := now.of(r.Slot); owner != nil && owner.primary == target && slices.Contains(owner.replicas, n) {
			n.suspect.Store(true)
		}
	}
	return verdict{next: toNode, node: target}
}

// rejected is judge for a request that a node refuses for a temporary reason.
func (c *Client) rejected(n *node, err error) verdict {
	var reply *proto.Error
	if !errors.As(err, &reply) {
		return verdict{} // too many redirects
	}
	switch reply.Code {
	case "LOADING", "MASTERDOWN":
		if n != nil {
			n.suspect.Store(true)
		}
	case "CLUSTERDOWN", "READONLY":
		c.refreshSoon()
	}
	return verdict{next: again}
}

// doubt notes that a node could not be reached.
func (c *Client) doubt(n *node) {
	if n != nil {
		n.suspect.Store(true)
	}
	c.refreshSoon()
}

// follow retries a request where that is safe and may help, after it has failed with err at a
// node, or because there was no node. s is its slot; anySlot means any node.
func (c *Client) follow(ctx context.Context, r command.Request, s int, n *node, v proto.Value, err error) (proto.Value, error) {
	e := effort{
		client: c, name: r.Name(), slot: s, reads: r.ReadOnly(), repeats: r.Repeatable(), publishes: r.Name() == "PUBLISH", blocks: r.Blocks(),
		send: func(n *node, asking bool) (err error) {
			v, err = n.send(ctx, &r, asking)
			return err
		},
	}
	err = e.resume(ctx, n, err)
	return v, err
}

// anySlot is the slot of requests that any node can answer.
const anySlot = -1

// send sends a request once, after ASKING if asking is set. Both go in one batch, because ASKING
// applies to the next command of its connection.
func (n *node) send(ctx context.Context, r *command.Request, asking bool) (proto.Value, error) {
	if !asking {
		return n.client.Do(ctx, *r)
	}
	var rs command.Requests
	ask := command.AskingRequest()
	rs.Add(&ask)
	rs.Add(r)
	values, err := n.client.DoBatch(ctx, &rs)
	if err != nil {
		// Replies before the error are for ASKING, and the request may have run.
		var e *command.Error
		if errors.As(err, &e) {
			err = &command.Error{Command: r.Name(), Addr: e.Addr, Outcome: e.Outcome, Err: e.Err}
		}
		return proto.Value{}, err
	}
	v := values[1]
	return v, command.ReplyError(r, n.addr, v)
}

// target returns the node for a request according to the current topology, avoiding the node
// avoid if there is a choice.
func (c *Client) target(ctx context.Context, s int, reads bool, avoid *node) (*node, error) {
	r, err := c.ready(ctx, false)
	if err != nil {
		return nil, err
	}
	return c.targetOf(r, s, reads, avoid)
}

// targetOf is target with the given routes.
func (c *Client) targetOf(r *routes, s int, reads bool, avoid *node) (*node, error) {
	if s == anySlot {
		return c.anyNode(r, avoid)
	}
	if owner := r.of(s); owner != nil {
		if n := c.pick(owner, reads, avoid); n != nil {
			return n, nil
		}
	}
	c.refreshSoon()
	return nil, ErrUncovered
}

// missedReplies is how many callers in a row may run out of time before a node has answered
// until it gets no more reads.
const missedReplies = 3

// noteMissed counts callers that ran out of time before a node answered. Callers that gave up
// for another reason say nothing about the node.
func (c *Client) noteMissed(ctx context.Context, n *node, err error) {
	if n == nil || !errors.Is(ctx.Err(), context.DeadlineExceeded) || !errors.Is(err, redis.ErrMaybeExecuted) {
		return
	}
	if n.missed.Add(1) == missedReplies {
		c.doubt(n)
	}
}

// answered notes that a node answers.
func (n *node) answered() {
	if n.missed.Load() != 0 {
		n.missed.Store(0)
	}
}

// publisher returns the node for PUBLISH: the node of the channel's slot, so that messages stay
// in order. If that node does not answer, any other will do, including replicas, because a
// message reaches all nodes from any of them.
func (c *Client) publisher(r *routes, s int, avoid *node) (*node, error) {
	var owner *node
	if shard := r.of(s); shard != nil {
		owner = shard.primary
	}
	if owner != nil && owner != avoid && healthy(owner) {
		return owner, nil
	}
	// Spread the slots over the nodes, so that no node gets all messages. Each slot goes to one
	// node, so that its messages stay in order.
	if n := inTurn(r.nodes(), uint32(s), func(n *node) bool { return n != avoid && healthy(n) }, owner); n != nil {
		return n, nil
	}
	return c.anyNode(r, avoid)
}

// anyNode returns one of the primaries, avoiding the node avoid if there is another.
func (c *Client) anyNode(r *routes, avoid *node) (*node, error) {
	nodes := r.primaries()
	if len(nodes) == 0 {
		c.refreshSoon()
		return nil, ErrNoTopology
	}
	turn := c.turn.Add(1)
	if n := inTurn(nodes, turn, func(n *node) bool { return n != avoid && healthy(n) }, nil); n != nil {
		return n, nil
	}
	return inTurn(nodes, turn, func(n *node) bool { return n != avoid }, nodes[0]), nil
}
