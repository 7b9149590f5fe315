package proto

import (
	"strconv"
	"strings"
)

// String returns a readable form of v, in the style of package fmt: [k z 1] for an array, set or
// push, map[k:1] for a map, in order of arrival, and <nil> for a null. It omits attributes, and
// does not shorten strings. Programs use [Value.Str], [Value.Elems] and the other accessors
// instead.
func (v Value) String() string {
	var b strings.Builder
	v.print(&b)
	return b.String()
}

func (v Value) print(b *strings.Builder) {
	switch v.Kind() {
	case KindNull:
		b.WriteString("<nil>")
	case KindInt:
		b.WriteString(strconv.FormatInt(v.Int(), 10))
	case KindDouble:
		b.WriteString(strconv.FormatFloat(v.Double(), 'g', -1, 64))
	case KindBool:
		b.WriteString(strconv.FormatBool(v.Bool()))
	case KindArray, KindSet, KindPush:
		b.WriteByte('[')
		separator := ""
		for element := range v.All() {
			b.WriteString(separator)
			element.print(b)
			separator = " "
		}
		b.WriteByte(']')
	case KindMap:
		b.WriteString("map[")
		separator := ""
		for key, value := range v.Pairs() {
			b.WriteString(separator)
			key.print(b)
			b.WriteByte(':')
			value.print(b)
			separator = " "
		}
		b.WriteByte(']')
	default:
		b.WriteString(v.Str())
	}
}
