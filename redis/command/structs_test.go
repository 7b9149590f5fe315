package command_test

import (
	"context"
	"errors"
	"math"
	"math/big"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
)

type base struct {
	ID int64 `redis:"id"`
}

type level uint8

type everything struct {
	base
	Name    string         `redis:"name"`
	Data    []byte         `redis:"data"`
	Small   int8           `redis:"small"`
	Big     uint64         `redis:"big"`
	Ratio   float64        `redis:"ratio"`
	On      bool           `redis:"on"`
	At      time.Time      `redis:"at"`
	For     time.Duration  `redis:"for"`
	Tags    []string       `redis:"tags,json"`
	Login   *int64         `redis:"login"`
	Level   level          `redis:"level"`
	From    netip.Addr     `redis:"from"`
	Empty   string         `redis:"empty,omitempty"`
	Extra   map[string]int `redis:"extra,json,omitempty"`
	Ignored string         `redis:"-"`
	Plain   string
}

func TestStruct(t *testing.T) {
	login := int64(-5)
	full := everything{
		base: base{7}, Name: "Ada", Data: []byte{0, 255}, Small: -8, Big: math.MaxUint64, Ratio: 0.5, On: true,
		At: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), For: 90 * time.Minute,
		Tags: []string{"a", "b"}, Login: &login, Level: 3, From: netip.MustParseAddr("::1"),
		Ignored: "secret", Plain: "too",
	}
	words := wire(command.HSet("k", command.Struct(&full)).Request())
	want := []string{
		"HSET", "k", "id", "7", "name", "Ada", "data", "\x00\xff", "small", "-8", "big", "18446744073709551615", "ratio", "0.5",
		"on", "1", "at", "2026-01-02T03:04:05.000000006Z", "for", "1h30m0s", "tags", `["a","b"]`, "login", "-5", "level", "3",
		"from", "::1",
	}
	if diff := cmp.Diff(want, words); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	// And back, from RESP2's flat form and from RESP3's map.
	for _, mark := range []string{"*26", "%13"} {
		d := &double{reply: mark + "\r\n" + encoded(words[2:])}
		got, err := command.AsStruct[everything](command.HGetAll("k")).Do(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		kept := full
		kept.Ignored, kept.Plain = "", ""
		if diff := cmp.Diff(kept, got, cmp.AllowUnexported(everything{}), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", mark, diff)
		}
	}
}

func encoded(words []string) string {
	var b []byte
	for _, w := range words {
		b = proto.AppendString(b, w)
	}
	return string(b)
}

func TestStructForms(t *testing.T) {
	type times struct {
		At   time.Time     `redis:"at"`
		For  time.Duration `redis:"for"`
		On   bool          `redis:"on"`
		More string        `redis:"more"`
	}
	read := command.AsStruct[times](command.HGetAll("k"))
	for _, test := range []struct {
		fields []string
		want   times
	}{
		{[]string{"at", "1700000000", "for", "90", "on", "true"}, times{At: time.Unix(1700000000, 0), For: 90 * time.Second, On: true}},
		{[]string{"at", "1700000000.25", "for", "0.5", "on", "0"}, times{At: time.Unix(1700000000, 250_000_000), For: time.Second / 2}},
		{[]string{"unknown", "x", "more", "m"}, times{More: "m"}},
	} {
		got, err := read.Do(t.Context(), &double{reply: "*" + itoa(len(test.fields)) + "\r\n" + encoded(test.fields)})
		if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
			t.Errorf("%q: %v (-want +got):\n%s", test.fields, err, diff)
		}
	}
	for _, nothing := range []string{"*0\r\n", "%0\r\n", "_\r\n"} {
		if _, err := read.Do(t.Context(), &double{reply: nothing}); err != command.Nil {
			t.Errorf("%q: %v", nothing, err)
		}
	}
	// What does not fit is told by field, and without what is stored.
	for _, fields := range [][]string{
		{"at", "private"}, {"for", "private"}, {"on", "private"}, {"for", "1e300"},
	} {
		_, err := read.Do(t.Context(), &double{reply: "*2\r\n" + encoded(fields)})
		var wrong *command.DecodeError
		if !errors.As(err, &wrong) || wrong.Key != "k" || !strings.Contains(err.Error(), `"`+fields[0]+`"`) || strings.Contains(err.Error(), "private") {
			t.Errorf("%q: %v", fields, err)
		}
	}
	if _, err := read.Do(t.Context(), &double{reply: "+OK\r\n"}); err == nil {
		t.Error("OK is no struct")
	}
}

// What has its methods on a pointer is sent by them, and read back.
func TestStructPointers(t *testing.T) {
	type numbers struct {
		Value   big.Int  `redis:"value"`
		Pointer *big.Int `redis:"pointer"`
		Nil     *big.Int `redis:"nil"`
		NilJSON *int     `redis:"niljson,json"`
	}
	var n numbers
	n.Value.SetString("123456789012345678901234567890", 10)
	n.Pointer = big.NewInt(-7)
	words := wire(command.HSet("k", command.Struct(n)).Request())
	if want := []string{"HSET", "k", "value", "123456789012345678901234567890", "pointer", "-7"}; !slices.Equal(words, want) {
		t.Fatalf("sent %q, want %q", words, want)
	}
	got, err := command.AsStruct[numbers](command.HGetAll("k")).Do(t.Context(), &double{reply: "*4\r\n" + encoded(words[2:])})
	if err != nil || got.Value.Cmp(&n.Value) != 0 || got.Pointer.Cmp(n.Pointer) != 0 || got.Nil != nil || got.NilJSON != nil {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestStructRefused(t *testing.T) {
	type hidden struct {
		name string `redis:"name"` //nolint:unused // that is what is refused
	}
	type untagged struct{ Name string }
	type option struct {
		Name string `redis:"name,nonsense"`
	}
	type nameless struct {
		Name string `redis:",json"`
	}
	type channel struct {
		C chan int `redis:"c"`
	}
	type function struct {
		F any `redis:"f,json"`
	}
	type failing struct {
		At badText `redis:"at"`
	}
	type empty struct {
		Name string `redis:"name,omitempty"`
	}
	for name, v := range map[string]any{
		"nil": nil, "text": "x", "hidden": hidden{}, "untagged": untagged{}, "option": option{},
		"nameless": nameless{}, "channel": channel{}, "empty": empty{}, "nil pointer": (*empty)(nil),
		"not JSON": function{func() {}}, "failing": failing{},
	} {
		r := command.HSet("k", command.Struct(v)).Request()
		if err := r.Err(); !errors.Is(err, command.ErrArgument) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// What nothing can be read into is refused before anything is sent.
	all := command.HGetAll("k")
	for name, r := range map[string]command.Request{
		"text": command.AsStruct[string](all).Request(), "pointer": command.AsStruct[*empty](all).Request(),
		"interface": command.AsStruct[any](all).Request(), "hidden": command.AsStruct[hidden](all).Request(),
		"untagged": command.AsStruct[untagged](all).Request(), "option": command.AsStruct[option](all).Request(),
		"channel":        command.AsStruct[channel](all).Request(),
		"hidden pointer": command.AsStruct[struct{ *base }](all).Request(),
		"slice":          command.AsSlice(all, command.AsStruct[untagged]).Request(),
		"map":            command.AsMap(all, command.AsStruct[untagged]).Request(),
	} {
		if err := r.Err(); !errors.Is(err, command.ErrArgument) {
			t.Errorf("reading, %s: %v", name, err)
		}
	}
	d := &double{}
	if _, err := command.AsStruct[untagged](all).Do(t.Context(), d); !errors.Is(err, command.ErrArgument) || !errors.Is(err, command.ErrNotSent) || len(d.sent) > 0 {
		t.Errorf("a struct without tags: %v", err)
	}
	keys := make([]string, 5)
	several := command.MGet(keys...)
	_ = command.AsStruct[untagged](several)
	if r := several.Request(); r.Err() != nil {
		t.Errorf("the command itself: %v", r.Err())
	}
}

// badText is what can't be sent.
type badText struct{}

func (badText) MarshalText() ([]byte, error) { return nil, errors.New("no text") }

// A float32 in a struct, or in a type that is made from it, stays what it is in decimal.
func TestFloat32(t *testing.T) {
	type ratio float32
	expectWire(t, command.Set("k", ratio(0.1)).Request(), "SET k 0.1")
	expectWire(t, command.HSet("k", command.Struct(struct {
		A float32 `redis:"a"`
		B ratio   `redis:"b"`
	}{0.1, 0.7})).Request(), "HSET k a 0.1 b 0.7")
}

type Place struct {
	City   string `redis:"city"`
	Street string `redis:"street"`
}

type Node struct {
	*Node
	*Place
	Name string `redis:"name"`
}

// A pointer to a struct that is embedded is like the struct, and nil where there is nothing.
func TestStructEmbedsPointers(t *testing.T) {
	words := wire(command.HSet("k", command.Struct(Node{Place: &Place{City: "Turin"}, Name: "Ada"})).Request())
	if want := "HSET k city Turin street  name Ada"; strings.Join(words, " ") != want {
		t.Errorf("sent %q, want %q", words, want)
	}
	words = wire(command.HSet("k", command.Struct(Node{Name: "Ada"})).Request())
	if want := "HSET k name Ada"; strings.Join(words, " ") != want {
		t.Errorf("sent %q, want %q", words, want)
	}
	for text, want := range map[string]Node{
		"*4\r\n" + encoded([]string{"name", "Ada", "street", "Po"}): {Name: "Ada", Place: &Place{Street: "Po"}},
		"*2\r\n" + encoded([]string{"name", "Ada"}):                 {Name: "Ada"},
	} {
		got, err := command.AsStruct[Node](command.HGetAll("k")).Do(t.Context(), &double{reply: text})
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	}
	e := command.Entry{Fields: []command.Field{{Name: "id", Value: "7"}}}
	held := struct{ *base }{new(base)}
	if err := e.Scan(&held); err != nil || held.ID != 7 {
		t.Errorf("into a pointer that is there: %v", err)
	}
	if err := e.Scan(new(struct{ *base })); !errors.Is(err, command.ErrArgument) {
		t.Errorf("into one that can't be set: %v", err)
	}
}

func TestEntryScan(t *testing.T) {
	e := command.Entry{ID: "1-1", Fields: []command.Field{{Name: "name", Value: "Ada"}, {Name: "small", Value: "5"}}}
	var got everything
	if err := e.Scan(&got); err != nil || got.Name != "Ada" || got.Small != 5 {
		t.Errorf("%v, %v", got, err)
	}
	for _, to := range []any{nil, got, (*everything)(nil), new(string)} {
		if err := e.Scan(to); !errors.Is(err, command.ErrArgument) {
			t.Errorf("%T: %v", to, err)
		}
	}
	e.Fields[1].Value = "500"
	if err := e.Scan(&got); err == nil {
		t.Error("500 fits into an int8")
	}
}

func TestGuess(t *testing.T) {
	for text, want := range map[string]any{
		"":                     "",
		"text":                 "text",
		"7":                    int64(7),
		"-9223372036854775808": int64(math.MinInt64),
		"1.5":                  1.5,
		"+1.5":                 1.5,
		"inf":                  "inf",
		"true":                 true,
		"null":                 nil,
		`"quoted"`:             "quoted",
		`{"a":[1,null,0.5]}`:   map[string]any{"a": []any{int64(1), nil, 0.5}},
		"9007199254740993":     int64(9007199254740993),
		`[9007199254740993]`:   []any{int64(9007199254740993)}, // more than a float64 can tell apart
		"18446744073709551616": 18446744073709551616.0,
		"1e3":                  1000.0,
		".5":                   0.5,
		"007":                  "007",
		"nan":                  "nan",
		"Infinity":             "Infinity",
		"0x10p2":               "0x10p2",
		"1_000":                "1_000",
		"-":                    "-",
		"1e":                   "1e",
		"{":                    "{",
		"\xff\x00":             []byte{0xff, 0},
	} {
		if diff := cmp.Diff(want, command.Guess(text)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

func TestDecoders(t *testing.T) {
	list := command.LRange("k", 0, -1)
	hash := command.HGetAll("k")
	for _, test := range []decoding{
		{"uint", "$20\r\n18446744073709551615\r\n", do(command.AsUint(command.Get("k"))), uint64(math.MaxUint64), nil},
		{"uint of nothing", "_\r\n", do(command.AsUint(command.Get("k"))), uint64(0), command.Nil},
		{"time", "$20\r\n2023-11-14T22:13:20Z\r\n", do(command.AsTime(command.Get("k"))), time.Unix(1700000000, 0).UTC(), nil},
		{"time before 1970", "$4\r\n-1.5\r\n", do(command.AsTime(command.Get("k"))), time.Unix(-1, -500_000_000), nil},
		{"time just before 1970", "$4\r\n-0.5\r\n", do(command.AsTime(command.Get("k"))), time.Unix(0, -500_000_000), nil},
		{"double as text", ",12345678901\r\n", do(command.AsString(command.Raw("X"))), "12345678901", nil},
		{"infinite double as text", ",-inf\r\n", do(command.AsString(command.Raw("X"))), "-inf", nil},
		{"small double as text", ",1e-7\r\n", do(command.AsString(command.Raw("X"))), "1e-07", nil},
		{"time of an integer", ":1700000000\r\n", do(command.AsTime(command.Raw("LASTSAVE"))), time.Unix(1700000000, 0), nil},
		{"duration", "$5\r\n1m30s\r\n", do(command.AsDuration(command.Get("k"))), 90 * time.Second, nil},
		{"seconds", "$5\r\n1.001\r\n", do(command.AsDuration(command.Get("k"))), 1001 * time.Millisecond, nil},
		{"many seconds", "$14\r\n1700000009.009\r\n", do(command.AsDuration(command.Get("k"))), 1700000009009 * time.Millisecond, nil},
		{"seconds with an exponent", "$9\r\n-1.001e+2\r\n", do(command.AsDuration(command.Get("k"))), -100100 * time.Millisecond, nil},
		{"text", "$3\r\n::1\r\n", do(command.AsText[netip.Addr](command.Get("k"))), netip.MustParseAddr("::1"), nil},
		{"slice", "*2\r\n$1\r\n1\r\n$2\r\n-2\r\n", do(command.AsSlice(list, command.AsInt)), []int64{1, -2}, nil},
		{"slice of a set", "~1\r\n$3\r\n0.5\r\n", do(command.AsSlice(list, command.AsFloat)), []float64{0.5}, nil},
		{"slice of nothing", "*0\r\n", do(command.AsSlice(list, command.AsInt)), []int64{}, nil},
		{"map", "%1\r\n$1\r\na\r\n$1\r\n7\r\n", do(command.AsMap(hash, command.AsInt)), map[string]int64{"a": 7}, nil},
		{"map, RESP2", "*2\r\n$1\r\na\r\n$1\r\n7\r\n", do(command.AsMap(hash, command.AsInt)), map[string]int64{"a": 7}, nil},
		{"map of JSON", "*2\r\n$1\r\na\r\n$3\r\n[1]\r\n", do(command.AsMap(hash, command.AsJSON[[]int])), map[string][]int{"a": {1}}, nil},
		{"any", "*6\r\n$1\r\n7\r\n:7\r\n,0.5\r\n#t\r\n_\r\n%1\r\n+a\r\n~0\r\n", do(command.AsAny(list)), []any{"7", int64(7), 0.5, true, nil, map[string]any{"a": []any{}}}, nil},
		{"any of nothing", "_\r\n", do(command.AsAny(list)), nil, nil},
		{"guess", "*2\r\n$1\r\n7\r\n$4\r\ntext\r\n", do(command.AsGuess(list)), []any{int64(7), "text"}, nil},
	} {
		got, err := test.got(&double{reply: test.reply})
		if !errors.Is(err, test.err) {
			t.Errorf("%s: %v, want %v", test.name, err, test.err)
		} else if diff := cmp.Diff(test.want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
	if f, err := command.AsFloat(command.Get("k")).Do(t.Context(), &double{reply: "$4\r\n-nan\r\n"}); err != nil || !math.IsNaN(f) {
		t.Errorf("-nan: %v, %v", f, err)
	}
	// What is missing inside is a reply that does not fit, not one that is missing.
	_, err := command.AsSlice(list, command.AsInt).Do(t.Context(), &double{reply: "*2\r\n$1\r\n1\r\n_\r\n"})
	if err == nil || errors.Is(err, command.Nil) {
		t.Errorf("a slice with a missing element: %v", err)
	}
	for _, test := range []struct {
		name, reply, want string
		got               func(d *double) (any, error)
	}{
		{"AsSlice", "*1\r\n_\r\n", "an array of", do(command.AsSlice(list, command.AsInt))},
		{"AsSlice", "*1\r\n$7\r\nprivate\r\n", "an array of int64", do(command.AsSlice(list, command.AsInt))},
		{"AsSlice", "$7\r\nprivate\r\n", "an array", do(command.AsSlice(list, command.AsInt))},
		{"AsMap", "*2\r\n$1\r\na\r\n$7\r\nprivate\r\n", "a map of int64", do(command.AsMap(hash, command.AsInt))},
		{"AsMap", "*1\r\n$7\r\nprivate\r\n", "a map", do(command.AsMap(hash, command.AsInt))},
		{"AsTime", "$7\r\nprivate\r\n", "time.Time", do(command.AsTime(command.Get("k")))},
		{"AsDuration", "$10\r\n9223372037\r\n", "time.Duration", do(command.AsDuration(command.Get("k")))},
		{"AsDuration", "$4\r\n1e10\r\n", "time.Duration", do(command.AsDuration(command.Get("k")))},
		{"AsDuration", "$3\r\nnan\r\n", "time.Duration", do(command.AsDuration(command.Get("k")))},
		{"AsDuration", "$7\r\nprivate\r\n", "time.Duration", do(command.AsDuration(command.Get("k")))},
		{"AsDuration", "$5\r\n1_000\r\n", "time.Duration", do(command.AsDuration(command.Get("k")))},
		{"AsDuration", "$5\r\n0x1p4\r\n", "time.Duration", do(command.AsDuration(command.Get("k")))},
		{"AsFloat", "$5\r\n1_000\r\n", "float64", do(command.AsFloat(command.Get("k")))},
		{"AsFloat", "$5\r\n0x1p4\r\n", "float64", do(command.AsFloat(command.Get("k")))},
		{"AsFloat", "$5\r\n0X1P4\r\n", "float64", do(command.AsFloat(command.Get("k")))},
		{"AsStruct", "*2\r\n$5\r\nratio\r\n$5\r\n1_000\r\n", "a float64", do(command.AsStruct[everything](hash))},
	} {
		_, err := test.got(&double{reply: test.reply})
		var wrong *command.DecodeError
		if !errors.As(err, &wrong) || !strings.HasPrefix(wrong.Want, test.want) || wrong.Key != "k" || strings.Contains(err.Error(), "private") {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestBatchAdd(t *testing.T) {
	var name string
	n := int64(-1)
	var b command.Batch
	b.Add(command.Incr("visits"), command.Get("name").Into(&name)).Add(command.Incr("text").Into(&n))
	err := b.Exec(t.Context(), &double{reply: ":3\r\n$3\r\nAda\r\n-ERR no integer\r\n"})
	var failed *command.BatchError
	if !errors.As(err, &failed) || failed.Index != 2 {
		t.Errorf("%v", err)
	}
	if name != "Ada" || n != -1 {
		t.Errorf("name %q, n %d", name, n)
	}
}

func TestRequestsPart(t *testing.T) {
	var rs command.Requests
	add := func(r command.Request) { rs.Add(&r) }
	add(command.Get("a").Request())
	add(command.MGet("b", "c", "d").Request())
	add(command.BLPop(time.Second, "e", "f").Request())
	add(command.NewScript("return 1").Call([]string{"g", "h"}, 1).Request())
	add(command.Raw("JSON.GET", command.Key("i"), "$").Request())
	all, starts := rs.Append(nil), []int{0}
	for i := range rs.Len() {
		starts = append(starts, starts[i]+rs.SizeOf(i))
	}
	for from := range rs.Len() + 1 {
		for to := from; to <= rs.Len(); to++ {
			part := rs.Part(from, to)
			for i := from; i < to; i++ {
				r, got := rs.At(i), part.At(i-from)
				if !slices.Equal(wire(r), wire(got)) || !slices.Equal(slices.Collect(r.Keys()), slices.Collect(got.Keys())) ||
					r.Blocks() != got.Blocks() || r.BlockFor() != got.BlockFor() || part.Name(i-from) != rs.Name(i) {
					t.Errorf("%d to %d: request %d is %q", from, to, i, wire(got))
				}
			}
			want := string(all[starts[from]:starts[to]])
			if part.Len() != to-from || part.Size() != len(want) || string(part.Append(nil)) != want {
				t.Errorf("%d to %d: %d requests of %d bytes, want %q", from, to, part.Len(), part.Size(), want)
			}
		}
	}
}

// Requests that change what their connection is stand in no batch, but for ASKING.
func TestRequestsOfSessionsAreRefused(t *testing.T) {
	for _, r := range []command.Request{command.WatchRequest("k"), command.UnwatchRequest(), command.MonitorRequest()} {
		var rs command.Requests
		rs.Add(&r)
		var bad *command.BatchError
		if err := rs.Err(); !errors.As(err, &bad) || bad.Command != r.Name() || !errors.Is(err, command.ErrArgument) || !errors.Is(err, command.ErrNotSent) {
			t.Errorf("%s: %v", r.Name(), err)
		}
		if r.Err() != nil {
			t.Errorf("%s itself: %v", r.Name(), r.Err())
		}
	}
	var rs command.Requests
	r := command.AskingRequest()
	rs.Add(&r)
	if err := rs.Err(); err != nil {
		t.Errorf("ASKING: %v", err)
	}
}

// The first call of a script in a batch has its text, also when it is moved to another.
func TestScriptsInRequests(t *testing.T) {
	script := command.NewScript("return 1")
	var rs command.Requests
	for range 3 {
		r := script.Call(nil).Request()
		rs.Add(&r)
	}
	check := func(rs *command.Requests, want ...string) {
		t.Helper()
		got := strings.Split(string(rs.Append(nil)), "\r\n")
		var names []string
		for _, word := range got {
			if strings.HasPrefix(word, "EVAL") {
				names = append(names, word)
			}
		}
		if !slices.Equal(names, want) {
			t.Errorf("%q, want %q", names, want)
		}
	}
	check(&rs, "EVAL", "EVALSHA", "EVALSHA")
	var moved command.Requests
	for i := 1; i < rs.Len(); i++ {
		r := rs.At(i)
		moved.Add(&r)
	}
	check(&moved, "EVAL", "EVALSHA")
	r := rs.At(0)
	if got := wire(r); got[0] != "EVALSHA" || got[1] != script.Hash() {
		t.Errorf("%q", got)
	}
}

// A script or function that fails by an error of its own has run, and does not run again,
// however much the error looks like the server's.
func TestOwnErrorsOfScriptsAreFinal(t *testing.T) {
	script := command.NewScript("return 1").Call(nil)
	function := command.NewLibrary("#!lua name=l\n").Call("f", nil)
	for _, test := range []struct {
		cmd     command.Cmd[proto.Value]
		replies []string
		sent    []string
	}{
		{script, []string{"-NOSCRIPT No matching script. Please use EVAL.\r\n", ":1\r\n"}, []string{"EVALSHA", "EVAL"}},
		{script, []string{"-NOSCRIPT No matching script.\r\n", ":1\r\n"}, []string{"EVALSHA", "EVAL"}},
		{script, []string{"-NOSCRIPT of my own\r\n"}, []string{"EVALSHA"}},
		{function, []string{"-ERR Function not found\r\n", "$1\r\nl\r\n", ":1\r\n"}, []string{"FCALL", "FUNCTION", "FCALL"}},
		{function, []string{"-ERR user_function:3: Function not found: g script: f, on @user_function:3.\r\n"}, []string{"FCALL"}},
		{function, []string{"-MINE Function not found\r\n"}, []string{"FCALL"}},
	} {
		d := &inTurn{replies: test.replies}
		_, err := test.cmd.Do(t.Context(), d)
		if !slices.Equal(d.sent, test.sent) || (err == nil) != (len(test.sent) > 1) {
			t.Errorf("%q: sent %q, %v", test.replies[0], d.sent, err)
		}
	}
}

// inTurn is a Doer that answers with one reply after the other.
type inTurn struct {
	replies []string
	sent    []string
}

func (d *inTurn) Do(_ context.Context, r command.Request) (proto.Value, error) {
	d.sent = append(d.sent, wire(r)[0])
	v := parse(d.replies[len(d.sent)-1])
	return v, command.ReplyError(&r, "", v)
}

func TestScriptHash(t *testing.T) {
	// From the documentation of EVALSHA's SCRIPT LOAD: SHA-1 of "return 1".
	if got := command.NewScript("return 1").Hash(); got != "e0e1f9fabfc9d4800c877a703b823ac0578ff8db" {
		t.Error(got)
	}
	if r := (command.Script{}).Call(nil).Request(); !errors.Is(r.Err(), command.ErrArgument) {
		t.Errorf("%v", r.Err())
	}
}

func TestRawKeys(t *testing.T) {
	cmd := command.Raw("JSON.MGET", command.Key("a"), command.Key("b"), "$")
	r := cmd.Request()
	if got := slices.Collect(r.Keys()); !slices.Equal(got, []string{"a", "b"}) || r.ReadOnly() {
		t.Errorf("keys %q, read-only %v", got, r.ReadOnly())
	}
	if r := cmd.ReadOnly().Request(); !r.ReadOnly() {
		t.Error("it does not count as read-only")
	}
}

func itoa(n int) string { return strconv.Itoa(n) }
