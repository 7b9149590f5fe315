package command

import (
	"iter"
	"time"

	"github.com/redchan-go/redchan/proto"
)

// inlineArgs is how many arguments a Request holds without a slice. Five
// serve nearly every call in practice.
const inlineArgs = 5

// Request is one command with its arguments, ready to be sent: what a [Doer]
// is given. It is a value: passing it by value is what keeps a call from
// allocating. Build it with the constructors of this package.
//
// A Request shares byte slices with its caller until the call it is given to
// returns; strings are immutable anyway.
type Request struct {
	spec *Spec
	// raw is the name of a command that no spec knows, as given to [Raw].
	raw string
	// err is the first bad argument. A request that has one is never sent.
	err error

	n      int
	inline [inlineArgs]Arg
	more   []Arg

	// blocks is set for a call that may have no reply within the connection's
	// usual time, and blockFor is how long the server may block it; 0 is
	// without end.
	blocks   bool
	blockFor time.Duration
}

// newRequest starts a request of a known command.
func newRequest(spec *Spec) Request { return Request{spec: spec, blocks: spec.Blocking()} }

// Name returns the command's name in capitals, such as "CLIENT KILL".
func (r *Request) Name() string {
	if r.spec != nil {
		return r.spec.Name
	}
	return r.raw
}

// Spec returns what servers say about the command, or nil for one that is not
// in the table.
func (r *Request) Spec() *Spec { return r.spec }

// Err returns why the request can't be sent: an argument that is not one, an
// impossible mix of options. A [Doer] returns it instead of sending.
func (r *Request) Err() error {
	if r.spec == nil && r.raw == "" {
		return badArgument("an empty command: make commands by their constructors")
	}
	return r.err
}

// ReadOnly reports whether the command never writes. Commands that no server
// of the table has count as writing.
func (r *Request) ReadOnly() bool { return r.spec != nil && r.spec.ReadOnly() }

// Blocks reports whether this call may block its connection, so that it needs
// one of its own. XREAD is such a command only with BLOCK.
func (r *Request) Blocks() bool { return r.blocks }

// BlockFor returns how long the server may block the call; 0 is without end, or
// not known.
func (r *Request) BlockFor() time.Duration { return r.blockFor }

// Len returns the number of arguments behind the name.
func (r *Request) Len() int { return r.n }

// at returns argument i.
func (r *Request) at(i int) *Arg {
	if i < inlineArgs {
		return &r.inline[i]
	}
	return &r.more[i-inlineArgs]
}

// Key returns the first key of the command, and whether there is one.
func (r *Request) Key() (string, bool) {
	for key := range r.Keys() {
		return key, true
	}
	return "", false
}

// Keys returns an iterator over the arguments that are keys, in their order.
func (r *Request) Keys() iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range r.n {
			if arg := r.at(i); arg.key && !yield(arg.String()) {
				return
			}
		}
	}
}

// Append encodes the command behind b as the server wants it: an array of bulk
// strings. It allocates only to grow b.
func (r *Request) Append(b []byte) []byte {
	if r.spec != nil {
		b = proto.AppendArray(b, r.spec.NumWords+r.n)
		b = append(b, r.spec.Words...)
	} else {
		b = proto.AppendArray(b, 1+r.n)
		b = proto.AppendString(b, r.raw)
	}
	for i := range min(r.n, inlineArgs) {
		b = r.inline[i].append(b)
	}
	for i := range r.more {
		b = r.more[i].append(b)
	}
	return b
}

// Size returns about how many bytes the command takes on the wire.
func (r *Request) Size() int {
	const perArg = 16 // lengths and line ends, or a number
	size := perArg * (2 + r.n)
	for i := range r.n {
		a := r.at(i)
		size += len(a.text) + len(a.data)
	}
	return size
}

// add appends an argument.
func (r *Request) add(a Arg) {
	if r.n < inlineArgs {
		r.inline[r.n] = a
	} else {
		r.more = append(r.more, a)
	}
	r.n++
}

// grow makes room for n more arguments at once.
func (r *Request) grow(n int) {
	if over := r.n + n - inlineArgs; over > cap(r.more) {
		r.more = append(make([]Arg, 0, over), r.more...)
	}
}

// word appends a text argument.
func (r *Request) word(s string) { r.add(word(s)) }

// key appends a key.
func (r *Request) key(key string) {
	r.add(Arg{key: true, text: key})
}

// allKeys appends keys, of which there must be one at least.
func (r *Request) allKeys(keys []string) {
	if len(keys) == 0 {
		r.fail(badArgument("no keys"))
	}
	r.grow(len(keys))
	for _, key := range keys {
		r.key(key)
	}
}

// words appends texts, of which there must be one at least; what names them
// in the error.
func (r *Request) words(what string, words []string) {
	if len(words) == 0 {
		r.fail(badArgument("no %s", what))
	}
	r.grow(len(words))
	for _, w := range words {
		r.word(w)
	}
}

// int appends an integer.
func (r *Request) int(n int64) { r.add(integer(n)) }

// float appends a floating-point number.
func (r *Request) float(f float64) {
	a, err := number(f)
	r.fail(err)
	r.add(a)
}

// value appends what a caller gave as a value.
func (r *Request) value(v any) {
	a, err := value(v)
	r.fail(err)
	r.add(a)
}

// values appends what a caller gave as values, of which there must be one at
// least.
func (r *Request) values(vs []any) {
	if len(vs) == 0 {
		r.fail(badArgument("no values"))
	}
	r.grow(len(vs))
	for i := range vs {
		r.value(vs[i])
	}
}

// fail notes the first error.
func (r *Request) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}
