package redis_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/redistest"
)

// A context that ends while a command is tried again is found in its error, beside what the
// server said last.
func TestContextEndsDuringRetries(t *testing.T) {
	why := errors.New("the user has left")
	contexts := map[string]struct {
		begin func(context.Context) (context.Context, context.CancelFunc)
		want  []error
	}{
		"deadline": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Second)
		}, []error{context.DeadlineExceeded}},
		"canceled": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(10*time.Millisecond, cancel)
			return ctx, cancel
		}, []error{context.Canceled}},
		"cause": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(ctx)
			time.AfterFunc(10*time.Millisecond, func() { cancel(why) })
			return ctx, func() { cancel(nil) }
		}, []error{context.Canceled, why}},
	}
	calls := map[string]func(context.Context, *redis.Client) error{
		"GET":   func(ctx context.Context, c *redis.Client) error { _, err := c.Get(ctx, "k"); return err },
		"BLPOP": func(ctx context.Context, c *redis.Client) error { _, err := c.BLPop(ctx, 0, "k"); return err },
		"MULTI": func(ctx context.Context, c *redis.Client) error {
			p := c.Pipeline()
			p.Incr("k")
			return p.Multi(ctx)
		},
	}
	for name, ends := range contexts {
		for command, call := range calls {
			t.Run(name+" "+command, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					server := redistest.NewServer(t)
					var dials atomic.Int64
					const loading = "-LOADING Redis is loading the dataset in memory\r\n"
					client, err := redis.New(redis.Options{Dial: greeted(server, map[string]string{
						"GET": loading, "BLPOP": loading, "INCR": loading,
						"EXEC": "-EXECABORT Transaction discarded because of previous errors.\r\n",
					}, &dials)})
					if err != nil {
						t.Fatal(err)
					}
					defer client.Close()
					ctx, cancel := ends.begin(t.Context())
					defer cancel()
					err = call(ctx, client)
					var reply *redis.ReplyError
					for _, want := range append(ends.want, redis.ErrRejected) {
						if !errors.Is(err, want) {
							t.Errorf("%v is not %v", err, want)
						}
					}
					if !errors.As(err, &reply) || reply.Code != "LOADING" {
						t.Errorf("%v does not have the server's words", err)
					}
					if hint := "the server is still reading"; strings.Count(err.Error(), hint) != 1 {
						t.Errorf("the hint is not there once: %v", err)
					}
				})
			})
		}
	}
}

// Hints of a handshake that failed appear once in the error of a command.
func TestHintAppearsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, _ := refusing(t, redis.Options{}, "HELLO", "NOAUTH HELLO must be called with the client already authenticated")
		defer client.Close()
		_, err := client.Get(t.Context(), "k")
		if err == nil || strings.Count(err.Error(), "Options.Password") != 1 {
			t.Errorf("%v", err)
		}
	})
}

// The end of DialTimeout is not that of the caller's context, and nothing tells of a
// connection that the client has closed itself.
func TestDialTimeoutIsNoDeadline(t *testing.T) {
	for name, step := range map[string]int{"no connection": -1, "no answer to HELLO": 0, "half a handshake": 1} {
		t.Run(name, func(t *testing.T) {
			story(t, redis.Options{DialTimeout: time.Second}, func(t *testing.T, _ *redis.Client, server *redistest.Server) {
				o := redis.Options{DialTimeout: time.Second, Dial: server.Dial, MaxAttempts: 1}
				if step < 0 {
					o.Dial = stuck
				}
				client, err := redis.New(o)
				if err != nil {
					t.Fatal(err)
				}
				defer client.Close()
				if step == 1 {
					go func() {
						c := server.Accept()
						c.Next()
						c.Send("%0\r\n+O")
					}()
				}
				_, err = client.Get(context.Background(), "k")
				if err == nil || errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "Options.DialTimeout") {
					t.Errorf("GET: %v", err)
				}
				var timeout interface{ Timeout() bool }
				if !errors.As(err, &timeout) || !timeout.Timeout() {
					t.Errorf("%v is no timeout", err)
				}
				if strings.Contains(err.Error(), "use of closed") {
					t.Errorf("GET: %v", err)
				}
			})
		})
	}
}
