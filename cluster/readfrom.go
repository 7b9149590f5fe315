package cluster

// ReadFrom says which nodes answer read-only commands: [Primary], [PreferReplica], [RoundRobin],
// [LowestLatency] or [Zone]. All but Primary may return values older than the last write,
// because replicas lag behind. Writes always go to primaries. So do reads in transactions, and
// reads in a batch if the batch writes to the same slot.
type ReadFrom interface {
	// choose returns the node for a read; turn is the number of the read.
	choose(s *shard, turn uint32) *node
}

type readFrom uint8

// The policies for reads.
const (
	// Primary reads from primaries.
	Primary readFrom = iota
	// PreferReplica reads from replicas in turn, and from the primary if there is no replica.
	PreferReplica
	// RoundRobin reads from the primary and its replicas in turn.
	RoundRobin
	// LowestLatency reads from the node of a slot that answers PING fastest. The client measures
	// that with each refresh of the topology.
	LowestLatency
)

type zone string

// Zone reads in turn from nodes in an availability zone, replicas before the primary. If no node
// is in the zone, it is like [PreferReplica]. Servers have zones since Valkey 8.0.0
// (availability-zone in their configuration). The client learns the zones shortly after its
// first command.
func Zone(name string) ReadFrom { return zone(name) }

func (r readFrom) choose(s *shard, turn uint32) *node {
	switch r {
	case PreferReplica:
		return inTurn(s.replicas, turn, healthy, s.primary)
	case RoundRobin:
		return inTurn(s.all, turn, healthy, s.primary)
	case LowestLatency:
		return fastest(s)
	case Primary:
	}
	return s.primary
}

func (z zone) choose(s *shard, turn uint32) *node {
	here := func(n *node) bool { return healthy(n) && n.inZone(string(z)) }
	if n := inTurn(s.replicas, turn, here, nil); n != nil {
		return n
	}
	if s.primary != nil && here(s.primary) {
		return s.primary
	}
	return PreferReplica.choose(s, turn)
}

// healthy reports whether a node is believed to answer.
func healthy(n *node) bool { return !n.suspect.Load() }

// inTurn returns the next node for which good is true, or instead if there is none.
func inTurn(nodes []*node, turn uint32, good func(*node) bool, instead *node) *node {
	for i := range nodes {
		if n := nodes[(int(turn%uint32(len(nodes)))+i)%len(nodes)]; good(n) {
			return n
		}
	}
	return instead
}

// fastest returns the node with the lowest latency, or the primary if none was measured.
func fastest(s *shard) *node {
	best, least := s.primary, int64(0)
	for _, n := range s.all {
		if d := n.latency.Load(); d > 0 && healthy(n) && (least == 0 || d < least) {
			best, least = n, d
		}
	}
	return best
}

// pick returns the node of a shard for a request, avoiding the node avoid if there is a choice.
// It returns nil if the shard has no suitable node.
func (c *Client) pick(s *shard, reads bool, avoid *node) *node {
	if !reads || c.options.ReadFrom == Primary {
		return s.primary
	}
	n := c.options.ReadFrom.choose(s, s.turn.Add(1))
	if avoid == nil || n != avoid {
		return n
	}
	if s.primary != nil && s.primary != avoid {
		return s.primary
	}
	return inTurn(s.all, s.turn.Load(), func(n *node) bool { return n != avoid }, n)
}
