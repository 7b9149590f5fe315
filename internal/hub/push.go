package hub

import (
	"slices"
	"time"

	"github.com/redchan-go/redchan/proto"
)

// Push takes what arrived on the link, a push of RESP3 or an array of RESP2,
// and reports whether it belongs to pub/sub. If it does and is malformed, or
// does not fit what was asked, the link is told to fail.
func (l *Lane) Push(v proto.Value) bool {
	taken := l.Collect(v)
	l.Flush()
	return taken
}

// Collect is [Lane.Push], but it may hold messages and confirmations back until [Lane.Flush]: while more
// has arrived already, messages are delivered some at a time. A consumer that waits
// for each of them is woken once for all, which costs more than all else. Flush has to
// come before any answer is told that the link got behind them, a fence's or a PING's,
// and before LinkLost.
func (l *Lane) Collect(v proto.Value) bool {
	if v.Kind() != proto.KindPush && v.Kind() != proto.KindArray {
		return false
	}
	var fields [4]proto.Value
	n := 0
	elems := v.Elems()
	for ; elems.Next(); n++ {
		if n < len(fields) {
			fields[n] = elems.Value()
		}
	}
	if n == 0 || !isString(fields[0]) {
		return false
	}
	what := fields[0].Str()
	ok := false
	switch what {
	case "message":
		ok = n == 3 && l.message(Channel, fields[1], fields[1], fields[2])
	case "pmessage":
		ok = n == 4 && l.message(Pattern, fields[1], fields[2], fields[3])
	case "smessage":
		ok = n == 3 && l.message(Shard, fields[1], fields[1], fields[2])
	case "subscribe":
		ok = n == 3 && l.collectConfirmation(Channel, true, fields[1], fields[2])
	case "psubscribe":
		ok = n == 3 && l.collectConfirmation(Pattern, true, fields[1], fields[2])
	case "ssubscribe":
		ok = n == 3 && l.collectConfirmation(Shard, true, fields[1], fields[2])
	case "unsubscribe":
		ok = n == 3 && l.collectConfirmation(Channel, false, fields[1], fields[2])
	case "punsubscribe":
		ok = n == 3 && l.collectConfirmation(Pattern, false, fields[1], fields[2])
	case "sunsubscribe":
		ok = n == 3 && l.collectConfirmation(Shard, false, fields[1], fields[2])
	default:
		return false
	}
	if !ok {
		l.hub.mu.Lock()
		l.fail(protocolError("malformed %s of %d elements", what, n))
		l.hub.mu.Unlock()
	}
	l.failLink()
	return true
}

func isString(v proto.Value) bool {
	switch v.Kind() {
	case proto.KindBulk, proto.KindSimple, proto.KindVerbatim:
		return true
	}
	return false
}

// message delivers one message. name is what it was subscribed by: the channel,
// or the pattern.
func (l *Lane) message(kind Kind, name, channel, payload proto.Value) (ok bool) {
	if !isString(name) || !isString(channel) || !isString(payload) {
		return false
	}
	h := l.hub
	l.takeConfirmations() // which came before it
	h.mu.Lock()
	e := h.entries[kind][name.Str()]
	if e == nil || !e.confirmed || e.lane != l {
		// The server has not taken our UNSUBSCRIBE yet: who subscribes anew is
		// confirmed behind its answer.
		e = l.leaving[kind][name.Str()]
	}
	if e == nil || !e.confirmed {
		h.mu.Unlock()
		return true // a straggler of an earlier subscription
	}
	d := Delivery{Channel: e.name.Name, Payload: payload.Str()} // e's name outlives the push
	if kind == Pattern {
		d.Channel = channel.Str()
	}
	if len(e.members) <= fewMembers {
		for _, m := range e.members {
			d.member = m
			l.collected = append(l.collected, d)
		}
		h.mu.Unlock()
		if len(l.collected) >= manyCollected {
			l.deliverCollected()
		}
		return true
	}
	members := e.members
	l.delivering.Store(e)
	h.mu.Unlock()
	defer l.delivering.Store(nil)
	l.deliverCollected()
	for _, m := range members {
		d.member = m
		l.collected = append(l.collected, d)
		if len(l.collected) >= manyCollected {
			l.deliverCollected()
		}
	}
	l.deliverCollected()
	return true
}

const (
	// manyCollected is how many deliveries are collected at most.
	manyCollected = 64
	// fewMembers is how many subscribers a name has whose messages are collected.
	fewMembers = 4
	// manyConfirmed is how many confirmations are collected at most.
	manyConfirmed = 256
)

// Delivery is a message for one subscription.
type Delivery struct {
	member  *member
	Channel string // that it was published to
	Payload string
}

// Name returns the name by which the message has come.
func (d *Delivery) Name() Name { return d.member.entry.name }

// Current reports whether the messages of a lane still count. Those of a name that another lane
// has taken over meanwhile are stragglers: the loss of that is told already, and what is
// missing comes behind them.
func (d *Delivery) Current(l *Lane) bool { return d.member.from.Load() == l }

// Left reports whether the subscription has left the name.
func (d *Delivery) Left() bool { return d.member.from.Load() == nil }

// Flush delivers what was collected, takes confirmations, and asks elsewhere for what was taken
// away.
func (l *Lane) Flush() {
	l.deliverCollected()
	l.takeConfirmations()
	if l.takenAway {
		l.takenAway = false
		l.hub.reclaim(l)
	}
}

// reclaim asks for what was taken away.
func (h *Hub) reclaim(l *Lane) {
	h.mu.Lock()
	defer h.mu.Unlock()
	moved := slices.DeleteFunc(l.moved, func(e *entry) bool {
		return e.confirmed || h.entries[e.name.Kind][e.name.Name] != e
	})
	l.moved = nil
	for _, e := range moved {
		if e.place != nil {
			delete(h.pauses, e.place.group)
		}
	}
	if len(moved) > 0 && l.link != nil {
		h.subscribe(moved, l)
	}
}

// deliverCollected delivers what was collected.
func (l *Lane) deliverCollected() {
	for rest := l.collected; len(rest) > 0; {
		rest = rest[l.deliver(rest):]
	}
	clear(l.collected)
	l.collected = l.collected[:0]
}

// deliver delivers the first of some messages, and those behind it that go to the same
// subscription. It returns how many that were.
func (l *Lane) deliver(some []Delivery) int {
	s := some[0].member.sub
	n := 1
	for n < len(some) && some[n].member.sub == s {
		n++
	}
	n, done := s.sink.Deliver(l, some[:n])
	if !done {
		l.blocked.Store(true)
		s.sink.DeliverBlocking(l, &some[n-1])
		l.blocked.Store(false)
		l.heldUp = time.Now()
	}
	return n
}

// confirmation is what the server says of one name: that it is subscribed, or that it is not any
// more.
type confirmation struct {
	name       Name
	subscribed bool
}

// collectConfirmation collects what the server says of one name. Thousands come at once after a loss,
// on several connections: with a turn of the hub's lock for each of them the readers would wait
// for each other most of the time, and on busy processors for long.
func (l *Lane) collectConfirmation(kind Kind, subscribed bool, name, count proto.Value) (ok bool) {
	l.deliverCollected() // messages came before it
	if count.Kind() != proto.KindInt {
		return false
	}
	if name.IsNull() && !subscribed {
		return true // UNSUBSCRIBE without names where there were none
	}
	if !isString(name) {
		return false
	}
	l.told = append(l.told, confirmation{Name{kind, name.Str()}, subscribed})
	if len(l.told) >= manyConfirmed {
		l.takeConfirmations()
	}
	return true
}

// takeConfirmations takes what was collected of confirmations.
func (l *Lane) takeConfirmations() {
	if len(l.told) == 0 {
		return
	}
	h := l.hub
	h.mu.Lock()
	for i := range l.told {
		if l.link != nil {
			l.takeConfirmation(l.told[i].name, l.told[i].subscribed)
		}
	}
	h.mu.Unlock()
	clear(l.told)
	l.told = l.told[:0]
	l.failLink()
}

// takeConfirmation takes one confirmation. The Hub's mu is held.
func (l *Lane) takeConfirmation(name Name, subscribed bool) {
	h := l.hub
	e := h.entries[name.Kind][name.Name]
	if !subscribed {
		if e == nil || !e.confirmed || e.lane != l {
			if e = l.leaving[name.Kind][name.Name]; e != nil {
				e.unsubscribed()
			}
		} else {
			// Not by our wish: a name that we unsubscribe leaves the entries
			// first, and is confirmed anew only behind that UNSUBSCRIBE. So
			// a shard channel's slot has moved. Ask again; who has the slot
			// now is found by the answer.
			e.takenAway(e.place != nil && l.heldUp.After(e.place.proven))
			l.moved = append(l.moved, e)
			l.takenAway = true
		}
		return
	}
	if len(l.sent) == 0 || l.sent[0].op != subscribeOp(name.Kind) {
		l.fail(protocolError("unexpected confirmation of %v %s", name.Kind, quoted(name.Name)))
		return
	}
	if e != nil && e.answered(l.sent[0]) {
		h.confirmed(e, l.sent[0])
	}
}

// confirmed takes the confirmation of an entry that r has asked for. h.mu is held.
func (h *Hub) confirmed(e *entry, r *request) {
	switch old := e.lane; {
	case !e.confirmed:
		if e.place != nil {
			delete(h.pauses, e.place.group)
			if !e.place.taken.IsZero() && h.opts.Router.Migrated(old, r.lane) {
				e.since = later(e.since, e.place.taken)
			}
		}
		e.subscribed(r.lane)
	case r.how&takingOver != 0:
		e.lost(Moved, e.place.proven, errElsewhere)
		e.subscribed(r.lane)
		old.release([]*entry{e}, nil)
	default:
		// It was asked for in several places, and another one has it already.
		r.lane.release([]*entry{e}, nil)
	}
}
