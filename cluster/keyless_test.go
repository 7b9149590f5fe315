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

	"github.com/google/go-cmp/cmp"

	"github.com/redchan-go/redchan/cluster"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
)

// replies lets nodes answer a command, one reply for each node, in the order n1, n2, r1, r2.
func (s *sim) replies(name string, raw ...string) {
	for i, addr := range []string{"n1:1", "n2:1", "r1:1", "r2:1"}[:len(raw)] {
		n := s.nodes[addr]
		n.set(func() {
			n.answer = func(words []string) (string, bool) {
				return raw[i], strings.HasPrefix(strings.Join(words, " "), name)
			}
		})
	}
}

func TestAggregation(t *testing.T) {
	for name, test := range map[string]struct {
		replies []string
		do      func(context.Context, *cluster.Client) (any, error)
		want    any
		nodes   int // how many nodes are asked
	}{
		"DBSIZE": {[]string{":3\r\n", ":4\r\n"}, func(ctx context.Context, c *cluster.Client) (any, error) { return c.DBSize(ctx) }, int64(7), 2},
		"KEYS": {
			[]string{simArray("b", "a"), simArray("c")},
			func(ctx context.Context, c *cluster.Client) (any, error) { return c.Keys(ctx, "*") },
			[]string{"a", "b", "c"},
			2,
		},
		"FLUSHALL": {[]string{simOK, simOK}, func(ctx context.Context, c *cluster.Client) (any, error) { return nil, c.FlushAll(ctx) }, nil, 2},
		"FUNCTION LOAD": {
			[]string{simBulk("lib"), simBulk("lib")},
			func(ctx context.Context, c *cluster.Client) (any, error) {
				return c.FunctionLoad(ctx, "#!lua name=lib")
			}, "lib", 2,
		},
		"SCRIPT LOAD": {
			[]string{simBulk("abc"), simBulk("abc")},
			func(ctx context.Context, c *cluster.Client) (any, error) { return c.ScriptLoad(ctx, "return 1") }, "abc", 2,
		},
		"SCRIPT EXISTS": {
			[]string{"*3\r\n:1\r\n:0\r\n:1\r\n", "*3\r\n:1\r\n:1\r\n:0\r\n"},
			func(ctx context.Context, c *cluster.Client) (any, error) { return c.ScriptExists(ctx, "a", "b", "c") },
			[]bool{true, false, false},
			2,
		},
		"SCRIPT KILL": {
			[]string{"-NOTBUSY no\r\n", simOK, "-NOTBUSY no\r\n", "-NOTBUSY no\r\n"},
			func(ctx context.Context, c *cluster.Client) (any, error) { return nil, c.ScriptKill(ctx) }, nil, 4,
		},
		"PUBSUB CHANNELS": {
			[]string{simArray("b", "a"), simArray("a"), simArray(), simArray("c")},
			func(ctx context.Context, c *cluster.Client) (any, error) { return c.PubSubChannels(ctx, "") },
			[]string{"a", "b", "c"},
			4,
		},
		"PUBSUB NUMSUB": {
			[]string{
				"*4\r\n$1\r\nb\r\n:1\r\n$1\r\na\r\n:0\r\n", "*4\r\n$1\r\nb\r\n:2\r\n$1\r\na\r\n:0\r\n",
				"*4\r\n$1\r\nb\r\n:0\r\n$1\r\na\r\n:0\r\n", "*4\r\n$1\r\nb\r\n:4\r\n$1\r\na\r\n:0\r\n",
			},
			func(ctx context.Context, c *cluster.Client) (any, error) { return c.PubSubNumSub(ctx, "b", "a") },
			[]command.ChannelCount{{Channel: "b", Subscribers: 7}, {Channel: "a"}},
			4,
		},
		"PUBSUB NUMPAT": {
			[]string{":1\r\n", ":2\r\n", ":3\r\n", ":4\r\n"},
			func(ctx context.Context, c *cluster.Client) (any, error) { return c.PubSubNumPat(ctx) }, int64(10), 4,
		},
		"CONFIG SET": {
			[]string{simOK, simOK, simOK, simOK},
			func(ctx context.Context, c *cluster.Client) (any, error) {
				return nil, c.ConfigSet(ctx, map[string]string{"maxmemory": "1"})
			}, nil, 4,
		},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, 2, true, nil, func(t *testing.T, c *cluster.Client, s *sim) {
				all := append(slices.Clone(test.replies), test.replies...)[:4]
				s.replies(name, all...)
				got, err := test.do(t.Context(), c)
				if keys, ok := got.([]string); ok {
					slices.Sort(keys)
				}
				if err != nil || !cmp.Equal(got, test.want) {
					t.Errorf("%v, %v; want %v", got, err, test.want)
				}
				asked := 0
				for _, n := range s.nodes {
					asked += len(n.commands())
				}
				if asked != test.nodes {
					t.Errorf("%d nodes were asked", asked)
				}
			})
		})
	}
}

// An error of one node is the command's, and says that others have run it.
func TestAggregationFails(t *testing.T) {
	story(t, 2, false, nil, func(t *testing.T, c *cluster.Client, s *sim) {
		if _, err := c.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.primaries[1].kill()
		err := c.FlushAll(t.Context())
		if err == nil || redis.SafeToRetry(err) || !errors.Is(err, redis.ErrMaybeExecuted) || !strings.Contains(err.Error(), "n2:1") {
			t.Errorf("FLUSHALL: %v", err)
		}
		if _, err := c.DBSize(t.Context()); !redis.SafeToRetry(err) {
			t.Errorf("DBSIZE: %v", err)
		}
		s.primaries[0].kill()
		if err := c.FlushAll(t.Context()); !redis.SafeToRetry(err) {
			t.Errorf("FLUSHALL that nobody has run: %v", err)
		}
	})
}

// A primary that has failed is missing until a replica takes its place: a sum without it would be
// wrong, and FLUSHALL would leave keys.
func TestAggregationWithoutAPrimary(t *testing.T) {
	for _, primaries := range []int{1, 2} {
		story(t, primaries, true, nil, func(t *testing.T, c *cluster.Client, s *sim) {
			old := s.primaries[0]
			if err := c.Set(t.Context(), s.keyAt(old, 0), "v"); err != nil {
				t.Fatal(err)
			}
			old.set(func() { old.failed = true })
			if _, err := c.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n, err := c.DBSize(t.Context()); !errors.Is(err, cluster.ErrUncovered) || !redis.SafeToRetry(err) {
				t.Errorf("DBSIZE: %d, %v", n, err)
			}
			if err := c.FlushAll(t.Context()); !errors.Is(err, cluster.ErrUncovered) || !redis.SafeToRetry(err) {
				t.Errorf("FLUSHALL: %v", err)
			}
			time.AfterFunc(time.Second, func() { s.promote(s.nodes["r1:1"]) })
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if n, err := c.DBSize(ctx); n != 1 || err != nil {
				t.Errorf("DBSIZE: %d, %v", n, err)
			}
		})
	}
}

// What any node can answer waits for a primary while there is none, as commands with keys do.
func TestKeylessWithoutAPrimary(t *testing.T) {
	story(t, 1, true, nil, func(t *testing.T, c *cluster.Client, s *sim) {
		s.primaries[0].set(func() { s.primaries[0].failed = true })
		if _, err := c.Echo(t.Context(), "x"); !errors.Is(err, cluster.ErrNoTopology) || !redis.SafeToRetry(err) {
			t.Errorf("ECHO: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		time.AfterFunc(time.Second, func() { s.promote(s.nodes["r1:1"]) })
		if addr, err := c.Echo(ctx, "x"); addr != "r1:1" || err != nil {
			t.Errorf("ECHO: %q, %v", addr, err)
		}
		if _, err := c.RandomKey(ctx); err != redis.Nil {
			t.Errorf("RANDOMKEY: %v", err)
		}
	})
}

// A primary that has become a replica refuses to write for good: who asks it is told as soon as the
// topology says so.
func TestAggregationAtAPrimaryOfBefore(t *testing.T) {
	story(t, 2, true, nil, func(t *testing.T, c *cluster.Client, s *sim) {
		if _, err := c.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		old, now := s.primaries[0], s.nodes["r1:1"]
		s.promote(now)
		old.set(func() {
			old.failed, old.primary = false, now
			s.primaries = s.primaries[1:]
			old.answer = func(words []string) (string, bool) {
				return "-READONLY You can't write against a read only replica.\r\n", words[0] == "FLUSHALL"
			}
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		err := c.FlushAll(ctx)
		if took := time.Since(start); err == nil || redis.SafeToRetry(err) || took > time.Second {
			t.Errorf("FLUSHALL after %v: %v", took, err)
		}
		if err := c.FlushAll(ctx); err != nil {
			t.Errorf("FLUSHALL: %v", err)
		}
	})
}

func TestKeyless(t *testing.T) {
	story(t, 3, true, nil, func(t *testing.T, c *cluster.Client, s *sim) {
		// Any node can answer: the primaries take turns.
		seen := map[string]bool{}
		for range 12 {
			addr, err := c.Echo(t.Context(), "x")
			if err != nil {
				t.Fatal(err)
			}
			seen[addr] = true
		}
		if len(seen) != 3 {
			t.Errorf("%v", seen)
		}
		for _, n := range s.nodes {
			n.commands()
		}
		// A channel's messages go by one node, and stay in order.
		for range 10 {
			if _, err := c.Publish(t.Context(), "news", "m"); err != nil {
				t.Fatal(err)
			}
		}
		asked := 0
		for _, n := range s.nodes {
			if len(n.commands()) > 0 {
				asked++
			}
		}
		if asked != 1 {
			t.Errorf("PUBLISH went to %d nodes", asked)
		}
		// RANDOMKEY finds the only key, wherever it is.
		if _, err := c.RandomKey(t.Context()); err != redis.Nil {
			t.Errorf("RANDOMKEY of nothing: %v", err)
		}
		for _, n := range s.primaries {
			key := s.keyAt(n, 0)
			if err := c.Set(t.Context(), key, 1); err != nil {
				t.Fatal(err)
			}
			for range 5 {
				if got, err := c.RandomKey(t.Context()); got != key || err != nil {
					t.Errorf("RANDOMKEY: %q, %v", got, err)
				}
			}
			if _, err := c.Del(t.Context(), key); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := c.Scan(t.Context(), 0); !errors.Is(err, redis.ErrArgument) || !strings.Contains(err.Error(), "ScanAll") {
			t.Errorf("SCAN: %v", err)
		}
		if _, err := c.BGSave(t.Context()); !errors.Is(err, redis.ErrArgument) || !strings.Contains(err.Error(), "ForEachNode") {
			t.Errorf("BGSAVE: %v", err)
		}
	})
}

func TestNamedNodes(t *testing.T) {
	story(t, 2, true, nil, func(t *testing.T, c *cluster.Client, s *sim) {
		if _, err := c.Node("r1:1"); err == nil {
			t.Error("there is a node before there is a topology")
		}
		var mu sync.Mutex
		visit := func(which func(context.Context, func(context.Context, *redis.Client) error) error) []string {
			t.Helper()
			var seen []string
			err := which(t.Context(), func(ctx context.Context, n *redis.Client) error {
				addr, err := n.Echo(ctx, "x")
				mu.Lock()
				defer mu.Unlock()
				seen = append(seen, addr)
				return err
			})
			if err != nil {
				t.Error(err)
			}
			slices.Sort(seen)
			return seen
		}
		if got := visit(c.ForEachPrimary); !slices.Equal(got, []string{"n1:1", "n2:1"}) {
			t.Errorf("%q", got)
		}
		if got := visit(c.ForEachNode); !slices.Equal(got, []string{"n1:1", "n2:1", "r1:1", "r2:1"}) {
			t.Errorf("%q", got)
		}
		err := c.ForEachNode(t.Context(), func(_ context.Context, n *redis.Client) error {
			if n.Options().Addr == "r2:1" {
				return errors.New("not this one")
			}
			return nil
		})
		if err == nil || err.Error() != "node r2:1: not this one" {
			t.Errorf("%v", err)
		}
		n, err := c.Node("r1:1")
		if err != nil {
			t.Fatal(err)
		}
		if addr, err := n.Echo(t.Context(), "x"); addr != "r1:1" || err != nil {
			t.Errorf("%q, %v", addr, err)
		}
		n, err = c.NodeOf(t.Context(), s.keyAt(s.primaries[1], 0))
		if err != nil || n.Options().Addr != "n2:1" {
			t.Errorf("%v, %v", n, err)
		}
	})
}

func TestScanAll(t *testing.T) {
	story(t, 3, true, nil, func(t *testing.T, c *cluster.Client, s *sim) {
		want := map[string]int{}
		for i := range 50 {
			key := fmt.Sprint("k", i)
			want[key] = 1
			if err := c.Set(t.Context(), key, i); err != nil {
				t.Fatal(err)
			}
		}
		got := map[string]int{}
		for key, err := range c.ScanAll(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			got[key]++
		}
		if !cmp.Equal(got, want) {
			t.Error(cmp.Diff(want, got))
		}
		// A primary fails on the way: its shard is scanned again.
		found := 0
		got = map[string]int{}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for key, err := range c.ScanAll(ctx) {
			if err != nil {
				t.Fatal(err)
			}
			got[key]++
			if found++; found == 3 {
				s.primaries[0].kill()
				s.promote(s.nodes["r1:1"])
			}
		}
		if len(got) != len(want) {
			t.Errorf("%d keys", len(got))
		}
		for _, err := range c.ScanAll(ctx) {
			if err != nil {
				t.Error(err)
			}
			break // leaves nothing behind
		}
	})
}

// The slots that a shard was known by move, one before its scan and one during it: what stays is
// found all the same.
func TestScanAllWhileSlotsMove(t *testing.T) {
	story(t, 3, false, nil, func(t *testing.T, c *cluster.Client, s *sim) {
		firsts := map[*simNode]int{}
		for at, n := range s.owner {
			if _, ok := firsts[n]; !ok {
				firsts[n] = at
			}
		}
		want := map[string]bool{}
		for i := range 60 {
			key := fmt.Sprint("k", i)
			want[key] = true
			if err := c.Set(t.Context(), key, i); err != nil {
				t.Fatal(err)
			}
		}
		found := 0
		for key, err := range c.ScanAll(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			delete(want, key)
			if found++; found == 3 {
				s.move(s.primaries[1], firsts[s.primaries[0]])
				s.move(s.primaries[0], firsts[s.primaries[2]])
				if _, err := c.Refresh(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		if len(want) > 0 || found != 60 {
			t.Errorf("%d keys were found, %d were not", found, len(want))
		}
	})
}

func TestSplit(t *testing.T) {
	story(t, 3, false, nil, func(t *testing.T, c *cluster.Client, s *sim) {
		var keys []string
		values := command.Map{}
		var want []command.Optional[string]
		for i := range 60 {
			key := fmt.Sprint("k", i)
			keys = append(keys, key, key+"-missing")
			values[key] = fmt.Sprint(i)
			want = append(want, command.Optional[string]{Value: fmt.Sprint(i), Present: true}, command.Optional[string]{})
		}
		if err := cluster.MSet(t.Context(), c, values); err != nil {
			t.Fatal(err)
		}
		if got, err := cluster.MGet(t.Context(), c, keys...); err != nil || !cmp.Equal(got, want) {
			t.Errorf("%v, %v", got, err)
		}
		if n, err := cluster.Exists(t.Context(), c, keys...); n != 60 || err != nil {
			t.Errorf("EXISTS: %d, %v", n, err)
		}
		if n, err := cluster.Touch(t.Context(), c, keys[:10]...); n != 5 || err != nil {
			t.Errorf("TOUCH: %d, %v", n, err)
		}
		if n, err := cluster.Del(t.Context(), c, keys[:20]...); n != 10 || err != nil {
			t.Errorf("DEL: %d, %v", n, err)
		}
		if n, err := cluster.Unlink(t.Context(), c, keys...); n != 50 || err != nil {
			t.Errorf("UNLINK: %d, %v", n, err)
		}
		if _, err := cluster.Del(t.Context(), c); !errors.Is(err, redis.ErrArgument) {
			t.Errorf("DEL of nothing: %v", err)
		}
		if err := cluster.MSet(t.Context(), c, nil); !errors.Is(err, redis.ErrArgument) {
			t.Errorf("MSET of nothing: %v", err)
		}
		// The error names what was done.
		s.primaries[2].kill()
		a, b := s.keyAt(s.primaries[0], 0), s.keyAt(s.primaries[2], 0)
		err := cluster.MSet(t.Context(), c, command.Map{a: 1, b: 2})
		var split *cluster.SplitError
		if !errors.As(err, &split) || !slices.Equal(split.Done, []string{a}) || !slices.Equal(split.Failed, []string{b}) || redis.SafeToRetry(err) {
			t.Errorf("MSET: %v", err)
		}
		if err := cluster.MSet(t.Context(), c, command.Map{b: 2}); !redis.SafeToRetry(err) {
			t.Errorf("MSET of what was not sent: %v", err)
		}
	})
}
