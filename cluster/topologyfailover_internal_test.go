package cluster

import (
	"testing"

	"github.com/redchan-go/redchan/cluster/slot"
)

// told is a topology as a test tells it: each shard's first node is its primary.
type told struct {
	epoch  int64
	shards []toldShard
}

type toldShard struct {
	from, to int // none where to is 0
	nodes    []string
}

func (x told) topology() *Topology {
	t := &Topology{Epoch: x.epoch, OK: true}
	for i, s := range x.shards {
		shard := Shard{Primary: Node{ID: s.nodes[0], Addr: s.nodes[0]}}
		for _, r := range s.nodes[1:] {
			shard.Replicas = append(shard.Replicas, Node{ID: r, Addr: r})
		}
		t.shards = append(t.shards, shard)
		for at := s.from; at <= s.to && s.to > 0; at++ {
			t.owner[at] = uint16(i + 1)
		}
	}
	return t
}

// A replica that took its primary's place shows in the slots, or in an epoch that grew by more than
// the slots that moved can tell.
func TestTopologyFailedOver(t *testing.T) {
	const half, last = slot.Count / 2, slot.Count - 1
	a, b := []string{"a", "a1"}, []string{"b", "b1"}
	old := told{5, []toldShard{{0, half - 1, a}, {half, last, b}}}
	for name, test := range map[string]struct {
		now  told
		want bool
	}{
		"nothing":                              {now: old},
		"a replica promoted":                   {want: true, now: told{6, []toldShard{{0, half - 1, []string{"a1", "a"}}, {half, last, b}}}},
		"there and back":                       {want: true, now: told{7, old.shards}},
		"there and back, while slots moved":    {want: true, now: told{8, []toldShard{{0, half, a}, {half + 1, last, b}}}},
		"one that came as a replica meanwhile": {want: true, now: told{6, []toldShard{{0, half - 1, []string{"new", "a1"}}, {half, last, b}}}},
		"the same, and its old primary is its replica": {
			want: true, now: told{6, []toldShard{{0, half - 1, []string{"new", "a", "a1"}}, {half, last, b}}},
		},
		"slots move":                  {now: told{6, []toldShard{{0, half, a}, {half + 1, last, b}}}},
		"slots move to a new primary": {now: told{6, []toldShard{{0, half - 1, a}, {half, last - 100, b}, {last - 99, last, []string{"c"}}}}},
		"slots move to and fro":       {now: told{7, []toldShard{{2, half, a}, {half + 1, last, b}, {0, 1, []string{"b"}}}}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := test.now.topology().failedOver(old.topology()); got != test.want {
				t.Errorf("got %v", got)
			}
		})
	}
}
