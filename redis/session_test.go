package redis_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/redistest"
)

// watching opens a session that watches a key.
func watching(t *testing.T, client *redis.Client, server *redistest.Server, key string) (*redis.Session, *redistest.Conn) {
	t.Helper()
	type opened struct {
		s   *redis.Session
		err error
	}
	done := make(chan opened, 1)
	go func() {
		s, err := client.Watch(t.Context(), key)
		done <- opened{s, err}
	}()
	c := server.AcceptReady()
	c.Expect("WATCH", key)
	c.OK()
	o := <-done
	if o.err != nil {
		t.Fatal(o.err)
	}
	return o.s, c
}

// UNWATCH is sent where something is watched, and only there.
func TestUnwatch(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		s, c := watching(t, client, server, "k")
		done := run(s.Close)
		c.Expect("UNWATCH")
		c.OK()
		if err := <-done; err != nil {
			t.Error(err)
		}

		s, err := client.Session(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Unwatch(t.Context()); err != nil {
			t.Errorf("Unwatch of nothing: %v", err)
		}
		again := run(func() error { return s.Watch(t.Context(), "a", "b") })
		c.Expect("WATCH", "a", "b")
		c.OK()
		if err := <-again; err != nil {
			t.Error(err)
		}
		again = run(func() error { return s.Unwatch(t.Context()) })
		c.Expect("UNWATCH")
		c.OK()
		if err := <-again; err != nil {
			t.Errorf("Unwatch: %v", err)
		}
		s.Close()
	})
}

// A connection that may still be inside of something never goes back to the pool.
func TestSessionsThatAreNotClean(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, s *redis.Session, c *redistest.Conn){
		"cancelled": func(t *testing.T, s *redis.Session, c *redistest.Conn) {
			ctx, cancel := context.WithCancel(t.Context())
			var b command.Batch
			b.Incr("n")
			done := run(func() error { return s.Multi(ctx, &b) })
			c.Expect("MULTI")
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) || !errors.Is(err, redis.ErrMaybeExecuted) {
				t.Errorf("Multi: %v", err)
			}
			s.Close()
		},
		"dropped": func(_ *testing.T, s *redis.Session, _ *redistest.Conn) {
			s.Drop()
			s.Close()
		},
		"UNWATCH is refused": func(t *testing.T, s *redis.Session, c *redistest.Conn) {
			done := run(s.Close)
			c.Expect("UNWATCH")
			c.Error("ERR no")
			if err := <-done; err != nil {
				t.Error(err)
			}
		},
		"UNWATCH is not answered": func(t *testing.T, s *redis.Session, c *redistest.Conn) {
			start := time.Now()
			done := run(s.Close)
			c.Expect("UNWATCH")
			if err := <-done; err != nil {
				t.Error(err)
			}
			within(t, "Close", start, 0, time.Second)
		},
		"lost": func(t *testing.T, s *redis.Session, c *redistest.Conn) {
			c.Close()
			var b command.Batch
			b.Incr("n")
			err := s.Multi(t.Context(), &b)
			if err == nil || errors.Is(err, redis.ErrTxConflict) {
				t.Errorf("Multi on a lost connection: %v", err)
			}
			s.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, redis.Options{PoolSize: 1}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
				s, c := watching(t, client, server, "k")
				end(t, s, c)
				// The next session has a new connection, though only one may be lent.
				s, _ = watching(t, client, server, "other")
				s.Drop()
				s.Close()
			})
		})
	}
}

// What is watched while a transaction ends is watched still when that has ended: the next
// borrower of the connection had a conflict with it.
func TestWatchBesideATransaction(t *testing.T) {
	for name, watch := range map[string]func(ctx context.Context, s *redis.Session) error{
		"Watch": func(ctx context.Context, s *redis.Session) error { return s.Watch(ctx, "other") },
		"Do": func(ctx context.Context, s *redis.Session) error {
			_, err := s.Do(ctx, command.WatchRequest("other"))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
				s, c := watching(t, client, server, "k")
				for _, transactionFirst := range []bool{true, false} {
					begin := func() error { return watch(t.Context(), s) }
					var watched, executed <-chan error
					if !transactionFirst {
						watched = run(begin)
						c.Expect("WATCH", "other")
					}
					executed = run(func() error { return s.Multi(t.Context(), new(command.Batch)) })
					c.Expect("MULTI")
					c.Expect("EXEC")
					if transactionFirst {
						watched = run(begin)
						c.Expect("WATCH", "other")
					} else {
						c.OK()
					}
					c.OK()
					c.Array()
					if err := <-executed; err != nil {
						t.Errorf("Multi: %v", err)
					}
					if transactionFirst {
						c.OK()
					}
					if err := <-watched; err != nil {
						t.Errorf("Watch: %v", err)
					}
				}
				unwatched := run(func() error { return s.Unwatch(t.Context()) })
				c.Expect("UNWATCH")
				late := run(func() error { return watch(t.Context(), s) })
				c.Expect("WATCH", "other")
				c.OK()
				if err := <-unwatched; err != nil {
					t.Errorf("Unwatch: %v", err)
				}
				c.OK()
				if err := <-late; err != nil {
					t.Errorf("Watch: %v", err)
				}
				done := run(s.Close)
				c.Expect("UNWATCH")
				c.OK()
				if err := <-done; err != nil {
					t.Errorf("Close: %v", err)
				}
			})
		})
	}
}

func TestSessionIsClosed(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		s, _ := watching(t, client, server, "k")
		s.Drop()
		s.Close()
		s.Close()
		var b command.Batch
		b.Incr("n")
		_, err := s.Get(t.Context(), "k")
		for what, err := range map[string]error{
			"Get": err, "Exec": s.Exec(t.Context(), &b), "Watch": s.Watch(t.Context(), "k"), "Unwatch": s.Unwatch(t.Context()),
		} {
			if !errors.Is(err, redis.ErrSessionClosed) || !errors.Is(err, redis.ErrNotSent) || redis.SafeToRetry(err) {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}

// What belongs to a session never reaches a shared connection.
func TestWatchIsNotShared(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, _ *redistest.Server) {
		for _, r := range []command.Request{command.WatchRequest("k"), command.UnwatchRequest()} {
			if _, err := client.Do(t.Context(), r); !errors.Is(err, redis.ErrArgument) {
				t.Errorf("%s: %v", r.Name(), err)
			}
		}
		if _, err := client.Watch(t.Context()); err == nil {
			// Without keys it is a session, which needs the server.
			t.Error("a session without a server")
		}
	})
}

// A session that is closed while an abandoned reply is still to come watches something, as
// far as anybody knows: its connection is closed.
func TestSessionClosedWithAReplyToCome(t *testing.T) {
	story(t, redis.Options{PoolSize: 1}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		s, c := watching(t, client, server, "k")
		ctx, cancel := context.WithCancel(t.Context())
		got := run(func() error {
			_, err := s.Get(ctx, "k")
			return err
		})
		c.Expect("GET", "k")
		cancel()
		if err := <-got; !errors.Is(err, context.Canceled) {
			t.Errorf("GET: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		c.ExpectEnd()
	})
}

// A call beside Close never runs on a connection that is somebody else's by then.
func TestSessionCallsBesideClose(t *testing.T) {
	story(t, redis.Options{PoolSize: 1}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		s, c := watching(t, client, server, "k")
		got := run(func() error {
			_, err := s.Get(t.Context(), "k")
			return err
		})
		c.Expect("GET", "k")
		s.Close()
		if err := <-got; err == nil {
			t.Error("GET on a closed session succeeded")
		}
		c.ExpectEnd()
		s, _ = watching(t, client, server, "other")
		s.Drop()
		s.Close()
	})
}

// An empty batch waited for a reply, and took those of others.
func TestEmptyBatchOfASession(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		s, c := watching(t, client, server, "k")
		defer s.Close()
		start := time.Now()
		if values, err := s.DoBatch(t.Context(), new(command.Requests)); err != nil || len(values) != 0 {
			t.Errorf("DoBatch: %v, %v", values, err)
		}
		within(t, "DoBatch", start, 0, 0)
		unwatch := run(func() error { return s.Unwatch(t.Context()) })
		c.Expect("UNWATCH")
		c.OK()
		if err := <-unwatch; err != nil {
			t.Errorf("Unwatch: %v", err)
		}
	})
}

// A pop of a session that nobody waited for any more took an element all the same.
func TestBlockingCommandOfASessionIsCancelled(t *testing.T) {
	for name, pop := range map[string]func(ctx context.Context, s *redis.Session) error{
		"command": func(ctx context.Context, s *redis.Session) error {
			_, err := s.BLPop(ctx, 0, "list")
			return err
		},
		"batch": func(ctx context.Context, s *redis.Session) error {
			var b command.Batch
			b.BLPop(0, "list")
			return s.Exec(ctx, &b)
		},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
				s, c := watching(t, client, server, "k")
				defer s.Close()
				ctx, cancel := context.WithCancel(t.Context())
				// Nothing is sent for a context that has ended already, and nothing closed.
				ended, end := context.WithCancel(t.Context())
				end()
				if err := pop(ended, s); !errors.Is(err, redis.ErrNotSent) {
					t.Errorf("with an ended context: %v", err)
				}
				done := run(func() error { return pop(ctx, s) })
				c.Expect("BLPOP", "list", "0")
				synctest.Wait()
				start := time.Now()
				cancel()
				if err := <-done; !errors.Is(err, context.Canceled) || !errors.Is(err, redis.ErrMaybeExecuted) {
					t.Errorf("BLPOP: %v", err)
				}
				c.ExpectEnd()
				within(t, "the end of the connection", start, 0, time.Second)
			})
		})
	}
}

// Close waited for sessions to be closed, and those that waited for a connection to lend
// waited on.
func TestCloseWithAnOpenSession(t *testing.T) {
	story(t, redis.Options{PoolSize: 1}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		s, c := watching(t, client, server, "k")
		waiting := run(func() error {
			_, err := client.Session(context.Background())
			return err
		})
		pop := command.BLPop(0, "list").Go(context.Background(), client)
		synctest.Wait()
		start := time.Now()
		if err := client.Close(); err != nil {
			t.Error(err)
		}
		within(t, "Close", start, 0, 0)
		c.ExpectEnd()
		if err := <-waiting; !errors.Is(err, redis.ErrClosed) || !errors.Is(err, redis.ErrNotSent) {
			t.Errorf("Session: %v", err)
		}
		if r := <-pop; !errors.Is(r.Err, redis.ErrClosed) || !errors.Is(r.Err, redis.ErrNotSent) {
			t.Errorf("BLPOP: %v", r.Err)
		}
		if _, err := s.Get(t.Context(), "k"); !errors.Is(err, redis.ErrClosed) {
			t.Errorf("GET of the session: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// A WATCH sent by Do went back to the pool with its connection, and MONITOR would.
func TestWatchByDoIsUnwatched(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		var s *redis.Session
		opened := run(func() (err error) {
			s, err = client.Session(t.Context())
			return err
		})
		c := server.AcceptReady()
		if err := <-opened; err != nil {
			t.Fatal(err)
		}
		if _, err := s.Do(t.Context(), command.MonitorRequest()); !errors.Is(err, redis.ErrArgument) || !errors.Is(err, redis.ErrNotSent) {
			t.Errorf("MONITOR: %v", err)
		}
		watch := run(func() error {
			_, err := s.Do(t.Context(), command.WatchRequest("k"))
			return err
		})
		c.Expect("WATCH", "k")
		c.OK()
		if err := <-watch; err != nil {
			t.Errorf("WATCH: %v", err)
		}
		closed := run(s.Close)
		c.Expect("UNWATCH")
		c.OK()
		if err := <-closed; err != nil {
			t.Error(err)
		}
	})
}
