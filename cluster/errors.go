package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redchan-go/redchan/internal/retry"
	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
)

var (
	// ErrTooManyRedirects matches a [*RedirectError] with errors.Is.
	ErrTooManyRedirects = errors.New("too many redirects")
	// ErrCrossSlot matches a [*CrossSlotError] with errors.Is.
	ErrCrossSlot = errors.New("keys of different slots")
	// ErrNodeLost is the cause of the error of a command whose node failed, or left the cluster,
	// before it answered.
	ErrNodeLost = errors.New("the node has failed or left the cluster")
	// ErrUncovered is the cause of the error of a command whose slot no node serves.
	ErrUncovered = errors.New("no node serves the slot")
	// ErrNoTopology is the cause of errors while no node has reported the topology.
	ErrNoTopology = errors.New("no node of the cluster has told who serves which slots")
)

// CrossSlotError reports that a command, or a transaction, has keys in different slots. Nothing
// was sent. errors.Is matches it with [ErrCrossSlot] and redis.ErrArgument.
type CrossSlotError struct {
	Keys  [2]string // two of the keys, in different slots
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

// RedirectError reports that a command was redirected more often than Options.MaxRedirects. The
// command has not run. errors.Is matches it with [ErrTooManyRedirects], and with the reason why
// a node in a redirect could not be reached.
type RedirectError struct {
	Redirects int
	Last      string // the last redirect, such as "MOVED 12182 10.0.0.1:6379"
	Err       error  // why a node could not be reached; nil if all were reached
}

// Error gives the number of redirects, the last one, and why a node could not be reached.
func (e *RedirectError) Error() string {
	text := fmt.Sprintf("%v: after %d came %q", ErrTooManyRedirects, e.Redirects, e.Last)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Is reports whether target is [ErrTooManyRedirects].
func (e *RedirectError) Is(target error) bool { return target == ErrTooManyRedirects }

// Unwrap returns why a node could not be reached.
func (e *RedirectError) Unwrap() error { return e.Err }

// notSent returns the error of a request of which no byte was sent.
func notSent(name, addr string, cause error) error {
	return &command.Error{Command: name, Addr: addr, Outcome: command.NotSent, Err: cause}
}

// refused returns the error of a request that a cluster client does not send.
func refused(name, reason string) error {
	return notSent(name, "", fmt.Errorf("%w: %s", redis.ErrArgument, reason))
}

// tooMany returns the error of a request that was redirected too often. reason says why a node
// could not be reached meanwhile; it is nil if all were reached.
func tooMany(name, addr string, redirects int, last, reason error) error {
	e := &RedirectError{Redirects: redirects, Err: cause(reason)}
	var reply *proto.Error
	if errors.As(last, &reply) {
		e.Last = reply.Code + " " + reply.Message
	}
	return &command.Error{Command: name, Addr: addr, Outcome: command.Rejected, Err: e}
}

// unfollowed is a redirect that was not followed to its end. It is the server's reply, without
// the hint to use a cluster client.
type unfollowed struct {
	reply *proto.Error
	// reason says why the node in the redirect could not be reached or identified. It is nil if
	// the time ran out first.
	reason error
}

func (u *unfollowed) Error() string {
	if u.reason == nil {
		return u.reply.Error()
	}
	return u.reply.Error() + ": " + u.reason.Error()
}

func (u *unfollowed) Unwrap() []error {
	if u.reason == nil {
		return []error{u.reply}
	}
	return []error{u.reply, u.reason}
}

// Hint replaces the hint of package command's errors.
func (u *unfollowed) Hint() string {
	if u.reply.Code == "ASK" && u.reason == nil {
		return "the slot is being moved"
	}
	return ""
}

// unfollowable returns the error of a redirect that can't be followed for a reason.
func unfollowable(err, reason error) error {
	return amend(err, func(err error) error {
		var reply *proto.Error
		if !errors.As(err, &reply) {
			return err
		}
		return &unfollowed{reply, reason}
	})
}

// conclude turns the last error of a request that is not retried into the error for the caller.
// It adds the end of the caller's context if that is the cause, and the reason why a node could
// not be reached if the request was redirected to one.
func conclude(ctx context.Context, err, reason error) error {
	if !errors.Is(err, redis.ErrNotSent) && !errors.Is(err, redis.ErrRejected) && !errors.Is(err, redis.ErrMaybeExecuted) ||
		errors.Is(err, redis.ErrArgument) {
		return err // final for another reason
	}
	return amend(err, func(err error) error {
		var reply *proto.Error
		var follows *unfollowed
		if errors.As(err, &reply) && isRedirect(reply) && !errors.As(err, &follows) && !errors.Is(err, ErrTooManyRedirects) {
			err = &unfollowed{reply, cause(reason)}
		}
		if ctx.Err() == nil || errors.Is(err, ctx.Err()) && errors.Is(err, context.Cause(ctx)) {
			return err
		}
		return fmt.Errorf("%w: %w", retry.Ended(ctx), err)
	})
}

// amend returns a copy of a command's error with another cause, and nothing else changed.
func amend(err error, change func(cause error) error) error {
	switch e := err.(type) { //nolint:errorlint // errors that wrap this one stay as they are
	case *command.BatchError:
		amended := *e
		amended.Err = amend(e.Err, change)
		return &amended
	case *command.Error:
		amended := *e
		amended.Err = change(e.Err)
		return &amended
	}
	return change(err)
}

// cause returns why a command failed, without its outcome.
func cause(err error) error {
	var e *command.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

// or returns err, or otherwise if err is nil.
func or(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// isRedirect reports whether the code of a reply is that of a redirect.
func isRedirect(reply *proto.Error) bool { return reply.Code == "MOVED" || reply.Code == "ASK" }

// explain converts an error of a node's client to one of the cluster client. If the node's
// client was closed because the node is gone, the error says so.
func (c *Client) explain(err error) error {
	var e *command.Error
	if err == nil || !errors.Is(err, redis.ErrClosed) || c.isClosed() || !errors.As(err, &e) {
		return err
	}
	return &command.Error{Command: e.Command, Addr: e.Addr, Outcome: e.Outcome, Err: ErrNodeLost}
}

// noAnswers is the list of errors from nodes that were asked for the topology. Its text contains
// an error shared by several nodes only once.
type noAnswers []error

func (n noAnswers) Error() string {
	var texts []string
	seen := map[string]int{}
	for _, err := range n {
		text, addr := err.Error(), ""
		var e *command.Error
		if errors.As(err, &e) {
			addr = e.Addr
		}
		kind := strings.ReplaceAll(text, addr, "")
		if addr == "" {
			kind = text
		}
		if seen[kind]++; seen[kind] == 1 {
			texts = append(texts, text)
		}
	}
	text := strings.Join(texts, "; ")
	if others := len(n) - len(texts); others > 0 {
		text += fmt.Sprintf(" (and %d others say the same)", others)
	}
	return text
}

func (n noAnswers) Unwrap() []error { return n }
