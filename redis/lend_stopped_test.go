package redis_test

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/redistest"
)

// A net.Conn of the user's own panics while a caller reads.
func TestPanicUnderALeader(t *testing.T) {
	lent(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server, conn *redistest.Conn, w *watch) {
		nc := w.newest()
		panics := func(p []byte) (int, error) {
			_, _ = nc.Conn.Read(p)
			panic("a bug of the user's")
		}
		nc.read.Store(&panics)
		a := command.Incr("a").Go(t.Context(), client)
		conn.Expect("INCR", "a")
		b := command.Incr("b").Go(t.Context(), client)
		conn.Expect("INCR", "b")
		synctest.Wait()
		if !w.isLed() {
			t.Fatal("the caller does not read")
		}
		conn.Int(1)
		for _, result := range []<-chan command.Result[int64]{a, b} {
			if r := <-result; !errors.Is(r.Err, redis.ErrMaybeExecuted) || !strings.Contains(r.Err.Error(), "a bug of the user's") {
				t.Errorf("INCR: %v", r.Err)
			}
		}
		lendsAgain(t, client, server.AcceptReady(), w)
	})
}

// brokenTimeout is a connection's end that calls itself a timeout, as those of QUIC
// and of TCP (ETIMEDOUT) do, and that stays.
type brokenTimeout struct{}

func (brokenTimeout) Error() string   { return "no recent network activity" }
func (brokenTimeout) Timeout() bool   { return true }
func (brokenTimeout) Temporary() bool { return true }

// A timeout that is no hint is the connection's end, whoever reads.
func TestTimeoutThatIsNoHint(t *testing.T) {
	// broken lets a connection's next read end by err, once something has come, and
	// all reads after it.
	broken := func(t *testing.T, nc *watchedConn, err error) {
		var reads atomic.Int32
		breaks := func(p []byte) (int, error) {
			switch n := reads.Add(1); {
			case n == 1:
				_, _ = nc.Conn.Read(p)
			case nc.closed.Load():
				return 0, net.ErrClosed
			case n > 1000:
				t.Errorf("the client reads again and again after %q", err)
				return 0, net.ErrClosed
			}
			return 0, err
		}
		nc.read.Store(&breaks)
	}
	for _, timeout := range []error{brokenTimeout{}, os.ErrDeadlineExceeded} {
		for _, leads := range []bool{true, false} {
			lent(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server, conn *redistest.Conn, w *watch) {
				broken(t, w.newest(), timeout)
				if !leads {
					time.Sleep(3 * tick)
				}
				incr := command.Incr("n").Go(t.Context(), client)
				conn.Expect("INCR", "n")
				synctest.Wait()
				if w.isLed() != leads {
					t.Errorf("the caller reads: %v", !leads)
				}
				conn.Int(1)
				if r := <-incr; !errors.Is(r.Err, redis.ErrMaybeExecuted) || !errors.Is(r.Err, timeout) {
					t.Errorf("INCR: %.200v", r.Err)
				}
				lendsAgain(t, client, server.AcceptReady(), w)
			})
		}
		// Where callers don't read there are no hints at all.
		lent(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server, _ *redistest.Conn, w *watch) {
			go func() {
				conn := server.AcceptReady()
				conn.ExpectSubscribe("SUBSCRIBE", "news")
				time.Sleep(time.Second)
				broken(t, w.newest(), timeout)
				conn.Message("news", "one") // the read that waits already
				time.Sleep(time.Second)
				conn.Message("news", "lost")
				conn = server.AcceptReady()
				conn.ExpectSubscribe("SUBSCRIBE", "news")
				conn.Message("news", "two")
			}()
			sub, err := client.Subscribe(t.Context(), "news")
			if err != nil {
				t.Fatal(err)
			}
			<-sub.Messages()
			if msg := <-sub.Messages(); msg.Gap == nil || msg.Payload != "two" {
				t.Errorf("%+v", msg)
			}
		})
	}
}

// stoppedServer shakes hands, answers one command, and reads nothing any more. All
// buffers are small.
func stoppedServer(t *testing.T) *redis.Client {
	t.Helper()
	stop := make(chan struct{})
	addr := onLoopback(t, func(nc net.Conn) {
		_ = nc.(*net.TCPConn).SetReadBuffer(4 << 10)
		commands(nc, func(words []string) bool {
			_, _ = nc.Write([]byte(answer(words)))
			return words[0] != "GET"
		})
		<-stop
	})
	t.Cleanup(func() { close(stop) }) // runs before the server is waited for
	// Nothing but the context lets a caller go: no timeout helps one that overstays.
	client, err := redis.New(redis.Options{Addr: addr, ReplyTimeout: time.Hour, KeepAlive: time.Hour, Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
		nc, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		if err == nil {
			_ = nc.(*net.TCPConn).SetWriteBuffer(4 << 10)
		}
		return nc, err
	}})
	if err != nil {
		t.Fatal(err)
	}
	if v, err := client.Get(t.Context(), "k"); v != "k" {
		t.Fatal(err)
	}
	return client
}

// closes closes a client, which must not take long.
func closes(t *testing.T, client *redis.Client) {
	t.Helper()
	start := time.Now()
	_ = client.Close()
	within(t, "Close", start, 0, 500*time.Millisecond+slack)
	noneLeft(t)
}

// Against a server that has stopped nobody overstays, whoever writes: a caller
// with 100 MB, thousands that come alone or behind it.
func TestStoppedServer(t *testing.T) {
	// Thousands of goroutines that run out of time at once need seconds on a busy machine.
	const patience, crowd = 50 * time.Millisecond, 10 * time.Second
	size, callers := 100<<20, 4096
	if testing.Short() {
		size = 10 << 20
	}
	value := strings.Repeat("x", size)
	call := func(t *testing.T, what string, busy time.Duration, do func(ctx context.Context) error) {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		start := time.Now()
		if err := do(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", what, err)
		}
		within(t, what, start, 0, patience+crowd+2*busy)
	}
	// A call can't be interrupted while it encodes its request, for which a busy machine
	// needs seconds where it is 100 MB: so it is measured beside.
	large := func(t *testing.T, client *redis.Client) {
		r := command.Set("k", value).Request()
		start := time.Now()
		r.Append(nil)
		call(t, "the large SET", time.Since(start), func(ctx context.Context) error {
			err := client.Set(ctx, "k", value)
			return err
		})
	}
	small := func(t *testing.T, client *redis.Client) {
		call(t, "GET", 0, func(ctx context.Context) error {
			_, err := client.Get(ctx, "a key of some length")
			return err
		})
	}
	together := func(t *testing.T, client *redis.Client) {
		var all sync.WaitGroup
		for range callers {
			all.Go(func() { small(t, client) })
		}
		all.Wait()
	}
	for name, play := range map[string]func(t *testing.T, client *redis.Client){
		"a large request": func(t *testing.T, client *redis.Client) { large(t, client); small(t, client) },
		"many":            together,
		"many behind a large request": func(t *testing.T, client *redis.Client) {
			var one sync.WaitGroup
			one.Go(func() { large(t, client) })
			together(t, client)
			one.Wait()
		},
		"many beside large batches": func(t *testing.T, client *redis.Client) {
			var some sync.WaitGroup
			for range 8 {
				some.Go(func() {
					call(t, "the batch", 0, func(ctx context.Context) error {
						var b command.Batch
						for range 8 {
							b.Set("k", value[:256<<10])
						}
						return client.Exec(ctx, &b)
					})
				})
			}
			together(t, client)
			some.Wait()
		},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, time.Minute, func() {
				client := stoppedServer(t)
				play(t, client)
				closes(t, client)
			})
		})
	}
}

// A server that reads nothing while it can't get rid of its replies: who writes a
// lot must be read from meanwhile.
func TestServerBlockedByItsOutput(t *testing.T) {
	const callers, calls = 16, 4
	key := strings.Repeat("k", 512<<10) // and the reply is as large
	addr := onLoopback(t, func(nc net.Conn) {
		_ = nc.(*net.TCPConn).SetReadBuffer(128 << 10)
		_ = nc.(*net.TCPConn).SetWriteBuffer(128 << 10)
		commands(nc, func(words []string) bool {
			_, err := nc.Write([]byte(answer(words)))
			return err == nil
		})
	})
	inTime(t, time.Minute, func() {
		client, err := redis.New(redis.Options{Addr: addr})
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for caller := range callers {
			all.Go(func() {
				ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
				defer cancel()
				for call := range calls {
					key := key[:len(key)-caller*calls-call]
					if v, err := client.Get(ctx, key); v != key {
						t.Errorf("a reply of %d bytes for a key of %d, %v", len(v), len(key), err)
					}
				}
			})
		}
		all.Wait()
		closes(t, client)
	})
}
