package hub

import (
	"fmt"
)

// Call is one call that subscribes, from its request for names to its return. The Hub's mu
// guards its fields.
type Call struct {
	members []*member // one for each name
	pending int       // names that wait for a confirmation
	err     error     // the first refusal
	// done is closed when there is nothing left to wait for: pending is 0 or err is set.
	done chan struct{}
}

// Done returns a channel that is closed when there is nothing left to wait for.
func (c *Call) Done() <-chan struct{} { return c.done }

func (c *Call) settled() bool { return c.pending == 0 || c.err != nil }

// acknowledged counts one confirmation.
func (c *Call) acknowledged() {
	before := c.settled()
	c.pending--
	if !before && c.settled() {
		close(c.done)
	}
}

// fail makes err the result, if there is none yet.
func (c *Call) fail(err error) {
	if !c.settled() {
		c.err = err
		close(c.done)
	}
}

// FailCalls ends all calls that wait for the server, with err. It is used if the server
// permanently refuses the connection, so that waiting does not help.
func (h *Hub) FailCalls(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, entries := range h.entries {
		for _, e := range entries {
			for _, m := range e.members {
				for _, c := range m.waiting {
					c.fail(err)
				}
			}
		}
	}
}

// Want subscribes s to names, and asks the server for those that are not subscribed yet. The
// caller waits until the Call is Done, or for a shorter time, and then calls
// [Subscriber.Settle]. While s is leaving one of the names, Want only returns the Departure to
// wait for before the caller tries again, because a subscription can be in an entry only once.
//
// The error is [ErrOver], a [*ClosedError] or a [*RefusedError].
func (s *Subscriber) Want(names []Name) (*Call, *Departure, error) {
	h := s.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.over {
		return nil, nil, ErrOver
	}
	if h.closed {
		return nil, nil, &ClosedError{h.closeErr}
	}
	for _, name := range names {
		if err := s.refused(name.Kind); err != nil {
			return nil, nil, &RefusedError{Name: name, Err: err}
		}
		if m := s.names.get(name); m != nil && m.leaving != nil {
			return nil, m.leaving, nil
		}
	}
	c := &Call{members: make([]*member, 0, len(names)), done: make(chan struct{})}
	var fresh [Kinds][]*entry
	seen := make(map[*member]struct{}, len(names))
	for _, name := range names {
		m := s.names.get(name)
		if m == nil {
			m = h.entry(name).add(s)
			s.names.add(m)
			if m.entry.confirmed {
				m.subscribed(Loss{})
			}
		}
		if _, twice := seen[m]; twice {
			continue
		}
		seen[m] = struct{}{}
		c.members = append(c.members, m)
		m.claims++
		if m.entry.confirmed {
			continue
		}
		c.pending++
		m.waiting = append(m.waiting, c)
		if len(m.entry.asked) == 0 {
			fresh[name.Kind] = append(fresh[name.Kind], m.entry)
		}
	}
	if c.pending == 0 {
		close(c.done)
	}
	for _, entries := range fresh {
		h.subscribe(entries, nil)
	}
	return c, nil, nil
}

// refused returns why s can't have names of a kind, or nil if it can.
func (s *Subscriber) refused(kind Kind) error {
	switch {
	case kind >= Kinds:
		return errNoKind
	case s.hub.opts.Router != nil && kind != Shard:
		return errNotSharded
	case s.refuse != nil:
		return s.refuse(kind)
	}
	return nil
}

// Outcome is the result of a [Call].
type Outcome struct {
	Succeeded bool // every name is acknowledged
	Err       error
	// Missing are the names that were not acknowledged, and Of is the number of names in the
	// call. Said is what a server has said about the first of them that it commented on.
	Missing []Name
	Of      int
	Said    error
	// Drains means that the subscription has no names left, so it ends after the queued
	// messages.
	Drains bool
}

// Settle ends a call. An acknowledged call has succeeded, whatever else made its caller stop
// waiting. Otherwise its names are released, except those that another call of the same
// subscription has also asked for. If all other names were unsubscribed meanwhile, that removes
// the last name.
func (s *Subscriber) Settle(c *Call) (o Outcome) {
	h := s.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	o.Succeeded = c.err == nil && c.pending == 0
	o.Err, o.Of = c.err, len(c.members)
	var gone [Kinds][]*entry
	for _, m := range c.members {
		m.claims--
		if o.Succeeded {
			m.kept = true
			continue
		}
		if !m.entry.confirmed {
			o.Missing = append(o.Missing, m.entry.name)
			if o.Said == nil {
				o.Said = m.entry.refusal
			}
		}
		m.stopWaiting(c)
		if m.active && m.leaving == nil && !m.kept && m.claims == 0 && h.leave(m, nil) {
			gone[m.entry.name.Kind] = append(gone[m.entry.name.Kind], m.entry)
		}
	}
	for _, entries := range gone {
		h.unsubscribe(entries, nil)
	}
	s.named = s.named || o.Succeeded && len(c.members) > 0
	if o.Drains = !o.Succeeded && s.named && s.names.len() == 0; o.Drains {
		h.retire(s)
	}
	return o
}

// unsubscribedMeanwhile is the error of a call whose name was unsubscribed by another call.
func unsubscribedMeanwhile(name Name) error {
	return fmt.Errorf("pubsub: %v %w", name, ErrUnsubscribed)
}
