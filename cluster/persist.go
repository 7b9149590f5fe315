package cluster

import (
	"context"
	"errors"

	"github.com/redchan-go/redchan/redis"
)

// effort is something for one slot, a request, a transaction or a session, that is tried at one node
// after the other until it is done, final or out of time.
type effort struct {
	name    string
	slot    int  // anySlot for what any node can answer
	reads   bool // replicas may answer it
	repeats bool // it may be sent again where its reply was lost
	// publishes: any node will do where that of its slot can't be reached.
	publishes bool
	blocks    bool // the server may take its time
	// stays: ASK is waited out, because it would have to be followed with each command.
	stays bool
	// send tries it once at a node, behind ASKING where asking says so.
	send func(n *node, asking bool) error
}

// persist makes an effort again where that is safe and may help, after it has failed with err at a
// node, or for want of one.
func (c *Client) persist(ctx context.Context, e *effort, n *node, err error) error {
	var reason error // why a node could not be reached, the last time that one could not
	for p := newPatience(ctx); ; {
		err = c.explain(err)
		if err == nil {
			return nil
		}
		asking := false
		if !e.blocks {
			c.noteMissed(ctx, n, err)
		}
		to := c.judge(ctx, n, err, e.repeats)
		if to.next == toAsk && e.stays {
			to = verdict{next: again}
		}
		switch to.next {
		case final:
			return conclude(ctx, or(to.err, err), reason)
		case again:
			if unreachable(err) {
				reason = err
			}
			if !p.another(ctx, c, to.lost) {
				return conclude(ctx, err, reason)
			}
			if n, err = c.aim(ctx, e, n); err != nil {
				err = notSent(e.name, "", err)
				n = nil
				continue
			}
		case toNode, toAsk:
			if !p.redirected(ctx, c) {
				if p.redirects >= c.options.MaxRedirects {
					err = tooMany(e.name, n.addr, p.redirects, err, reason)
				}
				return conclude(ctx, err, reason)
			}
			if p.redirects > redirectsAtOnce { // they don't agree: perhaps one is not who it was
				redis.ForCluster(n.client).Reconnect(err)
				redis.ForCluster(to.node.client).Reconnect(err)
			}
			n, asking = to.node, to.next == toAsk
		}
		err = e.send(n, asking)
	}
}

// begin makes an effort, from its first try.
func (c *Client) begin(ctx context.Context, e *effort) error {
	if _, err := c.ready(ctx, false); err != nil {
		return notSent(e.name, "", err) // it has waited for that already
	}
	n, err := c.aim(ctx, e, nil)
	if err != nil {
		err = notSent(e.name, "", err)
	} else if err = e.send(n, false); err == nil {
		return nil
	}
	return c.persist(ctx, e, n, err)
}

// aim returns the node for an effort by the topology as it is, another than avoid where there is a
// choice.
func (c *Client) aim(ctx context.Context, e *effort, avoid *node) (*node, error) {
	r, err := c.ready(ctx, false)
	switch {
	case err != nil:
		return nil, err
	case e.publishes:
		return c.publisher(r, e.slot, avoid)
	}
	return c.targetOf(r, e.slot, e.reads, avoid)
}

// unreachable reports whether err is that of a node to which nothing could be sent.
func unreachable(err error) bool {
	return errors.Is(err, redis.ErrNotSent) && !errors.Is(err, ErrUncovered) && !errors.Is(err, ErrNoTopology)
}
