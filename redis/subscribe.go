package redis

import (
	"context"
	"errors"
	"fmt"

	"github.com/redchan-go/redchan/internal/hub"
	"github.com/redchan-go/redchan/internal/retry"
	"github.com/redchan-go/redchan/pubsub"
)

// Subscribe subscribes to channels. Every one is acknowledged by the server
// when it returns: what is published from then on arrives on
// [pubsub.Subscription.Messages], or is told as lost.
//
// ctx is the life of the subscription, not of the call, which ends after
// Options.SubscribeTimeout. When ctx ends, so does the subscription.
func (c *Client) Subscribe(ctx context.Context, channels ...string) (*pubsub.Subscription, error) {
	if len(channels) == 0 {
		return nil, retry.NotSent("SUBSCRIBE", "", errNoNames)
	}
	return c.NewSubscription(ctx, pubsub.Channels(channels...))
}

// errNoNames tells of a subscription to nothing.
var errNoNames = fmt.Errorf("%w: there is no name to subscribe to; NewSubscription makes a subscription that gets its names later", ErrArgument)

// PSubscribe is [Client.Subscribe] for patterns such as "news.*".
func (c *Client) PSubscribe(ctx context.Context, patterns ...string) (*pubsub.Subscription, error) {
	if len(patterns) == 0 {
		return nil, retry.NotSent("PSUBSCRIBE", "", errNoNames)
	}
	return c.NewSubscription(ctx, pubsub.Patterns(patterns...))
}

// NewSubscription is [Client.Subscribe] for channels and patterns together, and
// with options: bounds, what happens at them, gap markers.
//
// A subscription with pubsub.Block has a connection of its own; all others
// share one.
func (c *Client) NewSubscription(ctx context.Context, opts ...pubsub.Option) (*pubsub.Subscription, error) {
	if err := c.usable(ctx); err != nil {
		return nil, retry.NotSent("SUBSCRIBE", "", err)
	}
	if err := ctx.Err(); err != nil {
		return nil, retry.NotSent("SUBSCRIBE", c.options.Addr, retry.Ended(ctx))
	}
	var s *subscriber
	own := false
	sub, err := pubsub.New(ctx, func(p *hub.Plan) (h *hub.Hub, release func(), err error) {
		own = p.Own
		s, release, err = c.openSubscriber(own)
		if err != nil {
			return nil, nil, err
		}
		return s.hub, release, nil
	}, opts...)
	switch {
	case s == nil: // nothing was asked of the server
		return nil, retry.NotSent("SUBSCRIBE", c.options.Addr, err)
	case own && err != nil:
		s.close()
	case own:
		c.closeAfter(sub, s)
	}
	return sub, err
}

// openSubscriber returns the subscriber connection for a subscription, and what to call when
// that was made, or was not.
func (c *Client) openSubscriber(own bool) (s *subscriber, release func(), err error) {
	err = errSubscriberEnded
	for errors.Is(err, errSubscriberEnded) { // given up just now: there is another next
		if s, err = c.subscriber(own); err != nil {
			return nil, nil, err
		}
		err = s.open()
	}
	if err != nil {
		if own {
			s.close()
		}
		return nil, nil, err
	}
	return s, s.release, nil
}

// subscriber returns the shared subscriber connection, or a new one of its own.
func (c *Client) subscriber(own bool) (*subscriber, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.isClosed() {
		return nil, ErrClosed
	}
	if !own && c.shared != nil {
		if !c.shared.givenUp() {
			return c.shared, nil
		}
		c.tasks.Go(c.shared.close)
	}
	s := newSubscriber(&c.options, c.dialer, nil, c.serverIsBack, c.forget)
	c.subscribers[s] = struct{}{}
	if !own {
		c.shared = s
	}
	return s, nil
}

// closeAfter closes the subscriber of a subscription that shares it with no
// other, once the subscription has ended.
func (c *Client) closeAfter(sub *pubsub.Subscription, s *subscriber) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.isClosed() {
		return // Close closes it
	}
	c.tasks.Go(func() {
		<-sub.Done()
		s.close()
	})
}

// forget is told by a subscriber that it has ended.
func (c *Client) forget(s *subscriber) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.subscribers, s)
}

// liveSubscribers returns the subscribers that have not ended.
func (c *Client) liveSubscribers() []*subscriber {
	c.mu.Lock()
	defer c.mu.Unlock()
	live := make([]*subscriber, 0, len(c.subscribers))
	for s := range c.subscribers {
		live = append(live, s)
	}
	return live
}
