package command

import "time"

// GetSet sets a key to a value and returns the one that it had before. Superseded
// by [SetGet]. [Nil]: the key did not exist. O(1). Since 1.0.0.
func GetSet(key string, value any) Cmd[string] {
	r := newRequest(&specGetset)
	r.key(key)
	r.value(value)
	return Cmd[string]{r, decodeString}
}

// SetNX sets a key that does not exist yet. False: it does, and keeps its value.
// Superseded by [SetIf] with [NX]. O(1). Since 1.0.0.
func SetNX(key string, value any) Cmd[bool] {
	r := newRequest(&specSetnx)
	r.key(key)
	r.value(value)
	return Cmd[bool]{r, decodeBool}
}

// SetEX sets a key to a value with a time to live, which is rounded up to a millisecond
// and must be positive; it is sent as PSETEX where that has a fraction of a second.
// Superseded by [Set] with [EX]. O(1). Since 2.0.0.
func SetEX(key string, d time.Duration, value any) Cmd[struct{}] {
	spec, n := inUnit(milliseconds(d), &specSetex, &specPsetex)
	r := newRequest(spec)
	r.key(key)
	if n <= 0 {
		r.fail(notPositive())
	}
	r.int(n)
	r.value(value)
	return Cmd[struct{}]{r, decodeOK}
}

// HMSet sets fields of a hash. Superseded by [HSet], which says how many of them
// are new. O(N). Since 2.0.0.
func HMSet(key string, fields FieldValues) Cmd[struct{}] {
	r := newRequest(&specHmset)
	r.key(key)
	r.fields(fields)
	return Cmd[struct{}]{r, decodeOK}
}

// RPopLPush moves the last element of a list to the front of another, or of the
// same one, and returns it. Superseded by [LMove]. [Nil]: the first list does not
// exist. O(1). Since 1.2.0.
func RPopLPush(from, to string) Cmd[string] {
	r := newRequest(&specRpoplpush)
	r.key(from)
	r.key(to)
	return Cmd[string]{r, decodeString}
}

// BRPopLPush is [RPopLPush] that waits for an element, as [BLPop] does.
// Superseded by [BLMove]. [Nil]: nothing came in time. O(1). Since 2.2.0.
func BRPopLPush(from, to string, timeout time.Duration) Cmd[string] {
	r := newRequest(&specBrpoplpush)
	r.key(from)
	r.key(to)
	r.timeout(timeout)
	return Cmd[string]{r, decodeString}
}
