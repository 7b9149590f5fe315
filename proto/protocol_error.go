package proto

import (
	"bytes"
	"strconv"
)

// ProtocolError reports bytes that are not RESP, or a reply beyond the
// [Limits]. It never holds any of the bytes, which may be secret. The
// connection that they came from has lost its framing and can't be used again.
type ProtocolError struct {
	// Offset is where the offending byte stands, counted from the first byte
	// that the Reader read. Where a length or a whole line is at fault, and not
	// one byte of it, Offset is that of the first byte of its line.
	Offset int64
	// Shape is what was being read, such as "bulk length" or "array header".
	Shape string
	// Problem says what is wrong with it, in words that fit behind a colon.
	Problem string
}

// Error returns a text such as
// "proto: bad bulk length at byte 1234: not a digit".
func (e *ProtocolError) Error() string {
	return "proto: bad " + e.Shape + " at byte " + strconv.FormatInt(e.Offset, 10) + ": " + e.Problem
}

// The problems that more than one place finds.
const (
	problemType      = "unknown type"
	problemNegative  = "negative"
	problemBareCR    = "CR without LF"
	problemBareLF    = "LF without CR"
	problemNotEnded  = "CR LF missing at its end"
	problemStreaming = "can't be streamed"
)

// overLimit is the problem of what is beyond one of the Limits. Clients have these in
// their options under the same names.
func overLimit(name string, limit int) string {
	return "over the limit of " + strconv.Itoa(limit) + " (Limits." + name + ")"
}

// strangers are what other protocols say first: the likely cause of a first
// byte that is no type of RESP.
var strangers = [...]struct {
	opening []byte
	problem string
}{
	{[]byte("HTTP/1."), "this is an HTTP server"},
	{[]byte("\x15\x03"), "this is TLS: use rediss://"},
	{[]byte("\x16\x03"), "this is TLS: use rediss://"},
}

// diagnose tells from the first bytes of a connection, which are no RESP, who
// has sent them. It reports false while b is too short to decide.
func diagnose(b []byte) (problem string, decided bool) {
	for _, s := range strangers {
		if bytes.HasPrefix(b, s.opening) {
			return s.problem, true
		}
		if bytes.HasPrefix(s.opening, b) {
			return "", false
		}
	}
	return problemType, true
}

// shapeOf names the line that a first byte opens.
func shapeOf(mark byte) string {
	switch mark {
	case '$':
		return "bulk length"
	case '=':
		return "verbatim string length"
	case '!':
		return "blob error length"
	case ';':
		return "chunk length"
	case ':':
		return "integer"
	case '*':
		return "array header"
	case '~':
		return "set header"
	case '%':
		return "map header"
	case '>':
		return "push header"
	case '|':
		return "attribute header"
	case '+':
		return "simple string"
	case '-':
		return "error"
	case '(':
		return "big number"
	case ',':
		return "double"
	case '#':
		return "boolean"
	case '_':
		return "null"
	case '.':
		return "end mark"
	}
	return "reply"
}
