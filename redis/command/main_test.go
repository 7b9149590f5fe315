package command_test

import (
	"context"
	"strings"
	"testing"

	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
)

// double is a Doer that answers every request with the same bytes.
type double struct {
	reply string
	sent  []command.Request
}

func (d *double) Do(_ context.Context, r command.Request) (proto.Value, error) {
	if r.Err() != nil {
		panic("a bad request was given to the Doer")
	}
	d.sent = append(d.sent, r)
	v := parse(d.reply)
	return v, command.ReplyError(&r, "", v)
}

func (d *double) DoBatch(_ context.Context, rs *command.Requests) ([]proto.Value, error) {
	for i := range rs.Len() {
		d.sent = append(d.sent, rs.At(i))
	}
	var values []proto.Value
	reader := proto.NewReader(strings.NewReader(d.reply), proto.Limits{})
	for range rs.Len() {
		v, err := reader.Next()
		if err != nil {
			return values, &command.Error{Command: "batch", Outcome: command.MaybeExecuted, Err: err}
		}
		values = append(values, v)
	}
	return values, nil
}

// parse reads one reply.
func parse(raw string) proto.Value {
	v, err := proto.NewReader(strings.NewReader(raw), proto.Limits{}).Next()
	if err != nil {
		panic(err)
	}
	return v
}

// wire returns the words of a request as they go over the wire.
func wire(r command.Request) []string {
	var words []string
	for word := range parse(string(r.Append(nil))).All() {
		words = append(words, word.Str())
	}
	return words
}

// expectWire fails the test where a request is not these words.
func expectWire(t *testing.T, r command.Request, want string) {
	t.Helper()
	if err := r.Err(); err != nil {
		t.Errorf("%s: %v", want, err)
		return
	}
	if got := strings.Join(wire(r), " "); got != want {
		t.Errorf("sent %q, want %q", got, want)
	}
}

// doer is a Doer that answers with the value that it returns.
type doer func() proto.Value

func (d doer) Do(context.Context, command.Request) (proto.Value, error) { return d(), nil }
