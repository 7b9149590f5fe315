package pubsub

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

var (
	// ErrEnded is returned by calls on a subscription that has ended, and by subscribe calls of
	// a closed client.
	ErrEnded = errors.New("pubsub: ended")

	// ErrSlowConsumer ends a subscription with the policy [FailSlow] or [Block] if its consumer
	// does not keep up.
	ErrSlowConsumer = errors.New("pubsub: slow consumer: the messages that wait exceed the subscription's buffer")

	// ErrSubscribeTimeout is wrapped by the error of a subscribe or unsubscribe call whose names
	// the server did not acknowledge in time.
	ErrSubscribeTimeout = errors.New("not acknowledged in time")

	// ErrNotConnected is wrapped by the error of a call that needs a connection while there is
	// none.
	ErrNotConnected = errors.New("pubsub: not connected to the server")

	errNoNames   = errors.New("pubsub: nothing to subscribe to: no names were given")
	errNoContext = errors.New("pubsub: the context is nil: use context.Background or the caller's")

	errLostUnanswered = fmt.Errorf("%w: it was lost before the server had acknowledged the end", ErrNotConnected)

	errTakenAway = errors.New("the server took the subscription away")
)

// RefusedError reports that the server refused a name. errors.As finds the server's error in it.
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

// IncompleteError reports that names were unsubscribed, but that messages sent before may be
// missing: the server did not acknowledge the end in time, or the connection was lost first.
type IncompleteError struct {
	Gap Gap   // the time for which messages may be missing; the stream reports it too
	Err error // wraps ErrSubscribeTimeout, ErrNotConnected, or the end of the call's context
}

// Error describes the gap and its cause.
func (e *IncompleteError) Error() string {
	return fmt.Sprintf("pubsub: unsubscribed, but messages sent before may be missing (%v): %v", &e.Gap, e.Err)
}

// Unwrap returns Err.
func (e *IncompleteError) Unwrap() error { return e.Err }

// UnacknowledgedError reports the names that a subscribe call was still waiting for when it gave
// up. The call has released all of its names.
type UnacknowledgedError struct {
	Missing int    // the number of names without an acknowledgement
	Of      int    // the number of names in the call
	Names   []Name // the first few names that are missing
	Err     error  // wraps ErrSubscribeTimeout, or the end of the call's context
	// Connection is the reason why there was no connection, or nil if there was one.
	Connection error
}

// Error gives the number of missing names, the first few of them, and the cause.
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

// Unwrap returns Err, and Connection if it is not nil.
func (e *UnacknowledgedError) Unwrap() []error {
	if e.Connection == nil {
		return []error{e.Err}
	}
	return []error{e.Err, e.Connection}
}

// nameList formats names as: channel "a", pattern "b*".
func nameList(names []Name) string {
	texts := make([]string, len(names))
	for i, name := range names {
		texts[i] = name.String()
	}
	return strings.Join(texts, ", ")
}

// lifeError returns the error of a subscription whose context has ended.
func lifeError(ctx context.Context) error {
	return fmt.Errorf("pubsub: the context given to Subscribe ended "+
		"(it bounds the subscription's life, not the call): %w", context.Cause(ctx))
}

// checkContext returns an error if ctx is nil.
func checkContext(ctx context.Context) error {
	if ctx == nil {
		return errNoContext
	}
	return nil
}

// quoted shortens a name of unknown length for an error text.
func quoted(name string) string {
	const most = 64
	if len(name) > most {
		return strconv.Quote(name[:most]) + "..."
	}
	return strconv.Quote(name)
}
