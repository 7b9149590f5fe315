package hub

import (
	"slices"
	"time"
)

// Router says which names go over which lanes of a hub that has several, one for each node
// of a cluster. Its methods are called with the hub's lock held: they don't block and don't
// call the hub.
type Router interface {
	// Group returns the group of a name: names of different groups don't go into one
	// command.
	Group(name Name) int
	// Lanes returns the lanes that may serve a group, the best first, which is asked.
	Lanes(group int) []*Lane
	// Everywhere returns the lanes on which a group may be that from has just taken
	// away: nobody has said where to. All are asked at once, and the first to confirm
	// it has it.
	Everywhere(group int, from *Lane) []*Lane
	// Migrated reports whether a name that from has taken away, and to has confirmed, has
	// only been handed over by a server that was in its place until then. Where it has not
	// certainly, from may have lost its place before it said so.
	Migrated(from, to *Lane) bool
	// Refused is told that a lane does not serve a group, and err, which says who
	// does. It returns the lane to ask next, or nil for none that is known.
	Refused(from *Lane, group int, err error) *Lane
	// Seeking is told that there are names which nobody was asked for: [Hub.Seek] is
	// to come.
	Seeking()
	// Pause returns how long a group is not asked for after it was found nowhere so many
	// times in a row.
	Pause(failures int) time.Duration
}

// pause is a time in which a group is not asked for again, because nobody has served it.
type pause struct {
	failures int // in a row
	until    time.Time
}

// pauseLasts is how long after its last pause a group's failures count as being in a row.
const pauseLasts = 10 * time.Second

// failed has a group pause that nobody serves. h.mu is held.
func (h *Hub) failed(group int) {
	p := h.pauses[group]
	if p == nil {
		p = new(pause)
		h.pauses[group] = p
	}
	if now := time.Now(); !now.Before(p.until) { // else it is one of several commands that failed
		if now.Sub(p.until) > pauseLasts {
			p.failures = 0
		}
		p.failures++
		p.until = now.Add(h.opts.Router.Pause(p.failures))
	}
}

// pausing reports whether an entry is not to be asked for now, and until when. h.mu is held.
func (h *Hub) pausing(e *entry) (until time.Time, pausing bool) {
	p := h.pauses[e.place.group]
	if p == nil {
		return time.Time{}, false
	}
	return p.until, time.Now().Before(p.until)
}

// Seek asks again for what is neither confirmed nor asked for, and for what is confirmed and
// should be elsewhere, but for groups that pause. It returns how many names are not confirmed,
// and when the first pause ends, the zero time for none. These groups do not pause any more: something was learned of them.
func (h *Hub) Seek(groups ...int) (unconfirmed int, next time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, group := range groups {
		delete(h.pauses, group)
	}
	for _, entries := range h.entries {
		for _, e := range entries {
			if e.confirmed {
				continue
			}
			unconfirmed++
			if _, pausing := h.pausing(e); !pausing {
				e.place.hops = 0
			}
		}
	}
	h.review(time.Time{}, nil)
	for _, p := range h.pauses {
		if p.until.After(time.Now()) && (next.IsZero() || p.until.Before(next)) {
			next = p.until
		}
	}
	return unconfirmed, next
}

// Changed ends all pauses: the names are spread otherwise now. [Hub.Review] follows.
func (h *Hub) Changed() {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.pauses)
}

// Review compares where names are with what the Router says now. A name that is
// elsewhere is asked for there, and moves when that is confirmed. proves reports whether
// what the Router says of a lane was told by somebody else than its own server: then the
// names that are where they should be were known to be so at the time at, and a Loss that
// comes later begins there.
func (h *Hub) Review(at time.Time, proves func(*Lane) bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.review(at, proves)
	for _, l := range h.lanes {
		l.releaseStale()
	}
}

// review is Review with h.mu held. proves may be nil: nothing is proven.
func (h *Hub) review(at time.Time, proves func(*Lane) bool) {
	lanes := make(map[int][]*Lane) // by group
	moving, seeking := make(map[*Lane][]*entry), make(map[*Lane][]*entry)
	for _, entries := range h.entries {
		for _, e := range entries {
			where, ok := lanes[e.place.group]
			if !ok {
				where = h.opts.Router.Lanes(e.place.group)
				lanes[e.place.group] = where
			}
			l := e.better(where)
			if _, pausing := h.pausing(e); pausing {
				l = nil
			}
			switch {
			case l != nil && e.confirmed:
				moving[l] = append(moving[l], e)
			case l != nil:
				seeking[l] = append(seeking[l], e)
			case e.confirmed && proves != nil && slices.Contains(where, e.lane) && proves(e.lane):
				e.place.proven = at
			}
		}
		for _, l := range h.lanes {
			l.ask(moving[l], takingOver)
			l.ask(seeking[l], 0)
		}
		clear(moving)
		clear(seeking)
	}
	h.seek() // and tell of what nobody can be asked for
}

// better returns the lane that an entry is to be asked for on, of those that may serve it:
// nil where it is on one of them, or asked for on one.
func (e *entry) better(lanes []*Lane) *Lane {
	var best *Lane
	for _, l := range lanes {
		if e.confirmed && e.lane == l || e.askedOn(l) {
			return nil
		}
		if best == nil && l.link != nil {
			best = l
		}
	}
	return best
}
