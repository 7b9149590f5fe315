package cluster_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/redchan-go/redchan/cluster"
	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
)

// withErrors executes batches of MGETs: each key has itself for value, but for those that
// begin with "bad", whose place has an error.
type withErrors struct{}

func (withErrors) Exec(ctx context.Context, b *command.Batch) error { return b.Exec(ctx, withErrors{}) }

func (withErrors) DoBatch(_ context.Context, rs *command.Requests) ([]proto.Value, error) {
	var values []proto.Value
	for i := range rs.Len() {
		r := rs.At(i)
		reply := proto.AppendArray(nil, r.Len())
		for n := range r.Len() {
			if key := r.Arg(n); strings.HasPrefix(key, "bad") {
				reply = append(reply, "-ERR server 2 is down\r\n"...)
			} else {
				reply = proto.AppendString(reply, key)
			}
		}
		v, err := proto.NewReader(strings.NewReader(string(reply)), proto.Limits{}).Next()
		if err != nil {
			return values, err
		}
		values = append(values, v)
	}
	return values, nil
}

// An error in one key's place costs neither the values of its slot nor those of others.
func TestSplitWithErrorsAmongValues(t *testing.T) {
	values, err := cluster.MGet(t.Context(), withErrors{}, "a{1}", "bad{1}", "b{2}", "c{1}")
	var failed *cluster.SplitError
	if !errors.As(err, &failed) || !slices.Equal(failed.Failed, []string{"bad{1}"}) || len(failed.Done) != 3 {
		t.Fatalf("%v: %+v", err, failed)
	}
	var reply *proto.Error
	if !errors.As(err, &reply) || reply.Message != "server 2 is down" {
		t.Errorf("the server's words are lost: %v", err)
	}
	for i, want := range []string{"a{1}", "", "b{2}", "c{1}"} {
		if values[i].Value != want || values[i].Present != (want != "") {
			t.Errorf("value %d is %+v, want %q", i, values[i], want)
		}
	}
}
