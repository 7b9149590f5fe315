package redis_test

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/redistest"
)

// story runs a test under virtual time with a fake server and a client of it.
// The client is closed behind it; synctest fails the test where a goroutine is
// left.
func story(t *testing.T, o redis.Options, test func(t *testing.T, client *redis.Client, server *redistest.Server)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server := redistest.NewServer(t)
		o.Dial = server.Dial
		client, err := redis.New(o)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			start := time.Now()
			if err := client.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
			if took := time.Since(start); took > time.Second {
				t.Errorf("Close took %v", took)
			}
		}()
		test(t, client, server)
	})
}

// served returns a Dial of connections that shake hands and then answer each command by
// what answer returns. It counts them.
func served(server *redistest.Server, answer func(words []string) string, dials *atomic.Int64) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		dials.Add(1)
		nc, err := server.Dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		conn := server.Accept()
		go conn.Serve(func(words []string) (string, bool) {
			if words[0] == "PING" && len(words) == 2 {
				return fmt.Sprintf("$%d\r\n%s\r\n", len(words[1]), words[1]), true
			}
			if reply := answer(words); reply != "" {
				return reply, true
			}
			return map[string]string{"HELLO": "%0\r\n", "PING": "+PONG\r\n"}[words[0]] +
				map[bool]string{true: "+OK\r\n"}[words[0] != "HELLO" && words[0] != "PING"], true
		})
		return nc, nil
	}
}

// greeted is served with fixed answers.
func greeted(server *redistest.Server, answers map[string]string, dials *atomic.Int64) func(context.Context, string, string) (net.Conn, error) {
	return served(server, func(words []string) string { return answers[words[0]] }, dials)
}

// stuck is a Dial that gets nowhere.
func stuck(ctx context.Context, _, _ string) (net.Conn, error) {
	<-ctx.Done()
	return nil, &net.OpError{Op: "dial", Err: ctx.Err()}
}

// command1 is a request by its words.
func command1(words ...any) command.Request {
	return command.Raw(words[0].(string), words[1:]...).Request()
}

// within fails the test where less than from or more than to has passed since
// start.
func within(t *testing.T, what string, start time.Time, from, to time.Duration) {
	t.Helper()
	if took := time.Since(start); took < from || took > to {
		t.Errorf("%s took %v, not between %v and %v", what, took, from, to)
	}
}
