package integration

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redchan-go/redchan/integration/servers"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
)

// password is one that must be written in percent form in a URL, and must never be
// seen in an error.
const password = "s3cret#/@:%"

func TestPassword(t *testing.T) {
	own(t, servers.Config{Password: password}, func(f *fixture) {
		protocol := map[bool]string{false: "3", true: "2"}[f.resp2]
		client, err := redis.Open(f.ctx, f.server.URL()+"?protocol="+protocol)
		if err != nil {
			f.Fatal(err)
		}
		defer client.Close()
		equal(f, client, command.Ping(), "PONG")

		options := f.options()
		f.refusedToOpen("no password", options, "NOAUTH")
		options.Password = redis.NewSecret(password + "x")
		f.refusedToOpen("a wrong password", options, "WRONGPASS")
	})
}

func TestUserAndPassword(t *testing.T) {
	own(t, servers.Config{Users: []string{"default off", "ada on >" + password + " ~* +@all"}}, func(f *fixture) {
		options := f.options()
		options.Username, options.Password = "ada", redis.NewSecret(password)
		client := f.openWith(options)
		equal(f, client, command.AsString(command.Raw("ACL", "WHOAMI")), "ada")
		options.Username = "bob"
		f.refusedToOpen("a wrong user", options, "WRONGPASS")
		options.Username = ""
		f.refusedToOpen("the default user, who is off", options, "WRONGPASS")
	})
}

// TestUserWithoutPing opens a client for a user who may only GET.
func TestUserWithoutPing(t *testing.T) {
	own(t, servers.Config{Users: []string{"reader on >" + password + " ~* +get"}}, func(f *fixture) {
		options := f.options()
		options.Username, options.Password = "reader", redis.NewSecret(password)
		client := f.openWith(options)
		missing(f, client, command.Get("k"))
		refused(f, client, command.Set("k", 1), "NOPERM")
	})
}

// refusedToOpen opens a client that the server must refuse, at once, with a code
// and without showing the password.
func (f *fixture) refusedToOpen(what string, options redis.Options, code string) {
	f.Helper()
	began := time.Now()
	client, err := redis.OpenWith(f.ctx, options)
	if err == nil {
		client.Close()
		f.Errorf("%s: opened", what)
		return
	}
	if replyCode(err) != code || time.Since(began) > time.Second {
		f.Errorf("%s: %v after %v, want %s", what, err, time.Since(began), code)
	}
	for _, text := range []string{err.Error(), fmt.Sprintf("%+v %#v", err, err), fmt.Sprintf("%+v %#v", options, options)} {
		if strings.Contains(text, password) {
			f.Errorf("%s: the password is shown: %s", what, text)
		}
	}
}

func TestTLS(t *testing.T) {
	own(t, servers.Config{TLS: true, Password: "secret"}, func(f *fixture) {
		options, err := redis.ParseURL(f.server.URL())
		if err != nil {
			f.Fatal(err)
		}
		if options.TLS == nil || options.TLS.MinVersion < tls.VersionTLS12 {
			f.Fatalf("%s has the TLS options %v", f.server.URL(), options.TLS)
		}
		options.RESP2 = f.resp2
		options.TLS.RootCAs = f.server.CertPool()
		client := f.openWith(options)
		large := strings.Repeat("x", 1<<20) // many TLS records
		equal(f, client, command.Set("k", large), done)
		equal(f, client, command.Get("k"), large)
		sub, err := client.Subscribe(f.ctx, "news")
		if err != nil {
			f.Fatal(err)
		}
		f.publish(client, "news", large, 1)
		if msg := f.next(sub); msg.Payload != large {
			f.Errorf("a message of %d bytes came over TLS", len(msg.Payload))
		}

		// Nobody vouches for the server.
		options.TLS.RootCAs = nil
		var unknown *tls.CertificateVerificationError
		if _, err := redis.OpenWith(f.ctx, options); !errors.As(err, &unknown) {
			f.Errorf("an unknown authority: %v", err)
		}
		// The certificate is another host's.
		options.TLS.RootCAs, options.TLS.ServerName = f.server.CertPool(), "example.com"
		if _, err := redis.OpenWith(f.ctx, options); !errors.As(err, &unknown) {
			f.Errorf("another host's certificate: %v", err)
		}
		// Without TLS the server closes the connection: that must be said.
		options.TLS = nil
		began := time.Now()
		_, err = redis.OpenWith(f.ctx, options)
		if err == nil || errors.Is(err, context.DeadlineExceeded) || time.Since(began) > time.Second {
			f.Errorf("without TLS: %v after %v", err, time.Since(began))
		} else if !strings.Contains(err.Error(), "closed") && !strings.Contains(err.Error(), "reset") && !strings.Contains(err.Error(), "TLS") {
			f.Errorf("without TLS the error is no help: %v", err)
		}
	})
}

func TestTLSToPlainPort(t *testing.T) {
	shared(t, func(f *fixture) {
		options := f.options()
		options.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
		// The server takes the client's hello for the begin of a command and waits
		// for the rest of it.
		_, err := redis.OpenWith(f.ctx, options)
		if err == nil || !strings.Contains(err.Error(), "Options.TLS") || errors.Is(err, context.DeadlineExceeded) {
			f.Errorf("TLS to a port without: %v", err)
		}
	})
}

func TestUnixSocket(t *testing.T) {
	own(t, servers.Config{Unix: true}, func(f *fixture) {
		protocol := map[bool]string{false: "3", true: "2"}[f.resp2]
		client, err := redis.Open(f.ctx, "unix://"+f.server.Socket+"?db=3&protocol="+protocol)
		if err != nil {
			f.Fatal(err)
		}
		defer client.Close()
		equal(f, client, command.Set("k", "v"), done)
		if got := f.keys("db3"); got != 1 {
			f.Errorf("database 3 has %d keys", got)
		}
		if info := asString(f, client, "CLIENT", "INFO"); !strings.Contains(info, " flags=U ") {
			f.Errorf("not a Unix socket: CLIENT INFO = %s", info)
		}
	})
}

// keys returns the number of keys of a database.
func (f *fixture) keys(database string) int {
	f.Helper()
	for line := range strings.Lines(f.command("INFO", "keyspace")) {
		if facts, ok := strings.CutPrefix(line, database+":keys="); ok {
			var n int
			if _, err := fmt.Sscanf(facts, "%d", &n); err != nil {
				f.Fatal(err)
			}
			return n
		}
	}
	return 0
}

// TestOptionsSurviveReconnect checks what is told to the server at each connect (A2).
func TestOptionsSurviveReconnect(t *testing.T) {
	shared(t, func(f *fixture) {
		options := f.options()
		options.DB, options.ClientName = 7, "worker-7"
		client, killer := f.openWith(options), f.open()
		equal(f, client, command.Set("k", "in 7"), done)
		missing(f, killer, command.Get("k"))
		for range 3 {
			id := result(f, client, command.ClientID())
			equal(f, killer, command.ClientKill(command.WhereType("normal")), 1)
			equal(f, client, command.Get("k"), "in 7")
			equal(f, client, command.ClientGetName(), "worker-7")
			if again := result(f, client, command.ClientID()); again == id {
				f.Error("the connection was not killed")
			}
		}
		info := asString(f, client, "CLIENT", "INFO")
		wanted := map[bool]string{false: " resp=3", true: " resp=2"}[f.resp2]
		if !f.has("7.2") {
			wanted = " db=7" // 7.0 knows no library names, and tells resp since 7.0
		} else if !strings.Contains(info, " lib-name=redchan") {
			f.Errorf("no library in CLIENT INFO = %s", info)
		}
		if !strings.Contains(info, wanted) {
			f.Errorf("no%s in CLIENT INFO = %s", wanted, info)
		}
		// The connections that block are told the same.
		equal(f, client, command.RPush("l", "x"), 1)
		equal(f, client, command.BLPop(time.Second, "l"), command.KeyValue{Key: "l", Value: "x"})
	})
}

// countingConn counts what goes over a connection.
type countingConn struct {
	net.Conn
	read, written *atomic.Int64
}

func (c countingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.read.Add(int64(n))
	return n, err
}

func (c countingConn) Write(p []byte) (int, error) {
	c.written.Add(int64(len(p))) // before the reply can be there
	return c.Conn.Write(p)
}

func TestOwnDialer(t *testing.T) {
	shared(t, func(f *fixture) {
		var read, written, dials atomic.Int64
		options := f.options()
		options.Addr = "name.of.no.host:1" // what it means is the dialer's concern
		options.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			dials.Add(1)
			if network != "tcp" || addr != options.Addr {
				f.Errorf("asked to dial %s %s", network, addr)
			}
			conn, err := new(net.Dialer).DialContext(ctx, "tcp", f.server.Addr)
			return countingConn{conn, &read, &written}, err
		}
		client := f.openWith(options)
		const size = 1 << 20
		equal(f, client, command.Set("k", strings.Repeat("x", size)), done)
		if n := written.Load(); n < size || n > size+1000 {
			f.Errorf("%d bytes were written for a value of %d", n, size)
		}
		before := read.Load()
		equal(f, client, command.StrLen("k"), size)
		if n := read.Load() - before; n != int64(len(":1048576\r\n")) {
			f.Errorf("%d bytes were read for an integer", n)
		}
		if n := dials.Load(); n != 1 {
			f.Errorf("dialled %d times", n)
		}
	})
}

func TestDeadPort(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	listener.Close()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	began := time.Now()
	_, err = redis.Open(ctx, "redis://"+addr)
	if err == nil || !strings.Contains(err.Error(), addr) || time.Since(began) > time.Second {
		t.Errorf("Open of a dead port: %v after %v", err, time.Since(began))
	}
	// A client that connects when needed says that nothing was sent.
	client, err := redis.New(redis.Options{Addr: addr})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.FlushDB(context.WithoutCancel(ctx)); !errors.Is(err, redis.ErrNotSent) || !redis.SafeToRetry(err) {
		t.Errorf("a command to a dead port: %v, want ErrNotSent", err)
	}
}

// TestLostWrites kills connections until enough replies were lost, and then the
// server, under writers that count up. What was acknowledged has happened once; what may have been executed at most
// once; nothing else has. The server's log of writes keeps the counter: each is in
// it before its reply is sent.
func TestLostWrites(t *testing.T) {
	const writers, lost = 8, 20
	own(t, servers.Config{Lines: []string{"appendonly yes", "appendfsync no"}}, func(f *fixture) {
		client := f.openWith(f.soon())
		ctx, stop := context.WithCancel(f.ctx)
		defer stop()
		var acknowledged, maybe, notSent atomic.Int64
		var all sync.WaitGroup
		for range writers {
			all.Go(func() {
				for ctx.Err() == nil {
					switch _, err := client.Incr(f.ctx, "counter"); {
					case err == nil:
						acknowledged.Add(1)
					case errors.Is(err, redis.ErrMaybeExecuted):
						maybe.Add(1)
					case redis.SafeToRetry(err):
						notSent.Add(1)
					default:
						f.Errorf("INCR: %v", err)
						return
					}
				}
			})
		}
		flowing := func() {
			from := acknowledged.Load()
			f.eventually("writes that succeed", func() bool { return acknowledged.Load() > from+100 })
		}
		for maybe.Load() < lost {
			flowing()
			f.command("CLIENT", "KILL", "TYPE", "normal")
		}
		flowing()
		if err := errors.Join(f.server.Kill(f.ctx), f.server.Start(f.ctx)); err != nil {
			f.Fatal(err)
		}
		flowing()
		stop()
		all.Wait()
		counter := result(f, client, command.AsInt(command.Get("counter")))
		least := acknowledged.Load()
		most := least + maybe.Load()
		f.Logf("%d acknowledged, %d maybe executed, %d not sent; the counter is %d", least, maybe.Load(), notSent.Load(), counter)
		if counter < least || counter > most {
			f.Errorf("the counter is %d, want %d to %d", counter, least, most)
		}
	})
}

// TestReadsAfterRestart reads through a restart: reads are repeated until their
// context ends.
func TestReadsAfterRestart(t *testing.T) {
	own(t, servers.Config{}, func(f *fixture) {
		client := f.openWith(f.soon())
		missing(f, client, command.Get("k"))
		if err := f.server.Kill(f.ctx); err != nil {
			f.Fatal(err)
		}
		read := command.Get("k").Go(f.ctx, client) // while there is no server
		if err := f.server.Start(f.ctx); err != nil {
			f.Fatal(err)
		}
		if r := <-read; !errors.Is(r.Err, redis.Nil) {
			f.Errorf("GET through a restart = %q, %v", r.Value, r.Err)
		}
	})
}

// TestSharedClient uses one client from 64 goroutines in every way at once (A1).
func TestSharedClient(t *testing.T) {
	const goroutines, rounds = 64, 200
	shared(t, func(f *fixture) {
		client := f.open()
		sub := f.subscribe(client)
		var all sync.WaitGroup
		for g := range goroutines {
			all.Go(func() {
				key := fmt.Sprintf("key:%d", g)
				var b command.Batch
				for i := range rounds {
					value := fmt.Sprintf("%s=%d", key, i)
					equal(f, client, command.Set(key, value), done)
					equal(f, client, command.Get(key), value)
					b.Incr("counter")
					mine := b.Get(key)
					if err := client.Exec(f.ctx, &b); err != nil || mine.Value() != value {
						f.Errorf("batch = %q, %v, want %q", mine.Value(), err, value)
					}
					if i%50 == 0 {
						equal(f, client, command.RPush("l:"+key, value), 1)
						equal(f, client, command.BLPop(time.Minute, "l:"+key), command.KeyValue{Key: "l:" + key, Value: value})
						if err := sub.Subscribe(f.ctx, key); err != nil {
							f.Error(err)
						}
					}
				}
			})
		}
		all.Wait()
		equal(f, client, command.Get("counter"), fmt.Sprint(goroutines*rounds))
		if n := len(sub.Names()); n != goroutines {
			f.Errorf("subscribed to %d names, want %d", n, goroutines)
		}
	})
}
