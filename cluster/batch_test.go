package cluster_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redchan-go/redchan/cluster"
	"github.com/redchan-go/redchan/cluster/slot"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
)

// Results come in the order given, whichever node has answered, with redirects of both
// kinds on the way, and no command runs twice.
func TestBatch(t *testing.T) {
	story(t, 3, false, nil, func(t *testing.T, c *cluster.Client, s *sim) {
		if _, err := c.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		var keys []string
		for i := range 300 {
			keys = append(keys, fmt.Sprintf("n%d", i))
		}
		// Two slots have moved, and one is on its way, with what is there already.
		moved := []string{s.keyAt(s.primaries[0], 0), s.keyAt(s.primaries[1], 1)}
		asked := s.keyAt(s.primaries[2], 2)
		keys = append(keys, moved...)
		keys = append(keys, asked)
		s.move(s.primaries[2], slot.Of(moved[0]), slot.Of(moved[1]))
		s.primaries[0].set(func() { s.importing[slot.Of(asked)] = s.primaries[0] })

		p := c.Pipeline()
		var results []*command.Future[int64]
		for round := range 3 {
			for i, key := range keys {
				results = append(results, p.Append(key, strings.Repeat("x", i+round)))
			}
		}
		if err := p.Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		for at, f := range results {
			i, round := at%len(keys), at/len(keys)
			want := int64(0)
			for r := range round + 1 {
				want += int64(i + r)
			}
			if n, err := f.Result(); n != want || err != nil {
				t.Fatalf("APPEND %d: %d, %v; want %d", at, n, err, want)
			}
		}
		if shard, _ := c.Topology().ShardOf(slot.Of(asked)); shard.Primary.Addr != s.primaries[2].addr {
			t.Errorf("ASK has changed the map: %v", shard)
		}
	})
}

// All nodes are written to before any has answered.
func TestBatchIsSentToAllNodesAtOnce(t *testing.T) {
	story(t, 3, false, nil, func(t *testing.T, c *cluster.Client, s *sim) {
		var b command.Batch
		for _, n := range s.primaries {
			if err := c.Set(t.Context(), s.keyAt(n, 0), "v"); err != nil {
				t.Fatal(err)
			}
			n.slow(time.Second) // from now on
			b.Set(s.keyAt(n, 0), "v")
		}
		start := time.Now()
		if err := c.Exec(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// One node's loss is the error of its commands alone. What was not sent, or only reads, is
// sent again; what may have run is not.
func TestBatchWithANodeLost(t *testing.T) {
	story(t, 2, false, nil, func(t *testing.T, c *cluster.Client, s *sim) {
		bad, good := s.primaries[0], s.primaries[1]
		badKey, goodKey := s.keyAt(bad, 0), s.keyAt(good, 0)
		if err := c.Set(t.Context(), badKey, "old"); err != nil {
			t.Fatal(err)
		}
		lose := true
		bad.set(func() {
			bad.answer = func(words []string) (string, bool) {
				if words[0] == "INCR" && lose {
					lose = false
					bad.conns[len(bad.conns)-1].Close()
				}
				return "", false
			}
		})
		bad.commands()
		var b command.Batch
		set := b.Set(goodKey, "1")
		incr := b.Incr(badKey)
		got := b.Get(badKey)
		n := b.Incr(goodKey)
		err := c.Exec(t.Context(), &b)
		var one *command.BatchError
		if !errors.As(err, &one) || one.Index != 1 || !one.Ran || !errors.Is(err, redis.ErrMaybeExecuted) || redis.SafeToRetry(err) {
			t.Errorf("Exec: %v", err)
		}
		if err := set.Err(); err != nil {
			t.Errorf("SET: %v", err)
		}
		if err := incr.Err(); !errors.Is(err, redis.ErrMaybeExecuted) {
			t.Errorf("INCR: %v", err)
		}
		if v, err := got.Result(); err != nil || v == "" {
			t.Errorf("GET was not sent again: %q, %v", v, err)
		}
		if v, err := n.Result(); v != 2 || err != nil {
			t.Errorf("INCR: %d, %v", v, err)
		}
		if log := bad.commands(); slices.Index(log, "INCR "+badKey) != 0 || slices.Contains(log[1:], "INCR "+badKey) {
			t.Errorf("%q", log)
		}
	})
}

// What was declared Idempotent is sent again when a node is lost, command by command, as a batch and as
// a transaction; where it stands in front of a write that was not, neither is.
func TestIdempotentWithANodeLost(t *testing.T) {
	for name, test := range map[string]struct {
		fill  func(b *command.Batch, key string)
		multi bool
		works bool
	}{
		"a command": {func(b *command.Batch, key string) { b.Add(command.Incr(key).Idempotent()) }, false, true},
		"commands": {func(b *command.Batch, key string) {
			b.Add(command.Incr(key).Idempotent(), command.Incr(key).Idempotent())
		}, false, true},
		"a batch":                             {func(b *command.Batch, key string) { b.Idempotent().Incr(key); b.Incr(key) }, false, true},
		"one in front of another":             {func(b *command.Batch, key string) { b.Add(command.Incr(key).Idempotent(), command.Incr(key)) }, false, false},
		"a transaction":                       {func(b *command.Batch, key string) { b.Idempotent().Incr(key) }, true, true},
		"a transaction that was not declared": {func(b *command.Batch, key string) { b.Incr(key) }, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, 2, false, nil, func(t *testing.T, c *cluster.Client, s *sim) {
				bad := s.primaries[0]
				key := s.keyAt(bad, 0)
				if err := c.Set(t.Context(), key, "0"); err != nil {
					t.Fatal(err)
				}
				lose := true
				bad.set(func() {
					bad.answer = func(words []string) (string, bool) {
						if (words[0] == "INCR" || words[0] == "EXEC") && lose && (words[0] == "EXEC") == test.multi {
							lose = false
							bad.conns[len(bad.conns)-1].Close()
						}
						return "", false
					}
				})
				var b command.Batch
				test.fill(&b, key)
				execute := c.Exec
				if test.multi {
					execute = c.Multi
				}
				err := execute(t.Context(), &b)
				if (err == nil) != test.works || err != nil && !errors.Is(err, redis.ErrMaybeExecuted) {
					t.Errorf("%v", err)
				}
			})
		})
	}
	story(t, 2, false, nil, func(t *testing.T, c *cluster.Client, s *sim) {
		bad := s.primaries[0]
		key := s.keyAt(bad, 0)
		if err := c.Set(t.Context(), key, "0"); err != nil {
			t.Fatal(err)
		}
		lose := true
		bad.set(func() {
			bad.answer = func(words []string) (string, bool) {
				if words[0] == "INCR" && lose {
					lose = false
					bad.conns[len(bad.conns)-1].Close()
				}
				return "", false
			}
		})
		if n, err := command.Incr(key).Idempotent().Do(t.Context(), c); n == 0 || err != nil {
			t.Errorf("by itself: %d, %v", n, err)
		}
	})
}

// A read whose reply was lost is not sent again where a write to its slot stands behind it, which
// may have run: it would see what was written after it.
func TestBatchReadsNothingOfTheFuture(t *testing.T) {
	story(t, 1, false, nil, func(t *testing.T, c *cluster.Client, s *sim) {
		n := s.primaries[0]
		if err := c.Set(t.Context(), "k", "old"); err != nil {
			t.Fatal(err)
		}
		lose := true
		n.set(func() {
			n.answer = func(words []string) (string, bool) {
				if words[0] == "GET" && lose { // it runs all of the batch, and no reply arrives
					lose = false
					n.data["k"] = "new"
					n.conns[len(n.conns)-1].Close()
				}
				return "", false
			}
		})
		var b command.Batch
		before := b.Get("k")
		set := b.Set("k", "new")
		behind := b.Get("k")
		if err := c.Exec(t.Context(), &b); !errors.Is(err, redis.ErrMaybeExecuted) {
			t.Errorf("Exec: %v", err)
		}
		if v, err := before.Result(); !errors.Is(err, redis.ErrMaybeExecuted) {
			t.Errorf("GET in front of SET: %q, %v", v, err)
		}
		if err := set.Err(); !errors.Is(err, redis.ErrMaybeExecuted) {
			t.Errorf("SET: %v", err)
		}
		if v, err := behind.Result(); v != "new" || err != nil {
			t.Errorf("GET behind SET: %q, %v", v, err)
		}
	})
}

// PUBLISH reaches all from any node, in a batch too, also where nobody serves its channel's slot.
func TestBatchPublishesWithoutTheSlot(t *testing.T) {
	story(t, 2, false, nil, func(t *testing.T, c *cluster.Client, s *sim) {
		s.owner[slot.Of("news")] = nil
		if _, err := c.Publish(t.Context(), "news", "alone"); err != nil {
			t.Error(err)
		}
		var b command.Batch
		b.Publish("news", "m")
		b.Set(s.keyAt(s.primaries[0], 0), "v")
		if err := c.Exec(t.Context(), &b); err != nil {
			t.Error(err)
		}
	})
}

func TestBatchRedirectedTooOften(t *testing.T) {
	story(t, 2, false, nil, func(t *testing.T, c *cluster.Client, s *sim) {
		bad := s.keyAt(s.primaries[0], 0)
		for i, n := range s.primaries {
			other := s.primaries[1-i].addr
			n.answer = func(words []string) (string, bool) {
				return fmt.Sprintf("-MOVED %d %s\r\n", slot.Of(bad), other), len(words) > 1 && words[1] == bad
			}
		}
		var b command.Batch
		good := b.Set(s.keyAt(s.primaries[0], 1), "v")
		b.Set(bad, "v")
		err := c.Exec(t.Context(), &b)
		if !errors.Is(err, cluster.ErrTooManyRedirects) || good.Err() != nil {
			t.Errorf("Exec: %v, %v", err, good.Err())
		}
	})
}

func TestBatchRefuses(t *testing.T) {
	story(t, 2, false, nil, func(t *testing.T, c *cluster.Client, s *sim) {
		for name, test := range map[string]struct {
			cmd  command.Queueable
			hint string
		}{
			"DBSIZE":   {command.DBSize(), "several nodes"},
			"FLUSHALL": {command.FlushAll(), "several nodes"},
			"SCAN":     {command.Scan(0), "ScanAll"},
			"BGSAVE":   {command.BGSave(), "ForEachNode"},
			"WAIT":     {command.Wait(1, time.Second), "session"},
		} {
			var b command.Batch
			b.Set("k", "v")
			b.Add(test.cmd)
			err := c.Exec(t.Context(), &b)
			var one *command.BatchError
			if !errors.As(err, &one) || one.Index != 1 || one.Command != name || !errors.Is(err, redis.ErrArgument) || !strings.Contains(err.Error(), test.hint) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, n := range s.primaries {
			if log := n.commands(); len(log) > 0 {
				t.Errorf("%q was sent", log)
			}
		}
		// What any node can answer goes along.
		var b command.Batch
		b.Set("k", "v")
		echo := b.Echo("x")
		if err := c.Exec(t.Context(), &b); err != nil || echo.Value() == "" {
			t.Errorf("%v", err)
		}
	})
}

func TestMulti(t *testing.T) {
	story(t, 3, false, nil, func(t *testing.T, c *cluster.Client, s *sim) {
		from, to := s.primaries[0], s.primaries[1]
		a, b := "{"+s.keyAt(from, 0)+"}:a", "{"+s.keyAt(from, 0)+"}:b"
		transact := func() {
			t.Helper()
			start := time.Now()
			defer func() {
				if took := time.Since(start); took > 0 {
					t.Errorf("redirects were not followed at once, but in %v", took)
				}
			}()
			p := c.Pipeline()
			n := p.Incr(a)
			set := p.Set(b, "v")
			if err := p.Multi(t.Context()); err != nil {
				t.Errorf("Multi: %v", err)
			}
			if n.Value() == 0 || set.Err() != nil {
				t.Errorf("%d, %v", n.Value(), set.Err())
			}
		}
		transact()
		if got := from.commands(); !slices.Equal(got, []string{"MULTI", "INCR " + a, "SET " + b + " v", "EXEC"}) {
			t.Errorf("%q", got)
		}
		// The slot is on its way, and the keys are there already.
		s.move(to, slot.Of(a))
		s.primaries[0].set(func() {
			s.owner[slot.Of(a)] = from
			s.importing[slot.Of(a)] = to
		})
		transact()
		if got := to.commands(); !slices.Equal(got, []string{"ASKING", "MULTI", "INCR " + a, "SET " + b + " v", "EXEC"}) {
			t.Errorf("%q", got)
		}
		s.primaries[0].set(func() {
			s.owner[slot.Of(a)] = to
			delete(s.importing, slot.Of(a))
		})
		transact()
		if got := to.commands(); !slices.Equal(got, []string{"MULTI", "INCR " + a, "SET " + b + " v", "EXEC"}) {
			t.Errorf("%q", got)
		}
		if v, err := c.Get(t.Context(), a); v != "3" || err != nil {
			t.Errorf("%q, %v", v, err)
		}
		// An aggregated command has no place in one.
		var batch command.Batch
		batch.Set(a, 1)
		batch.DBSize()
		if err := c.Multi(t.Context(), &batch); !errors.Is(err, redis.ErrArgument) {
			t.Errorf("%v", err)
		}
	})
}

// A large transaction is never split, unlike a large batch.
func TestLargeMulti(t *testing.T) {
	story(t, 2, false, nil, func(t *testing.T, c *cluster.Client, s *sim) {
		var b command.Batch
		for range 5000 {
			b.Incr("n")
		}
		if err := c.Multi(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
		if v, err := c.Get(t.Context(), "n"); v != "5000" || err != nil {
			t.Errorf("%q, %v", v, err)
		}
	})
}

func TestTransaction(t *testing.T) {
	story(t, 3, false, nil, func(t *testing.T, c *cluster.Client, s *sim) {
		from, to := s.primaries[0], s.primaries[1]
		key := s.keyAt(from, 0)
		if err := c.Set(t.Context(), key, "5"); err != nil {
			t.Fatal(err)
		}
		runs := 0
		double := func(tx *redis.Session, b *command.Batch) (int64, error) {
			runs++
			n, err := command.AsInt(command.Get(key)).Do(t.Context(), tx)
			if runs == 1 {
				s.move(to, slot.Of(key)) // between reading and EXEC
			}
			b.Set(key, 2*n)
			return 2 * n, err
		}
		n, err := redis.Transaction(t.Context(), c, double, key)
		if n != 10 || err != nil || runs != 2 {
			t.Errorf("%d, %v, in %d runs", n, err, runs)
		}
		if v, err := c.Get(t.Context(), key); v != "10" || err != nil {
			t.Errorf("%q, %v", v, err)
		}
		if _, err := c.Watch(t.Context()); !errors.Is(err, redis.ErrArgument) {
			t.Errorf("WATCH of nothing: %v", err)
		}
		session, err := c.Session(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		defer session.Close()
		if v, err := session.Get(t.Context(), key); v != "10" || err != nil {
			t.Errorf("%q, %v", v, err)
		}
	})
}

// A script is sent by its hash, and with its text where the node does not know it, at the
// node of its keys.
func TestScript(t *testing.T) {
	story(t, 3, false, nil, func(t *testing.T, c *cluster.Client, s *sim) {
		script := command.NewScript("return 1")
		for _, n := range s.primaries {
			key := s.keyAt(n, 0)
			addr, err := command.AsString(script.Call([]string{key})).Do(t.Context(), c)
			if addr != n.addr || err != nil {
				t.Errorf("%q, %v", addr, err)
			}
			var b command.Batch
			b.Set(key, 1)
			f := command.AsString(script.Call([]string{key})).Queue(&b)
			g := command.AsString(script.Call([]string{s.keyAt(s.primaries[0], 1)})).Queue(&b)
			if err := c.Exec(t.Context(), &b); err != nil {
				t.Errorf("Exec: %v", err)
			}
			if f.Value() != n.addr || g.Value() != s.primaries[0].addr {
				t.Errorf("%q, %q", f.Value(), g.Value())
			}
			for _, n := range s.primaries {
				n.set(func() { n.script = false })
			}
		}
	})
}

// The request of a batch that has the script's text is redirected: the others that go to the
// node before get it then.
func TestScriptInBatchIsRedirected(t *testing.T) {
	story(t, 2, false, nil, func(t *testing.T, c *cluster.Client, s *sim) {
		from, to := s.primaries[0], s.primaries[1]
		moved, stays := s.keyAt(from, 0), s.keyAt(from, 1)
		if _, err := c.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.move(to, slot.Of(moved))
		script := command.NewScript("return 1")
		var b command.Batch
		first := command.AsString(script.Call([]string{moved})).Queue(&b)
		second := command.AsString(script.Call([]string{stays})).Queue(&b)
		if err := c.Exec(t.Context(), &b); err != nil {
			t.Errorf("Exec: %v", err)
		}
		if first.Value() != to.addr || second.Value() != from.addr {
			t.Errorf("%q, %q", first.Value(), second.Value())
		}
	})
}

// Requests without keys have their places among the others, on the wire and in the results.
func TestBatchWithKeylessInFront(t *testing.T) {
	for _, primaries := range []int{1, 3} {
		story(t, primaries, false, nil, func(t *testing.T, c *cluster.Client, s *sim) {
			key := s.keyAt(s.primaries[0], 0)
			var b command.Batch
			before := b.Echo("before")
			one := b.Incr(key)
			between := b.Echo("between")
			two := b.Incr(key)
			if err := c.Exec(t.Context(), &b); err != nil {
				t.Fatal(err)
			}
			if before.Value() != "n1:1" || one.Value() != 1 || between.Value() != "n1:1" || two.Value() != 2 {
				t.Errorf("%q, %d, %q, %d", before.Value(), one.Value(), between.Value(), two.Value())
			}
			want := []string{"ECHO before", "INCR " + key, "ECHO between", "INCR " + key}
			if got := s.primaries[0].commands(); !slices.Equal(got, want) {
				t.Errorf("%q", got)
			}
		})
	}
}
