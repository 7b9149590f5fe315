package integration

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"

	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
)

// collect returns what an iteration gives, sorted and each once, as text.
func collect[T any](f *fixture, all iter.Seq2[T, error]) []string {
	f.Helper()
	var found []string
	for one, err := range all {
		if err != nil {
			f.Fatal(err)
		}
		found = append(found, fmt.Sprint(one))
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func TestIterators(t *testing.T) {
	const n = 1000
	shared(t, func(f *fixture) {
		c := f.open()
		p := c.Pipeline()
		var keys, fields, members []string
		for i := range n {
			key := fmt.Sprintf("key:%04d", i)
			keys = append(keys, key)
			fields = append(fields, fmt.Sprintf("{%s %d}", key, i))
			members = append(members, key)
			p.Set(key, i)
			p.HSet("hash", command.Map{key: i})
			p.SAdd("set", key)
		}
		if err := p.Exec(f.ctx); err != nil {
			f.Fatal(err)
		}
		if got := collect(f, c.ScanAll(f.ctx, command.Match("key:*"), command.Count(100))); !slices.Equal(got, keys) {
			f.Errorf("SCAN: %d keys", len(got))
		}
		if got := collect(f, c.ScanAll(f.ctx, command.OfType("hash"))); !slices.Equal(got, []string{"hash"}) {
			f.Errorf("SCAN TYPE hash: %q", got)
		}
		if got := collect(f, c.ScanAll(f.ctx, command.Match("key:000*"))); !slices.Equal(got, keys[:10]) {
			f.Errorf("SCAN MATCH: %q", got)
		}
		if got := collect(f, c.HScanAll(f.ctx, "hash", command.Count(50))); !slices.Equal(got, fields) {
			f.Errorf("HSCAN: %d fields", len(got))
		}
		if got := collect(f, c.SScanAll(f.ctx, "set")); !slices.Equal(got, members) {
			f.Errorf("SSCAN: %d members", len(got))
		}
		if got := collect(f, c.SScanAll(f.ctx, "none")); len(got) != 0 {
			f.Errorf("SSCAN of nothing: %q", got)
		}

		// A break asks for no further page.
		since := f.monitor()
		for _, err := range c.ScanAll(f.ctx, command.Count(10)) {
			if err != nil {
				f.Error(err)
			}
			break
		}
		if got := since(); len(got) != 1 {
			f.Errorf("a loop that was left sent %q", got)
		}
		// The end of the context is the last item.
		ctx, cancel := context.WithCancel(f.ctx)
		defer cancel()
		seen := 0
		for _, err := range c.ScanAll(ctx, command.Count(10)) {
			if err != nil {
				if !errors.Is(err, context.Canceled) {
					f.Errorf("after %d keys: %v", seen, err)
				}
				seen = -seen
				continue
			}
			seen++
			cancel()
		}
		if seen != -1 {
			f.Errorf("%d items", seen)
		}
		// So is an error of the server.
		var last error
		for _, err := range c.HScanAll(f.ctx, "set") {
			last = err
		}
		var reply *redis.ReplyError
		if !errors.As(last, &reply) || reply.Code != "WRONGTYPE" {
			f.Errorf("HSCAN of a set: %v", last)
		}
	})
}
