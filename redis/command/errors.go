package command

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/redchan-go/redchan/proto"
)

// Nil says that what was asked for does not exist: the key of a GET, an
// element of an empty list, a blocking pop that timed out. Find it with
// errors.Is.
var Nil = errors.New("redis: nil")

// Found by errors.Is in an [*Error], according to its Outcome.
var (
	// ErrNotSent means that no byte of the command has left: it is safe to
	// send it again.
	ErrNotSent = errors.New("not sent")
	// ErrRejected means that the server refused the command without running
	// it, for a reason that passes: it is safe to send it again, possibly
	// elsewhere.
	ErrRejected = errors.New("rejected")
	// ErrMaybeExecuted means that the command was sent and its reply lost: it
	// may have run or not.
	ErrMaybeExecuted = errors.New("may have been executed")
)

// Found by errors.Is in the error of a transaction of which nothing has run.
var (
	// ErrTxConflict: a watched key was changed before EXEC.
	ErrTxConflict = errors.New("redis: a watched key was changed: nothing of the transaction has run")
	// ErrTxAborted: the server refused a command when it was queued.
	ErrTxAborted = errors.New("the server refused it, and nothing of the transaction has run")
)

// Outcome says what happened to a command that failed.
type Outcome uint8

// What can have happened.
const (
	// Answered: the server answered with an error that is final. A script may
	// have written before it failed.
	Answered Outcome = iota
	// NotSent: no byte of the command has left. See [ErrNotSent].
	NotSent
	// Rejected: the server refused to run it now or here. See [ErrRejected].
	Rejected
	// MaybeExecuted: sent, and the reply lost. See [ErrMaybeExecuted].
	MaybeExecuted
)

// String returns the outcome in words.
func (o Outcome) String() string {
	switch o {
	case Answered:
		return "answered with an error"
	case NotSent:
		return ErrNotSent.Error()
	case Rejected:
		return ErrRejected.Error()
	case MaybeExecuted:
		return ErrMaybeExecuted.Error()
	}
	return fmt.Sprintf("outcome %d", uint8(o))
}

// Error is a command that failed, what happened to it, and why. It never shows
// an argument.
type Error struct {
	Command string // name of the command, such as "CLIENT KILL"
	Addr    string // the server's address; empty where none was reached
	Outcome Outcome
	Err     error // the cause: an [*proto.Error], a network error, a context's error
}

// Error names command, outcome, cause and, where known, the likely remedy.
func (e *Error) Error() string {
	if e.Command == "" {
		return "redis: " + e.reason()
	}
	return "redis: " + e.Command + ": " + e.reason()
}

// reason is the error's text behind the name of the command.
func (e *Error) reason() string {
	var b strings.Builder
	if e.Outcome == NotSent || e.Outcome == MaybeExecuted {
		b.WriteString(e.Outcome.String())
		b.WriteString(": ")
	}
	cause := e.Err.Error()
	b.WriteString(cause)
	if e.Addr != "" && e.Outcome != Answered && !strings.Contains(cause, e.Addr) {
		b.WriteString(" (server ")
		b.WriteString(e.Addr)
		b.WriteString(")")
	}
	// An error inside may have said it already.
	if hint := hint(e.Err, e.Outcome); hint != "" && !strings.Contains(cause, hint) {
		b.WriteString(": ")
		b.WriteString(hint)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is the sentinel of the error's outcome.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrNotSent:
		return e.Outcome == NotSent
	case ErrRejected:
		return e.Outcome == Rejected
	case ErrMaybeExecuted:
		return e.Outcome == MaybeExecuted
	}
	return false
}

// ReplyError turns an error reply to a request into an [*Error]. It returns nil
// where v is no error. Servers repeat arguments of some commands in their
// errors: where these may be secrets they are taken out.
func ReplyError(r *Request, addr string, v proto.Value) error {
	if v.Kind() != proto.KindError {
		return nil
	}
	err := v.Err()
	e := &Error{Command: r.Name(), Addr: addr, Outcome: Answered, Err: err}
	var reply *proto.Error
	if errors.As(err, &reply) {
		if r.secret() {
			reply.Message = r.withoutArguments(reply.Message)
		}
		if r.rejectedBy(reply) {
			e.Outcome = Rejected
		} else if (reply.Code == "MOVED" || reply.Code == "ASK") && !r.hasOwnErrors() {
			if _, bad := proto.ParseRedirect(reply); bad != nil {
				e.Err = fmt.Errorf("%w: it can't be followed: %w", err, bad)
			}
		}
	}
	return e
}

// remedy says what most likely has to be changed, by the code of an error reply.
func remedy(code string) string {
	switch code {
	case "NOAUTH":
		return "the server wants a password: put it into the URL or into Options.Password"
	case "WRONGPASS":
		return "user or password are wrong, or the user is disabled"
	case "NOPERM":
		return "the user's ACL does not allow it"
	case "WRONGTYPE":
		return "the key holds another type than this command is for"
	case "MOVED":
		return "the server is a node of a cluster, and the key lives on another: use a cluster client"
	case "CROSSSLOT":
		return "in a cluster all keys of one command must have the same hash tag, as in {user1}:a and {user1}:b"
	case "READONLY":
		return "the server is a replica: connect to the primary"
	case "LOADING":
		return "the server is still reading its data from disk"
	case "MISCONF":
		return "the server can't save its data and refuses to write"
	case "OOM":
		return "the server has reached maxmemory"
	case "NOSCRIPT":
		return "the server does not know the script: send it with EVAL or SCRIPT LOAD"
	case "BUSY":
		return "a script is running longer than the server allows"
	case "NOREPLICAS":
		return "too few replicas are connected for min-replicas-to-write"
	case "BUSYGROUP":
		return "the consumer group exists already"
	case "NOGROUP":
		return "create the consumer group first"
	case "CLUSTERDOWN":
		return "the cluster does not serve this slot now"
	}
	return ""
}

// hint returns the likely remedy for an error reply. A code by which servers reject
// commands has none where the command was not rejected: then a script uses it.
func hint(err error, outcome Outcome) string {
	var own interface{ Hint() string } // a client's that knows better, such as a cluster's
	if errors.As(err, &own) {
		return own.Hint()
	}
	var reply *proto.Error
	if !errors.As(err, &reply) {
		return ""
	}
	switch reply.Code {
	case "MOVED", "READONLY", "LOADING", "CLUSTERDOWN":
		if outcome == Answered {
			return ""
		}
	}
	return remedy(reply.Code)
}

// secret reports whether arguments of the command may be passwords.
func (r *Request) secret() bool {
	switch r.Name() {
	case "ACL DRYRUN", "ACL SETUSER", "AUTH", "CONFIG SET", "HELLO", "MIGRATE", "MODULE LOAD", "MODULE LOADEX":
		return true
	}
	return false
}

// withoutArguments returns an error's message without what it repeats of the
// arguments.
func (r *Request) withoutArguments(message string) string {
	args := make([]string, 0, r.Len())
	for i := range r.Len() {
		// Words of two letters, such as "on", are no secrets worth the name.
		if arg := r.text(i); len(arg) > 2 {
			args = append(args, arg)
		}
	}
	// The longest first: a user's name may be a part of the password.
	slices.SortFunc(args, func(a, b string) int { return len(b) - len(a) })
	for _, arg := range args {
		message = strings.ReplaceAll(message, arg, "[redacted]")
	}
	return message
}

// DecodeError is a reply that came well but does not fit the wanted type. The
// command has run; nothing is wrong with the connection.
type DecodeError struct {
	Command string // name of the command
	Key     string // its first key, if it has one
	Want    string // the wanted type or shape
	Got     string // the shape of the reply
	Err     error  // the cause, if there is one, such as a JSON error
}

// Error names command, key, wanted type and reply shape.
func (e *DecodeError) Error() string {
	var b strings.Builder
	b.WriteString("redis: ")
	b.WriteString(e.Command)
	if e.Key != "" {
		fmt.Fprintf(&b, " %q", e.Key)
	}
	fmt.Fprintf(&b, ": can't read %s as %s", e.Got, e.Want)
	if e.Err != nil {
		b.WriteString(": ")
		b.WriteString(e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *DecodeError) Unwrap() error { return e.Err }

// ElementError is an error reply that is an element of an array or map.
type ElementError struct {
	Index int    // its number, from 0; of a map that of its pair
	Name  string // its name in a map or struct; empty in an array
	Err   error  // the server's words, a [*proto.Error]
}

// PartialError reports that some elements of a reply are errors: a proxy's MGET where one
// server is down, a table that a script returns. The other elements are in the result
// that is returned beside it; those that failed are zero there, or missing in a map.
// [errors.As] finds the first [*proto.Error].
type PartialError struct {
	Command  string // name of the command
	Len      int    // number of elements
	Elements []ElementError
}

// Error says how many elements failed, and shows the first one's error.
func (e *PartialError) Error() string {
	return fmt.Sprintf("redis: %s: %d of %d elements of the reply are errors, the first: %v", e.Command, len(e.Elements), e.Len, e.Elements[0].Err)
}

// Unwrap returns the errors of the elements.
func (e *PartialError) Unwrap() []error {
	errs := make([]error, len(e.Elements))
	for i := range e.Elements {
		errs[i] = e.Elements[i].Err
	}
	return errs
}

// partial collects error replies among elements.
type partial struct{ elements []ElementError }

// takes reports whether element i is an error reply, which it notes.
func (p *partial) takes(i int, name string, v proto.Value) bool {
	if v.Kind() != proto.KindError {
		return false
	}
	p.elements = append(p.elements, ElementError{i, name, v.Err()})
	return true
}

// err returns what was noted among n elements, as one error.
func (p *partial) err(n int) error {
	if p.elements == nil {
		return nil
	}
	return &PartialError{Len: n, Elements: p.elements}
}

// errorIn returns an error reply inside of v, if there is one.
func errorIn(v proto.Value) error {
	if v.Kind() == proto.KindError {
		return v.Err()
	}
	for e := range v.All() {
		if err := errorIn(e); err != nil {
			return err
		}
	}
	return nil
}

// decodeFailed completes a decoder's error with command and key.
func decodeFailed(r *Request, v proto.Value, err error) error {
	if err == Nil { //nolint:errorlint // decoders return Nil itself
		return Nil
	}
	if some, ok := err.(*PartialError); ok { //nolint:errorlint // decoders return it itself
		some.Command = r.Name()
		return some
	}
	e := &DecodeError{Want: "the command's type", Err: err}
	if own, ok := err.(*DecodeError); ok { //nolint:errorlint // a wrapped one is a decoder's own affair
		*e = *own // a decoder may share its errors
	}
	e.Command = r.Name()
	e.Key, _ = r.Key()
	if inner := errorIn(v); inner != nil { // an error reply in a place where none is expected
		if e.Err != nil {
			inner = fmt.Errorf("%w: %w", e.Err, inner)
		}
		e.Err = inner
	}
	if e.Got == "" {
		e.Got = shape(v)
	}
	return e
}

// shape describes a reply without its content.
func shape(v proto.Value) string {
	if v.IsAggregate() {
		return fmt.Sprintf("%s of %d", v.Kind(), v.Len())
	}
	return v.Kind().String()
}
