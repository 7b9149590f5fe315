package conn

import (
	"errors"
	"log/slog"
	"time"
)

// errClosed is why tests close connections.
var errClosed = errors.New("the test is over")

// withDefaults returns options in which what is required and zero has a value.
func (o Options) withDefaults() Options {
	if o.Network == "" {
		o.Network = "tcp"
	}
	if o.Addr == "" {
		o.Addr = "localhost:6379"
	}
	o.DialTimeout, o.ReplyTimeout, o.KeepAlive = 5*time.Second, 10*time.Second, 15*time.Second
	o.Logger = slog.New(slog.DiscardHandler)
	return o
}
