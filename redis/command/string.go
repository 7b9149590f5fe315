package command

import (
	"math"
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

// SetOption is an option of [Set]: [EX], [EXAT], [KeepTTL].
type SetOption interface{ setOption() tokens }

// SetCondition is a condition of [SetIf]: [NX], [XX], [IfEqual].
type SetCondition interface{ setCondition() tokens }

// SetGetOption is an option of [SetGet]: one of [SetOption], or of [SetCondition].
type SetGetOption interface{ setGetOption() tokens }

// Set sets a key to a value, whatever it held, and without an option also without an
// expiry. O(1). Since 1.0.0.
func Set(key string, value any, opts ...SetOption) Cmd[struct{}] {
	r := newRequest(&specSet)
	r.key(key)
	r.value(value)
	setOptions(&r, opts)
	return Cmd[struct{}]{r, decodeOK}
}

// SetIf is [Set] under a condition. False: the condition does not hold, and nothing was
// set. O(1). Since 2.6.12.
func SetIf(key string, value any, condition SetCondition, opts ...SetOption) Cmd[bool] {
	r := newRequest(&specSet)
	r.key(key)
	r.value(value)
	if condition == nil {
		r.fail(badArgument("there is no condition: Set has none"))
		return Cmd[bool]{r, decodeApplied}
	}
	r.option(condition.setCondition())
	setOptions(&r, opts)
	return Cmd[bool]{r, decodeApplied}
}

// SetGet is [Set] with GET: it returns the value that the key had before,
// whether or not the new one was set. [Nil]: the key did not exist.
// O(1). Since 6.2.0; together with NX since 7.0.0.
func SetGet(key string, value any, opts ...SetGetOption) Cmd[string] {
	r := newRequest(&specSet)
	r.key(key)
	r.value(value)
	r.word("GET")
	if len(opts) > 0 {
		addOptions(&r, opts, SetGetOption.setGetOption)
	}
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
func IfEqual(comparison any) Equal { return Equal{comparison} }

// Equal is the condition that a key has a value, see [IfEqual].
type Equal struct{ value any }

func (e Equal) tokens() tokens {
	a, err := value(e.value)
	t := option(groupCondition, "IFEQ", a)
	t.err = err
	return t
}

func (e Equal) setCondition() tokens { return e.tokens() }
func (e Equal) setGetOption() tokens { return e.tokens() }

// MGet returns the values of several keys in their order; what does not exist,
// or is no string, is missing. O(N). Since 1.0.0.
func MGet(keys ...string) Cmd[[]Optional[string]] {
	r := newRequest(&specMget)
	r.allKeys(keys)
	return Cmd[[]Optional[string]]{r, decodeOptionalStrings}
}

// MSet sets several keys at once, given as [Map] or [Pairs]. Their expiries are
// removed. O(N). Since 1.0.1.
func MSet(values FieldValues) Cmd[struct{}] {
	r := newRequest(&specMset)
	r.keyValues(values)
	return Cmd[struct{}]{r, decodeOK}
}

// MSetNX is [MSet] where none of the keys exists. False: one of them does, and
// nothing was set. O(N). Since 1.0.1.
func MSetNX(values FieldValues) Cmd[bool] {
	r := newRequest(&specMsetnx)
	r.keyValues(values)
	return Cmd[bool]{r, decodeBool}
}

// MSetEXOption is an option of [MSetEX]: [NX], [XX], [EX], [EXAT], [KeepTTL].
type MSetEXOption interface{ msetEXOption() tokens }

// MSetEX is [MSet] with an expiry and under a condition: all keys are set or
// none. False: the condition of NX, that no key exists, or of XX, that all do,
// did not hold. O(N). Since Redis 8.4.0 and Valkey 9.1.0.
func MSetEX(values FieldValues, opts ...MSetEXOption) Cmd[bool] {
	r := newRequest(&specMsetex)
	r.int(0)
	n := r.keyValues(values)
	*r.at(0) = integer(int64(n))
	addOptions(&r, opts, MSetEXOption.msetEXOption)
	return Cmd[bool]{r, decodeBool}
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

// Decr takes one from the integer at key, which is 0 where it does not exist,
// and returns the difference. O(1). Since 1.0.0.
func Decr(key string) Cmd[int64] {
	r := newRequest(&specDecr)
	r.key(key)
	return Cmd[int64]{r, decodeInt}
}

// DecrBy takes delta from the integer at key, which is 0 where it does not
// exist, and returns the difference. O(1). Since 1.0.0.
func DecrBy(key string, delta int64) Cmd[int64] {
	r := newRequest(&specDecrby)
	r.key(key)
	r.int(delta)
	return Cmd[int64]{r, decodeInt}
}

// IncrByFloat adds delta to the number at key, which is 0 where it does not
// exist, and returns the sum. O(1). Since 2.6.0.
func IncrByFloat(key string, delta float64) Cmd[float64] {
	r := newRequest(&specIncrbyfloat)
	r.key(key)
	r.finite(delta)
	return Cmd[float64]{r, decodeFloat}
}

// finite appends a number that must not be infinite.
func (r *Request) finite(f float64) {
	if math.IsInf(f, 0) {
		r.fail(badArgument("an infinite number can't be added"))
	}
	r.float(f)
}

// seconds returns a duration as an argument of a command that takes seconds,
// rounded up to a millisecond, with a fraction where it has one; 0 means without
// end where a command blocks.
func seconds(d time.Duration) (argument, error) {
	if d < 0 {
		return argument{}, badArgument("a negative time")
	}
	ms := milliseconds(d)
	if ms == 1 {
		ms = 2 // servers before 7.0.8 round 0.001 to 0, which is without end
	}
	if ms%1000 == 0 {
		return integer(ms / 1000), nil
	}
	return float(float64(ms) / 1000), nil
}

// decodeText decodes a text that can't be missing.
func decodeText(v proto.Value) (string, error) {
	if v.IsNull() {
		return "", want("string")
	}
	return decodeString(v)
}
