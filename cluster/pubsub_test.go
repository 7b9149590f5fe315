package cluster_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/redchan-go/redchan/cluster"
	"github.com/redchan-go/redchan/pubsub"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
)

// Shard channels and others don't mix, neither at the beginning nor later.
func TestMixedNames(t *testing.T) {
	story(t, 3, false, nil, func(t *testing.T, c *cluster.Client, _ *sim) {
		if _, err := c.NewSubscription(t.Context(), pubsub.ShardChannel("s"), pubsub.Pattern("p")); !errors.Is(err, cluster.ErrMixedNames) {
			t.Errorf("both: %v", err)
		}
		if _, err := c.NewSubscriptionAt(t.Context(), "", pubsub.ShardChannel("s")); !errors.Is(err, cluster.ErrMixedNames) {
			t.Errorf("shard channels on any node: %v", err)
		}
		if _, err := c.NewShardSubscription(t.Context(), pubsub.Channel("c")); !errors.Is(err, cluster.ErrMixedNames) {
			t.Errorf("channels by slot: %v", err)
		}
		sub, err := c.NewSubscription(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := sub.SSubscribe(t.Context(), "s"); !errors.Is(err, cluster.ErrMixedNames) {
			t.Errorf("a shard channel later: %v", err)
		}
		if _, err := c.NewSubscriptionAt(t.Context(), "nowhere:1", pubsub.Channel("c")); !redis.SafeToRetry(err) {
			t.Errorf("on a node that is not there: %v", err)
		}
		if _, err := c.KeyEvents(t.Context(), pubsub.ShardChannel("s")); !errors.Is(err, redis.ErrArgument) {
			t.Errorf("key events of a shard channel: %v", err)
		}
	})
}

// Without any node a batch, a transaction and a session give up as soon as a command does.
func TestBatchWithoutAnyNode(t *testing.T) {
	story(t, 2, false, nil, func(t *testing.T, c *cluster.Client, s *sim) {
		for _, n := range s.nodes {
			n.kill()
		}
		took := func(call func(ctx context.Context) error) time.Duration {
			start := time.Now()
			if err := call(t.Context()); !errors.Is(err, redis.ErrNotSent) {
				t.Errorf("%v", err)
			}
			return time.Since(start)
		}
		one := took(func(ctx context.Context) error { _, err := c.Get(ctx, "k"); return err })
		for name, call := range map[string]func(ctx context.Context) error{
			"a batch": func(ctx context.Context) error {
				p := c.Pipeline()
				for i := range 100 {
					p.Get(strconv.Itoa(i))
				}
				return p.Exec(ctx)
			},
			"a transaction": func(ctx context.Context) error {
				var b command.Batch
				b.Get("k")
				return c.Multi(ctx, &b)
			},
			"a session": func(ctx context.Context) error { _, err := c.Watch(ctx, "k"); return err },
		} {
			if d := took(call); d > 2*one+time.Second {
				t.Errorf("%s took %v, a command %v", name, d, one)
			}
		}
	})
}
