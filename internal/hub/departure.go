package hub

import (
	"slices"
	"time"
)

// Departure is one call that unsubscribes names of one subscription.
//
// Messages that the server sent before it handled the command are still on their way, and the
// subscription is owed them. So the members stay in their entries and receive messages until the
// server has answered all commands of the departure. They leave then, or when the link is lost,
// or when the call stops waiting. The Hub's mu guards the fields.
type Departure struct {
	sub        *Subscriber
	members    []*member
	asked      time.Time
	unanswered int // commands
	ended      bool
	// done is closed when the members have left. err and lost are set before that: the first
	// error from the server, and the owed messages that did not come.
	done chan struct{}
	err  error
	lost Loss
}

// Done returns a channel that is closed when the names have left.
func (d *Departure) Done() <-chan struct{} { return d.done }

// Asked returns the time when the departure began.
func (d *Departure) Asked() time.Time { return d.asked }

// Result returns the loss of owed messages that did not come, and the first error from the
// server. It may be called only after Done is closed.
func (d *Departure) Result() (lost Loss, err error) { return d.lost, d.err }

// Depart begins to remove names from s. Without names it removes all names of the kind. If there
// are none it returns nil, with ErrOver if s takes no more names. The caller waits until the
// Departure is Done, or for a shorter time, and then calls [Subscriber.Conclude].
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
		// Other subscriptions keep these names: nothing was sent, unless for another name.
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

// end makes those members of d leave that have not left yet. h.mu is held.
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

// Conclude ends a departure. If it is not Done, owed messages may be missing, which Conclude
// reports to [Sink.Owed]. drains means that the subscription has no names left, so it ends after
// the queued messages.
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

// leave removes a member from its entry, and reports whether the server must be asked to
// unsubscribe because nobody wants the name any more. err is the reason if the server caused it.
// h.mu is held.
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

// unwanted notes that one member less wants e, and reports whether it was the last one, so that
// the server must be asked to unsubscribe. h.mu is held.
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
