package conn

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"
)

// hanging is how long a first handshake may go without an answer before the client looks
// whether it speaks TLS to a port for plain text, or the reverse: either may wait for more.
const hanging = 500 * time.Millisecond

// What is wrong where a handshake hangs for that reason.
var (
	errPlainPort = errors.New("that is a port for plain text and not for TLS: leave out Options.TLS, or use redis://")
	errTLSPort   = errors.New("that is a port for TLS: set Options.TLS, or use rediss://")
)

// whileProbing runs the handshakes of a connection. Where none has ever worked, and this one
// hangs, it says so if the port is one for the other kind of connection.
func (h *handshake) whileProbing(ctx context.Context, shake func(context.Context) error) error {
	if h.learned.worked.Load() {
		return shake(ctx)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	probed := make(chan struct{})
	timer := time.AfterFunc(min(hanging, h.o.DialTimeout/2), func() {
		defer close(probed)
		if wrong := h.wrongPort(ctx); wrong != nil {
			cancel(wrong)
			_ = h.in.raw.Close()
		}
	})
	err := shake(ctx)
	wrong := context.Cause(ctx)
	cancel(nil)
	if !timer.Stop() {
		<-probed
	}
	if err != nil && (errors.Is(wrong, errPlainPort) || errors.Is(wrong, errTLSPort)) {
		return wrong
	}
	return err
}

// wrongPort asks over a connection of its own whether the server speaks the other of TLS
// and plain text.
func (h *handshake) wrongPort(ctx context.Context) (wrong error) {
	defer func() {
		if r := recover(); r != nil { // of a Dial or net.Conn of the user's own
			wrong = nil
		}
	}()
	if h.o.TLS == nil && h.in.received.Load() > 0 {
		return nil // it answers
	}
	nc, err := h.o.dialer()(ctx, h.o.Network, h.in.addr)
	if err != nil || nc == nil {
		return nil
	}
	defer nc.Close()
	defer context.AfterFunc(ctx, func() { _ = nc.Close() })()
	if h.o.TLS != nil {
		return plainText(nc)
	}
	host, _, _ := net.SplitHostPort(h.in.addr)
	err = tls.Client(nc, &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}).HandshakeContext(ctx)
	var untrusted *tls.CertificateVerificationError
	var remote *net.OpError // an alert
	if err == nil || errors.As(err, &untrusted) || errors.As(err, &remote) && remote.Op == "remote error" {
		return errTLSPort
	}
	return nil
}

// plainText returns an error where the server answers plain text.
func plainText(nc net.Conn) error {
	if _, err := nc.Write([]byte("PING\r\n")); err != nil {
		return nil
	}
	var first [1]byte
	if n, _ := nc.Read(first[:]); n == 1 && (first[0] == '+' || first[0] == '-') {
		return errPlainPort
	}
	return nil
}
