package redis

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/redchan-go/redchan/proto"
)

// meetFence reads the answer to the PING that ends the handshake, which has to be the
// last: its token is random, so no line too many can be taken for it. Where the server
// refuses the PING for a reason of its own, such as LOADING, that could be the answer to
// anything; a second fence decides then. An empty token stands for a PING without data.
// given says that the handshake has failed already: then any answer will do.
func (c *conn) meetFence(o *Options, token string, given bool) error {
	v, err := c.nextReply()
	if err != nil {
		return c.handshakeLost("PING", err)
	}
	refusal := v.Err()
	if refusal != nil {
		refusal = o.withoutSecret(refusal)
	}
	switch {
	case given && refusal != nil:
	case token != "" && (v.Str() == token && refusal == nil || isPong(v, token)):
	case v.Kind() == proto.KindSimple && v.Str() == "PONG": // also of a proxy that leaves data out
	case refusal == nil:
		return o.mismatch("PING", v, "its data")
	case isNoAuth(refusal):
		return c.refusedBy("PING", refusal)
	case !namesPing(refusal):
		if err := c.secondFence(o, refusal); err != nil {
			return err
		}
	}
	return c.nothingBehind(o)
}

// isNoAuth reports whether the server wants a password first.
func isNoAuth(err error) bool {
	var refusal *proto.Error
	return errors.As(err, &refusal) && refusal.Code == "NOAUTH"
}

// namesPing reports whether a refusal can only be that of PING: of a user who may not
// PING, or of a server that does not know it.
func namesPing(err error) bool {
	text := strings.ToLower(err.Error())
	return strings.Contains(text, "'ping'") || strings.Contains(text, "`ping`")
}

// secondFence sends a command that no server knows. All servers say so before they look at
// anything else, and repeat the name.
func (c *conn) secondFence(o *Options, first error) error {
	name := "REDCHAN-FENCE-" + strconv.FormatUint(rand.Uint64(), 10)
	if _, err := c.nc.Write(proto.AppendCommand(nil, name)); err != nil {
		return c.handshakeLost("PING", err)
	}
	v, err := c.nextReply()
	if err != nil {
		return c.handshakeLost("PING", fmt.Errorf("%w, after %w", err, first))
	}
	if v.Kind() != proto.KindError || !strings.Contains(strings.ToUpper(v.Str()), name) {
		return o.mismatch(name, v, "an error that repeats this name (PING was refused: "+first.Error()+")")
	}
	return nil
}

// nothingBehind checks that the answer to the fence was the last, but for pushes.
func (c *conn) nothingBehind(o *Options) error {
	for {
		v, ok, err := c.reader.TryNext()
		switch {
		case err != nil:
			return fmt.Errorf("handshake: %w", err)
		case ok && v.Kind() != proto.KindPush:
			return o.mismatch("PING", v, "nothing more")
		case !ok && c.reader.Buffered() > 0 && c.reader.Mark() != '>':
			return fmt.Errorf("handshake: %w behind the answer to PING", errUnasked)
		case !ok:
			return nil
		}
	}
}
