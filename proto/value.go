package proto

import (
	"iter"
	"math"
	"strconv"
	"strings"
)

// Kind is the shape of a [Value].
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

// String returns the name that the protocol's specification uses.
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
// An aggregate is not taken apart when it arrives: its Value holds the bytes
// of the whole reply, checked once by the [Reader], and its elements are cut
// from them as they are asked for. So elements share one backing string: keep
// a small string of a large reply for long only after [strings.Clone].
type Value struct {
	kind Kind
	// attr is the length of the attributes in front of a value. It is 0 for
	// nearly all values. Where it is not, text is attributes and value as they
	// came, and the accessors look behind the attributes.
	attr uint32
	// num is the integer, the boolean (0 or 1), the bits of the double, or the
	// declared number of elements (twice that for maps; streamed: -1).
	num int64
	// text is a string's text or an aggregate's elements as they came.
	text string
}

// streamed is the num of an aggregate whose header did not tell its length.
const streamed = -1

// Kind returns the shape of v.
func (v Value) Kind() Kind { return v.kind }

// IsNull reports whether v is a null.
func (v Value) IsNull() bool { return v.kind == KindNull }

// IsAggregate reports whether v has elements: array, set, map or push.
func (v Value) IsAggregate() bool { return v.kind >= KindArray }

// Str returns the text of a simple, bulk or verbatim string (without the
// verbatim string's format), the digits of a big number, or the whole text of
// an error. It is empty for all other kinds. Where v has attributes it is a copy:
// a short text that is kept must not keep attributes of many megabytes.
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

// Format returns the three letters of a verbatim string's format, such as
// "txt" or "mkd", and nothing for other kinds.
func (v Value) Format() string {
	if v = v.plain(); v.kind == KindVerbatim {
		return v.text[:len("txt")]
	}
	return ""
}

// Int returns the number of an integer, also of one that arrived as text: what is stored,
// and what scripts return, is. It is 0 for all else.
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

// Double returns the number of a double, 0 for all other kinds.
func (v Value) Double() float64 {
	if v.kind == KindDouble {
		return math.Float64frombits(uint64(v.num))
	}
	return 0
}

// Bool returns the truth of a boolean, false for all other kinds.
func (v Value) Bool() bool { return v.kind == KindBool && v.num != 0 }

// Err returns an error reply as an [*Error], nil for all other kinds.
func (v Value) Err() error {
	if v.kind != KindError {
		return nil
	}
	return newError(v.Str())
}

// Len returns the number of elements of an aggregate; a map has two for each
// pair. It is 0 for all other kinds.
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

// Size returns the bytes that v keeps in memory: those of its text, or of the
// whole reply that it was cut as one piece from.
func (v Value) Size() int { return len(v.text) }

// Attrs returns the attributes that came in front of v, as a map, or null.
func (v Value) Attrs() Value {
	if v.attr == 0 {
		return Value{}
	}
	body, n := header(v.text)
	return Value{kind: KindMap, num: 2 * n, text: v.text[body:v.attr]}
}

// Index returns element i of an aggregate, null where there is none. It walks
// from the front: to visit all elements use Elems or All.
func (v Value) Index(i int) Value {
	for e := v.Elems(); e.Next(); i-- {
		if i == 0 {
			return e.Value()
		}
	}
	return Value{}
}

// All returns an iterator over the elements of an aggregate; keys and values
// of a map take turns.
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

// Pairs returns an iterator over the elements taken two by two: a map's keys
// and values, or those of the flat array that RESP2 has in its place. An odd
// last element is left out.
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

// Elems returns a cursor over the elements of an aggregate, in front of the
// first. It allocates nothing, where All costs a closure.
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
// The zero Elems has no elements. It is not safe for concurrent use; take one
// for each goroutine.
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
	// The quick way for a bulk string: parse would do.
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

// Value returns the element that Next moved to.
func (e *Elems) Value() Value { return e.cur }

// plain returns v without its attributes.
func (v Value) plain() Value {
	if v.attr != 0 {
		v, _ = parse(v.text[v.attr:])
	}
	return v
}
