package pubsub

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// state is how far a subscription is in its life.
type state uint8

const (
	live     state = iota
	draining       // no names left: ends when the queue is empty
	stopping       // closed, or failed: ends when the pump has left
	finished       // the channels are closed
)

// maxChannel is the capacity of the Go channel of messages; what exceeds it
// waits in the queue, which costs memory only while it is used.
const maxChannel = 64

// Subscription is a stream of the messages of some names, made by
// [Hub.Subscribe]. The context given there is its life: when that ends, so does
// the subscription. Its methods are safe for concurrent use; a context given to
// one of them bounds that call alone.
type Subscription struct {
	hub      *Hub
	policy   Policy
	blockFor time.Duration
	markers  bool
	// maxMessages and maxBytes bound the queue, with what the pump holds of it.
	maxMessages, maxBytes int

	out     chan Message
	stopped chan struct{} // closed when no more is delivered, at the latest before done
	done    chan struct{} // closed last
	recall  chan struct{} // capacity 1: the pump is to give back what it holds
	room    chan struct{} // capacity 1, policy Block alone: the pump has made room

	// names, leaving and over are guarded by the Hub's mu. leaving counts those
	// of the names that are being unsubscribed. over: no names are added any
	// more, the subscription is on its way to its end.
	names   map[Name]*member
	leaving int
	over    bool

	// held and heldBytes count what the pump holds and has not sent. Set with
	// mu held, counted down by the pump without.
	held, heldBytes atomic.Int64
	// delivered and gaps count what went into out.
	delivered, gaps atomic.Uint64

	// mu guards all that follows, and member.active. It is never held while
	// waiting.
	mu      sync.Mutex
	queue   queue
	pumping bool // the pump runs; if not, the queue is empty
	// overflowing: messages were dropped since the queue was empty last.
	overflowing bool
	events      events
	state       state
	released    bool // stopping: all names are released
	err         error
	finalGap    *Gap
	unwatch     func() bool // ends the watch over the context; nil without
	// confirmed counts the names that are confirmed, channels and patterns
	// [0] and shard channels [1]. lost counts those that were and are not now.
	confirmed [2]int
	lost      int
}

func newSubscription(h *Hub, c config) *Subscription {
	capacity := min(maxChannel, c.messages-1)
	s := &Subscription{
		hub:         h,
		policy:      c.policy,
		blockFor:    c.blockFor,
		markers:     c.markers,
		maxMessages: c.messages - capacity,
		maxBytes:    c.bytes,
		out:         make(chan Message, capacity),
		stopped:     make(chan struct{}),
		done:        make(chan struct{}),
		recall:      make(chan struct{}, 1),
		names:       make(map[Name]*member, len(c.names)),
	}
	if c.policy == block {
		s.room = make(chan struct{}, 1)
	}
	return s
}

// Messages returns the stream. It is always the same channel, and it is closed
// when the subscription has ended; Err then tells why. A closed channel gives
// zero Messages without end, so receive with msg, ok, or range.
func (s *Subscription) Messages() <-chan Message { return s.out }

// Events returns what happens to the subscription: confirmations, the link, the
// answers to Ping. The last 64 that were not received are kept, also from before
// the first call. It is always the same channel, and closed with the
// subscription: receive with event, ok, and in a select set the channel to nil
// then. Nobody needs to receive from it.
func (s *Subscription) Events() <-chan Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.events.channel()
}

// Done returns a channel that is closed when the subscription has ended and
// left nothing behind.
func (s *Subscription) Done() <-chan struct{} { return s.done }

// Err returns why the subscription ended. It is nil as long as it has not, after
// Close, and after the last name was unsubscribed.
func (s *Subscription) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// endError is the error of a call on a subscription that has ended.
func (s *Subscription) endError() error {
	if err := s.Err(); err != nil {
		return err
	}
	return ErrClosed
}

// Close ends the subscription and returns when nothing of it is left. What is in
// the channel of messages stays readable; what waited behind it is dropped and
// counted in the FinalGap of Stats. Closing again does nothing. The error is
// always nil.
func (s *Subscription) Close() error {
	s.end(nil)
	return nil
}

// Subscribe adds channels. It returns when the server has acknowledged each, or
// fails after the hub's SubscribeTimeout or with ctx, and then adds none. A name
// that is there already is no error.
func (s *Subscription) Subscribe(ctx context.Context, channels ...string) error {
	return s.add(ctx, NameChannel, channels)
}

// PSubscribe adds patterns, as Subscribe does channels.
func (s *Subscription) PSubscribe(ctx context.Context, patterns ...string) error {
	return s.add(ctx, NamePattern, patterns)
}

// SSubscribe adds shard channels, as Subscribe does channels.
func (s *Subscription) SSubscribe(ctx context.Context, channels ...string) error {
	return s.add(ctx, NameShard, channels)
}

// Unsubscribe takes channels off, all of them if none are named. It waits for
// the server's acknowledgement, and what the server sent before that is
// delivered; after Unsubscribe has returned no message of theirs arrives that
// was not waiting already. When the last name of the subscription goes, it takes
// no more names, and ends as soon as what waits has been received.
//
// Unsubscribe waits no longer than the hub's UnsubscribeTimeout, which is no
// error, or ctx. The channels go without the acknowledgement then, and a Gap
// says that messages may be missing, as it does when the link is lost first.
func (s *Subscription) Unsubscribe(ctx context.Context, channels ...string) error {
	return s.hub.unsubscribeNames(ctx, s, NameChannel, channels)
}

// PUnsubscribe takes patterns off, as Unsubscribe does channels.
func (s *Subscription) PUnsubscribe(ctx context.Context, patterns ...string) error {
	return s.hub.unsubscribeNames(ctx, s, NamePattern, patterns)
}

// SUnsubscribe takes shard channels off, as Unsubscribe does channels.
func (s *Subscription) SUnsubscribe(ctx context.Context, channels ...string) error {
	return s.hub.unsubscribeNames(ctx, s, NameShard, channels)
}

func (s *Subscription) add(ctx context.Context, kind NameKind, names []string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if len(names) == 0 {
		return nil
	}
	return s.hub.subscribeNames(ctx, s, named(kind, names))
}

// Names returns what the subscription is subscribed to, sorted by kind and name.
// A name that is being unsubscribed is there until it has gone.
func (s *Subscription) Names() []Name {
	s.hub.mu.Lock()
	names := slices.Collect(maps.Keys(s.names))
	s.hub.mu.Unlock()
	slices.SortFunc(names, func(a, b Name) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
	return names
}

// Next waits for the next message. One that is there already beats the end of
// ctx. After the end of the subscription the error is Err, or ErrClosed where
// that is nil.
func (s *Subscription) Next(ctx context.Context) (Message, error) {
	if msg, ok := s.TryNext(); ok {
		return msg, nil
	}
	select {
	case msg, ok := <-s.out:
		if !ok {
			return Message{}, s.endError()
		}
		return msg, nil
	case <-ctx.Done():
		if msg, ok := s.TryNext(); ok {
			return msg, nil
		}
		return Message{}, context.Cause(ctx)
	}
}

// TryNext returns the next message if there is one already.
func (s *Subscription) TryNext() (Message, bool) {
	select {
	case msg, ok := <-s.out:
		return msg, ok
	default:
		return Message{}, false
	}
}

// Stats counts what a [Subscription] has done. Of the messages that arrived for
// it while it was live, each is in Delivered, in Dropped, or waits.
type Stats struct {
	Delivered uint64 // messages put into the channel, received or not
	Dropped   uint64 // messages dropped here, for lack of room or at the end
	Gaps      uint64 // gaps told in the stream
	Queued    int    // messages that wait, those in the channel included
	// QueuedBytes are the payloads and names that wait behind the channel.
	QueuedBytes int
	// FinalGap is, after the end, what nobody was told of in the stream.
	FinalGap *Gap
}

// Stats returns the subscription's numbers. Those of a message that is just
// being handed over may be off by one.
func (s *Subscription) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Stats{
		Delivered:   s.delivered.Load(),
		Dropped:     s.queue.dropped,
		Gaps:        s.gaps.Load(),
		Queued:      len(s.out) + s.queue.messages + int(s.held.Load()),
		QueuedBytes: s.queue.bytes + int(s.heldBytes.Load()),
		FinalGap:    s.finalGap,
	}
}
