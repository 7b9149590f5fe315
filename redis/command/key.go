package command

import (
	"time"

	"github.com/redchan-go/redchan/proto"
)

// Del removes keys and returns how many there were. O(N), and O(M) for a key
// with M elements: [Unlink] frees those in the background. Since 1.0.0.
func Del(keys ...string) Cmd[int64] {
	r := newRequest(&specDel)
	r.allKeys(keys)
	return Cmd[int64]{r, decodeInt}
}

// Unlink removes keys, freeing their memory in the background, and returns how
// many there were. O(1) for each key. Since 4.0.0.
func Unlink(keys ...string) Cmd[int64] {
	r := newRequest(&specUnlink)
	r.allKeys(keys)
	return Cmd[int64]{r, decodeInt}
}

// Exists returns how many of the keys exist; a key given twice counts twice.
// O(N). Since 1.0.0.
func Exists(keys ...string) Cmd[int64] {
	r := newRequest(&specExists)
	r.allKeys(keys)
	return Cmd[int64]{r, decodeInt}
}

// Expire lets a key expire after d, to the millisecond: it is sent as PEXPIRE
// where d has a fraction of a second; less than a millisecond counts as one.
// False: the key does not exist. A d of 0 or less removes the key. O(1). Since
// 1.0.0.
func Expire(key string, d time.Duration) Cmd[bool] {
	spec, n := &specExpire, int64(d/time.Second)
	if d%time.Second != 0 {
		spec, n = &specPexpire, d.Milliseconds()
	}
	if d > 0 && n == 0 {
		n = 1
	}
	r := newRequest(spec)
	r.key(key)
	r.int(n)
	return Cmd[bool]{r, decodeBool}
}

// ObjectEncoding returns how the server holds a value in memory, such as
// "embstr" or "listpack". [Nil]: the key does not exist. O(1). Since 2.2.3.
func ObjectEncoding(key string) Cmd[string] {
	r := newRequest(&specObjectEncoding)
	r.key(key)
	return Cmd[string]{r, decodeString}
}

// ScanOption is an option of [Scan]: [Count], [Match], [OfType].
type ScanOption interface{ scanOption() tokens }

// Match is the option MATCH of commands that scan: a pattern with *, ? and
// [...]. It filters what has been found, so that a page can be empty.
type Match string

func (m Match) scanOption() tokens { return option(groupMatch, "MATCH", word(string(m))) }

// OfType is the option TYPE of [Scan]: only keys of one type, such as "hash".
// Since 6.0.0.
type OfType string

func (t OfType) scanOption() tokens { return option(groupType, "TYPE", word(string(t))) }

// ScanPage is one part of a scan. It can be empty in the middle of one.
type ScanPage struct {
	// Cursor is what to give to the next call; 0 is the end of the scan.
	Cursor uint64
	Keys   []string
}

// Scan returns a part of the keys of the database. A scan starts with cursor 0
// and ends when a page's Cursor is 0; a key that exists all the time is found
// at least once, possibly twice. O(1) a call. Since 2.8.0.
func Scan(cursor uint64, opts ...ScanOption) Cmd[ScanPage] {
	r := newRequest(&specScan)
	r.add(unsigned(cursor))
	addOptions(&r, opts, ScanOption.scanOption)
	return Cmd[ScanPage]{r, decodeScanPage}
}

func decodeScanPage(v proto.Value) (ScanPage, error) {
	var page ScanPage
	if v.Kind() != proto.KindArray || v.Len() != 2 {
		return page, want("cursor and keys")
	}
	cursor, err := decodeUint(v.Index(0))
	if err != nil {
		return page, err
	}
	page.Cursor = cursor
	page.Keys, err = decodeStrings(v.Index(1))
	return page, err
}

// SortOption is an option of [Sort] and [SortGet]: [Asc], [Desc], [Alpha],
// [By], [Limit].
type SortOption interface{ sortOption() tokens }

type alpha struct{}

// Alpha lets [Sort] compare texts where it otherwise compares numbers.
func Alpha() SortOption { return alpha{} }

func (alpha) sortOption() tokens { return option(groupFlag, "ALPHA") }

// By lets [Sort] compare by other keys: in the pattern, * stands for the
// element; "weight_*" or "user:*->age". A pattern without * keeps the order.
type By string

func (b By) sortOption() tokens { return option(groupBy, "BY", word(string(b))) }

type limit struct{ offset, count int64 }

// Limit lets [Sort] leave out offset elements and return count at most.
func Limit(offset, count int64) SortOption { return limit{offset, count} }

func (l limit) sortOption() tokens {
	t := option(groupLimit, "LIMIT", integer(l.offset), integer(l.count))
	if l.offset < 0 {
		t.err = badArgument("LIMIT's offset can't be negative")
	}
	return t
}

// Sort returns the elements of a list, set or sorted set in order: as numbers,
// from small to large. Empty where the key does not exist.
// O(N+M*log(M)). Since 1.0.0.
func Sort(key string, opts ...SortOption) Cmd[[]string] {
	return Cmd[[]string]{sortRequest(key, nil, opts), decodeStrings}
}

// SortGet is [Sort] with GET: for each element it returns what the patterns
// lead to, one after the other, which may be missing. The pattern "#" is the
// element itself. O(N+M*log(M)). Since 1.0.0.
func SortGet(key string, patterns []string, opts ...SortOption) Cmd[[]Optional[string]] {
	r := sortRequest(key, patterns, opts)
	if len(patterns) == 0 {
		r.fail(badArgument("no patterns"))
	}
	return Cmd[[]Optional[string]]{r, decodeOptionalStrings}
}

func sortRequest(key string, patterns []string, opts []SortOption) Request {
	r := newRequest(&specSort)
	r.key(key)
	addOptions(&r, opts, SortOption.sortOption)
	for _, pattern := range patterns {
		r.word("GET")
		r.word(pattern)
	}
	return r
}
