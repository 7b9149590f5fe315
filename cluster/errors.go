package cluster

import (
	"errors"
	"fmt"

	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
)

var (
	// ErrTooManyRedirects is found by errors.Is in a [*RedirectError].
	ErrTooManyRedirects = errors.New("too many redirects")
	// ErrCrossSlot is found by errors.Is in a [*CrossSlotError].
	ErrCrossSlot = errors.New("keys of different slots")
	// ErrNodeLost is the cause of errors of commands whose node has failed, or has left the
	// cluster, before it answered.
	ErrNodeLost = errors.New("the node has failed or left the cluster")
	// ErrUncovered is the cause of errors of commands whose slot no node serves.
	ErrUncovered = errors.New("no node serves the slot")
	// ErrNoTopology is the cause of errors while no node has told who serves which slots.
	ErrNoTopology = errors.New("no node of the cluster has told who serves which slots")
)

// CrossSlotError says that a command, or a transaction, has keys of different slots.
// Nothing has been sent. errors.Is finds [ErrCrossSlot] and redis.ErrArgument.
type CrossSlotError struct {
	Keys  [2]string // two of them, of different slots
	Slots [2]int
}

// Error names both keys and their slots.
func (e *CrossSlotError) Error() string {
	return fmt.Sprintf("%v: %q is of slot %d and %q of slot %d: give them a common hash tag, as in "+
		"{user1}:a and {user1}:b, or use cluster.MGet and its kind", ErrCrossSlot, e.Keys[0], e.Slots[0], e.Keys[1], e.Slots[1])
}

// Is reports whether target is [ErrCrossSlot] or redis.ErrArgument.
func (e *CrossSlotError) Is(target error) bool {
	return target == ErrCrossSlot || target == redis.ErrArgument
}

// RedirectError says that a command was redirected more often than Options.MaxRedirects.
// It has not run. errors.Is finds [ErrTooManyRedirects].
type RedirectError struct {
	Redirects int
	Last      string // what the last node said: "MOVED 12182 10.0.0.1:6379"
}

// Error names the number and the last redirect.
func (e *RedirectError) Error() string {
	return fmt.Sprintf("%v: after %d came %q", ErrTooManyRedirects, e.Redirects, e.Last)
}

// Is reports whether target is [ErrTooManyRedirects].
func (e *RedirectError) Is(target error) bool { return target == ErrTooManyRedirects }

// notSent is the error for a request of which no byte has left.
func notSent(name, addr string, cause error) error {
	return &command.Error{Command: name, Addr: addr, Outcome: command.NotSent, Err: cause}
}

// refused is the error for a request that a cluster's client does not send.
func refused(name, reason string) error {
	return notSent(name, "", fmt.Errorf("%w: %s", redis.ErrArgument, reason))
}

// tooMany is the error for a request that was redirected too often.
func tooMany(name, addr string, redirects int, last error) error {
	e := &RedirectError{Redirects: redirects}
	var reply *proto.Error
	if errors.As(last, &reply) {
		e.Last = reply.Code + " " + reply.Message
	}
	return &command.Error{Command: name, Addr: addr, Outcome: command.Rejected, Err: e}
}

// explain returns the error of a node's client as one of the cluster's: where that client
// was closed because the node is gone, the error says so.
func (c *Client) explain(err error) error {
	var e *command.Error
	if err == nil || !errors.Is(err, redis.ErrClosed) || c.isClosed() || !errors.As(err, &e) {
		return err
	}
	return &command.Error{Command: e.Command, Addr: e.Addr, Outcome: e.Outcome, Err: ErrNodeLost}
}
