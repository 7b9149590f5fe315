package redis_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/redistest"
)

// With one attempt a command fails as soon as its server can't be reached, whatever
// deadline it has, and the next one tries again.
func TestMaxAttempts(t *testing.T) {
	story(t, redis.Options{MaxAttempts: 1}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		server.Refuse(errAway)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		for range 20 {
			start := time.Now()
			if _, err := client.Get(ctx, "k"); !errors.Is(err, errAway) || !errors.Is(err, redis.ErrNotSent) {
				t.Errorf("GET: %v", err)
			}
			// It waits at most for the shortest backoff.
			within(t, "GET", start, 0, 50*time.Millisecond)
		}
		server.Refuse(nil)
		got := get(ctx, client, "k")
		c := server.AcceptReady()
		c.Expect("GET", "k")
		c.Error("LOADING still")
		if r := <-got; !errors.Is(r.Err, redis.ErrRejected) {
			t.Errorf("GET: %v", r.Err)
		}
		got = get(ctx, client, "k")
		c.Expect("GET", "k")
		c.Close()
		if r := <-got; !errors.Is(r.Err, redis.ErrMaybeExecuted) {
			t.Errorf("GET: %v", r.Err)
		}
	})
}

// READONLY is said at each connect, in both protocols.
func TestReadOnlyConnections(t *testing.T) {
	for _, resp2 := range []bool{false, true} {
		story(t, redis.Options{ReadOnly: true, RESP2: resp2}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
			got := get(t.Context(), client, "k")
			for range 2 {
				c := server.Accept()
				if !resp2 {
					c.Expect("HELLO", "3")
				}
				c.Expect("CLIENT", "SETINFO", redistest.Any, redistest.Any)
				c.Expect("CLIENT", "SETINFO", redistest.Any, redistest.Any)
				c.Expect("READONLY")
				if !resp2 {
					c.Send("%0\r\n")
				}
				c.Send("+OK\r\n+OK\r\n+OK\r\n")
				c.Fence()
				c.Expect("GET", "k")
				c.Close()
			}
			server.Accept().Close()
			<-got
		})
	}
}

// Resolve is asked at each connect.
func TestResolve(t *testing.T) {
	var asked atomic.Int32
	var dialled []string
	server := redistest.NewServer(t)
	client, err := redis.New(redis.Options{
		Addr: "the cluster",
		Resolve: func(context.Context) (string, error) {
			if asked.Add(1) == 1 {
				return "", errAway
			}
			return "b.example:7", nil
		},
		Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			dialled = append(dialled, addr)
			nc, err := server.Dial(ctx, network, addr)
			if err == nil {
				go server.Accept().Serve(func(words []string) (string, bool) {
					return map[string]string{"HELLO": "%0\r\n", "GET": "-ERR no\r\n"}[words[0]] + map[string]string{"CLIENT": "+OK\r\n", "PING": "+PONG\r\n"}[words[0]], true
				})
			}
			return nc, err
		},
		MaxAttempts: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var failed *redis.Error
	if _, err := client.Get(t.Context(), "k"); !errors.Is(err, errAway) || !errors.As(err, &failed) || failed.Addr != "the cluster" {
		t.Errorf("GET: %v", err)
	}
	var reply *redis.ReplyError
	if _, err := client.Get(t.Context(), "k"); !errors.As(err, &reply) {
		t.Errorf("GET: %v", err)
	}
	if len(dialled) != 1 || dialled[0] != "b.example:7" {
		t.Errorf("%q", dialled)
	}
}

// The name on the certificate is that of the resolved host.
func TestResolveWithTLS(t *testing.T) {
	certificate, roots := testCertificate(t)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		for {
			nc, err := listener.Accept()
			if err != nil {
				return
			}
			answerOK(nc)
		}
	}()
	defer func() { <-served }()
	defer listener.Close()
	for host, good := range map[string]bool{"example.com": true, "other.name": false} {
		o := redis.Options{
			RESP2: true, TLS: &tls.Config{RootCAs: roots}, DialTimeout: 5 * time.Second,
			Resolve: func(context.Context) (string, error) { return host + ":6379", nil },
			Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, network, listener.Addr().String())
			},
		}
		client, err := redis.OpenWith(t.Context(), o)
		if good != (err == nil) {
			t.Errorf("%s: %v", host, err)
		}
		if err == nil {
			client.Close()
		}
	}
}

func TestStats(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		if s := client.Stats(); s != (redis.Stats{}) {
			t.Errorf("%+v", s)
		}
		got := get(t.Context(), client, "k")
		c := server.Accept()
		time.Sleep(time.Millisecond)
		if s := client.Stats(); s != (redis.Stats{Waiting: 1}) {
			t.Errorf("while connecting: %+v", s)
		}
		c.Handshake()
		c.Expect("GET", "k")
		if s := client.Stats(); s != (redis.Stats{InFlight: 1}) {
			t.Errorf("in flight: %+v", s)
		}
		c.Null()
		<-got
		if s := client.Stats(); s != (redis.Stats{Answered: 1}) {
			t.Errorf("answered: %+v", s)
		}
		c.Close()
		got = get(t.Context(), client, "k")
		c = server.AcceptReady()
		c.Expect("GET", "k")
		c.Null()
		<-got
		if s := client.Stats(); s != (redis.Stats{Answered: 2}) {
			t.Errorf("on the next connection: %+v", s)
		}
	})
}

// Shutdown waits as long as its context lasts, and not at all where it has ended.
func TestShutdown(t *testing.T) {
	for name, grace := range map[string]time.Duration{"at once": 0, "three seconds": 3 * time.Second} {
		t.Run(name, func(t *testing.T) {
			story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
				got := command.Incr("n").Go(t.Context(), client)
				c := server.AcceptReady()
				c.Expect("INCR", "n")
				ctx, cancel := context.WithTimeout(t.Context(), grace)
				defer cancel()
				start := time.Now()
				if err := client.Shutdown(ctx); err != nil {
					t.Error(err)
				}
				within(t, "Shutdown", start, grace, grace)
				if r := <-got; !errors.Is(r.Err, redis.ErrClosed) || !errors.Is(r.Err, redis.ErrMaybeExecuted) {
					t.Errorf("INCR: %v", r.Err)
				}
			})
		})
	}
}

// A transaction is one run on the wire, however large it is, also by way of DoBatch.
func TestTransactionIsNeverSplit(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		const n = 5000 // more than go in one part of a batch
		var rs command.Requests
		for range n {
			r := command.Incr("n").Request()
			rs.Add(&r)
		}
		done := run(func() error {
			_, err := client.DoBatch(t.Context(), rs.Transaction())
			return err
		})
		c := server.AcceptReady()
		c.Expect("MULTI")
		for range n {
			c.Expect("INCR", "n") // without an answer to any of them
		}
		c.Expect("EXEC")
		c.Close()
		if err := <-done; !errors.Is(err, redis.ErrMaybeExecuted) {
			t.Errorf("%v", err)
		}
	})
}
