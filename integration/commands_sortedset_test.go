package integration

import (
	"math"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/redchan-go/redchan/redis/command"
)

// scored makes members with scores from names and scores that take turns.
func scored(namesAndScores ...any) []command.ScoredMember {
	members := []command.ScoredMember{}
	for pair := range slices.Chunk(namesAndScores, 2) {
		score, ok := pair[1].(float64)
		if !ok {
			score = float64(pair[1].(int))
		}
		members = append(members, command.ScoredMember{Member: pair[0].(string), Score: score})
	}
	return members
}

func TestSortedSetMembers(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		equal(f, c, command.ZCard("z"), 0)
		missing(f, c, command.ZRandMember("z"))
		equal(f, c, command.ZRandMemberCount("z", 3), []string{})
		equal(f, c, command.ZRandMemberWithScores("z", -3), scored())
		equal(f, c, command.ZIncrBy("z", 1.5, "a"), 1.5)
		equal(f, c, command.ZIncrBy("z", -0.5, "a"), 1)
		equal(f, c, command.ZIncrBy("z", math.Inf(1), "top"), math.Inf(1))
		equal(f, c, command.ZAdd("z", command.Scores{"b": 2, "c": 3}), 2)
		equal(f, c, command.ZCard("z"), 4)
		equal(f, c, command.ZMScore("z", "a", "none", "top"), []command.Optional[float64]{
			{Value: 1, Present: true}, {}, {Value: math.Inf(1), Present: true},
		})
		equal(f, c, command.ZMScore("none", "a"), []command.Optional[float64]{{}})

		equal(f, c, command.ZRank("z", "a"), 0)
		equal(f, c, command.ZRank("z", "top"), 3)
		equal(f, c, command.ZRevRank("z", "b"), 2)
		missing(f, c, command.ZRank("z", "none"))
		missing(f, c, command.ZRevRank("none", "a"))
		rank, reverse := command.ZRankWithScore("z", "b"), command.ZRevRankWithScore("z", "top")
		if !f.has("7.2") { // WITHSCORE came with 7.2
			refused(f, c, rank, "ERR")
			refused(f, c, reverse, "ERR")
		} else {
			equal(f, c, rank, command.RankedMember{Rank: 1, Score: 2})
			equal(f, c, reverse, command.RankedMember{Rank: 0, Score: math.Inf(1)})
			missing(f, c, command.ZRankWithScore("z", "none"))
			missing(f, c, command.ZRevRankWithScore("none", "a"))
		}

		all := []string{"a", "b", "c", "top"}
		if got := result(f, c, command.ZRandMember("z")); !slices.Contains(all, got) {
			f.Errorf("ZRANDMEMBER = %q", got)
		}
		got := result(f, c, command.ZRandMemberCount("z", 9))
		slices.Sort(got)
		if !slices.Equal(got, all) {
			f.Errorf("ZRANDMEMBER 9 of 4 = %q", got)
		}
		if got := result(f, c, command.ZRandMemberCount("z", -9)); len(got) != 9 {
			f.Errorf("ZRANDMEMBER -9 = %q", got)
		}
		for _, m := range result(f, c, command.ZRandMemberWithScores("z", -5)) {
			equal(f, c, command.ZScore("z", m.Member), m.Score)
		}
		equal(f, c, command.Set("text", 1), done)
		refused(f, c, command.ZCard("text"), "WRONGTYPE")
	})
}

func TestSortedSetRanges(t *testing.T) {
	shared(t, func(f *fixture) {
		f.since("6.2", "ZRANGE BYSCORE")
		c := f.open()
		equal(f, c, command.ZAdd("z", command.Scores{"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}), 5)
		equal(f, c, command.ZAdd("l", command.Scores{"a": 0, "b": 0, "c": 0, "d": 0, "e": 0}), 5)
		two, four := command.Score(2), command.Beyond(4)
		from, to := command.Lex("b"), command.LexBeyond("d")

		equal(f, c, command.ZCount("z", two, four), 2)
		equal(f, c, command.ZCount("z", command.Score(math.Inf(-1)), command.Score(math.Inf(1))), 5)
		equal(f, c, command.ZLexCount("l", from, to), 2)
		equal(f, c, command.ZLexCount("l", command.LexMin(), command.LexMax()), 5)

		equal(f, c, command.ZRange("z", command.ByRank(1, -2)), []string{"b", "c", "d"})
		equal(f, c, command.ZRange("z", command.ByRank(0, 1), command.Rev), []string{"e", "d"})
		equal(f, c, command.ZRange("z", command.ByRank(7, 9)), []string{})
		equal(f, c, command.ZRange("z", command.ByScore(two, four)), []string{"b", "c"})
		equal(f, c, command.ZRange("z", command.ByScore(two, four), command.Rev), []string{"c", "b"})
		equal(f, c, command.ZRange("z", command.ByScore(command.Beyond(1), command.Score(5)), command.Limit(1, 2)), []string{"c", "d"})
		equal(f, c, command.ZRange("z", command.ByScore(two, command.Score(5)), command.Limit(1, -1), command.Rev), []string{"d", "c", "b"})
		equal(f, c, command.ZRange("l", command.ByLex(from, to)), []string{"b", "c"})
		equal(f, c, command.ZRange("l", command.ByLex(from, command.LexMax()), command.Rev, command.Limit(0, 2)), []string{"e", "d"})
		equal(f, c, command.ZRangeWithScores("z", command.ByScore(two, four)), scored("b", 2, "c", 3))
		equal(f, c, command.ZRangeWithScores("z", command.ByScore(two, four), command.Rev, command.Limit(0, 1)), scored("c", 3))
		equal(f, c, command.ZRangeWithScores("z", command.ByRank(0, 1), command.Rev), scored("e", 5, "d", 4))

		equal(f, c, command.ZRangeStore("stored", "z", command.ByRank(0, 1), command.Rev), 2)
		equal(f, c, command.ZRangeWithScores("stored", command.ByRank(0, -1)), scored("d", 4, "e", 5))
		equal(f, c, command.ZRangeStore("stored", "z", command.ByScore(two, four), command.Limit(1, 5)), 1)
		equal(f, c, command.ZRange("stored", command.ByRank(0, -1)), []string{"c"})
		equal(f, c, command.ZRangeStore("stored", "l", command.ByLex(from, to)), 2)
		equal(f, c, command.ZRangeStore("stored", "none", command.ByRank(0, -1)), 0)
		equal(f, c, command.Exists("stored"), 0)

		// The forms that are superseded.
		equal(f, c, command.ZRangeByScore("z", two, four), []string{"b", "c"})
		equal(f, c, command.ZRangeByScore("z", two, command.Score(5), command.Limit(2, 5)), []string{"d", "e"})
		equal(f, c, command.ZRangeByScoreWithScores("z", two, four), scored("b", 2, "c", 3))
		equal(f, c, command.ZRangeByScoreWithScores("z", two, four, command.Limit(1, 1)), scored("c", 3))
		equal(f, c, command.ZRangeByLex("l", from, to), []string{"b", "c"})
		equal(f, c, command.ZRangeByLex("l", command.LexMin(), to, command.Limit(0, 2)), []string{"a", "b"})
		equal(f, c, command.ZRevRange("z", 0, 1), []string{"e", "d"})
		equal(f, c, command.ZRevRangeWithScores("z", -2, -1), scored("b", 2, "a", 1))
		equal(f, c, command.ZRevRangeByScore("z", four, two), []string{"c", "b"})
		equal(f, c, command.ZRevRangeByScore("z", four, two, command.Limit(1, 1)), []string{"b"})
		equal(f, c, command.ZRevRangeByScoreWithScores("z", four, two), scored("c", 3, "b", 2))
		equal(f, c, command.ZRevRangeByLex("l", to, from), []string{"c", "b"})
		equal(f, c, command.ZRevRangeByLex("l", command.LexMax(), command.LexMin(), command.Limit(0, 1)), []string{"e"})

		equal(f, c, command.ZRemRangeByRank("z", -2, -1), 2)
		equal(f, c, command.ZRange("z", command.ByRank(0, -1)), []string{"a", "b", "c"})
		equal(f, c, command.ZRemRangeByLex("l", from, to), 2)
		equal(f, c, command.ZRange("l", command.ByRank(0, -1)), []string{"a", "d", "e"})
		equal(f, c, command.ZRemRangeByRank("none", 0, -1), 0)
	})
}

func TestSortedSetPops(t *testing.T) {
	shared(t, func(f *fixture) {
		f.since("7.0", "ZMPOP")
		c := f.open()
		missing(f, c, command.ZPopMin("z"))
		missing(f, c, command.ZPopMax("z"))
		equal(f, c, command.ZPopMinCount("z", 2), scored())
		equal(f, c, command.ZPopMaxCount("z", 2), scored())
		missing(f, c, command.ZMPop(command.Lowest, []string{"z", "none"}))

		fill := func() { equal(f, c, command.ZAdd("z", command.Scores{"a": 1, "b": 2.5, "c": 3, "d": 4}), 4) }
		fill()
		equal(f, c, command.ZPopMin("z"), command.ScoredMember{Member: "a", Score: 1})
		equal(f, c, command.ZPopMax("z"), command.ScoredMember{Member: "d", Score: 4})
		equal(f, c, command.ZPopMinCount("z", 0), scored())
		equal(f, c, command.ZPopMinCount("z", 1), scored("b", 2.5))
		equal(f, c, command.ZPopMaxCount("z", 5), scored("c", 3))
		fill()
		equal(f, c, command.ZPopMaxCount("z", 2), scored("d", 4, "c", 3))
		equal(f, c, command.ZMPop(command.Highest, []string{"none", "z"}), command.PoppedMembers{Key: "z", Members: scored("b", 2.5)})
		equal(f, c, command.ZMPop(command.Lowest, []string{"z"}, command.Count(9)), command.PoppedMembers{Key: "z", Members: scored("a", 1)})
		fill()
		equal(f, c, command.ZMPop(command.Lowest, []string{"z"}, command.Count(2)), command.PoppedMembers{Key: "z", Members: scored("a", 1, "b", 2.5)})
		equal(f, c, command.BZMPop(time.Second, command.Highest, []string{"none", "z"}), command.PoppedMembers{Key: "z", Members: scored("d", 4)})
		equal(f, c, command.BZPopMin(time.Second, "none", "z"), command.PoppedMember{Key: "z", ScoredMember: command.ScoredMember{Member: "c", Score: 3}})
		fill()
		equal(f, c, command.BZPopMax(0, "none", "z"), command.PoppedMember{Key: "z", ScoredMember: command.ScoredMember{Member: "d", Score: 4}})
		equal(f, c, command.Del("z"), 1)

		began := time.Now()
		missing(f, c, command.BZPopMin(40*time.Millisecond, "z"))
		missing(f, c, command.BZPopMax(40*time.Millisecond, "z"))
		missing(f, c, command.BZMPop(40*time.Millisecond, command.Lowest, []string{"z"}))
		if waited := time.Since(began); waited < 120*time.Millisecond {
			f.Errorf("three times 40 ms took %v", waited)
		}

		popped := command.BZMPop(0, command.Lowest, []string{"z"}, command.Count(2)).Go(f.ctx, c)
		f.eventually("a blocked client", func() bool {
			return result(f, c, command.Info("clients")).Get("blocked_clients") == "1"
		})
		equal(f, c, command.ZAdd("z", command.Scores{"late": 7}), 1)
		if r := <-popped; r.Err != nil || r.Value.Key != "z" || !slices.Equal(r.Value.Members, scored("late", 7)) {
			f.Errorf("BZMPOP = %v, %v", r.Value, r.Err)
		}
	})
}

func TestSortedSetCombinations(t *testing.T) {
	shared(t, func(f *fixture) {
		f.since("6.2", "ZUNION")
		c := f.open()
		equal(f, c, command.ZAdd("a", command.Scores{"one": 1, "two": 2}), 2)
		equal(f, c, command.ZAdd("b", command.Scores{"one": 1, "two": 2, "three": 3}), 3)
		keys := []string{"a", "b"}
		weights := command.Weights(2, 3)

		equal(f, c, command.ZUnion(keys), []string{"one", "three", "two"})
		equal(f, c, command.ZUnionWithScores(keys), scored("one", 2, "three", 3, "two", 4))
		equal(f, c, command.ZUnionWithScores(keys, weights), scored("one", 5, "three", 9, "two", 10))
		equal(f, c, command.ZUnionWithScores(keys, command.AggregateMax, weights), scored("one", 3, "two", 6, "three", 9))
		equal(f, c, command.ZUnionStore("u", keys, command.AggregateMin), 3)
		equal(f, c, command.ZRangeWithScores("u", command.ByRank(0, -1)), scored("one", 1, "two", 2, "three", 3))

		equal(f, c, command.ZInter(keys), []string{"one", "two"})
		equal(f, c, command.ZInterWithScores(keys, weights, command.AggregateSum), scored("one", 5, "two", 10))
		equal(f, c, command.ZInterStore("i", keys, weights), 2)
		equal(f, c, command.ZRangeWithScores("i", command.ByRank(0, -1)), scored("one", 5, "two", 10))
		equal(f, c, command.ZInterCard(keys), 2)
		equal(f, c, command.ZInterCard(keys, command.StopAt(1)), 1)
		equal(f, c, command.ZInterCard(keys, command.StopAt(0)), 2)
		equal(f, c, command.ZInterStore("i", []string{"a", "none"}), 0)
		equal(f, c, command.Exists("i"), 0)

		equal(f, c, command.ZDiff("b", "a"), []string{"three"})
		equal(f, c, command.ZDiffWithScores("b", "a"), scored("three", 3))
		equal(f, c, command.ZDiff("a", "b"), []string{})
		equal(f, c, command.ZDiffStore("d", "b", "a", "none"), 1)
		equal(f, c, command.ZRangeWithScores("d", command.ByRank(0, -1)), scored("three", 3))
	})
}

func TestSortedSetScan(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		scores := command.Scores{}
		for i := range 1000 {
			scores["member:"+strconv.Itoa(i)] = float64(i) / 2
		}
		equal(f, c, command.ZAdd("z", scores), 1000)
		found := map[string]float64{}
		for cursor, pages := uint64(0), 0; ; pages++ {
			page := result(f, c, command.ZScan("z", cursor, command.Count(100)))
			for _, m := range page.Members {
				found[m.Member] = m.Score
			}
			if cursor = page.Cursor; cursor == 0 {
				break
			}
		}
		if len(found) != 1000 || found["member:7"] != 3.5 {
			f.Errorf("ZSCAN found %d members of 1000", len(found))
		}
		all := map[string]float64{}
		for m, err := range c.ZScanAll(f.ctx, "z", command.Match("member:1?")) {
			if err != nil {
				f.Fatal(err)
			}
			all[m.Member] = m.Score
		}
		if len(all) != 10 || all["member:19"] != 9.5 {
			f.Errorf("ZScanAll found %v", all)
		}
		equal(f, c, command.ZScan("none", 0), command.ZScanPage{Members: scored()})

		equal(f, c, command.ZAdd("small", command.Scores{"a": 1, "b": 2}), 2)
		equal(f, c, command.ZScan("small", 0), command.ZScanPage{Members: scored("a", 1, "b", 2)})
		names := command.ZScanNoScores("small", 0, command.Count(10))
		if f.server.Role() == "valkey9" {
			equal(f, c, names, command.ZScanNoScoresPage{Members: []string{"a", "b"}})
		} else {
			refused(f, c, names, "ERR")
		}
	})
}
