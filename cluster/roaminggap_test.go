package cluster_test

import (
	"context"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/cluster"
	"github.com/redchan-go/redchan/pubsub"
)

// plainStory is a cluster whose plain subscription is at a node, for what may happen to the bus.
type plainStory struct {
	*testing.T
	*modelCluster
	client *cluster.Client
	sub    *pubsub.Subscription
	at     *modelNode // where the subscription is
}

// tellPlain runs a story. The topology has just been refreshed, and is again in 7.5 s at the
// earliest.
func tellPlain(t *testing.T, at int, test func(s *plainStory)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &plainStory{T: t, modelCluster: newServedCluster(t, 3, 1)}
		o := cluster.Options{Addrs: []string{s.nodes[0].addr}}
		o.Node.Dial = s.dial
		c, err := cluster.New(o)
		if err != nil {
			t.Fatal(err)
		}
		defer time.Sleep(time.Second) // the nodes' connections
		defer c.Close()
		s.client, s.at = c, s.nodes[at]
		if s.sub, err = c.NewSubscriptionAt(context.Background(), s.at.addr, pubsub.Channels(modelNews), pubsub.GapMarkers()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		s.refresh()
		test(s)
	})
}

func (s *plainStory) refresh() {
	s.Helper()
	if _, err := s.client.Refresh(s.Context()); err != nil {
		s.Fatal(err)
	}
}

// do changes the cluster after a while, and returns when.
func (s *plainStory) do(after time.Duration, change func()) time.Time {
	time.Sleep(after)
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	return time.Now()
}

// replicaOf returns the replica of a node.
func (s *plainStory) replicaOf(n *modelNode) *modelNode {
	for _, r := range s.nodes {
		if r.master == n {
			return r
		}
	}
	s.Fatal("no replica")
	return nil
}

// failsOver cuts a primary's bus for 5 s, while its replica takes its place.
func (s *plainStory) failsOver(n *modelNode) (cut, healed time.Time) {
	replica := s.replicaOf(n)
	cut = s.do(0, func() { n.cutOff = time.Now() })
	s.do(2*time.Second, func() { s.promote(replica, false) })
	healed = s.do(3*time.Second, func() {
		n.cutOff = time.Time{}
		n.demote(replica)
	})
	return cut, healed
}

// gap publishes, and returns the gap that came in front of that, nil for none.
func (s *plainStory) gap() *pubsub.Gap {
	s.Helper()
	number := ""
	s.do(time.Second, func() {
		number = strconv.Itoa(len(s.published))
		s.nodes[2].publish("SUBSCRIBE", modelNews)
	})
	ctx, cancel := context.WithTimeout(s.Context(), time.Second)
	defer cancel()
	var gap *pubsub.Gap
	for {
		msg, err := s.sub.Next(ctx)
		switch {
		case err != nil:
			s.Fatal(err)
		case msg.Payload == number:
			return gap
		case msg.Kind != pubsub.KindGap:
		case gap == nil:
			gap = msg.Gap
		case !msg.Gap.From.After(gap.To): // one behind the other, or around it
			if msg.Gap.From.Before(gap.From) {
				gap.From = msg.Gap.From
			}
			gap.To = msg.Gap.To
		default:
			s.Fatalf("%v to %v, and then %v to %v", gap.From, gap.To, msg.Gap.From, msg.Gap.To)
		}
	}
}

// A node whose bus is cut gets nothing of what is published at others, and its clients notice
// nothing. Where a replica has taken its place meanwhile the roles tell, also when it is long back.
func TestPlainGapOfAFailover(t *testing.T) {
	for name, of := range map[string]func(s *plainStory) *modelNode{
		"of the subscription's node":   func(s *plainStory) *modelNode { return s.at },
		"of a node that publishes":     func(s *plainStory) *modelNode { return s.nodes[1] },
		"of the subscription's master": func(s *plainStory) *modelNode { return s.nodes[0] },
	} {
		t.Run(name, func(t *testing.T) {
			at := 0
			if name == "of the subscription's master" {
				at = 3
			}
			tellPlain(t, at, func(s *plainStory) {
				cut, healed := s.failsOver(of(s))
				time.Sleep(15 * time.Second) // there was a refresh
				if gap := s.gap(); gap == nil || gap.From.After(cut) || gap.To.Before(healed) {
					t.Errorf("cut at %v, healed at %v: %+v", cut, healed, gap)
				}
			})
		})
	}
}

// The others notice late that a node is cut off: what they say of it until then proves nothing.
func TestPlainGapBeginsBeforeAnybodyNotices(t *testing.T) {
	tellPlain(t, 0, func(s *plainStory) {
		replica := s.replicaOf(s.at)
		cut := s.do(0, func() { s.at.cutOff = time.Now() })
		for range 4 {
			s.do(time.Second, func() { s.at.publish("SUBSCRIBE", modelNews) }) // its connection lives
			s.refresh()
		}
		s.do(0, func() { s.promote(replica, false) })
		s.refresh()
		if gap := s.gap(); gap == nil || gap.From.After(cut) {
			t.Errorf("cut at %v: %+v", cut, gap)
		}
	})
}

// The subscription loses its connection, and is at another node, before the topology tells of a
// failover: what was missed at the first node is told all the same.
func TestPlainGapOfAFailoverBeforeTheLinkWasLost(t *testing.T) {
	for name, publisher := range map[string]int{"of the subscription's node": 0, "of a node that publishes": 1} {
		t.Run(name, func(t *testing.T) {
			tellPlain(t, 0, func(s *plainStory) {
				n := s.nodes[publisher]
				replica := s.replicaOf(n)
				cut := s.do(0, func() { n.cutOff = time.Now() })
				s.do(5*time.Second, func() { s.promote(replica, false) })
				s.do(time.Second, func() { s.at.publish("SUBSCRIBE", modelNews) }) // its connection lives
				lost := s.do(time.Second, s.at.cutAll)
				time.Sleep(15 * time.Second) // there was a refresh
				if gap := s.gap(); gap == nil || gap.From.After(cut) || gap.To.Before(lost) {
					t.Errorf("cut at %v, lost at %v: %+v", cut, lost, gap)
				}
			})
		})
	}
}

// Slots that move, and primaries that are left alone, are no reason for a gap.
func TestPlainNoGapWhereSlotsMove(t *testing.T) {
	tellPlain(t, 0, func(s *plainStory) {
		for u := range 5 {
			s.do(time.Second, func() { s.move(u, s.nodes[u%3]) })
			s.refresh()
		}
		time.Sleep(time.Minute)
		if gap := s.gap(); gap != nil {
			t.Errorf("%+v", gap)
		}
	})
}
