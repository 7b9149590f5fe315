package command

import (
	"iter"
	"math"
	"strconv"
	"time"

	"github.com/redchan-go/redchan/proto"
)

// inlineArgs is how many arguments a Request holds without a slice: enough for
// nearly every call.
const inlineArgs = 4

// Request is one command with its arguments, ready to be sent: what a [Doer]
// is given. It is a value: passing it by value is what keeps a call from
// allocating. Build it with the constructors of this package.
//
// A Request shares byte slices with its caller until the call it is given to
// returns; strings are immutable anyway.
type Request struct {
	spec *Spec
	// rest is what few requests have; nil where this one has none of it.
	rest   *rest
	n      int32
	blocks bool // it may have no reply within the connection's usual time
	// readOnly says that it never writes although its spec does not say so.
	readOnly bool
	// idempotent says that it may be repeated although it writes.
	idempotent bool
	// ofSession says that it changes what its connection is.
	ofSession bool
	// as is the form of the reply where it is not that of the command, see form.
	as     form
	inline [inlineArgs]argument
	// bytes is the first argument that is bytes. An argument of that kind has
	// the number of its bytes for num: 0 for these, and from 1 on those in rest.
	bytes []byte
}

// rest is what few requests have.
type rest struct {
	args     []argument // behind the inline ones
	bytes    [][]byte   // behind Request.bytes
	err      error      // the first bad argument; a request that has one is never sent
	blockFor time.Duration
	raw      string      // the name of a command that no spec knows, as given to [Raw]
	script   *scriptText // of the script that is called by its hash; nil for none
	library  string      // the code of the library whose function is called
}

// newRequest starts a request of a known command.
func newRequest(spec *Spec) Request { return Request{spec: spec, blocks: spec.Blocking()} }

// Name returns the command's name in capitals, such as "CLIENT KILL".
func (r *Request) Name() string {
	switch {
	case r.spec != nil:
		return r.spec.Name
	case r.rest != nil:
		return r.rest.raw
	}
	return ""
}

// Spec returns what servers say about the command, or nil for one that is not
// in the table.
func (r *Request) Spec() *Spec { return r.spec }

// Err returns why the request can't be sent: an argument that is not one, an
// impossible mix of options. A [Doer] returns it instead of sending.
func (r *Request) Err() error {
	switch {
	case r.rest != nil && (r.spec != nil || r.rest.raw != ""):
		return r.rest.err
	case r.spec != nil:
		return nil
	}
	return badArgument("an empty command: make commands by their constructors")
}

// ReadOnly reports whether the command never writes. Commands that no server
// of the table has count as writing.
func (r *Request) ReadOnly() bool { return r.readOnly || r.spec != nil && r.spec.ReadOnly() }

// Blocks reports whether this call may block its connection, so that it needs
// one of its own. XREAD is such a command only with BLOCK.
func (r *Request) Blocks() bool { return r.blocks }

// BlockFor returns how long the server may block the call; 0 is without end, or
// not known.
func (r *Request) BlockFor() time.Duration {
	if r.rest == nil {
		return 0
	}
	return r.rest.blockFor
}

// OfSession reports whether the request changes the state of its connection, so that it
// must not run on one that is shared: that of [WatchRequest].
func (r *Request) OfSession() bool { return r.ofSession }

// WatchRequest is WATCH for the keys: for clients' sessions. Programs use the Watch of
// their client. O(1) for each. Since 2.2.0.
func WatchRequest(keys ...string) Request {
	r := newRequest(&specWatch)
	r.allKeys(keys)
	r.ofSession = true
	return r
}

// UnwatchRequest is UNWATCH, see [WatchRequest]. O(1). Since 2.2.0.
func UnwatchRequest() Request {
	r := newRequest(&specUnwatch)
	r.ofSession = true
	return r
}

// AskingRequest is ASKING, for clients of clusters: it lets the next command of its
// connection, or a transaction, in at a node that is being given the slot. It stands in
// front of that in one batch. O(1). Since 3.0.0.
func AskingRequest() Request {
	r := newRequest(&specAsking)
	r.ofSession = true
	return r
}

// MonitorRequest is MONITOR, for clients, see [WatchRequest]. O(1). Since 1.0.0.
func MonitorRequest() Request {
	r := newRequest(&specMonitor)
	r.ofSession = true
	return r
}

// Len returns the number of arguments behind the name.
func (r *Request) Len() int { return int(r.n) }

// at returns argument i.
func (r *Request) at(i int) *argument {
	if i < inlineArgs {
		return &r.inline[i]
	}
	return &r.rest.args[i-inlineArgs]
}

// Key returns the first key of the command, and whether there is one.
func (r *Request) Key() (string, bool) {
	for key := range r.Keys() {
		return key, true
	}
	return "", false
}

// Route returns what tells a cluster where the command belongs: its first key; the
// channel of SPUBLISH and the cursor of CLUSTERSCAN, which are no keys by what servers
// say. False: any node can run it, or each one on its own.
func (r *Request) Route() (string, bool) {
	for i := range r.Len() {
		if r.at(i).key {
			return r.text(i), true
		}
	}
	if routesByFirst(r.spec) && r.n > 0 {
		return r.text(0), true
	}
	return "", false
}

// routesByFirst reports whether the first argument of a command has a slot without being a
// key.
func routesByFirst(s *Spec) bool { return s == &specSpublish || s == &specClusterscan }

// Arg returns argument i, counted from 0 behind the name, as text. It panics where there
// is none.
func (r *Request) Arg(i int) string {
	if i < 0 || i >= r.Len() {
		panic("command: the request has no such argument")
	}
	return r.text(i)
}

// Keys returns an iterator over the arguments that are keys, in their order.
func (r *Request) Keys() iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range r.Len() {
			if r.at(i).key && !yield(r.text(i)) {
				return
			}
		}
	}
}

// Append encodes the command behind b as the server wants it: an array of bulk
// strings. It allocates only to grow b.
func (r *Request) Append(b []byte) []byte {
	b = r.appendName(b)
	for i := range min(int(r.n), inlineArgs) {
		b = r.appendArgument(b, &r.inline[i])
	}
	for i := inlineArgs; i < int(r.n); i++ {
		b = r.appendArgument(b, r.at(i))
	}
	return b
}

// appendName encodes the head of the command, with its name.
func (r *Request) appendName(b []byte) []byte {
	if r.spec != nil {
		b = proto.AppendArray(b, r.spec.NumWords+int(r.n))
		return append(b, r.spec.Words...)
	}
	b = proto.AppendArray(b, 1+int(r.n))
	return proto.AppendString(b, r.Name())
}

// appendArgument encodes one argument as a bulk string.
func (r *Request) appendArgument(b []byte, a *argument) []byte {
	switch a.kind {
	case argumentBytes:
		return proto.AppendBytes(b, r.bytesOf(a))
	case argumentInt:
		return proto.AppendInt(b, a.num)
	case argumentUint:
		return proto.AppendUint(b, uint64(a.num))
	case argumentFloat:
		return proto.AppendFloat(b, math.Float64frombits(uint64(a.num)))
	default:
		return proto.AppendString(b, a.text)
	}
}

// text returns argument i as text, for keys in errors and for routing.
func (r *Request) text(i int) string {
	a := r.at(i)
	switch a.kind {
	case argumentBytes:
		return string(r.bytesOf(a))
	case argumentInt:
		return strconv.FormatInt(a.num, 10)
	case argumentUint:
		return strconv.FormatUint(uint64(a.num), 10)
	case argumentFloat:
		f := math.Float64frombits(uint64(a.num))
		switch { // as it goes over the wire
		case math.IsInf(f, 1):
			return "inf"
		case math.IsInf(f, -1):
			return "-inf"
		}
		return strconv.FormatFloat(f, 'g', -1, 64)
	default:
		return a.text
	}
}

// bytesOf returns the bytes of an argument that is bytes.
func (r *Request) bytesOf(a *argument) []byte {
	if a.num == 0 {
		return r.bytes
	}
	return r.rest.bytes[a.num-1]
}

// Size returns about how many bytes the command takes on the wire.
func (r *Request) Size() int {
	const perArg = 16 // lengths and line ends, or a number
	size := perArg*(2+r.Len()) + len(r.bytes)
	for i := range r.Len() {
		size += len(r.at(i).text)
	}
	if r.rest != nil {
		for _, b := range r.rest.bytes {
			size += len(b)
		}
	}
	return size
}

// others returns rest, to be written to.
func (r *Request) others() *rest {
	if r.rest == nil {
		r.rest = new(rest)
	}
	return r.rest
}

// add appends an argument.
func (r *Request) add(a argument) {
	if r.n < inlineArgs {
		r.inline[r.n] = a
	} else {
		o := r.others()
		o.args = append(o.args, a)
	}
	r.n++
}

// grow makes room for n more arguments at once.
func (r *Request) grow(n int) {
	if over := r.Len() + n - inlineArgs; over > 0 {
		if o := r.others(); over > cap(o.args) {
			o.args = append(make([]argument, 0, over), o.args...)
		}
	}
}

// word appends a text argument. It is not inlined, nor are key and int: hundreds of
// constructors call them.
//
//go:noinline
func (r *Request) word(s string) { r.add(word(s)) }

// data appends bytes, which stay the caller's.
func (r *Request) data(b []byte) {
	a := argument{kind: argumentBytes}
	if r.bytes == nil {
		r.bytes = b
		if b == nil {
			r.bytes = []byte{}
		}
	} else {
		o := r.others()
		o.bytes = append(o.bytes, b)
		a.num = int64(len(o.bytes))
	}
	r.add(a)
}

// key appends a key.
//
//go:noinline
func (r *Request) key(key string) {
	r.add(argument{key: true, text: key})
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
//
//go:noinline
func (r *Request) int(n int64) { r.add(integer(n)) }

// float appends a floating-point number.
func (r *Request) float(f float64) {
	a, err := number(f)
	r.fail(err)
	r.add(a)
}

// value appends what a caller gave as a value. Bytes stay the caller's.
func (r *Request) value(v any) {
	switch v := v.(type) {
	case string:
		r.word(v)
	case []byte:
		r.data(v)
	case Encoded:
		r.fail(v.err)
		r.data(v.data)
	default:
		a, err := value(v)
		r.fail(err)
		r.add(a)
	}
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

// mayBlock says that the server may block the call for d; 0 is without end.
func (r *Request) mayBlock(d time.Duration) {
	r.blocks = true
	r.others().blockFor = d
}

// fail notes the first error.
func (r *Request) fail(err error) {
	if err != nil && (r.rest == nil || r.rest.err == nil) {
		r.others().err = err
	}
}

// refused returns the request as one that can't be sent, where err says why. What the
// request shares with others stays as it is.
func (r Request) refused(err error) Request {
	if err == nil {
		return r
	}
	var others rest
	if r.rest != nil {
		others = *r.rest
	}
	r.rest = &others
	r.fail(err)
	return r
}
