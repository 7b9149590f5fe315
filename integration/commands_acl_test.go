package integration

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/redchan-go/redchan/integration/servers"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
)

// bobsRules allow GET of a* and SET of d*.
var bobsRules = []string{"reset", "on", ">secret", "~a*", "%R~b*", "resetchannels", "&c*", "-@all", "+get", "(-@all +set ~d*)"}

func TestACLUsers(t *testing.T) {
	shared(t, func(f *fixture) {
		f.since("7.0", "selectors")
		c := f.open()
		equal(f, c, command.ACLSetUser("bob", bobsRules...), done)
		bob := result(f, c, command.ACLGetUser("bob"))
		sum := sha256.Sum256([]byte("secret"))
		if !bob.Enabled() || !slices.Equal(bob.Passwords, []string{hex.EncodeToString(sum[:])}) {
			f.Errorf("bob is enabled: %v, with %d passwords", bob.Enabled(), len(bob.Passwords))
		}
		want, selector := command.ACLRules{Commands: "-@all +get", Keys: "~a* %R~b*", Channels: "&c*"}, command.ACLRules{Commands: "-@all +set", Keys: "~d*"}
		if f.server.Role() == "valkey9" {
			want.Databases, selector.Databases = "alldbs", "alldbs"
		}
		if bob.ACLRules != want || len(bob.Selectors) != 1 || bob.Selectors[0] != selector {
			f.Errorf("ACL GETUSER = %+v, %+v", bob.ACLRules, bob.Selectors)
		}
		missing(f, c, command.ACLGetUser("nobody"))

		users := result(f, c, command.ACLUsers())
		slices.Sort(users)
		if !slices.Equal(users, []string{"bob", "default"}) {
			f.Errorf("ACL USERS = %q", users)
		}
		lines := result(f, c, command.ACLList())
		if len(lines) != 2 || !slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, "user bob on ") }) {
			f.Errorf("ACL LIST has %d lines, of bob none", len(lines))
		}
		equal(f, c, command.ACLWhoAmI(), "default")

		equal(f, c, command.ACLDryRun("bob", "GET", "a1"), command.ACLVerdict{Allowed: true})
		equal(f, c, command.ACLDryRun("bob", "SET", "d1", 1), command.ACLVerdict{Allowed: true})
		if verdict := result(f, c, command.ACLDryRun("bob", "SET", "a1", 1)); verdict.Allowed || verdict.Reason == "" {
			f.Errorf("ACL DRYRUN = %+v", verdict)
		}
		refused(f, c, command.ACLDryRun("nobody", "GET", "a1"), "ERR")

		equal(f, c, command.ACLDelUser("bob", "nobody"), 1)
		equal(f, c, command.ACLUsers(), []string{"default"})
	})
}

func TestACLCategories(t *testing.T) {
	shared(t, func(f *fixture) {
		f.since("6.2", "RESET")
		c := f.open()
		if categories := result(f, c, command.ACLCat()); !slices.Contains(categories, "read") || !slices.Contains(categories, "dangerous") {
			f.Errorf("ACL CAT = %q", categories)
		}
		if commands := result(f, c, command.ACLCatCommands("connection")); !slices.Contains(commands, "ping") || !slices.Contains(commands, "client|list") || slices.Contains(commands, "get") {
			f.Errorf("ACL CAT connection = %q", commands)
		}
		refused(f, c, command.ACLCatCommands("none"), "ERR")
		for bits, digits := range map[int]int{0: 64, 5: 2, 16: 4} {
			if password := result(f, c, command.ACLGenPass(bits)); len(password) != digits || strings.Trim(password, "0123456789abcdef") != "" {
				f.Errorf("ACL GENPASS %d gives %d characters, want %d hexadecimal digits", bits, len(password), digits)
			}
		}
	})
}

func TestACLLog(t *testing.T) {
	shared(t, func(f *fixture) {
		f.since("6.2", "rules for channels")
		c := f.open()
		equal(f, c, command.ACLLogReset(), done)
		equal(f, c, command.ACLLog(10), []command.ACLLogEntry{})
		equal(f, c, command.ACLSetUser("bob", bobsRules...), done)
		options := f.options()
		options.Username, options.Password = "bob", redis.NewSecret("secret")
		bob, err := redis.New(options)
		if err != nil {
			f.Fatal(err)
		}
		defer bob.Close()
		began := serverNow()
		for range 2 {
			refused(f, bob, command.Get("zz"), "NOPERM")
		}
		refused(f, bob, command.Incr("a"), "NOPERM")
		log := slices.DeleteFunc(result(f, c, command.ACLLog(10)), func(e command.ACLLogEntry) bool {
			return e.Reason == "command" && e.Object != "incr" // what the client told of itself when it connected
		})
		if len(log) != 2 {
			f.Fatalf("ACL LOG = %+v", log)
		}
		incr, get := log[0], log[1] // the newest first
		if incr.Reason != "command" || incr.Object != "incr" || incr.Count != 1 {
			f.Errorf("the first entry is %+v", incr)
		}
		if get.Reason != "key" || get.Object != "zz" || get.Count != 2 || get.Context != "toplevel" || get.Username != "bob" ||
			get.Age < 0 || get.Age > testTimeout || get.Client.User != "bob" || get.Client.Command != "get" || get.Client.ID <= 0 {
			f.Errorf("the second entry is %+v", get)
		}
		if !f.has("7.2") { // these came with Redis 7.2
			if get.ID != 0 || !get.Created.IsZero() || !get.Updated.IsZero() {
				f.Errorf("the second entry is %+v", get)
			}
		} else if get.ID >= incr.ID || get.Created.Before(began) || get.Updated.Before(get.Created) {
			f.Errorf("the second entry is %+v", get)
		}
		if one := result(f, c, command.ACLLog(1)); len(one) != 1 {
			f.Errorf("ACL LOG 1 has %d entries", len(one))
		}
		equal(f, c, command.ACLLogReset(), done)
		equal(f, c, command.ACLDelUser("bob"), 1)
	})
}

func TestACLFile(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		refused(f, c, command.ACLLoad(), "ERR") // there is no file
		refused(f, c, command.ACLSave(), "ERR")
	})
	own(t, servers.Config{ACLFile: true}, func(f *fixture) {
		c := f.open()
		equal(f, c, command.ACLSetUser("bob", "on"), done)
		equal(f, c, command.ACLSave(), done)
		equal(f, c, command.ACLSetUser("eve", "on"), done)
		equal(f, c, command.ACLLoad(), done)
		users := result(f, c, command.ACLUsers())
		slices.Sort(users)
		if !slices.Equal(users, []string{"bob", "default"}) {
			f.Errorf("after ACL LOAD there are %q", users)
		}
	})
}
