package cluster_test

import (
	"context"
	"errors"
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
			if err := m.client.Set(ctx, key, key); err != nil {
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
