package redis

import (
	"errors"
	"time"

	"github.com/redchan-go/redchan/internal/hub"
	"github.com/redchan-go/redchan/internal/retry"
)

// ForCluster returns what the client of a cluster needs of the client of a node and programs do
// not: they have no use for it.
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

// Carry keeps a subscriber connection for a lane of a hub that spans several servers.
// Options.SubscriberRetry says how long to pause between attempts; where it
// gives up, the pause is SubscriberBackoff.Max.
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

// Reconnect has the client leave its connections, because they lead to the wrong server, or are
// bad for another reason. They are made again, by Options.Resolve and Dial. The reason is in the
// errors and events that come of it; nil stands for none in particular.
//
// Commands go over new connections from now on, those in flight are still answered, and
// connections of the pool are closed when they come back. This happens once per Options.Backoff at
// most: a call that comes sooner changes nothing for commands. The connections of subscriptions are
// closed as if they had been lost, and everything is subscribed again; one that is younger than
// Backoff.Base is closed when it is as old as that.
//
// A client does it by itself, for its commands, where the server answers READONLY: the
// primary behind its name is another one now.
func (k *carrier) Reconnect(reason error) {
	c := (*Client)(k)
	reason = replacedFor(or(reason, errReconnect))
	c.renew(reason, nil)
	for _, s := range c.liveSubscribers() {
		s.reconnect(reason)
	}
}

// errReconnect is why a connection is made again where no other reason was given.
var errReconnect = errors.New("the client was told to connect again")

// Missed tells all subscriptions that messages may be missing since a time, though their
// connections live, or have lived until they were lost: the node was cut off from the others.
func (k *carrier) Missed(since time.Time) {
	for _, s := range (*Client)(k).liveSubscribers() {
		s.lane.Missed(since)
	}
}
