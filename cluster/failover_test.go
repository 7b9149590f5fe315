package cluster_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/redchan-go/redchan/cluster"
	"github.com/redchan-go/redchan/redis"
)

// The primary stands still: its connections stay open, and nothing is answered. When a
// replica has been promoted the cluster is usable within a second, long before the
// connections' own time is over; who waits gets an answer.
func TestPausedPrimary(t *testing.T) {
	for name, noShards := range map[string]bool{"SHARDS": false, "SLOTS": true} {
		t.Run(name, func(t *testing.T) {
			story(t, 3, true, nil, func(t *testing.T, c *cluster.Client, s *sim) {
				s.noShards = noShards
				old, replica := s.primaries[0], s.nodes["r1:1"]
				key := s.keyAt(old, 0)
				if err := c.Set(t.Context(), key, "1"); err != nil {
					t.Fatal(err)
				}
				old.pause()
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				var callers sync.WaitGroup
				var promoted time.Time
				var read, written time.Duration
				var writeErr error
				callers.Go(func() {
					if v, err := c.Get(ctx, key); err != nil || v != "1" {
						t.Errorf("the read that waited: %q, %v", v, err)
					}
					read = time.Since(promoted)
				})
				callers.Go(func() {
					_, writeErr = c.Incr(ctx, key)
					written = time.Since(promoted)
				})
				time.Sleep(3 * time.Second) // the cluster needs some time too
				promoted = time.Now()
				s.promote(replica)
				callers.Wait()
				if read > time.Second || written > time.Second {
					t.Errorf("the read came %v after the promotion, the write %v", read, written)
				}
				if !errors.Is(writeErr, redis.ErrMaybeExecuted) || !errors.Is(writeErr, cluster.ErrNodeLost) || errors.Is(writeErr, redis.ErrClosed) {
					t.Errorf("the write that waited: %v", writeErr)
				}
				if n, err := c.Incr(t.Context(), key); n != 2 || err != nil {
					t.Errorf("INCR at the new primary: %d, %v", n, err)
				}
				old.resume()
			})
		})
	}
}

// The primary is gone, and refuses connections: what is not sent is tried again until the
// replica is promoted.
func TestDeadPrimary(t *testing.T) {
	story(t, 3, true, nil, func(t *testing.T, c *cluster.Client, s *sim) {
		old, replica := s.primaries[0], s.nodes["r1:1"]
		key := s.keyAt(old, 0)
		if _, err := c.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		old.kill()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		done := make(chan time.Time, 1)
		go func() {
			if err := c.Set(ctx, key, "1"); err != nil {
				t.Errorf("SET: %v", err)
			}
			done <- time.Now()
		}()
		time.Sleep(3 * time.Second)
		promoted := time.Now()
		s.promote(replica)
		if took := (<-done).Sub(promoted); took > 400*time.Millisecond { // it is looked for every 250 ms
			t.Errorf("SET came %v after the promotion", took)
		}
	})
}

// A node that can't be reached, without anybody taking its place.
func TestUnreachable(t *testing.T) {
	story(t, 2, false, nil, func(t *testing.T, c *cluster.Client, s *sim) {
		if _, err := c.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.primaries[1].kill()
		start := time.Now()
		err := c.Set(t.Context(), s.keyAt(s.primaries[1], 0), "v")
		if !errors.Is(err, redis.ErrNotSent) || !redis.SafeToRetry(err) {
			t.Errorf("SET: %v", err)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// A slot that nobody serves: the command waits until somebody does.
func TestUncoveredSlot(t *testing.T) {
	story(t, 2, false, nil, func(t *testing.T, c *cluster.Client, s *sim) {
		n := s.primaries[0]
		key := s.keyAt(n, 0)
		all := s.owner
		n.set(func() { clear(s.owner[:8192]) })
		if err := c.Set(t.Context(), key, "v"); !errors.Is(err, cluster.ErrUncovered) || !errors.Is(err, redis.ErrNotSent) {
			t.Errorf("SET: %v", err)
		}
		if u := c.Topology().Uncovered(); len(u) != 1 || u[0].Len() != 8192 {
			t.Errorf("uncovered: %v", u)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		done := make(chan error, 1)
		go func() {
			err := c.Set(ctx, key, "v")
			done <- err
		}()
		time.Sleep(2 * time.Second)
		covered := time.Now()
		n.set(func() { s.owner = all; s.epoch++ })
		if err := <-done; err != nil || time.Since(covered) > 400*time.Millisecond {
			t.Errorf("SET after %v: %v", time.Since(covered), err)
		}
	})
}

// A primary that is cut off from the others tells what was, and loses against them.
func TestMinorityView(t *testing.T) {
	story(t, 3, true, nil, func(t *testing.T, c *cluster.Client, s *sim) {
		lost := s.primaries[0]
		old := s.shards()
		state := "fail"
		s.promote(s.nodes["r1:1"])
		lost.set(func() {
			lost.told = func(words []string) (string, bool) {
				if words[1] == "INFO" {
					return simBulk("cluster_state:" + state + "\r\ncluster_current_epoch:7\r\n"), true
				}
				return old, words[1] == "SHARDS"
			}
		})
		for range 20 {
			topology, err := c.Refresh(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			// The one to ask may be alone in Addrs at first.
			if topology.From != lost.addr {
				break
			}
		}
		for i := range 40 {
			if i == 20 { // nobody has noticed yet, itself included
				lost.set(func() { state, lost.failed = "ok", false })
			}
			topology, err := c.Refresh(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if shard, _ := topology.ShardOf(0); shard.Primary.Addr != "r1:1" || topology.Epoch != 8 {
				t.Fatalf("%v, told by %s", shard, topology.From)
			}
		}
	})
}

// Close answers whoever waits.
func TestCloseWithCallersWaiting(t *testing.T) {
	for name, refuse := range map[string]bool{"paused": false, "dead": true} {
		t.Run(name, func(t *testing.T) {
			story(t, 2, false, nil, func(t *testing.T, c *cluster.Client, s *sim) {
				if _, err := c.Refresh(t.Context()); err != nil {
					t.Fatal(err)
				}
				n := s.primaries[1]
				if refuse {
					n.kill()
				} else {
					n.pause()
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				key := s.keyAt(n, 0)
				var callers sync.WaitGroup
				for i := range 30 {
					callers.Go(func() {
						var err error
						switch i % 3 {
						case 0:
							_, err = c.Get(ctx, key)
						case 1:
							err = c.Set(ctx, key, "v")
						default:
							_, err = cluster.Exists(ctx, c, key, s.keyAt(n, 1))
						}
						if !errors.Is(err, redis.ErrNotSent) && !errors.Is(err, redis.ErrMaybeExecuted) {
							t.Errorf("%v", err)
						}
					})
				}
				time.Sleep(700 * time.Millisecond)
				start := time.Now()
				_ = c.Close()
				callers.Wait()
				if took := time.Since(start); took > time.Second {
					t.Errorf("it took %v", took)
				}
				if _, err := c.Get(t.Context(), key); !errors.Is(err, redis.ErrClosed) {
					t.Errorf("GET behind Close: %v", err)
				}
			})
		})
	}
	// Also before any node has told the topology.
	story(t, 1, false, func(o *cluster.Options) { o.Addrs = []string{"nowhere:1"} }, func(t *testing.T, c *cluster.Client, _ *sim) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		done := make(chan error, 1)
		go func() {
			_, err := c.Get(ctx, "k")
			done <- err
		}()
		time.Sleep(time.Second)
		_ = c.Close()
		if err := <-done; !errors.Is(err, redis.ErrClosed) {
			t.Errorf("GET: %v", err)
		}
	})
}

// A client that nobody uses asks for the topology now and then, and does nothing else.
func TestIdle(t *testing.T) {
	story(t, 2, false, func(o *cluster.Options) { o.RefreshEvery = 10 * time.Second }, func(t *testing.T, c *cluster.Client, s *sim) {
		time.Sleep(time.Hour)
		if n := s.refreshes(); n != 0 {
			t.Errorf("%d questions before it is used", n)
		}
		if err := c.Set(t.Context(), "k", "v"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		before := s.refreshes()
		time.Sleep(1000 * time.Second)
		// Two nodes are asked, every 7.5 to 12.5 s.
		if n := s.refreshes() - before; n < 2*80 || n > 2*134 {
			t.Errorf("%d questions in 1000 s", n)
		}
	})
}
