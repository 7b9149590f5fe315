package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
)

// aggregation says to which nodes a command without keys is sent, and how their replies are
// combined.
type aggregation struct {
	nodes   audience
	combine func([]proto.Value) (proto.Value, error)
	// anyway makes the command succeed if at least one node's reply is not an error.
	anyway bool
}

// audience is the set of nodes that a command is sent to.
type audience uint8

const (
	primaries audience = iota
	allNodes
	runners // all nodes that run scripts
)

// aggregations returns how to handle a command that goes to several nodes. The package comment
// has the same list.
func aggregations(name string) (aggregation, bool) {
	switch name {
	case "DBSIZE":
		return aggregation{nodes: primaries, combine: sum}, true
	case "KEYS":
		return aggregation{nodes: primaries, combine: concatenated}, true
	case "RANDOMKEY": // handled separately
		return aggregation{}, true
	case "FLUSHALL", "FLUSHDB", "FUNCTION LOAD", "FUNCTION DELETE", "FUNCTION FLUSH", "FUNCTION RESTORE":
		return aggregation{nodes: primaries, combine: first}, true
	case "PUBSUB CHANNELS", "PUBSUB SHARDCHANNELS":
		return aggregation{nodes: allNodes, combine: union}, true
	case "PUBSUB NUMSUB", "PUBSUB SHARDNUMSUB":
		return aggregation{nodes: allNodes, combine: sumByName}, true
	case "PUBSUB NUMPAT":
		return aggregation{nodes: allNodes, combine: sum}, true
	case "CONFIG SET", "CONFIG RESETSTAT", "CONFIG REWRITE", "ACL SETUSER", "ACL LOAD", "ACL SAVE":
		return aggregation{nodes: allNodes, combine: first}, true
	case "ACL DELUSER":
		return aggregation{nodes: allNodes, combine: highest}, true
	case "SCRIPT KILL", "FUNCTION KILL":
		return aggregation{nodes: allNodes, combine: first, anyway: true}, true
	case "SCRIPT LOAD", "SCRIPT FLUSH":
		return aggregation{nodes: runners, combine: first}, true
	case "SCRIPT EXISTS":
		return aggregation{nodes: runners, combine: lowestEach}, true
	}
	return aggregation{}, false
}

// audienceOf returns the nodes that a command is sent to. If these are all primaries, and a
// primary that has slots is missing, it waits as it does for a primary that can't be reached.
func (c *Client) audienceOf(ctx context.Context, a audience) ([]*node, error) {
	r, err := c.ready(ctx, false)
	if err != nil {
		return nil, err
	}
	for p := newPatience(ctx); a != allNodes && r.headless(); r = c.routes.Load() {
		c.refreshSoon()
		if !p.another(ctx, c, false) {
			return nil, ErrUncovered
		}
	}
	nodes := r.primaries()
	if a == allNodes || a == runners && c.options.ReadFrom != Primary {
		nodes = r.nodes()
	}
	if len(nodes) == 0 {
		return nil, ErrNoTopology
	}
	return nodes, nil
}

// aggregate sends a request to several nodes at the same time, and combines their replies. It
// retries at each node where a retry is safe and may help.
func (c *Client) aggregate(ctx context.Context, r command.Request, plan aggregation) (proto.Value, error) {
	nodes, err := c.audienceOf(ctx, plan.nodes)
	if err != nil {
		return proto.Value{}, conclude(ctx, notSent(r.Name(), "", err), nil)
	}
	values, errs := make([]proto.Value, len(nodes)), make([]error, len(nodes))
	var calls sync.WaitGroup
	for i, n := range nodes {
		calls.Go(func() { values[i], errs[i] = c.stay(ctx, n, r, plan.nodes) })
	}
	calls.Wait()

	var good []proto.Value
	for i, err := range errs {
		if err == nil {
			good = append(good, values[i])
		}
	}
	if len(good) == 0 || len(good) < len(nodes) && !plan.anyway {
		return proto.Value{}, failedOn(&r, len(nodes), len(good), errs)
	}
	return plan.combine(good)
}

// stay sends a request to one node, and retries where a retry is safe and may help. It does not
// retry a request for primaries if the node is no longer a primary.
func (c *Client) stay(ctx context.Context, n *node, r command.Request, goal audience) (v proto.Value, err error) {
	e := effort{
		client: c, name: r.Name(), repeats: r.Repeatable(), blocks: r.Blocks(), at: n,
		while: func() bool { return goal != primaries || c.routes.Load().isPrimary(n) },
		send: func(n *node, _ bool) (err error) {
			v, err = n.client.Do(ctx, r)
			return err
		},
	}
	err = e.run(ctx)
	return v, err
}

// failedOn returns the error of a command that failed on some of several nodes. If others have
// run it, a retry is not safe, whatever the first error was.
func failedOn(r *command.Request, nodes, ran int, errs []error) error {
	first := errs[slices.IndexFunc(errs, func(err error) bool { return err != nil })]
	allSafe := true
	for _, err := range errs {
		allSafe = allSafe && (err == nil || redis.SafeToRetry(err))
	}
	var e *command.Error
	if ran == 0 && allSafe || r.ReadOnly() || !errors.As(first, &e) {
		return first
	}
	outcome := e.Outcome
	if outcome == command.NotSent || outcome == command.Rejected {
		outcome = command.MaybeExecuted
	}
	return &command.Error{
		Command: e.Command, Addr: e.Addr, Outcome: outcome,
		Err: fmt.Errorf("%d of %d nodes have run it; node %s: %w", ran, nodes, e.Addr, e.Err),
	}
}

// first returns the first reply, for commands to which all nodes reply the same.
func first(values []proto.Value) (proto.Value, error) { return values[0], nil }

func sum(values []proto.Value) (proto.Value, error) {
	n := int64(0)
	for _, v := range values {
		n += v.Int()
	}
	return proto.Integer(n), nil
}

func highest(values []proto.Value) (proto.Value, error) {
	n := int64(math.MinInt64)
	for _, v := range values {
		n = max(n, v.Int())
	}
	return proto.Integer(n), nil
}

// concatenated returns one array with the strings of all replies.
func concatenated(values []proto.Value) (proto.Value, error) {
	var all []string
	for _, v := range values {
		for text := range v.All() {
			all = append(all, text.Str())
		}
	}
	return parse(proto.AppendCommand(nil, all...))
}

// union returns one sorted array with the distinct strings of all replies.
func union(values []proto.Value) (proto.Value, error) {
	var all []string
	for _, v := range values {
		for text := range v.All() {
			all = append(all, text.Str())
		}
	}
	slices.Sort(all)
	return parse(proto.AppendCommand(nil, slices.Compact(all)...))
}

// sumByName returns pairs of names and sums, in the order of the first reply.
func sumByName(values []proto.Value) (proto.Value, error) {
	var names []string
	sums := map[string]int64{}
	for _, v := range values {
		for name, n := range v.Pairs() {
			if _, ok := sums[name.Str()]; !ok {
				names = append(names, name.Str())
			}
			sums[name.Str()] += n.Int()
		}
	}
	b := proto.AppendArray(nil, 2*len(names))
	for _, name := range names {
		b = proto.AppendString(b, name)
		b = fmt.Appendf(b, ":%d\r\n", sums[name])
	}
	return parse(b)
}

// lowestEach returns an array with the lowest number at each index.
func lowestEach(values []proto.Value) (proto.Value, error) {
	lowest := map[int]int64{}
	for _, v := range values {
		i := 0
		for n := range v.All() {
			if least, ok := lowest[i]; !ok || n.Int() < least {
				lowest[i] = n.Int()
			}
			i++
		}
	}
	b := proto.AppendArray(nil, len(lowest))
	for _, i := range slices.Sorted(maps.Keys(lowest)) {
		b = fmt.Appendf(b, ":%d\r\n", lowest[i])
	}
	return parse(b)
}

// parse returns a reply that was combined here. It sets no limits, because the reply of each
// node was within the limits.
func parse(wire []byte) (proto.Value, error) {
	return proto.NewReader(strings.NewReader(string(wire)), proto.Limits{
		MaxBulk: math.MaxInt32, MaxElements: math.MaxInt32,
	}).Next()
}
