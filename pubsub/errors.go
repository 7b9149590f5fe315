package pubsub

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

var (
	// ErrEnded is the error of what is asked of a subscription that has ended, or of a
	// client that has been closed.
	ErrEnded = errors.New("pubsub: ended")

	// ErrSlowConsumer ends a subscription with the policy [FailSlow] or [Block]
	// whose consumer did not keep up.
	ErrSlowConsumer = errors.New("pubsub: slow consumer: the messages that wait exceed the subscription's buffer")

	// ErrSubscribeTimeout is in the error of a call that subscribes or unsubscribes, and
	// whose names the server did not acknowledge in time.
	ErrSubscribeTimeout = errors.New("not acknowledged in time")

	// ErrNotConnected is in the error of what needs a connection while there is none.
	ErrNotConnected = errors.New("pubsub: not connected to the server")

	errNoNames   = errors.New("pubsub: nothing to subscribe to: no names were given")
	errNoContext = errors.New("pubsub: the context is nil: use context.Background or the caller's")

	errLostUnanswered = fmt.Errorf("%w: it was lost before the server had acknowledged the end", ErrNotConnected)

	errTakenAway = errors.New("the server took the subscription away")
)

// RefusedError says that the server refuses a name. errors.As finds the server's
// error in it.
type RefusedError struct {
	Name Name
	Err  error
}

// Error names what was refused, and why.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("pubsub: %v refused: %v", e.Name, e.Err)
}

// Unwrap returns Err.
func (e *RefusedError) Unwrap() error { return e.Err }

// IncompleteError says that names were unsubscribed, but that messages may be missing which
// the server sent before: it did not acknowledge the end in time, or the connection was lost first.
type IncompleteError struct {
	Gap Gap   // when they may be missing; the stream has it too
	Err error // wraps ErrSubscribeTimeout, ErrNotConnected, or the end of the call's context
}

// Error says why.
func (e *IncompleteError) Error() string {
	return fmt.Sprintf("pubsub: unsubscribed, but messages sent before may be missing (%v): %v", &e.Gap, e.Err)
}

// Unwrap returns Err.
func (e *IncompleteError) Unwrap() error { return e.Err }

// UnacknowledgedError says which names a subscribe call was still waiting for
// when it gave up. It has released all of its names.
type UnacknowledgedError struct {
	Missing int    // the names without an acknowledgement
	Of      int    // the names of the call
	Names   []Name // the first few that are missing
	Err     error  // wraps ErrSubscribeTimeout, or the end of the call's context
	// Connection is why there was no connection; nil if there was one.
	Connection error
}

// Error tells how many names are missing, a few of them, and why.
func (e *UnacknowledgedError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "pubsub: %d of %d names not acknowledged (%s", e.Missing, e.Of, nameList(e.Names))
	if more := e.Missing - len(e.Names); more > 0 {
		fmt.Fprintf(&b, " and %d more", more)
	}
	fmt.Fprintf(&b, "): %v", e.Err)
	if e.Connection != nil {
		fmt.Fprintf(&b, ": %v", e.Connection)
	}
	return b.String()
}

// Unwrap returns Err, and Connection where it is not nil.
func (e *UnacknowledgedError) Unwrap() []error {
	if e.Connection == nil {
		return []error{e.Err}
	}
	return []error{e.Err, e.Connection}
}

// nameList writes names as: channel "a", pattern "b*".
func nameList(names []Name) string {
	texts := make([]string, len(names))
	for i, name := range names {
		texts[i] = name.String()
	}
	return strings.Join(texts, ", ")
}

// lifeError is the error of a subscription whose context has ended.
func lifeError(ctx context.Context) error {
	return fmt.Errorf("pubsub: the context given to Subscribe ended "+
		"(it bounds the subscription's life, not the call): %w", context.Cause(ctx))
}

// checkContext returns an error where there is no context.
func checkContext(ctx context.Context) error {
	if ctx == nil {
		return errNoContext
	}
	return nil
}

// quoted shortens names of unknown length for an error text.
func quoted(name string) string {
	const most = 64
	if len(name) > most {
		return strconv.Quote(name[:most]) + "..."
	}
	return strconv.Quote(name)
}
