package redis

import (
	"sync"
	"time"

	"github.com/redchan-go/redchan/proto"
)

// monitor watches over one connection with one timer: it closes the connection
// when the oldest request has waited for ReplyTimeout, and sends a PING when
// nothing has been heard for KeepAlive. Requests cost it nothing: it compares
// counters from tick to tick.
//
// While something is in flight, ticks are a quarter of ReplyTimeout apart, so
// that a request is given up between one and one and a quarter ReplyTimeout;
// the PING starts its own ticks and so has ReplyTimeout exactly. On an idle
// connection they are a third of KeepAlive apart, and the second that has heard
// nothing sends the PING.
type monitor struct {
	c            *conn
	replyTimeout time.Duration
	keepAlive    time.Duration

	// All below is guarded by conn.mu.
	timer    *time.Timer
	fast     bool // the timer runs at the pace for requests in flight
	stopped  bool
	ticking  sync.WaitGroup // a tick that is running
	patient  int            // calls in flight that may block: no reply is late
	quiet    int            // ticks in a row without progress
	answered uint64         // the counters of the last tick
	received uint64
	pushes   uint64
}

const (
	lateTicks = 4 // ticks of ReplyTimeout/4
	idleTicks = 2 // ticks of KeepAlive/3
)

// begin arms the timer of an idle connection.
func (m *monitor) begin(c *conn, o *Options) {
	m.c, m.replyTimeout, m.keepAlive = c, o.ReplyTimeout, o.KeepAlive
	c.mu.Lock()
	defer c.mu.Unlock()
	m.timer = time.AfterFunc(m.keepAlive/(idleTicks+1), m.tick)
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
		return max(m.replyTimeout/lateTicks, 1)
	}
	return max(m.keepAlive/(idleTicks+1), 1)
}

// note keeps the counters for the next tick. c.mu is held.
func (m *monitor) note() {
	m.answered, m.received, m.pushes = m.c.answered, m.c.received.Load(), m.c.pushes
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
	// A large reply that is still coming is progress; pushes, which come
	// whether the server works on the request or not, are not.
	progress := c.answered != m.answered || c.received.Load() != m.received && c.pushes == m.pushes
	if !waiting {
		progress = c.answered != m.answered || c.received.Load() != m.received
	}
	held := c.held != nil && c.held()
	if progress || held || waiting && m.patient > 0 {
		m.quiet = 0
	} else {
		m.quiet++
	}
	m.note()
	var late, ping bool
	switch {
	case waiting:
		late = m.quiet >= lateTicks
	case m.fast:
		m.pace(false)
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

// patience is told that a call begins (+1) or ends (-1) whose reply may take
// any time.
func (m *monitor) patience(change int) {
	m.c.mu.Lock()
	defer m.c.mu.Unlock()
	m.patient += change
}

// keepAliveToken is what a keep-alive PING asks to be sent back.
const keepAliveToken = "redchan keep-alive"

// ping sends a PING for which nobody waits but the monitor.
func (c *conn) ping() {
	c.sendFenced(proto.AppendCommand(nil, "PING", keepAliveToken),
		&fence{token: keepAliveToken, done: func(error) {}})
}
