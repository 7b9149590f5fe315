package redis

import (
	"errors"

	"github.com/redchan-go/redchan/internal/conn"
	"github.com/redchan-go/redchan/internal/retry"
	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
)

// Errors that errors.Is and errors.As find in the errors of commands. They are the errors
// of package command under the names that programs use.
var (
	// Nil means that the requested value does not exist.
	Nil = command.Nil
	// ErrNotSent means that no byte of the command was sent. It is safe to send it again.
	ErrNotSent = command.ErrNotSent
	// ErrRejected means that the server refused to run the command for a temporary reason.
	// It is safe to send it again.
	ErrRejected = command.ErrRejected
	// ErrMaybeExecuted means that the command was sent and its reply was lost. The command
	// may or may not have run.
	ErrMaybeExecuted = command.ErrMaybeExecuted
	// ErrArgument means that an argument can't be sent. Nothing was sent.
	ErrArgument = command.ErrArgument
)

// Error is the error of a command that failed. It says what happened to the command.
type Error = command.Error

// ReplyError is an error reply of the server, with its code and message.
type ReplyError = proto.Error

// ErrClosed is the cause of an error that was returned because the client is closed.
var ErrClosed = errors.New("the client is closed")

// ErrPoolExhausted is found by errors.Is in the error of a command that needed a connection
// for itself and got none before its context ended.
var ErrPoolExhausted = errors.New("no connection came free")

// ErrReplyTimeout is the cause of errors of a connection that was closed because its oldest
// command got no reply within Options.ReplyTimeout.
var ErrReplyTimeout = retry.ErrReplyTimeout

// ErrWrongNode is found by errors.Is in the error of a connection to a cluster node whose
// ID is not the one that Options.NodeID returned. Nothing was sent to the node.
var ErrWrongNode = conn.ErrWrongNode

// SafeToRetry reports whether a command that failed with err has certainly not run: it was
// not sent, or the server rejected it. Sending it again can't run it twice.
//
// The error of a batch is safe to retry only if no command of the batch has run.
// SafeToRetry returns false for a bad argument and for a closed session, because a retry
// would fail in the same way.
func SafeToRetry(err error) bool {
	var batch *command.BatchError
	if errors.As(err, &batch) && batch.Ran || errors.Is(err, ErrMaybeExecuted) || errors.Is(err, ErrArgument) || errors.Is(err, ErrSessionClosed) {
		return false
	}
	return errors.Is(err, ErrNotSent) || errors.Is(err, ErrRejected)
}
