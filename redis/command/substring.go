package command

import "github.com/redchan-go/redchan/proto"

// Append puts a value behind the string at key, which is empty where it does not
// exist, and returns the new length in bytes. O(1). Since 2.0.0.
func Append(key string, value any) Cmd[int64] {
	r := newRequest(&specAppend)
	r.key(key)
	r.value(value)
	return Cmd[int64]{r, decodeInt}
}

// GetRange returns the bytes of a string from start to end, both included;
// negative numbers count from the end, -1 being the last. Empty where the key
// does not exist. O(N). Since 2.4.0.
func GetRange(key string, start, end int64) Cmd[string] {
	return rangeCmd(&specGetrange, key, start, end)
}

// SubStr returns a part of a string. Superseded by [GetRange], which is the same.
// O(N). Since 1.0.0.
func SubStr(key string, start, end int64) Cmd[string] {
	return rangeCmd(&specSubstr, key, start, end)
}

func rangeCmd(spec *Spec, key string, start, end int64) Cmd[string] {
	r := newRequest(spec)
	r.key(key)
	r.int(start)
	r.int(end)
	return Cmd[string]{r, decodeText}
}

// SetRange writes a value over the string at key from a byte offset on, filling
// up with zero bytes what lies before, and returns the new length. O(1) for a
// short value, otherwise O(M). Since 2.2.0.
func SetRange(key string, offset int64, value any) Cmd[int64] {
	r := newRequest(&specSetrange)
	r.key(key)
	if offset < 0 {
		r.fail(badArgument("an offset can't be negative"))
	}
	r.int(offset)
	r.value(value)
	return Cmd[int64]{r, decodeInt}
}

// GetDel returns the value of a string key and removes it. [Nil]: the key does
// not exist. O(1). Since 6.2.0.
func GetDel(key string) Cmd[string] {
	r := newRequest(&specGetdel)
	r.key(key)
	return Cmd[string]{r, decodeString}
}

// GetEXOption is an option of [GetEX] and [HGetEX]: [EX], [EXAT], [Forever].
type GetEXOption interface{ getEXOption() tokens }

// GetEX returns the value of a string key and sets its expiry, or takes it away
// by [Forever]. [Nil]: the key does not exist. O(1). Since 6.2.0.
func GetEX(key string, opts ...GetEXOption) Cmd[string] {
	r := newRequest(&specGetex)
	r.key(key)
	addOptions(&r, opts, GetEXOption.getEXOption)
	return Cmd[string]{r, decodeString}
}

// DelIfEq removes a key whose value is the one given here. False: it has another
// one, or does not exist. O(1). Since Valkey 9.0.0.
func DelIfEq(key string, comparison any) Cmd[bool] {
	r := newRequest(&specDelifeq)
	r.key(key)
	r.value(comparison)
	return Cmd[bool]{r, decodeBool}
}

// IndexRange is a run of bytes of a string, both ends included, counted from 0.
type IndexRange struct{ From, To int64 }

// LCSMatch is a run of bytes that two strings have in common, and where it is in
// the first and in the second.
type LCSMatch struct{ First, Second IndexRange }

// Len returns the number of bytes of the match.
func (m LCSMatch) Len() int64 { return m.First.To - m.First.From + 1 }

// LCSMatches is what [LCSIndexes] finds.
type LCSMatches struct {
	// Matches are in the order of the server: the last of the strings first.
	Matches []LCSMatch
	// Len is the length of the longest common subsequence, also of the matches that
	// MinMatchLen left out.
	Len int64
}

// LCSOption is an option of [LCSIndexes]: [MinMatchLen].
type LCSOption interface{ lcsOption() tokens }

// MinMatchLen is the option MINMATCHLEN of [LCSIndexes]: only matches of this
// length or longer.
type MinMatchLen int64

func (n MinMatchLen) lcsOption() tokens {
	t := option(groupLimit, "MINMATCHLEN", integer(int64(n)))
	if n < 0 {
		t.err = badArgument("MINMATCHLEN can't be negative")
	}
	return t
}

// LCS returns the longest common subsequence of two strings: bytes that both have
// in the same order, not always side by side. A key that does not exist is an
// empty string. O(N*M). Since 7.0.0.
func LCS(key1, key2 string) Cmd[string] {
	return Cmd[string]{lcsRequest(key1, key2), decodeText}
}

// LCSLen is [LCS] with LEN: it returns the length only. O(N*M). Since 7.0.0.
func LCSLen(key1, key2 string) Cmd[int64] {
	r := lcsRequest(key1, key2)
	r.word("LEN")
	return Cmd[int64]{r, decodeInt}
}

// LCSIndexes is [LCS] with IDX: it returns where the matches are. O(N*M). Since
// 7.0.0.
func LCSIndexes(key1, key2 string, opts ...LCSOption) Cmd[LCSMatches] {
	r := lcsRequest(key1, key2)
	r.word("IDX")
	addOptions(&r, opts, LCSOption.lcsOption)
	return Cmd[LCSMatches]{r, decodeLCS}
}

func lcsRequest(key1, key2 string) Request {
	r := newRequest(&specLcs)
	r.key(key1)
	r.key(key2)
	return r
}

func decodeLCS(v proto.Value) (LCSMatches, error) {
	var result LCSMatches
	err := decodeRecord(v, "matches and length", func(name string, value proto.Value) error {
		switch name {
		case "matches":
			return into(&result.Matches, value, decodeLCSMatches)
		case "len":
			return into(&result.Len, value, decodeInt)
		}
		return nil
	})
	return result, err
}

func decodeLCSMatches(v proto.Value) ([]LCSMatch, error) {
	return decodeEach(v, "matches", decodeLCSMatch)
}

// decodeLCSMatch takes the two ranges; the length behind them, which there may be,
// follows from these.
func decodeLCSMatch(v proto.Value) (LCSMatch, error) {
	var m LCSMatch
	if v.Kind() != proto.KindArray || v.Len() < 2 {
		return m, want("a match")
	}
	if err := into(&m.First, v.Index(0), decodeIndexRange); err != nil {
		return m, err
	}
	return m, into(&m.Second, v.Index(1), decodeIndexRange)
}

func decodeIndexRange(v proto.Value) (IndexRange, error) {
	ends, err := decodeInts(v)
	if err != nil || len(ends) != 2 {
		return IndexRange{}, want("a range")
	}
	return IndexRange{ends[0], ends[1]}, nil
}
