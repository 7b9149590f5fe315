package command_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
)

// allKinds are requests with every kind of argument, none of them bad.
func allKinds() map[string]command.Request {
	many := make([]string, 300)
	for i := range many {
		many[i] = fmt.Sprint("key", i)
	}
	streams := []command.StreamPosition{{Stream: "s", After: ">"}, {Stream: "t", After: "0-1"}}
	return map[string]command.Request{
		"no argument":           command.Ping().Request(),
		"key":                   command.Get("k").Request(),
		"empty key":             command.Get("").Request(),
		"string":                command.Set("k", "v").Request(),
		"string with line ends": command.Set("k\r\n$1\r\n", "\r\n*1\r\n\x00").Request(),
		"long string":           command.Set("k", strings.Repeat("v", 100_000)).Request(),
		"bytes":                 command.Set("k", []byte("v")).Request(),
		"several bytes":         command.LPush("k", []byte("a"), []byte("bc"), "d", []byte("e")).Request(),
		"many bytes":            command.LPush("k", []byte("a"), []byte("b"), []byte("c"), []byte("d"), []byte("e"), []byte("f")).Request(),
		"empty bytes":           command.LPush("k", []byte{}, []byte("a"), []byte{}).Request(),
		"nil bytes":             command.LPush("k", []byte(nil), []byte("a"), []byte(nil)).Request(),
		"JSON":                  command.Set("k", command.JSON([]int{1, 2})).Request(),
		"int":                   command.IncrBy("k", math.MinInt64).Request(),
		"uint":                  command.Set("k", uint64(math.MaxUint64)).Request(),
		"float":                 command.Set("k", -1.5e-300).Request(),
		"infinity":              command.Set("k", math.Inf(-1)).Request(),
		"several keys":          command.MGet("a", "b", "a").Request(),
		"many keys":             command.MGet(many...).Request(),
		"keys between others":   command.MSet(command.Map{"a": 1, "b": []byte("x"), "c": 2.5}).Request(),
		"keys in the middle":    command.Eval("script", []string{"a", "b"}, "c", 1, []byte("d")).Request(),
		"no key":                command.Publish("c", "m").Request(),
		"many arguments":        command.ZAdd("k", command.Scores{"a": 1, "b": 2.5, "c": math.Inf(1), "d": 4}, command.XX).Request(),
		"sub-command":           command.ClientKill(command.WhereType("pubsub"), command.WhereUser("bob"), command.KillSelfToo).Request(),
		"sub-command with key":  command.ObjectEncoding("k").Request(),
		"raw known":             command.Raw("set", "k", "v").Request(),
		"raw, keys of all kind": command.Raw("mget", "a", []byte("b"), 3, uint64(4), 5.5, "f").Request(),
		"raw sub-command":       command.Raw("memory", "usage", "k", "SAMPLES", 5).Request(),
		"raw unknown":           command.Raw("json.get", "k", []byte("$"), 7).Request(),
		"raw unknown, no more":  command.Raw("mod.command").Request(),
		"raw blocking":          command.Raw("blpop", "a", "b", 0).Request(),
		"BLPOP for ever":        command.BLPop(0, "a", "b").Request(),
		"BLPOP":                 command.BLPop(1250*time.Millisecond, "a").Request(),
		"XREADGROUP":            command.XReadGroup("g", "c", streams).Request(),
		"XREADGROUP BLOCK":      command.XReadGroup("g", "c", streams, command.BlockFor(2*time.Second), command.Count(5)).Request(),
		"XREADGROUP BLOCK 0":    command.XReadGroup("g", "c", streams, command.BlockFor(0)).Request(),
	}
}

// badKinds are requests that can't be sent.
func badKinds() map[string]command.Request {
	return map[string]command.Request{
		"nil":               command.Set("k", nil).Request(),
		"a struct":          command.LPush("k", []byte("a"), struct{}{}, "b").Request(),
		"bad JSON":          command.Set("k", command.JSON(make(chan int))).Request(),
		"no keys":           command.MGet().Request(),
		"kill everybody":    command.ClientKill().Request(),
		"a refused command": command.Raw("select", 1).Request(),
		"a refused sub":     command.Raw("client", "reply", "OFF").Request(),
		"two words in one":  command.Raw("CLIENT LIST").Request(),
		"a blocking one":    command.BLPop(-1, "a").Request(),
		"an empty one":      {},
	}
}

// expectSame fails the test where got is not the request want.
func expectSame(t *testing.T, name string, got, want command.Request) {
	t.Helper()
	if g, w := string(got.Append(nil)), string(want.Append(nil)); g != w {
		t.Errorf("%s: sent %.200q, want %.200q", name, g, w)
	}
	if got.Name() != want.Name() || got.Spec() != want.Spec() || got.Len() != want.Len() {
		t.Errorf("%s: %q, %p with %d arguments, want %q, %p with %d", name,
			got.Name(), got.Spec(), got.Len(), want.Name(), want.Spec(), want.Len())
	}
	if g, w := slices.Collect(got.Keys()), slices.Collect(want.Keys()); !slices.Equal(g, w) {
		t.Errorf("%s: keys %.200q, want %.200q", name, g, w)
	}
	if got.ReadOnly() != want.ReadOnly() || got.Blocks() != want.Blocks() || got.BlockFor() != want.BlockFor() {
		t.Errorf("%s: reads only %v, blocks %v for %v; want %v, %v, %v", name,
			got.ReadOnly(), got.Blocks(), got.BlockFor(), want.ReadOnly(), want.Blocks(), want.BlockFor())
	}
	if g, w := fmt.Sprint(got.Err()), fmt.Sprint(want.Err()); g != w || errors.Is(got.Err(), command.ErrArgument) != (want.Err() != nil) {
		t.Errorf("%s: error %q, want %q", name, g, w)
	}
}

// expectAll fails the test where rs are not the requests want.
func expectAll(t *testing.T, rs *command.Requests, names []string, want []command.Request) {
	t.Helper()
	if rs.Len() != len(want) {
		t.Fatalf("%d requests, want %d", rs.Len(), len(want))
	}
	wire := []byte("before ")
	for i := range want {
		expectSame(t, names[i], rs.At(i), want[i])
		wire = want[i].Append(wire)
	}
	if got := rs.Append([]byte("before ")); string(got) != string(wire) {
		t.Errorf("all of them are not sent as each of them is: %.200q, want %.200q", got, wire)
	}
	if got := rs.Size(); got != len(wire)-len("before ") {
		t.Errorf("Size %d, want %d", got, len(wire)-len("before "))
	}
}

// What was added to Requests comes out again as it was: alone, and among others, whose
// keys and bytes are not its own.
func TestRequests(t *testing.T) {
	good, bad := allKinds(), badKinds()
	for i, kinds := range []map[string]command.Request{good, bad} {
		for name, r := range kinds {
			if (r.Err() != nil) != (i == 1) {
				t.Errorf("%s: %v", name, r.Err())
			}
			var rs command.Requests
			rs.Add(&r)
			expectAll(t, &rs, []string{name}, []command.Request{r})
		}
	}
	names := make([]string, 0, len(good))
	for name := range good {
		names = append(names, name)
	}
	slices.Sort(names)
	seed := uint64(0)
	for badName, badOne := range bad {
		seed++
		rnd := rand.New(rand.NewPCG(seed, 0))
		order := slices.Clone(names)
		rnd.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		at := rnd.IntN(len(order) + 1)
		order = slices.Insert(order, at, badName)
		var rs command.Requests
		var want []command.Request
		for i, name := range order {
			r := good[name]
			if i == at {
				r = badOne
			}
			rs.Add(&r)
			want = append(want, r)
			if i < at && rs.Err() != nil {
				t.Errorf("%s: %v before it was added", badName, rs.Err())
			}
		}
		expectAll(t, &rs, order, want)
		var failed *command.BatchError
		if err := rs.Err(); !errors.As(err, &failed) || failed.Index != at || failed.Len != len(order) || failed.Command != badOne.Name() || failed.Ran {
			t.Errorf("%s at %d of %d: %v", badName, at, len(order), err)
		}
	}
}

// The first bad request is the one that is told, with how many there are by now.
func TestRequestsErr(t *testing.T) {
	var rs command.Requests
	if rs.Err() != nil || rs.Len() != 0 || rs.Size() != 0 || rs.Blocks() {
		t.Errorf("of no requests: %v, %d, %d, %v", rs.Err(), rs.Len(), rs.Size(), rs.Blocks())
	}
	add := func(r command.Request) { rs.Add(&r) }
	add(command.Get("k").Request())
	if err := rs.Err(); err != nil {
		t.Errorf("of a good one: %v", err)
	}
	add(command.Set("k", nil).Request())
	early := rs.Err()
	add(command.Get("k").Request())
	add(command.MGet().Request())
	for _, test := range []struct {
		err error
		len int
	}{{early, 2}, {rs.Err(), 4}} {
		var failed *command.BatchError
		if !errors.As(test.err, &failed) {
			t.Fatalf("error %v, want a BatchError", test.err)
		}
		if failed.Index != 1 || failed.Len != test.len || failed.Command != "SET" {
			t.Errorf("command %d of %d (%s), want 1 of %d (SET)", failed.Index, failed.Len, failed.Command, test.len)
		}
		if !errors.Is(test.err, command.ErrArgument) || !errors.Is(test.err, command.ErrNotSent) {
			t.Errorf("%v is neither a bad argument nor not sent", test.err)
		}
	}
}

// How long they may block together: without end where one of them does.
func TestRequestsBlockFor(t *testing.T) {
	second, third := command.BLPop(2*time.Second, "a").Request(), command.BLPop(3*time.Second, "a").Request()
	endless, get := command.BLPop(0, "a").Request(), command.Get("k").Request()
	for _, test := range []struct {
		name     string
		requests []command.Request
		blocks   bool
		want     time.Duration
	}{
		{"none", []command.Request{get, get}, false, 0},
		{"one", []command.Request{get, second, get}, true, 2 * time.Second},
		{"two", []command.Request{second, get, third}, true, 5 * time.Second},
		{"one endless", []command.Request{second, endless, third}, true, 0},
		{"the last endless", []command.Request{second, endless}, true, 0},
	} {
		var rs command.Requests
		for i := range test.requests {
			rs.Add(&test.requests[i])
		}
		if rs.Blocks() != test.blocks || rs.BlockFor() != test.want {
			t.Errorf("%s: blocks %v for %v, want %v for %v", test.name, rs.Blocks(), rs.BlockFor(), test.blocks, test.want)
		}
	}
}

// Bytes may be changed once they are queued.
func TestRequestsCopyBytes(t *testing.T) {
	first, second, other := []byte("first"), []byte("second"), []byte("key")
	r := command.LPush("k", first, second).Request()
	raw := command.Raw("get", other).Request()
	var rs command.Requests
	rs.Add(&r)
	rs.Add(&raw)
	var b command.Batch
	b.LPush("k", first, second)

	copy(first, "XXXXX")
	copy(second, "XXXXXX")
	copy(other, "XXX")

	want := string(proto.AppendCommand(proto.AppendCommand(nil, "LPUSH", "k", "first", "second"), "GET", "key"))
	if got := string(rs.Append(nil)); got != want {
		t.Errorf("sent %q, want %q", got, want)
	}
	expectWire(t, rs.At(0), "LPUSH k first second")
	expectWire(t, rs.At(1), "GET key")
	one := rs.At(1)
	if key, _ := one.Key(); key != "key" {
		t.Errorf("key %q", key)
	}
	d := &double{reply: ":2\r\n"}
	if err := b.Exec(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	expectWire(t, d.sent[0], "LPUSH k first second")

	// And what is appended is the caller's.
	sent := rs.Append(nil)
	clear(sent)
	expectWire(t, rs.At(0), "LPUSH k first second")
}
