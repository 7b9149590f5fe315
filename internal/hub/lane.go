package hub

import (
	"slices"
	"sync/atomic"
	"time"
)

// Lane is one subscriber connection as its [Hub] sees it. It is told that there is a
// [Link] (LinkUp), what arrives on it (Push) and that it is lost (LinkLost).
//
// LinkUp, Push, Collect, Flush and LinkLost are for one goroutine at a time, the
// reader. All other methods are safe for concurrent use.
type Lane struct {
	hub  *Hub
	node string // see NewLane

	blocked atomic.Bool // see Blocked
	// delivering is the entry whose members the reader delivers to. It is set
	// with the Hub's mu held and cleared without.
	delivering atomic.Pointer[entry]

	// collected has the messages that Flush is to deliver, and told the confirmations behind
	// them; the reader's.
	collected []Delivery
	told      []confirmation
	// takenAway: Flush is to look at moved; the reader's.
	takenAway bool
	// heldUp is when a subscription last held up the reader by [Sink.DeliverBlocking]; the
	// reader's.
	heldUp time.Time
	// failing is the link that is to be told failure when the Hub's mu is released: closing a
	// connection may take its time. The reader's.
	failing Link
	failure error

	// The Hub's mu guards all that follows.

	// link is the live link, nil if there is none. linkLost is closed when it
	// is lost. failedAt is when it was told to fail.
	link     Link
	linkLost chan struct{}
	failedAt time.Time
	// sent holds the requests whose fence is not answered, in wire order.
	sent []*request
	// leaving holds the names that are being unsubscribed, as long as somebody is owed
	// what is still on the way. They are confirmed, but for one that the server
	// took away; so there is one of a name at most, because a newer entry is
	// confirmed here only behind the answer to that UNSUBSCRIBE.
	leaving [Kinds]map[string]*entry
	// moved has the names that the server took away and that are to be asked for
	// elsewhere when all that has arrived was read.
	moved []*entry
	// stale has names that the server would not unsubscribe: in a cluster that is down,
	// or while their slot moves, some refuse. It is tried again by Review.
	stale []*entry
}

// NewLane returns one more lane, without a link. It is for hubs with a [Router]. node is what
// [Sink.Confirmed] tells of names that are confirmed on it.
func (h *Hub) NewLane(node string) *Lane {
	l := &Lane{hub: h, node: node}
	for kind := range l.leaving {
		l.leaving[kind] = make(map[string]*entry)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lanes = append(h.lanes, l)
	return l
}

// Node returns what NewLane was given.
func (l *Lane) Node() string { return l.node }

// InUse reports whether a name is confirmed on the lane.
func (l *Lane) InUse() bool {
	l.hub.mu.Lock()
	defer l.hub.mu.Unlock()
	for _, entries := range l.hub.entries {
		for _, e := range entries {
			if e.confirmed && e.lane == l {
				return true
			}
		}
	}
	return false
}

// Drop takes a lane without a link off its hub for good.
func (l *Lane) Drop() {
	h := l.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lanes = slices.DeleteFunc(h.lanes, func(other *Lane) bool { return other == l })
}

// LinkUp tells that link is live, after its handshake and before its first
// push, and after LinkLost for the one before it. Everything that is wanted on this lane is
// subscribed, again or for the first time.
func (l *Lane) LinkUp(link Link) {
	h := l.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	l.link, l.linkLost, l.failedAt = link, make(chan struct{}), time.Time{}
	if h.opts.Router == nil {
		for s := range h.subs {
			s.sink.Connected()
		}
		h.seek()
		return
	}
	for group := range h.pauses { // of what may have waited for this lane
		if slices.Contains(h.opts.Router.Lanes(group), l) {
			delete(h.pauses, group)
		}
	}
	h.review(time.Time{}, nil) // something may have waited for this lane to move to it
}

// LinkLost tells that the link is gone, and that it was known to live up to
// since; the zero time stands for now. The subscriptions stay, and the gap that
// they are told of later begins at since.
func (l *Lane) LinkLost(since time.Time, err error) {
	h := l.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || l.link == nil {
		return
	}
	if since.IsZero() {
		since = time.Now()
	}
	if !l.failedAt.IsZero() && l.failedAt.Before(since) {
		since = l.failedAt
	}
	for s := range l.relied() {
		s.sink.Disconnected(l.node, err)
	}
	l.unlink()
	for kind := range h.entries {
		for _, e := range h.entries[kind] {
			e.linkLost(l, since)
		}
		for _, e := range l.leaving[kind] {
			e.linkLost(l, since)
		}
	}
	for _, r := range l.sent { // a connection that is gone is subscribed to nothing
		if r.departure != nil {
			h.answered(r.departure, nil)
		}
	}
	l.sent, l.moved, l.stale = nil, nil, nil
	if h.opts.Router != nil {
		h.seek() // it may be elsewhere by now
	}
}

// Missed says that messages of the names that are confirmed on this lane, or were until its link was
// lost, may be missing since a time, though the link lives or has lived then: the server itself may
// not have had them. The subscriptions get a Gap, or one that begins earlier. It reaches back over
// lost links, but not before the first confirmation of a name, nor before what the last call has
// told.
func (l *Lane) Missed(since time.Time) {
	h := l.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	for kind := range h.entries {
		for _, e := range h.entries[kind] {
			if e.lane == l {
				e.missed(since)
			}
		}
		for _, e := range l.leaving[kind] {
			e.missed(since)
		}
	}
}

// relied returns the subscriptions to tell of the link's loss: all of a hub with one
// lane, else those with a name that was confirmed here. The Hub's mu is held.
func (l *Lane) relied() map[*Subscriber]struct{} {
	h := l.hub
	if h.opts.Router == nil {
		return h.subs
	}
	subs := make(map[*Subscriber]struct{})
	for _, entries := range h.entries {
		for _, e := range entries {
			if e.confirmed && e.lane == l {
				for _, m := range e.members {
					subs[m.sub] = struct{}{}
				}
			}
		}
	}
	return subs
}

// unlink notes that there is no link. The Hub's mu is held.
func (l *Lane) unlink() {
	if l.link != nil {
		l.link = nil
		close(l.linkLost)
	}
}

// Blocked reports whether the reader is inside Push because a subscription
// has no room and waits for some: silence of the link means nothing then.
func (l *Lane) Blocked() bool { return l.blocked.Load() }

// fail notes that the link misbehaves; failLink tells it. The reader calls it, with the Hub's mu
// held.
func (l *Lane) fail(err error) {
	if l.link == nil || l.failing != nil {
		return
	}
	if l.failedAt.IsZero() {
		l.failedAt = time.Now()
	}
	l.failing, l.failure = l.link, err
}

// failLink tells the link that it misbehaves, if it does. The reader calls it, without locks.
func (l *Lane) failLink() {
	if l.failing != nil {
		link, err := l.failing, l.failure
		l.failing, l.failure = nil, nil
		link.Fail(err)
	}
}
