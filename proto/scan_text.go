package proto

import (
	"bytes"
	"math"
	"strconv"
)

// bulk reads the length of a bulk string, verbatim string or blob error.
func (s *scanner) bulk(b []byte, i int) (int, status) {
	mark := b[i]
	shape := shapeOf(mark)
	if unknown(b, i) {
		if mark != '$' {
			return s.fail(i+1, shape, problemStreaming)
		}
		if st := s.crlf(b, i+len("$?"), shape); st != complete {
			return 0, st
		}
		s.next, s.chunked, s.room = atChunk, true, s.limits.MaxBulk
		return len("$?\r\n"), needMore
	}
	n, size, st := s.length(b, i)
	switch {
	case size == 0:
		return 0, st
	case n == -1 && mark == '$':
		return size, s.ended(i + size)
	case n < 0:
		return s.fail(i, shape, problemNegative)
	case n > int64(s.limits.MaxBulk):
		return s.fail(i, shape, strconv.FormatInt(n, 10)+" bytes, "+overLimit("MaxBulk", s.limits.MaxBulk))
	case n < int64(len("txt:")) && mark == '=':
		return s.fail(i, shape, "shorter than its format")
	}
	s.body(mark, n)
	if mark == '=' {
		s.next = atVerbatim
	}
	return size, needMore
}

// chunk reads the length of a streamed string's next chunk, or the end of the string.
func (s *scanner) chunk(b []byte, i int) (int, status) {
	const mark = ';'
	shape := shapeOf(mark)
	if b[i] != mark {
		return s.fail(i, shape, "a streamed string without its end")
	}
	n, size, st := s.length(b, i)
	switch {
	case size == 0:
		return 0, st
	case n < 0:
		return s.fail(i, shape, problemNegative)
	case n > int64(s.room):
		return s.fail(i, shape, overLimit("MaxBulk", s.limits.MaxBulk))
	case n == 0:
		s.chunked = false
		return size, s.ended(i + size)
	}
	s.room -= int(n)
	s.body(mark, n)
	return size, needMore
}

// body makes the scanner expect a body of n bytes.
func (s *scanner) body(mark byte, n int64) {
	s.next, s.opened, s.rest = atBody, mark, int(n)
}

// bodyEnd reads the CR LF after a body.
func (s *scanner) bodyEnd(b []byte, i int) (int, status) {
	if st := s.crlf(b, i, bodyShape(s.opened)); st != complete {
		return 0, st
	}
	const size = len("\r\n")
	if s.chunked {
		s.next = atChunk
		return size, needMore
	}
	return size, s.ended(i + size)
}

// bodyShape names the item that follows a length.
func bodyShape(mark byte) string {
	switch mark {
	case '=':
		return "verbatim string"
	case '!':
		return "blob error"
	case ';':
		return "chunk"
	}
	return "bulk string"
}

// text continues to read a simple string or error, which may be longer than b.
func (s *scanner) text(b []byte, i int) (int, status) {
	line := b[i:]
	if len(line) > s.room {
		line = line[:s.room+1] // the byte after the limit must be CR
	}
	end := bytes.IndexByte(line, '\r')
	text := line
	if end >= 0 {
		text = line[:end]
	}
	if at := bytes.IndexByte(text, '\n'); at >= 0 {
		return s.fail(i+at, shapeOf(s.opened), problemBareLF)
	}
	if len(text) > s.room {
		problem := overLimit("MaxLine", s.limits.MaxLine)
		if s.opened == '-' {
			problem = overLimit("MaxErrorLine", s.limits.MaxErrorLine)
		}
		return s.fail(i+s.room, shapeOf(s.opened), problem)
	}
	s.room -= len(text)
	size := len(text)
	if end < 0 || i+size+1 == len(b) {
		return size, needMore
	}
	if b[i+size+1] != '\n' {
		return s.fail(i+size+1, shapeOf(s.opened), problemBareCR)
	}
	size += len("\r\n")
	return size, s.ended(i + size)
}

// bigNumber continues to read the digits of a big number.
func (s *scanner) bigNumber(b []byte, i int) (int, status) {
	shape := shapeOf('(')
	size := 0
	for i+size < len(b) && b[i+size]-'0' <= 9 {
		if s.digits == s.limits.MaxBigNumber {
			return s.fail(i+size, shape, overLimit("MaxBigNumber", s.limits.MaxBigNumber))
		}
		s.digits++
		size++
	}
	if i+size == len(b) {
		return size, needMore
	}
	if c := b[i+size]; c != '\r' && c != '\n' {
		return s.fail(i+size, shape, "not a digit")
	}
	if s.digits == 0 {
		return s.fail(i+size, shape, "no digits")
	}
	if st := s.crlf(b, i+size, shape); st != complete {
		return size, st
	}
	size += len("\r\n")
	return size, s.ended(i + size)
}

// total returns the length of the whole reply, if the current body is its last part. A length
// that no memory can hold is not returned.
func (s *scanner) total() (int, bool) {
	if s.next != atBody || s.chunked || len(s.outer) > 0 || s.rest > math.MaxInt-len("\r\n")-s.raw {
		return 0, false
	}
	return s.raw + s.rest + len("\r\n"), true
}

// idle reports whether no byte of a reply was scanned.
func (s *scanner) idle() bool { return s.raw == 0 && s.next == atMark && len(s.outer) == 0 }
