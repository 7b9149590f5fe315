package redis

import (
	"errors"
	"fmt"

	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
)

// ErrWrongNode is found by errors.Is in the error of a connection to a node of a cluster that is
// not the one which Options.NodeID wants. Nothing was sent to it.
var ErrWrongNode = errors.New("another node of a cluster answers at this address")

// identity returns the step that asks which node of a cluster the server is, none where any will
// do. A server or user that can't tell is taken for the right one, and not asked again.
func (c *conn) identity(o *Options) []step {
	if o.NodeID == nil || o.learned.nameless.Load() {
		return nil
	}
	want := o.NodeID()
	if want == "" {
		return nil
	}
	return []step{{words: []string{"CLUSTER", "MYID"}, optional: true, check: func(v proto.Value) error {
		switch got := v.Str(); {
		case v.Kind() == proto.KindError:
			var refusal *proto.Error
			if errors.As(v.Err(), &refusal) && (refusal.Code == "NOPERM" || refusal.Code == "ERR") {
				o.learned.nameless.Store(true)
			}
		case v.Kind() != proto.KindBulk:
			return errors.New("a text")
		case got != want:
			const shown = 64
			c.stranger = fmt.Errorf("%w: it is %.*q, not %.*q", ErrWrongNode, shown, got, shown, want)
		}
		return nil
	}}}
}

// replyError is [command.ReplyError], without the advice to use the client of a cluster where this
// is one of its nodes'.
func (o *Options) replyError(r *command.Request, addr string, v proto.Value) error {
	err := command.ReplyError(r, addr, v)
	var e *Error
	var reply *proto.Error
	if err == nil || o.NodeID == nil || !errors.As(err, &e) || !errors.As(err, &reply) || reply.Code != "MOVED" {
		return err
	}
	return &Error{Command: e.Command, Addr: e.Addr, Outcome: e.Outcome, Err: movedInCluster{e.Err}}
}

// movedInCluster is a MOVED that a node's client of a cluster has got.
type movedInCluster struct{ error }

func (m movedInCluster) Unwrap() error { return m.error }

// Hint is that of package command's errors.
func (movedInCluster) Hint() string { return "another node of the cluster serves the slot" }
