package search_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/redchan-go/redchan/redis/command"
	. "github.com/redchan-go/redchan/redis/module/internal/moduletest"
	"github.com/redchan-go/redchan/redis/module/search"
)

// bulkMap is a map of texts, and the flat array that RESP2 has in its place.
func bulkMap(texts ...string) (resp2, resp3 string) {
	var elems []string
	for _, s := range texts {
		elems = append(elems, Bulk(s))
	}
	return Array(elems...), Map(elems...)
}

// results is what RESP3 has around documents and rows.
func results(total int64, warning string, list ...string) string {
	return Map(Simple("attributes"), Array(), Simple("warning"), warning, Simple("total_results"), Int(total),
		Simple("format"), Simple("STRING"), Simple("results"), Array(list...))
}

// The replies are those that the tests of RediSearch expect: tests/pytests/test_resp3.py
// for RESP3, and test.py and test_aggregate.py beside it for RESP2; the order of the parts
// of a document in RESP2 is that of sendSearchResults in src/module.c.
func TestSearch(t *testing.T) {
	one2, one3 := bulkMap("f1", "3", "f2", "2")
	fields := map[string]string{"f1": "3", "f2": "2"}
	doc3 := func(rest ...string) string {
		return Map(append([]string{Simple("id"), Bulk("doc1")}, append(rest, Simple("values"), Array())...)...)
	}
	gone2, gone3 := NoList, Null
	const wrong = "SEARCH_INDEX_NOT_FOUND Index not found: i"

	Replies(t,
		Reply(search.Search("i", "*"), search.Found{Total: 2, Documents: []search.Document{{ID: "doc1", Fields: fields}, {ID: "doc1"}}},
			Array(Int(2), Bulk("doc1"), one2, Bulk("doc1"), gone2),
			results(2, Array(), doc3(Simple("extra_attributes"), one3), doc3(Simple("extra_attributes"), gone3))),
		Reply(search.Search("i", "*", search.WithScores()), search.Found{Total: 1, Documents: []search.Document{{ID: "doc1", Score: 0.5, Fields: fields}}},
			Array(Int(1), Bulk("doc1"), Bulk("0.5"), one2), results(1, Array(), doc3(Simple("score"), Double("0.5"), Simple("extra_attributes"), one3))),
		Reply(search.Search("i", "*", search.NoContent()), search.Found{Total: 9, Documents: []search.Document{{ID: "doc1"}, {ID: "doc1"}}},
			Array(Int(9), Bulk("doc1"), Bulk("doc1")), results(9, Array(), doc3(), doc3())),
		Reply(search.Search("i", "*", search.NoContent(), search.WithScores()), search.Found{Total: 1, Documents: []search.Document{{ID: "doc1", Score: 2}}},
			Array(Int(1), Bulk("doc1"), Bulk("2")), results(1, Array(), doc3(Simple("score"), Double("2")))),
		Reply(search.Search("i", "*", search.Limit{}), search.Found{Total: 7}, Array(Int(7)), results(7, Array())),
		Failed(search.Search("i", "*"), search.Found{}, wrong, Error(wrong), Error(wrong)),
		Reply(search.Explain("i", "*"), "<WILDCARD>\n", Bulk("<WILDCARD>\n"), Bulk("<WILDCARD>\n")),
	)

	// Warnings are in RESP3 only.
	got, err := search.Search("i", "*").Do(t.Context(), Answers(results(1, Bulks("Timeout limit was reached"))))
	if diff := cmp.Diff(search.Found{Total: 1, Warnings: []string{"Timeout limit was reached"}}, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func text(s string) search.Value { return search.Value{Text: s, Present: true} }

func TestAggregate(t *testing.T) {
	rows := []search.Row{
		{"brand": text("Acme"), "n": text("2"), "all": {List: []search.Value{text("a"), text("b")}, Present: true}},
		{"brand": {}, "n": text("1.5"), "all": {List: []search.Value{}, Present: true}},
	}
	first := []string{Bulk("brand"), Bulk("Acme"), Bulk("n"), Bulk("2"), Bulk("all"), Bulks("a", "b")}
	second := func(null string) []string {
		return []string{Bulk("brand"), null, Bulk("n"), Bulk("1.5"), Bulk("all"), Array()}
	}
	row := func(elems ...string) string {
		return Map(Simple("extra_attributes"), Map(elems...), Simple("values"), Array())
	}
	all2 := Array(Int(2), Array(first...), Array(second(NoBulk)...))
	all3 := results(2, Array(), row(first...), row(second(Null)...))
	Replies(t,
		Reply(search.Aggregate("i", "*"), search.Rows{Total: 2, Rows: rows}, all2, all3),
		Reply(search.Aggregate("i", "*"), search.Rows{}, Array(Int(0)), results(0, Array())),
		Reply(search.AggregatePaged("i", "*", 2, 0), search.Page{Rows: search.Rows{Total: 2, Rows: rows}, Cursor: 42},
			Array(all2, Int(42)), Array(all3, Int(42))),
		Reply(search.CursorRead("i", 42), search.Page{}, Array(Array(Int(0)), Int(0)), Array(results(0, Array()), Int(0))),
		Reply(search.CursorDel("i", 42), struct{}{}, OK, OK),
	)
	if n, err := rows[0]["n"].Int(); n != 2 || err != nil {
		t.Errorf("Int: %v, %v", n, err)
	}
	if f, err := rows[1]["n"].Float(); f != 1.5 || err != nil {
		t.Errorf("Float: %v, %v", f, err)
	}
	if got := rows[0]["all"].Texts(); !cmp.Equal(got, []string{"a", "b"}) {
		t.Errorf("Texts: %v", got)
	}
	if got := rows[0]["brand"].Texts(); !cmp.Equal(got, []string{"Acme"}) {
		t.Errorf("Texts of one: %v", got)
	}
	if _, err := rows[1]["brand"].Int(); err != command.Nil || rows[1]["brand"].Texts() != nil {
		t.Errorf("Int of nothing: %v", err)
	}
	var wrong *command.DecodeError
	if _, err := rows[0]["all"].Float(); !errors.As(err, &wrong) {
		t.Errorf("Float of a list: %v", err)
	}
	if _, err := rows[0]["brand"].Int(); !errors.As(err, &wrong) {
		t.Errorf("Int of a text: %v", err)
	}
}

// The kinds are those of src/info/info_command.c in RediSearch.
func TestInfo(t *testing.T) {
	want := search.Stats{
		Name: "i", Options: []string{"NOFREQS"}, OnJSON: true, Prefixes: []string{"doc:"}, Filter: "@a>1", Language: "english", Score: 1,
		Attributes: []search.Attribute{
			{Identifier: "$.t", Name: "t", Type: "TEXT", Weight: 2, Flags: search.Sortable | search.UNF | search.NoStem},
			{Identifier: "$.g", Name: "g", Type: "TAG", Separator: ",", Flags: search.CaseSensitive},
			{Identifier: "$.v", Name: "v", Type: "VECTOR", Algorithm: search.HNSW, Element: search.Float32, Dim: 3, Metric: search.Cosine, Flags: search.IndexMissing},
		},
		Documents: 3, Terms: 5, Records: 7, MaxDocID: 4, InvertedMB: 0.25, VectorMB: 0.5, TotalMB: 1, Indexing: true,
		PercentIndexed: 0.75, Failures: 2, LastFailure: "Could not convert", LastFailureKey: "doc:9",
	}
	s, b := Simple, Bulk
	text := []string{s("identifier"), s("$.t"), s("attribute"), s("t"), s("type"), s("TEXT"), s("WEIGHT")}
	tag := []string{s("identifier"), s("$.g"), s("attribute"), s("g"), s("type"), s("TAG"), s("SEPARATOR"), s(",")}
	vector := []string{
		s("identifier"), s("$.v"), s("attribute"), s("v"), s("type"), s("VECTOR"), s("algorithm"), s("HNSW"), s("data_type"), s("FLOAT32"),
		s("dim"), Int(3), s("distance_metric"), s("COSINE"), s("M"), Int(16), s("rerank"), s("true"),
	}
	flags := func(names ...string) []string {
		list := make([]string, len(names))
		for i, name := range names {
			list[i] = s(name)
		}
		return list
	}
	with := func(elems []string, more ...string) []string { return append(append([]string{}, elems...), more...) }
	attributes2 := Array(
		Array(with(append(text, b("2")), flags("SORTABLE", "UNF", "NOSTEM")...)...),
		Array(with(tag, flags("CASESENSITIVE")...)...),
		Array(with(vector, flags("INDEXMISSING")...)...))
	attributes3 := Array(
		Map(with(append(text, Double("2")), s("flags"), Array(flags("SORTABLE", "UNF", "NOSTEM")...))...),
		Map(with(tag, s("flags"), Array(flags("CASESENSITIVE")...))...),
		Map(with(vector, s("flags"), Array(flags("INDEXMISSING", "NEWFLAG")...))...))
	definition := func(score string) []string {
		return []string{
			s("key_type"), s("JSON"), s("prefixes"), Array(s("doc:")), s("filter"), s("@a>1"), s("default_language"), s("english"),
			s("default_score"), score, s("indexes_all"), s("false"),
		}
	}
	failures := []string{s("indexing failures"), Int(2), s("last indexing error"), s("Could not convert"), s("last indexing error key"), b("doc:9")}
	all := func(definition, attributes, failures string, number func(string) string) []string {
		return []string{
			s("index_name"), s("i"), s("index_options"), Array(s("NOFREQS")), s("index_definition"), definition, s("attributes"), attributes,
			s("num_docs"), Int(3), s("max_doc_id"), Int(4), s("num_terms"), Int(5), s("num_records"), Int(7), s("inverted_sz_mb"), number("0.25"),
			s("vector_index_sz_mb"), number("0.5"), s("total_index_memory_sz_mb"), number("1"), s("bytes_per_record_avg"), number("nan"),
			s("hash_indexing_failures"), Int(2), s("indexing"), Int(1), s("percent_indexed"), number("0.75"), s("Index Errors"), failures,
			s("field statistics"), Array(),
		}
	}
	Replies(t,
		Reply(search.Info("i"), want, Array(all(Array(definition(b("1"))...), attributes2, Array(failures...), b)...),
			Map(all(Map(definition(Double("1"))...), attributes3, Map(failures...), Double)...)),
		// Older servers tell numbers as text, and nothing failed.
		Reply(search.Info("i"), search.Stats{Documents: 3, Attributes: []search.Attribute{}},
			Array(s("num_docs"), b("3"), s("attributes"), Array(), s("indexing"), b("0"), s("Index Errors"), Array(s("last indexing error"), s("N/A"))),
			Map(s("num_docs"), Double("3"), s("attributes"), Array(), s("indexing"), Int(0), s("Index Errors"), Map(s("last indexing error"), s("N/A")))),
	)
}

func TestReplies(t *testing.T) {
	Replies(t,
		Reply(search.Create("i", title), struct{}{}, OK, OK),
		Reply(search.Alter("i", title), struct{}{}, OK, OK),
		Reply(search.DropIndex("i"), struct{}{}, OK, OK),
		Reply(search.DropIndexAndDocuments("i"), struct{}{}, OK, OK),
		Reply(search.AliasAdd("a", "i"), struct{}{}, OK, OK),
		Reply(search.AliasUpdate("a", "i"), struct{}{}, OK, OK),
		Reply(search.AliasDel("a"), struct{}{}, OK, OK),
		Reply(search.List(), []string{"a", "b"}, Array(Simple("a"), Simple("b")), Set(Simple("a"), Simple("b"))),
		Reply(search.TagVals("i", "f"), []string{"2", "3"}, Bulks("2", "3"), Set(Bulk("2"), Bulk("3"))),
		Reply(search.DictAdd("d", "a"), 1, Int(1), Int(1)),
		Reply(search.DictDel("d", "a"), 0, Int(0), Int(0)),
		Reply(search.DictDump("d"), []string{"bar", "foo"}, Bulks("bar", "foo"), Set(Bulk("bar"), Bulk("foo"))),
		Reply(search.SugAdd("k", "a", 1), 4, Int(4), Int(4)),
		Reply(search.SugGet("k", "he"), []string{"hello", "help"}, Bulks("hello", "help"), Bulks("hello", "help")),
		Reply(search.SugGet("k", "he"), nil, NoList, Null),
		Reply(search.SugGetFull("k", "he"), []search.Suggestion{{Text: "hello", Score: 0.5, Payload: "p"}, {Text: "help", Score: 0.25}},
			Array(Bulk("hello"), Bulk("0.5"), Bulk("p"), Bulk("help"), Bulk("0.25"), NoBulk),
			Array(Bulk("hello"), Double("0.5"), Bulk("p"), Bulk("help"), Double("0.25"), Null)),
		Reply(search.SugGetFull("k", "he"), nil, NoList, Null),
		Reply(search.SugDel("k", "a"), true, Int(1), Int(1)),
		Reply(search.SugLen("k"), 2, Int(2), Int(2)),
	)
}

func TestUnfit(t *testing.T) {
	var cases []Case
	cases = append(cases, Unfit(search.Search("i", "*"), Int(1), Array(), Bulks("a"), Array(Int(1), Bulk("a")), Array(Int(1), Bulk("a"), Int(1)), Array(Int(1), Array()))...)
	cases = append(cases, Unfit(search.Search("i", "*", search.WithScores(), search.NoContent()), Array(Int(1), Bulk("a")), Array(Int(1), Bulk("a"), Bulk("b")))...)
	cases = append(cases, Unfit(search.Aggregate("i", "*"), Int(1), Array(), Bulks("a"), Array(Int(1), Int(1)))...)
	cases = append(cases, Unfit(search.CursorRead("i", 1), Int(1), Array(), Array(Array(Int(0)), Bulk("a")))...)
	cases = append(cases, Unfit(search.Info("i"), Int(1), Array(Simple("attributes"), Int(1)), Array(Simple("attributes"), Array(Int(1))), Array(Simple("index_definition"), Int(1)))...)
	cases = append(cases, Unfit(search.SugGetFull("k", "a"), Int(1), Bulks("a"), Bulks("a", "b", "c"))...)
	Replies(t, cases...)
}
