package conn

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
func (h *handshake) meetFence(token string, given bool) error {
	v, err := h.nextReply()
	if err != nil {
		return handshakeLost("PING", err)
	}
	refusal := v.Err()
	if refusal != nil {
		refusal = h.o.withoutSecret(refusal)
	}
	switch {
	case given && refusal != nil:
	case token != "" && (v.Str() == token && refusal == nil || isPong(v, token)):
	case v.Kind() == proto.KindSimple && v.Str() == "PONG": // also of a proxy that leaves data out
	case refusal == nil:
		return h.o.mismatch("PING", v, "its data")
	case isNoAuth(refusal):
		return h.refusedBy("PING", refusal)
	case !namesPing(refusal):
		if err := h.secondFence(refusal); err != nil {
			return err
		}
	}
	return h.nothingBehind()
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
func (h *handshake) secondFence(first error) error {
	name := "REDCHAN-FENCE-" + strconv.FormatUint(rand.Uint64(), 10)
	if _, err := h.in.nc.Write(proto.AppendCommand(nil, name)); err != nil {
		return handshakeLost("PING", err)
	}
	v, err := h.nextReply()
	if err != nil {
		return handshakeLost("PING", fmt.Errorf("%w, after %w", err, first))
	}
	if v.Kind() != proto.KindError || !strings.Contains(strings.ToUpper(v.Str()), name) {
		return h.o.mismatch(name, v, "an error that repeats this name (PING was refused: "+first.Error()+")")
	}
	return nil
}

// nothingBehind checks that the answer to the fence was the last, but for pushes.
func (h *handshake) nothingBehind() error {
	for {
		v, ok, err := h.in.reader.TryNext()
		switch {
		case err != nil:
			return fmt.Errorf("handshake: %w", err)
		case ok && v.Kind() != proto.KindPush:
			return h.o.mismatch("PING", v, "nothing more")
		case !ok && h.in.reader.Buffered() > 0 && h.in.reader.Mark() != '>':
			return fmt.Errorf("handshake: %w behind the answer to PING", errUnasked)
		case !ok:
			return nil
		}
	}
}
