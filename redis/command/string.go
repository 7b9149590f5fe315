package command

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/redchan-go/redchan/proto"
)

// Get returns the value of a string key. [Nil]: the key does not exist.
// O(1). Since 1.0.0.
func Get(key string) Cmd[string] {
	r := newRequest(&specGet)
	r.key(key)
	return Cmd[string]{r, decodeString}
}

// SetOption is an option of [Set] and [SetGet]: [NX], [XX], [EX], [EXAT],
// [KeepTTL], [IfEqual].
type SetOption interface{ setOption() tokens }

// Set sets a key to a value, whatever it held, and without an expiry option
// also without one. False: the condition of NX, XX or IfEqual did not hold and
// nothing was set. O(1). Since 1.0.0.
func Set(key string, value any, opts ...SetOption) Cmd[bool] {
	r := newRequest(&specSet)
	r.key(key)
	r.value(value)
	setOptions(&r, opts)
	return Cmd[bool]{r, decodeApplied}
}

// SetGet is [Set] with GET: it returns the value that the key had before,
// whether or not the new one was set. [Nil]: the key did not exist.
// O(1). Since 6.2.0; together with NX since 7.0.0.
func SetGet(key string, value any, opts ...SetOption) Cmd[string] {
	r := newRequest(&specSet)
	r.key(key)
	r.value(value)
	r.word("GET")
	setOptions(&r, opts)
	return Cmd[string]{r, decodeString}
}

func setOptions(r *Request, opts []SetOption) {
	if len(opts) == 0 {
		return
	}
	addOptions(r, opts, SetOption.setOption)
}

// IfEqual lets SET only replace the value given here: the option IFEQ.
// Since Valkey 8.1 and Redis 8.4.
func IfEqual(comparison any) SetOption { return ifEqual{comparison} }

type ifEqual struct{ value any }

func (e ifEqual) setOption() tokens {
	a, err := value(e.value)
	t := option(groupCondition, "IFEQ", a)
	t.err = err
	return t
}

// MGet returns the values of several keys in their order; what does not exist,
// or is no string, is missing. O(N). Since 1.0.0.
func MGet(keys ...string) Cmd[[]Optional[string]] {
	r := newRequest(&specMget)
	r.allKeys(keys)
	return Cmd[[]Optional[string]]{r, decodeOptionalStrings}
}

// MSet sets several keys at once: all or none. Their expiries are removed.
// O(N). Since 1.0.1.
func MSet(values map[string]any) Cmd[struct{}] {
	r := newRequest(&specMset)
	if len(values) == 0 {
		r.fail(badArgument("no keys"))
	}
	r.grow(2 * len(values))
	for _, key := range slices.Sorted(maps.Keys(values)) {
		r.key(key)
		r.value(values[key])
	}
	return Cmd[struct{}]{r, decodeOK}
}

// Incr adds one to the integer at key, which is 0 where it does not exist, and
// returns the sum. O(1). Since 1.0.0.
func Incr(key string) Cmd[int64] {
	r := newRequest(&specIncr)
	r.key(key)
	return Cmd[int64]{r, decodeInt}
}

// IncrBy adds delta to the integer at key, which is 0 where it does not exist,
// and returns the sum. O(1). Since 1.0.0.
func IncrBy(key string, delta int64) Cmd[int64] {
	r := newRequest(&specIncrby)
	r.key(key)
	r.int(delta)
	return Cmd[int64]{r, decodeInt}
}

// StrLen returns the length of a string in bytes, 0 where the key does not
// exist. O(1). Since 2.2.0.
func StrLen(key string) Cmd[int64] {
	r := newRequest(&specStrlen)
	r.key(key)
	return Cmd[int64]{r, decodeInt}
}

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

// BitGet reads an integer at a bit offset.
func BitGet(t BitType, offset int64) BitFieldOp {
	return bitFieldOp(bitOp("GET", t, offset))
}

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

// seconds returns a duration as an argument of a command that takes seconds,
// with a fraction where it has one; 0 means without end where a command blocks.
func seconds(d time.Duration) (argument, error) {
	if d < 0 {
		return argument{}, badArgument("a negative time")
	}
	if d%time.Second == 0 {
		return integer(int64(d / time.Second)), nil
	}
	// Below a millisecond servers round to 0, which would block without end.
	if d < time.Millisecond {
		d = time.Millisecond
	}
	return float(d.Truncate(time.Millisecond).Seconds()), nil
}

// decodeText decodes a text that can't be missing.
func decodeText(v proto.Value) (string, error) {
	if v.IsNull() {
		return "", want("string")
	}
	return decodeString(v)
}
