package command

import (
	"maps"
	"math"
	"slices"
	"strconv"

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

type changed struct{}

// Changed lets ZADD count members whose score has changed too, not only new
// ones: the option CH.
func Changed() ZAddOption { return changed{} }

func (changed) zaddOption() tokens { return option(groupFlag, "CH") }

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

// ScoreBound is an end of a range of scores, see [Score] and [Beyond].
type ScoreBound struct {
	score     float64
	exclusive bool
}

// Score is the end of a range of scores that includes the score itself;
// math.Inf(-1) and math.Inf(1) leave the range open.
func Score(score float64) ScoreBound { return ScoreBound{score: score} }

// Beyond is the end of a range of scores that leaves the score itself out.
func Beyond(score float64) ScoreBound { return ScoreBound{score, true} }

// scoreBound appends an end of a range.
func (r *Request) scoreBound(b ScoreBound) {
	if !b.exclusive {
		r.float(b.score)
		return
	}
	if math.IsNaN(b.score) {
		r.fail(badArgument("NaN is no number that a server takes"))
	}
	r.word(string(strconv.AppendFloat([]byte("("), b.score, 'g', -1, 64)))
}

// ZRemRangeByScore removes the members with scores from low to high and
// returns how many there were. O(log(N)+M) for the M removed. Since 1.2.0.
func ZRemRangeByScore(key string, low, high ScoreBound) Cmd[int64] {
	r := newRequest(&specZremrangebyscore)
	r.key(key)
	r.scoreBound(low)
	r.scoreBound(high)
	return Cmd[int64]{r, decodeInt}
}

// ZRangeWithScores returns members by rank, from start to stop, both included,
// with their scores, lowest score first; negative numbers count from the end.
// O(log(N)+M). Since 1.2.0.
func ZRangeWithScores(key string, start, stop int64) Cmd[[]ScoredMember] {
	r := newRequest(&specZrange)
	r.key(key)
	r.int(start)
	r.int(stop)
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
