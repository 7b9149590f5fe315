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
// It has not run. errors.Is finds [ErrTooManyRedirects], and why a node could not be reached to
// which it was redirected.
type RedirectError struct {
	Redirects int
	Last      string // what the last node said: "MOVED 12182 10.0.0.1:6379"
	Err       error  // why a node was not reached meanwhile; nil where all were
}

// Error names the number, the last redirect, and why a node was not reached.
func (e *RedirectError) Error() string {
	text := fmt.Sprintf("%v: after %d came %q", ErrTooManyRedirects, e.Redirects, e.Last)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Is reports whether target is [ErrTooManyRedirects].
func (e *RedirectError) Is(target error) bool { return target == ErrTooManyRedirects }

// Unwrap returns why a node was not reached.
func (e *RedirectError) Unwrap() error { return e.Err }

// notSent is the error for a request of which no byte has left.
func notSent(name, addr string, cause error) error {
	return &command.Error{Command: name, Addr: addr, Outcome: command.NotSent, Err: cause}
}

// refused is the error for a request that a cluster's client does not send.
func refused(name, reason string) error {
	return notSent(name, "", fmt.Errorf("%w: %s", redis.ErrArgument, reason))
}

// tooMany is the error for a request that was redirected too often. reason is why a node could
// not be reached meanwhile, nil where all could.
func tooMany(name, addr string, redirects int, last, reason error) error {
	e := &RedirectError{Redirects: redirects, Err: cause(reason)}
	var reply *proto.Error
	if errors.As(last, &reply) {
		e.Last = reply.Code + " " + reply.Message
	}
	return &command.Error{Command: name, Addr: addr, Outcome: command.Rejected, Err: e}
}

// unfollowed is a redirect that was not followed to its end. It is the server's reply, without
// the hint to use the client of a cluster.
type unfollowed struct {
	reply *proto.Error
	// reason is why the node that it names was not reached, or can't be told; nil where the time
	// was over before.
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

// Hint is that of package command's errors.
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

// conclude returns the last error of what is not tried again as that of the caller: with the end of
// its context, where that is why, and with the reason why a node could not be reached, where it
// was sent to one.
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

// amend returns a command's error with another cause, of which nothing else changes.
func amend(err error, change func(cause error) error) error {
	switch e := err.(type) { //nolint:errorlint // what is around it stays
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

// cause returns why a command failed, without what became of it.
func cause(err error) error {
	var e *command.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

// or returns err, or otherwise where that is nil.
func or(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// isRedirect reports whether a reply has the code of a redirect.
func isRedirect(reply *proto.Error) bool { return reply.Code == "MOVED" || reply.Code == "ASK" }

// explain returns the error of a node's client as one of the cluster's: where that client
// was closed because the node is gone, the error says so.
func (c *Client) explain(err error) error {
	var e *command.Error
	if err == nil || !errors.Is(err, redis.ErrClosed) || c.isClosed() || !errors.As(err, &e) {
		return err
	}
	return &command.Error{Command: e.Command, Addr: e.Addr, Outcome: e.Outcome, Err: ErrNodeLost}
}

// noAnswers are the errors of nodes that were asked for the topology. What several of them have said
// stands in the text once.
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
