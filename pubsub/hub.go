package pubsub

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// HubOptions configures a [Hub]. The zero value stands for the defaults.
type HubOptions struct {
	// SubscribeTimeout bounds how long a call that subscribes waits for the
	// server's acknowledgements; by default 1 s.
	SubscribeTimeout time.Duration
	// UnsubscribeTimeout bounds how long a call that unsubscribes waits; by
	// default 100 ms. When it is over the call logs a warning and succeeds, and
	// the subscription is told a gap.
	UnsubscribeTimeout time.Duration
	// BatchNames and BatchBytes bound the names of one command; by default
	// 1,000 names and 64 KiB. A name that is longer is sent alone.
	BatchNames, BatchBytes int
	// Logger gets warnings, never on the reader; nil is silent.
	Logger *slog.Logger
	// LinkError, if not nil, tells why there is no link, for error texts. It is
	// called without locks held, by users' goroutines.
	LinkError func() error
}

// Hub is the desired state of one subscriber connection: which names are
// wanted, and by which subscriptions. It does no I/O. It is told that there is
// a [Link] (LinkUp), what arrives on it (Push) and that it is lost (LinkLost), and
// asks the Link to send.
//
// LinkUp, Push, Collect, Flush and LinkLost are for one goroutine at a time, the
// reader. All other methods are safe for concurrent use.
type Hub struct {
	opts HubOptions

	blocked atomic.Bool // see Blocked
	// delivering is the entry whose members the reader delivers to. It is set
	// with mu held and cleared without.
	delivering atomic.Pointer[entry]

	// collected has the messages that Flush is to deliver; the reader's.
	collected []delivery

	// mu guards all that follows, and what entry, member, call and Subscription
	// say it guards. It is never held while waiting. A Subscription's mu may be
	// taken while it is held, not the other way round.
	mu sync.Mutex
	// link is the live link, nil if there is none. linkLost is closed when it
	// is lost. failedAt is when it was told to fail.
	link     Link
	linkLost chan struct{}
	failedAt time.Time
	// entries holds every name that is wanted, link or no link. leaving holds
	// those that were and are being unsubscribed, as long as somebody is owed
	// what is still on the way. They are confirmed, but for one that the server
	// took away; so there is one of a name at most, because a newer entry is
	// confirmed only behind the answer to that UNSUBSCRIBE.
	entries, leaving [nameKinds]map[string]*entry
	// sent holds the batches whose fence is not answered, in wire order.
	sent []*batch
	// subs holds the subscriptions that have not come to their end yet. live
	// counts those of them that are not on their way there.
	subs map[*Subscription]struct{}
	live int
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
	h := &Hub{opts: opts, subs: make(map[*Subscription]struct{})}
	for kind := range h.entries {
		h.entries[kind] = make(map[string]*entry)
		h.leaving[kind] = make(map[string]*entry)
	}
	return h
}

// Subscribe returns a subscription to the names among opts when the server has
// acknowledged each of them, or fails after SubscribeTimeout and leaves nothing
// behind. Without names it returns at once, and names are added later.
//
// ctx is the subscription's life, not that of the call: the subscription stops
// at once when ctx ends, as by Close. A program that says goodbye after its
// context has ended, or unsubscribes and receives the rest, makes the
// subscription with [context.WithoutCancel] of it, and ends it itself.
func (h *Hub) Subscribe(ctx context.Context, opts ...Option) (*Subscription, error) {
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
	s.watch(ctx)

	if len(c.names) > 0 {
		if err := h.subscribeNames(context.Background(), s, c.names); err != nil {
			s.end(nil)
			return nil, err
		}
	}
	return s, nil
}

// LinkUp tells that link is live, after its handshake and before its first
// push, and after LinkLost for the one before it. Everything wanted is subscribed again.
func (h *Hub) LinkUp(link Link) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	h.link, h.linkLost, h.failedAt = link, make(chan struct{}), time.Time{}
	for s := range h.subs {
		s.tell(Event{Kind: EventLinkUp})
	}
	for _, entries := range h.entries {
		wanted := make([]*entry, 0, len(entries))
		for _, e := range entries {
			wanted = append(wanted, e)
		}
		h.subscribe(wanted)
	}
}

// LinkLost tells that the link is gone, and that it was known to live up to
// since; the zero time stands for now. The subscriptions stay, and the gap that
// they are told of later begins at since.
func (h *Hub) LinkLost(since time.Time, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || h.link == nil {
		return
	}
	if since.IsZero() {
		since = time.Now()
	}
	if !h.failedAt.IsZero() && h.failedAt.Before(since) {
		since = h.failedAt
	}
	h.link = nil
	close(h.linkLost)
	for s := range h.subs {
		s.tell(Event{Kind: EventLinkLost, Err: err})
	}
	for kind := range h.entries {
		for _, e := range h.entries[kind] {
			e.linkLost(since)
		}
		for _, e := range h.leaving[kind] {
			e.linkLost(since)
		}
	}
	h.abandon(h.sent) // a connection that is gone is subscribed to nothing
	h.sent = nil
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

// fail tells the link that it misbehaves. h.mu is held.
func (h *Hub) fail(err error) {
	if h.link == nil {
		return
	}
	if h.failedAt.IsZero() {
		h.failedAt = time.Now()
	}
	h.link.Fail(err)
}

// Close ends all subscriptions with err, which is their Err, and waits until
// they have ended. It does nothing to the link.
func (h *Hub) Close(err error) {
	h.mu.Lock()
	sent := h.sent
	h.sent = nil
	if !h.closed {
		h.closed, h.closeErr = true, err
		if h.link != nil {
			h.link = nil
			close(h.linkLost)
		}
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
		<-s.done
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

// Blocked reports whether the reader is inside Push because a subscription with
// the policy [Block] has no room: silence of the link means nothing then.
func (h *Hub) Blocked() bool { return h.blocked.Load() }

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
		InFlight:      len(h.sent),
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
