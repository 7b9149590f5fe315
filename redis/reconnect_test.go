package redis_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/redistest"
)

// A client that is told to connect again does so at once. What is in flight is answered by the
// connection of before.
func TestReconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := redistest.NewServer(t)
		client, err := redis.New(redis.Options{Dial: server.Dial})
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		get := func(key string) <-chan error {
			done := make(chan error, 1)
			go func() {
				_, err := client.Get(t.Context(), key)
				done <- err
			}()
			return done
		}
		first := get("a")
		old := server.AcceptReady()
		old.Expect("GET", "a")
		client.Reconnect(errors.New("another server is there"))
		client.Reconnect(nil)
		synctest.Wait()
		second := get("b")
		old.Next() // the fence of what is in flight
		old.Bulk("1")
		old.Bulk("redchan drain")
		if err := <-first; err != nil {
			t.Errorf("in flight: %v", err)
		}
		fresh := server.AcceptReady()
		fresh.Expect("GET", "b")
		fresh.Bulk("2")
		if err := <-second; err != nil {
			t.Errorf("behind it: %v", err)
		}
		time.Sleep(time.Second)
	})
}
