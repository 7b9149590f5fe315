package redchan

import (
	"context"
	"fmt"
	"io"
	"iter"

	"github.com/redchan-go/redchan/cluster"
	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/pubsub"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
)

//go:generate go run ./redis/command/internal/genmethods -client redis/command

// Client is a client of one server or of a cluster, with a method for every command. It is
// safe for concurrent use and meant to be shared by the whole program. Close it when it is
// no longer needed.
type Client struct {
	commands command.Commands
	backend  backend
	server   *redis.Client   // nil for a cluster
	cluster  *cluster.Client // nil for one server
}

// backend is the interface that a client of one server and a client of a cluster share.
type backend interface {
	command.Doer
	command.BatchDoer
	Exec(ctx context.Context, b *command.Batch) error
	Multi(ctx context.Context, b *command.Batch) error
	Pipeline() *redis.Pipeline
	Watch(ctx context.Context, keys ...string) (*redis.Session, error)
	NewSubscription(ctx context.Context, opts ...pubsub.Option) (*pubsub.Subscription, error)
	ScanAll(ctx context.Context, opts ...command.ScanOption) iter.Seq2[string, error]
	Any(ctx context.Context, cmd command.Queueable) (any, error)
	Stats() redis.Stats
	fmt.Formatter
	Close() error
}

// New returns a client that connects when it is first used. It returns an error if the
// options are not valid.
func New(options Options) (*Client, error) {
	if err := options.check(); err != nil {
		return nil, err
	}
	if options.Cluster != nil {
		c, err := cluster.New(*options.Cluster)
		if err != nil {
			return nil, err
		}
		return ofCluster(c), nil
	}
	c, err := redis.New(options.Server)
	if err != nil {
		return nil, err
	}
	return ofServer(c), nil
}

// Open connects to the server or cluster that a URL names and returns a client for it.
// [ParseURL] describes the URLs. ctx bounds only this first connect.
func Open(ctx context.Context, url string) (*Client, error) {
	options, err := ParseURL(url)
	if err != nil {
		return nil, err
	}
	return OpenWith(ctx, options)
}

// OpenWith is like [Open], but takes options instead of a URL.
func OpenWith(ctx context.Context, options Options) (*Client, error) {
	if err := options.check(); err != nil {
		return nil, err
	}
	if options.Cluster != nil {
		c, err := cluster.OpenWith(ctx, *options.Cluster)
		if err != nil {
			return nil, err
		}
		return ofCluster(c), nil
	}
	c, err := redis.OpenWith(ctx, options.Server)
	if err != nil {
		return nil, err
	}
	return ofServer(c), nil
}

func ofServer(c *redis.Client) *Client {
	return &Client{commands: c.Commands, backend: c, server: c}
}

func ofCluster(c *cluster.Client) *Client {
	return &Client{commands: c.Commands, backend: c, cluster: c}
}

// via returns the backend of the client. The zero Client uses the zero redis.Client, whose
// errors say that it was not made by New or Open.
func (c *Client) via() backend {
	if c == nil || c.backend == nil {
		return new(redis.Client)
	}
	return c.backend
}

// Server returns the client of one server, which has additional methods such as
// [redis.Client.Monitor] and [redis.Client.View]. It shares the connections of c. It is nil
// if c is a client of a cluster.
func (c *Client) Server() *redis.Client { return c.server }

// Cluster returns the client of a cluster, which has additional methods such as
// [cluster.Client.Topology] and [cluster.Client.ForEachPrimary]. It shares the connections
// of c. It is nil if c is a client of one server.
func (c *Client) Cluster() *cluster.Client { return c.cluster }

// Stats returns the state of the connections that the client's commands share. In a cluster
// it adds up the connections to all nodes. It is cheap enough to be called every second.
func (c *Client) Stats() redis.Stats { return c.via().Stats() }

// Close refuses new commands, gives the server at most half a second to answer commands in
// flight, ends all subscriptions, and closes all connections. It returns when everything
// has stopped. Closing again does nothing. The error is always nil.
func (c *Client) Close() error { return c.via().Close() }

// Format prints the client's addresses for every verb, so that the password in its options
// is never printed.
func (c *Client) Format(f fmt.State, verb rune) {
	if c == nil || c.backend == nil {
		_, _ = io.WriteString(f, "redchan client that was not made by Open or New")
		return
	}
	c.backend.Format(f, verb)
}

// Do sends one request and returns its reply. Programs call the methods of the commands or
// [command.Cmd.Do], which call this.
func (c *Client) Do(ctx context.Context, r command.Request) (proto.Value, error) {
	return c.via().Do(ctx, r)
}

// DoBatch sends several requests and returns their replies. Programs call [Client.Exec],
// which calls this.
func (c *Client) DoBatch(ctx context.Context, rs *command.Requests) ([]proto.Value, error) {
	return c.via().DoBatch(ctx, rs)
}

// Any sends a command and returns its reply as the Go value that fits it: nil, string,
// int64, float64, bool, []any, or map[string]any.
func (c *Client) Any(ctx context.Context, cmd command.Queueable) (any, error) {
	return c.via().Any(ctx, cmd)
}

// Exec sends the commands of a batch together and sets the results of its futures. It
// returns the error of the first command that failed, as a [*command.BatchError].
// [command.Nil] does not count as an error. The batch is empty afterwards.
func (c *Client) Exec(ctx context.Context, b *command.Batch) error { return c.via().Exec(ctx, b) }

// Multi sends the commands of a batch as a transaction, MULTI ... EXEC, see
// [redis.Client.Multi]. In a cluster all keys must be in one slot.
func (c *Client) Multi(ctx context.Context, b *command.Batch) error { return c.via().Multi(ctx, b) }

// Pipeline returns an empty pipeline, a batch that knows its client.
//
//	p := client.Pipeline()
//	visits := p.Incr("visits")
//	name := p.Get("name")
//	if err := p.Exec(ctx); err != nil { ... }
//	n, err := visits.Result()
func (c *Client) Pipeline() *redis.Pipeline { return c.via().Pipeline() }

// Watch returns a session that watches keys, for a transaction that runs only if none of
// them has changed before it, see [redis.Session]. [Transaction] calls it. In a cluster all
// keys must be in one slot.
func (c *Client) Watch(ctx context.Context, keys ...string) (*redis.Session, error) {
	return c.via().Watch(ctx, keys...)
}

// Session returns a connection for exclusive use, for commands that must run on the same
// connection, see [redis.Session]. In a cluster it connects to the node that serves the
// slot of key. For one server key may be empty.
func (c *Client) Session(ctx context.Context, key string) (*redis.Session, error) {
	if c.cluster != nil {
		return c.cluster.Session(ctx, key)
	}
	return c.server.Session(ctx)
}

// Transaction changes keys based on their current values, see [redis.Transaction]. It
// watches keys and calls fn, which reads through s and queues its writes in b. It then
// executes b as a transaction. If one of the keys was changed in the meantime, nothing has
// run, and Transaction begins again.
//
//	n, err := redchan.Transaction(ctx, client, func(s *redis.Session, b *command.Batch) (int64, error) {
//		n, err := command.AsInt(command.Get("counter")).Do(ctx, s)
//		b.Set("counter", 2*n)
//		return 2 * n, err
//	}, "counter")
func Transaction[T any](ctx context.Context, c *Client, fn func(s *redis.Session, b *command.Batch) (T, error), keys ...string) (T, error) {
	return redis.Transaction(ctx, c.via(), fn, keys...)
}

// Subscribe subscribes to channels. When it returns, the server has acknowledged all of
// them: every message published from then on arrives on [pubsub.Subscription.Messages], or
// is reported as lost.
//
// ctx bounds the life of the subscription, not the call, which returns after
// Options.SubscribeTimeout at the latest. When ctx ends, so does the subscription.
func (c *Client) Subscribe(ctx context.Context, channels ...string) (*pubsub.Subscription, error) {
	return c.NewSubscription(ctx, pubsub.Channels(channels...))
}

// PSubscribe is like [Client.Subscribe], for patterns such as "news.*".
func (c *Client) PSubscribe(ctx context.Context, patterns ...string) (*pubsub.Subscription, error) {
	return c.NewSubscription(ctx, pubsub.Patterns(patterns...))
}

// SSubscribe is like [Client.Subscribe], for shard channels. In a cluster they may be in
// any slots, and the subscription follows the slots when they move. Since Redis 7.0.
func (c *Client) SSubscribe(ctx context.Context, channels ...string) (*pubsub.Subscription, error) {
	return c.NewShardSubscription(ctx, pubsub.ShardChannels(channels...))
}

// NewSubscription is like [Client.Subscribe], for channels and patterns together, and with
// options: bounds, the behavior when a bound is reached, and gap markers.
func (c *Client) NewSubscription(ctx context.Context, opts ...pubsub.Option) (*pubsub.Subscription, error) {
	return c.via().NewSubscription(ctx, opts...)
}

// NewShardSubscription is like [Client.SSubscribe], with options.
func (c *Client) NewShardSubscription(ctx context.Context, opts ...pubsub.Option) (*pubsub.Subscription, error) {
	if c.cluster != nil {
		return c.cluster.NewShardSubscription(ctx, opts...)
	}
	return c.server.NewSubscription(ctx, opts...)
}

// ScanAll iterates over the keys of the database. In a cluster it iterates over the keys of
// all primaries.
//
//	for key, err := range client.ScanAll(ctx, command.Match("user:*")) {
//		if err != nil {
//			return err
//		}
//		...
//	}
//
// It yields a key that exists during the whole iteration at least once, and possibly
// several times. An error, including the end of ctx, is the last item. Since 2.8.0.
func (c *Client) ScanAll(ctx context.Context, opts ...command.ScanOption) iter.Seq2[string, error] {
	return c.via().ScanAll(ctx, opts...)
}

// HScanAll iterates over the fields of a hash, see [Client.ScanAll]. Since 2.8.0.
func (c *Client) HScanAll(ctx context.Context, key string, opts ...command.HScanOption) iter.Seq2[command.Field, error] {
	return c.commands.HScanAll(ctx, key, opts...)
}

// SScanAll iterates over the members of a set, see [Client.ScanAll]. Since 2.8.0.
func (c *Client) SScanAll(ctx context.Context, key string, opts ...command.SScanOption) iter.Seq2[string, error] {
	return c.commands.SScanAll(ctx, key, opts...)
}

// ZScanAll iterates over the members of a sorted set, see [Client.ScanAll]. Since 2.8.0.
func (c *Client) ZScanAll(ctx context.Context, key string, opts ...command.ZScanOption) iter.Seq2[command.ScoredMember, error] {
	return c.commands.ZScanAll(ctx, key, opts...)
}
