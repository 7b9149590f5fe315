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

// Options say how a client connects. The zero value connects to
// localhost:6379, database 0, without a user. A client takes a copy.
type Options struct {
	// Network is "tcp" or "unix"; empty means "tcp".
	Network string
	// Addr is "host:port", or the path of a Unix socket. Empty means
	// "localhost:6379".
	Addr string
	// Resolve, where it is not nil, is asked at each connect for the "host:port" to
	// connect to. Addr is then only what errors show where no server was reached, and
	// may be any name. It must honour its context and be safe for concurrent use.
	Resolve func(ctx context.Context) (addr string, err error)
	// Username and Password are given to the server at each connect. A
	// password alone is the default user's; a user alone has none, as with
	// "nopass" in its ACL.
	Username string
	Password Secret
	// DB is the number of the database, selected at each connect.
	DB int
	// ClientName is what CLIENT LIST shows; empty sets none.
	ClientName string
	// NoClientInfo keeps the library's name and version from the server, which CLIENT LIST
	// shows beside the name: no CLIENT SETINFO is sent. It is left out by itself on a
	// server that has refused it once, or that has ended the connection on it.
	NoClientInfo bool
	// TLS switches TLS on and configures it: &tls.Config{} verifies the server
	// by the system's roots and the name in Addr, or in what Resolve returns, unless
	// ServerName has another. Versions below 1.2 are not
	// spoken unless MinVersion says so.
	TLS *tls.Config
	// RESP2 speaks the old protocol also with servers that know RESP3. It is
	// chosen by itself for those that don't.
	RESP2 bool

	// ReadOnly lets the replica of a cluster answer reads, by READONLY at each connect.
	// Servers that are not of a cluster refuse it.
	ReadOnly bool

	// NodeID, where it is not nil, is asked at each connect for the ID of the node of a
	// cluster that the server must be, "" for any. A connection to another one is refused
	// with [ErrWrongNode]: addresses of nodes that have died are given to others. It is for
	// clients of clusters, and must be safe for concurrent use.
	NodeID func() string

	// Dial opens the raw connection, below TLS: through a proxy or a tunnel,
	// or wrapped in a net.Conn that counts. Nil means a net.Dialer. It must
	// honour its context.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// DialTimeout bounds one connect with TLS and the handshake of the
	// protocol. 0 means 5 s.
	DialTimeout time.Duration
	// ReplyTimeout is how long a connection may stand still while a reply is
	// waited for: no reply comes, no byte of one, and no byte of a request can be
	// written. It is closed then, a quarter later at most, which fails all its
	// other commands too: so a script that runs longer fails those that wait
	// behind it. A command that blocks on the server has its own time in
	// addition; one that blocks without end is bound by its context alone. 0
	// means 10 s.
	ReplyTimeout time.Duration
	// KeepAlive is how long a connection may hear nothing before it is asked
	// for a sign of life by PING, which has ReplyTimeout to be answered: so a
	// dead peer is found within KeepAlive + ReplyTimeout. 0 means 15 s.
	KeepAlive time.Duration
	// Backoff spaces the attempts to connect again, for commands. A connection that has
	// answered something, and was up for Base, is made again at once when it is lost. The zero
	// value means 50 ms, doubling to 1 s. Where the server refuses to let the client in for a
	// reason that does not pass, such as a wrong password, the pauses are 1 s to 30 s.
	Backoff Backoff
	// MaxAttempts bounds how often a command is tried where that is safe. 0: while its
	// context lasts, where that has a deadline, and else 3 times within 5 s. With 1 a
	// command whose server can't be reached fails with the first attempt to connect.
	MaxAttempts int
	// SubscriberBackoff is Backoff for the subscriber connection. The zero
	// value means 100 ms, doubling to 16 s.
	SubscriberBackoff Backoff
	// SubscriberRetry says when the subscriber connection is made again, and when that is
	// given up. The zero value means by SubscriberBackoff, without end; a server that did
	// not answer in time is tried again twice after SubscriberBackoff.Base before that.
	SubscriberRetry RetryPolicy

	// Connections is how many connections the client's commands share. 0 means
	// 1, which serves nearly everybody: commands that wait at the same time
	// are sent together. There can be 1,024 at most.
	Connections int
	// PoolSize bounds the connections that are lent out one by one to commands
	// which block. 0 means 64. Who needs one when all are lent waits until
	// its context ends.
	PoolSize int

	// SubscribeTimeout is how long Subscribe waits for the server's
	// acknowledgement. 0 means 1 s.
	SubscribeTimeout time.Duration
	// UnsubscribeTimeout is how long Unsubscribe waits for it; when it is not
	// there in time Unsubscribe returns a [pubsub.IncompleteError]. 0 means 100 ms.
	UnsubscribeTimeout time.Duration

	// Limits bound what a server may send. A reply beyond one ends its connection; the
	// error names the limit. Zero fields mean the defaults:
	//
	//	MaxBulk       512 MiB     one string; also the attributes of one value
	//	MaxDepth      128         levels of aggregates in each other
	//	MaxElements   1,048,576   elements of one aggregate; a pair of a map counts twice
	//	MaxLine       64 KiB      a simple string, such as OK
	//	MaxErrorLine  1 MiB       an error
	//	MaxBigNumber  10,000      digits of a big number
	//
	// A larger LRANGE or HGETALL needs a larger MaxElements.
	Limits proto.Limits

	// Logger is told of connections made and lost. Nil means silence.
	Logger *slog.Logger
}

// ErrOptions is found by errors.Is in the error for options or a URL that make
// no sense. Nothing has been sent then.
var ErrOptions = errors.New("bad options")

func badOptions(format string, args ...any) error {
	return fmt.Errorf("redis: %w: %s", ErrOptions, fmt.Sprintf(format, args...))
}

// maxConnections bounds Options.Connections: each is kept open, and more are slower.
const maxConnections = 1024

// withDefaults returns the options with defaults in place, or what is wrong
// with them.
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
			return o, badOptions("a time is negative: %v", d)
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

// dialer returns what makes the connections of a client with these options.
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

// or returns v, or instead where v is the zero value.
func or[T comparable](v, instead T) T {
	var zero T
	if v == zero {
		return instead
	}
	return v
}
