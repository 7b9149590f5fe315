package search_test

import (
	"math"
	"testing"
	"time"

	"github.com/redchan-go/redchan/redis/command"
	. "github.com/redchan-go/redchan/redis/module/internal/moduletest"
	"github.com/redchan-go/redchan/redis/module/search"
)

var title = []search.Field{search.Text{Name: "title"}}

// The words are those of the commands' pages in Redis' documentation, and of
// commands.json in the repository of RediSearch.
func sent() []Sent {
	return append(sentQueries(),
		Sends("FT.CREATE i SCHEMA title TEXT", search.Create("i", title)),
		Sends("FT.CREATE i ON HASH PREFIX 2 a: b: FILTER @x>1 LANGUAGE german SCORE 0.5 STOPWORDS 1 the TEMPORARY 60 NOOFFSETS NOHL NOFIELDS NOFREQS SKIPINITIALSCAN SCHEMA title TEXT",
			search.Create("i", title, search.OnHash(), search.Prefix{"a:", "b:"}, search.Filter("@x>1"), search.Language("german"),
				search.Score(0.5), search.StopWords{"the"}, search.Temporary(time.Minute), search.WithoutOffsets,
				search.WithoutHighlights, search.WithoutFields, search.WithoutFreqs, search.SkipInitialScan())),
		Sends("FT.CREATE i STOPWORDS 0 SCHEMA title TEXT", search.Create("i", title, search.StopWords{})),
		Sends("FT.CREATE i ON JSON SCHEMA $.t AS t TEXT WEIGHT 2.5 PHONETIC dm:en NOSTEM WITHSUFFIXTRIE INDEXEMPTY INDEXMISSING SORTABLE UNF NOINDEX "+
			"$.g TAG SEPARATOR ; CASESENSITIVE WITHSUFFIXTRIE SORTABLE $.n AS n NUMERIC SORTABLE $.p GEO INDEXMISSING",
			search.Create("i", []search.Field{
				search.Text{
					Name: "$.t", As: "t", Weight: 2.5, Phonetic: "dm:en", Flags: search.Sortable | search.UNF | search.NoIndex |
						search.NoStem | search.WithSuffixTrie | search.IndexEmpty | search.IndexMissing,
				},
				search.Tag{Name: "$.g", Separator: ";", Flags: search.CaseSensitive | search.WithSuffixTrie | search.Sortable},
				search.Numeric{Name: "$.n", As: "n", Flags: search.Sortable},
				search.Geo{Name: "$.p", Flags: search.IndexMissing},
			}, search.OnJSON())),
		Sends("FT.CREATE i SCHEMA v VECTOR FLAT 6 TYPE FLOAT32 DIM 128 DISTANCE_METRIC L2 "+
			"w AS x VECTOR HNSW 16 TYPE FLOAT64 DIM 3 DISTANCE_METRIC COSINE INITIAL_CAP 5 M 40 EF_CONSTRUCTION 250 EF_RUNTIME 20 EPSILON 0.5 INDEXMISSING",
			search.Create("i", []search.Field{
				search.Vector{Name: "v", Algorithm: search.Flat, Type: search.Float32, Dim: 128, Metric: search.L2},
				search.Vector{
					Name: "w", As: "x", Algorithm: search.HNSW, Type: search.Float64, Dim: 3, Metric: search.Cosine, InitialCap: 5,
					M: 40, EFConstruction: 250, EFRuntime: 20, Epsilon: 0.5, Flags: search.IndexMissing,
				},
			})),
		Sends("FT.CREATE i SCHEMA v VECTOR FLAT 8 TYPE INT8 DIM 1 DISTANCE_METRIC IP BLOCK_SIZE 9", search.Create("i", []search.Field{
			search.Vector{Name: "v", Algorithm: search.Flat, Type: search.Int8, Dim: 1, Metric: search.IP, BlockSize: 9},
		})),
		Sends("FT.ALTER i SCHEMA ADD title TEXT", search.Alter("i", title)),
		Sends("FT.ALTER i SKIPINITIALSCAN SCHEMA ADD title TEXT", search.Alter("i", title, search.SkipInitialScan())),
		Sends("FT.DROPINDEX i", search.DropIndex("i")),
		Sends("FT.DROPINDEX i DD", search.DropIndexAndDocuments("i")),
		Sends("FT._LIST", search.List()),
		Sends("FT.INFO i", search.Info("i")),
		Sends("FT.ALIASADD a i", search.AliasAdd("a", "i")),
		Sends("FT.ALIASUPDATE a i", search.AliasUpdate("a", "i")),
		Sends("FT.ALIASDEL a", search.AliasDel("a")),
		Sends("FT.TAGVALS i f", search.TagVals("i", "f")),
		Sends("FT.DICTADD d a b", search.DictAdd("d", "a", "b")),
		Sends("FT.DICTDEL d a", search.DictDel("d", "a")),
		Sends("FT.DICTDUMP d", search.DictDump("d")),
		Sends("FT.SUGADD <k> hello 1.5", search.SugAdd("k", "hello", 1.5)),
		Sends("FT.SUGADD <k> hello 1 INCR PAYLOAD p", search.SugAdd("k", "hello", 1, search.Increment(), search.Payload("p"))),
		Sends("FT.SUGGET <k> he", search.SugGet("k", "he")),
		Sends("FT.SUGGET <k> he FUZZY MAX 3", search.SugGet("k", "he", search.Fuzzy(), search.Max(3))),
		Sends("FT.SUGGET <k> he MAX 3 WITHSCORES WITHPAYLOADS", search.SugGetFull("k", "he", search.Max(3))),
		Sends("FT.SUGDEL <k> hello", search.SugDel("k", "hello")),
		Sends("FT.SUGLEN <k>", search.SugLen("k")),
	)
}

func sentQueries() []Sent {
	return []Sent{
		Sends("FT.SEARCH i *", search.Search("i", "*")),
		Sends("FT.SEARCH i @v:$b NOCONTENT VERBATIM WITHSCORES INKEYS 2 a b INFIELDS 1 f RETURN 2 f g SORTBY f DESC LIMIT 10 5 PARAMS 4 b abcd n 3 DIALECT 2 TIMEOUT 500 LANGUAGE german SCORER BM25",
			search.Search("i", "@v:$b", search.NoContent(), search.Verbatim(), search.WithScores(), search.InKeys{"a", "b"},
				search.InFields{"f"}, search.Return{"f", "g"}, search.SortBy{Field: "f", Order: command.Desc}, search.Limit{Offset: 10, Count: 5},
				search.Params{"n": 3, "b": []byte("abcd")}, search.Dialect(2), search.Timeout(500*time.Millisecond),
				search.Language("german"), search.Scorer("BM25"))),
		Sends("FT.SEARCH i * RETURN 4 $.a AS a b SORTBY a ASC LIMIT 0 0", search.Search("i", "*",
			search.ReturnAs{{Field: "$.a", As: "a"}, {Field: "b"}}, search.SortBy{Field: "a"}, search.Limit{})),
		Sends("FT.EXPLAIN i *", search.Explain("i", "*")),
		Sends("FT.EXPLAIN i * DIALECT 3", search.Explain("i", "*", search.Dialect(3))),
		Sends("FT.AGGREGATE i *", search.Aggregate("i", "*")),
		Sends("FT.AGGREGATE i * VERBATIM LOAD 2 @a @b LOAD 4 $.c AS c @d GROUPBY 2 @a @b REDUCE COUNT 0 AS n REDUCE SUM 1 @c "+
			"SORTBY 4 @n DESC @a ASC MAX 10 APPLY @n*2 AS m FILTER @m>3 GROUPBY 0 REDUCE AVG 1 @m FILTER @x>1 LIMIT 0 5 LIMIT 1 2 PARAMS 2 p v DIALECT 2 TIMEOUT 1",
			search.Aggregate("i", "*", search.Verbatim(), search.Load{"a", "@b"}, search.LoadAs{{Field: "$.c", As: "c"}, {Field: "d"}},
				search.GroupBy{By: []string{"a", "@b"}, Reduce: []search.Reducer{search.Count().As("n"), search.Sum("c")}},
				search.Sort{By: []search.SortBy{{Field: "n", Order: command.Desc}, {Field: "a"}}, Max: 10},
				search.Apply{Expression: "@n*2", As: "m"}, search.Filter("@m>3"),
				search.GroupBy{Reduce: []search.Reducer{search.Avg("m")}}, search.Filter("@x>1"),
				search.Limit{Count: 5}, search.Limit{Offset: 1, Count: 2}, search.Params{"p": "v"}, search.Dialect(2), search.Timeout(time.Millisecond))),
		Sends("FT.AGGREGATE i * LOAD * GROUPBY 1 @a REDUCE COUNT_DISTINCT 1 @b REDUCE COUNT_DISTINCTISH 1 @b REDUCE MIN 1 @b REDUCE MAX 1 @b REDUCE STDDEV 1 @b "+
			"REDUCE QUANTILE 2 @b 0.5 REDUCE TOLIST 1 @b AS l REDUCE FIRST_VALUE 1 @b REDUCE FIRST_VALUE 4 @b BY @c DESC REDUCE RANDOM_SAMPLE 2 @b 3",
			search.Aggregate("i", "*", search.LoadAll(), search.GroupBy{By: []string{"a"}, Reduce: []search.Reducer{
				search.CountDistinct("b"), search.CountDistinctish("b"), search.Smallest("b"), search.Largest("b"), search.StdDev("b"),
				search.Quantile("b", 0.5), search.ToList("b").As("l"), search.FirstValue("b"),
				search.FirstValueBy("b", "c", command.Desc), search.RandomSample("b", 3),
			}})),
	}
}

// An aggregation with a cursor counts as writing: its cursor goes on.
func TestWire(t *testing.T) {
	Wire(t, sent()...)
	Writes(t, sent(), "FT._LIST", "FT.INFO", "FT.TAGVALS", "FT.DICTDUMP", "FT.SUGGET", "FT.SUGLEN", "FT.SEARCH", "FT.EXPLAIN", "FT.AGGREGATE")
	paged := []Sent{
		Sends("FT.AGGREGATE i * LOAD 1 @a WITHCURSOR COUNT 100", search.AggregatePaged("i", "*", 100, 0, search.Load{"a"})),
		Sends("FT.AGGREGATE i * WITHCURSOR COUNT 1 MAXIDLE 1500", search.AggregatePaged("i", "*", 1, 1500*time.Millisecond)),
		Sends("FT.CURSOR READ i 42", search.CursorRead("i", 42)),
		Sends("FT.CURSOR DEL i 42", search.CursorDel("i", 42)),
	}
	Wire(t, paged...)
	Writes(t, paged)
}

func TestVectors(t *testing.T) {
	if got := string(search.Float32s([]float32{1, -2})); got != "\x00\x00\x80\x3f\x00\x00\x00\xc0" {
		t.Errorf("Float32s: %x", got)
	}
	if got := string(search.Float64s([]float64{1})); got != "\x00\x00\x00\x00\x00\x00\xf0\x3f" {
		t.Errorf("Float64s: %x", got)
	}
}

func TestRefused(t *testing.T) {
	field := func(f search.Field) command.Request { return search.Create("i", []search.Field{f}).Request() }
	vector := func(change func(*search.Vector)) command.Request {
		v := search.Vector{Name: "v", Algorithm: search.HNSW, Type: search.Float32, Dim: 1, Metric: search.L2}
		change(&v)
		return field(v)
	}
	step := func(s search.AggregateOption) command.Request { return search.Aggregate("i", "*", s).Request() }
	reduce := func(r search.Reducer) command.Request { return step(search.GroupBy{Reduce: []search.Reducer{r}}) }
	option := func(o search.QueryOption) command.Request { return search.Search("i", "*", o).Request() }
	create := func(o search.CreateOption) command.Request { return search.Create("i", title, o).Request() }
	Refused(t, map[string]command.Request{
		"no name of an index":         search.Create("", title).Request(),
		"no fields":                   search.Create("i", nil).Request(),
		"a nil field":                 field(nil),
		"a field without a name":      field(search.Numeric{}),
		"a negative weight":           field(search.Text{Name: "t", Weight: -1}),
		"a weight of NaN":             field(search.Text{Name: "t", Weight: math.NaN()}),
		"a long separator":            field(search.Tag{Name: "t", Separator: ", "}),
		"UNF without SORTABLE":        field(search.Tag{Name: "t", Flags: search.UNF}),
		"NOSTEM of a tag":             field(search.Tag{Name: "t", Flags: search.NoStem}),
		"CASESENSITIVE of a text":     field(search.Text{Name: "t", Flags: search.CaseSensitive}),
		"INDEXEMPTY of a number":      field(search.Numeric{Name: "t", Flags: search.IndexEmpty}),
		"NOSTEM of a place":           field(search.Geo{Name: "t", Flags: search.NoStem}),
		"SORTABLE of a vector":        vector(func(v *search.Vector) { v.Flags = search.Sortable }),
		"no algorithm":                vector(func(v *search.Vector) { v.Algorithm = "" }),
		"no type":                     vector(func(v *search.Vector) { v.Type = "FLOAT" }),
		"no metric":                   vector(func(v *search.Vector) { v.Metric = "" }),
		"no dimensions":               vector(func(v *search.Vector) { v.Dim = 0 }),
		"a negative M":                vector(func(v *search.Vector) { v.M = -1 }),
		"a negative EPSILON":          vector(func(v *search.Vector) { v.Epsilon = -1 }),
		"BLOCK_SIZE of HNSW":          vector(func(v *search.Vector) { v.BlockSize = 1 }),
		"M of FLAT":                   vector(func(v *search.Vector) { v.Algorithm, v.M = search.Flat, 1 }),
		"no prefixes":                 create(search.Prefix{}),
		"an empty filter":             create(search.Filter("")),
		"a score above 1":             create(search.Score(2)),
		"half a second":               create(search.Temporary(time.Second / 2)),
		"without nonsense":            create(search.Without("NOTHING")),
		"a nil option":                create(nil),
		"HASH and JSON":               search.Create("i", title, search.OnHash(), search.OnJSON()).Request(),
		"ALTER without fields":        search.Alter("i", nil).Request(),
		"an empty alias":              search.AliasAdd("", "i").Request(),
		"no field":                    search.TagVals("i", "").Request(),
		"no terms":                    search.DictAdd("d").Request(),
		"no terms to take out":        search.DictDel("d").Request(),
		"no dictionary":               search.DictDump("").Request(),
		"a score of infinity":         search.SugAdd("k", "a", math.Inf(1)).Request(),
		"a MAX of 0":                  search.SugGet("k", "a", search.Max(0)).Request(),
		"no keys":                     option(search.InKeys{}),
		"no fields to look at":        option(search.InFields{}),
		"nothing to return":           option(search.Return{}),
		"nothing to return as":        option(search.ReturnAs{}),
		"nothing to sort by":          option(search.SortBy{}),
		"a negative offset":           option(search.Limit{Offset: -1}),
		"a negative count":            option(search.Limit{Count: -1}),
		"no parameters":               option(search.Params{}),
		"a parameter that is a slice": option(search.Params{"v": []float32{1}}),
		"dialect 0":                   option(search.Dialect(0)),
		"dialect 5":                   search.Explain("i", "*", search.Dialect(5)).Request(),
		"a timeout of 0":              option(search.Timeout(0)),
		"RETURN twice":                search.Search("i", "*", search.Return{"a"}, search.ReturnAs{{Field: "b"}}).Request(),
		"LIMIT twice":                 search.Search("i", "*", search.Limit{}, search.Limit{}).Request(),
		"nothing to load":             step(search.Load{}),
		"an empty property":           step(search.Load{"@"}),
		"a group by nothing":          step(search.GroupBy{By: []string{""}}),
		"an empty reducer":            reduce(search.Reducer{}),
		"a reducer of nothing":        reduce(search.Sum("")),
		"a quantile above 1":          reduce(search.Quantile("a", 2)),
		"a sample of 0":               reduce(search.RandomSample("a", 0)),
		"a first value by nothing":    reduce(search.FirstValueBy("a", "", command.Asc)),
		"nothing to sort rows by":     step(search.Sort{}),
		"a negative MAX":              step(search.Sort{By: []search.SortBy{{Field: "a"}}, Max: -1}),
		"APPLY without a name":        step(search.Apply{Expression: "1"}),
		"APPLY of nothing":            step(search.Apply{As: "a"}),
		"an empty filter of rows":     step(search.Filter("")),
		"a nil step":                  step(nil),
		"pages of 0":                  search.AggregatePaged("i", "*", 0, 0).Request(),
		"a negative idle time":        search.AggregatePaged("i", "*", 1, -1).Request(),
		"the end of a cursor":         search.CursorRead("i", 0).Request(),
	})
}
