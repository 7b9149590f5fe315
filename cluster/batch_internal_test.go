package cluster

import (
	"testing"

	"github.com/redchan-go/redchan/cluster/slot"
	"github.com/redchan-go/redchan/redis/command"
)

// meanwhile is a ReadFrom that calls a function before it chooses the primary.
type meanwhile func()

func (m meanwhile) choose(s *shard, turn uint32) *node {
	m()
	return Primary.choose(s, turn)
}

// A topology that comes while a batch is sorted by nodes does not send the writes of one slot to
// two of them, which would run them in any order.
func TestBatchIsSortedByOneTopology(t *testing.T) {
	owned := func(c *Client, addr string) *routes {
		t.Helper()
		topology := &Topology{shards: []Shard{{Primary: Node{Addr: addr}}}}
		topology.give(0, command.SlotRange{From: 0, To: slot.Count - 1})
		r, err := c.routesTo(topology)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	var c *Client
	c, err := New(Options{Addrs: []string{"n1:1"}, ReadFrom: meanwhile(func() { c.routes.Store(owned(c, "n2:1")) })})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.routes.Store(owned(c, "n1:1"))

	var rs command.Requests
	for _, cmd := range []command.Queueable{command.Set("k", 1), command.Get("other"), command.Set("k", 2)} {
		r := cmd.Request()
		rs.Add(&r)
	}
	slots, err := slotsOf(&rs)
	if err != nil {
		t.Fatal(err)
	}
	groups := newBatch(c, &rs, slots).groups([]errand{{index: 0}, {index: 1}, {index: 2}})
	if len(groups) != 1 || len(groups[0].errands) != 3 {
		t.Errorf("%d groups", len(groups))
	}
}
