package command_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/redchan-go/redchan/redis/command"
)

// A typed script reads its result in the order in which it is written, and can be queued.
func TestScriptOf(t *testing.T) {
	take := command.NewScriptOf("return redis.call('DECRBY', KEYS[1], ARGV[1])", command.AsInt)
	d := &double{reply: ":7\r\n"}
	if n, err := take.Run(t.Context(), d, []string{"stock"}, 3); n != 7 || err != nil {
		t.Errorf("Run: %d, %v", n, err)
	}
	if got := d.sent[0]; got.Name() != "EVALSHA" || got.Arg(0) != take.Script().Hash() || got.Arg(2) != "stock" || got.Arg(3) != "3" {
		t.Errorf("it sent %v", &got)
	}
	var b command.Batch
	n := take.Call([]string{"stock"}, 3).Queue(&b)
	if err := b.Exec(t.Context(), d); err != nil || n.Value() != 7 {
		t.Errorf("in a batch: %v, %v", n, err)
	}
	if r := <-take.Call(nil).Go(t.Context(), d); r.Value != 7 || r.Err != nil {
		t.Errorf("on a channel: %v", r)
	}
	if _, err := take.ReadOnly().Run(t.Context(), d, nil); err != nil || d.sent[len(d.sent)-1].Name() != "EVALSHA_RO" {
		t.Errorf("one that only reads: %v", err)
	}
	if _, err := (command.ScriptOf[int64]{}).Run(t.Context(), d, nil); !errors.Is(err, command.ErrArgument) {
		t.Errorf("the zero ScriptOf: %v", err)
	}
	var failed *command.DecodeError
	if _, err := take.Run(t.Context(), &double{reply: "*0\r\n"}, nil); !errors.As(err, &failed) {
		t.Errorf("a result of another type: %v", err)
	}
}

func ExampleNewScriptOf() {
	take := command.NewScriptOf("return redis.call('DECRBY', KEYS[1], ARGV[1])", command.AsInt)

	client := &double{reply: ":39\r\n"} // any Doer: a client in a program
	left, err := take.Run(context.Background(), client, []string{"stock"}, 3)
	fmt.Println(left, err)
	// Output: 39 <nil>
}
