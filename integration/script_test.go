package integration

import (
	"errors"
	"testing"

	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
)

// A script is sent once, and called by its hash from then on, by any client, until the
// server has forgotten it.
func TestScript(t *testing.T) {
	shared(t, func(f *fixture) {
		c, other := f.open(), f.open()
		f.command("SCRIPT", "FLUSH")
		since := f.monitor()
		const text = "return redis.call('INCRBY',KEYS[1],ARGV[1])"
		script := command.NewScript(text)
		incr := command.AsInt(script.Call([]string{"n"}, 2))
		const byHash = "1 n 2"
		hash := script.Hash()
		inner := "INCRBY n 2"

		equal(f, c, incr, 2)
		expectRan(f, since, "EVALSHA "+hash+" "+byHash, "EVAL "+text+" "+byHash, inner)
		equal(f, c, incr, 4)
		equal(f, other, incr, 6)
		expectRan(f, since, "EVALSHA "+hash+" "+byHash, inner, "EVALSHA "+hash+" "+byHash, inner)
		if got := result(f, c, command.AsString(command.Raw("SCRIPT", "LOAD", text))); got != hash {
			f.Errorf("the server's hash is %s, ours %s", got, hash)
		}

		// The server forgets.
		f.command("SCRIPT", "FLUSH")
		equal(f, c, incr, 8)
		f.command("SCRIPT", "FLUSH")
		since()

		// In a batch its text goes once.
		p := c.Pipeline()
		a, b := incr.Queue(&p.Batch), incr.Queue(&p.Batch)
		if err := p.Exec(f.ctx); err != nil || a.Value() != 10 || b.Value() != 12 {
			f.Errorf("a pipeline: %v, %d, %d", err, a.Value(), b.Value())
		}
		expectRan(f, since, "EVAL "+text+" "+byHash, inner, "EVALSHA "+hash+" "+byHash, inner)

		f.command("SCRIPT", "FLUSH")
		a, b = incr.Queue(&p.Batch), incr.Queue(&p.Batch)
		if err := p.Multi(f.ctx); err != nil || a.Value() != 14 || b.Value() != 16 {
			f.Errorf("a transaction: %v, %d, %d", err, a.Value(), b.Value())
		}

		// In a session.
		f.command("SCRIPT", "FLUSH")
		s, err := c.Session(f.ctx)
		if err != nil {
			f.Fatal(err)
		}
		defer s.Close()
		equal(f, s, incr, 18)

		// A script's own error is its own.
		refused(f, c, command.NewScript("return redis.error_reply('MINE no')").Call(nil), "MINE")
		refused(f, c, command.NewScript("return {err='NOSCRIPT mine'}").Call(nil), "NOSCRIPT")
	})
}

func TestScriptReadOnly(t *testing.T) {
	shared(t, func(f *fixture) {
		f.since("7.0", "EVAL_RO")
		c := f.open()
		f.command("SCRIPT", "FLUSH")
		equal(f, c, command.Set("k", "v"), done)
		since := f.monitor()
		read := command.NewScript("return redis.call('GET',KEYS[1])").ReadOnly()
		equal(f, c, command.AsString(read.Call([]string{"k"})), "v")
		expectRan(f, since, "EVALSHA_RO "+read.Hash()+" 1 k", "EVAL_RO "+read.Source()+" 1 k", "GET k")
		r := read.Call([]string{"k"}).Request()
		if !r.ReadOnly() {
			f.Error("it does not count as read-only")
		}
		write := command.NewScript("return redis.call('SET',KEYS[1],1)").ReadOnly()
		if _, err := write.Call([]string{"k"}).Do(f.ctx, c); err == nil {
			f.Error("a script that says it only reads has written")
		}
		equal(f, c, command.Get("k"), "v")
	})
}

func TestLibrary(t *testing.T) {
	shared(t, func(f *fixture) {
		f.since("7.0", "functions")
		c := f.open()
		f.command("FUNCTION", "FLUSH")
		defer f.command("FUNCTION", "FLUSH")
		library := command.NewLibrary(`#!lua name=stock
redis.register_function('take', function(keys, args) return redis.call('DECRBY', keys[1], args[1]) end)
redis.register_function{function_name='left', callback=function(keys) return redis.call('GET', keys[1]) end, flags={'no-writes'}}
`)
		if library.Name() != "stock" {
			f.Errorf("the name is %q", library.Name())
		}
		equal(f, c, command.Set("apples", 10), done)
		// It is loaded when it is missed.
		equal(f, c, command.AsInt(library.Call("take", []string{"apples"}, 3)), 7)
		equal(f, c, command.AsInt(library.CallReadOnly("left", []string{"apples"})), 7)
		f.command("FUNCTION", "FLUSH")
		equal(f, c, command.AsInt(library.CallReadOnly("left", []string{"apples"})), 7)
		// Functions that it does not have are the server's error.
		refused(f, c, library.Call("none", nil), "ERR")

		// In a batch it is loaded in front.
		f.command("FUNCTION", "FLUSH")
		p := c.Pipeline()
		library.Load().Queue(&p.Batch)
		left := command.AsInt(library.Call("take", []string{"apples"}, 1)).Queue(&p.Batch)
		if err := p.Multi(f.ctx); err != nil || left.Value() != 6 {
			f.Errorf("%v, %d", err, left.Value())
		}
		if _, err := command.NewLibrary("return 1").Load().Do(f.ctx, c); !errors.Is(err, redis.ErrArgument) {
			f.Errorf("a library without a name: %v", err)
		}
	})
}
