//go:build unix

package conn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/redistest"
)

// Callers and writer hand over to each other at random, seed by seed: everybody gets
// the own reply, or the own context's error, and at the end nothing is left.
func TestStormOfWrites(t *testing.T) {
	first, seeds := uint64(1), uint64(150)
	switch {
	case *writeSeed > 0:
		first, seeds = *writeSeed, 1
	case *writeSeeds > 0:
		seeds = *writeSeeds
	case testing.Short():
		seeds = 40
	}
	var total stormCount
	for seed := first; seed < first+seeds && !t.Failed(); seed++ {
		onWire(t, func(t *testing.T, c *Conn, server *redistest.Conn, w *wire) {
			playWrites(t, seed, c, server, w, &total)
		})
		if t.Failed() {
			t.Logf("to repeat it: -run TestStormOfWrites -write.seed %d", seed)
		}
	}
	t.Logf("%d requests answered, %d cancelled; %d direct writes fitted, %d not; %d writes by the writer, %d of them behind many callers",
		total.answered.Load(), total.cancelled.Load(), total.whole.Load(), total.partial.Load(), total.byWriter.Load(), total.expected.Load())
	// How many of the last kind there are is the scheduler's doing under the race
	// detector: TestManyCallersAnswered is what proves them.
	if seeds > 1 && (total.answered.Load() == 0 || total.cancelled.Load() == 0 || total.whole.Load() == 0 ||
		total.partial.Load() == 0 || total.byWriter.Load() == 0) {
		t.Error("the storm did not get to what it is about")
	}
}

type stormCount struct{ answered, cancelled, whole, partial, byWriter, expected atomic.Int64 }

func playWrites(t *testing.T, seed uint64, c *Conn, server *redistest.Conn, w *wire, total *stormCount) {
	random := rand.New(rand.NewPCG(seed, 0))
	callers, calls := 2+random.IntN(20), 12
	patience := []time.Duration{time.Millisecond, 20 * time.Millisecond, time.Hour}[random.IntN(3)]
	late := 500 * time.Microsecond // the server
	many := seed%5 == 0            // who are answered at once, because they ask for little
	if many {
		callers, calls = manyCallers+20+random.IntN(60), 6
		patience, late = time.Hour, 5*time.Millisecond
	}

	// Who has the write lease runs these, one at a time.
	writes := rand.New(rand.NewPCG(seed, 1))
	pause := func() {
		switch writes.IntN(8) {
		case 0:
			time.Sleep(time.Duration(writes.Int64N(int64(200 * time.Microsecond))))
		case 1, 2:
			runtime.Gosched()
		}
	}
	handed := false // the last direct write was followed by a hand-over
	rounds := 0
	w.take = func(piece []byte) (int, error) {
		pause()
		n := len(piece)
		switch writes.IntN(6) {
		case 0:
			n = 0
		case 1, 2:
			n = writes.IntN(n + 1)
		}
		if rounds++; n < len(piece) {
			total.partial.Add(1)
		} else {
			total.whole.Add(1)
		}
		handed = n < len(piece) || rounds >= callerFlushes
		return n, nil
	}
	w.written = pause
	w.byWriter = func() {
		total.byWriter.Add(1)
		if !handed {
			total.expected.Add(1)
		}
		pause()
		rounds = 0
	}

	served := make(chan struct{})
	go func() { serveGlued(server, rand.New(rand.NewPCG(seed, 2)), late); close(served) }()

	var everybody sync.WaitGroup
	var fences atomic.Int32
	for i := range callers {
		random := rand.New(rand.NewPCG(seed, 3+uint64(i)))
		everybody.Go(func() {
			for n := range calls {
				key := fmt.Sprintf("%d.%d%s", i, n, strings.Repeat(".", random.IntN(60)))
				if !many && random.IntN(100) == 0 {
					key += strings.Repeat("L", largeRequest)
				}
				if random.IntN(20) == 0 {
					fences.Add(1)
					c.Fence(proto.AppendCommand(nil, "PING", key), &Fence{Token: key, Done: func(err error) {
						if fences.Add(-1); err != nil {
							t.Errorf("a fence: %v", err)
						}
					}})
				}
				ctx, cancel := context.Background(), func() {}
				if random.IntN(3) == 0 {
					ctx, cancel = context.WithTimeout(ctx, time.Duration(1+random.Int64N(int64(patience))))
				}
				switch err := askOrBatch(ctx, t, c, random, key, !many || random.IntN(10) == 0); {
				case err == nil:
					total.answered.Add(1)
				case ctx.Err() == nil || !errors.Is(err, context.DeadlineExceeded):
					t.Errorf("%.10s: %v", key, err)
				default:
					total.cancelled.Add(1)
				}
				cancel()
				if random.IntN(4) == 0 {
					time.Sleep(time.Duration(random.Int64N(int64(time.Millisecond))))
				}
			}
		})
	}
	everybody.Wait()
	r := command.Get("last").Request()
	if v, err := c.Do(context.Background(), &r); v.Str() != "last" || err != nil { // behind all that was abandoned
		t.Errorf("at the end: %.20q, %v", v.Str(), err)
	}
	time.Sleep(time.Millisecond) // the longest pause is shorter
	synctest.Wait()
	if n := fences.Load(); n != 0 {
		t.Errorf("%d fences are not answered", n)
	}
	atRest(t, c)
	c.fail(errClosed)
	<-c.done
	<-served
}

// askOrBatch makes one request, or some at once, and looks at the replies.
func askOrBatch(ctx context.Context, t *testing.T, c *Conn, random *rand.Rand, key string, batches bool) error {
	if !batches || random.IntN(5) > 0 || len(key) > largeRequest/2 {
		r := command.Get(key).Request()
		v, err := c.Do(ctx, &r)
		if err == nil && v.Str() != key {
			t.Errorf("%.10s got %.20q", key, v.Str())
		}
		return err
	}
	var rs command.Requests
	n := 1 + random.IntN(40)
	if random.IntN(20) == 0 {
		n = 1000 // a piece of its own
	}
	for i := range n {
		r := command.Get(fmt.Sprint(key, "/", i)).Request()
		rs.Add(&r)
	}
	values, err := c.DoBatch(ctx, &rs)
	if err == nil && len(values) != n {
		t.Errorf("%.10s: %d replies to %d requests", key, len(values), n)
	}
	for i, v := range values {
		if v.Str() != fmt.Sprint(key, "/", i) {
			t.Errorf("%.10s, %d of its batch, got %.20q", key, i, v.Str())
		}
	}
	return err
}

// serveGlued answers with the last word of each command, as many replies at once as
// have come together meanwhile.
func serveGlued(server *redistest.Conn, random *rand.Rand, late time.Duration) {
	var mu sync.Mutex
	var glued []byte
	some, ended := make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer close(ended)
		for range some {
			time.Sleep(late/2 + time.Duration(random.Int64N(int64(late/2))))
			mu.Lock()
			all := string(glued)
			glued = glued[:0]
			mu.Unlock()
			server.Send(all)
		}
	}()
	server.Serve(func(words []string) (string, bool) {
		word := words[len(words)-1]
		mu.Lock()
		glued = fmt.Appendf(glued, "$%d\r\n%s\r\n", len(word), word)
		mu.Unlock()
		select {
		case some <- struct{}{}:
		default:
		}
		return "", true
	})
	close(some)
	<-ended
}

// cutConn counts the direct writes to a real socket, and those that did not fit.
type cutConn struct {
	syscall.RawConn
	d          *direct
	whole, cut *atomic.Int64
}

func (f cutConn) Write(try func(fd uintptr) bool) error {
	size := len(f.d.piece)
	err := f.RawConn.Write(try)
	if f.d.n < size {
		f.cut.Add(1)
	} else {
		f.whole.Add(1)
	}
	return err
}

// Over a real socket whose buffers are so small that direct writes don't fit.
func TestDirectWritesThatDontFitASocket(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	defer serving.Wait()
	defer listener.Close()
	serving.Go(func() {
		nc, err := listener.Accept()
		if err != nil {
			return
		}
		defer nc.Close()
		_ = nc.(*net.TCPConn).SetReadBuffer(256 << 10) // a small one makes TCP wait for its timers
		echo(nc)
	})
	d := NewDialer(Options{Addr: listener.Addr().String(), Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
		nc, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		if err == nil {
			err = nc.(*net.TCPConn).SetWriteBuffer(4 << 10)
		}
		return nc, err
	}}.withDefaults())
	c, err := d.Dial(t.Context(), Role{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		c.fail(errClosed)
		<-c.done
	}()
	if c.direct == nil {
		t.Fatal("callers don't write to a TCP socket")
	}
	var whole, cut atomic.Int64
	c.mu.Lock()
	c.direct.raw = cutConn{c.direct.raw, c.direct, &whole, &cut}
	c.mu.Unlock()
	watchdog := time.AfterFunc(time.Minute, func() { panic("somebody is stuck") })
	defer watchdog.Stop()
	for wave := range 40 { // each begins with a caller that writes
		var everybody sync.WaitGroup
		for i := range 64 {
			everybody.Go(func() {
				random := rand.New(rand.NewPCG(uint64(wave), uint64(i)))
				size := random.IntN(100)
				if random.IntN(4) == 0 {
					size = random.IntN(64 << 10)
				}
				key := fmt.Sprintf("%d.%d.%s", wave, i, strings.Repeat(string(rune('a'+i%26)), size))
				if err := askOrBatch(context.Background(), t, c, random, key, true); err != nil {
					t.Errorf("%.10s: %v", key, err)
				}
			})
		}
		everybody.Wait()
	}
	t.Logf("%d direct writes fitted, %d did not", whole.Load(), cut.Load())
	if whole.Load() == 0 || cut.Load() == 0 {
		t.Error("the buffers were too large, or too small")
	}
	for writes := true; writes; runtime.Gosched() { // the last write may just return
		c.mu.Lock()
		writes = c.lease != leaseFree
		c.mu.Unlock()
	}
	atRest(t, c)
}

// echo answers each command with its last word, until the connection ends.
func echo(nc net.Conn) {
	reader := proto.NewReader(nc, proto.Limits{})
	for {
		v, err := reader.Next()
		if err != nil {
			return
		}
		reply := "+OK\r\n"
		switch word := v.Index(v.Len() - 1).Str(); v.Index(0).Str() {
		case "HELLO":
			reply = "%2\r\n+server\r\n+redis\r\n+proto\r\n:3\r\n"
		case "GET", "PING":
			reply = fmt.Sprintf("$%d\r\n%s\r\n", len(word), word)
		}
		if _, err := io.WriteString(nc, reply); err != nil {
			return
		}
	}
}
