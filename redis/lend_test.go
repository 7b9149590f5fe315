package redis_test

import (
	"context"
	"errors"
	"net"
	"os"
	"runtime"
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

// tick is how seldom, at most, a connection that callers read is looked after.
const tick = 16 * time.Millisecond

// watch watches over a client's connection: one goroutine at most reads it, one
// at most writes. It knows who reads.
type watch struct {
	t     *testing.T
	dial  func(ctx context.Context, network, addr string) (net.Conn, error)
	pause func() // wherever the client calls; may be nil
	torn  bool   // reads bring little at a time

	dialled     atomic.Int32
	byCallers   atomic.Int64 // reads by callers
	interrupted atomic.Int64 // reads that ended by a deadline

	mu   sync.Mutex
	conn *watchedConn // the newest
}

func (w *watch) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	nc, err := w.dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	w.dialled.Add(1)
	c := &watchedConn{Conn: nc, w: w}
	w.mu.Lock()
	w.conn = c
	w.mu.Unlock()
	return c, nil
}

func (w *watch) newest() *watchedConn {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.conn
}

// isRead reports whether a goroutine reads.
func (w *watch) isRead() bool { return w.newest().readers.Load() == 1 }

// isLed reports whether a caller reads.
func (w *watch) isLed() bool { return w.isRead() && w.newest().led.Load() }

// watchedConn is a connection that is watched.
type watchedConn struct {
	net.Conn
	w                *watch
	readers, writers atomic.Int32
	led              atomic.Bool                                 // the last read is, or was, a caller's
	received         atomic.Int64                                // bytes read
	closed           atomic.Bool                                 // by the client
	read             atomic.Pointer[func(p []byte) (int, error)] // stands in for Read; may be nil
	late             atomic.Int64                                // how much later a hint comes
}

// PeekByte lets callers lead also where nothing else is in flight.
func (c *watchedConn) PeekByte() (byte, bool, error) {
	peeker, ok := c.Conn.(interface{ PeekByte() (byte, bool, error) })
	if !ok {
		return 0, false, nil
	}
	return peeker.PeekByte()
}

func (c *watchedConn) stop() {
	if c.w.pause != nil {
		c.w.pause()
	}
}

func (c *watchedConn) Read(p []byte) (int, error) {
	if c.readers.Add(1) != 1 {
		c.w.t.Error("two goroutines read at the same time")
	}
	defer c.readers.Add(-1)
	led := calledBy(".(*turns).lead")
	c.led.Store(led)
	if led {
		c.w.byCallers.Add(1)
	}
	c.stop()
	if c.w.torn && len(p) > 16 {
		p = p[:16]
	}
	read := c.Conn.Read
	if in := c.read.Load(); in != nil {
		read = *in
	}
	n, err := read(p)
	c.received.Add(int64(n))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.w.interrupted.Add(1)
	}
	c.stop()
	return n, err
}

func (c *watchedConn) Write(p []byte) (int, error) {
	if c.writers.Add(1) != 1 {
		c.w.t.Error("two goroutines write at the same time")
	}
	defer c.writers.Add(-1)
	c.stop()
	defer c.stop()
	return c.Conn.Write(p)
}

func (c *watchedConn) SetReadDeadline(t time.Time) error {
	if !t.IsZero() {
		time.Sleep(time.Duration(c.late.Load()))
	}
	c.stop()
	defer c.stop()
	return c.Conn.SetReadDeadline(t)
}

func (c *watchedConn) Close() error {
	c.closed.Store(true)
	return c.Conn.Close()
}

// calledBy reports whether a function is among the callers.
func calledBy(name string) bool {
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		frame, more := frames.Next()
		if strings.HasSuffix(frame.Function, name) {
			return true
		}
		if !more {
			return false
		}
	}
}

// lent runs a test under virtual time on a connection that is up, and that
// nobody reads at this moment: the next caller leads.
func lent(t *testing.T, o redis.Options, test func(t *testing.T, client *redis.Client, server *redistest.Server, conn *redistest.Conn, w *watch)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server := redistest.NewServer(t)
		w := &watch{t: t, dial: server.Dial}
		o.Dial = w.Dial
		client, err := redis.New(o)
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		conn := ready(t, client, server)
		synctest.Wait()
		if w.isRead() {
			t.Fatal("the reader goroutine has kept the lease")
		}
		test(t, client, server, conn, w)
	})
}

// lead starts a GET that reads for itself.
func lead(t *testing.T, ctx context.Context, client *redis.Client, conn *redistest.Conn, w *watch, key string) <-chan command.Result[string] {
	t.Helper()
	got := get(ctx, client, key)
	conn.Expect("GET", key)
	synctest.Wait()
	if !w.isLed() {
		t.Fatal("the caller does not read")
	}
	return got
}

// lendsAgain fails the test where callers don't read for themselves any more.
func lendsAgain(t *testing.T, client *redis.Client, conn *redistest.Conn, w *watch) {
	t.Helper()
	for _, key := range []string{"first", "second"} {
		got := get(t.Context(), client, key)
		conn.Expect("GET", key)
		if key == "second" && !w.isLed() {
			t.Error("the caller does not read")
		}
		conn.Bulk(key)
		if r := <-got; r.Value != key {
			t.Errorf("%s: %q, %v", key, r.Value, r.Err)
		}
		synctest.Wait()
	}
}

func TestCancelledLeaderHandsOver(t *testing.T) {
	lent(t, redis.Options{}, func(t *testing.T, client *redis.Client, _ *redistest.Server, conn *redistest.Conn, w *watch) {
		ctx, cancel := context.WithCancel(t.Context())
		a := lead(t, ctx, client, conn, w, "a")
		b := get(t.Context(), client, "b")
		c := get(t.Context(), client, "c")
		conn.Expect("GET", "b")
		conn.Expect("GET", "c")
		cancel()
		start := time.Now()
		if r := <-a; !errors.Is(r.Err, context.Canceled) || !errors.Is(r.Err, redis.ErrMaybeExecuted) {
			t.Errorf("a: %q, %v", r.Value, r.Err)
		}
		within(t, "cancelling", start, 0, 2*tick)
		conn.Bulk("a")
		conn.Bulk("b")
		if r := <-b; r.Value != "b" {
			t.Errorf("b: %q, %v", r.Value, r.Err)
		}
		synctest.Wait()
		if !w.isLed() {
			t.Error("the next caller has not been granted the lease")
		}
		conn.Bulk("c")
		if r := <-c; r.Value != "c" {
			t.Errorf("c: %q, %v", r.Value, r.Err)
		}
		lendsAgain(t, client, conn, w)
	})
}

// A caller that leads at any phase of the ticks is cancelled in time, by its
// deadline to the instant where it has led for long.
func TestLeaderIsCancelledInTime(t *testing.T) {
	for at := time.Duration(0); at < 3*tick; at += tick / 4 {
		lent(t, redis.Options{}, func(t *testing.T, client *redis.Client, _ *redistest.Server, conn *redistest.Conn, w *watch) {
			for _, phase := range []time.Duration{0, tick / 2, tick - 1} {
				ctx, cancel := context.WithTimeout(t.Context(), at+1)
				defer cancel()
				time.Sleep(phase)
				start, due := time.Now(), max(at+1-phase, 0)
				_, err := client.Get(ctx, "k")
				latest := max(due, 2*tick)
				within(t, "Get", start, due, latest)
				if due == 0 {
					continue // never sent
				}
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%v", err)
				}
				conn.Expect("GET", "k")
				conn.Bulk("late")
				synctest.Wait()
			}
		})
	}
}

func TestOnlyAbandonedRequestsAreLeft(t *testing.T) {
	lent(t, redis.Options{}, func(t *testing.T, client *redis.Client, _ *redistest.Server, conn *redistest.Conn, w *watch) {
		ctx, cancel := context.WithCancel(t.Context())
		results := []<-chan command.Result[string]{lead(t, ctx, client, conn, w, "a")}
		for _, key := range []string{"b", "c"} {
			results = append(results, get(ctx, client, key))
			conn.Expect("GET", key)
		}
		cancel()
		for _, result := range results {
			if r := <-result; !errors.Is(r.Err, context.Canceled) {
				t.Errorf("%q, %v", r.Value, r.Err)
			}
		}
		synctest.Wait()
		if !w.isRead() || w.isLed() {
			t.Error("the reader goroutine does not read what is left")
		}
		conn.Bulk("a")
		conn.Bulk("b")
		time.Sleep(time.Second)
		conn.Bulk("c")
		lendsAgain(t, client, conn, w)
	})
}

func TestConnectionIsLostUnderItsLeader(t *testing.T) {
	for name, lose := range map[string]func(conn *redistest.Conn){
		"end":           func(conn *redistest.Conn) { conn.Close() },
		"torn and end":  func(conn *redistest.Conn) { conn.Send("$5\r\nab"); conn.Close() },
		"nonsense":      func(conn *redistest.Conn) { conn.Send("nonsense\r\n") },
		"reply timeout": func(*redistest.Conn) {},
	} {
		t.Run(name, func(t *testing.T) {
			lent(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server, conn *redistest.Conn, w *watch) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				a := command.Incr("a").Go(ctx, client)
				conn.Expect("INCR", "a")
				b := command.Incr("b").Go(t.Context(), client)
				conn.Expect("INCR", "b")
				synctest.Wait()
				if !w.isLed() {
					t.Fatal("the caller does not read")
				}
				lose(conn)
				for _, result := range []<-chan command.Result[int64]{a, b} {
					if r := <-result; !errors.Is(r.Err, redis.ErrMaybeExecuted) {
						t.Errorf("INCR: %v", r.Err)
					}
				}
				conn = server.AcceptReady() // the link connects again
				lendsAgain(t, client, conn, w)
			})
		})
	}
}

func TestBatchLeads(t *testing.T) {
	lent(t, redis.Options{}, func(t *testing.T, client *redis.Client, _ *redistest.Server, conn *redistest.Conn, w *watch) {
		var b command.Batch
		x, y := b.Get("x"), b.Get("y")
		done := make(chan error, 1)
		go func() { done <- client.Exec(t.Context(), &b) }()
		conn.Expect("GET", "x")
		conn.Expect("GET", "y")
		after := get(t.Context(), client, "after")
		conn.Expect("GET", "after")
		for _, piece := range strings.SplitAfter("$1\r\nX\r\n$1\r\nY\r\n$5\r\nafter\r\n", "") {
			if w.isRead() && !w.isLed() {
				t.Error("the reader goroutine reads")
			}
			conn.Send(piece)
			time.Sleep(time.Millisecond)
		}
		if err := <-done; err != nil || x.Value() != "X" || y.Value() != "Y" {
			t.Errorf("%q, %q, %v", x.Value(), y.Value(), err)
		}
		if r := <-after; r.Value != "after" {
			t.Errorf("after: %q, %v", r.Value, r.Err)
		}
	})
}

// A batch that is cancelled while it leads returns what had come; the rest is
// read, and thrown away.
func TestBatchLeadsAndIsCancelled(t *testing.T) {
	lent(t, redis.Options{}, func(t *testing.T, client *redis.Client, _ *redistest.Server, conn *redistest.Conn, w *watch) {
		ctx, cancel := context.WithCancel(t.Context())
		var b command.Batch
		x, y, z := b.Get("x"), b.Get("y"), b.Get("z")
		done := make(chan error, 1)
		go func() { done <- client.Exec(ctx, &b) }()
		for _, key := range []string{"x", "y", "z"} {
			conn.Expect("GET", key)
		}
		conn.Send("$1\r\nX\r\n$1\r")
		synctest.Wait()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Exec: %v", err)
		}
		if v, err := x.Result(); v != "X" || err != nil {
			t.Errorf("x: %q, %v", v, err)
		}
		if y.Err() == nil || z.Err() == nil {
			t.Error("what did not come has no error")
		}
		conn.Send("\nY\r\n")
		conn.Bulk("Z")
		lendsAgain(t, client, conn, w)
	})
}

// The hint that a context has ended comes when its caller has been answered, in
// the middle of the next one's reply.
func TestHintIsLate(t *testing.T) {
	lent(t, redis.Options{}, func(t *testing.T, client *redis.Client, _ *redistest.Server, conn *redistest.Conn, w *watch) {
		w.newest().late.Store(int64(10 * time.Millisecond))
		ctx, cancel := context.WithCancel(t.Context())
		a := lead(t, ctx, client, conn, w, "a")
		time.Sleep(3 * tick)
		b := get(t.Context(), client, "b")
		conn.Expect("GET", "b")
		cancel() // the hint is on its way
		synctest.Wait()
		conn.Bulk("a")
		if r := <-a; r.Value != "a" { // a reply that is there beats cancellation
			t.Errorf("a: %q, %v", r.Value, r.Err)
		}
		conn.Send("$1\r\n")
		synctest.Wait()
		if !w.isLed() {
			t.Error("b does not lead")
		}
		time.Sleep(20 * time.Millisecond)
		if n := w.interrupted.Load(); n != 1 {
			t.Errorf("b was interrupted %d times", n)
		}
		conn.Send("b\r\n")
		if r := <-b; r.Value != "b" {
			t.Errorf("b: %q, %v", r.Value, r.Err)
		}
		lendsAgain(t, client, conn, w)
		// One that hits the reader goroutine.
		time.Sleep(5 * tick)
		_ = w.newest().SetReadDeadline(time.Unix(1, 0))
		lendsAgain(t, client, conn, w)
		// One that nobody notices before the next caller leads.
		_ = w.newest().SetReadDeadline(time.Unix(1, 0))
		lendsAgain(t, client, conn, w)
		if w.dialled.Load() != 1 {
			t.Error("the connection was lost")
		}
	})
}

func TestCloseWhileACallerLeads(t *testing.T) {
	lent(t, redis.Options{}, func(t *testing.T, client *redis.Client, _ *redistest.Server, conn *redistest.Conn, w *watch) {
		a := lead(t, t.Context(), client, conn, w, "a")
		b := get(t.Context(), client, "b")
		start := time.Now()
		_ = client.Close() // the server answers nothing
		within(t, "Close", start, 500*time.Millisecond, 500*time.Millisecond)
		for _, result := range []<-chan command.Result[string]{a, b} {
			if r := <-result; !errors.Is(r.Err, redis.ErrClosed) {
				t.Errorf("%q, %v", r.Value, r.Err)
			}
		}
	})
	// A server that answers is let.
	lent(t, redis.Options{}, func(t *testing.T, client *redis.Client, _ *redistest.Server, conn *redistest.Conn, w *watch) {
		a := lead(t, t.Context(), client, conn, w, "a")
		start := time.Now()
		go client.Close()
		conn.Expect("PING", redistest.Any)
		conn.Send("$1\r\nA\r\n$13\r\nredchan ")
		if r := <-a; r.Value != "A" {
			t.Errorf("%q, %v", r.Value, r.Err)
		}
		conn.Send("drain\r\n")
		_ = client.Close()
		within(t, "Close", start, 0, 0)
	})
}

// While nobody reads, right after a burst, what the server does is noticed within
// two ticks.
func TestIdleConnectionIsReadSoon(t *testing.T) {
	for _, after := range []time.Duration{0, time.Millisecond, tick, 10 * tick} {
		lent(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server, conn *redistest.Conn, w *watch) {
			seen := func(what string, happened func() bool) {
				t.Helper()
				start := time.Now()
				for ; !happened(); time.Sleep(tick / 4) {
					if time.Since(start) > time.Second {
						t.Fatalf("%s was not noticed", what)
					}
				}
				within(t, "noticing "+what, start, 0, 2*tick)
			}
			nc := w.newest()
			for range 3 {
				time.Sleep(after)
				before := nc.received.Load()
				conn.Push("invalidate", "x")
				synctest.Wait()
				seen("a push", func() bool { return nc.received.Load() > before })
			}
			time.Sleep(after)
			conn.Close()
			synctest.Wait()
			seen("the end", nc.closed.Load)
			server.AcceptReady()
		})
	}
}

// An idle connection has no timer but the monitor's.
func TestIdleConnectionDoesNothing(t *testing.T) {
	lent(t, redis.Options{KeepAlive: time.Hour}, func(t *testing.T, client *redis.Client, _ *redistest.Server, conn *redistest.Conn, w *watch) {
		time.Sleep(3 * tick)
		before := w.newest().received.Load()
		time.Sleep(10 * time.Minute)
		if !w.isRead() || w.isLed() || w.newest().received.Load() != before {
			t.Error("the reader goroutine does not rest in Read")
		}
		lendsAgain(t, client, conn, w)
	})
}

// slack is what a test in real time allows for a machine that is busy.
const slack = time.Second * slowness

// A call over a real socket allocates what it returns, and nothing for its
// context.
func TestAllocationsOfALeader(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates on its own")
	}
	reply := []byte("+OK\r\n")
	addr := onLoopback(t, func(nc net.Conn) {
		commands(nc, func(words []string) bool {
			if words[0] == "HELLO" || words[0] == "CLIENT" || words[0] == "PING" {
				reply := answer(words)
				_, err := nc.Write([]byte(reply))
				return err == nil
			}
			// From now on without allocations, which would be counted: what comes
			// is one request at a time.
			p := make([]byte, 4<<10)
			for {
				if _, err := nc.Write(reply); err != nil {
					return false
				}
				if _, err := nc.Read(p); err != nil {
					return false
				}
			}
		})
	})
	client, err := redis.New(redis.Options{Addr: addr})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	cancellable, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	for name, ctx := range map[string]context.Context{"Background": context.Background(), "cancellable": cancellable} {
		var failed error
		get := testing.AllocsPerRun(5000, func() {
			if _, err := client.Get(ctx, "key"); err != nil {
				failed = err
			}
		})
		set := testing.AllocsPerRun(5000, func() {
			if err := client.Set(ctx, "key", "value"); err != nil {
				failed = err
			}
		})
		if failed != nil {
			t.Error(failed)
		}
		if get > 1 || set > 0 {
			t.Errorf("%s: GET allocates %v times, SET %v times", name, get, set)
		}
	}
}
