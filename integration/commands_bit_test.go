package integration

import (
	"testing"

	"github.com/redchan-go/redchan/redis/command"
)

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

// TestBits has the examples of the servers' documentation.
func TestBits(t *testing.T) {
	shared(t, func(f *fixture) {
		f.since("7.0", "BITCOUNT and BITPOS by bits")
		c := f.open()
		equal(f, c, command.SetBit("k", 7, true), false)
		equal(f, c, command.GetBit("k", 0), false)
		equal(f, c, command.GetBit("k", 7), true)
		equal(f, c, command.GetBit("k", 100), false)
		equal(f, c, command.SetBit("k", 7, false), true)
		equal(f, c, command.Get("k"), "\x00")

		equal(f, c, command.Set("k", "foobar"), done)
		equal(f, c, command.BitCount("k"), 26)
		equal(f, c, command.BitCount("k", command.InBytes(0, 0)), 4)
		equal(f, c, command.BitCount("k", command.InBytes(1, 1)), 6)
		equal(f, c, command.BitCount("k", command.InBits(5, 30)), 17)
		equal(f, c, command.BitCount("none"), 0)

		equal(f, c, command.Set("k", "\xff\xf0\x00"), done)
		equal(f, c, command.BitPos("k", false), 12)
		equal(f, c, command.Set("k", "\x00\xff\xf0"), done)
		equal(f, c, command.BitPos("k", true, command.FromByte(0)), 8)
		equal(f, c, command.BitPos("k", true, command.FromByte(2)), 16)
		equal(f, c, command.BitPos("k", true, command.InBytes(2, -1)), 16)
		equal(f, c, command.BitPos("k", true, command.InBytes(-1, -1)), 16)
		equal(f, c, command.BitPos("k", true, command.InBits(7, 15)), 8)
		equal(f, c, command.Set("k", "\x00\x00\x00"), done)
		missing(f, c, command.BitPos("k", true))
		equal(f, c, command.Set("k", "\xff"), done)
		equal(f, c, command.BitPos("k", false), 8) // behind the end
		equal(f, c, command.BitPos("k", false, command.FromByte(0)), 8)
		missing(f, c, command.BitPos("k", false, command.InBytes(0, -1)))

		equal(f, c, command.BitFieldRO("k", command.BitGet("u8", 0), command.BitGet("i4", 0), command.BitGet("u8", 8)), []int64{255, -1, 0})
		equal(f, c, command.BitFieldRO("none", command.BitGet("u63", 0)), []int64{0})
	})
}

func TestBitOp(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		equal(f, c, command.MSet(command.Map{"a": "foobar", "b": "abcdef", "x": "\x0f", "y": "\x33"}), done)
		equal(f, c, command.BitOp(command.BitAnd, "to", "a", "b"), 6)
		equal(f, c, command.Get("to"), "`bc`ab")
		for op, want := range map[command.BitOperator]string{
			command.BitAnd: "\x03", command.BitOr: "\x3f", command.BitXor: "\x3c",
		} {
			equal(f, c, command.BitOp(op, "to", "x", "y"), 1)
			equal(f, c, command.Get("to"), want)
		}
		equal(f, c, command.BitOp(command.BitNot, "to", "x"), 1)
		equal(f, c, command.Get("to"), "\xf0")
		// Of the matrix no server has the operators of Redis 8.2.
		for _, op := range []command.BitOperator{command.BitDiff, command.BitDiff1, command.BitAndOr, command.BitOne} {
			refused(f, c, command.BitOp(op, "to", "x", "y"), "ERR")
		}
	})
}

// TestHyperLogLog has the examples of the servers' documentation, whose counts are
// exact, being small.
func TestHyperLogLog(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		equal(f, c, command.PFAdd("letters", "a", "b", "c", "d", "e", "f", "g"), true)
		equal(f, c, command.PFAdd("letters", "a"), false)
		equal(f, c, command.PFCount("letters"), 7)
		equal(f, c, command.PFCount("none"), 0)
		equal(f, c, command.PFAdd("empty"), true)
		equal(f, c, command.PFAdd("empty"), false)
		equal(f, c, command.PFAdd("hll1", "foo", "bar", "zap", "a"), true)
		equal(f, c, command.PFAdd("hll2", "a", "b", "c", "foo"), true)
		equal(f, c, command.PFCount("hll1", "hll2"), 6)
		equal(f, c, command.PFMerge("hll3", "hll1", "hll2"), done)
		equal(f, c, command.PFCount("hll3"), 6)
		equal(f, c, command.PFMerge("new"), done)
		equal(f, c, command.PFCount("new"), 0)
	})
}
