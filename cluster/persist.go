package cluster

import (
	"context"
	"errors"

	"github.com/redchan-go/redchan/redis"
)

// attempt is something that is tried at nodes until it is done, rejected or out of time: an effort
// for one slot or node, or a batch.
type attempt interface {
	// try tries what is left, and returns what is to become of what failed in a way that passes.
	try(ctx context.Context) retries
	// tooMany says that it was redirected so often that it is given up.
	tooMany(redirects int)
	// quarrel has the connections made again to nodes that send it to each other.
	quarrel()
}

// retries say what a try has left to do. The zero value stands for nothing: it is done, or final.
type retries struct {
	pauses    bool // something waits, and goes where the topology says then
	redirects bool // something goes at once where a node has said
	lost      bool // a reply was lost
}

// persist tries again as long as something is left that may still succeed, and there is time. left is
// what the first try has left. What fails keeps the error of its last try.
func (c *Client) persist(ctx context.Context, a attempt, left retries) {
	for p := newPatience(ctx); left != (retries{}); left = a.try(ctx) {
		if left.pauses && !p.another(ctx, c, left.lost) {
			return
		}
		if !left.redirects {
			continue
		}
		if !p.redirected(ctx, c) {
			if p.redirects >= c.options.MaxRedirects {
				a.tooMany(p.redirects)
			}
			return
		}
		if p.redirects > redirectsAtOnce { // they don't agree: perhaps one is not who it was
			a.quarrel()
		}
	}
}

// effort is an attempt for one slot or node: a request, a transaction, a session, a page of a scan.
type effort struct {
	client  *Client
	name    string
	slot    int  // anySlot for what any node can answer
	reads   bool // replicas may answer it
	repeats bool // it may be sent again where its reply was lost
	// publishes: any node will do where that of its slot can't be reached.
	publishes bool
	blocks    bool // the server may take its time
	// stays: ASK is waited out, because it would have to be followed with each command.
	stays bool
	// at is the one node that can do it, as long as while says so, where that is not nil. What is
	// redirected, or has lost that node, is final. nil: by slot.
	at    *node
	while func() bool
	// keeps is a node that is tried, whatever the slot's is, as long as it is a primary; nil for none.
	keeps *node
	// send tries it once at a node, behind ASKING where asking says so.
	send func(n *node, asking bool) error

	node   *node // where it was tried last; nil: there was none
	to     *node // where it was redirected; nil: by the topology
	asking bool
	err    error // of the last try
	reason error // why a node could not be reached, the last time that one could not
}

// run makes an effort, from its first try.
func (e *effort) run(ctx context.Context) error {
	if _, err := e.client.ready(ctx, false); err != nil {
		return notSent(e.name, "", err) // it has waited for that already
	}
	return e.finish(ctx, e.try(ctx))
}

// resume makes an effort that was tried once: with err at a node, or for want of one.
func (e *effort) resume(ctx context.Context, n *node, err error) error {
	e.node, e.err = n, err
	return e.finish(ctx, e.judge(ctx))
}

// finish tries again what is left, and returns the effort's error.
func (e *effort) finish(ctx context.Context, left retries) error {
	if left != (retries{}) {
		e.client.persist(ctx, e, left)
	}
	if e.err == nil {
		return nil
	}
	return conclude(ctx, e.err, e.reason)
}

func (e *effort) try(ctx context.Context) retries {
	if e.err != nil && e.while != nil && !e.while() {
		return retries{}
	}
	n, err := e.to, error(nil)
	if n == nil {
		n, err = e.target(ctx)
	}
	if e.node = n; err != nil {
		e.err = notSent(e.name, "", err)
	} else {
		e.err = e.send(n, e.asking)
	}
	return e.judge(ctx)
}

// target returns the node to try by the topology as it is, another than the last one where there is a
// choice.
func (e *effort) target(ctx context.Context) (*node, error) {
	if e.at != nil {
		return e.at, nil
	}
	r, err := e.client.ready(ctx, false)
	switch {
	case err != nil:
		return nil, err
	case r.isPrimary(e.keeps):
		return e.keeps, nil
	case e.publishes:
		return e.client.publisher(r, e.slot, e.node)
	}
	return e.client.targetOf(r, e.slot, e.reads, e.node)
}

// judge decides what to do about the error of the last try.
func (e *effort) judge(ctx context.Context) retries {
	if e.err = e.client.explain(e.err); e.err == nil {
		return retries{}
	}
	if !e.blocks {
		e.client.noteMissed(ctx, e.node, e.err)
	}
	to := e.client.judge(ctx, e.node, e.err, e.repeats)
	switch {
	case to.next == toAsk && e.stays:
		to = verdict{next: again}
	case e.at != nil && (to.next != again || errors.Is(e.err, ErrNodeLost)):
		to = verdict{err: to.err}
	}
	e.to, e.asking = to.node, to.next == toAsk
	switch to.next {
	case toNode, toAsk:
		return retries{redirects: true}
	case again:
		if unreachable(e.err) {
			e.reason = e.err
		}
		return retries{pauses: true, lost: to.lost}
	case final:
	}
	e.err = or(to.err, e.err)
	return retries{}
}

func (e *effort) tooMany(redirects int) {
	e.err = tooMany(e.name, e.node.addr, redirects, e.err, e.reason)
}

func (e *effort) quarrel() {
	e.node.client.Reconnect(e.err)
	e.to.client.Reconnect(e.err)
}

// unreachable reports whether err is that of a node to which nothing could be sent.
func unreachable(err error) bool {
	return errors.Is(err, redis.ErrNotSent) && !errors.Is(err, ErrUncovered) && !errors.Is(err, ErrNoTopology)
}
