package command

// StreamTrim says what a stream is trimmed to: [MaxLen], [MinID], and [MaxLenExactly],
// [MinIDExactly]. It is what [XTrim] does, and an option of [XAdd].
type StreamTrim struct {
	name    string
	limit   argument
	exactly bool
	err     error
}

// MaxLen trims a stream to about n entries, which costs little: some more may stay.
func MaxLen(n int64) StreamTrim { return maxLen(n, false) }

// MaxLenExactly trims a stream to n entries.
func MaxLenExactly(n int64) StreamTrim { return maxLen(n, true) }

func maxLen(n int64, exactly bool) StreamTrim {
	t := StreamTrim{name: "MAXLEN", limit: integer(n), exactly: exactly}
	if n < 0 {
		t.err = badArgument("MAXLEN can't be negative")
	}
	return t
}

// MinID trims a stream of about all entries with an ID lower than this one, which costs
// little: some of them may stay. Since 6.2.0.
func MinID(id string) StreamTrim { return minID(id, false) }

// MinIDExactly trims a stream of all entries with an ID lower than this one. Since 6.2.0.
func MinIDExactly(id string) StreamTrim { return minID(id, true) }

func minID(id string, exactly bool) StreamTrim {
	t := StreamTrim{name: "MINID", limit: word(id), exactly: exactly}
	if id == "" {
		t.err = badArgument("MINID needs an ID")
	}
	return t
}

func (s StreamTrim) xaddOption() tokens { return s.tokens() }

func (s StreamTrim) tokens() tokens {
	sign := "~"
	if s.exactly {
		sign = "="
	}
	t := option(groupTrim, s.name, word(sign), s.limit)
	t.err = s.err
	if s.name == "" {
		t.err = badArgument("a StreamTrim without a limit: give MaxLen or MinID")
	}
	return t
}

// XTrimOption is an option of [XTrim]: [TrimLimit].
type XTrimOption interface{ xtrimOption() tokens }

// TrimLimit bounds how many entries a [MaxLen] or [MinID] removes at
// once; 0 is without a bound. Since 6.2.0.
type TrimLimit int64

func (n TrimLimit) xaddOption() tokens  { return n.tokens() }
func (n TrimLimit) xtrimOption() tokens { return n.tokens() }

func (n TrimLimit) tokens() tokens {
	t := option(groupLimit, "LIMIT", integer(int64(n)))
	if n < 0 {
		t.err = badArgument("LIMIT can't be negative")
	}
	return t
}

// checkTrimLimit refuses a TrimLimit without what it bounds.
func checkTrimLimit(r *Request, opts []XAddOption) {
	limited, bounded := false, false
	for _, opt := range opts {
		switch opt := opt.(type) {
		case TrimLimit:
			limited = true
		case StreamTrim:
			bounded = !opt.exactly
		}
	}
	if limited && !bounded {
		r.fail(badArgument("TrimLimit goes with MaxLen and MinID, not with the exact ones"))
	}
}

// XTrim removes the oldest entries of a stream and returns how many there were.
// O(N) for N entries removed. Since 5.0.0; [MinID] and [TrimLimit] since 6.2.0.
func XTrim(key string, trim StreamTrim, opts ...XTrimOption) Cmd[int64] {
	r := newRequest(&specXtrim)
	r.key(key)
	r.option(trim.tokens())
	if addOptions(&r, opts, XTrimOption.xtrimOption)&groupLimit != 0 && trim.exactly {
		r.fail(badArgument("TrimLimit goes with MaxLen and MinID, not with the exact ones"))
	}
	return Cmd[int64]{r, decodeInt}
}

// XSetIDOption is an option of [XSetID]: [EntriesAdded], [MaxDeletedID].
type XSetIDOption interface{ xsetidOption() tokens }

// EntriesAdded sets how many entries have been added to a stream in all. Since 7.0.0.
type EntriesAdded int64

func (n EntriesAdded) xsetidOption() tokens {
	t := option(groupCount, "ENTRIESADDED", integer(int64(n)))
	if n < 0 {
		t.err = badArgument("ENTRIESADDED can't be negative")
	}
	return t
}

// MaxDeletedID sets the highest ID that was removed from a stream. Since 7.0.0.
type MaxDeletedID string

func (id MaxDeletedID) xsetidOption() tokens {
	t := option(groupTrim, "MAXDELETEDID", word(string(id)))
	if id == "" {
		t.err = badArgument("MAXDELETEDID needs an ID")
	}
	return t
}

// XSetID sets the last ID of a stream, behind which the next one comes: for tools that
// copy streams. The key must exist. O(1). Since 5.0.0; options since 7.0.0.
func XSetID(key, id string, opts ...XSetIDOption) Cmd[struct{}] {
	r := newRequest(&specXsetid)
	r.key(key)
	if id == "" {
		r.fail(badArgument("no ID"))
	}
	r.word(id)
	addOptions(&r, opts, XSetIDOption.xsetidOption)
	return Cmd[struct{}]{r, decodeOK}
}
