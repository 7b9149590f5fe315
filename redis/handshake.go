package redis

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"

	"github.com/redchan-go/redchan/proto"
)

// libName and libVersion are what CLIENT LIST shows of this library.
const (
	libName    = "redchan"
	libVersion = "0.1.0"
)

// handshake introduces the client: protocol, user, name and database, in one
// round trip with a server that knows RESP3 and two with one that does not.
// Any failure means that the connection can't be used.
//
// Every reply is checked for its kind, and a fence ends the handshake (fence.go): where a
// server or proxy sends one line more than it was asked for, every later reply would be
// given to the wrong caller.
func (c *conn) handshake(o *Options, m manners) error {
	c.bare = m.bare
	if o.RESP2 {
		return c.introduce(o, m)
	}
	refusal, err := c.hello(o, m, false)
	if refusal != nil && refusal.code() == "NOAUTH" && o.hasUser() {
		// It wants AUTH by itself, before anything else.
		refusal, err = c.hello(o, m, true)
	}
	if err != nil || refusal == nil {
		return err
	}
	switch refusal.code() {
	case "WRONGPASS", "NOAUTH":
		return refusal
	}
	// Servers and proxies refuse what they don't know in many words.
	m.silent = o.manners().silent // it may have been refused as well
	err = c.introduce(o, m)
	if lost := (*lostError)(nil); errors.As(err, &lost) { // what it said before is why
		return &lostError{lost.command, refusal}
	}
	return err
}

// hasUser reports whether the options have a user or a password.
func (o *Options) hasUser() bool { return o.Username != "" || !o.Password.IsZero() }

// hello shakes hands by HELLO 3. It returns the refusal of HELLO by itself: the
// connection is good for a handshake in RESP2 then.
func (c *conn) hello(o *Options, m manners, authFirst bool) (*handshakeError, error) {
	words := []string{"HELLO", "3"}
	var steps []step
	switch {
	case authFirst:
		steps = append(steps, o.auth())
	case o.hasUser():
		words = append(words, "AUTH", or(o.Username, "default"), o.Password.Reveal())
	}
	if o.ClientName != "" {
		words = append(words, "SETNAME", o.ClientName)
	}
	greeting := len(steps)
	steps = append(steps, step{words: words, check: c.hailed})
	steps = append(steps, c.library(o, m)...)
	steps = append(steps, o.modes()...)
	steps = append(steps, c.identity(o)...)
	failed, err := c.run(o, steps)
	var refusal *handshakeError
	if failed == greeting && errors.As(err, &refusal) {
		return refusal, nil
	}
	return nil, err
}

// hailed reads what HELLO tells of the server: a map, or the flat array of RESP2.
func (c *conn) hailed(v proto.Value) error {
	flat := v.Kind() == proto.KindArray && v.Len() > 0 && v.Len()%2 == 0
	if v.Kind() != proto.KindMap && !flat {
		return errors.New("a map")
	}
	c.resp3 = !flat
	var name, version string
	for key, value := range v.Pairs() {
		switch key.Str() {
		case "server":
			name = value.Str()
		case "version":
			version = value.Str()
		case "proto":
			c.resp3 = value.Int() == 3
		}
	}
	c.server = strings.TrimSpace(name + " " + version)
	return nil
}

// introduce shakes hands in RESP2.
func (c *conn) introduce(o *Options, m manners) error {
	var steps []step
	if o.hasUser() {
		steps = append(steps, o.auth())
	}
	if o.ClientName != "" {
		steps = append(steps, step{words: []string{"CLIENT", "SETNAME", o.ClientName}, check: isOK})
	}
	steps = append(steps, c.library(o, m)...)
	steps = append(steps, o.modes()...)
	steps = append(steps, c.identity(o)...)
	_, err := c.run(o, steps)
	return err
}

// auth returns the step that logs in.
func (o *Options) auth() step {
	if o.Username != "" {
		return step{words: []string{"AUTH", o.Username, o.Password.Reveal()}, check: isOK}
	}
	return step{words: []string{"AUTH", o.Password.Reveal()}, check: isOK}
}

// library tells the server which library this is. Servers before 7.2, some proxies and
// users of few permissions refuse that; they are not told again.
func (c *conn) library(o *Options, m manners) []step {
	if m.silent {
		return nil
	}
	check := func(v proto.Value) error {
		var refusal *proto.Error
		if errors.As(v.Err(), &refusal) {
			switch refusal.Code {
			case "NOAUTH", "LOADING", "BUSY", "MASTERDOWN": // says nothing of this command
			default:
				o.learned.silent.Store(true)
			}
			return nil
		}
		return isOK(v)
	}
	return []step{
		{words: []string{"CLIENT", "SETINFO", "LIB-NAME", libName}, check: check, optional: true},
		{words: []string{"CLIENT", "SETINFO", "LIB-VER", libVersion}, check: check, optional: true},
	}
}

// modes returns the steps for what the connection is to be.
func (o *Options) modes() []step {
	var steps []step
	if o.DB != 0 {
		steps = append(steps, step{words: []string{"SELECT", strconv.Itoa(o.DB)}, check: isOK})
	}
	if o.ReadOnly {
		steps = append(steps, step{words: []string{"READONLY"}, check: isOK})
	}
	return steps
}

// step is one command of the handshake.
type step struct {
	words    []string
	check    func(proto.Value) error // its error names what was expected
	optional bool                    // check sees error replies too
}

// isOK reports whether a reply is +OK.
func isOK(v proto.Value) error {
	if v.Kind() != proto.KindSimple || v.Str() != "OK" {
		return errors.New("+OK")
	}
	return nil
}

// run sends all steps and a fence at once, and reads all replies. It returns the first
// error that matters and the number of its step, which is -1 for the fence. Where that is
// an error reply to a step, the other replies have been read. No error shows a word of a
// step but the first.
func (c *conn) run(o *Options, steps []step) (failed int, err error) {
	token := "redchan " + strconv.FormatUint(rand.Uint64(), 36)
	ping := []string{"PING", token}
	if c.bare {
		ping, token = ping[:1], ""
	}
	var b []byte
	for _, s := range steps {
		b = proto.AppendCommand(b, s.words...)
	}
	// Where that fails the server has ended the connection, and may have said why before.
	_, unsent := c.nc.Write(proto.AppendCommand(b, ping...))
	failed = -1
	for i, s := range steps {
		v, readErr := c.nextReply()
		if readErr != nil {
			if err == nil {
				err = c.handshakeLost(s.words[0], cmp.Or(unsent, readErr))
			}
			return failed, err
		}
		if err != nil { // read on, for the fence
			if s.optional {
				_ = s.check(v)
			}
			continue
		}
		if refusal := v.Err(); refusal != nil && !s.optional {
			failed, err = i, c.refusedBy(s.words[0], o.withoutSecret(refusal))
		} else if want := s.check(v); want != nil {
			return i, o.mismatch(s.words[0], v, want.Error())
		}
	}
	if wrong := c.meetFence(o, token, err != nil); wrong != nil && (err == nil || !isLost(wrong)) {
		failed, err = -1, wrong
	}
	return failed, err
}

// nextReply reads the next reply of the handshake.
func (c *conn) nextReply() (proto.Value, error) {
	v, err := c.reader.Next()
	for err == nil && v.Kind() == proto.KindPush {
		v, err = c.reader.Next()
	}
	return v, err
}

// handshakeError is a handshake that failed by an error reply.
type handshakeError struct{ err *Error }

func (c *conn) refusedBy(name string, refusal error) *handshakeError {
	return &handshakeError{&Error{Command: name, Addr: c.addr, Err: refusal}}
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
		if !o.Password.IsZero() {
			text = strings.ReplaceAll(text, o.Password.Reveal(), redacted)
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

func (c *conn) handshakeLost(name string, err error) error {
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
	if o.Password.IsZero() || !errors.As(refusal, &reply) {
		return refusal
	}
	clean := *reply
	clean.Message = strings.ReplaceAll(reply.Message, o.Password.Reveal(), redacted)
	return &clean
}
