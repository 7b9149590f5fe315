package shard

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/cluster/slot"
	"github.com/redchan-go/redchan/internal/simulation"
	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/pubsub"
	"github.com/redchan-go/redchan/sharded"
)

var simulated = simulation.New(400, 100)

// TestModel runs random histories of a cluster: slots that move, nodes that fail, are paused,
// cut off and forgotten, slots that nobody serves, connections that are lost, and
// subscriptions that come, change and go. It checks that each message published for a
// channel that was acknowledged is received once and in order, or that a gap tells in
// its place; that there is no gap where nothing happened; and that at the end every
// channel is subscribed on the node that serves it, and nowhere else.
func TestModel(t *testing.T) { simulated.Run(t, history) }

// faults are what can be made to go wrong, as if the Mux did it, and what TestModel says
// then.
var faults = map[string]string{
	"gap":     "and no gap tells of it",     // one gap in four is not told
	"message": "and no gap tells of it",     // one message in a hundred is not delivered
	"twice":   "came after",                 // a message comes twice
	"leak":    "is subscribed where nobody", // a name is left behind on a node
	"silent":  "is not subscribed where",    // no view is ever told again
	"move":    "says that it comes from",    // one move in two is not told
	"node":    "is said to be on",           // a channel is said to be on its former node
}

func TestModelIsDeterministic(t *testing.T) { simulated.IsDeterministic(t, 25, history) }

func TestModelFindsFaults(t *testing.T) { simulated.FindsFaults(t, 60, faults) }

// The times between messages, while things happen and while all comes to rest.
const (
	pace     = 5 * time.Millisecond
	restPace = 200 * time.Millisecond
)

// overlapping is for how long two nodes may both send a channel's messages while it moves.
const overlapping = 50 * time.Millisecond

// channels are what is subscribed to: some share a slot.
var channels = []string{"a", "b", "c", "d", "{a}1", "{a}2", "{b}1", "e", "f"}

func parse(b []byte) proto.Value {
	v, err := proto.NewReader(bytes.NewReader(b), proto.Limits{}).Next()
	if err != nil {
		panic(err)
	}
	return v
}

func sorted(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }

func sortedSlots[V any](set map[int]V) []int { return slices.Sorted(maps.Keys(set)) }

// model is a cluster with a client of it.
type model struct {
	*testing.T
	*cluster
	mux     *Mux
	calm    bool // nothing is to go wrong
	silent  bool // something has that is told by nobody
	resting bool // the publisher and the refresher are to end
	tasks   sync.WaitGroup
	pace    time.Duration
	calls   int // subscribe calls made

	known map[string]bool // the nodes of the last view

	mu      sync.Mutex
	subs    []*modelSub // by number
	chances int
	asking  bool   // a refresh is under way, or comes when the pause is over
	asked   bool   // one more is to come behind it
	avoid   string // what node it avoids
}

// modelSub is a subscription and what it has received.
type modelSub struct {
	*sharded.Subscription
	number int
	done   chan struct{}
	// Guarded by model.mu: the channels acknowledged, since which message, and the spans
	// that are over.
	since map[string]int
	spans []span
	busy  bool
	ended bool
	left  map[string]bool // the channels that were unsubscribed, and maybe subscribed again
	items []item
}

// item is something received: a message by its number, or a gap.
type item struct {
	channel string
	number  int
	gap     *pubsub.Gap
	at      time.Time
}

// span is the messages while a channel was acknowledged.
type span struct {
	channel  string
	from, to int
	end      time.Time
}

func history(t *testing.T, seed uint64) (trace []string) {
	synctest.Test(t, func(t *testing.T) {
		m := &model{T: t, cluster: newCluster(seed, 3, channels), pace: pace}
		m.calm = seed%8 == 0
		m.pushesAtPromoted = seed%2 == 0
		m.quietBus = seed%3 == 0
		m.keepsWhenDown = seed%5 == 0
		m.mux = New(Options{
			Connect:  m.carry,
			Refresh:  m.refresh,
			Replicas: seed%4 == 3,
			// Failing over takes longer than the default.
			SubscribeTimeout: 10 * time.Second,
			// Not one after the other: the hub has no order among slots that fail at one moment.
			random: func(n int64) int64 {
				return rand.New(rand.NewPCG(seed, uint64(time.Now().UnixNano()))).Int64N(n)
			},
		})
		m.After("refresher", 10*time.Second, m.refreshNowAndThen)
		m.After("publisher", m.pace, func() { m.publishOn(0) })
		for range 40 {
			m.step()
			m.RunFor(time.Duration(m.chance(1500)) * time.Millisecond)
		}
		m.finish()
		trace = m.Trace()
	})
	return trace
}

// chance returns a random number below n.
func (m *model) chance(n int) int {
	m.cluster.mu.Lock()
	defer m.cluster.mu.Unlock()
	return m.random.IntN(n)
}

// goesWrong reports whether a fault is to happen now: once in so many times.
func (m *model) goesWrong(name string, once int) bool {
	if !simulated.Fault(name) {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.chances++
	return m.chances%once == 0
}

// refresh is asked for by the mux, from any goroutine: so of several nodes to avoid the order
// in which they are named must not matter.
func (m *model) refresh(avoid string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.avoid = max(m.avoid, avoid)
	if m.asking {
		m.asked = true
		return
	}
	m.asking = true
	m.After("refresher", 0, m.refreshNow)
}

// refreshNow gives the mux a view of the cluster, as its client does: 100 ms apart at least.
func (m *model) refreshNow() {
	m.mu.Lock()
	avoid := m.avoid
	m.avoid = ""
	m.mu.Unlock()
	if m.resting {
		return
	}
	if v, ok := m.ask(avoid); ok {
		m.Note("view of %s", v.From)
		m.mux.Update(v)
	}
	m.After("refresher", 100*time.Millisecond, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.asking = m.asked
		m.asked = false
		if m.asking {
			m.After("refresher", 0, m.refreshNow)
		}
	})
}

// refreshNowAndThen refreshes every 10 s.
func (m *model) refreshNowAndThen() {
	if !m.resting {
		m.refresh("")
		m.After("refresher", 10*time.Second, m.refreshNowAndThen)
	}
}

// ask asks two nodes, of those that the last view has, and takes the view of the one that has
// heard more.
func (m *model) ask(avoid string) (View, bool) {
	m.cluster.mu.Lock()
	defer m.cluster.mu.Unlock()
	if simulated.Fault("silent") && m.told > 0 {
		return View{}, false
	}
	var told *simNode
	asked := 0
	order := m.random.Perm(len(m.nodes))
	slices.SortStableFunc(order, func(a, b int) int { // those that are known first
		return cmp.Compare(btoi(m.known[m.nodes[b].addr]), btoi(m.known[m.nodes[a].addr]))
	})
	for _, i := range order {
		n := m.nodes[i]
		if n.down || n.paused || n.addr == avoid {
			continue
		}
		if told == nil || n.epoch > told.epoch {
			told = n
		}
		if asked++; asked == 2 {
			break
		}
	}
	if told == nil {
		return View{}, false
	}
	v := told.view()
	m.known = v.nodes(true)
	return v, true
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// publishOn publishes to all channels all the time, one after the other.
func (m *model) publishOn(i int) {
	if !m.resting {
		m.publish(channels[i%len(channels)])
		m.After("publisher", m.pace, func() { m.publishOn(i + 1) })
	}
}

func (m *model) step() {
	switch n := m.chance(24); {
	case n < 6:
		m.subscribe()
	case n < 10:
		m.change()
	case n < 12:
		m.end()
	case m.calm:
	case n < 16:
		m.migrate()
	case n < 17:
		m.failOver("manual")
	case n < 18:
		m.failOver("kill")
	case n < 19:
		m.failOver("pause")
	case n < 20:
		m.failOver("cut off")
	case n < 21:
		m.unserve()
	case n < 22:
		m.forget()
	default:
		m.cutLink()
	}
}

// subscribe makes a subscription, with a consumer that keeps up.
func (m *model) subscribe() {
	var names []string
	for range 1 + m.chance(4) {
		names = append(names, channels[m.chance(len(channels))])
	}
	slices.Sort(names)
	names = slices.Compact(names)
	m.calls++
	number := m.calls
	m.Note("subscribe %v as %d", names, number)
	m.tasks.Go(func() {
		sub, err := sharded.NewSubscription(context.Background(), muxClient{m.mux}, pubsub.ShardChannels(names...), pubsub.GapMarkers(), pubsub.Buffer(1<<20, 1<<30))
		if err != nil {
			m.check(err)
			return
		}
		s := &modelSub{Subscription: sub, number: number, done: make(chan struct{}), since: map[string]int{}, left: map[string]bool{}}
		m.acknowledged(s, names)
		m.mu.Lock()
		m.subs = append(m.subs, s)
		slices.SortFunc(m.subs, func(a, b *modelSub) int { return cmp.Compare(a.number, b.number) })
		m.mu.Unlock()
		go m.consume(s)
	})
}

func (m *model) check(err error) {
	var missing *pubsub.UnacknowledgedError
	var incomplete *pubsub.IncompleteError
	if !errors.As(err, &missing) && !errors.As(err, &incomplete) && !errors.Is(err, pubsub.ErrEnded) {
		m.Errorf("unexpected error %v", err)
	}
}

func (m *model) count() int {
	m.cluster.mu.Lock()
	defer m.cluster.mu.Unlock()
	return len(m.published)
}

// acknowledged notes that channels are from now on.
func (m *model) acknowledged(s *modelSub, names []string) {
	now := m.count()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, name := range names {
		if _, ok := s.since[name]; !ok {
			s.since[name] = now
		}
	}
}

// over notes that nothing is owed for a channel from now on.
func (m *model) over(s *modelSub, names []string) {
	now := m.count()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, name := range names {
		if from, ok := s.since[name]; ok {
			s.spans = append(s.spans, span{name, from, now, time.Now()})
			delete(s.since, name)
		}
	}
}

// consume receives.
func (m *model) consume(s *modelSub) {
	defer close(s.done)
	for msg := range s.Messages() {
		if msg.Kind == pubsub.KindGap && m.goesWrong("gap", 4) || m.goesWrong("message", 100) {
			continue
		}
		one := item{channel: msg.Channel, gap: msg.Gap, at: time.Now()}
		one.number, _ = strconv.Atoi(msg.Payload)
		m.mu.Lock()
		s.items = append(s.items, one)
		m.mu.Unlock()
		if m.goesWrong("twice", 500) {
			m.mu.Lock()
			s.items = append(s.items, one)
			m.mu.Unlock()
		}
	}
}

// pick returns a subscription that no call is under way for, or nil.
func (m *model) pick() *modelSub {
	if len(m.subs) == 0 {
		return nil
	}
	i := m.chance(len(m.subs))
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.subs[i]; !s.busy && !s.ended {
		return s
	}
	return nil
}

// change adds a channel to a subscription, or takes one off.
func (m *model) change() {
	s := m.pick()
	if s == nil {
		return
	}
	names := []string{channels[m.chance(len(channels))]}
	add := m.chance(2) == 0
	m.Note("change %d: %v, add %v", s.number, names, add)
	if add {
		s.busy = true
		m.tasks.Go(func() {
			err := s.SSubscribe(context.Background(), names...)
			if err == nil {
				m.acknowledged(s, names)
			} else {
				m.check(err)
			}
			m.mu.Lock()
			s.busy = false
			m.mu.Unlock()
		})
		return
	}
	m.over(s, names)
	s.busy, s.left[names[0]] = true, true
	m.tasks.Go(func() {
		if err := s.SUnsubscribe(context.Background(), names...); err != nil {
			m.check(err)
		}
		m.mu.Lock()
		s.busy = false
		m.mu.Unlock()
	})
}

// end closes a subscription.
func (m *model) end() {
	s := m.pick()
	if s == nil || m.chance(3) > 0 {
		return
	}
	m.Note("close %d", s.number)
	m.over(s, channels)
	m.mu.Lock()
	s.ended = true
	m.mu.Unlock()
	if err := s.Close(); err != nil {
		m.Error(err)
	}
}

// primary returns a primary that is well, nil where there is none.
func (m *model) primary() *simNode {
	var well []*simNode
	for _, n := range m.nodes {
		if n.master == nil && !n.down && !n.paused && !n.cutOff {
			well = append(well, n)
		}
	}
	if len(well) == 0 {
		return nil
	}
	return well[m.random.IntN(len(well))]
}

// migrate gives a slot to another primary.
func (m *model) migrate() {
	m.cluster.mu.Lock()
	defer m.cluster.mu.Unlock()
	s := slot.Of(channels[m.random.IntN(len(channels))])
	if to := m.primary(); to != nil && m.owner[s] != nil && m.owner[s] != to && !m.owner[s].cutOff {
		m.move(s, to)
	}
}

// failOver gives the slots of a primary to its replica, in one of several ways, and brings the
// old one back later.
func (m *model) failOver(how string) {
	m.cluster.mu.Lock()
	defer m.cluster.mu.Unlock()
	old := m.primary()
	if old == nil {
		return
	}
	i := slices.IndexFunc(m.nodes, func(n *simNode) bool { return n.master == old && !n.down && !n.paused && !n.cutOff })
	if i < 0 {
		return
	}
	replica := m.nodes[i]
	delay := 1500 * time.Millisecond
	switch how {
	case "manual":
		delay = 0
	case "kill":
		old.kill()
	case "pause":
		old.paused = true
	case "cut off":
		old.cutOff = true
	}
	m.Note("fail over %v to %v: %s", old, replica, how)
	later := func(d time.Duration, f func()) {
		m.After("fail over", d, func() {
			m.cluster.mu.Lock()
			defer m.cluster.mu.Unlock()
			f()
		})
	}
	later(delay, func() { m.promote(replica) })
	if how == "manual" {
		return
	}
	m.silent = true
	back := delay + time.Duration(m.random.IntN(30000))*time.Millisecond
	later(back, func() {
		if old.paused && m.random.IntN(2) == 0 { // the client has given it up
			for _, l := range old.connections() {
				l.cut(io.ErrUnexpectedEOF)
			}
		}
		old.down, old.paused, old.cutOff = false, false, false
		old.demote(replica)
	})
}

// unserve lets nobody serve a slot for a while.
func (m *model) unserve() {
	m.cluster.mu.Lock()
	defer m.cluster.mu.Unlock()
	s := slot.Of(channels[m.random.IntN(len(channels))])
	if m.owner[s] == nil || m.owner[s].cutOff {
		return
	}
	m.move(s, nil)
	m.After("serve again", time.Duration(m.random.IntN(3000))*time.Millisecond, func() {
		m.cluster.mu.Lock()
		defer m.cluster.mu.Unlock()
		if to := m.primary(); to != nil && m.owner[s] == nil {
			m.move(s, to)
		}
	})
}

// forget lets the others forget a primary, and serve its slots, of which it hears nothing for
// a while.
func (m *model) forget() {
	m.cluster.mu.Lock()
	defer m.cluster.mu.Unlock()
	old := m.primary()
	if old == nil {
		return
	}
	old.cutOff, m.silent = true, true
	to := m.primary()
	if to == nil {
		old.cutOff = false
		return
	}
	for _, s := range sortedSlots(m.owner) {
		if m.owner[s] == old {
			m.move(s, to)
		}
	}
	m.After("remember", 20*time.Second+time.Duration(m.random.IntN(20000))*time.Millisecond, func() {
		m.cluster.mu.Lock()
		defer m.cluster.mu.Unlock()
		old.cutOff = false
		old.hearAll()
	})
}

// cutLink ends one of the connections.
func (m *model) cutLink() {
	m.cluster.mu.Lock()
	defer m.cluster.mu.Unlock()
	n := m.nodes[m.random.IntN(len(m.nodes))]
	m.Note("cut the links of %v", n)
	for _, l := range n.connections() {
		l.cut(io.EOF)
	}
}
