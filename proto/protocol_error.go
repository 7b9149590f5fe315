package proto

import (
	"bytes"
	"strconv"
)

// ProtocolError reports bytes that are not RESP, or a reply that exceeds the [Limits]. It never
// contains any of the bytes, which may be secret. The connection that they came from has lost
// its framing and can't be used any more.
type ProtocolError struct {
	// Offset is the position of the offending byte, counted from the first byte that the Reader
	// read. If a length or a whole line is wrong, and not one byte of it, Offset is the position
	// of the first byte of the line.
	Offset int64
	// Shape is the item that was being read, such as "bulk length" or "array header".
	Shape string
	// Problem describes the mistake, in words that can follow a colon.
	Problem string
}

// Error returns a text such as
// "proto: bad bulk length at byte 1234: not a digit".
func (e *ProtocolError) Error() string {
	return "proto: bad " + e.Shape + " at byte " + strconv.FormatInt(e.Offset, 10) + ": " + e.Problem
}

// The problems that are found in more than one place.
const (
	problemType      = "unknown type"
	problemNegative  = "negative"
	problemBareCR    = "CR without LF"
	problemBareLF    = "LF without CR"
	problemNotEnded  = "CR LF missing at its end"
	problemStreaming = "can't be streamed"
)

// overLimit returns the problem of an item that exceeds one of the Limits. The options of
// clients use the same names.
func overLimit(name string, limit int) string {
	return "over the limit of " + strconv.Itoa(limit) + " (Limits." + name + ")"
}

// strangers are the first bytes of other protocols: the likely cause if the first byte is not a
// type of RESP.
var strangers = [...]struct {
	opening []byte
	problem string
}{
	{[]byte("HTTP/1."), "this is an HTTP server"},
	{[]byte("\x15\x03"), "this is TLS: use rediss://"},
	{[]byte("\x16\x03"), "this is TLS: use rediss://"},
}

// diagnose says which protocol the first bytes of a connection, which are not RESP, belong to.
// It returns false if b is too short to decide.
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

// shapeOf names the line that starts with mark.
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
