package hub

import (
	"slices"
	"sync/atomic"
	"time"
)

// entry is one name that some subscription wants: what the server is to do, and
// what is known of what it does. It is in Hub.entries as long as it is wanted.
// When it no longer is, UNSUBSCRIBE is sent; members that are owed what the
// server sent before that keep it in Hub.leaving.
//
// All fields are guarded by the Hub's mu.
type entry struct {
	name Name
	// members is in no order. The reader delivers to it as it was at the time
	// of the push, without the lock: while Hub.delivering is this entry, it is
	// appended to, but copied for a removal.
	members []*member
	wanted  int // the members that are not leaving

	// confirmed: the server of lane sends us the name's messages, as of the subscribe
	// push. Messages of an entry that is not confirmed, and those of other lanes, are
	// stragglers of an earlier subscription, and not delivered.
	confirmed bool
	lane      *Lane // where it is confirmed, or was last; nil for never
	// asked has the SUBSCRIBEs sent for the name, one for each lane at most, until they
	// are answered. No other request can confirm it: with UNSUBSCRIBE x, SUBSCRIBE x in
	// flight, an older confirmation of x would hide the window in between.
	asked []*request
	// refusal is what a server that does not serve the name now has said last.
	refusal error
	// place is for hubs with a Router, nil for others.
	place *place

	// since and reason describe the loss of an entry that was confirmed and is
	// not now. reason is 0 for an entry that never was. While it is confirmed, since
	// is when that was said, before which no loss begins.
	since  time.Time
	reason Reason
	// told is when the name was first confirmed, or until when missed has told all, if that was
	// later.
	told time.Time

	// farewell is when the server first said of a leaving entry that it is
	// unsubscribed. That answers our UNSUBSCRIBE, unless it says so again: then
	// it has taken the name away before.
	farewell time.Time
}

// place is where a name is among several lanes.
type place struct {
	// group is what its commands may be sent together with, hops how often in a row
	// another lane was said to have it.
	group, hops int
	// proven is when it was last known from elsewhere that the lane serves the name, or
	// when it was confirmed, if that was later.
	proven time.Time
	// taken is when the server took the name away, which is not confirmed since; zero where
	// that news may be old.
	taken time.Time
}

// member is the part of one subscription in one entry.
type member struct {
	entry *entry
	sub   *Subscriber
	index int // in entry.members; guarded by the Hub's mu

	// joined: the entry was confirmed since this member is in it, so the
	// subscription relies on it. Guarded by the Hub's mu.
	joined bool
	// kept: a subscribe call that named it has succeeded; if not, it goes when
	// the last of the calls gives up. Guarded by the Hub's mu.
	kept bool
	// claims counts the unfinished calls that name it, and waiting are those of
	// them that wait for a confirmation. Guarded by the Hub's mu.
	claims  int
	waiting []*Call

	// leaving is the call that unsubscribes it, nil as long as it stays. It never
	// comes back: who subscribes again waits for its end. Guarded by the Hub's mu.
	leaving *Departure

	// active: the subscription has not left the entry. Guarded by the Hub's mu.
	active bool
	// from is the lane whose messages are delivered: the entry's, as of its last
	// confirmation; nil before the first, and for good when the subscription has left.
	// Written with the Hub's mu held, before the Sink is told.
	from atomic.Pointer[Lane]
}

// askedOn reports whether a SUBSCRIBE for e is on its way on a lane.
func (e *entry) askedOn(l *Lane) bool {
	return slices.ContainsFunc(e.asked, func(r *request) bool { return r.lane == l })
}

// answered takes r out of what is asked, and reports whether it was in it.
func (e *entry) answered(r *request) bool {
	i := slices.Index(e.asked, r)
	switch {
	case i < 0:
		return false
	case len(e.asked) == 1:
		e.asked = nil
	default:
		e.asked = slices.Delete(e.asked, i, i+1)
	}
	return true
}

// subscribed notes that e's server-side subscription is confirmed on a lane.
func (e *entry) subscribed(l *Lane) {
	now := time.Now()
	loss := Loss{Reason: e.reason, From: e.since, To: now}
	e.confirmed, e.lane, e.refusal = true, l, nil
	if e.place != nil {
		e.place.hops, e.place.proven, e.place.taken = 0, now, time.Time{}
	}
	e.since, e.reason = now, 0
	if e.told.IsZero() {
		e.told = now
	}
	for _, m := range e.members {
		m.subscribed(loss)
	}
}

// lost notes that e, which was confirmed, is not any more. The error is told
// with an event where only this name was lost, not the link.
func (e *entry) lost(reason Reason, since time.Time, err error) {
	if e.place != nil && since.Sub(e.place.proven) > unproven {
		since = e.place.proven // it may have been cut off from the others, and have found out now
	}
	if since.Before(e.since) {
		since = e.since // the lane may have been proven earlier than the name was confirmed
	}
	e.confirmed = false
	e.since, e.reason = since, reason
	for _, m := range e.members {
		m.sub.sink.Lost(e.name, e.lane.node, err)
	}
}

// takenAway notes that the server has taken e away. In a cluster that may be old news: a primary
// that was cut off while another one took its place says so when it is back. So the loss begins
// when the place was last proven, unless it turns out that the slot has only been migrated.
// late: the news may have waited for the reader.
func (e *entry) takenAway(late bool) {
	now := time.Now()
	if e.place == nil {
		e.lost(Moved, now, errTakenAway)
		return
	}
	e.lost(Moved, e.place.proven, errTakenAway)
	if !late && now.Sub(e.place.proven) <= unproven {
		e.place.taken = now
	}
}

// missed notes that messages may be missing since a time. Where e is confirmed, which it stays, its
// subscriptions are told; else the loss that they get when it is confirmed again begins earlier.
func (e *entry) missed(since time.Time) {
	now := time.Now()
	since = later(since, e.told)
	switch {
	case e.confirmed:
		loss := Loss{Reason: Reconnect, From: since, To: now}
		e.since = now // all before is told
		for _, m := range e.members {
			if m.joined {
				m.sub.sink.Missed(loss)
			}
		}
	case e.reason == 0:
		return
	case since.Before(e.since):
		e.since = since
	}
	e.told = now
}

// unproven is how long nobody else may have said of a lane that it serves a name before its own
// word counts for nothing: longer than there should be between two views of a [Router].
const unproven = 15 * time.Second

// linkLost notes that the link of a lane is gone, which was known to live up to since.
func (e *entry) linkLost(l *Lane, since time.Time) {
	e.asked = slices.DeleteFunc(e.asked, func(r *request) bool { return r.lane == l })
	switch {
	case e.lane != l:
	case e.confirmed:
		e.lost(Reconnect, since, nil)
	case e.reason != 0:
		e.reason |= Reconnect
	}
}

// unsubscribed notes that the server says of a leaving entry that it is
// unsubscribed, which it says once by our wish.
func (e *entry) unsubscribed() {
	switch {
	case e.farewell.IsZero():
		e.farewell = time.Now()
	case e.confirmed && e.place != nil:
		e.lost(Moved, e.place.proven, nil) // see takenAway
	case e.confirmed:
		e.lost(Moved, e.farewell, nil)
	}
}

// unsubscribeRefused notes that UNSUBSCRIBE was answered with an error. If the
// server said before that e is unsubscribed, it was not by our wish.
func (e *entry) unsubscribeRefused() {
	if !e.farewell.IsZero() {
		e.unsubscribed()
	}
}

// subscribed tells the member's subscription and calls. loss is what a member
// that relied on the entry has missed.
func (m *member) subscribed(loss Loss) {
	m.from.Store(m.entry.lane)
	if !m.joined {
		loss = Loss{} // nothing was owed to it yet
	}
	m.sub.sink.Confirmed(m.entry.name, m.entry.lane.node, loss)
	m.joined = true
	for _, c := range m.waiting {
		c.acknowledged()
	}
	m.waiting = nil
}

// add makes s a member of e.
func (e *entry) add(s *Subscriber) *member {
	m := &member{entry: e, sub: s, index: len(e.members), active: true}
	e.members = append(e.members, m)
	e.wanted++
	return m
}

// remove takes m out of e; the last member gets its place.
func (e *entry) remove(m *member, delivering bool) {
	if delivering {
		e.members = slices.Clone(e.members)
	}
	last := len(e.members) - 1
	e.members[m.index] = e.members[last]
	e.members[m.index].index = m.index
	e.members[last] = nil
	e.members = e.members[:last]
}

// loss returns the loss of a member that leaves an entry which is lost.
func (m *member) loss() Loss {
	e := m.entry
	if !m.joined || e.confirmed {
		return Loss{}
	}
	return Loss{Reason: e.reason, From: e.since, To: time.Now()}
}

// stopWaiting takes c out of the calls that wait for m.
func (m *member) stopWaiting(c *Call) {
	if i := slices.Index(m.waiting, c); i >= 0 {
		m.waiting = slices.Delete(m.waiting, i, i+1)
	}
}

// entry returns the entry of a name, and makes it if need be. h.mu is held.
func (h *Hub) entry(name Name) *entry {
	e := h.entries[name.Kind][name.Name]
	if e == nil {
		e = &entry{name: name}
		if h.opts.Router != nil {
			e.place = &place{group: h.opts.Router.Group(name)}
		}
		h.entries[name.Kind][name.Name] = e
	}
	return e
}
