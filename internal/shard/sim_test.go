package shard

import (
	"cmp"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/redchan-go/redchan/cluster/slot"
	"github.com/redchan-go/redchan/internal/hub"
	"github.com/redchan-go/redchan/internal/simulation"
	"github.com/redchan-go/redchan/proto"
)

// cluster is a model of a cluster's nodes, its bus and the connections to it: primaries
// and replicas that believe what they were told, and push and refuse by what they
// believe.
type cluster struct {
	*simulation.Scheduler
	random *rand.Rand // for events alone
	mu     sync.Mutex
	nodes  []*simNode
	// owner is the truth of who serves a slot, nil for nobody; epoch is the number of
	// the last change of it.
	owner map[int]*simNode
	epoch int
	// pushesAtPromoted: a promoted replica takes its subscriptions away, as servers do
	// from 8.0 on.
	pushesAtPromoted bool
	quietBus         bool // a change is heard of at once
	// keepsWhenDown: what is subscribed is not let go where the cluster is down, or now and
	// then, as by Redis 8.0 while a slot moves.
	keepsWhenDown bool
	published     []publication
	told          int            // changes of owners
	taken         map[hub.Op]int // commands that nodes have taken
}

// publication is one message: its number is its index.
type publication struct {
	channel string
	at      time.Time
}

// simNode is one node.
type simNode struct {
	c      *cluster
	addr   string
	named  string   // what other nodes call it; empty for addr
	master *simNode // nil for a primary
	// believes is who serves a slot, as it has heard, and when.
	believes map[int]belief
	epoch    int
	down     bool
	paused   bool
	refuses  error // what it answers to every command, if it is not nil
	cutOff   bool  // it hears nothing, and nobody hears of it; its clients reach it
	links    map[*simLink]bool
	carried  int // connections that were asked for
}

type belief struct {
	owner *simNode
	epoch int
}

// newCluster returns a cluster of primaries that serve the slots of some channels, and a
// replica for each.
func newCluster(seed uint64, primaries int, channels []string) *cluster {
	c := &cluster{
		Scheduler: simulation.NewScheduler(seed), random: rand.New(rand.NewPCG(seed, 1)), owner: map[int]*simNode{},
		taken: map[hub.Op]int{},
	}
	for i := range 2 * primaries {
		n := &simNode{c: c, addr: "node:" + strconv.Itoa(7000+i), believes: map[int]belief{}, links: map[*simLink]bool{}}
		if i >= primaries {
			n.master = c.nodes[i-primaries]
		}
		c.nodes = append(c.nodes, n)
	}
	for _, channel := range channels {
		s := slot.Of(channel)
		if c.owner[s] != nil {
			continue
		}
		c.owner[s] = c.nodes[len(c.owner)%primaries]
		for _, n := range c.nodes {
			n.believes[s] = belief{c.owner[s], 0}
		}
	}
	return c
}

// name returns the address by which other nodes call it.
func (n *simNode) name() string {
	if n.named != "" {
		return n.named
	}
	return n.addr
}

// String returns the node's address.
func (n *simNode) String() string {
	if n == nil {
		return "nobody"
	}
	return n.addr
}

// connections returns the node's connections, in their order. c.mu is held.
func (n *simNode) connections() []*simLink {
	return slices.SortedFunc(maps.Keys(n.links), func(a, b *simLink) int { return cmp.Compare(a.name, b.name) })
}

// serves reports whether a node serves a slot, as it believes.
func (n *simNode) serves(s int) bool {
	owner := n.believes[s].owner
	return owner != nil && (owner == n || owner == n.master)
}

// move makes owner serve a slot, which the others hear of in time. A node that had the slot
// before has heard that it lost it: servers refuse to import a slot that they believe to be
// their own, so none gets a slot back without its subscribers being told. c.mu is held.
func (c *cluster) move(s int, owner *simNode) {
	if owner != nil {
		owner.learn(s, belief{c.owner[s], c.epoch})
	}
	c.epoch++
	c.told++
	c.Note("slot %d is served by %v", s, owner)
	c.owner[s] = owner
	b := belief{owner, c.epoch}
	if owner != nil {
		owner.learn(s, b)
	}
	for _, n := range c.nodes {
		if n != owner {
			c.later(n, func() { n.learn(s, b) })
		}
	}
}

// later runs something that a node hears of, unless it hears nothing. c.mu is held.
func (c *cluster) later(n *simNode, f func()) {
	if n.cutOff || n.paused || n.down {
		return
	}
	delay := time.Duration(0)
	if !c.quietBus {
		delay = time.Duration(c.random.IntN(40)) * time.Millisecond
	}
	c.After("news for "+n.addr, delay, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if !n.cutOff && !n.paused && !n.down {
			f()
		}
	})
}

// learn takes news, and takes the subscriptions of slots that are lost away. c.mu is held.
func (n *simNode) learn(s int, b belief) {
	if b.epoch < n.believes[s].epoch {
		return
	}
	n.epoch = max(n.epoch, b.epoch)
	n.believes[s] = b
	if !n.serves(s) { // whatever it was: of its former shard too
		n.takeAway(func(channel string) bool { return slot.Of(channel) == s })
	}
}

// takeAway ends the subscriptions to some channels. c.mu is held.
func (n *simNode) takeAway(which func(string) bool) {
	for _, l := range n.connections() {
		for _, channel := range sorted(l.subscribed) {
			if which(channel) {
				delete(l.subscribed, channel)
				l.push("sunsubscribe", channel, len(l.subscribed))
			}
		}
	}
}

// hearAll lets a node hear all that it has missed, as a replica of whoever has its place.
// c.mu is held.
func (n *simNode) hearAll() {
	for _, s := range sortedSlots(n.c.owner) {
		n.learn(s, belief{n.c.owner[s], n.c.epoch})
	}
}

// promote gives a primary's slots to its replica, which becomes one itself. c.mu is held.
func (c *cluster) promote(replica *simNode) {
	old := replica.master
	replica.master = nil
	if c.pushesAtPromoted {
		replica.takeAway(func(string) bool { return true })
	}
	for _, s := range sortedSlots(c.owner) {
		if c.owner[s] == old {
			c.move(s, replica)
		}
	}
	for _, n := range c.nodes {
		if n.master == old {
			n.master = replica
		}
	}
	c.later(old, func() { old.demote(replica) })
}

// demote makes a node a replica. c.mu is held.
func (n *simNode) demote(primary *simNode) {
	if n == primary {
		return
	}
	n.hearAll()
	n.master = primary
	n.takeAway(func(channel string) bool { return !n.serves(slot.Of(channel)) })
}

// kill ends a node with its connections. c.mu is held.
func (n *simNode) kill() {
	n.down = true
	for _, l := range n.connections() {
		l.cut(io.EOF)
	}
}

// publish publishes a message to the node that serves its channel, if there is one that can.
func (c *cluster) publish(channel string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	owner := c.owner[slot.Of(channel)]
	if owner == nil || owner.down || owner.paused {
		return
	}
	number := strconv.Itoa(len(c.published))
	c.published = append(c.published, publication{channel, time.Now()})
	for _, n := range c.nodes {
		if n != owner && (n.master != owner || n.cutOff || n.paused || n.down) {
			continue
		}
		for _, l := range n.connections() {
			if l.subscribed[channel] {
				l.push("smessage", channel, number)
			}
		}
	}
}

// view returns what a node says of the cluster. c.mu is held.
func (n *simNode) view() View {
	v := View{From: n.addr, At: time.Now()}
	for _, owner := range n.c.nodes {
		shard := Shard{Primary: owner.addr}
		for _, s := range sortedSlots(n.believes) {
			if n.believes[s].owner == owner {
				shard.Slots = append(shard.Slots, slot.Range{From: s, To: s})
			}
		}
		for _, replica := range n.c.nodes {
			if replica.master == owner && !replica.down && !replica.paused {
				shard.Replicas = append(shard.Replicas, replica.addr)
			}
		}
		if len(shard.Slots) > 0 {
			v.Shards = append(v.Shards, shard)
		}
	}
	return v
}

// refusal returns the error that a command is answered with. c.mu is held.
func (n *simNode) refusal(names []string) error {
	for _, name := range names {
		s := slot.Of(name)
		switch {
		case n.refuses != nil:
			return n.refuses
		case s != slot.Of(names[0]):
			return &proto.Error{Code: "CROSSSLOT", Message: "Keys in request don't hash to the same slot"}
		case n.believes[s].owner == nil:
			return &proto.Error{Code: "CLUSTERDOWN", Message: "Hash slot not served"}
		case !n.serves(s):
			return &proto.Error{Code: "MOVED", Message: strconv.Itoa(s) + " " + n.believes[s].owner.name()}
		}
	}
	return nil
}
