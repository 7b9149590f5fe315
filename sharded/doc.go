// Package sharded gives a subscriber of shard channels what it needs in a cluster beside the
// messages: on which node each channel is served now, and every move from one node to another.
//
//	sub, err := sharded.Subscribe(ctx, client, "prices:EURUSD", "prices:USDJPY")
//	if err != nil {
//		return err
//	}
//	defer sub.Close()
//	node, ok := sub.Node("prices:EURUSD") // 10.0.0.1:6379, true
//	moves := sub.Moves()
//	for {
//		select {
//		case msg, ok := <-sub.Messages():
//			if !ok {
//				return sub.Err() // why it ended; nil after Close
//			}
//			fmt.Println(msg.Channel, msg.Payload)
//		case move, ok := <-moves:
//			if !ok {
//				moves = nil // closed like Messages, which says why
//				continue
//			}
//			log.Print(move) // prices:EURUSD moved from 10.0.0.1:6379 to 10.0.0.2:6379, gap (moved) of 3ms
//		}
//	}
//
// A [Subscription] is a [pubsub.Subscription] in everything else. A program that asks neither
// for nodes nor for moves uses SSubscribe of its client instead: the messages are the same.
//
// # Where a channel is
//
// The channels of a subscription may be of any slots. Each is subscribed on one node: the
// one that serves its slot, or one of that one's replicas where the client reads from replicas.
// When the slot goes to another node, the server says so, and the client asks for the channel on
// all primaries at once, over connections that are open already. The first node that confirms
// the channel has it, and from then on only that one's messages are taken. A server says nothing
// when it is cut off from the others, when they have forgotten it, or when it follows another
// primary. Then the client finds out by asking the other nodes, which it does about every 10 s.
//
// # What is guaranteed
//
// Each move, and each lost connection, is reported by a [pubsub.Gap] in front of the next message
// of the subscription, and by a [Move] beside the stream if the channel is on another node
// afterwards. There is no gap where a channel stays on its node.
//
// Around a gap of the reason [pubsub.Moved] a message may come twice, or later than one that was
// published after it: two nodes may have the channel for a moment. Otherwise the
// messages of a channel come in their order; those of several channels in any.
package sharded
