package bloom_test

import (
	"math"
	"testing"

	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/module/bloom"
	. "github.com/redchan-go/redchan/redis/module/internal/moduletest"
)

// record is a record as the module writes it: names are simple strings, and RESP2 has a
// flat array where RESP3 has a map.
func record(namesAndValues ...string) (resp2, resp3 string) {
	for i := 0; i < len(namesAndValues); i += 2 {
		namesAndValues[i] = Simple(namesAndValues[i])
	}
	return Array(namesAndValues...), Map(namesAndValues...)
}

// The replies are those that the tests of RedisBloom expect in tests/flow: test_overall.py,
// test_cuckoo.py, test_cms.py, test_topk.py and test_tdigest.py for RESP2, test_resp3.py
// for RESP3; their kinds are those that src/rebloom.c, rm_cms.c, rm_topk.c and
// rm_tdigest.c reply with.
func TestReplies(t *testing.T) {
	yesNo := []bool{true, false}
	yesNo2, yesNo3 := Ints(1, 0), Array(True, False)
	items := []any{"a", "b"}
	const full = "ERR non scaling filter is full"

	bf2, bf3 := record("Capacity", Int(100), "Size", Int(240), "Number of filters", Int(1),
		"Number of items inserted", Int(5), "Expansion rate", Int(2))
	// What valkey-bloom has beside these, and null for a filter that can't grow.
	fixed2, fixed3 := record("Capacity", Int(100), "Error rate", Bulk("0.01"), "Expansion rate", NoBulk)
	cf2, cf3 := record("Size", Int(64), "Number of buckets", Int(4), "Number of filters", Int(1),
		"Number of items inserted", Int(5), "Number of items deleted", Int(3), "Bucket size", Int(2),
		"Expansion rate", Int(0), "Max iterations", Int(20))
	cms2, cms3 := record("width", Int(2000), "depth", Int(7), "count", Int(5))
	topk2, _ := record("k", Int(2), "width", Int(50), "depth", Int(5), "decay", Bulk("0.90000000000000002"))
	_, topk3 := record("k", Int(2), "width", Int(50), "depth", Int(5), "decay", Double("0.9"))
	td2, td3 := record("Compression", Int(100), "Capacity", Int(610), "Merged nodes", Int(51),
		"Unmerged nodes", Int(422), "Merged weight", Int(9578), "Unmerged weight", Int(421),
		"Observations", Int(9999), "Total compressions", Int(17), "Memory usage", Int(9840))
	expelled := []command.Optional[string]{{}, {Value: "foo", Present: true}}

	Replies(t,
		Reply(bloom.BFReserve("k", 0.1, 1), struct{}{}, OK, OK),
		Reply(bloom.BFAdd("k", "a"), true, Int(1), True),
		Reply(bloom.BFAdd("k", "a"), false, Int(0), False),
		Reply(bloom.BFMAdd("k", items...), yesNo, yesNo2, yesNo3),
		Reply(bloom.BFInsert("k", items), yesNo, yesNo2, yesNo3),
		Failed(bloom.BFMAdd("k", "a", "b", "c"), yesNo, full,
			Array(Int(1), Int(0), Error(full)), Array(True, False, Error(full))),
		Reply(bloom.BFExists("k", "a"), true, Int(1), True),
		Reply(bloom.BFMExists("k", items...), yesNo, yesNo2, yesNo3),
		Reply(bloom.BFCard("k"), 5, Int(5), Int(5)),
		Reply(bloom.BFInfo("k"), bloom.BFStats{Capacity: 100, Size: 240, Filters: 1, Items: 5, Expansion: 2}, bf2, bf3),
		Reply(bloom.BFInfo("k"), bloom.BFStats{Capacity: 100}, fixed2, fixed3),
		Reply(bloom.BFScanDump("k", 0), bloom.Chunk{Iterator: 1, Data: []byte("data")},
			Array(Int(1), Bulk("data")), Array(Int(1), Bulk("data"))),
		Reply(bloom.BFScanDump("k", 9), bloom.Chunk{Data: []byte{}}, Array(Int(0), Bulk("")), Array(Int(0), Bulk(""))),
		Reply(bloom.BFLoadChunk("k", bloom.Chunk{Iterator: 1}), struct{}{}, OK, OK),

		Reply(bloom.CFReserve("k", 1), struct{}{}, OK, OK),
		Reply(bloom.CFAdd("k", "a"), true, Int(1), True),
		Reply(bloom.CFAddNX("k", "a"), false, Int(0), False),
		Reply(bloom.CFInsert("k", items), yesNo, Ints(1, -1), Array(True, False)),
		Reply(bloom.CFInsertNX("k", []any{1, 2, 3}), []bloom.CFInserted{bloom.CFAlreadyThere, bloom.CFWasAdded, bloom.CFNoRoom},
			Ints(0, 1, -1), Ints(0, 1, -1)),
		Reply(bloom.CFExists("k", "a"), true, Int(1), True),
		Reply(bloom.CFMExists("k", items...), yesNo, yesNo2, yesNo3),
		Reply(bloom.CFCount("k", "a"), 2, Int(2), Int(2)),
		Reply(bloom.CFDel("k", "a"), false, Int(0), False),
		Reply(bloom.CFInfo("k"), bloom.CFStats{
			Size: 64, Buckets: 4, Filters: 1, Items: 5, Deleted: 3, BucketSize: 2, MaxIterations: 20,
		}, cf2, cf3),
		Reply(bloom.CFScanDump("k", 1), bloom.Chunk{Iterator: 9, Data: []byte("d")}, Array(Int(9), Bulk("d")), Array(Int(9), Bulk("d"))),
		Reply(bloom.CFScanDump("k", 9), bloom.Chunk{}, Array(Int(0), NoBulk), Array(Int(0), Null)),
		Reply(bloom.CFLoadChunk("k", bloom.Chunk{Iterator: 1}), struct{}{}, OK, OK),

		Reply(bloom.CMSInitByDim("k", 1, 1), struct{}{}, OK, OK),
		Reply(bloom.CMSInitByProb("k", 0.1, 0.1), struct{}{}, OK, OK),
		Reply(bloom.CMSIncrBy("k", bloom.Increment{Item: "a", By: 1}), []int64{5}, Ints(5), Ints(5)),
		Failed(bloom.CMSIncrBy("k", bloom.Increment{Item: "a", By: 1}, bloom.Increment{Item: "b", By: 1}), []int64{5},
			"CMS: INCRBY overflow", Array(Int(5), Error("CMS: INCRBY overflow")), Array(Int(5), Error("CMS: INCRBY overflow"))),
		Reply(bloom.CMSQuery("k", items...), []int64{5, 0}, Ints(5, 0), Ints(5, 0)),
		Reply(bloom.CMSMerge("k", []string{"a"}), struct{}{}, OK, OK),
		Reply(bloom.CMSInfo("k"), bloom.CMSStats{Width: 2000, Depth: 7, Count: 5}, cms2, cms3),

		Reply(bloom.TopKReserve("k", 1), struct{}{}, OK, OK),
		Reply(bloom.TopKAdd("k", items...), expelled, Array(NoBulk, Simple("foo")), Array(Null, Simple("foo"))),
		Reply(bloom.TopKIncrBy("k", bloom.Increment{Item: "a", By: 1}), expelled, Array(NoBulk, Simple("foo")), Array(Null, Simple("foo"))),
		Reply(bloom.TopKQuery("k", items...), yesNo, yesNo2, yesNo3),
		Reply(bloom.TopKCount("k", items...), []int64{4, 0}, Ints(4, 0), Ints(4, 0)),
		Reply(bloom.TopKList("k"), []string{"foo", "baz"}, Bulks("foo", "baz"), Bulks("foo", "baz")),
		Reply(bloom.TopKListWithCount("k"), []bloom.ItemCount{{Item: "foo", Count: 4}, {Item: "baz", Count: 2}},
			Array(Bulk("foo"), Int(4), Bulk("baz"), Int(2)), Array(Bulk("foo"), Int(4), Bulk("baz"), Int(2))),
		Reply(bloom.TopKInfo("k"), bloom.TopKStats{K: 2, TopKSize: bloom.TopKSize{Width: 50, Depth: 5, Decay: 0.9}}, topk2, topk3),

		Reply(bloom.TDigestCreate("k"), struct{}{}, OK, OK),
		Reply(bloom.TDigestReset("k"), struct{}{}, OK, OK),
		Reply(bloom.TDigestAdd("k", 1), struct{}{}, OK, OK),
		Reply(bloom.TDigestMerge("k", []string{"a"}), struct{}{}, OK, OK),
		Reply(bloom.TDigestMin("k"), 1.5, Bulk("1.5"), Double("1.5")),
		Reply(bloom.TDigestMax("k"), 7, Bulk("7"), Double("7")),
		Reply(bloom.TDigestQuantile("k", 0.5, 1), []float64{2.5, 7}, Bulks("2.5", "7"), Array(Double("2.5"), Double("7"))),
		Reply(bloom.TDigestCDF("k", 1, 2), []float64{0.5, 1}, Bulks("0.5", "1"), Array(Double("0.5"), Double("1"))),
		Reply(bloom.TDigestTrimmedMean("k", 0.1, 0.9), 9.5, Bulk("9.5"), Double("9.5")),
		Reply(bloom.TDigestRank("k", 1, 2), []int64{-1, 20}, Ints(-1, 20), Ints(-1, 20)),
		Reply(bloom.TDigestRevRank("k", 1), []int64{-2}, Ints(-2), Ints(-2)),
		Reply(bloom.TDigestByRank("k", 1, 99), []float64{3, math.Inf(1)}, Bulks("3", "inf"), Array(Double("3"), Double("inf"))),
		Reply(bloom.TDigestByRevRank("k", 99), []float64{math.Inf(-1)}, Bulks("-inf"), Array(Double("-inf"))),
		Reply(bloom.TDigestInfo("k"), bloom.TDigestStats{
			Compression: 100, Capacity: 610, MergedNodes: 51, UnmergedNodes: 422, MergedWeight: 9578,
			UnmergedWeight: 421, Observations: 9999, Compressions: 17, MemoryUsage: 9840,
		}, td2, td3),
	)
}

// An empty t-digest has no numbers: NaN, which C writes in two ways.
func TestNaN(t *testing.T) {
	for _, reply := range []string{Bulk("nan"), Bulk("-nan"), Double("nan")} {
		got, err := bloom.TDigestMin("k").Do(t.Context(), Answers(reply))
		if err != nil || !math.IsNaN(got) {
			t.Errorf("%q: %v, %v", reply, got, err)
		}
	}
}

func TestUnfit(t *testing.T) {
	var cases []Case
	cases = append(cases, Unfit(bloom.BFAdd("k", 1), Int(2), Bulk("a"), Array())...)
	cases = append(cases, Unfit(bloom.BFMAdd("k", 1), Int(1), Ints(7))...)
	cases = append(cases, Unfit(bloom.BFInfo("k"), Int(1), Array(Simple("Size")), Array(Simple("Size"), Bulk("much")))...)
	cases = append(cases, Unfit(bloom.BFScanDump("k", 0), Ints(1), Array(Int(1), Int(1)), Bulk("a"))...)
	cases = append(cases, Unfit(bloom.CFInsertNX("k", []any{1}), Ints(2))...)
	cases = append(cases, Unfit(bloom.TopKListWithCount("k"), Bulks("a"), Bulks("a", "b"), Int(1))...)
	cases = append(cases, Unfit(bloom.TDigestQuantile("k", 1), Bulks("a"), Int(1))...)
	Replies(t, cases...)
}
