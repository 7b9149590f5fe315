package command_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/redchan-go/redchan/redis/command"
)

// Nulls are missing values, in both protocols and at every depth.
func TestAsOptional(t *testing.T) {
	some := func(n int64) command.Optional[int64] { return command.Optional[int64]{Value: n, Present: true} }
	for _, reply := range []string{"*3\r\n:1\r\n_\r\n$1\r\n3\r\n", "*3\r\n:1\r\n$-1\r\n$1\r\n3\r\n"} {
		d := &double{reply: reply}
		got, err := command.AsOptionals(command.Eval("", nil), command.AsInt).Do(t.Context(), d)
		if want := []command.Optional[int64]{some(1), {}, some(3)}; !reflect.DeepEqual(got, want) || err != nil {
			t.Errorf("%q: %v, %v", reply, got, err)
		}
	}
	one := command.AsOptional(command.Get("k"), command.AsInt)
	for reply, want := range map[string]command.Optional[int64]{"$-1\r\n": {}, "$1\r\n7\r\n": some(7)} {
		if got, err := one.Do(t.Context(), &double{reply: reply}); got != want || err != nil {
			t.Errorf("%q: %v, %v", reply, got, err)
		}
	}
	table := command.AsFields(command.Eval("", nil))
	values, err := command.AsMap(table, func(c command.Cmd[[]command.Field]) command.Cmd[command.Optional[int64]] {
		return command.AsOptional(c, command.AsInt)
	}).Do(t.Context(), &double{reply: "*4\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$-1\r\n"})
	if want := map[string]command.Optional[int64]{"a": some(1), "b": {}}; !reflect.DeepEqual(values, want) || err != nil {
		t.Errorf("a map: %v, %v", values, err)
	}
	var wrong *command.DecodeError
	if got, err := one.Do(t.Context(), &double{reply: "$1\r\nx\r\n"}); !errors.As(err, &wrong) || got.Present {
		t.Errorf("a text that is no number: %v, %v", got, err)
	}
}

func ExampleAsOptionals() {
	client := &double{reply: "*3\r\n$1\r\n1\r\n$-1\r\n$1\r\n3\r\n"} // any Doer: a client in a program
	counts, err := command.AsOptionals(command.MGet("a", "b", "c"), command.AsInt).Do(context.Background(), client)
	fmt.Println(counts, err)
	// Output: [1 <nil> 3] <nil>
}
