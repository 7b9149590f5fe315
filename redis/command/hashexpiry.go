package command

import (
	"fmt"
	"time"

	"github.com/redchan-go/redchan/proto"
)

// FieldExpiry is what came of changing the expiry of one field of a hash.
type FieldExpiry int8

// What can have come of it, with the server's numbers.
const (
	FieldMissing   FieldExpiry = -2 // the key or the field does not exist
	FieldNoExpiry  FieldExpiry = -1 // the field has no expiry that could be taken away
	FieldUnchanged FieldExpiry = 0  // the condition of NX, XX, GT or LT did not hold
	FieldChanged   FieldExpiry = 1  // the expiry has been set, or taken away
	FieldRemoved   FieldExpiry = 2  // the time has passed, and so the field is gone
)

// String returns the result in words.
func (e FieldExpiry) String() string {
	switch e {
	case FieldMissing:
		return "missing"
	case FieldNoExpiry:
		return "no expiry"
	case FieldUnchanged:
		return "unchanged"
	case FieldChanged:
		return "changed"
	case FieldRemoved:
		return "removed"
	}
	return fmt.Sprintf("field expiry %d", int8(e))
}

func decodeFieldExpiries(v proto.Value) ([]FieldExpiry, error) {
	return decodeEach(v, "[]FieldExpiry", decodeFieldExpiry)
}

func decodeFieldExpiry(v proto.Value) (FieldExpiry, error) {
	n, err := decodeInt(v)
	if err != nil || n < int64(FieldMissing) || n > int64(FieldRemoved) {
		return 0, want("FieldExpiry")
	}
	return FieldExpiry(n), nil
}

// HExpireOption is an option of [HExpire] and [HExpireAt]: [NX], [XX], [GT], [LT].
type HExpireOption interface{ hexpireOption() tokens }

// HExpire lets fields of a hash expire after d, rounded up to a millisecond: it is sent
// as HPEXPIRE where that has a fraction of a second. A d of 0 or less removes the fields. It returns what came of each. O(N).
// Since Redis 7.4.0 and Valkey 9.0.0.
func HExpire(key string, d time.Duration, fields []string, opts ...HExpireOption) Cmd[[]FieldExpiry] {
	spec, n := inUnit(milliseconds(d), &specHexpire, &specHpexpire)
	return hexpireCmd(spec, key, n, fields, opts)
}

// HExpireAt lets fields of a hash expire at a time, rounded up to a millisecond: it is
// sent as HPEXPIREAT where that has a fraction of a second. A time in the past removes the
// fields. It returns what came of each. O(N). Since Redis 7.4.0 and Valkey 9.0.0.
func HExpireAt(key string, t time.Time, fields []string, opts ...HExpireOption) Cmd[[]FieldExpiry] {
	spec, n := inUnit(unixMilliseconds(t), &specHexpireat, &specHpexpireat)
	cmd := hexpireCmd(spec, key, n, fields, opts)
	cmd.request.fail(noZero(t))
	return cmd
}

func hexpireCmd(spec *Spec, key string, n int64, fields []string, opts []HExpireOption) Cmd[[]FieldExpiry] {
	r := newRequest(spec)
	r.key(key)
	r.int(max(n, 0)) // servers refuse negative ones
	seen := addOptions(&r, opts, HExpireOption.hexpireOption)
	if seen&groupCondition != 0 && seen&groupCompare != 0 {
		r.fail(badArgument("%s and %s can't go together",
			nameOf(groupCondition, opts, HExpireOption.hexpireOption),
			nameOf(groupCompare, opts, HExpireOption.hexpireOption)))
	}
	r.countedFields(fields)
	return Cmd[[]FieldExpiry]{r, decodeFieldExpiries}
}

// countedFields appends names of fields, of which there must be one at least, behind
// their number.
func (r *Request) countedFields(fields []string) {
	r.word("FIELDS")
	r.int(int64(len(fields)))
	r.words("fields", fields)
}

// fieldsRequest is a command that takes a key and names of fields.
func fieldsRequest(spec *Spec, key string, fields []string) Request {
	r := newRequest(spec)
	r.key(key)
	r.countedFields(fields)
	return r
}

// HPersist takes the expiry of fields of a hash away and returns what came of each:
// FieldChanged, FieldNoExpiry or FieldMissing. O(N). Since Redis 7.4.0 and Valkey
// 9.0.0.
func HPersist(key string, fields ...string) Cmd[[]FieldExpiry] {
	return Cmd[[]FieldExpiry]{fieldsRequest(&specHpersist, key, fields), decodeFieldExpiries}
}

// HTTL returns how long fields of a hash live on, to the millisecond: it is sent as
// HPTTL. What does not exist is missing. O(N). Since Redis 7.4.0 and Valkey 9.0.0.
func HTTL(key string, fields ...string) Cmd[[]Optional[Lifetime]] {
	return Cmd[[]Optional[Lifetime]]{fieldsRequest(&specHpttl, key, fields), decodeLifetimes}
}

// HTTLSeconds is [HTTL] rounded to seconds by the server, for users who may call
// nothing else. O(N). Since Redis 7.4.0 and Valkey 9.0.0.
func HTTLSeconds(key string, fields ...string) Cmd[[]Optional[Lifetime]] {
	return Cmd[[]Optional[Lifetime]]{fieldsRequest(&specHttl, key, fields), decodeLifetimesSeconds}
}

// HExpireTime returns when fields of a hash expire, to the millisecond: it is sent
// as HPEXPIRETIME. What does not exist is missing. O(N). Since Redis 7.4.0 and
// Valkey 9.0.0.
func HExpireTime(key string, fields ...string) Cmd[[]Optional[Deadline]] {
	return Cmd[[]Optional[Deadline]]{fieldsRequest(&specHpexpiretime, key, fields), decodeDeadlines}
}

// HExpireTimeSeconds is [HExpireTime] rounded to seconds by the server, for users
// who may call nothing else. O(N). Since Redis 7.4.0 and Valkey 9.0.0.
func HExpireTimeSeconds(key string, fields ...string) Cmd[[]Optional[Deadline]] {
	return Cmd[[]Optional[Deadline]]{fieldsRequest(&specHexpiretime, key, fields), decodeDeadlinesSeconds}
}

func decodeLifetimes(v proto.Value) ([]Optional[Lifetime], error) {
	return decodeEach(v, "[]Optional[Lifetime]", missingIn(decodeLifetime))
}

func decodeLifetimesSeconds(v proto.Value) ([]Optional[Lifetime], error) {
	return decodeEach(v, "[]Optional[Lifetime]", missingIn(decodeLifetimeSeconds))
}

func decodeDeadlines(v proto.Value) ([]Optional[Deadline], error) {
	return decodeEach(v, "[]Optional[Deadline]", missingIn(decodeDeadline))
}

func decodeDeadlinesSeconds(v proto.Value) ([]Optional[Deadline], error) {
	return decodeEach(v, "[]Optional[Deadline]", missingIn(decodeDeadlineSeconds))
}

// HGetDel returns fields of a hash and removes them; what does not exist is missing.
// O(N). Since Redis 8.0.0 and Valkey 9.1.0.
func HGetDel(key string, fields ...string) Cmd[[]Optional[string]] {
	return Cmd[[]Optional[string]]{fieldsRequest(&specHgetdel, key, fields), decodeOptionalStrings}
}

// HGetEX returns fields of a hash and sets their expiry, or takes it away by
// [Forever]; what does not exist is missing. O(N). Since Redis 8.0.0 and Valkey
// 9.0.0.
func HGetEX(key string, fields []string, opts ...GetEXOption) Cmd[[]Optional[string]] {
	r := newRequest(&specHgetex)
	r.key(key)
	addOptions(&r, opts, GetEXOption.getEXOption)
	r.countedFields(fields)
	return Cmd[[]Optional[string]]{r, decodeOptionalStrings}
}

// HSetEXOption is an option of [HSetEX]: [FNX], [FXX], [EX], [EXAT], [KeepTTL], and
// on Valkey [NX], [XX].
type HSetEXOption interface{ hsetEXOption() tokens }

// FieldCondition is an option that makes a command depend on what fields exist:
// [FNX] and [FXX].
type FieldCondition uint8

const (
	// FNX lets a command only create: none of the fields may exist.
	FNX FieldCondition = iota
	// FXX lets a command only change: all of the fields must exist.
	FXX
)

func (c FieldCondition) hsetEXOption() tokens {
	if c == FNX {
		return option(groupFrom, "FNX")
	}
	return option(groupFrom, "FXX")
}

// HSetEX sets fields of a hash with an expiry and under a condition: all or none.
// Without an expiry option the fields never expire. False: the condition did not
// hold. O(N). Since Redis 8.0.0 and Valkey 9.0.0; NX and XX, which ask for the key,
// since Valkey 9.0.0.
func HSetEX(key string, fields FieldValues, opts ...HSetEXOption) Cmd[bool] {
	r := newRequest(&specHsetex)
	r.key(key)
	addOptions(&r, opts, HSetEXOption.hsetEXOption)
	r.word("FIELDS")
	at := r.Len()
	r.int(0)
	n := r.fields(fields)
	*r.at(at) = integer(int64(n))
	return Cmd[bool]{r, decodeBool}
}
