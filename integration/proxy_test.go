package integration

import (
	"strings"
	"testing"
	"time"

	"github.com/redchan-go/redchan/integration/servers"
	"github.com/redchan-go/redchan/redis"
)

// twemproxy ends the connection on HELLO, on CLIENT SETINFO, and on a PING with data. With
// RESP2 the client finds out what it can bear, and works.
func TestTwemproxy(t *testing.T) {
	servers.Each(t, func(t *testing.T, version servers.Version) {
		server := sharedServer(t, version)
		f := newFixture(t, server, true, testTimeout)
		f.command("FLUSHALL")
		addr := servers.StartMiddleT(t, servers.Nutcracker(), server.Addr)

		_, err := redis.OpenWith(f.ctx, redis.Options{Addr: addr})
		if err == nil || !strings.Contains(err.Error(), "Options.RESP2") || !strings.Contains(err.Error(), "protocol=2") {
			t.Errorf("RESP3: %v", err)
		}

		for _, url := range []string{"redis://" + addr + "?protocol=2", "redis://" + addr + "?protocol=2&client_info=false"} {
			// Silence is looked after too: by a PING that the proxy can answer.
			client, err := redis.Open(f.ctx, url+"&keep_alive=300ms&reply_timeout=1s")
			if err != nil {
				t.Fatalf("%s: %v", url, err)
			}
			for n := range int64(3) {
				if got, err := client.Incr(f.ctx, url); err != nil || got != n+1 {
					t.Errorf("%s: INCR: %d, %v", url, got, err)
				}
				time.Sleep(time.Second)
			}
			if s := client.Stats(); s.Answered < 3 {
				t.Errorf("%s: %+v", url, s)
			}
			if err := client.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

// haproxy ends connections that are idle for 2 s, as many do. Commands do not notice; with a
// shorter KeepAlive connections last.
func TestHAProxy(t *testing.T) {
	servers.Each(t, func(t *testing.T, version servers.Version) {
		server := sharedServer(t, version)
		for _, protocol := range protocols {
			t.Run(protocol.name, func(t *testing.T) {
				t.Parallel()
				f := newFixture(t, server, protocol.resp2, testTimeout)
				addr := servers.StartMiddleT(t, servers.HAProxy(), server.Addr)
				ended := f.openWith(redis.Options{Addr: addr, RESP2: protocol.resp2})
				kept := f.openWith(redis.Options{Addr: addr, RESP2: protocol.resp2, KeepAlive: 500 * time.Millisecond})
				sub, err := kept.Subscribe(f.ctx, "news "+protocol.name)
				if err != nil {
					t.Fatal(err)
				}
				for _, pause := range []time.Duration{0, time.Second, 2500 * time.Millisecond, 3 * time.Second} {
					time.Sleep(pause)
					// A write, which is not sent twice: that the connection has ended is seen before.
					if _, err := ended.Incr(f.ctx, "n"); err != nil {
						t.Errorf("INCR after %v: %v", pause, err)
					}
					if _, err := kept.Incr(f.ctx, "n"); err != nil {
						t.Errorf("INCR with KeepAlive after %v: %v", pause, err)
					}
					if n, err := kept.Publish(f.ctx, "news "+protocol.name, "x"); err != nil || n != 1 {
						t.Errorf("PUBLISH after %v: %d, %v", pause, n, err)
					}
					select {
					case m := <-sub.Messages():
						if m.Gap != nil {
							t.Errorf("after %v: %v", pause, m.Gap)
						}
					case <-f.ctx.Done():
						t.Fatal("no message")
					}
				}
			})
		}
	})
}
