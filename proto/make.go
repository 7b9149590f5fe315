package proto

import "math"

// Bulk returns a bulk string, for decoders that build values.
func Bulk(text string) Value { return Value{kind: KindBulk, text: text} }

// Integer returns an integer.
func Integer(n int64) Value { return Value{kind: KindInt, num: n} }

// Double returns a double.
func Double(f float64) Value { return Value{kind: KindDouble, num: int64(math.Float64bits(f))} }

// Boolean returns a boolean.
func Boolean(b bool) Value {
	v := Value{kind: KindBool}
	if b {
		v.num = 1
	}
	return v
}
