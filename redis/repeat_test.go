package redis_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/redistest"
)

// What was declared to be repeatable is sent again when its reply was lost, and nothing else is.
func TestIdempotentIsRepeated(t *testing.T) {
	script := command.NewScriptOf("return 1", command.AsInt)
	pipeline := func(declared bool, exec func(p *redis.Pipeline, ctx context.Context) error) func(context.Context, *redis.Client) error {
		return func(ctx context.Context, c *redis.Client) error {
			p := c.Pipeline()
			first, last := p.Incr("a"), p.Incr("b")
			if declared {
				p.Idempotent()
			}
			err := exec(p, ctx)
			if err == nil && (first.Value() != 7 || last.Value() != 7) {
				err = errors.New("wrong results")
			}
			return err
		}
	}
	calls := map[string]map[bool]func(context.Context, *redis.Client) error{
		"a command": {
			true: func(ctx context.Context, c *redis.Client) error {
				_, err := command.Incr("a").Idempotent().Do(ctx, c)
				return err
			},
			false: func(ctx context.Context, c *redis.Client) error { _, err := c.Incr(ctx, "a"); return err },
		},
		"a command that blocks": {
			true: func(ctx context.Context, c *redis.Client) error {
				_, err := command.AsAny(command.BLMove("a", "b", command.Left, command.Left, 0).Idempotent()).Do(ctx, c)
				return err
			},
			false: func(ctx context.Context, c *redis.Client) error {
				_, err := command.AsAny(command.BLMove("a", "b", command.Left, command.Left, 0)).Do(ctx, c)
				return err
			},
		},
		"a script": {
			true: func(ctx context.Context, c *redis.Client) error {
				_, err := script.Idempotent().Run(ctx, c, nil)
				return err
			},
			false: func(ctx context.Context, c *redis.Client) error { _, err := script.Run(ctx, c, nil); return err },
		},
		"a batch":       {true: pipeline(true, (*redis.Pipeline).Exec), false: pipeline(false, (*redis.Pipeline).Exec)},
		"a transaction": {true: pipeline(true, (*redis.Pipeline).Multi), false: pipeline(false, (*redis.Pipeline).Multi)},
	}
	for name, kinds := range calls {
		for declared, call := range kinds {
			for lost, works := range map[int]bool{1: true, 2: true, 3: false} {
				t.Run(name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						server := redistest.NewServer(t)
						client, err := redis.New(redis.Options{Dial: server.Dial})
						if err != nil {
							t.Fatal(err)
						}
						defer client.Close()
						done := run(func() error { return call(t.Context(), client) })
						sends := 0
						for sends < 3 && (declared || sends < 1) {
							conn := server.AcceptReady()
							sends++
							if sends <= lost {
								conn.Next() // and ends before it answers
								conn.Close()
								continue
							}
							go conn.Serve(repeated())
							break
						}
						err = <-done
						if want := declared && works; (err == nil) != want {
							t.Errorf("declared: %v, %d replies lost: %v", declared, lost, err)
						}
						if err != nil && !errors.Is(err, redis.ErrMaybeExecuted) {
							t.Errorf("declared: %v, %d replies lost: %v", declared, lost, err)
						}
					})
				})
			}
		}
	}
}

// repeated answers what TestIdempotentIsRepeated sends over one connection.
func repeated() func(words []string) (string, bool) {
	queues := false
	return func(words []string) (string, bool) {
		switch {
		case words[0] == "MULTI":
			queues = true
			return "+OK\r\n", true
		case words[0] == "EXEC":
			return "*2\r\n:7\r\n:7\r\n", true
		case queues:
			return "+QUEUED\r\n", true
		}
		return ":7\r\n", true
	}
}
