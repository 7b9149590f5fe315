package cluster

import (
	"context"
	"errors"

	"github.com/redchan-go/redchan/redis"
)

// attempt is something to try at nodes until it is done, rejected or out of time: an effort for
// one slot or node, or a batch.
type attempt interface {
	// try tries what is left, and returns how to continue with what failed in a way that makes a
	// retry useful.
	try(ctx context.Context) retries
	// tooMany gives up what was redirected too often.
	tooMany(redirects int)
	// quarrel renews the connections to nodes that redirect the request to each other.
	quarrel()
}

// retries says what a try has left to do. The zero value means nothing: everything is done, or
// final.
type retries struct {
	pauses    bool // something waits, and then goes where the topology says
	redirects bool // something goes at once to the node of a redirect
	lost      bool // a reply was lost
}

// persist tries again as long as something is left that may still succeed, and there is time.
// left says what the first try has left. What fails keeps the error of its last try.
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
		if p.redirects > redirectsAtOnce { // they don't agree: perhaps an address has changed its owner
			a.quarrel()
		}
	}
}

// effort is an attempt for one slot or node: a request, a transaction, a session, or a page of a
// scan.
type effort struct {
	client  *Client
	name    string
	slot    int  // anySlot if any node can answer
	reads   bool // replicas may answer
	repeats bool // it may be repeated after its reply was lost
	// publishes: any node will do if the node of its slot can't be reached.
	publishes bool
	blocks    bool // the server may take its time
	// stays: it waits while the node answers ASK, because following ASK would take an ASKING
	// before each command.
	stays bool
	// at, if not nil, is the only node for the effort, as long as while returns true. A redirect
	// or the loss of that node is then final. nil means the node of the slot.
	at    *node
	while func() bool
	// keeps is a node to try, whichever node serves the slot, as long as it is a primary; nil
	// means none.
	keeps *node
	// send tries it once at a node, after ASKING if asking is set.
	send func(n *node, asking bool) error

	node   *node // where it was last tried; nil if nowhere
	to     *node // where it was redirected; nil means that the topology decides
	asking bool
	err    error // of the last try
	reason error // the last reason why a node could not be reached
}

// run makes an effort, starting with its first try.
func (e *effort) run(ctx context.Context) error {
	if _, err := e.client.ready(ctx, false); err != nil {
		return notSent(e.name, "", err) // it has already waited for a topology
	}
	return e.finish(ctx, e.try(ctx))
}

// resume continues an effort after its first try, which failed with err at node n, or because
// there was no node.
func (e *effort) resume(ctx context.Context, n *node, err error) error {
	e.node, e.err = n, err
	return e.finish(ctx, e.judge(ctx))
}

// finish retries what is left, and returns the effort's error.
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

// target returns the node to try according to the current topology, avoiding the last one if
// there is a choice.
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

// unreachable reports whether err means that nothing could be sent to the node.
func unreachable(err error) bool {
	return errors.Is(err, redis.ErrNotSent) && !errors.Is(err, ErrUncovered) && !errors.Is(err, ErrNoTopology)
}
