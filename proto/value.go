package proto

import (
	"iter"
	"math"
	"strconv"
	"strings"
)

// Kind is the kind of a [Value].
type Kind uint8

// The kinds of values. The zero Kind is KindNull. RESP2 and RESP3 spellings of
// the same thing have the same kind: "$-1", "*-1" and "_" are all KindNull,
// and "-" and "!" are both KindError.
const (
	KindNull      Kind = iota // _ or $-1 or *-1
	KindSimple                // + simple string
	KindError                 // - error or ! blob error
	KindInt                   // : integer
	KindBulk                  // $ bulk string, streamed or not
	KindVerbatim              // = verbatim string
	KindDouble                // , double
	KindBool                  // # boolean
	KindBigNumber             // ( big number
	KindArray                 // * array
	KindSet                   // ~ set
	KindMap                   // % map
	KindPush                  // > push
)

var kindNames = [...]string{
	"null", "simple string", "error", "integer", "bulk string", "verbatim string",
	"double", "boolean", "big number", "array", "set", "map", "push",
}

// String returns the name of the kind in the protocol's specification.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "kind " + strconv.Itoa(int(k))
}

// Value is one reply or push, or an element of one. It is immutable, safe to
// share between goroutines, and small enough to pass by value. The zero Value
// is null.
//
// An aggregate is not parsed when it arrives. Its Value holds the bytes of the whole reply,
// which the [Reader] has checked, and elements are cut from them when asked for. So elements
// share one backing string: use [strings.Clone] to keep a small string of a large reply for a
// long time.
type Value struct {
	kind Kind
	// attr is the length of the attributes before the value. It is 0 for almost all values. If
	// it is not 0, text is the attributes and the value as they arrived, and the accessors skip
	// the attributes.
	attr uint32
	// num is the integer, the boolean (0 or 1), the bits of the double, or the declared number
	// of elements (twice that for maps, -1 if streamed).
	num int64
	// text is the text of a string, or the elements of an aggregate as they arrived.
	text string
}

// streamed is the num of an aggregate whose header declares no length.
const streamed = -1

// Kind returns the kind of v.
func (v Value) Kind() Kind { return v.kind }

// IsNull reports whether v is a null.
func (v Value) IsNull() bool { return v.kind == KindNull }

// IsAggregate reports whether v is an array, set, map or push.
func (v Value) IsAggregate() bool { return v.kind >= KindArray }

// Str returns the text of a simple, bulk or verbatim string (without the format of a verbatim
// string), the digits of a big number, or the whole text of an error. It is empty for all other
// kinds. If v has attributes, Str returns a copy, so that keeping a short text does not keep
// attributes of many megabytes.
func (v Value) Str() string {
	if v.attr != 0 {
		return strings.Clone(v.plain().Str())
	}
	switch v.kind {
	case KindSimple, KindError, KindBulk, KindBigNumber:
		return v.text
	case KindVerbatim:
		return v.text[len("txt:"):]
	}
	return ""
}

// Format returns the three letters of a verbatim string's format, such as "txt" or "mkd". It is
// empty for other kinds.
func (v Value) Format() string {
	if v = v.plain(); v.kind == KindVerbatim {
		return v.text[:len("txt")]
	}
	return ""
}

// Int returns the number of an integer. It also parses an integer that arrived as text, as
// stored values and results of scripts do. It returns 0 for everything else.
func (v Value) Int() int64 {
	if v.kind == KindInt {
		return v.num
	}
	if v.kind == KindBulk || v.kind == KindSimple {
		if n, err := strconv.ParseInt(v.Str(), 10, 64); err == nil {
			return n
		}
	}
	return 0
}

// Double returns the number of a double. It returns 0 for all other kinds.
func (v Value) Double() float64 {
	if v.kind == KindDouble {
		return math.Float64frombits(uint64(v.num))
	}
	return 0
}

// Bool returns the value of a boolean. It returns false for all other kinds.
func (v Value) Bool() bool { return v.kind == KindBool && v.num != 0 }

// Err returns an error reply as an [*Error]. It returns nil for all other kinds.
func (v Value) Err() error {
	if v.kind != KindError {
		return nil
	}
	return newError(v.Str())
}

// Len returns the number of elements of an aggregate; a map has two for each pair. It returns 0
// for all other kinds.
func (v Value) Len() int {
	if !v.IsAggregate() {
		return 0
	}
	if v.num != streamed {
		return int(v.num)
	}
	n := 0
	e := v.Elems()
	for e.Next() {
		n++
	}
	return n
}

// Size returns the number of bytes that v keeps in memory: the bytes of its text, or of the
// whole reply if v is an aggregate.
func (v Value) Size() int { return len(v.text) }

// Attrs returns the attributes that preceded v as a map, or null if there were none.
func (v Value) Attrs() Value {
	if v.attr == 0 {
		return Value{}
	}
	body, n := header(v.text)
	return Value{kind: KindMap, num: 2 * n, text: v.text[body:v.attr]}
}

// Index returns element i of an aggregate, or null if there is none. It walks from the front: to
// visit all elements, use Elems or All.
func (v Value) Index(i int) Value {
	for e := v.Elems(); e.Next(); i-- {
		if i == 0 {
			return e.Value()
		}
	}
	return Value{}
}

// All returns an iterator over the elements of an aggregate. The keys and values of a map
// alternate.
func (v Value) All() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		e := v.Elems()
		for e.Next() {
			if !yield(e.Value()) {
				return
			}
		}
	}
}

// Pairs returns an iterator over pairs of elements: the keys and values of a map, or of the flat
// array that RESP2 has in its place. It omits an unpaired last element.
func (v Value) Pairs() iter.Seq2[Value, Value] {
	return func(yield func(Value, Value) bool) {
		e := v.Elems()
		for e.Next() {
			key := e.Value()
			if !e.Next() || !yield(key, e.Value()) {
				return
			}
		}
	}
}

// Elems returns a cursor that is positioned before the first element of an aggregate. It does
// not allocate; All allocates a closure.
func (v Value) Elems() Elems {
	v = v.plain()
	if !v.IsAggregate() {
		return Elems{}
	}
	return Elems{rest: v.text, left: v.num}
}

// Elems is a cursor over the elements of an aggregate:
//
//	e := v.Elems()
//	for e.Next() {
//		use(e.Value())
//	}
//
// The zero Elems has no elements. A cursor is not safe for concurrent use; use one for each
// goroutine.
type Elems struct {
	rest string
	left int64
	cur  Value
}

// Next moves to the next element and reports whether there is one.
func (e *Elems) Next() bool {
	if e.left == 0 || e.rest[0] == '.' { // the end mark of a streamed aggregate
		*e = Elems{}
		return false
	}
	if e.left > 0 {
		e.left--
	}
	// The fast path for a bulk string; parse would work too.
	if s := e.rest; s[0] == '$' && s[1]-'0' <= 9 {
		n, i := int(s[1]-'0'), 2
		for ; s[i] != '\r'; i++ {
			n = n*10 + int(s[i]-'0')
		}
		body := i + len("\r\n")
		e.cur = Value{kind: KindBulk, text: s[body : body+n]}
		e.rest = s[body+n+len("\r\n"):]
		return true
	}
	e.cur, e.rest = parse(e.rest)
	return true
}

// Value returns the element that Next has moved to.
func (e *Elems) Value() Value { return e.cur }

// plain returns v without its attributes.
func (v Value) plain() Value {
	if v.attr != 0 {
		v, _ = parse(v.text[v.attr:])
	}
	return v
}
