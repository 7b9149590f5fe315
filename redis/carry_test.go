package redis_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/internal/hub"
	"github.com/redchan-go/redchan/pubsub"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/redistest"
)

// oneLane is a router with one lane for all.
type oneLane struct{ lane *hub.Lane }

func (r *oneLane) Group(hub.Name) int { return 0 }

func (r *oneLane) Lanes(int) []*hub.Lane { return []*hub.Lane{r.lane} }

func (r *oneLane) Everywhere(int, *hub.Lane) []*hub.Lane { return r.Lanes(0) }

func (r *oneLane) Migrated(*hub.Lane, *hub.Lane) bool { return true }

func (r *oneLane) Refused(*hub.Lane, int, error) *hub.Lane { return nil }

func (r *oneLane) Seeking() {}

func (r *oneLane) Pause(int) time.Duration { return 0 }

// A lane of another hub has a connection from the first moment until it is stopped, and
// again whenever that is lost.
func TestCarry(t *testing.T) {
	both(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server, accept func() *redistest.Conn) {
		router := new(oneLane)
		h := hub.New(hub.Options{Router: router})
		router.lane = h.NewLane("here")
		stop, err := redis.ForCluster(client).Carry(router.lane)
		if err != nil {
			t.Fatal(err)
		}
		accept().Close()
		conn := accept()
		result := make(chan *pubsub.Subscription, 1)
		go func() {
			open := func(*hub.Plan) (*hub.Hub, func(), error) { return h, func() {}, nil }
			sub, err := pubsub.New(context.Background(), open, pubsub.ShardChannel("news"))
			if err != nil {
				t.Error(err)
			}
			result <- sub
		}()
		conn.ExpectSubscribe("SSUBSCRIBE", "news")
		sub := <-result
		if e := <-sub.Events(); e.Node != "here" {
			t.Errorf("the first event is %v", e)
		}
		stop()
		stop()
		for e := range sub.Events() {
			if e.Kind == pubsub.EventDisconnected && errors.Is(e.Err, redis.ErrClosed) {
				break
			}
		}
		h.Close(nil)
		if err := client.Close(); err != nil {
			t.Error(err)
		}
		if _, err := redis.ForCluster(client).Carry(router.lane); !errors.Is(err, redis.ErrClosed) || !redis.SafeToRetry(err) {
			t.Errorf("Carry of a closed client: %v", err)
		}
	})
}

// Who knows better than the connection has subscriptions go to another server.
func TestReconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := redistest.NewServer(t)
		asked := 0
		client, err := redis.New(redis.Options{Dial: server.Dial, Resolve: func(context.Context) (string, error) {
			asked++
			return "some:1", nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		pending := subscribe(t.Context(), client, pubsub.Channels("news"))
		server.AcceptReady().ExpectSubscribe("SUBSCRIBE", "news")
		sub := <-pending
		why := errors.New("it has left")
		client.Reconnect(why)
		server.AcceptReady().ExpectSubscribe("SUBSCRIBE", "news")
		lost := false
		for e := range sub.Events() {
			if e.Kind == pubsub.EventDisconnected {
				if lost = errors.Is(e.Err, why); !lost {
					t.Errorf("%v", e)
				}
			}
			if lost && e.Kind == pubsub.EventSubscribed {
				break
			}
		}
		if asked != 2 {
			t.Errorf("asked where to connect %d times", asked)
		}
		client.Reconnect(why) // and again when there is nothing to close
		time.Sleep(time.Second)
	})
}

// A connection of subscriptions that is being made goes to the server of before: it is made
// again.
func TestReconnectWhileConnecting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := redistest.NewServer(t)
		client, err := redis.New(redis.Options{Dial: server.Dial})
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		pending := subscribe(t.Context(), client, pubsub.Channels("news"))
		former := server.Accept()
		synctest.Wait()
		client.Reconnect(errors.New("it has left"))
		former.Handshake()
		former.ExpectEnd()
		server.AcceptReady().ExpectSubscribe("SUBSCRIBE", "news")
		if sub := <-pending; sub.err != nil {
			t.Error(sub.err)
		}
	})
}

// A reconnection for no reason in particular took the program down.
func TestReconnectWithoutCause(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		pending := subscribe(t.Context(), client, pubsub.Channels("news"))
		server.AcceptReady().ExpectSubscribe("SUBSCRIBE", "news")
		<-pending
		client.Reconnect(nil)
		server.AcceptReady().ExpectSubscribe("SUBSCRIBE", "news")
	})
}
