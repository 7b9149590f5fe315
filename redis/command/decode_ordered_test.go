package command_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/redchan-go/redchan/redis/command"
)

// raw turns the short form of a reply, one line for each part and texts as they are behind
// an apostrophe, into the protocol's.
func raw(lines ...string) string {
	var b strings.Builder
	for _, line := range lines {
		if text, ok := strings.CutPrefix(line, "'"); ok {
			b.WriteString(string(appendBulk(nil, text)))
		} else {
			b.WriteString(line + "\r\n")
		}
	}
	return b.String()
}

func appendBulk(b []byte, text string) []byte {
	r := command.Echo(text).Request()
	encoded := string(r.Append(nil))
	const head = "*2\r\n$4\r\nECHO\r\n"
	return append(b, encoded[len(head):]...)
}

func some[T any](v T) command.Optional[T] { return command.Optional[T]{Value: v, Present: true} }

// expectDecodings runs commands on doubles.
func expectDecodings(t *testing.T, tests []decoding) {
	t.Helper()
	for _, test := range tests {
		got, err := test.got(&double{reply: test.reply})
		if !errors.Is(err, test.err) {
			t.Errorf("%s: %v, want %v", test.name, err, test.err)
			continue
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestDecodeSortedSets(t *testing.T) {
	none, keys := command.ScoredMember{}, []string{"k"}
	expectDecodings(t, []decoding{
		{"ZMSCORE", raw("*3", ",1.5", "_", ",2"), do(command.ZMScore("k", "a", "b", "c")), []command.Optional[float64]{some(1.5), {}, some(2.0)}, nil},
		{"ZMSCORE, RESP2", raw("*2", "'1.5", "$-1"), do(command.ZMScore("k", "a", "b")), []command.Optional[float64]{some(1.5), {}}, nil},
		{"ZRANK", ":3\r\n", do(command.ZRank("k", "m")), int64(3), nil},
		{"ZRANK of nothing", "$-1\r\n", do(command.ZRank("k", "m")), int64(0), command.Nil},
		{"ZRANK WITHSCORE", raw("*2", ":3", ",1.5"), do(command.ZRankWithScore("k", "m")), command.RankedMember{Rank: 3, Score: 1.5}, nil},
		{"ZRANK WITHSCORE, RESP2", raw("*2", ":3", "'1.5"), do(command.ZRevRankWithScore("k", "m")), command.RankedMember{Rank: 3, Score: 1.5}, nil},
		{"ZRANK WITHSCORE of nothing", "*-1\r\n", do(command.ZRankWithScore("k", "m")), command.RankedMember{}, command.Nil},
		{"ZRANDMEMBER of nothing", "_\r\n", do(command.ZRandMember("k")), "", command.Nil},
		{"ZRANDMEMBER WITHSCORES", raw("*1", "*2", "'a", ",1"), do(command.ZRandMemberWithScores("k", 1)), []command.ScoredMember{{"a", 1}}, nil},
		{"ZRANDMEMBER WITHSCORES, RESP2", raw("*2", "'a", "'1"), do(command.ZRandMemberWithScores("k", 1)), []command.ScoredMember{{"a", 1}}, nil},
		{"ZSCAN", raw("*2", "'17", "*4", "'a", "'1", "'b", "'2.5"), do(command.ZScan("k", 0)), command.ZScanPage{17, []command.ScoredMember{{"a", 1}, {"b", 2.5}}}, nil},
		{"ZSCAN NOSCORES", raw("*2", "'0", "*2", "'a", "'b"), do(command.ZScanNoScores("k", 0)), command.ZScanNoScoresPage{0, []string{"a", "b"}}, nil},
		{"ZPOPMIN", raw("*2", "'a", ",1"), do(command.ZPopMin("k")), command.ScoredMember{"a", 1}, nil},
		{"ZPOPMIN, RESP2", raw("*2", "'a", "'1"), do(command.ZPopMin("k")), command.ScoredMember{"a", 1}, nil},
		{"ZPOPMIN of nothing", "*0\r\n", do(command.ZPopMin("k")), none, command.Nil},
		{"ZPOPMAX 2", raw("*2", "*2", "'b", ",2", "*2", "'a", ",1"), do(command.ZPopMaxCount("k", 2)), []command.ScoredMember{{"b", 2}, {"a", 1}}, nil},
		{"ZPOPMAX 2, RESP2", raw("*4", "'b", "'2", "'a", "'1"), do(command.ZPopMaxCount("k", 2)), []command.ScoredMember{{"b", 2}, {"a", 1}}, nil},
		{"BZPOPMIN", raw("*3", "'k", "'a", ",1"), do(command.BZPopMin(0, "k")), command.PoppedMember{"k", command.ScoredMember{"a", 1}}, nil},
		{"BZPOPMAX, RESP2", raw("*3", "'k", "'a", "'1"), do(command.BZPopMax(0, "k")), command.PoppedMember{"k", command.ScoredMember{"a", 1}}, nil},
		{"BZPOPMIN of nothing", "*-1\r\n", do(command.BZPopMin(0, "k")), command.PoppedMember{}, command.Nil},
		{"ZMPOP", raw("*2", "'k", "*1", "*2", "'a", ",1"), do(command.ZMPop(command.Lowest, keys)), command.PoppedMembers{"k", []command.ScoredMember{{"a", 1}}}, nil},
		{"BZMPOP, RESP2", raw("*2", "'k", "*1", "*2", "'a", "'1"), do(command.BZMPop(0, command.Lowest, keys)), command.PoppedMembers{"k", []command.ScoredMember{{"a", 1}}}, nil},
		{"ZMPOP of nothing", "*-1\r\n", do(command.ZMPop(command.Lowest, keys)), command.PoppedMembers{}, command.Nil},
		{"ZUNION", raw("*1", "*2", "'a", ",1"), do(command.ZUnionWithScores(keys)), []command.ScoredMember{{"a", 1}}, nil},
		{"ZINTER, RESP2", raw("*2", "'a", "'1"), do(command.ZInterWithScores(keys)), []command.ScoredMember{{"a", 1}}, nil},
		{"ZDIFF of nothing", "*0\r\n", do(command.ZDiffWithScores("k")), []command.ScoredMember{}, nil},

		{"GEOPOS", raw("*2", "*2", ",1.5", ",-2", "_"), do(command.GeoPos("g", "a", "b")), []command.Optional[command.Position]{some(command.Position{1.5, -2}), {}}, nil},
		{"GEOPOS, RESP2", raw("*2", "*2", "'1.5", "'-2", "*-1"), do(command.GeoPos("g", "a", "b")), []command.Optional[command.Position]{some(command.Position{1.5, -2}), {}}, nil},
		{"GEODIST", "$8\r\n166.2742\r\n", do(command.GeoDist("g", "a", "b", command.Meters)), 166.2742, nil},
		{"GEODIST of nothing", "$-1\r\n", do(command.GeoDist("g", "a", "b", command.Meters)), 0.0, command.Nil},
		{"GEOHASH", raw("*2", "'sqc8b49rny0", "$-1"), do(command.GeoHash("g", "a", "b")), []command.Optional[string]{some("sqc8b49rny0"), {}}, nil},
	})
}

func TestDecodeStreams(t *testing.T) {
	at := time.UnixMilli(1700000000500)
	entry := command.Entry{"1-1", []command.Field{{"n", "1"}}}
	oneEntry := []string{"*2", "'1-1", "*2", "'n", "'1"}
	// A record of n fields is a map in RESP3 and a flat array in RESP2.
	both := func(name string, want any, got func(*double) (any, error), parts func(record func(n int) string) []string) []decoding {
		resp3 := raw(parts(func(n int) string { return "%" + strconv.Itoa(n) })...)
		resp2 := raw(parts(func(n int) string { return "*" + strconv.Itoa(2*n) })...)
		return []decoding{{name, resp3, got, want, nil}, {name + ", RESP2", resp2, got, want, nil}}
	}
	tests := []decoding{
		{"XRANGE", raw(append([]string{"*1"}, oneEntry...)...), do(command.XRange("s", "-", "+")), []command.Entry{entry}, nil},
		{"XREAD of nothing", "_\r\n", do(command.XRead([]command.StreamPosition{{"s", "0"}})), []command.StreamEntries(nil), command.Nil},
		{"XCLAIM of what is deleted, before 7.0", raw(append([]string{"*2", "*-1"}, oneEntry...)...), do(command.XClaim("s", "g", "c", 0, []string{"1"})), []command.Entry{entry}, nil},
		{"XCLAIM JUSTID", raw("*1", "'1-1"), do(command.XClaimJustID("s", "g", "c", 0, []string{"1"})), []string{"1-1"}, nil},
		{
			"XAUTOCLAIM", raw(append(append([]string{"*3", "'5-1", "*1"}, oneEntry...), "*1", "'2-1")...), do(command.XAutoClaim("s", "g", "c", 0, "0")),
			command.AutoClaimed{"5-1", []command.Entry{entry}, []string{"2-1"}},
			nil,
		},
		{"XAUTOCLAIM, before 7.0", raw("*2", "'0-0", "*0"), do(command.XAutoClaim("s", "g", "c", 0, "0")), command.AutoClaimed{"0-0", []command.Entry{}, nil}, nil},
		{"XAUTOCLAIM JUSTID", raw("*3", "'0-0", "*1", "'1-1", "*0"), do(command.XAutoClaimJustID("s", "g", "c", 0, "0")), command.AutoClaimedIDs{"0-0", []string{"1-1"}, []string{}}, nil},
		{
			"XPENDING", raw("*4", ":2", "'1-1", "'2-1", "*1", "*2", "'c", "'2"), do(command.XPending("s", "g")),
			command.PendingSummary{2, "1-1", "2-1", []command.ConsumerPending{{"c", 2}}},
			nil,
		},
		{"XPENDING of nothing", raw("*4", ":0", "_", "_", "_"), do(command.XPending("s", "g")), command.PendingSummary{}, nil},
		{"XPENDING of nothing, RESP2", raw("*4", ":0", "$-1", "$-1", "*-1"), do(command.XPending("s", "g")), command.PendingSummary{}, nil},
		{
			"XPENDING - +", raw("*1", "*4", "'1-1", "'c", ":1500", ":3"), do(command.XPendingEntries("s", "g", "-", "+", 1)),
			[]command.PendingEntry{{"1-1", "c", 1500 * time.Millisecond, 3}},
			nil,
		},
	}
	tests = append(tests, both("XINFO STREAM",
		command.StreamInfo{Length: 1, LastGeneratedID: "1-1", FirstEntry: some(entry)},
		do(command.XInfoStream("s")), func(record func(int) string) []string {
			parts := []string{record(5), "'length", ":1", "'last-generated-id", "'1-1", "'future", "*0", "'first-entry"}
			return append(append(parts, oneEntry...), "'last-entry", "_")
		})...)
	tests = append(tests, both("XINFO STREAM FULL",
		command.StreamDetails{Entries: []command.Entry{entry}, Groups: []command.GroupDetails{{
			Name: "g", Lag: some(int64(1)), Pending: []command.GroupPending{{"1-1", "c", at, 3}},
			Consumers: []command.ConsumerDetails{{Name: "c", Seen: at, PendingCount: 1, Pending: []command.ConsumerEntry{{"1-1", at, 3}}}},
		}}},
		do(command.XInfoStreamFull("s", 0)), func(record func(int) string) []string {
			parts := append([]string{record(2), "'entries", "*1"}, oneEntry...)
			return append(parts, "'groups", "*1",
				record(5), "'name", "'g", "'entries-read", "_", "'lag", ":1", "'pending", "*1", "*4", "'1-1", "'c", ":1700000000500", ":3",
				"'consumers", "*1",
				record(5), "'name", "'c", "'seen-time", ":1700000000500", "'active-time", ":-1", "'pel-count", ":1",
				"'pending", "*1", "*3", "'1-1", ":1700000000500", ":3")
		})...)
	tests = append(tests, both("XINFO GROUPS",
		[]command.GroupInfo{{Name: "g", Consumers: 2, Pending: 3, EntriesRead: some(int64(5))}},
		do(command.XInfoGroups("s")), func(record func(int) string) []string {
			return []string{
				"*1", record(4), "'name", "'g", "'consumers", ":2", "'pending", ":3", "'entries-read", ":5",
			}
		})...)
	tests = append(tests, both("XINFO CONSUMERS",
		[]command.ConsumerInfo{{"c", 1, 1500 * time.Millisecond, some(2 * time.Second)}, {"d", 0, time.Second, command.Optional[time.Duration]{}}},
		do(command.XInfoConsumers("s", "g")), func(record func(int) string) []string {
			return []string{
				"*2", record(4), "'name", "'c", "'pending", ":1", "'idle", ":1500", "'inactive", ":2000",
				record(4), "'name", "'d", "'pending", ":0", "'idle", ":1000", "'inactive", ":-1",
			}
		})...)
	expectDecodings(t, tests)
}

func TestDecodeScripts(t *testing.T) {
	library := command.LibraryInfo{"l", "LUA", []command.FunctionInfo{{"f", "d", []string{"no-writes"}}, {"g", "", []string{}}}, "code"}
	stats := command.FunctionStatistics{
		some(command.RunningFunction{"f", []string{"FCALL", "f", "0"}, 1500 * time.Millisecond}), []command.EngineStats{{"LUA", 1, 2}},
	}
	expectDecodings(t, []decoding{
		{"SCRIPT EXISTS", raw("*2", ":1", ":0"), do(command.ScriptExists("a", "b")), []bool{true, false}, nil},
		{"SCRIPT LOAD", raw("'hash"), do(command.ScriptLoad("s")), "hash", nil},
		{"FUNCTION DUMP", raw("'\x00\xf5"), do(command.FunctionDump()), []byte("\x00\xf5"), nil},
		{
			"FUNCTION LIST", raw("*1", "%4", "'library_name", "'l", "'engine", "'LUA", "'functions", "*2",
				"%3", "'name", "'f", "'description", "'d", "'flags", "~1", "+no-writes",
				"%3", "'name", "'g", "'description", "_", "'flags", "~0", "'library_code", "'code"),
			do(command.FunctionList()),
			[]command.LibraryInfo{library},
			nil,
		},
		{
			"FUNCTION LIST, RESP2", raw("*1", "*8", "'library_name", "'l", "'engine", "'LUA", "'functions", "*2",
				"*6", "'name", "'f", "'description", "'d", "'flags", "*1", "+no-writes",
				"*6", "'name", "'g", "'description", "$-1", "'flags", "*0", "'library_code", "'code"),
			do(command.FunctionList()),
			[]command.LibraryInfo{library},
			nil,
		},
		{
			"FUNCTION STATS", raw("%2", "'running_script", "%3", "'name", "'f", "'command", "*3", "'FCALL", "'f", "'0", "'duration_ms", ":1500",
				"'engines", "%1", "'LUA", "%2", "'libraries_count", ":1", "'functions_count", ":2"),
			do(command.FunctionStats()), stats, nil,
		},
		{
			"FUNCTION STATS, RESP2", raw("*4", "'running_script", "*6", "'name", "'f", "'command", "*3", "'FCALL", "'f", "'0", "'duration_ms", ":1500",
				"'engines", "*2", "'LUA", "*4", "'libraries_count", ":1", "'functions_count", ":2"),
			do(command.FunctionStats()), stats, nil,
		},
		{
			"FUNCTION STATS of nothing", raw("%2", "'running_script", "_", "'engines", "%0"),
			do(command.FunctionStats()),
			command.FunctionStatistics{},
			nil,
		},
	})
}

func TestDecodeVectorSets(t *testing.T) {
	like := command.SimilarTo("e")
	scores := []command.ScoredMember{{"b", 1}, {"a", 0.5}}
	matches := []command.VectorMatch{{"b", 1, some("{}")}, {"a", 0.5, command.Optional[string]{}}}
	info := command.VectorSetInfo{Quantization: "int8", Links: 16, Dimensions: 2, ProjectedFrom: 3, Size: 4, MaxLevel: 1, Attributes: 1, UID: 5, MaxNodeUID: 6}
	facts := []string{
		"'quant-type", "+int8", "'hnsw-m", ":16", "'vector-dim", ":2", "'projection-input-dim", ":3", "'size", ":4", "'max-level", ":1",
		"'attributes-count", ":1", "'vset-uid", ":5", "'hnsw-max-node-uid", ":6",
	}
	expectDecodings(t, []decoding{
		{"VADD", "#t\r\n", do(command.VAdd("k", command.Vector{1}, "e")), true, nil},
		{"VADD, RESP2", ":0\r\n", do(command.VAdd("k", command.Vector{1}, "e")), false, nil},
		{"VEMB", raw("*2", ",1", ",-0.5"), do(command.VEmb("k", "e")), []float64{1, -0.5}, nil},
		{"VEMB, RESP2", raw("*2", "'1", "'-0.5"), do(command.VEmb("k", "e")), []float64{1, -0.5}, nil},
		{"VEMB of nothing", "*-1\r\n", do(command.VEmb("k", "e")), []float64(nil), command.Nil},
		{"VEMB RAW", raw("*4", "+int8", "'\x7f\x00", ",2", ",0.5"), do(command.VEmbRaw("k", "e")), command.RawVector{"int8", []byte("\x7f\x00"), 2, some(0.5)}, nil},
		{"VEMB RAW, RESP2", raw("*3", "+bin", "'\x01", "'2"), do(command.VEmbRaw("k", "e")), command.RawVector{"bin", []byte{1}, 2, command.Optional[float64]{}}, nil},
		{"VEMB RAW of nothing", "_\r\n", do(command.VEmbRaw("k", "e")), command.RawVector{}, command.Nil},
		{"VGETATTR of nothing", "_\r\n", do(command.VGetAttr("k", "e")), "", command.Nil},
		{"VINFO", raw(append([]string{"%9"}, facts...)...), do(command.VInfo("k")), info, nil},
		{"VINFO, RESP2", raw(append([]string{"*18"}, facts...)...), do(command.VInfo("k")), info, nil},
		{"VINFO of nothing", "*-1\r\n", do(command.VInfo("k")), command.VectorSetInfo{}, command.Nil},
		{"VRANDMEMBER of nothing", "_\r\n", do(command.VRandMember("k")), "", command.Nil},
		{"VLINKS", raw("*2", "*0", "*2", "'a", "'b"), do(command.VLinks("k", "e")), [][]string{{}, {"a", "b"}}, nil},
		{"VLINKS of nothing", "*-1\r\n", do(command.VLinks("k", "e")), [][]string(nil), command.Nil},
		{"VLINKS WITHSCORES", raw("*1", "%2", "'b", ",1", "'a", ",0.5"), do(command.VLinksWithScores("k", "e")), [][]command.ScoredMember{scores}, nil},
		{"VLINKS WITHSCORES, RESP2", raw("*1", "*4", "'b", "'1", "'a", "'0.5"), do(command.VLinksWithScores("k", "e")), [][]command.ScoredMember{scores}, nil},
		{"VLINKS WITHSCORES of nothing", "_\r\n", do(command.VLinksWithScores("k", "e")), [][]command.ScoredMember(nil), command.Nil},
		{"VSIM of nothing", "*0\r\n", do(command.VSim("k", like)), []string{}, nil},
		{"VSIM WITHSCORES", raw("%2", "'b", ",1", "'a", ",0.5"), do(command.VSimWithScores("k", like)), scores, nil},
		{"VSIM WITHSCORES, RESP2", raw("*4", "'b", "'1", "'a", "'0.5"), do(command.VSimWithScores("k", like)), scores, nil},
		{"VSIM WITHATTRIBS", raw("%2", "'b", "*2", ",1", "'{}", "'a", "*2", ",0.5", "_"), do(command.VSimWithAttribs("k", like)), matches, nil},
		{"VSIM WITHATTRIBS, RESP2", raw("*6", "'b", "'1", "'{}", "'a", "'0.5", "$-1"), do(command.VSimWithAttribs("k", like)), matches, nil},
	})
}

// A reply of the wrong shape is an error of decoding, whatever the command.
func TestDecodeErrorsOrdered(t *testing.T) {
	streams := []command.StreamPosition{{"key", "0"}}
	for name, got := range map[string]func(*double) (any, error){
		"ZMSCORE":            do(command.ZMScore("key", "m")),
		"ZRANK":              do(command.ZRankWithScore("key", "m")),
		"ZSCAN":              do(command.ZScan("key", 0)),
		"ZSCAN NOSCORES":     do(command.ZScanNoScores("key", 0)),
		"ZPOPMIN":            do(command.ZPopMin("key")),
		"BZPOPMIN":           do(command.BZPopMin(0, "key")),
		"ZMPOP":              do(command.ZMPop(command.Lowest, []string{"key"})),
		"GEOPOS":             do(command.GeoPos("key", "m")),
		"XRANGE":             do(command.XRange("key", "-", "+")),
		"XREAD":              do(command.XRead(streams)),
		"XPENDING":           do(command.XPending("key", "g")),
		"XPENDING entries":   do(command.XPendingEntries("key", "g", "-", "+", 1)),
		"XAUTOCLAIM":         do(command.XAutoClaim("key", "g", "c", 0, "0")),
		"XAUTOCLAIM JUSTID":  do(command.XAutoClaimJustID("key", "g", "c", 0, "0")),
		"XINFO STREAM":       do(command.XInfoStream("key")),
		"XINFO STREAM FULL":  do(command.XInfoStreamFull("key", 0)),
		"XINFO GROUPS":       do(command.XInfoGroups("key")),
		"XINFO CONSUMERS":    do(command.XInfoConsumers("key", "g")),
		"FUNCTION LIST":      do(command.FunctionList()),
		"FUNCTION STATS":     do(command.FunctionStats()),
		"SCRIPT EXISTS":      do(command.ScriptExists("h")),
		"VEMB":               do(command.VEmb("key", "e")),
		"VEMB RAW":           do(command.VEmbRaw("key", "e")),
		"VLINKS":             do(command.VLinks("key", "e")),
		"VLINKS WITHSCORES":  do(command.VLinksWithScores("key", "e")),
		"VSIM":               do(command.VSim("key", command.SimilarTo("e"))),
		"VSIM WITHSCORES":    do(command.VSimWithScores("key", command.SimilarTo("e"))),
		"VSIM WITHATTRIBS":   do(command.VSimWithAttribs("key", command.SimilarTo("e"))),
		"VINFO":              do(command.VInfo("key")),
		"ZUNION with scores": do(command.ZUnionWithScores([]string{"key"})),
	} {
		for _, reply := range []string{
			raw("*3", "'private", "*1", "%1", "'a", "'b", "#t"), raw("*2", "'private", "*1", "*0"),
			raw("*4", "'private", ":1", "*0", "#t"), raw("'private"), ":7\r\n", "#t\r\n",
		} {
			_, err := got(&double{reply: reply})
			var wrong *command.DecodeError
			if err == nil && (strings.HasPrefix(name, "XINFO STREAM") || name == "FUNCTION STATS" || name == "VINFO") && reply[0] == '*' {
				continue // a record of fields that are not known
			}
			if !errors.As(err, &wrong) || strings.Contains(err.Error(), "private") {
				t.Errorf("%s of %q: %v", name, reply, err)
			}
		}
	}
}
