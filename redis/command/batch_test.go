package command_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
)

// echo is a BatchDoer whose replies tell the requests apart: GET answers with its key,
// INCRBY and ZADD INCR with their number, HGETALL with its key as field and value. It
// keeps nothing.
type echo struct{}

func (echo) DoBatch(_ context.Context, rs *command.Requests) ([]proto.Value, error) {
	var values []proto.Value
	for i := range rs.Len() {
		words := wire(rs.At(i))
		reply := "+OK\r\n"
		switch words[0] {
		case "GET":
			if reply = bulk(words[1]); strings.HasPrefix(words[1], "missing") {
				reply = "_\r\n"
			}
		case "INCRBY":
			reply = ":" + words[2] + "\r\n"
		case "ZADD":
			reply = "," + words[3] + "\r\n"
		case "HGETALL":
			reply = "%1\r\n" + bulk(words[1]) + bulk(words[1])
		case "DEL":
			reply = "-ERR " + words[1] + "\r\n"
		}
		values = append(values, parse(reply))
	}
	return values, nil
}

// during is an echo that does something while the batch runs.
type during func()

func (d during) DoBatch(ctx context.Context, rs *command.Requests) ([]proto.Value, error) {
	d()
	return echo{}.DoBatch(ctx, rs)
}

func bulk(s string) string { return string(proto.AppendString(nil, s)) }

// futures are of all types that echo has replies for, with what they must come to.
type futures struct {
	name    string
	text    *command.Future[string]
	missing *command.Future[string]
	number  *command.Future[int64]
	double  *command.Future[float64]
	ok      *command.Future[struct{}]
	fields  *command.Future[map[string]string]
	refused *command.Future[int64]
	n       int64
}

func queue(b *command.Batch, who string, n int) futures {
	name := fmt.Sprintf("%s-%d", who, n)
	return futures{
		name, b.Get(name), b.Get("missing " + name), b.IncrBy(name, int64(n)), b.ZAddIncr(name, float64(n)+0.5, "m"),
		b.Set(name, n), b.HGetAll(name), b.Del(name), int64(n),
	}
}

func (f *futures) expect(t *testing.T) {
	t.Helper()
	if v, err := f.text.Result(); v != f.name || err != nil {
		t.Errorf("%s: GET has %q, %v", f.name, v, err)
	}
	if v, err := f.missing.Result(); v != "" || err != command.Nil {
		t.Errorf("%s: GET of nothing has %q, %v", f.name, v, err)
	}
	if v, err := f.number.Result(); v != f.n || err != nil {
		t.Errorf("%s: INCRBY has %d, %v", f.name, v, err)
	}
	if v, err := f.double.Result(); v != float64(f.n)+0.5 || err != nil {
		t.Errorf("%s: ZADD INCR has %v, %v", f.name, v, err)
	}
	if err := f.ok.Err(); err != nil {
		t.Errorf("%s: SET has %v", f.name, err)
	}
	if v, err := f.fields.Result(); !maps.Equal(v, map[string]string{f.name: f.name}) || err != nil {
		t.Errorf("%s: HGETALL has %v, %v", f.name, v, err)
	}
	var reply *proto.Error
	if v, err := f.refused.Result(); v != 0 || !errors.As(err, &reply) || reply.Message != f.name {
		t.Errorf("%s: DEL has %d, %v", f.name, v, err)
	}
}

func (f *futures) expectNotExecuted(t *testing.T) {
	t.Helper()
	v, err := f.text.Result()
	n, err2 := f.number.Result()
	m, err3 := f.fields.Result()
	for _, err := range []error{err, err2, err3, f.missing.Err(), f.double.Err(), f.ok.Err(), f.refused.Err()} {
		if err != command.ErrNotExecuted {
			t.Errorf("%s: error %v, want %v", f.name, err, command.ErrNotExecuted)
		}
	}
	if v != "" || n != 0 || m != nil || f.text.Value() != "" {
		t.Errorf("%s: results without an execution: %q, %d, %v", f.name, v, n, m)
	}
}

// expectRefused expects the error of a batch of futures: their last command's.
func expectRefused(t *testing.T, err error, index, length int) {
	t.Helper()
	var failed *command.BatchError
	if !errors.As(err, &failed) || failed.Index != index || failed.Len != length || failed.Command != "DEL" || !failed.Ran {
		t.Errorf("Exec: %v, want that of command %d of %d", err, index, length)
	}
}

// Every type of result in one batch, of more commands than are allocated at a time;
// the results stay while the same memory has other batches.
func TestBatchKeepsResults(t *testing.T) {
	var pool command.BatchPool
	var same command.Batch
	for name, batch := range map[string]func() *command.Batch{
		"a pool's": func() *command.Batch { b := pool.Batch(); return &b },
		"the same": func() *command.Batch { return &same },
	} {
		t.Run(name, func(t *testing.T) {
			var all []futures
			for round := range 20 {
				b := batch()
				n := []int{1, 100, 3, 30}[round%4]
				for i := range n {
					all = append(all, queue(b, fmt.Sprint("round", round), i))
				}
				if b.Len() != 7*n {
					t.Errorf("%d commands, want %d", b.Len(), 7*n)
				}
				for _, f := range all[len(all)-n:] {
					f.expectNotExecuted(t)
				}
				expectRefused(t, b.Exec(t.Context(), echo{}), 6, 7*n)
				if b.Len() != 0 {
					t.Errorf("%d commands behind Exec", b.Len())
				}
			}
			for i := range all {
				all[i].expect(t)
			}
		})
	}
}

// What a batch was sent as has nothing of those before it, and is not changed by those
// behind it.
func TestBatchReuse(t *testing.T) {
	var pool command.BatchPool
	pooled := pool.Batch()
	for name, b := range map[string]*command.Batch{"pooled": &pooled, "own": {}} {
		d := &double{reply: "*0\r\n*0\r\n"}
		for round := range 10 { // a pool under -race forgets some
			b.Raw("mget", fmt.Sprint("a", round), "b", "c")
			b.Raw("blpop", "x", 0)
			if err := b.Exec(t.Context(), d); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			b.Raw("get", nil)
			var failed *command.BatchError
			if err := b.Exec(t.Context(), nil); !errors.As(err, &failed) || failed.Len != 1 {
				t.Fatalf("%s: a bad argument: %v", name, err)
			}
			b.Raw("get", "m")
			b.Raw("mget", "k", "l") // where a blocking one was
			if err := b.Exec(t.Context(), d); err != nil {
				t.Fatalf("%s: behind a bad one: %v", name, err)
			}
		}
		if len(d.sent) != 40 {
			t.Fatalf("%s: %d requests sent", name, len(d.sent))
		}
		for i, r := range d.sent {
			want, keys, blocks := fmt.Sprint("MGET a", i/4, " b c"), []string{fmt.Sprint("a", i/4), "b", "c"}, false
			switch i % 4 {
			case 1:
				want, keys, blocks = "BLPOP x 0", []string{"x"}, true
			case 2:
				want, keys = "GET m", []string{"m"}
			case 3:
				want, keys = "MGET k l", []string{"k", "l"}
			}
			expectWire(t, r, want)
			if got := slices.Collect(r.Keys()); !slices.Equal(got, keys) || r.Blocks() != blocks {
				t.Errorf("%s: %s has keys %q and blocks: %v", name, want, got, r.Blocks())
			}
		}
	}
}

// A future has no result until its own batch was executed: not for being reset, and
// not by what is executed behind it.
func TestNotExecuted(t *testing.T) {
	if v, err := new(command.Future[int64]).Result(); v != 0 || err != command.ErrNotExecuted {
		t.Errorf("a zero Future has %d, %v", v, err)
	}
	var pool command.BatchPool
	pooled := pool.Batch()
	for name, b := range map[string]*command.Batch{"pooled": &pooled, "own": {}} {
		var never []futures
		for round := range 10 { // a pool under -race forgets some
			never = append(never, queue(b, name+" never", round))
			b.Reset()
			if b.Len() != 0 {
				t.Errorf("%s: %d commands behind Reset", name, b.Len())
			}
			b.Reset() // of nothing
			f := queue(b, name, round)
			f.expectNotExecuted(t)
			// Where those before had stayed in it, there were 14.
			expectRefused(t, b.Exec(t.Context(), during(func() { f.expectNotExecuted(t) })), 6, 7)
			f.expect(t)
			b.Reset()
			f.expect(t)
		}
		for i := range never {
			never[i].expectNotExecuted(t)
		}
	}
}

// partly is a BatchDoer that loses the connection behind some replies.
type partly struct{ replies int }

var errLost = &command.Error{Command: "batch", Outcome: command.MaybeExecuted, Err: io.ErrUnexpectedEOF}

func (d partly) DoBatch(ctx context.Context, rs *command.Requests) ([]proto.Value, error) {
	values, _ := echo{}.DoBatch(ctx, rs)
	return values[:d.replies], errLost
}

// short is a BatchDoer that breaks its contract: replies are missing, without an error.
type short struct{}

func (short) DoBatch(ctx context.Context, rs *command.Requests) ([]proto.Value, error) {
	values, _ := echo{}.DoBatch(ctx, rs)
	return values[:1], nil
}

// Where a batch breaks off, futures whose reply came have it, and the others the error.
func TestBatchBrokenOff(t *testing.T) {
	var pool command.BatchPool
	for name, test := range map[string]struct {
		d       command.BatchDoer
		replies int
	}{"nothing": {partly{0}, 0}, "one": {partly{1}, 1}, "two": {partly{2}, 2}, "no error": {short{}, 1}} {
		b := pool.Batch()
		texts := []*command.Future[string]{b.Get("a"), b.Get("b"), b.Get("c")}
		err := b.Exec(t.Context(), test.d)
		var failed *command.BatchError
		whole := !errors.As(err, &failed)
		if !errors.Is(err, command.ErrMaybeExecuted) || whole != (test.replies == 0) || !whole && failed.Index != test.replies {
			t.Errorf("%s: %v", name, err)
		}
		for i, f := range texts {
			v, err := f.Result()
			if i < test.replies && (v != string(rune('a'+i)) || err != nil) || i >= test.replies && (v != "" || !errors.Is(err, command.ErrMaybeExecuted)) {
				t.Errorf("%s: future %d has %q, %v", name, i, v, err)
			}
			// The reason is the connection's, where there is one.
			if _, lost := test.d.(partly); i >= test.replies && errors.Is(err, errLost) != lost {
				t.Errorf("%s: future %d has %v", name, i, err)
			}
		}
	}
}

// A bad argument fails all of a batch before anything is sent.
func TestBatchNotSent(t *testing.T) {
	var b command.Batch
	good, bad := b.Get("a"), b.Set("k", time.Second)
	d := &double{}
	err := b.Exec(t.Context(), d)
	var failed *command.BatchError
	if !errors.As(err, &failed) || failed.Index != 1 || failed.Len != 2 || failed.Command != "SET" || failed.Ran || len(d.sent) != 0 {
		t.Errorf("%v, %d sent", err, len(d.sent))
	}
	for _, err := range []error{good.Err(), bad.Err()} {
		if !errors.Is(err, command.ErrNotSent) || !errors.Is(err, command.ErrArgument) {
			t.Errorf("a future has %v", err)
		}
	}
}

// Futures are allocated many at a time.
func TestBatchAllocs(t *testing.T) {
	const n = 64
	var b command.Batch
	if got := testing.AllocsPerRun(20, func() {
		for range n {
			b.Get("k")
			b.Incr("k")
		}
		b.Reset()
	}); got > 8 {
		t.Errorf("%d commands of two types cost %v allocations", 2*n, got)
	}
}

// Goroutines that share a pool get their own results, while others read them.
func TestBatchPoolConcurrent(t *testing.T) {
	const goroutines, rounds = 8, 40
	var pool command.BatchPool
	kept := make(chan futures, goroutines*rounds)
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			who := fmt.Sprint("goroutine", g)
			for round := range rounds {
				b := pool.Batch()
				dropped := queue(&b, who+" dropped", round)
				if round%3 == 0 {
					b.Reset()
				}
				before := b.Len()
				f := queue(&b, who, round)
				expectRefused(t, b.Exec(t.Context(), echo{}), 6, before+7)
				f.expect(t)
				if before == 0 {
					dropped.expectNotExecuted(t)
				} else {
					dropped.expect(t)
				}
				kept <- f
			}
		})
	}
	for range cap(kept) {
		f := <-kept
		f.expect(t)
	}
	wg.Wait()
}

// panics is a BatchDoer that panics.
type panics struct{}

func (panics) DoBatch(context.Context, *command.Requests) ([]proto.Value, error) { panic("test") }

// What panicked was not executed, also where the caller recovers.
func TestBatchPanics(t *testing.T) {
	var b command.Batch
	f := b.Get("k")
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_ = b.Exec(t.Context(), panics{})
	}()
	if v, err := f.Result(); !errors.Is(err, command.ErrNotExecuted) {
		t.Errorf("GET that never ran has %q, %v", v, err)
	}
	if b.Len() != 0 {
		t.Errorf("%d commands are still queued", b.Len())
	}
}

// A command without a decoder is refused in a batch as elsewhere: it was sent, and its reply
// a panic.
func TestBatchRefusesWhatHasNoDecoder(t *testing.T) {
	var b command.Batch
	first, second := b.Incr("n"), command.As[int](command.Get("k"), nil).Queue(&b)
	err := b.Exec(t.Context(), panics{})
	var failed *command.BatchError
	if !errors.As(err, &failed) || failed.Index != 1 || failed.Command != "GET" || !errors.Is(err, command.ErrArgument) || !errors.Is(err, command.ErrNotSent) {
		t.Errorf("Exec: %v", err)
	}
	for _, err := range []error{first.Err(), second.Err()} {
		if !errors.Is(err, command.ErrNotSent) {
			t.Errorf("%v", err)
		}
	}
}

// A key is the same for routing as on the wire.
func TestKeysOfNumbers(t *testing.T) {
	for _, v := range []any{math.Inf(1), math.Inf(-1), 1e21, 0.1, -7, uint64(math.MaxUint64), []byte("b")} {
		r := command.Raw("get", v).Request()
		if key, ok := r.Key(); !ok || key != wire(r)[1] {
			t.Errorf("%v: key %q, sent %q", v, key, wire(r)[1])
		}
	}
}

// What a batch keeps for the next one does not keep results.
func TestBatchLetsGoOfResults(t *testing.T) {
	var pool command.BatchPool
	own, pooled := command.Batch{}, pool.Batch()
	for _, b := range []*command.Batch{&own, &pooled} {
		gone := make(chan struct{})
		func() {
			value := new([1 << 10]byte)
			runtime.AddCleanup(value, func(gone chan struct{}) { close(gone) }, gone)
			f := command.As(command.Get("k"), func(proto.Value) (*[1 << 10]byte, error) { return value, nil }).Queue(b)
			if err := b.Exec(t.Context(), echo{}); err != nil || f.Value() != value {
				t.Errorf("%v, %v", f.Value() == value, err)
			}
		}()
		runtime.GC()
		select {
		case <-gone:
		case <-time.After(10 * time.Second):
			t.Error("the result is still held")
		}
		runtime.KeepAlive(b)
	}
	runtime.KeepAlive(&pool)
}
