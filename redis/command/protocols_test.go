package command_test

import (
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
)

// reply is a reply as a server means it; in encodes it for one of the protocols by the
// rules of RESP3's specification and of the servers' addReply functions.
type reply interface{ in(resp3 bool) string }

type (
	bulkText  string
	wholeText string // a simple string
	whole     int64
	double3   float64 // RESP2: a bulk string
	truth     bool    // RESP2: 1 or 0
	nothing   struct{}
	bigNumber string  // RESP2: a bulk string
	verbatim  string  // RESP2: a bulk string
	list      []reply // an array
	members   []reply // RESP2: an array
	record    []reply // a map; RESP2: a flat array
	couples   []reply // an array of arrays of two; RESP2: a flat array
	refusal   string  // an error
)

func (r bulkText) in(bool) string  { return fmt.Sprintf("$%d\r\n%s\r\n", len(r), string(r)) }
func (r wholeText) in(bool) string { return "+" + string(r) + "\r\n" }
func (r whole) in(bool) string     { return fmt.Sprintf(":%d\r\n", int64(r)) }
func (r refusal) in(bool) string   { return "-" + string(r) + "\r\n" }

func (r double3) in(resp3 bool) string {
	text := strconv.FormatFloat(float64(r), 'g', 17, 64)
	if resp3 {
		return "," + text + "\r\n"
	}
	return bulkText(text).in(false)
}

func (r truth) in(resp3 bool) string {
	switch {
	case resp3 && bool(r):
		return "#t\r\n"
	case resp3:
		return "#f\r\n"
	case bool(r):
		return ":1\r\n"
	}
	return ":0\r\n"
}

func (nothing) in(resp3 bool) string {
	if resp3 {
		return "_\r\n"
	}
	return "$-1\r\n"
}

func (r bigNumber) in(resp3 bool) string {
	if resp3 {
		return "(" + string(r) + "\r\n"
	}
	return bulkText(r).in(false)
}

func (r verbatim) in(resp3 bool) string {
	if resp3 {
		return fmt.Sprintf("=%d\r\ntxt:%s\r\n", len(r)+4, string(r))
	}
	return bulkText(r).in(false)
}

// all encodes elements behind a header.
func all(mark string, n int, elements []reply, resp3 bool) string {
	text := mark + strconv.Itoa(n) + "\r\n"
	for _, e := range elements {
		text += e.in(resp3)
	}
	return text
}

func (r list) in(resp3 bool) string { return all("*", len(r), r, resp3) }

func (r members) in(resp3 bool) string {
	if resp3 {
		return all("~", len(r), r, true)
	}
	return list(r).in(false)
}

func (r record) in(resp3 bool) string {
	if resp3 {
		return all("%", len(r)/2, r, true)
	}
	return list(r).in(false)
}

func (r couples) in(resp3 bool) string {
	if !resp3 {
		return list(r).in(false)
	}
	var nested list
	for i := 0; i < len(r); i += 2 {
		nested = append(nested, list{r[i], r[i+1]})
	}
	return nested.in(true)
}

// asIs returns a command with its reply as it came, so that commands of all types fit one
// table.
func asIs[T any](cmd command.Cmd[T]) command.Cmd[proto.Value] {
	return command.As(cmd, func(v proto.Value) (proto.Value, error) { return v, nil })
}

// answers are commands whose replies differ between the protocols, and others that could.
func answers() []struct {
	name  string
	cmd   command.Cmd[proto.Value]
	reply reply
} {
	keys := []string{"k"}
	scored := couples{bulkText("7"), double3(1), bulkText("8"), double3(2.5)}
	named := list{bulkText("Ada"), nothing{}}
	return []struct {
		name  string
		cmd   command.Cmd[proto.Value]
		reply reply
	}{
		{"GET of a text", asIs(command.Get("k")), bulkText("Ada")},
		{"GET of a number", asIs(command.Get("k")), bulkText("42")},
		{"GET of a truth", asIs(command.Get("k")), bulkText("true")},
		{"GET of nothing", asIs(command.Get("k")), nothing{}},
		{"PING", asIs(command.Ping()), wholeText("PONG")},
		{"INCR", asIs(command.Incr("k")), whole(1)},
		{"LOLWUT", asIs(command.LolWut()), verbatim("1")},
		{"HGETALL", asIs(command.HGetAll("k")), record{bulkText("name"), bulkText("Ada"), bulkText("age"), bulkText("36")}},
		{"HGETALL of numbers", asIs(command.HGetAll("k")), record{bulkText("1"), bulkText("2")}},
		{"HGETALL of nothing", asIs(command.HGetAll("k")), record{}},
		{"raw HGETALL", command.Raw("HGETALL", "k"), record{bulkText("name"), bulkText("Ada")}},
		{"CONFIG GET", asIs(command.ConfigGet("*")), record{bulkText("maxclients"), bulkText("10000")}},
		{"raw CONFIG GET", command.Raw("CONFIG", "GET", "*"), record{bulkText("maxclients"), bulkText("10000")}},
		{"MEMORY STATS", asIs(command.MemoryStats()), record{bulkText("peak.allocated"), whole(1), bulkText("ratio"), double3(1.5)}},
		{"HRANDFIELD WITHVALUES", asIs(command.HRandFieldWithValues("k", 2)), couples{bulkText("1"), bulkText("2"), bulkText("3"), bulkText("4")}},
		{"HRANDFIELD", asIs(command.HRandFieldCount("k", 2)), list{bulkText("1"), bulkText("3")}},
		{"ZRANGE WITHSCORES", asIs(command.ZRangeWithScores("k", command.ByRank(0, -1))), scored},
		{"raw ZRANGE WITHSCORES", command.Raw("ZRANGE", "k", 0, -1, "WITHSCORES"), scored},
		{"ZUNION WITHSCORES", asIs(command.ZUnionWithScores(keys)), scored},
		{"ZRANDMEMBER WITHSCORES", asIs(command.ZRandMemberWithScores("k", 2)), scored},
		{"ZPOPMIN 2", asIs(command.ZPopMinCount("k", 2)), scored},
		{"ZPOPMIN", asIs(command.ZPopMin("k")), list{bulkText("7"), double3(1)}},
		{"ZRANGE", asIs(command.ZRange("k", command.ByRank(0, -1))), list{bulkText("7"), bulkText("8")}},
		{"ZSCORE", asIs(command.ZScore("k", "m")), double3(3)},
		{"ZSCORE of a fraction", asIs(command.ZScore("k", "m")), double3(1.5)},
		{"ZSCORE, large", asIs(command.ZScore("k", "m")), double3(1e20)},
		{"ZMSCORE", asIs(command.ZMScore("k", "a", "b")), list{double3(1), double3(2.5)}},
		{"HMGET", asIs(command.HMGet("k", "name", "age")), named},
		{"raw HMGET", command.Raw("HMGET", "k", "name", "age"), named},
		{"MGET", asIs(command.MGet("name", "age")), named},
		{"SMEMBERS", asIs(command.SMembers("k")), members{bulkText("1"), bulkText("2")}},
		{"SISMEMBER", asIs(command.SIsMember("k", "m")), whole(1)},
		{"EVAL of a truth", command.Eval("s", nil), truth(true)},
		{"EVAL of an untruth", command.Eval("s", nil), truth(false)},
		{"EVAL of a big number", command.Eval("s", nil), bigNumber("123")},
		{"EVAL of an array", command.Eval("s", nil), list{bulkText("name"), bulkText("Ada")}},
		{"EVAL of a map", command.Eval("s", nil), record{bulkText("name"), bulkText("Ada")}},
		{"TTL", asIs(command.TTL("k")), whole(1500)},
		{"EXPIRETIME", asIs(command.ExpireTime("k")), whole(1_700_000_000_500)},
	}
}

type person struct {
	Name string `redis:"name"`
	Age  int    `redis:"age"`
}

// decoders are all ways to read a reply.
func decoders() map[string]func(command.Cmd[proto.Value]) func(*double) (any, error) {
	type cmd = command.Cmd[proto.Value]
	type run = func(*double) (any, error)
	return map[string]func(cmd) run{
		"AsString":           func(c cmd) run { return do(command.AsString(c)) },
		"AsBytes":            func(c cmd) run { return do(command.AsBytes(c)) },
		"AsStrings":          func(c cmd) run { return do(command.AsStrings(c)) },
		"AsInt":              func(c cmd) run { return do(command.AsInt(c)) },
		"AsUint":             func(c cmd) run { return do(command.AsUint(c)) },
		"AsFloat":            func(c cmd) run { return do(command.AsFloat(c)) },
		"AsBool":             func(c cmd) run { return do(command.AsBool(c)) },
		"AsTime":             func(c cmd) run { return do(command.AsTime(c)) },
		"AsDuration":         func(c cmd) run { return do(command.AsDuration(c)) },
		"AsAny":              func(c cmd) run { return do(command.AsAny(c)) },
		"AsGuess":            func(c cmd) run { return do(command.AsGuess(c)) },
		"AsJSON":             func(c cmd) run { return do(command.AsJSON[any](c)) },
		"AsFields":           func(c cmd) run { return do(command.AsFields(c)) },
		"AsStruct":           func(c cmd) run { return do(command.AsStruct[person](c)) },
		"AsSlice(AsString)":  func(c cmd) run { return do(command.AsSlice(c, command.AsString)) },
		"AsSlice(AsFloat)":   func(c cmd) run { return do(command.AsSlice(c, command.AsFloat)) },
		"AsSlice(AsAny)":     func(c cmd) run { return do(command.AsSlice(c, command.AsAny)) },
		"AsMap(AsString)":    func(c cmd) run { return do(command.AsMap(c, command.AsString)) },
		"AsMap(AsInt)":       func(c cmd) run { return do(command.AsMap(c, command.AsInt)) },
		"AsMap(AsAny)":       func(c cmd) run { return do(command.AsMap(c, command.AsAny)) },
		"AsStruct(AsFields)": func(c cmd) run { return do(command.AsStruct[person](command.AsFields(c))) },
	}
}

// What a decoder makes of a command does not depend on the protocol.
func TestProtocolsDecodeAlike(t *testing.T) {
	// What nothing but the reply itself can tell: RESP2 has no truths and no maps, and a
	// script says nothing about its reply.
	only := map[string]bool{
		"EVAL of a truth AsAny": true, "EVAL of a truth AsGuess": true,
		"EVAL of an untruth AsAny": true, "EVAL of an untruth AsGuess": true,
		"EVAL of a map AsAny": true, "EVAL of a map AsGuess": true,
		"EVAL of a map AsStruct": true, "EVAL of a map AsMap(AsString)": true, "EVAL of a map AsMap(AsAny)": true,
		"MEMORY STATS AsAny": true, "MEMORY STATS AsMap(AsAny)": true, "MEMORY STATS AsSlice(AsAny)": true, // its doubles
	}
	decoded := 0
	for _, a := range answers() {
		for name, decoder := range decoders() {
			run := decoder(a.cmd)
			v2, err2 := run(&double{reply: a.reply.in(false)})
			v3, err3 := run(&double{reply: a.reply.in(true)})
			alike := cmp.Equal(v2, v3) && (err2 == nil) == (err3 == nil) && errors.Is(err2, command.Nil) == errors.Is(err3, command.Nil)
			if alike == only[a.name+" "+name] {
				t.Errorf("%s %s: RESP2 gives %#v, %v; RESP3 gives %#v, %v", a.name, name, v2, err2, v3, err3)
			}
			if err2 == nil {
				decoded++
			}
		}
	}
	if decoded < 150 {
		t.Errorf("only %d of the pairs decode at all", decoded)
	}
}

func TestAsStructOfWhatIsNoPairs(t *testing.T) {
	named := list{bulkText("age"), bulkText("36")} // the first value is the name of a field
	ada := person{Name: "age", Age: 36}
	for _, test := range []struct {
		name  string
		cmd   command.Cmd[person]
		reply reply
		want  person
		fails bool
	}{
		{"HMGET", command.AsStruct[person](command.HMGet("u", "name", "age")), named, ada, false},
		{"HGETEX", command.AsStruct[person](command.HGetEX("u", []string{"name", "age"})), named, ada, false},
		{"HGETDEL", command.AsStruct[person](command.HGetDel("u", "name", "age")), named, ada, false},
		{"MGET", command.AsStruct[person](command.MGet("name", "age")), named, ada, false},
		{"HMGET of some", command.AsStruct[person](command.HMGet("u", "name", "age")), list{bulkText("Ada"), nothing{}}, person{Name: "Ada"}, false},
		{"HMGET with one value too few", command.AsStruct[person](command.HMGet("u", "name", "age")), list{bulkText("Ada")}, person{}, true},
		{"LRANGE", command.AsStruct[person](command.LRange("u", 0, -1)), named, person{}, true},
		{"EVAL", command.AsStruct[person](command.Eval("s", nil)), named, person{}, true},
		{"EVAL, said to be fields", command.AsStruct[person](command.AsFields(command.Eval("s", nil))), named, person{Age: 36}, false},
	} {
		for _, resp3 := range []bool{false, true} {
			got, err := test.cmd.Do(t.Context(), &double{reply: test.reply.in(resp3)})
			if test.fails != (err != nil) || got != test.want {
				t.Errorf("%s: %+v, %v; want %+v", test.name, got, err, test.want)
			}
		}
	}
	none := list{nothing{}, nothing{}}.in(true)
	if _, err := command.AsStruct[person](command.HMGet("u", "name", "age")).Do(t.Context(), &double{reply: none}); !errors.Is(err, command.Nil) {
		t.Errorf("a hash without any of the fields: %v, want Nil", err)
	}
	got, err := command.AsMap(command.HMGet("u", "a", "b", "c"), command.AsInt).Do(t.Context(), &double{reply: list{bulkText("1"), nothing{}, bulkText("3")}.in(true)})
	if diff := cmp.Diff(map[string]int64{"a": 1, "c": 3}, got); err != nil || diff != "" {
		t.Errorf("HMGET as a map: %v\n%s", err, diff)
	}
}

func TestUnitsOfTimes(t *testing.T) {
	const minute = 60
	for _, test := range []struct {
		name  string
		cmd   command.Cmd[time.Duration]
		reply reply
		want  time.Duration
		err   error
	}{
		{"TTL", command.AsDuration(command.TTL("k")), whole(90_000), 90 * time.Second, nil},
		{"TTL in seconds", command.AsDuration(command.TTLSeconds("k")), whole(minute), time.Minute, nil},
		{"raw PTTL", command.AsDuration(command.Raw("PTTL", "k")), whole(minute), minute * time.Millisecond, nil},
		{"TTL of nothing", command.AsDuration(command.TTL("k")), whole(-2), 0, command.Nil},
		{"OBJECT IDLETIME", command.AsDuration(command.ObjectIdleTime("k")), whole(minute), time.Minute, nil},
		{"a stored number of seconds", command.AsDuration(command.Get("k")), bulkText("60"), time.Minute, nil},
	} {
		got, err := test.cmd.Do(t.Context(), &double{reply: test.reply.in(true)})
		if got != test.want || !errors.Is(err, test.err) {
			t.Errorf("%s: %v, %v; want %v, %v", test.name, got, err, test.want, test.err)
		}
	}
	for name, got := range map[string]func(*double) (any, error){
		"TTL without an expiry": do(command.AsDuration(command.TTL("k"))),
		"INCR":                  do(command.AsDuration(command.Incr("k"))),
		"INCR as a time":        do(command.AsTime(command.Incr("k"))),
		"a script":              do(command.AsDuration(command.Eval("return redis.call('PTTL', 'k')", nil))),
	} {
		if v, err := got(&double{reply: ":-1\r\n"}); err == nil || errors.Is(err, command.Nil) {
			t.Errorf("%s: %v, %v; want an error", name, v, err)
		}
	}
	fields := command.AsSlice(command.HTTL("k", "a", "b"), command.AsDuration)
	if got, err := fields.Do(t.Context(), &double{reply: "*2\r\n:1000\r\n:2000\r\n"}); err != nil || !cmp.Equal(got, []time.Duration{time.Second, 2 * time.Second}) {
		t.Errorf("HTTL: %v, %v", got, err)
	}
	at, err := command.AsTime(command.ExpireTime("k")).Do(t.Context(), &double{reply: ":1700000000500\r\n"})
	if err != nil || !at.Equal(time.UnixMilli(1_700_000_000_500)) {
		t.Errorf("EXPIRETIME: %v, %v", at, err)
	}
	// Lengths of time are no points in time: nothing is sent.
	d := &double{reply: ":1\r\n"}
	if _, err := command.AsTime(command.TTL("k")).Do(t.Context(), d); !errors.Is(err, command.ErrArgument) || len(d.sent) > 0 {
		t.Errorf("TTL as a time: %v, sent %d", err, len(d.sent))
	}
	if _, err := command.AsDuration(command.ExpireTime("k")).Do(t.Context(), d); !errors.Is(err, command.ErrArgument) || len(d.sent) > 0 {
		t.Errorf("EXPIRETIME as a duration: %v, sent %d", err, len(d.sent))
	}
}

func TestTextsOfBooleansAndFloats(t *testing.T) {
	for text, want := range map[string]any{"1": true, "0": false, "true": true, "false": false} {
		if got, err := command.AsBool(command.Get("k")).Do(t.Context(), &double{reply: bulkText(text).in(true)}); err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"yes", "2", ""} {
		if got, err := command.AsBool(command.Get("k")).Do(t.Context(), &double{reply: bulkText(text).in(true)}); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
	for _, text := range []string{"1e400", "-1e400"} {
		if got, err := command.AsFloat(command.Get("k")).Do(t.Context(), &double{reply: bulkText(text).in(true)}); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}
