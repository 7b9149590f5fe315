package hub

import (
	"cmp"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// Options configures a [Hub]. The zero value means the defaults.
type Options struct {
	// SubscribeTimeout bounds how long a subscribe call waits for the server's acknowledgements;
	// by default 1 s.
	SubscribeTimeout time.Duration
	// UnsubscribeTimeout bounds how long an unsubscribe call waits; by default 100 ms. The
	// subscriptions use both timeouts: the hub itself waits for nothing.
	UnsubscribeTimeout time.Duration
	// CommandNames and CommandBytes bound the names in one command; by default 1,000 names and
	// 64 KiB. A longer name is sent alone.
	CommandNames, CommandBytes int
	// Logger gets warnings, but never from the reader. Nil means no logging.
	Logger *slog.Logger
	// LinkError, if not nil, returns why there is no link, for error texts. It is called without
	// locks held, on users' goroutines.
	LinkError func() error
	// Router decides which names go over which lanes, if there are several. It is nil for a
	// single link.
	Router Router

	// InOrder asks for names in a fixed order, for tests that repeat a history.
	InOrder bool
}

// Hub is the desired state of subscriber connections: which subscriptions want which names. It
// does no I/O. Each connection is a [Lane] of the hub. The client tells the lane when a [Link]
// is up, what arrives on it, and when it is lost; the lane asks the Link to send. The hub of one
// server has one lane, [Hub.Main]. The hub of a cluster has one lane for each node, and a
// [Router] that decides which names go where.
//
// Its methods are safe for concurrent use.
type Hub struct {
	opts Options
	main *Lane // nil with a Router

	lives lives // the contexts of subscriptions

	// mu guards the fields below, and those that Lane, entry, member, Call, Departure and
	// Subscriber say it guards. The package comment says which locks may be taken while it is
	// held.
	mu    sync.Mutex
	lanes []*Lane
	// entries holds every wanted name, whether or not there is a link.
	entries [Kinds]map[string]*entry
	// subs holds the subscriptions that have not ended yet. live counts those of them that are
	// not about to end.
	subs map[*Subscriber]struct{}
	live int
	// later is the timer that retries requests which a server could not handle; nil if there are
	// none.
	later *time.Timer
	// pauses has the groups that no node has served, for hubs with a Router.
	pauses map[int]*pause
	// closed and closeErr are set by Close.
	closed   bool
	closeErr error
}

// New returns a hub without a link and without subscriptions.
func New(opts Options) *Hub {
	if opts.SubscribeTimeout <= 0 {
		opts.SubscribeTimeout = time.Second
	}
	if opts.UnsubscribeTimeout <= 0 {
		opts.UnsubscribeTimeout = 100 * time.Millisecond
	}
	if opts.CommandNames <= 0 {
		opts.CommandNames = 1000
	}
	if opts.CommandBytes <= 0 {
		opts.CommandBytes = 64 << 10
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	h := &Hub{opts: opts, subs: make(map[*Subscriber]struct{}), pauses: make(map[int]*pause)}
	for kind := range h.entries {
		h.entries[kind] = make(map[string]*entry)
	}
	if opts.Router == nil {
		h.main = h.NewLane("")
	}
	return h
}

// Main returns the one lane of a hub without a [Router].
func (h *Hub) Main() *Lane { return h.main }

// Options returns the options with the defaults filled in.
func (h *Hub) Options() Options { return h.opts }

// seek asks for all names that are neither confirmed nor asked for. h.mu is held.
func (h *Hub) seek() {
	for _, entries := range h.entries {
		var wanted []*entry
		for _, e := range entries {
			if e.confirmed || len(e.asked) > 0 {
				continue
			}
			if h.opts.Router != nil {
				if _, pausing := h.pausing(e); pausing {
					continue
				}
			}
			wanted = append(wanted, e)
		}
		if h.opts.InOrder {
			slices.SortFunc(wanted, func(a, b *entry) int { return cmp.Compare(a.name.Name, b.name.Name) })
		}
		h.subscribe(wanted, nil)
	}
}

// delivers reports whether a reader is delivering to the members of e. h.mu is held.
func (h *Hub) delivers(e *entry) bool {
	return slices.ContainsFunc(h.lanes, func(l *Lane) bool { return l.delivering.Load() == e })
}

// linked reports whether there is a link. h.mu is held.
func (h *Hub) linked() bool {
	return slices.ContainsFunc(h.lanes, func(l *Lane) bool { return l.link != nil })
}

// abandon ends the unsubscribe calls of requests that were sent and will not be answered. h.mu
// is held.
func (h *Hub) abandon(sent []*request) {
	for _, r := range sent {
		if r.departure != nil {
			h.end(r.departure)
		}
	}
}

// Close ends all subscriptions with err, which becomes their Err, and waits until they have
// ended. It does not touch the link.
func (h *Hub) Close(err error) {
	h.mu.Lock()
	if !h.closed {
		h.closed, h.closeErr = true, err
	}
	if h.later != nil {
		h.later.Stop()
	}
	var sent []*request
	for _, l := range h.lanes {
		sent = append(sent, l.sent...)
		l.sent = nil
		l.unlink()
	}
	subs := make([]*Subscriber, 0, len(h.subs))
	for s := range h.subs {
		subs = append(subs, s)
	}
	h.mu.Unlock()
	for _, s := range subs {
		s.sink.Stop(err)
	}
	h.mu.Lock()
	h.abandon(sent) // not earlier: without its last name the subscription would drain
	h.mu.Unlock()
	for _, s := range subs {
		<-s.sink.Done()
	}
}

// Idle reports whether there is no live subscription, so that no link is needed.
func (h *Hub) Idle() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.live == 0
}

// Stats counts what a [Hub] holds.
type Stats struct {
	Subscriptions                     int // live ones
	Channels, Patterns, ShardChannels int // different wanted names
	Unconfirmed                       int // those that the server has not confirmed, or not confirmed again
	InFlight                          int // commands sent and not answered
	Leaving                           int // unwanted names with messages still owed
}

// Stats counts the hub's current contents. It visits every name.
func (h *Hub) Stats() Stats {
	h.mu.Lock()
	defer h.mu.Unlock()
	stats := Stats{
		Subscriptions: h.live,
		Channels:      len(h.entries[Channel]),
		Patterns:      len(h.entries[Pattern]),
		ShardChannels: len(h.entries[Shard]),
	}
	for _, l := range h.lanes {
		stats.InFlight += len(l.sent)
		for _, leaving := range l.leaving {
			stats.Leaving += len(leaving)
		}
	}
	for _, entries := range h.entries {
		for _, e := range entries {
			if !e.confirmed {
				stats.Unconfirmed++
			}
		}
	}
	return stats
}

// Linked reports whether there is a link.
func (h *Hub) Linked() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.linked()
}
