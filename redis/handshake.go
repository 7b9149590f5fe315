package redis

import (
	"errors"
	"fmt"
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
func (c *conn) handshake(o *Options) error {
	if !o.RESP2 {
		old, err := c.hello(o)
		if err != nil || !old {
			return err
		}
	}
	return c.introduce(o)
}

// hello shakes hands by HELLO 3. It reports whether the server is too old for
// that: then all is to be done again in RESP2.
func (c *conn) hello(o *Options) (old bool, err error) {
	words := []string{"HELLO", "3"}
	if !o.Password.IsZero() {
		words = append(words, "AUTH", or(o.Username, "default"), o.Password.Reveal())
	}
	if o.ClientName != "" {
		words = append(words, "SETNAME", o.ClientName)
	}
	steps := append([]step{{words: words, check: c.hailed}}, c.library()...)
	steps = append(steps, o.modes()...)
	failed, err := c.run(o, steps)
	var refusal *proto.Error
	if failed == 0 && errors.As(err, &refusal) && unknownHello(refusal) {
		return true, nil
	}
	return false, err
}

// unknownHello reports whether a refusal of HELLO 3 means that the server
// speaks RESP2 only.
func unknownHello(e *proto.Error) bool {
	return e.Code == "NOPROTO" || e.Code == "ERR" && strings.Contains(strings.ToLower(e.Message), "unknown command")
}

// hailed reads what HELLO tells of the server.
func (c *conn) hailed(v proto.Value) error {
	c.resp3 = true
	var name, version string
	for key, value := range v.Pairs() {
		switch key.Str() {
		case "server":
			name = value.Str()
		case "version":
			version = value.Str()
		}
	}
	c.server = strings.TrimSpace(name + " " + version)
	return nil
}

// introduce shakes hands in RESP2.
func (c *conn) introduce(o *Options) error {
	var steps []step
	switch {
	case o.Username != "":
		steps = append(steps, step{words: []string{"AUTH", o.Username, o.Password.Reveal()}})
	case !o.Password.IsZero():
		steps = append(steps, step{words: []string{"AUTH", o.Password.Reveal()}})
	}
	if o.ClientName != "" {
		steps = append(steps, step{words: []string{"CLIENT", "SETNAME", o.ClientName}})
	}
	steps = append(steps, c.library()...)
	steps = append(steps, o.modes()...)
	// Where nothing so far can fail, this tells a missing password. Whoever may
	// not PING is logged in.
	steps = append(steps, step{words: []string{"PING"}, allowed: refusesPing})
	_, err := c.run(o, steps)
	return err
}

// library tells the server which library this is; servers before 7.2 don't
// know how to be told.
func (c *conn) library() []step {
	return []step{
		{words: []string{"CLIENT", "SETINFO", "LIB-NAME", libName}, ignore: true},
		{words: []string{"CLIENT", "SETINFO", "LIB-VER", libVersion}, ignore: true},
	}
}

// modes returns the steps for what the connection is to be.
func (o *Options) modes() []step {
	var steps []step
	if o.DB != 0 {
		steps = append(steps, step{words: []string{"SELECT", strconv.Itoa(o.DB)}})
	}
	if o.ReadOnly {
		steps = append(steps, step{words: []string{"READONLY"}})
	}
	return steps
}

// step is one command of the handshake.
type step struct {
	words   []string
	ignore  bool                    // an error reply does not matter
	allowed func(error) bool        // tells an error reply that does not matter; may be nil
	check   func(proto.Value) error // looks at the reply; may be nil
}

// run sends all steps at once and reads all replies. It returns the first
// error that matters and the number of its step. No error shows a word of a
// step but the first.
func (c *conn) run(o *Options, steps []step) (failed int, err error) {
	var b []byte
	for _, s := range steps {
		b = proto.AppendCommand(b, s.words...)
	}
	if _, err := c.nc.Write(b); err != nil {
		return -1, fmt.Errorf("handshake: %w", err)
	}
	failed = -1
	for i, s := range steps {
		v, readErr := c.reader.Next()
		for readErr == nil && v.Kind() == proto.KindPush {
			v, readErr = c.reader.Next()
		}
		if readErr != nil {
			if err == nil {
				err = fmt.Errorf("handshake: %s: %w", s.words[0], readErr)
			}
			return failed, err
		}
		if err != nil || s.ignore {
			continue
		}
		if refusal := v.Err(); refusal != nil {
			if s.allowed != nil && s.allowed(refusal) {
				continue
			}
			failed, err = i, &Error{Command: s.words[0], Addr: c.addr, Err: o.withoutSecret(refusal)}
		} else if s.check != nil {
			if err = s.check(v); err != nil {
				failed = i
			}
		}
	}
	return failed, err
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
