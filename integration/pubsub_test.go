package integration

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redchan-go/redchan/pubsub"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
)

// subscribe returns a subscription that must come about.
func (f *fixture) subscribe(client *redis.Client, opts ...pubsub.Option) *pubsub.Subscription {
	f.Helper()
	sub, err := client.NewSubscription(f.ctx, opts...)
	if err != nil {
		f.Fatal(err)
	}
	return sub
}

// next returns the next message.
func (f *fixture) next(sub *pubsub.Subscription) pubsub.Message {
	f.Helper()
	msg, err := sub.Next(f.ctx)
	if err != nil {
		f.Fatal(err)
	}
	return msg
}

// expect compares the next message with the one wanted.
func (f *fixture) expect(sub *pubsub.Subscription, want pubsub.Message) {
	f.Helper()
	if got := f.next(sub); got != want {
		f.Errorf("got %v, want %v", got, want)
	}
}

// publish publishes a message that must have so many receivers.
func (f *fixture) publish(client *redis.Client, channel, payload string, receivers int64) {
	f.Helper()
	equal(f, client, command.Publish(channel, payload), receivers)
}

// event returns the next event of a kind; others in front of it are thrown away.
func (f *fixture) event(sub *pubsub.Subscription, kind pubsub.EventKind) pubsub.Event {
	f.Helper()
	for {
		select {
		case e, ok := <-sub.Events():
			if !ok {
				f.Fatalf("the subscription ended before the event %q: %v", kind, sub.Err())
			}
			if e.Kind == kind {
				return e
			}
		case <-f.ctx.Done():
			f.Fatalf("the event %q never came", kind)
		}
	}
}

// subscribers returns how many connections are subscribed to a channel, as the
// server counts them.
func (f *fixture) subscribers(client *redis.Client, channel string) int64 {
	f.Helper()
	return result(f, client, command.PubSubNumSub(channel))[0].Subscribers
}

// TestMessagesInOrder sends 100,000 messages through one subscription while others
// share its connection and partly its channel.
func TestMessagesInOrder(t *testing.T) {
	const messages, batch = 100_000, 1000
	shared(t, func(f *fixture) {
		publisher, listener := f.open(), f.open()
		roomy := pubsub.Buffer(2*messages, 64<<20) // nothing is to be dropped here
		sub := f.subscribe(listener, pubsub.Channels("numbers"), roomy)
		same := f.subscribe(listener, pubsub.Channels("numbers", "noise"), roomy)
		pattern := f.subscribe(listener, pubsub.Patterns("num*"), roomy)
		idle := f.subscribe(listener, pubsub.Channels("silence"))

		published := make(chan error, 1)
		go func() {
			var b command.Batch
			for i := range messages {
				b.Publish("numbers", i)
				b.Publish("noise", "x")
				if b.Len() >= batch {
					if err := publisher.Exec(f.ctx, &b); err != nil {
						published <- err
						return
					}
				}
			}
			published <- publisher.Exec(f.ctx, &b)
		}()
		for i := range messages {
			msg := f.next(sub)
			if msg.Payload != strconv.Itoa(i) || msg.Gap != nil {
				f.Fatalf("message %d is %v", i, msg)
			}
		}
		if err := <-published; err != nil {
			f.Fatal(err)
		}
		// Those beside it have all of theirs too: the reader gives each message to
		// all before it reads the next one.
		for i := range messages {
			if msg := f.next(pattern); msg.Payload != strconv.Itoa(i) || msg.Pattern != "num*" || msg.Gap != nil {
				f.Fatalf("message %d by pattern is %v", i, msg)
			}
			for _, want := range []pubsub.Message{{Channel: "numbers", Payload: strconv.Itoa(i)}, {Channel: "noise", Payload: "x"}} {
				f.expect(same, want)
			}
		}
		if stats := idle.Stats(); stats.Delivered+stats.Dropped+stats.Gaps != 0 {
			f.Errorf("the subscription of another channel: %+v", stats)
		}
	})
}

// TestManyNames subscribes to 10,000 names at once, loses the connection under them,
// and takes them off again.
func TestManyNames(t *testing.T) {
	const count = 10_000
	shared(t, func(f *fixture) {
		c := f.open()
		options := f.options()
		options.SubscribeTimeout = 10 * time.Second // for the race detector's sake
		options.UnsubscribeTimeout = 10 * time.Second
		listener := f.openWith(options)
		names := make([]string, count)
		for i := range names {
			names[i] = fmt.Sprintf("channel:%d", i)
		}
		held := func(want int) {
			f.Helper()
			if got := len(result(f, c, command.PubSubChannels("channel:*"))); got != want {
				f.Errorf("the server has %d channels, want %d", got, want)
			}
		}
		sub := f.subscribe(listener, pubsub.Channels(names...), pubsub.GapMarkers())
		held(count)
		f.publish(c, names[count-1], "last", 1)
		f.expect(sub, pubsub.Message{Channel: names[count-1], Payload: "last"})

		began := time.Now()
		equal(f, c, command.ClientKill(command.WhereType("pubsub")), 1)
		if gap := f.next(sub); gap.Kind != pubsub.KindGap || gap.Gap.Reason != pubsub.Reconnect {
			f.Errorf("after the loss came %v", gap)
		}
		f.Logf("%d names are back after %v", count, time.Since(began))
		held(count)

		if err := sub.Unsubscribe(f.ctx, names[:count/2]...); err != nil {
			f.Error(err)
		}
		held(count / 2)
		f.publish(c, names[0], "nobody", 0)
		if err := sub.Unsubscribe(f.ctx); err != nil { // all that are left
			f.Error(err)
		}
		held(0)
		if msg, ok := <-sub.Messages(); ok || sub.Err() != nil {
			f.Errorf("after the last name: %v, %v, want the end without an error", msg, sub.Err())
		}
	})
}

func TestNamesAndPatterns(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		sub := f.subscribe(c, pubsub.Channels("news.at"), pubsub.Patterns("news.*", "*.at"))
		f.publish(c, "news.at", "both", 3)
		// The server sends what is subscribed by name first, then the patterns in
		// the order in which they were subscribed, which is the hub's choice.
		f.expect(sub, pubsub.Message{Channel: "news.at", Payload: "both"})
		patterns := []string{}
		for range 2 {
			msg := f.next(sub)
			if msg.Kind != pubsub.KindPatternMessage || msg.Channel != "news.at" || msg.Payload != "both" || msg.Gap != nil {
				f.Errorf("got %v", msg)
			}
			patterns = append(patterns, msg.Pattern)
		}
		if slices.Sort(patterns); !slices.Equal(patterns, []string{"*.at", "news.*"}) {
			f.Errorf("the patterns %q matched", patterns)
		}
		if err := sub.PUnsubscribe(f.ctx, "*.at"); err != nil {
			f.Error(err)
		}
		if err := sub.Unsubscribe(f.ctx, "news.at"); err != nil {
			f.Error(err)
		}
		f.publish(c, "news.at", "one", 1)
		f.expect(sub, pubsub.Message{Kind: pubsub.KindPatternMessage, Channel: "news.at", Pattern: "news.*", Payload: "one"})
		if want := []pubsub.Name{pubsub.Pattern("news.*")}; !slices.Equal(sub.Names(), want) {
			f.Errorf("Names = %v, want %v", sub.Names(), want)
		}
	})
}

// TestReferenceCounting sees from the server that subscriptions of one name share
// one of the server's.
func TestReferenceCounting(t *testing.T) {
	shared(t, func(f *fixture) {
		c, listener := f.open(), f.open()
		first := f.subscribe(listener, pubsub.Channels("news"))
		second := f.subscribe(listener, pubsub.Channels("news", "sport"))
		if n := f.subscribers(c, "news"); n != 1 {
			f.Errorf("two subscriptions of one client count %d times", n)
		}
		f.publish(c, "news", "to both", 1)
		f.expect(first, pubsub.Message{Channel: "news", Payload: "to both"})
		f.expect(second, pubsub.Message{Channel: "news", Payload: "to both"})
		first.Close()
		if n := f.subscribers(c, "news"); n != 1 {
			f.Errorf("with one subscription left the server counts %d", n)
		}
		f.publish(c, "news", "to one", 1)
		f.expect(second, pubsub.Message{Channel: "news", Payload: "to one"})
		if err := second.Unsubscribe(f.ctx, "news"); err != nil {
			f.Error(err)
		}
		if n := f.subscribers(c, "news"); n != 0 {
			f.Errorf("with no subscription left the server counts %d", n)
		}
		if n := f.subscribers(c, "sport"); n != 1 {
			f.Errorf("the other name of it counts %d times", n)
		}
		// Close does not wait for the server.
		second.Close()
		f.eventually("no subscriber", func() bool { return f.subscribers(c, "sport") == 0 })
	})
}

// TestSubscriptionContext ends a subscription by its context, beside another one.
func TestSubscriptionContext(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		other := f.subscribe(c, pubsub.Channels("news"))
		ctx, cancel := context.WithCancel(f.ctx)
		sub, err := c.Subscribe(ctx, "news")
		if err != nil {
			f.Fatal(err)
		}
		cancel()
		<-sub.Done()
		if err := sub.Err(); err == nil || !strings.Contains(err.Error(), "subscription's life") {
			f.Errorf("Err = %v", err)
		}
		f.publish(c, "news", "still here", 1)
		f.expect(other, pubsub.Message{Channel: "news", Payload: "still here"})
	})
}

func TestBinaryNamesAndPayloads(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		every := make([]byte, 256)
		for i := range every {
			every[i] = byte(i)
		}
		for _, name := range []string{"", "\x00", "a\r\nb", string(every), strings.Repeat("n", 100_000)} {
			sub := f.subscribe(c, pubsub.Channels(name))
			for _, payload := range []string{"", "\r\n", string(every), strings.Repeat("p", 1<<20)} {
				f.publish(c, name, payload, 1)
				f.expect(sub, pubsub.Message{Channel: name, Payload: payload})
			}
			if err := sub.Unsubscribe(f.ctx, name); err != nil {
				f.Error(err)
			}
		}
	})
}

func TestPingWhileSubscribed(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		sub := f.subscribe(c, pubsub.Channels("news"))
		for _, data := range []string{"are you there", "", "\r\n"} {
			if err := sub.Ping(f.ctx, data); err != nil {
				f.Errorf("Ping(%q): %v", data, err)
				continue
			}
			if e := f.event(sub, pubsub.EventPong); e.Data != data {
				f.Errorf("the answer to Ping(%q) is %v", data, e)
			}
		}
	})
}

// TestConfirmations are told as events with the subscription's own count, whoever
// else is subscribed to the name (D2).
func TestConfirmations(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		f.subscribe(c, pubsub.Channels("news", "x", "y"))
		sub := f.subscribe(c, pubsub.Channels("news"))
		if err := sub.PSubscribe(f.ctx, "p*"); err != nil {
			f.Fatal(err)
		}
		if err := sub.Unsubscribe(f.ctx, "news"); err != nil {
			f.Fatal(err)
		}
		for _, want := range []pubsub.Event{
			{Kind: pubsub.EventSubscribed, Name: pubsub.Channel("news"), Count: 1},
			{Kind: pubsub.EventSubscribed, Name: pubsub.Pattern("p*"), Count: 2},
			{Kind: pubsub.EventUnsubscribed, Name: pubsub.Channel("news"), Count: 1},
		} {
			got := f.event(sub, want.Kind)
			if got.Name != want.Name || got.Count != want.Count || got.Gap != nil || got.Err != nil {
				f.Errorf("got %v, want %v", got, want)
			}
		}
	})
}

// TestDropOldest does not read until a known number of messages has arrived, and
// then finds each of them received or counted, at its place.
func TestDropOldest(t *testing.T) {
	const messages, bound = 5000, 300
	shared(t, func(f *fixture) {
		c, listener := f.open(), f.open()
		sub := f.subscribe(listener, pubsub.Channels("numbers"), pubsub.Buffer(bound, 0))
		beside := f.subscribe(listener, pubsub.Channels("numbers"), pubsub.Buffer(2*messages, 0))
		var b command.Batch
		for i := range messages {
			b.Publish("numbers", i)
		}
		if err := c.Exec(f.ctx, &b); err != nil {
			f.Fatal(err)
		}
		// Behind all that was published: it is answered when all has been read.
		if err := sub.Ping(f.ctx, "end"); err != nil {
			f.Fatal(err)
		}
		if e := f.event(sub, pubsub.EventOverflow); e.Gap == nil || e.Gap.Reason != pubsub.Overflow {
			f.Errorf("the overflow was told as %v", e)
		}
		expected, received := uint64(0), uint64(0)
		for expected < messages {
			msg := f.next(sub)
			if msg.Gap != nil {
				if msg.Gap.Reason != pubsub.Overflow {
					f.Errorf("a gap because of %v", msg.Gap.Reason)
				}
				expected += msg.Gap.Dropped
			}
			if msg.Payload != strconv.FormatUint(expected, 10) {
				f.Fatalf("got %v, want number %d", msg, expected)
			}
			expected++
			received++
		}
		// One more could be on its way from the queue to the channel.
		if received < bound-1 || received > bound+1 {
			f.Errorf("%d messages of a buffer of %d were kept", received, bound)
		}
		// The one who hands a message over counts it right behind.
		f.eventually("nothing is queued any more", func() bool { return sub.Stats().Queued == 0 })
		if stats := sub.Stats(); stats.Delivered != received || stats.Delivered+stats.Dropped != messages || stats.Queued != 0 {
			f.Errorf("%d received of %d: %+v", received, messages, stats)
		}
		for i := range messages {
			if msg := f.next(beside); msg.Payload != strconv.Itoa(i) || msg.Gap != nil {
				f.Fatalf("the quick subscription's message %d is %v", i, msg)
			}
		}
	})
}

// What was published before Unsubscribe was called is received, or told as
// missing: never lost without a word.
func TestUnsubscribeLosesNothing(t *testing.T) {
	const rounds, messages = 50, 20
	shared(t, func(f *fixture) {
		c, listener := f.open(), f.open()
		for round := range rounds {
			sub := f.subscribe(listener, pubsub.Channels("numbers"))
			for i := range messages {
				if _, err := c.Publish(f.ctx, "numbers", i); err != nil {
					f.Fatal(err)
				}
			}
			if err := sub.Unsubscribe(f.ctx); err != nil {
				f.Fatal(err)
			}
			received := 0
			for msg := range sub.Messages() {
				if msg.Payload != strconv.Itoa(received) {
					f.Fatalf("round %d: got %v, want number %d", round, msg, received)
				}
				received++
			}
			if gap := sub.Stats().FinalGap; received != messages && gap == nil {
				f.Fatalf("round %d: %d of %d messages received, and nothing told", round, received, messages)
			}
		}
	})
}
