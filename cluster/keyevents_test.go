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

// A primary's connection is lost, and before it is back a replica has taken the primary's
// place: the gap begins where the connection was lost, not where the client last saw the old
// primary in its place.
func TestKeyEventsLostBeforeFailover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServedCluster(t, 3, 1)
		o := cluster.Options{Addrs: []string{s.nodes[0].addr}}
		o.Node.Dial = s.dial
		o.Node.SubscriberBackoff.Base = time.Minute
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
		const key = "{a}ev"
		old := s.owner[s.unit(key)]
		var replica *modelNode
		for _, n := range s.nodes {
			if n.master == old {
				replica = n
			}
		}
		at(time.Second, func() { old.publish("PSUBSCRIBE", key) })
		if e := <-events.Events(); e.Key != key+"0" || e.Node != old.addr || e.Gap != nil {
			t.Errorf("%+v", e)
		}
		at(time.Second, func() {
			old.server.Refuse(errors.New("connection refused"))
			old.cutAll()
		})
		missed := at(time.Millisecond, func() { old.publish("PSUBSCRIBE", key) })
		time.Sleep(time.Second)
		if _, err := c.Refresh(t.Context()); err != nil { // which says nothing new
			t.Fatal(err)
		}
		at(time.Millisecond, func() { s.promote(replica, true) })
		if _, err := c.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		at(time.Second, func() { replica.publish("PSUBSCRIBE", key) })
		told := false
		for e := range events.Events() {
			if e.Gap != nil && e.Gap.From.Before(missed) && e.Gap.To.After(missed) {
				told = true
			}
			if e.Key == key+"2" {
				break
			}
		}
		if !told {
			t.Error("an event is missing, and no gap tells of it")
		}
	})
}
