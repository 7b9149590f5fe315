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

// Client makes subscriptions to shard channels: a *redchan.Client or a *cluster.Client.
type Client interface {
	NewShardSubscription(ctx context.Context, opts ...pubsub.Option) (*pubsub.Subscription, error)
}

// Subscription is a [pubsub.Subscription] to shard channels that knows where they are. Its
// methods are safe for concurrent use.
type Subscription struct {
	*pubsub.Subscription
	places *places
}

// Subscribe subscribes to shard channels, of any slots. Each one is acknowledged by the node that
// serves it when Subscribe returns. ctx is the life of the subscription, not of the call, which
// ends after the client's SubscribeTimeout.
func Subscribe(ctx context.Context, client Client, channels ...string) (*Subscription, error) {
	return NewSubscription(ctx, client, pubsub.ShardChannels(channels...))
}

// NewSubscription is [Subscribe] with options, and also without channels: SSubscribe adds them
// later.
func NewSubscription(ctx context.Context, client Client, opts ...pubsub.Option) (*Subscription, error) {
	p := newPlaces()
	sub, err := client.NewShardSubscription(ctx, append([]pubsub.Option{observed{noOption, p}}, opts...)...)
	if err != nil {
		return nil, err
	}
	return &Subscription{sub, p}, nil
}

// Node returns the address of the node on which a channel is served now. It is "" and false while
// none serves it, and for a channel that is not subscribed. A client of one server has no address
// to tell: the node is "" and true.
func (s *Subscription) Node(channel string) (addr string, served bool) {
	s.places.mu.Lock()
	defer s.places.mu.Unlock()
	p := s.places.channels[channel]
	if p == nil || !p.served {
		return "", false
	}
	return p.node, true
}

// Moves returns what has moved. The last 256 moves that were not received are kept, also from
// before the first call. Beyond that the oldest is thrown away, and the newest counts it as
// Missed. It is always the same channel, and closed with the subscription: receive with move, ok,
// and in a select set the channel to nil then. Nobody needs to receive from it.
func (s *Subscription) Moves() <-chan Move {
	s.places.mu.Lock()
	defer s.places.mu.Unlock()
	return s.places.moves.Chan()
}

// Move is a channel that another node serves now.
type Move struct {
	Channel  string
	From, To string    // the addresses of the nodes
	Time     time.Time // when the new node confirmed the channel
	// Gap is the time for which messages of the channel may be missing. The stream has it too,
	// merged with those of other channels that were lost at the same time.
	Gap pubsub.Gap
	// Missed counts the moves before this one that were thrown away because nobody received
	// them.
	Missed int
}

// String describes m for people.
func (m Move) String() string {
	text := fmt.Sprintf("%s moved from %s to %s, %v", m.Channel, m.From, m.To, &m.Gap)
	if m.Missed > 0 {
		text += fmt.Sprintf(" (%d moves missed)", m.Missed)
	}
	return text
}

// observed is the option by which a subscription tells its places where its channels are: see
// [hub.Observer]. It is an option because it embeds one.
type observed struct {
	pubsub.Option
	*places
}

// noOption changes nothing, and takes effect before the options of the caller.
var noOption = pubsub.Timeouts(0, 0)

// maxMoves bounds the moves that wait to be received.
const maxMoves = 256

// places is where the channels of a subscription are. The hub's mu and that of the subscription
// are held while its mu is taken, which comes last.
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
