package cluster_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redchan-go/redchan/pubsub"
	"github.com/redchan-go/redchan/redis"
)

// modelChannels are the shard channels that are subscribed to, modelEvents what notifications
// of keys are read of, modelNews a plain channel.
var (
	modelChannels = []string{"{a}ch", "{b}ch", "{d}ch", "{g}ch", "{i}ch"}
	modelEvents   = []string{"{a}ev", "{c}ev", "{f}ev", "{h}ev"}
)

const modelNews = "news"

// modelStream is what a subscription has received.
type modelStream struct {
	what     string
	channels []string
	from     int // the first message that is its
	to       int // the end of those; 0: there is none
	close    func() error
	done     chan struct{}

	mu    sync.Mutex
	items []modelItem
}

// modelItem is a message by its number, or a gap.
type modelItem struct {
	channel string
	number  int
	gap     *pubsub.Gap
}

// subscribe subscribes to everything.
func (m *model) subscribe() {
	room := []pubsub.Option{pubsub.GapMarkers(), pubsub.Buffer(1<<20, 1<<30)}
	for _, what := range []string{"shard", "plain"} {
		name, channels := pubsub.Channels, []string{modelNews}
		if what == "shard" {
			name, channels = pubsub.ShardChannels, modelChannels
		}
		sub, err := m.client.NewSubscription(context.Background(), append([]pubsub.Option{name(channels...)}, room...)...)
		if err != nil {
			m.t.Errorf("subscribing to %v: %v", channels, err)
			continue
		}
		m.consume(m.stream(what, channels, sub.Close), sub)
	}
	events, err := m.client.KeyEvents(context.Background(), append([]pubsub.Option{pubsub.Keyevent(0, "set")}, room...)...)
	if err != nil {
		m.t.Errorf("subscribing to notifications of keys: %v", err)
		return
	}
	s := m.stream("event", modelEvents, events.Close)
	go func() {
		defer close(s.done)
		for e := range events.Events() {
			at := strings.Index(e.Key, "ev") + len("ev")
			if e.Key == "" {
				at = 0
			}
			number, _ := strconv.Atoi(e.Key[at:])
			s.receive(m, modelItem{e.Key[:at], number, e.Gap}, e.Gap != nil && e.Key == "")
		}
	}()
}

// consume reads a subscription until its end.
func (m *model) consume(s *modelStream, sub *pubsub.Subscription) {
	go func() {
		defer close(s.done)
		for msg := range sub.Messages() {
			number, _ := strconv.Atoi(msg.Payload)
			s.receive(m, modelItem{msg.Channel, number, msg.Gap}, msg.Kind == pubsub.KindGap)
		}
		if gap := sub.Stats().FinalGap; gap != nil {
			s.receive(m, modelItem{gap: gap}, true)
		}
	}()
}

// comeAndGo makes subscriptions of short lives, of all kinds.
func (m *model) comeAndGo() {
	random := rand.New(rand.NewPCG(m.seed, 2))
	for m.turn("comer", time.Duration(random.IntN(200_000_000))); !m.stopped(); m.turn("comer", time.Duration(random.IntN(200_000_000))) {
		what, channels := "shard", []string{modelChannels[random.IntN(len(modelChannels))], modelChannels[random.IntN(len(modelChannels))]}
		slices.Sort(channels)
		channels = slices.Compact(channels)
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(1+random.Int64N(3e9)))
		opts := []pubsub.Option{pubsub.GapMarkers()}
		if random.IntN(3) == 0 { // on connections of its own
			opts = append(opts, pubsub.Block(time.Second))
		} else {
			opts = append(opts, pubsub.Buffer(1<<20, 1<<30))
		}
		var sub *pubsub.Subscription
		var err error
		if random.IntN(3) == 0 {
			what, channels = "plain", []string{modelNews}
			node := ""
			if t := m.client.Topology(); t != nil && random.IntN(2) == 0 {
				node = t.From
			}
			sub, err = m.client.NewSubscriptionAt(ctx, node, append(opts, pubsub.Channels(channels...))...)
		} else {
			sub, err = m.client.NewShardSubscription(ctx, append(opts, pubsub.ShardChannels(channels...))...)
		}
		if err != nil {
			m.checkSubscribeError(err)
			cancel()
			continue
		}
		s := m.stream(what, channels, sub.Close)
		m.consume(s, sub)
		m.turn("comer", time.Duration(random.Int64N(15e8)))
		m.mu.Lock()
		s.to = len(m.published)
		m.mu.Unlock()
		if random.IntN(2) == 0 {
			_ = sub.Close()
		}
		cancel()
		<-s.done
	}
}

// checkSubscribeError checks why a subscription was not made.
func (m *model) checkSubscribeError(err error) {
	var missing *pubsub.UnacknowledgedError
	if !errors.As(err, &missing) && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, redis.ErrNotSent) {
		m.t.Errorf("subscribing: unexpected error %v", err)
	}
}

// stream returns a stream that has begun now.
func (m *model) stream(what string, channels []string, end func() error) *modelStream {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := &modelStream{what: what, channels: channels, from: len(m.published), close: end, done: make(chan struct{})}
	m.streams = append(m.streams, s)
	return s
}

// receive takes an item; alone: a gap without a message.
func (s *modelStream) receive(m *model, one modelItem, alone bool) {
	m.mu.Lock()
	lost := one.gap != nil && m.goesWrong("gap", 2) || !alone && m.goesWrong("message", 100)
	m.mu.Unlock()
	if lost {
		return
	}
	m.mu.Lock()
	if one.gap != nil {
		m.Hear("%s %d receives %v, %v to %v", s.what, s.from, one.gap.Reason, one.gap.From.Sub(m.began), one.gap.To.Sub(m.began))
	}
	if !alone {
		m.Hear("%s %d receives %s %d", s.what, s.from, one.channel, one.number)
	}
	m.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if one.gap != nil {
		s.items = append(s.items, modelItem{gap: one.gap})
	}
	if !alone {
		one.gap = nil
		s.items = append(s.items, one)
	}
}

// publishAll publishes to all channels all the time. m.mu is held.
func (m *model) publishAll(i int) {
	if m.stopped() {
		return
	}
	m.publishTo(i)
	m.after("publisher", 7*time.Millisecond+time.Duration(m.random.IntN(1000)), func() { m.publishAll(i + 1) })
}

// publishTo publishes one message. m.mu is held.
func (m *model) publishTo(i int) {
	kind, channel := "SSUBSCRIBE", modelChannels[i/3%len(modelChannels)]
	switch i % 3 {
	case 1:
		kind, channel = "PSUBSCRIBE", modelEvents[i/3%len(modelEvents)]
	case 2:
		if from := m.pick(func(n *modelNode) bool { return n.well() }); from != nil {
			from.publish("SUBSCRIBE", modelNews)
		}
		return
	}
	if owner := m.owner[m.unit(channel)]; owner != nil && !owner.down && !owner.paused {
		owner.publish(kind, channel)
	}
}

// covered reports whether a gap tells that a message may be missing which was published at a time.
func (s *modelStream) covered(at time.Time) bool {
	const latency = 10 * time.Millisecond
	return slices.ContainsFunc(s.items, func(one modelItem) bool {
		return one.gap != nil && !at.Before(one.gap.From.Add(-latency)) && !at.After(one.gap.To.Add(latency))
	})
}

// modelOverlap is for how long two nodes may both send a channel's messages while it moves.
const modelOverlap = 700 * time.Millisecond

// checkStream checks what a subscription has received against what was published.
func (m *model) checkStream(s *modelStream) {
	last := map[string]int{}
	unproven := map[string]bool{} // a gap came behind it
	received := map[int]int{}     // the place of each message
	var gaps []int
	for i, one := range s.items {
		if one.gap != nil {
			gaps = append(gaps, i)
			for channel := range last {
				unproven[channel] = true
			}
			continue
		}
		overlap := unproven[one.channel] && m.published[last[one.channel]].at.Sub(m.published[one.number].at) < modelOverlap
		if s.what == "event" { // they are in the order of each node
			overlap = m.published[last[one.channel]].by != m.published[one.number].by
		}
		delete(unproven, one.channel)
		if before, ok := last[one.channel]; ok && one.number <= before && !overlap {
			m.t.Errorf("%s: message %d of %s came after %d", s.what, one.number, one.channel, before)
		}
		if channel := m.published[one.number].channel; channel != one.channel {
			m.t.Errorf("%s: message %d was published to %s, and came by %s", s.what, one.number, channel, one.channel)
		}
		last[one.channel] = one.number
		received[one.number] = i
	}
	if m.calm && len(gaps) > 0 {
		m.t.Errorf("%s: nothing has happened, and there are %d gaps", s.what, len(gaps))
	}
	// A node that is cut off hears of nothing, and nobody can tell.
	untold := s.what == "plain" && m.silent
	to := s.to
	if to == 0 {
		to = len(m.published)
	}
	for _, channel := range s.channels {
		from, missing := -1, -1
		for number := s.from; number < to; number++ {
			if m.published[number].channel != channel {
				continue
			}
			at, ok := received[number]
			if !ok && s.what == "event" && s.covered(m.published[number].at) {
				continue // each node has gaps of its own, whose order among them is any
			}
			if !ok {
				if missing < 0 {
					missing = number
				}
				continue
			}
			told := slices.ContainsFunc(gaps, func(gap int) bool { return gap > from && gap < at })
			if missing >= 0 && !told && !untold {
				m.t.Errorf("%s: message %d of %s, published at %v, is missing, and no gap tells of it\nit lies between items %d and %d of %d; gaps at %v",
					s.what, missing, channel, m.published[missing].at.Sub(m.began), from, at, len(s.items), gaps)
			}
			from, missing = at, -1
		}
		if missing >= 0 && s.to == 0 { // the last ones were published when all was well again
			m.t.Errorf("%s: message %d of %s, published at %v, is missing, and nothing came behind it", s.what, missing, channel, m.published[missing].at.Sub(m.began))
		}
	}
}
