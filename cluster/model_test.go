package cluster_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/cluster"
	"github.com/redchan-go/redchan/internal/simulation"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
)

var simulated = simulation.New(300, 60)

// TestModel runs random histories of a cluster and of a program that uses it: slots that move
// key by key, nodes that fail, are paused, slow, cut off, forgotten, that join and leave and
// change their ports, slots that nobody serves, connections that are lost before a command ran
// or after; and callers whose contexts end at any time. It checks what the client says of each
// request against what ran, that each reply is of its own key, that transactions are whole and
// lose no update, that messages are received or told to be missing, that nodes are not asked
// too much, and that at the end all works and nothing is left.
func TestModel(t *testing.T) { simulated.Run(t, modelHistory) }

// modelFaults are what can be made to go wrong, as if the client did it, and what TestModel
// says then.
var modelFaults = map[string]string{
	"reply":        "belongs to another key",          // a reply is that of another key
	"batch":        "belongs to another key",          // a reply of a batch is missing among the others
	"repeat":       "ran 2 times",                     // a write is sent again when its reply was lost
	"acknowledged": "was acknowledged, and ran",       // a write that has failed is taken for done
	"safe":         "is said not to have run",         // one that may have run is called safe to retry
	"moved":        "node:7001",                       // what is for this node goes to another one
	"transaction":  "outside of its transaction",      // a transaction is sent as a batch
	"watch":        "an update is lost",               // keys are not watched
	"refresh":      "is asked for the topology again", // a node is asked too often
	"gap":          "and no gap tells of it",          // gaps are not told
	"message":      "and no gap tells of it",          // messages are not delivered
	"leak":         "is left",                         // a connection is not closed
	"stuck":        "have not returned",               // a call never returns
}

func TestModelIsDeterministic(t *testing.T) { simulated.IsDeterministic(t, 25, modelHistory) }

func TestModelFindsFaults(t *testing.T) { simulated.FindsFaults(t, 40, modelFaults) }

// model is a cluster, its client and a program.
type model struct {
	*modelCluster
	client   *cluster.Client
	readFrom cluster.ReadFrom
	stop     chan struct{}
	tasks    sync.WaitGroup

	// Guarded by mu.
	done    map[string]int // requests by keys that were acknowledged
	streams []*modelStream
}

func modelHistory(t *testing.T, seed uint64) (trace []string) {
	synctest.Test(t, func(t *testing.T) {
		m := &model{modelCluster: newModelCluster(t, seed, 3, 1+int(seed%2)), stop: make(chan struct{}), done: map[string]int{}}
		m.calm = seed%10 == 0
		m.quietBus, m.replicates = seed%3 == 0, seed%5 == 1
		m.slots, m.refusesAll, m.pushes = seed%7 == 0, seed%4 == 1, seed%2 == 0
		m.readFrom = []cluster.ReadFrom{cluster.Primary, cluster.PreferReplica, cluster.Primary, cluster.RoundRobin, cluster.LowestLatency}[(seed/2+seed/10)%5]
		m.inTurn = m.readFrom == cluster.RoundRobin || m.readFrom == cluster.PreferReplica && seed%2 == 1
		o := cluster.Options{Addrs: []string{m.nodes[0].addr, m.nodes[1].addr}, ReadFrom: m.readFrom}
		o.Node.Dial = m.dial
		o.Node.SubscribeTimeout = 10 * time.Second
		if seed%2 == 0 {
			o.Node.ReplyTimeout = time.Second
		}
		client, err := cluster.New(o)
		if err != nil {
			t.Fatal(err)
		}
		m.client = client
		m.paused = client.Paused
		m.await(func() { _, _ = client.Refresh(context.Background()) }) // or all begin at one moment
		if seed%10 < 7 {
			m.await(m.subscribe)
		}
		if seed%3 == 0 {
			m.tasks.Go(m.comeAndGo)
		}
		for i := range 4 {
			m.tasks.Go(func() { m.call(i) })
		}
		m.mu.Lock()
		m.publishAll(0)
		m.mu.Unlock()
		for range 22 {
			m.mu.Lock()
			if !m.calm {
				m.step()
			}
			pause := time.Duration(m.random.IntN(250_000_000))
			m.mu.Unlock()
			m.RunFor(pause)
		}
		m.finish()
		trace = m.Trace()
	})
	return trace
}

// pick returns a node, nil where none is like that.
func (c *modelCluster) pick(like func(*modelNode) bool) *modelNode {
	var nodes []*modelNode
	for _, n := range c.nodes {
		if like(n) {
			nodes = append(nodes, n)
		}
	}
	if len(nodes) == 0 {
		return nil
	}
	return nodes[c.random.IntN(len(nodes))]
}

// idle reports whether a node has no part in what happens.
func (n *modelNode) idle() bool { return n.well() && n.busy == 0 }

// primary returns a primary that is well, another than one.
func (c *modelCluster) primary(like func(*modelNode) bool) *modelNode {
	return c.pick(func(n *modelNode) bool { return n.master == nil && like(n) })
}

// milliseconds returns a random time.
func (c *modelCluster) milliseconds(least, most int) time.Duration {
	return time.Duration(least)*time.Millisecond + time.Duration(c.random.Int64N(int64(most-least)*int64(time.Millisecond)))
}

// step lets something happen. m.mu is held.
func (m *model) step() {
	switch n := m.random.IntN(26); {
	case n < 6:
		m.migrate()
	case n < 8:
		m.moveAtOnce()
	case n < 10:
		m.failOver("manual")
	case n < 12:
		m.failOver("kill")
	case n < 13:
		m.failOver("pause")
	case n < 14:
		m.failOver("cut off")
	case n < 15:
		m.unserve()
	case n < 17:
		m.standStill()
	case n < 19:
		m.slowDown()
	case n < 21:
		if node := m.pick((*modelNode).well); node != nil {
			node.cutAll()
		}
	case n < 22:
		m.restartReplica()
	case n < 23:
		m.join()
	case n < 24:
		m.leave()
	}
	m.askOften()
}

// migrate moves a unit key by key.
func (m *model) migrate() {
	u := m.random.IntN(len(modelTags))
	from := m.owner[u]
	to := m.primary(func(n *modelNode) bool { return n != from && n.idle() })
	if from == nil || to == nil || !from.idle() || m.moving[u] {
		return
	}
	m.moving[u] = true
	from.busy++
	to.busy++
	from.migrating[u], to.importing[u] = to, true
	var at time.Duration
	for _, key := range modelCounters(m.units[u].tag) {
		at += m.milliseconds(5, 100)
		m.later(at, func() { m.moveKey(key, from, to) })
	}
	for _, key := range slices.Sorted(maps.Keys(from.data)) {
		if m.unit(key) == u && modelBase(key) == 0 {
			m.later(at, func() { m.moveKey(key, from, to) })
		}
	}
	m.later(at+m.milliseconds(5, 50), func() {
		m.moving[u] = false
		from.busy--
		to.busy--
		m.moveRest(u, from, to)
		m.move(u, to)
		// The one that loses it is told too.
		from.learn(u, modelBelief{to, m.epoch})
	})
}

func (m *model) moveKey(key string, from, to *modelNode) {
	if v, ok := from.data[key]; ok {
		to.write(key, v.text)
		from.remove(key)
	}
}

// moveRest moves the keys of a unit that are left.
func (m *model) moveRest(u int, from, to *modelNode) {
	for _, key := range slices.Sorted(maps.Keys(from.data)) {
		if m.unit(key) == u {
			m.moveKey(key, from, to)
		}
	}
}

// moveAtOnce moves a unit with all its keys.
func (m *model) moveAtOnce() {
	u := m.random.IntN(len(m.units))
	from := m.owner[u]
	to := m.primary(func(n *modelNode) bool { return n != from && n.idle() })
	if from == nil || to == nil || !from.idle() || m.moving[u] {
		return
	}
	m.moveRest(u, from, to)
	m.move(u, to)
	from.learn(u, modelBelief{to, m.epoch})
}

// failOver gives the slots of a primary to its replica, in one of several ways, and brings the
// old one back later.
func (m *model) failOver(how string) {
	replicaOf := func(n *modelNode) *modelNode {
		return m.pick(func(r *modelNode) bool { return r.master == n && r.idle() })
	}
	old := m.primary(func(n *modelNode) bool { return n.idle() && replicaOf(n) != nil })
	if old == nil {
		return
	}
	replica := replicaOf(old)
	if how == "manual" {
		m.promote(replica, true)
		return
	}
	old.busy++
	replica.busy++
	m.lossy = true
	switch how {
	case "kill":
		old.kill()
	case "pause":
		old.pause()
		m.silent = true
	case "cut off":
		old.cutOff = time.Now()
		m.silent = true
	}
	promoted := m.milliseconds(700, 1500)
	m.later(promoted, func() { m.promote(replica, false) })
	m.later(promoted+m.milliseconds(1, 2000), func() {
		replica.busy--
		old.cutOff = time.Time{}
		if old.down && m.random.IntN(3) == 0 {
			old.addr = m.newAddr()
		}
		if old.down && m.random.IntN(3) == 0 {
			old.loading = true
		}
		old.down = false
		old.resume()
		m.later(m.milliseconds(1, 20), func() { old.demote(replica) })
		m.later(m.milliseconds(20, 300), func() {
			old.loading = false
			old.busy--
		})
	})
}

// unserve lets nobody serve a unit for a while.
func (m *model) unserve() {
	u := m.random.IntN(len(m.units))
	owner := m.owner[u]
	if owner == nil || !owner.idle() || m.moving[u] {
		return
	}
	m.moving[u] = true
	owner.busy++
	m.move(u, nil)
	owner.learn(u, modelBelief{nil, m.epoch})
	m.later(m.milliseconds(1, 2000), func() {
		m.moving[u] = false
		owner.busy--
		m.move(u, owner)
	})
}

// standStill lets a node stand still, too short for the others to care.
func (m *model) standStill() {
	n := m.pick((*modelNode).idle)
	if n == nil {
		return
	}
	n.busy++
	n.pause()
	m.silent = true
	m.later(m.milliseconds(1, 1500), func() {
		n.busy--
		n.resume()
		n.hearAll()
	})
}

// slowDown makes a node slow for a while.
func (m *model) slowDown() {
	n := m.pick((*modelNode).well)
	if n == nil || n.delay > 0 {
		return
	}
	n.delay = m.milliseconds(1, 40)
	m.later(m.milliseconds(100, 1000), func() {
		n.delay = 0
		n.vague = time.Now().Add(time.Second)
	})
}

// restartReplica ends a replica, which comes back, perhaps with another port.
func (m *model) restartReplica() {
	n := m.pick(func(n *modelNode) bool { return n.master != nil && n.idle() })
	if n == nil {
		return
	}
	n.busy++
	n.kill()
	m.silent = true
	m.later(m.milliseconds(10, 1000), func() {
		if m.random.IntN(2) == 0 {
			n.addr = m.newAddr()
		}
		n.down, n.loading = false, true
		n.demote(n.master)
	})
	m.later(m.milliseconds(1000, 1300), func() {
		n.busy--
		n.loading = false
	})
}

// join adds a node, a replica or a primary without slots.
func (m *model) join() {
	if len(m.nodes) > 11 {
		return
	}
	n := m.newNode()
	n.believes = make([]modelBelief, len(m.units))
	n.hearAll()
	if m.random.IntN(2) == 0 {
		primary := m.primary((*modelNode).idle)
		if primary == nil {
			return
		}
		n.follow(primary)
		n.loading = true
		m.later(m.milliseconds(1, 500), func() { n.loading = false })
	}
	m.nodes = append(m.nodes, n)
}

// leave lets the others forget a node without slots, which ends some time later, or never.
func (m *model) leave() {
	n := m.pick(func(n *modelNode) bool {
		return n.idle() && !slices.Contains(m.owner, n) && !slices.ContainsFunc(m.nodes, func(r *modelNode) bool { return r.master == n })
	})
	if n == nil {
		return
	}
	n.busy++
	n.left, n.cutOff = true, time.Now()
	m.silent = true
	if m.random.IntN(2) == 0 {
		m.later(m.milliseconds(1, 1500), n.kill)
	}
}

// askOften asks a node for the topology as the client must not.
func (m *model) askOften() {
	if !m.goesWrong("refresh", 1) {
		return
	}
	t := m.client.Topology()
	if t == nil {
		return
	}
	if n, err := m.client.Node(t.From); err == nil {
		m.tasks.Go(func() {
			for range 2 {
				_, _ = n.ClusterShards(context.Background())
			}
		})
	}
}

// finish lets the cluster come to rest, and checks.
func (m *model) finish() {
	m.settle()
	m.mu.Lock()
	for _, n := range m.nodes {
		if !n.left {
			n.hearAll()
		}
	}
	m.mu.Unlock()
	m.checkCalls()
	m.settle()
	m.mu.Lock()
	m.rests = true
	m.mu.Unlock()
	m.RunFor(20 * time.Second)
	m.await(m.checkWorks)
	m.mu.Lock()
	for i := range 3 * len(modelChannels) * len(modelEvents) {
		m.publishTo(i)
	}
	m.mu.Unlock()
	m.RunFor(time.Second)
	m.await(func() {
		for _, s := range m.streams {
			if err := s.close(); err != nil {
				m.t.Errorf("closing a stream: %v", err)
			}
			<-s.done
		}
	})
	m.await(m.checkClosed)
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.streams {
		m.checkStream(s)
	}
	m.checkRequests()
}

// checkCalls ends the callers, and checks that they do.
func (m *model) checkCalls() {
	close(m.stop)
	began := time.Now()
	m.await(func() {
		if simulated.Fault("stuck") {
			time.Sleep(2 * time.Minute)
		}
		m.tasks.Wait()
	})
	if time.Since(began) > time.Minute {
		m.t.Errorf("calls have not returned within a minute")
	}
}

// checkWorks checks that all slots can be written and read.
func (m *model) checkWorks() {
	ctx := context.Background()
	for u := range m.units {
		keys := []string{"{" + m.units[u].tag + "}s"}
		if m.units[u].tag == "" {
			keys = m.keysOf(u)
		}
		for _, key := range keys {
			if _, err := m.client.Set(ctx, key, key); err != nil {
				m.t.Errorf("SET %s at the end: %v", key, err)
			}
			m.turn("checker", 100*time.Millisecond) // for replicas
			if v, err := m.client.Get(ctx, key); v != key || err != nil {
				m.t.Errorf("GET %s at the end: %q, %v", key, v, err)
			}
		}
	}
	topology := m.client.Topology()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, shard := range topology.Shards() {
		for _, r := range shard.Slots {
			for s := r.From; s <= r.To; s++ {
				if owner := m.owner[m.unitOf[s]]; owner == nil || owner.addr != shard.Primary.Addr {
					m.t.Errorf("at the end the client takes slot %d for one of %s", s, shard.Primary.Addr)
					return
				}
			}
		}
	}
	if uncovered := topology.Uncovered(); len(uncovered) > 0 {
		m.t.Errorf("at the end the client knows nobody for %v", uncovered)
	}
	for _, tag := range modelTags {
		for _, key := range modelCounters(tag) {
			m.mu.Unlock()
			n, err := command.AsInt(command.Get(key)).Do(ctx, m.client)
			m.mu.Lock()
			if err != nil {
				m.t.Errorf("GET %s at the end: %v", key, err)
			}
			m.checkCounter(key, int(n)-modelBase(key))
		}
	}
}

// keysOf returns some keys of a unit.
func (m *model) keysOf(u int) []string {
	var keys []string
	for i := 0; len(keys) < 3; i++ {
		if key := "key" + strconv.Itoa(i); m.unit(key) == u {
			keys = append(keys, key)
		}
	}
	return keys
}

// checkCounter checks how often a key was incremented. m.mu is held.
func (m *model) checkCounter(key string, n int) {
	ran, acknowledged, maybe := 0, 0, 0
	for _, r := range m.requests {
		if r.key != key {
			continue
		}
		ran += r.runs
		switch r.outcome {
		case modelDone:
			acknowledged++
		case modelMaybe:
			maybe++
		}
	}
	if n > acknowledged+maybe || n < acknowledged && !m.lossy {
		m.t.Errorf("%s was incremented %d times; %d were acknowledged, %d may have run", key, n, acknowledged, maybe)
	}
	if n != ran && !m.lossy {
		m.t.Errorf("%s was incremented %d times, but %d have run", key, n, ran)
	}
}

// checkRequests checks what the client said of each request. m.mu is held.
func (m *model) checkRequests() {
	for id, r := range m.requests {
		switch {
		case r.outcome == modelUnknown:
			m.t.Errorf("nothing is known of request %d of %s", id, r.key)
		case r.outcome == modelDone && r.runs != 1:
			m.t.Errorf("request %d of %s was acknowledged, and ran %d times", id, r.key, r.runs)
		case r.outcome == modelNot && r.runs > 0:
			m.t.Errorf("request %d of %s is said not to have run, and ran %d times", id, r.key, r.runs)
		}
	}
}

// checkClosed closes the client, and checks that nothing is left.
func (m *model) checkClosed() {
	if simulated.Fault("leak") {
		if _, err := m.dial(context.Background(), "tcp", m.client.Topology().From); err != nil {
			m.t.Error(err)
		}
	}
	start := time.Now()
	if err := m.client.Close(); err != nil {
		m.t.Errorf("Close: %v", err)
	}
	if took := time.Since(start); took > time.Second {
		m.t.Errorf("Close took %v", took)
	}
	if _, err := m.client.Get(context.Background(), "k"); !errors.Is(err, redis.ErrClosed) {
		m.t.Errorf("GET behind Close: %v", err)
	}
	m.turn("checker", time.Second)
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, n := range m.nodes {
		if len(n.conns) > 0 {
			m.t.Errorf("a connection to %s is left", n.addr)
		}
	}
}
