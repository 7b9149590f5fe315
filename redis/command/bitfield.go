package command

import "strconv"

// BitType is the width of a [BitField] integer and whether it has a sign: "u8",
// "i16". Unsigned integers have up to 63 bits, signed ones up to 64.
type BitType string

func (t BitType) valid() bool {
	if len(t) < 2 || t[0] != 'u' && t[0] != 'i' {
		return false
	}
	bits, err := strconv.ParseUint(string(t[1:]), 10, 8)
	return err == nil && bits >= 1 && (bits <= 63 || bits == 64 && t[0] == 'i')
}

// BitFieldOp is an operation of [BitField]: [BitGet], [BitSet], [BitIncrBy], or
// [BitOverflow] for the operations behind it.
type BitFieldOp interface{ bitFieldOp() tokens }

type bitFieldOp tokens

func (op bitFieldOp) bitFieldOp() tokens { return tokens(op) }

// BitFieldGet is an operation that only reads, see [BitGet].
type BitFieldGet struct {
	kind   BitType
	offset int64
}

// BitGet reads an integer at a bit offset.
func BitGet(t BitType, offset int64) BitFieldGet { return BitFieldGet{t, offset} }

func (g BitFieldGet) bitFieldOp() tokens { return bitOp("GET", g.kind, g.offset) }

// BitSet writes an integer at a bit offset; its result is the old one.
func BitSet(t BitType, offset, value int64) BitFieldOp {
	return bitFieldOp(bitOp("SET", t, offset, integer(value)))
}

// BitIncrBy adds to an integer at a bit offset; its result is the new one.
func BitIncrBy(t BitType, offset, delta int64) BitFieldOp {
	return bitFieldOp(bitOp("INCRBY", t, offset, integer(delta)))
}

func bitOp(name string, t BitType, offset int64, more ...argument) tokens {
	op := option(groupNone, name, append([]argument{word(string(t)), integer(offset)}, more...)...)
	if offset < 0 {
		op.err = badArgument("a bit offset can't be negative")
	}
	if !t.valid() {
		op.err = badArgument("a bit type is u or i and the number of bits, such as u8: 63 bits at most for u, 64 for i")
	}
	return op
}

// Overflow says what [BitSet] and [BitIncrBy] do with a number that does not fit.
type Overflow string

// What can be done.
const (
	OverflowWrap     Overflow = "WRAP" // go on at the other end, as Go does; the default
	OverflowSaturate Overflow = "SAT"  // stay at the largest or smallest number
	OverflowFail     Overflow = "FAIL" // do nothing; the result is missing
)

// BitOverflow sets what the operations behind it do with a number that does
// not fit.
func BitOverflow(o Overflow) BitFieldOp {
	op := option(groupNone, "OVERFLOW", word(string(o)))
	if o != OverflowWrap && o != OverflowSaturate && o != OverflowFail {
		op.err = badArgument("%q is no way to treat an overflow", string(o))
	}
	return bitFieldOp(op)
}

// BitField runs operations on integers inside a string, in their order, and
// returns a result for each but BitOverflow. A result is missing where
// OverflowFail refused it. O(1) for each operation. Since 3.2.0.
func BitField(key string, ops ...BitFieldOp) Cmd[[]Optional[int64]] {
	r := newRequest(&specBitfield)
	r.key(key)
	if len(ops) == 0 {
		r.fail(badArgument("no operations"))
	}
	addOptions(&r, ops, BitFieldOp.bitFieldOp)
	return Cmd[[]Optional[int64]]{r, decodeOptionalInts}
}

// BitFieldRO is [BitField] that only reads, so that a replica can answer.
// O(1) for each operation. Since 6.0.0.
func BitFieldRO(key string, gets ...BitFieldGet) Cmd[[]int64] {
	r := newRequest(&specBitfieldRo)
	r.key(key)
	if len(gets) == 0 {
		r.fail(badArgument("no operations"))
	}
	addOptions(&r, gets, BitFieldGet.bitFieldOp)
	return Cmd[[]int64]{r, decodeInts}
}
