package cluster_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/cluster"
	"github.com/redchan-go/redchan/pubsub"
)

// A primary is dead, and a replica takes its place: its events come as soon as the topology knows,
// whatever other nodes are at, and without any command that would notice.
func TestKeyEventsOfADeadPrimary(t *testing.T) {
	for name, hang := range map[string]bool{"dead": false, "while another new primary hangs": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServedCluster(t, 3, 1)
				o := cluster.Options{Addrs: []string{s.nodes[0].addr}}
				o.Node.Dial = s.dial
				o.Node.SubscribeTimeout = 5 * time.Second
				c, err := cluster.New(o)
				if err != nil {
					t.Fatal(err)
				}
				defer time.Sleep(time.Second) // the nodes' connections
				defer c.Close()
				events, err := c.KeyEvents(context.Background(), pubsub.Keyevent(0, "set"))
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				do := func(change func()) {
					s.mu.Lock()
					defer s.mu.Unlock()
					change()
				}
				const key = "{a}ev"
				old := s.owner[s.unit(key)]
				var replica, other *modelNode
				for _, n := range s.nodes {
					switch {
					case n.master == old:
						replica = n
					case n.master != nil && other == nil:
						other = n
					}
				}
				if hang { // it takes its primary's place, and answers nothing
					do(func() {
						s.promote(other, true)
						other.pause()
					})
					defer do(other.resume)
					if _, err := c.Refresh(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				do(func() {
					old.server.Refuse(errors.New("connection refused"))
					old.kill()
				})
				time.Sleep(time.Second)
				do(func() { s.promote(replica, false) })
				time.Sleep(3 * time.Second) // it is looked for every 2 s at least
				do(func() { replica.publish("PSUBSCRIBE", key) })
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				for {
					select {
					case e := <-events.Events():
						if e.Node == replica.addr && e.Key != "" {
							return
						}
					case <-ctx.Done():
						t.Fatal("no event of the new primary")
					}
				}
			})
		})
	}
}
