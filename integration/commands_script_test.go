package integration

import (
	"testing"
	"time"

	"github.com/redchan-go/redchan/integration/servers"
	"github.com/redchan-go/redchan/redis/command"
)

func TestScriptCommands(t *testing.T) {
	shared(t, func(f *fixture) {
		f.since("6.2", "SCRIPT FLUSH SYNC")
		c := f.open()
		const text = "return {KEYS[1], ARGV[1], #KEYS}"
		equal(f, c, command.ScriptFlush(), done)
		hash := command.NewScript(text).Hash()
		equal(f, c, command.ScriptExists(hash), []bool{false})
		refused(f, c, command.EvalSHA(hash, nil), "NOSCRIPT")
		refused(f, c, command.EvalSHARO(hash, nil), "NOSCRIPT")
		equal(f, c, command.ScriptLoad(text), hash)
		equal(f, c, command.ScriptExists(hash, "ffffffffffffffffffffffffffffffffffffffff"), []bool{true, false})
		keys := []string{"a", "b"}
		want := []string{"a", "x", "2"}
		equal(f, c, command.AsStrings(command.EvalSHA(hash, keys, "x")), want)
		equal(f, c, command.AsStrings(command.EvalSHARO(hash, keys, "x")), want)
		equal(f, c, command.AsStrings(command.EvalRO(text, keys, "x")), want)
		equal(f, c, command.AsStrings(command.Eval(text, keys, "x")), want)
		refused(f, c, command.EvalRO("return redis.call('SET', KEYS[1], 1)", []string{"k"}), "ERR")
		refused(f, c, command.ScriptLoad("this is no Lua"), "ERR")

		show := command.ScriptShow(hash)
		if f.server.Role() == "valkey9" {
			equal(f, c, show, text)
			refused(f, c, command.ScriptShow("ffffffffffffffffffffffffffffffffffffffff"), "NOSCRIPT")
		} else {
			refused(f, c, show, "ERR")
		}
		equal(f, c, command.ScriptFlush(command.Sync), done)
		equal(f, c, command.ScriptFlush(command.Async), done)
		equal(f, c, command.ScriptExists(hash), []bool{false})
		refused(f, c, command.ScriptKill(), "NOTBUSY")
	})
}

func TestFunctionCommands(t *testing.T) {
	shared(t, func(f *fixture) {
		f.since("7.0", "functions")
		c := f.open()
		equal(f, c, command.FunctionFlush(), done)
		equal(f, c, command.FunctionList(), []command.LibraryInfo{})
		const code = `#!lua name=stock
redis.register_function{function_name='look', description='looks', flags={'no-writes'}, callback=function(keys, args)
	return {keys[1], args[1], #keys}
end}`
		const other = `#!lua name=other
redis.register_function('put', function(keys, args) return redis.call('SET', keys[1], args[1]) end)`
		equal(f, c, command.FunctionLoad(code), "stock")
		refused(f, c, command.FunctionLoad(code), "ERR")
		equal(f, c, command.FunctionLoad(code, command.Replace), "stock")
		equal(f, c, command.FunctionLoad(other, command.Replace), "other")

		want := []string{"a", "x", "2"}
		equal(f, c, command.AsStrings(command.FCall("look", []string{"a", "b"}, "x")), want)
		equal(f, c, command.AsStrings(command.FCallRO("look", []string{"a", "b"}, "x")), want)
		equal(f, c, command.AsString(command.FCall("put", []string{"k"}, "v")), "OK")
		equal(f, c, command.Get("k"), "v")
		refused(f, c, command.FCallRO("put", []string{"k"}, "v"), "ERR")
		refused(f, c, command.FCall("none", nil), "ERR")

		stock := command.LibraryInfo{Name: "stock", Engine: "LUA", Functions: []command.FunctionInfo{
			{Name: "look", Description: "looks", Flags: []string{"no-writes"}},
		}}
		putting := command.LibraryInfo{Name: "other", Engine: "LUA", Functions: []command.FunctionInfo{{Name: "put", Flags: []string{}}}}
		equal(f, c, command.FunctionList(command.LibraryName("st*")), []command.LibraryInfo{stock})
		equal(f, c, command.FunctionList(command.LibraryName("other")), []command.LibraryInfo{putting})
		stock.Code = code
		equal(f, c, command.FunctionList(command.WithCode, command.LibraryName("stock")), []command.LibraryInfo{stock})
		equal(f, c, command.FunctionStats(), command.FunctionStatistics{
			Engines: []command.EngineStats{{Engine: "LUA", Libraries: 2, Functions: 2}},
		})
		refused(f, c, command.FunctionKill(), "NOTBUSY")

		dump := result(f, c, command.FunctionDump())
		equal(f, c, command.FunctionDelete("stock"), done)
		refused(f, c, command.FunctionDelete("stock"), "ERR")
		refused(f, c, command.FunctionRestore(dump), "ERR") // the other one is there
		equal(f, c, command.FunctionRestore(dump, command.RestoreInPlace), done)
		refused(f, c, command.FunctionRestore(dump, command.RestoreAppend), "ERR")
		equal(f, c, command.FunctionFlush(command.Sync), done)
		equal(f, c, command.FunctionRestore(dump, command.RestoreAppend), done)
		equal(f, c, command.FunctionRestore(dump, command.RestoreFlushing), done)
		if got := result(f, c, command.FunctionList()); len(got) != 2 {
			f.Errorf("FUNCTION LIST = %v", got)
		}
		equal(f, c, command.FunctionFlush(command.Async), done)
		equal(f, c, command.FunctionList(), []command.LibraryInfo{})
	})
}

// TestKillScript ends a script and a function that would run for ever.
func TestKillScript(t *testing.T) {
	own(t, servers.Config{Lines: []string{"lua-time-limit 10"}}, func(f *fixture) {
		c, killer := f.open(), f.open()
		script := command.Eval("while true do end", nil).Go(f.ctx, c)
		f.eventually("a script to kill", func() bool {
			_, err := command.ScriptKill().Do(f.ctx, killer)
			return err == nil
		})
		if r := <-script; replyCode(r.Err) != "ERR" {
			f.Errorf("the killed script: %v", r.Err)
		}

		equal(f, c, command.FunctionLoad("#!lua name=l\nredis.register_function('forever', function() while true do end end)"), "l")
		function := command.FCall("forever", []string{"k"}, "x").Go(f.ctx, c)
		var running command.Optional[command.RunningFunction]
		f.eventually("a running function", func() bool {
			running = result(f, killer, command.FunctionStats()).Running
			return running.Present
		})
		call := running.Value.Command
		if running.Value.Name != "forever" || len(call) != 5 || call[1] != "forever" || call[4] != "x" ||
			running.Value.Lasted <= 0 || running.Value.Lasted > time.Minute {
			f.Errorf("FUNCTION STATS says that %+v is running", running.Value)
		}
		equal(f, killer, command.FunctionKill(), done)
		if r := <-function; replyCode(r.Err) != "ERR" {
			f.Errorf("the killed function: %v", r.Err)
		}
	})
}
