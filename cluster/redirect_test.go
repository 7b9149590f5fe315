package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redchan-go/redchan/cluster"
	"github.com/redchan-go/redchan/cluster/slot"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
)

// waysTo are the ways to have something done for a key.
var waysTo = map[string]func(ctx context.Context, c *cluster.Client, key string) error{
	"a read": func(ctx context.Context, c *cluster.Client, key string) error {
		_, err := c.Get(ctx, key)
		return err
	},
	"a write": func(ctx context.Context, c *cluster.Client, key string) error {
		_, err := c.Incr(ctx, key)
		return err
	},
	"a batch": func(ctx context.Context, c *cluster.Client, key string) error {
		p := c.Pipeline()
		p.Incr(key)
		p.Get(key)
		return p.Exec(ctx)
	},
	"a transaction": func(ctx context.Context, c *cluster.Client, key string) error {
		var b command.Batch
		b.Incr(key)
		return c.Multi(ctx, &b)
	},
	"a session": func(ctx context.Context, c *cluster.Client, key string) error {
		s, err := c.Watch(ctx, key)
		if err == nil {
			_ = s.Close()
		}
		return err
	},
}

// each runs a story for each way to have something done, for a key of the first node.
func each(t *testing.T, primaries int, test func(t *testing.T, c *cluster.Client, s *sim, key string, call func(ctx context.Context) error)) {
	t.Helper()
	for name, way := range waysTo {
		t.Run(name, func(t *testing.T) {
			story(t, primaries, false, nil, func(t *testing.T, c *cluster.Client, s *sim) {
				if _, err := c.Refresh(t.Context()); err != nil {
					t.Fatal(err)
				}
				key := s.keyAt(s.primaries[0], 0)
				test(t, c, s, key, func(ctx context.Context) error { return way(ctx, c, key) })
			})
		})
	}
}

// says has a node answer everything that has a key with an error.
func (n *simNode) says(text string) {
	n.set(func() {
		n.answer = func(words []string) (string, bool) { return "-" + text + "\r\n", len(keysOf(words)) > 0 }
	})
}

// tries counts what came with a key.
func (n *simNode) tries() int {
	count := 0
	for _, line := range n.commands() {
		if len(keysOf(strings.Fields(line))) > 0 {
			count++
		}
	}
	return count
}

// A redirect that makes no sense is an error at once: asked again the node would say the same.
func TestRedirectThatCantBeRead(t *testing.T) {
	for _, text := range []string{
		"MOVED 1", "MOVED", "MOVED 99999 n2:1", "MOVED 1 n2:99999", "MOVED x n2:1", "ASK 1", "ASK 16384 n2:1", "MOVED 1 n2",
	} {
		t.Run(text, func(t *testing.T) {
			each(t, 2, func(t *testing.T, _ *cluster.Client, s *sim, _ string, call func(context.Context) error) {
				s.primaries[0].says(text)
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				start := time.Now()
				err := call(ctx)
				var reply *redis.ReplyError
				if !errors.As(err, &reply) || time.Since(start) > 10*time.Millisecond || !strings.Contains(err.Error(), "bad redirect") {
					t.Errorf("after %v: %v", time.Since(start), err)
				}
				if n := s.primaries[0].tries(); n > 2 { // a batch has two requests
					t.Errorf("the node was asked %d times", n)
				}
			})
		})
	}
}

// A redirect without a host means the one that has answered, whether or not the topology has its
// node.
func TestRedirectToTheHostThatAnswered(t *testing.T) {
	for _, host := range []string{"", "?"} {
		for _, known := range []bool{true, false} {
			t.Run(fmt.Sprintf("%q known %v", host, known), func(t *testing.T) {
				each(t, 1, func(t *testing.T, c *cluster.Client, s *sim, key string, call func(context.Context) error) {
					other := s.add("n1:2", nil)
					other.delay = 100 * time.Millisecond // a refresh is over before it answers
					at := slot.Of(key)
					if old := s.shards(); !known {
						told := func(words []string) (string, bool) { return old, words[1] == "SHARDS" }
						s.primaries[0].told, other.told = told, told
					}
					s.primaries[0].set(func() {
						s.owner[at] = other
						if known {
							s.primaries = append(s.primaries, other)
						}
					})
					s.primaries[0].says(fmt.Sprintf("MOVED %d %s:2", at, host))
					for range 3 {
						if err := call(t.Context()); err != nil && !errors.Is(err, redis.Nil) {
							t.Errorf("%v", err)
						}
						time.Sleep(time.Second) // a refresh, which may not know the node
					}
				})
			})
		}
	}
}

// The context ends while something is tried again: the error has both, that and what the server has
// said last, and no advice that a client of a cluster has followed already.
func TestContextEndsDuringRetries(t *testing.T) {
	for name, text := range map[string]string{
		"TRYAGAIN":    "TRYAGAIN Multiple keys request during rehashing of slot",
		"CLUSTERDOWN": "CLUSTERDOWN The cluster is down",
		"LOADING":     "LOADING Redis is loading the dataset in memory",
		"MOVED":       "MOVED %d n2:1",
		"ASK":         "ASK %d n2:1",
	} {
		t.Run(name, func(t *testing.T) {
			each(t, 2, func(t *testing.T, c *cluster.Client, s *sim, key string, call func(context.Context) error) {
				text := text
				if strings.Contains(text, "%d") {
					text = fmt.Sprintf(text, slot.Of(key))
					s.primaries[1].kill()
				}
				s.primaries[0].says(text)
				check := func(err error, wants ...error) {
					t.Helper()
					var reply *redis.ReplyError
					if errors.Is(err, cluster.ErrTooManyRedirects) {
						t.Skip("it was over before")
					}
					// The last attempt may have found the node to which it was sent out of reach.
					if !errors.As(err, &reply) && !strings.Contains(fmt.Sprint(err), "connection refused") {
						t.Errorf("without the server's word: %v", err)
					}
					for _, want := range wants {
						if !errors.Is(err, want) {
							t.Errorf("it is no %v: %v", want, err)
						}
					}
					if text := err.Error(); strings.Contains(text, "cluster client") || strings.Count(text, "the cluster does not serve") > 1 {
						t.Error(text)
					}
				}
				ctx, cancel := context.WithTimeout(t.Context(), 170*time.Millisecond)
				defer cancel()
				check(call(ctx), context.DeadlineExceeded)
				why := errors.New("the user has gone")
				ctx, cancel = context.WithTimeout(t.Context(), time.Hour) // it is tried without end
				defer cancel()
				gone, leave := context.WithCancelCause(ctx)
				time.AfterFunc(30*time.Millisecond, func() { leave(why) })
				check(call(gone), context.Canceled, why)
			})
		})
	}
}

// A node that can't be reached, to which another one sends: the error says why.
func TestRedirectToANodeOutOfReach(t *testing.T) {
	refused := errors.New("connection refused")
	for _, code := range []string{"MOVED", "ASK"} {
		for _, to := range []string{"n2:1", "unknown:1"} {
			t.Run(code+" "+to, func(t *testing.T) {
				each(t, 2, func(t *testing.T, c *cluster.Client, s *sim, key string, call func(context.Context) error) {
					s.primaries[1].kill()
					s.primaries[1].server.Refuse(refused)
					s.primaries[0].says(fmt.Sprintf("%s %d %s", code, slot.Of(key), to))
					check := func(err error) {
						t.Helper()
						want := "connection refused"
						if to == "unknown:1" {
							want = "no such host: unknown:1"
						} else if !errors.Is(err, refused) {
							t.Errorf("the cause can't be found: %v", err)
						}
						if text := fmt.Sprint(err); !strings.Contains(text, want) || strings.Contains(text, "cluster client") {
							t.Error(text)
						}
					}
					if code == "ASK" && strings.HasSuffix(t.Name(), "session") {
						return // it waits until the slot has moved
					}
					check(call(t.Context()))
					ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
					defer cancel()
					check(call(ctx))
				})
			})
		}
	}
}

// Behind a node's name is another server by now, and the connection goes to the one of before, which
// sends requests to that name, or to another node that sends them back: the name is resolved again.
func TestNameOfAnotherServer(t *testing.T) {
	for _, to := range []string{"n1:1", "n2:1"} {
		t.Run("MOVED to "+to, func(t *testing.T) {
			each(t, 2, func(t *testing.T, _ *cluster.Client, s *sim, key string, call func(context.Context) error) {
				old, other := s.primaries[0], s.primaries[1]
				if err := call(t.Context()); err != nil && !errors.Is(err, redis.Nil) { // there are connections
					t.Fatal(err)
				}
				fresh := s.add("fresh:1", nil)
				old.set(func() { s.nodes[old.addr] = fresh })
				fresh.set(func() {
					fresh.addr, s.primaries = old.addr, []*simNode{fresh, other}
					for at, owner := range s.owner {
						if owner == old {
							s.owner[at] = fresh
						}
					}
				})
				old.says(fmt.Sprintf("MOVED %d %s", slot.Of(key), to))
				other.set(func() {
					other.answer = func(words []string) (string, bool) {
						return fmt.Sprintf("-MOVED %d n1:1\r\n", slot.Of(key)), len(keysOf(words)) > 0
					}
				})
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				defer cancel()
				if err := call(ctx); err != nil && !errors.Is(err, redis.Nil) {
					t.Errorf("%v", err)
				}
			})
		})
	}
}

// A node that goes on to send requests to itself is connected to again, but not all the time.
func TestNodeThatSendsToItself(t *testing.T) {
	each(t, 1, func(t *testing.T, _ *cluster.Client, s *sim, key string, call func(context.Context) error) {
		s.primaries[0].says(fmt.Sprintf("MOVED %d n1:1", slot.Of(key)))
		before := s.dials["n1:1"]
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		err := call(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "MOVED") || strings.Contains(err.Error(), "cluster client") {
			t.Errorf("%v", err)
		}
		if n := s.dials["n1:1"] - before; n < 10 || n > 2*21 { // each second, and those of sessions too
			t.Errorf("%d connections", n)
		}
	})
}

// A session stays at its node, and so does the client of one node. What they get from a slot that has
// moved does not advise to use what made them.
func TestNoAdviceToUseAClusterClient(t *testing.T) {
	story(t, 2, false, nil, func(t *testing.T, c *cluster.Client, s *sim) {
		if _, err := c.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		here, there := s.keyAt(s.primaries[0], 0), s.keyAt(s.primaries[1], 0)
		session, err := c.Session(t.Context(), here)
		if err != nil {
			t.Fatal(err)
		}
		defer session.Close()
		node, err := c.NodeOf(t.Context(), here)
		if err != nil {
			t.Fatal(err)
		}
		_, ofSession := session.Get(t.Context(), there)
		_, ofNode := node.Get(t.Context(), there)
		for _, err := range []error{ofSession, ofNode} {
			if !errors.Is(err, redis.ErrRejected) || strings.Contains(err.Error(), "cluster client") {
				t.Errorf("%v", err)
			}
		}
	})
}
