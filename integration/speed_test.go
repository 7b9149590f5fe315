package integration

import (
	"context"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
)

// countingWrites counts the calls of Write.
type countingWrites struct {
	net.Conn
	writes *atomic.Int64
}

func (c countingWrites) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

// Requests of many callers go out together, without being asked to.
func TestCallersShareWrites(t *testing.T) {
	shared(t, func(f *fixture) {
		const callers, calls = 64, 200
		var writes atomic.Int64
		options := f.options()
		options.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, addr)
			return countingWrites{conn, &writes}, err
		}
		client := f.openWith(options)
		before := writes.Load()
		var all sync.WaitGroup
		for range callers {
			all.Go(func() {
				for range calls {
					if _, err := client.Incr(f.Context(), "n"); err != nil {
						f.Error(err)
						return
					}
				}
			})
		}
		all.Wait()
		if n, err := client.Get(f.Context(), "n"); err != nil || n != strconv.Itoa(callers*calls) {
			f.Errorf("counted to %s, %v", n, err)
		}
		if n := writes.Load() - before; n > callers*calls/3 {
			f.Errorf("%d writes for %d requests of %d callers", n, callers*calls, callers)
		}
	})
}

// Pipelines of many goroutines share a connection and the memory of those before
// them, and nothing else.
func TestPipelines(t *testing.T) {
	shared(t, func(f *fixture) {
		client := f.open()
		var all sync.WaitGroup
		for id := range 8 {
			all.Go(func() {
				key := "pipeline:" + strconv.Itoa(id)
				for round := range 50 {
					p := client.Pipeline()
					set := p.Set(key, round)
					got := p.Get(key)
					sum := p.IncrBy(key, 1000)
					missing := p.Get(key + ":missing")
					wrong := p.LLen(key)
					err := p.Exec(f.Context())
					if err == nil {
						f.Error("LLEN of a string is no error")
						return
					}
					if err := set.Err(); err != nil {
						f.Errorf("SET: %v", err)
					}
					if v := got.Value(); v != strconv.Itoa(round) {
						f.Errorf("GET: %q in round %d", v, round)
					}
					if v := sum.Value(); v != int64(round+1000) {
						f.Errorf("INCRBY: %d in round %d", v, round)
					}
					if missing.Err() == nil || wrong.Err() == nil {
						f.Errorf("missing: %v, wrong: %v", missing.Err(), wrong.Err())
					}
				}
			})
		}
		all.Wait()
	})
}
