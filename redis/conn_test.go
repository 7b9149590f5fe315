package redis_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
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

// get starts a GET whose result comes on a channel, and waits until it has been
// written.
func get(ctx context.Context, client *redis.Client, key string) <-chan command.Result[string] {
	result := command.Get(key).Go(ctx, client)
	synctest.Wait()
	return result
}

func TestRepliesMatchRequests(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		first := get(t.Context(), client, "a")
		conn := server.AcceptReady()
		conn.Expect("GET", "a")
		second := get(t.Context(), client, "b")
		third := get(t.Context(), client, "c")
		conn.Expect("GET", "b")
		conn.Expect("GET", "c")
		// A push takes nobody's place, also in the middle of a reply's bytes.
		conn.Push("invalidate", "x")
		conn.Send("$1\r\nA\r\n$1\r\n")
		conn.Send("B\r\n")
		conn.Push("invalidate", "y")
		conn.Error("WRONGTYPE no string")
		if r := <-first; r.Value != "A" || r.Err != nil {
			t.Errorf("a: %q, %v", r.Value, r.Err)
		}
		if r := <-second; r.Value != "B" || r.Err != nil {
			t.Errorf("b: %q, %v", r.Value, r.Err)
		}
		r := <-third
		var reply *redis.ReplyError
		if !errors.As(r.Err, &reply) || reply.Code != "WRONGTYPE" {
			t.Errorf("c: %v", r.Err)
		}
		if redis.SafeToRetry(r.Err) || errors.Is(r.Err, redis.ErrMaybeExecuted) {
			t.Errorf("an answer counts as %v", r.Err)
		}
	})
}

func TestCancelledRequestKeepsItsPlace(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		ctx, cancel := context.WithCancelCause(t.Context())
		first := get(ctx, client, "a")
		conn := server.AcceptReady()
		conn.Expect("GET", "a")
		why := errors.New("the user has left")
		cancel(why)
		r := <-first
		if !errors.Is(r.Err, context.Canceled) || !errors.Is(r.Err, why) || !errors.Is(r.Err, redis.ErrMaybeExecuted) {
			t.Errorf("cancelled: %v", r.Err)
		}
		second := get(t.Context(), client, "b")
		conn.Expect("GET", "b") // on the same connection
		conn.Bulk("A")
		conn.Bulk("B")
		if r := <-second; r.Value != "B" || r.Err != nil {
			t.Errorf("b: %q, %v: somebody else's reply", r.Value, r.Err)
		}
	})
}

func TestReadyResultBeatsCancellation(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		go func() {
			conn := server.AcceptReady()
			conn.Serve(func(words []string) (string, bool) { return "$1\r\nv\r\n", true })
		}()
		if _, err := client.Get(t.Context(), "warm up"); err != nil {
			t.Fatal(err)
		}
		// The deadline and the reply come at the same instant of virtual time
		// or the deadline first: a value or an error, never both, never none.
		for range 100 {
			ctx, cancel := context.WithCancel(t.Context())
			go cancel()
			v, err := client.Get(ctx, "k")
			if (v == "v") == (err != nil) {
				t.Fatalf("%q, %v", v, err)
			}
			cancel()
		}
		// Nothing is sent for a context that has ended already.
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := client.Get(ctx, "k"); !errors.Is(err, redis.ErrNotSent) || !redis.SafeToRetry(err) {
			t.Errorf("with an ended context: %v", err)
		}
	})
}

func TestNonsenseClosesTheConnection(t *testing.T) {
	for name, nonsense := range map[string]string{
		"no reply at all": "hello\r\n",
		"bad length":      "$x\r\n",
		"bare LF":         "+OK\n",
		"unasked":         "$1\r\nA\r\n$1\r\nB\r\n$1\r\nC\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
				incr := command.Incr("n").Go(t.Context(), client)
				conn := server.AcceptReady()
				conn.Expect("INCR", "n")
				later := command.IncrBy("n", 2).Go(t.Context(), client)
				conn.Expect("INCRBY", "n", "2")
				conn.Send(nonsense)
				conn.ExpectEnd()
				if name == "unasked" {
					<-incr
					<-later
					return // both had a reply; the third one was nobody's
				}
				for _, result := range []command.Result[int64]{<-incr, <-later} {
					var wrong *proto.ProtocolError
					if !errors.As(result.Err, &wrong) || !errors.Is(result.Err, redis.ErrMaybeExecuted) {
						t.Errorf("%v", result.Err)
					}
				}
				// The next command gets a new connection.
				after := get(t.Context(), client, "k")
				conn = server.AcceptReady()
				conn.Expect("GET", "k")
				conn.Bulk("v")
				if r := <-after; r.Value != "v" {
					t.Errorf("afterwards: %v", r.Err)
				}
			})
		})
	}
}

func TestUnsentIsToldFromMaybeExecuted(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		incr := command.Incr("n").Go(t.Context(), client)
		conn := server.AcceptReady()
		conn.Expect("INCR", "n")
		// More than the connection's buffers hold, then one behind it, which
		// can't have left.
		big := command.Set("big", strings.Repeat("x", 200<<10)).Go(t.Context(), client)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		server.Refuse(errors.New("gone"))
		last := command.Set("small", "y").Go(ctx, client)
		synctest.Wait()
		conn.Close()
		if r := <-incr; !errors.Is(r.Err, redis.ErrMaybeExecuted) || redis.SafeToRetry(r.Err) {
			t.Errorf("INCR: %v", r.Err)
		}
		if r := <-big; !errors.Is(r.Err, redis.ErrMaybeExecuted) {
			t.Errorf("the large SET: %v", r.Err)
		}
		if r := <-last; !errors.Is(r.Err, redis.ErrNotSent) || !redis.SafeToRetry(r.Err) {
			t.Errorf("the last SET: %v", r.Err)
		}
	})
}

func TestBatchIsOneRun(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		var b command.Batch
		n := b.Incr("n")
		wrong := b.LPush("n", 1)
		missing := b.Get("missing")
		done := make(chan error, 1)
		go func() { done <- client.Exec(t.Context(), &b) }()
		conn := server.AcceptReady()
		conn.Expect("INCR", "n")
		conn.Expect("LPUSH", "n", "1")
		conn.Expect("GET", "missing")
		conn.Int(7)
		conn.Error("WRONGTYPE no list")
		conn.Null()
		err := <-done
		var failed *command.BatchError
		if !errors.As(err, &failed) || failed.Index != 1 || failed.Command != "LPUSH" || !strings.Contains(err.Error(), "command 2 of 3 (LPUSH)") {
			t.Errorf("Exec: %v", err)
		}
		if v, err := n.Result(); v != 7 || err != nil {
			t.Errorf("INCR: %d, %v", v, err)
		}
		if wrong.Err() == nil {
			t.Error("LPUSH has no error")
		}
		if err := missing.Err(); err != redis.Nil {
			t.Errorf("GET: %v", err)
		}
		if b.Len() != 0 {
			t.Errorf("the batch still has %d commands", b.Len())
		}
	})
}

func TestBatchIsCutByALostConnection(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		var b command.Batch
		first, second := b.Incr("a"), b.Incr("b")
		done := make(chan error, 1)
		go func() { done <- client.Exec(t.Context(), &b) }()
		conn := server.AcceptReady()
		conn.Expect("INCR", "a")
		conn.Expect("INCR", "b")
		conn.Int(1)
		conn.Close()
		if err := <-done; !errors.Is(err, redis.ErrMaybeExecuted) {
			t.Errorf("Exec: %v", err)
		}
		if v, err := first.Result(); v != 1 || err != nil {
			t.Errorf("the first: %d, %v", v, err)
		}
		if err := second.Err(); !errors.Is(err, redis.ErrMaybeExecuted) {
			t.Errorf("the second: %v", err)
		}
	})
}

func TestStalledServerBoundsItsCallers(t *testing.T) {
	// 4,096 callers with 50 ms each against a server that reads nothing: none
	// overstays, and the connection is given up after ReplyTimeout.
	story(t, redis.Options{ReplyTimeout: 2 * time.Second}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		warm := get(t.Context(), client, "k")
		conn := server.AcceptReady()
		conn.Expect("GET", "k")
		conn.Bulk("v")
		<-warm
		stalled := time.Now()
		var callers sync.WaitGroup
		for range 4096 {
			callers.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				defer cancel()
				start := time.Now()
				if _, err := client.Get(ctx, "a key of some length"); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("Get: %v", err)
				}
				within(t, "Get", start, 50*time.Millisecond, 50*time.Millisecond)
			})
		}
		callers.Wait()
		next := server.Accept() // the connection was given up, and made again
		within(t, "giving the connection up", stalled, 2*time.Second, 2500*time.Millisecond)
		next.Handshake()
	})
}

func TestTooManyAbandoned(t *testing.T) {
	story(t, redis.Options{ReplyTimeout: time.Hour}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		ctx, cancel := context.WithCancel(t.Context())
		var callers sync.WaitGroup
		for range 1<<14 + 1 {
			callers.Go(func() { _, _ = client.Incr(ctx, "n") })
		}
		conn := server.AcceptReady()
		for range 1<<14 + 1 {
			conn.Expect("INCR", "n")
		}
		cancel()
		callers.Wait()
		conn.ExpectEnd()
	})
}

func TestFullConnectionLetsCallersWait(t *testing.T) {
	story(t, redis.Options{ReplyTimeout: time.Hour}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		// The server reads nothing: after some large requests no more fits.
		big := strings.Repeat("x", 4<<20)
		var results []<-chan command.Result[struct{}]
		first := command.Set("k", "").Go(t.Context(), client)
		conn := server.AcceptReady()
		synctest.Wait()
		for range 5 { // one is being written, 16 MiB wait
			results = append(results, command.Set("k", big).Go(t.Context(), client))
			synctest.Wait()
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		err := client.Set(ctx, "k", "late")
		if !errors.Is(err, redis.ErrNotSent) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a caller that found no room: %v", err)
		}
		within(t, "waiting for room", start, time.Second, time.Second)
		waiting := command.Set("k", "patient").Go(t.Context(), client)
		synctest.Wait()
		conn.Expect("SET", "k", "")
		conn.OK()
		<-first
		for range results {
			conn.Expect("SET", "k", redistest.Any)
			conn.OK()
		}
		conn.Expect("SET", "k", "patient")
		conn.OK()
		for _, r := range append(results, waiting) {
			if r := <-r; r.Err != nil {
				t.Errorf("SET: %v", r.Err)
			}
		}
	})
}

// A storm of callers that give up at random times, with replies that come torn:
// nobody gets another's reply.
func TestStorm(t *testing.T) {
	const callers, calls = 64, 200
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		var serving sync.WaitGroup
		defer serving.Wait()
		defer client.Close()
		connected := make(chan struct{}, 100)
		serving.Go(func() {
			conn := server.AcceptReady()
			connected <- struct{}{}
			torn := rand.New(rand.NewPCG(1, 2))
			conn.Serve(func(words []string) (string, bool) {
				if words[0] != "GET" {
					return "+PONG\r\n", true
				}
				reply := fmt.Sprintf("$%d\r\n%s\r\n", len(words[1]), words[1])
				at := torn.IntN(len(reply))
				conn.Send(reply[:at])
				time.Sleep(time.Duration(torn.IntN(50)) * time.Microsecond)
				return reply[at:], true
			})
		})
		var all sync.WaitGroup
		for caller := range callers {
			all.Go(func() {
				random := rand.New(rand.NewPCG(3, uint64(caller)))
				for call := range calls {
					key := fmt.Sprintf("%d/%d", caller, call)
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(random.IntN(3000))*time.Microsecond)
					v, err := client.Get(ctx, key)
					if err == nil && v != key {
						t.Errorf("%s got %q", key, v)
					}
					cancel()
				}
			})
		}
		all.Wait()
		if n := len(connected); n != 1 {
			t.Errorf("%d connections were needed", n)
		}
	})
}
