package integration

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
)

// stormSize returns how many requests a storm sends to one server: REDCHAN_STORM, or
// what takes all of them less than a minute.
func stormSize(t *testing.T) int {
	text := os.Getenv("REDCHAN_STORM")
	if text == "" {
		return defaultStorm
	}
	n, err := strconv.Atoi(text)
	if err != nil || n <= 0 {
		t.Fatalf("REDCHAN_STORM=%q is no number of requests", text)
	}
	return n
}

// TestCancellationStorm sends requests whose callers give up at random times, and
// requires that each reply that comes belongs to its request, that the connection is
// the same one from the first to the last, and that a cancelled caller says so (F3).
// That no goroutine is left is checked at the end of all tests.
func TestCancellationStorm(t *testing.T) {
	total := stormSize(t)
	const callers, keys = 64, 1000
	shared(t, func(f *fixture) {
		// RESP2 differs in nothing that matters here.
		share := total
		if f.resp2 {
			share /= 10
		}
		f = newFixture(f.T, f.server, f.resp2, 10*time.Minute)
		client := f.open()
		values := command.Map{}
		for i := range keys {
			values[keyName(i)] = "value of " + keyName(i)
		}
		equal(f, client, command.MSet(values), done)
		id := result(f, client, command.ClientID())

		var left, answered, cancelled atomic.Int64
		left.Store(int64(share))
		began := time.Now()
		var all sync.WaitGroup
		for range callers {
			all.Go(func() {
				for left.Add(-1) >= 0 {
					// One of four gives up, most of them while the request waits
					// to be sent or answered.
					ctx, cancel := f.ctx, context.CancelFunc(func() {})
					if rand.N(4) == 0 {
						ctx, cancel = context.WithTimeout(f.ctx, rand.N(200*time.Microsecond))
					}
					key := keyName(rand.N(keys))
					value, err := client.Get(ctx, key)
					cancel()
					switch {
					case err == nil && value == "value of "+key:
						answered.Add(1)
					case errors.Is(err, context.DeadlineExceeded) && (errors.Is(err, redis.ErrMaybeExecuted) || errors.Is(err, redis.ErrNotSent)):
						cancelled.Add(1)
					default:
						f.Errorf("GET of %q = %q, %v", key, value, err)
						return
					}
				}
			})
		}
		all.Wait()
		f.Logf("%d answered, %d given up in %v", answered.Load(), cancelled.Load(), time.Since(began))
		if cancelled.Load() == 0 || answered.Load() == 0 {
			f.Error("it was no storm")
		}
		equal(f, client, command.ClientID(), id)
	})
}

func keyName(i int) string { return fmt.Sprintf("key:%d", i) }

// TestCancelledPopTakesNothing cancels commands that block: an element that is pushed
// later must not be taken by a caller that has gone.
func TestCancelledPopTakesNothing(t *testing.T) {
	shared(t, func(f *fixture) {
		client := f.open()
		id := result(f, client, command.ClientID())
		for range 20 {
			ctx, cancel := context.WithCancel(f.ctx)
			popped := command.BLPop(0, "queue").Go(ctx, client)
			f.eventually("a blocked client", func() bool {
				return result(f, client, command.Info("clients")).Get("blocked_clients") == "1"
			})
			cancel()
			if r := <-popped; !errors.Is(r.Err, context.Canceled) || !errors.Is(r.Err, redis.ErrMaybeExecuted) {
				f.Fatalf("a cancelled BLPOP = %v, %v", r.Value, r.Err)
			}
			f.eventually("no blocked client", func() bool {
				return result(f, client, command.Info("clients")).Get("blocked_clients") == "0"
			})
		}
		equal(f, client, command.RPush("queue", "job"), 1)
		equal(f, client, command.LLen("queue"), 1)
		equal(f, client, command.ClientID(), id)
	})
}
