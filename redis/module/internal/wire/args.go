// Package wire is what the packages of module commands share: building the arguments
// of a command, and reading replies. It stands on the exported parts of package
// command only.
package wire

import (
	"fmt"
	"math"
	"time"

	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
)

// Args are the arguments of a command while it is put together. The zero Args has
// none.
type Args struct {
	list   []any
	reason string // why the command can't be sent
}

// Key appends a key, by which a cluster routes.
func (a *Args) Key(key string) { a.list = append(a.list, command.Key(key)) }

// Keys appends keys, of which there must be one at least.
func (a *Args) Keys(keys []string) {
	if len(keys) == 0 {
		a.Refuse("no keys")
	}
	for _, key := range keys {
		a.Key(key)
	}
}

// Word appends texts.
func (a *Args) Word(words ...string) {
	for _, word := range words {
		a.list = append(a.list, word)
	}
}

// Words appends texts, of which there must be one at least; what names them.
func (a *Args) Words(what string, words []string) {
	if len(words) == 0 {
		a.Refuse("no %s", what)
	}
	a.Word(words...)
}

// Counted appends how many texts there are and the texts, of which there must be one
// at least.
func (a *Args) Counted(what string, words []string) {
	a.Int(int64(len(words)))
	a.Words(what, words)
}

// Int appends an integer.
func (a *Args) Int(n int64) { a.list = append(a.list, n) }

// Positive appends an integer that must be above 0; what names it.
func (a *Args) Positive(what string, n int64) {
	if n <= 0 {
		a.Refuse("%s must be positive", what)
	}
	a.Int(n)
}

// NotNegative appends an integer that must not be below 0; what names it.
func (a *Args) NotNegative(what string, n int64) {
	if n < 0 {
		a.Refuse("%s can't be negative", what)
	}
	a.Int(n)
}

// Float appends a number, refusing NaN.
func (a *Args) Float(f float64) { a.list = append(a.list, f) }

// Finite appends a number that is neither NaN nor infinite; what names it.
func (a *Args) Finite(what string, f float64) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		a.Refuse("%s must be a finite number", what)
	}
	a.Float(f)
}

// Millis appends a duration in milliseconds, that must be one at least; what is below
// a millisecond is cut off.
func (a *Args) Millis(what string, d time.Duration) {
	if d < time.Millisecond {
		a.Refuse("%s must be a millisecond at least", what)
	}
	a.Int(d.Milliseconds())
}

// Value appends what a caller gave as a value: see [command.Raw].
func (a *Args) Value(v any) { a.list = append(a.list, v) }

// Values appends values, of which there must be one at least; what names them.
func (a *Args) Values(what string, vs []any) {
	if len(vs) == 0 {
		a.Refuse("no %s", what)
	}
	a.list = append(a.list, vs...)
}

// Refuse notes why the command can't be sent; the first reason is told.
func (a *Args) Refuse(format string, args ...any) {
	if a.reason == "" {
		a.reason = fmt.Sprintf(format, args...)
	}
}

// Raw returns the command with the arguments.
func (a *Args) Raw(name string) command.Cmd[proto.Value] {
	if a.reason != "" {
		return command.Raw(name, append([]any{command.Refuse(a.reason)}, a.list...)...)
	}
	return command.Raw(name, a.list...)
}

// Command returns the command with the arguments, one that may write.
func Command[T any](a *Args, name string, decode func(proto.Value) (T, error)) command.Cmd[T] {
	return command.As(a.Raw(name), decode)
}

// Reader returns the command with the arguments, one that never writes.
func Reader[T any](a *Args, name string, decode func(proto.Value) (T, error)) command.Cmd[T] {
	return command.As(a.Raw(name), decode).ReadOnly()
}

// Part is what an option puts into a command. Parts of one group exclude each other; the
// empty group excludes nothing.
type Part struct {
	Group string
	Args
}

// NewPart starts the part of an option with words.
func NewPart(group string, words ...string) Part {
	p := Part{Group: group}
	p.Word(words...)
	return p
}

// Append appends what another Args has.
func (a *Args) Append(b Args) {
	a.list = append(a.list, b.list...)
	if b.reason != "" {
		a.Refuse("%s", b.reason)
	}
}

// Parts appends the parts of options, which part, the method of their type, returns. It
// refuses nil ones and two of one group, and returns the groups that were there.
func Parts[O any](a *Args, opts []O, part func(O) Part) (seen map[string]bool) {
	seen = map[string]bool{}
	for _, opt := range opts {
		if any(opt) == nil {
			a.Refuse("an option is nil")
			continue
		}
		p := part(opt)
		if p.Group != "" && seen[p.Group] {
			a.Refuse("%s is given twice, or with what it excludes", p.Group)
		}
		seen[p.Group] = true
		a.Append(p.Args)
	}
	return seen
}
