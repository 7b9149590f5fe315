package pubsub

import (
	"context"

	"github.com/redchan-go/redchan/internal/hub"
)

// New creates a subscription for a client of this module, which passes its hub through open.
// Programs call a method of a client instead. New returns when the server has acknowledged each
// name among opts. It fails after the client's SubscribeTimeout, and then leaves nothing behind.
// If no option names anything, New returns at once, and names are added later; an empty list of
// names is an error. open is not called if opts or ctx are invalid.
func New(ctx context.Context, open hub.Opener, opts ...Option) (*Subscription, error) {
	if ctx == nil {
		return nil, errNoContext
	}
	c := newConfig(opts)
	switch {
	case c.noNames && len(c.names) == 0:
		return nil, errNoNames
	case ctx.Err() != nil:
		return nil, lifeError(ctx)
	}
	plan := c.plan()
	h, release, err := open(plan)
	if err != nil {
		return nil, err
	}
	defer release()
	s := newSubscription(h, c)
	if err := h.Add(&s.wants, (*sink)(s), plan.Refuse); err != nil {
		return nil, publicError(err)
	}
	s.wants.Live(ctx)
	if len(c.names) > 0 {
		if err := s.subscribe(context.Background(), c.names); err != nil {
			s.end(nil)
			return nil, err
		}
	}
	return s, nil
}

func newSubscription(h *hub.Hub, c config) *Subscription {
	capacity := min(maxChannel, c.messages-1)
	s := &Subscription{
		hub:         h,
		policy:      c.policy,
		markers:     c.markers,
		confirms:    c.confirms,
		maxMessages: c.messages - capacity,
		maxBytes:    c.bytes,
		out:         make(chan Message, capacity),
		handlers:    c.handlers,
		events:      newEvents(),
	}
	if c.confirms {
		s.maxMessages = c.messages // confirmations may have taken the room in the channel
	}
	if c.policy == block || c.subscribeTimeout > 0 || c.unsubscribeTimeout > 0 || c.observer != nil {
		s.special = &special{
			observer: c.observer,
			blockFor: c.blockFor, room: make(chan struct{}, 1),
			subscribeTimeout: c.subscribeTimeout, unsubscribeTimeout: c.unsubscribeTimeout,
		}
	}
	return s
}

// plan returns what the options require from a client.
func (c *config) plan() *hub.Plan {
	p := &hub.Plan{Own: c.policy == block}
	for _, name := range c.names {
		if name.Kind == NameShard {
			p.Shards = true
		} else {
			p.Others = true
		}
	}
	return p
}
