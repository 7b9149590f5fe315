package redis

import (
	"math"
	"slices"
	"sync"
	"time"

	"github.com/redchan-go/redchan/proto"
)

// monitor watches over one connection with one timer: it closes the connection
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
type monitor struct {
	c                  *conn
	fastTick, slowTick time.Duration
	late               int // fast ticks that make up ReplyTimeout

	// All below is guarded by conn.mu.
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
func (m *monitor) begin(c *conn, o *Options) {
	m.c = c
	m.slowTick = max(o.KeepAlive/(idleTicks+1), 1)
	m.late = lateTicks
	if perReply := int((o.ReplyTimeout-1)/m.slowTick) + 1; perReply > m.late {
		m.late = perReply
	}
	m.fastTick = max(o.ReplyTimeout/time.Duration(m.late), 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	m.timer = time.AfterFunc(m.slowTick, m.tick)
}

// busy is told of each new request. c.mu is held.
func (m *monitor) busy() {
	if !m.fast && m.timer != nil && !m.stopped {
		m.pace(true)
	}
}

// pace starts the ticks anew. c.mu is held.
func (m *monitor) pace(fast bool) {
	m.fast, m.quiet = fast, 0
	m.note()
	m.timer.Reset(m.interval())
}

func (m *monitor) interval() time.Duration {
	if m.fast {
		return m.fastTick
	}
	return m.slowTick
}

// note keeps the counters for the next tick. c.mu is held.
func (m *monitor) note() {
	m.answered, m.written = m.c.answered, m.c.written
	m.received, m.pushes = m.c.received.Load(), m.c.pushes.Load()
}

// tick compares the counters with those of the last tick.
func (m *monitor) tick() {
	c := m.c
	c.mu.Lock()
	if m.stopped {
		c.mu.Unlock()
		return
	}
	m.ticking.Add(1)
	defer m.ticking.Done()
	waiting := c.inflight.size > 0
	// A large request or reply that is still on its way is progress. Pushes come
	// whether the server works on a request or not: they are a sign of life only
	// where none is waited for.
	heard := c.received.Load() != m.received && (!waiting || c.pushes.Load() == m.pushes)
	writing := c.written != m.written && c.written != c.queued
	progress := heard || writing || c.answered != m.answered
	held := c.held != nil && c.held()
	if progress || held || waiting && len(m.patient.times) > 0 {
		m.quiet = 0
	} else {
		m.quiet++
	}
	m.note()
	var late, ping bool
	switch {
	case waiting:
		late = m.quiet >= m.late
	case m.fast:
		m.pace(false)
		c.shrink()
	default:
		ping = m.quiet >= idleTicks
	}
	m.timer.Reset(m.interval())
	c.mu.Unlock()

	switch {
	case late:
		c.fail(ErrReplyTimeout)
	case ping:
		c.ping()
	}
}

// stop ends the ticks and waits for one that is running.
func (m *monitor) stop() {
	m.c.mu.Lock()
	m.stopped = true
	m.timer.Stop()
	m.c.mu.Unlock()
	m.ticking.Wait()
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

// patience is told that a call begins whose reply may take a time. What it returns is to
// be called at the end of the call.
func (m *monitor) patience(limit time.Duration) (over func()) {
	m.c.mu.Lock()
	defer m.c.mu.Unlock()
	p := &m.patient
	if len(p.times) == 0 {
		p.since = time.Now()
	}
	p.times = append(p.times, limit)
	m.wait()
	return func() {
		m.c.mu.Lock()
		defer m.c.mu.Unlock()
		i := slices.Index(p.times, limit)
		p.times = slices.Delete(p.times, i, i+1)
		p.since = time.Now()
		m.wait()
	}
}

// wait sets the timer of the calls that may block. c.mu is held.
func (m *monitor) wait() {
	p := &m.patient
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
			m.c.mu.Lock()
			due := p.timer == timer // and not one that has fired while it was stopped
			m.c.mu.Unlock()
			if due {
				m.c.fail(ErrReplyTimeout)
			}
		})
		p.timer = timer
	}
}

// keepAliveToken is what a keep-alive PING asks to be sent back.
const keepAliveToken = "redchan keep-alive"

// ping sends a PING for which nobody waits but the monitor.
func (c *conn) ping() {
	c.sendPing(keepAliveToken, func(error) {})
}

// sendPing sends a PING with data, where the server can answer that.
func (c *conn) sendPing(data string, done func(error)) {
	words := []string{"PING", data}
	if c.bare {
		words = words[:1]
	}
	c.sendFenced(proto.AppendCommand(nil, words...), &fence{token: data, done: done})
}
