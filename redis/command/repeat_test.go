package command_test

import (
	"context"
	"testing"

	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
)

// A command may be repeated where it only reads, or where its caller says so.
func TestRepeatable(t *testing.T) {
	script := command.NewScript("return 1")
	for want, cmds := range map[bool]map[string]command.Request{
		true: {
			"a read":                    command.Get("k").Request(),
			"a declared write":          command.Set("k", "v").Idempotent().Request(),
			"a raw read":                command.Raw("M.GET", "k").ReadOnly().Request(),
			"a declared script":         script.Idempotent().Call(nil).Request(),
			"a script that only reads":  script.ReadOnly().Call(nil).Request(),
			"a declared typed script":   command.NewScriptOf("return 1", command.AsInt).Idempotent().Call(nil).Request(),
			"declared before decoding":  command.AsInt(command.Raw("M.SET", "k").Idempotent()).Request(),
			"a typed script that reads": command.NewScriptOf("return 1", command.AsInt).ReadOnly().Call(nil).Request(),
		},
		false: {
			"a write":  command.Set("k", "v").Request(),
			"a script": script.Call(nil).Request(),
			"a raw":    command.Raw("M.SET", "k").Request(),
		},
	} {
		for name, r := range cmds {
			if got := r.Repeatable(); got != want {
				t.Errorf("%s: %v", name, got)
			}
			var rs command.Requests
			get := command.Get("other").Request()
			rs.Add(&get)
			rs.Add(&r)
			check := func(what string, rs *command.Requests) {
				if got := rs.Repeatable(); got != want {
					t.Errorf("%s, %s: %v", name, what, got)
				}
			}
			check("in a batch", &rs)
			check("a part of a batch", rs.Part(1, 2))
			check("a transaction", rs.Transaction())
			check("a transaction behind ASKING", rs.Transaction(command.AskingRequest()))
			if at := rs.At(1); at.Repeatable() != want {
				t.Errorf("%s, taken out of a batch: %v", name, at.Repeatable())
			}
			if !rs.Part(0, 1).Repeatable() {
				t.Errorf("%s: the part without it is not repeatable", name)
			}
			var joined command.Requests
			joined.Join(&rs, 0)
			joined.Join(&rs, 1)
			check("joined to others", &joined)
		}
	}
}

// batches notes whether it may repeat the batches that it is given.
type batches struct {
	double
	repeatable []bool
}

func (b *batches) DoBatch(ctx context.Context, rs *command.Requests) ([]proto.Value, error) {
	b.repeatable = append(b.repeatable, rs.Repeatable())
	return b.double.DoBatch(ctx, rs)
}

// A batch may be declared as a whole, up to its next Exec.
func TestIdempotentBatch(t *testing.T) {
	var b command.Batch
	d := &batches{double: double{reply: "+OK\r\n+OK\r\n"}}
	b.Set("a", 1)
	b.Idempotent().Set("b", 2)
	if err := b.Exec(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	b.Set("a", 1)
	b.Set("b", 2)
	if err := b.Exec(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if len(d.repeatable) != 2 || !d.repeatable[0] || d.repeatable[1] {
		t.Errorf("repeatable: %v, want true and false", d.repeatable)
	}
}
