package timeseries_test

import (
	"math"
	"testing"
	"time"

	"github.com/redchan-go/redchan/redis/command"
	. "github.com/redchan-go/redchan/redis/module/internal/moduletest"
	ts "github.com/redchan-go/redchan/redis/module/timeseries"
)

var (
	at     = time.UnixMilli(1700000000500)
	later  = time.UnixMilli(1700000009000)
	always time.Time
	north  = []ts.Filter{ts.Equal("area", "north")}
)

// The words are those of the commands' pages in Redis' documentation, and of
// commands.json in the repository of RedisTimeSeries.
func sent() []Sent {
	hours := ts.Aggregate{By: ts.Avg, Bucket: time.Hour}
	return []Sent{
		Sends("TS.CREATE <k>", ts.Create("k")),
		Sends("TS.CREATE <k> RETENTION 86400000 ENCODING UNCOMPRESSED CHUNK_SIZE 4096 DUPLICATE_POLICY LAST IGNORE 1000 0.5 LABELS area north sensor 1",
			ts.Create("k", ts.Labels{"sensor": "1", "area": "north"}, ts.Retention(24*time.Hour), ts.Uncompressed,
				ts.ChunkSize(4096), ts.KeepLast, ts.Ignore{Time: time.Second, Value: 0.5})),
		Sends("TS.ALTER <k> RETENTION 0 CHUNK_SIZE 48 DUPLICATE_POLICY BLOCK IGNORE 0 0 LABELS",
			ts.Alter("k", ts.Retention(0), ts.ChunkSize(48), ts.KeepNone, ts.Ignore{}, ts.Labels{})),
		Sends("TS.ADD <k> * 21.5", ts.Add("k", always, 21.5)),
		Sends("TS.ADD <k> 1700000000500 -1 RETENTION 1 ENCODING COMPRESSED CHUNK_SIZE 128 DUPLICATE_POLICY MIN ON_DUPLICATE SUM IGNORE 1 0 LABELS a b",
			ts.Add("k", at, -1, ts.Retention(time.Millisecond), ts.Compressed, ts.ChunkSize(128), ts.KeepMin,
				ts.OnDuplicate(ts.KeepSum), ts.Ignore{Time: time.Millisecond}, ts.Labels{"a": "b"})),
		Sends("TS.MADD <k> 1700000000500 1 <l> * 2", ts.MAdd(
			ts.SeriesSample{Key: "k", Sample: ts.Sample{Time: at, Value: 1}}, ts.SeriesSample{Key: "l", Sample: ts.Sample{Value: 2}})),
		Sends("TS.INCRBY <k> 1.5", ts.IncrBy("k", 1.5)),
		Sends("TS.DECRBY <k> 2 TIMESTAMP 1700000000500 RETENTION 1000 ENCODING COMPRESSED CHUNK_SIZE 128 DUPLICATE_POLICY MAX IGNORE 0 1 LABELS a b",
			ts.DecrBy("k", 2, ts.At(at), ts.Retention(time.Second), ts.Compressed, ts.ChunkSize(128), ts.KeepMax,
				ts.Ignore{Value: 1}, ts.Labels{"a": "b"})),
		Sends("TS.INCRBY <k> 2 TIMESTAMP *", ts.IncrBy("k", 2, ts.At{})),
		Sends("TS.DEL <k> 1700000000500 1700000009000", ts.Del("k", at, later)),
		Sends("TS.DEL <k> - +", ts.Del("k", always, always)),
		Sends("TS.CREATERULE <k> <l> AGGREGATION TWA 60000", ts.CreateRule("k", "l", ts.TWA, time.Minute)),
		Sends("TS.CREATERULE <k> <l> AGGREGATION STD.P 60000 1700000000500", ts.CreateRuleAligned("k", "l", ts.StdP, time.Minute, at)),
		Sends("TS.DELETERULE <k> <l>", ts.DeleteRule("k", "l")),
		Sends("TS.INFO <k>", ts.Info("k")),
		Sends("TS.GET <k>", ts.Get("k")),
		Sends("TS.GET <k> LATEST", ts.Get("k", ts.Latest())),
		Sends("TS.RANGE <k> - +", ts.Range("k", always, always)),
		Sends("TS.RANGE <k> 1700000000500 + LATEST FILTER_BY_TS 1700000000500 1700000009000 FILTER_BY_VALUE -1 2.5 COUNT 10 ALIGN start AGGREGATION AVG 3600000 BUCKETTIMESTAMP ~ EMPTY",
			ts.Range("k", at, always, ts.Latest(), ts.FilterByTime{at, later}, ts.FilterByValue{Min: -1, Max: 2.5}, ts.Count(10),
				ts.Aggregate{By: ts.Avg, Bucket: time.Hour, Align: ts.AlignStart(), At: ts.BucketMid, Empty: true})),
		Sends("TS.REVRANGE <k> - 1700000009000 ALIGN end AGGREGATION COUNT 1 BUCKETTIMESTAMP +",
			ts.RevRange("k", always, later, ts.Aggregate{By: ts.Number, Bucket: time.Millisecond, Align: ts.AlignEnd(), At: ts.BucketEnd})),
		Sends("TS.RANGE <k> - + ALIGN 1700000000500 AGGREGATION RANGE 1000 BUCKETTIMESTAMP -",
			ts.Range("k", always, always, ts.Aggregate{By: ts.Spread, Bucket: time.Second, Align: ts.AlignAt(at), At: ts.BucketStart})),
		Sends("TS.QUERYINDEX area=north kind!=(a,b) unit!= old=",
			ts.QueryIndex(ts.Equal("area", "north"), ts.NotEqual("kind", "a", "b"), ts.Has("unit"), ts.HasNot("old"))),
		Sends("TS.MGET FILTER area=north", ts.MGet(north)),
		Sends("TS.MGET LATEST WITHLABELS FILTER area=north", ts.MGet(north, ts.Latest(), ts.WithLabels())),
		Sends("TS.MGET SELECTED_LABELS area unit FILTER area=north", ts.MGet(north, ts.SelectedLabels{"area", "unit"})),
		Sends("TS.MRANGE - + FILTER area=north", ts.MRange(always, always, north)),
		Sends("TS.MRANGE 1700000000500 1700000009000 LATEST FILTER_BY_TS 1700000000500 FILTER_BY_VALUE 0 1 WITHLABELS COUNT 3 AGGREGATION AVG 3600000 FILTER area=north GROUPBY area REDUCE MAX",
			ts.MRange(at, later, north, ts.GroupBy{Label: "area", Reduce: ts.Max}, ts.Latest(), ts.FilterByTime{at},
				ts.FilterByValue{Max: 1}, ts.WithLabels(), ts.Count(3), hours)),
		Sends("TS.MREVRANGE - + SELECTED_LABELS unit FILTER area=(n,s)",
			ts.MRevRange(always, always, []ts.Filter{ts.Equal("area", "n", "s")}, ts.SelectedLabels{"unit"})),
	}
}

func TestWire(t *testing.T) {
	Wire(t, sent()...)
	Writes(t, sent(), "TS.INFO", "TS.GET", "TS.RANGE", "TS.REVRANGE", "TS.QUERYINDEX", "TS.MGET", "TS.MRANGE", "TS.MREVRANGE")
}

func TestRefused(t *testing.T) {
	old := time.UnixMilli(-1)
	hours := ts.Aggregate{By: ts.Avg, Bucket: time.Hour}
	none := []ts.Filter{}
	Refused(t, map[string]command.Request{
		"a time before 1970":             ts.Add("k", old, 1).Request(),
		"a value of NaN":                 ts.Add("k", at, math.NaN()).Request(),
		"a negative retention":           ts.Create("k", ts.Retention(-1)).Request(),
		"a retention too short":          ts.Alter("k", ts.Retention(1)).Request(),
		"an unknown encoding":            ts.Create("k", ts.Encoding("ZIP")).Request(),
		"a chunk that is no multiple":    ts.Create("k", ts.ChunkSize(100)).Request(),
		"a chunk that is too small":      ts.Create("k", ts.ChunkSize(40)).Request(),
		"an unknown policy":              ts.Create("k", ts.DuplicatePolicy("")).Request(),
		"an unknown policy for one":      ts.Add("k", at, 1, ts.OnDuplicate("first")).Request(),
		"IGNORE below 0":                 ts.Create("k", ts.Ignore{Value: -1}).Request(),
		"IGNORE of the past":             ts.Create("k", ts.Ignore{Time: -time.Second}).Request(),
		"a label without a value":        ts.Create("k", ts.Labels{"a": ""}).Request(),
		"two retentions":                 ts.Create("k", ts.Retention(0), ts.Retention(0)).Request(),
		"a nil option":                   ts.Create("k", nil).Request(),
		"MADD of nothing":                ts.MAdd().Request(),
		"MADD of infinity":               ts.MAdd(ts.SeriesSample{Key: "k", Sample: ts.Sample{Value: math.Inf(1)}}).Request(),
		"INCRBY of NaN":                  ts.IncrBy("k", math.NaN()).Request(),
		"INCRBY before 1970":             ts.IncrBy("k", 1, ts.At(old)).Request(),
		"DEL from before 1970":           ts.Del("k", old, always).Request(),
		"a rule of no aggregation":       ts.CreateRule("k", "l", "", time.Hour).Request(),
		"a rule without a bucket":        ts.CreateRule("k", "l", ts.Avg, 0).Request(),
		"a range before 1970":            ts.Range("k", always, old).Request(),
		"no times":                       ts.Range("k", always, always, ts.FilterByTime{}).Request(),
		"a zero time":                    ts.Range("k", always, always, ts.FilterByTime{always}).Request(),
		"a filter by NaN":                ts.Range("k", always, always, ts.FilterByValue{Min: math.NaN()}).Request(),
		"a count of 0":                   ts.Range("k", always, always, ts.Count(0)).Request(),
		"two aggregations":               ts.Range("k", always, always, hours, hours).Request(),
		"no aggregation":                 ts.Range("k", always, always, ts.Aggregate{Bucket: time.Hour}).Request(),
		"a bucket too short":             ts.Range("k", always, always, ts.Aggregate{By: ts.Avg, Bucket: 1}).Request(),
		"an unknown time of a bucket":    ts.Range("k", always, always, ts.Aggregate{By: ts.Avg, Bucket: time.Hour, At: "mid"}).Request(),
		"aligned to no begin":            ts.Range("k", always, later, ts.Aggregate{By: ts.Avg, Bucket: time.Hour, Align: ts.AlignStart()}).Request(),
		"aligned to no end":              ts.MRange(at, always, north, ts.Aggregate{By: ts.Avg, Bucket: time.Hour, Align: ts.AlignEnd()}).Request(),
		"no filters":                     ts.QueryIndex().Request(),
		"MGET without filters":           ts.MGet(none).Request(),
		"MRANGE without filters":         ts.MRange(always, always, none).Request(),
		"a filter that is none":          ts.QueryIndex("area").Request(),
		"a filter of no values":          ts.QueryIndex(ts.Equal("area")).Request(),
		"a filter of an empty value":     ts.QueryIndex(ts.Equal("area", "")).Request(),
		"a filter of a list in a list":   ts.QueryIndex(ts.NotEqual("area", "a,b", "c")).Request(),
		"a filter of a label with =":     ts.QueryIndex(ts.Has("a=b")).Request(),
		"a filter of a value with =":     ts.QueryIndex(ts.Equal("url", "/?a=b")).Request(),
		"a filter of a list with =":      ts.QueryIndex(ts.Equal("url", "/", "/?a=b")).Request(),
		"a filter that becomes !=":       ts.QueryIndex(ts.Equal("url", "a!=b")).Request(),
		"a filter of not a value with !": ts.QueryIndex(ts.NotEqual("say", "hello!")).Request(),
		"labels in two ways":             ts.MGet(north, ts.WithLabels(), ts.SelectedLabels{"a"}).Request(),
		"no labels selected":             ts.MGet(north, ts.SelectedLabels{}).Request(),
		"a group by nothing":             ts.MRange(always, always, north, ts.GroupBy{Reduce: ts.Max}).Request(),
		"a group with no reducer":        ts.MRange(always, always, north, ts.GroupBy{Label: "a"}).Request(),
		"a group by TWA":                 ts.MRange(always, always, north, ts.GroupBy{Label: "a", Reduce: ts.TWA}).Request(),
		"a nil option of MRANGE":         ts.MRange(always, always, north, nil).Request(),
	})
}
