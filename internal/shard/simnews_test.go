package shard

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/cluster/slot"
	"github.com/redchan-go/redchan/internal/hub"
)

// A slot that comes back before its former owner has heard of the loss: that one must tell its
// subscribers all the same, as servers do. The model once did not, so messages published in
// between were missing without a gap, which TestModel blamed the client for (seeds 235 and 655).
func TestSlotComesBackBeforeTheNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(1, 2, []string{"a"})
		owner := c.owner[slot.Of("a")]
		l := c.connect(owner, "client")
		if !l.take(simCommand{op: hub.OpSSubscribe, names: []string{"a"}, done: func(error) {}}) {
			t.Fatal("the command was not taken")
		}
		other := c.nodes[1]
		c.mu.Lock()
		c.move(slot.Of("a"), other)
		c.move(slot.Of("a"), owner)
		c.mu.Unlock()
		c.RunFor(time.Second)
		c.publish("a")
		if l.subscribed["a"] {
			t.Error("the slot went away and came back, and the subscription has not noticed")
		}
	})
}
