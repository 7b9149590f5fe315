package pubsub

import (
	"context"
	"fmt"
	"time"
)

// leave takes a member out of its entry, and reports whether the server is to
// be told because it was the last one. err is why, where the server wants it
// so. h.mu is held.
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
	delete(m.sub.names, e.name)
	if h.closed {
		return false // all are leaving, nobody is sent anything
	}
	e.remove(m, h.delivering.Load() == e)
	if len(e.members) > 0 {
		return false
	}
	delete(h.entries[e.name.Kind], e.name.Name)
	last = e.confirmed || e.batch != nil
	e.batch = nil
	return last
}

// unsubscribeNames takes names off s and waits up to UnsubscribeTimeout for the
// server's acknowledgement where s was the last to want one. A subscription
// without names left drains.
func (h *Hub) unsubscribeNames(ctx context.Context, s *Subscription, kind NameKind, names []string) error {
	sent, err := h.unwant(s, kind, names)
	if err != nil {
		return err
	}
	if len(sent) == 0 {
		return nil
	}
	timer := time.NewTimer(h.opts.UnsubscribeTimeout)
	defer timer.Stop()
	for _, b := range sent {
		select {
		case <-b.acked:
			if b.err != nil {
				h.opts.Logger.Warn("pubsub: unsubscribing failed",
					"command", b.op, "names", len(b.names), "error", b.err)
			}
		case <-ctx.Done():
			return fmt.Errorf("pubsub: unsubscribed, but without waiting for the acknowledgement: %w", context.Cause(ctx))
		case <-timer.C:
			h.opts.Logger.Warn("pubsub: unsubscribing not acknowledged in time",
				"command", b.op, "names", len(b.names), "timeout", h.opts.UnsubscribeTimeout)
			return nil
		}
	}
	return nil
}

// unwant is the part of unsubscribeNames that does not wait. Without names all
// those of the kind go.
func (h *Hub) unwant(s *Subscription, kind NameKind, names []string) ([]*batch, error) {
	h.mu.Lock()
	if s.over {
		h.mu.Unlock()
		return nil, s.endError()
	}
	var members []*member
	if len(names) == 0 {
		for name, m := range s.names {
			if name.Kind == kind {
				members = append(members, m)
			}
		}
	}
	for _, name := range names {
		if m := s.names[Name{kind, name}]; m != nil {
			members = append(members, m)
		}
	}
	var gone []*entry
	for _, m := range members {
		if m.active && h.leave(m, nil) {
			gone = append(gone, m.entry)
		}
	}
	sent := h.unsubscribe(gone)
	drains := len(members) > 0 && len(s.names) == 0
	if drains {
		h.retire(s)
	}
	h.mu.Unlock()
	if drains {
		s.drain()
	}
	return sent, nil
}

// release takes all names off s, which is stopping.
func (h *Hub) release(s *Subscription) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.retire(s)
	var gone [nameKinds][]*entry
	for _, m := range s.names {
		if h.leave(m, nil) {
			gone[m.entry.name.Kind] = append(gone[m.entry.name.Kind], m.entry)
		}
	}
	for _, entries := range gone {
		h.unsubscribe(entries)
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
