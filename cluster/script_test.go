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

// What a script returns is final, whatever it says: it has run.
func TestErrorsOfScriptsAreFinal(t *testing.T) {
	script := command.NewScript("return redis.error_reply(ARGV[1])")
	ways := map[string]func(ctx context.Context, c *cluster.Client, key string) error{
		"alone": func(ctx context.Context, c *cluster.Client, key string) error {
			_, err := script.Call([]string{key}).Do(ctx, c)
			return err
		},
		"its text": func(ctx context.Context, c *cluster.Client, key string) error {
			_, err := c.Eval(ctx, "return 1", []string{key})
			return err
		},
		"in a batch": func(ctx context.Context, c *cluster.Client, key string) error {
			var b command.Batch
			f := script.Call([]string{key}).Queue(&b)
			_ = c.Exec(ctx, &b)
			_, err := f.Result()
			return err
		},
		"in a transaction": func(ctx context.Context, c *cluster.Client, key string) error {
			var b command.Batch
			f := script.Call([]string{key}).Queue(&b)
			_ = c.Multi(ctx, &b)
			_, err := f.Result()
			return err
		},
	}
	for _, text := range []string{
		"MOVED 1 n2:1", "MOVED to Rome", "ASK 1 n2:1", "TRYAGAIN later", "LOADING the truck", "CLUSTERDOWN no idea",
		"READONLY account", "MASTERDOWN", "UNBLOCKED account", "NOSCRIPT No matching script. Please use EVAL.",
	} {
		for name, way := range ways {
			t.Run(text+" "+name, func(t *testing.T) {
				story(t, 2, false, nil, func(t *testing.T, c *cluster.Client, s *sim) {
					if _, err := c.Refresh(t.Context()); err != nil {
						t.Fatal(err)
					}
					runs := 0
					for _, n := range s.nodes {
						n.script = true
						n.answer = func(words []string) (string, bool) {
							switch {
							case words[0] == "EVALSHA" && strings.HasPrefix(text, "NOSCRIPT"):
								return "-" + text + "\r\n", true // by the server
							case words[0] == "EVALSHA", words[0] == "EVAL":
								runs++
								if name == "in a transaction" {
									return "", false // what it returns comes with EXEC
								}
								return "-" + text + "\r\n", true
							case words[0] == "EXEC":
								return "*1\r\n-" + text + "\r\n", true
							}
							return "", false
						}
					}
					ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
					defer cancel()
					err := way(ctx, c, s.keyAt(s.primaries[0], 0))
					var reply *redis.ReplyError
					if !errors.As(err, &reply) || redis.SafeToRetry(err) || strings.Contains(err.Error(), "cluster client") {
						t.Errorf("%v", err)
					}
					if runs != 1 {
						t.Errorf("it ran %d times", runs)
					}
				})
			})
		}
	}
}

// A node that becomes a replica ends what waits there: it took nothing, and goes on to wait at the new
// primary.
func TestBlockedThroughAFailover(t *testing.T) {
	story(t, 2, true, nil, func(t *testing.T, c *cluster.Client, s *sim) {
		old, replica := s.primaries[0], s.nodes["r1:1"]
		key := s.keyAt(old, 0)
		if err := c.Set(t.Context(), key, "v"); err != nil {
			t.Fatal(err)
		}
		replica.answer = func(words []string) (string, bool) {
			return simArray(key, "element"), words[0] == "BLPOP" && replica.primary == nil
		}
		failed := false
		old.answer = func(words []string) (string, bool) {
			switch {
			case words[0] != "BLPOP":
				return "", false
			case failed && replica.primary != nil: // nobody has been elected yet
				return "-CLUSTERDOWN The cluster is down\r\n", true
			case failed:
				return fmt.Sprintf("-MOVED %d %s\r\n", slot.Of(key), replica.addr), true
			}
			failed = true
			time.AfterFunc(100*time.Millisecond, func() { s.promote(replica) })
			return "-UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)\r\n", true
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if pair, err := c.BLPop(ctx, time.Minute, key); err != nil || pair.Value != "element" {
			t.Errorf("%v, %v", pair, err)
		}
	})
}
