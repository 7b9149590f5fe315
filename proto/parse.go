package proto

import (
	"math"
	"strconv"
	"strings"
)

// The functions in this file cut values from bytes that the scanner has checked. They look at as
// few bytes as possible, and would panic on unchecked input.

// parse cuts one value from the front of s, which the scanner has checked.
func parse(s string) (v Value, rest string) {
	body, n := header(s)
	switch s[0] {
	case '$', '=', '!':
		if s[1] == '?' {
			text, rest := joinChunks(s[body:])
			return Value{kind: KindBulk, text: text}, rest
		}
		if n < 0 {
			return Value{}, s[body:]
		}
		end := body + int(n)
		return Value{kind: lineKind(s[0]), text: s[body:end]}, s[end+len("\r\n"):]
	case ':':
		return Value{kind: KindInt, num: n}, s[body:]
	case '*', '~', '%', '>':
		if n < 0 && s[1] != '?' {
			return Value{}, s[body:]
		}
		v = aggregate(s[0], n, s[body:])
		v.text = v.text[:skip(v.text, v.num)]
		return v, s[body+len(v.text):]
	case '|':
		attr := body + skip(s[body:], 2*n)
		v, rest = parse(s[attr:]) // attributes have no attributes themselves
		v.text, v.attr = s[:len(s)-len(rest)], uint32(attr)
		return v, rest
	}
	line := s[1 : body-len("\r\n")]
	switch s[0] {
	case '_':
		return Value{}, s[body:]
	case '#':
		return newBool(line == "t"), s[body:]
	case ',':
		return newDouble(parseDouble(line)), s[body:]
	}
	return Value{kind: lineKind(s[0]), text: line}, s[body:]
}

// newValue returns the Value of a whole reply or push. For an aggregate it need not find the
// end, as parse must.
func newValue(s string) Value {
	switch s[0] {
	case '*', '~', '%', '>':
		if body, n := header(s); n >= 0 || s[1] == '?' {
			return aggregate(s[0], n, s[body:])
		}
	}
	v, _ := parse(s)
	return v
}

// newValueBytes is newValue for bytes that will be overwritten: it copies only what it needs.
func newValueBytes(b []byte) Value {
	line := b[1 : len(b)-len("\r\n")] // for values that are a single line
	switch b[0] {
	case '$':
		body, n := header(b)
		switch {
		case n >= 0:
			return Value{kind: KindBulk, text: string(b[body : body+int(n)])}
		case b[1] == '-':
			return Value{}
		}
	case '*':
		if b[1] == '-' {
			return Value{}
		}
	case ':':
		_, n := header(b)
		return Value{kind: KindInt, num: n}
	case '+':
		return Value{kind: KindSimple, text: simpleText(line)}
	case ',':
		return newDouble(parseDouble(string(line)))
	case '#':
		return newBool(line[0] == 't')
	case '_':
		return Value{}
	}
	return newValue(string(b))
}

// simpleText returns line as a string, without an allocation if it is one that servers send all
// the time.
func simpleText(line []byte) string {
	switch string(line) {
	case "OK":
		return "OK"
	case "PONG":
		return "PONG"
	case "QUEUED":
		return "QUEUED"
	}
	return string(line)
}

// aggregate returns the Value of an aggregate whose header declares n, and whose elements are
// elems.
func aggregate(mark byte, n int64, elems string) Value {
	if mark == '%' && n != streamed {
		n *= 2
	}
	return Value{kind: lineKind(mark), num: n, text: elems}
}

func newBool(b bool) Value {
	v := Value{kind: KindBool}
	if b {
		v.num = 1
	}
	return v
}

func newDouble(f float64) Value {
	return Value{kind: KindDouble, num: int64(math.Float64bits(f))}
}

// skip returns the length of the n elements at the front of s, including the attributes between
// them. If n is streamed, it returns the length of all elements up to the end mark, including
// the mark.
func skip(s string, n int64) int {
	size := 0
	// pending counts the elements still to come at each open level.
	var few [8]int64
	pending := append(few[:0], n)
	for len(pending) > 0 {
		top := len(pending) - 1
		if pending[top] == 0 {
			pending = pending[:top]
			continue
		}
		mark := s[size]
		if mark == '.' {
			size += len(".\r\n")
			pending = pending[:top]
			continue
		}
		// Attributes are not counted among the elements that the header declares.
		if pending[top] > 0 && mark != '|' {
			pending[top]--
		}
		body, count := header(s[size:])
		size += body
		switch mark {
		case '$', '=', '!':
			switch {
			case count >= 0:
				size += int(count) + len("\r\n")
			case s[size-len("?\r\n")] == '?':
				size += chunksLen(s[size:])
			}
		case '*', '~', '%', '|', '>':
			switch {
			case count < 0 && s[size-len("?\r\n")] != '?': // a null array
			case count > 0 && (mark == '%' || mark == '|'):
				pending = append(pending, 2*count)
			default:
				pending = append(pending, count)
			}
		}
	}
	return size
}

// header returns the length of the first line of s including its end, and the integer after the
// first byte if there is one (-1 for "?").
func header[T string | []byte](s T) (length int, n int64) {
	switch s[0] {
	case '$', '*', ':', '%', '~', '>', '=', '!', '|', ';':
	default:
		return lineEnd(s), 0
	}
	i := 1
	negative := false
	switch s[1] {
	case '?':
		return len("$?\r\n"), streamed
	case '-':
		negative = true
		i++
	case '+':
		i++
	}
	for ; s[i] != '\r'; i++ {
		n = n*10 + int64(s[i]-'0') // -1<<63 wraps around to the right number
	}
	if negative {
		n = -n
	}
	return i + len("\r\n"), n
}

// lineEnd returns the length of the first line of s including its end.
func lineEnd[T string | []byte](s T) int {
	i := 0
	for s[i] != '\n' {
		i++
	}
	return i + 1
}

// joinChunks joins the chunks of a streamed string.
func joinChunks(s string) (text, rest string) {
	size := 0
	for rest := s; ; {
		body, n := header(rest)
		if n == 0 {
			break
		}
		size += int(n)
		rest = rest[body+int(n)+len("\r\n"):]
	}
	var b strings.Builder
	b.Grow(size) // once, because growing would use more than twice the size of the text
	for {
		body, n := header(s)
		if n == 0 {
			return b.String(), s[body:]
		}
		b.WriteString(s[body : body+int(n)])
		s = s[body+int(n)+len("\r\n"):]
	}
}

// chunksLen returns the length of a streamed string's chunks, including the end.
func chunksLen(s string) int {
	size := 0
	for {
		body, n := header(s[size:])
		size += body
		if n == 0 {
			return size
		}
		size += int(n) + len("\r\n")
	}
}

// lineKind returns the kind of value that starts with mark.
func lineKind(mark byte) Kind {
	switch mark {
	case '+':
		return KindSimple
	case '-', '!':
		return KindError
	case ':':
		return KindInt
	case '$':
		return KindBulk
	case '=':
		return KindVerbatim
	case ',':
		return KindDouble
	case '#':
		return KindBool
	case '(':
		return KindBigNumber
	case '*':
		return KindArray
	case '~':
		return KindSet
	case '%':
		return KindMap
	case '>':
		return KindPush
	}
	return KindNull
}

// parseDouble parses a double that the scanner has checked.
func parseDouble(s string) float64 {
	switch s {
	case "inf", "+inf":
		return math.Inf(1)
	case "-inf":
		return math.Inf(-1)
	}
	if isNaN(trimSign([]byte(s))) {
		return math.NaN()
	}
	f, _ := strconv.ParseFloat(s, 64) // out of range gives an infinity, as required
	return f
}
