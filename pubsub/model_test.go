package pubsub

import (
	"cmp"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/internal/hub"
	"github.com/redchan-go/redchan/internal/simulation"
	"github.com/redchan-go/redchan/proto"
)

var simulated = simulation.New(1000, 150)

// TestModel runs random histories: subscriptions that come, change and go,
// consumers of all speeds, a server that takes its time, refuses names and takes
// shard channels away, and links that are lost. It checks that every message
// published for a name that was acknowledged, and before it was unsubscribed, is
// received in order or covered by a gap in its place, that the counts of names are
// right, and that nothing is left behind, here or on the server.
func TestModel(t *testing.T) { simulated.Run(t, modelHistory) }

// faults are what can be made to go wrong between the hub and what checks it, as if the
// hub did it, and what TestModel says then.
var faults = map[string]string{
	"gap":     "and no gap tells of it",               // one gap in ten is not told
	"dropped": "but the gap tells of",                 // gaps tell of nothing dropped here
	"message": "and no gap tells of it",               // one message in a hundred is not delivered
	"order":   "came after",                           // a message comes before the one in front of it
	"name":    "is wanted, but the server has it not", // a name is not subscribed again
	"leak":    "the server still has",                 // a name is not unsubscribed
	"count":   "the last counts are",                  // a count is one too many
}

func TestModelIsDeterministic(t *testing.T) { simulated.IsDeterministic(t, 50, modelHistory) }

func TestModelFindsFaults(t *testing.T) { simulated.FindsFaults(t, 200, faults) }

// goesWrong reports whether a fault is to happen now: once in so many times.
func (m *model) goesWrong(name string, once int) bool {
	if !simulated.Fault(name) {
		return false
	}
	m.chances++
	return m.chances%once == 0
}

// modelNames is what can be subscribed to. A publish goes to one of the
// channels, and comes in this order where it matches several names.
var modelNames = []Name{
	Channel("a1"), Channel("a2"), Channel("b1"), Channel("b2"),
	Pattern("a*"), Pattern("*1"), ShardChannel("s1"), ShardChannel("s2"),
}

func modelMatches(name Name, channel string, shard bool) bool {
	switch name.Kind {
	case NamePattern:
		return !shard && (strings.HasPrefix(channel, strings.TrimSuffix(name.Name, "*")) && name.Name[0] != '*' ||
			name.Name[0] == '*' && strings.HasSuffix(channel, name.Name[1:]))
	case NameShard:
		return shard && name.Name == channel
	}
	return !shard && name.Name == channel
}

// model is the server, the network, the reader and the consumers in one.
type model struct {
	failed time.Time // when a call failed last
	*world
	*simulation.Scheduler // for its trace: the steps come one after the other by themselves
	random                *rand.Rand
	calls                 int // subscribe calls made

	// The connection: what the server has subscribed, and what it has sent that
	// the reader has not read.
	up         bool
	subscribed map[Name]bool
	wire       []packet

	forbidden map[Name]bool
	chances   int // for a fault to happen
	connects  int
	published []Name // by number: the channel that was published to
	mu        sync.Mutex
	subs      []*modelSub
}

// packet is something that the server has sent when so many messages had been
// published.
type packet struct {
	at  int
	run func()
}

// key is one message: its number, and the name by which it came.
type key struct {
	number int
	name   Name
}

func (k key) compare(other key) int {
	return cmp.Or(cmp.Compare(k.number, other.number),
		cmp.Compare(slices.Index(modelNames, k.name), slices.Index(modelNames, other.name)))
}

// span is a time in numbers of messages while a name was acknowledged.
type span struct {
	name     Name
	from, to int
}

type modelSub struct {
	*Subscription
	number int
	cancel context.CancelFunc
	// Guarded by model.mu: a call is under way; the names that are
	// acknowledged, since which message; the spans that are over.
	busy    bool
	stopped bool // by the test, with no regard to what is on the wire
	since   map[Name]int
	spans   []span
	// quiet is since when nothing is to come for a name, because Unsubscribe has
	// returned; silences are the spans of it that are over.
	quiet    map[Name]int
	silences []span
	// received in order, and in front of which of them there was a gap.
	received []key
	gaps     []Gap // gaps[i] was told in front of received[i]
	gap      Gap   // told, and nothing received since
	speed    int
}

func modelHistory(t *testing.T, seed uint64) (trace []string) {
	synctest.Test(t, func(t *testing.T) {
		m := &model{
			world:     &world{T: t, hub: hub.New(hub.Options{CommandNames: 3, InOrder: true})},
			Scheduler: simulation.NewScheduler(seed),
			random:    rand.New(rand.NewPCG(seed, 0)),
			forbidden: map[Name]bool{},
		}
		defer m.hub.Close(nil)
		for range 400 {
			m.step()
			synctest.Wait()
			if m.link != nil && m.link.failed != nil {
				t.Fatalf("the link was told to fail: %v", m.link.failed)
			}
		}
		m.finish()
		trace = m.Trace()
	})
	return trace
}

func (m *model) step() {
	time.Sleep(time.Microsecond) // so that no two calls run out of time at once
	n := m.random.IntN(20)
	m.Note("step %d", n)
	switch n {
	case 0, 1:
		m.subscribe()
	case 2, 3, 4:
		m.change()
	case 5:
		m.end()
	case 6:
		if m.up {
			m.lose()
		}
		if m.random.IntN(2) == 0 {
			m.connect()
		}
	case 7:
		m.connect()
	case 8:
		name := m.name()
		m.forbidden[name] = m.random.IntN(8) == 0
	case 9:
		m.move()
	case 10, 11:
		m.serve()
	case 12, 13:
		m.read(m.random.IntN(20))
	case 14, 15, 16:
		for range m.random.IntN(10) {
			m.publish()
		}
	case 17, 18:
		m.consume()
	case 19:
		time.Sleep(time.Duration(m.random.IntN(300)) * time.Millisecond)
	}
}

func (m *model) name() Name { return modelNames[m.random.IntN(len(modelNames))] }

// subscribe makes a subscription.
func (m *model) subscribe() {
	m.calls++
	s := &modelSub{number: m.calls, since: map[Name]int{}, quiet: map[Name]int{}, busy: true, speed: 1 + m.random.IntN(12)}
	var names []Name
	opts := []Option{Buffer(1+m.random.IntN(10), 0), Policy(m.random.IntN(3))}
	if m.random.IntN(3) == 0 {
		opts = append(opts, Buffer(100, 300))
	}
	if m.random.IntN(3) == 0 {
		opts = append(opts, GapMarkers())
	}
	for range m.random.IntN(4) {
		names = append(names, m.name())
		opts = append(opts, names[len(names)-1])
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	go func() {
		sub, err := subscribeTo(ctx, m.hub, opts...)
		m.mu.Lock()
		defer m.mu.Unlock()
		if err != nil {
			cancel()
			m.checkError(err)
			return
		}
		s.Subscription, s.busy = sub, false
		m.acknowledged(s, names)
		m.subs = append(m.subs, s)
		slices.SortFunc(m.subs, func(a, b *modelSub) int { return cmp.Compare(a.number, b.number) })
	}()
}

func (m *model) checkError(err error) {
	// One answer may fail several calls. Which of them runs first, and so which of their names
	// is released first, is up to Go's scheduler.
	if now := time.Now(); now.Equal(m.failed) {
		m.Note(simulation.Unordered)
	} else {
		m.failed = now
	}
	var refused *RefusedError
	var missing *UnacknowledgedError
	var incomplete *IncompleteError
	if errors.As(err, &incomplete) {
		return
	}
	if !errors.As(err, &refused) && !errors.As(err, &missing) && !errors.Is(err, ErrEnded) &&
		!errors.Is(err, ErrSlowConsumer) && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		m.Errorf("unexpected error %v", err)
	}
}

// acknowledged notes that names are from now on; m.mu is held.
func (m *model) acknowledged(s *modelSub, names []Name) {
	for _, name := range names {
		if _, ok := s.since[name]; !ok {
			s.since[name] = len(m.published)
		}
	}
}

// over notes that nothing is owed for name that is published from now on; m.mu
// is held.
func (m *model) over(s *modelSub, name Name) {
	if from, ok := s.since[name]; ok {
		s.spans = append(s.spans, span{name, from, len(m.published)})
		delete(s.since, name)
	}
}

// heard notes that name may come again, by a call that subscribes or at the end.
// If another subscription has it, that goes for what is on the wire. m.mu is held.
func (m *model) heard(s *modelSub, name Name) {
	if from, ok := s.quiet[name]; ok {
		to := len(m.published)
		if len(m.wire) > 0 {
			to = m.wire[0].at
		}
		s.silences = append(s.silences, span{name, from, to})
		delete(s.quiet, name)
	}
}

// pick returns a subscription, or nil; idle: with no call under way.
func (m *model) pick(idle bool) *modelSub {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.subs) == 0 {
		return nil
	}
	s := m.subs[m.random.IntN(len(m.subs))]
	if idle && s.busy {
		return nil
	}
	return s
}

// change adds names of one kind to a subscription, or takes them off. The call
// has its own context, which ends now and then.
func (m *model) change() {
	s := m.pick(true)
	if s == nil {
		return
	}
	name := m.name()
	names := []string{name.Name}
	all := []Name{name}
	if other := m.name(); other.Kind == name.Kind {
		names, all = append(names, other.Name), append(all, other)
	}
	s.busy = true
	add := m.random.IntN(2) == 0
	m.mu.Lock()
	for _, name := range all {
		if add {
			m.heard(s, name)
		} else {
			m.over(s, name)
		}
	}
	m.mu.Unlock()
	patience := time.Hour
	if m.random.IntN(8) == 0 {
		patience = time.Duration(m.random.IntN(100)) * time.Millisecond
	}
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		var err error
		switch {
		case add && name.Kind == NameChannel:
			err = s.Subscribe(ctx, names...)
		case add && name.Kind == NamePattern:
			err = s.PSubscribe(ctx, names...)
		case add:
			err = s.SSubscribe(ctx, names...)
		case name.Kind == NameChannel:
			err = s.Unsubscribe(ctx, names...)
		case name.Kind == NamePattern:
			err = s.PUnsubscribe(ctx, names...)
		default:
			err = s.SUnsubscribe(ctx, names...)
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		s.busy = false
		if err != nil {
			m.checkError(err)
		} else if add {
			m.acknowledged(s, all)
		}
		if !add {
			for _, name := range all {
				s.quiet[name] = len(m.published)
			}
		}
	}()
}

// end closes a subscription, or ends its context.
func (m *model) end() {
	s := m.pick(false)
	if s == nil {
		return
	}
	s.stopped = true
	if m.random.IntN(2) == 0 {
		s.Close()
	} else {
		s.cancel()
		<-s.Done()
	}
}

func (m *model) connect() {
	if m.up {
		return
	}
	m.up, m.subscribed, m.wire = true, map[Name]bool{}, nil
	m.connects++
	m.linkUp()
}

func (m *model) lose() {
	m.up, m.subscribed, m.wire = false, nil, nil
	m.hub.Main().Flush()
	m.hub.Main().LinkLost(time.Time{}, io.ErrUnexpectedEOF)
}

// serve lets the server take one command.
func (m *model) serve() {
	if !m.up {
		return
	}
	c, ok := m.link.pop()
	if !ok {
		return
	}
	m.Note("the server takes %v", c)
	answer := func(err error) {
		m.send(func() {
			m.hub.Main().Flush()
			c.done(err)
		})
	}
	if c.ping {
		answer(nil)
		return
	}
	kind := NameKind(c.op % hub.Kinds)
	if c.op.Subscribes() {
		for _, name := range c.names {
			if m.forbidden[Name{kind, name}] {
				answer(&proto.Error{Code: "NOPERM", Message: "no"})
				return
			}
		}
	}
	for _, name := range c.names {
		switch {
		case !c.op.Subscribes() && m.goesWrong("leak", 10):
		case c.op.Subscribes() && m.connects > 1 && m.goesWrong("name", 10):
		default:
			m.subscribed[Name{kind, name}] = c.op.Subscribes()
		}
		m.send(func() { m.push(strings.ToLower(c.op.String()), name, 1) })
	}
	answer(nil)
}

// move lets the server take a shard channel away.
func (m *model) move() {
	name := m.name()
	if name.Kind == NameShard && m.up && m.subscribed[name] {
		m.subscribed[name] = false
		m.send(func() { m.push("sunsubscribe", name.Name, 0) })
	}
}

// read lets the reader read some of what is on the wire. Some of the messages may
// be held back when it returns.
func (m *model) read(n int) {
	for ; n > 0 && len(m.wire) > 0; n-- {
		next := m.wire[0]
		m.wire = m.wire[1:]
		m.collecting = m.random.IntN(10) > 0
		next.run()
		if m.random.IntN(10) == 0 {
			m.hub.Main().Flush()
		}
	}
}

// send puts something on the wire.
func (m *model) send(run func()) { m.wire = append(m.wire, packet{len(m.published), run}) }

// publish publishes a message that consists of its number.
func (m *model) publish() {
	channel := m.name()
	if channel.Kind == NamePattern {
		return
	}
	payload := strconv.Itoa(len(m.published))
	for _, name := range modelNames {
		if !m.up || !m.subscribed[name] || !modelMatches(name, channel.Name, channel.Kind == NameShard) || m.goesWrong("message", 100) {
			continue
		}
		m.send(func() {
			switch name.Kind {
			case NameChannel:
				m.push("message", name.Name, payload)
			case NamePattern:
				m.push("pmessage", name.Name, channel.Name, payload)
			case NameShard:
				m.push("smessage", name.Name, payload)
			}
		})
	}
	m.mu.Lock()
	m.published = append(m.published, channel)
	m.mu.Unlock()
}

// consume lets every consumer receive something, at its own speed.
func (m *model) consume() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.subs {
		s.receive(m, s.speed)
	}
}

func (s *modelSub) receive(m *model, most int) {
	for range most {
		synctest.Wait() // so that messages arrive before the next is counted
		msg, ok := s.TryNext()
		if !ok {
			return
		}
		if msg.Gap != nil && !m.goesWrong("gap", 10) {
			gap := *msg.Gap
			if gap.Dropped > 0 && m.goesWrong("dropped", 1) {
				gap.Dropped = 0
			}
			s.gap.merge(gap)
		}
		if msg.Kind == KindGap {
			continue
		}
		name := Channel(msg.Channel)
		switch msg.Kind {
		case KindPatternMessage:
			name = Pattern(msg.Pattern)
		case KindShardMessage:
			name = ShardChannel(msg.Channel)
		}
		m.Note("%d received %v", s.number, msg)
		number, _ := strconv.Atoi(msg.Payload)
		if last := len(s.received) - 1; last >= 0 && msg.Gap == nil && s.received[last].name == name && m.goesWrong("order", 100) {
			number, s.received[last].number = s.received[last].number, number
		}
		s.received = append(s.received, key{number, name})
		s.gaps = append(s.gaps, s.gap)
		s.gap = Gap{}
	}
}
