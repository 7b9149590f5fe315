package hub

import (
	"slices"
	"sync/atomic"
	"time"
)

// entry is one name that some subscription wants: the desired state at the server, and what is
// known about the actual state. It is in Hub.entries as long as it is wanted. After that
// UNSUBSCRIBE is sent, and members that are owed messages from before that keep the entry in
// Lane.leaving.
//
// All fields are guarded by the Hub's mu.
type entry struct {
	name Name
	// members is in no order. The reader delivers to the members as of the time of the push,
	// without the lock. So while Hub.delivering is this entry, members may be appended to, but
	// is copied for a removal.
	members []*member
	wanted  int // the number of members that are not leaving

	// confirmed means that the server of lane sends the name's messages, according to its
	// subscribe push. Messages of an entry that is not confirmed, and messages from other lanes,
	// are stragglers of an earlier subscription, and are not delivered.
	confirmed bool
	lane      *Lane // where it is, or was last, confirmed; nil if never
	// asked has the unanswered SUBSCRIBEs for the name, at most one for each lane. No other
	// request can confirm it: with UNSUBSCRIBE x, SUBSCRIBE x in flight, an older confirmation
	// of x would hide the window in between.
	asked []*request
	// refusal is the last reply of a server that does not serve the name now.
	refusal error
	// place is set for hubs with a Router, and nil for others.
	place *place

	// since and reason describe the loss of an entry that was confirmed and is not now. reason
	// is 0 for an entry that was never confirmed. While the entry is confirmed, since is the
	// time of the confirmation, and no loss begins before it.
	since  time.Time
	reason Reason
	// told is when the name was first confirmed, or the time up to which missed has reported
	// losses, if that is later.
	told time.Time

	// farewell is when the server first said that a leaving entry is unsubscribed. That answers
	// our UNSUBSCRIBE, unless the server says so again: then it had taken the name away before.
	farewell time.Time
}

// place says where a name is, among several lanes.
type place struct {
	// group is the group whose names may share a command. hops is how many times in a row a
	// server has named another lane.
	group, hops int
	// proven is when another node last confirmed that the lane serves the name, or when the name
	// was confirmed, if that is later.
	proven time.Time
	// taken is when the server took the name away, if it has not been confirmed since. It is
	// zero if that news may be old.
	taken time.Time
}

// member is one subscription's part in one entry.
type member struct {
	entry *entry
	sub   *Subscriber
	index int // in entry.members; guarded by the Hub's mu

	// joined means that the entry was confirmed since this member joined it, so the subscription
	// relies on it. Guarded by the Hub's mu.
	joined bool
	// kept means that a subscribe call for the name has succeeded. Otherwise the member goes
	// when the last of the calls gives up. Guarded by the Hub's mu.
	kept bool
	// claims counts the unfinished calls for the name. waiting are those of them that wait for a
	// confirmation. Guarded by the Hub's mu.
	claims  int
	waiting []*Call

	// leaving is the call that unsubscribes it, nil as long as it stays. A leaving member never
	// comes back: a caller that subscribes again waits for its end. Guarded by the Hub's mu.
	leaving *Departure

	// active means that the subscription has not left the entry. Guarded by the Hub's mu.
	active bool
	// from is the lane whose messages are delivered: the entry's lane at its last confirmation.
	// It is nil before the first confirmation, and after the subscription has left. It is
	// written with the Hub's mu held, before the Sink is called.
	from atomic.Pointer[Lane]
}

// askedOn reports whether a SUBSCRIBE for e is on its way on a lane.
func (e *entry) askedOn(l *Lane) bool {
	return slices.ContainsFunc(e.asked, func(r *request) bool { return r.lane == l })
}

// answered removes r from the asked requests, and reports whether it was one of them.
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

// subscribed notes that the server of a lane has confirmed e.
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

// lost notes that e, which was confirmed, no longer is. err is reported with an event if only
// this name was lost, and not the link.
func (e *entry) lost(reason Reason, since time.Time, err error) {
	if e.place != nil && since.Sub(e.place.proven) > unproven {
		since = e.place.proven // it may have been cut off from the others, and have noticed only now
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
// that was cut off while another took its place says so when it is back. So the loss begins when
// the place was last proven, unless it turns out that the slot was only migrated. late means
// that the news may have waited for the reader.
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

// missed notes that messages may be missing since a time. If e is confirmed, it stays so, and
// its subscriptions are notified. Otherwise the loss that they get with the next confirmation
// begins earlier.
func (e *entry) missed(since time.Time) {
	now := time.Now()
	since = later(since, e.told)
	switch {
	case e.confirmed:
		loss := Loss{Reason: Reconnect, From: since, To: now}
		e.since = now // everything before is reported
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

// unproven is how long a lane's claim to serve a name is believed without another node's
// confirmation. It is longer than the time between two views of a [Router] should be.
const unproven = 15 * time.Second

// linkLost notes that a lane's link is gone, which was last known to be alive at since.
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

// unsubscribed notes that the server has said that a leaving entry is unsubscribed. It says so
// once because we asked.
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

// unsubscribeRefused notes that UNSUBSCRIBE was answered with an error. If the server said
// before that e is unsubscribed, it was not because we asked.
func (e *entry) unsubscribeRefused() {
	if !e.farewell.IsZero() {
		e.unsubscribed()
	}
}

// subscribed notifies the member's subscription and calls. loss is what a member that relied on
// the entry has missed.
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

// remove removes m from e; the last member takes its place.
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

// loss returns the loss of a member that leaves a lost entry.
func (m *member) loss() Loss {
	e := m.entry
	if !m.joined || e.confirmed {
		return Loss{}
	}
	return Loss{Reason: e.reason, From: e.since, To: time.Now()}
}

// stopWaiting removes c from the calls that wait for m.
func (m *member) stopWaiting(c *Call) {
	if i := slices.Index(m.waiting, c); i >= 0 {
		m.waiting = slices.Delete(m.waiting, i, i+1)
	}
}

// entry returns the entry of a name, and creates it if necessary. h.mu is held.
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
