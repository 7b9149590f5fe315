package shard

import (
	"cmp"
	"slices"
	"time"

	"github.com/redchan-go/redchan/cluster/slot"
)

// View is how the slots of a cluster are spread over its nodes, as one node has told it.
type View struct {
	// From is the address of the node that has told it. What it says of itself proves
	// nothing where there are others: it may be cut off from them.
	From string
	// At is when it was asked.
	At     time.Time
	Shards []Shard
}

// Shard is some slots and the nodes that serve them.
type Shard struct {
	Slots    []slot.Range
	Primary  string   // its address; empty where it has none that is well
	Replicas []string // the addresses of those that are well, the one to prefer first
}

// owners is the number of the shard of each slot, counted from 1; 0 is for slots that
// nobody serves.
type owners [slot.Count]uint16

// owners returns who serves which slot.
func (v *View) owners() *owners {
	table := new(owners)
	for i, shard := range v.Shards {
		for _, slots := range shard.Slots {
			for n := max(slots.From, 0); n <= slots.To && n < slot.Count; n++ {
				table[n] = uint16(i + 1)
			}
		}
	}
	return table
}

// same reports whether the slots are spread as in another view. Nodes that agree list shards
// and replicas in orders of their own.
func (v *View) same(other *View) bool {
	a, b := v.inOrder(), other.inOrder()
	return slices.EqualFunc(a, b, func(a, b Shard) bool {
		return a.Primary == b.Primary && slices.Equal(a.Slots, b.Slots) && slices.Equal(a.Replicas, b.Replicas)
	})
}

// inOrder returns the shards with all of their parts in an order that does not depend on
// who has told them.
func (v *View) inOrder() []Shard {
	shards := slices.Clone(v.Shards)
	for i := range shards {
		s := &shards[i]
		s.Slots = slices.SortedFunc(slices.Values(s.Slots), func(a, b slot.Range) int { return a.From - b.From })
		s.Replicas = slices.Sorted(slices.Values(s.Replicas))
	}
	slices.SortFunc(shards, func(a, b Shard) int {
		first := func(s Shard) int {
			if len(s.Slots) == 0 {
				return slot.Count
			}
			return s.Slots[0].From
		}
		return cmp.Or(cmp.Compare(first(a), first(b)), cmp.Compare(a.Primary, b.Primary))
	})
	return shards
}

// alone reports whether the cluster has one node, which can't be cut off from others.
func (v *View) alone() bool {
	return len(v.Shards) == 1 && v.Shards[0].Primary == v.From && len(v.Shards[0].Replicas) == 0
}

// shardOf returns the index of the shard that a node is in, below 0 for none.
func (v *View) shardOf(addr string) int {
	return slices.IndexFunc(v.Shards, func(s Shard) bool {
		return s.Primary == addr || slices.Contains(s.Replicas, addr)
	})
}

// nodes returns the addresses of the primaries, and with replicas of these too.
func (v *View) nodes(replicas bool) map[string]bool {
	wanted := make(map[string]bool)
	for _, shard := range v.Shards {
		if shard.Primary != "" && len(shard.Slots) > 0 {
			wanted[shard.Primary] = true
		}
		if replicas {
			for _, addr := range shard.Replicas {
				wanted[addr] = true
			}
		}
	}
	return wanted
}
