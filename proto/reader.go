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
	// minRoom is the least room to read into when the buffer can't grow.
	minRoom = 4 << 10
)

// errBadRead tells of a source that breaks the contract of io.Reader.
var errBadRead = errors.New("proto: the source returned an impossible count from Read")

// Reader reads replies and pushes, of RESP2 and RESP3 alike, from a connection.
//
// It is strict: whatever is not RESP, or is beyond its [Limits], is a
// [*ProtocolError]. It allocates for the bytes that came, never for a length
// that was only announced: whatever the peer sends, it holds less than twice
// the bytes of the replies it has not returned yet, and 1 MiB.
//
// It can be interrupted: when the source fails in the middle of a reply, by a
// deadline for example, nothing is lost, and the next call of Next goes on.
//
// A Reader is not safe for concurrent use.
type Reader struct {
	src  io.Reader
	scan scanner
	// buf[start:scanned] is checked and belongs to the running reply, behind
	// what is in spool; buf[scanned:end] is still to be scanned.
	buf                 []byte
	start, scanned, end int
	spool               spool

	returned int64 // the bytes of all values returned
	full     bool  // the last read filled the buffer
	quiet    int   // see quietReads
	readErr  error // came with the last bytes and is reported behind them
	failed   *ProtocolError
}

// NewReader returns a Reader of what r delivers. It allocates its buffer when
// it first reads.
func NewReader(r io.Reader, limits Limits) *Reader {
	return &Reader{src: r, scan: newScanner(limits)}
}

// Next returns the next reply or push. Where the bytes of several are there,
// it returns one after the other without reading.
//
// A push has [KindPush]. One that the server sent in the middle of a reply, as
// Redis 7.0 does inside EXEC, is returned on its own as soon as it is complete,
// before the reply, which is then as if the push had not been there.
//
// The error is io.EOF where the source ends between two replies and
// io.ErrUnexpectedEOF where it ends inside one; io.ErrNoProgress where the
// source keeps returning nothing; a [*ProtocolError], which every later call
// returns too; and otherwise what the source returned. After all but a
// ProtocolError the next call goes on at the same byte.
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

// TryNext is [Reader.Next] without reading: ok is false where the bytes of the
// next reply or push are not all there yet. Its error is a [*ProtocolError].
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

// TryShared reads several replies at once, those of a pipeline, as far as they are
// all there, into values, and returns how many. They share one backing string, of
// 64 KiB at most, where TryNext gives each its own. It takes simple ones only: none
// is an aggregate or a push, for which it stops. Where it returns 0, TryNext tells
// why.
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

// isSimple reports whether a reply with this mark has no elements and no push inside.
func isSimple(mark byte) bool {
	switch mark {
	case '$', '+', '-', ':', ',', '#', '_', '(', '=':
		return true
	}
	return false
}

// Buffered returns the number of bytes that were read and belong to no value
// returned so far: the beginning of a reply, and replies behind it.
func (r *Reader) Buffered() int { return r.spool.size + r.end - r.start }

// Mark returns the first byte of what [Reader.Buffered] counts, which says what kind of
// reply or push has begun. It is 0 where nothing is buffered, and in the middle of a
// reply that is larger than the read buffer.
func (r *Reader) Mark() byte {
	if r.spool.size > 0 || r.start == r.end {
		return 0
	}
	return r.buf[r.start]
}

// Offset returns the number of bytes of the values that Next has returned.
// Offset and Buffered together are all bytes read.
func (r *Reader) Offset() int64 { return r.returned }

// Shrink gives back what the buffer has beyond its smallest size, where nothing is
// buffered, for a connection that will be idle. Without it the buffer, of 4 to
// 64 KiB, doubles when it is full and is halved when 64 times in a row a read into
// the empty buffer used less than a quarter of it.
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

// reply takes the reply that has just become complete.
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

// push takes the push that has just become complete out of the reply around it.
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

// makeRoom brings what is buffered to the front of a buffer of the right size,
// and sends what is checked of it to the spool where little room is left.
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

// bufferSize returns the size that the read buffer should have, given that held
// bytes must stay.
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
