package command

import (
	"context"

	"github.com/redchan-go/redchan/proto"
)

// ScriptOf is a [Script] whose result has a type. Make it once, by [NewScriptOf]:
//
//	var take = command.NewScriptOf("return redis.call('DECRBY', KEYS[1], ARGV[1])", command.AsInt)
//
//	left, err := take.Run(ctx, client, []string{"stock"}, 3) // left is an int64
//
// It is a value, safe for concurrent use.
type ScriptOf[T any] struct {
	script Script
	as     func(Cmd[proto.Value]) Cmd[T]
}

// NewScriptOf returns a script whose result is read by as: [AsInt], [AsStrings], [AsStruct]
// and their kind, or a function of your own that calls [As]. Nothing is sent, see [NewScript].
func NewScriptOf[T any](source string, as func(Cmd[proto.Value]) Cmd[T]) ScriptOf[T] {
	return ScriptOf[T]{NewScript(source), as}
}

// ReadOnly returns the script as one that never writes, see [Script.ReadOnly]. Since 7.0.0.
func (s ScriptOf[T]) ReadOnly() ScriptOf[T] {
	s.script = s.script.ReadOnly()
	return s
}

// Idempotent returns the script as one that may be repeated after its reply was lost, see
// [Cmd.Idempotent].
func (s ScriptOf[T]) Idempotent() ScriptOf[T] {
	s.script = s.script.Idempotent()
	return s
}

// Script returns the script without its type.
func (s ScriptOf[T]) Script() Script { return s.script }

// Call calls the script with KEYS and ARGV, see [Script.Call]: a command, to be queued in a
// batch, a pipeline or a transaction, or to be started by its Go. Since 2.6.0.
func (s ScriptOf[T]) Call(keys []string, args ...any) Cmd[T] {
	call := s.script.Call(keys, args...)
	if s.as == nil {
		call.request.fail(badArgument("a script without a way to read its result: make it by NewScriptOf"))
		return Cmd[T]{request: call.request}
	}
	return s.as(call)
}

// Run runs the script with KEYS and ARGV through d, and returns its result. Since 2.6.0.
func (s ScriptOf[T]) Run(ctx context.Context, d Doer, keys []string, args ...any) (T, error) {
	return s.Call(keys, args...).Do(ctx, d)
}
