package redis_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/pubsub"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/redistest"
)

// A subscriber connection that has confirmed what was subscribed served well: however often it
// is lost, the next one is made at once, so names are back within a round trip.
func TestSubscriberThatServedComesBackAtOnce(t *testing.T) {
	both(t, redis.Options{}, func(t *testing.T, client *redis.Client, _ *redistest.Server, accept func() *redistest.Conn) {
		pending := subscribe(t.Context(), client, pubsub.Channels("news"))
		conn := accept()
		conn.ExpectSubscribe("SUBSCRIBE", "news")
		if sub := <-pending; sub.err != nil {
			t.Fatal(sub.err)
		}
		for range 20 {
			synctest.Wait()
			time.Sleep(600 * time.Millisecond)
			conn.Close()
			lost := time.Now()
			conn = accept()
			conn.ExpectSubscribe("SUBSCRIBE", "news")
			if took := time.Since(lost); took > 50*time.Millisecond {
				t.Fatalf("the names were back after %v", took)
			}
		}
	})
}
