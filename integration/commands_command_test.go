package integration

import (
	"slices"
	"testing"

	"github.com/redchan-go/redchan/redis/command"
)

func TestCommandList(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		all := result(f, c, command.CommandList())
		count := result(f, c, command.CommandCount())
		containers := 0 // what COMMAND COUNT counts: commands without their sub-commands
		for _, name := range all {
			if !slices.Contains([]byte(name), '|') {
				containers++
			}
		}
		if int64(containers) != count || !slices.Contains(all, "get") || !slices.Contains(all, "config|get") {
			f.Errorf("COMMAND LIST has %d commands, COMMAND COUNT says %d", containers, count)
		}
		some := result(f, c, command.CommandList(command.Match("xgroup|c*")))
		slices.Sort(some)
		if !slices.Equal(some, []string{"xgroup|create", "xgroup|createconsumer"}) {
			f.Errorf("COMMAND LIST of a pattern = %q", some)
		}
		if geo := result(f, c, command.CommandList(command.InCategory("geo"))); !slices.Contains(geo, "geoadd") || slices.Contains(geo, "get") {
			f.Errorf("COMMAND LIST of a category = %q", geo)
		}
		equal(f, c, command.CommandList(command.InModule("none")), []string{})
	})
}

func TestCommandGetKeys(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		equal(f, c, command.CommandGetKeys("MSET", "a", 1, "b", 2), []string{"a", "b"})
		equal(f, c, command.CommandGetKeys("EVAL", "return 1", 2, "a", []byte("b"), "c"), []string{"a", "b"})
		refused(f, c, command.CommandGetKeys("PING"), "ERR")
		refused(f, c, command.CommandGetKeys("NO.SUCH.COMMAND", "a"), "ERR")
		keys := result(f, c, command.CommandGetKeysAndFlags("LMOVE", "a", "b", "LEFT", "RIGHT"))
		for i := range keys {
			slices.Sort(keys[i].Flags)
		}
		if len(keys) != 2 || keys[0].Key != "a" || !slices.Equal(keys[0].Flags, []string{"RW", "access", "delete"}) ||
			keys[1].Key != "b" || !slices.Equal(keys[1].Flags, []string{"RW", "insert"}) {
			f.Errorf("COMMAND GETKEYSANDFLAGS = %+v", keys)
		}
	})
}

func TestCommandInfo(t *testing.T) {
	shared(t, func(f *fixture) {
		f.since("7.0", "sub-commands in COMMAND INFO")
		c := f.open()
		info := result(f, c, command.CommandInfo("get", "none", "eval", "config|get", "config"))
		if len(info) != 5 || info[1].Present || !info[0].Present || !info[2].Present || !info[3].Present || !info[4].Present {
			f.Fatalf("COMMAND INFO = %+v", info)
		}
		get := info[0].Value
		slices.Sort(get.Flags)
		slices.Sort(get.Categories)
		if get.Name != "get" || get.Arity != 2 || !slices.Equal(get.Flags, []string{"fast", "readonly"}) || get.FirstKey != 1 || get.LastKey != 1 || get.KeyStep != 1 ||
			!slices.Equal(get.Categories, []string{"@fast", "@read", "@string"}) || len(get.Subcommands) != 0 || len(get.KeySpecs) != 1 {
			f.Fatalf("COMMAND INFO get = %+v", get)
		}
		spec := get.KeySpecs[0]
		slices.Sort(spec.Flags)
		if !slices.Equal(spec.Flags, []string{"RO", "access"}) ||
			spec.Begin != (command.KeyBegin{Type: "index", Index: 1}) || spec.Find != (command.KeyFind{Type: "range", KeyStep: 1}) {
			f.Errorf("the key of GET is %+v", spec)
		}
		eval := info[2].Value
		if len(eval.KeySpecs) != 1 || eval.KeySpecs[0].Begin.Index != 2 ||
			eval.KeySpecs[0].Find != (command.KeyFind{Type: "keynum", FirstKey: 1, KeyStep: 1}) {
			f.Errorf("the keys of EVAL are %+v", eval.KeySpecs)
		}
		if sub := info[3].Value; sub.Name != "config|get" || sub.Arity != -3 || sub.FirstKey != 0 {
			f.Errorf("COMMAND INFO config|get = %+v", sub)
		}
		if !slices.ContainsFunc(info[4].Value.Subcommands, func(d command.CommandDescription) bool { return d.Name == "config|set" }) {
			f.Errorf("COMMAND INFO config = %+v", info[4].Value)
		}
		if all := result(f, c, command.CommandInfo()); int64(len(all)) != result(f, c, command.CommandCount()) {
			f.Errorf("COMMAND INFO tells of %d commands", len(all))
		}
	})
}

func TestCommandDocs(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		docs := result(f, c, command.CommandDocs("none", "expire"))
		if len(docs) != 1 {
			f.Fatalf("COMMAND DOCS = %+v", docs)
		}
		expire := docs[0]
		if expire.Name != "expire" || expire.Summary == "" || expire.Since != "1.0.0" || expire.Group != "generic" || expire.Complexity != "O(1)" ||
			len(expire.Flags) != 0 || len(expire.History) != 1 || expire.History[0].Version != "7.0.0" || len(expire.Arguments) != 3 {
			f.Fatalf("COMMAND DOCS expire = %+v", expire)
		}
		key, seconds, condition := expire.Arguments[0], expire.Arguments[1], expire.Arguments[2]
		if key.Name != "key" || key.Type != "key" || key.KeySpec != (command.Optional[int64]{Present: true}) || key.Optional {
			f.Errorf("the first argument of EXPIRE is %+v", key)
		}
		if seconds.Name != "seconds" || seconds.Type != "integer" || seconds.KeySpec.Present {
			f.Errorf("the second argument of EXPIRE is %+v", seconds)
		}
		if condition.Type != "oneof" || !condition.Optional || condition.Since != "7.0.0" || len(condition.Arguments) != 4 || condition.Arguments[0].Token != "NX" {
			f.Errorf("the third argument of EXPIRE is %+v", condition)
		}
		mset := result(f, c, command.CommandDocs("mset"))[0].Arguments[0]
		if mset.Type != "block" || !mset.Multiple || len(mset.Arguments) != 2 {
			f.Errorf("the arguments of MSET are %+v", mset)
		}
		old := result(f, c, command.CommandDocs("slaveof"))[0]
		if !slices.Equal(old.Flags, []string{"deprecated"}) || old.DeprecatedSince != "5.0.0" || old.ReplacedBy != "`REPLICAOF`" {
			f.Errorf("COMMAND DOCS slaveof = %+v", old)
		}
		xgroup := result(f, c, command.CommandDocs("xgroup"))[0]
		if !slices.ContainsFunc(xgroup.Subcommands, func(d command.CommandDoc) bool { return d.Name == "xgroup|create" && len(d.Arguments) > 0 }) {
			f.Errorf("COMMAND DOCS xgroup = %+v", xgroup)
		}
		if all := result(f, c, command.CommandDocs()); int64(len(all)) != result(f, c, command.CommandCount()) {
			f.Errorf("COMMAND DOCS tells of %d commands", len(all))
		}
	})
}
