package redis_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/redistest"
)

// monitoring opens a monitor.
func monitoring(ctx context.Context, t *testing.T, client *redis.Client, server *redistest.Server) (*redis.Monitor, *redistest.Conn) {
	t.Helper()
	var m *redis.Monitor
	done := run(func() (err error) {
		m, err = client.Monitor(ctx)
		return err
	})
	c := server.AcceptReady()
	c.Expect("MONITOR")
	c.OK()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return m, c
}

func TestMonitor(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		m, c := monitoring(t.Context(), t, client, server)
		for _, test := range []struct {
			text string
			want redis.MonitorLine
		}{
			// From the documentation of MONITOR.
			{`1339518083.107412 [0 127.0.0.1:60866] "keys" "*"`, redis.MonitorLine{Kind: "tcp", Client: "127.0.0.1:60866", Command: []string{"keys", "*"}}},
			{`1339518083.107412 [15 [::1]:60866] "get" "a] \"b"`, redis.MonitorLine{DB: 15, Kind: "tcp", Client: "[::1]:60866", Command: []string{"get", `a] "b`}}},
			{`1339518083.107412 [0 unix:/tmp/a b.sock] "set" "" "\\\r\n\t\a\b\x00\xff"`, redis.MonitorLine{Kind: "unix", Client: "/tmp/a b.sock", Command: []string{"set", "", "\\\r\n\t\a\b\x00\xff"}}},
			{`1339518083.107412 [2 lua] "incr" "n"`, redis.MonitorLine{DB: 2, Kind: "lua", Command: []string{"incr", "n"}}},
		} {
			c.Simple(test.text)
			test.want.Time = time.Unix(1339518083, 107412000)
			if diff := cmp.Diff(test.want, <-m.Lines()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.text, diff)
			}
		}
		// Who does not receive loses the oldest, and is told.
		for i := range 5000 {
			c.Simple(fmt.Sprintf(`1339518083.107412 [0 lua] "incr" "%d"`, i))
		}
		time.Sleep(time.Millisecond)
		received, missed := 0, 0
		for range 5000 {
			line := <-m.Lines()
			missed += line.Missed
			if received++; line.Command[1] != fmt.Sprint(received+missed-1) {
				t.Fatalf("line %d behind %d missed is %q", received, missed, line.Command)
			}
			if received+missed == 5000 {
				break
			}
		}
		if missed == 0 {
			t.Error("nothing was missed")
		}
		m.Close()
		m.Close()
		if _, ok := <-m.Lines(); ok || m.Err() != nil {
			t.Errorf("after Close: %v, %v", ok, m.Err())
		}
	})
}

// A line with a large value ended the stream.
func TestMonitorLargeValues(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		m, c := monitoring(t.Context(), t, client, server)
		defer m.Close()
		value := strings.Repeat("x", 1<<20)
		c.Simple(`1339518083.107412 [0 lua] "set" "k" "` + value + `"`)
		if line, ok := <-m.Lines(); !ok || line.Command[2] != value {
			t.Errorf("no line: %v", m.Err())
		}
	})
	o := redis.Options{Limits: proto.Limits{MaxLine: 1 << 10}}
	story(t, o, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		m, c := monitoring(t.Context(), t, client, server)
		defer m.Close()
		c.Simple(`1339518083.107412 [0 lua] "set" "k" "` + strings.Repeat("x", 1<<10) + `"`)
		var wrong *proto.ProtocolError
		if _, ok := <-m.Lines(); ok || !errors.As(m.Err(), &wrong) {
			t.Errorf("beyond the limit: %v", m.Err())
		}
	})
}

// A monitor that was being opened outlived its client.
func TestMonitorIsOpenedWhileItsClientIsClosed(t *testing.T) {
	for name, accept := range map[string]func(*redistest.Server) *redistest.Conn{
		"connecting": (*redistest.Server).Accept,
		"asking":     (*redistest.Server).AcceptReady,
	} {
		t.Run(name, func(t *testing.T) {
			story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
				done := run(func() error {
					_, err := client.Monitor(t.Context())
					return err
				})
				accept(server).Next()
				start := time.Now()
				client.Close()
				if err := <-done; !errors.Is(err, redis.ErrClosed) {
					t.Errorf("Monitor: %v", err)
				}
				within(t, "Monitor", start, 0, 100*time.Millisecond)
			})
		})
	}
}

func TestMonitorEnds(t *testing.T) {
	line := `1339518083.107412 [0 lua] "incr" "n"`
	for name, end := range map[string]func(cancel context.CancelFunc, client *redis.Client, c *redistest.Conn) error{
		"context": func(cancel context.CancelFunc, _ *redis.Client, _ *redistest.Conn) error {
			cancel()
			return context.Canceled
		},
		"client": func(_ context.CancelFunc, client *redis.Client, _ *redistest.Conn) error {
			client.Close()
			return redis.ErrClosed
		},
		"connection": func(_ context.CancelFunc, _ *redis.Client, c *redistest.Conn) error {
			c.Close()
			return io.EOF
		},
		"nonsense": func(_ context.CancelFunc, _ *redis.Client, c *redistest.Conn) error {
			c.Simple("1 nonsense")
			return nil // an error of its own
		},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				m, c := monitoring(ctx, t, client, server)
				c.Simple(line)
				if got := <-m.Lines(); got.Command[0] != "incr" {
					t.Errorf("%v", got)
				}
				want := end(cancel, client, c)
				if got, ok := <-m.Lines(); ok {
					t.Errorf("%v", got)
				}
				if err := m.Err(); err == nil || want != nil && want != io.EOF && !errors.Is(err, want) {
					t.Errorf("Err is %v", err)
				}
				m.Close()
			})
		})
	}
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		done := run(func() error {
			_, err := client.Monitor(t.Context())
			return err
		})
		c := server.AcceptReady()
		c.Expect("MONITOR")
		c.Error("NOPERM no")
		var reply *redis.ReplyError
		if err := <-done; !errors.As(err, &reply) || reply.Code != "NOPERM" {
			t.Errorf("%v", err)
		}
	})
}
