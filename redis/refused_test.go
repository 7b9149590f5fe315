package redis_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/redistest"
)

// refusing is a client of a server that lets nobody in; it tells how often that was tried.
func refusing(t *testing.T, o redis.Options, step, refusal string) (client *redis.Client, tries *atomic.Int64) {
	t.Helper()
	server := redistest.NewServer(t)
	tries = new(atomic.Int64)
	o.Dial = greeted(server, map[string]string{step: "-" + refusal + "\r\n"}, tries)
	client, err := redis.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return client, tries
}

// A refusal for good is told to everybody at once, and tried again ever more rarely: some
// servers lock an account.
func TestRefusedForGood(t *testing.T) {
	for refusal, step := range map[string]string{
		"WRONGPASS invalid username-password pair or user is disabled.":   "HELLO",
		"NOPERM this user has no permissions to run the 'select' command": "SELECT",
		"ERR DB index is out of range":                                    "SELECT",
	} {
		t.Run(refusal, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, tries := refusing(t, redis.Options{Password: redis.NewSecret("s3cret"), DB: 7}, step, refusal)
				defer client.Close()
				var all sync.WaitGroup
				calls := map[string]func(context.Context) error{
					"GET":     func(ctx context.Context) error { _, err := client.Get(ctx, "k"); return err },
					"BLPOP":   func(ctx context.Context) error { _, err := client.BLPop(ctx, 0, "k"); return err },
					"session": func(ctx context.Context) error { _, err := client.Session(ctx); return err },
				}
				start := time.Now()
				for name, call := range calls {
					for range 10 {
						all.Go(func() {
							for time.Since(start) < 2*time.Minute {
								ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
								began := time.Now()
								err := call(ctx)
								cancel()
								var reply *redis.ReplyError
								if !errors.As(err, &reply) || reply.Error() != refusal || !errors.Is(err, redis.ErrNotSent) {
									t.Errorf("%s: %v", name, err)
								}
								within(t, name, began, 0, 0)
								time.Sleep(time.Second)
							}
						})
					}
				}
				all.Wait()
				// After 1, 2, 4, 8, 16 s at most, and then each 15 to 30 s.
				if n := tries.Load(); n > 14 || n < 6 {
					t.Errorf("it was tried %d times", n)
				}
			})
		})
	}
}

// Where the password is right again, so is the client.
func TestRefusedAndLetIn(t *testing.T) {
	story(t, redis.Options{Password: redis.NewSecret("s3cret")}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		got := get(t.Context(), client, "k")
		conn := server.Accept()
		conn.Expect("HELLO", "3", "AUTH", "default", "s3cret")
		for range 3 {
			conn.Next()
		}
		conn.Send(strings.Repeat("-WRONGPASS no\r\n", 4))
		if r := <-got; r.Err == nil {
			t.Error("a wrong password is accepted")
		}
		time.Sleep(time.Millisecond)
		conn = server.AcceptReady()
		synctest.Wait()
		got = get(t.Context(), client, "k")
		conn.Expect("GET", "k")
		conn.Bulk("v")
		if r := <-got; r.Value != "v" {
			t.Errorf("GET: %v", r.Err)
		}
	})
}

// A pool whose connections can't be made is not exhausted.
func TestUnreachableIsNotExhausted(t *testing.T) {
	for name, reachable := range map[string]bool{"refuses": false, "does not answer": true} {
		t.Run(name, func(t *testing.T) {
			story(t, redis.Options{PoolSize: 2, DialTimeout: 3 * time.Second}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
				if !reachable {
					server.Refuse(errAway)
				}
				var all sync.WaitGroup
				for range 8 {
					all.Go(func() {
						ctx, cancel := context.WithTimeout(t.Context(), time.Second)
						defer cancel()
						_, err := client.BLPop(ctx, 0, "list")
						if errors.Is(err, redis.ErrPoolExhausted) || !errors.Is(err, context.DeadlineExceeded) || !reachable && !errors.Is(err, errAway) {
							t.Errorf("BLPOP: %v", err)
						}
					})
				}
				all.Wait()
			})
		})
	}
}

// The zero Client and Session, and a nil context, give errors that say so.
func TestWhatIsMissingIsSaid(t *testing.T) {
	server := redistest.NewServer(t)
	good, err := redis.New(redis.Options{Dial: server.Dial})
	if err != nil {
		t.Fatal(err)
	}
	defer good.Close()
	ctx := t.Context()
	var none context.Context
	for name, call := range map[string]func() error{
		"GET of zero":           func() error { _, err := new(redis.Client).Get(ctx, "k"); return err },
		"Do of zero":            func() error { _, err := new(redis.Client).Do(ctx, command1("GET", "k")); return err },
		"BLPOP of zero":         func() error { _, err := new(redis.Client).BLPop(ctx, 0, "k"); return err },
		"pipeline of zero":      func() error { p := new(redis.Client).Pipeline(); p.Get("k"); return p.Exec(ctx) },
		"transaction of zero":   func() error { p := new(redis.Client).Pipeline(); p.Get("k"); return p.Multi(ctx) },
		"Subscribe of zero":     func() error { _, err := new(redis.Client).Subscribe(ctx, "c"); return err },
		"session of zero":       func() error { _, err := new(redis.Client).Session(ctx); return err },
		"Watch of zero":         func() error { _, err := new(redis.Client).Watch(ctx, "k"); return err },
		"Monitor of zero":       func() error { _, err := new(redis.Client).Monitor(ctx); return err },
		"GET of zero session":   func() error { _, err := new(redis.Session).Get(ctx, "k"); return err },
		"Do of zero session":    func() error { _, err := new(redis.Session).Do(ctx, command1("GET", "k")); return err },
		"Watch of zero session": func() error { return new(redis.Session).Watch(ctx, "k") },
		"GET without ctx":       func() error { _, err := good.Get(none, "k"); return err },
		"BLPOP without ctx":     func() error { _, err := good.BLPop(none, 0, "k"); return err },
		"pipeline without ctx":  func() error { p := good.Pipeline(); p.Get("k"); return p.Exec(none) },
		"Multi without ctx":     func() error { p := good.Pipeline(); p.Get("k"); return p.Multi(none) },
		"Subscribe without ctx": func() error { _, err := good.Subscribe(none, "c"); return err },
		"session without ctx":   func() error { _, err := good.Session(none); return err },
		"Monitor without ctx":   func() error { _, err := good.Monitor(none); return err },
		"Subscribe to nothing":  func() error { _, err := good.Subscribe(ctx); return err },
		"PSubscribe to nothing": func() error { _, err := good.PSubscribe(ctx); return err },
	} {
		if err := call(); !errors.Is(err, redis.ErrArgument) || redis.SafeToRetry(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, closing := range map[string]func() error{
		"client": new(redis.Client).Close, "session": new(redis.Session).Close,
	} {
		if err := closing(); err != nil {
			t.Errorf("Close of a zero %s: %v", name, err)
		}
	}
}

// Calls that subscribe hear of the refusal at once too: they don't wait for the end of
// SubscribeTimeout.
func TestSubscribeRefusedForGood(t *testing.T) {
	const refusal = "WRONGPASS invalid username-password pair or user is disabled."
	synctest.Test(t, func(t *testing.T) {
		client, _ := refusing(t, redis.Options{Password: redis.NewSecret("s3cret")}, "HELLO", refusal)
		defer client.Close()
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				began := time.Now()
				_, err := client.Subscribe(t.Context(), "news")
				var reply *redis.ReplyError
				if !errors.As(err, &reply) || reply.Error() != refusal || !errors.Is(err, redis.ErrNotSent) {
					t.Errorf("Subscribe: %v", err)
				}
				within(t, "Subscribe", began, 0, 0)
			})
		}
		all.Wait()
	})
}
