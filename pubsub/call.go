package pubsub

import (
	"context"
	"fmt"
	"time"
)

// call is one call that subscribes, from asking for its names to its return.
// Its fields are guarded by the Hub's mu.
type call struct {
	members []*member // one for each name
	pending int       // those that wait for a confirmation
	err     error     // the first refusal
	// done is closed when there is nothing to wait for any more: pending is 0
	// or err is set.
	done chan struct{}
}

func (c *call) settled() bool { return c.pending == 0 || c.err != nil }

// acknowledged counts one confirmation.
func (c *call) acknowledged() {
	before := c.settled()
	c.pending--
	if !before && c.settled() {
		close(c.done)
	}
}

// fail makes err the result, if there is none yet.
func (c *call) fail(err error) {
	if !c.settled() {
		c.err = err
		close(c.done)
	}
}

// FailCalls ends all calls that wait for the server with err: it refuses the connection for a
// reason that does not pass by itself, so that waiting does not help.
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

// subscribeNames subscribes s to names and returns when each is acknowledged.
// If it fails it leaves nothing behind. ctx bounds this call alone.
func (h *Hub) subscribeNames(ctx context.Context, s *Subscription, names []Name) error {
	timer := time.NewTimer(s.subscribeTimeout())
	defer timer.Stop()
	ended := false
	stopped := s.signal(&s.stopped)
	wait := func(done <-chan struct{}) error {
		select {
		case <-done:
			return nil
		case <-stopped:
			ended = true
			return s.endError()
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-timer.C:
			return fmt.Errorf("%w (%v)", ErrSubscribeTimeout, s.subscribeTimeout())
		}
	}
	c, leaving, err := h.want(s, names)
	for leaving != nil {
		if cause := wait(leaving.done); ended {
			return cause
		} else if cause != nil {
			return h.unacknowledged(names, len(names), cause)
		}
		c, leaving, err = h.want(s, names)
	}
	if err != nil {
		return err
	}
	cause := wait(c.done)
	err = h.settle(s, c, cause)
	switch {
	case err == nil || !ended:
		return err
	case h.hasLink(): // or what the subscription ended with would hide why nothing was acknowledged
		return cause
	}
	return h.unacknowledged(names, len(names), cause)
}

// want makes s a member of what names name, and asks the server for what it is
// not subscribed to yet. While s is leaving one of them it does nothing but
// return the departure to wait for: a subscription is in an entry once.
func (h *Hub) want(s *Subscription, names []Name) (*call, *departure, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.over {
		return nil, nil, s.endError()
	}
	if h.closed {
		return nil, nil, h.closedError()
	}
	for _, name := range names {
		if name.Kind >= nameKinds {
			return nil, nil, &RefusedError{Name: name, Err: errNoKind}
		}
		if h.opts.Router != nil && name.Kind != NameShard {
			return nil, nil, &RefusedError{Name: name, Err: errNotSharded}
		}
		if sp := s.special; sp != nil && sp.withoutErr != nil && name.Kind == sp.without {
			return nil, nil, &RefusedError{Name: name, Err: sp.withoutErr}
		}
		if m := s.names.get(name); m != nil && m.leaving != nil {
			return nil, m.leaving, nil
		}
	}
	c := &call{members: make([]*member, 0, len(names)), done: make(chan struct{})}
	var fresh [nameKinds][]*entry
	seen := make(map[*member]struct{}, len(names))
	for _, name := range names {
		m := s.names.get(name)
		if m == nil {
			m = h.entry(name).add(s)
			s.names.add(m)
			if m.entry.confirmed {
				m.subscribed(Gap{})
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

// settle ends a call. An acknowledged one succeeds, whatever else made it stop
// waiting; if not, its names are released, but for those that another call of
// the same subscription has asked for too. Where the others were unsubscribed
// meanwhile, the last name has gone so.
func (h *Hub) settle(s *Subscription, c *call, cause error) error {
	h.mu.Lock()
	succeeded := c.err == nil && c.pending == 0
	var missing []Name
	var said error
	var gone [nameKinds][]*entry
	for _, m := range c.members {
		m.claims--
		if succeeded {
			m.kept = true
			continue
		}
		if !m.entry.confirmed {
			missing = append(missing, m.entry.name)
			if said == nil {
				said = m.entry.refusal
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
	s.named = s.named || succeeded && len(c.members) > 0
	drains := !succeeded && s.named && s.names.len() == 0
	if drains {
		h.retire(s)
	}
	refusal := c.err
	h.mu.Unlock()
	if drains {
		s.drain()
	}

	switch {
	case succeeded:
		return nil
	case refusal != nil:
		return refusal
	}
	if said != nil {
		cause = fmt.Errorf("%w; the server has said: %w", cause, said)
	}
	return h.unacknowledged(missing, len(c.members), cause)
}

// hasLink reports whether there is a link.
func (h *Hub) hasLink() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.linked()
}

// unacknowledged is the error of a call that has given up waiting for missing.
func (h *Hub) unacknowledged(missing []Name, of int, cause error) error {
	err := &UnacknowledgedError{
		Missing: len(missing), Of: of, Names: missing[:min(len(missing), 3)], Err: cause,
	}
	if !h.hasLink() {
		err.Link = h.noLink()
	}
	return err
}
