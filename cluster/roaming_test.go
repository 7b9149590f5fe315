package cluster_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/cluster"
	"github.com/redchan-go/redchan/pubsub"
)

// A subscription leaves a node that the cluster has forgotten, also where one that blocks has
// connected to another node since.
func TestRoamingBesideBlocking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServedCluster(t, 3, 1)
		o := cluster.Options{Addrs: []string{s.nodes[0].addr}}
		o.Node.Dial = s.dial
		c, err := cluster.New(o)
		if err != nil {
			t.Fatal(err)
		}
		defer time.Sleep(time.Second) // the nodes' connections
		defer c.Close()
		forgotten := s.nodes[4] // a replica
		sub, err := c.NewSubscriptionAt(context.Background(), forgotten.addr, pubsub.Channels(modelNews))
		if err != nil {
			t.Fatal(err)
		}
		if _, err = c.NewSubscriptionAt(context.Background(), forgotten.addr, pubsub.Channels("other"), pubsub.Block(time.Second)); err != nil {
			t.Fatal(err)
		}
		s.mu.Lock()
		forgotten.left, forgotten.cutOff = true, time.Now()
		s.mu.Unlock()
		if _, err := c.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		s.mu.Lock()
		s.nodes[0].publish("SUBSCRIBE", modelNews)
		s.mu.Unlock()
		select {
		case msg := <-sub.Messages():
			if msg.Payload != "0" || msg.Gap == nil {
				t.Errorf("%v", msg)
			}
		case <-time.After(time.Second):
			t.Error("the subscription is still on a node that the cluster has forgotten")
		}
	})
}
