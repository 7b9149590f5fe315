package pubsub

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// HubOptions configures a [Hub]. The zero value stands for the defaults.
type HubOptions struct {
	// SubscribeTimeout bounds how long a call that subscribes waits for the
	// server's acknowledgements; by default 1 s.
	SubscribeTimeout time.Duration
	// UnsubscribeTimeout bounds how long a call that unsubscribes waits; by
	// default 100 ms. When it is over the names go all the same, the call fails with
	// ErrSubscribeTimeout, and the subscription's stream has a gap.
	UnsubscribeTimeout time.Duration
	// BatchNames and BatchBytes bound the names of one command; by default
	// 1,000 names and 64 KiB. A name that is longer is sent alone.
	BatchNames, BatchBytes int
	// Logger gets warnings, never on the reader; nil is silent.
	Logger *slog.Logger
	// LinkError, if not nil, tells why there is no link, for error texts. It is
	// called without locks held, by users' goroutines.
	LinkError func() error
	// Router says over which lanes names go, where there are several. It is nil
	// for one link.
	Router Router

	inOrder bool // names are asked for in their order, for tests that repeat a history
}

// Hub is the desired state of subscriber connections: which names are wanted, and
// by which subscriptions. It does no I/O. Each connection is a [Lane] of the hub,
// which is told that there is a [Link], what arrives on it and that it is lost, and
// asks the Link to send. The hub of one server has one lane, [Hub.Main]; that of a
// cluster has one for each node, and a [Router] that says which names go where.
//
// Its methods are safe for concurrent use.
type Hub struct {
	opts HubOptions
	main *Lane // nil with a Router

	watch watch // over the subscriptions' contexts

	// mu guards all that follows, and what Lane, entry, member, call and Subscription
	// say it guards. It is never held while waiting, while a connection is closed or
	// written to, or while user code runs. The order of locks: mu comes first; while it is
	// held, what a Link or a Router locks may be taken, a Subscription's handling, and a
	// Subscription's mu, which comes last. The mu of a Runner and that of the watch are
	// taken alone.
	mu    sync.Mutex
	lanes []*Lane
	// entries holds every name that is wanted, link or no link.
	entries [nameKinds]map[string]*entry
	// subs holds the subscriptions that have not come to their end yet. live
	// counts those of them that are not on their way there.
	subs map[*Subscription]struct{}
	live int
	// later asks again for what a server could not do; nil while there is nothing.
	later *time.Timer
	// pauses has the groups that nobody has served, for hubs with a Router.
	pauses map[int]*pause
	// closed and closeErr are set by Close.
	closed   bool
	closeErr error
}

// NewHub returns a hub without a link and without subscriptions.
func NewHub(opts HubOptions) *Hub {
	if opts.SubscribeTimeout <= 0 {
		opts.SubscribeTimeout = time.Second
	}
	if opts.UnsubscribeTimeout <= 0 {
		opts.UnsubscribeTimeout = 100 * time.Millisecond
	}
	if opts.BatchNames <= 0 {
		opts.BatchNames = 1000
	}
	if opts.BatchBytes <= 0 {
		opts.BatchBytes = 64 << 10
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	h := &Hub{opts: opts, subs: make(map[*Subscription]struct{}), pauses: make(map[int]*pause)}
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

// Subscribe returns a subscription to the names among opts when the server has
// acknowledged each of them, or fails after SubscribeTimeout and leaves nothing
// behind. Without any option that names something it returns at once, and names are added
// later; an empty list of names is an error.
//
// ctx is the subscription's life, not that of the call: the subscription stops
// at once when ctx ends, as by Close. A program that says goodbye after its
// context has ended, or unsubscribes and receives the rest, makes the
// subscription with [context.WithoutCancel] of it, and ends it itself.
func (h *Hub) Subscribe(ctx context.Context, opts ...Option) (*Subscription, error) {
	if err := Check(ctx, opts...); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, lifeError(ctx)
	}
	c := newConfig(opts)
	s := newSubscription(h, c)
	h.mu.Lock()
	if h.closed {
		defer h.mu.Unlock()
		return nil, h.closedError()
	}
	h.subs[s] = struct{}{}
	h.live++
	h.mu.Unlock()
	h.watch.begin(ctx, s)

	if len(c.names) > 0 {
		if err := h.subscribeNames(context.Background(), s, c.names); err != nil {
			s.end(nil)
			return nil, err
		}
	}
	return s, nil
}

// seek asks for all that is neither confirmed nor asked for. h.mu is held.
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
		if h.opts.inOrder {
			slices.SortFunc(wanted, func(a, b *entry) int { return cmp.Compare(a.name.Name, b.name.Name) })
		}
		h.subscribe(wanted, nil)
	}
}

// delivers reports whether a reader delivers to the members of e just now. h.mu is held.
func (h *Hub) delivers(e *entry) bool {
	return slices.ContainsFunc(h.lanes, func(l *Lane) bool { return l.delivering.Load() == e })
}

// linked reports whether there is a link. h.mu is held.
func (h *Hub) linked() bool {
	return slices.ContainsFunc(h.lanes, func(l *Lane) bool { return l.link != nil })
}

// abandon ends the calls that unsubscribe by what was sent and will not be
// answered. h.mu is held.
func (h *Hub) abandon(sent []*batch) {
	for _, b := range sent {
		if b.departure != nil {
			h.end(b.departure)
		}
	}
}

// Close ends all subscriptions with err, which is their Err, and waits until
// they have ended. It does nothing to the link.
func (h *Hub) Close(err error) {
	h.mu.Lock()
	if !h.closed {
		h.closed, h.closeErr = true, err
	}
	if h.later != nil {
		h.later.Stop()
	}
	var sent []*batch
	for _, l := range h.lanes {
		sent = append(sent, l.sent...)
		l.sent = nil
		l.unlink()
	}
	subs := make([]*Subscription, 0, len(h.subs))
	for s := range h.subs {
		subs = append(subs, s)
	}
	h.mu.Unlock()
	for _, s := range subs {
		s.stop(err)
	}
	h.mu.Lock()
	h.abandon(sent) // not earlier: with the last name the subscription would drain
	h.mu.Unlock()
	for _, s := range subs {
		<-s.Done()
	}
}

// closedError is the error of a call that comes after Close. h.mu is held.
func (h *Hub) closedError() error {
	if h.closeErr != nil {
		return fmt.Errorf("%w: %w", ErrClosed, h.closeErr)
	}
	return ErrClosed
}

// Idle reports whether there is no live subscription, so that no link is needed.
func (h *Hub) Idle() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.live == 0
}

// HubStats counts what a [Hub] holds.
type HubStats struct {
	Subscriptions                     int // live ones
	Channels, Patterns, ShardChannels int // different names wanted
	Unconfirmed                       int // those that the server has not confirmed, or not again
	InFlight                          int // commands sent and not answered
}

// Stats counts what the hub holds now. It visits every name.
func (h *Hub) Stats() HubStats {
	h.mu.Lock()
	defer h.mu.Unlock()
	stats := HubStats{
		Subscriptions: h.live,
		Channels:      len(h.entries[NameChannel]),
		Patterns:      len(h.entries[NamePattern]),
		ShardChannels: len(h.entries[NameShard]),
	}
	for _, l := range h.lanes {
		stats.InFlight += len(l.sent)
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

// noLink is why there is no link.
func (h *Hub) noLink() error {
	if h.opts.LinkError != nil {
		if err := h.opts.LinkError(); err != nil {
			return fmt.Errorf("%w: %w", ErrNoLink, err)
		}
	}
	return ErrNoLink
}
