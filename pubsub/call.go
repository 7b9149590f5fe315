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
	// or err is set. It is nil for a call that needed not wait at all.
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

// subscribeNames subscribes s to names and returns when each is acknowledged.
// If it fails it leaves nothing behind. ctx bounds this call alone.
func (h *Hub) subscribeNames(ctx context.Context, s *Subscription, names []Name) error {
	c, err := h.want(s, names)
	if err != nil {
		return err
	}
	var cause error
	ended := false
	if c.done != nil {
		timer := time.NewTimer(h.opts.SubscribeTimeout)
		defer timer.Stop()
		select {
		case <-c.done:
		case <-s.stopped:
			ended = true
		case <-ctx.Done():
			cause = context.Cause(ctx)
		case <-timer.C:
			cause = fmt.Errorf("%w (%v)", ErrSubscribeTimeout, h.opts.SubscribeTimeout)
		}
	}
	err = h.settle(c, cause)
	if err != nil && ended {
		return s.endError()
	}
	return err
}

// want makes s a member of what names name, and asks the server for what it is
// not subscribed to yet.
func (h *Hub) want(s *Subscription, names []Name) (*call, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.over {
		return nil, s.endError()
	}
	if h.closed {
		return nil, h.closedError()
	}
	c := &call{members: make([]*member, 0, len(names))}
	var fresh [nameKinds][]*entry
	seen := make(map[*member]struct{}, len(names))
	for _, name := range names {
		m := s.names[name]
		if m == nil {
			m = h.entry(name).add(s)
			s.names[name] = m
			if m.entry.confirmed {
				m.subscribed(nil)
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
		if m.entry.batch == nil {
			fresh[name.Kind] = append(fresh[name.Kind], m.entry)
		}
	}
	if c.pending > 0 {
		c.done = make(chan struct{})
	}
	for _, entries := range fresh {
		h.subscribe(entries)
	}
	return c, nil
}

// settle ends a call. An acknowledged one succeeds, whatever else made it stop
// waiting; if not, its names are released, but for those that another call of
// the same subscription has asked for too.
func (h *Hub) settle(c *call, cause error) error {
	h.mu.Lock()
	succeeded := c.err == nil && c.pending == 0
	var missing []Name
	var gone [nameKinds][]*entry
	for _, m := range c.members {
		m.claims--
		if succeeded {
			m.kept = true
			continue
		}
		if !m.entry.confirmed {
			missing = append(missing, m.entry.name)
		}
		m.stopWaiting(c)
		if m.active && !m.kept && m.claims == 0 && h.leave(m, nil) {
			gone[m.entry.name.Kind] = append(gone[m.entry.name.Kind], m.entry)
		}
	}
	for _, entries := range gone {
		h.unsubscribe(entries)
	}
	linked := h.link != nil
	refusal := c.err
	h.mu.Unlock()

	switch {
	case succeeded:
		return nil
	case refusal != nil:
		return refusal
	}
	err := &UnacknowledgedError{
		Missing: len(missing), Of: len(c.members), Names: missing[:min(len(missing), 3)], Err: cause,
	}
	if !linked {
		err.Link = h.noLink()
	}
	return err
}
