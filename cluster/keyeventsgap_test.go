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

// A replica takes its primary's place, and can't be subscribed on before another one takes its
// own: the events at the first one are in a gap.
func TestKeyEventsGapOfAPrimaryThatWasNeverReached(t *testing.T) {
	for name, hangs := range map[string]bool{"refuses connections": false, "answers when it is none any more": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServedCluster(t, 3, 2)
				o := cluster.Options{Addrs: []string{s.nodes[0].addr}}
				o.Node.Dial = s.dial
				o.Node.SubscribeTimeout = time.Minute
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
				at := func(pause time.Duration, change func()) time.Time {
					time.Sleep(pause)
					s.mu.Lock()
					defer s.mu.Unlock()
					change()
					return time.Now()
				}
				refresh := func() {
					if _, err := c.Refresh(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				const key = "{a}ev"
				old := s.owner[s.unit(key)]
				var replicas []*modelNode
				for _, n := range s.nodes {
					if n.master == old {
						replicas = append(replicas, n)
					}
				}
				first, second := replicas[0], replicas[1]
				at(time.Minute, func() {
					if hangs {
						first.pause()
					} else {
						first.server.Refuse(errors.New("connection refused"))
						first.cutAll()
					}
					s.promote(first, true)
				})
				refresh()
				missed := at(5*time.Second, func() { first.publish("PSUBSCRIBE", key) })
				time.Sleep(5 * time.Second)
				refresh() // the gap of the next one begins here
				at(time.Second, func() { s.promote(second, true) })
				refresh()
				at(time.Second, first.resume)
				at(time.Second, func() { second.publish("PSUBSCRIBE", key) })
				told, got := false, false
				end := time.After(5 * time.Second)
				for !told || !got {
					select {
					case e := <-events.Events():
						told = told || e.Gap != nil && e.Node == first.addr && e.Gap.From.Before(missed) && e.Gap.To.After(missed)
						got = got || e.Key == key+"1"
					case <-end:
						t.Fatalf("a gap tells of the missing event: %v; the other one came: %v", told, got)
					}
				}
			})
		})
	}
}
