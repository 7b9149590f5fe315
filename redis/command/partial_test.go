package command_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
)

// An error among the elements costs neither the other elements nor the server's words.
func TestErrorsAmongElements(t *testing.T) {
	const words = "ERR server 2 is down"
	some := list{bulkText("1"), refusal(words), bulkText("3")}
	one := command.Optional[string]{Value: "1", Present: true}
	three := command.Optional[string]{Value: "3", Present: true}
	for _, test := range []struct {
		name  string
		got   func(*double) (any, error)
		reply reply
		want  any
		index int
		named string
	}{
		{"MGET", do(command.MGet("a", "b", "c")), some, []command.Optional[string]{one, {}, three}, 1, ""},
		{"LRANGE", do(command.LRange("k", 0, -1)), some, []string{"1", "", "3"}, 1, ""},
		{"EVAL as strings", do(command.AsStrings(command.Eval("s", nil))), some, []string{"1", "", "3"}, 1, ""},
		{"EVAL as a slice", do(command.AsSlice(command.Eval("s", nil), command.AsInt)), some, []int64{1, 0, 3}, 1, ""},
		{"MGET as a map", do(command.AsMap(command.MGet("a", "b", "c"), command.AsInt)), some, map[string]int64{"a": 1, "c": 3}, 1, "b"},
		{"MGET as a struct", do(command.AsStruct[person](command.MGet("age", "b", "name"))), some, person{"3", 1}, 1, "b"},
		{"MGET as fields", do(command.AsFields(command.MGet("a", "b", "c"))), some, []command.Field{{"a", "1"}, {"c", "3"}}, 1, "b"},
		{"HMGET with a missing field", do(command.AsMap(command.HMGet("k", "a", "b", "c"), command.AsInt)), list{nothing{}, refusal(words), bulkText("3")}, map[string]int64{"c": 3}, 1, "b"},
		{"ZMSCORE", do(command.ZMScore("k", "a", "b")), list{refusal(words), double3(2)}, []command.Optional[float64]{{}, {Value: 2, Present: true}}, 0, ""},
	} {
		for _, resp3 := range []bool{false, true} {
			got, err := test.got(&double{reply: test.reply.in(resp3)})
			var bad *command.PartialError
			if !errors.As(err, &bad) {
				t.Errorf("%s: %v, want a PartialError", test.name, err)
				continue
			}
			var server *proto.Error
			if !errors.As(err, &server) || server.Message != "server 2 is down" || !strings.Contains(err.Error(), words) {
				t.Errorf("%s: the server's words are lost: %v", test.name, err)
			}
			want := command.ElementError{Index: test.index, Name: test.named, Err: &proto.Error{Code: "ERR", Message: "server 2 is down"}}
			if diff := cmp.Diff([]command.ElementError{want}, bad.Elements); diff != "" || bad.Command == "" {
				t.Errorf("%s of %q (-want +got):\n%s", test.name, bad.Command, diff)
			}
			if n := map[bool]int{true: 2, false: 3}[test.name == "ZMSCORE"]; bad.Len != n {
				t.Errorf("%s has %d elements, want %d", test.name, bad.Len, n)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.name, diff)
			}
		}
	}
	all, err := command.AsAny(command.Eval("s", nil)).Do(t.Context(), &double{reply: some.in(true)})
	if want := []any{"1", &proto.Error{Code: "ERR", Message: "server 2 is down"}, "3"}; err != nil || !cmp.Equal(all, any(want)) {
		t.Errorf("as any: %v, %v", all, err)
	}
}

// In a batch a future has both.
func TestErrorsAmongElementsOfABatch(t *testing.T) {
	some := list{bulkText("1"), refusal("ERR server 2 is down")}
	var b command.Batch
	var into []command.Optional[string]
	future := b.MGet("a", "b")
	b.Add(command.MGet("a", "b").Into(&into))
	err := b.Exec(t.Context(), &double{reply: some.in(true) + some.in(true)})
	var bad *command.PartialError
	if !errors.As(err, &bad) {
		t.Errorf("Exec: %v", err)
	}
	values, err := future.Result()
	if len(values) != 2 || values[0].Value != "1" || values[1].Present || !errors.As(err, &bad) {
		t.Errorf("the future: %v, %v", values, err)
	}
	if !cmp.Equal(values, into) {
		t.Errorf("Into: %v", into)
	}
}

// Where a whole reply can't be decoded for an error inside of it, the error has its words.
func TestErrorInsideOfAReply(t *testing.T) {
	deep := list{bulkText("k"), list{refusal("OOM no memory")}}
	for name, got := range map[string]func(*double) (any, error){
		"BLPOP": do(command.BLPop(0, "k")),
		"SCAN":  do(command.Scan(0)),
		"EVAL":  do(command.AsSlice(command.Eval("s", nil), command.AsString)),
	} {
		_, err := got(&double{reply: deep.in(true)})
		var server *proto.Error
		var wrong *command.DecodeError
		if !errors.As(err, &server) || server.Code != "OOM" || !errors.As(err, &wrong) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
