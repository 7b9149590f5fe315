package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/redchan-go/redchan/cluster/slot"
	"github.com/redchan-go/redchan/internal/simulation"
	"github.com/redchan-go/redchan/redis/redistest"
)

// modelCluster is a model of a cluster: primaries and replicas that answer by what they
// believe, hear of changes in time, and replicate in time. The slots are in units: some of
// one slot, which have keys, and for each of the first primaries one of the others.
type modelCluster struct {
	*simulation.Scheduler
	t      testing.TB
	seed   uint64
	random *rand.Rand // for events alone
	began  time.Time

	mu     sync.Mutex
	nodes  []*modelNode
	units  []modelUnit
	unitOf [slot.Count]uint8
	owner  []*modelNode // the truth by unit, nil for nobody
	moving map[int]bool // units on their way, or not settled
	epoch  int
	ports  int // given out
	timers int // that are to come

	// What kind of cluster it is.
	calm       bool // nothing goes wrong
	rests      bool // nothing goes wrong any more
	quietBus   bool // news are heard of at once
	replicates bool // at once
	slots      bool // CLUSTER SHARDS is not known
	refusesAll bool // where a slot is not served, nothing is
	inTurn     bool // reads go to several nodes in turn
	pushes     bool // a promoted replica takes its shard subscriptions away

	lossy     bool // writes may have been lost
	silent    bool // messages may have been lost that nobody can tell
	versions  int  // of keys, for WATCH
	requests  map[int]*modelRequest
	published []modelMessage
	chances   int        // for a fault to happen
	paused    func() int // calls that wait before they try again; nil where nobody asks
	unordered bool
	names     map[string]int // of connections
}

// modelUnit is slots that have the same owner.
type modelUnit struct {
	tag    string // of its keys; empty for one without
	ranges []slot.Range
}

// modelRequest is something that is to run once at most, by its number.
type modelRequest struct {
	key       string
	tx        []int // the numbers of its transaction
	runs      int
	redirects int
	ask       *modelNode // where it was sent by an ASK
	to        *modelNode // where it was sent by a redirect
	at        time.Time  // when
	outcome   modelOutcome
}

// modelMessage is a message, by its index.
type modelMessage struct {
	channel string
	at      time.Time
	by      *modelNode
}

type modelBelief struct {
	owner *modelNode
	epoch int
}

// modelValue is a key's value.
type modelValue struct {
	text    string
	version int // changes with each write
}

// modelNode is one node.
type modelNode struct {
	c      *modelCluster
	addr   string
	server *redistest.Server
	master *modelNode // nil for a primary

	believes  []modelBelief
	epoch     int
	data      map[string]modelValue
	backlog   []modelWrite       // of a replica: on its way from the primary
	migrating map[int]*modelNode // units on their way to another node
	importing map[int]bool

	busy    int // with what happens
	down    bool
	failed  bool // the others say so
	loading bool
	left    bool      // forgotten by the others
	cutOff  time.Time // since when it hears nothing, and nobody hears of it; its clients reach it
	demoted time.Time // when
	paused  bool
	stalled []modelStalled // for when it goes on
	delay   time.Duration  // of each command
	conns   map[*modelConn]bool
	asked   time.Time // for the topology
	vague   time.Time // until when that says nothing
	trouble time.Time // when it last could not be reached
}

// modelStalled is what a connection of a paused node has to do.
type modelStalled struct {
	conn *modelConn
	run  func()
}

// modelWrite is a write on its way to a replica.
type modelWrite struct {
	key    string
	value  modelValue
	absent bool
}

// modelTags are the hash tags of the keys, each of a slot of its own.
var modelTags = []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}

// newModelCluster returns a cluster of primaries with replicas.
func newModelCluster(t testing.TB, seed uint64, primaries int, replicas int) *modelCluster {
	c := &modelCluster{
		Scheduler: simulation.NewScheduler(seed), t: t, seed: seed, random: rand.New(rand.NewPCG(seed, 1)), began: time.Now(),
		moving: map[int]bool{}, requests: map[int]*modelRequest{}, ports: 7000, names: map[string]int{},
	}
	for i := range primaries * (1 + replicas) {
		n := c.newNode()
		if i >= primaries {
			n.master = c.nodes[i%primaries]
		}
		c.nodes = append(c.nodes, n)
	}
	c.spread(primaries)
	for _, n := range c.nodes {
		n.believes = make([]modelBelief, len(c.units))
		for u, owner := range c.owner {
			n.believes[u].owner = owner
			if owner == n || owner == n.master {
				for _, key := range modelCounters(c.units[u].tag) {
					n.data[key] = modelValue{text: strconv.Itoa(modelBase(key))}
				}
			}
		}
	}
	return c
}

// newServedCluster is a calm cluster for a test that tells a story of its own. It is to be made in
// the test's bubble.
func newServedCluster(t testing.TB, primaries int, replicas int) *modelCluster {
	c := newModelCluster(t, 1, primaries, replicas)
	c.calm, c.quietBus = true, true
	stop := make(chan struct{})
	t.Cleanup(func() { close(stop) })
	go c.Serve(stop)
	return c
}

// spread makes the units.
func (c *modelCluster) spread(primaries int) {
	single := map[int]bool{}
	for _, tag := range modelTags {
		s := slot.Of(tag)
		single[s] = true
		c.unitOf[s] = uint8(len(c.units))
		c.owner = append(c.owner, c.nodes[s*primaries/slot.Count])
		c.units = append(c.units, modelUnit{tag, []slot.Range{{From: s, To: s}}})
	}
	for i := range primaries {
		var slots []int
		for s := range slot.Count {
			if s*primaries/slot.Count == i && !single[s] {
				slots = append(slots, s)
				c.unitOf[s] = uint8(len(c.units))
			}
		}
		c.units = append(c.units, modelUnit{"", slot.Ranges(slots)})
		c.owner = append(c.owner, c.nodes[i])
	}
}

// newNode returns a node that knows nothing. c.mu is held, or not needed yet.
func (c *modelCluster) newNode() *modelNode {
	return &modelNode{
		c: c, addr: c.newAddr(), server: redistest.NewServer(c.t), data: map[string]modelValue{},
		migrating: map[int]*modelNode{}, importing: map[int]bool{}, conns: map[*modelConn]bool{},
	}
}

func (c *modelCluster) newAddr() string {
	c.ports++
	return "node:" + strconv.Itoa(c.ports)
}

// modelCounters returns the keys of a tag that are numbers.
func modelCounters(tag string) []string {
	if tag == "" {
		return nil
	}
	return []string{"{" + tag + "}1", "{" + tag + "}2", "{" + tag + "}cas"}
}

// modelBase is the first value of a key, which tells it from all others.
func modelBase(key string) int {
	for i, tag := range modelTags {
		if at := slices.Index(modelCounters(tag), key); at >= 0 {
			return (1 + i*3 + at) * 1_000_000
		}
	}
	return 0
}

// dial connects to a node by its address. It takes a time, also where it fails: whoever has lost a
// connection at this moment waits for the new one before anything is known of it.
func (c *modelCluster) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	time.Sleep(time.Duration(1 + c.drawn(100_000, "dial", addr)))
	c.mu.Lock()
	if simulated.Fault("moved") && addr == c.nodes[1].addr { // as if a redirect to it was not followed
		addr = c.nodes[0].addr
	}
	i := slices.IndexFunc(c.nodes, func(n *modelNode) bool { return n.addr == addr && !n.down })
	if i < 0 {
		c.Hear("%s refuses a connection", addr)
		c.mu.Unlock()
		return nil, errors.New("connection refused by " + addr)
	}
	n := c.nodes[i]
	c.mu.Unlock()
	nc, err := n.server.Dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	n.serve(n.server.Accept())
	return modelEnd{nc}, nil
}

// modelEnd is the client's end of a connection. It has no read deadlines, so that callers don't read
// for each other: which of them would, and so how soon one notices that its context has ended, is the
// Go scheduler's choice.
type modelEnd struct{ net.Conn }

func (modelEnd) SetReadDeadline(time.Time) error { return errors.ErrUnsupported }

// drawn returns a number below n that depends on the seed, the time and what it is for: for chances
// that are not drawn in events, or in events whose order among others is not the seed's.
func (c *modelCluster) drawn(n uint64, what ...any) uint64 {
	chance := fnv.New64a()
	fmt.Fprint(chance, c.seed, time.Since(c.began), what)
	return rand.NewPCG(chance.Sum64(), 0).Uint64() % n
}

// goesWrong reports whether a fault is to happen now: once in so many times. c.mu is held.
func (c *modelCluster) goesWrong(name string, once int) bool {
	if !simulated.Fault(name) {
		return false
	}
	c.chances++
	return c.chances%once == 0
}

// after has an actor run something, with the lock held.
func (c *modelCluster) after(actor string, d time.Duration, run func()) {
	c.After(actor, d, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.noteTurns()
		run()
	})
}

// noteTurns notes that several calls wait before they try again, where reads go to nodes in turn: one
// topology has all of them go on, and the Go scheduler chooses who has which turn. c.mu is held.
func (c *modelCluster) noteTurns() {
	if c.inTurn && !c.unordered && c.paused() > 1 {
		c.unordered = true
		c.Hear(simulation.Unordered)
	}
}

// later runs f with the lock held. c.mu is held.
func (c *modelCluster) later(d time.Duration, f func()) {
	c.timers++
	c.after("world", d, func() {
		f()
		c.timers--
	})
}

// settle waits until nothing is to come.
func (c *modelCluster) settle() {
	for {
		c.mu.Lock()
		left := c.timers
		c.mu.Unlock()
		if left == 0 {
			return
		}
		c.RunFor(10 * time.Millisecond)
	}
}

// await runs something that waits for the client, and events until it has returned.
func (c *modelCluster) await(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	for {
		c.RunFor(time.Millisecond)
		select {
		case <-done:
			return
		default:
		}
	}
}

// hears runs what a node hears of, in time, unless it hears nothing. c.mu is held.
func (n *modelNode) hears(f func()) {
	if n.deaf() {
		return
	}
	delay := time.Duration(0)
	if !n.c.quietBus {
		delay = time.Duration(n.c.random.IntN(60_000_000))
		if n.c.random.IntN(8) == 0 {
			delay *= 10
		}
	}
	n.c.later(delay, func() {
		if !n.deaf() {
			f()
		}
	})
}

func (c *modelCluster) unit(key string) int { return int(c.unitOf[slot.Of(key)]) }
