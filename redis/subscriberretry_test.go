package redis_test

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/pubsub"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/redistest"
)

// A policy that gives up ends the subscriptions, and says why; the client makes another
// connection for the next ones.
func TestSubscriberIsGivenUp(t *testing.T) {
	for name, policy := range map[string]redis.RetryPolicy{
		"never":  {Attempts: -1},
		"panics": {Pause: func(int, error) (time.Duration, bool) { panic("no") }},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, redis.Options{SubscriberRetry: policy}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
				for range 3 {
					subscribed := make(chan error, 1)
					ended := make(chan error, 1)
					go func() {
						sub, err := client.Subscribe(t.Context(), "news")
						subscribed <- err
						if err == nil {
							for range sub.Messages() {
							}
							ended <- sub.Err()
						}
					}()
					c := server.AcceptReady()
					c.ExpectSubscribe("SUBSCRIBE", "news")
					if err := <-subscribed; err != nil {
						t.Fatal(err)
					}
					c.Close()
					if err := <-ended; !errors.Is(err, redis.ErrGivenUp) {
						t.Errorf("Err is %v", err)
					}
				}
			})
		})
	}
}

// Who subscribed between a failed attempt to connect and the pause behind it waited for all
// of the pause.
func TestSubscribeInFrontOfAPause(t *testing.T) {
	var asked, answer chan struct{}
	policy := redis.RetryPolicy{Pause: func(int, error) (time.Duration, bool) {
		asked <- struct{}{}
		<-answer
		return time.Hour, true
	}}
	story(t, redis.Options{SubscriberRetry: policy}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		asked, answer = make(chan struct{}), make(chan struct{})
		subscribe := func() error {
			_, err := client.Subscribe(t.Context(), "news")
			return err
		}
		server.Refuse(errAway)
		first := run(subscribe)
		<-asked
		if err := <-first; !errors.Is(err, errAway) {
			t.Errorf("the first: %v", err)
		}
		server.Refuse(nil)
		second := run(subscribe)
		synctest.Wait()
		answer <- struct{}{}
		server.AcceptReady().ExpectSubscribe("SUBSCRIBE", "news")
		if err := <-second; err != nil {
			t.Errorf("the second: %v", err)
		}
	})
}

// Who had subscribed over a connection cut the pause behind its loss short. Who waits to be
// subscribed does.
func TestPauseAfterALoss(t *testing.T) {
	const pause = 4 * time.Second
	policy := redis.RetryPolicy{Pause: func(int, error) (time.Duration, bool) { return pause, true }}
	story(t, redis.Options{SubscriberRetry: policy}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		pending := subscribe(t.Context(), client, pubsub.Channels("news"))
		conn := server.AcceptReady()
		conn.ExpectSubscribe("SUBSCRIBE", "news")
		if sub := <-pending; sub.err != nil {
			t.Fatal(sub.err)
		}
		if sub := <-subscribe(t.Context(), client, pubsub.Channels("news")); sub.err != nil {
			t.Fatal(sub.err)
		}
		lost := time.Now()
		conn.Close()
		conn = server.AcceptReady()
		within(t, "connecting again", lost, pause, pause)
		conn.ExpectSubscribe("SUBSCRIBE", "news")

		pending = subscribe(t.Context(), client, pubsub.Channels("sport"))
		conn.ExpectNames("SUBSCRIBE", "sport")
		lost = time.Now()
		conn.Close()
		conn = server.AcceptReady()
		within(t, "connecting for who waits", lost, 0, time.Second)
		conn.ExpectSubscribe("SUBSCRIBE", "news", "sport")
		if sub := <-pending; sub.err != nil {
			t.Error(sub.err)
		}
	})
}

// By default a lost subscriber connection is made again without end.
func TestSubscriberRetriesByDefault(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		subscribed := make(chan error, 1)
		go func() {
			_, err := client.Subscribe(t.Context(), "news")
			subscribed <- err
		}()
		c := server.AcceptReady()
		c.ExpectSubscribe("SUBSCRIBE", "news")
		if err := <-subscribed; err != nil {
			t.Fatal(err)
		}
		server.Refuse(errAway)
		c.Close()
		time.Sleep(time.Hour)
		server.Refuse(nil)
		back := time.Now()
		c = server.AcceptReady()
		within(t, "connecting again", back, 0, 16*time.Second)
		c.ExpectSubscribe("SUBSCRIBE", "news")
	})
}

// Who subscribes just when the policy gives up is told that, or has a new connection, but
// not that the client is closed.
func TestSubscribeWhileGivenUp(t *testing.T) {
	story(t, redis.Options{SubscriberRetry: redis.RetryPolicy{Attempts: -1}}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		server.Refuse(errAway)
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range 200 {
					if _, err := client.Subscribe(t.Context(), "news"); err == nil || errors.Is(err, redis.ErrClosed) {
						t.Errorf("Subscribe: %v", err)
						return
					}
				}
			})
		}
		all.Wait()
	})
}
