package redisjson_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/redchan-go/redchan/redis/command"
	. "github.com/redchan-go/redchan/redis/module/internal/moduletest"
	"github.com/redchan-go/redchan/redis/module/redisjson"
)

type user struct {
	Name string `json:"name"`
	Age  int    `json:"age,omitempty"`
}

// The words are those of the commands' pages in Redis' documentation, and of
// commands.json in the repository of RedisJSON.
func sent() []Sent {
	ada := user{Name: "Ada"}
	return []Sent{
		Sends(`JSON.SET <k> $ {"name":"Ada"}`, redisjson.Set("k", "$", ada)),
		Sends(`JSON.SET <k> $.a "text" NX`, redisjson.Set("k", "$.a", "text", command.NX)),
		Sends(`JSON.SET <k> .a null XX`, redisjson.Set("k", ".a", nil, command.XX)),
		Sends(`JSON.SET <k> $ [1,2]`, redisjson.Set("k", "$", json.RawMessage("[1,2]"))),
		Sends(`JSON.MSET <k> $ {"name":"Ada"} <l> $.a 1`, redisjson.MSet(
			redisjson.Document{Key: "k", Path: "$", Value: ada}, redisjson.Document{Key: "l", Path: "$.a", Value: 1})),
		Sends(`JSON.MERGE <k> $ {"a":null}`, redisjson.Merge("k", "$", map[string]any{"a": nil})),
		Sends(`JSON.GET <k>`, redisjson.Get("k")),
		Sends(`JSON.GET <k> $.a $.b`, redisjson.Get("k", "$.a", "$.b")),
		Sends("JSON.GET <k> INDENT \t NEWLINE \n SPACE _ $", redisjson.GetFormatted("k", redisjson.Format{Indent: "\t", Newline: "\n", Space: "_"}, "$")),
		Sends(`JSON.GET <k> $`, redisjson.GetInto[user]("k", "$")),
		Sends(`JSON.GET <k> $..a`, redisjson.GetFirst[int]("k", "$..a")),
		Sends(`JSON.GET <k> $.a $.b`, redisjson.GetPaths[int]("k", "$.a", "$.b")),
		Sends(`JSON.MGET <k> <l> $.a`, redisjson.MGet([]string{"k", "l"}, "$.a")),
		Sends(`JSON.MGET <k> <l> $.a`, redisjson.MGetInto[int]([]string{"k", "l"}, "$.a")),
		Sends(`JSON.DEL <k> $.a`, redisjson.Del("k", "$.a")),
		Sends(`JSON.FORGET <k> $.a`, redisjson.Forget("k", "$.a")),
		Sends(`JSON.CLEAR <k> $.a`, redisjson.Clear("k", "$.a")),
		Sends(`JSON.TYPE <k> $..a`, redisjson.TypeOf("k", "$..a")),
		Sends(`JSON.DEBUG MEMORY <k> $`, redisjson.DebugMemory("k", "$")),
		Sends(`JSON.NUMINCRBY <k> $.a 2`, redisjson.NumIncrBy("k", "$.a", 2)),
		Sends(`JSON.NUMMULTBY <k> $.a -0.5`, redisjson.NumMultBy("k", "$.a", -0.5)),
		Sends(`JSON.STRAPPEND <k> $.a "\"b"`, redisjson.StrAppend("k", "$.a", `"b`)),
		Sends(`JSON.STRLEN <k> $.a`, redisjson.StrLen("k", "$.a")),
		Sends(`JSON.TOGGLE <k> $.a`, redisjson.Toggle("k", "$.a")),
		Sends(`JSON.OBJKEYS <k> $.a`, redisjson.ObjKeys("k", "$.a")),
		Sends(`JSON.OBJLEN <k> $.a`, redisjson.ObjLen("k", "$.a")),
		Sends(`JSON.ARRAPPEND <k> $.a 1 "b" null`, redisjson.ArrAppend("k", "$.a", 1, "b", nil)),
		Sends(`JSON.ARRINDEX <k> $.a "b"`, redisjson.ArrIndex("k", "$.a", "b")),
		Sends(`JSON.ARRINDEX <k> $.a 3 1 -1`, redisjson.ArrIndexWithin("k", "$.a", 3, 1, -1)),
		Sends(`JSON.ARRINSERT <k> $.a 0 true [1]`, redisjson.ArrInsert("k", "$.a", 0, true, []int{1})),
		Sends(`JSON.ARRLEN <k> $.a`, redisjson.ArrLen("k", "$.a")),
		Sends(`JSON.ARRPOP <k> $.a -1`, redisjson.ArrPop("k", "$.a", -1)),
		Sends(`JSON.ARRPOP <k> $.a 0`, redisjson.ArrPopInto[user]("k", "$.a", 0)),
		Sends(`JSON.ARRTRIM <k> $.a 1 -2`, redisjson.ArrTrim("k", "$.a", 1, -2)),
	}
}

func TestWire(t *testing.T) {
	Wire(t, sent()...)
	Writes(t, sent(), "JSON.GET", "JSON.MGET", "JSON.TYPE", "JSON.DEBUG", "JSON.STRLEN",
		"JSON.OBJKEYS", "JSON.OBJLEN", "JSON.ARRINDEX", "JSON.ARRLEN")
}

func TestRefused(t *testing.T) {
	Refused(t, map[string]command.Request{
		"SET without a path":      redisjson.Set("k", "", 1).Request(),
		"SET of no JSON":          redisjson.Set("k", "$", math.NaN()).Request(),
		"SET of a channel":        redisjson.Set("k", "$", make(chan int)).Request(),
		"SET of bad JSON":         redisjson.Set("k", "$", json.RawMessage("{")).Request(),
		"SET with two conditions": redisjson.Set("k", "$", 1, command.NX, command.XX).Request(),
		"SET with nonsense":       redisjson.Set("k", "$", 1, command.Condition(7)).Request(),
		"MSET of nothing":         redisjson.MSet().Request(),
		"MSET without a path":     redisjson.MSet(redisjson.Document{Key: "k"}).Request(),
		"MERGE without a path":    redisjson.Merge("k", "", 1).Request(),
		"GET of no path":          redisjson.Get("k", "").Request(),
		"GET into, old path":      redisjson.GetInto[int]("k", ".a").Request(),
		"GET first, old path":     redisjson.GetFirst[int]("k", "a").Request(),
		"GET of one path":         redisjson.GetPaths[int]("k", "$").Request(),
		"GET of an old path":      redisjson.GetPaths[int]("k", "$", ".a").Request(),
		"MGET of no keys":         redisjson.MGet(nil, "$").Request(),
		"MGET without a path":     redisjson.MGet([]string{"k"}, "").Request(),
		"MGET into, old path":     redisjson.MGetInto[int]([]string{"k"}, ".").Request(),
		"DEL without a path":      redisjson.Del("k", "").Request(),
		"CLEAR without a path":    redisjson.Clear("k", "").Request(),
		"TYPE of an old path":     redisjson.TypeOf("k", ".a").Request(),
		"DEBUG of an old path":    redisjson.DebugMemory("k", ".").Request(),
		"NUMINCRBY by infinity":   redisjson.NumIncrBy("k", "$", math.Inf(1)).Request(),
		"NUMMULTBY by NaN":        redisjson.NumMultBy("k", "$", math.NaN()).Request(),
		"STRLEN of an old path":   redisjson.StrLen("k", ".").Request(),
		"ARRAPPEND of nothing":    redisjson.ArrAppend("k", "$").Request(),
		"ARRINSERT of nothing":    redisjson.ArrInsert("k", "$", 0).Request(),
		"ARRINDEX of no JSON":     redisjson.ArrIndex("k", "$", math.Inf(1)).Request(),
	})
}
