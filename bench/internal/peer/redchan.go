package peer

import (
	"context"
	"errors"
	"time"

	"github.com/redchan-go/redchan/pubsub"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
)

// redchanClient is this repository's client.
type redchanClient struct{ client *redis.Client }

func openRedchan(ctx context.Context, options Options) (Client, error) {
	client, err := redis.OpenWith(ctx, redis.Options{Network: options.Network, Addr: options.Addr})
	if err != nil {
		return nil, err
	}
	return redchanClient{client}, nil
}

func (c redchanClient) Get(ctx context.Context, key string) (string, error) {
	return c.client.Get(ctx, key)
}

func (c redchanClient) Set(ctx context.Context, key, value string) error {
	err := c.client.Set(ctx, key, value)
	return err
}

func (c redchanClient) LRange(ctx context.Context, key string) ([]string, error) {
	return c.client.LRange(ctx, key, 0, -1)
}

func (c redchanClient) HGetAll(ctx context.Context, key string) (map[string]string, error) {
	return c.client.HGetAll(ctx, key)
}

func (c redchanClient) Pipeline(ctx context.Context, keys []string) (int, error) {
	pipeline := c.client.Pipeline()
	futures := make([]*command.Future[string], len(keys))
	for i, key := range keys {
		futures[i] = pipeline.Get(key)
	}
	if err := pipeline.Exec(ctx); err != nil {
		return 0, err
	}
	total := 0
	for _, future := range futures {
		value, err := future.Result()
		if err != nil {
			return 0, err
		}
		total += len(value)
	}
	return total, nil
}

func (c redchanClient) Receive(ctx context.Context, topic Topic, deliver func(string)) error {
	names := pubsub.Channels(topic.Names...)
	if topic.Pattern {
		names = pubsub.Patterns(topic.Names...)
	}
	// The other clients hold the server up where their consumer is slower.
	slow := pubsub.Block(time.Minute)
	if topic.Dropping {
		slow = pubsub.DropOldest
	}
	sub, err := c.client.NewSubscription(ctx, names, slow)
	if err != nil {
		return err
	}
	for message := range sub.Messages() {
		deliver(message.Payload)
	}
	if err := sub.Err(); !errors.Is(err, ctx.Err()) {
		return err
	}
	return nil
}

func (c redchanClient) Close() error { return c.client.Close() }
