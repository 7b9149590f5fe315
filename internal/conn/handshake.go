package conn

import (
	"cmp"
	"errors"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/redchan-go/redchan/proto"
)

// libName and libVersion are what CLIENT LIST shows of this library.
const (
	libName    = "redchan"
	libVersion = "0.1.0"
)

// redacted stands for a password that a server has repeated.
const redacted = "[redacted]"

// handshake is what one connection says to its server, and hears from it, before it starts.
type handshake struct {
	o       *Options
	learned *learned
	in      *receiver // of the connection, which nobody else uses yet
	manners

	resp3    bool
	server   string // name and version as HELLO tells them
	stranger error  // the server is not the node that it should be; nil where it is
}

// shake introduces the client: protocol, user, name and database, in one
// round trip with a server that knows RESP3 and two with one that does not.
// Any failure means that the connection can't be used.
//
// Every reply is checked for its kind, and a fence ends the handshake (fence.go): where a
// server or proxy sends one line more than it was asked for, every later reply would be
// given to the wrong caller.
func (h *handshake) shake() error {
	h.in.bare = h.bare
	if h.o.RESP2 {
		return h.introduce()
	}
	refusal, err := h.hello(false)
	if refusal != nil && refusal.code() == "NOAUTH" && h.o.hasUser() {
		// It wants AUTH by itself, before anything else.
		refusal, err = h.hello(true)
	}
	if err != nil || refusal == nil {
		return err
	}
	switch refusal.code() {
	case "WRONGPASS", "NOAUTH":
		return refusal
	}
	// Servers and proxies refuse what they don't know in many words.
	h.silent = h.learned.manners(h.o).silent // it may have been refused as well
	err = h.introduce()
	if lost := (*lostError)(nil); errors.As(err, &lost) { // what it said before is why
		return &lostError{lost.command, refusal}
	}
	return err
}

// hello shakes hands by HELLO 3. It returns the refusal of HELLO by itself: the
// connection is good for a handshake in RESP2 then.
func (h *handshake) hello(authFirst bool) (*handshakeError, error) {
	words := []string{"HELLO", "3"}
	var steps []step
	switch {
	case authFirst:
		steps = append(steps, h.o.auth())
	case h.o.hasUser():
		words = append(words, "AUTH", cmp.Or(h.o.Username, "default"), h.o.password())
	}
	if h.o.ClientName != "" {
		words = append(words, "SETNAME", h.o.ClientName)
	}
	greeting := len(steps)
	steps = append(steps, step{words: words, check: h.hailed})
	steps = append(steps, h.library()...)
	steps = append(steps, h.o.modes()...)
	steps = append(steps, h.identity()...)
	failed, err := h.run(steps)
	var refusal *handshakeError
	if failed == greeting && errors.As(err, &refusal) {
		return refusal, nil
	}
	return nil, err
}

// hailed reads what HELLO tells of the server: a map, or the flat array of RESP2.
func (h *handshake) hailed(v proto.Value) error {
	flat := v.Kind() == proto.KindArray && v.Len() > 0 && v.Len()%2 == 0
	if v.Kind() != proto.KindMap && !flat {
		return errors.New("a map")
	}
	h.resp3 = !flat
	var name, version string
	for key, value := range v.Pairs() {
		switch key.Str() {
		case "server":
			name = value.Str()
		case "version":
			version = value.Str()
		case "proto":
			h.resp3 = value.Int() == 3
		}
	}
	h.server = strings.TrimSpace(name + " " + version)
	return nil
}

// introduce shakes hands in RESP2.
func (h *handshake) introduce() error {
	var steps []step
	if h.o.hasUser() {
		steps = append(steps, h.o.auth())
	}
	if h.o.ClientName != "" {
		steps = append(steps, step{words: []string{"CLIENT", "SETNAME", h.o.ClientName}, check: isOK})
	}
	steps = append(steps, h.library()...)
	steps = append(steps, h.o.modes()...)
	steps = append(steps, h.identity()...)
	_, err := h.run(steps)
	return err
}

// auth returns the step that logs in.
func (o *Options) auth() step {
	if o.Username != "" {
		return step{words: []string{"AUTH", o.Username, o.password()}, check: isOK}
	}
	return step{words: []string{"AUTH", o.password()}, check: isOK}
}

// library tells the server which library this is. Servers before 7.2, some proxies and
// users of few permissions refuse that; they are not told again.
func (h *handshake) library() []step {
	if h.silent {
		return nil
	}
	check := func(v proto.Value) error {
		var refusal *proto.Error
		if errors.As(v.Err(), &refusal) {
			switch refusal.Code {
			case "NOAUTH", "LOADING", "BUSY", "MASTERDOWN": // says nothing of this command
			default:
				h.learned.silent.Store(true)
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
func (h *handshake) run(steps []step) (failed int, err error) {
	token := "redchan " + strconv.FormatUint(rand.Uint64(), 36)
	ping := []string{"PING", token}
	if h.in.bare {
		ping, token = ping[:1], ""
	}
	var b []byte
	for _, s := range steps {
		b = proto.AppendCommand(b, s.words...)
	}
	// Where that fails the server has ended the connection, and may have said why before.
	_, unsent := h.in.nc.Write(proto.AppendCommand(b, ping...))
	failed = -1
	for i, s := range steps {
		v, readErr := h.nextReply()
		if readErr != nil {
			if err == nil {
				err = handshakeLost(s.words[0], cmp.Or(unsent, readErr))
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
			failed, err = i, h.refusedBy(s.words[0], h.o.withoutSecret(refusal))
		} else if want := s.check(v); want != nil {
			return i, h.o.mismatch(s.words[0], v, want.Error())
		}
	}
	if wrong := h.meetFence(token, err != nil); wrong != nil && (err == nil || !isLost(wrong)) {
		failed, err = -1, wrong
	}
	return failed, err
}

// nextReply reads the next reply of the handshake.
func (h *handshake) nextReply() (proto.Value, error) {
	v, err := h.in.reader.Next()
	for err == nil && v.Kind() == proto.KindPush {
		v, err = h.in.reader.Next()
	}
	return v, err
}
