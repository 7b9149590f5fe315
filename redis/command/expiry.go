package command

import (
	"math"
	"time"

	"github.com/redchan-go/redchan/proto"
)

// ExpireOption is an option of [Expire] and [ExpireAt]: [NX], [XX], [GT], [LT].
type ExpireOption interface{ expireOption() tokens }

// Expire lets a key expire after d, rounded up to a millisecond: it is sent as PEXPIRE
// where that has a fraction of a second. False: the key does not exist, or the condition of NX, XX, GT or LT did not hold.
// A d of 0 or less removes the key. O(1). Since 1.0.0; options since 7.0.0.
func Expire(key string, d time.Duration, opts ...ExpireOption) Cmd[bool] {
	spec, n := inUnit(milliseconds(d), &specExpire, &specPexpire)
	return expireCmd(spec, key, n, opts)
}

// ExpireAt lets a key expire at a time, rounded up to a millisecond: it is sent as
// PEXPIREAT where that has a fraction of a second. False: the key does not exist, or the
// condition of NX, XX, GT or LT did not hold. A time in the past removes the key.
// O(1). Since 1.2.0; options since 7.0.0.
func ExpireAt(key string, t time.Time, opts ...ExpireOption) Cmd[bool] {
	spec, n := inUnit(unixMilliseconds(t), &specExpireat, &specPexpireat)
	cmd := expireCmd(spec, key, n, opts)
	cmd.request.fail(noZero(t))
	return cmd
}

// milliseconds returns a duration in milliseconds, rounded up: nothing ends early, and
// a positive one is never 0, which would say something else.
func milliseconds(d time.Duration) int64 { return roundedUp(d, time.Millisecond) }

// roundedUp returns a duration in a unit, rounded up.
func roundedUp(d, unit time.Duration) int64 {
	n := int64(d / unit)
	if d > 0 && d%unit != 0 { // a negative one is rounded up as it is
		n++
	}
	return n
}

// unixMilliseconds returns a time in milliseconds since 1970, rounded up.
func unixMilliseconds(t time.Time) int64 {
	ms := t.UnixMilli()
	if t.Nanosecond()%int(time.Millisecond) != 0 {
		ms++
	}
	return ms
}

// inUnit returns a number of milliseconds for the command that takes seconds where it is
// whole ones, and otherwise for the one that takes milliseconds.
func inUnit(ms int64, inSeconds, inMilliseconds *Spec) (*Spec, int64) {
	if ms%1000 == 0 {
		return inSeconds, ms / 1000
	}
	return inMilliseconds, ms
}

// notPositive is the error for an expiry that would be over at once.
func notPositive() error {
	return badArgument("an expiry must be positive: to remove a key use Del")
}

// noZero refuses the zero time, which somebody has forgotten to set.
func noZero(t time.Time) error {
	if t.IsZero() {
		return badArgument("the time is not set")
	}
	return nil
}

func expireCmd(spec *Spec, key string, n int64, opts []ExpireOption) Cmd[bool] {
	r := newRequest(spec)
	r.key(key)
	r.int(n)
	seen := addOptions(&r, opts, ExpireOption.expireOption)
	if seen&groupCompare != 0 && nameOf(groupCondition, opts, ExpireOption.expireOption) == "NX" {
		r.fail(badArgument("NX and %s can't go together: NX never changes an expiry",
			nameOf(groupCompare, opts, ExpireOption.expireOption)))
	}
	return Cmd[bool]{r, decodeBool}
}

// Persist takes the expiry of a key away. False: it has none, or the key does not
// exist. O(1). Since 2.2.0.
func Persist(key string) Cmd[bool] {
	r := newRequest(&specPersist)
	r.key(key)
	return Cmd[bool]{r, decodeBool}
}

// Lifetime is how long a key or a field lives on.
type Lifetime struct {
	Left    time.Duration // 0 where Forever
	Forever bool          // it has no expiry
}

// TTL returns how long a key lives on, to the millisecond: it is sent as PTTL.
// [Nil]: the key does not exist. O(1). Since 2.6.0.
func TTL(key string) Cmd[Lifetime] {
	r := newRequest(&specPttl)
	r.key(key)
	return Cmd[Lifetime]{r, decodeLifetime}
}

// TTLSeconds is [TTL] rounded to seconds by the server, for users who may call
// nothing else. [Nil]: the key does not exist. O(1). Since 1.0.0.
func TTLSeconds(key string) Cmd[Lifetime] {
	r := newRequest(&specTtl)
	r.key(key)
	return Cmd[Lifetime]{r, decodeLifetimeSeconds}
}

// Deadline is when a key or a field expires.
type Deadline struct {
	At    time.Time // zero where Never
	Never bool      // it has no expiry
}

// ExpireTime returns when a key expires, to the millisecond: it is sent as
// PEXPIRETIME. [Nil]: the key does not exist. O(1). Since 7.0.0.
func ExpireTime(key string) Cmd[Deadline] {
	r := newRequest(&specPexpiretime)
	r.key(key)
	return Cmd[Deadline]{r, decodeDeadline}
}

// ExpireTimeSeconds is [ExpireTime] rounded to seconds by the server, for users who
// may call nothing else. [Nil]: the key does not exist. O(1). Since 7.0.0.
func ExpireTimeSeconds(key string) Cmd[Deadline] {
	r := newRequest(&specExpiretime)
	r.key(key)
	return Cmd[Deadline]{r, decodeDeadlineSeconds}
}

// What servers answer in place of a time.
const (
	codeMissing  = -2
	codeNoExpiry = -1
)

func decodeLifetime(v proto.Value) (Lifetime, error) {
	return lifetimeIn(v, time.Millisecond)
}

func decodeLifetimeSeconds(v proto.Value) (Lifetime, error) {
	return lifetimeIn(v, time.Second)
}

func lifetimeIn(v proto.Value, unit time.Duration) (Lifetime, error) {
	n, err := decodeInt(v)
	switch {
	case err != nil:
		return Lifetime{}, err
	case n == codeMissing:
		return Lifetime{}, Nil
	case n == codeNoExpiry:
		return Lifetime{Forever: true}, nil
	case n < 0:
		return Lifetime{}, want("a time to live")
	case n > int64(math.MaxInt64/unit): // in more than 292 years
		return Lifetime{Left: math.MaxInt64}, nil
	}
	return Lifetime{Left: time.Duration(n) * unit}, nil
}

func decodeDeadline(v proto.Value) (Deadline, error) {
	return deadlineBy(v, time.UnixMilli)
}

func decodeDeadlineSeconds(v proto.Value) (Deadline, error) {
	return deadlineBy(v, func(n int64) time.Time { return time.Unix(n, 0) })
}

func deadlineBy(v proto.Value, at func(int64) time.Time) (Deadline, error) {
	n, err := decodeInt(v)
	switch {
	case err != nil:
		return Deadline{}, err
	case n == codeMissing:
		return Deadline{}, Nil
	case n == codeNoExpiry:
		return Deadline{Never: true}, nil
	case n < 0:
		return Deadline{}, want("a time")
	}
	return Deadline{At: at(n)}, nil
}

// missingIn makes a decoder that says Nil serve among others: as a missing value.
func missingIn[T any](decode func(proto.Value) (T, error)) func(proto.Value) (Optional[T], error) {
	return func(v proto.Value) (Optional[T], error) {
		value, err := decode(v)
		if err == Nil { //nolint:errorlint // decoders return Nil itself
			return Optional[T]{}, nil
		}
		return Optional[T]{value, err == nil}, err
	}
}
