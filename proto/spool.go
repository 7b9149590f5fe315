package proto

import "strings"

// The bounds of the memory that a spool allocates ahead. The Reader promises that it never holds
// more than twice the bytes it received plus 1 MiB. The room in the last chunk, the read buffer
// and the spare chunk together stay below that 1 MiB.
const (
	minChunk   = 4 << 10
	spareChunk = 64 << 10
	maxChunk   = 512 << 10
	ahead      = 768 << 10
)

// spool collects the checked bytes of a reply that is larger than the read buffer, and joins
// them to one string at the end. Chunks keep their place while more are added, so only the
// received bytes cost memory. append would need up to three times as much while it moves them.
//
// If the reply's length is known and close enough, the spool allocates the string at once and
// fills it in place.
type spool struct {
	size   int      // number of bytes collected
	held   int      // capacity of all chunks
	chunks [][]byte // all full except the last
	// whole replaces chunks if inWhole is set. It has room for all bytes that are still to come.
	whole   strings.Builder
	inWhole bool
	spare   []byte // a chunk of spareChunk bytes for the next reply, or nil
}

// write adds b, which is at most as long as the read buffer.
func (s *spool) write(b []byte) {
	s.size += len(b)
	if s.inWhole {
		s.whole.Write(b)
		return
	}
	if last := len(s.chunks) - 1; last >= 0 {
		chunk := s.chunks[last]
		n := min(len(b), cap(chunk)-len(chunk))
		s.chunks[last] = append(chunk, b[:n]...)
		b = b[n:]
	}
	if len(b) > 0 {
		s.chunks = append(s.chunks, append(s.newChunk(len(b)), b...))
	}
}

// newChunk returns an empty chunk with room for at least n bytes.
func (s *spool) newChunk(n int) []byte {
	chunk := s.spare
	s.spare = nil
	size := max(minChunk, min(s.held/4, maxChunk))
	if n > size {
		size = max(n, spareChunk)
	}
	if cap(chunk) < size {
		chunk = make([]byte, 0, size)
	}
	s.held += cap(chunk)
	return chunk[:0]
}

// expect says that the reply will have total bytes, of which received have arrived. The reply's
// string is allocated as soon as the promise on memory allows it.
func (s *spool) expect(total, received int) {
	if s.inWhole || total > 2*received+ahead-s.held {
		return
	}
	s.whole.Grow(total)
	for _, chunk := range s.chunks {
		s.whole.Write(chunk)
	}
	s.drop(0)
	s.inWhole = true
}

// take returns the collected bytes followed by tail as one string, and leaves the spool empty.
func (s *spool) take(tail []byte) string {
	if !s.inWhole {
		return s.cut(0, tail)
	}
	s.whole.Write(tail)
	text := s.whole.String()
	s.whole, s.inWhole, s.size = strings.Builder{}, false, 0
	return text
}

// cut removes the bytes collected from offset from on, and returns them followed by tail as one
// string. It must not be used for a spool that expects a length.
func (s *spool) cut(from int, tail []byte) string {
	var b strings.Builder
	b.Grow(s.size - from + len(tail))
	keep := len(s.chunks)
	start := 0 // the offset at which the chunk starts
	for i, chunk := range s.chunks {
		end := start + len(chunk)
		if end > from {
			at := max(from-start, 0)
			b.Write(chunk[at:])
			s.chunks[i] = chunk[:at]
			if at == 0 {
				keep = min(keep, i)
			} else {
				keep = min(keep, i+1)
			}
		}
		start = end
	}
	b.Write(tail)
	s.drop(keep)
	s.size = from
	return b.String()
}

// drop discards the chunks from index keep on.
func (s *spool) drop(keep int) {
	for i := keep; i < len(s.chunks); i++ {
		chunk := s.chunks[i]
		s.held -= cap(chunk)
		if cap(chunk) == spareChunk {
			s.spare = chunk
		}
		s.chunks[i] = nil
	}
	s.chunks = s.chunks[:keep]
}

// shrink releases the memory that an empty spool keeps for the next reply.
func (s *spool) shrink() {
	if s.size == 0 {
		s.spare, s.chunks = nil, nil
	}
}
