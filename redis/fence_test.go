package redis_test

import (
	"context"
	"net"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/redistest"
)

// opening opens a client of a server whose part the test plays.
func opening(t *testing.T, o redis.Options, play func(server *redistest.Server)) (err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server := redistest.NewServer(t)
		o.Dial = server.Dial
		opened := run(func() error {
			client, err := redis.OpenWith(t.Context(), o)
			if err == nil {
				err = client.Close()
			}
			return err
		})
		play(server)
		err = <-opened
	})
	return err
}

// Replies of a kind that their command does not have refuse the connection, and the error
// says what came.
func TestHandshakeOfAnotherKind(t *testing.T) {
	const hello, ok = "%1\r\n$5\r\nproto\r\n:3\r\n", "+OK\r\n"
	for _, test := range []struct {
		replies string // in answer to HELLO, SETINFO twice, SELECT and READONLY
		shown   string
	}{
		{"+welcome\r\n" + hello + ok + ok + ok + ok, `HELLO is the simple string "welcome"`},
		{ok + ok + ok + ok + ok, `HELLO is the simple string "OK"`},
		{":1\r\n" + ok + ok + ok + ok, "HELLO is the integer"},
		{"_\r\n" + ok + ok + ok + ok, "HELLO is the null"},
		{"*1\r\n:1\r\n" + ok + ok + ok + ok, "HELLO is the array"},
		{hello + "$2\r\nOK\r\n" + ok + ok + ok, `CLIENT is the bulk string "OK"`},
		{hello + ok + ok + ":0\r\n" + ok, "SELECT is the integer"},
		{hello + ok + ok + ok + "+PONG\r\n", `READONLY is the simple string "PONG"`},
		{hello + ok + ok + ok + ok + "+EXTRA\r\n", `PING is the simple string "EXTRA"`},
		{hello + ok + ok + ok + ok + "$6\r\ns3cret\r\n", `PING is the bulk string "[redacted]"`},
	} {
		o := redis.Options{DB: 1, ReadOnly: true, Password: redis.NewSecret("s3cret")}
		err := opening(t, o, func(server *redistest.Server) {
			conn := server.Accept()
			for range 5 {
				conn.Next()
			}
			conn.Send(test.replies)
			conn.Fence()
			conn.ExpectEnd()
		})
		if err == nil || !strings.Contains(err.Error(), test.shown) {
			t.Errorf("%q: %v, expected %s", test.replies, err, test.shown)
		}
	}
}

// HELLO may be answered by the flat array of RESP2.
func TestHelloAsAnArray(t *testing.T) {
	for hello, good := range map[string]bool{
		"*4\r\n$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n:2\r\n": true, "*0\r\n": false, "*1\r\n+a\r\n": false, "*-1\r\n": false,
	} {
		err := opening(t, redis.Options{NoClientInfo: true}, func(server *redistest.Server) {
			conn := server.Accept()
			conn.Expect("HELLO", "3")
			conn.Send(hello)
			conn.Fence()
			conn.ExpectEnd()
		})
		if good != (err == nil) {
			t.Errorf("%q: %v", hello, err)
		}
	}
}

// Nothing but pushes may come behind the fence.
func TestBehindTheFence(t *testing.T) {
	const hello = "%1\r\n$5\r\nproto\r\n:3\r\n+OK\r\n+OK\r\n"
	for behind, good := range map[string]bool{
		"": true, ">2\r\n+a\r\n+b\r\n": true, ">2\r\n+a": true, "+OK\r\n": false, "$13\r\nhe": false, ">1\r\n+a\r\n:": false, "\r\n": false,
	} {
		err := opening(t, redis.Options{}, func(server *redistest.Server) {
			conn := server.Accept()
			for range 3 {
				conn.Next()
			}
			token := conn.Next()[1]
			conn.Send(hello + "$" + strconv.Itoa(len(token)) + "\r\n" + token + "\r\n" + behind)
			conn.ExpectEnd()
		})
		if good != (err == nil) {
			t.Errorf("%q: %v", behind, err)
		}
	}
}

// A refusal of the fence that names PING is the fence's own. One that could be the answer to
// anything is not believed: a command that nobody knows decides.
func TestFenceRefused(t *testing.T) {
	const hello = "%1\r\n$5\r\nproto\r\n:3\r\n+OK\r\n+OK\r\n"
	for _, test := range []struct {
		refusal string
		second  string // the answer to the second fence; NAME is its name
		good    bool
	}{
		{"NOPERM this user has no permissions to run the 'ping' command", "", true},
		{"ERR unknown command `PING`, with args beginning with: ", "", true},
		{"LOADING Redis is loading the dataset in memory", "-ERR unknown command 'NAME', with args beginning with: \r\n", true},
		{"MISCONF Errors writing to the AOF file", "-ERR unknown command 'NAME'\r\n", true},
		{"MASTERDOWN Link with MASTER is down", "-ERR unknown command 'OTHER'\r\n", false},
		{"NOPERM no", "-LOADING Redis is loading the dataset in memory\r\n", false},
		{"LOADING Redis is loading the dataset in memory", "+PONG\r\n", false},
		{"LOADING Redis is loading the dataset in memory", "-ERR unknown command 'NAME'\r\n+OK\r\n", false},
	} {
		err := opening(t, redis.Options{}, func(server *redistest.Server) {
			conn := server.Accept()
			for range 4 {
				conn.Next()
			}
			conn.Send(hello)
			conn.Error(test.refusal)
			if test.second != "" {
				conn.Send(strings.Replace(test.second, "NAME", conn.Next()[0], 1))
			}
			conn.ExpectEnd()
		})
		if test.good != (err == nil) {
			t.Errorf("%q, %q: %v", test.refusal, test.second, err)
		}
	}
}

// Whatever words HELLO is refused with, the handshake goes on in RESP2; what the server said
// is told where that fails.
func TestHelloRefusedInAnyWords(t *testing.T) {
	for _, refusal := range []string{
		"ERR unsupported command", "NOPERM this user has no permissions to run the 'hello' command", "Unknown command", "ERR wrong",
	} {
		if err := opening(t, redis.Options{}, func(server *redistest.Server) {
			conn := server.Accept()
			for range 4 {
				conn.Next()
				conn.Error(refusal)
			}
			conn.Fence() // again, without CLIENT SETINFO, which was refused as well
			conn.ExpectEnd()
		}); err != nil {
			t.Errorf("%s: %v", refusal, err)
		}
	}
	err := opening(t, redis.Options{NoClientInfo: true}, func(server *redistest.Server) {
		conn := server.Accept()
		conn.Error("ERR max number of clients reached")
		conn.Close()
	})
	if err == nil || !strings.Contains(err.Error(), "max number of clients") {
		t.Errorf("%v", err)
	}
}

// A server that wants AUTH before HELLO gets it.
func TestAuthBeforeHello(t *testing.T) {
	if err := opening(t, redis.Options{Username: "ann", Password: redis.NewSecret("s3cret")}, func(server *redistest.Server) {
		conn := server.Accept()
		conn.Expect("HELLO", "3", "AUTH", "ann", "s3cret")
		conn.Error("NOAUTH Authentication required.")
		for range 3 {
			conn.Next()
			conn.Error("NOAUTH Authentication required.")
		}
		conn.Expect("AUTH", "ann", "s3cret")
		conn.OK()
		conn.Handshake()
		conn.ExpectEnd()
	}); err != nil {
		t.Error(err)
	}
}

// A user without a password logs in with an empty one.
func TestUserWithoutPassword(t *testing.T) {
	for _, resp2 := range []bool{false, true} {
		if err := opening(t, redis.Options{Username: "ann", RESP2: resp2}, func(server *redistest.Server) {
			conn := server.Accept()
			if resp2 {
				conn.Expect("AUTH", "ann", "")
				conn.OK()
			} else {
				conn.Expect("HELLO", "3", "AUTH", "ann", "")
				conn.Send("%0\r\n")
			}
			for range 2 {
				conn.Expect("CLIENT", "SETINFO", redistest.Any, redistest.Any)
				conn.OK()
			}
			conn.Fence()
			conn.ExpectEnd()
		}); err != nil {
			t.Error(err)
		}
	}
}

// CLIENT SETINFO is not sent to who has refused it, and never where the options say so.
func TestClientInfoIsLeftOut(t *testing.T) {
	for name, silent := range map[string]bool{"by the options": true, "after a refusal": false} {
		t.Run(name, func(t *testing.T) {
			story(t, redis.Options{NoClientInfo: silent}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
				for n := range 3 {
					got := command.Get("k").Go(t.Context(), client)
					conn := server.Accept()
					conn.Expect("HELLO", "3")
					conn.Send("%0\r\n")
					if n == 0 && !silent {
						for range 2 {
							conn.Expect("CLIENT", "SETINFO", redistest.Any, redistest.Any)
							conn.Error("NOPERM this user has no permissions to run the 'client|setinfo' command")
						}
					}
					conn.Fence()
					conn.Expect("GET", "k")
					conn.Null()
					<-got
					conn.Close()
					synctest.Wait()
				}
			})
		})
	}
}

// A proxy that ends the connection on what it does not know is spoken to as it likes it: at
// once, and from then on.
func TestConnectionEndsOnClientInfo(t *testing.T) {
	story(t, redis.Options{RESP2: true, KeepAlive: 10 * time.Second}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		got := command.Get("k").Go(t.Context(), client)
		server.Accept().Close() // CLIENT SETINFO
		server.Accept().Close() // a PING with data
		for n := range 2 {
			conn := server.Accept()
			conn.Expect("PING")
			conn.Simple("PONG")
			conn.Expect("GET", "k")
			conn.Null()
			<-got
			// Nor later.
			conn.Expect("PING")
			conn.Simple("PONG")
			conn.Close()
			if n == 0 {
				got = command.Get("k").Go(t.Context(), client)
			}
		}
	})
}

// Connections that were lost in the handshake by chance make the client leave out what it says
// besides, but not for long: some time later it introduces itself in full again.
func TestLostHandshakesAreForgotten(t *testing.T) {
	for _, lost := range []int{1, 2} { // then CLIENT SETINFO is left out, and then the data of PING
		story(t, redis.Options{RESP2: true, KeepAlive: time.Hour}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
			// full plays the handshake of a client that says all it has to say.
			full := func() *redistest.Conn {
				conn := server.Accept()
				for range 2 {
					conn.Expect("CLIENT", "SETINFO", redistest.Any, redistest.Any)
					conn.OK()
				}
				conn.Fence()
				return conn
			}
			brief := func() *redistest.Conn {
				conn := server.Accept()
				if words := conn.Next(); words[0] != "PING" || lost == 2 && len(words) != 1 {
					t.Errorf("the handshake begins with %q", words)
				} else if len(words) == 2 {
					conn.Bulk(words[1])
				} else {
					conn.Simple("PONG")
				}
				return conn
			}
			answer := func(conn *redistest.Conn, got <-chan command.Result[string]) {
				conn.Expect("GET", "k")
				conn.Null()
				<-got
			}
			got := get(t.Context(), client, "k")
			for range lost {
				server.Accept().Close()
			}
			conn := brief()
			answer(conn, got)
			time.Sleep(50 * time.Second)
			conn.Close() // by chance, too soon
			got = get(t.Context(), client, "k")
			conn = brief()
			answer(conn, got)
			time.Sleep(11 * time.Second)
			conn.Close()
			got = get(t.Context(), client, "k")
			conn = full()
			answer(conn, got)

			// A server that can't stand it is asked ever more rarely.
			conn.Close()
			got = get(t.Context(), client, "k")
			for range lost {
				server.Accept().Close()
			}
			for _, brieflyFor := range []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute} {
				conn = brief()
				answer(conn, got)
				time.Sleep(brieflyFor - time.Second)
				conn.Close()
				got = get(t.Context(), client, "k")
				conn = brief()
				answer(conn, got)
				time.Sleep(time.Second)
				conn.Close()
				got = get(t.Context(), client, "k")
				for range lost {
					server.Accept().Close()
				}
			}
			answer(brief(), got)
		})
	}
}

// So is one that refuses HELLO, and ends the connection on CLIENT SETINFO behind it.
func TestConnectionEndsOnClientInfoBehindHello(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		got := command.Get("k").Go(t.Context(), client)
		unknown := func(conn *redistest.Conn, more int) {
			conn.Expect("HELLO", "3")
			for range more {
				conn.Next()
			}
			conn.Send(strings.Repeat("-ERR unknown command\r\n", 1+more))
		}
		conn := server.Accept()
		unknown(conn, 3) // CLIENT SETINFO twice, and PING
		conn.Close()
		conn = server.Accept() // without CLIENT SETINFO
		unknown(conn, 1)
		conn.Fence()
		conn.Expect("GET", "k")
		conn.Null()
		if r := <-got; r.Err != redis.Nil {
			t.Errorf("%v", r.Err)
		}
	})
}

// A server that ends the connection at HELLO may be one of several; the error names what
// helps, whether it has read HELLO or was gone before.
func TestEndAtHello(t *testing.T) {
	hints := []string{"Options.RESP2", "protocol=2", "rediss://", "the server closed the connection"}
	for name, test := range map[string]struct {
		play  func(*redistest.Conn)
		early bool // before HELLO is sent
		says  []string
	}{
		"after HELLO":  {func(c *redistest.Conn) { c.Next(); c.Close() }, false, hints},
		"before HELLO": {func(c *redistest.Conn) { c.Close() }, true, hints},
		"after a word": {
			func(c *redistest.Conn) { c.Error("ERR max number of clients reached"); c.Close() }, true,
			[]string{"max number of clients"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := redistest.NewServer(t)
				dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
					nc, err := server.Dial(ctx, network, addr)
					if conn := server.Accept(); test.early {
						test.play(conn)
					} else {
						go test.play(conn)
					}
					return nc, err
				}
				_, err := redis.OpenWith(t.Context(), redis.Options{Dial: dial})
				for _, says := range test.says {
					if err == nil || !strings.Contains(err.Error(), says) {
						t.Errorf("%v, want %q", err, says)
					}
				}
			})
		})
	}
}
