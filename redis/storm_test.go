package redis_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/redistest"
)

var (
	stormSeed  = flag.Uint64("storm.seed", 0, "play this one seed of the simulation, and no other")
	stormSeeds = flag.Uint64("storm.seeds", 0, "play so many seeds of the simulation")
)

// caller makes requests that give up at random times, and fails the test where
// one gets another's reply, or an error that is not its context's.
type caller struct {
	t      *testing.T
	client *redis.Client
	random *rand.Rand
	name   string
	calls  int
	// patience is the longest that a context lasts.
	patience time.Duration
	// wrap, which may be nil, disguises a context.
	wrap func(context.Context) context.Context

	answered, cancelled int
}

// call makes one request, or a batch.
func (c *caller) call() {
	ctx, cancel, ends := c.context()
	defer cancel()
	if c.wrap != nil {
		ctx = c.wrap(ctx)
	}
	c.calls++
	key := fmt.Sprintf("%s.%d%s", c.name, c.calls, strings.Repeat(".", c.random.IntN(40)))
	var err error
	if c.random.IntN(8) > 0 {
		var v string
		if v, err = c.client.Get(ctx, key); err == nil && v != key {
			c.t.Errorf("%s got %q", key, v)
		}
	} else {
		err = c.batch(ctx, key)
	}
	switch {
	case err == nil:
		c.answered++
	case !ends || !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded):
		c.t.Errorf("%s: %v", key, err)
	case ctx.Err() == nil:
		c.t.Errorf("%s: %v, before its context has ended", key, err)
	default:
		c.cancelled++
	}
}

// batch makes some requests at once. What came before the context ended must be
// right too.
func (c *caller) batch(ctx context.Context, key string) error {
	var b command.Batch
	futures := make([]*command.Future[string], 1+c.random.IntN(5))
	for i := range futures {
		futures[i] = b.Get(fmt.Sprint(key, "/", i))
	}
	err := c.client.Exec(ctx, &b)
	for i, future := range futures {
		if v, failed := future.Result(); failed == nil && v != fmt.Sprint(key, "/", i) {
			c.t.Errorf("%s, %d of its batch, got %q", key, i, v)
		}
	}
	return err
}

// context returns a context of a random kind; ends tells that it may end.
func (c *caller) context() (ctx context.Context, cancel func(), ends bool) {
	after := time.Duration(c.random.Int64N(int64(c.patience)))
	switch c.random.IntN(6) {
	case 0:
		return context.Background(), func() {}, false
	case 1:
		ctx, cancel := context.WithCancel(context.Background())
		return ctx, cancel, false
	case 2:
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		return ctx, cancel, true
	case 3:
		ctx, cancel := context.WithCancel(context.Background())
		timer := time.AfterFunc(after, cancel)
		return ctx, func() { timer.Stop(); cancel() }, true
	default:
		ctx, cancel := context.WithTimeout(context.Background(), after)
		return ctx, cancel, true
	}
}

// answer returns the reply to a command: GET has its key as its value.
func answer(words []string) string {
	switch words[0] {
	case "GET":
		return fmt.Sprintf("$%d\r\n%s\r\n", len(words[1]), words[1])
	case "PING":
		if len(words) == 2 {
			return fmt.Sprintf("$%d\r\n%s\r\n", len(words[1]), words[1])
		}
		return "+PONG\r\n"
	case "HELLO":
		return "%2\r\n+server\r\n+redis\r\n+proto\r\n:3\r\n"
	}
	return "+OK\r\n"
}

// tear sends what comes on replies by send: late, glued together and torn at any
// byte. It returns when replies is closed.
func tear(random *rand.Rand, replies <-chan string, send func(string), pause func()) {
	var glued strings.Builder
	for reply := range replies {
		glued.WriteString(reply)
		if random.IntN(16) == 0 {
			pause()
		}
		for more := true; more && glued.Len() < 32<<10; {
			select {
			case reply, ok := <-replies:
				more = ok
				glued.WriteString(reply)
			default:
				more = false
			}
		}
		all := glued.String()
		glued.Reset()
		if random.IntN(3) == 0 {
			at := random.IntN(len(all))
			send(all[:at])
			all = all[at:]
			if random.IntN(4) == 0 {
				pause()
			} else {
				runtime.Gosched()
			}
		}
		send(all)
	}
}

// onLoopback is a server on loopback whose connections serve runs.
func onLoopback(t *testing.T, serve func(nc net.Conn)) (addr string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			nc, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer nc.Close()
				serve(nc)
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		serving.Wait() // the test has closed its client before
	})
	return listener.Addr().String()
}

// commands calls each for every command that comes, until the connection ends
// or each returns false.
func commands(nc net.Conn, each func(words []string) bool) {
	reader := proto.NewReader(nc, proto.Limits{})
	for {
		v, err := reader.Next()
		if err != nil {
			return
		}
		var words []string
		for word := range v.All() {
			words = append(words, word.Str())
		}
		if !each(words) {
			return
		}
	}
}

// noneLeft fails the test where a goroutine of a connection is left, save those
// that end just now.
func noneLeft(t *testing.T) {
	t.Helper()
	const mark = "redis.(*conn)"
	stacks := make([]byte, 1<<20)
	for start := time.Now(); ; time.Sleep(time.Millisecond) {
		all := string(stacks[:runtime.Stack(stacks, true)])
		if !strings.Contains(all, mark) {
			return
		}
		if time.Since(start) > 2*time.Second {
			t.Fatalf("a goroutine is left:\n%s", all)
		}
	}
}

// inTime ends the program with all stacks where work is not over in time.
func inTime(t *testing.T, limit time.Duration, work func()) {
	t.Helper()
	watchdog := time.AfterFunc(limit, func() {
		panic(fmt.Sprintf("%s: somebody is stuck after %v", t.Name(), limit))
	})
	defer watchdog.Stop()
	work()
}

// A storm of callers over a real socket that give up at random times, while
// replies come late, torn and glued together.
func TestStormOnLoopback(t *testing.T) {
	requests := 300_000
	if raceDetector || testing.Short() {
		requests = 30_000
	}
	const callers = 64
	addr := onLoopback(t, func(nc net.Conn) {
		replies := make(chan string, 1<<12)
		var sending sync.WaitGroup
		defer sending.Wait()
		defer close(replies)
		sending.Go(func() {
			random := rand.New(rand.NewPCG(1, 2))
			tear(random, replies,
				func(raw string) { _, _ = nc.Write([]byte(raw)) },
				func() { time.Sleep(time.Duration(random.IntN(300)) * time.Microsecond) })
		})
		commands(nc, func(words []string) bool {
			replies <- answer(words)
			return true
		})
	})
	var dialled atomic.Int32
	client, err := redis.New(redis.Options{Addr: addr, Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
		dialled.Add(1)
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var answered, cancelled atomic.Int64
	start := time.Now()
	inTime(t, 2*time.Minute, func() {
		var all sync.WaitGroup
		for i := range callers {
			all.Go(func() {
				c := &caller{t: t, client: client, random: rand.New(rand.NewPCG(3, uint64(i))), name: fmt.Sprint(i), patience: 3 * time.Millisecond}
				for c.calls < requests/callers && !t.Failed() {
					c.call()
					if c.random.IntN(1000) == 0 {
						time.Sleep(5 * time.Millisecond) // sometimes few are at work
					}
				}
				answered.Add(int64(c.answered))
				cancelled.Add(int64(c.cancelled))
			})
		}
		all.Wait()
		_ = client.Close()
	})
	noneLeft(t)
	if n := dialled.Load(); n != 1 {
		t.Errorf("%d connections were needed", n)
	}
	t.Logf("%d answered, %d cancelled in %v", answered.Load(), cancelled.Load(), time.Since(start))
	if least := int64(requests / 20); answered.Load() < least || cancelled.Load() < least {
		t.Errorf("that was no storm: %d answered, %d cancelled", answered.Load(), cancelled.Load())
	}
}

// The lease under virtual time, seed by seed, with pauses wherever the client
// calls what is not its own: its net.Conn and its callers' contexts.
func TestLeaseSimulation(t *testing.T) {
	first, seeds := uint64(1), uint64(200)
	switch {
	case *stormSeed > 0:
		first, seeds = *stormSeed, 1
	case *stormSeeds > 0:
		seeds = *stormSeeds
	case testing.Short():
		seeds = 20
	}
	var byCallers, interrupted, cancelled int64
	for seed := first; seed < first+seeds && !t.Failed(); seed++ {
		synctest.Test(t, func(t *testing.T) {
			s := newSimulation(t, seed)
			s.play()
			byCallers += s.watch.byCallers.Load()
			interrupted += s.watch.interrupted.Load()
			cancelled += s.cancelled.Load()
		})
		if t.Failed() {
			t.Logf("to repeat it: -run TestLeaseSimulation -storm.seed %d", seed)
		}
	}
	t.Logf("%d reads by callers, %d reads interrupted, %d calls cancelled", byCallers, interrupted, cancelled)
	if seeds > 1 && (byCallers == 0 || interrupted == 0 || cancelled == 0) {
		t.Error("the simulation did not get to what it is about")
	}
}

// simulation is the play of one seed.
type simulation struct {
	t         *testing.T
	seed      uint64
	random    *rand.Rand // of the goroutine that plays
	server    *redistest.Server
	watch     *watch
	client    *redis.Client
	cancelled atomic.Int64
}

func newSimulation(t *testing.T, seed uint64) *simulation {
	s := &simulation{t: t, seed: seed, random: rand.New(rand.NewPCG(seed, 0)), server: redistest.NewServer(t)}
	s.watch = &watch{t: t, dial: s.server.Dial, pause: jitter(seed, []int{2, 5, 20}[seed%3]), torn: true}
	client, err := redis.New(redis.Options{Dial: s.watch.Dial, ReplyTimeout: time.Minute, KeepAlive: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	s.client = client
	return s
}

// longestPause is the most that jitter makes anybody sleep.
const longestPause = time.Millisecond

// jitter returns a pause for many goroutines: every few calls it yields, or
// sleeps.
func jitter(seed uint64, every int) func() {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, 1))
	return func() {
		mu.Lock()
		kind, length := random.IntN(2*every), random.Int64N(int64(longestPause))
		mu.Unlock()
		switch kind {
		case 0:
			time.Sleep(time.Duration(length))
		case 1, 2:
			runtime.Gosched()
		}
	}
}

// A jitteryContext yields wherever the client looks at it. It must not sleep:
// the client may look while it holds its mutex.
type jitteryContext struct{ context.Context }

func (c jitteryContext) Done() <-chan struct{} { runtime.Gosched(); return c.Context.Done() }
func (c jitteryContext) Err() error            { runtime.Gosched(); return c.Context.Err() }

func (s *simulation) play() {
	var serving sync.WaitGroup
	connected := make(chan *redistest.Conn, 1)
	serving.Go(func() {
		conn := s.server.AcceptReady()
		connected <- conn
		s.serve(conn)
	})
	defer serving.Wait()
	defer s.client.Close()
	if _, err := s.client.Get(s.t.Context(), "warm"); err != nil {
		s.t.Fatal(err)
	}
	conn := <-connected

	for range 3 { // bursts, and idle times between them
		s.burst()
		if v, err := s.client.Get(s.t.Context(), "last"); v != "last" { // behind all that was abandoned
			s.t.Errorf("after the burst: %q, %v", v, err)
		}
		// A connection that is idle for two ticks is read, by the reader.
		time.Sleep(2*tick + 4*longestPause)
		synctest.Wait()
		if !s.watch.isRead() {
			s.t.Errorf("nobody reads the idle connection")
		}
		// A push is seen, and the reader is back soon after.
		const push = ">1\r\n+x\r\n"
		before := s.watch.newest().received.Load()
		conn.Send(push)
		time.Sleep(2 * longestPause)
		synctest.Wait()
		if n := s.watch.newest().received.Load() - before; n != int64(len(push)) {
			s.t.Errorf("%d bytes of a push have been read", n)
		}
		time.Sleep(time.Duration(s.random.Int64N(int64(3 * tick))))
	}
	if n := s.watch.dialled.Load(); n != 1 {
		s.t.Errorf("%d connections were needed", n)
	}
	// The end of the connection is seen, wherever the lease was.
	last := s.watch.newest()
	conn.Close()
	time.Sleep(2*tick + 6*longestPause)
	if !last.closed.Load() {
		s.t.Error("the end of the idle connection was not noticed")
	}
}

// burst lets callers make requests at the same time, and waits for them.
func (s *simulation) burst() {
	var all sync.WaitGroup
	thinking := []time.Duration{1, 100 * time.Microsecond, 5 * time.Millisecond}[s.random.IntN(3)]
	calls := 1 + s.random.IntN(12)
	for i := range 1 + s.random.IntN(12) {
		random := rand.New(rand.NewPCG(s.seed, s.random.Uint64()))
		all.Go(func() {
			c := &caller{
				t: s.t, client: s.client, random: random, name: fmt.Sprint(i), patience: 8 * time.Millisecond,
				wrap: func(ctx context.Context) context.Context { return jitteryContext{ctx} },
			}
			for range calls {
				c.call()
				time.Sleep(time.Duration(random.Int64N(int64(thinking))))
			}
			s.cancelled.Add(int64(c.cancelled))
		})
	}
	start := time.Now()
	all.Wait()
	if took := time.Since(start); took > 20*time.Second { // a lost lease would cost ReplyTimeout
		s.t.Errorf("a burst took %v", took)
	}
}

// serve answers until the connection ends.
func (s *simulation) serve(conn *redistest.Conn) {
	random := rand.New(rand.NewPCG(s.seed, 2))
	slow := []time.Duration{10 * time.Microsecond, time.Millisecond, 6 * time.Millisecond}[random.IntN(3)]
	replies := make(chan string, 1<<12)
	var sending sync.WaitGroup
	defer sending.Wait()
	defer close(replies)
	sending.Go(func() {
		tear(random, replies, conn.Send, func() { time.Sleep(time.Duration(random.Int64N(int64(4 * slow)))) })
	})
	conn.Serve(func(words []string) (string, bool) {
		replies <- answer(words)
		return "", true
	})
}
