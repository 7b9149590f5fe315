package proto

import (
	"bytes"
	"math"
	"slices"
	"strconv"
)

// status is the result of a call of scan.
type status uint8

const (
	needMore  status = iota // the reply continues after the given bytes
	complete                // a reply, or a push at the top level, ends here
	pushed                  // a push inside a reply ends here
	malformed               // scanner.err says why
)

// step is what the scanner expects next.
type step uint8

const (
	atMark     step = iota // the first byte of a value, or an end mark
	atChunk                // the first byte of a streamed string's chunk
	atVerbatim             // a verbatim string's body, its format unchecked
	atBody                 // rest more bytes of a body
	atBodyEnd              // CR LF after a body
	atText                 // the text of a simple string or error
	atDigits               // the digits of a big number
)

// maxDouble is the length of the longest double accepted: a 64-bit number printed in full has
// about 330 characters. It is not one of the Limits, because the scanner holds back a double
// until its line is complete.
const maxDouble = 512

// frame is an aggregate that has begun and not ended. The outermost frame represents the
// connection, with the reply as its only element.
type frame struct {
	// left is the number of elements to come. In a streamed aggregate it is -1 minus the number
	// of elements that came.
	left int
	// start is the offset in the reply at which the aggregate begins, including the attributes
	// before it.
	start int
	mark  byte
}

// scanner finds the end of a reply and checks every byte of it, without building anything. It
// can stop between any two bytes and continue later.
//
// A push inside a reply is not part of the reply. The scanner reports the push as soon as it is
// complete, and the caller must then remove its bytes, from pushStart on, from the reply. So
// replies contain no pushes. Attributes before a push are part of it.
type scanner struct {
	limits Limits
	next   step
	frame  frame // the innermost
	outer  []frame

	offset int64 // bytes scanned since the connection began
	raw    int   // bytes scanned of the reply, without the pushes that were removed

	rest    int  // bytes of the body still to come
	room    int  // bytes that the text or the chunks may still use
	digits  int  // digits seen of a big number
	chunked bool // the body is a chunk of a streamed string
	opened  byte // the mark that opened the body or text

	// attributed means that attributes have ended, which began at attrStart, so a value has to
	// follow.
	attributed bool
	attrStart  int

	pushStart int // see pushed
	err       *ProtocolError
}

// newScanner returns a scanner at the beginning of a connection.
func newScanner(limits Limits) scanner {
	s := scanner{limits: limits.withDefaults()}
	s.begin()
	return s
}

// begin makes the scanner expect a new reply.
func (s *scanner) begin() {
	s.frame = frame{left: 1}
	s.raw = 0
}

// scan continues with the reply at b, which must begin where the last call stopped. It returns
// the number of bytes that it has consumed, and the status. With needMore, the caller must pass
// the remaining bytes again, followed by more. They are at most slightly more than maxDouble.
func (s *scanner) scan(b []byte) (int, status) {
	i := 0
	for i < len(b) {
		var size int
		var st status
		switch s.next {
		case atMark:
			if b[i] == '$' && s.frame.left > 1 {
				if n := s.bulks(b[i:]); n > 0 {
					i += n
					continue
				}
			}
			if b[i] == '$' && s.frame.left > 0 {
				// The fast path for a bulk string that is completely buffered.
				n, body := plainNumber(b, i+1)
				if body > 0 && n <= int64(len(b)-body-len("\r\n")) && n <= int64(s.limits.MaxBulk) {
					if end := body + int(n); b[end] == '\r' && b[end+1] == '\n' {
						i = end + len("\r\n")
						if st = s.ended(i); st != needMore {
							return s.stop(i, st)
						}
						continue
					}
				}
			}
			size, st = s.mark(b, i)
		case atChunk:
			size, st = s.chunk(b, i)
		case atVerbatim:
			if len(b)-i < len("txt:") {
				return s.stop(i, needMore)
			}
			if b[i+3] != ':' {
				return s.fail(i+3, "verbatim string", "no colon behind its format")
			}
			s.next = atBody
			continue
		case atBody:
			size = min(s.rest, len(b)-i)
			if s.rest -= size; s.rest == 0 {
				s.next = atBodyEnd
			}
			i += size
			continue
		case atBodyEnd:
			size, st = s.bodyEnd(b, i)
		case atText:
			size, st = s.text(b, i)
		case atDigits:
			size, st = s.bigNumber(b, i)
		}
		i += size
		if st != needMore {
			return s.stop(i, st)
		}
		if size == 0 {
			break
		}
	}
	return s.stop(i, needMore)
}

// bulks scans the complete bulk strings at the front of b, except the last element of the
// innermost aggregate. It returns their total length. It leaves unusual input to others.
func (s *scanner) bulks(b []byte) int {
	at, left := 0, s.frame.left
	for ; left > 1; left-- {
		line := b[at:]
		if len(line) < len("$0\r\n\r\n") || line[0] != '$' {
			break
		}
		n := int(line[1]) - '0'
		if uint(n) > 9 {
			break
		}
		body := 2
		for line[body] != '\r' {
			digit := int(line[body]) - '0'
			if uint(digit) > 9 || body == len("$99999") || n == 0 {
				return s.passed(at, left)
			}
			n = n*10 + digit
			if body++; body == len(line) {
				return s.passed(at, left)
			}
		}
		end := body + len("\r\n") + n
		if end+1 >= len(line) || line[body+1] != '\n' || line[end] != '\r' || line[end+1] != '\n' || n > s.limits.MaxBulk {
			break
		}
		at += end + len("\r\n")
	}
	return s.passed(at, left)
}

// passed counts elements that take n bytes. left elements are still to come.
func (s *scanner) passed(n, left int) int {
	if n > 0 {
		s.frame.left = left
		s.attributed = false
	}
	return n
}

// stop leaves scan at b[i].
func (s *scanner) stop(i int, st status) (int, status) {
	s.offset += int64(i)
	s.raw += i
	if st == pushed {
		s.raw = s.pushStart
	}
	return i, st
}

// fail records that b[i] of the current scan violates the protocol.
func (s *scanner) fail(i int, shape, problem string) (int, status) {
	s.err = &ProtocolError{Offset: s.offset + int64(i), Shape: shape, Problem: problem}
	return 0, malformed
}

// ended counts a value of the innermost aggregate that ends before b[end].
func (s *scanner) ended(end int) status {
	s.next = atMark
	s.attributed = false
	if s.frame.left--; s.frame.left != 0 {
		return needMore
	}
	return s.close(end)
}

// close ends the innermost aggregate, all of whose elements came. It also ends the aggregates
// around it whose last element this was.
func (s *scanner) close(end int) status {
	for s.frame.left == 0 {
		last := len(s.outer) - 1
		if last < 0 {
			return complete
		}
		ended := s.frame
		s.frame = s.outer[last]
		s.outer = s.outer[:last]
		switch {
		case ended.mark == '|':
			if s.raw+end-ended.start > min(s.limits.MaxBulk, math.MaxInt32) {
				_, st := s.fail(end-1, "attribute", overLimit("MaxBulk", s.limits.MaxBulk))
				return st
			}
			s.attributed, s.attrStart = true, ended.start
			return needMore
		case ended.mark == '>' && last > 0:
			s.pushStart = ended.start
			return pushed
		}
		s.frame.left--
	}
	return needMore
}

// mark reads a value's first line from b[i:], or the part of it that no later step reads.
func (s *scanner) mark(b []byte, i int) (int, status) {
	mark := b[i]
	if s.frame.left < 0 && -1-s.frame.left == s.limits.MaxElements && mark != '.' && mark != '>' && mark != '|' {
		return s.fail(i, shapeOf(s.frame.mark), overLimit("MaxElements", s.limits.MaxElements))
	}
	switch mark {
	case '$', '=', '!':
		return s.bulk(b, i)
	case ':':
		_, size, st := s.length(b, i)
		if size == 0 {
			return 0, st
		}
		return size, s.ended(i + size)
	case '*', '~', '%', '>', '|':
		return s.aggregate(b, i)
	case '+':
		s.next, s.opened, s.room = atText, mark, s.limits.MaxLine
		return 1, needMore
	case '-':
		s.next, s.opened, s.room = atText, mark, s.limits.MaxErrorLine
		return 1, needMore
	case '(':
		if len(b)-i < len("(-") {
			return 0, needMore
		}
		s.next, s.digits = atDigits, 0
		if c := b[i+1]; c == '-' || c == '+' {
			return 2, needMore
		}
		return 1, needMore
	case ',':
		return s.double(b, i)
	case '#':
		if len(b)-i < len("#t") {
			return 0, needMore
		}
		if c := b[i+1]; c != 't' && c != 'f' {
			return s.fail(i+1, shapeOf(mark), "neither t nor f")
		}
		return s.literal(b, i, len("#t"))
	case '_':
		return s.literal(b, i, len("_"))
	case '.':
		return s.endMark(b, i)
	case ';':
		return s.fail(i, shapeOf(mark), "outside a streamed string")
	}
	if s.offset+int64(i) > 0 {
		return s.fail(i, shapeOf(mark), problemType)
	}
	problem, decided := diagnose(b[i:])
	if !decided {
		return 0, needMore
	}
	return s.fail(i, shapeOf(mark), problem)
}

// length reads the number of the line at b[i:]. size is the length of the line. If size is 0,
// only the status is valid.
func (s *scanner) length(b []byte, i int) (n int64, size int, st status) {
	n, end := plainNumber(b, i+1)
	if end > 0 {
		return n, end - i, needMore
	}
	n, size, problem := number(b[i+1:], b[i] == ':')
	if problem != "" {
		_, st = s.fail(i+1+size, shapeOf(b[i]), problem)
		return 0, 0, st
	}
	if size == 0 {
		return 0, 0, needMore
	}
	return n, 1 + size, needMore
}

// unknown reports whether the line at b[i:] begins with "?" for a length.
func unknown(b []byte, i int) bool { return i+1 < len(b) && b[i+1] == '?' }

// crlf checks for CR LF at b[i:], and returns complete if it is there.
func (s *scanner) crlf(b []byte, i int, shape string) status {
	problem := ""
	switch {
	case i == len(b):
		return needMore
	case b[i] == '\n':
		problem = problemBareLF
	case b[i] != '\r':
		problem = problemNotEnded
	case i+1 == len(b):
		return needMore
	case b[i+1] != '\n':
		i++
		problem = problemBareCR
	default:
		return complete
	}
	_, st := s.fail(i, shape, problem)
	return st
}

// literal reads the end of the line of a null or a boolean. The first size bytes are already
// checked.
func (s *scanner) literal(b []byte, i, size int) (int, status) {
	if st := s.crlf(b, i+size, shapeOf(b[i])); st != complete {
		return 0, st
	}
	size += len("\r\n")
	return size, s.ended(i + size)
}

// endMark reads the end of a streamed aggregate.
func (s *scanner) endMark(b []byte, i int) (int, status) {
	shape := shapeOf('.')
	switch {
	case s.frame.left > 0:
		return s.fail(i, shape, "outside a streamed aggregate")
	case s.attributed:
		return s.fail(i, shape, "attributes without a value")
	case s.frame.mark == '%' && s.frame.left%2 == 0: // -1 less the elements
		return s.fail(i, shape, "a key without a value")
	}
	if st := s.crlf(b, i+1, shape); st != complete {
		return 0, st
	}
	const size = len(".\r\n")
	s.frame.left = 0
	return size, s.close(i + size)
}

// double reads a complete double.
func (s *scanner) double(b []byte, i int) (int, status) {
	shape := shapeOf(',')
	line := b[i+1:]
	line = line[:min(len(line), maxDouble+1)]
	end := bytes.IndexByte(line, '\r')
	if end < 0 || !isDouble(line[:end]) {
		text := line
		if end >= 0 {
			text = line[:end]
		}
		switch at := bytes.IndexByte(text, '\n'); {
		case at >= 0:
			return s.fail(i+1+at, shape, problemBareLF)
		case end >= 0:
			return s.fail(i, shape, "not a number")
		case len(line) > maxDouble:
			return s.fail(i, shape, "longer than "+strconv.Itoa(maxDouble)+" bytes")
		}
		return 0, needMore
	}
	end += i + 1
	if st := s.crlf(b, end, shape); st != complete {
		return 0, st
	}
	end += len("\r\n")
	return end - i, s.ended(end)
}

// inPush reports whether a push has begun and not ended. No server sends another push inside it;
// bytes that look like one are the next reply, from a server that has lost count.
func (s *scanner) inPush() bool {
	return s.frame.mark == '>' || slices.ContainsFunc(s.outer, func(f frame) bool { return f.mark == '>' })
}

// aggregate reads the header of an aggregate.
func (s *scanner) aggregate(b []byte, i int) (int, status) {
	mark := b[i]
	shape := shapeOf(mark)
	var size, left int
	if unknown(b, i) {
		if mark == '>' || mark == '|' {
			return s.fail(i+1, shape, problemStreaming)
		}
		if st := s.crlf(b, i+len("*?"), shape); st != complete {
			return 0, st
		}
		size, left = len("*?\r\n"), streamed
	} else {
		n, length, st := s.length(b, i)
		if length == 0 {
			return 0, st
		}
		size = length
		bound := s.limits.MaxElements
		if mark == '%' || mark == '|' {
			bound /= 2
		}
		switch {
		case n == -1 && mark == '*':
			return size, s.ended(i + size)
		case n < 0:
			return s.fail(i, shape, problemNegative)
		case n > int64(bound):
			if (mark == '%' || mark == '|') && n <= math.MaxInt64/2 {
				n *= 2
			}
			return s.fail(i, shape, strconv.FormatInt(n, 10)+" elements, "+overLimit("MaxElements", s.limits.MaxElements))
		case n == 0 && mark == '>':
			return s.fail(i, shape, "a push without its kind")
		}
		left = int(n)
		if mark == '%' || mark == '|' {
			left *= 2
		}
	}
	if len(s.outer) == s.limits.MaxDepth {
		return s.fail(i, shape, "nested too deep, "+overLimit("MaxDepth", s.limits.MaxDepth))
	}
	if mark == '>' && s.inPush() {
		return s.fail(i, shape, "a push inside a push")
	}
	start := s.raw + i
	if s.attributed {
		if mark == '|' {
			return s.fail(i, shape, "attributes behind attributes")
		}
		start = s.attrStart
		s.attributed = false
	}
	s.outer = append(s.outer, s.frame)
	s.frame = frame{left: left, start: start, mark: mark}
	return size, s.close(i + size)
}
