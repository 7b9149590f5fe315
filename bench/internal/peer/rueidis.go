package peer

import (
	"context"
	"crypto/tls"
	"errors"
	"net"

	"github.com/redis/rueidis"
)

// rueidisClient is rueidis as it comes, without client-side caching: no workload
// asks for it, and it would cost the server.
type rueidisClient struct{ client rueidis.Client }

func openRueidis(options Options) (Client, error) {
	client, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress:  []string{options.Addr},
		DisableCache: true,
		DialCtxFn:    rueidisDial(options.Network),
	})
	if err != nil {
		return nil, err
	}
	return rueidisClient{client}, nil
}

// rueidisDial returns how to dial a Unix socket, as rueidis.ParseURL has it; nil, for
// the default, with TCP.
func rueidisDial(network string) func(context.Context, string, *net.Dialer, *tls.Config) (net.Conn, error) {
	if network != "unix" {
		return nil
	}
	return func(ctx context.Context, addr string, dialer *net.Dialer, _ *tls.Config) (net.Conn, error) {
		return dialer.DialContext(ctx, "unix", addr)
	}
}

func (c rueidisClient) Get(ctx context.Context, key string) (string, error) {
	return c.client.Do(ctx, c.client.B().Get().Key(key).Build()).ToString()
}

func (c rueidisClient) Set(ctx context.Context, key, value string) error {
	return c.client.Do(ctx, c.client.B().Set().Key(key).Value(value).Build()).Error()
}

func (c rueidisClient) LRange(ctx context.Context, key string) ([]string, error) {
	return c.client.Do(ctx, c.client.B().Lrange().Key(key).Start(0).Stop(-1).Build()).AsStrSlice()
}

func (c rueidisClient) HGetAll(ctx context.Context, key string) (map[string]string, error) {
	return c.client.Do(ctx, c.client.B().Hgetall().Key(key).Build()).AsStrMap()
}

func (c rueidisClient) Pipeline(ctx context.Context, keys []string) (int, error) {
	commands := make(rueidis.Commands, len(keys))
	for i, key := range keys {
		commands[i] = c.client.B().Get().Key(key).Build()
	}
	total := 0
	for _, reply := range c.client.DoMulti(ctx, commands...) {
		value, err := reply.ToString()
		if err != nil {
			return 0, err
		}
		total += len(value)
	}
	return total, nil
}

func (c rueidisClient) subscribe(topic Topic) rueidis.Completed {
	if topic.Pattern {
		return c.client.B().Psubscribe().Pattern(topic.Names...).Build()
	}
	return c.client.B().Subscribe().Channel(topic.Names...).Build()
}

// Receive uses rueidis' Receive, which has no Go channel: it calls deliver itself.
func (c rueidisClient) Receive(ctx context.Context, topic Topic, deliver func(string)) error {
	err := c.client.Receive(ctx, c.subscribe(topic), func(message rueidis.PubSubMessage) {
		deliver(message.Message)
	})
	if errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

// Handle uses the hooks of a dedicated connection.
func (c rueidisClient) Handle(ctx context.Context, topic Topic, deliver func(string)) error {
	dedicated, release := c.client.Dedicate()
	defer release()
	ended := dedicated.SetPubSubHooks(rueidis.PubSubHooks{
		OnMessage: func(message rueidis.PubSubMessage) { deliver(message.Message) },
	})
	if err := dedicated.Do(ctx, c.subscribe(topic)).Error(); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-ended:
		return err
	}
}

func (c rueidisClient) Close() error {
	c.client.Close()
	return nil
}
