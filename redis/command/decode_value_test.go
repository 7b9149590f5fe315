package command_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/redchan-go/redchan/redis/command"
)

// What the commands for strings, keys, hashes, lists and sets make of replies, in
// RESP3 and RESP2 where they differ.
func TestValueDecode(t *testing.T) {
	present := func(s string) command.Optional[string] { return command.Optional[string]{Value: s, Present: true} }
	left := func(l command.Lifetime) command.Optional[command.Lifetime] {
		return command.Optional[command.Lifetime]{Value: l, Present: true}
	}
	at := func(d command.Deadline) command.Optional[command.Deadline] {
		return command.Optional[command.Deadline]{Value: d, Present: true}
	}
	lcs := command.LCSMatches{Len: 6, Matches: []command.LCSMatch{
		{First: command.IndexRange{From: 4, To: 7}, Second: command.IndexRange{From: 5, To: 8}},
		{First: command.IndexRange{From: 2, To: 3}, Second: command.IndexRange{From: 0, To: 1}},
	}}
	const (
		matches    = "$7\r\nmatches\r\n*2\r\n*3\r\n*2\r\n:4\r\n:7\r\n*2\r\n:5\r\n:8\r\n:4\r\n*2\r\n*2\r\n:2\r\n:3\r\n*2\r\n:0\r\n:1\r\n$3\r\nlen\r\n:6\r\n"
		fieldList  = "$1\r\nf\r\n$1\r\n1\r\n$1\r\ng\r\n$1\r\n2\r\n"
		fieldPairs = "*2\r\n*2\r\n$1\r\nf\r\n$1\r\n1\r\n*2\r\n$1\r\ng\r\n$1\r\n2\r\n"
	)
	fields := []command.Field{{Name: "f", Value: "1"}, {Name: "g", Value: "2"}}
	for _, test := range []decoding{
		{"GETEX", "$1\r\nv\r\n", do(command.GetEX("k")), "v", nil},
		{"GETDEL of nothing", "$-1\r\n", do(command.GetDel("k")), "", command.Nil},
		{"GETSET of nothing", "_\r\n", do(command.GetSet("k", 1)), "", command.Nil},
		{"GETRANGE", "$0\r\n\r\n", do(command.GetRange("k", 0, 1)), "", nil},
		{"INCRBYFLOAT", "$4\r\n10.5\r\n", do(command.IncrByFloat("k", 1)), 10.5, nil},
		{"HINCRBYFLOAT", "$4\r\n10.5\r\n", do(command.HIncrByFloat("k", "f", 1)), 10.5, nil},
		{"MSETNX", ":0\r\n", do(command.MSetNX(command.Map{"a": 1})), false, nil},
		{"MSETEX", ":1\r\n", do(command.MSetEX(command.Map{"a": 1})), true, nil},
		{"LCS", "$6\r\nmytext\r\n", do(command.LCS("a", "b")), "mytext", nil},
		{"LCS IDX", "%2\r\n" + matches, do(command.LCSIndexes("a", "b")), lcs, nil},
		{"LCS IDX, RESP2", "*4\r\n" + matches, do(command.LCSIndexes("a", "b")), lcs, nil},
		{"LCS IDX with more", "%3\r\n" + matches + "$3\r\nnew\r\n#t\r\n", do(command.LCSIndexes("a", "b")), lcs, nil},
		{"LCS IDX of nothing", "%2\r\n$7\r\nmatches\r\n*0\r\n$3\r\nlen\r\n:0\r\n", do(command.LCSIndexes("a", "b")), command.LCSMatches{Matches: []command.LCSMatch{}}, nil},
		{"GETBIT", ":1\r\n", do(command.GetBit("k", 0)), true, nil},
		{"SETBIT", ":0\r\n", do(command.SetBit("k", 0, true)), false, nil},
		{"BITPOS", ":12\r\n", do(command.BitPos("k", true)), int64(12), nil},
		{"BITPOS of nothing", ":-1\r\n", do(command.BitPos("k", true)), int64(0), command.Nil},
		{"BITFIELD_RO", "*2\r\n:7\r\n:-8\r\n", do(command.BitFieldRO("k", command.BitGet("u8", 0))), []int64{7, -8}, nil},
		{"PFADD", ":1\r\n", do(command.PFAdd("k", 1)), true, nil},

		{"DUMP", "$3\r\n\x00\r\n\r\n", do(command.Dump("k")), []byte("\x00\r\n"), nil},
		{"DUMP of nothing", "_\r\n", do(command.Dump("k")), []byte(nil), command.Nil},
		{"PTTL", ":1500\r\n", do(command.TTL("k")), command.Lifetime{Left: 1500 * time.Millisecond}, nil},
		{"PTTL of ever", ":-1\r\n", do(command.TTL("k")), command.Lifetime{Forever: true}, nil},
		{"PTTL of nothing", ":-2\r\n", do(command.TTL("k")), command.Lifetime{}, command.Nil},
		{"PTTL of long", ":9223372036854775\r\n", do(command.TTL("k")), command.Lifetime{Left: math.MaxInt64}, nil},
		{"TTL", ":90\r\n", do(command.TTLSeconds("k")), command.Lifetime{Left: 90 * time.Second}, nil},
		{"TTL of nothing", ":-2\r\n", do(command.TTLSeconds("k")), command.Lifetime{}, command.Nil},
		{"PEXPIRETIME", ":1700000000500\r\n", do(command.ExpireTime("k")), command.Deadline{At: time.UnixMilli(1700000000500)}, nil},
		{"PEXPIRETIME of never", ":-1\r\n", do(command.ExpireTime("k")), command.Deadline{Never: true}, nil},
		{"PEXPIRETIME of nothing", ":-2\r\n", do(command.ExpireTime("k")), command.Deadline{}, command.Nil},
		{"EXPIRETIME", ":1700000000\r\n", do(command.ExpireTimeSeconds("k")), command.Deadline{At: time.Unix(1700000000, 0)}, nil},
		{"OBJECT IDLETIME", ":90\r\n", do(command.ObjectIdleTime("k")), 90 * time.Second, nil},
		{"OBJECT IDLETIME of nothing", "_\r\n", do(command.ObjectIdleTime("k")), time.Duration(0), command.Nil},
		{"RANDOMKEY of nothing", "_\r\n", do(command.RandomKey()), "", command.Nil},
		{"TYPE", "+zset\r\n", do(command.Type("k")), "zset", nil},
		{"TYPE of nothing", "+none\r\n", do(command.Type("k")), "", command.Nil},
		{"MIGRATE", "+OK\r\n", do(command.Migrate(command.Target{Host: "h", Port: 1}, []string{"k"}, 1)), true, nil},
		{"MIGRATE of nothing", "+NOKEY\r\n", do(command.Migrate(command.Target{Host: "h", Port: 1}, []string{"k"}, 1)), false, nil},
		{"WAITAOF", "*2\r\n:1\r\n:3\r\n", do(command.WaitAOF(1, 3, 0)), command.Persisted{Local: true, Replicas: 3}, nil},
		{"SORT_RO GET", "*2\r\n$1\r\n1\r\n$-1\r\n", do(command.SortROGet("k", []string{"x*"})), []command.Optional[string]{present("1"), {}}, nil},

		{"HMGET", "*2\r\n$1\r\na\r\n_\r\n", do(command.HMGet("k", "f", "g")), []command.Optional[string]{present("a"), {}}, nil},
		{"HRANDFIELD of nothing", "_\r\n", do(command.HRandField("k")), "", command.Nil},
		{"HRANDFIELD WITHVALUES", fieldPairs, do(command.HRandFieldWithValues("k", 2)), fields, nil},
		{"HRANDFIELD WITHVALUES, RESP2", "*4\r\n" + fieldList, do(command.HRandFieldWithValues("k", 2)), fields, nil},
		{"HRANDFIELD WITHVALUES of nothing", "*0\r\n", do(command.HRandFieldWithValues("k", 2)), []command.Field{}, nil},
		{"HSCAN", "*2\r\n$20\r\n18446744073709551615\r\n*4\r\n" + fieldList, do(command.HScan("k", 0)), command.HScanPage{Cursor: math.MaxUint64, Fields: fields}, nil},
		{"HSCAN NOVALUES", "*2\r\n$1\r\n0\r\n*1\r\n$1\r\nf\r\n", do(command.HScanNoValues("k", 0)), command.HScanNoValuesPage{Fields: []string{"f"}}, nil},
		{"HEXPIRE", "*4\r\n:-2\r\n:0\r\n:1\r\n:2\r\n", do(command.HExpire("k", 1, []string{"f"})), []command.FieldExpiry{command.FieldMissing, command.FieldUnchanged, command.FieldChanged, command.FieldRemoved}, nil},
		{"HPERSIST", "*2\r\n:-1\r\n:1\r\n", do(command.HPersist("k", "f", "g")), []command.FieldExpiry{command.FieldNoExpiry, command.FieldChanged}, nil},
		{
			"HPTTL", "*3\r\n:1500\r\n:-1\r\n:-2\r\n", do(command.HTTL("k", "f", "g", "h")),
			[]command.Optional[command.Lifetime]{left(command.Lifetime{Left: 1500 * time.Millisecond}), left(command.Lifetime{Forever: true}), {}},
			nil,
		},
		{"HTTL", "*1\r\n:90\r\n", do(command.HTTLSeconds("k", "f")), []command.Optional[command.Lifetime]{left(command.Lifetime{Left: 90 * time.Second})}, nil},
		{
			"HPEXPIRETIME", "*3\r\n:1700000000500\r\n:-1\r\n:-2\r\n", do(command.HExpireTime("k", "f", "g", "h")),
			[]command.Optional[command.Deadline]{at(command.Deadline{At: time.UnixMilli(1700000000500)}), at(command.Deadline{Never: true}), {}},
			nil,
		},
		{"HEXPIRETIME", "*1\r\n:1700000000\r\n", do(command.HExpireTimeSeconds("k", "f")), []command.Optional[command.Deadline]{at(command.Deadline{At: time.Unix(1700000000, 0)})}, nil},
		{"HGETEX", "*2\r\n$1\r\na\r\n$-1\r\n", do(command.HGetEX("k", []string{"f", "g"})), []command.Optional[string]{present("a"), {}}, nil},
		{"HSETEX", ":0\r\n", do(command.HSetEX("k", command.Map{"f": 1})), false, nil},

		{"LINSERT", ":3\r\n", do(command.LInsert("k", command.After, 1, 2)), int64(3), nil},
		{"LINSERT beside nothing", ":-1\r\n", do(command.LInsert("k", command.After, 1, 2)), int64(0), command.Nil},
		{"LINSERT into nothing", ":0\r\n", do(command.LInsert("k", command.After, 1, 2)), int64(0), command.Nil},
		{"LPOS of nothing", "_\r\n", do(command.LPos("k", 1)), int64(0), command.Nil},
		{"LPOS COUNT", "*2\r\n:0\r\n:3\r\n", do(command.LPosCount("k", 1, 0)), []int64{0, 3}, nil},
		{"LPOP COUNT", "*1\r\n$1\r\na\r\n", do(command.LPopCount("k", 2)), []string{"a"}, nil},
		{"LPOP COUNT of nothing", "_\r\n", do(command.LPopCount("k", 2)), []string(nil), command.Nil},
		{"RPOP COUNT of nothing, RESP2", "*-1\r\n", do(command.RPopCount("k", 2)), []string(nil), command.Nil},
		{"BLMOVE of nothing", "_\r\n", do(command.BLMove("a", "b", command.Left, command.Left, 1)), "", command.Nil},
		{"BRPOPLPUSH of nothing, RESP2", "*-1\r\n", do(command.BRPopLPush("a", "b", 1)), "", command.Nil},
		{"BLMPOP", "*2\r\n$1\r\nk\r\n*1\r\n$1\r\nv\r\n", do(command.BLMPop(0, command.Left, []string{"k"})), command.KeyValues{Key: "k", Values: []string{"v"}}, nil},

		{"SMEMBERS", "~2\r\n$1\r\na\r\n$1\r\nb\r\n", do(command.SMembers("k")), []string{"a", "b"}, nil},
		{"SMEMBERS, RESP2", "*2\r\n$1\r\na\r\n$1\r\nb\r\n", do(command.SMembers("k")), []string{"a", "b"}, nil},
		{"SPOP COUNT", "~1\r\n$1\r\na\r\n", do(command.SPopCount("k", 2)), []string{"a"}, nil},
		{"SPOP of nothing", "_\r\n", do(command.SPop("k")), "", command.Nil},
		{"SMISMEMBER", "*2\r\n:1\r\n:0\r\n", do(command.SMIsMember("k", 1, 2)), []bool{true, false}, nil},
		{"SSCAN", "*2\r\n$1\r\n7\r\n*1\r\n$1\r\na\r\n", do(command.SScan("k", 0)), command.SScanPage{Cursor: 7, Members: []string{"a"}}, nil},
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

// Replies of another shape are errors, and not results of zero.
func TestValueDecodeErrors(t *testing.T) {
	for _, test := range []struct {
		name  string
		reply string
		got   func(*double) (any, error)
	}{
		{"LCS", "%1\r\n$7\r\nmatches\r\n*1\r\n*1\r\n:1\r\n", do(command.LCSIndexes("a", "b"))},
		{"LCS", "%1\r\n$7\r\nmatches\r\n*1\r\n*2\r\n*1\r\n:1\r\n*2\r\n:1\r\n:2\r\n", do(command.LCSIndexes("a", "b"))},
		{"LCS", "*1\r\n:1\r\n", do(command.LCSIndexes("a", "b"))},
		{"PTTL", ":-3\r\n", do(command.TTL("k"))},
		{"PTTL", "*0\r\n", do(command.TTL("k"))},
		{"PEXPIRETIME", ":-3\r\n", do(command.ExpireTime("k"))},
		{"HPTTL", "*1\r\n:-3\r\n", do(command.HTTL("k", "f"))},
		{"HPEXPIRETIME", "*1\r\n*0\r\n", do(command.HExpireTime("k", "f"))},
		{"HEXPIRE", "*1\r\n:3\r\n", do(command.HExpire("k", time.Second, []string{"f"}))},
		{"HRANDFIELD", "*1\r\n*3\r\n$1\r\nf\r\n$1\r\n1\r\n$1\r\n1\r\n", do(command.HRandFieldWithValues("k", 1))},
		{"HRANDFIELD", "*1\r\n$1\r\nf\r\n", do(command.HRandFieldWithValues("k", 1))},
		{"HSCAN", "*2\r\n$1\r\nx\r\n*0\r\n", do(command.HScan("k", 0))},
		{"HSCAN", "*1\r\n$1\r\n0\r\n", do(command.HScan("k", 0))},
		{"SSCAN", "*1\r\n$1\r\n0\r\n", do(command.SScan("k", 0))},
		{"WAITAOF", "*1\r\n:1\r\n", do(command.WaitAOF(1, 0, 0))},
		{"TYPE", "_\r\n", do(command.Type("k"))},
		{"MIGRATE", "+MAYBE\r\n", do(command.Migrate(command.Target{Host: "h", Port: 1}, []string{"k"}, 1))},
	} {
		_, err := test.got(&double{reply: test.reply})
		var wrong *command.DecodeError
		if !errors.As(err, &wrong) || wrong.Command != test.name {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestFieldExpiryString(t *testing.T) {
	for e, want := range map[command.FieldExpiry]string{
		command.FieldMissing: "missing", command.FieldNoExpiry: "no expiry", command.FieldUnchanged: "unchanged",
		command.FieldChanged: "changed", command.FieldRemoved: "removed", 9: "field expiry 9",
	} {
		if got := e.String(); got != want {
			t.Errorf("%d: %q, want %q", int8(e), got, want)
		}
	}
}

func TestLCSMatchLen(t *testing.T) {
	m := command.LCSMatch{First: command.IndexRange{From: 4, To: 7}, Second: command.IndexRange{From: 5, To: 8}}
	if m.Len() != 4 {
		t.Errorf("a match of %d", m.Len())
	}
}

// What a server repeats of MIGRATE's password is taken out of the error.
func TestMigrateHidesPassword(t *testing.T) {
	target := command.Target{Host: "h", Port: 1}
	for name, option := range map[string]command.MigrateOption{
		"AUTH": command.WithPassword("hunter2"), "AUTH2": command.WithUser("bob", "hunter2"),
	} {
		d := &double{reply: "-ERR Target instance replied with error: WRONGPASS hunter2 is wrong\r\n"}
		_, err := command.Migrate(target, []string{"k"}, time.Second, option).Do(t.Context(), d)
		if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "is wrong") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Iterators ask for pages until the cursor is 0.
func TestIterateFields(t *testing.T) {
	c := command.On(&double{reply: "*2\r\n$1\r\n0\r\n*2\r\n$1\r\nf\r\n$1\r\n1\r\n"})
	var got []command.Field
	for field, err := range c.HScanAll(t.Context(), "k", command.Count(5)) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, field)
	}
	if len(got) != 1 || got[0] != (command.Field{Name: "f", Value: "1"}) {
		t.Errorf("fields %v", got)
	}
	c = command.On(&double{reply: "-ERR no\r\n"})
	for member, err := range c.SScanAll(t.Context(), "k") {
		if err == nil {
			t.Errorf("member %q in place of an error", member)
		}
	}
}
