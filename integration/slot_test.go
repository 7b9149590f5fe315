package integration

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/redchan-go/redchan/cluster/slot"
	"github.com/redchan-go/redchan/integration/servers"
	"github.com/redchan-go/redchan/redis/command"
)

// TestSlots asks servers for the slots of keys of all kinds.
func TestSlots(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	keys := []string{"", "foo", "{foo}bar", "{}bar", "a{b}{c}", "a{{b}}", "{", "}", "\x00\xff{\xfe}"}
	for range 500 {
		key := make([]byte, random.IntN(20))
		for i := range key {
			key[i] = "{}ab\x00\xff"[random.IntN(6)]
		}
		keys = append(keys, string(key))
	}
	own(t, servers.Config{Cluster: true}, func(f *fixture) {
		c := f.open()
		p := c.Pipeline()
		var slots []*command.Future[int64]
		for _, key := range keys {
			slots = append(slots, p.ClusterKeySlot(key))
		}
		if err := p.Exec(f.ctx); err != nil {
			f.Fatal(err)
		}
		for i, key := range keys {
			if got, want := fmt.Sprint(slot.Of(key)), fmt.Sprint(slots[i].Value()); got != want {
				f.Errorf("%q: slot %s, the server says %s", key, got, want)
			}
		}
	})
}
