package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/redchan-go/redchan/proto"
)

// BatchDoer sends several requests at once and waits for all replies.
//
// DoBatch returns the replies in the order of the requests, error replies
// among them as values. When the connection is lost or ctx ends on the way,
// it returns the replies that came before and an error that says what
// happened to the others. It does not keep the requests.
type BatchDoer interface {
	DoBatch(ctx context.Context, requests *Requests) ([]proto.Value, error)
}

// RequestErrors is the error of a [BatchDoer] that sent requests to several servers, so
// that some may have failed and others behind them not. All replies are there then, in
// the order of the requests: that of request i counts where Errs[i] is nil. There is one
// error at least, and as many places as requests.
type RequestErrors struct{ Errs []error }

// Error is the first error, and how many there are.
func (e *RequestErrors) Error() string {
	n, first := 0, error(nil)
	for _, err := range e.Errs {
		if err != nil {
			if n++; first == nil {
				first = err
			}
		}
	}
	return fmt.Sprintf("redis: %d of %d requests failed, the first with: %v", n, len(e.Errs), first)
}

// Unwrap returns the errors of the requests that failed.
func (e *RequestErrors) Unwrap() []error {
	return slices.DeleteFunc(slices.Clone(e.Errs), func(err error) bool { return err == nil })
}

// ReplyDecoder is a [BatchDoer] with its own way of reading replies. DecodeReply gets
// the name of the command and its reply, which is no error, and returns what the
// command's own decoding is given. Its error is the command's.
type ReplyDecoder interface {
	DecodeReply(name string, v proto.Value) (proto.Value, error)
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
//
// A command is encoded when it is queued: byte slices given to it may be changed
// afterwards. Strings among the results share memory, up to 64 KiB: keep a small one
// for long only after [strings.Clone].
type Batch struct {
	queued *queue     // nil while nothing is queued for the first time
	pool   *BatchPool // where queued comes from and goes to; nil: it stays
}

// queue is what a batch has queued.
type queue struct {
	requests Requests
	futures  []resolver
	executed *atomic.Bool // of the futures queued since the last Exec
	slabs    []resetter   // *slab[T] for each type of result so far
}

type resetter interface{ reset() }

// BatchPool keeps the memory of batches that have been executed for the next ones.
// The zero BatchPool is empty and ready for use. It is safe for concurrent use. A
// client has one, for its pipelines.
type BatchPool struct{ queues sync.Pool }

// Batch returns an empty batch that takes its memory from the pool, and gives it
// back when it has been executed.
func (p *BatchPool) Batch() Batch { return Batch{pool: p} }

// fill returns the queue of a batch to which something is added.
func (b *Batch) fill() *queue {
	if b.queued == nil && b.pool != nil {
		b.queued, _ = b.pool.queues.Get().(*queue)
	}
	if b.queued == nil {
		b.queued = &queue{futures: make([]resolver, 0, firstRequests)}
	}
	if b.queued.executed == nil {
		b.queued.executed = new(atomic.Bool)
	}
	return b.queued
}

// slab is memory for futures of one type, which are allocated many at a time, as many
// as the batch before had. It lasts for one batch: what is left of it would keep the
// results of those that are used.
type slab[T any] struct {
	free       []Future[T]
	used, last int // in this batch, and in the one before
}

// next returns a future.
func (s *slab[T]) next() *Future[T] {
	if len(s.free) == 0 {
		n := s.last - s.used
		if n <= 0 {
			n = s.used
		}
		s.free = make([]Future[T], min(max(n, minSlab), maxSlab))
	}
	f := &s.free[0]
	s.free = s.free[1:]
	s.used++
	return f
}

// reset begins a new batch.
func (s *slab[T]) reset() { *s = slab[T]{last: s.used} }

// These bound how many futures are allocated at a time: one that is kept keeps the
// others.
const (
	minSlab = 4
	maxSlab = 64
)

// resolver takes the reply to a queued command, the request number i.
type resolver interface {
	resolve(rs *Requests, i int, v proto.Value, err error) error
}

// newFuture returns a future of the queue.
func newFuture[T any](q *queue) *Future[T] {
	var s *slab[T]
	for _, other := range q.slabs {
		if found, ok := other.(*slab[T]); ok {
			s = found
			break
		}
	}
	if s == nil {
		s = new(slab[T])
		q.slabs = append(q.slabs, s)
	}
	f := s.next()
	f.executed = q.executed
	return f
}

// Queueable is a command that can be added to a batch by [Batch.Add]: a [Cmd], or what
// its Into returns.
type Queueable interface {
	Request() Request
	addTo(b *Batch)
}

func (c Cmd[T]) addTo(b *Batch) { c.queue(b) }

// Into returns the command with a place for its result, for [Batch.Add]. The place is
// written to when the batch has been executed, and stays as it is where the command
// failed, unless that is a [*PartialError].
func (c Cmd[T]) Into(to *T) Queueable { return cmdInto[T]{&c, to} }

type cmdInto[T any] struct {
	cmd *Cmd[T]
	to  *T
}

func (c cmdInto[T]) Request() Request { return c.cmd.request }

func (c cmdInto[T]) addTo(b *Batch) {
	cmd, to := *c.cmd, c.to
	cmd.decode = func(v proto.Value) (T, error) {
		result, err := c.cmd.decode(v)
		if some := (*PartialError)(nil); err == nil || errors.As(err, &some) {
			*to = result
		}
		return result, err
	}
	cmd.queue(b)
}

// Add queues commands whose results are not wanted one by one, or go to places given
// by [Cmd.Into], and returns the batch:
//
//	var name string
//	err := client.Exec(ctx, new(command.Batch).Add(
//		command.Incr("visits"),
//		command.Get("name").Into(&name),
//	))
func (b *Batch) Add(cmds ...Queueable) *Batch {
	for _, cmd := range cmds {
		cmd.addTo(b)
	}
	return b
}

// Len returns the number of commands queued.
func (b *Batch) Len() int {
	if b.queued == nil {
		return 0
	}
	return len(b.queued.futures)
}

// Reset empties the batch for reuse. Futures that it gave keep their results.
func (b *Batch) Reset() {
	q := b.queued
	if q == nil {
		return
	}
	q.requests.reset()
	clear(q.futures)
	q.futures = q.futures[:0]
	q.executed = nil
	for _, s := range q.slabs {
		s.reset()
	}
	if b.pool != nil {
		b.queued = nil
		b.pool.queues.Put(q)
	}
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
	if b.Len() == 0 {
		return nil
	}
	futures, rs, executed := b.queued.futures, &b.queued.requests, b.queued.executed
	if err := rs.Err(); err != nil {
		for i := range futures {
			r := rs.At(i)
			_ = futures[i].resolve(rs, i, proto.Value{},
				&Error{Command: r.Name(), Outcome: NotSent, Err: err})
		}
		executed.Store(true)
		return err
	}
	values, err := d.DoBatch(ctx, rs)
	decoder, decodes := d.(ReplyDecoder)
	var each *RequestErrors
	if !errors.As(err, &each) || len(each.Errs) != len(futures) || len(values) != len(futures) {
		each = nil
	}
	var first error
	ran := false
	if len(values) == 0 {
		first = err // no command's own: the batch failed as a whole
	}
	for i := range futures {
		var v proto.Value
		var failed error
		switch {
		case each != nil && each.Errs[i] != nil:
			failed = each.Errs[i]
		case i < len(values):
			if v = values[i]; v.Kind() == proto.KindError {
				r := rs.At(i)
				failed = ReplyError(&r, "", v)
			} else if decodes {
				v, failed = decoder.DecodeReply(rs.Name(i), v)
			}
		case err != nil:
			failed = err
		default:
			r := rs.At(i)
			failed = &Error{Command: r.Name(), Outcome: MaybeExecuted, Err: errors.New("the batch came back without its reply")}
		}
		failed = futures[i].resolve(rs, i, v, failed)
		if first == nil && failed != nil && !errors.Is(failed, Nil) {
			r := rs.At(i)
			first = &BatchError{Index: i, Len: len(futures), Command: r.Name(), Err: failed}
		}
		ran = ran || failed == nil || !harmless(failed)
	}
	executed.Store(true) // not where something panics: these futures have no result
	var failed *BatchError
	if errors.As(first, &failed) {
		failed.Ran = ran
	}
	return first
}

// harmless reports whether a command that failed with err has certainly not run.
func harmless(err error) bool {
	return errors.Is(err, ErrNotSent) || errors.Is(err, ErrRejected) ||
		errors.Is(err, ErrTxConflict) || errors.Is(err, ErrTxAborted)
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
// executed. It is safe for concurrent use. The futures of a batch share memory:
// keep results rather than futures.
type Future[T any] struct {
	decode func(proto.Value) (T, error)
	// executed is set after result, which never changes from then on.
	executed *atomic.Bool
	result   Result[T]
}

// Result returns the command's result, or [ErrNotExecuted] before Exec has
// returned.
func (f *Future[T]) Result() (T, error) {
	if f.executed == nil || !f.executed.Load() {
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

// resolve sets the result.
func (f *Future[T]) resolve(rs *Requests, i int, v proto.Value, err error) error {
	if err == nil {
		if f.result.Value, err = f.decode(v); err != nil {
			r := rs.At(i)
			err = decodeFailed(&r, v, err)
		}
	}
	f.result.Err = err
	return err
}
