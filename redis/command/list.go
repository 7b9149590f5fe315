package command

import "github.com/redchan-go/redchan/proto"

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

// LPushX is [LPush] for a list that exists; otherwise it does nothing and returns
// 0. O(N). Since 2.2.0; several values since 4.0.0.
func LPushX(key string, values ...any) Cmd[int64] {
	r := newRequest(&specLpushx)
	r.key(key)
	r.values(values)
	return Cmd[int64]{r, decodeInt}
}

// RPushX is [RPush] for a list that exists; otherwise it does nothing and returns
// 0. O(N). Since 2.2.0; several values since 4.0.0.
func RPushX(key string, values ...any) Cmd[int64] {
	r := newRequest(&specRpushx)
	r.key(key)
	r.values(values)
	return Cmd[int64]{r, decodeInt}
}

// LIndex returns the element at an index of a list; negative numbers count from the
// end, -1 being the last. [Nil]: there is none. O(N). Since 1.0.0.
func LIndex(key string, index int64) Cmd[string] {
	r := newRequest(&specLindex)
	r.key(key)
	r.int(index)
	return Cmd[string]{r, decodeString}
}

// LSet replaces the element at an index of a list; negative numbers count from the
// end. Where there is none, the server answers with an error. O(N). Since 1.0.0.
func LSet(key string, index int64, value any) Cmd[struct{}] {
	r := newRequest(&specLset)
	r.key(key)
	r.int(index)
	r.value(value)
	return Cmd[struct{}]{r, decodeOK}
}

// LRem removes count elements with a value from a list and returns how many there
// were: from the first on, with a negative count from the last on, with 0 all of
// them. O(N+M). Since 1.0.0.
func LRem(key string, count int64, value any) Cmd[int64] {
	r := newRequest(&specLrem)
	r.key(key)
	r.int(count)
	r.value(value)
	return Cmd[int64]{r, decodeInt}
}

// Side is a side of an element, see [Before] and [After].
type Side string

// The two sides.
const (
	// Before is the side towards the head of a list.
	Before Side = "BEFORE"
	// After is the side towards the tail of a list.
	After Side = "AFTER"
)

// LInsert puts a value next to the first element of a list that equals pivot, and
// returns the list's length. [Nil]: there is no such element. O(N). Since 2.2.0.
func LInsert(key string, side Side, pivot, value any) Cmd[int64] {
	r := newRequest(&specLinsert)
	r.key(key)
	if side != Before && side != After {
		r.fail(badArgument("%q is no side of an element: give Before or After", string(side)))
	}
	r.word(string(side))
	r.value(pivot)
	r.value(value)
	return Cmd[int64]{r, decodeInserted}
}

// decodeInserted decodes the length of a list; 0 says that there is none, and -1 that
// it does not have the element.
func decodeInserted(v proto.Value) (int64, error) {
	n, err := decodeInt(v)
	if err == nil && n <= 0 {
		return 0, Nil
	}
	return n, err
}

// LPosOption is an option of [LPos] and [LPosCount]: [MatchRank], [MaxCompared].
type LPosOption interface{ lposOption() tokens }

// MatchRank is the option RANK of [LPos]: begin with this match, 1 being the first;
// -1 is the first from the end, and then the search goes backwards.
type MatchRank int64

func (n MatchRank) lposOption() tokens {
	t := option(groupFrom, "RANK", integer(int64(n)))
	if n == 0 {
		t.err = badArgument("RANK can't be 0: 1 is the first match, -1 the last")
	}
	return t
}

// MaxCompared is the option MAXLEN of [LPos]: look at this many elements at most;
// 0 is all of them.
type MaxCompared int64

func (n MaxCompared) lposOption() tokens {
	t := option(groupLimit, "MAXLEN", integer(int64(n)))
	if n < 0 {
		t.err = badArgument("MAXLEN can't be negative")
	}
	return t
}

// LPos returns the index of the first element of a list that equals value. [Nil]:
// there is none. O(N). Since 6.0.6.
func LPos(key string, value any, opts ...LPosOption) Cmd[int64] {
	return Cmd[int64]{lposRequest(key, value, opts), decodeInt}
}

// LPosCount returns the indexes of up to count elements of a list that equal value,
// with 0 of all of them. O(N). Since 6.0.6.
func LPosCount(key string, value any, count int64, opts ...LPosOption) Cmd[[]int64] {
	r := lposRequest(key, value, opts)
	r.word("COUNT")
	r.count(count)
	return Cmd[[]int64]{r, decodeInts}
}

// count appends a number that must not be negative.
func (r *Request) count(n int64) {
	if n < 0 {
		r.fail(badArgument("a negative count"))
	}
	r.int(n)
}

func lposRequest(key string, value any, opts []LPosOption) Request {
	r := newRequest(&specLpos)
	r.key(key)
	r.value(value)
	addOptions(&r, opts, LPosOption.lposOption)
	return r
}
