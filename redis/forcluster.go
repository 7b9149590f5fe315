package redis

import (
	"time"

	"github.com/redchan-go/redchan/internal/hub"
	"github.com/redchan-go/redchan/internal/retry"
)

// ForCluster returns the part of a node's client that only the client of a cluster needs.
// Programs have no use for it.
func ForCluster(c *Client) hub.Carrier { return (*carrier)(c) }

// carrier is a Client as the client of a cluster sees it.
type carrier Client

// Open returns the hub for a subscription.
func (k *carrier) Open(p *hub.Plan) (h *hub.Hub, release func(), err error) {
	s, release, err := (*Client)(k).openSubscriber(p.Own)
	if err != nil {
		return nil, nil, err
	}
	return s.hub, release, nil
}

// Carry keeps a subscriber connection for one lane of a hub that spans several servers.
// Options.SubscriberRetry sets the pauses between attempts. If the policy gives up, the
// pause is SubscriberBackoff.Max.
func (k *carrier) Carry(lane *hub.Lane) (stop func(), err error) {
	c := (*Client)(k)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.isClosed() {
		return nil, retry.NotSent("SUBSCRIBE", c.options.Addr, ErrClosed)
	}
	s := newSubscriber(&c.options, c.dialer, lane, c.serverIsBack, c.forget)
	c.subscribers[s] = struct{}{}
	s.carry()
	return s.close, nil
}

// Missed reports to all subscriptions that messages may be missing since a time: the node
// was cut off from the other nodes. It does so although their connections are alive, or
// were alive until they were lost.
func (k *carrier) Missed(since time.Time) {
	for _, s := range (*Client)(k).liveSubscribers() {
		s.lane.Missed(since)
	}
}
