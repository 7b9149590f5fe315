package redis

import (
	"errors"

	"github.com/redchan-go/redchan/internal/conn"
	"github.com/redchan-go/redchan/internal/retry"
	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
)

// What errors of commands are found by, with errors.Is and errors.As. They are
// those of package command under the names that programs use.
var (
	// Nil says that what was asked for does not exist.
	Nil = command.Nil
	// ErrNotSent: no byte of the command has left; it is safe to send it again.
	ErrNotSent = command.ErrNotSent
	// ErrRejected: the server refused to run the command, for a reason that
	// passes; it is safe to send it again.
	ErrRejected = command.ErrRejected
	// ErrMaybeExecuted: the command was sent and its reply lost; it may have
	// run or not.
	ErrMaybeExecuted = command.ErrMaybeExecuted
	// ErrArgument: an argument can't be sent; nothing was.
	ErrArgument = command.ErrArgument
)

// Error is a command that failed, with what happened to it.
type Error = command.Error

// ReplyError is an error reply of the server: code and message.
type ReplyError = proto.Error

// ErrClosed is the cause of errors of a client that has been closed.
var ErrClosed = errors.New("the client is closed")

// ErrPoolExhausted is found by errors.Is in the error of a command which
// needed a connection of its own and got none before its context ended.
var ErrPoolExhausted = errors.New("no connection came free")

// ErrReplyTimeout is the cause of errors of a connection that was closed
// because its oldest command had no reply within Options.ReplyTimeout.
var ErrReplyTimeout = retry.ErrReplyTimeout

// ErrWrongNode is found by errors.Is in the error of a connection to a node of a cluster that is
// not the one which Options.NodeID wants. Nothing was sent to it.
var ErrWrongNode = conn.ErrWrongNode

// SafeToRetry reports whether a command that failed with err has certainly not
// run, so that sending it again can't run it twice: it was not sent, or the
// server rejected it.
//
// The error of a batch is safe only where no command of the batch has run. A bad
// argument is not: it would be refused again; so would anything of a closed session.
func SafeToRetry(err error) bool {
	var batch *command.BatchError
	if errors.As(err, &batch) && batch.Ran || errors.Is(err, ErrMaybeExecuted) || errors.Is(err, ErrArgument) || errors.Is(err, ErrSessionClosed) {
		return false
	}
	return errors.Is(err, ErrNotSent) || errors.Is(err, ErrRejected)
}
