package redis_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/pubsub"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/redistest"
)

const readOnlyReply = "READONLY You can't write against a read only replica."

// A replica behind the name of the primary is left for whoever has the name now. The command
// is sent again there; what is in flight on the old connection is still answered.
func TestReadOnlyMeansAnotherServer(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		slow := get(t.Context(), client, "slow")
		old := server.AcceptReady()
		old.Expect("GET", "slow")
		incr := command.Incr("n").Go(t.Context(), client)
		old.Expect("INCR", "n")
		old.Bulk("v")
		old.Error(readOnlyReply)
		if r := <-slow; r.Value != "v" {
			t.Errorf("GET: %v", r.Err)
		}
		next := server.AcceptReady()
		next.Expect("INCR", "n")
		next.Int(1)
		if r := <-incr; r.Value != 1 || r.Err != nil {
			t.Errorf("INCR: %v", r.Err)
		}
		old.ExpectEnd()
	})
}

// A script that met the refusal has run, and is not repeated; the next one finds the primary.
// Redis 6 has the refusal inside of an error of its own.
func TestScriptOnAReplicaMeansAnotherServer(t *testing.T) {
	for _, refusal := range []string{
		readOnlyReply + " script: 5b2e, on @user_script:1.",
		"ERR Error running script (call to f_5b2e): @user_script:1: @user_script: 1: -" + readOnlyReply,
	} {
		story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
			script := command.AsInt(command.Eval("return redis.call('INCR', KEYS[1])", []string{"n"}))
			first := script.Go(t.Context(), client)
			old := server.AcceptReady()
			old.Next()
			old.Error(refusal)
			if r := <-first; r.Err == nil || redis.SafeToRetry(r.Err) {
				t.Errorf("the first: %v", r)
			}
			second := script.Go(t.Context(), client)
			next := server.AcceptReady()
			next.Next()
			next.Int(1)
			if r := <-second; r.Value != 1 || r.Err != nil {
				t.Errorf("the second: %v", r)
			}
			old.ExpectEnd()
		})
	}
}

// That somebody else's command was rejected says nothing of a command whose reply is lost with
// the connection: it may have run, and is not repeated.
func TestReplyLostWithAReplacedConnection(t *testing.T) {
	story(t, redis.Options{ReplyTimeout: time.Second}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		set := command.Set("k", "v").Go(t.Context(), client)
		old := server.AcceptReady()
		old.Expect("SET", "k", "v")
		incr := command.Incr("n").Go(t.Context(), client)
		old.Expect("INCR", "n")
		old.Error(readOnlyReply) // INCR is never answered
		next := server.AcceptReady()
		next.Expect("SET", "k", "v")
		next.OK()
		if r := <-set; r.Err != nil {
			t.Errorf("SET: %v", r.Err)
		}
		r := <-incr
		if !errors.Is(r.Err, redis.ErrMaybeExecuted) || errors.Is(r.Err, redis.ErrRejected) || redis.SafeToRetry(r.Err) {
			t.Errorf("INCR: %v", r.Err)
		}
		if strings.Contains(r.Err.Error(), "SET") {
			t.Errorf("another command is shown: %v", r.Err)
		}
		next.ExpectNothing(time.Second)
	})
}

// What the old connection says late, while it is drained, is said of the old server: the new
// connection is not replaced again.
func TestLateReadOnlyOfAReplacedConnection(t *testing.T) {
	ask := map[string]func(context.Context, *redis.Client) <-chan error{
		"command": func(ctx context.Context, c *redis.Client) <-chan error {
			return run(func() error { _, err := c.Incr(ctx, "late"); return err })
		},
		"batch": func(ctx context.Context, c *redis.Client) <-chan error {
			return run(func() error {
				var b command.Batch
				b.Incr("late")
				return c.Exec(ctx, &b)
			})
		},
	}
	for name, ask := range ask {
		t.Run(name, func(t *testing.T) {
			story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
				first := command.Incr("n").Go(t.Context(), client)
				old := server.AcceptReady()
				old.Expect("INCR", "n")
				late := ask(t.Context(), client)
				old.Expect("INCR", "late")
				old.Error(readOnlyReply)
				next := server.AcceptReady()
				next.Expect("INCR", "n")
				next.Int(1)
				<-first
				time.Sleep(2 * time.Second) // longer than any pause between two renewals
				old.Error(readOnlyReply)
				if name == "command" { // which is repeated, and a batch is not
					next.Expect("INCR", "late")
					next.Int(2)
				}
				if err := <-late; (err == nil) != (name == "command") {
					t.Errorf("the late one: %v", err)
				}
				last := command.Incr("n").Go(t.Context(), client)
				next.Expect("INCR", "n")
				next.Int(3)
				<-last
			})
		})
	}
}

// The same of a connection that was in use alone: a session's.
func TestLateReadOnlyOfASession(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		made := make(chan *redis.Session, 1)
		go func() {
			s, err := client.Session(t.Context())
			if err != nil {
				t.Error(err)
			}
			made <- s
		}()
		own := server.AcceptReady()
		s := <-made
		defer s.Close()
		first := command.Incr("n").Go(t.Context(), client)
		old := server.AcceptReady()
		old.Expect("INCR", "n")
		old.Error(readOnlyReply)
		next := server.AcceptReady()
		next.Expect("INCR", "n")
		next.Int(1)
		<-first
		time.Sleep(2 * time.Second)
		late := run(func() error { _, err := s.Incr(t.Context(), "n"); return err })
		own.Expect("INCR", "n")
		own.Error(readOnlyReply)
		if err := <-late; !errors.Is(err, redis.ErrRejected) {
			t.Errorf("the session: %v", err)
		}
		last := command.Incr("n").Go(t.Context(), client)
		next.Expect("INCR", "n")
		next.Int(2)
		<-last
	})
}

// All that wait on the wrong server go on at the right one, not only the first to hear of it.
func TestReadOnlyForManyCallers(t *testing.T) {
	const callers = 16
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		var results []<-chan command.Result[int64]
		for range callers {
			results = append(results, command.Incr("n").Go(ctx, client))
		}
		old := server.AcceptReady()
		for range callers {
			old.Expect("INCR", "n")
		}
		for range callers {
			old.Error(readOnlyReply)
		}
		next := server.AcceptReady()
		for range callers {
			next.Expect("INCR", "n")
			next.Int(1)
		}
		for _, result := range results {
			if r := <-result; r.Value != 1 || r.Err != nil {
				t.Errorf("INCR: %v", r)
			}
		}
	})
}

// Where the server is meant to be a replica the error is told, and no connection after
// the other is made.
func TestReadOnlyReplicaStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := redistest.NewServer(t)
		var dials atomic.Int64
		client, err := redis.New(redis.Options{Dial: greeted(server, map[string]string{"INCR": "-" + readOnlyReply + "\r\n"}, &dials)})
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		start := time.Now()
		for time.Since(start) < 5*time.Second {
			if _, err := client.Incr(t.Context(), "n"); !errors.Is(err, redis.ErrRejected) {
				t.Fatalf("INCR: %v", err)
			}
			time.Sleep(10 * time.Millisecond)
		}
		if n := dials.Load(); n < 5 || n > 11 { // after 50, 100, 200, ... ms, then once in a second
			t.Errorf("%d connections were made", dials.Load())
		}
	})
}

// Reconnect concerns what is shared, what is lent and what is idle, and asks anew where the
// server is.
func TestReconnectConcernsAll(t *testing.T) {
	server := "a:1"
	o := redis.Options{Resolve: func(context.Context) (string, error) { return server, nil }}
	story(t, o, func(t *testing.T, client *redis.Client, fake *redistest.Server) {
		got := get(t.Context(), client, "k")
		shared := fake.AcceptReady()
		shared.Expect("GET", "k")
		popped := command.BLPop(0, "list").Go(t.Context(), client)
		lent := fake.AcceptReady()
		lent.Expect("BLPOP", "list", "0")
		first := make(chan error, 1)
		go func() {
			s, err := client.Session(t.Context())
			if err == nil {
				err = s.Close()
			}
			first <- err
		}()
		idle := fake.AcceptReady()
		if err := <-first; err != nil {
			t.Fatal(err)
		}

		server = "b:1"
		client.Reconnect(errors.New("the name means another"))
		idle.ExpectEnd()
		next := get(t.Context(), client, "k")
		fresh := fake.AcceptReady()
		fresh.Expect("GET", "k")
		fresh.Bulk("of b")
		if r := <-next; r.Value != "of b" {
			t.Errorf("GET: %v", r.Err)
		}
		// What is in flight is answered, and then it is over.
		shared.Bulk("of a")
		if r := <-got; r.Value != "of a" || r.Err != nil {
			t.Errorf("GET: %v, %v", r.Value, r.Err)
		}
		shared.Expect("PING", redistest.Any)
		shared.Bulk("redchan drain")
		shared.ExpectEnd()
		lent.Array("list", "x")
		if r := <-popped; r.Value.Value != "x" {
			t.Errorf("BLPOP: %v", r.Err)
		}
		lent.ExpectEnd()
		// Once per backoff.
		client.Reconnect(nil)
		synctest.Wait()
		next = get(t.Context(), client, "k")
		fresh.Expect("GET", "k")
		fresh.Null()
		<-next
	})
}

// A connection that has served and is lost is made again at once, every time.
func TestLossOfAConnectionThatServed(t *testing.T) {
	o := redis.Options{KeepAlive: time.Hour}
	story(t, o, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		for range 20 {
			got := get(t.Context(), client, "k")
			lost := time.Now()
			conn := server.AcceptReady()
			within(t, "connecting", lost, 0, 0)
			conn.Expect("GET", "k")
			conn.Bulk("v")
			<-got
			time.Sleep(time.Second)
			conn.Close()
			synctest.Wait()
		}
	})
}

// One that has not served is made again with pauses, which callers cut short.
func TestCallersShortenThePauseBehindALoss(t *testing.T) {
	o := redis.Options{Backoff: redis.Backoff{Base: 10 * time.Millisecond, Max: time.Hour}, KeepAlive: time.Hour}
	story(t, o, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		for range 24 { // without anybody the pauses would be minutes by now
			incr := command.Incr("n").Go(t.Context(), client)
			lost := time.Now()
			conn := server.AcceptReady()
			within(t, "connecting", lost, 0, 10*time.Millisecond)
			conn.Expect("INCR", "n")
			conn.Close()
			<-incr
		}
	})
}

// So it is with the connection of subscriptions.
func TestLossOfASubscriberThatServed(t *testing.T) {
	story(t, redis.Options{KeepAlive: time.Hour}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		pending := subscribe(t.Context(), client, pubsub.Channels("news"))
		for range 20 {
			lost := time.Now()
			conn := server.AcceptReady()
			within(t, "connecting", lost, 0, 0)
			conn.ExpectSubscribe("SUBSCRIBE", "news")
			time.Sleep(time.Second)
			conn.Close()
			synctest.Wait()
		}
		if sub := <-pending; sub.err != nil {
			t.Error(sub.err)
		}
	})
}

// A connection that is closed below the client, by the program itself, is told in words that
// mean something.
func TestClosedBelow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := redistest.NewServer(t)
		var near net.Conn
		client, err := redis.New(redis.Options{Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			nc, err := server.Dial(ctx, network, addr)
			near = nc
			return nc, err
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		incr := command.Incr("n").Go(t.Context(), client)
		server.AcceptReady().Expect("INCR", "n")
		near.Close()
		if r := <-incr; !errors.Is(r.Err, redis.ErrMaybeExecuted) || strings.Contains(r.Err.Error(), "use of closed") {
			t.Errorf("INCR: %v", r.Err)
		}
	})
}

// A quarrel among nodes has a cluster's client ask for new connections again and again. Those of
// subscriptions are made more and more rarely then: each costs a gap.
func TestReconnectOfASubscriberIsPaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := redistest.NewServer(t)
		var dials atomic.Int32
		client, err := redis.New(redis.Options{Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			dials.Add(1)
			nc, err := server.Dial(ctx, network, addr)
			if err == nil {
				go server.Accept().Serve(subscribable)
			}
			return nc, err
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		sub, err := client.Subscribe(t.Context(), "news")
		if err != nil {
			t.Fatal(err)
		}
		defer sub.Close()
		time.Sleep(time.Minute)
		for range 100 {
			client.Reconnect(errors.New("a quarrel"))
			time.Sleep(200 * time.Millisecond) // a connection that lasted so long has served
		}
		// 0.1, 0.2, 0.4 s and so on, in 20 s.
		if n := dials.Load(); n < 4 || n > 10 {
			t.Errorf("%d connections were made, want 4 to 10", n)
		}
		// Later one comes at once again.
		time.Sleep(time.Minute)
		before := dials.Load()
		client.Reconnect(errors.New("the node has left"))
		time.Sleep(10 * time.Millisecond)
		if n := dials.Load() - before; n != 1 {
			t.Errorf("%d connections were made, want one at once", n)
		}
	})
}

// subscribable answers what a subscriber's connection is sent.
func subscribable(words []string) (raw string, ok bool) {
	switch words[0] {
	case "HELLO":
		return "%1\r\n$5\r\nproto\r\n:3\r\n", true
	case "PING":
		return fmt.Sprintf("$%d\r\n%s\r\n", len(words[1]), words[1]), true
	case "SUBSCRIBE", "UNSUBSCRIBE":
		kind := strings.ToLower(words[0])
		return fmt.Sprintf(">3\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n:1\r\n", len(kind), kind, len(words[1]), words[1]), true
	}
	return "+OK\r\n", true
}
