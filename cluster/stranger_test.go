package cluster_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redchan-go/redchan/cluster"
	"github.com/redchan-go/redchan/redis"
)

// strangers returns a node for each address, of another cluster, which serves all slots and has a
// higher epoch.
func strangers(s *sim, addrs ...string) []*simNode {
	other := newSim(s.t, 1, false)
	other.epoch = 100
	var nodes []*simNode
	for i, addr := range addrs {
		n := other.primaries[0]
		if i > 0 {
			n = other.add(addr, nil)
			other.primaries = append(other.primaries, n)
		}
		n.addr, n.id = addr, "stranger at "+addr
		nodes = append(nodes, n)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range nodes {
		s.nodes[n.addr] = n
	}
	return nodes
}

// wasSent reports whether a node was sent anything but questions who it is.
func (n *simNode) wasSent() []string {
	return slices.DeleteFunc(n.commands(), func(line string) bool { return strings.HasPrefix(line, "PING") })
}

// A node has died, and its address belongs to a node of another cluster now: that one gets nothing, and
// what it says of its own cluster counts for nothing.
func TestAddressOfAnotherCluster(t *testing.T) {
	for name, seeds := range map[string][]string{"no seed": {"n2:1"}, "a seed": {"n1:1", "n2:1"}, "the first of few": {"n1:1"}} {
		t.Run(name, func(t *testing.T) {
			story(t, 3, true, func(o *cluster.Options) { o.Addrs = seeds }, func(t *testing.T, c *cluster.Client, s *sim) {
				old, replica := s.primaries[0], s.nodes["r1:1"]
				key := s.keyAt(old, 0)
				if err := c.Set(t.Context(), key, "1"); err != nil {
					t.Fatal(err)
				}
				stranger := strangers(s, old.addr)[0]
				old.kill()
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				done := make(chan error, 1)
				go func() {
					err := c.Set(ctx, key, "2")
					done <- err
				}()
				time.Sleep(5 * time.Second)
				if got := stranger.wasSent(); len(got) > 0 {
					t.Errorf("the stranger was sent %q", got)
				}
				s.promote(replica)
				if err := <-done; err != nil {
					t.Errorf("SET: %v", err)
				}
				time.Sleep(time.Minute)
				if v, err := c.Get(t.Context(), key); v != "2" || err != nil {
					t.Errorf("GET: %q, %v", v, err)
				}
				if got := stranger.wasSent(); len(got) > 0 {
					t.Errorf("the stranger was sent %q", got)
				}
				if n := len(c.Topology().Shards()); n < 3 {
					t.Errorf("%d shards, told by %s", n, c.Topology().From)
				}
			})
		})
	}
}

// Without any other node it says who is in the way.
func TestWrongNodeIsNamed(t *testing.T) {
	story(t, 1, false, nil, func(t *testing.T, c *cluster.Client, s *sim) {
		if err := c.Set(t.Context(), "k", "v"); err != nil {
			t.Fatal(err)
		}
		old := s.primaries[0]
		strangers(s, old.addr)
		old.kill()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := c.Set(ctx, "k", "v"); !errors.Is(err, redis.ErrWrongNode) || !errors.Is(err, redis.ErrNotSent) {
			t.Errorf("%v", err)
		}
	})
}

// A cluster that was made anew at the addresses of before, where the client was told to begin, is found
// after a while in which nothing of the one before has answered.
func TestClusterMadeAnew(t *testing.T) {
	story(t, 2, false, nil, func(t *testing.T, c *cluster.Client, s *sim) {
		if err := c.Set(t.Context(), "k", "v"); err != nil {
			t.Fatal(err)
		}
		before := slices.Clone(s.primaries)
		fresh := strangers(s, "n1:1", "n2:1")
		for _, n := range before {
			n.kill()
		}
		time.Sleep(10 * time.Second)
		for _, n := range fresh {
			if got := n.wasSent(); len(got) > 0 {
				t.Errorf("the new one was sent %q", got)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := c.Set(ctx, "k", "v"); err != nil {
			t.Errorf("%v", err)
		}
	})
}
