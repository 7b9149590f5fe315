package integration

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/redchan-go/redchan/pubsub"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
)

// TestManySubscriptions keeps 10,000 subscriptions over one connection, which is killed
// again and again: each is told of each loss, and has all that is published in between.
func TestManySubscriptions(t *testing.T) {
	const subscriptions = 10_000
	shared(t, func(f *fixture) {
		kills := 2
		if !f.resp2 {
			kills = 20
		}
		options := f.options()
		options.SubscribeTimeout = 30 * time.Second // for the race detector's sake
		options.SubscriberBackoff = redis.Backoff{Base: time.Millisecond, Max: time.Millisecond}
		publisher, listener := f.open(), f.openWith(options)
		subs := make([]*pubsub.Subscription, subscriptions)
		var all sync.WaitGroup
		const callers = 8
		for caller := range callers {
			all.Go(func() {
				for i := caller; i < subscriptions; i += callers {
					sub, err := listener.NewSubscription(f.ctx, pubsub.Channels(fmt.Sprintf("own:%d", i), "all"), pubsub.GapMarkers())
					if err != nil {
						f.Error(err)
						return
					}
					subs[i] = sub
				}
			})
		}
		all.Wait()
		if f.Failed() {
			return
		}
		one := func(what string, want pubsub.Kind, payload string) {
			f.Helper()
			for i, sub := range subs {
				msg := f.next(sub)
				if msg.Kind != want || msg.Payload != payload || want == pubsub.KindGap && msg.Gap.Reason != pubsub.Reconnect {
					f.Fatalf("%s: subscription %d has %v", what, i, msg)
				}
			}
		}
		for kill := range kills {
			payload := fmt.Sprint("round ", kill)
			f.publish(publisher, "all", payload, 1) // one connection for all of them
			one(payload, pubsub.KindMessage, payload)
			equal(f, publisher, command.ClientKill(command.WhereType("pubsub")), 1)
			one("the loss", pubsub.KindGap, "")
		}
		if n := len(result(f, publisher, command.PubSubChannels("own:*"))); n != subscriptions {
			f.Errorf("the server has %d of the names", n)
		}
		f.publish(publisher, fmt.Sprint("own:", subscriptions-1), "last", 1)
		f.expect(subs[subscriptions-1], pubsub.Message{Channel: fmt.Sprint("own:", subscriptions-1), Payload: "last"})
		for _, sub := range subs {
			if got := sub.Stats(); got.Dropped != 0 || got.Queued != 0 || got.Delivered < uint64(kills) {
				f.Fatalf("%+v", got)
			}
		}
	})
}
