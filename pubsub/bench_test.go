package pubsub

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redchan-go/redchan/internal/hub"
)

// obliging is a Link whose server agrees at once. What it answers is read when
// the benchmark says so.
type obliging struct {
	tb      testing.TB
	hub     *hub.Hub
	answers []func()
}

func (l *obliging) Send(op hub.Op, names []string, done func(error)) {
	l.answers = append(l.answers, func() {
		for _, name := range names {
			l.hub.Main().Collect(value(l.tb, ">", strings.ToLower(op.String()), name, 1))
		}
		l.hub.Main().Flush()
		done(nil)
	})
}

func (l *obliging) Ping(_ string, done func(error)) {
	l.answers = append(l.answers, func() { done(nil) })
}

func (l *obliging) Fail(err error) { panic(err) }

func (l *obliging) read() {
	for len(l.answers) > 0 {
		next := l.answers[0]
		l.answers = l.answers[1:]
		next()
	}
}

// joined returns a hub with n subscriptions, which is quick because the first
// stays and the names are confirmed by it.
func joined(tb testing.TB, n int, name func(i int) string, opts ...Option) (*hub.Hub, *obliging, []*Subscription) {
	tb.Helper()
	h := hub.New(hub.Options{})
	names := make([]string, n)
	for i := range names {
		names[i] = name(i)
	}
	first := make(chan *Subscription, 1)
	go func() {
		sub, err := subscribeTo(context.Background(), h, Channels(names...))
		if err != nil {
			panic(err)
		}
		first <- sub
	}()
	for h.Stats().Channels == 0 {
		runtime.Gosched()
	}
	link := &obliging{tb: tb, hub: h}
	h.Main().LinkUp(link)
	link.read()
	holder := <-first
	subs := make([]*Subscription, n)
	for i := range subs {
		sub, err := subscribeTo(context.Background(), h, append(opts, Channel(names[i]))...)
		if err != nil {
			tb.Fatal(err)
		}
		subs[i] = sub
	}
	holder.Close()
	tb.Cleanup(func() { h.Close(nil) })
	return h, link, subs
}

func numbered(i int) string { return "channel:" + strconv.Itoa(i) }

// BenchmarkPush is one message, from the push to the consumer, which is the
// same goroutine.
func BenchmarkPush(b *testing.B) {
	h, _, subs := joined(b, 1, numbered)
	v := value(b, ">", "message", numbered(0), "a payload of some thirty-two bytes")
	b.ReportAllocs()
	for b.Loop() {
		h.Main().Push(v)
		<-subs[0].Messages()
	}
}

// BenchmarkPushToConsumer is the same with a goroutine that ranges.
func BenchmarkPushToConsumer(b *testing.B) {
	for _, blocking := range []bool{false, true} {
		policy := Option(DropOldest)
		if blocking {
			policy = Block(time.Minute)
		}
		b.Run(fmt.Sprintf("blocking=%v", blocking), func(b *testing.B) {
			h, _, subs := joined(b, 1, numbered, policy)
			v := value(b, ">", "message", numbered(0), "a payload of some thirty-two bytes")
			done := make(chan int)
			go func() {
				n := 0
				for range subs[0].Messages() {
					n++
				}
				done <- n
			}()
			b.ReportAllocs()
			for b.Loop() {
				h.Main().Push(v)
			}
			b.StopTimer()
			subs[0].Close()
			b.ReportMetric(float64(<-done)/float64(b.N), "received/op")
		})
	}
}

// BenchmarkFanOut is one message to 10,000 subscriptions that drop it or take it.
func BenchmarkFanOut(b *testing.B) {
	const n = 10_000
	h, _, subs := joined(b, n, func(int) string { return "news" })
	v := value(b, ">", "message", "news", "a payload of some thirty-two bytes")
	b.ReportAllocs()
	for b.Loop() {
		h.Main().Push(v)
		for _, sub := range subs {
			<-sub.Messages()
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/message")
}

// BenchmarkOverflow is a message that pushes an older one out.
func BenchmarkOverflow(b *testing.B) {
	h, _, _ := joined(b, 1, numbered)
	v := value(b, ">", "message", numbered(0), "a payload of some thirty-two bytes")
	for range 2000 {
		h.Main().Push(v)
	}
	b.ReportAllocs()
	for b.Loop() {
		h.Main().Push(v)
	}
}

// BenchmarkIdleSubscription is what one costs that waits for messages.
func BenchmarkIdleSubscription(b *testing.B) {
	for _, shared := range []bool{true, false} {
		b.Run(fmt.Sprintf("shared=%v", shared), func(b *testing.B) {
			name := numbered
			if shared {
				name = func(int) string { return "news" }
			}
			const n = 10_000
			for b.Loop() {
				var before, after runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&before)
				h, link, subs := joined(b, n, name)
				link.answers = nil
				runtime.GC()
				runtime.ReadMemStats(&after)
				b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "bytes/subscription")
				b.ReportMetric(float64(runtime.NumGoroutine()), "goroutines")
				start := time.Now()
				for _, sub := range subs {
					sub.Close()
				}
				b.ReportMetric(float64(time.Since(start).Milliseconds()), "ms/close-all")
				link.answers = nil
				h.Close(nil)
			}
		})
	}
}

// BenchmarkReconnect is all the work of the hub for 100,000 names whose link
// is lost and comes back.
func BenchmarkReconnect(b *testing.B) {
	const n = 100_000
	h, link, _ := joined(b, 1, numbered)
	names := make([]string, n)
	for i := range names {
		names[i] = numbered(i)
	}
	go func() { _, _ = subscribeTo(context.Background(), h, Channels(names...)) }()
	for h.Stats().Channels < n {
		runtime.Gosched()
	}
	link.read()
	b.ReportAllocs()
	for b.Loop() {
		h.Main().LinkLost(time.Time{}, nil)
		h.Main().LinkUp(link)
		link.read()
	}
}
