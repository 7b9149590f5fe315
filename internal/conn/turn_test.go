package conn

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/redistest"
)

// onConn runs a test under virtual time on a connection that is up and whose
// lease nobody has.
func onConn(t *testing.T, test func(t *testing.T, c *Conn, server *redistest.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		fake := redistest.NewServer(t)
		d := NewDialer(Options{Dial: fake.Dial}.withDefaults())
		dialled := make(chan *Conn, 1)
		go func() {
			c, err := d.Dial(t.Context(), Role{})
			if err != nil {
				t.Errorf("dial: %v", err)
			}
			dialled <- c
		}()
		server := fake.AcceptReady()
		c := <-dialled
		defer func() {
			c.fail(errClosed)
			<-c.done
			c.mu.Lock()
			defer c.mu.Unlock()
			if !c.reading || c.leader != nil || c.disarm != nil || len(c.resume) != 0 {
				t.Errorf("at the end the lease is lost: %+v", &c.turns)
			}
		}()
		warm := enqueued(t, t.Context(), c, server, "warm")
		server.Bulk("warm")
		warm.expect("warm")
		synctest.Wait()
		if c.leaseIs() != "nobody's" {
			t.Fatalf("the lease is %s", c.leaseIs())
		}
		test(t, c, server)
	})
}

// leaseIs tells whose the read lease is.
func (c *Conn) leaseIs() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch l := &c.turns; {
	case l.leader != nil:
		return "a caller's"
	case l.reading:
		return "the reader's"
	}
	return "nobody's"
}

// call is a request that has been queued, and whose caller does not run until the
// test lets it.
type call struct {
	t     *testing.T
	ctx   context.Context
	c     *Conn
	s     *slot
	leads bool
}

func commandOf(key string) *command.Request {
	r := command.Get(key).Request()
	return &r
}

func enqueued(t *testing.T, ctx context.Context, c *Conn, server *redistest.Conn, key string) *call {
	t.Helper()
	r := command.Get(key).Request()
	s := c.slot(1)
	leads, err := c.enqueue(ctx, s, &r, nil)
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	server.Expect("GET", key)
	return &call{t, ctx, c, s, leads}
}

// wait lets the caller run.
func (l *call) wait() (string, error) {
	if _, err := l.c.wait(l.ctx, l.s, l.leads); err != nil {
		return "", err
	}
	v, err := l.s.value.Str(), l.s.err
	if n := len(l.s.ready); n != 0 {
		l.t.Errorf("a token is left in a slot that goes back")
	}
	l.c.recycle(l.s)
	return v, err
}

func (l *call) expect(want string) {
	l.t.Helper()
	if v, err := l.wait(); v != want || err != nil {
		l.t.Errorf("got %q, %v, want %q", v, err, want)
	}
}

// A caller is granted the lease, and its context ends before it runs: whichever
// of the two it sees first, the lease goes on.
func TestGrantedAndCancelled(t *testing.T) {
	for range 20 { // select takes one of two at random
		onConn(t, func(t *testing.T, c *Conn, server *redistest.Conn) {
			ctx, cancel := context.WithCancel(t.Context())
			a := enqueued(t, t.Context(), c, server, "a")
			b := enqueued(t, ctx, c, server, "b")
			d := enqueued(t, t.Context(), c, server, "d")
			server.Bulk("a")
			a.expect("a")
			if b.s.state != slotLeading {
				t.Fatal("b has not been granted the lease")
			}
			cancel()
			start := time.Now()
			if _, err := b.wait(); !errors.Is(err, context.Canceled) {
				t.Errorf("b: %v", err)
			}
			if took := time.Since(start); took > 2*longTick {
				t.Errorf("cancelling took %v", took)
			}
			synctest.Wait()
			if got := c.leaseIs(); got != "the reader's" {
				t.Errorf("the lease is %s", got)
			}
			server.Bulk("b")
			synctest.Wait()
			if d.s.state != slotLeading {
				t.Error("d has not been granted the lease")
			}
			server.Bulk("d")
			d.expect("d")
			if got := c.leaseIs(); got != "nobody's" {
				t.Errorf("the lease is %s", got)
			}
		})
	}
}

// A caller is granted the lease, and the connection is lost before it runs.
func TestGrantedAndLost(t *testing.T) {
	for _, cancelled := range []bool{false, true} {
		onConn(t, func(t *testing.T, c *Conn, server *redistest.Conn) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			a := enqueued(t, t.Context(), c, server, "a")
			b := enqueued(t, ctx, c, server, "b")
			d := enqueued(t, t.Context(), c, server, "d")
			server.Bulk("a")
			a.expect("a")
			lost := errors.New("lost")
			c.fail(lost)
			synctest.Wait()
			select {
			case <-c.done:
				t.Error("the connection has shut down under its leader")
			default:
			}
			if cancelled {
				cancel()
			}
			if _, err := b.wait(); !errors.Is(err, lost) && !errors.Is(err, context.Canceled) {
				t.Errorf("b: %v", err)
			}
			if _, err := d.wait(); !errors.Is(err, lost) {
				t.Errorf("d: %v", err)
			}
			<-c.done
		})
	}
}

// The caller that has the lease is slow to take it up, and all others have given
// up: their replies are read, and thrown away.
func TestGrantedBetweenAbandoned(t *testing.T) {
	onConn(t, func(t *testing.T, c *Conn, server *redistest.Conn) {
		ctx, cancel := context.WithCancel(t.Context())
		a := enqueued(t, ctx, c, server, "a")
		b := enqueued(t, ctx, c, server, "b")
		d := enqueued(t, t.Context(), c, server, "d")
		cancel()
		if _, err := b.wait(); err == nil { // gives up first, and has no lease
			t.Error("b was not cancelled")
		}
		if _, err := a.wait(); err == nil {
			t.Error("a was not cancelled")
		}
		server.Bulk("a")
		server.Bulk("b")
		synctest.Wait()
		if d.s.state != slotLeading {
			t.Error("d has not been granted the lease")
		}
		time.Sleep(time.Second)
		server.Bulk("d")
		d.expect("d")
	})
}

// A keep-alive PING comes in front of a caller that leads.
func TestFenceAtTheHead(t *testing.T) {
	const reply = "$18\r\nredchan keep-alive\r\n"
	for _, cancelled := range []bool{false, true} {
		onConn(t, func(t *testing.T, c *Conn, server *redistest.Conn) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			c.watchdog.ping()
			server.Expect("PING", keepAliveToken)
			a := enqueued(t, ctx, c, server, "a")
			b := enqueued(t, t.Context(), c, server, "b")
			if !a.leads {
				t.Error("the caller behind the PING does not lead")
			}
			server.Send(reply[:7])
			if cancelled {
				cancel()
				if _, err := a.wait(); !errors.Is(err, context.Canceled) {
					t.Errorf("a: %v", err)
				}
				server.Send(reply[7:])
				server.Bulk("a")
			} else {
				server.Send(reply[7:])
				server.Bulk("a")
				a.expect("a")
			}
			server.Bulk("b")
			b.expect("b")
		})
	}
	// Nobody comes behind the PING.
	onConn(t, func(t *testing.T, c *Conn, server *redistest.Conn) {
		c.watchdog.ping()
		server.Expect("PING", keepAliveToken)
		server.Send(reply)
		time.Sleep(2 * longTick)
		synctest.Wait()
		if c.inflight.size != 0 {
			t.Error("the PING's reply was not read within two ticks")
		}
	})
	// The caller in front of the PING leads: the reader reads the rest.
	onConn(t, func(t *testing.T, c *Conn, server *redistest.Conn) {
		a := enqueued(t, t.Context(), c, server, "a")
		c.watchdog.ping()
		server.Expect("PING", keepAliveToken)
		b := enqueued(t, t.Context(), c, server, "b")
		server.Bulk("a")
		a.expect("a")
		server.Send(reply)
		server.Bulk("b")
		b.expect("b")
	})
}

// Once a reply was nobody's, the connection is not read any more: what stands
// behind it may be anybody's.
func TestNothingIsReadBehindAMisreading(t *testing.T) {
	for _, leads := range []bool{true, false} {
		onConn(t, func(t *testing.T, c *Conn, server *redistest.Conn) {
			if !leads {
				time.Sleep(3 * longTick)
			}
			c.watchdog.ping()
			server.Expect("PING", keepAliveToken)
			a := enqueued(t, t.Context(), c, server, "a")
			b := enqueued(t, t.Context(), c, server, "b")
			if a.leads != leads {
				t.Errorf("the caller leads: %v", a.leads)
			}
			// More than is handed out at once.
			server.Send(strings.Repeat(":7\r\n", len(c.handOut.replies)+1) + "-ERR unasked\r\n" + strings.Repeat("$5\r\nwrong\r\n", 100))
			for _, l := range []*call{a, b} {
				if v, err := l.wait(); !errors.Is(err, errUnasked) {
					t.Errorf("got %q, %v", v, err)
				}
			}
		})
	}
}

// A context may be of the user's own making: it is never asked while mu is held,
// which would hold up everybody, or for ever.
func TestContextIsNotAskedUnderMu(t *testing.T) {
	onConn(t, func(t *testing.T, c *Conn, server *redistest.Conn) {
		for range 3 {
			ctx, cancel := context.WithCancel(t.Context())
			asked := &askedContext{Context: ctx, t: t, c: c}
			a := enqueued(t, asked, c, server, "a")
			time.AfterFunc(3*longTick, func() { server.Bulk("a") })
			a.expect("a")
			b := enqueued(t, asked, c, server, "b")
			time.AfterFunc(3*longTick, cancel)
			if _, err := b.wait(); !errors.Is(err, context.Canceled) {
				t.Errorf("b: %v", err)
			}
			server.Bulk("b")
			synctest.Wait()
		}
	})
}

// askedContext is a context that looks whether mu is free when it is asked.
type askedContext struct {
	context.Context
	t    *testing.T
	c    *Conn
	once sync.Once
}

// look asks often: another goroutine may have mu for a moment, and who asks the
// context has it until it is answered.
func (a *askedContext) look() {
	for range 10_000 {
		if a.c.mu.TryLock() {
			a.c.mu.Unlock()
			return
		}
		runtime.Gosched()
	}
	a.once.Do(func() { a.t.Error("the context is asked while mu is held") })
}

func (a *askedContext) Done() <-chan struct{} { a.look(); return a.Context.Done() }
func (a *askedContext) Err() error            { a.look(); return a.Context.Err() }
func (a *askedContext) Value(key any) any     { a.look(); return a.Context.Value(key) }

// The reader goroutine hands pushes out soon, however the lease goes.
func TestPushesWhileCallersLead(t *testing.T) {
	onConn(t, func(t *testing.T, c *Conn, server *redistest.Conn) {
		var pushes atomic.Int32
		c.role.OnPush = func(proto.Value) { pushes.Add(1) }
		for n := range int32(100) {
			start := time.Now()
			server.Push("invalidate", "x")
			for pushes.Load() == n {
				time.Sleep(longTick / 8)
				synctest.Wait()
				if time.Since(start) > 2*longTick {
					t.Fatalf("push %d was not seen within two ticks", n)
				}
			}
			if n%3 != 0 {
				time.Sleep(time.Duration(n) * longTick / 16)
				continue
			}
			a := enqueued(t, t.Context(), c, server, "a")
			server.Push("invalidate", "y")
			server.Bulk("a")
			a.expect("a")
			pushes.Add(-1)
		}
	})
}

// The write lease: what comes while a caller writes is written by the writer, and
// what did not fit comes first.
func TestWriteLease(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	nc, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	peer, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	d := newDirect(nc)
	if d == nil {
		t.Skip("callers don't write here")
	}
	// It never waits, and says how much it wrote.
	sent := bytes.Repeat([]byte("0123456789"), 2<<20)
	rest := sent
	for range 100 {
		n, err := d.write(rest)
		if err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
	}
	if len(rest) == 0 || len(rest) == len(sent) {
		t.Fatalf("%d of %d bytes fit", len(sent)-len(rest), len(sent))
	}
	// After that the connection can be written as ever.
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		_, _ = nc.Write(rest)
		_ = nc.Close()
	}()
	got := make([]byte, len(sent))
	if n, err := io.ReadFull(peer, got); err != nil || !bytes.Equal(got, sent) {
		t.Errorf("%d bytes came, %v", n, err)
	}
	<-closed
	if _, err := d.write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}
