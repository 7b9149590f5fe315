package cluster

// ReadFrom says which nodes answer commands that only read: [Primary], [PreferReplica],
// [RoundRobin], [LowestLatency] or [Zone]. All but Primary may give what is older than the
// last write, because replicas lag behind. Writes always go to primaries, and so do reads in
// transactions, and in a batch those of slots that it writes to.
type ReadFrom interface {
	// choose returns the node for a read that is number turn.
	choose(s *shard, turn uint32) *node
}

type readFrom uint8

// Where to read from.
const (
	// Primary reads from primaries.
	Primary readFrom = iota
	// PreferReplica reads from replicas in turn, and from the primary where there is none.
	PreferReplica
	// RoundRobin reads from the primary and its replicas in turn.
	RoundRobin
	// LowestLatency reads from the node of a slot that answers PING the fastest, which is
	// measured when the topology is refreshed.
	LowestLatency
)

type zone string

// Zone reads from nodes in an availability zone, in turn: replicas before the primary.
// Where none is there, it is [PreferReplica]. Servers have zones since Valkey 8.0.0
// (availability-zone in their configuration); a moment after the first command the client
// knows them.
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

// healthy reports whether a node is thought to answer.
func healthy(n *node) bool { return !n.suspect.Load() }

// inTurn returns the next node that is good, or instead where none is.
func inTurn(nodes []*node, turn uint32, good func(*node) bool, instead *node) *node {
	for i := range nodes {
		if n := nodes[(int(turn%uint32(len(nodes)))+i)%len(nodes)]; good(n) {
			return n
		}
	}
	return instead
}

// fastest returns the node of the lowest latency, and the primary while none was measured.
func fastest(s *shard) *node {
	best, least := s.primary, int64(0)
	for _, n := range s.all {
		if d := n.latency.Load(); d > 0 && healthy(n) && (least == 0 || d < least) {
			best, least = n, d
		}
	}
	return best
}

// pick returns the node of a shard for a request, another than avoid where there is a
// choice. It returns nil where the shard has none.
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
