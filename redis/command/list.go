package command

import (
	"time"

	"github.com/redchan-go/redchan/proto"
)

// LPush puts values in front of a list, one after the other, so that the last
// becomes the first, and returns the list's length. O(N). Since 1.0.0.
func LPush(key string, values ...any) Cmd[int64] {
	r := newRequest(&specLpush)
	r.key(key)
	r.values(values)
	return Cmd[int64]{r, decodeInt}
}

// RPush puts values at the end of a list and returns its length.
// O(N). Since 1.0.0.
func RPush(key string, values ...any) Cmd[int64] {
	r := newRequest(&specRpush)
	r.key(key)
	r.values(values)
	return Cmd[int64]{r, decodeInt}
}

// LRange returns the elements of a list from start to stop, both included;
// negative numbers count from the end, -1 being the last. Empty where the key
// does not exist. The strings of a reply of up to 64 KiB share one memory: use
// strings.Clone for one that is kept long. O(S+N). Since 1.0.0.
func LRange(key string, start, stop int64) Cmd[[]string] {
	r := newRequest(&specLrange)
	r.key(key)
	r.int(start)
	r.int(stop)
	return Cmd[[]string]{r, decodeStrings}
}

// LLen returns the length of a list, 0 where the key does not exist.
// O(1). Since 1.0.0.
func LLen(key string) Cmd[int64] {
	r := newRequest(&specLlen)
	r.key(key)
	return Cmd[int64]{r, decodeInt}
}

// LTrim leaves only the elements of a list from start to stop, both included;
// negative numbers count from the end. O(N) for the N removed. Since 1.0.0.
func LTrim(key string, start, stop int64) Cmd[struct{}] {
	r := newRequest(&specLtrim)
	r.key(key)
	r.int(start)
	r.int(stop)
	return Cmd[struct{}]{r, decodeOK}
}

// KeyValue is an element and the key of the list it was taken from.
type KeyValue struct{ Key, Value string }

// BLPop takes the first element of the first list that has one, waiting for
// one up to timeout, without end where it is 0. It runs on a connection of its
// own. When its context ends before, that connection is closed. [Nil]: nothing
// came in time. O(N). Since 2.0.0; fractions of seconds since 6.0.0.
func BLPop(timeout time.Duration, keys ...string) Cmd[KeyValue] {
	r := newRequest(&specBlpop)
	r.allKeys(keys)
	t, err := seconds(timeout)
	r.fail(err)
	r.add(t)
	r.mayBlock(timeout)
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

// LMPopOption is an option of [LMPop]: [Count].
type LMPopOption interface{ lmpopOption() tokens }

// LMPop takes elements from an end of the first list that has any: one, or as
// many as [Count] says. [Nil]: all lists are empty. O(N+M). Since 7.0.0.
func LMPop(from ListEnd, keys []string, opts ...LMPopOption) Cmd[KeyValues] {
	r := newRequest(&specLmpop)
	r.int(int64(len(keys)))
	r.allKeys(keys)
	if from != Left && from != Right {
		r.fail(badArgument("%q is no end of a list: give Left or Right", string(from)))
	}
	r.word(string(from))
	addOptions(&r, opts, LMPopOption.lmpopOption)
	return Cmd[KeyValues]{r, decodeKeyValues}
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
