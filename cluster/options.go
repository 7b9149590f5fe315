package cluster

import (
	"fmt"
	"log/slog"
	"net"
	"slices"
	"time"

	"github.com/redchan-go/redchan/redis"
)

// Options configure how a client finds and uses a cluster. Addrs is required; everything else
// has a default. A client copies its options.
type Options struct {
	// Addrs are the "host:port" addresses of nodes that the client asks for the other nodes. One
	// that answers is enough. MapAddr does not apply to them.
	Addrs []string
	// Node configures the connections to each node: user, password, TLS, timeouts, sizes. Addr,
	// Network, Resolve, NodeID, ReadOnly and MaxAttempts must be left out, because the cluster
	// client sets them, and so must DB, because clusters have only database 0.
	Node redis.Options
	// ReadFrom says which nodes answer read-only commands. Nil means [Primary].
	ReadFrom ReadFrom
	// MaxRedirects is the maximum number of redirects to follow for one command. 0 means 5.
	MaxRedirects int
	// RefreshEvery is the interval between regular refreshes of the topology, jittered by a
	// quarter. Redirects and failures cause additional ones. 0 means 10 s.
	RefreshEvery time.Duration
	// MapAddr translates the "host:port" that servers report to the address to connect to, for
	// clusters behind NAT. It must be safe for concurrent use. Nil means no translation.
	MapAddr func(addr string) string
	// Logger logs changes of the topology. It is also used as Node.Logger if that is nil. Nil
	// means no logging.
	Logger *slog.Logger
}

// badOptions returns an error that wraps redis.ErrOptions.
func badOptions(format string, args ...any) error {
	return fmt.Errorf("cluster: %w: %s", redis.ErrOptions, fmt.Sprintf(format, args...))
}

// The defaults.
const (
	defaultRedirects = 5
	defaultRefresh   = 10 * time.Second
)

// withDefaults returns the options with the defaults filled in, or an error if they are invalid.
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
	// The cluster client decides about retries.
	n.MaxAttempts = 1
	n.ReadOnly = o.ReadFrom != Primary
	probe := *n
	probe.Addr = o.Addrs[0]
	_, err := redis.New(probe)
	return o, err
}
