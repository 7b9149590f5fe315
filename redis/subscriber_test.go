package redis_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/pubsub"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/redistest"
)

// subscription is what a Subscribe in the background comes to.
type subscription struct {
	*pubsub.Subscription
	err error
}

// subscribe starts a Subscribe.
func subscribe(ctx context.Context, client *redis.Client, opts ...pubsub.Option) <-chan subscription {
	result := make(chan subscription, 1)
	go func() {
		sub, err := client.NewSubscription(ctx, opts...)
		result <- subscription{sub, err}
	}()
	return result
}

// both runs a test in RESP3 and in RESP2.
func both(t *testing.T, o redis.Options, test func(t *testing.T, client *redis.Client, server *redistest.Server, accept func() *redistest.Conn)) {
	for name, resp2 := range map[string]bool{"RESP3": false, "RESP2": true} {
		t.Run(name, func(t *testing.T) {
			o.RESP2 = resp2
			story(t, o, func(t *testing.T, client *redis.Client, server *redistest.Server) {
				accept := server.AcceptReady
				if resp2 {
					accept = server.AcceptRESP2
				}
				test(t, client, server, accept)
			})
		})
	}
}

func TestSubscribe(t *testing.T) {
	both(t, redis.Options{}, func(t *testing.T, client *redis.Client, _ *redistest.Server, accept func() *redistest.Conn) {
		first := subscribe(t.Context(), client, pubsub.Channels("news", "sport"))
		conn := accept()
		conn.ExpectSubscribe("SUBSCRIBE", "news", "sport")
		sub := <-first
		if sub.err != nil {
			t.Fatal(sub.err)
		}
		second := subscribe(t.Context(), client, pubsub.Channels("news"), pubsub.Patterns("n*"))
		conn.ExpectSubscribe("PSUBSCRIBE", "n*") // news is subscribed already
		other := <-second
		if other.err != nil {
			t.Fatal(other.err)
		}
		conn.Message("news", "one")
		conn.PatternMessage("n*", "news", "one")
		if msg := <-sub.Messages(); msg.Channel != "news" || msg.Payload != "one" || msg.Kind != pubsub.KindMessage {
			t.Errorf("%+v", msg)
		}
		if msg := <-other.Messages(); msg.Kind != pubsub.KindMessage {
			t.Errorf("%+v", msg)
		}
		if msg := <-other.Messages(); msg.Kind != pubsub.KindPatternMessage || msg.Pattern != "n*" || msg.Channel != "news" {
			t.Errorf("%+v", msg)
		}
		// The last one of a name unsubscribes it, and no one else.
		left := make(chan error, 1)
		go func() { left <- sub.Unsubscribe(t.Context()) }()
		conn.ExpectNames("UNSUBSCRIBE", "sport")
		conn.Confirm("unsubscribe", "sport", 2)
		conn.Fence()
		if err := <-left; err != nil {
			t.Error(err)
		}
		if _, ok := <-sub.Messages(); ok || sub.Err() != nil {
			t.Errorf("after the last name: %v, %v", ok, sub.Err())
		}
		conn.Message("news", "two")
		if msg := <-other.Messages(); msg.Payload != "two" || msg.Gap != nil {
			t.Errorf("%+v", msg)
		}
	})
}

func TestSubscriptionIsMadeAgain(t *testing.T) {
	both(t, redis.Options{KeepAlive: time.Hour}, func(t *testing.T, client *redis.Client, server *redistest.Server, accept func() *redistest.Conn) {
		pending := subscribe(t.Context(), client, pubsub.Channels("news"))
		conn := accept()
		conn.ExpectSubscribe("SUBSCRIBE", "news")
		sub := <-pending
		conn.Message("news", "one")
		if msg := <-sub.Messages(); msg.Gap != nil {
			t.Errorf("%+v", msg)
		}
		synctest.Wait()
		alive := time.Now()
		server.Refuse(errAway)
		time.Sleep(time.Second)
		conn.Close()
		time.Sleep(10 * time.Second)
		server.Refuse(nil)
		conn = accept()
		conn.ExpectSubscribe("SUBSCRIBE", "news")
		synctest.Wait()
		back := time.Now()
		conn.Message("news", "two")
		conn.Message("news", "three")
		msg := <-sub.Messages()
		if msg.Payload != "two" || msg.Gap == nil || msg.Gap.Reason != pubsub.Reconnect {
			t.Fatalf("%+v", msg)
		}
		// The gap begins when the link was last known to live.
		if !msg.Gap.From.Equal(alive) || !msg.Gap.To.Equal(back) {
			t.Errorf("the gap is %v to %v, not %v to %v", msg.Gap.From, msg.Gap.To, alive, back)
		}
		if msg := <-sub.Messages(); msg.Payload != "three" || msg.Gap != nil {
			t.Errorf("%+v", msg)
		}
	})
}

func TestSubscribeTellsWhyNot(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		server.Refuse(errAway)
		start := time.Now()
		_, err := client.Subscribe(t.Context(), "news")
		if !errors.Is(err, errAway) || !errors.Is(err, pubsub.ErrSubscribeTimeout) {
			t.Errorf("Subscribe: %v", err)
		}
		within(t, "Subscribe", start, time.Second, time.Second)
		// Nothing is left behind: nobody connects for it any more.
		time.Sleep(time.Minute)
		server.Refuse(nil)
		time.Sleep(time.Hour)
		pending := subscribe(t.Context(), client, pubsub.Channels("sport"))
		conn := server.AcceptReady()
		conn.ExpectSubscribe("SUBSCRIBE", "sport")
		if sub := <-pending; sub.err != nil {
			t.Error(sub.err)
		}
	})
}

func TestForbiddenNameIsFound(t *testing.T) {
	both(t, redis.Options{}, func(t *testing.T, client *redis.Client, _ *redistest.Server, accept func() *redistest.Conn) {
		pending := subscribe(t.Context(), client, pubsub.Channels("good", "bad"))
		conn := accept()
		conn.ExpectNames("SUBSCRIBE", "good", "bad")
		conn.Error("NOPERM No permissions to access a channel")
		conn.Fence()
		for range 2 {
			words := conn.Next()
			if len(words) != 2 {
				t.Fatalf("the batch was not halved: %q", words)
			}
			if words[1] == "bad" {
				conn.Error("NOPERM No permissions to access a channel")
			} else {
				conn.Confirm("subscribe", words[1], 1)
			}
			conn.Fence()
		}
		sub := <-pending
		var refused *pubsub.RefusedError
		var reply *redis.ReplyError
		if !errors.As(sub.err, &refused) || refused.Name.Name != "bad" || !errors.As(sub.err, &reply) || reply.Code != "NOPERM" {
			t.Errorf("Subscribe: %v", sub.err)
		}
		conn.ExpectNames("UNSUBSCRIBE", "good") // nothing is left behind
	})
}

func TestSubscriberKeepAlive(t *testing.T) {
	both(t, redis.Options{KeepAlive: 15 * time.Second, ReplyTimeout: 8 * time.Second}, func(t *testing.T, client *redis.Client, server *redistest.Server, accept func() *redistest.Conn) {
		pending := subscribe(t.Context(), client, pubsub.Channels("news"))
		conn := accept()
		conn.ExpectSubscribe("SUBSCRIBE", "news")
		sub := <-pending
		// Messages are a sign of life, an answered PING is one too.
		for range 20 {
			time.Sleep(3 * time.Second)
			conn.Message("news", "alive")
		}
		heard := time.Now()
		conn.Fence()
		within(t, "the keep-alive", heard, 10*time.Second, 15*time.Second)
		heard = time.Now()
		conn.Next()
		conn.ExpectEnd()
		within(t, "finding a dead peer", heard, 8*time.Second, 23*time.Second)
		found := time.Now()
		conn = accept()
		conn.ExpectSubscribe("SUBSCRIBE", "news")
		conn.Message("news", "back")
		for msg := range sub.Messages() {
			if msg.Payload == "back" {
				// It begins when everything had certainly been read: a keep-alive,
				// and a second, before the last sign of life at most.
				if msg.Gap == nil || msg.Gap.From.After(heard) || msg.Gap.From.Before(heard.Add(-16*time.Second)) || msg.Gap.To.Before(found) {
					t.Errorf("%+v", msg.Gap)
				}
				break
			}
		}
	})
}

func TestPingWhileSubscribed(t *testing.T) {
	both(t, redis.Options{}, func(t *testing.T, client *redis.Client, _ *redistest.Server, accept func() *redistest.Conn) {
		pending := subscribe(t.Context(), client, pubsub.Channels("news"))
		conn := accept()
		conn.ExpectSubscribe("SUBSCRIBE", "news")
		sub := <-pending
		pinged := make(chan error, 1)
		go func() { pinged <- sub.Ping(t.Context(), "are you there?") }()
		conn.Expect("PING", "are you there?")
		conn.Pong("are you there?")
		for event := range sub.Events() {
			if event.Kind == pubsub.EventPong {
				if event.Data != "are you there?" {
					t.Errorf("%+v", event)
				}
				break
			}
		}
		if err := <-pinged; err != nil { // not earlier: the event is told first
			t.Error(err)
		}
	})
}

// A consumer that may hold up its connection has one of its own, which ends
// with the subscription.
func TestBlockingConsumerHasItsOwnConnection(t *testing.T) {
	story(t, redis.Options{KeepAlive: 3 * time.Second, ReplyTimeout: 4 * time.Second}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		pending := subscribe(t.Context(), client, pubsub.Channels("news"))
		shared := server.AcceptReady()
		shared.ExpectSubscribe("SUBSCRIBE", "news")
		sub := <-pending
		pending = subscribe(t.Context(), client, pubsub.Channels("news"), pubsub.Buffer(4, 0), pubsub.Block(time.Minute))
		own := server.AcceptReady()
		own.ExpectSubscribe("SUBSCRIBE", "news")
		slow := <-pending

		for range 10 {
			own.Message("news", "x")
			shared.Message("news", "x")
		}
		for range 10 {
			if msg := <-sub.Messages(); msg.Gap != nil {
				t.Errorf("the sibling: %+v", msg)
			}
		}
		// The reader waits for the slow consumer, longer than the keep-alive
		// lets a dead link live, and nothing is lost.
		go shared.Serve(func(words []string) (string, bool) {
			return "$" + "17\r\n" + words[1] + "\r\n", len(words) == 2 && len(words[1]) == 17
		})
		time.Sleep(30 * time.Second)
		for range 10 {
			if msg := <-slow.Messages(); msg.Gap != nil {
				t.Errorf("the slow one: %+v", msg)
			}
		}
		if err := slow.Close(); err != nil {
			t.Error(err)
		}
		own.Serve(func([]string) (string, bool) { return "", true }) // to its end
	})
}

func TestSubscriptionEndsWithItsContext(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		ctx, cancel := context.WithCancel(t.Context())
		pending := subscribe(ctx, client, pubsub.Channels("news"))
		conn := server.AcceptReady()
		conn.ExpectSubscribe("SUBSCRIBE", "news")
		sub := <-pending
		conn.Message("news", "one")
		synctest.Wait()
		cancel()
		if msg := <-sub.Messages(); msg.Payload != "one" {
			t.Errorf("what was in the channel: %+v", msg)
		}
		if _, ok := <-sub.Messages(); ok || !errors.Is(sub.Err(), context.Canceled) {
			t.Errorf("the end: %v, %v", ok, sub.Err())
		}
		conn.ExpectNames("UNSUBSCRIBE", "news")
		if _, err := client.Subscribe(ctx, "news"); !errors.Is(err, context.Canceled) {
			t.Errorf("Subscribe with an ended context: %v", err)
		}
	})
}

func TestServerThatBreaksTheRules(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		pending := subscribe(t.Context(), client, pubsub.Channels("news"))
		conn := server.AcceptReady()
		conn.ExpectNames("SUBSCRIBE", "news")
		conn.Fence() // without a confirmation
		conn.ExpectEnd()
		server.AcceptReady().ExpectSubscribe("SUBSCRIBE", "news")
		if sub := <-pending; sub.err != nil {
			t.Error(sub.err)
		}
	})
}

// A subscriber that waits long to connect again does so as soon as commands
// have reached the server.
func TestSubscriberFollowsCommands(t *testing.T) {
	o := redis.Options{
		Backoff:           redis.Backoff{Base: time.Second, Max: time.Second},
		SubscriberBackoff: redis.Backoff{Base: time.Second, Max: 1000 * time.Hour},
		KeepAlive:         24 * time.Hour,
	}
	story(t, o, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		pending := subscribe(t.Context(), client, pubsub.Channels("news"))
		conn := server.AcceptReady()
		conn.ExpectSubscribe("SUBSCRIBE", "news")
		<-pending
		got := get(t.Context(), client, "k")
		commands := server.AcceptReady()
		commands.Expect("GET", "k")
		commands.Bulk("v")
		<-got
		server.Refuse(errAway)
		conn.Close()
		commands.Close()
		time.Sleep(3 * time.Hour) // the pauses are of hours now
		server.Refuse(nil)
		back := time.Now()
		server.AcceptReady() // the commands' connection
		server.AcceptReady().ExpectSubscribe("SUBSCRIBE", "news")
		within(t, "subscribing again", back, 0, 2*time.Second)
	})
}

// Servers refuse PING in states in which they take SUBSCRIBE: the refusal is PING's own, and
// the subscription stands.
func TestSubscribeWherePingIsRefused(t *testing.T) {
	for _, refusal := range []string{
		"MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
		"LOADING Redis is loading the dataset in memory",
		"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
		"NOPERM User bob has no permissions to run the 'ping' command",
	} {
		both(t, redis.Options{}, func(t *testing.T, client *redis.Client, _ *redistest.Server, accept func() *redistest.Conn) {
			first := subscribe(t.Context(), client, pubsub.Channels("news"))
			conn := accept()
			conn.ExpectNames("SUBSCRIBE", "news")
			conn.Confirm("subscribe", "news", 1)
			conn.Next() // the PING
			conn.Error(refusal)
			sub := <-first
			if sub.err != nil {
				t.Fatalf("%s: %v", refusal, sub.err)
			}
			conn.Message("news", "one")
			if msg := <-sub.Messages(); msg.Payload != "one" || msg.Gap != nil {
				t.Errorf("%s: %v", refusal, msg)
			}
		})
	}
}
