package integration

import (
	"slices"
	"time"

	"github.com/redchan-go/redchan/redis/command"
)

// orderedSamples returns a request of every constructor for sorted sets, geo indexes, streams,
// vector sets, scripts and functions.
func orderedSamples() []command.Request {
	return slices.Concat(sortedSetSamples(), geoSamples(), streamSamples(), scriptSamples(), vectorSamples())
}

func sortedSetSamples() []command.Request {
	low, high := command.Score(0), command.Beyond(1)
	from, to := command.Lex("a"), command.LexMax()
	limit, keys := command.Limit(1, 2), []string{"a", "b", "c"}
	weights := command.Weights(1, 2, 3)
	return []command.Request{
		command.ZAdd("k", command.Scores{"m": 1}, command.XX, command.GT, command.Changed).Request(),
		command.ZAddIncr("k", 1, "m", command.LT).Request(),
		command.ZScore("k", "m").Request(),
		command.ZRem("k", "m", "n").Request(),
		command.ZCard("k").Request(),
		command.ZIncrBy("k", 1, "m").Request(),
		command.ZMScore("k", "m", "n").Request(),
		command.ZRank("k", "m").Request(),
		command.ZRankWithScore("k", "m").Request(),
		command.ZRevRank("k", "m").Request(),
		command.ZRevRankWithScore("k", "m").Request(),
		command.ZRandMember("k").Request(),
		command.ZRandMemberCount("k", -2).Request(),
		command.ZRandMemberWithScores("k", 2).Request(),
		command.ZScan("k", 0, command.Match("*"), command.Count(2)).Request(),
		command.ZScanNoScores("k", 0, command.Count(2)).Request(),

		command.ZCount("k", low, high).Request(),
		command.ZLexCount("k", from, to).Request(),
		command.ZRange("k", command.ByLex(from, to), command.Rev, limit).Request(),
		command.ZRangeWithScores("k", command.ByScore(low, high), limit).Request(),
		command.ZRangeStore("to", "k", command.ByRank(0, -1), command.Rev).Request(),
		command.ZRemRangeByScore("k", low, high).Request(),
		command.ZRemRangeByLex("k", from, to).Request(),
		command.ZRemRangeByRank("k", 0, -1).Request(),
		command.ZRangeByScore("k", low, high, limit).Request(),
		command.ZRangeByScoreWithScores("k", low, high, limit).Request(),
		command.ZRangeByLex("k", from, to, limit).Request(),
		command.ZRevRange("k", 0, -1).Request(),
		command.ZRevRangeWithScores("k", 0, -1).Request(),
		command.ZRevRangeByScore("k", high, low, limit).Request(),
		command.ZRevRangeByScoreWithScores("k", high, low, limit).Request(),
		command.ZRevRangeByLex("k", to, from, limit).Request(),

		command.ZPopMin("k").Request(),
		command.ZPopMinCount("k", 2).Request(),
		command.ZPopMax("k").Request(),
		command.ZPopMaxCount("k", 2).Request(),
		command.BZPopMin(time.Second, "a", "b").Request(),
		command.BZPopMax(time.Second, "a", "b").Request(),
		command.ZMPop(command.Lowest, keys, command.Count(2)).Request(),
		command.BZMPop(time.Second, command.Highest, keys, command.Count(2)).Request(),

		command.ZUnion(keys, weights, command.AggregateMax).Request(),
		command.ZUnionWithScores(keys, weights).Request(),
		command.ZUnionStore("to", keys, command.AggregateMin, weights).Request(),
		command.ZInter(keys, weights).Request(),
		command.ZInterWithScores(keys, weights).Request(),
		command.ZInterStore("to", keys, weights).Request(),
		command.ZInterCard(keys, command.StopAt(2)).Request(),
		command.ZDiff("a", "b", "c").Request(),
		command.ZDiffWithScores("a", "b", "c").Request(),
		command.ZDiffStore("to", "a", "b", "c").Request(),
	}
}

func geoSamples() []command.Request {
	from, area := command.FromPosition(1, 2), command.ByRadius(3, command.Meters)
	center := command.Position{Longitude: 1, Latitude: 2}
	return []command.Request{
		command.GeoAdd("k", []command.GeoMember{{Name: "m"}}, command.XX, command.Changed).Request(),
		command.GeoDist("k", "m", "n", command.Miles).Request(),
		command.GeoHash("k", "m", "n").Request(),
		command.GeoPos("k", "m", "n").Request(),
		command.GeoSearch("k", from, area, command.Asc).Request(),
		command.GeoSearchLocations("k", from, area, command.CountAny(2)).Request(),
		command.GeoSearchStore("to", "k", from, area, command.Desc, command.StoreDist).Request(),
		command.GeoRadius("k", center, 1, command.Meters, command.Asc, command.Count(2)).Request(),
		command.GeoRadiusRO("k", center, 1, command.Meters, command.Desc).Request(),
		command.GeoRadiusStore("to", "k", center, 1, command.Meters, command.StoreDist, command.CountAny(2)).Request(),
		command.GeoRadiusByMember("k", "m", 1, command.Meters, command.Asc).Request(),
		command.GeoRadiusByMemberRO("k", "m", 1, command.Meters, command.CountAny(2)).Request(),
		command.GeoRadiusByMemberStore("to", "k", "m", 1, command.Meters, command.Count(2)).Request(),
	}
}

func streamSamples() []command.Request {
	streams := []command.StreamPosition{{Stream: "s1", After: "0"}, {Stream: "s2", After: ">"}}
	trim, limit, ids := command.MinID("1-1"), command.TrimLimit(10), []string{"1-1", "2-1"}
	return []command.Request{
		command.XAdd("k", "*", command.Map{"f": 1}, command.MaxLen(3), command.NoMakeStream).Request(),
		command.XAdd("k", "*", command.Map{"f": 1}, trim, limit).Request(),
		command.XDel("k", ids...).Request(),
		command.XLen("k").Request(),
		command.XRange("k", "-", "+", command.Count(2)).Request(),
		command.XRevRange("k", "+", "-", command.Count(2)).Request(),
		command.XRead(streams, command.Count(1), command.BlockFor(time.Second)).Request(),
		command.XTrim("k", trim, limit).Request(),
		command.XSetID("k", "2-1", command.EntriesAdded(2), command.MaxDeletedID("1-1")).Request(),
		command.XAck("k", "g", ids...).Request(),
		command.XGroupCreate("k", "g", "$", command.MakeStream, command.EntriesRead(2)).Request(),
		command.XGroupSetID("k", "g", "$", command.EntriesRead(2)).Request(),
		command.XGroupDestroy("k", "g").Request(),
		command.XGroupCreateConsumer("k", "g", "c").Request(),
		command.XGroupDelConsumer("k", "g", "c").Request(),
		command.XReadGroup("g", "c", streams, command.Count(1), command.BlockFor(time.Second), command.NoAck).Request(),
		command.XPending("k", "g").Request(),
		command.XPendingEntries("k", "g", "-", "+", 10, command.OfConsumer("c"), command.MinIdle(time.Second)).Request(),
		command.XClaim("k", "g", "c", time.Second, ids, command.ClaimIdle(0), command.ClaimRetryCount(1)).Request(),
		command.XClaimJustID("k", "g", "c", time.Second, ids, command.ClaimForce, command.ClaimLastID("1-1")).Request(),
		command.XAutoClaim("k", "g", "c", time.Second, "0-0", command.Count(2)).Request(),
		command.XAutoClaimJustID("k", "g", "c", time.Second, "0-0").Request(),
		command.XInfoStream("k").Request(),
		command.XInfoStreamFull("k", 2).Request(),
		command.XInfoGroups("k").Request(),
		command.XInfoConsumers("k", "g").Request(),
	}
}

func scriptSamples() []command.Request {
	keys, hash := []string{"a", "b"}, command.NewScript("return 1").Hash()
	return []command.Request{
		command.Eval("return 1", keys, "c").Request(),
		command.Eval("return 1", nil).Request(),
		command.EvalRO("return 1", keys, "c").Request(),
		command.EvalSHA(hash, keys, "c").Request(),
		command.EvalSHARO(hash, keys, "c").Request(),
		command.ScriptExists(hash, hash).Request(),
		command.ScriptFlush(command.Async).Request(),
		command.ScriptKill().Request(),
		command.ScriptLoad("return 1").Request(),
		command.ScriptShow(hash).Request(),
		command.FCall("f", keys, "c").Request(),
		command.FCallRO("f", keys, "c").Request(),
		command.FunctionLoad("#!lua name=l", command.Replace).Request(),
		command.FunctionDelete("l").Request(),
		command.FunctionFlush(command.Sync).Request(),
		command.FunctionKill().Request(),
		command.FunctionDump().Request(),
		command.FunctionRestore([]byte("dump"), command.RestoreAppend).Request(),
		command.FunctionList(command.LibraryName("l*"), command.WithCode).Request(),
		command.FunctionStats().Request(),
	}
}

func vectorSamples() []command.Request {
	vector, like := command.Vector{1, 2}, command.SimilarTo("e")
	return []command.Request{
		command.VAdd("k", vector, "e", command.VectorReduce(1), command.VectorCAS, command.Quantize8).Request(),
		command.VRem("k", "e").Request(),
		command.VCard("k").Request(),
		command.VDim("k").Request(),
		command.VIsMember("k", "e").Request(),
		command.VEmb("k", "e").Request(),
		command.VEmbRaw("k", "e").Request(),
		command.VGetAttr("k", "e").Request(),
		command.VSetAttr("k", "e", "{}").Request(),
		command.VRandMember("k").Request(),
		command.VRandMemberCount("k", 2).Request(),
		command.VSim("k", vector, command.Count(2)).Request(),
		command.VSimWithScores("k", like, command.VectorTruth).Request(),
		command.VSimWithAttribs("k", like, command.VectorFilter(".a")).Request(),
		command.VLinks("k", "e").Request(),
		command.VLinksWithScores("k", "e").Request(),
		command.VInfo("k").Request(),
	}
}
