package command

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/redchan-go/redchan/proto"
)

// BatchDoer sends several requests at once and waits for all replies.
//
// DoBatch returns the replies in the order of the requests, error replies
// among them as values. When the connection is lost or ctx ends on the way,
// it returns the replies that came before and an error that says what
// happened to the others.
type BatchDoer interface {
	DoBatch(ctx context.Context, requests []Request) ([]proto.Value, error)
}

// Batch collects commands to be sent together: one write, one wait, the
// results in order. The zero Batch is empty and ready for use. It is filled by
// one goroutine; the futures that it gave may be read by many.
//
//	var b command.Batch
//	visits := b.Incr("visits")
//	name := b.Get("name")
//	if err := client.Exec(ctx, &b); err != nil { ... }
//	n, err := visits.Result()
type Batch struct {
	requests []Request
	futures  []resolver
}

// resolver takes the reply to a queued command.
type resolver interface {
	resolve(r *Request, v proto.Value, err error) error
}

// add queues a request.
func (b *Batch) add(r Request, f resolver) {
	b.requests = append(b.requests, r)
	b.futures = append(b.futures, f)
}

// Len returns the number of commands queued.
func (b *Batch) Len() int { return len(b.requests) }

// Reset empties the batch for reuse. Futures that it gave keep their results.
func (b *Batch) Reset() {
	clear(b.requests)
	clear(b.futures)
	b.requests, b.futures = b.requests[:0], b.futures[:0]
}

// Exec sends the batch through d, waits for all replies, gives every future
// its result, and empties the batch. It returns the first command's error as a
// [*BatchError]; [Nil] is no failure. One command's error stands beside the
// others' results: nothing is rolled back. Where the batch failed as a whole,
// because it could not be sent or no reply came, that error is returned as it is.
//
// A command with a bad argument fails the batch before anything is sent.
func (b *Batch) Exec(ctx context.Context, d BatchDoer) error {
	defer b.Reset()
	if len(b.requests) == 0 {
		return nil
	}
	for i := range b.requests {
		if bad := b.requests[i].Err(); bad != nil {
			bad = &Error{Command: b.requests[i].Name(), Outcome: NotSent, Err: bad}
			err := &BatchError{Index: i, Len: len(b.requests), Command: b.requests[i].Name(), Err: bad}
			for j := range b.requests {
				_ = b.futures[j].resolve(&b.requests[j], proto.Value{},
					&Error{Command: b.requests[j].Name(), Outcome: NotSent, Err: err})
			}
			return err
		}
	}
	values, err := d.DoBatch(ctx, b.requests)
	var first error
	ran := false
	if len(values) == 0 {
		first = err // no command's own: the batch failed as a whole
	}
	for i := range b.requests {
		r := &b.requests[i]
		var v proto.Value
		var failed error
		switch {
		case i < len(values):
			v = values[i]
			failed = ReplyError(r, "", v)
		case err != nil:
			failed = err
		default:
			failed = &Error{Command: r.Name(), Outcome: MaybeExecuted, Err: errors.New("the batch came back without its reply")}
		}
		failed = b.futures[i].resolve(r, v, failed)
		if first == nil && failed != nil && !errors.Is(failed, Nil) {
			first = &BatchError{Index: i, Len: len(b.requests), Command: r.Name(), Err: failed}
		}
		ran = ran || failed == nil || !errors.Is(failed, ErrNotSent) && !errors.Is(failed, ErrRejected)
	}
	var failed *BatchError
	if errors.As(first, &failed) {
		failed.Ran = ran
	}
	return first
}

// BatchError is the first command of a batch that failed.
type BatchError struct {
	Index   int    // number of the command, from 0
	Len     int    // number of commands in the batch
	Command string // its name
	// Ran says that the server ran other commands of the batch, or may have:
	// sending the batch again would run them twice, whatever happened to this
	// one.
	Ran bool
	Err error
}

// Error names the command by number, counted from 1, and name.
func (e *BatchError) Error() string {
	cause := e.Err.Error()
	var inner *Error
	if errors.As(e.Err, &inner) {
		cause = inner.reason()
	}
	return fmt.Sprintf("redis: command %d of %d (%s): %s", e.Index+1, e.Len, e.Command, cause)
}

// Unwrap returns the command's error.
func (e *BatchError) Unwrap() error { return e.Err }

// ErrNotExecuted is the error of a future whose batch has not been executed.
var ErrNotExecuted = errors.New("redis: the batch of this future has not been executed yet")

// Future is the result of a queued command, to be had once its batch has been
// executed. It is safe for concurrent use.
type Future[T any] struct {
	decode func(proto.Value) (T, error)
	// done is set after result, which never changes from then on.
	done   atomic.Bool
	result Result[T]
}

// Result returns the command's result, or [ErrNotExecuted] before Exec has
// returned.
func (f *Future[T]) Result() (T, error) {
	if !f.done.Load() {
		var zero T
		return zero, ErrNotExecuted
	}
	return f.result.Value, f.result.Err
}

// Value returns the result without its error: the zero value where there is
// one. It suits what is read after Exec returned no error.
func (f *Future[T]) Value() T {
	v, _ := f.Result()
	return v
}

// Err returns the command's error.
func (f *Future[T]) Err() error {
	_, err := f.Result()
	return err
}

// resolve sets the result once.
func (f *Future[T]) resolve(r *Request, v proto.Value, err error) error {
	if f.done.Load() {
		return nil
	}
	if err == nil {
		if f.result.Value, err = f.decode(v); err != nil {
			err = decodeFailed(r, v, err)
		}
	}
	f.result.Err = err
	f.done.Store(true)
	return err
}
