package shard

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/redchan-go/redchan/internal/hub"
	"github.com/redchan-go/redchan/proto"
)

// carrier keeps a connection to a node for a lane: what a client of the cluster does.
type carrier struct {
	node  *simNode
	lane  *hub.Lane
	name  string
	made  int           // connections; of events
	ended chan struct{} // closed at the end

	mu       sync.Mutex
	link     *simLink // nil while there is none
	stopping bool
}

// carry starts a carrier.
func (c *cluster) carry(addr string, lane *hub.Lane) (stop func(), err error) {
	i := slices.IndexFunc(c.nodes, func(n *simNode) bool { return n.addr == addr })
	if i < 0 {
		return nil, errors.New("no such node: " + addr)
	}
	n := c.nodes[i]
	c.mu.Lock()
	defer c.mu.Unlock()
	n.carried++
	k := &carrier{node: n, lane: lane, name: fmt.Sprintf("%s/%d", addr, n.carried), ended: make(chan struct{})}
	c.After(k.name, 0, k.connect)
	return func() {
		k.mu.Lock()
		k.stopping = true
		if k.link != nil {
			k.link.cut(errStopped)
		}
		k.mu.Unlock()
		<-k.ended
	}, nil
}

var errStopped = errors.New("the carrier was stopped")

// connect connects, or tries again later.
func (k *carrier) connect() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.stopping {
		close(k.ended)
		return
	}
	k.made++
	l := k.node.c.connect(k.node, fmt.Sprintf("%s/%d", k.name, k.made))
	if l == nil {
		k.node.c.After(k.name, 100*time.Millisecond, k.connect)
		return
	}
	l.carrier, k.link = k, l
	k.lane.LinkUp(l)
}

// lost tells the lane that the connection has ended.
func (k *carrier) lost(l *simLink) {
	k.lane.Flush()
	k.lane.LinkLost(l.alive, l.err)
	c := k.node.c
	c.mu.Lock()
	delete(k.node.links, l)
	c.mu.Unlock()
	k.mu.Lock()
	k.link = nil
	k.mu.Unlock()
	c.After(k.name, 0, k.connect)
}

// simLink is one connection.
type simLink struct {
	node       *simNode
	carrier    *carrier // nil where a test plays the client
	name       string
	subscribed map[string]bool // guarded by the cluster's mu
	latency    time.Duration
	alive      time.Time // when something arrived last; of events

	mu       sync.Mutex
	commands []simCommand
	replies  []simReply
	gone     bool
	err      error
}

type simCommand struct {
	op    hub.Op
	names []string
	done  func(error)
	due   time.Time
}

type simReply struct {
	fields []any // of a push
	done   func(error)
	err    error
	due    time.Time
}

// connect returns a connection to a node, nil where it can't be had.
func (c *cluster) connect(n *simNode, name string) *simLink {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n.down || n.paused {
		return nil
	}
	l := &simLink{
		node: n, name: name, subscribed: map[string]bool{}, alive: time.Now(),
		latency: time.Duration(c.random.IntN(10)) * time.Millisecond,
	}
	n.links[l] = true
	c.Note("%s: connected", name)
	return l
}

// Send sends a command. The order of the names comes from a map of the hub: it is of no
// consequence, and the model's own.
func (l *simLink) Send(op hub.Op, names []string, done func(error)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.commands = append(l.commands, simCommand{op, slices.Sorted(slices.Values(names)), done, time.Now().Add(l.latency)})
	l.node.c.After(l.name, l.latency, l.serve)
}

func (l *simLink) Ping(_ string, done func(error)) { l.Send(hub.OpUnsubscribe, nil, done) }

func (l *simLink) Fail(err error) { l.cut(errors.Join(errors.New("told to fail"), err)) }

// cut ends the connection.
func (l *simLink) cut(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cutLocked(err)
}

func (l *simLink) cutLocked(err error) {
	if l.gone {
		return
	}
	l.gone, l.err = true, err
	if l.carrier != nil {
		l.node.c.After(l.name, 0, func() { l.carrier.lost(l) })
	}
}

// push sends something to the client. The cluster's mu is held.
func (l *simLink) push(fields ...any) { l.reply(simReply{fields: fields}) }

func (l *simLink) reply(r simReply) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.due = time.Now().Add(l.latency)
	if len(l.replies) == 10_000 {
		l.cutLocked(errors.New("the output buffer is full"))
		return
	}
	l.replies = append(l.replies, r)
	l.node.c.After(l.name, l.latency, l.read)
}

// serve takes the commands that have arrived, as the server does.
func (l *simLink) serve() {
	for {
		l.mu.Lock()
		if l.gone || len(l.commands) == 0 || l.commands[0].due.After(time.Now()) {
			l.mu.Unlock()
			return
		}
		command := l.commands[0]
		l.mu.Unlock()
		if !l.take(command) { // a node that is paused
			l.node.c.After(l.name, 50*time.Millisecond, l.serve)
			return
		}
		l.mu.Lock()
		l.commands = l.commands[1:]
		l.mu.Unlock()
	}
}

// take runs one command, unless the node is paused.
func (l *simLink) take(c simCommand) bool {
	n := l.node
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	if n.paused {
		return false
	}
	n.c.taken[c.op]++
	err := n.refusal(c.names)
	if err == nil && c.op == hub.OpSUnsubscribe && n.c.keepsWhenDown && (n.cutOff || n.c.random.IntN(8) == 0) {
		err = &proto.Error{Code: "CLUSTERDOWN", Message: "The cluster is down"}
	}
	if err == nil {
		for _, name := range c.names {
			switch c.op {
			case hub.OpSSubscribe:
				l.subscribed[name] = true
				l.push("ssubscribe", name, len(l.subscribed))
			case hub.OpSUnsubscribe:
				delete(l.subscribed, name)
				l.push("sunsubscribe", name, len(l.subscribed))
			}
		}
	}
	n.c.Note("%s: %v %v: %v", l.name, c.op, c.names, err)
	l.reply(simReply{done: c.done, err: err})
	return true
}

// read gives the lane what has arrived first. What is collected waits for a moment now and then,
// as where the reader has more to read, or does not run.
func (l *simLink) read() {
	l.mu.Lock()
	if l.gone || len(l.replies) == 0 { // what was on the wire is lost
		l.mu.Unlock()
		return
	}
	r := l.replies[0]
	l.replies = l.replies[1:]
	l.mu.Unlock()
	if l.carrier == nil {
		return
	}
	c, lane := l.node.c, l.carrier.lane
	l.alive = time.Now()
	if r.done != nil {
		lane.Flush()
		r.done(r.err)
		return
	}
	lane.Collect(push(r.fields))
	c.mu.Lock()
	wait := time.Duration(max(0, c.random.IntN(8)-5)) * time.Millisecond
	c.mu.Unlock()
	if wait == 0 {
		lane.Flush()
		return
	}
	c.After(l.name, wait, func() {
		l.mu.Lock()
		gone := l.gone
		l.mu.Unlock()
		if !gone {
			lane.Flush()
		}
	})
}

// push makes a push of RESP3.
func push(fields []any) proto.Value {
	b := append([]byte(">"), strconv.Itoa(len(fields))...)
	b = append(b, "\r\n"...)
	for _, field := range fields {
		switch field := field.(type) {
		case string:
			b = proto.AppendString(b, field)
		case int:
			b = append(b, ':')
			b = strconv.AppendInt(b, int64(field), 10)
			b = append(b, "\r\n"...)
		}
	}
	return parse(b)
}
