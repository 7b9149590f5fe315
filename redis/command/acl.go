package command

import (
	"slices"
	"strings"
	"time"

	"github.com/redchan-go/redchan/proto"
)

// ACLSetUser creates or changes a user by rules such as "on", ">password",
// "~*" and "+@read". O(N). Since 6.0.0.
func ACLSetUser(user string, rules ...string) Cmd[struct{}] {
	r := newRequest(&specAclSetuser)
	r.word(user)
	r.grow(len(rules))
	for _, rule := range rules {
		r.word(rule)
	}
	return Cmd[struct{}]{r, decodeOK}
}

// ACLUser is what a user may do, as [ACLGetUser] tells it.
type ACLUser struct {
	// Flags are those that are set, such as "on", "nopass" and "sanitize-payload".
	Flags []string
	// Passwords are the SHA-256 hashes of the user's passwords, in hexadecimal.
	Passwords []string
	// ACLRules are the rules that hold for every command of the user.
	ACLRules
	// Selectors are further sets of rules: a command may run where one of them
	// allows all of it.
	Selectors []ACLRules
}

// Enabled reports whether the user can log in: the flag "on".
func (u ACLUser) Enabled() bool { return slices.Contains(u.Flags, "on") }

// ACLRules are rules of a user, as ACL SETUSER takes them.
type ACLRules struct {
	Commands  string // such as "-@all +get"
	Keys      string // patterns, such as "~app:* %R~shared:*"
	Channels  string // patterns, such as "&news.*"
	Databases string // such as "alldbs"; empty before Valkey 9.1
}

// ACLGetUser returns what a user may do. [Nil]: there is no such user.
// O(N). Since 6.0.0; with selectors since 7.0.0.
func ACLGetUser(user string) Cmd[ACLUser] {
	r := newRequest(&specAclGetuser)
	r.word(user)
	return Cmd[ACLUser]{r, decodeACLUser}
}

func decodeACLUser(v proto.Value) (ACLUser, error) {
	var u ACLUser
	if v.IsNull() {
		return u, Nil
	}
	err := decodeRecord(v, "an ACL user", func(name string, v proto.Value) error {
		switch name {
		case "flags":
			return into(&u.Flags, v, decodeStrings)
		case "passwords":
			return into(&u.Passwords, v, decodeStrings)
		case "selectors":
			return into(&u.Selectors, v, decodeACLSelectors)
		}
		return u.set(name, v)
	})
	return u, err
}

// set takes one field of a user or selector.
func (rules *ACLRules) set(name string, v proto.Value) error {
	switch name {
	case "commands":
		return into(&rules.Commands, v, decodeString)
	case "keys":
		return into(&rules.Keys, v, aclPatterns("~"))
	case "channels":
		return into(&rules.Channels, v, aclPatterns("&"))
	case "databases":
		return into(&rules.Databases, v, decodeString)
	}
	return nil
}

// aclPatterns decodes patterns that have a mark in front of each; before 7.0 they are a
// list without it.
func aclPatterns(mark string) func(proto.Value) (string, error) {
	return func(v proto.Value) (string, error) {
		if v.Kind() != proto.KindArray {
			return decodeString(v)
		}
		patterns, err := decodeStrings(v)
		for i := range patterns {
			patterns[i] = mark + patterns[i]
		}
		return strings.Join(patterns, " "), err
	}
}

func decodeACLSelectors(v proto.Value) ([]ACLRules, error) {
	return decodeEach(v, "ACL selectors", func(v proto.Value) (ACLRules, error) {
		var rules ACLRules
		return rules, decodeRecord(v, "an ACL selector", rules.set)
	})
}

// ACLDelUser removes users and closes their connections. It returns how many
// there were. O(1) for each. Since 6.0.0.
func ACLDelUser(users ...string) Cmd[int64] {
	r := newRequest(&specAclDeluser)
	r.words("users", users)
	return Cmd[int64]{r, decodeInt}
}

// ACLList returns all users with their rules, each as a line of an ACL file.
// O(N). Since 6.0.0.
func ACLList() Cmd[[]string] { return Cmd[[]string]{newRequest(&specAclList), decodeStrings} }

// ACLUsers returns the names of all users. O(N). Since 6.0.0.
func ACLUsers() Cmd[[]string] { return Cmd[[]string]{newRequest(&specAclUsers), decodeStrings} }

// ACLWhoAmI returns the user of the client's connections. O(1). Since 6.0.0.
func ACLWhoAmI() Cmd[string] { return Cmd[string]{newRequest(&specAclWhoami), decodeString} }

// ACLLoad replaces the users by those in the server's ACL file, all or none. The
// connections of users that have changed are closed. O(N). Since 6.0.0.
func ACLLoad() Cmd[struct{}] { return Cmd[struct{}]{newRequest(&specAclLoad), decodeOK} }

// ACLSave writes the users to the server's ACL file. O(N). Since 6.0.0.
func ACLSave() Cmd[struct{}] { return Cmd[struct{}]{newRequest(&specAclSave), decodeOK} }

// ACLCat returns the categories of commands, such as "read". O(1). Since 6.0.0.
func ACLCat() Cmd[[]string] { return Cmd[[]string]{newRequest(&specAclCat), decodeStrings} }

// ACLCatCommands is [ACLCat] with a category: it returns the commands in it,
// sub-commands as in "client|list". O(1). Since 6.0.0.
func ACLCatCommands(category string) Cmd[[]string] {
	r := newRequest(&specAclCat)
	r.word(category)
	return Cmd[[]string]{r, decodeStrings}
}

// ACLGenPass returns a random password of a number of bits, in hexadecimal; 0
// stands for 256 bits. O(1). Since 6.0.0.
func ACLGenPass(bits int) Cmd[string] {
	const most = 4096
	r := newRequest(&specAclGenpass)
	if bits < 0 || bits > most {
		r.fail(badArgument("a password has from 1 to %d bits", most))
	}
	if bits > 0 {
		r.int(int64(bits))
	}
	return Cmd[string]{r, decodeString}
}

// ACLVerdict says whether a user may run a command.
type ACLVerdict struct {
	Allowed bool
	Reason  string // in the server's words, why not; empty where it is allowed
}

// ACLDryRun returns whether a user may run a command, which does not run.
// O(1). Since 7.0.0.
func ACLDryRun(user, command string, args ...any) Cmd[ACLVerdict] {
	r := newRequest(&specAclDryrun)
	r.grow(2 + len(args))
	r.word(user)
	r.word(command)
	for i := range args {
		r.value(args[i])
	}
	return Cmd[ACLVerdict]{r, decodeACLVerdict}
}

func decodeACLVerdict(v proto.Value) (ACLVerdict, error) {
	text, err := decodeText(v)
	if err != nil {
		return ACLVerdict{}, want("OK or a reason")
	}
	if text == "OK" {
		return ACLVerdict{Allowed: true}, nil
	}
	return ACLVerdict{Reason: text}, nil
}

// ACLLogEntry is something that was refused to a user, once or several times in a
// short while.
type ACLLogEntry struct {
	ID       int64 // since 7.2.0
	Count    int64
	Reason   string // "command", "key", "channel", "auth" or "database"
	Context  string // where: "toplevel", "multi", "lua" or "module"
	Object   string // what was refused: the name of a command, a key, a channel
	Username string
	Age      time.Duration   // since the entry was created
	Client   ConnectedClient // the connection that it happened on
	Created  time.Time       // zero before 7.2.0
	Updated  time.Time       // zero before 7.2.0
}

// ACLLog returns what was refused to users, up to count entries, the newest first.
// O(N). Since 6.0.0.
func ACLLog(count int64) Cmd[[]ACLLogEntry] {
	r := newRequest(&specAclLog)
	r.int(count)
	if count <= 0 {
		r.fail(badArgument("the number of entries must be positive"))
	}
	return Cmd[[]ACLLogEntry]{r, decodeACLLog}
}

func decodeACLLog(v proto.Value) ([]ACLLogEntry, error) {
	return decodeEach(v, "entries of the ACL log", textsOf(v).aclLogEntry)
}

func (t *texts) aclLogEntry(v proto.Value) (ACLLogEntry, error) {
	var e ACLLogEntry
	err := decodeRecord(v, "an entry of the ACL log", func(name string, v proto.Value) error {
		switch name {
		case "entry-id":
			return into(&e.ID, v, decodeInt)
		case "count":
			return into(&e.Count, v, decodeInt)
		case "reason":
			return into(&e.Reason, v, t.string)
		case "context":
			return into(&e.Context, v, t.string)
		case "object":
			return into(&e.Object, v, t.string)
		case "username":
			return into(&e.Username, v, t.string)
		case "age-seconds":
			return into(&e.Age, v, decodeFractionOfSeconds)
		case "client-info":
			return into(&e.Client, v, t.connectedClient)
		case "timestamp-created":
			return into(&e.Created, v, decodeUnixMilli)
		case "timestamp-last-updated":
			return into(&e.Updated, v, decodeUnixMilli)
		}
		return nil
	})
	return e, err
}

// ACLLogReset removes the entries of the ACL log. O(N). Since 6.0.0.
func ACLLogReset() Cmd[struct{}] {
	r := newRequest(&specAclLog)
	r.word("RESET")
	return Cmd[struct{}]{r, decodeOK}
}
