package redisjson_test

import (
	"testing"

	"github.com/redchan-go/redchan/redis/command"
	. "github.com/redchan-go/redchan/redis/module/internal/moduletest"
	"github.com/redchan-go/redchan/redis/module/redisjson"
)

// some is a value among others that may be missing.
func some[T any](v T) command.Optional[T] { return command.Optional[T]{Value: v, Present: true} }

// none is a missing one.
func none[T any]() command.Optional[T] { return command.Optional[T]{} }

// The replies are those that the tests of RedisJSON expect: tests/pytest/test_multi.py
// for RESP2, and test_resp3.py beside it for RESP3. The kinds of numbers are those that
// json_num_op in redis_json/src/commands.rs replies with.
func TestReplies(t *testing.T) {
	numbers := []command.Optional[float64]{none[float64](), some(4.0), some(7.5), none[float64]()}
	ints := []command.Optional[int64]{some[int64](3), none[int64](), some[int64](-1)}
	lengths2 := Array(Int(3), NoBulk, Int(-1))
	lengths3 := Array(Int(3), Null, Int(-1))
	types := []redisjson.Type{redisjson.Null, redisjson.Integer, redisjson.Boolean}
	texts := []command.Optional[string]{some(`"foo"`), some("null"), none[string]()}
	ada := []user{{Name: "Ada", Age: 36}}
	const text = `[{"name":"Ada","age":36}]`

	Replies(t,
		Reply(redisjson.Set("k", "$", 1), true, OK, OK),
		Reply(redisjson.Set("k", "$", 1, command.NX), false, NoBulk, Null),
		Reply(redisjson.MSet(redisjson.Document{Key: "k", Path: "$", Value: 1}), true, OK, OK),
		Reply(redisjson.MSet(redisjson.Document{Key: "k", Path: "$.no.no", Value: 1}), false, NoBulk, Null),
		Reply(redisjson.Merge("k", "$", 1), true, OK, OK),
		Reply(redisjson.Get("k", "$"), text, Bulk(text), Bulk(text)),
		Missing(redisjson.Get("k", "$"), NoBulk, Null),
		Reply(redisjson.GetInto[user]("k", "$"), ada, Bulk(text), Bulk(text)),
		Reply(redisjson.GetInto[user]("k", "$.no"), []user{}, Bulk("[]"), Bulk("[]")),
		Missing(redisjson.GetInto[user]("k", "$"), NoBulk, Null),
		Reply(redisjson.GetFirst[user]("k", "$"), ada[0], Bulk(text), Bulk(text)),
		Missing(redisjson.GetFirst[user]("k", "$.no"), Bulk("[]"), Bulk("[]")),
		Missing(redisjson.GetFirst[user]("k", "$"), NoBulk, Null),
		Reply(redisjson.GetPaths[int]("k", "$.a", "$.b"), map[string][]int{"$.a": {1, 2}, "$.b": {}},
			Bulk(`{"$.a":[1,2],"$.b":[]}`), Bulk(`{"$.b":[],"$.a":[1,2]}`)),
		Reply(redisjson.MGet([]string{"k", "l"}, "$.b"), []command.Optional[string]{some(`[{"f":"g"}]`), none[string]()},
			Array(Bulk(`[{"f":"g"}]`), NoBulk), Array(Bulk(`[{"f":"g"}]`), Null)),
		Reply(redisjson.MGetInto[user]([]string{"k", "l"}, "$"), []command.Optional[[]user]{some(ada), none[[]user]()},
			Array(Bulk(text), NoBulk), Array(Bulk(text), Null)),
		Reply(redisjson.Del("k", "$..b"), 2, Int(2), Int(2)),
		Reply(redisjson.Forget("k", "$..b"), 0, Int(0), Int(0)),
		Reply(redisjson.Clear("k", "$..b"), 3, Int(3), Int(3)),
		Reply(redisjson.TypeOf("k", "$..c"), types,
			Bulks("null", "integer", "boolean"), Array(Bulks("null", "integer", "boolean"))),
		Reply(redisjson.TypeOf("k", "$"), []redisjson.Type{redisjson.Object}, Bulks("object"), Array(Bulks("object"))),
		Reply(redisjson.TypeOf("k", "$.no"), []redisjson.Type{}, Array(), Array(Array())),
		Missing(redisjson.TypeOf("k", "$"), NoBulk, Array(Null)),
		Reply(redisjson.DebugMemory("k", "$..a"), []int64{8, 16}, Ints(8, 16), Ints(8, 16)),
		Reply(redisjson.NumIncrBy("k", "$..a", 2), numbers,
			Bulk("[null,4,7.5,null]"), Array(Null, Int(4), Double("7.5"), Null)),
		Reply(redisjson.NumMultBy("k", "$.no", 2), []command.Optional[float64]{}, Bulk("[]"), Array()),
		Reply(redisjson.StrAppend("k", "$..a", "b"), ints, lengths2, lengths3),
		Reply(redisjson.StrLen("k", "$..a"), ints, lengths2, lengths3),
		Missing(redisjson.StrLen("k", "$..a"), NoBulk, Null),
		Reply(redisjson.Toggle("k", "$..a"), []command.Optional[bool]{none[bool](), some(true), some(false)},
			Array(NoBulk, Int(1), Int(0)), Array(Null, Int(1), Int(0))),
		Reply(redisjson.ObjKeys("k", "$..a"),
			[]command.Optional[[]string]{none[[]string](), some([]string{"foo", "bar"}), some([]string{"baz"})},
			Array(NoBulk, Bulks("foo", "bar"), Bulks("baz")), Array(Null, Bulks("foo", "bar"), Bulks("baz"))),
		Missing(redisjson.ObjKeys("k", "$"), NoBulk, Null),
		Reply(redisjson.ObjLen("k", "$..a"), ints, lengths2, lengths3),
		Reply(redisjson.ArrAppend("k", "$..a", 1), ints, lengths2, lengths3),
		Reply(redisjson.ArrIndex("k", "$..a", 1), ints, lengths2, lengths3),
		Reply(redisjson.ArrIndexWithin("k", "$..a", 1, 0, 0), ints, lengths2, lengths3),
		Reply(redisjson.ArrInsert("k", "$..a", 0, 1), ints, lengths2, lengths3),
		Reply(redisjson.ArrLen("k", "$..a"), ints, lengths2, lengths3),
		Reply(redisjson.ArrTrim("k", "$..a", 0, 1), ints, lengths2, lengths3),
		Reply(redisjson.ArrPop("k", "$..a", 1), texts,
			Array(Bulk(`"foo"`), Bulk("null"), NoBulk), Array(Bulk(`"foo"`), Bulk("null"), Null)),
		Reply(redisjson.ArrPopInto[user]("k", "$..a", 1), []command.Optional[user]{some(ada[0]), none[user]()},
			Array(Bulk(`{"name":"Ada","age":36}`), NoBulk), Array(Bulk(`{"name":"Ada","age":36}`), Null)),
	)
}

// What does not fit is a DecodeError, without anything of the reply in it.
func TestUnfit(t *testing.T) {
	var cases []Case
	cases = append(cases, Unfit(redisjson.GetInto[int]("k", "$"), Bulk(`["a"]`), Bulk("1"), Array())...)
	cases = append(cases, Unfit(redisjson.GetFirst[int]("k", "$"), Bulk(`[`))...)
	cases = append(cases, Unfit(redisjson.MGetInto[int]([]string{"k"}, "$"), Array(Bulk(`["a"]`)), Int(1))...)
	cases = append(cases, Unfit(redisjson.NumIncrBy("k", "$", 1), Bulk("5"), Int(5))...)
	cases = append(cases, Unfit(redisjson.TypeOf("k", "$"), Bulk("object"), Array(Array(Array())))...)
	cases = append(cases, Unfit(redisjson.ObjKeys("k", "$"), Bulks("a", "b"))...)
	cases = append(cases, Unfit(redisjson.ArrLen("k", "$"), Int(1), Bulks("a"))...)
	cases = append(cases, Unfit(redisjson.Set("k", "$", 1), Simple("QUEUED"), Int(1))...)
	Replies(t, cases...)
}
