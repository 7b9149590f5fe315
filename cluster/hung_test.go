package cluster_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redchan-go/redchan/cluster"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
)

// A replica that stands still costs a few reads and no more: the primary answers instead, until the
// replica answers again.
func TestHungReplica(t *testing.T) {
	for name, test := range map[string]struct {
		deadline time.Duration
		failures int // at most
	}{
		"short deadlines": {50 * time.Millisecond, 3},
		"long deadlines":  {time.Second, 2},
		"its own time":    {time.Hour, 1},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, 1, true, func(o *cluster.Options) {
				o.ReadFrom = cluster.PreferReplica
				o.Node.ReplyTimeout = 2 * time.Second
			}, func(t *testing.T, c *cluster.Client, s *sim) {
				p, r1 := s.primaries[0], s.nodes["r1:1"]
				if err := c.Set(t.Context(), "k", "v"); err != nil {
					t.Fatal(err)
				}
				if _, err := c.Get(t.Context(), "k"); err != nil {
					t.Fatal(err)
				}
				r1.pause()
				failures := 0
				for began := time.Now(); time.Since(began) < 30*time.Second; {
					ctx, cancel := context.WithTimeout(t.Context(), test.deadline)
					_, err := c.Get(ctx, "k")
					cancel()
					if err != nil {
						failures++
					}
					time.Sleep(10 * time.Millisecond)
				}
				if failures > test.failures {
					t.Errorf("%d reads failed", failures)
				}
				r1.resume()
				time.Sleep(20 * time.Second) // it is probed
				reads(p, r1)
				if _, err := c.Get(t.Context(), "k"); err != nil {
					t.Fatal(err)
				}
				if got := reads(p, r1); got[1] != 1 {
					t.Errorf("%v", got)
				}
			})
		})
	}
}

// Callers that give up by themselves show nothing of the node.
func TestCallersThatGiveUp(t *testing.T) {
	story(t, 1, true, func(o *cluster.Options) { o.ReadFrom = cluster.PreferReplica }, func(t *testing.T, c *cluster.Client, s *sim) {
		p, r1 := s.primaries[0], s.nodes["r1:1"]
		if err := c.Set(t.Context(), "k", "v"); err != nil {
			t.Fatal(err)
		}
		r1.slow(10 * time.Millisecond)
		for range 10 {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Millisecond, cancel)
			if _, err := c.Get(ctx, "k"); !errors.Is(err, context.Canceled) {
				t.Fatalf("%v", err)
			}
		}
		reads(p, r1)
		if _, err := c.Get(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		if got := reads(p, r1); got[0] != 0 {
			t.Errorf("%v", got)
		}
	})
}

// What is published reaches all nodes from any: it goes by another one while that of its channel
// can't be reached.
func TestPublishWhileItsNodeIsDown(t *testing.T) {
	for name, test := range map[string]struct {
		only    bool // there is a replica, and no other primary
		publish func(ctx context.Context, c *cluster.Client, channel string) error
	}{
		"alone": {false, publishOne}, "in a batch": {false, publishBatch},
		"alone, by a replica": {true, publishOne}, "in a batch, by a replica": {true, publishBatch},
	} {
		t.Run(name, func(t *testing.T) {
			primaries := 2
			if test.only {
				primaries = 1
			}
			story(t, primaries, test.only, nil, func(t *testing.T, c *cluster.Client, s *sim) {
				channel := s.keyAt(s.primaries[0], 0)
				if err := test.publish(t.Context(), c, channel); err != nil {
					t.Fatal(err)
				}
				s.primaries[0].kill()
				for range 5 {
					if err := test.publish(t.Context(), c, channel); err != nil {
						t.Errorf("%v", err)
					}
				}
				// It goes back to the node of its channel when that is there again.
				s.primaries[0].server.Refuse(nil)
				time.Sleep(20 * time.Second)
				s.primaries[0].commands()
				if err := test.publish(t.Context(), c, channel); err != nil {
					t.Error(err)
				}
				if got := s.primaries[0].commands(); len(got) != 1 {
					t.Errorf("%q", got)
				}
			})
		})
	}
}

func publishOne(ctx context.Context, c *cluster.Client, channel string) error {
	_, err := c.Publish(ctx, channel, "m")
	if errors.Is(err, redis.ErrMaybeExecuted) {
		return nil // it was on its way
	}
	return err
}

func publishBatch(ctx context.Context, c *cluster.Client, channel string) error {
	var b command.Batch
	b.Publish(channel, "m")
	return c.Exec(ctx, &b)
}
