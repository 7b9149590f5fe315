package conn

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"time"

	"github.com/redchan-go/redchan/proto"
)

// Options say how connections are made, and how long they wait. All are required but those
// that may be nil or zero. Their meaning is that of the fields of the same names in redis.Options.
type Options struct {
	Network, Addr string
	Resolve       func(ctx context.Context) (addr string, err error)                // may be nil
	Dial          func(ctx context.Context, network, addr string) (net.Conn, error) // may be nil
	TLS           *tls.Config                                                       // nil: none

	Username string
	// Password returns the password. It is a function so that options which are printed
	// don't show it. Nil: there is none.
	Password     func() string
	DB           int
	ClientName   string
	NoClientInfo bool
	RESP2        bool
	ReadOnly     bool
	NodeID       func() string // may be nil

	DialTimeout  time.Duration
	ReplyTimeout time.Duration
	KeepAlive    time.Duration

	Limits proto.Limits
	Logger *slog.Logger
}

// password returns the password, "" where there is none.
func (o *Options) password() string {
	if o.Password == nil {
		return ""
	}
	return o.Password()
}

// hasUser reports whether the options have a user or a password.
func (o *Options) hasUser() bool { return o.Username != "" || o.password() != "" }

// dialer returns what opens raw connections.
func (o *Options) dialer() func(ctx context.Context, network, addr string) (net.Conn, error) {
	if o.Dial != nil {
		return o.Dial
	}
	return (&net.Dialer{}).DialContext
}

// tlsFor returns the configuration of TLS with the server at addr.
func (o *Options) tlsFor(addr string) *tls.Config {
	if o.Resolve == nil || o.TLS.ServerName != "" {
		return o.TLS
	}
	config := o.TLS.Clone()
	config.ServerName, _, _ = net.SplitHostPort(addr)
	return config
}
