// Package pubsub has what a subscriber holds: subscriptions and what comes out of them, options,
// handlers, and messages turned into typed channels. A client of another package makes a
// [Subscription]:
//
//	sub, err := client.Subscribe(ctx, "news", "sport") // acknowledged on return
//	if err != nil {
//		return err
//	}
//	defer sub.Close()
//	events := sub.Events() // may be ignored
//	for {
//		select {
//		case msg, ok := <-sub.Messages():
//			if !ok {
//				return sub.Err() // why it ended; nil after Close
//			}
//			if msg.Gap != nil {
//				log.Printf("messages are missing here: %v", msg.Gap)
//			}
//			fmt.Println(msg.Channel, msg.Payload)
//		case event, ok := <-events:
//			if !ok {
//				events = nil // closed like Messages, which says why
//				continue
//			}
//			log.Print(event)
//		}
//	}
//
// Both channels are closed at the end, and a closed channel is always ready:
// without its own ok, and events = nil, the loop would spin on zero events.
//
// # Order and loss
//
// Messages come in the order in which the server sent them. None is lost
// silently: where the stream is not continuous, because the connection was lost
// or the consumer was slower than its buffer, the message behind that place
// carries a [Gap]. What ended with the subscription, so that no message came
// behind it, is the FinalGap of [Subscription.Stats].
//
// [Subscription.Unsubscribe] loses nothing either: it waits for the server's
// acknowledgement, and what was sent before that is delivered. Where it can't, because the
// connection is lost or the server does not answer in time, it returns an [IncompleteError],
// and the stream has a gap: one that ends with it has an item of [KindGap] as its last. Close
// and the end of the context don't wait.
//
// # Backpressure
//
// A subscription holds up to 65,536 messages and 16 MiB that wait for its consumer, and
// then drops the oldest of them; [Buffer] and a [Policy] change that. One
// subscription's slowness is never felt by another, unless it asks for [Block].
//
// # Ending
//
// A subscription ends, and its channels are closed, when it is closed, when the
// context that it was made with ends, when its last name is unsubscribed, when
// the server refuses one of its names after a reconnect, when a slow consumer
// ends it by its policy, or with the client. Nothing is left running.
//
// The context given to Subscribe is the life of the subscription, not that of the call: the
// subscription stops at once when it ends, as by Close. A program that says goodbye after its
// context has ended, or unsubscribes and receives the rest, makes the subscription with
// [context.WithoutCancel] of it, and ends it by Close or Unsubscribe.
package pubsub
