package command

import (
	"math"
	"slices"
	"strconv"
)

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

// LexBound is an end of a range of members in the order of their bytes, which
// holds where all scores are the same: see [Lex], [LexBeyond], [LexMin], [LexMax].
type LexBound struct{ text string }

// Lex is the end of a range that includes the member itself.
func Lex(member string) LexBound { return LexBound{"[" + member} }

// LexBeyond is the end of a range that leaves the member itself out.
func LexBeyond(member string) LexBound { return LexBound{"(" + member} }

// LexMin is the end of a range that is open downwards.
func LexMin() LexBound { return LexBound{"-"} }

// LexMax is the end of a range that is open upwards.
func LexMax() LexBound { return LexBound{"+"} }

// lexBound appends an end of a range.
func (r *Request) lexBound(b LexBound) {
	if b.text == "" {
		r.fail(badArgument("a LexBound without a member: give Lex, LexBeyond, LexMin or LexMax"))
	}
	r.word(b.text)
}

// ZRangeBy is which members [ZRange] and its kind take: [ByRank], [ByScore],
// [ByLex].
type ZRangeBy interface {
	// appendRange appends the two ends, the upper one first where reverse, and
	// returns the word that says by what; empty for ranks.
	appendRange(r *Request, reverse bool) string
}

type byRank struct{ start, stop int64 }

// ByRank is the members with the ranks from start to stop, both included; negative
// numbers count from the end, -1 being the last. With [Rev] rank 0 is the highest
// score.
func ByRank(start, stop int64) ZRangeBy { return byRank{start, stop} }

func (b byRank) appendRange(r *Request, _ bool) string {
	r.int(b.start)
	r.int(b.stop)
	return ""
}

type byScore struct{ low, high ScoreBound }

// ByScore is the members with scores from low to high. Since 6.2.0.
func ByScore(low, high ScoreBound) ZRangeBy { return byScore{low, high} }

func (b byScore) appendRange(r *Request, reverse bool) string {
	if reverse {
		b.low, b.high = b.high, b.low
	}
	r.scoreBound(b.low)
	r.scoreBound(b.high)
	return "BYSCORE"
}

type byLex struct{ low, high LexBound }

// ByLex is the members from low to high in the order of their bytes, of a set whose
// scores are all the same. Since 6.2.0.
func ByLex(low, high LexBound) ZRangeBy { return byLex{low, high} }

func (b byLex) appendRange(r *Request, reverse bool) string {
	if reverse {
		b.low, b.high = b.high, b.low
	}
	r.lexBound(b.low)
	r.lexBound(b.high)
	return "BYLEX"
}

// ZRangeOption is an option of [ZRange], [ZRangeWithScores] and [ZRangeStore]: [Rev],
// [Limit].
type ZRangeOption interface{ zrangeOption() tokens }

// ZRangeFlag is an option of [ZRange] and its kind: [Rev].
type ZRangeFlag string

// Rev lets [ZRange] begin with the highest: the option REV. The range is given from
// low to high all the same. Since 6.2.0.
const Rev ZRangeFlag = "REV"

func (f ZRangeFlag) zrangeOption() tokens { return flag(groupFlag, f, Rev) }

// ZRange returns members by rank, score or name, lowest first. Empty where the key
// does not exist. [Limit] goes with [ByScore] and [ByLex]. O(log(N)+M) for M members
// returned. Since 1.2.0; options, ByScore and ByLex since 6.2.0.
func ZRange(key string, by ZRangeBy, opts ...ZRangeOption) Cmd[[]string] {
	r := newRequest(&specZrange)
	r.key(key)
	r.zrange(by, opts)
	return Cmd[[]string]{r, decodeStrings}
}

// ZRangeWithScores is [ZRange] with the scores of the members, not for [ByLex].
// O(log(N)+M) for M members returned. Since 1.2.0; options and ByScore since 6.2.0.
func ZRangeWithScores(key string, by ZRangeBy, opts ...ZRangeOption) Cmd[[]ScoredMember] {
	r := newRequest(&specZrange)
	r.key(key)
	r.zrange(by, opts)
	if _, lex := by.(byLex); lex {
		r.fail(badArgument("WITHSCORES and BYLEX can't go together: all scores are the same"))
	}
	r.word("WITHSCORES")
	return Cmd[[]ScoredMember]{r, decodeScoredMembers}
}

// ZRangeStore stores in destination what [ZRange] returns of source, and returns how
// many members these are. With none the destination is removed.
// O(log(N)+M) for M members stored. Since 6.2.0.
func ZRangeStore(destination, source string, by ZRangeBy, opts ...ZRangeOption) Cmd[int64] {
	r := newRequest(&specZrangestore)
	r.key(destination)
	r.key(source)
	r.zrange(by, opts)
	return Cmd[int64]{r, decodeInt}
}

// zrange appends a range with its options.
func (r *Request) zrange(by ZRangeBy, opts []ZRangeOption) {
	if by == nil {
		r.fail(badArgument("no range: give ByRank, ByScore or ByLex"))
		return
	}
	what := by.appendRange(r, slices.Contains(opts, ZRangeOption(Rev)))
	if what != "" {
		r.word(what)
	}
	if seen := addOptions(r, opts, ZRangeOption.zrangeOption); seen&groupLimit != 0 && what == "" {
		r.fail(badArgument("LIMIT goes with ByScore and ByLex only: ranks say it themselves"))
	}
}

// ZCount returns how many members have scores from low to high.
// O(log(N)). Since 2.0.0.
func ZCount(key string, low, high ScoreBound) Cmd[int64] {
	return Cmd[int64]{scoreRequest(&specZcount, key, low, high), decodeInt}
}

// ZLexCount returns how many members are from low to high in the order of their bytes,
// in a set whose scores are all the same. O(log(N)). Since 2.8.9.
func ZLexCount(key string, low, high LexBound) Cmd[int64] {
	return Cmd[int64]{lexRequest(&specZlexcount, key, low, high), decodeInt}
}

// ZRemRangeByScore removes the members with scores from low to high and
// returns how many there were. O(log(N)+M) for M removed. Since 1.2.0.
func ZRemRangeByScore(key string, low, high ScoreBound) Cmd[int64] {
	return Cmd[int64]{scoreRequest(&specZremrangebyscore, key, low, high), decodeInt}
}

// ZRemRangeByLex removes the members from low to high in the order of their bytes, of
// a set whose scores are all the same, and returns how many there were.
// O(log(N)+M) for M removed. Since 2.8.9.
func ZRemRangeByLex(key string, low, high LexBound) Cmd[int64] {
	return Cmd[int64]{lexRequest(&specZremrangebylex, key, low, high), decodeInt}
}

// ZRemRangeByRank removes the members with the ranks from start to stop, both included,
// and returns how many there were; negative numbers count from the end.
// O(log(N)+M) for M removed. Since 2.0.0.
func ZRemRangeByRank(key string, start, stop int64) Cmd[int64] {
	return Cmd[int64]{rankRequest(&specZremrangebyrank, key, start, stop), decodeInt}
}

func rankRequest(spec *Spec, key string, start, stop int64) Request {
	r := newRequest(spec)
	r.key(key)
	r.int(start)
	r.int(stop)
	return r
}

func scoreRequest(spec *Spec, key string, from, to ScoreBound) Request {
	r := newRequest(spec)
	r.key(key)
	r.scoreBound(from)
	r.scoreBound(to)
	return r
}

func lexRequest(spec *Spec, key string, from, to LexBound) Request {
	r := newRequest(spec)
	r.key(key)
	r.lexBound(from)
	r.lexBound(to)
	return r
}
