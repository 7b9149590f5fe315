package proto

import "math"

// Bulk returns a value that is a text, as a decoder of one's own gives it.
func Bulk(text string) Value { return Value{kind: KindBulk, text: text} }

// Integer returns a value that is an integer.
func Integer(n int64) Value { return Value{kind: KindInt, num: n} }

// Double returns a value that is a double.
func Double(f float64) Value { return Value{kind: KindDouble, num: int64(math.Float64bits(f))} }

// Boolean returns a value that is a boolean.
func Boolean(b bool) Value {
	v := Value{kind: KindBool}
	if b {
		v.num = 1
	}
	return v
}
