package hub

import (
	"errors"
	"fmt"
)

// RefusedError reports that a server, or the hub itself, refuses a name.
type RefusedError struct {
	Name Name
	Err  error
}

// Error names what was refused, and why.
func (e *RefusedError) Error() string { return fmt.Sprintf("%v refused: %v", e.Name, e.Err) }

// Unwrap returns Err.
func (e *RefusedError) Unwrap() error { return e.Err }

// ClosedError reports that the hub has been closed, and with what error, which may be nil.
type ClosedError struct{ Err error }

// Error describes the cause.
func (e *ClosedError) Error() string { return fmt.Sprintf("the hub is closed: %v", e.Err) }

// Unwrap returns Err.
func (e *ClosedError) Unwrap() error { return e.Err }

var (
	// ErrOver is returned for a subscriber that takes no more names.
	ErrOver = errors.New("the subscriber is on its way to its end")
	// ErrNoLink is returned for a request that needs a link while there is none.
	ErrNoLink = errors.New("no link to the server")

	// ErrUnsubscribed is wrapped by the error of a call whose name another call has
	// unsubscribed.
	ErrUnsubscribed = errors.New("unsubscribed before the server acknowledged it")

	errNoKind     = errors.New("there is no such kind of names")
	errNotSharded = errors.New("this subscription is of shard channels alone")
	errTakenAway  = errors.New("the server took the subscription away")
	errElsewhere  = errors.New("other servers say that another one serves it")
)

// protocolError describes a protocol violation by a link.
func protocolError(format string, args ...any) error {
	return fmt.Errorf("pubsub: protocol error: "+format, args...)
}
