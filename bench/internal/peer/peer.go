// Package peer puts the clients that are compared behind one interface, each used as
// its documentation shows it: natural types, default options.
package peer

import (
	"context"
	"fmt"
)

// Options say where and for whom a client is opened.
type Options struct {
	Network string // "tcp" or "unix"
	Addr    string
	Callers int // goroutines that will use it at once
}

// Topic is what a subscriber receives.
type Topic struct {
	Names   []string // channels, or patterns
	Pattern bool     // Names are patterns
	// Dropping: a subscriber that is too slow loses messages, where the client can do
	// that; else it slows the server down.
	Dropping bool
}

// Client is a client that is compared. Its methods return what the library gives its
// users, so that decoding is part of the work.
type Client interface {
	Get(ctx context.Context, key string) (string, error)
	Set(ctx context.Context, key, value string) error
	LRange(ctx context.Context, key string) ([]string, error)
	HGetAll(ctx context.Context, key string) (map[string]string, error)

	// Pipeline gets all keys in one explicit pipeline and returns how many bytes
	// their values have.
	Pipeline(ctx context.Context, keys []string) (int, error)

	// Receive subscribes and gives each message to deliver until ctx ends. It
	// receives from the Go channel of a library that has one, else by the
	// library's receiving call.
	Receive(ctx context.Context, topic Topic, deliver func(payload string)) error

	Close() error
}

// Handling is a client that can also call a handler for each message.
type Handling interface {
	// Handle is Receive through a handler that the library calls.
	Handle(ctx context.Context, topic Topic, deliver func(payload string)) error
}

// The names of the clients.
const (
	Redchan     = "redchan"
	Rueidis     = "rueidis"
	GoRedis     = "go-redis"
	GoRedisAuto = "go-redis-auto" // go-redis with AutoPipeline
	Redigo      = "redigo"
	RawLoop     = "raw" // no client but the bound, see [Raw]
)

// Names returns the names of all clients, ours first and the bound last.
func Names() []string {
	return []string{Redchan, Rueidis, GoRedis, GoRedisAuto, Redigo, RawLoop}
}

// Modules returns the module path of each client that is a library.
func Modules() map[string]string {
	return map[string]string{
		Redchan: "github.com/redchan-go/redchan",
		Rueidis: "github.com/redis/rueidis",
		GoRedis: "github.com/redis/go-redis/v9",
		Redigo:  "github.com/gomodule/redigo",
	}
}

// Open opens a client by name. [RawLoop] is opened by [OpenRaw].
func Open(ctx context.Context, name string, options Options) (Client, error) {
	switch name {
	case Redchan:
		return openRedchan(ctx, options)
	case Rueidis:
		return openRueidis(options)
	case GoRedis:
		return openGoRedis(options)
	case GoRedisAuto:
		return openGoRedisAuto(options)
	case Redigo:
		return openRedigo(options)
	}
	return nil, fmt.Errorf("no client %q", name)
}
