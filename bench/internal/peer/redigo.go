package peer

import (
	"context"
	"runtime"

	"github.com/gomodule/redigo/redis"
)

// redigoConns is how many connections redigo's pool has for each CPU. redigo has no
// default, so it is go-redis'.
const redigoConns = 10

// redigoClient is redigo's pool.
type redigoClient struct{ pool *redis.Pool }

func openRedigo(options Options) (Client, error) {
	conns := redigoConns * runtime.GOMAXPROCS(0)
	return redigoClient{&redis.Pool{
		DialContext: func(ctx context.Context) (redis.Conn, error) {
			return redis.DialContext(ctx, options.Network, options.Addr)
		},
		MaxIdle:   conns,
		MaxActive: conns,
		Wait:      true,
	}}, nil
}

// do runs one command as a user of redigo would: DoContext, which starts a goroutine,
// only where the context can end.
func (c redigoClient) do(ctx context.Context, name string, arguments ...any) (any, error) {
	conn, err := c.pool.GetContext(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if ctx.Done() == nil {
		return conn.Do(name, arguments...)
	}
	return redis.DoContext(conn, ctx, name, arguments...)
}

func (c redigoClient) Get(ctx context.Context, key string) (string, error) {
	return redis.String(c.do(ctx, "GET", key))
}

func (c redigoClient) Set(ctx context.Context, key, value string) error {
	_, err := c.do(ctx, "SET", key, value)
	return err
}

func (c redigoClient) LRange(ctx context.Context, key string) ([]string, error) {
	return redis.Strings(c.do(ctx, "LRANGE", key, 0, -1))
}

func (c redigoClient) HGetAll(ctx context.Context, key string) (map[string]string, error) {
	return redis.StringMap(c.do(ctx, "HGETALL", key))
}

func (c redigoClient) Pipeline(ctx context.Context, keys []string) (int, error) {
	conn, err := c.pool.GetContext(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	for _, key := range keys {
		if err := conn.Send("GET", key); err != nil {
			return 0, err
		}
	}
	if err := conn.Flush(); err != nil {
		return 0, err
	}
	total := 0
	for range keys {
		value, err := redis.String(conn.Receive())
		if err != nil {
			return 0, err
		}
		total += len(value)
	}
	return total, nil
}

// Receive uses PubSubConn.Receive: redigo has no Go channel.
func (c redigoClient) Receive(ctx context.Context, topic Topic, deliver func(string)) error {
	conn, err := c.pool.DialContext(ctx)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	sub := redis.PubSubConn{Conn: conn}
	names := redis.Args{}.AddFlat(topic.Names)
	if topic.Pattern {
		err = sub.PSubscribe(names...)
	} else {
		err = sub.Subscribe(names...)
	}
	if err != nil {
		return err
	}
	for {
		switch item := sub.Receive().(type) {
		case redis.Message:
			deliver(string(item.Data))
		case error:
			if ctx.Err() != nil {
				return nil
			}
			return item
		}
	}
}

func (c redigoClient) Close() error { return c.pool.Close() }
