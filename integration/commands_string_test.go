package integration

import (
	"context"
	"errors"
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
		equal(f, c, command.Set("k", "v"), done)
		equal(f, c, command.Get("k"), "v")
		equal(f, c, command.StrLen("k"), 1)
		equal(f, c, command.StrLen("none"), 0)

		binary := "\x00\xff\r\n$-1\r\n"
		equal(f, c, command.Set(binary, []byte(binary)), done)
		equal(f, c, command.Get(binary), binary)
		equal(f, c, command.AsBytes(command.Get(binary)), []byte(binary))

		equal(f, c, command.Incr("n"), 1)
		equal(f, c, command.IncrBy("n", -42), -41)
		equal(f, c, command.AsInt(command.Get("n")), -41)
		equal(f, c, command.AsFloat(command.Get("n")), -41)
		refused(f, c, command.Incr("k"), "ERR")

		equal(f, c, command.MSet(command.Map{"a": 1, "b": 2.5, "c": ""}), done)
		equal(f, c, command.RPush("list", "x"), 1)
		equal(f, c, command.MGet("a", "none", "b", "list", "c"), []command.Optional[string]{
			{Value: "1", Present: true}, {}, {Value: "2.5", Present: true}, {}, {Present: true},
		})
		refused(f, c, command.Get("list"), "WRONGTYPE")

		large := strings.Repeat("0123456789abcdef", 1<<20) // 16 MiB: many reads and writes
		equal(f, c, command.Set("large", large), done)
		if got := result(f, c, command.Get("large")); got != large {
			f.Errorf("16 MiB came back as %d other bytes", len(got))
		}
	})
}

// TestSubstrings has the examples of the servers' documentation.
func TestSubstrings(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		equal(f, c, command.Append("k", "Hello"), 5)
		equal(f, c, command.Append("k", []byte(" World")), 11)
		equal(f, c, command.GetRange("k", 0, -1), "Hello World")
		equal(f, c, command.GetRange("k", -5, -1), "World")
		equal(f, c, command.GetRange("k", 20, 30), "")
		equal(f, c, command.GetRange("none", 0, -1), "")
		equal(f, c, command.SubStr("k", 1, 3), "ell")
		equal(f, c, command.SetRange("k", 6, "Redis"), 11)
		equal(f, c, command.Get("k"), "Hello Redis")
		equal(f, c, command.SetRange("new", 6, "Redis"), 11)
		equal(f, c, command.Get("new"), "\x00\x00\x00\x00\x00\x00Redis")

		equal(f, c, command.MSet(command.Pairs("a", "ohmytext", "b", "mynewtext")), done)
		equal(f, c, command.LCS("a", "b"), "mytext")
		equal(f, c, command.LCSLen("a", "b"), 6)
		four := command.LCSMatch{First: command.IndexRange{From: 4, To: 7}, Second: command.IndexRange{From: 5, To: 8}}
		two := command.LCSMatch{First: command.IndexRange{From: 2, To: 3}, Second: command.IndexRange{From: 0, To: 1}}
		equal(f, c, command.LCSIndexes("a", "b"), command.LCSMatches{Matches: []command.LCSMatch{four, two}, Len: 6})
		equal(f, c, command.LCSIndexes("a", "b", command.MinMatchLen(4)), command.LCSMatches{Matches: []command.LCSMatch{four}, Len: 6})
		equal(f, c, command.LCSIndexes("a", "none"), command.LCSMatches{Matches: []command.LCSMatch{}})
		equal(f, c, command.LCS("a", "none"), "")
	})
}

func TestCounters(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		equal(f, c, command.Decr("n"), -1)
		equal(f, c, command.DecrBy("n", 41), -42)
		equal(f, c, command.DecrBy("n", -2), -40)
		equal(f, c, command.Set("x", "10.50"), done)
		equal(f, c, command.IncrByFloat("x", 0.1), 10.6)
		equal(f, c, command.IncrByFloat("x", -5), 5.6)
		equal(f, c, command.Set("x", "5.0e3"), done)
		equal(f, c, command.IncrByFloat("x", 2.0e2), 5200)
		equal(f, c, command.IncrByFloat("fresh", 0.25), 0.25)
	})
}

// TestGetAndChange is for commands that read a value and do something to its key.
func TestGetAndChange(t *testing.T) {
	shared(t, func(f *fixture) {
		f.since("6.2", "GETDEL")
		c := f.open()
		missing(f, c, command.GetDel("k"))
		equal(f, c, command.Set("k", "v"), done)
		equal(f, c, command.GetDel("k"), "v")
		equal(f, c, command.Exists("k"), 0)

		missing(f, c, command.GetEX("k", command.EX(time.Minute)))
		equal(f, c, command.Set("k", "v"), done)
		equal(f, c, command.GetEX("k"), "v")
		equal(f, c, command.TTL("k"), command.Lifetime{Forever: true})
		equal(f, c, command.GetEX("k", command.EX(time.Minute)), "v")
		lives(f, c, "k", time.Minute)
		equal(f, c, command.GetEX("k", command.EX(90*time.Second+time.Millisecond)), "v")
		lives(f, c, "k", 90*time.Second+time.Millisecond)
		at := time.Now().Add(time.Hour).Truncate(time.Millisecond)
		equal(f, c, command.GetEX("k", command.EXAT(at)), "v")
		equal(f, c, command.ExpireTime("k"), command.Deadline{At: at})
		equal(f, c, command.GetEX("k", command.Forever), "v")
		equal(f, c, command.TTL("k"), command.Lifetime{Forever: true})

		missing(f, c, command.GetSet("n", 1))
		equal(f, c, command.GetSet("n", 2), "1")
		equal(f, c, command.SetNX("n", 3), false)
		equal(f, c, command.SetNX("m", 3), true)
		equal(f, c, command.SetEX("n", time.Minute, "four"), done)
		equal(f, c, command.Get("n"), "four")
		lives(f, c, "n", time.Minute)
		equal(f, c, command.SetEX("n", 90*time.Second+time.Millisecond, "five"), done)
		lives(f, c, "n", 90*time.Second+time.Millisecond)

		if f.server.Role() == "valkey9" {
			equal(f, c, command.DelIfEq("n", "four"), false)
			equal(f, c, command.DelIfEq("n", "five"), true)
			equal(f, c, command.DelIfEq("n", "five"), false)
		} else {
			refused(f, c, command.DelIfEq("n", "five"), "ERR")
		}
	})
}

func TestSetSeveral(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		equal(f, c, command.MSet(command.Pairs("a", 1, []byte("b"), 2, "a", 3)), done) // the last one counts
		equal(f, c, command.Get("a"), "3")
		equal(f, c, command.MSetNX(command.Map{"b": 5, "c": 6}), false)
		equal(f, c, command.Exists("c"), 0)
		equal(f, c, command.MSetNX(command.Pairs("d", 7, "c", 6)), true)
		equal(f, c, command.Get("d"), "7")

		// Of the matrix only Valkey 9.1 has MSETEX; Redis got it with 8.4.
		fresh := command.MSetEX(command.Pairs("x", 1, "y", 2), command.NX, command.EX(time.Minute))
		if f.server.Role() != "valkey9" {
			refused(f, c, fresh, "ERR")
			return
		}
		equal(f, c, fresh, true)
		lives(f, c, "y", time.Minute)
		equal(f, c, command.MSetEX(command.Map{"y": 3, "z": 4}, command.NX), false)
		equal(f, c, command.MSetEX(command.Map{"y": 3, "z": 4}, command.XX), false)
		equal(f, c, command.MSetEX(command.Map{"x": 3, "y": 4}, command.XX, command.KeepTTL), true)
		equal(f, c, command.Get("y"), "4")
		lives(f, c, "y", time.Minute)
		at := time.Now().Add(time.Hour).Truncate(time.Millisecond)
		equal(f, c, command.MSetEX(command.Map{"z": 5}, command.EXAT(at)), true)
		equal(f, c, command.ExpireTime("z"), command.Deadline{At: at})
	})
}

func TestSetOptions(t *testing.T) {
	shared(t, func(f *fixture) {
		f.since("6.2", "SET EXAT")
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
		equal(f, c, command.SetIf("k", 1, command.XX), false)
		equal(f, c, command.SetIf("k", 1, command.NX), true)
		equal(f, c, command.SetIf("k", 2, command.NX), false)
		equal(f, c, command.SetIf("k", 3, command.XX, command.EX(time.Minute)), true)
		within("EX", time.Minute)
		equal(f, c, command.Set("k", 4, command.KeepTTL), done)
		within("KEEPTTL", time.Minute)
		equal(f, c, command.Set("k", 5), done)
		if left := ttl(); left != -1 {
			f.Errorf("SET without an expiry left one of %d ms", left)
		}
		equal(f, c, command.Set("k", 6, command.EX(90*time.Second+time.Millisecond)), done)
		within("PX", 90*time.Second+time.Millisecond)
		now := time.Now()
		equal(f, c, command.Set("k", 7, command.EXAT(now.Add(time.Hour).Truncate(time.Second))), done)
		within("EXAT", time.Hour)
		equal(f, c, command.Set("k", 8, command.EXAT(now.Add(time.Hour).Truncate(time.Second).Add(time.Millisecond))), done)
		within("PXAT", time.Hour)

		equal(f, c, command.SetGet("k", 9), "8")
		missing(f, c, command.SetGet("fresh", "a", command.NX))
		equal(f, c, command.SetGet("fresh", "b", command.NX), "a")
		equal(f, c, command.Get("fresh"), "a")

		// Of the matrix only Valkey 9 has IFEQ; Redis got it with 8.4.
		ifEqual := command.SetIf("fresh", "c", command.IfEqual("a"))
		if f.server.Role() == "valkey9" {
			equal(f, c, ifEqual, true)
			equal(f, c, ifEqual, false)
			equal(f, c, command.Get("fresh"), "c")
		} else {
			refused(f, c, ifEqual, "ERR")
		}
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
		equal(f, c, command.Set("user", command.JSON(ada)), done)
		equal(f, c, command.AsJSON[user](command.Get("user")), ada)
		missing(f, c, command.AsJSON[user](command.Get("none")))
		moment := time.Date(2026, 2, 28, 12, 30, 0, 123456789, time.UTC)
		equal(f, c, command.Set("time", command.Binary(moment)), done)
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
