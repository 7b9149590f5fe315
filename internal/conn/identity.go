package conn

import (
	"errors"
	"fmt"

	"github.com/redchan-go/redchan/proto"
)

// ErrWrongNode is found by errors.Is in the error of a connection to a node of a cluster that is
// not the one which Options.NodeID wants. Nothing was sent to it.
var ErrWrongNode = errors.New("another node of a cluster answers at this address")

// identity returns the step that asks which node of a cluster the server is, none where any will
// do. A server or user that can't tell is taken for the right one, and not asked again.
func (h *handshake) identity() []step {
	if h.o.NodeID == nil || h.learned.nameless.Load() {
		return nil
	}
	want := h.o.NodeID()
	if want == "" {
		return nil
	}
	return []step{{words: []string{"CLUSTER", "MYID"}, optional: true, check: func(v proto.Value) error {
		switch got := v.Str(); {
		case v.Kind() == proto.KindError:
			var refusal *proto.Error
			if errors.As(v.Err(), &refusal) && (refusal.Code == "NOPERM" || refusal.Code == "ERR") {
				h.learned.nameless.Store(true)
			}
		case v.Kind() != proto.KindBulk:
			return errors.New("a text")
		case got != want:
			const shown = 64
			h.stranger = fmt.Errorf("%w: it is %.*q, not %.*q", ErrWrongNode, shown, got, shown, want)
		}
		return nil
	}}}
}
