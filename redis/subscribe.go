package redis

import (
	"context"
	"errors"
	"fmt"

	"github.com/redchan-go/redchan/internal/hub"
	"github.com/redchan-go/redchan/internal/retry"
	"github.com/redchan-go/redchan/pubsub"
)

// Subscribe subscribes to channels. When it returns, the server has acknowledged all of
// them: every message published from then on arrives on [pubsub.Subscription.Messages], or
// is reported as lost.
//
// ctx bounds the life of the subscription, not the call, which returns after
// Options.SubscribeTimeout at the latest. When ctx ends, so does the subscription.
func (c *Client) Subscribe(ctx context.Context, channels ...string) (*pubsub.Subscription, error) {
	if len(channels) == 0 {
		return nil, retry.NotSent("SUBSCRIBE", "", errNoNames)
	}
	return c.NewSubscription(ctx, pubsub.Channels(channels...))
}

// errNoNames is the error of a call to Subscribe without names.
var errNoNames = fmt.Errorf("%w: there is no name to subscribe to; NewSubscription makes a subscription that gets its names later", ErrArgument)

// PSubscribe is like [Client.Subscribe], for patterns such as "news.*".
func (c *Client) PSubscribe(ctx context.Context, patterns ...string) (*pubsub.Subscription, error) {
	if len(patterns) == 0 {
		return nil, retry.NotSent("PSUBSCRIBE", "", errNoNames)
	}
	return c.NewSubscription(ctx, pubsub.Patterns(patterns...))
}

// NewSubscription is like [Client.Subscribe], for channels and patterns together, and with
// options: bounds, the behavior when a bound is reached, and gap markers.
//
// A subscription with pubsub.Block has a connection to itself. All others share one.
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
	case s == nil: // the server was not asked for anything
		return nil, retry.NotSent("SUBSCRIBE", c.options.Addr, err)
	case own && err != nil:
		s.close()
	case own:
		c.closeAfter(sub, s)
	}
	return sub, err
}

// openSubscriber returns the subscriber connection for a subscription, and a function to
// call when the subscription was made or could not be made.
func (c *Client) openSubscriber(own bool) (s *subscriber, release func(), err error) {
	err = errSubscriberEnded
	for errors.Is(err, errSubscriberEnded) { // it has just ended: the next call makes another one
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

// subscriber returns the shared subscriber connection, or a separate new one if own is
// true.
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

// closeAfter closes the subscriber of a subscription that does not share it, once the
// subscription has ended.
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

// forget removes a subscriber that has ended.
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
