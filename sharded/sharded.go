package sharded

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/redchan-go/redchan/internal/hub"
	"github.com/redchan-go/redchan/internal/recent"
	"github.com/redchan-go/redchan/pubsub"
)

// Client creates subscriptions to shard channels. *redchan.Client and *cluster.Client implement
// it.
type Client interface {
	NewShardSubscription(ctx context.Context, opts ...pubsub.Option) (*pubsub.Subscription, error)
}

// Subscription is a [pubsub.Subscription] to shard channels that also reports their nodes. Its
// methods are safe for concurrent use.
type Subscription struct {
	*pubsub.Subscription
	places *places
}

// Subscribe subscribes to shard channels, in any slots. It returns when the nodes that serve the
// channels have acknowledged each of them, and fails after the client's SubscribeTimeout. ctx
// bounds the life of the subscription, not the call.
func Subscribe(ctx context.Context, client Client, channels ...string) (*Subscription, error) {
	return NewSubscription(ctx, client, pubsub.ShardChannels(channels...))
}

// NewSubscription is like [Subscribe], with options. It may be called without channels; the
// subscription's SSubscribe adds them later.
func NewSubscription(ctx context.Context, client Client, opts ...pubsub.Option) (*Subscription, error) {
	p := newPlaces()
	sub, err := client.NewShardSubscription(ctx, append([]pubsub.Option{observed{noOption, p}}, opts...)...)
	if err != nil {
		return nil, err
	}
	return &Subscription{sub, p}, nil
}

// Node returns the address of the node that serves a channel now. It returns "" and false while
// no node serves the channel, and for a channel that is not subscribed. For a client of a single
// server, which has no node addresses, it returns "" and true.
func (s *Subscription) Node(channel string) (addr string, served bool) {
	s.places.mu.Lock()
	defer s.places.mu.Unlock()
	p := s.places.channels[channel]
	if p == nil || !p.served {
		return "", false
	}
	return p.node, true
}

// Moves returns the moves of channels. The last 256 moves that were not received are kept,
// including those from before the first call. Older ones are discarded, and the Missed field of
// the newest counts them. Moves always returns the same channel, which is closed with the
// subscription. Receive with move, ok, and in a select set the channel to nil when ok is false.
// A program need not receive moves.
func (s *Subscription) Moves() <-chan Move {
	s.places.mu.Lock()
	defer s.places.mu.Unlock()
	return s.places.moves.Chan()
}

// Move reports that another node serves a channel now.
type Move struct {
	Channel  string
	From, To string    // the addresses of the nodes
	Time     time.Time // when the new node confirmed the channel
	// Gap is the time for which messages of the channel may be missing. The stream reports it
	// too, merged with the gaps of other channels that were lost at the same time.
	Gap pubsub.Gap
	// Missed is the number of moves before this one that were discarded because nobody received
	// them.
	Missed int
}

// String returns a readable description of m.
func (m Move) String() string {
	text := fmt.Sprintf("%s moved from %s to %s, %v", m.Channel, m.From, m.To, &m.Gap)
	if m.Missed > 0 {
		text += fmt.Sprintf(" (%d moves missed)", m.Missed)
	}
	return text
}

// observed is the option through which a subscription reports to its places where its channels
// are, see [hub.Observer]. It embeds an option and so is one itself.
type observed struct {
	pubsub.Option
	*places
}

// noOption changes nothing. It takes effect before the caller's options.
var noOption = pubsub.Timeouts(0, 0)

// maxMoves bounds the moves that wait to be received.
const maxMoves = 256

// places records where the channels of a subscription are. The hub's mu and the subscription's
// mu are held while mu is taken, so mu is last in the order of locks.
type places struct {
	mu       sync.Mutex
	channels map[string]*place // those that were confirmed
	moves    recent.Channel[Move]
}

// place is where a channel is.
type place struct {
	node   string // or was last
	served bool   // it is there now
}

func newPlaces() *places {
	return &places{
		channels: map[string]*place{},
		moves:    recent.Channel[Move]{Max: maxMoves, Missed: func(m *Move) *int { return &m.Missed }},
	}
}

// Confirmed notes which node serves a channel now.
func (ps *places) Confirmed(name hub.Name, node string, loss hub.Loss) {
	if name.Kind != hub.Shard {
		return
	}
	ps.mu.Lock()
	defer ps.mu.Unlock()
	p := ps.channels[name.Name]
	if p == nil {
		p = &place{node: node}
		ps.channels[name.Name] = p
	}
	if p.node != node {
		ps.moves.Add(Move{
			Channel: name.Name, From: p.node, To: node, Time: time.Now(),
			Gap: pubsub.Gap{Reason: pubsub.Reason(loss.Reason), From: loss.From, To: loss.To}, // the same reasons
		})
	}
	p.node, p.served = node, true
}

// Lost notes that no node is known to serve a channel.
func (ps *places) Lost(name hub.Name) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if p := ps.channels[name.Name]; p != nil && name.Kind == hub.Shard {
		p.served = false
	}
}

// Left forgets a channel.
func (ps *places) Left(name hub.Name) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if name.Kind == hub.Shard {
		delete(ps.channels, name.Name)
	}
}

// Ended ends the moves.
func (ps *places) Ended() {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.moves.Close()
}
