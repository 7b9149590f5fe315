package cluster

import (
	"fmt"
	"log/slog"
	"net"
	"slices"
	"time"

	"github.com/redchan-go/redchan/redis"
)

// Options say how a client finds and uses a cluster. Addrs is needed, all else has
// defaults. A client takes a copy.
type Options struct {
	// Addrs are nodes, "host:port", that are asked for the others. One that answers is
	// enough. They are not mapped by MapAddr.
	Addrs []string
	// Node is how to connect to each node: user, password, TLS, times, sizes. Addr,
	// Network, Resolve, NodeID, ReadOnly and MaxAttempts are the cluster's affair, and DB is
	// always 0: they must be left out.
	Node redis.Options
	// ReadFrom says which nodes answer commands that only read. Nil means [Primary].
	ReadFrom ReadFrom
	// MaxRedirects is how many redirects of one command are followed. 0 means 5.
	MaxRedirects int
	// RefreshEvery is about how often a node is asked who serves which slots, where nothing
	// else gives reason to: jittered by a quarter. 0 means 10 s.
	RefreshEvery time.Duration
	// MapAddr turns the "host:port" that servers tell into the one to connect to, for
	// clusters behind NAT. It must be safe for concurrent use. Nil: it is the same.
	MapAddr func(addr string) string
	// Logger is told of changes of the topology, and is Node.Logger where that is nil.
	// Nil means silence.
	Logger *slog.Logger
}

// badOptions is an error that is redis.ErrOptions.
func badOptions(format string, args ...any) error {
	return fmt.Errorf("cluster: %w: %s", redis.ErrOptions, fmt.Sprintf(format, args...))
}

// The defaults.
const (
	defaultRedirects = 5
	defaultRefresh   = 10 * time.Second
)

// withDefaults returns the options with defaults in place, or what is wrong with them.
func (o Options) withDefaults() (Options, error) {
	if len(o.Addrs) == 0 {
		return o, badOptions("there is no address of a node in Addrs")
	}
	o.Addrs = slices.Clone(o.Addrs)
	for _, addr := range o.Addrs {
		if _, port, err := net.SplitHostPort(addr); err != nil || port == "" {
			return o, badOptions("an address in Addrs is not host:port")
		}
	}
	n := &o.Node
	switch {
	case n.Addr != "" || n.Network != "" || n.Resolve != nil:
		return o, badOptions("the addresses of a cluster stand in Addrs, not in Node")
	case n.DB != 0:
		return o, badOptions("a cluster has database 0 only")
	case n.ReadOnly || n.MaxAttempts != 0 || n.NodeID != nil:
		return o, badOptions("ReadOnly, MaxAttempts and NodeID of Node are set by the cluster's client")
	case o.MaxRedirects < 0 || o.RefreshEvery < 0:
		return o, badOptions("MaxRedirects or RefreshEvery is negative")
	}
	if o.MaxRedirects == 0 {
		o.MaxRedirects = defaultRedirects
	}
	if o.RefreshEvery == 0 {
		o.RefreshEvery = defaultRefresh
	}
	if o.ReadFrom == nil {
		o.ReadFrom = Primary
	}
	if n.Backoff.Base == 0 {
		n.Backoff.Base = 50 * time.Millisecond
	}
	if n.Backoff.Max == 0 {
		n.Backoff.Max = time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	} else if n.Logger == nil {
		n.Logger = o.Logger
	}
	// What is tried again, and where, is decided here.
	n.MaxAttempts = 1
	n.ReadOnly = o.ReadFrom != Primary
	probe := *n
	probe.Addr = o.Addrs[0]
	_, err := redis.New(probe)
	return o, err
}
