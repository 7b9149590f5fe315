package redis_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/redistest"
)

func TestReplyTimeout(t *testing.T) {
	story(t, redis.Options{ReplyTimeout: 8 * time.Second}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		start := time.Now()
		late := command.Incr("n").Go(t.Context(), client)
		conn := server.AcceptReady()
		conn.Expect("INCR", "n")
		// Pushes come whether the server works or not: they are no progress.
		for range 7 {
			time.Sleep(time.Second)
			conn.Push("invalidate", "x")
		}
		if r := <-late; !errors.Is(r.Err, redis.ErrReplyTimeout) || !errors.Is(r.Err, redis.ErrMaybeExecuted) {
			t.Errorf("INCR: %v", r.Err)
		}
		within(t, "giving up", start, 8*time.Second, 10*time.Second)
		conn.ExpectEnd()
	})
}

func TestSlowLargeReplyIsNotLate(t *testing.T) {
	story(t, redis.Options{ReplyTimeout: 8 * time.Second}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		got := get(t.Context(), client, "k")
		conn := server.AcceptReady()
		conn.Expect("GET", "k")
		conn.Send("$20\r\n")
		for range 20 {
			time.Sleep(time.Second)
			conn.Send("x")
		}
		conn.Send("\r\n")
		if r := <-got; r.Value != strings.Repeat("x", 20) {
			t.Errorf("GET: %q, %v", r.Value, r.Err)
		}
	})
}

func TestBusyConnectionIsNotLate(t *testing.T) {
	// One request after the other, each of which takes most of the time that a
	// reply may take.
	story(t, redis.Options{ReplyTimeout: 8 * time.Second, KeepAlive: time.Hour}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		go func() {
			server.AcceptReady().Serve(func([]string) (string, bool) {
				time.Sleep(7 * time.Second)
				return "$1\r\nv\r\n", true
			})
		}()
		for range 10 {
			if _, err := client.Get(t.Context(), "k"); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestKeepAlive(t *testing.T) {
	o := redis.Options{KeepAlive: 15 * time.Second, ReplyTimeout: 8 * time.Second}
	story(t, o, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		warm := get(t.Context(), client, "k")
		conn := server.AcceptReady()
		conn.Expect("GET", "k")
		conn.Bulk("v")
		<-warm
		heard := time.Now()
		for range 3 {
			words := conn.Next()
			if words[0] != "PING" {
				t.Fatalf("an idle client sent %q", words)
			}
			within(t, "the keep-alive", heard, 10*time.Second, 15*time.Second)
			conn.Bulk(words[1])
			heard = time.Now()
		}
		// The peer is gone without a word: found within KeepAlive+ReplyTimeout.
		conn.Next()
		conn.ExpectEnd()
		within(t, "finding a dead peer", heard, 8*time.Second, 23*time.Second)
		// The client has connected again by itself.
		again := server.AcceptReady()
		got := get(t.Context(), client, "k")
		again.Expect("GET", "k")
		again.Bulk("v")
		if r := <-got; r.Err != nil {
			t.Error(r.Err)
		}
	})
}

// A keep-alive that the server answers with an error is answered.
func TestKeepAliveRefused(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		warm := get(t.Context(), client, "k")
		conn := server.AcceptReady()
		conn.Expect("GET", "k")
		conn.Bulk("v")
		<-warm
		conn.Expect("PING", redistest.Any)
		conn.Error("NOPERM this user has no permissions to run the 'ping' command")
		time.Sleep(20 * time.Second) // longer than ReplyTimeout
		synctest.Wait()
		conn.Expect("PING", redistest.Any)
		conn.Error("NOPERM this user has no permissions to run the 'ping' command")
	})
}
