package integration

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/redchan-go/redchan/redis/command"
)

// leftOut are the commands that have no constructor, and why. docs/commands.md has
// the same lines.
var leftOut = map[string]string{
	"SELECT":       "the database is an option of the client",
	"AUTH":         "user and password are options of the client",
	"HELLO":        "the protocol and the user are options of the client",
	"RESET":        "connections are shared: open a client of its own",
	"QUIT":         "close the client",
	"MULTI":        "`client.Multi` and `redis.Transaction`",
	"EXEC":         "`client.Multi` and `redis.Transaction`",
	"DISCARD":      "`client.Multi` and `redis.Transaction`",
	"WATCH":        "`client.Watch` and `redis.Transaction`",
	"UNWATCH":      "`client.Watch` and `redis.Transaction`",
	"SUBSCRIBE":    "`client.Subscribe`",
	"UNSUBSCRIBE":  "`Subscription.Unsubscribe`",
	"PSUBSCRIBE":   "`client.PSubscribe`",
	"PUNSUBSCRIBE": "`Subscription.PUnsubscribe`",
	"SSUBSCRIBE":   "shard subscriptions",
	"SUNSUBSCRIBE": "shard subscriptions",
	"MONITOR":      "it turns its connection into a stream, which no shared connection may become",
	"ASKING":       "it belongs to the next command of the same connection: the cluster client sends it",
	"READONLY":     "it belongs to connections of the cluster client",
	"READWRITE":    "it belongs to connections of the cluster client",

	"CLIENT REPLY":         "every command has a reply",
	"CLIENT TRACKING":      "client-side caching needs a connection of its own",
	"CLIENT CACHING":       "client-side caching needs a connection of its own",
	"CLIENT SETNAME":       "the name is an option of the client",
	"CLIENT SETINFO":       "the client tells its name and version by itself",
	"CLIENT NO-EVICT":      "it would hold for the commands of others too",
	"CLIENT NO-TOUCH":      "it would hold for the commands of others too",
	"CLIENT CAPA":          "it would hold for the commands of others too",
	"CLIENT IMPORT-SOURCE": "it would hold for the commands of others too",

	"SYNC":              "for servers among themselves",
	"PSYNC":             "for servers among themselves",
	"REPLCONF":          "for servers among themselves",
	"RESTORE-ASKING":    "for servers among themselves",
	"CLUSTER SYNCSLOTS": "for servers among themselves",

	"SCRIPT DEBUG": "for a debugger, which talks over the same connection",
	"DEBUG":        "for those who test servers; some of it stops them",
	"PFDEBUG":      "for those who test servers",
	"PFSELFTEST":   "for those who test servers",
	"COMMAND":      "`command.CommandInfo` without names is the same",
}

// TestCoverage asks every server which commands it has, and finds for each one a
// constructor or the reason why there is none.
func TestCoverage(t *testing.T) {
	covered := map[string]bool{}
	for _, r := range samples() {
		covered[r.Name()] = true
	}
	shared(t, func(f *fixture) {
		f.since("7.0", "COMMAND LIST")
		list := result(f, f.open(), command.AsStrings(command.Raw("COMMAND", "LIST")))
		has := map[string]bool{}
		container := map[string]bool{}
		for _, name := range list {
			name = strings.ToUpper(strings.ReplaceAll(name, "|", " "))
			has[name] = true
			if outer, _, inner := strings.Cut(name, " "); inner {
				container[outer] = true
			}
		}
		const atLeast = 300 // were there fewer, the list would not be read right
		if len(has) < atLeast {
			f.Fatalf("the server has %d commands only", len(has))
		}
		var without []string
		for _, name := range slices.Sorted(maps.Keys(has)) {
			switch _, left := leftOut[name]; {
			case strings.Contains(name, "."): // of a module
			case container[name] && name != "COMMAND": // its sub-commands count
			case strings.HasSuffix(name, " HELP"): // a text for people: command.Raw prints it
			case left && covered[name]:
				f.Errorf("%s is left out, and has a constructor", name)
			case !left && !covered[name]:
				without = append(without, name)
			}
		}
		if len(without) > 0 {
			f.Errorf("%d of %d commands have no constructor: %s", len(without), len(has), strings.Join(without, ", "))
		}
	})
}

// TestLeftOut holds the documentation to the table of what is left out, and the
// table to commands that exist.
func TestLeftOut(t *testing.T) {
	docs, err := os.ReadFile("../docs/commands.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, why := range leftOut {
		if command.Lookup(name) == nil {
			t.Errorf("no server has %s", name)
		}
		if line := "| `" + name + "` | " + why + " |"; !strings.Contains(string(docs), line) {
			t.Errorf("docs/commands.md does not have the line %s", line)
		}
	}
}
