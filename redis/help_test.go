package redis_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/redistest"
)

// tcpServer is a server on a real socket, for what an in-memory connection can't
// show: partial writes, and reads that the kernel cuts. It answers GET with the
// key, in pieces, and everything else with OK.
type tcpServer struct {
	net.Listener
	accepted atomic.Int64
	serving  sync.WaitGroup
	torn     bool
	mute     atomic.Bool // reads nothing more
}

func newTCPServer(t *testing.T, torn bool) *tcpServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &tcpServer{Listener: listener, torn: torn}
	s.serving.Go(func() {
		for {
			nc, err := listener.Accept()
			if err != nil {
				return
			}
			s.accepted.Add(1)
			s.serving.Go(func() { s.serve(nc) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		s.serving.Wait()
	})
	return s
}

func (s *tcpServer) serve(nc net.Conn) {
	defer nc.Close()
	random := rand.New(rand.NewPCG(7, 7))
	reader := proto.NewReader(nc, proto.Limits{})
	var out bytes.Buffer
	for {
		v, err := reader.Next()
		if err != nil {
			return
		}
		switch v.Index(0).Str() {
		case "HELLO":
			out.WriteString("%1\r\n+proto\r\n:3\r\n")
		case "GET":
			key := v.Index(1).Str()
			fmt.Fprintf(&out, "$%d\r\n%s\r\n", len(key), key)
		case "PING":
			out.WriteString("+PONG\r\n")
		default:
			out.WriteString("+OK\r\n")
		}
		if reader.Buffered() > 0 && out.Len() < 4096 {
			continue // several replies at once
		}
		for out.Len() > 0 {
			n := out.Len()
			if s.torn {
				n = 1 + random.IntN(n)
			}
			if _, err := nc.Write(out.Next(n)); err != nil {
				return
			}
			if s.torn && random.IntN(8) == 0 {
				time.Sleep(time.Duration(random.IntN(200)) * time.Microsecond)
			}
		}
		for s.mute.Load() {
			time.Sleep(time.Millisecond)
		}
	}
}

func (s *tcpServer) client(t *testing.T, o redis.Options) *redis.Client {
	t.Helper()
	o.Addr = s.Addr().String()
	client, err := redis.OpenWith(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// Callers that give up at random, replies that come torn, batches between them:
// nobody gets another's reply, nobody is stuck, and one connection serves all.
func TestStormOverTCP(t *testing.T) {
	const callers, calls = 64, 500
	server := newTCPServer(t, true)
	client := server.client(t, redis.Options{})
	var all sync.WaitGroup
	var answered atomic.Int64
	for caller := range callers {
		all.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(caller)))
			for call := range calls {
				key := fmt.Sprintf("%d/%d", caller, call)
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(random.IntN(4000))*time.Microsecond)
				switch random.IntN(4) {
				case 0:
					go cancel() // from another goroutine
				case 1:
					ctx = context.Background()
				}
				if random.IntN(8) == 0 {
					var b command.Batch
					first, second := b.Get(key+"a"), b.Get(key+"b")
					_ = client.Exec(ctx, &b)
					if v, err := first.Result(); err == nil && v != key+"a" {
						t.Errorf("%s: the first of a batch is %q", key, v)
					}
					if v, err := second.Result(); err == nil && v != key+"b" {
						t.Errorf("%s: the second of a batch is %q", key, v)
					}
				} else if v, err := client.Get(ctx, key); err == nil && v != key {
					t.Errorf("%s got %q", key, v)
				} else if err == nil {
					answered.Add(1)
				}
				cancel()
			}
		})
	}
	all.Wait()
	// The connection works on, and is the one of the beginning.
	if v, err := client.Get(t.Context(), "last"); v != "last" || err != nil {
		t.Errorf("afterwards: %q, %v", v, err)
	}
	client.Close()
	if n := server.accepted.Load(); n != 1 {
		t.Errorf("%d connections were needed", n)
	}
	if answered.Load() < callers*calls/8 {
		t.Errorf("only %d answered", answered.Load())
	}
}

// A server that reads nothing: a huge request and thousands of callers with
// deadlines neither wait for ever nor for each other.
func TestStoppedServerOverTCP(t *testing.T) {
	server := newTCPServer(t, false)
	client := server.client(t, redis.Options{})
	server.mute.Store(true)
	_, _ = client.Get(deadline(t, 50*time.Millisecond), "the last that is read")
	var all sync.WaitGroup
	all.Go(func() {
		_, err := client.Set(deadline(t, 200*time.Millisecond), "k", strings.Repeat("x", 100<<20))
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the huge SET: %v", err)
		}
	})
	start := time.Now()
	for range 4096 {
		all.Go(func() {
			if _, err := client.Get(deadline(t, 50*time.Millisecond), "some key"); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("GET: %v", err)
			}
		})
	}
	all.Wait()
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("everybody was back after %v", took)
	}
	client.Close()
	server.mute.Store(false)
}

func deadline(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// A caller that reads for all and whose context ends hands over, and loses
// nothing: not even half a reply.
func TestLeaderHandsOver(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		conn := ready(t, client, server) // from now on callers read
		ctx, cancel := context.WithCancel(t.Context())
		leader := get(ctx, client, "a")
		next := get(t.Context(), client, "b")
		conn.Expect("GET", "a")
		conn.Expect("GET", "b")
		conn.Send("$1\r\nA\r") // torn
		time.Sleep(time.Second)
		start := time.Now()
		cancel()
		if r := <-leader; !errors.Is(r.Err, context.Canceled) || !errors.Is(r.Err, redis.ErrMaybeExecuted) {
			t.Errorf("the leader: %v", r.Err)
		}
		within(t, "cancelling the leader", start, 0, 32*time.Millisecond)
		conn.Send("\n$1\r\nB\r\n")
		if r := <-next; r.Value != "B" {
			t.Errorf("the next one: %q, %v", r.Value, r.Err)
		}
		// Lending works on.
		last := get(t.Context(), client, "c")
		conn.Expect("GET", "c")
		conn.Bulk("C")
		if r := <-last; r.Value != "C" {
			t.Errorf("the last one: %q, %v", r.Value, r.Err)
		}
	})
}

// Everybody has gone while a caller led: the reader goroutine reads what comes,
// and lends again afterwards.
func TestOnlyAbandonedRequestsRemain(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		conn := ready(t, client, server)
		ctx, cancel := context.WithCancel(t.Context())
		var gone []<-chan command.Result[string]
		for _, key := range []string{"a", "b", "c"} {
			gone = append(gone, get(ctx, client, key))
		}
		cancel()
		for _, r := range gone {
			<-r
		}
		for _, key := range []string{"a", "b", "c"} {
			conn.Expect("GET", key)
			conn.Bulk(key)
		}
		for _, key := range []string{"d", "e"} {
			got := get(t.Context(), client, key)
			conn.Expect("GET", key)
			conn.Bulk(key)
			if r := <-got; r.Value != key {
				t.Errorf("%s: %q, %v", key, r.Value, r.Err)
			}
		}
	})
}

// A connection that is closed, or that pushes, while nobody has a request on it.
func TestIdleConnectionIsRead(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		conn := ready(t, client, server)
		for range 3 { // callers lead
			got := get(t.Context(), client, "k")
			conn.Expect("GET", "k")
			conn.Bulk("v")
			<-got
		}
		closed := time.Now()
		conn.Close()
		server.Accept()
		within(t, "noticing the end of an idle connection", closed, 0, 32*time.Millisecond)
	})
}

// The connection ends while a caller reads for others.
func TestConnectionEndsUnderALeader(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		conn := ready(t, client, server)
		leader := command.Incr("a").Go(t.Context(), client)
		synctest.Wait()
		other := command.Incr("b").Go(t.Context(), client)
		conn.Expect("INCR", "a")
		conn.Expect("INCR", "b")
		conn.Int(1) // a reply that is there beats the end
		conn.Close()
		if r := <-leader; r.Value != 1 || r.Err != nil {
			t.Errorf("the leader: %d, %v", r.Value, r.Err)
		}
		if r := <-other; !errors.Is(r.Err, redis.ErrMaybeExecuted) {
			t.Errorf("the other: %v", r.Err)
		}
	})
}

// A simulation by seed: a server that answers late, torn and in bursts, callers
// that come and go, and a connection that gives others the turn at odd places.
// At most one goroutine reads and one writes at any time, and everybody is
// answered.
func TestLeasesBySeed(t *testing.T) {
	const seeds = 60
	for seed := range uint64(seeds) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			server := redistest.NewServer(t)
			client, err := redis.New(redis.Options{Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
				nc, err := server.Dial(ctx, network, addr)
				return &exclusiveConn{Conn: nc, t: t, random: rand.New(rand.NewPCG(seed, 1))}, err
			}})
			if err != nil {
				t.Fatal(err)
			}
			var serving sync.WaitGroup
			defer serving.Wait()
			defer client.Close()
			serving.Go(func() {
				conn := server.AcceptReady()
				conn.Serve(func(words []string) (string, bool) {
					if words[0] != "GET" {
						return "+PONG\r\n", true
					}
					if random.IntN(4) == 0 {
						time.Sleep(time.Duration(random.IntN(10)) * time.Millisecond)
					}
					reply := fmt.Sprintf("$%d\r\n%s\r\n", len(words[1]), words[1])
					at := random.IntN(len(reply))
					conn.Send(reply[:at])
					if random.IntN(3) == 0 {
						time.Sleep(time.Duration(random.IntN(5)) * time.Millisecond)
					}
					return reply[at:], true
				})
			})
			var callers sync.WaitGroup
			for caller := range 1 + seed%7 {
				callers.Go(func() {
					random := rand.New(rand.NewPCG(seed, 2+caller))
					for call := range 30 {
						key := fmt.Sprintf("%d/%d", caller, call)
						ctx, cancel := context.WithTimeout(t.Context(), time.Duration(random.IntN(60))*time.Millisecond)
						if random.IntN(2) == 0 {
							ctx = t.Context() // must be answered
						}
						v, err := client.Get(ctx, key)
						if err == nil && v != key || err != nil && ctx == t.Context() {
							t.Errorf("seed %d: %s got %q, %v", seed, key, v, err)
						}
						cancel()
						if random.IntN(4) == 0 {
							time.Sleep(time.Duration(random.IntN(40)) * time.Millisecond) // idle, or not quite
						}
					}
				})
			}
			callers.Wait()
		})
	}
}

// exclusiveConn fails the test where two goroutines read or write at once, and
// lets others run in between.
type exclusiveConn struct {
	net.Conn
	t                *testing.T
	mu               sync.Mutex // guards random
	random           *rand.Rand
	reading, writing atomic.Bool
}

func (c *exclusiveConn) turn() {
	c.mu.Lock()
	n := c.random.IntN(4)
	c.mu.Unlock()
	switch n {
	case 0:
		runtime.Gosched()
	case 1:
		time.Sleep(time.Microsecond)
	}
}

func (c *exclusiveConn) Read(p []byte) (int, error) {
	if !c.reading.CompareAndSwap(false, true) {
		c.t.Error("two goroutines read")
	}
	defer c.reading.Store(false)
	c.turn()
	n, err := c.Conn.Read(p)
	c.turn()
	return n, err
}

func (c *exclusiveConn) Write(p []byte) (int, error) {
	if !c.writing.CompareAndSwap(false, true) {
		c.t.Error("two goroutines write")
	}
	defer c.writing.Store(false)
	c.turn()
	n, err := c.Conn.Write(p)
	c.turn()
	return n, err
}

func (c *exclusiveConn) SetReadDeadline(t time.Time) error {
	c.turn()
	return c.Conn.SetReadDeadline(t)
}
