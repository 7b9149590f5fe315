package redis

import (
	"errors"

	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
)

// replyError is [command.ReplyError] without the advice to use the client of a cluster, if
// this client serves a node for one.
func (o *Options) replyError(r *command.Request, addr string, v proto.Value) error {
	err := command.ReplyError(r, addr, v)
	var e *Error
	var reply *proto.Error
	if err == nil || o.NodeID == nil || !errors.As(err, &e) || !errors.As(err, &reply) || reply.Code != "MOVED" {
		return err
	}
	return &Error{Command: e.Command, Addr: e.Addr, Outcome: e.Outcome, Err: movedInCluster{e.Err}}
}

// movedInCluster is a MOVED error that the client of a cluster node received.
type movedInCluster struct{ error }

func (m movedInCluster) Unwrap() error { return m.error }

// Hint returns the advice for the error, as the errors of package command do.
func (movedInCluster) Hint() string { return "another node of the cluster serves the slot" }
