package timeseries_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/redchan-go/redchan/redis/command"
	. "github.com/redchan-go/redchan/redis/module/internal/moduletest"
	ts "github.com/redchan-go/redchan/redis/module/timeseries"
)

// sample is a sample as the module writes it: the value is a simple string in RESP2 and a
// double in RESP3, by ReplyWithSample of src/reply.c in RedisTimeSeries.
func sample(ms int64, value string) (resp2, resp3 string) {
	return Array(Int(ms), Simple(value)), Array(Int(ms), Double(value))
}

// The replies are those of src/reply.c and src/module.c in RedisTimeSeries, with what its
// tests expect: tests/flow/test_ts_mrange.py, test_ts_mrange_groupby.py, test_ts_mget.py
// and others for RESP2, test_ts_resp3.py for RESP3.
func TestReplies(t *testing.T) {
	first2, first3 := sample(1, "2")
	second2, second3 := sample(1000, "5.5")
	samples := []ts.Sample{{Time: time.UnixMilli(1), Value: 2}, {Time: time.UnixMilli(1000), Value: 5.5}}
	list2, list3 := Array(first2, second2), Array(first3, second3)
	const wrong = "TSDB: the key does not exist"

	Replies(t,
		Reply(ts.Create("k"), struct{}{}, OK, OK),
		Reply(ts.Alter("k"), struct{}{}, OK, OK),
		Reply(ts.Add("k", at, 1), at, Int(1700000000500), Int(1700000000500)),
		Reply(ts.IncrBy("k", 1), at, Int(1700000000500), Int(1700000000500)),
		Reply(ts.DecrBy("k", 1), at, Int(1700000000500), Int(1700000000500)),
		Reply(ts.Del("k", always, always), 3, Int(3), Int(3)),
		Reply(ts.CreateRule("k", "l", ts.Avg, time.Hour), struct{}{}, OK, OK),
		Reply(ts.DeleteRule("k", "l"), struct{}{}, OK, OK),
		Failed(ts.Get("k"), ts.Sample{}, "ERR "+wrong, Error("ERR "+wrong), Error("ERR "+wrong)),
		Reply(ts.Get("k"), samples[1], second2, second3),
		Missing(ts.Get("k"), Array(), Array()),
		Reply(ts.Range("k", always, always), samples, list2, list3),
		Reply(ts.RevRange("k", always, always), []ts.Sample{}, Array(), Array()),
		Reply(ts.QueryIndex(north...), []string{"a", "b"}, Bulks("a", "b"), Set(Bulk("a"), Bulk("b"))),

		Reply(ts.MGet(north), []ts.LastSample{
			{Key: "a", Labels: map[string]string{"area": "north"}, Sample: command.Optional[ts.Sample]{Value: samples[0], Present: true}},
			{Key: "b", Labels: map[string]string{}},
		},
			Array(Array(Bulk("a"), Array(Bulks("area", "north"), Array(Bulk("unit"), NoBulk)), first2), Array(Bulk("b"), Array(), Array())),
			Map(Bulk("a"), Array(Map(Bulk("area"), Bulk("north"), Bulk("unit"), Null), first3), Bulk("b"), Array(Map(), Array()))),
		Reply(ts.MGet(north), nil, Array(), Map()),

		// Aggregations are told in RESP3 only.
		Reply(ts.MRange(always, always, north), []ts.Series{
			{Key: "a", Labels: map[string]string{}, Samples: samples},
			{Key: "b", Labels: map[string]string{"area": "north"}, Samples: []ts.Sample{}},
		},
			Array(Array(Bulk("a"), Array(), list2), Array(Bulk("b"), Array(Bulks("area", "north")), Array())),
			Map(Bulk("a"), Array(Map(), list3), Bulk("b"), Array(Map(Bulk("area"), Bulk("north")), Array()))),
		Reply(ts.MRange(always, always, north), nil, Array(), Map()),
		Reply(ts.MRevRange(always, always, north), []ts.Series{{
			Key: "name=bush", Labels: map[string]string{"name": "bush"},
			Reducers: []string{"count"}, Sources: []string{"t3", "t4"}, Samples: samples,
		}},
			Array(Array(Bulk("name=bush"), Array(Bulks("name", "bush"), Bulks("__reducer__", "count"), Bulks("__source__", "t3,t4")), list2)),
			Map(Bulk("name=bush"), Array(Map(Bulk("name"), Bulk("bush")), Map(Bulk("reducers"), Bulks("count")),
				Map(Bulk("sources"), Bulks("t3", "t4")), list3))),
	)
}

// What RESP3 has and RESP2 has not.
func TestAggregators(t *testing.T) {
	_, one := sample(1, "2")
	reply := Map(Bulk("a"), Array(Map(), Map(Bulk("aggregators"), Bulks("avg"), Bulk("new"), Int(1)), Array(one)))
	got, err := ts.MRange(always, always, north).Do(t.Context(), Answers(reply))
	want := []ts.Series{{
		Key: "a", Labels: map[string]string{}, Aggregations: []string{"avg"},
		Samples: []ts.Sample{{Time: time.UnixMilli(1), Value: 2}},
	}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// Each sample of MADD has an error of its own.
func TestMAdd(t *testing.T) {
	const wrong = "ERR TSDB: the key is not a TSDB key"
	got, err := ts.MAdd(ts.SeriesSample{Key: "k"}, ts.SeriesSample{Key: "l"}).Do(t.Context(), Answers(Array(Int(7), Error(wrong))))
	if err != nil || len(got) != 2 || !got[0].Time.Equal(time.UnixMilli(7)) || got[0].Err != nil ||
		got[1].Err == nil || !strings.Contains(got[1].Err.Error(), wrong) {
		t.Errorf("%v, %v", got, err)
	}
}

// A sample can be NaN, since Redis 8.6.
func TestNaN(t *testing.T) {
	for _, value := range []string{Simple("NaN"), Simple("nan"), Double("nan")} {
		got, err := ts.Get("k").Do(t.Context(), Answers(Array(Int(1), value)))
		if err != nil || !math.IsNaN(got.Value) {
			t.Errorf("%q: %v, %v", value, got, err)
		}
	}
}

// The fields are those of TSDB_info in src/module.c and of test_ts_resp3.py.
func TestInfo(t *testing.T) {
	fields := func(source, policy, labels, rules, ignore string) []string {
		return []string{
			Simple("totalSamples"), Int(1000), Simple("memoryUsage"), Int(4321),
			Simple("firstTimestamp"), Int(1), Simple("lastTimestamp"), Int(1000), Simple("retentionTime"), Int(60000),
			Simple("chunkCount"), Int(2), Simple("chunkSize"), Int(128), Simple("chunkType"), Simple("compressed"),
			Simple("duplicatePolicy"), policy, Simple("labels"), labels, Simple("sourceKey"), source, Simple("rules"), rules,
			Simple("ignoreMaxTimeDiff"), Int(10), Simple("ignoreMaxValDiff"), ignore, Simple("newer"), Array(Int(1)),
		}
	}
	want := ts.Stats{
		Samples: 1000, MemoryUsage: 4321, First: time.UnixMilli(1), Last: time.UnixMilli(1000), Retention: time.Minute,
		Chunks: 2, ChunkSize: 128, Encoding: ts.Compressed, Duplicates: ts.KeepLast, Labels: map[string]string{"name": "mush"},
		Rules:  []ts.Rule{{Destination: "t2", Bucket: 10 * time.Millisecond, By: ts.Number, Align: time.UnixMilli(0)}},
		Ignore: ts.Ignore{Time: 10 * time.Millisecond, Value: 0.5},
	}
	bare := want
	bare.Duplicates, bare.Source, bare.Labels, bare.Rules = "", "t0", map[string]string{}, nil
	Replies(t,
		Reply(ts.Info("k"), want,
			Array(fields(NoBulk, Simple("last"), Array(Bulks("name", "mush")), Array(Array(Bulk("t2"), Int(10), Simple("COUNT"), Int(0))), Bulk("0.5"))...),
			Map(fields(Null, Simple("last"), Map(Bulk("name"), Bulk("mush")), Map(Bulk("t2"), Array(Int(10), Simple("COUNT"), Int(0))), Double("0.5"))...)),
		Reply(ts.Info("k"), bare,
			Array(fields(Bulk("t0"), NoBulk, Array(), Array(), Bulk("0.5"))...),
			Map(fields(Bulk("t0"), Null, Map(), Map(), Double("0.5"))...)),
	)
}

func TestUnfit(t *testing.T) {
	var cases []Case
	cases = append(cases, Unfit(ts.Add("k", at, 1), Bulk("a"), Array())...)
	cases = append(cases, Unfit(ts.Get("k"), Int(1), Ints(1), Array(Int(1), Bulk("a")), Array(Bulk("a"), Int(1)))...)
	cases = append(cases, Unfit(ts.Range("k", always, always), Int(1), Ints(1, 2), Array(Ints(1)))...)
	cases = append(cases, Unfit(ts.MAdd(ts.SeriesSample{Key: "k"}), Int(1), Bulks("a"))...)
	cases = append(cases, Unfit(ts.MGet(north), Int(1), Array(Int(1)), Array(Array()), Array(Bulks("a", "b")), Array(Array(Bulk("a"), Int(1), Array())))...)
	cases = append(cases, Unfit(ts.MRange(always, always, north), Int(1), Array(Array(Bulk("a"), Array())), Array(Array(Bulk("a"), Array(), Int(1), Array())))...)
	cases = append(cases, Unfit(ts.Info("k"), Int(1), Array(Simple("rules"), Int(1)), Array(Simple("rules"), Array(Int(1))), Array(Simple("labels"), Int(1)))...)
	Replies(t, cases...)
}
