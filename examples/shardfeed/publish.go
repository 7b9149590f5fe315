package main

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/redchan-go/redchan/cluster"
)

const (
	publishEvery   = 100 * time.Millisecond // of each symbol
	publishTimeout = time.Second            // a price that is older is of no use
)

// publish publishes prices of symbols until ctx ends. Each symbol has a goroutine of its own,
// so that a shard without a primary holds up no other.
func publish(ctx context.Context, client *cluster.Client, symbols []string) error {
	var all sync.WaitGroup
	for _, symbol := range symbols {
		all.Go(func() { publishOne(ctx, client, symbol) })
	}
	all.Wait()
	return context.Cause(ctx)
}

// publishOne publishes the prices of one symbol.
func publishOne(ctx context.Context, client *cluster.Client, symbol string) {
	ticker := time.NewTicker(publishEvery)
	defer ticker.Stop()
	price := 0.5 + rand.Float64()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		price *= 1 + (rand.Float64()-0.5)/1000
		sending, cancel := context.WithTimeout(ctx, publishTimeout)
		// It goes to the primary of the channel's slot, wherever that is. While nobody
		// serves the slot it is tried again, for as long as the context lasts; then this
		// price is lost, and the next one is as good.
		_, _ = client.SPublish(sending, channel(symbol), strconv.FormatFloat(price, 'f', 5, 64))
		cancel()
	}
}
