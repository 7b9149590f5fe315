package peer

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// goRedisClient is go-redis as it comes, or with AutoPipeline, whose commands are the
// same.
type goRedisClient struct {
	client   *redis.Client
	commands goRedisCommands
}

// goRedisCommands is what the client and the AutoPipeliner have in common.
type goRedisCommands interface {
	Get(ctx context.Context, key string) *redis.StringCmd
	Set(ctx context.Context, key string, value any, expiration time.Duration) *redis.StatusCmd
	LRange(ctx context.Context, key string, start, stop int64) *redis.StringSliceCmd
	HGetAll(ctx context.Context, key string) *redis.MapStringStringCmd
	Pipeline() redis.Pipeliner
}

func newGoRedis(options Options) *redis.Client {
	return redis.NewClient(&redis.Options{Network: options.Network, Addr: options.Addr})
}

func openGoRedis(options Options) (Client, error) {
	client := newGoRedis(options)
	return goRedisClient{client, client}, nil
}

func openGoRedisAuto(options Options) (Client, error) {
	client := newGoRedis(options)
	auto, err := client.AutoPipeline()
	if err != nil {
		return nil, err
	}
	return goRedisClient{client, auto}, nil
}

func (c goRedisClient) Get(ctx context.Context, key string) (string, error) {
	return c.commands.Get(ctx, key).Result()
}

func (c goRedisClient) Set(ctx context.Context, key, value string) error {
	return c.commands.Set(ctx, key, value, 0).Err()
}

func (c goRedisClient) LRange(ctx context.Context, key string) ([]string, error) {
	return c.commands.LRange(ctx, key, 0, -1).Result()
}

func (c goRedisClient) HGetAll(ctx context.Context, key string) (map[string]string, error) {
	return c.commands.HGetAll(ctx, key).Result()
}

func (c goRedisClient) Pipeline(ctx context.Context, keys []string) (int, error) {
	pipeline := c.commands.Pipeline()
	replies := make([]*redis.StringCmd, len(keys))
	for i, key := range keys {
		replies[i] = pipeline.Get(ctx, key)
	}
	if _, err := pipeline.Exec(ctx); err != nil {
		return 0, err
	}
	total := 0
	for _, reply := range replies {
		value, err := reply.Result()
		if err != nil {
			return 0, err
		}
		total += len(value)
	}
	return total, nil
}

// Receive receives from Channel().
func (c goRedisClient) Receive(ctx context.Context, topic Topic, deliver func(string)) error {
	subscribe := c.client.Subscribe
	if topic.Pattern {
		subscribe = c.client.PSubscribe
	}
	sub := subscribe(ctx, topic.Names...)
	stop := context.AfterFunc(ctx, func() { _ = sub.Close() })
	defer stop()
	for message := range sub.Channel() {
		deliver(message.Payload)
	}
	return nil
}

func (c goRedisClient) Close() error { return c.client.Close() }
