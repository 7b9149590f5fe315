package hub

import (
	"context"
	"slices"
	"time"
)

// Subscriber is one subscription as its hub knows it: which names it wants. Whoever makes it
// keeps it in a place that does not move, and gives it to its hub by [Hub.Add].
//
// The hub's mu guards all fields but hub, sink and refuse, which Add sets, and those that
// belong to lives.
type Subscriber struct {
	hub    *Hub
	sink   Sink
	refuse func(Kind) error // see [Plan]

	// leaving counts those of the names that are being unsubscribed. named: a call that
	// subscribes has succeeded. over: no names are added any more, the subscription is on
	// its way to its end.
	names   nameSet
	leaving int
	named   bool
	over    bool

	// life is the Done channel of the context, nil without. forgotten: it has
	// come to its end. The mu of lives guards both.
	life      <-chan struct{}
	forgotten bool
}

// Sink is where a hub brings what concerns one subscription.
//
// Deliver and DeliverBlocking are called by the reader of a lane, without locks held. Stop,
// LifeOver and Done are called by any goroutine, without locks held. All others are called
// with the hub's mu held, so they take no lock but one that nobody holds who calls the hub.
type Sink interface {
	// Deliver takes the first of some messages, and those behind it, or drops them as its
	// policy says. It returns how many it has come to. It never waits: if it is to, for
	// the last of these, done is false, and DeliverBlocking does. A message counts only
	// where it is [Delivery.Current], which Deliver asks when no call of Left can come in
	// between.
	Deliver(l *Lane, some []Delivery) (n int, done bool)
	// DeliverBlocking waits for room for a message.
	DeliverBlocking(l *Lane, d *Delivery)

	// Confirmed says that the server of a node sends the messages of a name. loss is what
	// was missed, where the name was confirmed before.
	Confirmed(name Name, node string, loss Loss)
	// Lost says that a name which was confirmed on a node is not any more. err is nil
	// where not this name but its link was lost, of which Disconnected tells.
	Lost(name Name, node string, err error)
	// Left says that nothing is delivered for a name any more. joined: it was confirmed
	// before; then loss is zero if it is so still. err is why, where it is not by the
	// subscription's wish.
	Left(name Name, joined bool, loss Loss, err error)
	// Missed says that messages are missing behind what has arrived.
	Missed(loss Loss)
	// Owed says that a call which unsubscribes has stopped waiting for messages that were
	// owed to it since it began.
	Owed(since time.Time)
	// Connected and Disconnected tell of the link of a lane.
	Connected()
	Disconnected(node string, err error)

	// Stop makes the subscription end with err, and does not wait. LifeOver is Stop because
	// the context has ended that was given to [Subscriber.Live]. Done is closed when it has ended.
	Stop(err error)
	LifeOver(ctx context.Context)
	Done() <-chan struct{}
}

// Plan is what the options of a subscription ask of the client that makes it.
type Plan struct {
	// Own: it may hold up the reader of its connection, and shares it with no other.
	Own bool
	// Shards and Others: it has names that are shard channels, and others.
	Shards, Others bool

	// Refuse is set by the client where it has only names of some kinds: it returns the
	// error for a kind, nil for one that can be had.
	Refuse func(Kind) error
}

// Opener returns the hub for a subscription, which has or soon gets a link. release is called
// when the subscription was made, or was not; it is not nil where err is nil.
type Opener func(p *Plan) (h *Hub, release func(), err error)

// Observer learns where the names of one subscription are. Package sharded has one, and gives it
// to pubsub as a part of an option. Its methods are called with the hub's mu and the
// subscription's held, and must not wait.
type Observer interface {
	// Confirmed, Lost and Left are those of [Sink]; Left only for names that were confirmed.
	Confirmed(name Name, node string, loss Loss)
	Lost(name Name)
	Left(name Name)
	// Ended says that the subscription has ended.
	Ended()
}

// Carrier is what the client of a cluster needs of the clients of its nodes.
type Carrier interface {
	// Open is an [Opener] for subscriptions on that node.
	Open(p *Plan) (h *Hub, release func(), err error)
	// Carry keeps a subscriber connection for a lane of a hub that spans several servers.
	// It connects at once, and again whenever the connection is lost, until stop is called
	// or the client is closed. stop waits until nothing of it is left, and may be called
	// again.
	Carry(lane *Lane) (stop func(), err error)
	// Missed says that messages may be missing in the subscriptions of that node since a
	// time, though their connections live, see [Lane.Missed].
	Missed(since time.Time)
}

// Add adds a subscription without names, whose messages go to sink. It is the first call with
// s, and fails with a [*ClosedError].
func (h *Hub) Add(s *Subscriber, sink Sink, refuse func(Kind) error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	s.hub, s.sink, s.refuse = h, sink, refuse
	if h.closed {
		return &ClosedError{h.closeErr}
	}
	h.subs[s] = struct{}{}
	h.live++
	return nil
}

// Whether calls f, while no name comes or goes, with whether s is subscribed to a name, or is
// subscribing or unsubscribing.
func (s *Subscriber) Whether(name Name, f func(subscribed bool)) {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	f(s.names.get(name) != nil)
}

// Names returns what s is subscribed to, in no order. A name that is being unsubscribed is
// there until it has gone.
func (s *Subscriber) Names() []Name {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	var names []Name
	for _, m := range s.names.all() {
		names = append(names, m.entry.name)
	}
	return names
}

// members returns the members that names stand for, all of the kind if there
// are no names. The Hub's mu is held.
func (s *Subscriber) members(kind Kind, names []string) []*member {
	var members []*member
	if len(names) == 0 {
		for _, m := range s.names.all() {
			if m.entry.name.Kind == kind {
				members = append(members, m)
			}
		}
	}
	for _, name := range names {
		if m := s.names.get(Name{kind, name}); m != nil {
			members = append(members, m)
		}
	}
	return members
}

// Release takes all names off s, which is stopping.
func (s *Subscriber) Release() {
	h := s.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	h.retire(s)
	var gone [Kinds][]*entry
	for _, m := range s.names.all() {
		if h.leave(m, nil) {
			gone[m.entry.name.Kind] = append(gone[m.entry.name.Kind], m.entry)
		}
	}
	for _, entries := range gone {
		h.unsubscribe(entries, nil)
	}
}

// retire notes that s is on its way to its end: it takes no more names. h.mu is
// held.
func (h *Hub) retire(s *Subscriber) {
	if !s.over {
		s.over = true
		h.live--
	}
}

// Forget drops s, which has ended. It is the last call with s.
func (s *Subscriber) Forget() {
	h := s.hub
	h.lives.end(s)
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.subs, s)
}

// Ping sends a PING with data, and returns what is closed when the link is lost that it went
// over: that of a name of s where there is one. done is called when it is answered. The error
// is ErrNoLink, or a [*ClosedError].
func (s *Subscriber) Ping(data string, done func(error)) (lost <-chan struct{}, err error) {
	h := s.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	l := s.linked()
	switch {
	case h.closed:
		return nil, &ClosedError{h.closeErr}
	case l == nil:
		return nil, ErrNoLink
	}
	l.link.Ping(data, done)
	return l.linkLost, nil
}

// linked returns a lane with a link: one that a name of the subscription is confirmed on,
// where there is one. nil: there is no link. The Hub's mu is held.
func (s *Subscriber) linked() *Lane {
	for _, m := range s.names.all() {
		if m.entry.confirmed && m.entry.lane.link != nil {
			return m.entry.lane
		}
	}
	if i := slices.IndexFunc(s.hub.lanes, func(l *Lane) bool { return l.link != nil }); i >= 0 {
		return s.hub.lanes[i]
	}
	return nil
}
