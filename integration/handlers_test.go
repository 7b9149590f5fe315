package integration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redchan-go/redchan/pubsub"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
)

// handled records what handlers were called with.
type handled struct {
	mu  sync.Mutex
	all []string
}

func (h *handled) handle(_ context.Context, msg pubsub.Message) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	text := msg.Channel + ":" + msg.Payload
	if msg.Gap != nil {
		text = "gap " + text
	}
	h.all = append(h.all, text)
	return nil
}

// want waits until the handlers were called with these, in this order.
func (h *handled) want(f *fixture, want ...string) {
	f.Helper()
	f.eventually(fmt.Sprint("handlers called with ", want), func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		if len(h.all) < len(want) {
			return false
		}
		if !slices.Equal(h.all, want) {
			f.Fatalf("handlers were called with %q, want %q", h.all, want)
		}
		h.all = nil
		return true
	})
}

// Handlers of channels and patterns run in the background, survive a lost connection, and
// come and go while they run; a handled message is not delivered again.
func TestHandlers(t *testing.T) {
	shared(t, func(f *fixture) {
		publisher, listener := f.open(), f.open()
		var channel, pattern, late handled
		binary := "\x00\xff\r\n"
		sub := f.subscribe(listener,
			pubsub.Handle(pubsub.Channel("news"), channel.handle),
			pubsub.Handle(pubsub.Pattern("n*"), pattern.handle),
			pubsub.Handle(pubsub.Channel(binary), channel.handle))
		run, err := sub.Run(f.ctx, 4, nil)
		if err != nil {
			f.Fatal(err)
		}
		f.publish(publisher, "news", "1", 2)
		channel.want(f, "news:1")
		pattern.want(f, "news:1")
		f.publish(publisher, binary, binary, 1)
		channel.want(f, binary+":"+binary)

		sub.Handle(pubsub.Channel("sport"), late.handle)
		if err := sub.Subscribe(f.ctx, "sport"); err != nil {
			f.Fatal(err)
		}
		f.publish(publisher, "sport", "1", 1)
		late.want(f, "sport:1")

		// A connection that is killed is made again, and each handler told of the gap.
		equal(f, publisher, command.ClientKill(command.WhereType("pubsub")), 1)
		f.eventually("subscribed again", func() bool {
			return f.subscribers(publisher, "sport") == 1 && result(f, publisher, command.PubSubNumPat()) == 1
		})
		f.publish(publisher, "news", "2", 2)
		channel.want(f, "gap news:2")
		pattern.want(f, "gap news:2")
		f.publish(publisher, "sport", "2", 1)
		late.want(f, "gap sport:2")

		// Stopped, it lets go of the messages; those without a handler are refused.
		run.Stop()
		if err := run.Wait(f.ctx); err != nil {
			f.Errorf("Wait: %v", err)
		}
		sub.Handle(pubsub.Channel("news"), nil)
		var missing *pubsub.NoHandlerError
		if _, err := sub.Run(f.ctx, 1, nil); !errors.Is(err, pubsub.ErrNoHandler) || !errors.As(err, &missing) || !slices.Equal(missing.Names, []pubsub.Name{pubsub.Channel("news")}) {
			f.Errorf("Run: %v", err)
		}
		f.publish(publisher, "news", "3", 2)
		f.expect(sub, pubsub.Message{Kind: pubsub.KindMessage, Channel: "news", Payload: "3"})
		if got := run.Stats(); got.Handled != 7 || got.Failed+got.Dropped != 0 {
			f.Errorf("stats are %+v", got)
		}
	})
}

// The error function is given error, subscription and run, and may stop it.
func TestHandlerErrors(t *testing.T) {
	errOwn := errors.New("own")
	shared(t, func(f *fixture) {
		publisher, listener := f.open(), f.open()
		sub := f.subscribe(listener, pubsub.Handle(pubsub.Channel("news"), func(_ context.Context, msg pubsub.Message) error {
			if msg.Payload == "panic" {
				panic(errOwn)
			}
			return errOwn
		}))
		told := make(chan error, 2)
		run, err := sub.Run(f.ctx, 1, func(err error, s *pubsub.Subscription, run *pubsub.Runner) {
			if s != sub {
				f.Error("another subscription")
			}
			if told <- err; len(told) == 2 {
				run.Stop()
			}
		})
		if err != nil {
			f.Fatal(err)
		}
		f.publish(publisher, "news", "error", 1)
		f.publish(publisher, "news", "panic", 1)
		if err := run.Wait(f.ctx); err != nil {
			f.Errorf("Wait: %v", err)
		}
		var panicked *pubsub.PanicError
		first, second := <-told, <-told
		if !errors.Is(first, errOwn) || errors.As(first, &panicked) || !errors.Is(second, errOwn) || !errors.As(second, &panicked) {
			f.Errorf("%v; %v", first, second)
		}
	})
}

// Typed channels, payloads alone, iteration, and confirmations in the stream.
func TestReadingWays(t *testing.T) {
	shared(t, func(f *fixture) {
		publisher, listener := f.open(), f.open()
		numbers := f.subscribe(listener, pubsub.Channels("numbers"))
		typed := pubsub.As(numbers, strconv.Atoi)
		plain := f.subscribe(listener, pubsub.Channels("numbers"))
		payloads := pubsub.Payloads(plain)
		type point struct{ X, Y int }
		points := pubsub.AsJSON[point](f.subscribe(listener, pubsub.Channels("points")))

		f.publish(publisher, "numbers", "7", 1)
		f.publish(publisher, "numbers", "seven", 1)
		equal(f, publisher, command.Publish("points", command.JSON(point{1, 2})), 1)
		if item := <-typed; item.Value != 7 || item.Err != nil || item.Channel != "numbers" {
			f.Errorf("%+v", item)
		}
		if item := <-typed; !errors.Is(item.Err, strconv.ErrSyntax) || numbers.Stats().Undecoded != 1 {
			f.Errorf("%+v", item)
		}
		if a, b := <-payloads, <-payloads; a != "7" || b != "seven" {
			f.Errorf("%q, %q", a, b)
		}
		if item := <-points; item.Value != (point{1, 2}) || item.Err != nil {
			f.Errorf("%+v", item)
		}

		// Confirmations with their counts, in their place; ignored where that is asked.
		sub := f.subscribe(listener, pubsub.Channels("a"), pubsub.Confirmations())
		f.expect(sub, pubsub.Message{Kind: pubsub.KindSubscribed, Channel: "a", Count: 1})
		if err := sub.PSubscribe(f.ctx, "b*"); err != nil {
			f.Fatal(err)
		}
		f.expect(sub, pubsub.Message{Kind: pubsub.KindSubscribed, NameKind: pubsub.NamePattern, Channel: "b*", Count: 2})
		if err := sub.PUnsubscribe(f.ctx, "b*"); err != nil {
			f.Fatal(err)
		}
		f.publish(publisher, "a", "1", 1)
		if msg, err := sub.Next(f.ctx, pubsub.KindSubscribed, pubsub.KindUnsubscribed); err != nil || msg.Payload != "1" {
			f.Errorf("%v, %v", msg, err)
		}
		if msg, ok := sub.TryNext(); ok {
			f.Errorf("%v", msg)
		}

		// Iterating ends after the last queued message, once nothing is subscribed.
		f.publish(publisher, "a", "2", 1)
		f.publish(publisher, "a", "3", 1)
		if err := sub.Unsubscribe(f.ctx); err != nil {
			f.Fatal(err)
		}
		var got []string
		for msg, err := range sub.All(f.ctx) {
			if err != nil {
				f.Fatal(err)
			}
			got = append(got, fmt.Sprint(msg.Kind, " ", msg.Payload))
		}
		if !slices.Equal(got, []string{"message 2", "message 3", "unsubscribed "}) {
			f.Errorf("%q", got)
		}
	})
}

// A policy that gives up ends the subscriptions with their connection.
func TestRetryPolicy(t *testing.T) {
	shared(t, func(f *fixture) {
		options := f.options()
		options.SubscriberRetry = redis.RetryPolicy{Attempts: -1}
		publisher, listener := f.open(), f.openWith(options)
		sub := f.subscribe(listener, pubsub.Channels("news"))
		equal(f, publisher, command.ClientKill(command.WhereType("pubsub")), 1)
		for msg, err := range sub.All(f.ctx) {
			if !errors.Is(err, redis.ErrGivenUp) {
				f.Errorf("%v, %v", msg, err)
			}
		}
		again := f.subscribe(listener, pubsub.Channels("news"))
		f.publish(publisher, "news", "1", 1)
		f.expect(again, pubsub.Message{Kind: pubsub.KindMessage, Channel: "news", Payload: "1"})
	})
}

// MONITOR shows what the server runs: by whom, when, and with the words as they were sent.
func TestMonitor(t *testing.T) {
	shared(t, func(f *fixture) {
		c, watched := f.open(), f.open()
		start := time.Now().Add(-time.Second)
		m, err := c.Monitor(f.ctx)
		if err != nil {
			f.Fatal(err)
		}
		defer m.Close()
		binary := "\x00\xff\r\n\t\a\b\\\"'\x7f é"
		equal(f, watched, command.Set(binary, binary), done)
		result(f, watched, command.Eval("return redis.call('GET', KEYS[1])", []string{binary}))
		line := func(want ...string) redis.MonitorLine {
			f.Helper()
			for line := range m.Lines() {
				if slices.Equal(line.Command, want) {
					return line
				}
			}
			f.Fatalf("%q never came: %v", want, m.Err())
			return redis.MonitorLine{}
		}
		set := line("SET", binary, binary)
		id := result(f, watched, command.ClientID())
		clients := result(f, c, command.AsString(command.Raw("CLIENT", "LIST")))
		if set.Kind != "tcp" || !strings.Contains("\n"+clients, fmt.Sprintf("\nid=%d addr=%s ", id, set.Client)) || set.DB != 0 || set.Time.Before(start) || set.Time.After(time.Now().Add(time.Second)) {
			f.Errorf("%+v, of %s", set, clients)
		}
		if get := line("GET", binary); get.Kind != "lua" || get.Client != "" {
			f.Errorf("%+v", get)
		}
		m.Close()
		if m.Err() != nil {
			f.Errorf("Err is %v", m.Err())
		}
	})
}

// A monitor that hears nothing is kept alive, and one whose connection is killed ends.
func TestMonitorKeepAlive(t *testing.T) {
	shared(t, func(f *fixture) {
		options := f.options()
		options.KeepAlive = 30 * time.Millisecond
		options.ReplyTimeout = time.Second
		c, other := f.openWith(options), f.open()
		m, err := c.Monitor(f.ctx)
		if err != nil {
			f.Fatal(err)
		}
		defer m.Close()
		pings := 0
		for line := range m.Lines() {
			if line.Command[0] == "PING" {
				if pings++; pings == 5 {
					break
				}
			}
		}
		if pings != 5 {
			f.Fatalf("%d PINGs, and then %v", pings, m.Err())
		}
		killed := result(f, other, command.ClientKill(command.WhereType("normal")))
		for range m.Lines() {
		}
		if m.Err() == nil {
			f.Errorf("%d connections were killed, and the monitor ended without an error", killed)
		}
	})
}

// What happens to keys is told as typed events.
func TestKeyEvents(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		before := result(f, c, command.ConfigGet("notify-keyspace-events"))
		equal(f, c, command.ConfigSet(map[string]string{"notify-keyspace-events": "KEA"}), done)
		defer equal(f, c, command.ConfigSet(before), done)
		strange := `user:*[1]?\`
		byKey := pubsub.AsKeyEvents(f.subscribe(c, pubsub.Keyspace(0, pubsub.EscapePattern(strange))))
		byEvent := pubsub.AsKeyEvents(f.subscribe(c, pubsub.Keyevent(-1, "expired")))
		equal(f, c, command.Set("user:x1y", 1), done) // would match, were it not escaped
		equal(f, c, command.Set(strange, 1, command.EX(time.Millisecond)), done)
		want := func(events <-chan pubsub.KeyEvent, key, event string) {
			f.Helper()
			select {
			case e := <-events:
				if e.Key != key || e.Event != event || e.DB != 0 || e.Gap != nil || e.Err != nil {
					f.Errorf("%+v, want %q %q", e, key, event)
				}
			case <-f.ctx.Done():
				f.Fatalf("%q %q never came", key, event)
			}
		}
		want(byKey, strange, "set")
		want(byKey, strange, "expire")
		want(byEvent, strange, "expired")
		want(byKey, strange, "expired")
	})
}
