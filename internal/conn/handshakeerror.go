package conn

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
)

// handshakeError is a handshake that failed by an error reply.
type handshakeError struct{ err *command.Error }

func (h *handshake) refusedBy(name string, refusal error) *handshakeError {
	return &handshakeError{&command.Error{Command: name, Addr: h.in.addr, Err: refusal}}
}

func (e *handshakeError) Error() string { return e.err.Error() }

func (e *handshakeError) Unwrap() error { return e.err }

// code returns the code of the error reply.
func (e *handshakeError) code() string {
	var reply *proto.Error
	if errors.As(e.err, &reply) {
		return reply.Code
	}
	return ""
}

// mismatch is the error for a reply of a kind that its command does not have.
func (o *Options) mismatch(name string, v proto.Value, want string) error {
	const shown = 64
	got := v.Kind().String()
	if text := v.Str(); text != "" {
		if o.password() != "" {
			text = strings.ReplaceAll(text, o.password(), redacted)
		}
		got += fmt.Sprintf(" %.*q", shown, text)
	}
	return fmt.Errorf("handshake: the answer to %s is the %s, expected %s: the server, or a proxy in front of it, "+
		"does not answer each command exactly once", name, got, want)
}

// lostError is a connection that was lost in the handshake.
type lostError struct {
	command string // the first that was not answered
	err     error
}

func handshakeLost(name string, err error) error {
	var wrong *proto.ProtocolError
	if errors.As(err, &wrong) {
		return fmt.Errorf("handshake: %s: %w", name, err)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe) {
		err = errServerClosed
	}
	return &lostError{name, err}
}

// unexplained reports whether the server has ended the connection without a word; neither
// time nor a context has.
func (e *lostError) unexplained() bool {
	var timeout net.Error
	var said *proto.Error
	if errors.As(e.err, &timeout) && timeout.Timeout() {
		return false
	}
	return !errors.Is(e.err, net.ErrClosed) && !errors.As(e.err, &said)
}

func (e *lostError) Error() string {
	text := "handshake: " + e.command + ": " + e.err.Error()
	switch {
	case !e.unexplained():
		return text
	case e.command == "HELLO":
		text += ": does it speak RESP2 only, as some proxies do (then set Options.RESP2, or protocol=2 in the URL)? "
	default:
		text += ": "
	}
	return text + "Or is that a port for TLS (then set Options.TLS, or use rediss://)?"
}

func (e *lostError) Unwrap() error { return e.err }

// isLost reports whether a handshake failed because the connection was lost.
func isLost(err error) bool {
	var lost *lostError
	return errors.As(err, &lost)
}

// withoutSecret returns a refusal without the password, should a server have
// repeated it.
func (o *Options) withoutSecret(refusal error) error {
	var reply *proto.Error
	if o.password() == "" || !errors.As(refusal, &reply) {
		return refusal
	}
	clean := *reply
	clean.Message = strings.ReplaceAll(reply.Message, o.password(), redacted)
	return &clean
}
