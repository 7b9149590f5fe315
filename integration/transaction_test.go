package integration

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
)

// monitor returns the commands that the server runs, those of clients under test
// without their connections' set-up, as MONITOR tells them. The function that it
// returns gives those since it was called last, up to and without a marker that it
// sends itself.
func (f *fixture) monitor() (since func() []string) {
	f.Helper()
	conn, err := (&net.Dialer{}).DialContext(f.ctx, "tcp", f.server.Addr)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { conn.Close() })
	deadline, _ := f.ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		f.Fatal(err)
	}
	lines := bufio.NewScanner(conn)
	if _, err := conn.Write([]byte("MONITOR\r\n")); err != nil || !lines.Scan() || lines.Text() != "+OK" {
		f.Fatalf("MONITOR: %v, %q", err, lines.Text())
	}
	markers := 0
	return func() []string {
		f.Helper()
		markers++
		marker := fmt.Sprintf("marker-%d", markers)
		f.command("ECHO", marker)
		var ran []string
		for lines.Scan() {
			// 1339518083.107412 [0 127.0.0.1:60866] "keys" "*"
			_, words, ok := strings.Cut(lines.Text(), "] ")
			if !ok {
				f.Fatalf("MONITOR says %q", lines.Text())
			}
			words = strings.ReplaceAll(words, `"`, "")
			if words == "ECHO "+marker {
				return ran
			}
			switch name, _, _ := strings.Cut(words, " "); strings.ToUpper(name) {
			case "HELLO", "CLIENT", "PING", "AUTH", "SELECT":
			default:
				ran = append(ran, words)
			}
		}
		f.Fatalf("MONITOR ended: %v", lines.Err())
		return nil
	}
}

// expectRan fails the test where the server ran other commands than these.
func expectRan(f *fixture, since func() []string, want ...string) {
	f.Helper()
	if got := since(); !slices.Equal(got, want) {
		f.Errorf("the server ran %q, want %q", got, want)
	}
}

func TestMulti(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		since := f.monitor()
		equal(f, c, command.Set("text", "x"), done)
		var b command.Batch
		n, none, wrong, all := b.Incr("n"), b.Get("none"), b.LPush("text", 1), b.HGetAll("h")
		set := b.HSet("h", command.Map{"a": 1})
		after := b.HGetAll("h")
		err := c.Multi(f.ctx, &b)
		var failed *command.BatchError
		if !errors.As(err, &failed) || failed.Index != 2 || failed.Command != "LPUSH" || replyCode(err) != "WRONGTYPE" {
			f.Errorf("Multi: %v", err)
		}
		if n.Value() != 1 || none.Err() != redis.Nil || replyCode(wrong.Err()) != "WRONGTYPE" ||
			len(all.Value()) != 0 || set.Value() != 1 || after.Value()["a"] != "1" {
			f.Errorf("results: %v %v %v %v %v %v", n.Value(), none.Err(), wrong.Err(), all.Value(), set.Value(), after.Value())
		}
		expectRan(f, since, "SET text x", "MULTI", "INCR n", "GET none", "LPUSH text 1", "HGETALL h", "HSET h a 1", "HGETALL h", "EXEC")

		// What the server refuses to queue is named, and nothing runs.
		b.Incr("n")
		b.Add(command.Raw("GET"))
		err = c.Multi(f.ctx, &b)
		if !errors.As(err, &failed) || failed.Index != 1 || failed.Command != "GET" || failed.Ran || !errors.Is(err, redis.ErrTxAborted) {
			f.Errorf("Multi: %v", err)
		}
		equal(f, c, command.AsInt(command.Get("n")), 1)
		since()

		if err := c.Multi(f.ctx, &b); err != nil {
			f.Errorf("an empty batch: %v", err)
		}
		expectRan(f, since)
	})
}

// No other client's command runs inside of a transaction, also where many share one
// connection.
func TestMultiIsAtomic(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range 100 {
					var b command.Batch
					b.Incr("a")
					seen, sum := b.Get("a"), b.Incr("b")
					if err := c.Multi(f.ctx, &b); err != nil {
						f.Error(err)
						return
					}
					if seen.Value() != fmt.Sprint(sum.Value()) {
						f.Errorf("inside of one transaction a is %s and b %d", seen.Value(), sum.Value())
					}
				}
			})
			all.Go(func() {
				for range 100 {
					if _, err := c.MGet(f.ctx, "a", "b"); err != nil {
						f.Error(err)
					}
				}
			})
		}
		all.Wait()
	})
}

func TestWatch(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		other := f.open()
		equal(f, c, command.Set("k", 1), done)
		since := f.monitor()

		s, err := c.Watch(f.ctx, "k")
		if err != nil {
			f.Fatal(err)
		}
		equal(f, s, command.Get("k"), "1")
		var b command.Batch
		b.Incr("k")
		if err := s.Multi(f.ctx, &b); err != nil {
			f.Errorf("nobody has changed it: %v", err)
		}
		s.Close()
		expectRan(f, since, "WATCH k", "GET k", "MULTI", "INCR k", "EXEC")

		// Changed by another client.
		if s, err = c.Watch(f.ctx, "none", "k"); err != nil {
			f.Fatal(err)
		}
		equal(f, other, command.Set("k", 7), done)
		b.Incr("k")
		if err := s.Multi(f.ctx, &b); !errors.Is(err, redis.ErrTxConflict) {
			f.Errorf("changed by another client: %v", err)
		}
		// The same session again, and an empty transaction.
		if err := s.Watch(f.ctx, "k"); err != nil {
			f.Error(err)
		}
		equal(f, other, command.Set("k", 8), done)
		if err := s.Multi(f.ctx, &b); !errors.Is(err, redis.ErrTxConflict) {
			f.Errorf("an empty transaction: %v", err)
		}
		if err := s.Multi(f.ctx, &b); err != nil {
			f.Errorf("an empty transaction that watches nothing: %v", err)
		}
		// Unwatched, the change of another does not count.
		if err := s.Watch(f.ctx, "k"); err != nil {
			f.Error(err)
		}
		if err := s.Unwatch(f.ctx); err != nil {
			f.Error(err)
		}
		equal(f, other, command.Set("k", 9), done)
		b.Incr("k")
		if err := s.Multi(f.ctx, &b); err != nil {
			f.Errorf("unwatched: %v", err)
		}
		s.Close()
		equal(f, c, command.Get("k"), "10")
		since()

		// A session that is left while it watches does not leave that to the next one.
		if s, err = c.Watch(f.ctx, "k"); err != nil {
			f.Fatal(err)
		}
		s.Close()
		if s, err = c.Session(f.ctx); err != nil {
			f.Fatal(err)
		}
		equal(f, other, command.Set("k", 1), done)
		b.Incr("k")
		if err := s.Multi(f.ctx, &b); err != nil {
			f.Errorf("the next session: %v", err)
		}
		s.Close()
		expectRan(f, since, "WATCH k", "UNWATCH", "SET k 1", "MULTI", "INCR k", "EXEC")
	})
}

// A link that is lost while a session watches is an error of the link, and no conflict.
func TestWatchLost(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		s, err := c.Watch(f.ctx, "k")
		if err != nil {
			f.Fatal(err)
		}
		defer s.Close()
		id := result(f, s, command.ClientID())
		equal(f, c, command.ClientKill(command.WhereID(id)), 1)
		var b command.Batch
		b.Incr("k")
		err = s.Multi(f.ctx, &b)
		if err == nil || errors.Is(err, redis.ErrTxConflict) || !errors.Is(err, redis.ErrNotSent) && !errors.Is(err, redis.ErrMaybeExecuted) {
			f.Errorf("Multi: %v", err)
		}
		missing(f, c, command.Get("k"))
	})
}

// Many increase a number that the server knows only how to set.
func TestTransaction(t *testing.T) {
	shared(t, func(f *fixture) {
		f.since("6.2", "SET GET")
		c := f.open()
		const goroutines, times = 8, 25
		var all sync.WaitGroup
		for range goroutines {
			all.Go(func() {
				for range times {
					set, err := redis.Transaction(f.ctx, c, func(s *redis.Session, b *command.Batch) (*command.Future[string], error) {
						n, err := command.AsInt(command.Get("n")).Do(f.ctx, s)
						if err != nil && !errors.Is(err, redis.Nil) {
							return nil, err
						}
						return b.SetGet("n", n+1), nil // what EXEC gives: the value before
					}, "n")
					if err != nil {
						f.Error(err)
						return
					}
					if _, err := set.Result(); err != nil && !errors.Is(err, redis.Nil) {
						f.Error(err)
					}
				}
			})
		}
		all.Wait()
		equal(f, c, command.AsInt(command.Get("n")), goroutines*times)

		// It ends with its context, whoever keeps changing the key.
		ctx, cancel := context.WithTimeout(f.ctx, 50*time.Millisecond)
		defer cancel()
		_, err := redis.Transaction(ctx, c, func(_ *redis.Session, b *command.Batch) (int, error) {
			if _, err := c.Incr(f.ctx, "n"); err != nil {
				return 0, err
			}
			b.Set("n", 0)
			return 0, nil
		}, "n")
		if !errors.Is(err, redis.ErrTxConflict) && !errors.Is(err, context.DeadlineExceeded) {
			f.Errorf("a transaction that never succeeds: %v", err)
		}
	})
}

// A pool that is exhausted says so, and waits no longer than the context.
func TestPoolIsExhausted(t *testing.T) {
	shared(t, func(f *fixture) {
		options := f.options()
		options.PoolSize = 2
		c := f.openWith(options)
		var sessions []*redis.Session
		for range 2 {
			s, err := c.Session(f.ctx)
			if err != nil {
				f.Fatal(err)
			}
			sessions = append(sessions, s)
		}
		ctx, cancel := context.WithTimeout(f.ctx, 20*time.Millisecond)
		defer cancel()
		if _, err := c.Session(ctx); !errors.Is(err, redis.ErrPoolExhausted) || !errors.Is(err, context.DeadlineExceeded) {
			f.Errorf("a third session of two: %v", err)
		}
		ctx, cancel = context.WithTimeout(f.ctx, 20*time.Millisecond)
		defer cancel()
		if _, err := c.BLPop(ctx, 0, "k"); !errors.Is(err, redis.ErrPoolExhausted) {
			f.Errorf("a command that blocks: %v", err)
		}
		next := make(chan error, 1)
		go func() {
			s, err := c.Session(f.ctx)
			if err == nil {
				err = s.Close()
			}
			next <- err
		}()
		for _, s := range sessions {
			s.Close()
		}
		if err := <-next; err != nil {
			f.Errorf("once one is free: %v", err)
		}
	})
}

// WAIT stands in a session behind its own writes.
func TestSessionWaits(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		s, err := c.Session(f.ctx)
		if err != nil {
			f.Fatal(err)
		}
		defer s.Close()
		equal(f, s, command.Set("k", 1), done)
		if got := integer(f, s, "WAIT", 0, 100); got != 0 {
			f.Errorf("WAIT counts %d replicas of none", got)
		}
		if _, err := command.Raw("WAIT", 0, 100).Do(f.ctx, c); !errors.Is(err, redis.ErrArgument) {
			f.Errorf("WAIT on a shared connection: %v", err)
		}
	})
}

// 100,000 commands in a batch come back in their order. What the client holds for it is
// bounded: what was queued and what came back, and nothing of it when it is over.
func TestLargeBatch(t *testing.T) {
	const n = 100_000
	shared(t, func(f *fixture) {
		c := f.open()
		held := func() int64 {
			var stats runtime.MemStats
			runtime.GC()
			runtime.GC() // a sync.Pool lets go at the second
			runtime.ReadMemStats(&stats)
			return int64(stats.HeapAlloc)
		}
		before := held()
		p := c.Pipeline()
		futures := make([]*command.Future[int64], n)
		for i := range futures {
			futures[i] = p.IncrBy("n", 1)
		}
		if err := p.Exec(f.ctx); err != nil {
			f.Fatal(err)
		}
		for i, future := range futures {
			if v, err := future.Result(); v != int64(i+1) || err != nil {
				f.Fatalf("command %d: %d, %v", i, v, err)
			}
		}
		const perFuture, rest = 128, 1 << 20
		if grown := held() - before; grown > n*perFuture+rest {
			f.Errorf("%d bytes are held for the futures of %d commands", grown, n)
		}
		runtime.KeepAlive(futures)
		clear(futures)
		for range n {
			p.IncrBy("n", 1)
		}
		if err := p.Multi(f.ctx); err != nil {
			f.Fatal(err)
		}
		if grown := held() - before; grown > n*8+rest { // the test's own slice of futures
			f.Errorf("%d bytes are held when all is over", grown)
		}
		equal(f, c, command.AsInt(command.Get("n")), 2*n)
	})
}
