package redis_test

// Each of these was a bug once.

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/pubsub"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/redistest"
)

// ready starts a client's connection.
func ready(t *testing.T, client *redis.Client, server *redistest.Server) *redistest.Conn {
	t.Helper()
	warm := get(t.Context(), client, "warm")
	conn := server.AcceptReady()
	conn.Expect("GET", "warm")
	conn.Bulk("up")
	if r := <-warm; r.Err != nil {
		t.Fatal(r.Err)
	}
	return conn
}

// A proxy that leaves the argument of PING out swallowed the next reply.
func TestKeepAliveAnsweredWithoutItsToken(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		conn := ready(t, client, server)
		conn.Expect("PING", redistest.Any)
		conn.Simple("PONG")
		incr := command.Incr("n").Go(t.Context(), client)
		conn.Expect("INCR", "n")
		conn.Int(1)
		if r := <-incr; r.Value != 1 {
			t.Errorf("INCR: %v", r.Err)
		}
		// Anything else there means that replies don't match requests.
		conn.Expect("PING", redistest.Any)
		conn.Int(7)
		conn.ExpectEnd()
	})
}

// A pop with a timeout waited for ever on a dead peer.
func TestBlockingCommandOnADeadPeer(t *testing.T) {
	story(t, redis.Options{ReplyTimeout: 5 * time.Second}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		start := time.Now()
		pop := command.BLPop(time.Minute, "list").Go(context.Background(), client)
		conn := server.AcceptReady()
		conn.Expect("BLPOP", "list", "60")
		if r := <-pop; !errors.Is(r.Err, redis.ErrReplyTimeout) || !errors.Is(r.Err, redis.ErrMaybeExecuted) {
			t.Errorf("BLPOP: %v", r.Err)
		}
		within(t, "BLPOP", start, 65*time.Second, 65*time.Second)

		var b command.Batch
		b.BLPop(time.Minute, "a")
		b.Incr("n")
		b.BLPop(time.Minute, "b")
		start = time.Now()
		err := client.Exec(context.Background(), &b) // the handshake is never answered
		if !errors.Is(err, redis.ErrNotSent) {
			t.Errorf("the batch: %v", err)
		}
		within(t, "the batch", start, 5*time.Second, 30*time.Second)
	})
}

// The longest time that there is was none at all.
func TestLongestTimes(t *testing.T) {
	const longest = math.MaxInt64
	for name, test := range map[string]struct {
		timeouts []time.Duration
		options  redis.Options
	}{
		"timeout":          {[]time.Duration{longest}, redis.Options{}},
		"timeouts":         {[]time.Duration{longest, longest, time.Second}, redis.Options{}},
		"reply timeout":    {[]time.Duration{time.Minute}, redis.Options{ReplyTimeout: longest}},
		"reply timeout, 2": {[]time.Duration{time.Minute, time.Minute}, redis.Options{ReplyTimeout: longest}},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, test.options, func(t *testing.T, client *redis.Client, server *redistest.Server) {
				var b command.Batch
				for _, timeout := range test.timeouts {
					b.BLPop(timeout, "list")
				}
				done := run(func() error { return client.Exec(t.Context(), &b) })
				c := server.AcceptReady()
				for range test.timeouts {
					c.Next()
				}
				time.Sleep(time.Minute)
				for range test.timeouts {
					c.Array("list", "v")
				}
				if err := <-done; err != nil {
					t.Error(err)
				}
			})
		})
	}
	// A connection that was in use is still asked for signs of life.
	story(t, redis.Options{ReplyTimeout: longest}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		conn := ready(t, client, server)
		start := time.Now()
		conn.Expect("PING", redistest.Any)
		within(t, "PING", start, 0, 30*time.Second)
		conn.Bulk("redchan keep-alive")
	})
}

// A request that takes longer than ReplyTimeout to be written was a dead peer.
func TestSlowLargeRequest(t *testing.T) {
	story(t, redis.Options{ReplyTimeout: 8 * time.Second}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		slow, err := redis.New(redis.Options{ReplyTimeout: 8 * time.Second, Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := server.Dial(ctx, network, addr)
			return slowConn{conn}, err
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer slow.Close()
		value := strings.Repeat("x", 1<<20) // 16 steps of 5 s
		set := command.Set("k", value).Go(t.Context(), slow)
		conn := server.AcceptReady()
		start := time.Now()
		var serving sync.WaitGroup
		defer serving.Wait()
		defer slow.Close()
		serving.Go(func() { conn.Serve(func([]string) (string, bool) { return "+OK\r\n", true }) })
		if r := <-set; r.Err != nil {
			t.Errorf("SET: %v", r.Err)
		}
		within(t, "SET", start, 60*time.Second, 100*time.Second)
	})
}

// slowConn takes 5 s for each large write.
type slowConn struct{ net.Conn }

func (c slowConn) Write(p []byte) (int, error) {
	if len(p) > 1<<10 {
		time.Sleep(5 * time.Second)
	}
	return c.Conn.Write(p)
}

// A reply that can't be read was asked for again and again, each time at the
// cost of everybody's connection.
func TestPoisonousReadIsNotRepeated(t *testing.T) {
	o := redis.Options{Limits: proto.Limits{MaxElements: 100}}
	story(t, o, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		list := command.LRange("k", 0, -1).Go(ctx, client)
		conn := server.AcceptReady()
		conn.Expect("LRANGE", "k", "0", "-1")
		conn.Send("*101\r\n")
		r := <-list
		var wrong *proto.ProtocolError
		if !errors.As(r.Err, &wrong) {
			t.Errorf("LRANGE: %v", r.Err)
		}
	})
}

// A read that lets its connection time out is not repeated, and one that is lost
// otherwise only so often.
func TestLostReadIsNotRepeatedForEver(t *testing.T) {
	story(t, redis.Options{ReplyTimeout: 5 * time.Second}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		got := get(ctx, client, "k")
		server.AcceptReady().Expect("GET", "k")
		if r := <-got; !errors.Is(r.Err, redis.ErrReplyTimeout) {
			t.Errorf("GET: %v", r.Err)
		}
		conn := server.AcceptReady() // the connection is made again
		got = get(ctx, client, "k")
		for range 3 {
			conn.Expect("GET", "k")
			conn.Close()
			conn = server.AcceptReady()
		}
		if r := <-got; !errors.Is(r.Err, redis.ErrMaybeExecuted) {
			t.Errorf("GET: %v", r.Err)
		}
	})
}

// A batch whose context ended threw the replies away that had come.
func TestBatchKeepsTheRepliesThatCame(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		ctx, cancel := context.WithCancel(t.Context())
		var b command.Batch
		first, second := b.Incr("a"), b.Incr("b")
		done := make(chan error, 1)
		go func() { done <- client.Exec(ctx, &b) }()
		conn := server.AcceptReady()
		conn.Expect("INCR", "a")
		conn.Expect("INCR", "b")
		conn.Int(1)
		synctest.Wait()
		cancel()
		err := <-done
		var failed *command.BatchError
		if !errors.As(err, &failed) || failed.Index != 1 || !errors.Is(err, context.Canceled) || redis.SafeToRetry(err) {
			t.Errorf("Exec: %v", err)
		}
		if v, err := first.Result(); v != 1 || err != nil {
			t.Errorf("the first: %d, %v", v, err)
		}
		if !errors.Is(second.Err(), redis.ErrMaybeExecuted) {
			t.Errorf("the second: %v", second.Err())
		}
		conn.Int(1)
	})
}

// What a caller appended to the replies that had come was overwritten by those that came
// later.
func TestRepliesThatCameAreTheCallers(t *testing.T) {
	for name, wrap := range map[string]func(net.Conn) net.Conn{
		"the caller reads": func(conn net.Conn) net.Conn { return conn },
		"the reader reads": func(conn net.Conn) net.Conn { return noDeadlineConn{conn} },
	} {
		t.Run(name, func(t *testing.T) {
			story(t, redis.Options{}, func(t *testing.T, _ *redis.Client, server *redistest.Server) {
				client, err := redis.New(redis.Options{Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
					conn, err := server.Dial(ctx, network, addr)
					return wrap(conn), err
				}})
				if err != nil {
					t.Fatal(err)
				}
				defer client.Close()
				conn := ready(t, client, server)
				ctx, cancel := context.WithCancel(t.Context())
				var rs command.Requests
				for _, key := range []string{"a", "b"} {
					r := command.Incr(key).Request()
					rs.Add(&r)
				}
				var values []proto.Value
				done := run(func() (err error) {
					values, err = client.DoBatch(ctx, &rs)
					return err
				})
				conn.Expect("INCR", "a")
				conn.Expect("INCR", "b")
				conn.Int(1)
				time.Sleep(time.Second)
				cancel()
				if err := <-done; !errors.Is(err, context.Canceled) || len(values) != 1 {
					t.Fatalf("%d replies, %v", len(values), err)
				}
				values = append(values, proto.Value{})
				conn.Int(2)
				synctest.Wait()
				if !values[1].IsNull() {
					t.Errorf("the second is %d", values[1].Int())
				}
			})
		})
	}
}

// noDeadlineConn knows no deadlines, so that its callers can't read.
type noDeadlineConn struct{ net.Conn }

func (noDeadlineConn) SetReadDeadline(time.Time) error { return os.ErrNoDeadline }

// SafeToRetry called a batch safe of which a command had run.
func TestBatchThatRanInPartIsNotSafeToRetry(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		exec := func(replies ...string) error {
			var b command.Batch
			b.Incr("a")
			b.Incr("b")
			done := make(chan error, 1)
			go func() { done <- client.Exec(t.Context(), &b) }()
			conn := server.AcceptReady()
			conn.Expect("INCR", "a")
			conn.Expect("INCR", "b")
			conn.Send(strings.Join(replies, ""))
			err := <-done
			conn.Close()
			synctest.Wait()
			return err
		}
		if err := exec(":1\r\n", "-MOVED 1 h:1\r\n"); redis.SafeToRetry(err) {
			t.Errorf("safe: %v", err)
		}
		if err := exec("-LOADING x\r\n", "-LOADING x\r\n"); !redis.SafeToRetry(err) {
			t.Errorf("not safe: %v", err)
		}
	})
}

// A caller that waited for room was overtaken by all that came later.
func TestNobodyOvertakesThoseThatWaitForRoom(t *testing.T) {
	story(t, redis.Options{ReplyTimeout: time.Hour, KeepAlive: time.Hour}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		conn := ready(t, client, server)
		const full = 1 << 16
		var callers sync.WaitGroup
		for range full {
			callers.Go(func() { _, _ = client.Incr(t.Context(), "n") })
		}
		for range full {
			conn.Expect("INCR", "n")
		}
		waiting := command.Incr("patient").Go(t.Context(), client)
		synctest.Wait()
		conn.Int(1) // one place is free
		synctest.Wait()
		callers.Go(func() { _, _ = client.Incr(t.Context(), "late") })
		synctest.Wait()
		for range full / 2 {
			conn.Int(1)
		}
		// The late one waits as well, and does not take the place at once.
		sent := []string{conn.Next()[1], conn.Next()[1]}
		slices.Sort(sent)
		if !slices.Equal(sent, []string{"late", "patient"}) {
			t.Errorf("sent: %q", sent)
		}
		for range full/2 + 1 {
			conn.Int(1)
		}
		if r := <-waiting; r.Err != nil {
			t.Error(r.Err)
		}
		callers.Wait()
	})
}

// A panic of a user's net.Conn ended the program.
func TestPanicIsTheConnectionsEnd(t *testing.T) {
	for _, where := range []string{"Read", "Write"} {
		t.Run(where, func(t *testing.T) {
			story(t, redis.Options{}, func(t *testing.T, _ *redis.Client, server *redistest.Server) {
				var bad atomic.Pointer[string]
				client, err := redis.New(redis.Options{Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
					conn, err := server.Dial(ctx, network, addr)
					return badConn{conn, &bad}, err
				}})
				if err != nil {
					t.Fatal(err)
				}
				defer client.Close()
				conn := ready(t, client, server)
				synctest.Wait()
				bad.Store(&where)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				incr := command.Incr("n").Go(ctx, client)
				if where == "Read" {
					conn.Expect("INCR", "n")
					conn.Int(1)
				}
				if r := <-incr; r.Err == nil {
					t.Error("INCR succeeded on a connection that panics")
				}
				conn.ExpectEnd()
			})
		})
	}
}

// badConn panics where bad says so.
type badConn struct {
	net.Conn
	bad *atomic.Pointer[string]
}

func (c badConn) check(where string) {
	if bad := c.bad.Load(); bad != nil && *bad == where {
		panic("a bad net.Conn")
	}
}

func (c badConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.check("Read")
	return n, err
}

func (c badConn) Write(p []byte) (int, error) {
	c.check("Write")
	return c.Conn.Write(p)
}

// KeepAlive did not hold where ReplyTimeout is longer than it.
func TestKeepAliveWithALongReplyTimeout(t *testing.T) {
	o := redis.Options{KeepAlive: 6 * time.Second, ReplyTimeout: 40 * time.Second}
	story(t, o, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		conn := ready(t, client, server)
		heard := time.Now()
		conn.Next()
		within(t, "the keep-alive", heard, 2*time.Second, 6*time.Second)
		sent := time.Now()
		time.Sleep(20 * time.Second)
		conn.ExpectEnd()
		within(t, "finding a dead peer", sent, 40*time.Second, 41*time.Second)
	})
}

// A user who may not PING lost the connection every 10 s.
func TestSubscriberWithoutPermissionToPing(t *testing.T) {
	const refusal = "NOPERM User bob has no permissions to run the 'ping' command"
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		pending := subscribe(t.Context(), client, pubsub.Channels("news"))
		conn := server.AcceptReady()
		conn.ExpectNames("SUBSCRIBE", "news")
		conn.Confirm("subscribe", "news", 1)
		conn.Expect("PING", redistest.Any)
		conn.Error(refusal)
		sub := <-pending
		if sub.err != nil {
			t.Fatal(sub.err)
		}
		for range 3 { // the keep-alive is answered, too
			conn.Expect("PING", redistest.Any)
			conn.Error(refusal)
		}
		pending = subscribe(t.Context(), client, pubsub.Channels("secret"))
		conn.ExpectNames("SUBSCRIBE", "secret")
		conn.Error("NOPERM User bob has no permissions to access the 'secret' channel")
		conn.Expect("PING", redistest.Any)
		conn.Error(refusal)
		if other := <-pending; other.err == nil {
			t.Error("a forbidden channel is subscribed")
		}
		conn.Message("news", "still here")
		if msg := <-sub.Messages(); msg.Gap != nil {
			t.Errorf("%+v", msg)
		}
	})
}

// Close left a caller waiting that was about to try again.
func TestCloseWakesWhoWaitsToTryAgain(t *testing.T) {
	o := redis.Options{Backoff: redis.Backoff{Base: 1000 * time.Hour, Max: 1000 * time.Hour}, KeepAlive: 10000 * time.Hour}
	story(t, o, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		incr := command.Incr("n").Go(t.Context(), client)
		conn := server.AcceptReady()
		conn.Expect("INCR", "n")
		conn.Error("LOADING")
		synctest.Wait()
		start := time.Now()
		client.Close()
		<-incr
		within(t, "the caller", start, 0, time.Second)
	})
}

func TestEndedContextIsNotAnExhaustedPool(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := client.BLPop(ctx, 0, "k"); errors.Is(err, redis.ErrPoolExhausted) || !errors.Is(err, context.Canceled) {
			t.Errorf("BLPOP: %v", err)
		}
	})
}

func TestDialThatReturnsNothing(t *testing.T) {
	_, err := redis.OpenWith(t.Context(), redis.Options{Dial: func(context.Context, string, string) (net.Conn, error) { return nil, nil }})
	if err == nil {
		t.Error("Open succeeded")
	}
}

// WAIT on a connection that has written nothing tells nothing.
func TestWaitNeedsItsWrites(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		if _, err := command.Raw("WAIT", 1, 100).Do(t.Context(), client); !errors.Is(err, redis.ErrArgument) {
			t.Errorf("alone: %v", err)
		}
		var b command.Batch
		b.Incr("n")
		f := command.Raw("WAIT", 1, 100).Queue(&b)
		done := make(chan error, 1)
		go func() { done <- client.Exec(t.Context(), &b) }()
		conn := server.AcceptReady()
		conn.Expect("INCR", "n")
		conn.Expect("WAIT", "1", "100")
		conn.Int(1)
		conn.Int(1)
		if err := <-done; err != nil || f.Value().Int() != 1 {
			t.Errorf("in a batch: %v", err)
		}
	})
}

// After an outage Subscribe failed as long as the pause of before lasted.
func TestSubscribeAfterAnOutage(t *testing.T) {
	o := redis.Options{SubscriberBackoff: redis.Backoff{Base: 100 * time.Millisecond, Max: 1000 * time.Hour}}
	story(t, o, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		pending := subscribe(t.Context(), client, pubsub.Channels("news"))
		conn := server.AcceptReady()
		conn.ExpectSubscribe("SUBSCRIBE", "news")
		<-pending
		server.Refuse(errAway)
		conn.Close()
		time.Sleep(3 * time.Hour)
		server.Refuse(nil)
		pending = subscribe(t.Context(), client, pubsub.Channels("sport"))
		conn = server.AcceptReady()
		for names := 0; names < 2; { // in one command or in two
			words := conn.Next()
			for _, name := range words[1:] {
				conn.Confirm("subscribe", name, 1)
				names++
			}
			conn.Fence()
		}
		if sub := <-pending; sub.err != nil {
			t.Error(sub.err)
		}
	})
}

func TestSecretsInOptionsAndClients(t *testing.T) {
	_, err := redis.New(redis.Options{Addr: "redis://:hunter2@localhost:6379"})
	if !errors.Is(err, redis.ErrOptions) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("an address with a password: %v", err)
	}
	for _, url := range []string{"redis://:12?hunter2@localhost/0", "redis://:12/hunter2", "redis://:12/hunter2@localhost"} {
		if _, err := redis.ParseURL(url); !errors.Is(err, redis.ErrOptions) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", url, err)
		}
	}
	client, err := redis.New(redis.Options{Password: redis.NewSecret("hunter2")})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, printed := range []string{fmt.Sprint(client), fmt.Sprintf("%+v", client), fmt.Sprintf("%#v", client)} {
		if strings.Contains(printed, "hunter2") {
			t.Errorf("shown: %s", printed)
		}
	}
	// fmt can't call the methods of a field that is not exported.
	type config struct{ options redis.Options }
	if printed := fmt.Sprintf("%+v", config{redis.Options{Password: redis.NewSecret("hunter2")}}); strings.Contains(printed, "hunter2") {
		t.Errorf("shown: %s", printed)
	}
}

func TestBackoffThatMakesNoSense(t *testing.T) {
	if _, err := redis.New(redis.Options{Backoff: redis.Backoff{Max: -time.Second}}); !errors.Is(err, redis.ErrOptions) {
		t.Errorf("a negative backoff: %v", err)
	}
	story(t, redis.Options{Backoff: redis.Backoff{Base: 1<<63 - 1, Max: 1<<63 - 1}}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		server.Refuse(errAway)
		if _, err := client.Incr(t.Context(), "n"); !errors.Is(err, errAway) {
			t.Errorf("INCR: %v", err)
		}
	})
}

func TestTLSNeedsAName(t *testing.T) {
	o, err := redis.ParseURL("redis+unix+tls://cert.host/run/redis.sock")
	if err != nil {
		t.Fatal(err)
	}
	o.TLS.ServerName = ""
	if _, err := redis.New(o); !errors.Is(err, redis.ErrOptions) {
		t.Errorf("TLS without a name: %v", err)
	}
}

// A pop with a short timeout closed the connection of its session while one with a longer
// timeout, sent in front of it, still blocked.
func TestBlockingCommandsOfOneSession(t *testing.T) {
	for name, answered := range map[string]bool{"the first is answered": true, "none is answered": false} {
		t.Run(name, func(t *testing.T) {
			story(t, redis.Options{ReplyTimeout: 5 * time.Second}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
				var s *redis.Session
				lent := run(func() (err error) {
					s, err = client.Session(t.Context())
					return err
				})
				conn := server.AcceptReady()
				if err := <-lent; err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				start := time.Now()
				long := command.BLPop(time.Minute, "a").Go(t.Context(), s)
				conn.Expect("BLPOP", "a", "60")
				short := command.BLPop(time.Second, "b").Go(t.Context(), s)
				conn.Expect("BLPOP", "b", "1")
				end := 65 * time.Second // the longest of both, and ReplyTimeout
				if answered {
					time.Sleep(time.Minute)
					conn.Null()
					if r := <-long; !errors.Is(r.Err, redis.Nil) {
						t.Errorf("the first: %v", r.Err)
					}
					end = 66 * time.Second
				}
				if r := <-short; !errors.Is(r.Err, redis.ErrReplyTimeout) {
					t.Errorf("the second: %v", r.Err)
				}
				within(t, "the second", start, end, end)
				conn.ExpectEnd()
			})
		})
	}
}

// A connection of the user's own that can't be compared was a panic.
func TestConnThatCannotBeCompared(t *testing.T) {
	server := (*redistest.Server)(nil)
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		nc, err := server.Dial(ctx, network, addr)
		return countedConn{nc, func(int) {}}, err
	}
	synctest.Test(t, func(t *testing.T) {
		server = redistest.NewServer(t)
		client, err := redis.New(redis.Options{Dial: dial})
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		ready(t, client, server)
		pending := subscribe(t.Context(), client, pubsub.Channels("news"))
		server.AcceptReady().ExpectSubscribe("SUBSCRIBE", "news")
		if sub := <-pending; sub.err != nil {
			t.Error(sub.err)
		}
	})
}

// countedConn is a net.Conn without a pointer.
type countedConn struct {
	net.Conn
	count func(n int)
}
