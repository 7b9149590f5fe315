package redis_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/redistest"
)

var errPacked = errors.New("it is not packed")

// unpack is a decoder of a view: texts are stored behind a mark.
func unpack(v proto.Value) (proto.Value, error) {
	text, ok := strings.CutPrefix(v.Str(), "packed:")
	if !ok {
		return v, errPacked
	}
	return proto.Bulk(text), nil
}

// A view reads what it has a decoder for in its own way, wherever the command runs, on
// the connection of the client that it was made from.
func TestView(t *testing.T) {
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		view := client.View(redis.Decoding{Replies: map[string]func(proto.Value) (proto.Value, error){"get": unpack}, Text: command.Guess})
		type result struct {
			value any
			err   error
		}
		ask := func(f func() (any, error)) <-chan result {
			done := make(chan result, 1)
			go func() {
				v, err := f()
				done <- result{v, err}
			}()
			return done
		}
		got := ask(func() (any, error) { return view.Get(t.Context(), "k") })
		c := server.AcceptReady()
		c.Expect("GET", "k")
		c.Bulk("packed:v")
		if r := <-got; r.value != "v" || r.err != nil {
			t.Errorf("GET: %v", r)
		}
		got = ask(func() (any, error) { return view.Get(t.Context(), "k") })
		c.Expect("GET", "k")
		c.Null()
		if r := <-got; r.err != redis.Nil {
			t.Errorf("GET of nothing: %v", r)
		}
		got = ask(func() (any, error) { return view.Get(t.Context(), "k") })
		c.Expect("GET", "k")
		c.Error("WRONGTYPE no text")
		var reply *redis.ReplyError
		if r := <-got; !errors.As(r.err, &reply) {
			t.Errorf("GET of a list: %v", r)
		}
		got = ask(func() (any, error) { return view.Get(t.Context(), "k") })
		c.Expect("GET", "k")
		c.Bulk("private")
		var wrong *command.DecodeError
		if r := <-got; !errors.Is(r.err, errPacked) || !errors.As(r.err, &wrong) || wrong.Command != "GET" || strings.Contains(r.err.Error(), "private") {
			t.Errorf("GET of what is not packed: %v", r.err)
		}

		// In batches; one that can't be read is its command's error.
		for _, multi := range []bool{false, true} {
			p := view.Pipeline()
			good, bad, plain := p.Get("a"), p.Get("b"), p.HGet("h", "f")
			exec := p.Exec
			if multi {
				exec = p.Multi
			}
			done := run(func() error { return exec(t.Context()) })
			const replies = "$8\r\npacked:1\r\n$1\r\n2\r\n$8\r\npacked:3\r\n"
			if multi {
				queued(c, "GET a", "GET b", "HGET h f")
				c.Send("*3\r\n" + replies)
			} else {
				for range 3 {
					c.Next()
				}
				c.Send(replies)
			}
			err := <-done
			var failed *command.BatchError
			if !errors.As(err, &failed) || failed.Index != 1 || !errors.Is(err, errPacked) {
				t.Errorf("a batch: %v", err)
			}
			if good.Value() != "1" || bad.Err() == nil || plain.Value() != "packed:3" {
				t.Errorf("a batch: %v, %v, %v", good.Value(), bad.Err(), plain.Value())
			}
		}

		// Any, by the view's mode and by the client's.
		for _, test := range []struct {
			any  func() (any, error)
			want any
		}{
			{func() (any, error) { return view.Any(t.Context(), command.Get("k")) }, map[string]any{"a": int64(1)}},
			{func() (any, error) { return client.Any(t.Context(), command.Get("k")) }, `packed:{"a":1}`},
			{func() (any, error) { return client.View(redis.Decoding{}).Any(t.Context(), command.Get("k")) }, `packed:{"a":1}`},
		} {
			got := ask(test.any)
			c.Expect("GET", "k")
			c.Bulk(`packed:{"a":1}`)
			r := <-got
			if diff := cmp.Diff(test.want, r.value); r.err != nil || diff != "" {
				t.Errorf("Any: %v (-want +got):\n%s", r.err, diff)
			}
		}
	})
}

// A script is an EVALSHA to a view, also where it is sent with its text.
func TestViewOfScripts(t *testing.T) {
	script := command.NewScript("return 'x'")
	story(t, redis.Options{}, func(t *testing.T, client *redis.Client, server *redistest.Server) {
		view := client.View(redis.Decoding{Replies: map[string]func(proto.Value) (proto.Value, error){
			"EVALSHA": unpack, "EVALSHA_RO": unpack,
		}})
		done := run(func() error {
			for _, s := range []command.Script{script, script.ReadOnly()} {
				if v, err := command.AsString(s.Call(nil)).Do(t.Context(), view); v != "1" || err != nil {
					t.Errorf("alone: %q, %v", v, err)
				}
				var b command.Batch
				first, second := command.AsString(s.Call(nil)).Queue(&b), command.AsString(s.Call(nil)).Queue(&b)
				if err := view.Exec(t.Context(), &b); err != nil || first.Value() != "1" || second.Value() != "2" {
					t.Errorf("in a batch: %q, %q, %v", first.Value(), second.Value(), err)
				}
			}
			v, err := command.AsString(command.Eval("return 'x'", nil)).Do(t.Context(), view)
			if v != "packed:3" {
				t.Errorf("EVAL: %q", v)
			}
			return err
		})
		c := server.AcceptReady()
		for _, ro := range []string{"", "_RO"} {
			c.Expect("EVALSHA"+ro, script.Hash(), "0")
			c.Error("NOSCRIPT No matching script.")
			c.Expect("EVAL"+ro, script.Source(), "0")
			c.Bulk("packed:1")
			c.Expect("EVAL"+ro, script.Source(), "0")
			c.Expect("EVALSHA"+ro, script.Hash(), "0")
			c.Send("$8\r\npacked:1\r\n$8\r\npacked:2\r\n")
		}
		c.Expect("EVAL", script.Source(), "0")
		c.Bulk("packed:3")
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
