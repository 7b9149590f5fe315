package command

import (
	"time"

	"github.com/redchan-go/redchan/proto"
)

// LPop takes the first element of a list. [Nil]: the key does not exist. O(1).
// Since 1.0.0.
func LPop(key string) Cmd[string] {
	r := newRequest(&specLpop)
	r.key(key)
	return Cmd[string]{r, decodeString}
}

// LPopCount takes up to count elements of a list, the first one first. [Nil]: the
// key does not exist. O(N). Since 6.2.0.
func LPopCount(key string, count int64) Cmd[[]string] {
	r := newRequest(&specLpop)
	r.key(key)
	r.count(count)
	return Cmd[[]string]{r, decodePopped}
}

// RPop takes the last element of a list. [Nil]: the key does not exist. O(1).
// Since 1.0.0.
func RPop(key string) Cmd[string] {
	r := newRequest(&specRpop)
	r.key(key)
	return Cmd[string]{r, decodeString}
}

// RPopCount takes up to count elements of a list, the last one first. [Nil]: the
// key does not exist. O(N). Since 6.2.0.
func RPopCount(key string, count int64) Cmd[[]string] {
	r := newRequest(&specRpop)
	r.key(key)
	r.count(count)
	return Cmd[[]string]{r, decodePopped}
}

// decodePopped decodes elements, which null is missing from.
func decodePopped(v proto.Value) ([]string, error) {
	if v.IsNull() {
		return nil, Nil
	}
	return decodeStrings(v)
}

// LMove takes an element from an end of a list, puts it to an end of another, or of
// the same one, and returns it. [Nil]: the first list does not exist. O(1). Since
// 6.2.0.
func LMove(from, to string, fromEnd, toEnd ListEnd) Cmd[string] {
	r := newRequest(&specLmove)
	r.lmove(from, to, fromEnd, toEnd)
	return Cmd[string]{r, decodeString}
}

// BLMove is [LMove] that waits for an element, as [BLPop] does. [Nil]: nothing came
// in time. O(1). Since 6.2.0.
func BLMove(from, to string, fromEnd, toEnd ListEnd, timeout time.Duration) Cmd[string] {
	r := newRequest(&specBlmove)
	r.lmove(from, to, fromEnd, toEnd)
	r.timeout(timeout)
	return Cmd[string]{r, decodeString}
}

func (r *Request) lmove(from, to string, fromEnd, toEnd ListEnd) {
	r.key(from)
	r.key(to)
	r.listEnd(fromEnd)
	r.listEnd(toEnd)
}

// KeyValue is an element and the key of the list it was taken from.
type KeyValue struct{ Key, Value string }

// BLPop takes the first element of the first list that has one, waiting for
// one up to timeout, at least 2 ms, and without end where it is 0. It runs on a connection of its
// own. When its context ends before, that connection is closed. [Nil]: nothing
// came in time. O(N). Since 2.0.0; fractions of seconds since 6.0.0.
func BLPop(timeout time.Duration, keys ...string) Cmd[KeyValue] {
	r := newRequest(&specBlpop)
	r.allKeys(keys)
	r.timeout(timeout)
	return Cmd[KeyValue]{r, decodeKeyValue}
}

// timeout appends how long a command may block, in seconds.
func (r *Request) timeout(d time.Duration) {
	t, err := seconds(d)
	r.fail(err)
	r.add(t)
	r.mayBlock(d)
}

// BRPop is [BLPop] that takes the last element. [Nil]: nothing came in time.
// O(N). Since 2.0.0; fractions of seconds since 6.0.0.
func BRPop(timeout time.Duration, keys ...string) Cmd[KeyValue] {
	r := newRequest(&specBrpop)
	r.allKeys(keys)
	r.timeout(timeout)
	return Cmd[KeyValue]{r, decodeKeyValue}
}

func decodeKeyValue(v proto.Value) (KeyValue, error) {
	if v.IsNull() {
		return KeyValue{}, Nil
	}
	if v.Kind() != proto.KindArray || v.Len() != 2 {
		return KeyValue{}, want("key and element")
	}
	key, err := decodeText(v.Index(0))
	if err != nil {
		return KeyValue{}, err
	}
	value, err := decodeText(v.Index(1))
	return KeyValue{key, value}, err
}

// KeyValues are elements and the key of the list they were taken from.
type KeyValues struct {
	Key    string
	Values []string
}

// LMPopOption is an option of [LMPop] and [BLMPop]: [Count].
type LMPopOption interface{ lmpopOption() tokens }

// LMPop takes elements from an end of the first list that has any: one, or as
// many as [Count] says. [Nil]: all lists are empty. O(N+M). Since 7.0.0.
func LMPop(from ListEnd, keys []string, opts ...LMPopOption) Cmd[KeyValues] {
	r := newRequest(&specLmpop)
	r.lmpop(from, keys, opts)
	return Cmd[KeyValues]{r, decodeKeyValues}
}

// BLMPop is [LMPop] that waits for an element, as [BLPop] does. [Nil]: nothing came
// in time. O(N+M). Since 7.0.0.
func BLMPop(timeout time.Duration, from ListEnd, keys []string, opts ...LMPopOption) Cmd[KeyValues] {
	r := newRequest(&specBlmpop)
	r.timeout(timeout)
	r.lmpop(from, keys, opts)
	return Cmd[KeyValues]{r, decodeKeyValues}
}

func (r *Request) lmpop(from ListEnd, keys []string, opts []LMPopOption) {
	r.int(int64(len(keys)))
	r.allKeys(keys)
	r.listEnd(from)
	addOptions(r, opts, LMPopOption.lmpopOption)
}

func (r *Request) listEnd(end ListEnd) {
	if end != Left && end != Right {
		r.fail(badArgument("%q is no end of a list: give Left or Right", string(end)))
	}
	r.word(string(end))
}

func decodeKeyValues(v proto.Value) (KeyValues, error) {
	if v.IsNull() {
		return KeyValues{}, Nil
	}
	if v.Kind() != proto.KindArray || v.Len() != 2 {
		return KeyValues{}, want("key and elements")
	}
	key, err := decodeText(v.Index(0))
	if err != nil {
		return KeyValues{}, err
	}
	values, err := decodeStrings(v.Index(1))
	return KeyValues{key, values}, err
}
