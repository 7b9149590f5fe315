package conn

import (
	"context"
	"errors"
	"strings"

	"github.com/redchan-go/redchan/proto"
)

// slot is a request in flight: what the reader matches the next reply to. A
// slot stands for one reply, for the replies of a batch, or for a fence.
//
// Whoever reads owns value, values, and err until it has sent on ready, or met
// its own reply; then the caller does. An abandoned slot stays with who reads.
type slot struct {
	// ready has capacity 1. It is sent to when the slot is answered, by somebody
	// else than its caller, and before that when its caller is granted the read
	// lease, who receives it: so a caller who has gone can't block anybody.
	ready chan struct{}
	state slotState // guarded by the connection's mu; see there for reading it without

	ctx     context.Context // the caller's, for the time that it leads
	encoded []byte          // the caller's: the request on its way into the writer's buffer
	start   uint64          // where its bytes begin in the stream of all bytes queued
	left    int             // replies still to come
	value   proto.Value
	values  []proto.Value // for a batch, in their order
	batch   bool
	err     error // the connection was lost before the last reply

	fence *Fence // set for a SUBSCRIBE batch, which nobody waits for
}

// keepEncoded is the largest buffer of a slot that is kept for reuse.
const keepEncoded = 4 << 10

// reset makes an answered slot ready for its next use.
func (s *slot) reset() {
	s.value, s.values, s.err, s.batch, s.ctx = proto.Value{}, nil, nil, false, nil
	if cap(s.encoded) > keepEncoded {
		s.encoded = nil
	}
	s.state = slotWaiting
}

// slotState is how far a slot is. Its caller may read it without mu after it has
// received from ready, and while it leads.
type slotState uint8

const (
	slotWaiting   slotState = iota // its caller waits on ready
	slotLeading                    // its caller has the read lease, or is about to take it up
	slotAnswered                   // its reply is there
	slotAbandoned                  // its caller has gone
)

// Fence is the end of a batch of SUBSCRIBE and its kind. These have no reply in RESP3, and
// their errors come unasked: all that comes before the token is theirs.
type Fence struct {
	// Token is the data of the PING that ends the batch.
	Token string
	// Behind says that there is a command in front of the PING.
	Behind bool
	// Done is called by whoever reads, with the command's error or nil, when the PING has
	// been answered. It is never called where the connection is lost first.
	Done func(error)

	err error // the first error reply
}

// take puts one reply into the slot and reports whether it was the last. An
// error means that the reply can't be this slot's. The connection's mu is held,
// because a caller that gives up a batch looks at its values.
func (s *slot) take(v proto.Value) (last bool, err error) {
	switch {
	case s.fence != nil:
		return s.fence.take(v)
	case s.batch:
		s.values = append(s.values, v)
	default:
		s.value = v
	}
	s.left--
	return s.left == 0, nil
}

// take looks for the answer to the PING, and notes an error that comes before
// it. What is neither shows that replies and requests don't match any more.
func (f *Fence) take(v proto.Value) (last bool, err error) {
	switch {
	case v.Kind() == proto.KindError:
		// The command in front has one error at most: the next one is the
		// PING's own, and so is the refusal of a user who may not PING.
		refusal := v.Err()
		if f.Behind && refusesPing(refusal) {
			return true, nil
		}
		if f.err == nil {
			f.err = refusal
		}
		last = !f.Behind
		f.Behind = false
		return last, nil
	case v.Str() == f.Token || isPong(v, f.Token):
		return true, nil
	case !f.Behind && v.Str() == "PONG": // of a proxy that leaves the token out
		return true, nil
	}
	return false, errUnasked
}

// refusesPing reports whether an error is one that PING has and SUBSCRIBE and its kind
// can't have: the user's ACL does not allow it, or the server can't save, still loads, or
// is a replica without its primary, in which states it takes SUBSCRIBE all the same.
func refusesPing(err error) bool {
	var refusal *proto.Error
	if !errors.As(err, &refusal) {
		return false
	}
	switch refusal.Code {
	case "MISCONF", "LOADING", "MASTERDOWN":
		return true
	case "NOPERM":
		return strings.Contains(strings.ToLower(refusal.Message), "'ping'")
	}
	return false
}

// isPong reports whether v is RESP2's answer to a PING on a subscribed
// connection, the array of "pong" and the token. Some servers give it in RESP3
// too.
func isPong(v proto.Value, token string) bool {
	return v.IsAggregate() && v.Len() == 2 && v.Index(0).Str() == "pong" && v.Index(1).Str() == token
}
