// Package sharded subscribes to shard channels of a cluster. Beside the messages, its
// subscription reports which node serves each channel now, and every move of a channel from one
// node to another.
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
// In everything else a [Subscription] is a [pubsub.Subscription]. A program that needs neither
// nodes nor moves can use the SSubscribe method of its client instead: the messages are the
// same.
//
// # Where a channel is
//
// The channels of a subscription may be in any slots. Each is subscribed on one node: the one
// that serves its slot, or one of its replicas if the client reads from replicas. When the slot
// moves to another node, the server says so, and the client asks all primaries at once for the
// channel, over connections that are already open. The first node that confirms the channel
// serves it, and from then on only messages from that node are accepted. A server does not
// report the loss of a slot while it is cut off from the others, when they have forgotten it, or
// when it follows another primary. Then the client finds out by asking the other nodes, about
// every 10 s.
//
// # What is guaranteed
//
// Each move, and each lost connection, is reported by a [pubsub.Gap] on the next message of the
// subscription. If the channel is on another node afterwards, a [Move] reports that as well.
// There is no gap for a channel that stays on its node.
//
// Near a gap with the reason [pubsub.Moved] a message may come twice, or later than one that was
// published after it, because two nodes may have the channel for a moment. Otherwise the
// messages of one channel arrive in order. There is no order between different channels.
package sharded
