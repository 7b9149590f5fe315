package integration

import (
	"bytes"
	"context"
	"maps"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redchan-go/redchan/integration/servers"
	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
)

// bits are the servers of the command table by their role.
var bits = map[string]uint8{"redis7": command.OnRedis7, "redis8": command.OnRedis8, "valkey9": command.OnValkey9}

// flagNames are the flags of the command table as servers name them.
var flagNames = map[string]command.Flags{
	"readonly": command.FlagReadOnly, "write": command.FlagWrite, "blocking": command.FlagBlocking,
	"admin": command.FlagAdmin, "pubsub": command.FlagPubSub, "noscript": command.FlagNoScript,
	"movablekeys": command.FlagMovableKeys, "no_auth": command.FlagNoAuth, "loading": command.FlagLoading,
	"stale": command.FlagStale, "fast": command.FlagFast, "denyoom": command.FlagDenyOOM, "no_multi": command.FlagNoMulti,
}

// decisive are the flags by which the client decides what to do with a command. In
// these all servers must agree with the table; in the rest, where servers differ,
// the table has what the newest Redis says.
const decisive = command.FlagReadOnly | command.FlagWrite | command.FlagBlocking

// otherArity are the commands, by role, to which a server gives another arity than
// the newest Redis does.
var otherArity = map[string][]string{
	"redis7":  {"COMMAND GETKEYS", "COMMAND GETKEYSANDFLAGS", "ZRANK", "ZREVRANK"},
	"valkey9": {"CLUSTER REPLICATE", "SCRIPT DEBUG"},
}

// described is what a server says of a command.
type described struct {
	arity             int
	flags             command.Flags
	first, last, step int
}

// describe reads the reply to COMMAND, or a container's list of sub-commands.
func describe(f *fixture, list proto.Value, into map[string]described) {
	f.Helper()
	for item := range list.All() {
		const elements = 10
		if item.Len() != elements {
			f.Fatalf("COMMAND describes a command by %d elements", item.Len())
		}
		name := strings.ToUpper(strings.ReplaceAll(item.Index(0).Str(), "|", " "))
		d := described{
			arity: int(item.Index(1).Int()),
			first: int(item.Index(3).Int()), last: int(item.Index(4).Int()), step: int(item.Index(5).Int()),
		}
		module := false
		for flag := range item.Index(2).All() {
			d.flags |= flagNames[flag.Str()]
			module = module || flag.Str() == "module"
		}
		if command.Lookup(name) != nil {
			module = false // it comes with the server
		}
		inner := item.Index(9)
		describe(f, inner, into)
		// A container alone is no command, but COMMAND is.
		if !module && (inner.Len() == 0 || d.arity == -1) {
			into[name] = d
		}
	}
}

// TestTable compares the command table with what every server says of itself.
func TestTable(t *testing.T) {
	shared(t, func(f *fixture) {
		f.since("7.0", "sub-commands in COMMAND")
		said := map[string]described{}
		describe(f, result(f, f.open(), command.Raw("COMMAND")), said)
		bit := bits[f.server.Role()]
		known := map[string]bool{}
		for _, spec := range command.All() {
			known[spec.Name] = true
			got, has := said[spec.Name]
			if has != (spec.On&bit != 0) {
				f.Errorf("%s: the server has it: %v; the table: %v", spec.Name, has, !has)
			}
			if !has {
				continue
			}
			if spec.ReadOnly() && spec.Flags&command.FlagWrite != 0 {
				f.Errorf("%s both reads only and writes", spec.Name)
			}
			want := described{spec.Arity, spec.Flags, spec.FirstKey, spec.LastKey, spec.KeyStep}
			if spec.On&command.OnRedis8 != 0 && bit != command.OnRedis8 {
				got.flags, want.flags = got.flags&decisive, want.flags&decisive
				if spec.Name == "WAIT" {
					got.flags |= command.FlagBlocking // Redis 7.0 did not say so yet
				}
				if slices.Contains(otherArity[f.server.Role()], spec.Name) {
					got.arity, want.arity = 0, 0
				}
			}
			if got != want {
				f.Errorf("%s: the server says %+v, the table %+v", spec.Name, got, want)
			}
			if command.Lookup(strings.ToLower(spec.Name)) != spec {
				f.Errorf("Lookup does not find %s", spec.Name)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(said)) {
			if !known[name] && !strings.Contains(name, ".") {
				f.Errorf("%s is not in the table", name)
			}
		}
	})
}

// samples returns a request of every constructor, with several keys and with options
// that move keys, where it can have them.
func samples() []command.Request {
	return slices.Concat(valueSamples(), orderedSamples(), serverSamples())
}

// otherSamples returns requests that have no constructor of their own.
func otherSamples() []command.Request {
	get := command.Get("k")
	return []command.Request{
		// Known by the table: positions from its keys.
		command.Raw("MSETNX", "a", 1, "b", 2).Request(),
		command.Raw("BITOP", "AND", "to", "a", "b").Request(),
		command.Raw("OBJECT", "FREQ", "k").Request(),
		command.Raw("BLMOVE", "a", "b", "LEFT", "RIGHT", 0).Request(),
		// What only decodes keeps the request.
		command.As(get, func(proto.Value) (int, error) { return 0, nil }).Request(),
		command.AsBytes(get).Request(),
		command.AsString(get).Request(),
		command.AsStrings(get).Request(),
		command.AsInt(get).Request(),
		command.AsFloat(get).Request(),
		command.AsBool(get).Request(),
		command.AsJSON[int](get).Request(),
		command.AsBinary[time.Time](get).Request(),
		command.AsText[netip.Addr](get).Request(),
		command.AsUint(get).Request(),
		command.AsTime(get).Request(),
		command.AsDuration(get).Request(),
		command.AsAny(get).Request(),
		command.AsGuess(get).Request(),
		command.AsStruct[struct{}](get).Request(),
		command.AsSlice(get, command.AsInt).Request(),
		command.AsMap(get, command.AsInt).Request(),
		command.AsFields(get).Request(),
		command.AsOptional(get, command.AsInt).Request(),
		command.AsOptionals(get, command.AsInt).Request(),
	}
}

// TestKeys asks the servers which arguments of every constructor's request are keys,
// and whether the number of arguments is right.
func TestKeys(t *testing.T) {
	files, err := filepath.Glob("samples_*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	names := mentioned(t, append(files, "table_test.go")...)
	for _, name := range constructors(t) {
		if !names[name] {
			t.Errorf("there is no sample of command.%s", name)
		}
	}
	servers.Each(t, func(t *testing.T, version servers.Version) {
		f := newFixture(t, sharedServer(t, version), false, testTimeout)
		f.since("7.0", "sub-commands in COMMAND")
		c := f.open()
		for _, r := range slices.Concat(samples(), otherSamples()) {
			checkKeys(f, c, r)
		}
	})
}

// onlyOn are requests of more words than the table's arity, which is Redis', allows, by the
// only role whose servers know them.
var onlyOn = map[string]string{"CLUSTER REPLICATE NO ONE": "valkey9"}

// checkKeys checks one request.
func checkKeys(f *fixture, c *redis.Client, r command.Request) {
	f.Helper()
	words := wordsOf(f, r)
	if role, only := onlyOn[strings.Join(words, " ")]; only {
		if f.server.Role() != role {
			return
		}
	} else if arity := r.Spec().Arity; arity > 0 && len(words) != arity || len(words) < -arity {
		f.Errorf("%q has %d words, its arity is %d", words, len(words), arity)
	}
	// What a call says of itself is what servers say of its command, but for those that
	// block by an option, and for MIGRATE, which waits for another server.
	spec := r.Spec()
	if r.ReadOnly() != spec.ReadOnly() {
		f.Errorf("%q: read-only %v, its command is %v", words, r.ReadOnly(), spec.ReadOnly())
	}
	switch {
	case spec.Name == "XREAD", spec.Name == "XREADGROUP":
		if r.Blocks() != slices.Contains(words, "BLOCK") {
			f.Errorf("%q: blocks %v", words, r.Blocks())
		}
	case spec.Name != "MIGRATE" && r.Blocks() != spec.Blocking():
		f.Errorf("%q: blocks %v, its command %v", words, r.Blocks(), spec.Blocking())
	}
	if r.Spec().On&bits[f.server.Role()] == 0 { // this server does not know it
		return
	}
	if len(words) == 1 { // GETKEYS refuses it, and there is nothing that could be a key
		return
	}
	args := []any{"GETKEYS"}
	for _, word := range words {
		args = append(args, word)
	}
	ctx, cancel := context.WithTimeout(f.ctx, 10*time.Second)
	defer cancel()
	want, err := command.AsStrings(command.Raw("COMMAND", args...)).Do(ctx, c)
	if err != nil && strings.Contains(err.Error(), "number of arguments") && slices.Contains(otherArity[f.server.Role()], r.Name()) {
		return // it does not know all of the command's options
	}
	if err != nil && !strings.Contains(err.Error(), "no key arguments") {
		f.Errorf("%q: %v", words, err)
		return
	}
	if got := slices.Collect(r.Keys()); !slices.Equal(got, want) {
		f.Errorf("%q has the keys %q, the server says %q", words, got, want)
	}
}

// wordsOf returns the words of a request as they go over the wire.
func wordsOf(f *fixture, r command.Request) []string {
	f.Helper()
	v, err := proto.NewReader(bytes.NewReader(r.Append(nil)), proto.Limits{}).Next()
	if err != nil {
		f.Fatalf("%s: %v", r.Name(), err)
	}
	var words []string
	for word := range v.All() {
		words = append(words, word.Str())
	}
	return words
}
