package cluster_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redchan-go/redchan/cluster"
	"github.com/redchan-go/redchan/cluster/slot"
	"github.com/redchan-go/redchan/redis/command"
)

// reads counts the GETs that nodes have answered since the last time.
func reads(nodes ...*simNode) []int {
	counts := make([]int, len(nodes))
	for i, n := range nodes {
		for _, line := range n.commands() {
			if strings.HasPrefix(line, "GET ") {
				counts[i]++
			}
		}
	}
	return counts
}

func TestReadFrom(t *testing.T) {
	for name, test := range map[string]struct {
		from cluster.ReadFrom
		want []int // of the primary and its two replicas
	}{
		"primary":        {cluster.Primary, []int{12, 0, 0}},
		"prefer replica": {cluster.PreferReplica, []int{0, 6, 6}},
		"round robin":    {cluster.RoundRobin, []int{4, 4, 4}},
		"zone":           {cluster.Zone("b"), []int{0, 0, 12}},
		"zone, primary":  {cluster.Zone("a"), []int{12, 0, 0}},
		"another zone":   {cluster.Zone("z"), []int{0, 6, 6}},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, 1, true, func(o *cluster.Options) { o.ReadFrom = test.from }, func(t *testing.T, c *cluster.Client, s *sim) {
				p, r1 := s.primaries[0], s.nodes["r1:1"]
				r2 := s.add("r2:1", p)
				p.set(func() {
					p.told = func(words []string) (string, bool) {
						raw := s.shards()
						for addr, zone := range map[string]string{"n1:1": "a", "r2:1": "b"} {
							id := "%5\r\n" + simBulk("id") + simBulk(addr)
							raw = strings.Replace(raw, id, "%6\r\n"+simBulk("availability-zone")+simBulk(zone)+id[4:], 1)
						}
						return raw, words[1] == "SHARDS"
					}
				})
				if err := c.Set(t.Context(), "k", "v"); err != nil {
					t.Fatal(err)
				}
				for _, n := range []*simNode{p, r1, r2} { // none is asked for the zones but p
					n.set(func() { n.told = p.told })
				}
				for range 12 {
					if v, err := c.Get(t.Context(), "k"); v != "v" || err != nil {
						t.Fatalf("GET: %q, %v", v, err)
					}
				}
				if got := reads(p, r1, r2); fmt.Sprint(got) != fmt.Sprint(test.want) {
					t.Errorf("%v, want %v", got, test.want)
				}
				// Writes go to the primary whatever the policy is.
				if _, err := c.Incr(t.Context(), "n"); err != nil {
					t.Error(err)
				}
				if got := p.commands(); len(got) != 1 {
					t.Errorf("%q", got)
				}
			})
		})
	}
}

// Where the topology does not tell the zones, the nodes are asked.
func TestReadFromZoneOfInfo(t *testing.T) {
	story(t, 1, true, func(o *cluster.Options) { o.ReadFrom = cluster.Zone("b") }, func(t *testing.T, c *cluster.Client, s *sim) {
		p, r1, r2 := s.primaries[0], s.nodes["r1:1"], s.add("r2:1", s.primaries[0])
		asked := 0
		for _, n := range []*simNode{p, r1, r2} {
			n.answer = func(words []string) (string, bool) {
				if words[0] != "INFO" {
					return "", false
				}
				asked++
				if n == r2 {
					return simBulk("# Server\r\navailability_zone:b\r\n"), true
				}
				return simBulk("# Server\r\nredis_version:8.0.0\r\n"), true
			}
		}
		if err := c.Set(t.Context(), "k", "v"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		reads(p, r1, r2)
		for range 10 {
			if _, err := c.Get(t.Context(), "k"); err != nil {
				t.Fatal(err)
			}
		}
		if got := reads(p, r1, r2); fmt.Sprint(got) != "[0 0 10]" {
			t.Errorf("%v", got)
		}
		if asked != 3 {
			t.Errorf("INFO came %d times", asked)
		}
	})
}

// slow delays what a node answers.
func (n *simNode) slow(d time.Duration) {
	n.set(func() {
		n.delay = d
	})
}

func TestReadFromLowestLatency(t *testing.T) {
	story(t, 1, true, func(o *cluster.Options) { o.ReadFrom = cluster.LowestLatency }, func(t *testing.T, c *cluster.Client, s *sim) {
		p, r1 := s.primaries[0], s.nodes["r1:1"]
		p.slow(20 * time.Millisecond)
		r1.slow(5 * time.Millisecond)
		if err := c.Set(t.Context(), "k", "v"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second) // it is measured beside
		reads(p, r1)
		for range 10 {
			if _, err := c.Get(t.Context(), "k"); err != nil {
				t.Fatal(err)
			}
		}
		if got := reads(p, r1); got[0] != 0 || got[1] != 10 {
			t.Errorf("%v", got)
		}
		r1.slow(50 * time.Millisecond)
		time.Sleep(20 * time.Second)
		reads(p, r1)
		if _, err := c.Get(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		if got := reads(p, r1); got[0] != 1 {
			t.Errorf("%v", got)
		}
	})
}

// A replica that can't be reached costs nothing but a moment: the primary answers.
func TestReplicaIsLost(t *testing.T) {
	story(t, 1, true, func(o *cluster.Options) { o.ReadFrom = cluster.PreferReplica }, func(t *testing.T, c *cluster.Client, s *sim) {
		p, r1 := s.primaries[0], s.nodes["r1:1"]
		if err := c.Set(t.Context(), "k", "v"); err != nil {
			t.Fatal(err)
		}
		r1.kill()
		for range 10 {
			if v, err := c.Get(t.Context(), "k"); v != "v" || err != nil {
				t.Fatalf("GET: %q, %v", v, err)
			}
		}
		r1.server.Refuse(nil)
		time.Sleep(20 * time.Second) // the next refreshes see that it is back
		reads(p, r1)
		if _, err := c.Get(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		if got := reads(p, r1); got[1] != 1 {
			t.Errorf("%v", got)
		}
	})
	// Also one that still loads.
	story(t, 1, true, func(o *cluster.Options) { o.ReadFrom = cluster.PreferReplica }, func(t *testing.T, c *cluster.Client, s *sim) {
		r1 := s.nodes["r1:1"]
		r1.answer = func(words []string) (string, bool) {
			return "-LOADING Redis is loading the dataset in memory\r\n", words[0] == "GET"
		}
		if err := c.Set(t.Context(), "k", "v"); err != nil {
			t.Fatal(err)
		}
		if v, err := c.Get(t.Context(), "k"); v != "v" || err != nil {
			t.Errorf("GET: %q, %v", v, err)
		}
	})
}

// A replica that follows another replica sends reads to the primary. It is not asked again
// until it was probed.
func TestChainedReplica(t *testing.T) {
	story(t, 1, true, func(o *cluster.Options) { o.ReadFrom = cluster.PreferReplica }, func(t *testing.T, c *cluster.Client, s *sim) {
		p, r1 := s.primaries[0], s.nodes["r1:1"]
		var chained atomic.Bool
		chained.Store(true)
		r1.answer = func(words []string) (string, bool) {
			return fmt.Sprintf("-MOVED %d %s\r\n", slot.Of("k"), p.addr), chained.Load() && words[0] == "GET"
		}
		if err := c.Set(t.Context(), "k", "v"); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			if v, err := c.Get(t.Context(), "k"); v != "v" || err != nil {
				t.Fatalf("GET: %q, %v", v, err)
			}
		}
		if got := reads(p, r1); got[0] != 10 || got[1] != 1 {
			t.Errorf("%v", got)
		}
		chained.Store(false)
		time.Sleep(20 * time.Second) // the next refreshes probe it
		reads(p, r1)
		if _, err := c.Get(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		if got := reads(p, r1); got[1] != 1 {
			t.Errorf("%v", got)
		}
	})
}

// In a batch replicas answer reads, but not of what the batch itself writes.
func TestReadFromInBatch(t *testing.T) {
	story(t, 2, true, func(o *cluster.Options) { o.ReadFrom = cluster.PreferReplica }, func(t *testing.T, c *cluster.Client, s *sim) {
		a, b := s.keyAt(s.primaries[0], 0), s.keyAt(s.primaries[1], 0)
		if err := c.Set(t.Context(), b, "b"); err != nil {
			t.Fatal(err)
		}
		var batch command.Batch
		batch.Set(a, "a")
		gotA, gotB := batch.Get(a), batch.Get(b)
		if err := c.Exec(t.Context(), &batch); err != nil {
			t.Fatal(err)
		}
		if gotA.Value() != "a" || gotB.Value() != "b" {
			t.Errorf("%q, %q", gotA.Value(), gotB.Value())
		}
		if got := reads(s.primaries[0], s.nodes["r1:1"], s.primaries[1], s.nodes["r2:1"]); fmt.Sprint(got) != "[1 0 0 1]" {
			t.Errorf("%v", got)
		}
	})
}
