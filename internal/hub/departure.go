package hub

import (
	"slices"
	"time"
)

// Departure is one call that unsubscribes names of one subscription.
//
// What the server sent before it took the command is on its way still, and owed:
// the members stay in their entries, and are delivered to, until the server has
// answered all that the departure sent. Then, or when the link is lost, or when
// the call waits no longer, they leave; the fields are guarded by the Hub's mu.
type Departure struct {
	sub        *Subscriber
	members    []*member
	asked      time.Time
	unanswered int // commands
	ended      bool
	// done is closed when the members have left; err and lost, set before, are the first
	// error that the server had, and what was owed and did not come.
	done chan struct{}
	err  error
	lost Loss
}

// Done is closed when the names have left.
func (d *Departure) Done() <-chan struct{} { return d.done }

// Asked returns when the departure began.
func (d *Departure) Asked() time.Time { return d.asked }

// Result returns what was owed and did not come, and the first error that the server had. It
// is for whoever has seen that the departure is Done.
func (d *Departure) Result() (lost Loss, err error) { return d.lost, d.err }

// Depart begins to take names off s. Without names all those of the kind go; where there are
// none, nil is returned, with ErrOver where s takes no more names. Whoever calls waits for the
// Departure to be Done, or not so long, and then calls [Subscriber.Conclude].
func (s *Subscriber) Depart(kind Kind, names []string) (*Departure, error) {
	h := s.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	members := s.members(kind, names)
	switch {
	case len(members) == 0 && s.over:
		return nil, ErrOver
	case len(members) == 0:
		return nil, nil
	}
	d := &Departure{sub: s, asked: time.Now(), done: make(chan struct{})}
	var gone []*entry
	for _, m := range members {
		switch {
		case !m.active || m.leaving == d:
			// named twice
		case m.leaving != nil:
			d.members = append(d.members, m) // the other call's answer comes first
		case !m.entry.confirmed:
			if h.leave(m, nil) { // nothing is owed but the loss
				gone = append(gone, m.entry)
			}
		default:
			d.members = append(d.members, m)
			m.leaving = d
			s.leaving++
			if h.unwanted(m.entry) {
				gone = append(gone, m.entry)
			}
		}
	}
	h.unsubscribe(gone, d)
	for _, m := range d.members {
		// Names that others stay with: nothing was sent, unless for another name.
		if l := m.entry.lane; l.link != nil && (len(l.sent) == 0 || l.sent[len(l.sent)-1].departure != d) {
			l.ping(d)
		}
	}
	if d.unanswered == 0 {
		h.end(d)
	}
	if s.names.len() == s.leaving {
		h.retire(s)
	}
	return d, nil
}

// answered notes that the server has answered one command of d. h.mu is held.
func (h *Hub) answered(d *Departure, err error) {
	if d.err == nil {
		d.err = err
	}
	if d.unanswered--; d.unanswered == 0 {
		h.end(d)
	}
}

// end lets the members of d leave that have not left yet. h.mu is held.
func (h *Hub) end(d *Departure) {
	if d.ended {
		return
	}
	d.ended = true
	for _, m := range d.members {
		if m.active {
			d.lost.merge(m.loss())
			h.leave(m, nil)
		}
	}
	close(d.done)
}

// Conclude ends a departure. If it is not Done, what was owed may be missing, which
// [Sink.Owed] is told. drains: the subscription has no names left, so that it ends with what is
// queued.
func (s *Subscriber) Conclude(d *Departure) (drains bool) {
	h := s.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if slices.ContainsFunc(d.members, func(m *member) bool { return m.active }) {
		s.sink.Owed(d.asked)
	}
	h.end(d)
	if drains = s.names.len() == 0; drains {
		h.retire(s)
	}
	return drains
}

// leave takes a member out of its entry, and reports whether the server is to
// be told because nobody wants the name any more. err is why, where the server
// wants it so. h.mu is held.
func (h *Hub) leave(m *member, err error) (last bool) {
	e := m.entry
	for _, c := range m.waiting {
		if err != nil {
			c.fail(err)
		} else {
			c.fail(unsubscribedMeanwhile(e.name))
		}
	}
	m.waiting = nil
	m.active = false
	m.from.Store(nil)
	m.sub.sink.Left(e.name, m.joined, m.loss(), err)
	m.sub.names.remove(e.name)
	if m.leaving != nil {
		m.sub.leaving--
	}
	if h.closed {
		return false // all are leaving, nobody is sent anything
	}
	e.remove(m, h.delivers(e))
	if m.leaving == nil {
		return h.unwanted(e)
	}
	if len(e.members) == 0 && e.lane != nil && e.lane.leaving[e.name.Kind][e.name.Name] == e {
		delete(e.lane.leaving[e.name.Kind], e.name.Name)
	}
	return false
}

// unwanted notes that one member less wants e, and reports whether the server
// is to be told because it was the last one. h.mu is held.
func (h *Hub) unwanted(e *entry) (last bool) {
	if e.wanted--; e.wanted > 0 {
		return false
	}
	delete(h.entries[e.name.Kind], e.name.Name)
	if e.confirmed && len(e.members) > 0 {
		e.lane.leaving[e.name.Kind][e.name.Name] = e
	}
	return e.confirmed || len(e.asked) > 0
}
