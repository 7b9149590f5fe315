package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/redchan-go/redchan/bench/internal/server"
	"github.com/redchan-go/redchan/pubsub"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
)

// What many subscriptions over one connection cost, against a real server:
//
//	go -C bench test -run none -bench Scale -benchtime 1x .

// scale starts a server and returns a client that subscribes and one that asks.
func scale(b *testing.B) (listener, other *redis.Client) {
	b.Helper()
	s, err := server.Start(b.Context(), "")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	open := func() *redis.Client {
		c, err := redis.OpenWith(b.Context(), redis.Options{
			Addr: s.Addr, SubscribeTimeout: time.Minute, UnsubscribeTimeout: time.Minute,
			SubscriberBackoff: redis.Backoff{Base: time.Millisecond, Max: time.Millisecond}, // 20 losses in a row are not to be waited for
		})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = c.Close() })
		return c
	}
	return open(), open()
}

// spread subscribes to names by so many subscriptions.
func spread(b *testing.B, client *redis.Client, names, subscriptions int, opts ...pubsub.Option) []*pubsub.Subscription {
	b.Helper()
	subs := make([]*pubsub.Subscription, subscriptions)
	each := names / subscriptions
	for i := range subs {
		list := make([]string, each)
		for j := range list {
			list[j] = fmt.Sprintf("channel:%d", i*each+j)
		}
		sub, err := client.NewSubscription(b.Context(), append([]pubsub.Option{pubsub.Channels(list...)}, opts...)...)
		if err != nil {
			b.Fatal(err)
		}
		subs[i] = sub
	}
	return subs
}

// BenchmarkScaleResubscribe kills the subscriber connection 20 times in a row, and
// measures from the kill until all 10,000 subscriptions have received that their names are
// confirmed again. Connecting is a part of it.
func BenchmarkScaleResubscribe(b *testing.B) {
	for _, names := range []int{10_000, 100_000} {
		b.Run(fmt.Sprint(names), func(b *testing.B) {
			listener, other := scale(b)
			subs := spread(b, listener, names, 10_000, pubsub.GapMarkers())
			b.ResetTimer()
			for range b.N {
				var took []time.Duration
				for range 20 {
					start := time.Now()
					if _, err := other.ClientKill(b.Context(), command.WhereType("pubsub")); err != nil {
						b.Fatal(err)
					}
					for _, sub := range subs {
						if msg := <-sub.Messages(); msg.Kind != pubsub.KindGap || msg.Gap.Reason != pubsub.Reconnect {
							b.Fatalf("%v", msg)
						}
					}
					took = append(took, time.Since(start))
				}
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)/2].Milliseconds()), "ms/median")
				b.ReportMetric(float64(took[len(took)-1].Milliseconds()), "ms/most")
			}
		})
	}
}

// BenchmarkScaleFanOut measures one message that goes to 10,000 subscriptions of a
// channel, from publishing until the last one has received it.
func BenchmarkScaleFanOut(b *testing.B) {
	const receivers = 10_000
	listener, other := scale(b)
	subs := make([]*pubsub.Subscription, receivers)
	for i := range subs {
		sub, err := listener.Subscribe(b.Context(), "news")
		if err != nil {
			b.Fatal(err)
		}
		subs[i] = sub
	}
	b.ResetTimer()
	for range b.N {
		if n, err := other.Publish(b.Context(), "news", "a message"); err != nil || n != 1 {
			b.Fatal(n, err)
		}
		for _, sub := range subs {
			<-sub.Messages()
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/receivers, "ns/receiver")
}

// BenchmarkScaleIdle measures what idle subscriptions hold, of a channel of their own each
// and all of one channel, and that they have no goroutines.
func BenchmarkScaleIdle(b *testing.B) {
	const subscriptions = 10_000
	for name, channel := range map[string]func(i int) string{
		"own":    func(i int) string { return fmt.Sprintf("channel:%d", i) },
		"shared": func(int) string { return "channel" },
	} {
		b.Run(name, func(b *testing.B) {
			listener, _ := scale(b)
			ctx, cancel := context.WithCancel(b.Context())
			defer cancel()
			if _, err := listener.Subscribe(ctx, "first"); err != nil {
				b.Fatal(err)
			}
			var subs []*pubsub.Subscription
			heap, goroutines := held()
			for i := range subscriptions {
				sub, err := listener.Subscribe(b.Context(), channel(i))
				if err != nil {
					b.Fatal(err)
				}
				subs = append(subs, sub)
			}
			after, more := held()
			each, channel := float64(after-heap)/subscriptions, channelSize(cap(subs[0].Messages()))
			b.ReportMetric(each, "B/subscription")
			b.ReportMetric(channel, "B/channel")
			b.ReportMetric(each-channel, "B/besides")
			b.ReportMetric(float64(more-goroutines)/subscriptions, "goroutines/subscription")
			runtime.KeepAlive(subs)
		})
	}
}

// channelSize returns what a channel of so many messages takes.
func channelSize(capacity int) float64 {
	channels := make([]chan pubsub.Message, 1000)
	before, _ := held()
	for i := range channels {
		channels[i] = make(chan pubsub.Message, capacity)
	}
	after, _ := held()
	runtime.KeepAlive(channels)
	return float64(after-before) / float64(len(channels))
}

// held returns the bytes of the heap that are in use, and the goroutines.
func held() (bytes int64, goroutines int) {
	var stats runtime.MemStats
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc), runtime.NumGoroutine()
}
