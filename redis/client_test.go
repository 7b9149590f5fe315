package redis_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/redistest"
)

var errAway = errors.New("the server is away")

func TestOpenFailsAtOnce(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, _ *redis.Client, server *redistest.Server) {
		server.Refuse(errAway)
		start := time.Now()
		_, err := redis.OpenWith(t.Context(), redis.Options{Dial: server.Dial})
		if !errors.Is(err, errAway) {
			t.Errorf("Open: %v", err)
		}
		within(t, "Open", start, 0, 0)
	})
}

func TestLostReplyOfAReadIsAskedAgain(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		got := get(t.Context(), client, "k")
		conn := server.AcceptReady()
		conn.Expect("GET", "k")
		conn.Close()
		conn = server.AcceptReady()
		conn.Expect("GET", "k")
		conn.Bulk("v")
		if r := <-got; r.Value != "v" || r.Err != nil {
			t.Errorf("GET: %q, %v", r.Value, r.Err)
		}
	})
}

func TestLostReplyOfAWriteIsNot(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		for _, cmd := range []command.Cmd[proto.Value]{
			command.Raw("INCR", "n"),
			command.Eval("return 1", nil),
			command.Raw("UNKNOWN.COMMAND", "n"),
		} {
			result := cmd.Go(t.Context(), client)
			conn := server.AcceptReady()
			conn.Next()
			conn.Close()
			if r := <-result; !errors.Is(r.Err, redis.ErrMaybeExecuted) || redis.SafeToRetry(r.Err) {
				t.Errorf("%v", r.Err)
			}
		}
	})
}

func TestUnsentIsSentOnceTheServerIsBack(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		server.Refuse(errAway)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		incr := command.Incr("n").Go(ctx, client)
		time.Sleep(30 * time.Second)
		server.Refuse(nil)
		back := time.Now()
		conn := server.AcceptReady()
		within(t, "connecting again", back, 0, time.Second)
		conn.Expect("INCR", "n")
		conn.Int(1)
		if r := <-incr; r.Value != 1 || r.Err != nil {
			t.Errorf("INCR: %v", r.Err)
		}
	})
}

func TestWaitingForAServerEnds(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		server.Refuse(errAway)
		// With a deadline: until then, and the error says why.
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		start := time.Now()
		_, err := client.Incr(ctx, "n")
		if !errors.Is(err, redis.ErrNotSent) || !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, errAway) {
			t.Errorf("with a deadline: %v", err)
		}
		within(t, "with a deadline", start, 20*time.Second, 20*time.Second)

		// Without one: three attempts and five seconds at most.
		start = time.Now()
		_, err = client.Incr(context.Background(), "n")
		if !errors.Is(err, redis.ErrNotSent) || !errors.Is(err, errAway) {
			t.Errorf("without a deadline: %v", err)
		}
		within(t, "without a deadline", start, 0, 5*time.Second)
	})
}

func TestWaitingForASilentServerEnds(t *testing.T) {
	// The connection is made, and then nothing comes.
	story(t, redis.Options{DialTimeout: time.Hour}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		start := time.Now()
		_, err := client.Incr(context.Background(), "n")
		if !errors.Is(err, redis.ErrNotSent) {
			t.Errorf("INCR: %v", err)
		}
		within(t, "INCR", start, 5*time.Second, 5*time.Second)
	})
}

func TestRejectedIsTriedAgain(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		incr := command.Incr("n").Go(t.Context(), client)
		conn := server.AcceptReady()
		for range 2 {
			conn.Expect("INCR", "n")
			conn.Error("LOADING Redis is loading the dataset in memory")
		}
		conn.Expect("INCR", "n")
		conn.Int(1)
		if r := <-incr; r.Err != nil {
			t.Errorf("INCR: %v", r.Err)
		}
		// Not for ever without a deadline.
		incr = command.Incr("n").Go(t.Context(), client)
		for range 3 {
			conn.Expect("INCR", "n")
			conn.Error("LOADING Redis is loading the dataset in memory")
		}
		if r := <-incr; !errors.Is(r.Err, redis.ErrRejected) || !redis.SafeToRetry(r.Err) {
			t.Errorf("INCR: %v", r.Err)
		}
		// What only another server can do is told at once, with a hint.
		incr = command.Incr("n").Go(t.Context(), client)
		conn.Expect("INCR", "n")
		conn.Error("MOVED 1 127.0.0.1:7001")
		if r := <-incr; !errors.Is(r.Err, redis.ErrRejected) || !strings.Contains(r.Err.Error(), ": the server is ") {
			t.Errorf("INCR: %v", r.Err)
		}
	})
}

func TestBackoffGrowsAndResets(t *testing.T) {
	o := redis.Options{Backoff: redis.Backoff{Base: time.Second, Max: 8 * time.Second}, KeepAlive: time.Hour}
	story(t, o, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		get(t.Context(), client, "k")
		conn := server.AcceptReady()
		for range 20 { // connections that don't last
			lost := time.Now()
			conn.Close()
			conn = server.AcceptReady()
			within(t, "connecting again", lost, 0, 8*time.Second)
		}
		time.Sleep(31 * time.Second) // this one has lasted
		lost := time.Now()
		conn.Close()
		server.AcceptReady()
		within(t, "connecting again", lost, 0, 0)
	})
}

func TestCloseAnswersEverybody(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		answered := command.Incr("n").Go(t.Context(), client)
		conn := server.AcceptReady()
		synctest.Wait()
		lost := command.IncrBy("n", 2).Go(t.Context(), client)
		sub := make(chan error, 1)
		go func() {
			s, err := client.Subscribe(context.Background(), "news")
			if err == nil {
				for range s.Messages() {
				}
				err = s.Err()
			}
			sub <- err
		}()
		server.AcceptReady().ExpectSubscribe("SUBSCRIBE", "news")
		blocked := command.BLPop(0, "list").Go(t.Context(), client)
		server.AcceptReady().Expect("BLPOP", "list", "0")
		synctest.Wait()

		start := time.Now()
		closed := make(chan struct{})
		go func() {
			defer close(closed)
			client.Close()
		}()
		synctest.Wait()
		if _, err := client.Get(t.Context(), "k"); !errors.Is(err, redis.ErrClosed) || !errors.Is(err, redis.ErrNotSent) {
			t.Errorf("GET while closing: %v", err)
		}
		conn.Expect("INCR", "n")
		conn.Int(1) // in time
		if r := <-answered; r.Err != nil {
			t.Errorf("INCR: %v", r.Err)
		}
		<-closed
		within(t, "Close", start, 0, time.Second)
		if r := <-lost; !errors.Is(r.Err, redis.ErrClosed) || !errors.Is(r.Err, redis.ErrMaybeExecuted) {
			t.Errorf("INCRBY: %v", r.Err)
		}
		if r := <-blocked; !errors.Is(r.Err, redis.ErrClosed) {
			t.Errorf("BLPOP: %v", r.Err)
		}
		if err := <-sub; !errors.Is(err, redis.ErrClosed) {
			t.Errorf("the subscription: %v", err)
		}
		if _, err := client.Subscribe(t.Context(), "x"); !errors.Is(err, redis.ErrClosed) {
			t.Errorf("Subscribe after Close: %v", err)
		}
		if _, err := client.BLPop(t.Context(), 0, "x"); !errors.Is(err, redis.ErrClosed) {
			t.Errorf("BLPOP after Close: %v", err)
		}
		if err := client.Close(); err != nil {
			t.Errorf("Close again: %v", err)
		}
	})
}

func TestCloseWhileConnecting(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		incr := command.Incr("n").Go(t.Context(), client)
		sub := make(chan error, 1)
		go func() {
			_, err := client.Subscribe(t.Context(), "news")
			sub <- err
		}()
		synctest.Wait()
		client.Close()
		if r := <-incr; !errors.Is(r.Err, redis.ErrClosed) || !errors.Is(r.Err, redis.ErrNotSent) {
			t.Errorf("INCR: %v", r.Err)
		}
		if err := <-sub; !errors.Is(err, redis.ErrClosed) {
			t.Errorf("Subscribe: %v", err)
		}
	})
}

func TestBlockingCommandsDontHoldUpOthers(t *testing.T) {
	o := redis.Options{PoolSize: 2, ReplyTimeout: time.Second, KeepAlive: time.Hour}
	story(t, o, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		first := command.BLPop(0, "a").Go(t.Context(), client)
		one := server.AcceptReady()
		one.Expect("BLPOP", "a", "0")
		ctx, cancel := context.WithCancel(t.Context())
		second := command.BLPop(0, "b").Go(ctx, client)
		two := server.AcceptReady()
		two.Expect("BLPOP", "b", "0")
		// Both connections are lent: the third waits, bound by its context.
		short, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		if _, err := client.BLPop(short, 0, "c"); !errors.Is(err, redis.ErrPoolExhausted) ||
			!errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, redis.ErrNotSent) {
			t.Errorf("the third: %v", err)
		}
		// A minute of silence has not harmed those that wait.
		one.Array("a", "x")
		if r := <-first; r.Value != (command.KeyValue{Key: "a", Value: "x"}) {
			t.Errorf("the first: %v, %v", r.Value, r.Err)
		}
		// Cancelling a pop closes its connection: it must take no element.
		cancel()
		two.ExpectEnd()
		if r := <-second; !errors.Is(r.Err, context.Canceled) || !errors.Is(r.Err, redis.ErrMaybeExecuted) {
			t.Errorf("the second: %v", r.Err)
		}
		// The first connection is lent again.
		again := command.BLPop(0, "a").Go(t.Context(), client)
		one.Expect("BLPOP", "a", "0")
		one.Null()
		if r := <-again; r.Err != redis.Nil {
			t.Errorf("again: %v", r.Err)
		}
	})
}

// A blocking command in a batch takes the whole batch to a connection of its
// own.
func TestBlockingBatch(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		var b command.Batch
		b.Incr("n")
		popped := b.BLPop(0, "list")
		done := make(chan error, 1)
		go func() { done <- client.Exec(t.Context(), &b) }()
		leased := server.AcceptReady()
		leased.Expect("INCR", "n")
		leased.Expect("BLPOP", "list", "0")
		got := get(t.Context(), client, "k")
		shared := server.AcceptReady()
		shared.Expect("GET", "k")
		shared.Bulk("v")
		<-got
		leased.Int(1)
		leased.Array("list", "x")
		if err := <-done; err != nil || popped.Value().Value != "x" {
			t.Errorf("%v, %v", popped.Value(), err)
		}
	})
}

func TestSeveralConnections(t *testing.T) {
	story(t, redis.Options{Connections: 3}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		var conns []*redistest.Conn
		for range 3 {
			get(t.Context(), client, "k")
			conns = append(conns, server.AcceptReady())
		}
		for _, conn := range conns {
			conn.Expect("GET", "k")
			conn.Bulk("v")
		}
	})
}

func TestBadArgumentsAreNotSent(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		server.Refuse(errors.New("nothing must be sent"))
		if err := client.Set(t.Context(), "k", true); !errors.Is(err, redis.ErrArgument) || !errors.Is(err, redis.ErrNotSent) || redis.SafeToRetry(err) {
			t.Errorf("SET: %v", err)
		}
		var b command.Batch
		good, bad := b.Incr("n"), b.Set("k", nil)
		if err := client.Exec(t.Context(), &b); !errors.Is(err, redis.ErrArgument) {
			t.Errorf("Exec: %v", err)
		}
		if good.Err() == nil || bad.Err() == nil {
			t.Error("a future of a batch that was refused has no error")
		}
	})
}

func TestClientIsSafeForConcurrentUse(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		var serving sync.WaitGroup
		defer serving.Wait()
		defer client.Close()
		serving.Go(func() {
			server.AcceptReady().Serve(func(words []string) (string, bool) {
				if words[0] == "PING" {
					return "+PONG\r\n", true
				}
				return ":1\r\n", true
			})
		})
		var callers sync.WaitGroup
		for range 50 {
			callers.Go(func() {
				for range 20 {
					if _, err := client.Incr(t.Context(), "n"); err != nil {
						t.Error(err)
					}
				}
				var b command.Batch
				f := b.Incr("n")
				if err := client.Exec(t.Context(), &b); err != nil || f.Value() != 1 {
					t.Errorf("%v, %v", f.Value(), err)
				}
			})
		}
		callers.Wait()
	})
}
