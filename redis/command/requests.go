package command

import (
	"strconv"
	"time"
)

// Requests are several requests in their order, already encoded: what a
// [BatchDoer] is given. The zero Requests has none. It is not safe for
// concurrent use, and never changes what a request was when it was added: byte
// slices are copied.
type Requests struct {
	wire []byte
	list []encoded
	keys []int // where in wire the keys begin, of requests with several
	// blocking has the requests that may block, with their numbers.
	blocking []blocking
	bad      *BatchError // the first request that can't be sent
}

// encoded is one request of several.
type encoded struct {
	spec    *Spec  // nil for a command that is not in the table
	end     int    // of its bytes in wire
	key     uint32 // where its first key begins, behind its first byte; 0: it has none
	keysEnd uint32 // in keys, of its other keys
}

// The room for requests that there is at once.
const (
	firstRequests = 16
	firstBytes    = 1 << 10
)

// blocking is a request that may block the connection.
type blocking struct {
	index    int
	blockFor time.Duration
}

// Add appends a request.
func (rs *Requests) Add(r *Request) {
	if err := r.Err(); err != nil && rs.bad == nil {
		err = &Error{Command: r.Name(), Outcome: NotSent, Err: err}
		rs.bad = &BatchError{Index: len(rs.list), Command: r.Name(), Err: err}
	}
	if r.blocks {
		rs.blocking = append(rs.blocking, blocking{len(rs.list), r.BlockFor()})
	}
	if rs.list == nil {
		rs.list = make([]encoded, 0, firstRequests)
		rs.wire = make([]byte, 0, firstBytes)
	}
	e := encoded{spec: r.spec}
	b := r.appendName(rs.wire)
	for i := range r.Len() {
		a := r.at(i)
		switch {
		case !a.key:
		case e.key == 0:
			e.key = uint32(len(b) - len(rs.wire))
		default:
			rs.keys = append(rs.keys, len(b))
		}
		b = r.appendArgument(b, a)
	}
	rs.wire = b
	e.end, e.keysEnd = len(b), uint32(len(rs.keys))
	rs.list = append(rs.list, e)
}

// Len returns the number of requests.
func (rs *Requests) Len() int { return len(rs.list) }

// Err returns why the requests can't be sent, the first one's reason, as a
// [*BatchError]. A [BatchDoer] returns it instead of sending.
func (rs *Requests) Err() error {
	if rs.bad == nil {
		return nil
	}
	bad := *rs.bad
	bad.Len = len(rs.list)
	return &bad
}

// Append appends all requests, as they go over the wire, to b.
func (rs *Requests) Append(b []byte) []byte { return append(b, rs.wire...) }

// Size returns how many bytes they take on the wire.
func (rs *Requests) Size() int { return len(rs.wire) }

// Blocks reports whether one of the requests may block its connection.
func (rs *Requests) Blocks() bool { return len(rs.blocking) > 0 }

// BlockFor returns how long the server may block all of them together; 0 is
// without end, or not known.
func (rs *Requests) BlockFor() time.Duration {
	total := time.Duration(0)
	for _, b := range rs.blocking {
		if b.blockFor == 0 {
			return 0
		}
		total += b.blockFor
	}
	return total
}

// At returns request i, put together again from its bytes: for errors, and for
// whoever sends it apart from the others. Where several can't be sent, only the first
// of them has its Err: look at Requests.Err before.
func (rs *Requests) At(i int) Request {
	e := rs.list[i]
	start, keysStart := 0, uint32(0)
	if i > 0 {
		start, keysStart = rs.list[i-1].end, rs.list[i-1].keysEnd
	}
	r := Request{spec: e.spec}
	keys := rs.keys[keysStart:e.keysEnd]
	words, at := lengthAt(rs.wire, start)
	for word := range words {
		size, from := lengthAt(rs.wire, at)
		text := string(rs.wire[from : from+size])
		switch {
		case e.spec == nil && word == 0:
			r.others().raw = text
		case e.spec == nil || word >= e.spec.NumWords:
			isKey := e.key > 0 && start+int(e.key) == at
			if len(keys) > 0 && keys[0] == at {
				isKey, keys = true, keys[1:]
			}
			r.add(argument{key: isKey, text: text})
		}
		at = from + size + len("\r\n")
	}
	for _, b := range rs.blocking {
		if b.index == i {
			r.mayBlock(b.blockFor)
		}
	}
	if rs.bad != nil && rs.bad.Index == i {
		r.fail(rs.bad.Err.(*Error).Err) //nolint:errorlint // Add made it
	}
	return r
}

// lengthAt reads the line "*3" or "$5" at b[i:] and returns its number and where
// the next line begins. The line is one of our own.
func lengthAt(b []byte, i int) (n, next int) {
	end := i + 1
	for b[end] != '\r' {
		end++
	}
	n, _ = strconv.Atoi(string(b[i+1 : end]))
	return n, end + len("\r\n")
}

// reset removes all requests. What it keeps of memory for the next ones is
// bounded.
func (rs *Requests) reset() {
	const keep = 64 << 10
	if cap(rs.wire) > keep || cap(rs.list) > keep {
		*rs = Requests{}
		return
	}
	*rs = Requests{wire: rs.wire[:0], list: rs.list[:0], keys: rs.keys[:0], blocking: rs.blocking[:0]}
}
