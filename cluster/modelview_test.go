package cluster_test

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/redchan-go/redchan/cluster/slot"
)

// minority reports whether a node has noticed that it is cut off. c.mu is held.
func (n *modelNode) minority() bool {
	return !n.cutOff.IsZero() && time.Since(n.cutOff) > time.Second
}

// topology answers CLUSTER SHARDS, SLOTS and INFO. c.mu is held.
func (n *modelNode) topology(what string) string {
	c := n.c
	uncovered := slices.ContainsFunc(n.believes, func(b modelBelief) bool { return b.owner == nil })
	switch what {
	case "MYID":
		return simBulk(n.addr)
	case "INFO":
		state := "ok"
		if n.minority() || uncovered && c.refusesAll {
			state = "fail"
		}
		return simBulk(fmt.Sprintf("cluster_state:%s\r\ncluster_current_epoch:%d\r\n", state, n.epoch))
	case "SHARDS":
		if c.slots {
			return "-ERR Unknown subcommand or wrong number of arguments for 'SHARDS'. Try CLUSTER HELP.\r\n"
		}
		return n.shards()
	}
	return n.slotRanges()
}

// view returns the primaries that a node believes in, with the replicas of each.
func (n *modelNode) view() (primaries []*modelNode, replicas map[*modelNode][]*modelNode) {
	replicas = map[*modelNode][]*modelNode{}
	for _, other := range n.c.nodes {
		owns := slices.ContainsFunc(n.believes, func(b modelBelief) bool { return b.owner == other })
		switch {
		case owns, !other.left && other.master == nil:
			primaries = append(primaries, other)
		case !other.left:
			replicas[other.master] = append(replicas[other.master], other)
		}
	}
	return primaries, replicas
}

// rangesOf returns the runs of slots of a primary, as a node believes.
func (n *modelNode) rangesOf(primary *modelNode) []slot.Range {
	var ranges []slot.Range
	for u, b := range n.believes {
		if b.owner == primary {
			ranges = append(ranges, n.c.units[u].ranges...)
		}
	}
	return ranges
}

func (n *modelNode) shards() string {
	primaries, replicas := n.view()
	var raw strings.Builder
	fmt.Fprintf(&raw, "*%d\r\n", len(primaries))
	for _, p := range primaries {
		ranges := n.rangesOf(p)
		fmt.Fprintf(&raw, "%%2\r\n%s*%d\r\n", simBulk("slots"), 2*len(ranges))
		for _, r := range ranges {
			fmt.Fprintf(&raw, ":%d\r\n:%d\r\n", r.From, r.To)
		}
		nodes := append([]*modelNode{p}, replicas[p]...)
		fmt.Fprintf(&raw, "%s*%d\r\n", simBulk("nodes"), len(nodes))
		for _, other := range nodes {
			role, health := "master", "online"
			if other != p {
				role = "replica"
			}
			if other.loading {
				health = "loading"
			}
			if other.failed && n.cutOff.IsZero() {
				health = "fail"
			}
			host, port, _ := net.SplitHostPort(other.addr)
			raw.WriteString("%5\r\n" + simBulk("id") + simBulk(other.addr) + simBulk("endpoint") + simBulk(host) +
				simBulk("port") + ":" + port + "\r\n" + simBulk("role") + simBulk(role) + simBulk("health") + simBulk(health))
		}
	}
	return raw.String()
}

// slotRanges answers CLUSTER SLOTS, which leaves out what has failed.
func (n *modelNode) slotRanges() string {
	primaries, replicas := n.view()
	var raw strings.Builder
	count := 0
	for _, p := range primaries {
		nodes := append([]*modelNode{p}, slices.DeleteFunc(slices.Clone(replicas[p]), func(r *modelNode) bool { return r.failed })...)
		for _, r := range n.rangesOf(p) {
			count++
			fmt.Fprintf(&raw, "*%d\r\n:%d\r\n:%d\r\n", 2+len(nodes), r.From, r.To)
			for _, other := range nodes {
				host, port, _ := net.SplitHostPort(other.addr)
				raw.WriteString("*3\r\n" + simBulk(host) + ":" + port + "\r\n" + simBulk(other.addr))
			}
		}
	}
	return fmt.Sprintf("*%d\r\n", count) + raw.String()
}
