package conn

import (
	"cmp"
	"errors"
	"os"
	"sync/atomic"
	"time"

	"github.com/redchan-go/redchan/proto"
)

// receiver reads what the server sends and hands it out: each reply to the slot whose turn it
// is, each push to the role's OnPush. One goroutine reads at a time, the one that has the read
// lease (turn.go). Whatever is not said to be somebody else's belongs to it.
type receiver struct {
	writer

	reader  *proto.Reader
	started bool // the handshake is over. Set before the connection's goroutines start
	// interruptible says that a read deadline in the past is a hint for whoever reads, and
	// not the connection's end. Set before the goroutines start.
	interruptible bool
	hints         int // deadlines that have passed since the last reply
	// known is what enqueued was when the last bytes were read: whatever has been read
	// can't be an answer to what came later.
	known   uint64
	handOut handOut

	received atomic.Uint64 // bytes read, for the watchdog
	pushes   atomic.Uint64 // pushes read, for the watchdog
	proof    proof
}

// countingReader counts what is read from a connection.
type countingReader struct{ r *receiver }

func (c countingReader) Read(p []byte) (n int, err error) {
	r := c.r
	if r.role.Subscriber && !r.secure {
		n, err = r.proof.read(r.nc, p)
	} else {
		n, err = r.nc.Read(p)
	}
	r.received.Add(uint64(n))
	if n > 0 && r.started {
		r.known = r.enqueued.Load()
		// At once, also where the rest of it never comes.
		if r.known == r.answered && r.reader.Buffered() == 0 && !r.role.beginsPush(p[0]) {
			err = errUnasked
		}
	}
	return n, err
}

// unasked reports whether the buffer has the beginning of a reply though everything has been
// answered that could have one.
func (r *receiver) unasked() bool {
	return r.answered == r.known && r.reader.Buffered() > 0 && r.reader.Mark() != 0 && !r.role.beginsPush(r.reader.Mark())
}

// maxHints is how many deadlines may pass without a reply between them. More than this can't
// be our own hints: the connection is broken.
const maxHints = 100

// next reads the next reply or push. errInterrupted says that a read deadline has
// passed, which is only a hint and is cleared.
func (r *receiver) next() (v proto.Value, err error) {
	defer func() {
		if p := recover(); p != nil { // of a net.Conn of the user's own
			err = panicError(p)
		}
	}()
	v, err = r.reader.Next()
	switch {
	case err == nil:
		r.hints = 0
	case r.interruptible && r.hints < maxHints && errors.Is(err, os.ErrDeadlineExceeded):
		r.hints++
		if err = r.nc.SetReadDeadline(time.Time{}); err == nil {
			err = errInterrupted
		}
	}
	return v, err
}

// errInterrupted tells of a read that ended by a hint.
var errInterrupted = errors.New("interrupted")

// handOut is what whoever reads needs to hand out replies many at a time, so
// that mu is taken once for all of them.
type handOut struct {
	replies [32]proto.Value
	met     [32]met
	callers int // answered since the last read
}

// met is a slot whose last reply has come, and what its state was before.
type met struct {
	slot   *slot
	before slotState
}

// dispatch hands out a reply or push, and whatever else of complete ones the
// buffer holds.
func (r *receiver) dispatch(v proto.Value) error {
	pushes := uint64(0)
	defer func() {
		if pushes > 0 {
			r.pushed(pushes)
		}
	}()
	n, ok := 0, true
	r.handOut.callers = 0
	batch := r.batchLeft() // replies that are the same batch's, v among them
	replies := r.handOut.replies[:]
	var err error
	for {
		switch {
		case ok && n < len(replies) && !r.role.isPush(v):
			replies[n] = v
			n++
			if batch--; batch > 0 {
				more := r.reader.TryShared(replies[n:min(n+batch, len(replies))])
				n, batch = n+more, batch-more
			}
			if v, ok, err = r.reader.TryNext(); err == nil {
				continue
			}
		case n == 0: // a push
			pushes++
			if r.role.OnPush != nil {
				r.role.OnPush(v)
			}
			if v, ok, err = r.reader.TryNext(); err == nil && ok {
				continue
			}
			return r.behind(err)
		}
		if pushes > 0 { // which came before these replies
			r.pushed(pushes)
			pushes = 0
		}
		wrong := r.answer(replies[:n], !ok)
		if n = 0; wrong != nil || err != nil || !ok {
			return r.behind(cmp.Or(wrong, err))
		}
		batch = r.batchLeft()
	}
}

// behind looks at what is left of the bytes read when all complete replies are handed out.
func (r *receiver) behind(err error) error {
	if err == nil && r.unasked() {
		err = errUnasked
	}
	return err
}

// pushed is called behind some pushes: before the replies that came after them, and
// when all that was read is handed out.
func (r *receiver) pushed(n uint64) {
	r.pushes.Add(n)
	if r.role.AfterPushes != nil {
		r.role.AfterPushes()
	}
}

// batchLeft returns how many replies are still to come to the batch whose turn it is,
// 0 where it is no batch's turn.
func (r *receiver) batchLeft() int {
	if r.batches.Load() == 0 {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.inflight.front(); s != nil && s.batch {
		return s.left
	}
	return 0
}

// manyCallers is how many callers have to be answered at once for the writer goroutine
// to be made ready for the requests that they are likely to make next.
const manyCallers = 100

// answer gives replies to the slots whose turn it is. final says that no more replies
// are there.
func (r *receiver) answer(replies []proto.Value, final bool) (err error) {
	done := r.handOut.met[:0]
	last := -1 // in done, of those that wait
	r.mu.Lock()
	for _, v := range replies {
		s := r.inflight.front()
		if s == nil || r.answered >= r.known {
			err = errUnasked
			break
		}
		complete, wrong := s.take(v)
		if wrong != nil {
			err = wrong
			break
		}
		if !complete {
			continue
		}
		r.pop(s)
		if s.state == slotWaiting && s.fence == nil {
			last = len(done)
			r.handOut.callers++
		}
		done = append(done, met{s, s.state})
		if s.state == slotAbandoned {
			r.abandoned--
		} else {
			s.state = slotAnswered
		}
	}
	r.freed()
	flush := final && last >= 0 && r.handOut.callers >= manyCallers && r.expectRequests()
	r.mu.Unlock()
	clear(replies)
	for i, m := range done {
		if flush && i == last {
			r.wake <- struct{}{}
		}
		switch {
		case m.slot.fence != nil:
			m.slot.fence.Done(m.slot.fence.err)
		case m.before == slotWaiting:
			m.slot.ready <- struct{}{}
		case m.before == slotAbandoned:
			r.recycle(m.slot)
		}
		done[i] = met{}
	}
	return err
}
