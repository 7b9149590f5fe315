package redis

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/redchan-go/redchan/internal/conn"
	"github.com/redchan-go/redchan/proto"
)

// Options say how a client connects. The zero value connects to localhost:6379, database 0,
// without a user. The client keeps a copy of its options.
type Options struct {
	// Network is "tcp" or "unix"; empty means "tcp".
	Network string
	// Addr is "host:port", or the path of a Unix socket. Empty means
	// "localhost:6379".
	Addr string
	// Resolve, if not nil, is called at each connect and returns the "host:port" to connect
	// to. Addr is then shown only in errors where no server was reached, and may be any
	// name. Resolve must honor its context and be safe for concurrent use.
	Resolve func(ctx context.Context) (addr string, err error)
	// Username and Password are sent to the server at each connect. A password without a
	// user belongs to the default user. A user without a password has none, as with
	// "nopass" in its ACL.
	Username string
	Password Secret
	// DB is the number of the database, which is selected at each connect.
	DB int
	// ClientName is the name that CLIENT LIST shows. If empty, no name is set.
	ClientName string
	// NoClientInfo stops the client from sending the library's name and version (CLIENT
	// SETINFO), which CLIENT LIST shows beside the name. The client stops by itself after a
	// server has refused the command once, or has closed the connection because of it.
	NoClientInfo bool
	// TLS enables and configures TLS. &tls.Config{} verifies the server against the
	// system's roots and against the name in Addr, or the name that Resolve returns, unless
	// ServerName is set. Versions below 1.2 are not used unless MinVersion allows them.
	TLS *tls.Config
	// RESP2 uses the old protocol even with servers that know RESP3. With servers that
	// don't know RESP3 the client uses it by itself.
	RESP2 bool

	// ReadOnly lets a replica of a cluster answer reads, by READONLY at each connect.
	// Servers that are not part of a cluster refuse it.
	ReadOnly bool

	// NodeID, if not nil, is called at each connect and returns the ID of the cluster node
	// that the server must be, or "" for any node. A connection to another node fails with
	// [ErrWrongNode], because the address of a dead node may be given to another one. It is
	// for clients of clusters, and must be safe for concurrent use.
	NodeID func() string

	// Dial opens the raw connection, below TLS. It can connect through a proxy or a tunnel,
	// or return a net.Conn that counts bytes. Nil means a net.Dialer. Dial must honor its
	// context.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// DialTimeout bounds one connect, including TLS and the handshake of the protocol. 0
	// means 5 s.
	DialTimeout time.Duration
	// ReplyTimeout is how long a connection may make no progress while a reply is awaited:
	// no reply arrives, no byte of one arrives, and no byte of a request can be written.
	// The client then closes the connection, at most a quarter of the time later. This
	// fails all other commands on the connection too, so a script that runs longer fails
	// the commands that wait after it. For a command that blocks on the server, its own
	// timeout is added. A command that blocks without a timeout is bounded only by its
	// context. 0 means 10 s.
	ReplyTimeout time.Duration
	// KeepAlive is how long a connection may receive nothing before the client checks it
	// with PING. The server has ReplyTimeout to answer the PING, so a dead peer is found
	// within KeepAlive + ReplyTimeout. 0 means 15 s.
	KeepAlive time.Duration
	// Backoff spaces the attempts to reconnect, for commands. A connection that was up for
	// Base and has answered something is replaced at once when it is lost. The zero value
	// means 50 ms, doubling to 1 s. If the server refuses the client for a permanent
	// reason, such as a wrong password, the pauses are 1 s to 30 s.
	Backoff Backoff
	// MaxAttempts bounds how often a command is tried where a retry is safe. 0 means: while
	// the command's context lasts, or 3 times within 5 s if the context has no deadline.
	// With 1, a command fails with the first attempt to connect if its server can't be
	// reached.
	MaxAttempts int
	// SubscriberBackoff is the Backoff of the subscriber connection. The zero value means
	// 100 ms, doubling to 16 s.
	SubscriberBackoff Backoff
	// SubscriberRetry says when the subscriber connection is made again, and when the
	// client gives up. The zero value retries by SubscriberBackoff, without end. If a
	// server did not answer in time, the client first tries twice more, each time after
	// SubscriberBackoff.Base.
	SubscriberRetry RetryPolicy

	// Connections is how many connections the client's commands share. 0 means 1, which
	// serves nearly every program, because concurrent commands are batched automatically.
	// The maximum is 1,024.
	Connections int
	// PoolSize bounds the connections that are taken from the pool, one each, by blocking
	// commands and sessions. 0 means 64. If all connections are in use, a call waits until
	// its context ends.
	PoolSize int

	// SubscribeTimeout is how long Subscribe waits for the server's acknowledgement. 0
	// means 1 s.
	SubscribeTimeout time.Duration
	// UnsubscribeTimeout is how long Unsubscribe waits for the acknowledgement. If it does
	// not arrive in time, Unsubscribe returns a [pubsub.IncompleteError]. 0 means 100 ms.
	UnsubscribeTimeout time.Duration

	// Limits bound the replies that a server may send. A reply that exceeds a limit ends
	// its connection, and the error names the limit. Zero fields mean the defaults:
	//
	//	MaxBulk       512 MiB     one string; also the attributes of one value
	//	MaxDepth      128         levels of nested aggregates
	//	MaxElements   1,048,576   elements of one aggregate; a pair of a map counts twice
	//	MaxLine       64 KiB      a simple string, such as OK
	//	MaxErrorLine  1 MiB       an error
	//	MaxBigNumber  10,000      digits of a big number
	//
	// A larger LRANGE or HGETALL needs a larger MaxElements.
	Limits proto.Limits

	// Logger logs connections made and lost. Nil means no logging.
	Logger *slog.Logger
}

// ErrOptions is found by errors.Is in the error for options or a URL that are not valid.
// Nothing has been sent.
var ErrOptions = errors.New("bad options")

func badOptions(format string, args ...any) error {
	return fmt.Errorf("redis: %w: %s", ErrOptions, fmt.Sprintf(format, args...))
}

// maxConnections bounds Options.Connections. Each connection is kept open, and more
// connections are slower.
const maxConnections = 1024

// withDefaults returns the options with defaults filled in, or an error if they are not
// valid.
func (o Options) withDefaults() (Options, error) {
	switch o.Network {
	case "", "tcp", "tcp4", "tcp6":
		o.Network = or(o.Network, "tcp")
		if o.Resolve != nil {
			o.Addr = or(o.Addr, "the resolved address")
			break
		}
		o.Addr = or(o.Addr, "localhost:6379")
		if strings.ContainsAny(o.Addr, "/@") { // and may have a password
			return o, badOptions("the address looks like a URL: give it to ParseURL or Open")
		}
		if _, port, err := net.SplitHostPort(o.Addr); err != nil || port == "" {
			return o, badOptions("the address %q is not host:port", o.Addr)
		}
	case "unix":
		if o.Addr == "" {
			return o, badOptions("a Unix socket needs its path in Addr")
		}
	default:
		if o.Dial == nil {
			return o, badOptions("the network %q is neither tcp nor unix, and there is no Dial", o.Network)
		}
	}
	if o.DB < 0 {
		return o, badOptions("the database is negative: %d", o.DB)
	}
	if strings.ContainsAny(o.ClientName, " \n\r\t") {
		return o, badOptions("a client name can't contain spaces")
	}
	for _, d := range []time.Duration{
		o.DialTimeout, o.ReplyTimeout, o.KeepAlive, o.SubscribeTimeout, o.UnsubscribeTimeout,
		o.Backoff.Base, o.Backoff.Max, o.SubscriberBackoff.Base, o.SubscriberBackoff.Max,
	} {
		if d < 0 {
			return o, badOptions("a duration is negative: %v", d)
		}
	}
	if o.Connections < 0 || o.PoolSize < 0 || o.MaxAttempts < 0 {
		return o, badOptions("a number of connections or attempts is negative")
	}
	if o.Connections > maxConnections {
		return o, badOptions("%d connections are too many for commands to share: %d at most", o.Connections, maxConnections)
	}
	o.DialTimeout = or(o.DialTimeout, 5*time.Second)
	o.ReplyTimeout = or(o.ReplyTimeout, 10*time.Second)
	o.KeepAlive = or(o.KeepAlive, 15*time.Second)
	o.SubscribeTimeout = or(o.SubscribeTimeout, time.Second)
	o.UnsubscribeTimeout = or(o.UnsubscribeTimeout, 100*time.Millisecond)
	o.Connections = or(o.Connections, 1)
	o.PoolSize = or(o.PoolSize, 64)
	o.Backoff = o.Backoff.or(Backoff{50 * time.Millisecond, time.Second})
	o.SubscriberBackoff = o.SubscriberBackoff.or(Backoff{100 * time.Millisecond, 16 * time.Second})
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.TLS != nil {
		o.TLS = o.TLS.Clone()
		if o.TLS.ServerName == "" && o.Resolve == nil {
			o.TLS.ServerName, _, _ = net.SplitHostPort(o.Addr)
		}
		if o.TLS.ServerName == "" && o.Resolve == nil && !o.TLS.InsecureSkipVerify {
			return o, badOptions("TLS over %s needs the name on the certificate in TLS.ServerName", o.Network)
		}
	}
	return o, nil
}

// dialer returns the dialer of a client with these options.
func (o *Options) dialer() *conn.Dialer {
	return conn.NewDialer(conn.Options{
		Network:      o.Network,
		Addr:         o.Addr,
		Resolve:      o.Resolve,
		Dial:         o.Dial,
		TLS:          o.TLS,
		Username:     o.Username,
		Password:     o.Password.Reveal,
		DB:           o.DB,
		ClientName:   o.ClientName,
		NoClientInfo: o.NoClientInfo,
		RESP2:        o.RESP2,
		ReadOnly:     o.ReadOnly,
		NodeID:       o.NodeID,
		DialTimeout:  o.DialTimeout,
		ReplyTimeout: o.ReplyTimeout,
		KeepAlive:    o.KeepAlive,
		Limits:       o.Limits,
		Logger:       o.Logger,
	})
}

// or returns v, or instead if v is the zero value.
func or[T comparable](v, instead T) T {
	var zero T
	if v == zero {
		return instead
	}
	return v
}
