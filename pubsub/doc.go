// Package pubsub has the types that a subscriber uses: subscriptions, their messages and events,
// options, handlers, and typed channels of decoded messages. A client of another package creates
// a [Subscription]:
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
// Both channels are closed at the end, and a receive from a closed channel never blocks. Without
// the ok check and events = nil, the loop would spin on zero events.
//
// # Order and loss
//
// Messages arrive in the order in which the server sent them. None is lost silently. If the
// stream is not continuous, because the connection was lost or the consumer was slower than its
// buffer, the next message carries a [Gap]. If the subscription ends before a next message
// arrives, the FinalGap of [Subscription.Stats] reports the loss.
//
// [Subscription.Unsubscribe] loses nothing either: it waits for the server's acknowledgement,
// and delivers everything that the server sent before it. If the connection is lost or the
// server does not answer in time, Unsubscribe returns an [IncompleteError] and the stream has a
// gap. If the stream ends with this gap, its last item has the kind [KindGap]. Close and the end
// of the context don't wait.
//
// # Backpressure
//
// A subscription holds up to 65,536 messages and 16 MiB for its consumer, and then drops the
// oldest of them. [Buffer] and a [Policy] change that. A slow subscription does not slow down
// others. One with [Block] gets a connection of its own for this reason.
//
// # Ending
//
// A subscription ends, and its channels are closed, when it is closed, when the context that it
// was created with ends, when its last name is unsubscribed, when the server refuses one of its
// names after a reconnect, when its policy ends it because the consumer is slow, or when the
// client is closed. Nothing is left running.
//
// The context given to Subscribe bounds the life of the subscription, not the call. When it
// ends, the subscription stops at once, as with Close. A program that sends a last message after
// its context has ended, or that unsubscribes and receives the rest, passes
// [context.WithoutCancel] of its context and ends the subscription by Close or Unsubscribe.
package pubsub
