package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redchan-go/redchan/cluster"
	"github.com/redchan-go/redchan/cluster/slot"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
)

func TestRouting(t *testing.T) {
	for _, noShards := range []bool{false, true} {
		t.Run(fmt.Sprint("slots ", noShards), func(t *testing.T) {
			story(t, 3, false, nil, func(t *testing.T, c *cluster.Client, s *sim) {
				s.noShards = noShards
				for i, n := range s.primaries {
					key := s.keyAt(n, i)
					if err := c.Set(t.Context(), key, "v"); err != nil {
						t.Fatal(err)
					}
					if v, err := c.Get(t.Context(), key); v != "v" || err != nil {
						t.Errorf("GET: %q, %v", v, err)
					}
					if got := n.commands(); !slices.Equal(got, []string{"SET " + key + " v", "GET " + key}) {
						t.Errorf("%s was asked %q", n.addr, got)
					}
				}
				if _, err := c.Get(t.Context(), "missing"); err != redis.Nil {
					t.Errorf("GET of nothing: %v", err)
				}
				if n, err := c.SPublish(t.Context(), s.keyAt(s.primaries[1], 5), "m"); n != 1 || err != nil {
					t.Errorf("SPUBLISH: %v", err)
				}
				if got := s.primaries[1].commands(); len(got) == 0 || !strings.HasPrefix(got[len(got)-1], "SPUBLISH") {
					t.Errorf("%q", got)
				}
				if n := len(c.Topology().Shards()); n != 3 || len(c.Topology().Uncovered()) > 0 {
					t.Errorf("%d shards", n)
				}
			})
		})
	}
}

func TestMoved(t *testing.T) {
	story(t, 3, false, nil, func(t *testing.T, c *cluster.Client, s *sim) {
		from, to := s.primaries[0], s.primaries[1]
		key := s.keyAt(from, 0)
		if err := c.Set(t.Context(), key, "v"); err != nil {
			t.Fatal(err)
		}
		s.move(to, slot.Of(key))
		from.commands()
		if v, err := c.Get(t.Context(), key); v != "v" || err != nil {
			t.Errorf("GET: %q, %v", v, err)
		}
		// The map knows it at once, before any refresh.
		if v, err := c.Get(t.Context(), key); v != "v" || err != nil {
			t.Errorf("GET: %q, %v", v, err)
		}
		if got := from.commands(); len(got) != 1 {
			t.Errorf("the node before was asked %q", got)
		}
		if got := to.commands(); len(got) != 2 {
			t.Errorf("the new node was asked %q", got)
		}
		shard, ok := c.Topology().ShardOf(slot.Of(key))
		if !ok || shard.Primary.Addr != to.addr {
			t.Errorf("%v, %v", shard, ok)
		}
	})
}

// A thousand callers that are redirected cause few refreshes: at the same time, and within
// 150 ms, while the nodes that are asked still tell what was before.
func TestMovedStorm(t *testing.T) {
	for name, test := range map[string]struct {
		apart time.Duration
		stale bool
	}{"at once": {0, false}, "one after the other": {150 * time.Microsecond, true}} {
		t.Run(name, func(t *testing.T) {
			story(t, 3, false, nil, func(t *testing.T, c *cluster.Client, s *sim) {
				if _, err := c.Refresh(t.Context()); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second)
				from, to := s.primaries[0], s.primaries[1]
				var slots []int
				var keys []string
				for i := 0; len(keys) < 1000; i++ {
					key := fmt.Sprint(i)
					if s.owner[slot.Of(key)] == from {
						keys, slots = append(keys, key), append(slots, slot.Of(key))
					}
				}
				old := s.shards()
				slices.Sort(slots)
				s.move(to, slices.Compact(slots)...)
				for _, n := range s.primaries {
					n.set(func() {
						n.told = func(words []string) (string, bool) { return old, test.stale && words[1] == "SHARDS" }
					})
				}
				before := s.refreshes()
				var callers sync.WaitGroup
				for i, key := range keys {
					callers.Go(func() {
						time.Sleep(time.Duration(i) * test.apart)
						if err := c.Set(t.Context(), key, "v"); err != nil {
							t.Errorf("SET: %v", err)
						}
					})
				}
				callers.Wait()
				time.Sleep(time.Second)
				// Each refresh asks two nodes.
				if n := s.refreshes() - before; n == 0 || n > 2*3 {
					t.Errorf("nodes were asked %d times", n)
				}
				if n := len(to.data); n != len(keys) {
					t.Errorf("%d keys", n)
				}
			})
		})
	}
}

// ASKING stands in front of the command, on the same connection, and the map stays.
func TestAsk(t *testing.T) {
	story(t, 3, false, nil, func(t *testing.T, c *cluster.Client, s *sim) {
		from, to := s.primaries[0], s.primaries[1]
		key := s.keyAt(from, 0)
		if _, err := c.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		to.set(func() { s.importing[slot.Of(key)] = to })
		var callers sync.WaitGroup
		for range 50 {
			callers.Go(func() {
				if _, err := c.Incr(t.Context(), key); err != nil {
					t.Errorf("INCR: %v", err)
				}
			})
			callers.Go(func() { // others, on the same connection
				if err := c.Set(t.Context(), s.keyAt(to, 0), "v"); err != nil {
					t.Errorf("SET: %v", err)
				}
			})
		}
		callers.Wait()
		if v, err := c.Get(t.Context(), key); v != "50" || err != nil {
			t.Errorf("GET: %q, %v", v, err)
		}
		log := to.commands()
		asked := 0
		for i, line := range log {
			if line == "ASKING" {
				asked++
				if next := log[i+1]; next != "INCR "+key && next != "GET "+key {
					t.Errorf("behind ASKING came %q", next)
				}
			}
		}
		if asked != 51 {
			t.Errorf("ASKING came %d times", asked)
		}
		if shard, _ := c.Topology().ShardOf(slot.Of(key)); shard.Primary.Addr != from.addr {
			t.Errorf("the slot is with %v", shard)
		}
	})
}

func TestTooManyRedirects(t *testing.T) {
	story(t, 2, false, nil, func(t *testing.T, c *cluster.Client, s *sim) {
		for i, n := range s.primaries {
			other := s.primaries[1-i].addr
			n.answer = func(words []string) (string, bool) {
				return fmt.Sprintf("-MOVED %d %s\r\n", slot.Of(words[1]), other), words[0] == "GET"
			}
		}
		_, err := c.Get(t.Context(), "k")
		var redirects *cluster.RedirectError
		if !errors.As(err, &redirects) || redirects.Redirects != 5 || !errors.Is(err, cluster.ErrTooManyRedirects) {
			t.Errorf("GET: %v", err)
		}
		if !errors.Is(err, redis.ErrRejected) || !redis.SafeToRetry(err) {
			t.Errorf("the outcome of %v", err)
		}
		asked := s.primaries[0].tries() + s.primaries[1].tries()
		if asked != 6 {
			t.Errorf("the command was sent %d times", asked)
		}
	})
}

// What passes is waited for, while the context lasts.
func TestRejectionsThatPass(t *testing.T) {
	for _, reply := range []string{
		"TRYAGAIN Multiple keys request during rehashing of slot", "CLUSTERDOWN The cluster is down",
		"LOADING Redis is loading the dataset in memory", "READONLY You can't write against a read only replica.",
		"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
	} {
		code, _, _ := strings.Cut(reply, " ")
		t.Run(code, func(t *testing.T) {
			story(t, 2, false, nil, func(t *testing.T, c *cluster.Client, s *sim) {
				refusals := 4
				for _, n := range s.primaries {
					n.answer = func(words []string) (string, bool) {
						if words[0] == "SET" && refusals > 0 {
							refusals--
							return "-" + reply + "\r\n", true
						}
						return "", false
					}
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				if err := c.Set(ctx, "k", "v"); err != nil || refusals > 0 {
					t.Errorf("SET: %v, %d to come", err, refusals)
				}
				// Without a deadline it is tried three times.
				refusals = 1000
				err := c.Set(t.Context(), "k", "v")
				var rejected *redis.ReplyError
				if !errors.As(err, &rejected) || rejected.Code != code || !redis.SafeToRetry(err) || refusals != 997 {
					t.Errorf("SET: %v, %d to come", err, refusals)
				}
				ctx, cancel = context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				start := time.Now()
				if err := c.Set(ctx, "k", "v"); !errors.As(err, &rejected) || time.Since(start) > time.Second {
					t.Errorf("SET after %v: %v", time.Since(start), err)
				}
			})
		})
	}
}

func TestCrossSlotIsNotSent(t *testing.T) {
	story(t, 2, false, nil, func(t *testing.T, c *cluster.Client, s *sim) {
		a, b := s.keyAt(s.primaries[0], 0), s.keyAt(s.primaries[1], 0)
		check := func(name string, err error) {
			t.Helper()
			var cross *cluster.CrossSlotError
			if !errors.As(err, &cross) || cross.Keys != [2]string{a, b} || cross.Slots != [2]int{slot.Of(a), slot.Of(b)} {
				t.Errorf("%s: %v", name, err)
			}
			if redis.SafeToRetry(err) || !strings.Contains(err.Error(), fmt.Sprint(slot.Of(b))) {
				t.Errorf("%s: %v", name, err)
			}
		}
		_, err := c.MGet(t.Context(), a, b)
		check("MGET", err)
		var batch command.Batch
		batch.Set("x", 1)
		batch.Del(a, b)
		err = c.Exec(t.Context(), &batch)
		check("batch", err)
		var one *command.BatchError
		if !errors.As(err, &one) || one.Index != 1 || one.Command != "DEL" {
			t.Errorf("batch: %v", err)
		}
		batch.Set(a, 1)
		batch.Set(b, 2)
		check("transaction", c.Multi(t.Context(), &batch))
		_, err = c.Watch(t.Context(), a, b)
		check("WATCH", err)
		for _, n := range s.primaries {
			if got := n.commands(); len(got) > 0 {
				t.Errorf("%s was asked %q", n.addr, got)
			}
		}
	})
}

// The options of a client are good for another one.
func TestOptionsOfAClient(t *testing.T) {
	for _, from := range []cluster.ReadFrom{nil, cluster.PreferReplica} {
		story(t, 2, true, func(o *cluster.Options) { o.ReadFrom = from }, func(t *testing.T, c *cluster.Client, _ *sim) {
			other, err := cluster.New(c.Options())
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close()
			if err := other.Set(t.Context(), "k", "v"); err != nil {
				t.Error(err)
			}
		})
	}
}

// Seeds are tried in turn.
func TestSeeds(t *testing.T) {
	story(t, 3, false, func(o *cluster.Options) {
		o.Addrs = []string{"nowhere:1", "nobody:1", "n3:1"}
	}, func(t *testing.T, c *cluster.Client, s *sim) {
		if err := c.Set(t.Context(), "k", "v"); err != nil {
			t.Error(err)
		}
		if c.Topology().From != "n3:1" {
			t.Errorf("told by %s", c.Topology().From)
		}
	})
	story(t, 1, false, func(o *cluster.Options) {
		o.Addrs = []string{"nowhere:1"}
	}, func(t *testing.T, c *cluster.Client, _ *sim) {
		start := time.Now()
		err := c.Set(t.Context(), "k", "v")
		if !errors.Is(err, cluster.ErrNoTopology) || !errors.Is(err, redis.ErrNotSent) || time.Since(start) > 5*time.Second {
			t.Errorf("SET: %v", err)
		}
		if text := fmt.Sprintf("%v %+v %#v", c, c, c); text != strings.Repeat(" cluster client of nowhere:1", 3)[1:] {
			t.Error(text)
		}
	})
}

func TestOpen(t *testing.T) {
	_, err := cluster.Open(t.Context(), "redis://localhost")
	if !errors.Is(err, redis.ErrOptions) {
		t.Errorf("Open: %v", err)
	}
	o := cluster.Options{Addrs: []string{"nowhere:1"}}
	o.Node.Dial = newSim(t, 1, false).dial
	if _, err := cluster.OpenWith(t.Context(), o); !errors.Is(err, cluster.ErrNoTopology) || !strings.Contains(err.Error(), "nowhere:1") {
		t.Errorf("OpenWith: %v", err)
	}
	o.Addrs = []string{"n1:1"}
	c, err := cluster.OpenWith(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if len(c.Topology().Shards()) != 1 {
		t.Errorf("%v", c.Topology().Shards())
	}
}
