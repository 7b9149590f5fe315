package cluster_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/redchan-go/redchan/cluster"
	"github.com/redchan-go/redchan/cluster/slot"
)

// A reply to CLUSTER SHARDS that makes no sense, or misses slots: CLUSTER SLOTS has the rest.
func TestSlotsWhereShardsSayNothing(t *testing.T) {
	for name, shards := range map[string]func(s *sim) string{
		"an odd number of slots": func(s *sim) string {
			return "*1\r\n%2\r\n" + simBulk("slots") + "*1\r\n:0\r\n" + simBulk("nodes") + "*0\r\n"
		},
		"a number": func(*sim) string { return ":7\r\n" },
		"a map of a text": func(*sim) string {
			return "%1\r\n" + simBulk("slots") + simBulk("all")
		},
		// As Redis and Valkey 7.2.0 to 7.2.5 tell a failover.
		"a shard without its slots": func(s *sim) string {
			raw := "*2\r\n%2\r\n" + simBulk("slots") + "*2\r\n:8192\r\n:16383\r\n" + simBulk("nodes") + "*1\r\n" + simShardNode("n2:1", "master", "online")
			return raw + "%2\r\n" + simBulk("slots") + "*0\r\n" + simBulk("nodes") + "*2\r\n" +
				simShardNode("n1:1", "master", "fail") + simShardNode("r1:1", "master", "online")
		},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, 2, true, func(o *cluster.Options) { o.Addrs = []string{"n2:1"} }, func(t *testing.T, c *cluster.Client, s *sim) {
				for _, n := range s.nodes {
					n.told = func(words []string) (string, bool) { return shards(s), words[1] == "SHARDS" }
				}
				s.promote(s.nodes["r1:1"])
				s.nodes["n1:1"].kill()
				s.primaries = slices.DeleteFunc(s.primaries, func(n *simNode) bool { return n.failed })
				key := s.keyAt(s.nodes["r1:1"], 0)
				if err := c.Set(t.Context(), key, "v"); err != nil {
					t.Error(err)
				}
				if topology := c.Topology(); topology == nil || len(topology.Uncovered()) > 0 {
					t.Errorf("%v", topology)
				}
			})
		})
	}
}

// simShardNode is a node of CLUSTER SHARDS.
func simShardNode(addr, role, health string) string {
	host, port, _ := net.SplitHostPort(addr)
	return "%5\r\n" + simBulk("id") + simBulk(addr) + simBulk("endpoint") + simBulk(host) +
		simBulk("port") + ":" + port + "\r\n" + simBulk("role") + simBulk(role) + simBulk("health") + simBulk(health)
}

// The node that a MOVED names is asked for the topology: it knows, others may not.
func TestWhoIsNamedIsAsked(t *testing.T) {
	for at := range 5 {
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			story(t, 12, false, nil, func(t *testing.T, c *cluster.Client, s *sim) {
				if _, err := c.Refresh(t.Context()); err != nil {
					t.Fatal(err)
				}
				old, state := s.shards(), simBulk("cluster_state:ok\r\ncluster_current_epoch:7\r\n")
				from, to := s.primaries[at], s.primaries[11]
				for _, n := range s.nodes {
					n.told = func(words []string) (string, bool) {
						if words[1] == "INFO" {
							return state, n != to
						}
						return old, n != to && words[1] == "SHARDS"
					}
				}
				key := s.keyAt(from, 0)
				s.move(to, s.slotsOf(from)...)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if err := c.Set(ctx, key, "v"); err != nil {
					t.Fatal(err)
				}
				time.Sleep(200 * time.Millisecond)
				other := s.keyAt(to, 5)
				if shard, _ := c.Topology().ShardOf(slot.Of(other)); shard.Primary.Addr != to.addr {
					t.Errorf("%v", shard.Primary)
				}
			})
		})
	}
}

// slotsOf returns the slots of a node.
func (s *sim) slotsOf(n *simNode) (slots []int) {
	for at, owner := range s.owner {
		if owner == n {
			slots = append(slots, at)
		}
	}
	return slots
}
