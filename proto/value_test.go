package proto

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

// read returns the only value of data.
func read(t *testing.T, data string) Value {
	t.Helper()
	r := NewReader(strings.NewReader(data), Limits{})
	v, err := r.Next()
	if err != nil {
		t.Fatalf("%q: %v", data, err)
	}
	if r.Buffered() > 0 {
		t.Fatalf("%q: %d bytes left", data, r.Buffered())
	}
	return v
}

func TestValueScalars(t *testing.T) {
	for _, attrs := range []string{"", "|1\r\n+a\r\n*1\r\n:1\r\n"} {
		for _, test := range []struct {
			data   string
			kind   Kind
			str    string
			int    int64
			double float64
			bool   bool
		}{
			{data: "+OK\r\n", kind: KindSimple, str: "OK"},
			{data: "-ERR no\r\n", kind: KindError, str: "ERR no"},
			{data: "!5\r\nERR\r\n\r\n", kind: KindError, str: "ERR\r\n"},
			{data: ":-9223372036854775808\r\n", kind: KindInt, int: math.MinInt64},
			{data: ":+9223372036854775807\r\n", kind: KindInt, int: math.MaxInt64},
			{data: "$3\r\nabc\r\n", kind: KindBulk, str: "abc"},
			{data: "$?\r\n;2\r\nab\r\n;1\r\nc\r\n;0\r\n", kind: KindBulk, str: "abc"},
			{data: "=7\r\nmkd:abc\r\n", kind: KindVerbatim, str: "abc"},
			{data: ",-1.5e3\r\n", kind: KindDouble, double: -1500},
			{data: ",-inf\r\n", kind: KindDouble, double: math.Inf(-1)},
			{data: "#t\r\n", kind: KindBool, bool: true},
			{data: "#f\r\n", kind: KindBool},
			{data: "(-12\r\n", kind: KindBigNumber, str: "-12"},
			{data: "_\r\n"},
			{data: "$-1\r\n"},
			{data: "*-1\r\n"},
		} {
			v := read(t, attrs+test.data)
			if v.Kind() != test.kind || v.Str() != test.str || v.Int() != test.int || v.Double() != test.double || v.Bool() != test.bool {
				t.Errorf("%q: %v %q %d %v %v", attrs+test.data, v.Kind(), v.Str(), v.Int(), v.Double(), v.Bool())
			}
			if v.IsNull() != (test.kind == KindNull) || v.IsAggregate() || v.Len() != 0 || !v.Index(0).IsNull() {
				t.Errorf("%q: null %v, aggregate %v, %d elements", attrs+test.data, v.IsNull(), v.IsAggregate(), v.Len())
			}
			if got := v.Attrs().Len(); got != strings.Count(attrs, "|")*2 {
				t.Errorf("%q: %d attributes", attrs+test.data, got)
			}
			if (v.Err() != nil) != (test.kind == KindError) {
				t.Errorf("%q: Err %v", attrs+test.data, v.Err())
			}
		}
	}
	if v := read(t, ",nan\r\n"); !math.IsNaN(v.Double()) {
		t.Errorf("nan is %v", v.Double())
	}
	if v := read(t, "=7\r\nmkd:abc\r\n"); v.Format() != "mkd" {
		t.Errorf("format %q", v.Format())
	}
	if v := (Value{}); !v.IsNull() || v.Len() != 0 || v.Str() != "" || len(slices.Collect(v.All())) != 0 {
		t.Errorf("the zero Value is %v", v.Kind())
	}
}

func TestValueAggregates(t *testing.T) {
	for _, attrs := range []string{"", "|1\r\n+a\r\n*1\r\n:1\r\n"} {
		for _, test := range []struct {
			data string
			kind Kind
			len  int
		}{
			{"*0\r\n", KindArray, 0},
			{"*?\r\n.\r\n", KindArray, 0},
			{"*3\r\n:0\r\n:1\r\n:2\r\n", KindArray, 3},
			{"*?\r\n:0\r\n:1\r\n:2\r\n.\r\n", KindArray, 3},
			{"~2\r\n:0\r\n:1\r\n", KindSet, 2},
			{"~?\r\n:0\r\n:1\r\n.\r\n", KindSet, 2},
			{"%2\r\n:0\r\n:1\r\n:2\r\n:3\r\n", KindMap, 4},
			{"%?\r\n:0\r\n:1\r\n:2\r\n:3\r\n.\r\n", KindMap, 4},
			{">2\r\n:0\r\n:1\r\n", KindPush, 2},
		} {
			v := read(t, attrs+test.data)
			if v.Kind() != test.kind || !v.IsAggregate() || v.Len() != test.len || v.Str() != "" || v.Int() != 0 {
				t.Errorf("%q: %v of %d elements", attrs+test.data, v.Kind(), v.Len())
			}
			var all, want []int64
			for e := range v.All() {
				all = append(all, e.Int())
			}
			for i := range test.len {
				want = append(want, int64(i))
				if got := v.Index(i); got.Int() != int64(i) || got.Kind() != KindInt {
					t.Errorf("%q: element %d is %v %d", attrs+test.data, i, got.Kind(), got.Int())
				}
			}
			if !slices.Equal(all, want) {
				t.Errorf("%q: elements %v", attrs+test.data, all)
			}
			if !v.Index(test.len).IsNull() || !v.Index(-1).IsNull() {
				t.Errorf("%q: elements out of range", attrs+test.data)
			}
			pairs := 0
			for k, val := range v.Pairs() {
				if k.Int() != int64(2*pairs) || val.Int() != k.Int()+1 {
					t.Errorf("%q: pair %d is %d, %d", attrs+test.data, pairs, k.Int(), val.Int())
				}
				pairs++
			}
			if pairs != test.len/2 {
				t.Errorf("%q: %d pairs", attrs+test.data, pairs)
			}
		}
	}
	v := read(t, "*2\r\n:1\r\n:2\r\n")
	for range v.All() {
		break
	}
	for range v.Pairs() {
		break
	}
	e := v.Elems()
	for range 5 {
		e.Next()
	}
	if e.Next() || !e.Value().IsNull() {
		t.Errorf("the cursor behind the end is at %v", e.Value().Kind())
	}
}

func TestValueErr(t *testing.T) {
	for _, test := range []struct{ data, code, message, text string }{
		{"-ERR no such key\r\n", "ERR", "no such key", "ERR no such key"},
		{"-NOPROTO\r\n", "NOPROTO", "", "NOPROTO"},
		{"-lower case\r\n", "", "lower case", "lower case"},
		{"-\r\n", "", "", ""},
		{"!8\r\nBUSY now\r\n", "BUSY", "now", "BUSY now"},
		{
			"-ERR unknown command 'ATUH', with args beginning with: 'secret' \r\n",
			"ERR", "unknown command 'ATUH'", "ERR unknown command 'ATUH'",
		},
	} {
		err := read(t, test.data).Err()
		var reply *Error
		if !errors.As(err, &reply) || reply.Code != test.code || reply.Message != test.message || err.Error() != test.text {
			t.Errorf("%q: %#v", test.data, err)
		}
	}
}

func TestKindString(t *testing.T) {
	if got := KindPush.String() + ", " + KindNull.String() + ", " + Kind(99).String(); got != "push, null, kind 99" {
		t.Error(got)
	}
}

// Integers that are stored, or that a script returns, arrive as text.
func TestIntOfText(t *testing.T) {
	for wire, want := range map[string]int64{
		":7\r\n": 7, "$2\r\n-7\r\n": -7, "+7\r\n": 7, "$19\r\n9223372036854775807\r\n": math.MaxInt64,
		"$19\r\n9223372036854775808\r\n": 0, "$3\r\n1.5\r\n": 0, "$2\r\n7 \r\n": 0, "$0\r\n\r\n": 0,
		"_\r\n": 0, ",7\r\n": 0, "#t\r\n": 0, "*1\r\n:7\r\n": 0,
		"|1\r\n+ttl\r\n:3\r\n$1\r\n7\r\n": 7,
	} {
		if got := read(t, wire).Int(); got != want {
			t.Errorf("%q: %d, want %d", wire, got, want)
		}
	}
}
