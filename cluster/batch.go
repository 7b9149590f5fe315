package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/redchan-go/redchan/cluster/slot"
	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
)

// DoBatch sends requests to the nodes that serve their keys, and returns the replies in the
// order of the requests. It sends each node's requests in one batch, to all nodes at the same
// time. Programs call [Client.Exec]. Requests that are redirected, or that fail in a way that
// makes a retry safe, are sent again without the others. Requests for one slot keep their order.
// Requests without keys that any node can answer go to a node that also gets others.
//
// Some requests can't be part of a batch in a cluster: those with keys in several slots, those
// that are sent to several nodes, and those that concern one node. One of them makes DoBatch
// fail before it sends anything.
func (c *Client) DoBatch(ctx context.Context, rs *command.Requests) ([]proto.Value, error) {
	if err := rs.Err(); err != nil || rs.Len() == 0 {
		return nil, err
	}
	if !c.watched.Load() {
		c.awake()
	}
	slots, err := slotsOf(rs)
	if err != nil {
		return nil, err
	}
	b := newBatch(c, rs, slots)
	return b.run(ctx)
}

// slotsOf returns the slots of requests, or an error if one of them can't be in a batch.
func slotsOf(rs *command.Requests) ([]int, error) {
	if rs.IsTransaction() {
		return nil, refused("MULTI", "a transaction is sent by the client's Multi")
	}
	slots := make([]int, rs.Len())
	for i := range slots {
		s, err := slotIn(rs, i)
		if err != nil {
			name := rs.Name(i)
			return nil, &command.BatchError{Index: i, Len: rs.Len(), Command: name, Err: notSent(name, "", err)}
		}
		slots[i] = s
	}
	return slots, nil
}

// slotIn returns the slot of request i, or an error if it can't be in a batch.
func slotIn(rs *command.Requests, i int) (int, error) {
	s, firstKey := anySlot, ""
	for key := range rs.Routes(i) {
		of := slot.Of(key)
		if s == anySlot {
			s, firstKey = of, key
		} else if of != s {
			return 0, &CrossSlotError{[2]string{firstKey, key}, [2]int{s, of}}
		}
	}
	if s != anySlot {
		return s, nil
	}
	name := rs.Name(i)
	if why := refusal(name, rs.Spec(i)); why != "" {
		return 0, fmt.Errorf("%w: %s", redis.ErrArgument, why)
	}
	if _, ok := aggregations(name); ok {
		return 0, fmt.Errorf("%w: it is sent to several nodes: run it by the client itself, outside of a batch", redis.ErrArgument)
	}
	switch name {
	case "WAIT", "WAITAOF":
		return 0, fmt.Errorf("%w: it tells of the writes of one connection: use a session of the client", redis.ErrArgument)
	case "PUBLISH", "CLUSTER COUNTKEYSINSLOT", "CLUSTER GETKEYSINSLOT":
		r := rs.At(i)
		return slotWithoutKey(&r)
	}
	return anySlot, nil
}

// batch is the state of one DoBatch.
type batch struct {
	c       *Client
	rs      *command.Requests
	slots   []int
	written [slot.Count / 64]uint64 // a bit set of the slots that the batch writes to
	values  []proto.Value
	errs    []error       // nil if the value is the result
	todo    []errand      // requests to send
	reasons map[int]error // the last reason why a node could not be reached, by request

	lastOnce map[int]int // by slot, the last request that must not be retried; nil until it is needed
}

func newBatch(c *Client, rs *command.Requests, slots []int) *batch {
	b := &batch{c: c, rs: rs, slots: slots, values: make([]proto.Value, rs.Len()), errs: make([]error, rs.Len()), reasons: map[int]error{}}
	for i, s := range slots {
		if s != anySlot && !rs.ReadOnly(i) {
			b.written[s/64] |= 1 << (s % 64)
		}
	}
	return b
}

// reads reports whether a replica may answer request i. A replica would not see what the batch
// itself has written.
func (b *batch) reads(i int) bool {
	s := b.slots[i]
	return b.rs.ReadOnly(i) && s != anySlot && b.written[s/64]&(1<<(s%64)) == 0
}

// errand is a request on its way to a node.
type errand struct {
	index  int
	node   *node // nil means the node in the topology
	asking bool
	after  *node // the node where it failed, avoided if there is a choice
}

// run sends all requests, and retries until none is left.
func (b *batch) run(ctx context.Context) ([]proto.Value, error) {
	if _, err := b.c.ready(ctx, false); err != nil {
		return nil, notSent("batch", "", err) // it has already waited for a topology
	}
	b.todo = make([]errand, b.rs.Len())
	for i := range b.todo {
		b.todo[i].index = i
	}
	if left := b.try(ctx); left != (retries{}) {
		b.c.persist(ctx, b, left)
	}
	failed := false
	for i, err := range b.errs {
		if err != nil {
			failed = true
			b.errs[i] = conclude(ctx, err, b.reasons[i])
		}
	}
	if failed {
		return b.values, &command.RequestErrors{Errs: b.errs}
	}
	return b.values, nil
}

// tooMany sets the errors of requests that were redirected too often.
func (b *batch) tooMany(redirects int) {
	for _, e := range b.todo {
		if e.node != nil {
			b.errs[e.index] = tooMany(b.rs.Name(e.index), e.after.addr, redirects, b.errs[e.index], b.reasons[e.index])
		}
	}
}

func (b *batch) quarrel() {
	for _, e := range b.todo {
		if e.node != nil {
			e.after.client.Reconnect(b.errs[e.index])
			e.node.client.Reconnect(b.errs[e.index])
		}
	}
}

// group is the set of requests for one node.
type group struct {
	node    *node
	errands []errand
	values  []proto.Value
	err     error
	known   []bool // by errand: it was sent with a script's text, so the server can't miss the script
}

// try sends each pending request once, and notes those to retry. If one of them has to wait then
// all wait, so that requests of one slot keep their order.
func (b *batch) try(ctx context.Context) (left retries) {
	groups := b.groups(b.todo)
	b.sendAll(ctx, groups)
	byIndex := make([]*errand, b.rs.Len())
	note := func(e errand, to verdict) {
		e.after, e.asking = e.node, to.next == toAsk
		e.node = to.node // nil if the topology decides
		byIndex[e.index] = &e
		left.redirects = left.redirects || to.node != nil
		left.pauses = left.pauses || to.node == nil
		left.lost = left.lost || to.lost
	}
	for _, g := range groups {
		for at, e := range g.errands {
			to := b.result(ctx, g, at, e)
			if to.next != final {
				note(e, to)
			} else if to.err != nil {
				b.errs[e.index] = to.err
			}
			if err := b.errs[e.index]; err != nil && unreachable(err) {
				b.reasons[e.index] = err
			}
		}
	}
	for _, e := range b.todo { // requests without a node
		if err := b.errs[e.index]; byIndex[e.index] == nil && errors.Is(err, errNowhere) {
			note(errand{index: e.index}, verdict{next: again})
		}
	}
	b.todo = slices.DeleteFunc(b.todo, func(e errand) bool { return byIndex[e.index] == nil })
	for i, e := range b.todo {
		b.todo[i] = *byIndex[e.index]
	}
	return left
}

// sendAll sends the requests of all groups at the same time, and notes which nodes answer.
func (b *batch) sendAll(ctx context.Context, groups []*group) {
	var others sync.WaitGroup
	for i := range groups {
		if i > 0 {
			others.Go(func() { b.send(ctx, groups[i]) })
		}
	}
	if len(groups) > 0 {
		b.send(ctx, groups[0])
	}
	others.Wait()
	for _, g := range groups {
		if g.err != nil && !b.rs.Blocks() {
			b.c.noteMissed(ctx, g.node, g.err)
		} else if len(g.values) > 0 {
			g.node.answered()
		}
	}
}

// errNowhere marks the error of a request for which there is currently no node.
var errNowhere = errors.New("no node for it")

// groups sorts requests by node. It uses one topology for all, so that requests of one slot go
// to one node.
func (b *batch) groups(todo []errand) []*group {
	routes := b.c.routes.Load()
	var groups []*group
	of := map[*node]*group{}
	add := func(e errand) {
		g := of[e.node]
		if g == nil {
			g = &group{node: e.node}
			of[e.node] = g
			groups = append(groups, g)
		}
		g.errands = append(g.errands, e)
		b.errs[e.index] = nil
	}
	var anywhere []errand
	for _, e := range todo {
		switch s := b.slots[e.index]; {
		case e.node != nil:
			add(e)
		case s == anySlot:
			anywhere = append(anywhere, e)
		default:
			n, err := b.c.targetFor(routes, b, e)
			if err != nil {
				b.errs[e.index] = notSent(b.rs.Name(e.index), "", fmt.Errorf("%w: %w", errNowhere, err))
				continue
			}
			e.node = n
			add(e)
		}
	}
	for _, e := range anywhere {
		if len(groups) > 0 && groups[0].node != e.after {
			e.node = groups[0].node
		} else if n, err := b.c.targetOf(routes, anySlot, false, e.after); err == nil {
			e.node = n
		} else {
			b.errs[e.index] = notSent(b.rs.Name(e.index), "", fmt.Errorf("%w: %w", errNowhere, err))
			continue
		}
		add(e)
	}
	if len(anywhere) > 0 { // they go after the others
		for _, g := range groups {
			slices.SortFunc(g.errands, func(a, b errand) int { return a.index - b.index })
		}
	}
	return groups
}

// targetFor returns the node for a request according to the topology.
func (c *Client) targetFor(r *routes, b *batch, e errand) (*node, error) {
	if b.rs.Name(e.index) == "PUBLISH" {
		return c.publisher(r, b.slots[e.index], e.after)
	}
	return c.targetOf(r, b.slots[e.index], b.reads(e.index), e.after)
}

// send sends a group's requests in one batch.
func (b *batch) send(ctx context.Context, g *group) {
	g.known = make([]bool, len(g.errands))
	if len(g.errands) == b.rs.Len() && !g.asking() {
		for at, e := range g.errands {
			g.known[at] = b.rs.HasText(e.index)
		}
		g.values, g.err = g.node.client.DoBatch(ctx, b.rs)
		return
	}
	var rs command.Requests
	ask := command.AskingRequest()
	for at, e := range g.errands {
		if e.asking {
			rs.Add(&ask)
		}
		rs.Join(b.rs, e.index)
		g.known[at] = rs.HasText(rs.Len() - 1)
	}
	values, err := g.node.client.DoBatch(ctx, &rs)
	g.err = err
	at := 0
	for _, e := range g.errands {
		if e.asking {
			at++
		}
		if at >= len(values) {
			break
		}
		g.values = append(g.values, values[at])
		at++
	}
}

// asking reports whether some of a group's requests are sent after ASKING.
func (g *group) asking() bool {
	for _, e := range g.errands {
		if e.asking {
			return true
		}
	}
	return false
}

// result notes the outcome of the request at an index of its group, and returns what to do about
// it.
func (b *batch) result(ctx context.Context, g *group, at int, e errand) verdict {
	i := e.index
	if at < len(g.values) {
		v := g.values[at]
		b.values[i] = v
		if v.Kind() != proto.KindError {
			return verdict{}
		}
		r := b.rs.At(i)
		err := command.ReplyError(&r, g.node.addr, v)
		if !errors.Is(err, redis.ErrRejected) {
			if b.rs.IsScript(i) && !g.known[at] && unknownScript(err) {
				// An earlier request had the text, but was redirected: send the text with this one.
				b.errs[i] = err
				return verdict{next: toNode, node: g.node}
			}
			return verdict{} // the caller of the batch handles it
		}
		b.errs[i] = err
		return b.c.judge(ctx, g.node, err, b.rs.RepeatableAt(i))
	}
	err := g.err
	if err == nil {
		err = &command.Error{Command: "batch", Addr: g.node.addr, Outcome: command.MaybeExecuted, Err: errNoReply}
	}
	b.errs[i] = b.c.explain(err)
	return b.c.judge(ctx, g.node, b.errs[i], b.rs.RepeatableAt(i) && !b.overtaken(i))
}

// overtaken reports whether a later write to the slot of request i can't be retried along with
// request i. If request i were sent again alone, a read might see what that write has written,
// and a write might come after it.
func (b *batch) overtaken(i int) bool {
	if b.lastOnce == nil {
		b.lastOnce = map[int]int{}
		for j, s := range b.slots {
			if s != anySlot && !b.rs.RepeatableAt(j) {
				b.lastOnce[s] = j
			}
		}
	}
	return b.lastOnce[b.slots[i]] > i
}

// unknownScript reports whether a node does not know a script, and so has not run it. A script's
// own errors may say so too, but in other words.
func unknownScript(err error) bool {
	var reply *proto.Error
	return errors.As(err, &reply) && reply.Code == "NOSCRIPT" &&
		(reply.Message == "No matching script. Please use EVAL." || reply.Message == "No matching script.")
}

// errNoReply reports a batch that returned neither an error nor a reply.
var errNoReply = errors.New("the batch came back without its reply")
