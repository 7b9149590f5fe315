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
type group uint16

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
	for i, opt := range opts {
		if any(opt) == nil {
			r.fail(badArgument("an option is nil"))
			continue
		}
		t := tokensOf(opt)
		if t.group != groupNone && t.group != groupFlag {
			if seen&t.group != 0 {
				r.fail(badArgument("%s and %s can't go together", nameOf(t.group, opts[:i], tokensOf), t.name))
			}
			seen |= t.group
		}
		r.option(t)
	}
	return seen
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
	// NX lets a command only create: SET a key, ZADD a member, that does not
	// exist yet.
	NX Condition = iota
	// XX lets a command only change what exists.
	XX
)

func (c Condition) tokens() tokens {
	if c == NX {
		return option(groupCondition, "NX")
	}
	return option(groupCondition, "XX")
}

func (c Condition) setOption() tokens  { return c.tokens() }
func (c Condition) zaddOption() tokens { return c.tokens() }

// Comparison is an option that makes a command depend on the number that is
// there: [GT] and [LT].
type Comparison uint8

const (
	// GT lets ZADD only raise the score of a member; new members are added.
	GT Comparison = iota
	// LT lets ZADD only lower the score of a member; new members are added.
	LT
)

func (c Comparison) zaddOption() tokens {
	if c == GT {
		return option(groupCompare, "GT")
	}
	return option(groupCompare, "LT")
}

// Expiry is an option that says when a key shall expire: [EX], [EXAT] and
// [KeepTTL].
type Expiry struct {
	kind expiryKind
	ms   int64
}

type expiryKind uint8

const (
	expireIn expiryKind = iota
	expireAt
	keepTTL
)

// KeepTTL keeps the time to live that the key has. Since Redis 6.0.
func KeepTTL() Expiry { return Expiry{kind: keepTTL} }

// EX lets a key expire after d, which is sent in seconds, or in milliseconds
// where it has a fraction of a second. It must be a millisecond at least; what
// is below a millisecond is cut off.
func EX(d time.Duration) Expiry { return Expiry{expireIn, d.Milliseconds()} }

// EXAT lets a key expire at a time, to the millisecond. Since Redis 6.2.
func EXAT(t time.Time) Expiry { return Expiry{expireAt, t.UnixMilli()} }

func (e Expiry) setOption() tokens {
	if e.kind == keepTTL {
		return option(groupExpiry, "KEEPTTL")
	}
	name, n := "PX", e.ms
	if e.kind == expireAt {
		name = "PXAT"
	}
	if e.ms%1000 == 0 {
		name, n = "EX"+name[2:], e.ms/1000
	}
	t := option(groupExpiry, name, integer(n))
	if e.ms <= 0 {
		t.err = badArgument("an expiry must be a millisecond at least and in the future: to remove a key use Del")
	}
	return t
}

// Count is the option COUNT of commands that give a part at a time.
type Count int64

func (c Count) tokens() tokens {
	t := option(groupCount, "COUNT", integer(int64(c)))
	if c <= 0 {
		t.err = badArgument("COUNT must be positive")
	}
	return t
}

func (c Count) scanOption() tokens      { return c.tokens() }
func (c Count) xreadOption() tokens     { return c.tokens() }
func (c Count) geoSearchOption() tokens { return c.tokens() }
func (c Count) lmpopOption() tokens     { return c.tokens() }

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

// ListEnd is an end of a list, see [Left] and [Right].
type ListEnd string

// The two ends.
const (
	// Left is the head of a list.
	Left ListEnd = "LEFT"
	// Right is the tail of a list.
	Right ListEnd = "RIGHT"
)
