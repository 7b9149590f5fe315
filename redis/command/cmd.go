package command

import (
	"context"
	"fmt"

	"github.com/redchan-go/redchan/proto"
)

// Doer sends one request and waits for its reply: a client, a session, a
// cluster client, a cache in front of one, a test's double.
//
// Do returns an error reply of the server as an error, an [*Error]. When ctx
// ends first, the error says whether the command may have run.
type Doer interface {
	Do(ctx context.Context, request Request) (proto.Value, error)
}

// Cmd is one command with its arguments and the way to decode its reply. It is
// a value: it can be kept, sent many times, and shared between goroutines.
type Cmd[T any] struct {
	request Request
	decode  func(proto.Value) (T, error)
}

// Result is what a command came to: Value, or Err.
type Result[T any] struct {
	Value T
	Err   error
}

// Request returns what goes over the wire.
func (c Cmd[T]) Request() Request { return c.request }

// Do sends the command through d and waits for its reply.
//
// A missing value is [Nil]. An error reply is an [*Error] that wraps a
// [*proto.Error]; a reply that can't be decoded is a [*DecodeError].
func (c Cmd[T]) Do(ctx context.Context, d Doer) (T, error) {
	return do(ctx, d, &c.request, c.decode)
}

// do is [Cmd.Do] of a command with its parts, for the generated methods. It takes no Cmd,
// because what stays in programs for reflection would then be all methods of all types of
// commands. Nor is there a copy of the request, which it may change: what of a
// goroutine's stack a call touches counts where there are many callers.
func do[T any](ctx context.Context, d Doer, r *Request, decode func(proto.Value) (T, error)) (T, error) {
	v, err := exchange(ctx, d, r, decode != nil)
	if err != nil {
		var zero T
		return zero, err
	}
	result, err := decode(v)
	if err != nil {
		return result, decodeFailed(r, v, err)
	}
	return result, nil
}

// exchange is the part of do that is the same for all types of results.
func exchange(ctx context.Context, d Doer, r *Request, decodes bool) (proto.Value, error) {
	if r.Err() != nil || !decodes {
		return proto.Value{}, refusal(r)
	}
	if d == nil {
		return proto.Value{}, &Error{Command: r.Name(), Outcome: NotSent, Err: errNobody}
	}
	if r.isUnhashed() {
		*r = r.hashed(ctx, d)
	}
	v, err := d.Do(ctx, *r)
	if err != nil {
		return r.repair(ctx, d, err)
	}
	return v, nil
}

// errNobody tells of a command of the zero client, or of a nil Doer.
var errNobody = fmt.Errorf("%w: there is nothing to send it with: make a client by New or Open", ErrArgument)

// Go sends the command through d from a goroutine of its own and delivers the
// result on the channel that it returns: exactly one, which needs no reader to
// wait for it. The channel is not closed, so that it can stay in a select
// loop. The goroutine ends with the result, and so with ctx at the latest.
func (c Cmd[T]) Go(ctx context.Context, d Doer) <-chan Result[T] {
	results := make(chan Result[T], 1)
	go func() {
		v, err := do(ctx, d, &c.request, c.decode)
		results <- Result[T]{v, err}
	}()
	return results
}

// Queue adds the command to a batch. The future has the result once the batch
// has been executed.
func (c Cmd[T]) Queue(b *Batch) *Future[T] { return queueIn(b, &c.request, c.decode) }

// queueIn is [Cmd.Queue] of a command with its parts, see do.
func queueIn[T any](b *Batch, r *Request, decode func(proto.Value) (T, error)) *Future[T] {
	q := b.fill()
	f := newFuture[T](q)
	f.decode = decode
	q.futures = append(q.futures, f)
	if decode == nil && r.Err() == nil {
		r = &Request{spec: r.spec, rest: &rest{raw: r.Name(), err: errNoDecoder}}
	}
	q.requests.Add(r)
	return f
}

// errNoDecoder refuses a command whose reply nobody would read.
var errNoDecoder = badArgument("it has no decoder: make commands by their constructors")

// refusal returns the error for a request that can't be sent.
func refusal(r *Request) error {
	err := r.Err()
	if err == nil {
		err = errNoDecoder
	}
	return &Error{Command: r.Name(), Outcome: NotSent, Err: err}
}

// As returns cmd with another decoder: for a command whose reply has a shape
// of your own, or for [Eval] and [Raw], whose replies have none.
func As[T, U any](cmd Cmd[U], decode func(proto.Value) (T, error)) Cmd[T] {
	return Cmd[T]{cmd.request, decode}
}

// ReadOnly returns cmd as one that never writes, for a [Raw] command of which the
// table of known commands does not say so: it may run on replicas, and be sent again after
// its reply was lost.
func (c Cmd[T]) ReadOnly() Cmd[T] {
	c.request.readOnly = true
	return c
}

// Raw returns a command by name with arguments as they are, for commands that
// this package has no constructor for: modules, and what newer servers bring.
// A sub-command is an argument: Raw("MEMORY", "USAGE", "key"). Keys are arguments
// of type [Key], and those whose positions the table of known commands tells. The
// command counts as writing unless the table or [Cmd.ReadOnly] says otherwise.
//
// Commands that change what the connection is (SELECT, MULTI, SUBSCRIBE,
// MONITOR, HELLO, CLIENT REPLY and their kind) are refused: connections are
// shared. WAIT and WAITAOF tell of the writes of their own connection: they
// stand in a [Batch] with these, and are refused alone.
func Raw(name string, args ...any) Cmd[proto.Value] {
	r := rawRequest(name, args)
	return Cmd[proto.Value]{r, decodeValue}
}
