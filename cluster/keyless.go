package cluster

import (
	"context"
	"strconv"

	"github.com/redchan-go/redchan/cluster/slot"
	"github.com/redchan-go/redchan/internal/retry"
	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
)

// doAnywhere is Do for requests without keys. The package comment says where each command goes.
func (c *Client) doAnywhere(ctx context.Context, r command.Request) (proto.Value, error) {
	if err := r.Err(); err != nil {
		return proto.Value{}, notSent(r.Name(), "", err)
	}
	name := r.Name()
	if why := refusal(name, r.Spec()); why != "" {
		return proto.Value{}, refused(name, why)
	}
	if name == "RANDOMKEY" {
		return c.randomKey(ctx, r)
	}
	if plan, ok := aggregations(name); ok {
		return c.aggregate(ctx, r, plan)
	}
	s, err := slotWithoutKey(&r)
	if err != nil {
		return proto.Value{}, err
	}
	routes, err := c.ready(ctx, false)
	if err != nil {
		return proto.Value{}, notSent(name, "", err) // it has already waited for a topology
	}
	var n *node
	if name == "PUBLISH" {
		n, err = c.publisher(routes, s, nil)
	} else {
		n, err = c.targetOf(routes, s, false, nil)
	}
	if err != nil {
		return c.follow(ctx, r, s, nil, proto.Value{}, notSent(name, "", err))
	}
	v, err := n.client.Do(ctx, r)
	if err == nil {
		n.answered()
		return v, nil
	}
	return c.follow(ctx, r, s, n, v, err)
}

// slotWithoutKey returns the slot of a request that names its slot other than by a key, or
// anySlot.
func slotWithoutKey(r *command.Request) (int, error) {
	switch r.Name() {
	case "PUBLISH": // always at the same node, so that messages stay in order
		if r.Len() > 0 {
			return slot.Of(r.Arg(0)), nil
		}
	case "CLUSTER COUNTKEYSINSLOT", "CLUSTER GETKEYSINSLOT":
		if r.Len() > 0 {
			s, err := strconv.Atoi(r.Arg(0))
			if err != nil || s < 0 || s >= slot.Count {
				return 0, refused(r.Name(), "its slot is no number below 16384")
			}
			return s, nil
		}
	}
	return anySlot, nil
}

// refusal returns why a command without keys is refused, or "" if it is sent.
func refusal(name string, spec *command.Spec) string {
	switch name {
	case "SCAN":
		return "a cursor belongs to one node: use the client's ScanAll, or scan each node of ForEachPrimary"
	case "CONFIG GET", "ACL LIST", "ACL USERS", "ACL GETUSER", "ACL DRYRUN", "ACL LOG", "MODULE LIST":
		return "" // any node can answer
	}
	if _, ok := aggregations(name); ok || spec == nil || spec.Flags&command.FlagAdmin == 0 {
		return ""
	}
	return "it concerns one node: use the client's Node, ForEachNode or ForEachPrimary"
}

// randomKey asks the primaries one after the other until one has a key.
func (c *Client) randomKey(ctx context.Context, r command.Request) (proto.Value, error) {
	nodes, err := c.audienceOf(ctx, primaries)
	if err != nil {
		return proto.Value{}, conclude(ctx, notSent(r.Name(), "", err), nil)
	}
	var v proto.Value
	start := retry.Random().IntN(len(nodes))
	for i := range nodes {
		n := nodes[(start+i)%len(nodes)]
		v, err = n.client.Do(ctx, r)
		if v, err = c.follow(ctx, r, anySlot, n, v, err); err != nil || !v.IsNull() {
			return v, err
		}
	}
	return v, nil
}
