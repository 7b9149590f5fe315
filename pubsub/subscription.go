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

// Subscription is a stream of the messages of some names, made by the Subscribe, PSubscribe,
// SSubscribe or NewSubscription of a client. The context given there is its life: when that ends, so does
// the subscription. Its methods are safe for concurrent use; a context given to
// one of them bounds that call alone.
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

// Messages returns the stream. It is always the same channel, and it is closed
// when the subscription has ended; Err then tells why. A closed channel gives
// zero Messages without end, so receive with msg, ok, or range.
func (s *Subscription) Messages() <-chan Message { return s.out }

// Events returns what happens to the subscription: confirmations, the connection, the
// answers to Ping. The last 64 that were not received are kept, also from before
// the first call. It is always the same channel, and closed with the
// subscription: receive with event, ok, and in a select set the channel to nil
// then. Nobody needs to receive from it.
func (s *Subscription) Events() <-chan Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.events.Chan()
}

// Done returns a channel that is closed when the subscription has ended and
// left nothing behind.
func (s *Subscription) Done() <-chan struct{} { return s.signal(&s.done) }

// signal returns the channel of one of the subscription's signals.
func (s *Subscription) signal(which *signal) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return which.wait()
}

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
	return ErrEnded
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
// fails after the client's SubscribeTimeout or with ctx, and then adds none. A name
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
// Unsubscribe waits no longer than the client's UnsubscribeTimeout, or ctx; time in which this
// subscription itself holds up the connection, by [Block], does not count. The channels go
// without the acknowledgement then, as they do when the connection is lost first. The error says so,
// and a Gap in the stream says that messages may be missing: on the next message, or as an item
// of [KindGap] where the stream ends.
func (s *Subscription) Unsubscribe(ctx context.Context, channels ...string) error {
	return s.unsubscribe(ctx, NameChannel, channels)
}

// PUnsubscribe takes patterns off, as Unsubscribe does channels.
func (s *Subscription) PUnsubscribe(ctx context.Context, patterns ...string) error {
	return s.unsubscribe(ctx, NamePattern, patterns)
}

// SUnsubscribe takes shard channels off, as Unsubscribe does channels.
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

// Names returns what the subscription is subscribed to, sorted by kind and name.
// A name that is being unsubscribed is there until it has gone.
func (s *Subscription) Names() []Name {
	names := publicNames(s.wants.Names())
	slices.SortFunc(names, func(a, b Name) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
	return names
}

// Stats counts what a [Subscription] has done. Of the messages that arrived for
// it while it was live, each is in Delivered, in Dropped, or waits.
type Stats struct {
	Delivered uint64 // messages put into the channel, received or not
	Dropped   uint64 // messages dropped here, for lack of room or at the end
	Gaps      uint64 // gaps told in the stream
	Undecoded uint64 // messages that a reader made by [As] could not decode
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
		Undecoded:   s.undecoded,
		Queued:      len(s.out) + s.queue.messages + int(s.held.Load()) + s.blocked(),
		QueuedBytes: s.queue.bytes + int(s.heldBytes.Load()),
		FinalGap:    s.finalGap,
	}
}
