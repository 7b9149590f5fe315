package command

// SortOption is an option of [Sort] and its kind: [Asc], [Desc], [Alpha],
// [By], [Limit].
type SortOption interface{ sortOption() tokens }

// SortFlag is an option of [Sort] and its kind: [Alpha].
type SortFlag string

// Alpha lets [Sort] compare texts where it otherwise compares numbers.
const Alpha SortFlag = "ALPHA"

func (f SortFlag) sortOption() tokens { return flag(groupFlag, f, Alpha) }

// By lets [Sort] compare by other keys: in the pattern, * stands for the
// element; "weight_*" or "user:*->age". A pattern without * keeps the order.
type By string

func (b By) sortOption() tokens { return option(groupBy, "BY", word(string(b))) }

// Sort returns the elements of a list, set or sorted set in order: as numbers,
// from small to large. Empty where the key does not exist.
// O(N+M*log(M)). Since 1.0.0.
func Sort(key string, opts ...SortOption) Cmd[[]string] {
	return Cmd[[]string]{sortRequest(&specSort, key, nil, opts), decodeStrings}
}

// SortGet is [Sort] with GET: for each element it returns what the patterns
// lead to, one after the other, which may be missing. The pattern "#" is the
// element itself. O(N+M*log(M)). Since 1.0.0.
func SortGet(key string, patterns []string, opts ...SortOption) Cmd[[]Optional[string]] {
	r := sortRequest(&specSort, key, patterns, opts)
	r.somePatterns(patterns)
	return Cmd[[]Optional[string]]{r, decodeOptionalStrings}
}

// SortRO is [Sort] on a replica as well: it is known never to write.
// O(N+M*log(M)). Since 7.0.0.
func SortRO(key string, opts ...SortOption) Cmd[[]string] {
	return Cmd[[]string]{sortRequest(&specSortRo, key, nil, opts), decodeStrings}
}

// SortROGet is [SortGet] on a replica as well: it is known never to write.
// O(N+M*log(M)). Since 7.0.0.
func SortROGet(key string, patterns []string, opts ...SortOption) Cmd[[]Optional[string]] {
	r := sortRequest(&specSortRo, key, patterns, opts)
	r.somePatterns(patterns)
	return Cmd[[]Optional[string]]{r, decodeOptionalStrings}
}

// SortStore is [Sort] with STORE: it writes a list to destination, whatever that
// held, and returns its length. With patterns it stores what [SortGet] returns,
// what is missing as an empty string; they may be nil. O(N+M*log(M)). Since 1.0.0.
func SortStore(key, destination string, patterns []string, opts ...SortOption) Cmd[int64] {
	r := sortRequest(&specSort, key, patterns, opts)
	r.word("STORE")
	r.key(destination)
	return Cmd[int64]{r, decodeInt}
}

func (r *Request) somePatterns(patterns []string) {
	if len(patterns) == 0 {
		r.fail(badArgument("no patterns"))
	}
}

func sortRequest(spec *Spec, key string, patterns []string, opts []SortOption) Request {
	r := newRequest(spec)
	r.key(key)
	addOptions(&r, opts, SortOption.sortOption)
	for _, pattern := range patterns {
		r.word("GET")
		r.word(pattern)
	}
	return r
}
