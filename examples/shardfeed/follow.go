package main

import (
	"context"
	"time"

	"github.com/redchan-go/redchan/cluster"
	"github.com/redchan-go/redchan/pubsub"
	"github.com/redchan-go/redchan/sharded"
)

// channel returns the shard channel of a symbol. Its name decides over its slot, and the
// slot over the node.
func channel(symbol string) string { return "shardfeed:" + symbol }

// redrawEvery is how often the table is drawn.
const redrawEvery = 250 * time.Millisecond

// follow is the part to copy. It receives the prices of symbols until ctx ends, and shows
// what comes, and from where.
func follow(ctx context.Context, client *cluster.Client, symbols []string, notes <-chan string, out *screen) error {
	var channels []string
	for _, symbol := range symbols {
		channels = append(channels, channel(symbol))
	}

	// One subscription for channels of any slots: each is confirmed by the node that
	// serves it when this returns, and follows its slot from then on. GapMarkers tells of
	// a gap as soon as the channel is confirmed again, without waiting for a message.
	sub, err := sharded.NewSubscription(ctx, client, pubsub.ShardChannels(channels...), pubsub.GapMarkers())
	if err != nil {
		return err
	}
	defer sub.Close()
	moves := sub.Moves()

	table := newTable(symbols)
	redraw := time.NewTicker(redrawEvery)
	defer redraw.Stop()
	defer out.end()
	for {
		select {
		case msg, ok := <-sub.Messages():
			switch {
			case !ok:
				return sub.Err() // why it ended
			case msg.Kind == pubsub.KindGap:
				// Prices may be missing here, of any of the channels. They may have come
				// twice too, around a slot that has moved: for prices the last one counts.
				table.gap(msg.Gap)
			default:
				table.price(msg.Channel, msg.Payload)
			}

		case move, ok := <-moves:
			if !ok {
				moves = nil // closed with Messages, which says why
				continue
			}
			// Beside the stream, and by channel: who serves it now, and how long nobody
			// was known to.
			h := table.move(move)
			table.note(h)
			out.line(h)

		case note := <-notes:
			h := happening{time.Now(), note}
			table.note(h)
			out.line(h)

		case now := <-redraw.C:
			table.count(now)
			table.locate(sub.Node)
			out.draw(now, table)
		}
	}
}
