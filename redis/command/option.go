package command

import (
	"slices"
	"time"
)

// tokens are the words that an option puts behind a command. Options of one
// group exclude each other.
type tokens struct {
	group group
	name  string // for errors: the option as its documentation writes it
	args  [4]argument
	n     int
	err   error
}

// group is a set of options of which a command takes one at most, as a bit.
type group uint32

const (
	groupNone      group = 0
	groupCondition group = 1 << (iota - 1) // NX, XX, IFEQ
	groupExpiry                            // EX, PX, EXAT, KEEPTTL
	groupCompare                           // GT, LT
	groupOrder                             // ASC, DESC
	groupLimit                             // LIMIT
	groupCount                             // COUNT
	groupMatch                             // MATCH
	groupType                              // TYPE
	groupTrim                              // MAXLEN, MINID
	groupBlock                             // BLOCK
	groupFrom                              // FROMMEMBER, FROMLONLAT
	groupBy                                // BYRADIUS, BYBOX, BY
	groupFlag                              // flags that change nothing by being given twice
)

// option starts the tokens of an option with its word.
func option(g group, name string, args ...argument) tokens {
	t := tokens{group: g, name: name, n: 1 + len(args)}
	t.args[0] = word(name)
	copy(t.args[1:], args)
	return t
}

// addOptions appends options to a request, whose method of a constructor's option
// type is tokensOf, and refuses nil ones and two of one group. It returns the groups
// seen.
func addOptions[O any](r *Request, opts []O, tokensOf func(O) tokens) (seen group) {
	for i := range opts {
		seen |= r.addOption(seen, any(opts[i]) == nil,
			func() tokens { return tokensOf(opts[i]) },
			func(g group) string { return nameOf(g, opts[:i], tokensOf) })
	}
	return seen
}

// addOption appends an option, behind those of the groups seen, and returns its group.
// It is apart from addOptions so that it is there once, not for each type of options.
func (r *Request) addOption(seen group, isNil bool, tokensOf func() tokens, nameOf func(group) string) group {
	if isNil {
		r.fail(badArgument("an option is nil"))
		return 0
	}
	t := tokensOf()
	g := t.group
	if g == groupFlag {
		g = groupNone
	}
	if seen&g != 0 {
		r.fail(badArgument("%s and %s can't go together", nameOf(g), t.name))
	}
	r.option(t)
	return g
}

// flag is an option of a type whose constants are the words of the server. Others are
// refused.
func flag[F ~string](g group, f F, known ...F) tokens {
	t := option(g, string(f))
	if !slices.Contains(known, f) {
		t.err = badArgument("%q is no option of this kind", string(f))
	}
	return t
}

// option appends the tokens of an option.
func (r *Request) option(t tokens) {
	r.fail(t.err)
	for i := range t.n {
		r.add(t.args[i])
	}
}

// nameOf returns the name of the last option of a group.
func nameOf[O any](g group, opts []O, tokensOf func(O) tokens) string {
	for _, opt := range slices.Backward(opts) {
		if any(opt) != nil {
			if t := tokensOf(opt); t.group == g {
				return t.name
			}
		}
	}
	return ""
}

// Condition is an option that makes a command depend on what exists: [NX] and
// [XX].
type Condition uint8

const (
	// NX lets a command only create: SET a key, ZADD and GEOADD a member, that does not
	// exist yet; EXPIRE what has no expiry yet.
	NX Condition = iota
	// XX lets a command only change what exists; EXPIRE what has an expiry.
	XX
)

func (c Condition) tokens() tokens {
	if c == NX {
		return option(groupCondition, "NX")
	}
	return option(groupCondition, "XX")
}

func (c Condition) setCondition() tokens  { return c.tokens() }
func (c Condition) setGetOption() tokens  { return c.tokens() }
func (c Condition) zaddOption() tokens    { return c.tokens() }
func (c Condition) geoAddOption() tokens  { return c.tokens() }
func (c Condition) msetEXOption() tokens  { return c.tokens() }
func (c Condition) expireOption() tokens  { return c.tokens() }
func (c Condition) hexpireOption() tokens { return c.tokens() }
func (c Condition) hsetEXOption() tokens  { return c.tokens() }

// Comparison is an option that makes a command depend on the number that is
// there: [GT] and [LT].
type Comparison uint8

const (
	// GT lets ZADD only raise the score of a member; new members are added. It
	// lets EXPIRE only move an expiry to a later time; none at all is the latest.
	GT Comparison = iota
	// LT lets ZADD only lower the score of a member; new members are added. It
	// lets EXPIRE only move an expiry to an earlier time; none at all is the
	// latest.
	LT
)

func (c Comparison) tokens() tokens {
	if c == GT {
		return option(groupCompare, "GT")
	}
	return option(groupCompare, "LT")
}

func (c Comparison) zaddOption() tokens    { return c.tokens() }
func (c Comparison) expireOption() tokens  { return c.tokens() }
func (c Comparison) hexpireOption() tokens { return c.tokens() }

// Expiry is an option that says when a key or a field shall expire: [EX], [EXAT] and
// [EXIf].
type Expiry struct {
	at   bool
	none bool // there is none
	ms   int64
}

// EX lets a key expire after d, which is rounded up to a millisecond and must be
// positive. It is sent in seconds, or in milliseconds where it has a fraction of a
// second.
func EX(d time.Duration) Expiry { return Expiry{ms: milliseconds(d)} }

// EXIf is [EX] for an expiry that a program may not have: where d is 0 it is no option at
// all, and the key keeps no expiry.
func EXIf(d time.Duration) Expiry { return Expiry{none: d == 0, ms: milliseconds(d)} }

// EXAT lets a key expire at a time, which is rounded up to a millisecond and must be
// after the begin of 1970. Since Redis 6.2.
func EXAT(t time.Time) Expiry { return Expiry{at: true, ms: unixMilliseconds(t)} }

func (e Expiry) tokens() tokens {
	if e.none {
		return tokens{}
	}
	name, n := "PX", e.ms
	if e.at {
		name = "PXAT"
	}
	if e.ms%1000 == 0 {
		name, n = "EX"+name[2:], e.ms/1000
	}
	t := option(groupExpiry, name, integer(n))
	switch {
	case e.ms > 0:
	case e.at:
		t.err = badArgument("the time of an expiry must be after the begin of 1970: to remove a key use Del")
	default:
		t.err = notPositive()
	}
	return t
}

func (e Expiry) setOption() tokens    { return e.tokens() }
func (e Expiry) setGetOption() tokens { return e.tokens() }
func (e Expiry) msetEXOption() tokens { return e.tokens() }
func (e Expiry) getEXOption() tokens  { return e.tokens() }
func (e Expiry) hsetEXOption() tokens { return e.tokens() }

// ExpiryKept is an option of commands that write a value: [KeepTTL].
type ExpiryKept string

// KeepTTL keeps the time to live that the key or the field has. Since Redis 6.0.
const KeepTTL ExpiryKept = "KEEPTTL"

func (e ExpiryKept) tokens() tokens       { return flag(groupExpiry, e, KeepTTL) }
func (e ExpiryKept) setOption() tokens    { return e.tokens() }
func (e ExpiryKept) setGetOption() tokens { return e.tokens() }
func (e ExpiryKept) msetEXOption() tokens { return e.tokens() }
func (e ExpiryKept) hsetEXOption() tokens { return e.tokens() }

// ExpiryRemoved is an option of commands that read a value: [Forever].
type ExpiryRemoved string

// Forever takes the expiry away, so that the key or the field stays: the option
// PERSIST.
const Forever ExpiryRemoved = "PERSIST"

func (e ExpiryRemoved) getEXOption() tokens { return flag(groupExpiry, e, Forever) }

// Count is the option COUNT of commands that give a part at a time.
type Count int64

func (c Count) tokens() tokens {
	t := option(groupCount, "COUNT", integer(int64(c)))
	if c <= 0 {
		t.err = badArgument("COUNT must be positive")
	}
	return t
}

func (c Count) scanOption() tokens           { return c.tokens() }
func (c Count) lmpopOption() tokens          { return c.tokens() }
func (c Count) zscanOption() tokens          { return c.tokens() }
func (c Count) zmpopOption() tokens          { return c.tokens() }
func (c Count) geoSearchOption() tokens      { return c.tokens() }
func (c Count) geoSearchStoreOption() tokens { return c.tokens() }
func (c Count) xreadOption() tokens          { return c.tokens() }
func (c Count) xreadGroupOption() tokens     { return c.tokens() }
func (c Count) xrangeOption() tokens         { return c.tokens() }
func (c Count) xautoClaimOption() tokens     { return c.tokens() }
func (c Count) vsimOption() tokens           { return c.tokens() }
func (c Count) hscanOption() tokens          { return c.tokens() }
func (c Count) sscanOption() tokens          { return c.tokens() }

// Order is the option ASC or DESC of commands that sort.
type Order uint8

// The two orders.
const (
	Asc  Order = iota // smallest or nearest first
	Desc              // largest or farthest first
)

func (o Order) tokens() tokens {
	if o == Asc {
		return option(groupOrder, "ASC")
	}
	return option(groupOrder, "DESC")
}

func (o Order) sortOption() tokens      { return o.tokens() }
func (o Order) geoSearchOption() tokens { return o.tokens() }

func (o Order) geoSearchStoreOption() tokens { return o.tokens() }

// Limits is the option LIMIT of commands that return a part, see [Limit].
type Limits struct{ offset, count int64 }

// Limit lets a command leave out offset elements and return count at most; a
// negative count is all of them.
func Limit(offset, count int64) Limits { return Limits{offset, count} }

func (l Limits) sortOption() tokens     { return l.tokens() }
func (l Limits) zrangeOption() tokens   { return l.tokens() }
func (l Limits) zrangeByOption() tokens { return l.tokens() }

func (l Limits) tokens() tokens {
	t := option(groupLimit, "LIMIT", integer(l.offset), integer(l.count))
	if l.offset < 0 {
		t.err = badArgument("LIMIT's offset can't be negative")
	}
	return t
}

// ListEnd is an end of a list, see [Left] and [Right].
type ListEnd string

// The two ends.
const (
	// Left is the head of a list.
	Left ListEnd = "LEFT"
	// Right is the tail of a list.
	Right ListEnd = "RIGHT"
)
