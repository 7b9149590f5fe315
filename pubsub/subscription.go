package pubsub

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redchan-go/redchan/internal/hub"
	"github.com/redchan-go/redchan/internal/recent"
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

// Subscription is a stream of the messages of some names. The Subscribe, PSubscribe, SSubscribe
// and NewSubscription methods of a client create one. The context given there bounds the life of
// the subscription: when the context ends, so does the subscription. The methods of a
// Subscription are safe for concurrent use. A context given to one of them bounds only that
// call.
type Subscription struct {
	hub      *hub.Hub
	wants    hub.Subscriber // which names, as the hub knows them
	policy   Policy
	markers  bool
	confirms bool
	special  *special // what few subscriptions have, nil for the others
	// maxMessages and maxBytes bound the queue, with what the pump holds of it.
	maxMessages, maxBytes int

	out    chan Message
	recall chan struct{} // capacity 1: the pump is to give back what it holds; nil before the first pump

	// handling guards handlers. running: a Runner receives from out. untold has what gaps
	// the handlers are to be told of, between one run and the next.
	handling sync.Mutex
	handlers handlers
	running  atomic.Bool
	untold   map[Name]*Gap

	// held and heldBytes count what the pump holds and has not sent. Set with
	// mu held, counted down by the pump without.
	held, heldBytes atomic.Int64
	// delivered and gaps count what went into out.
	delivered, gaps atomic.Uint64

	// mu guards all that follows. It is never held while waiting.
	mu      sync.Mutex
	queue   queue
	pumping bool // the pump runs; if not, the queue is empty
	// overflowing: messages were dropped since the queue was empty last.
	overflowing bool
	events      recent.Channel[Event]
	state       state
	stopped     signal // when no more is delivered, at the latest before done
	quit        signal // at the first stop, also of a subscription that has drained
	done        signal // at the very end
	released    bool   // stopping: all names are released
	err         error
	finalGap    *Gap
	// readers counts the goroutines that turn messages into something else. They are
	// told by quit that nobody needs to receive from them any more.
	readers   int
	undecoded uint64
	// confirmed counts the names that are confirmed, channels and patterns
	// [0] and shard channels [1]. lost counts those that were and are not now.
	confirmed [2]int
	lost      int
	// progress is closed when the pump leaves, or a reader that was blocked has come to an
	// end; nil while nobody waits for that.
	progress chan struct{}
}

// blocked returns how many messages readers wait with for room. mu is held.
func (s *Subscription) blocked() int {
	if s.special == nil {
		return 0
	}
	return s.special.blocked
}

// special is what few subscriptions have.
type special struct {
	observer hub.Observer // nil for none
	// blockFor is that of the policy Block. room has capacity 1: the pump has made room.
	// blocked counts the messages that wait for it; the Subscription's mu guards it.
	blockFor time.Duration
	room     chan struct{}
	blocked  int
	// blockedSince is since when there are blocked ones, and blockedFor how long there were
	// any before. The Subscription's mu guards both.
	blockedSince time.Time
	blockedFor   time.Duration
	// subscribeTimeout and unsubscribeTimeout are in place of the client's, where not 0.
	subscribeTimeout, unsubscribeTimeout time.Duration
}

// block counts a message that a reader waits with. The Subscription's mu is held.
func (sp *special) block() {
	if sp.blocked == 0 {
		sp.blockedSince = time.Now()
	}
	sp.blocked++
}

// unblock undoes block. The Subscription's mu is held.
func (sp *special) unblock() {
	if sp.blocked--; sp.blocked == 0 {
		sp.blockedFor += time.Since(sp.blockedSince)
	}
}

// heldUp returns for how long the subscription has held up readers since it was made.
func (s *Subscription) heldUp() time.Duration {
	if s.special == nil {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	held := s.special.blockedFor
	if s.special.blocked > 0 {
		held += time.Since(s.special.blockedSince)
	}
	return held
}

// subscribeTimeout is how long the server's acknowledgement of a name is waited for.
func (s *Subscription) subscribeTimeout() time.Duration {
	if s.special != nil && s.special.subscribeTimeout > 0 {
		return s.special.subscribeTimeout
	}
	return s.hub.Options().SubscribeTimeout
}

// unsubscribeTimeout is how long the server's acknowledgement of a name's end is waited
// for.
func (s *Subscription) unsubscribeTimeout() time.Duration {
	if s.special != nil && s.special.unsubscribeTimeout > 0 {
		return s.special.unsubscribeTimeout
	}
	return s.hub.Options().UnsubscribeTimeout
}

// Messages returns the stream. It always returns the same channel, which is closed when the
// subscription has ended; Err then says why. A receive from a closed channel gives zero
// Messages, so receive with msg, ok, or use range.
func (s *Subscription) Messages() <-chan Message { return s.out }

// Events returns what happens to the subscription: confirmations, the state of the connection,
// and the answers to Ping. The last 64 events that were not received are kept, including those
// from before the first call. Events always returns the same channel, which is closed with the
// subscription. Receive with event, ok, and in a select set the channel to nil when ok is false.
// A program need not receive events.
func (s *Subscription) Events() <-chan Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.events.Chan()
}

// Done returns a channel that is closed when the subscription has ended and has released all its
// resources.
func (s *Subscription) Done() <-chan struct{} { return s.signal(&s.done) }

// signal returns the channel of one of the subscription's signals.
func (s *Subscription) signal(which *signal) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return which.wait()
}

// Err returns why the subscription ended. It is nil before the end, after Close, and after the
// last name was unsubscribed.
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
	return ErrEnded
}

// Close ends the subscription, and returns when it has released all its resources. Messages in
// the Go channel stay readable. Messages that wait behind it are dropped and counted in the
// FinalGap of Stats. Further calls do nothing. The error is always nil.
func (s *Subscription) Close() error {
	s.end(nil)
	return nil
}

// Subscribe adds channels. It returns when the server has acknowledged each of them. It fails
// after the client's SubscribeTimeout, or when ctx ends, and then adds none. Adding a channel
// that is already subscribed is not an error.
func (s *Subscription) Subscribe(ctx context.Context, channels ...string) error {
	return s.add(ctx, NameChannel, channels)
}

// PSubscribe is like [Subscription.Subscribe], for patterns.
func (s *Subscription) PSubscribe(ctx context.Context, patterns ...string) error {
	return s.add(ctx, NamePattern, patterns)
}

// SSubscribe is like [Subscription.Subscribe], for shard channels.
func (s *Subscription) SSubscribe(ctx context.Context, channels ...string) error {
	return s.add(ctx, NameShard, channels)
}

// Unsubscribe removes channels, or all of them if none are named. It waits for the server's
// acknowledgement, and delivers what the server sent before it. After Unsubscribe has returned,
// only messages that were already waiting are still delivered for these channels. When the last
// name of the subscription is removed, the subscription accepts no more names, and ends as soon
// as the waiting messages have been received.
//
// Unsubscribe waits at most the client's UnsubscribeTimeout, or until ctx ends. Time for which
// this subscription itself blocks the connection, by [Block], does not count. If the time runs
// out or the connection is lost first, the channels are removed without the acknowledgement.
// Then Unsubscribe returns an error, and a Gap in the stream reports that messages may be
// missing: on the next message, or as an item of [KindGap] if the stream ends.
func (s *Subscription) Unsubscribe(ctx context.Context, channels ...string) error {
	return s.unsubscribe(ctx, NameChannel, channels)
}

// PUnsubscribe is like [Subscription.Unsubscribe], for patterns.
func (s *Subscription) PUnsubscribe(ctx context.Context, patterns ...string) error {
	return s.unsubscribe(ctx, NamePattern, patterns)
}

// SUnsubscribe is like [Subscription.Unsubscribe], for shard channels.
func (s *Subscription) SUnsubscribe(ctx context.Context, channels ...string) error {
	return s.unsubscribe(ctx, NameShard, channels)
}

func (s *Subscription) add(ctx context.Context, kind NameKind, names []string) error {
	switch {
	case ctx == nil:
		return errNoContext
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case len(names) == 0:
		return cmp.Or(s.subscribe(ctx, nil), errNoNames) // the end comes first
	}
	return s.subscribe(ctx, named(kind, names))
}

// Names returns the subscribed names, sorted by kind and name. It includes names that are being
// unsubscribed until they are removed.
func (s *Subscription) Names() []Name {
	names := publicNames(s.wants.Names())
	slices.SortFunc(names, func(a, b Name) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
	return names
}

// Stats counts the messages of a [Subscription]. Each message that arrived while the
// subscription was live is either in Delivered, or in Dropped, or still waiting.
type Stats struct {
	Delivered uint64 // messages put into the channel, received or not
	Dropped   uint64 // messages dropped here, for lack of room or at the end
	Gaps      uint64 // gaps reported in the stream
	Undecoded uint64 // messages that [As] could not decode
	Queued    int    // messages that wait, including those in the channel
	// QueuedBytes is the size of the payloads and names that wait behind the channel.
	QueuedBytes int
	// FinalGap is set after the end if the stream could not report a gap.
	FinalGap *Gap
}

// Stats returns the statistics of the subscription. They may be off by one for a message that is
// being delivered at the moment.
func (s *Subscription) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Stats{
		Delivered:   s.delivered.Load(),
		Dropped:     s.queue.dropped,
		Gaps:        s.gaps.Load(),
		Undecoded:   s.undecoded,
		Queued:      len(s.out) + s.queue.messages + int(s.held.Load()) + s.blocked(),
		QueuedBytes: s.queue.bytes + int(s.heldBytes.Load()),
		FinalGap:    s.finalGap,
	}
}
