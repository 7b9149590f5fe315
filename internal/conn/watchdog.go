package conn

import (
	"math"
	"slices"
	"sync"
	"time"

	"github.com/redchan-go/redchan/internal/retry"
	"github.com/redchan-go/redchan/proto"
)

// watchdog watches over one connection with one timer: it closes the connection
// when a reply has been waited for and nothing has moved for ReplyTimeout, and
// sends a PING when nothing has been heard for KeepAlive. Requests cost it
// nothing: it compares counters from tick to tick.
//
// While something is in flight, ticks are at most a quarter of ReplyTimeout
// apart, so that a connection is given up between one and one and a quarter
// ReplyTimeout; the PING starts its own ticks and so has ReplyTimeout exactly. On
// an idle connection they are a third of KeepAlive apart, and the second that
// has heard nothing sends the PING. Fast ticks are never slower than those, so
// that KeepAlive holds also for a connection that has just become idle.
//
// It looks at the layers below and is no layer itself: nothing below knows of it, and who
// queues a request tells it by busy.
type watchdog struct {
	in                 *receiver
	replyTimeout       time.Duration
	fastTick, slowTick time.Duration
	late               int // fast ticks that make up ReplyTimeout

	// All below is guarded by the connection's mu.
	timer    *time.Timer
	fast     bool // the timer runs at the pace for requests in flight
	stopped  bool
	ticking  sync.WaitGroup // a tick that is running
	patient  patient        // calls in flight that may block: no reply is late
	quiet    int            // ticks in a row without progress
	answered uint64         // the counters of the last tick
	written  uint64
	received uint64
	pushes   uint64
}

const (
	lateTicks = 4 // at least, of ReplyTimeout/4 or less
	idleTicks = 2 // of KeepAlive/3
)

// begin arms the timer of an idle connection.
func (w *watchdog) begin(in *receiver, o *Options) {
	w.in, w.replyTimeout = in, o.ReplyTimeout
	w.slowTick = max(o.KeepAlive/(idleTicks+1), 1)
	w.late = lateTicks
	if perReply := int((o.ReplyTimeout-1)/w.slowTick) + 1; perReply > w.late {
		w.late = perReply
	}
	w.fastTick = max(o.ReplyTimeout/time.Duration(w.late), 1)
	in.mu.Lock()
	defer in.mu.Unlock()
	w.timer = time.AfterFunc(w.slowTick, w.tick)
}

// busy is told of each new request. mu is held.
func (w *watchdog) busy() {
	if !w.fast && w.timer != nil && !w.stopped {
		w.pace(true)
	}
}

// pace starts the ticks anew. mu is held.
func (w *watchdog) pace(fast bool) {
	w.fast, w.quiet = fast, 0
	w.note()
	w.timer.Reset(w.interval())
}

func (w *watchdog) interval() time.Duration {
	if w.fast {
		return w.fastTick
	}
	return w.slowTick
}

// note keeps the counters for the next tick. mu is held.
func (w *watchdog) note() {
	w.answered, w.written = w.in.answered, w.in.written
	w.received, w.pushes = w.in.received.Load(), w.in.pushes.Load()
}

// tick compares the counters with those of the last tick.
func (w *watchdog) tick() {
	in := w.in
	in.mu.Lock()
	if w.stopped {
		in.mu.Unlock()
		return
	}
	w.ticking.Add(1)
	defer w.ticking.Done()
	waiting := in.inflight.size > 0
	// A large request or reply that is still on its way is progress. Pushes come
	// whether the server works on a request or not: they are a sign of life only
	// where none is waited for.
	heard := in.received.Load() != w.received && (!waiting || in.pushes.Load() == w.pushes)
	writing := in.written != w.written && in.written != in.queued
	progress := heard || writing || in.answered != w.answered
	held := in.role.Held != nil && in.role.Held()
	if progress || held || waiting && len(w.patient.times) > 0 {
		w.quiet = 0
	} else {
		w.quiet++
	}
	w.note()
	var late, ping bool
	switch {
	case waiting:
		late = w.quiet >= w.late
	case w.fast:
		w.pace(false)
		in.shrink()
	default:
		ping = w.quiet >= idleTicks
	}
	w.timer.Reset(w.interval())
	in.mu.Unlock()

	switch {
	case late:
		in.fail(retry.ErrReplyTimeout)
	case ping:
		w.ping()
	}
}

// stop ends the ticks and waits for one that is running.
func (w *watchdog) stop() {
	w.in.mu.Lock()
	w.stopped = true
	w.timer.Stop()
	w.in.mu.Unlock()
	w.ticking.Wait()
}

// patient is how long calls that may block are waited for. They come one after the other
// on the server, in an order that is not known here: so each may take the longest of
// their times, counted from when the first began or one has ended.
type patient struct {
	times []time.Duration // of the calls in flight
	since time.Time
	timer *time.Timer // closes the connection; nil where none runs
}

// noEnd is the time of a call that may take any.
const noEnd = time.Duration(math.MaxInt64)

// patience is told that a call begins which the server may block for a time, or without end
// where that is 0: its reply may take as long, and ReplyTimeout on top. over is to be called
// at the end of the call.
func (w *watchdog) patience(block time.Duration) (over func()) {
	limit := noEnd // also where the sum has none
	if block > 0 && block <= noEnd-w.replyTimeout {
		limit = block + w.replyTimeout
	}
	w.in.mu.Lock()
	defer w.in.mu.Unlock()
	p := &w.patient
	if len(p.times) == 0 {
		p.since = time.Now()
	}
	p.times = append(p.times, limit)
	w.wait()
	return func() {
		w.in.mu.Lock()
		defer w.in.mu.Unlock()
		i := slices.Index(p.times, limit)
		p.times = slices.Delete(p.times, i, i+1)
		p.since = time.Now()
		w.wait()
	}
}

// wait sets the timer of the calls that may block. mu is held.
func (w *watchdog) wait() {
	p := &w.patient
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
	if len(p.times) == 0 {
		return
	}
	if longest := slices.Max(p.times); longest < noEnd {
		var timer *time.Timer
		timer = time.AfterFunc(longest-time.Since(p.since), func() {
			w.in.mu.Lock()
			due := p.timer == timer // and not one that has fired while it was stopped
			w.in.mu.Unlock()
			if due {
				w.in.fail(retry.ErrReplyTimeout)
			}
		})
		p.timer = timer
	}
}

// keepAliveToken is what a keep-alive PING asks to be sent back.
const keepAliveToken = "redchan keep-alive"

// ping sends a PING for which nobody waits but the watchdog.
func (w *watchdog) ping() {
	w.sendPing(keepAliveToken, func(error) {})
}

// sendPing sends a PING with data, where the server can answer that.
func (w *watchdog) sendPing(data string, done func(error)) {
	words := []string{"PING", data}
	if w.in.bare {
		words = words[:1]
	}
	w.sendFenced(proto.AppendCommand(nil, words...), &Fence{Token: data, Done: done})
}

// sendFenced queues bytes whose answer ends with a fence. It does nothing where the connection
// is closed.
func (w *watchdog) sendFenced(encoded []byte, f *Fence) {
	w.in.mu.Lock()
	defer w.in.mu.Unlock()
	if w.in.fence(encoded, f) {
		w.busy()
	}
}
