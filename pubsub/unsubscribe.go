package pubsub

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// departure is one call that unsubscribes names of one subscription.
//
// What the server sent before it took the command is on its way still, and owed:
// the members stay in their entries, and are delivered to, until the server has
// answered all that the departure sent. Then, or when the link is lost, or when
// the call waits no longer, they leave; the fields are guarded by the Hub's mu.
type departure struct {
	sub        *Subscription
	members    []*member
	asked      time.Time
	unanswered int // commands
	ended      bool
	// done is closed when the members have left; err and lost, set before, are the first
	// error that the server had, and what was owed and did not come.
	done chan struct{}
	err  error
	lost Gap
}

// unsubscribeNames takes names off s when the server has answered, or without
// its answer after UnsubscribeTimeout or with ctx, and then with a gap. A
// subscription without names left drains.
func (h *Hub) unsubscribeNames(ctx context.Context, s *Subscription, kind NameKind, names []string) error {
	if err := checkContext(ctx); err != nil {
		return err
	}
	d, err := h.depart(s, kind, names)
	if d == nil {
		return err
	}
	defer h.conclude(d)
	if err := s.awaitDeparture(ctx, d); err != nil {
		return &IncompleteError{Gap{Reason: Closed, From: d.asked, To: time.Now()}, err}
	}
	if d.err != nil {
		h.opts.Logger.Warn("pubsub: unsubscribing failed", "error", d.err)
	}
	switch err := s.Err(); {
	case err != nil: // it did not drain, but was ended
		return err
	case d.lost.Reason&Reconnect != 0:
		return &IncompleteError{d.lost, errLostUnanswered}
	case d.lost.Reason != 0:
		return &IncompleteError{d.lost, errTakenAway}
	}
	return nil
}

// awaitDeparture waits for the server's answers. Time in which the subscription itself holds up
// the reader of these answers does not count.
func (s *Subscription) awaitDeparture(ctx context.Context, d *departure) error {
	began, heldBefore := time.Now(), s.heldUp()
	timer := time.NewTimer(s.unsubscribeTimeout())
	defer timer.Stop()
	for {
		var err error
		select {
		case <-d.done:
			return nil
		case <-ctx.Done():
			err = context.Cause(ctx)
		case <-timer.C:
			waited := time.Since(began) - (s.heldUp() - heldBefore)
			if left := s.unsubscribeTimeout() - waited; left > 0 {
				timer.Reset(left)
				continue
			}
			err = fmt.Errorf("%w (%v)", ErrSubscribeTimeout, s.unsubscribeTimeout())
		}
		select {
		case <-d.done: // which beats the end of the waiting
			return nil
		default:
			return err
		}
	}
}

// depart is the part of unsubscribeNames before the waiting. Without names all
// those of the kind go; where there are none, nil is returned.
func (h *Hub) depart(s *Subscription, kind NameKind, names []string) (*departure, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	members := s.members(kind, names)
	switch {
	case len(members) == 0 && s.over:
		return nil, s.endError()
	case len(members) == 0:
		return nil, nil
	}
	d := &departure{sub: s, asked: time.Now(), done: make(chan struct{})}
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

// members returns the members that names stand for, all of the kind if there
// are no names. The Hub's mu is held.
func (s *Subscription) members(kind NameKind, names []string) []*member {
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

// answered notes that the server has answered one command of d. h.mu is held.
func (h *Hub) answered(d *departure, err error) {
	if d.err == nil {
		d.err = err
	}
	if d.unanswered--; d.unanswered == 0 {
		h.end(d)
	}
}

// end lets the members of d leave that have not left yet. h.mu is held.
func (h *Hub) end(d *departure) {
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

// conclude is the part of unsubscribeNames after the waiting. If d has not
// ended, what was owed may be missing, and is told as a gap.
func (h *Hub) conclude(d *departure) {
	s := d.sub
	h.mu.Lock()
	if slices.ContainsFunc(d.members, func(m *member) bool { return m.active }) {
		s.missed(Gap{Reason: Closed, From: d.asked, To: time.Now()})
	}
	h.end(d)
	drains := s.names.len() == 0
	if drains {
		h.retire(s)
	}
	h.mu.Unlock()
	if drains {
		s.drain()
	}
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
			c.fail(fmt.Errorf("pubsub: %v %w", e.name, errUnsubscribed))
		}
	}
	m.waiting = nil
	m.sub.nameLeft(m, err)
	m.sub.names.remove(e.name)
	m.sub.handlerLeft(e.name)
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

// release takes all names off s, which is stopping.
func (h *Hub) release(s *Subscription) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.retire(s)
	var gone [nameKinds][]*entry
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
func (h *Hub) retire(s *Subscription) {
	if !s.over {
		s.over = true
		h.live--
	}
}

// forget drops s, which has ended.
func (h *Hub) forget(s *Subscription) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.subs, s)
}
