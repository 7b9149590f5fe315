package cluster

import (
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redchan-go/redchan/cluster/slot"
	"github.com/redchan-go/redchan/redis/command"
)

// Topology says which nodes serve which slots, as reported by a node of the cluster. It never
// changes, and is safe for concurrent use.
type Topology struct {
	// Epoch is the cluster's epoch. It grows with each change of who serves which slots.
	Epoch int64
	// OK means that the node that reported the topology saw the cluster work.
	OK bool
	// From is the address of the node that reported the topology.
	From string
	// At is the time when that node was asked.
	At time.Time

	shards []Shard // without their slots
	owner  [slot.Count]uint16
	failed []string // addresses of nodes that the cluster regards as failed
}

// Shard is a primary with its replicas, and the slots that they serve.
type Shard struct {
	Slots    []slot.Range
	Primary  Node // its Addr is empty if there is currently none
	Replicas []Node
}

// Node is a node of the cluster.
type Node struct {
	ID   string
	Addr string // "host:port", to connect to
	Zone string // its availability zone; empty if it announces none
	// Loading means that the node can't answer yet.
	Loading bool
}

// Shards returns all shards, including those without slots.
func (t *Topology) Shards() []Shard {
	shards := make([]Shard, len(t.shards))
	for i, s := range t.shards {
		shards[i] = Shard{Primary: s.Primary, Replicas: slices.Clone(s.Replicas)}
	}
	for at := 0; at < slot.Count; {
		owner, from := t.owner[at], at
		for at < slot.Count && t.owner[at] == owner {
			at++
		}
		if owner > 0 {
			s := &shards[owner-1]
			s.Slots = append(s.Slots, slot.Range{From: from, To: at - 1})
		}
	}
	return shards
}

// ShardOf returns the shard that serves a slot, without the shard's other slots. It returns
// false if no shard serves the slot.
func (t *Topology) ShardOf(slot int) (Shard, bool) {
	if slot < 0 || slot >= len(t.owner) || t.owner[slot] == 0 {
		return Shard{}, false
	}
	s := t.shards[t.owner[slot]-1]
	return Shard{Primary: s.Primary, Replicas: slices.Clone(s.Replicas)}, true
}

// Uncovered returns the slots that no node serves.
func (t *Topology) Uncovered() []slot.Range {
	var slots []int
	for i, owner := range t.owner {
		if owner == 0 {
			slots = append(slots, i)
		}
	}
	return slot.Ranges(slots)
}

// covered returns the number of slots that a node serves.
func (t *Topology) covered() int {
	n := 0
	for _, owner := range t.owner {
		if owner != 0 {
			n++
		}
	}
	return n
}

// nodes returns all nodes, the primaries first.
func (t *Topology) nodes() []Node {
	var primaries, replicas []Node
	for _, s := range t.shards {
		if s.Primary.Addr != "" {
			primaries = append(primaries, s.Primary)
		}
		replicas = append(replicas, s.Replicas...)
	}
	return append(primaries, replicas...)
}

// better reports whether to believe t rather than other, which may be nil. A node that is cut
// off from most of the others reports an older epoch, or reports that the cluster does not work.
func (t *Topology) better(other *Topology) bool {
	switch {
	case other == nil:
		return true
	case t.OK != other.OK:
		return t.OK
	case t.Epoch != other.Epoch:
		return t.Epoch > other.Epoch
	}
	return t.covered() > other.covered()
}

// moved returns the topology with a slot given to the node at addr, or nil if the topology has
// no such node, or if that node already has the slot.
func (t *Topology) moved(slot int, addr string) *Topology {
	owner := slices.IndexFunc(t.shards, func(s Shard) bool { return s.Primary.Addr == addr })
	promoted := -1
	if owner < 0 {
		owner = slices.IndexFunc(t.shards, func(s Shard) bool {
			promoted = slices.IndexFunc(s.Replicas, func(n Node) bool { return n.Addr == addr })
			return promoted >= 0
		})
	}
	if owner < 0 || promoted < 0 && int(t.owner[slot]) == owner+1 {
		return nil
	}
	next := *t
	if promoted >= 0 {
		// What happens to the current primary is not known yet.
		next.shards = append(slices.Clone(t.shards), Shard{Primary: t.shards[owner].Replicas[promoted]})
		old := &next.shards[owner]
		old.Replicas = slices.Delete(slices.Clone(old.Replicas), promoted, promoted+1)
		owner = len(next.shards) - 1
	}
	next.owner[slot] = uint16(owner + 1)
	return &next
}

// failedOver reports whether, since an older topology, a replica has taken a primary's place, or
// may have. Then a node was cut off from the others for a while, though it may be back by now.
// Slots that primaries hand over to each other don't count. If the two cases can't be told
// apart, it reports a failover.
func (t *Topology) failedOver(old *Topology) bool {
	primaries, replicas := map[string]bool{}, map[string]bool{}
	for _, s := range old.shards {
		primaries[s.Primary.key()] = true
		for _, n := range s.Replicas {
			replicas[n.key()] = true
		}
	}
	serving := map[string]bool{}
	for i, owner := range t.owner {
		if i == 0 || owner != t.owner[i-1] {
			serving[t.primaryOf(i)] = true
		}
	}
	takers := map[string]bool{}
	for at := range slot.Count {
		was, is := old.primaryOf(at), t.primaryOf(at)
		switch {
		case was == is:
			continue
		case is == "" || replicas[is]:
			return true
		case was != "" && !primaries[is] && !serving[was]: // it joined as a replica meanwhile
			return true
		}
		takers[is] = true
	}
	if len(takers) == 0 {
		return t.Epoch != old.Epoch // there was an election, perhaps back and forth
	}
	return t.Epoch-old.Epoch > int64(len(takers)) // each node that takes over slots raises the epoch once
}

// primaryOf returns the key of the primary that serves a slot, or "" if there is none.
func (t *Topology) primaryOf(at int) string {
	if t.owner[at] == 0 {
		return ""
	}
	return t.shards[t.owner[at]-1].Primary.key()
}

// key returns what identifies a node: its ID, or its address if servers don't report IDs.
func (n *Node) key() string {
	if n.ID != "" {
		return n.ID
	}
	return n.Addr
}

// resembles reports whether two topologies may belong to the same cluster: they have a node in
// common.
func (t *Topology) resembles(other *Topology) bool {
	known := map[string]bool{}
	for _, n := range other.nodes() {
		known[n.ID] = true
	}
	return known[""] || slices.ContainsFunc(t.nodes(), func(n Node) bool { return n.ID == "" || known[n.ID] })
}

// has reports whether the node at an address is part of the cluster and has not failed.
func (t *Topology) has(addr string) bool {
	return !slices.Contains(t.failed, addr) &&
		slices.ContainsFunc(t.nodes(), func(n Node) bool { return n.Addr == addr })
}

// vouches reports whether the topology contains what other nodes know about the node at an
// address. In a cluster of one node there are no others, and it can't be cut off from them.
func (t *Topology) vouches(addr string) bool {
	return t.OK && t.has(addr) && (t.From != addr || len(t.nodes()) == 1)
}

// origin says which node reported a topology, and how to read the addresses in it.
type origin struct {
	addr    string // the address at which the node answered
	tls     bool
	mapAddr func(string) string // may be nil
}

// address returns where to connect to a node, or "" if that is unknown.
func (o *origin) address(endpoint, ip string, port int) string {
	if port <= 0 {
		return ""
	}
	host := endpoint
	if host == "?" {
		host = ip // the node prefers a host name, but does not know it
	}
	if host == "" || host == "?" {
		host, _, _ = net.SplitHostPort(o.addr)
	}
	return o.mapped(net.JoinHostPort(strings.Trim(host, "[]"), strconv.Itoa(port)))
}

// portOf returns which port of the nodes to connect to: the TLS port if TLS is used. If no node
// has a port of the required kind, something in front of the nodes adds or removes TLS, and the
// other port is used.
func (o *origin) portOf(shards []command.Shard) func(command.ShardNode) int {
	plain := func(n command.ShardNode) int { return n.Port }
	secured := func(n command.ShardNode) int { return n.TLSPort }
	port, other := plain, secured
	if o.tls {
		port, other = secured, plain
	}
	for _, s := range shards {
		if slices.ContainsFunc(s.Nodes, func(n command.ShardNode) bool { return port(n) > 0 }) {
			return port
		}
	}
	return other
}

// mapped returns the address to connect to for an address that a server has reported.
func (o *origin) mapped(addr string) string {
	if o.mapAddr == nil {
		return addr
	}
	return o.mapAddr(addr)
}

// give assigns ranges of slots to a shard, by index. It ignores invalid slot numbers.
func (t *Topology) give(shard int, ranges ...command.SlotRange) {
	for _, r := range ranges {
		for i := max(r.From, 0); i <= min(r.To, slot.Count-1); i++ {
			t.owner[i] = uint16(shard + 1)
		}
	}
}

// maxShards is how many shards a topology can have: one for each slot, and as many without
// slots.
const maxShards = 2 * slot.Count

// fromShards fills in the nodes of t from the reply to CLUSTER SHARDS. The other fields are set
// already.
func (t *Topology) fromShards(shards []command.Shard, o *origin) {
	port := o.portOf(shards)
	for _, told := range shards {
		var s Shard
		var lost Node // a primary that has failed
		for _, n := range told.Nodes {
			addr := o.address(n.Endpoint, n.IP, port(n))
			if addr == "" {
				continue
			}
			node := Node{ID: n.ID, Addr: addr, Zone: n.AvailabilityZone, Loading: n.Health == "loading"}
			failed := hasFailed(n)
			switch {
			case failed && t.OK:
				t.failed = append(t.failed, addr)
			case failed && n.Role == "master":
				if lost.Addr == "" {
					lost = node
				}
			case n.Role == "master" && s.Primary.Addr == "":
				s.Primary = node
			default:
				s.Replicas = append(s.Replicas, node)
			}
		}
		if s.Primary.Addr == "" {
			s.Primary = lost // a node that is cut off regards all others as failed
		}
		if s.Primary.Addr == "" && len(s.Replicas) == 0 || len(t.shards) == maxShards {
			continue
		}
		t.shards = append(t.shards, s)
		t.give(len(t.shards)-1, told.Slots...)
	}
}

// hasFailed reports whether the cluster, or the node that was asked, regards a node as failed.
func hasFailed(n command.ShardNode) bool { return strings.HasPrefix(n.Health, "fail") }

// missesSlots reports whether a shard lacks its slots. Redis and Valkey 7.2.0 to 7.2.5 report a
// shard without its slots if its primary has failed; CLUSTER SLOTS has them.
func missesSlots(shards []command.Shard) bool {
	return slices.ContainsFunc(shards, func(s command.Shard) bool {
		return len(s.Slots) == 0 && len(s.Nodes) > 1 &&
			slices.ContainsFunc(s.Nodes, func(n command.ShardNode) bool { return n.Role == "master" && hasFailed(n) })
	})
}

// fromSlots fills in the nodes of t from the reply to CLUSTER SLOTS, which leaves out failed
// replicas. The other fields are set already.
func (t *Topology) fromSlots(slots []command.SlotNodes, o *origin) {
	byPrimary := map[string]int{}
	for _, told := range slots {
		primary, ok := o.slotNode(told.Primary)
		if !ok {
			continue
		}
		shard, known := byPrimary[primary.Addr]
		if !known {
			if len(t.shards) == maxShards {
				continue
			}
			s := Shard{Primary: primary}
			for _, replica := range told.Replicas {
				if node, ok := o.slotNode(replica); ok {
					s.Replicas = append(s.Replicas, node)
				}
			}
			shard = len(t.shards)
			byPrimary[primary.Addr] = shard
			t.shards = append(t.shards, s)
		}
		t.give(shard, told.SlotRange)
	}
}

// slotNode reads a node of CLUSTER SLOTS. Its port is the port for the kind of connection that
// was used to ask.
func (o *origin) slotNode(n command.SlotNode) (Node, bool) {
	addr := o.address(n.Endpoint, n.Names["ip"], n.Port)
	return Node{ID: n.ID, Addr: addr, Zone: n.Names["availability-zone"]}, addr != ""
}
