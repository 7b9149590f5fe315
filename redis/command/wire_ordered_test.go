package command_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/redchan-go/redchan/redis/command"
)

func TestWireSortedSets(t *testing.T) {
	low, high := command.Score(math.Inf(-1)), command.Beyond(1.5)
	from, to := command.Lex("a"), command.LexBeyond("c")
	keys := []string{"a", "b"}
	for want, request := range map[string]command.Request{
		"ZCARD k":                      command.ZCard("k").Request(),
		"ZINCRBY k 1.5 m":              command.ZIncrBy("k", 1.5, "m").Request(),
		"ZMSCORE k m n":                command.ZMScore("k", "m", "n").Request(),
		"ZRANK k m":                    command.ZRank("k", "m").Request(),
		"ZRANK k m WITHSCORE":          command.ZRankWithScore("k", "m").Request(),
		"ZREVRANK k m":                 command.ZRevRank("k", "m").Request(),
		"ZREVRANK k m WITHSCORE":       command.ZRevRankWithScore("k", "m").Request(),
		"ZRANDMEMBER k":                command.ZRandMember("k").Request(),
		"ZRANDMEMBER k -2":             command.ZRandMemberCount("k", -2).Request(),
		"ZRANDMEMBER k 2 WITHSCORES":   command.ZRandMemberWithScores("k", 2).Request(),
		"ZSCAN k 7 MATCH a* COUNT 2":   command.ZScan("k", 7, command.Match("a*"), command.Count(2)).Request(),
		"ZSCAN k 0 MATCH a* NOSCORES":  command.ZScanNoScores("k", 0, command.Match("a*")).Request(),
		"ZCOUNT k -inf (1.5":           command.ZCount("k", low, high).Request(),
		"ZLEXCOUNT k [a (c":            command.ZLexCount("k", from, to).Request(),
		"ZRANGE k 0 -1":                command.ZRange("k", command.ByRank(0, -1)).Request(),
		"ZRANGE k 0 -1 REV":            command.ZRange("k", command.ByRank(0, -1), command.Rev).Request(),
		"ZRANGE k -inf (1.5 BYSCORE":   command.ZRange("k", command.ByScore(low, high)).Request(),
		"ZRANGE k - + BYLEX LIMIT 1 2": command.ZRange("k", command.ByLex(command.LexMin(), command.LexMax()), command.Limit(1, 2)).Request(),
		"ZRANGE k (c [a BYLEX REV":     command.ZRange("k", command.ByLex(from, to), command.Rev).Request(),
		"ZRANGE k (1.5 -inf BYSCORE LIMIT 0 -1 REV WITHSCORES": command.ZRangeWithScores("k", command.ByScore(low, high), command.Limit(0, -1), command.Rev).Request(),
		"ZRANGESTORE d k -inf (1.5 BYSCORE LIMIT 0 5":          command.ZRangeStore("d", "k", command.ByScore(low, high), command.Limit(0, 5)).Request(),
		"ZREMRANGEBYLEX k [a (c":                               command.ZRemRangeByLex("k", from, to).Request(),
		"ZREMRANGEBYRANK k 0 -2":                               command.ZRemRangeByRank("k", 0, -2).Request(),
		"ZRANGEBYSCORE k -inf (1.5 LIMIT 0 5":                  command.ZRangeByScore("k", low, high, command.Limit(0, 5)).Request(),
		"ZRANGEBYSCORE k -inf (1.5 WITHSCORES":                 command.ZRangeByScoreWithScores("k", low, high).Request(),
		"ZRANGEBYLEX k [a (c LIMIT 0 5":                        command.ZRangeByLex("k", from, to, command.Limit(0, 5)).Request(),
		"ZREVRANGE k 0 -1":                                     command.ZRevRange("k", 0, -1).Request(),
		"ZREVRANGE k 0 -1 WITHSCORES":                          command.ZRevRangeWithScores("k", 0, -1).Request(),
		"ZREVRANGEBYSCORE k (1.5 -inf":                         command.ZRevRangeByScore("k", high, low).Request(),
		"ZREVRANGEBYSCORE k (1.5 -inf WITHSCORES LIMIT 0 5":    command.ZRevRangeByScoreWithScores("k", high, low, command.Limit(0, 5)).Request(),
		"ZREVRANGEBYLEX k (c [a":                               command.ZRevRangeByLex("k", to, from).Request(),
		"ZPOPMIN k":                                            command.ZPopMin("k").Request(),
		"ZPOPMIN k 0":                                          command.ZPopMinCount("k", 0).Request(),
		"ZPOPMAX k":                                            command.ZPopMax("k").Request(),
		"ZPOPMAX k 2":                                          command.ZPopMaxCount("k", 2).Request(),
		"BZPOPMIN a b 1.5":                                     command.BZPopMin(1500*time.Millisecond, "a", "b").Request(),
		"BZPOPMAX a b 0":                                       command.BZPopMax(0, "a", "b").Request(),
		"ZMPOP 2 a b MIN":                                      command.ZMPop(command.Lowest, keys).Request(),
		"BZMPOP 1 2 a b MAX COUNT 3":                           command.BZMPop(time.Second, command.Highest, keys, command.Count(3)).Request(),
		"ZUNION 2 a b":                                         command.ZUnion(keys).Request(),
		"ZUNION 2 a b AGGREGATE MAX WEIGHTS 1 0.5 WITHSCORES":  command.ZUnionWithScores(keys, command.Weights(1, 0.5), command.AggregateMax).Request(),
		"ZUNIONSTORE d 2 a b AGGREGATE SUM":                    command.ZUnionStore("d", keys, command.AggregateSum).Request(),
		"ZINTER 2 a b WEIGHTS -1 inf":                          command.ZInter(keys, command.Weights(-1, math.Inf(1))).Request(),
		"ZINTER 2 a b WITHSCORES":                              command.ZInterWithScores(keys).Request(),
		"ZINTERSTORE d 2 a b AGGREGATE MIN":                    command.ZInterStore("d", keys, command.AggregateMin).Request(),
		"ZINTERCARD 2 a b":                                     command.ZInterCard(keys).Request(),
		"ZINTERCARD 2 a b LIMIT 3":                             command.ZInterCard(keys, command.StopAt(3)).Request(),
		"ZDIFF 2 a b":                                          command.ZDiff("a", "b").Request(),
		"ZDIFF 1 a WITHSCORES":                                 command.ZDiffWithScores("a").Request(),
		"ZDIFFSTORE d 2 a b":                                   command.ZDiffStore("d", "a", "b").Request(),
	} {
		expectWire(t, request, want)
	}
}

func TestWireGeo(t *testing.T) {
	center := command.Position{Longitude: 1.5, Latitude: 2}
	from, area := command.FromPosition(1.5, 2), command.ByRadius(3, command.Meters)
	for want, request := range map[string]command.Request{
		"GEODIST g m n mi": command.GeoDist("g", "m", "n", command.Miles).Request(),
		"GEOHASH g m n":    command.GeoHash("g", "m", "n").Request(),
		"GEOPOS g m n":     command.GeoPos("g", "m", "n").Request(),
		"GEOSEARCHSTORE d g FROMLONLAT 1.5 2 BYRADIUS 3 m ASC COUNT 3 ANY": command.GeoSearchStore("d", "g", from, area, command.Asc, command.CountAny(3)).Request(),
		"GEOSEARCHSTORE d g FROMMEMBER m BYBOX 1 2 ft COUNT 3 STOREDIST":   command.GeoSearchStore("d", "g", command.FromMember("m"), command.ByBox(1, 2, command.Feet), command.Count(3), command.StoreDist).Request(),
		"GEORADIUS g 1.5 2 3 km":                        command.GeoRadius("g", center, 3, command.Kilometers).Request(),
		"GEORADIUS_RO g 1.5 2 3 km COUNT 2 ANY DESC":    command.GeoRadiusRO("g", center, 3, command.Kilometers, command.CountAny(2), command.Desc).Request(),
		"GEORADIUS g 1.5 2 3 m COUNT 2 STOREDIST d":     command.GeoRadiusStore("d", "g", center, 3, command.Meters, command.StoreDist, command.Count(2)).Request(),
		"GEORADIUSBYMEMBER g m 3 m ASC":                 command.GeoRadiusByMember("g", "m", 3, command.Meters, command.Asc).Request(),
		"GEORADIUSBYMEMBER_RO g m 3 m":                  command.GeoRadiusByMemberRO("g", "m", 3, command.Meters).Request(),
		"GEORADIUSBYMEMBER g m 3 m STORE d":             command.GeoRadiusByMemberStore("d", "g", "m", 3, command.Meters).Request(),
		"GEORADIUSBYMEMBER g m 3 m ASC COUNT 1 STORE d": command.GeoRadiusByMemberStore("d", "g", "m", 3, command.Meters, command.Asc, command.Count(1)).Request(),
	} {
		expectWire(t, request, want)
	}
}

func TestWireStreams(t *testing.T) {
	ids, at := []string{"1-1", "2-1"}, time.UnixMilli(1700000000500)
	positions := []command.StreamPosition{{"s", "0"}, {"t", "$"}}
	for want, request := range map[string]command.Request{
		"XADD s MINID = 5-0 * a 1":                                      command.XAdd("s", "*", command.Pairs("a", 1), command.MinIDExactly("5-0")).Request(),
		"XADD s MAXLEN ~ 9 LIMIT 50 * a 1":                              command.XAdd("s", "*", command.Pairs("a", 1), command.MaxLen(9), command.TrimLimit(50)).Request(),
		"XTRIM s MAXLEN = 9":                                            command.XTrim("s", command.MaxLenExactly(9)).Request(),
		"XTRIM s MINID ~ 5-0 LIMIT 0":                                   command.XTrim("s", command.MinID("5-0"), command.TrimLimit(0)).Request(),
		"XDEL s 1-1 2-1":                                                command.XDel("s", ids...).Request(),
		"XRANGE s - (5-0":                                               command.XRange("s", "-", "(5-0").Request(),
		"XREVRANGE s + 1 COUNT 2":                                       command.XRevRange("s", "+", "1", command.Count(2)).Request(),
		"XREAD STREAMS s t 0 $":                                         command.XRead(positions).Request(),
		"XREAD BLOCK 1500 COUNT 2 STREAMS s t 0 $":                      command.XRead(positions, command.BlockFor(1500*time.Millisecond), command.Count(2)).Request(),
		"XSETID s 9-1":                                                  command.XSetID("s", "9-1").Request(),
		"XSETID s 9-1 ENTRIESADDED 4 MAXDELETEDID 3-1":                  command.XSetID("s", "9-1", command.EntriesAdded(4), command.MaxDeletedID("3-1")).Request(),
		"XGROUP CREATE s g 0 ENTRIESREAD 2":                             command.XGroupCreate("s", "g", "0", command.EntriesRead(2)).Request(),
		"XGROUP SETID s g $ ENTRIESREAD 2":                              command.XGroupSetID("s", "g", "$", command.EntriesRead(2)).Request(),
		"XGROUP DESTROY s g":                                            command.XGroupDestroy("s", "g").Request(),
		"XGROUP CREATECONSUMER s g c":                                   command.XGroupCreateConsumer("s", "g", "c").Request(),
		"XGROUP DELCONSUMER s g c":                                      command.XGroupDelConsumer("s", "g", "c").Request(),
		"XPENDING s g":                                                  command.XPending("s", "g").Request(),
		"XPENDING s g - + 10":                                           command.XPendingEntries("s", "g", "-", "+", 10).Request(),
		"XPENDING s g IDLE 1500 1 2 10 c":                               command.XPendingEntries("s", "g", "1", "2", 10, command.OfConsumer("c"), command.MinIdle(1500*time.Millisecond)).Request(),
		"XCLAIM s g c 1500 1-1 2-1":                                     command.XClaim("s", "g", "c", 1500*time.Millisecond, ids).Request(),
		"XCLAIM s g c 0 1-1 2-1 IDLE 1000 FORCE LASTID 9-1":             command.XClaim("s", "g", "c", 0, ids, command.ClaimIdle(time.Second), command.ClaimForce, command.ClaimLastID("9-1")).Request(),
		"XCLAIM s g c 0 1-1 2-1 TIME 1700000000500 RETRYCOUNT 0 JUSTID": command.XClaimJustID("s", "g", "c", 0, ids, command.ClaimTime(at), command.ClaimRetryCount(0)).Request(),
		"XAUTOCLAIM s g c 1500 0-0":                                     command.XAutoClaim("s", "g", "c", 1500*time.Millisecond, "0-0").Request(),
		"XAUTOCLAIM s g c 0 0-0 COUNT 5 JUSTID":                         command.XAutoClaimJustID("s", "g", "c", 0, "0-0", command.Count(5)).Request(),
		"XINFO STREAM s":                                                command.XInfoStream("s").Request(),
		"XINFO STREAM s FULL COUNT 0":                                   command.XInfoStreamFull("s", 0).Request(),
		"XINFO GROUPS s":                                                command.XInfoGroups("s").Request(),
		"XINFO CONSUMERS s g":                                           command.XInfoConsumers("s", "g").Request(),
	} {
		expectWire(t, request, want)
	}
}

func TestWireScripts(t *testing.T) {
	keys := []string{"a", "b"}
	for want, request := range map[string]command.Request{
		"EVAL_RO text 2 a b 1":                  command.EvalRO("text", keys, 1).Request(),
		"EVALSHA hash 2 a b 1":                  command.EvalSHA("hash", keys, 1).Request(),
		"EVALSHA_RO hash 0":                     command.EvalSHARO("hash", nil).Request(),
		"SCRIPT EXISTS h i":                     command.ScriptExists("h", "i").Request(),
		"SCRIPT FLUSH":                          command.ScriptFlush().Request(),
		"SCRIPT FLUSH ASYNC":                    command.ScriptFlush(command.Async).Request(),
		"SCRIPT KILL":                           command.ScriptKill().Request(),
		"SCRIPT LOAD text":                      command.ScriptLoad("text").Request(),
		"SCRIPT SHOW hash":                      command.ScriptShow("hash").Request(),
		"FCALL f 2 a b 1":                       command.FCall("f", keys, 1).Request(),
		"FCALL_RO f 2 a b 1":                    command.FCallRO("f", keys, 1).Request(),
		"FUNCTION LOAD code":                    command.FunctionLoad("code").Request(),
		"FUNCTION LOAD REPLACE code":            command.FunctionLoad("code", command.Replace).Request(),
		"FUNCTION DELETE l":                     command.FunctionDelete("l").Request(),
		"FUNCTION FLUSH SYNC":                   command.FunctionFlush(command.Sync).Request(),
		"FUNCTION KILL":                         command.FunctionKill().Request(),
		"FUNCTION DUMP":                         command.FunctionDump().Request(),
		"FUNCTION RESTORE dump":                 command.FunctionRestore([]byte("dump")).Request(),
		"FUNCTION RESTORE dump FLUSH":           command.FunctionRestore([]byte("dump"), command.RestoreFlushing).Request(),
		"FUNCTION RESTORE dump REPLACE":         command.FunctionRestore([]byte("dump"), command.RestoreInPlace).Request(),
		"FUNCTION LIST":                         command.FunctionList().Request(),
		"FUNCTION LIST LIBRARYNAME l* WITHCODE": command.FunctionList(command.LibraryName("l*"), command.WithCode).Request(),
		"FUNCTION STATS":                        command.FunctionStats().Request(),
	} {
		expectWire(t, request, want)
	}
}

func TestWireVectorSets(t *testing.T) {
	vector := command.Vector{1, -0.5} // 0x3f800000 and 0xbf000000, low bytes first
	const fp32 = "\x00\x00\x80\x3f\x00\x00\x00\xbf"
	for want, request := range map[string]command.Request{
		"VADD k FP32 " + fp32 + " e": command.VAdd("k", vector, "e").Request(),
		"VADD k REDUCE 1 FP32 " + fp32 + ` e CAS Q8 EF 9 SETATTR {"a":1} M 8`: command.VAdd("k", vector, "e", command.VectorCAS, command.Quantize8, command.VectorReduce(1),
			command.VectorEF(9), command.VectorAttributes(command.JSON(map[string]int{"a": 1})), command.VectorLinks(8)).Request(),
		"VADD k FP32 " + fp32 + " e NOQUANT": command.VAdd("k", vector, "e", command.NoQuantization).Request(),
		"VADD k FP32 " + fp32 + " e BIN":     command.VAdd("k", vector, "e", command.QuantizeBinary).Request(),
		"VREM k e":                           command.VRem("k", "e").Request(),
		"VCARD k":                            command.VCard("k").Request(),
		"VDIM k":                             command.VDim("k").Request(),
		"VISMEMBER k e":                      command.VIsMember("k", "e").Request(),
		"VEMB k e":                           command.VEmb("k", "e").Request(),
		"VEMB k e RAW":                       command.VEmbRaw("k", "e").Request(),
		"VGETATTR k e":                       command.VGetAttr("k", "e").Request(),
		"VSETATTR k e {}":                    command.VSetAttr("k", "e", "{}").Request(),
		"VRANDMEMBER k":                      command.VRandMember("k").Request(),
		"VRANDMEMBER k -3":                   command.VRandMemberCount("k", -3).Request(),
		"VSIM k FP32 " + fp32:                command.VSim("k", vector).Request(),
		"VSIM k ELE e COUNT 2 EPSILON 0.5 EF 9 FILTER .a==1 FILTER-EF 0 TRUTH NOTHREAD WITHSCORES": command.VSimWithScores("k", command.SimilarTo("e"), command.Count(2), command.VectorEpsilon(0.5),
			command.VectorEF(9), command.VectorFilter(".a==1"), command.VectorFilterEF(0), command.VectorTruth, command.VectorNoThread).Request(),
		"VSIM k ELE e WITHSCORES WITHATTRIBS": command.VSimWithAttribs("k", command.SimilarTo("e")).Request(),
		"VLINKS k e":                          command.VLinks("k", "e").Request(),
		"VLINKS k e WITHSCORES":               command.VLinksWithScores("k", "e").Request(),
		"VINFO k":                             command.VInfo("k").Request(),
	} {
		expectWire(t, request, want)
	}
}

func TestRefusedOrdered(t *testing.T) {
	keys, fields := []string{"a", "b"}, command.Pairs("a", 1)
	all, lex := command.ByScore(command.Score(0), command.Score(1)), command.ByLex(command.LexMin(), command.LexMax())
	ids, streams := []string{"1-1"}, []command.StreamPosition{{"s", "0"}}
	from, area := command.FromMember("m"), command.ByRadius(1, command.Meters)
	vector := command.Vector{1}
	nan := math.NaN()
	for why, request := range map[string]command.Request{
		"NaN increment":             command.ZIncrBy("k", nan, "m").Request(),
		"no members of ZMSCORE":     command.ZMScore("k").Request(),
		"COUNT 0 of ZSCAN":          command.ZScan("k", 0, command.Count(0)).Request(),
		"nil ZSCAN option":          command.ZScan("k", 0, nil).Request(),
		"NaN of ZCOUNT":             command.ZCount("k", command.Score(nan), command.Score(1)).Request(),
		"an empty LexBound":         command.ZLexCount("k", command.LexBound{}, command.LexMax()).Request(),
		"no range":                  command.ZRange("k", nil).Request(),
		"LIMIT by rank":             command.ZRange("k", command.ByRank(0, -1), command.Limit(0, 1)).Request(),
		"LIMIT by rank, stored":     command.ZRangeStore("d", "k", command.ByRank(0, -1), command.Limit(0, 1)).Request(),
		"a negative offset":         command.ZRange("k", all, command.Limit(-1, 1)).Request(),
		"LIMIT twice":               command.ZRange("k", all, command.Limit(0, 1), command.Limit(0, 1)).Request(),
		"BYLEX and WITHSCORES":      command.ZRangeWithScores("k", lex).Request(),
		"nil ZRANGE option":         command.ZRange("k", all, nil).Request(),
		"nil ZRANGEBYSCORE option":  command.ZRangeByScore("k", command.Score(0), command.Score(1), nil).Request(),
		"a negative pop":            command.ZPopMinCount("k", -1).Request(),
		"a negative pop of highest": command.ZPopMaxCount("k", -1).Request(),
		"no keys of BZPOPMIN":       command.BZPopMin(0).Request(),
		"negative time":             command.BZPopMax(-1, "k").Request(),
		"no end of ZMPOP":           command.ZMPop("", keys).Request(),
		"no keys of ZMPOP":          command.ZMPop(command.Lowest, nil).Request(),
		"COUNT 0 of ZMPOP":          command.ZMPop(command.Lowest, keys, command.Count(0)).Request(),
		"negative time of BZMPOP":   command.BZMPop(-1, command.Lowest, keys).Request(),
		"no keys of ZUNION":         command.ZUnion(nil).Request(),
		"a weight too few":          command.ZUnion(keys, command.Weights(1)).Request(),
		"no weights":                command.ZUnion(keys, command.Weights()).Request(),
		"NaN weight":                command.ZInter(keys, command.Weights(1, nan)).Request(),
		"weights twice":             command.ZInter(keys, command.Weights(1, 2), command.Weights(1, 2)).Request(),
		"aggregate":                 command.ZInterStore("d", keys, command.Aggregate("AVG")).Request(),
		"two aggregates":            command.ZUnionStore("d", keys, command.AggregateMin, command.AggregateMax).Request(),
		"negative LIMIT":            command.ZInterCard(keys, command.StopAt(-1)).Request(),
		"no keys of ZDIFF":          command.ZDiff().Request(),
		"no keys of ZDIFFSTORE":     command.ZDiffStore("d").Request(),

		"no unit of GEODIST":      command.GeoDist("g", "a", "b", "").Request(),
		"no members of GEOHASH":   command.GeoHash("g").Request(),
		"no members of GEOPOS":    command.GeoPos("g").Request(),
		"no area":                 command.GeoSearchStore("d", "g", from, nil).Request(),
		"nil option of storing":   command.GeoSearchStore("d", "g", from, area, nil).Request(),
		"COUNT and COUNT ANY":     command.GeoSearchStore("d", "g", from, area, command.Count(1), command.CountAny(1)).Request(),
		"negative GEORADIUS":      command.GeoRadius("g", command.Position{}, -1, command.Meters).Request(),
		"NaN GEORADIUS":           command.GeoRadiusRO("g", command.Position{}, nan, command.Meters).Request(),
		"GEORADIUS unit":          command.GeoRadiusStore("d", "g", command.Position{}, 1, "parsec").Request(),
		"NaN place":               command.GeoRadius("g", command.Position{Longitude: nan}, 1, command.Meters).Request(),
		"nil option of GEORADIUS": command.GeoRadiusByMemberStore("d", "g", "m", 1, command.Meters, nil).Request(),
		"ASC and DESC":            command.GeoRadiusByMember("g", "m", 1, command.Meters, command.Asc, command.Desc).Request(),

		"MAXLEN and MINID":        command.XAdd("s", "*", fields, command.MaxLenExactly(1), command.MinIDExactly("1")).Request(),
		"LIMIT alone":             command.XAdd("s", "*", fields, command.TrimLimit(1)).Request(),
		"LIMIT of an exact trim":  command.XAdd("s", "*", fields, command.MaxLenExactly(1), command.TrimLimit(1)).Request(),
		"LIMIT of exact XTRIM":    command.XTrim("s", command.MinIDExactly("1"), command.TrimLimit(1)).Request(),
		"negative trim limit":     command.XTrim("s", command.MinID("1"), command.TrimLimit(-1)).Request(),
		"no trim":                 command.XTrim("s", command.StreamTrim{}).Request(),
		"empty trim of XADD":      command.XAdd("s", "*", fields, command.StreamTrim{}).Request(),
		"no MINID":                command.XTrim("s", command.MinID("")).Request(),
		"negative XTRIM":          command.XTrim("s", command.MaxLen(-1)).Request(),
		"no IDs of XDEL":          command.XDel("s").Request(),
		"no start":                command.XRange("s", "", "+").Request(),
		"no end of XREVRANGE":     command.XRevRange("s", "+", "").Request(),
		"COUNT 0 of XRANGE":       command.XRange("s", "-", "+", command.Count(0)).Request(),
		"no streams of XREAD":     command.XRead(nil).Request(),
		"negative block of XREAD": command.XRead(streams, command.BlockFor(-1)).Request(),
		"block twice":             command.XRead(streams, command.BlockFor(0), command.BlockFor(1)).Request(),
		"no XSETID":               command.XSetID("s", "").Request(),
		"negative ENTRIESADDED":   command.XSetID("s", "1", command.EntriesAdded(-1)).Request(),
		"no MAXDELETEDID":         command.XSetID("s", "1", command.MaxDeletedID("")).Request(),
		"negative ENTRIESREAD":    command.XGroupCreate("s", "g", "0", command.EntriesRead(-1)).Request(),
		"nil group option":        command.XGroupSetID("s", "g", "0", nil).Request(),
		"no pending":              command.XPendingEntries("s", "g", "-", "+", 0).Request(),
		"no end of pending":       command.XPendingEntries("s", "g", "-", "", 1).Request(),
		"negative idle":           command.XPendingEntries("s", "g", "-", "+", 1, command.MinIdle(-1)).Request(),
		"two consumers":           command.XPendingEntries("s", "g", "-", "+", 1, command.OfConsumer("a"), command.OfConsumer("b")).Request(),
		"nil pending option":      command.XPendingEntries("s", "g", "-", "+", 1, nil).Request(),
		"no IDs of XCLAIM":        command.XClaim("s", "g", "c", 0, nil).Request(),
		"negative claim":          command.XClaim("s", "g", "c", -1, ids).Request(),
		"negative claim idle":     command.XClaim("s", "g", "c", 0, ids, command.ClaimIdle(-1)).Request(),
		"IDLE and TIME":           command.XClaim("s", "g", "c", 0, ids, command.ClaimIdle(0), command.ClaimTime(time.Now())).Request(),
		"a time before 1970":      command.XClaimJustID("s", "g", "c", 0, ids, command.ClaimTime(time.Time{})).Request(),
		"negative RETRYCOUNT":     command.XClaimJustID("s", "g", "c", 0, ids, command.ClaimRetryCount(-1)).Request(),
		"no LASTID":               command.XClaimJustID("s", "g", "c", 0, ids, command.ClaimLastID("")).Request(),
		"no start of XAUTOCLAIM":  command.XAutoClaim("s", "g", "c", 0, "").Request(),
		"negative XAUTOCLAIM":     command.XAutoClaimJustID("s", "g", "c", -1, "0").Request(),
		"negative FULL":           command.XInfoStreamFull("s", -1).Request(),

		"no hashes":        command.ScriptExists().Request(),
		"two flush modes":  command.FunctionFlush(command.Sync, command.Async).Request(),
		"no code":          command.FunctionLoad("").Request(),
		"restore policy":   command.FunctionRestore([]byte("dump"), command.RestorePolicy("")).Request(),
		"two policies":     command.FunctionRestore([]byte("dump"), command.RestoreAppend, command.RestoreInPlace).Request(),
		"nil list option":  command.FunctionList(nil).Request(),
		"two names":        command.FunctionList(command.LibraryName("a"), command.LibraryName("b")).Request(),
		"a bool to EVAL":   command.EvalRO("s", nil, true).Request(),
		"nil to a script":  command.EvalSHA("h", nil, nil).Request(),
		"nil to a func":    command.FCall("f", nil, nil).Request(),
		"nil to a func_ro": command.FCallRO("f", nil, nil).Request(),

		"no vector":               command.VAdd("k", nil, "e").Request(),
		"NaN in a vector":         command.VAdd("k", command.Vector{float32(nan)}, "e").Request(),
		"an infinite vector":      command.VSim("k", command.Vector{float32(math.Inf(1))}).Request(),
		"REDUCE 0":                command.VAdd("k", vector, "e", command.VectorReduce(0)).Request(),
		"REDUCE twice":            command.VAdd("k", vector, "e", command.VectorReduce(1), command.VectorReduce(1)).Request(),
		"two quantizations":       command.VAdd("k", vector, "e", command.Quantize8, command.QuantizeBinary).Request(),
		"EF 0":                    command.VAdd("k", vector, "e", command.VectorEF(0)).Request(),
		"M 0":                     command.VAdd("k", vector, "e", command.VectorLinks(0)).Request(),
		"attributes of no form":   command.VAdd("k", vector, "e", command.VectorAttributes(map[string]int{})).Request(),
		"nil VADD option":         command.VAdd("k", vector, "e", nil).Request(),
		"nil attributes":          command.VSetAttr("k", "e", nil).Request(),
		"no query":                command.VSim("k", nil).Request(),
		"COUNT 0 of VSIM":         command.VSim("k", vector, command.Count(0)).Request(),
		"EPSILON":                 command.VSim("k", vector, command.VectorEpsilon(1.5)).Request(),
		"NaN EPSILON":             command.VSim("k", vector, command.VectorEpsilon(nan)).Request(),
		"negative FILTER-EF":      command.VSimWithScores("k", vector, command.VectorFilterEF(-1)).Request(),
		"nil VSIM option":         command.VSimWithAttribs("k", vector, nil).Request(),
		"a query that is no more": command.VSim("k", command.Vector(nil)).Request(),
	} {
		if err := request.Err(); !errors.Is(err, command.ErrArgument) {
			t.Errorf("%s: %v", why, err)
		}
	}
}

// What may block does so only with the option, or where it always does.
func TestBlockingOrdered(t *testing.T) {
	streams := []command.StreamPosition{{"s", "0"}}
	for name, test := range map[string]struct {
		request command.Request
		blocks  bool
		atMost  time.Duration
	}{
		"XREAD":          {command.XRead(streams).Request(), false, 0},
		"XREAD BLOCK":    {command.XRead(streams, command.BlockFor(time.Second)).Request(), true, time.Second},
		"XREAD BLOCK 0":  {command.XRead(streams, command.BlockFor(0)).Request(), true, 0},
		"BZPOPMIN":       {command.BZPopMin(time.Second, "k").Request(), true, time.Second},
		"BZPOPMAX":       {command.BZPopMax(0, "k").Request(), true, 0},
		"BZMPOP":         {command.BZMPop(time.Minute, command.Lowest, []string{"k"}).Request(), true, time.Minute},
		"ZMPOP":          {command.ZMPop(command.Lowest, []string{"k"}).Request(), false, 0},
		"XREADGROUP":     {command.XReadGroup("g", "c", streams).Request(), false, 0},
		"XREADGROUP 1 s": {command.XReadGroup("g", "c", streams, command.BlockFor(time.Second)).Request(), true, time.Second},
	} {
		if test.request.Blocks() != test.blocks || test.request.BlockFor() != test.atMost {
			t.Errorf("%s: blocks %v, for %v", name, test.request.Blocks(), test.request.BlockFor())
		}
	}
}
