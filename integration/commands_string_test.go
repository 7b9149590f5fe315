package integration

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
)

func TestStringCommands(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		missing(f, c, command.Get("k"))
		equal(f, c, command.Set("k", "v"), true)
		equal(f, c, command.Get("k"), "v")
		equal(f, c, command.StrLen("k"), 1)
		equal(f, c, command.StrLen("none"), 0)

		binary := "\x00\xff\r\n$-1\r\n"
		equal(f, c, command.Set(binary, []byte(binary)), true)
		equal(f, c, command.Get(binary), binary)
		equal(f, c, command.AsBytes(command.Get(binary)), []byte(binary))

		equal(f, c, command.Incr("n"), 1)
		equal(f, c, command.IncrBy("n", -42), -41)
		equal(f, c, command.AsInt(command.Get("n")), -41)
		equal(f, c, command.AsFloat(command.Get("n")), -41)
		refused(f, c, command.Incr("k"), "ERR")

		equal(f, c, command.MSet(map[string]any{"a": 1, "b": 2.5, "c": ""}), done)
		equal(f, c, command.RPush("list", "x"), 1)
		equal(f, c, command.MGet("a", "none", "b", "list", "c"), []command.Optional[string]{
			{Value: "1", Present: true}, {}, {Value: "2.5", Present: true}, {}, {Present: true},
		})
		refused(f, c, command.Get("list"), "WRONGTYPE")

		large := strings.Repeat("0123456789abcdef", 1<<20) // 16 MiB: many reads and writes
		equal(f, c, command.Set("large", large), true)
		if got := result(f, c, command.Get("large")); got != large {
			f.Errorf("16 MiB came back as %d other bytes", len(got))
		}
	})
}

func TestSetOptions(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		// ttl returns the milliseconds that a key has left; -1: it never expires.
		ttl := func() int64 { return integer(f, c, "PTTL", "k") }
		within := func(what string, most time.Duration) {
			f.Helper()
			// Less than ten seconds have passed since it was set, on any machine.
			if left := ttl(); left > most.Milliseconds() || left < (most-10*time.Second).Milliseconds() {
				f.Errorf("%s: %d ms left, want about %v", what, left, most)
			}
		}
		equal(f, c, command.Set("k", 1, command.XX), false)
		equal(f, c, command.Set("k", 1, command.NX), true)
		equal(f, c, command.Set("k", 2, command.NX), false)
		equal(f, c, command.Set("k", 3, command.XX, command.EX(time.Minute)), true)
		within("EX", time.Minute)
		equal(f, c, command.Set("k", 4, command.KeepTTL()), true)
		within("KEEPTTL", time.Minute)
		equal(f, c, command.Set("k", 5), true)
		if left := ttl(); left != -1 {
			f.Errorf("SET without an expiry left one of %d ms", left)
		}
		equal(f, c, command.Set("k", 6, command.EX(90*time.Second+time.Millisecond)), true)
		within("PX", 90*time.Second+time.Millisecond)
		now := time.Now()
		equal(f, c, command.Set("k", 7, command.EXAT(now.Add(time.Hour).Truncate(time.Second))), true)
		within("EXAT", time.Hour)
		equal(f, c, command.Set("k", 8, command.EXAT(now.Add(time.Hour).Truncate(time.Second).Add(time.Millisecond))), true)
		within("PXAT", time.Hour)

		equal(f, c, command.SetGet("k", 9), "8")
		missing(f, c, command.SetGet("fresh", "a", command.NX))
		equal(f, c, command.SetGet("fresh", "b", command.NX), "a")
		equal(f, c, command.Get("fresh"), "a")

		// Of the matrix only Valkey 9 has IFEQ; Redis got it with 8.4.
		ifEqual := command.Set("fresh", "c", command.IfEqual("a"))
		if f.server.Role() == "valkey9" {
			equal(f, c, ifEqual, true)
			equal(f, c, ifEqual, false)
			equal(f, c, command.Get("fresh"), "c")
		} else {
			refused(f, c, ifEqual, "ERR")
		}
	})
}

func TestBitField(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		some := func(n int64) command.Optional[int64] { return command.Optional[int64]{Value: n, Present: true} }
		equal(f, c, command.BitField("bits",
			command.BitSet("u8", 0, 200),      // the old one
			command.BitIncrBy("u8", 0, 100),   // 300 modulo 256
			command.BitGet("u4", 0),           // upper half of 44 = 0x2c
			command.BitGet("i8", 4),           // 0xc0 as a signed byte
			command.BitSet("i64", 64, -1<<63), // the smallest number
			command.BitGet("i64", 64),
			command.BitOverflow(command.OverflowSaturate),
			command.BitIncrBy("u8", 0, 250),
			command.BitIncrBy("i8", 128, -200),
			command.BitOverflow(command.OverflowFail),
			command.BitIncrBy("u8", 0, 1),
			command.BitOverflow(command.OverflowWrap),
			command.BitIncrBy("u8", 0, 1),
		), []command.Optional[int64]{
			some(0), some(44), some(2), some(-64), some(0), some(-1 << 63),
			some(255), some(-128),
			{},
			some(0),
		})
	})
}

func TestKeyCommands(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		equal(f, c, command.MSet(map[string]any{"a": 1, "b": 2, "c": 3}), done)
		equal(f, c, command.DBSize(), 3)
		equal(f, c, command.Exists("a", "a", "none", "b"), 3)
		equal(f, c, command.Del("a", "none"), 1)
		equal(f, c, command.Unlink("b", "none"), 1)

		equal(f, c, command.Expire("none", time.Minute), false)
		equal(f, c, command.Expire("c", time.Hour), true)
		if left := integer(f, c, "PTTL", "c"); left <= 3_590_000 || left > 3_600_000 {
			f.Errorf("an hour is %d ms", left)
		}
		equal(f, c, command.Expire("c", 90*time.Minute+7*time.Millisecond), true)
		if left := integer(f, c, "PTTL", "c"); left <= 5_390_000 || left > 5_400_007 {
			f.Errorf("90 minutes and 7 ms are %d ms", left)
		}
		equal(f, c, command.Expire("c", 0), true) // removes it
		equal(f, c, command.DBSize(), 0)

		equal(f, c, command.Set("int", 12345), true)
		equal(f, c, command.ObjectEncoding("int"), "int")
		equal(f, c, command.Set("raw", strings.Repeat("x", 2000)), true)
		equal(f, c, command.ObjectEncoding("raw"), "raw")
		equal(f, c, command.HSet("hash", command.Map{"f": "v"}), 1)
		equal(f, c, command.ObjectEncoding("hash"), "listpack")
		missing(f, c, command.ObjectEncoding("none"))

		equal(f, c, command.FlushDB(), done)
		equal(f, c, command.DBSize(), 0)
	})
}

func TestScanFindsEveryKey(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		values := map[string]any{}
		for i := range 3000 {
			values["key:"+strconv.Itoa(i)] = i
		}
		equal(f, c, command.MSet(values), done)
		equal(f, c, command.HSet("a hash", command.Map{"f": "v"}), 1)

		scan := func(opts ...command.ScanOption) []string {
			found := map[string]bool{}
			for cursor := uint64(0); ; {
				page := result(f, c, command.Scan(cursor, opts...))
				for _, key := range page.Keys {
					found[key] = true
				}
				if cursor = page.Cursor; cursor == 0 {
					return slices.Sorted(maps.Keys(found))
				}
			}
		}
		if got := scan(); len(got) != 3001 {
			f.Errorf("SCAN found %d keys of 3001", len(got))
		}
		if got := scan(command.Count(500), command.Match("key:1?")); len(got) != 10 || got[0] != "key:10" || got[9] != "key:19" {
			f.Errorf("SCAN MATCH key:1? found %q", got)
		}
		if got := scan(command.OfType("hash")); !slices.Equal(got, []string{"a hash"}) {
			f.Errorf("SCAN TYPE hash found %q", got)
		}
	})
}

func TestSort(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		equal(f, c, command.RPush("l", 10, 9, 1, 3), 4)
		equal(f, c, command.Sort("l"), []string{"1", "3", "9", "10"})
		equal(f, c, command.Sort("l", command.Desc, command.Limit(1, 2)), []string{"9", "3"})
		equal(f, c, command.Sort("l", command.Alpha(), command.Asc), []string{"1", "10", "3", "9"})
		equal(f, c, command.Sort("none"), []string{})
		equal(f, c, command.MSet(map[string]any{"w_10": 1, "w_9": 2, "w_1": 3, "w_3": 4, "name_9": "nine"}), done)
		equal(f, c, command.Sort("l", command.By("w_*")), []string{"10", "9", "1", "3"})
		equal(f, c, command.SortGet("l", []string{"#", "name_*"}, command.By("w_*"), command.Limit(0, 2)),
			[]command.Optional[string]{{Value: "10", Present: true}, {}, {Value: "9", Present: true}, {Value: "nine", Present: true}})
	})
}

// TestDecoding reads back what was stored in the ways that a caller can choose.
func TestDecoding(t *testing.T) {
	type user struct {
		Name string
		Born int
	}
	shared(t, func(f *fixture) {
		c := f.open()
		ada := user{"Ada", 1815}
		equal(f, c, command.Set("user", command.JSON(ada)), true)
		equal(f, c, command.AsJSON[user](command.Get("user")), ada)
		missing(f, c, command.AsJSON[user](command.Get("none")))
		moment := time.Date(2026, 2, 28, 12, 30, 0, 123456789, time.UTC)
		equal(f, c, command.Set("time", command.Binary(moment)), true)
		equal(f, c, command.AsBinary[time.Time](command.Get("time")), moment)

		_, err := command.Set("bad", true).Do(f.ctx, c)
		if !errors.Is(err, redis.ErrArgument) || !errors.Is(err, redis.ErrNotSent) {
			f.Errorf("a bool as a value: %v, want ErrArgument and ErrNotSent", err)
		}
		// A reply of another type than wanted is the caller's error; the
		// connection serves on.
		id := result(f, c, command.ClientID())
		if n, err := command.AsInt(command.Get("user")).Do(f.ctx, c); err == nil {
			f.Errorf("JSON as an integer: %d", n)
		}
		equal(f, c, command.ClientID(), id)

		select {
		case r := <-command.Get("user").Go(f.ctx, c):
			if r.Err != nil || r.Value != `{"Name":"Ada","Born":1815}` {
				f.Errorf("GET on a channel = %q, %v", r.Value, r.Err)
			}
		case <-f.ctx.Done():
			f.Error(context.Cause(f.ctx))
		}
	})
}
