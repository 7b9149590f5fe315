package command

import (
	"maps"
	"slices"

	"github.com/redchan-go/redchan/proto"
)

// ScoredMember is a member of a sorted set with its score.
type ScoredMember struct {
	Member string
	Score  float64
}

// Members are members of a sorted set with their scores, as ZADD takes them:
// [Scores] or [Scored].
type Members interface{ appendMembers(r *Request) }

// Scores is members and scores without an order. They are sent in the order of
// the members' names.
type Scores map[string]float64

func (s Scores) appendMembers(r *Request) {
	if len(s) == 0 {
		r.fail(badArgument("no members"))
	}
	r.grow(2 * len(s))
	for _, member := range slices.Sorted(maps.Keys(s)) {
		r.float(s[member])
		r.word(member)
	}
}

// Scored is members with their scores in the order given.
type Scored []ScoredMember

func (s Scored) appendMembers(r *Request) {
	if len(s) == 0 {
		r.fail(badArgument("no members"))
	}
	r.grow(2 * len(s))
	for _, m := range s {
		r.float(m.Score)
		r.word(m.Member)
	}
}

// ZAddOption is an option of [ZAdd] and [ZAddIncr]: [NX], [XX], [GT], [LT],
// [Changed].
type ZAddOption interface{ zaddOption() tokens }

// CountFlag is an option that says what a command counts: [Changed].
type CountFlag string

// Changed lets ZADD count members whose score has changed too, and GEOADD those that
// have moved, not only new ones: the option CH.
const Changed CountFlag = "CH"

func (f CountFlag) tokens() tokens       { return flag(groupFlag, f, Changed) }
func (f CountFlag) zaddOption() tokens   { return f.tokens() }
func (f CountFlag) geoAddOption() tokens { return f.tokens() }

// ZAdd adds members to a sorted set, or changes the scores of those that are
// there, and returns how many are new. O(log(N)) for each. Since 1.2.0; GT and
// LT since 6.2.0.
func ZAdd(key string, members Members, opts ...ZAddOption) Cmd[int64] {
	r := zaddRequest(key, opts)
	if members == nil {
		r.fail(badArgument("no members"))
	} else {
		members.appendMembers(&r)
	}
	return Cmd[int64]{r, decodeInt}
}

// ZAddIncr is [ZAdd] with INCR: it adds delta to the score of one member and
// returns the new score. [Nil]: NX, XX, GT or LT kept it from doing so.
// O(log(N)). Since 3.0.2.
func ZAddIncr(key string, delta float64, member string, opts ...ZAddOption) Cmd[float64] {
	r := zaddRequest(key, opts)
	r.word("INCR")
	r.float(delta)
	r.word(member)
	return Cmd[float64]{r, decodeFloat}
}

func zaddRequest(key string, opts []ZAddOption) Request {
	r := newRequest(&specZadd)
	r.key(key)
	seen := addOptions(&r, opts, ZAddOption.zaddOption)
	if slices.Contains(opts, ZAddOption(NX)) && seen&groupCompare != 0 {
		r.fail(badArgument("NX and %s can't go together: NX never changes a score",
			nameOf(groupCompare, opts, ZAddOption.zaddOption)))
	}
	return r
}

// ZScore returns the score of a member. [Nil]: the key or the member does not
// exist. O(1). Since 1.2.0.
func ZScore(key, member string) Cmd[float64] {
	r := newRequest(&specZscore)
	r.key(key)
	r.word(member)
	return Cmd[float64]{r, decodeFloat}
}

// ZRem removes members of a sorted set and returns how many there were.
// O(log(N)) for each. Since 1.2.0; several members since 2.4.0.
func ZRem(key string, members ...string) Cmd[int64] {
	r := newRequest(&specZrem)
	r.key(key)
	r.words("members", members)
	return Cmd[int64]{r, decodeInt}
}

// ZCard returns the number of members of a sorted set, 0 where the key does not
// exist. O(1). Since 1.2.0.
func ZCard(key string) Cmd[int64] {
	r := newRequest(&specZcard)
	r.key(key)
	return Cmd[int64]{r, decodeInt}
}

// ZIncrBy adds delta to the score of a member, which is added where it does not
// exist, and returns the new score. O(log(N)). Since 1.2.0.
func ZIncrBy(key string, delta float64, member string) Cmd[float64] {
	r := newRequest(&specZincrby)
	r.key(key)
	r.float(delta)
	r.word(member)
	return Cmd[float64]{r, decodeFloat}
}

// ZMScore returns the scores of members in their order; what is no member is
// missing. O(N). Since 6.2.0.
func ZMScore(key string, members ...string) Cmd[[]Optional[float64]] {
	r := newRequest(&specZmscore)
	r.key(key)
	r.words("members", members)
	return Cmd[[]Optional[float64]]{r, decodeOptionalFloats}
}

func decodeOptionalFloats(v proto.Value) ([]Optional[float64], error) {
	return decodeEach(v, "[]Optional[float64]", optional(decodeFloat))
}

// RankedMember is the rank of a member of a sorted set, and its score.
type RankedMember struct {
	Rank  int64
	Score float64
}

// ZRank returns the rank of a member, 0 for the one with the lowest score. [Nil]:
// the key or the member does not exist. O(log(N)). Since 2.0.0.
func ZRank(key, member string) Cmd[int64] {
	return Cmd[int64]{zrankRequest(&specZrank, key, member), decodeInt}
}

// ZRankWithScore is [ZRank] with the score of the member. [Nil]: the key or the
// member does not exist. O(log(N)). Since 7.2.0.
func ZRankWithScore(key, member string) Cmd[RankedMember] {
	r := zrankRequest(&specZrank, key, member)
	r.word("WITHSCORE")
	return Cmd[RankedMember]{r, decodeRankedMember}
}

// ZRevRank returns the rank of a member, 0 for the one with the highest score.
// [Nil]: the key or the member does not exist. O(log(N)). Since 2.0.0.
func ZRevRank(key, member string) Cmd[int64] {
	return Cmd[int64]{zrankRequest(&specZrevrank, key, member), decodeInt}
}

// ZRevRankWithScore is [ZRevRank] with the score of the member. [Nil]: the key or
// the member does not exist. O(log(N)). Since 7.2.0.
func ZRevRankWithScore(key, member string) Cmd[RankedMember] {
	r := zrankRequest(&specZrevrank, key, member)
	r.word("WITHSCORE")
	return Cmd[RankedMember]{r, decodeRankedMember}
}

func zrankRequest(spec *Spec, key, member string) Request {
	r := newRequest(spec)
	r.key(key)
	r.word(member)
	return r
}

func decodeRankedMember(v proto.Value) (RankedMember, error) {
	var m RankedMember
	if v.IsNull() {
		return m, Nil
	}
	if v.Kind() != proto.KindArray || v.Len() != 2 || v.Index(0).IsNull() || v.Index(1).IsNull() {
		return m, want("rank and score")
	}
	var err error
	if m.Rank, err = decodeInt(v.Index(0)); err != nil {
		return RankedMember{}, err
	}
	m.Score, err = decodeFloat(v.Index(1))
	return m, err
}

// ZRandMember returns a member by chance. [Nil]: the key does not exist.
// O(1). Since 6.2.0.
func ZRandMember(key string) Cmd[string] {
	r := newRequest(&specZrandmember)
	r.key(key)
	return Cmd[string]{r, decodeString}
}

// ZRandMemberCount returns up to count different members by chance; -count makes
// it exactly so many, of which some can be the same. Empty where the key does not
// exist. O(N) for N members returned. Since 6.2.0.
func ZRandMemberCount(key string, count int64) Cmd[[]string] {
	r := newRequest(&specZrandmember)
	r.key(key)
	r.int(count)
	return Cmd[[]string]{r, decodeStrings}
}

// ZRandMemberWithScores is [ZRandMemberCount] with the scores of the members.
// O(N) for N members returned. Since 6.2.0.
func ZRandMemberWithScores(key string, count int64) Cmd[[]ScoredMember] {
	r := newRequest(&specZrandmember)
	r.key(key)
	r.int(count)
	r.word("WITHSCORES")
	return Cmd[[]ScoredMember]{r, decodeScoredMembers}
}

// decodeScoredMembers decodes pairs as RESP3 nests them, and flat as RESP2 has
// them.
func decodeScoredMembers(v proto.Value) ([]ScoredMember, error) {
	const wanted = "members and scores"
	if v.Kind() != proto.KindArray {
		return nil, want(wanted)
	}
	t := textsOf(v)
	result := make([]ScoredMember, 0, v.Len())
	e := v.Elems()
	for e.Next() {
		member, score := e.Value(), proto.Value{}
		if member.Kind() == proto.KindArray {
			member, score = member.Index(0), member.Index(1)
		} else if e.Next() {
			score = e.Value()
		}
		m, err := t.string(member)
		if err != nil {
			return nil, want(wanted)
		}
		s, err := decodeFloat(score)
		if err != nil {
			return nil, want(wanted)
		}
		result = append(result, ScoredMember{m, s})
	}
	return result, nil
}
