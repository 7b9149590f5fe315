package command_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
)

// decoding is one reply and what a command makes of it.
type decoding struct {
	name  string
	reply string
	got   func(d *double) (any, error)
	want  any
	err   error // errors.Is; nil for none
}

// do runs a command on a double, giving its result as any.
func do[T any](cmd command.Cmd[T]) func(*double) (any, error) {
	return func(d *double) (any, error) { return cmd.Do(nil, d) } //nolint:staticcheck // a double needs no context
}

func TestDecode(t *testing.T) {
	type user struct{ Name string }
	present := func(s string) command.Optional[string] { return command.Optional[string]{Value: s, Present: true} }
	number := func(n int64) command.Optional[int64] { return command.Optional[int64]{Value: n, Present: true} }
	for _, test := range []decoding{
		{"GET", "$1\r\nv\r\n", do(command.Get("k")), "v", nil},
		{"GET of nothing", "_\r\n", do(command.Get("k")), "", command.Nil},
		{"GET of nothing, RESP2", "$-1\r\n", do(command.Get("k")), "", command.Nil},
		{"GET as bytes", "$1\r\nv\r\n", do(command.AsBytes(command.Get("k"))), []byte("v"), nil},
		{"GET as int", "$2\r\n-7\r\n", do(command.AsInt(command.Get("k"))), int64(-7), nil},
		{"GET as float", "$3\r\n1.5\r\n", do(command.AsFloat(command.Get("k"))), 1.5, nil},
		{"GET as JSON", "$14\r\n{\"Name\":\"Ada\"}\r\n", do(command.AsJSON[user](command.Get("k"))), user{"Ada"}, nil},
		{"GET of nothing as JSON", "_\r\n", do(command.AsJSON[user](command.Get("k"))), user{}, command.Nil},
		{"SET", "+OK\r\n", do(command.Set("k", "v")), struct{}{}, nil},
		{"SET NX", "$-1\r\n", do(command.SetIf("k", "v", command.NX)), false, nil},
		{"SET GET", "$1\r\no\r\n", do(command.SetGet("k", "v")), "o", nil},
		{"MGET", "*3\r\n$1\r\na\r\n_\r\n$0\r\n\r\n", do(command.MGet("a", "b", "c")), []command.Optional[string]{present("a"), {}, present("")}, nil},
		{"MGET, RESP2", "*2\r\n$1\r\na\r\n$-1\r\n", do(command.MGet("a", "b")), []command.Optional[string]{present("a"), {}}, nil},
		{"INCR", ":9223372036854775807\r\n", do(command.Incr("k")), int64(math.MaxInt64), nil},
		{"EXPIRE", ":1\r\n", do(command.Expire("k", time.Second)), true, nil},
		{"HGETALL", "%1\r\n$1\r\na\r\n$1\r\n1\r\n", do(command.HGetAll("k")), map[string]string{"a": "1"}, nil},
		{"HGETALL, RESP2", "*4\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$1\r\n2\r\n", do(command.HGetAll("k")), map[string]string{"a": "1", "b": "2"}, nil},
		{"HGETALL of nothing", "*0\r\n", do(command.HGetAll("k")), map[string]string{}, nil},
		{"ZADD INCR", ",1.5\r\n", do(command.ZAddIncr("k", 1, "a")), 1.5, nil},
		{"ZADD INCR, RESP2", "$3\r\n1.5\r\n", do(command.ZAddIncr("k", 1, "a")), 1.5, nil},
		{"ZADD INCR refused", "_\r\n", do(command.ZAddIncr("k", 1, "a", command.NX)), 0.0, command.Nil},
		{"ZSCORE", ",inf\r\n", do(command.ZScore("k", "a")), math.Inf(1), nil},
		{"ZSCORE, RESP2", "$3\r\ninf\r\n", do(command.ZScore("k", "a")), math.Inf(1), nil},
		{"ZRANGE", "*1\r\n*2\r\n$1\r\na\r\n,1.5\r\n", do(command.ZRangeWithScores("k", command.ByRank(0, -1))), []command.ScoredMember{{"a", 1.5}}, nil},
		{"ZRANGE, RESP2", "*4\r\n$1\r\na\r\n$3\r\n1.5\r\n$1\r\nb\r\n$1\r\n2\r\n", do(command.ZRangeWithScores("k", command.ByRank(0, -1))), []command.ScoredMember{{"a", 1.5}, {"b", 2}}, nil},
		{
			"XREADGROUP", "%1\r\n$1\r\ns\r\n*2\r\n*2\r\n$3\r\n1-1\r\n*4\r\n$1\r\nf\r\n$1\r\nv\r\n$1\r\nf\r\n$1\r\nw\r\n*2\r\n$3\r\n1-2\r\n*-1\r\n",
			do(command.XReadGroup("g", "c", []command.StreamPosition{{"s", "0"}})),
			[]command.StreamEntries{{"s", []command.Entry{{"1-1", []command.Field{{"f", "v"}, {"f", "w"}}}, {"1-2", nil}}}},
			nil,
		},
		{
			"XREADGROUP, RESP2", "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n",
			do(command.XReadGroup("g", "c", []command.StreamPosition{{"s", "0"}})),
			[]command.StreamEntries{{"s", []command.Entry{{"1-1", []command.Field{{"f", "v"}}}}}},
			nil,
		},
		{"XREADGROUP of nothing", "*-1\r\n", do(command.XReadGroup("g", "c", []command.StreamPosition{{"s", ">"}})), []command.StreamEntries(nil), command.Nil},
		{"SORT", "*2\r\n$1\r\n1\r\n$1\r\n2\r\n", do(command.Sort("k")), []string{"1", "2"}, nil},
		{"SORT GET", "*2\r\n$1\r\n1\r\n_\r\n", do(command.SortGet("k", []string{"x*"})), []command.Optional[string]{present("1"), {}}, nil},
		{"GEOSEARCH", "*1\r\n$1\r\nm\r\n", do(command.GeoSearch("g", command.FromMember("m"), command.ByRadius(1, command.Meters))), []string{"m"}, nil},
		{
			"GEOSEARCH WITH", "*1\r\n*4\r\n$1\r\nm\r\n$6\r\n1.5000\r\n:12\r\n*2\r\n,2.5\r\n$4\r\n-3.5\r\n",
			do(command.GeoSearchLocations("g", command.FromMember("m"), command.ByRadius(1, command.Meters))),
			[]command.GeoLocation{{"m", 1.5, 12, command.Position{Longitude: 2.5, Latitude: -3.5}}},
			nil,
		},
		{"BITFIELD", "*2\r\n:7\r\n_\r\n", do(command.BitField("k", command.BitGet("u8", 0))), []command.Optional[int64]{number(7), {}}, nil},
		{"LMPOP", "*2\r\n$1\r\nk\r\n*1\r\n$1\r\nv\r\n", do(command.LMPop(command.Left, []string{"k"})), command.KeyValues{"k", []string{"v"}}, nil},
		{"LMPOP of nothing", "*-1\r\n", do(command.LMPop(command.Left, []string{"k"})), command.KeyValues{}, command.Nil},
		{"BLPOP", "*2\r\n$1\r\nk\r\n$1\r\nv\r\n", do(command.BLPop(0, "k")), command.KeyValue{"k", "v"}, nil},
		{"BLPOP of nothing", "_\r\n", do(command.BLPop(0, "k")), command.KeyValue{}, command.Nil},
		{"SCAN", "*2\r\n$20\r\n18446744073709551615\r\n*1\r\n$1\r\nk\r\n", do(command.Scan(0)), command.ScanPage{math.MaxUint64, []string{"k"}}, nil},
		{"INFO", "=45\r\ntxt:# Server\r\nredis_version:8.0\r\na:b:c\r\n# X\r\n\r\n", do(command.Info()), command.ServerInfo{"server": {"redis_version": "8.0", "a": "b:c"}, "x": {}}, nil},
		{"OBJECT ENCODING of nothing", "$-1\r\n", do(command.ObjectEncoding("k")), "", command.Nil},
		{"EVAL as strings", "*1\r\n$1\r\na\r\n", do(command.AsStrings(command.Eval("s", nil))), []string{"a"}, nil},
		{"EVAL as bool", "#t\r\n", do(command.AsBool(command.Eval("s", nil))), true, nil},
		{"EVAL as string", ",1.5\r\n", do(command.AsString(command.Eval("s", nil))), "1.5", nil},
		{
			"CLUSTER SHARDS", "*1\r\n%2\r\n$5\r\nslots\r\n*2\r\n:0\r\n:99\r\n$5\r\nnodes\r\n*1\r\n%4\r\n$2\r\nid\r\n$1\r\nx\r\n$4\r\nport\r\n:7000\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$6\r\nfuture\r\n:1\r\n",
			do(command.ClusterShards()),
			[]command.Shard{{[]command.SlotRange{{0, 99}}, []command.ShardNode{{ID: "x", Port: 7000, Role: "master"}}}},
			nil,
		},
		{
			"CLUSTER SHARDS, RESP2", "*1\r\n*4\r\n$5\r\nslots\r\n*0\r\n$5\r\nnodes\r\n*1\r\n*2\r\n$8\r\nendpoint\r\n$-1\r\n",
			do(command.ClusterShards()),
			[]command.Shard{{nil, []command.ShardNode{{}}}},
			nil,
		},
		{"PUBSUB NUMSUB", "*4\r\n$1\r\na\r\n:2\r\n$1\r\nb\r\n:0\r\n", do(command.PubSubNumSub("a", "b")), []command.ChannelCount{{"a", 2}, {"b", 0}}, nil},
		{"PUBSUB NUMSUB as a map", "%1\r\n$1\r\na\r\n:2\r\n", do(command.PubSubNumSub("a")), []command.ChannelCount{{"a", 2}}, nil},
		{"CONFIG SET", "+OK\r\n", do(command.ConfigSet(map[string]string{"a": "b"})), struct{}{}, nil},
	} {
		got, err := test.got(&double{reply: test.reply})
		if !errors.Is(err, test.err) {
			t.Errorf("%s: %v, want %v", test.name, err, test.err)
			continue
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestAsBinary(t *testing.T) {
	when := time.Unix(1700000000, 0).UTC()
	data, _ := when.MarshalBinary()
	d := &double{reply: fmt.Sprintf("$%d\r\n%s\r\n", len(data), data)}
	got, err := command.AsBinary[time.Time](command.Get("k")).Do(t.Context(), d)
	if err != nil || !got.Equal(when) {
		t.Errorf("%v, %v", got, err)
	}
	d.reply = "$1\r\nx\r\n"
	if _, err := command.AsBinary[time.Time](command.Get("k")).Do(t.Context(), d); err == nil {
		t.Error("nonsense is decoded")
	}
}

// A reply of the wrong shape is the caller's error: it names command, key,
// wanted type and what came, and shows no content.
func TestDecodeErrors(t *testing.T) {
	for name, got := range map[string]func(*double) (any, error){
		"GET":                 do(command.Get("key")),
		"GET as int":          do(command.AsInt(command.Get("key"))),
		"GET as float":        do(command.AsFloat(command.Get("key"))),
		"GET as JSON":         do(command.AsJSON[int](command.Get("key"))),
		"SET":                 do(command.Set("key", "v")),
		"MGET":                do(command.MGet("key")),
		"INCR":                do(command.Incr("key")),
		"EXPIRE":              do(command.Expire("key", time.Second)),
		"HGETALL":             do(command.HGetAll("key")),
		"ZRANGE":              do(command.ZRangeWithScores("key", command.ByRank(0, 1))),
		"XREADGROUP":          do(command.XReadGroup("g", "c", []command.StreamPosition{{"key", ">"}})),
		"LRANGE":              do(command.LRange("key", 0, 1)),
		"GEOSEARCH":           do(command.GeoSearch("key", command.FromMember("m"), command.ByRadius(1, command.Meters))),
		"GEOSEARCH locations": do(command.GeoSearchLocations("key", command.FromMember("m"), command.ByRadius(1, command.Meters))),
		"BITFIELD":            do(command.BitField("key", command.BitGet("u8", 0))),
		"LMPOP":               do(command.LMPop(command.Left, []string{"key"})),
		"BLPOP":               do(command.BLPop(0, "key")),
	} {
		reply := "*3\r\n$7\r\nprivate\r\n*1\r\n%1\r\n$1\r\na\r\n$1\r\nb\r\n#t\r\n"
		if strings.HasPrefix(name, "GET as") {
			reply = "$7\r\nprivate\r\n"
		}
		_, err := got(&double{reply: reply})
		var wrong *command.DecodeError
		if !errors.As(err, &wrong) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		word, _, _ := strings.Cut(name, " ")
		if wrong.Command != word || wrong.Key != "key" || wrong.Want == "" || wrong.Got == "" || strings.Contains(err.Error(), "private") {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A cause is there for errors.As.
	_, err := command.AsJSON[int](command.Get("k")).Do(t.Context(), &double{reply: "$1\r\n{\r\n"})
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		t.Errorf("%v", err)
	}
}

func TestErrorReply(t *testing.T) {
	_, err := command.LPush("k", 1).Do(t.Context(), &double{reply: "-WRONGTYPE no list\r\n"})
	var reply *proto.Error
	if !errors.As(err, &reply) || reply.Code != "WRONGTYPE" || !strings.Contains(err.Error(), "LPUSH: WRONGTYPE no list: the key holds") {
		t.Errorf("%v", err)
	}
	// What a server repeats of a password is taken out.
	_, err = command.ACLSetUser("bob", "on", "<hunter2").Do(t.Context(), &double{reply: "-ERR Error in ACL SETUSER modifier '<hunter2': no such password\r\n"})
	if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "no such password") {
		t.Errorf("%v", err)
	}
	_, err = command.ACLSetUser("bob", "<bobsecret").Do(t.Context(), &double{reply: "-ERR Error in ACL SETUSER modifier '<bobsecret': no such password\r\n"})
	if err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "no such password") {
		t.Errorf("%v", err)
	}
	for _, code := range []string{"MOVED 7629 :1", "ASK 7629 h:1", "TRYAGAIN", "CLUSTERDOWN", "LOADING", "READONLY", "MASTERDOWN"} {
		if _, err := command.Get("k").Do(t.Context(), &double{reply: "-" + code + "\r\n"}); !errors.Is(err, command.ErrRejected) {
			t.Errorf("%s: %v", code, err)
		}
	}
	for _, code := range []string{"ERR", "NOPERM", "EXECABORT", "BUSY", "OOM"} {
		_, err := command.Get("k").Do(t.Context(), &double{reply: "-" + code + " x\r\n"})
		if err == nil || errors.Is(err, command.ErrRejected) || errors.Is(err, command.ErrNotSent) || errors.Is(err, command.ErrMaybeExecuted) {
			t.Errorf("%s: %v", code, err)
		}
	}
}

func TestGo(t *testing.T) {
	results := command.Get("k").Go(t.Context(), &double{reply: "$1\r\nv\r\n"})
	if r := <-results; r.Value != "v" || r.Err != nil {
		t.Errorf("%+v", r)
	}
	select {
	case r, open := <-results:
		t.Errorf("a second result: %+v, %v", r, open)
	default: // neither closed nor sent to again: it may stay in a select
	}
}

func TestBatch(t *testing.T) {
	var b command.Batch
	d := &double{reply: ":1\r\n_\r\n$1\r\nv\r\n-ERR no\r\n"}
	n, missing, wrong, refused := b.Incr("n"), b.Get("k"), b.Incr("k"), b.Del("k")
	if _, err := n.Result(); err != command.ErrNotExecuted {
		t.Errorf("before Exec: %v", err)
	}
	err := b.Exec(t.Context(), d)
	var failed *command.BatchError
	if !errors.As(err, &failed) || failed.Index != 2 || failed.Len != 4 || failed.Command != "INCR" {
		t.Errorf("Exec: %v", err)
	}
	if n.Value() != 1 || n.Err() != nil || missing.Err() != command.Nil || wrong.Err() == nil || refused.Err() == nil {
		t.Errorf("%v %v %v %v", n.Err(), missing.Err(), wrong.Err(), refused.Err())
	}
	if !failed.Ran {
		t.Error("the first command ran, and the error does not say so")
	}
	var lost command.Batch
	lost.Incr("a")
	lost.Incr("b")
	err = lost.Exec(t.Context(), &double{reply: "-MOVED 1 h:1\r\n-MOVED 1 h:1\r\n"})
	if !errors.As(err, &failed) || failed.Ran || !errors.Is(err, command.ErrRejected) {
		t.Errorf("a batch of which nothing ran: %v", err)
	}
	var bad command.Batch
	bad.Incr("a")
	bad.Set("b", nil)
	if err = bad.Exec(t.Context(), nil); !errors.As(err, &failed) || failed.Ran || !errors.Is(err, command.ErrNotSent) {
		t.Errorf("a batch with a bad argument: %v", err)
	}
	// The batch can be filled again; the futures keep their results.
	d.reply = ":2\r\n"
	second := b.Incr("n")
	if err := b.Exec(t.Context(), d); err != nil || second.Value() != 2 || n.Value() != 1 {
		t.Errorf("the second run: %v, %d, %d", err, second.Value(), n.Value())
	}
	if err := b.Exec(t.Context(), nil); err != nil {
		t.Errorf("an empty batch: %v", err)
	}
	// Futures may be read by many while the batch runs.
	third := b.Incr("n")
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			if _, err := third.Result(); err != command.ErrNotExecuted {
				return
			}
			runtime.Gosched()
		}
	}()
	if err := b.Exec(t.Context(), d); err != nil {
		t.Error(err)
	}
	<-done
}

// The strings of a small reply share its memory; those of a large one don't
// keep all of it.
func TestTextSharing(t *testing.T) {
	list := func(n int) string {
		var b strings.Builder
		fmt.Fprintf(&b, "*%d\r\n", n)
		for i := range n {
			fmt.Fprintf(&b, "$8\r\n%08d\r\n", i)
		}
		return b.String()
	}
	allocs := func(n int) float64 {
		d := &double{reply: list(n)}
		v := parse(d.reply)
		cmd := command.LRange("k", 0, -1)
		fixed := doer(func() proto.Value { return v })
		return testing.AllocsPerRun(10, func() {
			if got, err := cmd.Do(t.Context(), fixed); err != nil || len(got) != n {
				t.Fatal(err)
			}
		})
	}
	if n := allocs(1000); n > 3 {
		t.Errorf("1,000 small strings cost %v allocations", n)
	}
	if n := allocs(100_000); n > 40 {
		t.Errorf("100,000 small strings cost %v allocations", n)
	}

	// One string of a reply of 8 MB, kept: the rest goes.
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	kept := keepOne(t, list(1<<19))
	if grown := heap() - before; grown > 1<<20 {
		t.Errorf("a string of 8 bytes keeps %d bytes", grown)
	}
	if kept != "00001000" {
		t.Errorf("kept %q", kept)
	}
}

func keepOne(t *testing.T, reply string) string {
	limits := proto.Limits{MaxElements: 1 << 20}
	v, err := proto.NewReader(strings.NewReader(reply), limits).Next()
	if err != nil {
		t.Fatal(err)
	}
	got, err := command.LRange("k", 0, -1).Do(t.Context(), doer(func() proto.Value { return v }))
	if err != nil {
		t.Fatal(err)
	}
	return got[1000]
}

func TestOptional(t *testing.T) {
	if v := (command.Optional[int]{}).Or(7); v != 7 {
		t.Errorf("missing: %d", v)
	}
	if v := (command.Optional[int]{Value: 1, Present: true}).Or(7); v != 1 {
		t.Errorf("present: %d", v)
	}
}

// Every constructor has its methods on Commands and on Batch.
func TestMethods(t *testing.T) {
	commands, batch := reflect.TypeOf(&command.Commands{}), reflect.TypeOf(&command.Batch{})
	for _, name := range []string{"Get", "Set", "HSet", "XReadGroup", "BLPop", "Eval"} {
		if _, ok := commands.MethodByName(name); !ok {
			t.Errorf("Commands has no %s", name)
		}
		if _, ok := batch.MethodByName(name); !ok {
			t.Errorf("Batch has no %s", name)
		}
	}
	v, err := command.On(&double{reply: "$1\r\nv\r\n"}).Get(t.Context(), "k")
	if v != "v" || err != nil {
		t.Errorf("%q, %v", v, err)
	}
	if err := command.On(&double{reply: "+OK\r\n"}).MSet(t.Context(), command.Map{"a": 1}); err != nil {
		t.Error(err)
	}
}
