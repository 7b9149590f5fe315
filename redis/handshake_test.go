package redis_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/redistest"
)

func TestHandshake(t *testing.T) {
	o := redis.Options{Username: "ann", Password: redis.NewSecret("s3cret"), DB: 2, ClientName: "jobs"}
	story(t, o, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		got := command.Get("k").Go(t.Context(), client)
		for range 2 { // the second time after the connection was lost
			conn := server.Accept()
			conn.Expect("HELLO", "3", "AUTH", "ann", "s3cret", "SETNAME", "jobs")
			conn.Expect("CLIENT", "SETINFO", "LIB-NAME", "redchan")
			conn.Expect("CLIENT", "SETINFO", "LIB-VER", redistest.Any)
			conn.Expect("SELECT", "2")
			conn.Send("%1\r\n$5\r\nproto\r\n:3\r\n+OK\r\n+OK\r\n+OK\r\n")
			conn.Fence()
			conn.Expect("GET", "k")
			conn.Close() // GET reads only, and is sent again
		}
		conn := server.AcceptReady()
		conn.Expect("GET", "k")
		conn.Bulk("v")
		if r := <-got; r.Value != "v" {
			t.Errorf("GET: %v", r.Err)
		}
	})
}

func TestHandshakeRESP2(t *testing.T) {
	for name, refusal := range map[string]string{
		"Redis 5":          "ERR unknown command `HELLO`, with args beginning with: `3`, `AUTH`, `default`, `s3cret`, ",
		"no RESP3":         "NOPROTO unsupported protocol version",
		"RESP2 by request": "",
	} {
		t.Run(name, func(t *testing.T) {
			o := redis.Options{Password: redis.NewSecret("s3cret"), DB: 3, RESP2: refusal == ""}
			story(t, o, func(t *testing.T, client *redis.Client, server *redistest.Server) {
				got := command.Get("k").Go(t.Context(), client)
				conn := server.Accept()
				if refusal != "" {
					conn.Expect("HELLO", "3", "AUTH", "default", "s3cret")
					conn.Error(refusal)
					for range 4 {
						conn.Next()
						conn.Error("NOAUTH Authentication required.")
					}
				}
				conn.Expect("AUTH", "s3cret")
				conn.Expect("CLIENT", "SETINFO", redistest.Any, redistest.Any)
				conn.Expect("CLIENT", "SETINFO", redistest.Any, redistest.Any)
				conn.Expect("SELECT", "3")
				conn.Send("+OK\r\n-ERR no\r\n-ERR no\r\n+OK\r\n")
				conn.Fence()
				conn.Expect("GET", "k")
				conn.Send("$-1\r\n")
				if r := <-got; r.Err != redis.Nil {
					t.Errorf("GET: %v", r.Err)
				}
			})
		})
	}
}

// A refused handshake is an error at once, names what was refused, and shows no
// secret. The connection is closed.
func TestHandshakeRefused(t *testing.T) {
	for _, reply := range []string{
		"-WRONGPASS invalid username-password pair or user is disabled.\r\n",
		"-WRONGPASS invalid password s3cret\r\n", // no server does that, and none could
	} {
		story(t, redis.Options{}, func(t *testing.T, _ *redis.Client, server *redistest.Server) {
			opened := make(chan error, 1)
			go func() {
				_, err := redis.OpenWith(t.Context(), redis.Options{Dial: server.Dial, Password: redis.NewSecret("s3cret")})
				opened <- err
			}()
			conn := server.Accept()
			conn.Next()
			conn.Send(reply + "-NOAUTH\r\n-NOAUTH\r\n-NOAUTH\r\n")
			err := <-opened
			var refusal *redis.ReplyError
			if !errors.As(err, &refusal) {
				t.Fatalf("Open: %v", err)
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error shows the password: %v", err)
			}
			for range 3 {
				conn.Next()
			}
			conn.ExpectEnd()
		})
	}
}

func TestHandshakeHangs(t *testing.T) {
	o := redis.Options{DialTimeout: 3 * time.Second}
	story(t, o, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		start := time.Now()
		o.Dial = server.Dial
		_, err := redis.OpenWith(t.Context(), o)
		// It is not the context that has ended.
		if err == nil || errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "Options.DialTimeout") {
			t.Errorf("Open: %v", err)
		}
		within(t, "Open", start, 3*time.Second, 3*time.Second)

		// Its own context may end it sooner.
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start = time.Now()
		if _, err = redis.OpenWith(ctx, o); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Open: %v", err)
		}
		within(t, "Open", start, time.Second, time.Second)
	})
}

func TestSecretIsNeverPrinted(t *testing.T) {
	o := redis.Options{Username: "ann", Password: redis.NewSecret("s3cret")}
	for _, printed := range []string{
		fmt.Sprint(o), fmt.Sprintf("%+v", o), fmt.Sprintf("%#v", o), fmt.Sprintf("%q", o.Password),
		fmt.Sprintf("%s %v %x %d", o.Password, o.Password, o.Password, o.Password), o.Password.String(),
	} {
		if strings.Contains(printed, "s3cret") || strings.Contains(printed, fmt.Sprintf("%x", "s3cret")) {
			t.Errorf("shown: %s", printed)
		}
	}
	if text, _ := o.Password.MarshalText(); string(text) != "[redacted]" {
		t.Errorf("marshalled: %s", text)
	}
}
