package redis_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/redistest"
)

// run runs a function beside the test and gives its error on a channel.
func run(f func() error) <-chan error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	return done
}

// queued answers MULTI and a number of commands behind it.
func queued(c *redistest.Conn, commands ...string) {
	c.Expect("MULTI")
	c.OK()
	for _, words := range commands {
		c.Expect(strings.Fields(words)...)
		c.Simple("QUEUED")
	}
	c.Expect("EXEC")
}

func TestMulti(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		var b command.Batch
		n, text, list := b.Incr("n"), b.Get("missing"), b.LPush("text", 1)
		values := b.HGetAll("h")
		done := run(func() error { return client.Multi(t.Context(), &b) })
		c := server.AcceptReady()
		queued(c, "INCR n", "GET missing", "LPUSH text 1", "HGETALL h")
		c.Send("*4\r\n:7\r\n_\r\n-WRONGTYPE no list\r\n%1\r\n$1\r\na\r\n$1\r\n1\r\n")
		err := <-done
		var failed *command.BatchError
		if !errors.As(err, &failed) || failed.Index != 2 || failed.Command != "LPUSH" || !failed.Ran || redis.SafeToRetry(err) {
			t.Errorf("Multi: %v", err)
		}
		if v, err := n.Result(); v != 7 || err != nil {
			t.Errorf("INCR: %d, %v", v, err)
		}
		if err := text.Err(); err != redis.Nil {
			t.Errorf("GET: %v", err)
		}
		var reply *redis.ReplyError
		if err := list.Err(); !errors.As(err, &reply) || reply.Code != "WRONGTYPE" {
			t.Errorf("LPUSH: %v", err)
		}
		if v, err := values.Result(); v["a"] != "1" || err != nil {
			t.Errorf("HGETALL: %v, %v", v, err)
		}
		if b.Len() != 0 {
			t.Error("the batch is not empty")
		}
	})
}

func TestMultiAborted(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		var b command.Batch
		first := b.Set("a", "secret")
		b.Incr("n")
		done := run(func() error { return client.Multi(t.Context(), &b) })
		c := server.AcceptReady()
		c.Expect("MULTI")
		c.OK()
		c.Next()
		c.Simple("QUEUED")
		c.Next()
		c.Error("ERR wrong number of arguments for 'incr' command")
		c.Next()
		c.Error("EXECABORT Transaction discarded because of previous errors.")
		err := <-done
		var failed *command.BatchError
		if !errors.As(err, &failed) || failed.Index != 1 || failed.Len != 2 || failed.Command != "INCR" || failed.Ran {
			t.Errorf("Multi: %#v", err)
		}
		if !errors.Is(err, redis.ErrTxAborted) || !strings.Contains(err.Error(), "wrong number of arguments") || redis.SafeToRetry(err) {
			t.Errorf("Multi: %v", err)
		}
		if err := first.Err(); !errors.Is(err, redis.ErrTxAborted) {
			t.Errorf("the command before: %v", err)
		}
		// The connection serves on.
		got := get(t.Context(), client, "k")
		c.Expect("GET", "k")
		c.Bulk("v")
		if r := <-got; r.Value != "v" {
			t.Errorf("GET: %v", r.Err)
		}
	})
}

// What a transaction's commands are refused for and passes, is waited for.
func TestMultiIsTriedAgainWhileTheServerLoads(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		var b command.Batch
		b.Incr("n")
		done := run(func() error { return client.Multi(t.Context(), &b) })
		c := server.AcceptReady()
		c.Expect("MULTI")
		c.OK()
		c.Expect("INCR", "n")
		c.Error("LOADING Redis is loading the dataset in memory")
		c.Expect("EXEC")
		c.Error("EXECABORT Transaction discarded because of previous errors.")
		queued(c, "INCR n")
		c.Send("*1\r\n:1\r\n")
		if err := <-done; err != nil {
			t.Errorf("Multi: %v", err)
		}
	})
}

// A lost EXEC is not sent again: it may have run.
func TestMultiLost(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		var b command.Batch
		n := b.Incr("n")
		done := run(func() error { return client.Multi(t.Context(), &b) })
		c := server.AcceptReady()
		queued(c, "INCR n")
		c.Close()
		if err := <-done; !errors.Is(err, redis.ErrMaybeExecuted) {
			t.Errorf("Multi: %v", err)
		}
		if err := n.Err(); !errors.Is(err, redis.ErrMaybeExecuted) {
			t.Errorf("INCR: %v", err)
		}
	})
}

func TestMultiSendsNothing(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, _ *redistest.Server) {
		var b command.Batch
		if err := client.Multi(t.Context(), &b); err != nil {
			t.Errorf("an empty batch: %v", err)
		}
		b.Set("k", true)
		if err := client.Multi(t.Context(), &b); !errors.Is(err, redis.ErrArgument) {
			t.Errorf("a bad argument: %v", err)
		}
		// No connection was made: the story's server would wait in vain for its end.
	})
}

func TestWatchConflict(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		s, c := watching(t, client, server, "k")
		var b command.Batch
		set := b.Set("k", 1)
		done := run(func() error { return s.Multi(t.Context(), &b) })
		queued(c, "SET k 1")
		c.Null()
		if err := <-done; err != redis.ErrTxConflict {
			t.Errorf("Multi: %v", err)
		}
		if err := set.Err(); err != redis.ErrTxConflict {
			t.Errorf("SET: %v", err)
		}
		// Nothing is watched any more: the connection goes back without a word, and
		// serves the next session.
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		next := run(func() error {
			s, err := client.Session(t.Context())
			if err != nil {
				return err
			}
			defer s.Close()
			_, err = s.Incr(t.Context(), "n")
			return err
		})
		c.Expect("INCR", "n")
		c.Int(1)
		if err := <-next; err != nil {
			t.Errorf("INCR: %v", err)
		}
	})
}

// An empty transaction under a watch asks the server whether it holds.
func TestWatchWithoutCommands(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		s, c := watching(t, client, server, "k")
		var b command.Batch
		done := run(func() error { return s.Multi(t.Context(), &b) })
		queued(c)
		c.Null()
		if err := <-done; err != redis.ErrTxConflict {
			t.Errorf("Multi: %v", err)
		}
		// Now nothing is watched, and nothing is sent.
		if err := s.Multi(t.Context(), &b); err != nil {
			t.Errorf("Multi: %v", err)
		}
		s.Close()
	})
}

// sequence is a transaction that reads a number and writes the next one.
func sequence(ctx context.Context, client *redis.Client, o redis.TransactionOptions) (int64, error) {
	return redis.TransactionWith(ctx, client, o, func(s *redis.Session, b *command.Batch) (int64, error) {
		n, err := command.AsInt(command.Get("n")).Do(ctx, s)
		b.Set("n", n+1)
		return n + 1, err
	}, "n")
}

func TestTransaction(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		result := make(chan int64, 1)
		done := run(func() error {
			n, err := sequence(t.Context(), client, redis.TransactionOptions{Delay: time.Second})
			result <- n
			return err
		})
		c := server.AcceptReady()
		start := time.Now()
		for i, exec := range []string{"_\r\n", "_\r\n", "*1\r\n+OK\r\n"} {
			c.Expect("WATCH", "n")
			c.OK()
			c.Expect("GET", "n")
			c.Bulk(string(rune('1' + i)))
			queued(c, "SET n "+string(rune('2'+i)))
			c.Send(exec)
		}
		if err := <-done; err != nil {
			t.Errorf("%v", err)
		}
		if n := <-result; n != 4 {
			t.Errorf("%d, want what the last attempt gave", n)
		}
		within(t, "two delays of half a second to a second", start, time.Second, 2*time.Second)
	})
}

func TestTransactionGivesUp(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		done := run(func() error {
			_, err := sequence(t.Context(), client, redis.TransactionOptions{MaxConflicts: 2})
			return err
		})
		c := server.AcceptReady()
		conflicting(c, 2)
		if err := <-done; !errors.Is(err, redis.ErrTxConflict) || !strings.Contains(err.Error(), "at conflict 2 (TransactionOptions.MaxConflicts)") {
			t.Errorf("%v", err)
		}
	})
}

// conflicting plays a server at which somebody else is always faster.
func conflicting(c *redistest.Conn, times int) {
	for range times {
		c.Expect("WATCH", "n")
		c.OK()
		c.Expect("GET", "n")
		c.Bulk("1")
		queued(c, "SET n 2")
		c.Null()
	}
}

// By default a transaction ends at the hundredth conflict, and pauses between: each time for
// another while, so that those who conflict come apart.
func TestTransactionIsBoundedByDefault(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		done := run(func() error {
			_, err := redis.Transaction(t.Context(), client, func(s *redis.Session, b *command.Batch) (int64, error) {
				n, err := command.AsInt(command.Get("n")).Do(t.Context(), s)
				b.Set("n", n+1)
				return n, err
			}, "n")
			return err
		})
		c := server.AcceptReady()
		start := time.Now()
		pauses := map[time.Duration]bool{}
		last := start
		for range 100 {
			c.Expect("WATCH", "n")
			pauses[time.Since(last)] = true
			c.OK()
			c.Expect("GET", "n")
			c.Bulk("1")
			queued(c, "SET n 2")
			c.Null()
			last = time.Now()
		}
		if err := <-done; !errors.Is(err, redis.ErrTxConflict) || !strings.Contains(err.Error(), "at conflict 100 ") {
			t.Errorf("%v", err)
		}
		within(t, "a hundred attempts", start, time.Second, 100*64*time.Millisecond)
		if len(pauses) < 50 {
			t.Errorf("%d different pauses", len(pauses))
		}
	})
}

// Below 0 nothing bounds a transaction but its context.
func TestTransactionWithoutBound(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		done := run(func() error {
			_, err := sequence(t.Context(), client, redis.TransactionOptions{MaxConflicts: -1, Delay: -1})
			return err
		})
		c := server.AcceptReady()
		start := time.Now()
		conflicting(c, 200)
		c.Expect("WATCH", "n")
		within(t, "attempts without a pause", start, 0, 0)
		c.Close()
		if err := <-done; errors.Is(err, redis.ErrTxConflict) || !errors.Is(err, redis.ErrMaybeExecuted) {
			t.Errorf("%v", err)
		}
	})
}

// A client that is closed between two attempts says so, and does not wait for the next one.
func TestTransactionOfAClosedClient(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		done := run(func() error {
			_, err := sequence(t.Context(), client, redis.TransactionOptions{Delay: time.Hour})
			return err
		})
		c := server.AcceptReady()
		conflicting(c, 1)
		synctest.Wait()
		start := time.Now()
		client.Close()
		if err := <-done; !errors.Is(err, redis.ErrClosed) {
			t.Errorf("%v", err)
		}
		within(t, "the end", start, 0, time.Second)
	})
}

// Whatever ends fn, the connection is clean again.
func TestTransactionFunctionFails(t *testing.T) {
	errOwn := errors.New("own")
	for name, fn := range map[string]func(*redis.Session, *command.Batch) (int, error){
		"error": func(_ *redis.Session, b *command.Batch) (int, error) { b.Incr("n"); return 1, errOwn },
		"panic": func(*redis.Session, *command.Batch) (int, error) { panic(errOwn) },
	} {
		t.Run(name, func(t *testing.T) {
			story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
				done := run(func() (err error) {
					defer func() {
						if p := recover(); p != nil {
							err, _ = p.(error)
						}
					}()
					n, err := redis.Transaction(t.Context(), client, fn, "k")
					if n != 0 {
						t.Errorf("a result of %d beside the error", n)
					}
					return err
				})
				c := server.AcceptReady()
				c.Expect("WATCH", "k")
				c.OK()
				c.Expect("UNWATCH")
				c.OK()
				if err := <-done; err != errOwn {
					t.Errorf("%v", err)
				}
				s := run(func() error {
					s, err := client.Watch(t.Context(), "next")
					if err == nil {
						s.Drop()
						s.Close()
					}
					return err
				})
				c.Expect("WATCH", "next") // on the same connection
				c.OK()
				if err := <-s; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// A batch that is too large for one run is sent in parts, in order, and what fails
// with a part is told of it and what follows.
func TestLargeBatch(t *testing.T) {
	const n = 10_000
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		var b command.Batch
		futures := make([]*command.Future[int64], n)
		for i := range futures {
			futures[i] = b.IncrBy("n", int64(i))
		}
		done := run(func() error { return client.Exec(t.Context(), &b) })
		c := server.AcceptReady()
		for i := range 8192 { // two parts of 4,096
			if words := c.Next(); words[2] != itoa(i) {
				t.Fatalf("command %d is %q", i, words)
			}
			if i%4096 == 4095 { // the next part waits for the answers to this one
				c.ExpectNothing(time.Second)
				for n := i - 4095; n <= i; n++ {
					c.Int(int64(n))
				}
			}
		}
		c.Next()
		c.Close()
		if err := <-done; !errors.Is(err, redis.ErrMaybeExecuted) {
			t.Errorf("Exec: %v", err)
		}
		for i, f := range futures {
			if v, err := f.Result(); i < 8192 && (v != int64(i) || err != nil) || i >= 8192 && !errors.Is(err, redis.ErrMaybeExecuted) {
				t.Fatalf("command %d: %d, %v", i, v, err)
			}
		}
	})
}

// A transaction is never split.
func TestLargeMulti(t *testing.T) {
	const n = 10_000
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		var b command.Batch
		for i := range n {
			b.IncrBy("n", int64(i))
		}
		done := run(func() error { return client.Multi(t.Context(), &b) })
		c := server.AcceptReady()
		c.Expect("MULTI")
		for i := range n {
			if words := c.Next(); words[0] != "INCRBY" || words[2] != itoa(i) {
				t.Fatalf("command %d is %q", i, words)
			}
		}
		c.Expect("EXEC") // all of it before a single reply
		c.Send("+OK\r\n" + strings.Repeat("+QUEUED\r\n", n) + "*10000\r\n" + strings.Repeat(":1\r\n", n))
		if err := <-done; err != nil {
			t.Errorf("Multi: %v", err)
		}
	})
}

func itoa(n int) string { return strconv.Itoa(n) }

// Where the user may not MULTI the commands have run, and the error says so; where EXEC is
// refused nothing has.
func TestMultiRefused(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		var b command.Batch
		n := b.Incr("n")
		done := run(func() error { return client.Multi(t.Context(), &b) })
		c := server.AcceptReady()
		c.Expect("MULTI")
		c.Error("NOPERM User bob has no permissions to run the 'multi' command")
		c.Expect("INCR", "n")
		c.Int(1)
		c.Expect("EXEC")
		c.Error("ERR EXEC without MULTI")
		err := <-done
		if !errors.Is(err, redis.ErrMaybeExecuted) || redis.SafeToRetry(err) || !strings.Contains(err.Error(), "one by one") {
			t.Errorf("Multi: %v", err)
		}
		if err := n.Err(); !errors.Is(err, redis.ErrMaybeExecuted) {
			t.Errorf("INCR: %v", err)
		}

		b.Incr("n")
		done = run(func() error { return client.Multi(t.Context(), &b) })
		queued(c, "INCR n")
		c.Error("EXECABORT Transaction discarded because of: NOPERM no")
		if err := <-done; !errors.Is(err, redis.ErrTxAborted) || redis.SafeToRetry(err) {
			t.Errorf("Multi: %v", err)
		}
	})
}

// One command of a transaction that fails leaves the others' results.
func TestTransactionWithOneFailure(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		var n *command.Future[int64]
		done := run(func() (err error) {
			n, err = redis.Transaction(t.Context(), client, func(_ *redis.Session, b *command.Batch) (*command.Future[int64], error) {
				b.LPush("text", 1)
				return b.Incr("n"), nil
			}, "k")
			return err
		})
		c := server.AcceptReady()
		c.Expect("WATCH", "k")
		c.OK()
		queued(c, "LPUSH text 1", "INCR n")
		c.Send("*2\r\n-WRONGTYPE no list\r\n:7\r\n")
		err := <-done
		var failed *command.BatchError
		if !errors.As(err, &failed) || failed.Index != 0 || n == nil || n.Value() != 7 {
			t.Errorf("%v, %v", n, err)
		}
	})
}

// The end of the context between two attempts is told beside the conflict.
func TestTransactionEndsWithItsContext(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		done := run(func() error {
			_, err := sequence(ctx, client, redis.TransactionOptions{Delay: time.Hour})
			return err
		})
		c := server.AcceptReady()
		c.Expect("WATCH", "n")
		c.OK()
		c.Expect("GET", "n")
		c.Bulk("1")
		queued(c, "SET n 2")
		c.Null()
		if err := <-done; !errors.Is(err, redis.ErrTxConflict) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
	})
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		done := run(func() error {
			_, err := sequence(t.Context(), client, redis.TransactionOptions{Delay: -2, MaxConflicts: 2})
			return err
		})
		c := server.AcceptReady()
		for range 2 {
			c.Expect("WATCH", "n")
			c.OK()
			c.Expect("GET", "n")
			c.Bulk("1")
			queued(c, "SET n 2")
			c.Null()
		}
		if err := <-done; !errors.Is(err, redis.ErrTxConflict) {
			t.Errorf("%v", err)
		}
	})
}

// Any repairs a script as any other way to run it does.
func TestAnyRunsScripts(t *testing.T) {
	script := command.NewScript("return 1")
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		var conn *redistest.Conn
		for _, ask := range []func() (any, error){
			func() (any, error) { return client.Any(t.Context(), script.Call(nil)) },
			func() (any, error) { return client.View(redis.Decoding{}).Any(t.Context(), script.Call(nil)) },
		} {
			done := run(func() error {
				v, err := ask()
				if v != int64(1) {
					t.Errorf("%v", v)
				}
				return err
			})
			if conn == nil {
				conn = server.AcceptReady()
			}
			conn.Expect("EVALSHA", script.Hash(), "0")
			conn.Error("NOSCRIPT No matching script.")
			conn.Expect("EVAL", "return 1", "0")
			conn.Int(1)
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
}

// A conflict that fn itself has met and returns is fn's error: it ends the transaction.
func TestTransactionEndsWithAConflictOfFn(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		runs := 0
		done := run(func() error {
			_, err := redis.Transaction(t.Context(), client, func(*redis.Session, *command.Batch) (int, error) {
				if runs++; runs > 1 {
					return 0, nil
				}
				return 0, redis.ErrTxConflict
			}, "k")
			return err
		})
		c := server.AcceptReady()
		c.Expect("WATCH", "k")
		c.OK()
		c.Expect("UNWATCH")
		c.OK()
		if err := <-done; !errors.Is(err, redis.ErrTxConflict) || runs != 1 {
			t.Errorf("%v, after %d runs", err, runs)
		}
	})
}
