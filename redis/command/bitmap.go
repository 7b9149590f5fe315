package command

import (
	"github.com/redchan-go/redchan/proto"
)

// GetBit returns whether the bit at an offset of a string is set; beyond its end
// none is. O(1). Since 2.2.0.
func GetBit(key string, offset int64) Cmd[bool] {
	r := newRequest(&specGetbit)
	r.key(key)
	r.bitOffset(offset)
	return Cmd[bool]{r, decodeBool}
}

// SetBit sets or clears the bit at an offset of a string, which grows up to it,
// and returns whether it was set before. O(1). Since 2.2.0.
func SetBit(key string, offset int64, on bool) Cmd[bool] {
	r := newRequest(&specSetbit)
	r.key(key)
	r.bitOffset(offset)
	r.bit(on)
	return Cmd[bool]{r, decodeBool}
}

func (r *Request) bitOffset(offset int64) {
	if offset < 0 {
		r.fail(badArgument("a bit offset can't be negative"))
	}
	r.int(offset)
}

func (r *Request) bit(on bool) {
	if on {
		r.int(1)
	} else {
		r.int(0)
	}
}

// BitRange is the part of a string that [BitCount] and [BitPos] look at: [InBytes]
// or [InBits].
type BitRange struct {
	start, end int64
	bits       bool
}

// InBytes looks at the bytes from start to end, both included; negative numbers
// count from the end, -1 being the last.
func InBytes(start, end int64) BitRange { return BitRange{start, end, false} }

// InBits looks at the bits from start to end, both included; negative numbers
// count from the end, -1 being the last. Since 7.0.0.
func InBits(start, end int64) BitRange { return BitRange{start, end, true} }

func (b BitRange) tokens() tokens {
	t := tokens{group: groupLimit, name: "a range", n: 2}
	t.args[0], t.args[1] = integer(b.start), integer(b.end)
	if b.bits {
		t.args[2] = word("BIT")
		t.n++
	}
	return t
}

func (b BitRange) bitCountOption() tokens { return b.tokens() }
func (b BitRange) bitPosOption() tokens   { return b.tokens() }

type fromByte int64

// FromByte lets [BitPos] look at the bytes from start on. Then bits that are not
// set are found behind the end of the string too.
func FromByte(start int64) BitPosOption { return fromByte(start) }

func (f fromByte) bitPosOption() tokens {
	t := tokens{group: groupLimit, name: "a range", n: 1}
	t.args[0] = integer(int64(f))
	return t
}

// BitCountOption is an option of [BitCount]: [InBytes], [InBits].
type BitCountOption interface{ bitCountOption() tokens }

// BitCount returns how many bits of a string are set, 0 where the key does not
// exist. O(N). Since 2.6.0.
func BitCount(key string, opts ...BitCountOption) Cmd[int64] {
	r := newRequest(&specBitcount)
	r.key(key)
	addOptions(&r, opts, BitCountOption.bitCountOption)
	return Cmd[int64]{r, decodeInt}
}

// BitPosOption is an option of [BitPos]: [InBytes], [InBits], [FromByte].
type BitPosOption interface{ bitPosOption() tokens }

// BitPos returns the offset of the first bit of a string that is set, or that is
// not set. Without a range with an end, the string counts as followed by bits that
// are not set. [Nil]: there is no such bit. O(N). Since 2.8.7.
func BitPos(key string, on bool, opts ...BitPosOption) Cmd[int64] {
	r := newRequest(&specBitpos)
	r.key(key)
	r.bit(on)
	addOptions(&r, opts, BitPosOption.bitPosOption)
	return Cmd[int64]{r, decodeFound}
}

// decodeFound decodes a number of which negative ones say that there is nothing.
func decodeFound(v proto.Value) (int64, error) {
	n, err := decodeInt(v)
	if err == nil && n < 0 {
		return 0, Nil
	}
	return n, err
}

// BitOperator is an operation of [BitOp].
type BitOperator string

// The operations that servers know.
const (
	BitAnd BitOperator = "AND" // set in all
	BitOr  BitOperator = "OR"  // set in one at least
	BitXor BitOperator = "XOR" // set in an odd number
	BitNot BitOperator = "NOT" // not set in the only one

	BitDiff  BitOperator = "DIFF"  // set in the first and in no other. Since Redis 8.2.0
	BitDiff1 BitOperator = "DIFF1" // set in one of the others and not in the first. Since Redis 8.2.0
	BitAndOr BitOperator = "ANDOR" // set in the first and in one of the others. Since Redis 8.2.0
	BitOne   BitOperator = "ONE"   // set in exactly one. Since Redis 8.2.0
)

// check refuses what is no operation, or none for so many keys.
func (op BitOperator) check(keys int) error {
	switch op {
	case BitAnd, BitOr, BitXor, BitOne:
	case BitNot:
		if keys != 1 {
			return badArgument("NOT takes one key")
		}
	case BitDiff, BitDiff1, BitAndOr:
		if keys < 2 {
			return badArgument("%s takes two keys at least", string(op))
		}
	default:
		return badArgument("%q is no operation on bits that servers know", string(op))
	}
	return nil
}

// BitOp combines strings bit by bit, stores the result at destination and returns
// its length in bytes. Shorter strings, and keys that do not exist, count as
// filled up with bits that are not set. O(N). Since 2.6.0.
func BitOp(op BitOperator, destination string, keys ...string) Cmd[int64] {
	r := newRequest(&specBitop)
	r.word(string(op))
	r.fail(op.check(len(keys)))
	r.key(destination)
	r.allKeys(keys)
	return Cmd[int64]{r, decodeInt}
}
