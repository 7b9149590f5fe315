package redis_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/redis"
)

// A port for TLS that is spoken to in plain text, and the reverse, are named within a second,
// also where the server waits for more instead of complaining.
func TestWrongKindOfPort(t *testing.T) {
	certificate, _ := testCertificate(t)
	for name, test := range map[string]struct {
		tls   *tls.Config
		serve func(nc net.Conn, first byte)
		want  string
	}{
		"plain text to TLS": {nil, func(nc net.Conn, first byte) {
			if first == 0x16 { // else it waits for the rest of what it takes for a record
				whole := pushedBack{nc, io.MultiReader(strings.NewReader("\x16"), nc)}
				_ = tls.Server(whole, &tls.Config{Certificates: []tls.Certificate{certificate}}).Handshake()
			}
			_, _ = io.Copy(io.Discard, nc)
		}, "rediss://"},
		"TLS to plain text": {&tls.Config{}, func(nc net.Conn, first byte) {
			if first == 'P' { // else it waits for the end of the line
				_, _ = io.ReadFull(nc, make([]byte, len("ING\r\n")))
				_, _ = io.WriteString(nc, "+PONG\r\n")
			}
			_, _ = io.Copy(io.Discard, nc)
		}, "redis://"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := redis.Options{TLS: test.tls, Dial: func(context.Context, string, string) (net.Conn, error) {
					near, far := net.Pipe()
					go func() {
						defer far.Close()
						var first [1]byte
						if _, err := far.Read(first[:]); err == nil {
							test.serve(far, first[0])
						}
					}()
					return near, nil
				}}
				start := time.Now()
				_, err := redis.OpenWith(t.Context(), o)
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("%v", err)
				}
				within(t, "Open", start, 0, time.Second)
			})
		})
	}
}

// pushedBack is a connection of which something was read, and is read again.
type pushedBack struct {
	net.Conn
	r io.Reader
}

func (p pushedBack) Read(b []byte) (int, error) { return p.r.Read(b) }
