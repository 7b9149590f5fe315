package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/cluster"
	"github.com/redchan-go/redchan/cluster/slot"
	"github.com/redchan-go/redchan/redis/redistest"
)

// sim is a cluster of fake nodes, which keep strings and answer as servers do: with MOVED
// and ASK where a key is another's. The first primaries of it share the slots evenly.
type sim struct {
	t testing.TB

	mu        sync.Mutex
	nodes     map[string]*simNode // by address
	dials     map[string]int      // by address
	primaries []*simNode
	owner     [slot.Count]*simNode
	importing map[int]*simNode // slots on their way to a node
	epoch     int
	noShards  bool // CLUSTER SHARDS is not known
}

// simNode is one node. What others don't write is guarded by sim.mu.
type simNode struct {
	sim    *sim
	addr   string
	id     string
	server *redistest.Server
	conns  []*redistest.Conn // ever made

	primary *simNode // of a replica
	data    map[string]string
	script  bool          // it knows the script
	failed  bool          // the others say so
	delay   time.Duration // of each answer
	paused  chan struct{} // closed when it goes on; nil: it does not stand still
	log     []string      // what it was asked, without handshakes and questions for the topology
	// answer may answer instead of the node.
	answer func(words []string) (raw string, ok bool)
	// told is what the node tells of the topology, instead of what is.
	told  func(words []string) (raw string, ok bool)
	asked int // how often it was asked for the topology
}

// newSim returns a cluster of primaries n1:1, n2:1, ... with replicas r1:1, r2:1 where replicas says
// so.
func newSim(t testing.TB, primaries int, replicas bool) *sim {
	s := &sim{t: t, nodes: map[string]*simNode{}, dials: map[string]int{}, importing: map[int]*simNode{}, epoch: 7}
	for i := range primaries {
		n := s.add(fmt.Sprintf("n%d:1", i+1), nil)
		s.primaries = append(s.primaries, n)
		for j := i * slot.Count / primaries; j < (i+1)*slot.Count/primaries; j++ {
			s.owner[j] = n
		}
		if replicas {
			s.add(fmt.Sprintf("r%d:1", i+1), n)
		}
	}
	return s
}

func (s *sim) add(addr string, primary *simNode) *simNode {
	n := &simNode{sim: s, addr: addr, id: addr, server: redistest.NewServer(s.t), primary: primary, data: map[string]string{}}
	s.nodes[addr] = n
	return n
}

// dial connects to a node by its address.
func (s *sim) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	s.mu.Lock()
	n := s.nodes[addr]
	s.dials[addr]++
	s.mu.Unlock()
	if n == nil {
		return nil, errors.New("no such host: " + addr)
	}
	nc, err := n.server.Dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	c := &simConn{node: n}
	served := n.server.Accept()
	s.mu.Lock()
	n.conns = append(n.conns, served)
	s.mu.Unlock()
	go served.Serve(c.serve)
	return nc, nil
}

// options returns options for a client of the cluster.
func (s *sim) options() cluster.Options {
	o := cluster.Options{Addrs: []string{"n1:1"}}
	o.Node.Dial = s.dial
	return o
}

// story runs a test under virtual time with a cluster and a client of it, which is closed
// behind it; synctest fails the test where a goroutine is left.
func story(t *testing.T, primaries int, replicas bool, change func(*cluster.Options), test func(t *testing.T, c *cluster.Client, s *sim)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t, primaries, replicas)
		o := s.options()
		if change != nil {
			change(&o)
		}
		c, err := cluster.New(o)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			longest := time.Duration(0)
			for _, n := range s.nodes {
				n.resume()
				longest = max(longest, n.delay)
			}
			time.Sleep(longest) // what the nodes are at
		}()
		defer func() {
			start := time.Now()
			if err := c.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
			if took := time.Since(start); took > time.Second {
				t.Errorf("Close took %v", took)
			}
		}()
		test(t, c, s)
	})
}

// pause lets the node stand still: it takes connections and bytes, and answers nothing.
func (n *simNode) pause() {
	n.sim.mu.Lock()
	defer n.sim.mu.Unlock()
	n.paused = make(chan struct{})
}

// kill closes the node's connections, and refuses others.
func (n *simNode) kill() {
	n.server.Refuse(errors.New("connection refused"))
	n.sim.mu.Lock()
	defer n.sim.mu.Unlock()
	for _, c := range n.conns {
		c.Close()
	}
}

func (n *simNode) resume() {
	n.sim.mu.Lock()
	defer n.sim.mu.Unlock()
	if n.paused != nil {
		close(n.paused)
		n.paused = nil
	}
}

// promote gives a replica the slots of its primary, which the others take for failed.
func (s *sim) promote(replica *simNode) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := replica.primary
	replica.data, replica.primary, old.failed = old.data, nil, true
	s.primaries = append(s.primaries, replica)
	for i := range s.owner {
		if s.owner[i] == old {
			s.owner[i] = replica
		}
	}
	s.epoch++
}

// move gives a slot and its keys to another node, which the others know at once.
func (s *sim) move(to *simNode, slots ...int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, at := range slots {
		for key, value := range s.owner[at].data {
			if slot.Of(key) == at {
				to.data[key] = value
				delete(s.owner[at].data, key)
			}
		}
		s.owner[at] = to
		delete(s.importing, at)
	}
	s.epoch++
}

// simConn is one connection to a node.
type simConn struct {
	node             *simNode
	readOnly, asking bool
	queue            [][]string
	multi, refused   bool
}

func (c *simConn) serve(words []string) (raw string, ok bool) {
	s := c.node.sim
	s.mu.Lock()
	paused, delay := c.node.paused, c.node.delay
	s.mu.Unlock()
	if delay > 0 {
		time.Sleep(delay)
	}
	if paused != nil {
		<-paused
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return c.reply(words), true
}

const simHello = "%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n8.0.0\r\n"

// reply answers one command; sim.mu is held.
func (c *simConn) reply(words []string) string {
	n := c.node
	line := strings.Join(words, " ")
	switch words[0] {
	case "HELLO":
		return simHello
	case "CLIENT":
		return simOK
	case "CLUSTER":
		return n.topology(words)
	}
	if words[0] == "PING" && len(words) == 2 { // which ends the handshake
		return simBulk(words[1])
	}
	n.log = append(n.log, line)
	if n.answer != nil {
		if raw, ok := n.answer(words); ok {
			c.refused = c.refused || c.multi && raw[0] == '-'
			return raw
		}
	}
	if c.multi && words[0] != "EXEC" {
		if refusal := c.elsewhere(words); refusal != "" {
			c.refused = true
			return refusal
		}
		c.queue = append(c.queue, words)
		return "+QUEUED\r\n"
	}
	switch words[0] {
	case "READONLY":
		c.readOnly = true
		return simOK
	case "ASKING":
		c.asking = true
		return simOK
	case "MULTI":
		c.multi = true
		return simOK
	case "EXEC":
		return c.exec()
	}
	defer func() { c.asking = false }()
	if refusal := c.elsewhere(words); refusal != "" {
		return refusal
	}
	return n.run(words)
}

func (c *simConn) exec() string {
	queue, refused := c.queue, c.refused
	c.queue, c.multi, c.refused, c.asking = nil, false, false, false
	if refused {
		return "-EXECABORT Transaction discarded because of previous errors.\r\n"
	}
	raw := fmt.Sprintf("*%d\r\n", len(queue))
	for _, words := range queue {
		raw += c.node.run(words)
	}
	return raw
}

// keysOf returns the keys of a command.
func keysOf(words []string) []string {
	switch words[0] {
	case "GET", "SET", "INCR", "BLPOP", "SPUBLISH", "APPEND":
		return words[1:2]
	case "DEL", "UNLINK", "EXISTS", "TOUCH", "MGET", "WATCH":
		return words[1:]
	case "MSET":
		var keys []string
		for i := 1; i < len(words); i += 2 {
			keys = append(keys, words[i])
		}
		return keys
	case "EVAL", "EVALSHA":
		return words[3:4]
	}
	return nil
}

// elsewhere returns the error for a command whose keys are not the node's.
func (c *simConn) elsewhere(words []string) string {
	n, s := c.node, c.node.sim
	keys := keysOf(words)
	if len(keys) == 0 {
		return ""
	}
	at, absent := slot.Of(keys[0]), 0
	for _, key := range keys {
		if slot.Of(key) != at {
			return "-CROSSSLOT Keys in request don't hash to the same slot\r\n"
		}
		if _, ok := n.data[key]; !ok {
			absent++
		}
	}
	owner, target := s.owner[at], s.importing[at]
	reads := slices.Contains([]string{"GET", "MGET", "EXISTS"}, words[0])
	switch {
	case owner == nil:
		return "-CLUSTERDOWN Hash slot not served\r\n"
	case target == n && c.asking:
		if absent > 0 && len(keys) > 1 {
			return "-TRYAGAIN Multiple keys request during rehashing of slot\r\n"
		}
	case owner == n && target != nil && absent > 0:
		return fmt.Sprintf("-ASK %d %s\r\n", at, target.addr)
	case owner == n, n.primary == owner && reads && c.readOnly:
	default:
		return fmt.Sprintf("-MOVED %d %s\r\n", at, owner.addr)
	}
	return ""
}

const simOK = "+OK\r\n"

func simBulk(text string) string { return fmt.Sprintf("$%d\r\n%s\r\n", len(text), text) }

func simArray(texts ...string) string {
	raw := fmt.Sprintf("*%d\r\n", len(texts))
	for _, text := range texts {
		raw += simBulk(text)
	}
	return raw
}

// run runs a command whose keys are the node's.
func (n *simNode) run(words []string) string {
	data := n.data
	if n.primary != nil {
		data = n.primary.data
	}
	value := func(key string) string {
		if v, ok := data[key]; ok {
			return simBulk(v)
		}
		return "_\r\n"
	}
	switch words[0] {
	case "PING":
		return "+PONG\r\n"
	case "GET":
		return value(words[1])
	case "SET":
		data[words[1]] = words[2]
		return simOK
	case "APPEND":
		data[words[1]] += words[2]
		return fmt.Sprintf(":%d\r\n", len(data[words[1]]))
	case "INCR":
		i, _ := strconv.Atoi(data[words[1]])
		data[words[1]] = strconv.Itoa(i + 1)
		return fmt.Sprintf(":%d\r\n", i+1)
	case "MGET":
		raw := fmt.Sprintf("*%d\r\n", len(words)-1)
		for _, key := range words[1:] {
			raw += value(key)
		}
		return raw
	case "MSET":
		for i := 1; i < len(words); i += 2 {
			data[words[i]] = words[i+1]
		}
		return simOK
	case "DEL", "UNLINK", "EXISTS", "TOUCH":
		count := 0
		for _, key := range words[1:] {
			if _, ok := data[key]; ok {
				count++
			}
			if words[0] == "DEL" || words[0] == "UNLINK" {
				delete(data, key)
			}
		}
		return fmt.Sprintf(":%d\r\n", count)
	case "DBSIZE":
		return fmt.Sprintf(":%d\r\n", len(data))
	case "KEYS", "SCAN":
		keys := make([]string, 0, len(data))
		for key := range data {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		if words[0] == "KEYS" {
			return simArray(keys...)
		}
		at, _ := strconv.Atoi(words[1])
		page := keys[min(at, len(keys)):min(at+2, len(keys))]
		next := at + 2
		if next >= len(keys) {
			next = 0
		}
		return "*2\r\n" + simBulk(strconv.Itoa(next)) + simArray(page...)
	case "RANDOMKEY":
		for key := range data {
			return simBulk(key)
		}
		return "_\r\n"
	case "FLUSHALL", "CONFIG", "WATCH", "UNWATCH":
		if words[0] == "FLUSHALL" {
			clear(data)
		}
		return simOK
	case "EVALSHA":
		if !n.script {
			return "-NOSCRIPT No matching script.\r\n"
		}
		return simBulk(n.addr)
	case "EVAL":
		n.script = true
		return simBulk(n.addr)
	case "SPUBLISH", "PUBLISH":
		return ":1\r\n"
	case "ECHO":
		return simBulk(n.addr)
	}
	return "-ERR unknown command\r\n"
}

// topology answers CLUSTER SHARDS, SLOTS and INFO.
func (n *simNode) topology(words []string) string {
	s := n.sim
	if words[1] == "MYID" {
		return simBulk(n.id)
	}
	if words[1] != "INFO" {
		n.asked++
	}
	if n.told != nil {
		if raw, ok := n.told(words); ok {
			return raw
		}
	}
	switch words[1] {
	case "INFO":
		return simBulk(fmt.Sprintf("cluster_state:ok\r\ncluster_current_epoch:%d\r\n", s.epoch))
	case "SHARDS":
		if s.noShards {
			return "-ERR Unknown subcommand or wrong number of arguments for 'SHARDS'. Try CLUSTER HELP.\r\n"
		}
		return s.shards()
	case "SLOTS":
		return s.slots()
	}
	return "-ERR unknown subcommand\r\n"
}

// ranges returns the runs of slots of a node.
func (s *sim) ranges(n *simNode) []slot.Range {
	var slots []int
	for i, owner := range s.owner {
		if owner == n {
			slots = append(slots, i)
		}
	}
	return slot.Ranges(slots)
}

// replicas returns the replicas of a node, in the order of their addresses.
func (s *sim) replicas(n *simNode) []*simNode {
	var replicas []*simNode
	for _, r := range s.nodes {
		if r.primary == n {
			replicas = append(replicas, r)
		}
	}
	slices.SortFunc(replicas, func(a, b *simNode) int { return strings.Compare(a.addr, b.addr) })
	return replicas
}

func (s *sim) shards() string {
	raw := fmt.Sprintf("*%d\r\n", len(s.primaries))
	for _, p := range s.primaries {
		ranges := s.ranges(p)
		raw += "%2\r\n" + simBulk("slots") + fmt.Sprintf("*%d\r\n", 2*len(ranges))
		for _, r := range ranges {
			raw += fmt.Sprintf(":%d\r\n:%d\r\n", r.From, r.To)
		}
		nodes := append([]*simNode{p}, s.replicas(p)...)
		raw += simBulk("nodes") + fmt.Sprintf("*%d\r\n", len(nodes))
		for _, n := range nodes {
			role, health := "master", "online"
			if n.primary != nil {
				role = "replica"
			}
			if n.failed {
				health = "failed"
			}
			host, port, _ := net.SplitHostPort(n.addr)
			raw += "%5\r\n" + simBulk("id") + simBulk(n.id) + simBulk("endpoint") + simBulk(host) +
				simBulk("port") + ":" + port + "\r\n" + simBulk("role") + simBulk(role) + simBulk("health") + simBulk(health)
		}
	}
	return raw
}

func (s *sim) slots() string {
	raw, count := "", 0
	for _, p := range s.primaries {
		for _, r := range s.ranges(p) {
			count++
			nodes := append([]*simNode{p}, s.replicas(p)...)
			raw += fmt.Sprintf("*%d\r\n:%d\r\n:%d\r\n", 2+len(nodes), r.From, r.To)
			for _, n := range nodes {
				host, port, _ := net.SplitHostPort(n.addr)
				raw += "*3\r\n" + simBulk(host) + ":" + port + "\r\n" + simBulk(n.id)
			}
		}
	}
	return fmt.Sprintf("*%d\r\n", count) + raw
}

// commands returns what a node was asked, and forgets it.
func (n *simNode) commands() []string {
	n.sim.mu.Lock()
	defer n.sim.mu.Unlock()
	log := n.log
	n.log = nil
	return log
}

// refreshes returns how often nodes were asked for the topology.
func (s *sim) refreshes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	total := 0
	for _, n := range s.nodes {
		total += n.asked
	}
	return total
}

// keyAt returns a key of a slot that the node serves, another one for each number.
func (s *sim) keyAt(n *simNode, number int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := 0; ; i++ {
		key := fmt.Sprintf("key%d", i)
		if s.owner[slot.Of(key)] == n {
			if number == 0 {
				return key
			}
			number--
		}
	}
}

// set changes a node under the lock.
func (n *simNode) set(change func()) {
	n.sim.mu.Lock()
	defer n.sim.mu.Unlock()
	change()
}
