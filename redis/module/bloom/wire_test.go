package bloom_test

import (
	"math"
	"testing"

	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/module/bloom"
	. "github.com/redchan-go/redchan/redis/module/internal/moduletest"
)

// The words are those of the commands' pages in Redis' documentation, and of
// commands.json in the repository of RedisBloom.
func sent() []Sent {
	both := []any{"a", 1}
	keys := []string{"k", "l"}
	size := bloom.TopKSize{Width: 50, Depth: 5, Decay: 0.9}
	return []Sent{
		Sends("BF.RESERVE <k> 0.01 1000", bloom.BFReserve("k", 0.01, 1000)),
		Sends("BF.RESERVE <k> 0.01 1000 EXPANSION 4", bloom.BFReserve("k", 0.01, 1000, bloom.Expansion(4))),
		Sends("BF.RESERVE <k> 0.01 1000 NONSCALING", bloom.BFReserve("k", 0.01, 1000, bloom.NonScaling())),
		Sends("BF.ADD <k> a", bloom.BFAdd("k", "a")),
		Sends("BF.MADD <k> a 1", bloom.BFMAdd("k", both...)),
		Sends("BF.INSERT <k> ITEMS a 1", bloom.BFInsert("k", both)),
		Sends("BF.INSERT <k> CAPACITY 10 ERROR 0.5 EXPANSION 1 ITEMS a 1",
			bloom.BFInsert("k", both, bloom.Capacity(10), bloom.ErrorRate(0.5), bloom.Expansion(1))),
		Sends("BF.INSERT <k> NOCREATE NONSCALING ITEMS a 1", bloom.BFInsert("k", both, bloom.NoCreate(), bloom.NonScaling())),
		Sends("BF.EXISTS <k> a", bloom.BFExists("k", []byte("a"))),
		Sends("BF.MEXISTS <k> a 1", bloom.BFMExists("k", both...)),
		Sends("BF.CARD <k>", bloom.BFCard("k")),
		Sends("BF.INFO <k>", bloom.BFInfo("k")),
		Sends("BF.SCANDUMP <k> 0", bloom.BFScanDump("k", 0)),
		Sends("BF.LOADCHUNK <k> 1 data", bloom.BFLoadChunk("k", bloom.Chunk{Iterator: 1, Data: []byte("data")})),

		Sends("CF.RESERVE <k> 1000", bloom.CFReserve("k", 1000)),
		Sends("CF.RESERVE <k> 1000 BUCKETSIZE 2 MAXITERATIONS 20 EXPANSION 0",
			bloom.CFReserve("k", 1000, bloom.BucketSize(2), bloom.MaxIterations(20), bloom.Expansion(0))),
		Sends("CF.ADD <k> a", bloom.CFAdd("k", "a")),
		Sends("CF.ADDNX <k> a", bloom.CFAddNX("k", "a")),
		Sends("CF.INSERT <k> CAPACITY 10 ITEMS a 1", bloom.CFInsert("k", both, bloom.Capacity(10))),
		Sends("CF.INSERTNX <k> NOCREATE ITEMS a 1", bloom.CFInsertNX("k", both, bloom.NoCreate())),
		Sends("CF.EXISTS <k> a", bloom.CFExists("k", "a")),
		Sends("CF.MEXISTS <k> a 1", bloom.CFMExists("k", both...)),
		Sends("CF.COUNT <k> a", bloom.CFCount("k", "a")),
		Sends("CF.DEL <k> a", bloom.CFDel("k", "a")),
		Sends("CF.INFO <k>", bloom.CFInfo("k")),
		Sends("CF.SCANDUMP <k> 1", bloom.CFScanDump("k", 1)),
		Sends("CF.LOADCHUNK <k> 9 data", bloom.CFLoadChunk("k", bloom.Chunk{Iterator: 9, Data: []byte("data")})),

		Sends("CMS.INITBYDIM <k> 2000 5", bloom.CMSInitByDim("k", 2000, 5)),
		Sends("CMS.INITBYPROB <k> 0.001 0.01", bloom.CMSInitByProb("k", 0.001, 0.01)),
		Sends("CMS.INCRBY <k> a 5 1 0", bloom.CMSIncrBy("k", bloom.Increment{Item: "a", By: 5}, bloom.Increment{Item: 1})),
		Sends("CMS.QUERY <k> a 1", bloom.CMSQuery("k", both...)),
		Sends("CMS.MERGE <d> 2 <k> <l>", bloom.CMSMerge("d", keys)),
		Sends("CMS.MERGE <d> 2 <k> <l> WEIGHTS 1 -3", bloom.CMSMerge("d", keys, 1, -3)),
		Sends("CMS.INFO <k>", bloom.CMSInfo("k")),

		Sends("TOPK.RESERVE <k> 3", bloom.TopKReserve("k", 3)),
		Sends("TOPK.RESERVE <k> 3 50 5 0.9", bloom.TopKReserveSized("k", 3, size)),
		Sends("TOPK.ADD <k> a 1", bloom.TopKAdd("k", both...)),
		Sends("TOPK.INCRBY <k> a 100000", bloom.TopKIncrBy("k", bloom.Increment{Item: "a", By: 100000})),
		Sends("TOPK.QUERY <k> a 1", bloom.TopKQuery("k", both...)),
		Sends("TOPK.COUNT <k> a 1", bloom.TopKCount("k", both...)),
		Sends("TOPK.LIST <k>", bloom.TopKList("k")),
		Sends("TOPK.LIST <k> WITHCOUNT", bloom.TopKListWithCount("k")),
		Sends("TOPK.INFO <k>", bloom.TopKInfo("k")),

		Sends("TDIGEST.CREATE <k>", bloom.TDigestCreate("k")),
		Sends("TDIGEST.CREATE <k> COMPRESSION 500", bloom.TDigestCreate("k", bloom.Compression(500))),
		Sends("TDIGEST.RESET <k>", bloom.TDigestReset("k")),
		Sends("TDIGEST.ADD <k> 1.5 -2", bloom.TDigestAdd("k", 1.5, -2)),
		Sends("TDIGEST.MERGE <d> 2 <k> <l>", bloom.TDigestMerge("d", keys)),
		Sends("TDIGEST.MERGE <d> 1 <k> COMPRESSION 200 OVERRIDE",
			bloom.TDigestMerge("d", keys[:1], bloom.Compression(200), bloom.Override())),
		Sends("TDIGEST.MIN <k>", bloom.TDigestMin("k")),
		Sends("TDIGEST.MAX <k>", bloom.TDigestMax("k")),
		Sends("TDIGEST.QUANTILE <k> 0 0.5 1", bloom.TDigestQuantile("k", 0, 0.5, 1)),
		Sends("TDIGEST.CDF <k> 1 2.5", bloom.TDigestCDF("k", 1, 2.5)),
		Sends("TDIGEST.TRIMMED_MEAN <k> 0.1 0.9", bloom.TDigestTrimmedMean("k", 0.1, 0.9)),
		Sends("TDIGEST.RANK <k> 1 2", bloom.TDigestRank("k", 1, 2)),
		Sends("TDIGEST.REVRANK <k> 1 2", bloom.TDigestRevRank("k", 1, 2)),
		Sends("TDIGEST.BYRANK <k> 0 9", bloom.TDigestByRank("k", 0, 9)),
		Sends("TDIGEST.BYREVRANK <k> 0 9", bloom.TDigestByRevRank("k", 0, 9)),
		Sends("TDIGEST.INFO <k>", bloom.TDigestInfo("k")),
	}
}

func TestWire(t *testing.T) {
	Wire(t, sent()...)
	Writes(t, sent(),
		"BF.EXISTS", "BF.MEXISTS", "BF.CARD", "BF.INFO", "BF.SCANDUMP",
		"CF.EXISTS", "CF.MEXISTS", "CF.COUNT", "CF.INFO", "CF.SCANDUMP", "CMS.QUERY", "CMS.INFO",
		"TOPK.QUERY", "TOPK.COUNT", "TOPK.LIST", "TOPK.INFO",
		"TDIGEST.MIN", "TDIGEST.MAX", "TDIGEST.QUANTILE", "TDIGEST.CDF", "TDIGEST.TRIMMED_MEAN", "TDIGEST.RANK",
		"TDIGEST.REVRANK", "TDIGEST.BYRANK", "TDIGEST.BYREVRANK", "TDIGEST.INFO")
}

func TestRefused(t *testing.T) {
	one := []any{"a"}
	Refused(t, map[string]command.Request{
		"an error rate of 0":             bloom.BFReserve("k", 0, 10).Request(),
		"an error rate of 1":             bloom.BFReserve("k", 1, 10).Request(),
		"an error rate of NaN":           bloom.BFReserve("k", math.NaN(), 10).Request(),
		"a capacity of 0":                bloom.BFReserve("k", 0.1, 0).Request(),
		"a nil option":                   bloom.BFReserve("k", 0.1, 1, nil).Request(),
		"an expansion of 0":              bloom.BFReserve("k", 0.1, 1, bloom.Expansion(0)).Request(),
		"EXPANSION with NONSCALING":      bloom.BFReserve("k", 0.1, 1, bloom.Expansion(1), bloom.NonScaling()).Request(),
		"BF.MADD of nothing":             bloom.BFMAdd("k").Request(),
		"BF.ADD of nil":                  bloom.BFAdd("k", nil).Request(),
		"BF.MADD of a bool":              bloom.BFMAdd("k", true).Request(),
		"BF.INSERT of nothing":           bloom.BFInsert("k", nil).Request(),
		"NOCREATE with CAPACITY":         bloom.BFInsert("k", one, bloom.NoCreate(), bloom.Capacity(1)).Request(),
		"NOCREATE with ERROR":            bloom.BFInsert("k", one, bloom.ErrorRate(0.1), bloom.NoCreate()).Request(),
		"CAPACITY twice":                 bloom.BFInsert("k", one, bloom.Capacity(1), bloom.Capacity(2)).Request(),
		"an ERROR of 2":                  bloom.BFInsert("k", one, bloom.ErrorRate(2)).Request(),
		"BF.MEXISTS of nothing":          bloom.BFMExists("k").Request(),
		"a negative iterator":            bloom.BFScanDump("k", -1).Request(),
		"the last chunk":                 bloom.BFLoadChunk("k", bloom.Chunk{}).Request(),
		"CF: a capacity of 0":            bloom.CFReserve("k", 0).Request(),
		"CF: a bucket of 0":              bloom.CFReserve("k", 1, bloom.BucketSize(0)).Request(),
		"CF: a bucket of 256":            bloom.CFReserve("k", 1, bloom.BucketSize(256)).Request(),
		"CF: no iterations":              bloom.CFReserve("k", 1, bloom.MaxIterations(0)).Request(),
		"CF: a negative expansion":       bloom.CFReserve("k", 1, bloom.Expansion(-1)).Request(),
		"CF.INSERT of nothing":           bloom.CFInsert("k", nil).Request(),
		"CF: NOCREATE with CAPACITY":     bloom.CFInsertNX("k", one, bloom.NoCreate(), bloom.Capacity(1)).Request(),
		"CMS: no width":                  bloom.CMSInitByDim("k", 0, 1).Request(),
		"CMS: no depth":                  bloom.CMSInitByDim("k", 1, 0).Request(),
		"CMS: a probability of 1":        bloom.CMSInitByProb("k", 0.1, 1).Request(),
		"CMS.INCRBY of nothing":          bloom.CMSIncrBy("k").Request(),
		"CMS.INCRBY by less than 0":      bloom.CMSIncrBy("k", bloom.Increment{Item: "a", By: -1}).Request(),
		"CMS.MERGE of nothing":           bloom.CMSMerge("k", nil).Request(),
		"CMS.MERGE with too few weights": bloom.CMSMerge("k", []string{"a", "b"}, 1).Request(),
		"TOPK.RESERVE of 0":              bloom.TopKReserve("k", 0).Request(),
		"TOPK: no decay":                 bloom.TopKReserveSized("k", 1, bloom.TopKSize{Width: 1, Depth: 1}).Request(),
		"TOPK: a decay above 1":          bloom.TopKReserveSized("k", 1, bloom.TopKSize{Width: 1, Depth: 1, Decay: 2}).Request(),
		"TOPK: no width":                 bloom.TopKReserveSized("k", 1, bloom.TopKSize{Depth: 1, Decay: 1}).Request(),
		"TOPK.ADD of nothing":            bloom.TopKAdd("k").Request(),
		"TOPK.INCRBY by too much":        bloom.TopKIncrBy("k", bloom.Increment{Item: "a", By: 100001}).Request(),
		"a compression of 0":             bloom.TDigestCreate("k", bloom.Compression(0)).Request(),
		"TDIGEST.ADD of nothing":         bloom.TDigestAdd("k").Request(),
		"TDIGEST.ADD of infinity":        bloom.TDigestAdd("k", math.Inf(-1)).Request(),
		"TDIGEST.MERGE of nothing":       bloom.TDigestMerge("k", nil).Request(),
		"OVERRIDE twice":                 bloom.TDigestMerge("k", []string{"a"}, bloom.Override(), bloom.Override()).Request(),
		"no quantiles":                   bloom.TDigestQuantile("k").Request(),
		"a quantile above 1":             bloom.TDigestQuantile("k", 1.1).Request(),
		"a quantile of NaN":              bloom.TDigestQuantile("k", math.NaN()).Request(),
		"no numbers":                     bloom.TDigestCDF("k").Request(),
		"quantiles in the wrong order":   bloom.TDigestTrimmedMean("k", 0.9, 0.1).Request(),
		"no ranks":                       bloom.TDigestByRank("k").Request(),
		"a negative rank":                bloom.TDigestByRevRank("k", -1).Request(),
	})
}
