package proto

import (
	"errors"
	"io"
)

// The sizes of the read buffer, which doubles and halves between them.
const (
	minBuffer = 4 << 10
	maxBuffer = 64 << 10
)

const (
	// quietReads is how many times in a row a read into the empty buffer must use
	// less than a quarter of it before it is halved. Reads in the middle of a
	// reply don't count, or a slow large reply would make it shrink and grow.
	quietReads = 64
	// emptyReads is how many times in a row the source may return nothing and
	// no error.
	emptyReads = 100
	// minRoom is the minimum room to read into when the buffer can't grow.
	minRoom = 4 << 10
)

// errBadRead reports a source that violates the contract of io.Reader.
var errBadRead = errors.New("proto: the source returned an impossible count from Read")

// Reader reads replies and pushes, of RESP2 and RESP3 alike, from a connection.
//
// It is strict: anything that is not RESP, or exceeds its [Limits], is a [*ProtocolError]. It
// allocates memory for bytes that have arrived, never for a length that was only announced.
// Whatever the peer sends, the Reader holds less than twice the bytes of the replies that it has
// not yet returned, plus 1 MiB.
//
// It can be interrupted: if the source fails in the middle of a reply, for example because of a
// deadline, nothing is lost, and the next call of Next continues.
//
// A Reader is not safe for concurrent use.
type Reader struct {
	src  io.Reader
	scan scanner
	// buf[start:scanned] is checked and belongs to the current reply, after the bytes in spool.
	// buf[scanned:end] is still to be scanned.
	buf                 []byte
	start, scanned, end int
	spool               spool

	returned int64 // the total size of all returned values
	full     bool  // the last read filled the buffer
	quiet    int   // see quietReads
	readErr  error // came with the last bytes, and is reported after them
	failed   *ProtocolError
}

// NewReader returns a Reader that reads from r. It allocates its buffer at the first read.
func NewReader(r io.Reader, limits Limits) *Reader {
	return &Reader{src: r, scan: newScanner(limits)}
}

// Next returns the next reply or push. It reads from the source only if no complete one is
// buffered.
//
// A push has [KindPush]. The server may send one in the middle of a reply, as Redis 7.0 does
// inside EXEC. Next returns such a push separately as soon as it is complete, before the reply;
// the reply then does not contain it.
//
// The error is io.EOF if the source ends between two replies, and io.ErrUnexpectedEOF if it ends
// inside one. It is io.ErrNoProgress if the source keeps returning nothing. A [*ProtocolError]
// is returned by every later call too. Any other error is the source's own. Except after a
// ProtocolError, the next call continues at the same byte.
func (r *Reader) Next() (Value, error) {
	for {
		if v, ok, err := r.TryNext(); ok || err != nil {
			return v, err
		}
		if err := r.fill(); err != nil {
			if errors.Is(err, io.EOF) && (r.Buffered() > 0 || !r.scan.idle()) {
				err = io.ErrUnexpectedEOF
			}
			return Value{}, err
		}
	}
}

// TryNext is like [Reader.Next], but does not read from the source: ok is false if the next
// reply or push is not completely buffered. The error is a [*ProtocolError].
func (r *Reader) TryNext() (v Value, ok bool, err error) {
	if r.failed != nil {
		return Value{}, false, r.failed
	}
	if r.scanned == r.end {
		return Value{}, false, nil
	}
	n, st := r.scan.scan(r.buf[r.scanned:r.end])
	r.scanned += n
	switch st {
	case complete:
		return r.reply(), true, nil
	case pushed:
		return r.push(), true, nil
	case malformed:
		r.failed = r.scan.err
		return Value{}, false, r.failed
	}
	return Value{}, false, nil
}

// TryShared returns several buffered replies at once, as in a pipeline. It stores them in
// values, and returns their number. The replies share one backing string of at most 64 KiB,
// whereas TryNext allocates one for each reply. TryShared stops at an aggregate, at a push, and
// at an incomplete reply. If it returns 0, call TryNext to find out why.
func (r *Reader) TryShared(values []Value) int {
	if r.failed != nil || r.spool.size > 0 || r.scanned != r.start || !r.scan.idle() {
		return 0
	}
	n, first := 0, r.start
	for n < len(values) && r.scanned < r.end && isSimple(r.buf[r.scanned]) {
		size, st := r.scan.scan(r.buf[r.scanned:r.end])
		r.scanned += size
		if st != complete {
			if st == malformed {
				r.failed = r.scan.err
			}
			break
		}
		r.scan.begin()
		r.start = r.scanned
		values[n] = Value{num: int64(r.start - first)}
		n++
	}
	if n == 0 {
		return 0
	}
	r.returned += int64(r.start - first)
	text, from := string(r.buf[first:r.start]), int64(0)
	for i := range values[:n] {
		to := values[i].num
		values[i] = newValue(text[from:to])
		from = to
	}
	return n
}

// isSimple reports whether a reply with this mark has no elements and can't contain a push.
func isSimple(mark byte) bool {
	switch mark {
	case '$', '+', '-', ':', ',', '#', '_', '(', '=':
		return true
	}
	return false
}

// Buffered returns the number of bytes that were read and do not belong to a returned value: the
// beginning of a reply, and further replies.
func (r *Reader) Buffered() int { return r.spool.size + r.end - r.start }

// Mark returns the first byte of the bytes that [Reader.Buffered] counts. It says what kind of
// reply or push has begun. Mark returns 0 if nothing is buffered, or in the middle of a reply
// that is larger than the read buffer.
func (r *Reader) Mark() byte {
	if r.spool.size > 0 || r.start == r.end {
		return 0
	}
	return r.buf[r.start]
}

// Offset returns the total size in bytes of the values that Next has returned. Offset plus
// Buffered is the number of bytes read.
func (r *Reader) Offset() int64 { return r.returned }

// Shrink reduces the buffer to its smallest size if nothing is buffered. Use it for a connection
// that will be idle. By itself the buffer, of 4 to 64 KiB, doubles when it is full. It is halved
// when 64 reads in a row into the empty buffer have used less than a quarter of it.
func (r *Reader) Shrink() {
	if r.Buffered() > 0 {
		return
	}
	if len(r.buf) > minBuffer {
		r.buf, r.start, r.scanned, r.end = nil, 0, 0, 0
		r.full, r.quiet = false, 0
	}
	r.spool.shrink()
}

// reply returns the reply that has just become complete.
func (r *Reader) reply() Value {
	raw := r.buf[r.start:r.scanned]
	r.start = r.scanned
	r.returned += int64(r.spool.size + len(raw))
	r.scan.begin()
	if r.spool.size > 0 {
		return newValue(r.spool.take(raw))
	}
	return newValueBytes(raw)
}

// push removes the push that has just become complete from the reply around it, and returns it.
func (r *Reader) push() Value {
	var text string
	before := r.scan.pushStart - r.spool.size // bytes of the reply in the buffer
	if before < 0 {
		text = r.spool.cut(r.scan.pushStart, r.buf[r.start:r.scanned])
	} else {
		at := r.start + before
		r.spool.write(r.buf[r.start:at])
		text = string(r.buf[at:r.scanned])
	}
	r.start = r.scanned
	r.returned += int64(len(text))
	return newValue(text)
}

// fill reads once from the source.
func (r *Reader) fill() error {
	if err := r.readErr; err != nil {
		r.readErr = nil
		return err
	}
	r.makeRoom()
	for range emptyReads {
		n, err := r.src.Read(r.buf[r.end:])
		if n < 0 || n > len(r.buf)-r.end {
			return errBadRead
		}
		if n > 0 {
			r.end += n
			r.readErr = err
			r.full = r.end == len(r.buf)
			if r.end >= len(r.buf)/4 {
				r.quiet = 0
			} else if r.end == n && r.spool.size == 0 {
				r.quiet++
			}
			return nil
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// makeRoom moves the buffered bytes to the front of a buffer of the right size. If little room
// is left, it moves the checked bytes to the spool.
func (r *Reader) makeRoom() {
	held := r.buf[r.start:r.end]
	size := r.bufferSize(len(held))
	if size != len(r.buf) {
		r.buf = make([]byte, size)
		r.full, r.quiet = false, 0
	}
	if size > 0 {
		copy(r.buf, held)
	}
	r.scanned -= r.start
	r.end -= r.start
	r.start = 0
	if len(r.buf)-r.end < minRoom && size == maxBuffer {
		if total, ok := r.scan.total(); ok {
			r.spool.expect(total, r.spool.size+r.end)
		}
		r.spool.write(r.buf[:r.scanned])
		r.end = copy(r.buf, r.buf[r.scanned:r.end])
		r.scanned = 0
	}
}

// bufferSize returns the right size for the read buffer, which must keep held bytes.
func (r *Reader) bufferSize(held int) int {
	size := len(r.buf)
	switch {
	case size == 0:
		return minBuffer
	case r.full && size < maxBuffer:
		return 2 * size
	case r.quiet >= quietReads && size > minBuffer && held < size/4:
		return size / 2
	}
	return size
}
