package command

import (
	"slices"
	"time"
)

// Ping asks the server for a sign of life: "PONG". O(1). Since 1.0.0.
func Ping() Cmd[string] {
	return Cmd[string]{newRequest(&specPing), decodeText}
}

// PingMessage is [Ping] with a message, which it returns. O(1). Since 1.0.0.
func PingMessage(message string) Cmd[string] {
	r := newRequest(&specPing)
	r.word(message)
	return Cmd[string]{r, decodeText}
}

// Echo returns the message. O(1). Since 1.0.0.
func Echo(message string) Cmd[string] {
	r := newRequest(&specEcho)
	r.word(message)
	return Cmd[string]{r, decodeText}
}

// ClientID returns the number of the connection that the command ran on. The
// client's connections are shared: another call may run on another one.
// O(1). Since 5.0.0.
func ClientID() Cmd[int64] {
	return Cmd[int64]{newRequest(&specClientId), decodeInt}
}

// ClientGetName returns the name of the connection that the command ran on, as
// the client's options set it. [Nil]: it has none. O(1). Since 2.6.9.
func ClientGetName() Cmd[string] {
	return Cmd[string]{newRequest(&specClientGetname), decodeString}
}

// ClientPauseOption is an option of [ClientPause]: [WritesOnly].
type ClientPauseOption interface{ clientPauseOption() tokens }

// ClientPauseFlag is an option of [ClientPause]: [WritesOnly].
type ClientPauseFlag string

// WritesOnly lets [ClientPause] hold back only commands that may write: the option
// WRITE. Since 6.2.0.
const WritesOnly ClientPauseFlag = "WRITE"

func (f ClientPauseFlag) clientPauseOption() tokens { return flag(groupCondition, f, WritesOnly) }

// ClientPause holds back the commands of all clients for d. O(1). Since 3.0.0;
// [WritesOnly] since 6.2.0.
func ClientPause(d time.Duration, opts ...ClientPauseOption) Cmd[struct{}] {
	r := newRequest(&specClientPause)
	r.int(milliseconds(d))
	if d <= 0 {
		r.fail(badArgument("a pause must be positive"))
	}
	addOptions(&r, opts, ClientPauseOption.clientPauseOption)
	return Cmd[struct{}]{r, decodeOK}
}

// ClientFilter says which connections [ClientKill] closes: [KillSelfToo], and the filters
// of [ClientList] such as [WhereID].
type ClientFilter interface{ clientFilter() tokens }

// sameFilter returns a function that finds filters of the same kind.
func sameFilter(f ClientFilter) func(ClientFilter) bool {
	name := f.clientFilter().name
	return func(other ClientFilter) bool { return other != nil && other.clientFilter().name == name }
}

// ClientKillFlag is an option of [ClientKill]: [KillSelfToo].
type ClientKillFlag string

// KillSelfToo lets CLIENT KILL close the connection that it runs on as well:
// SKIPME no. Since 2.8.12.
const KillSelfToo ClientKillFlag = "SKIPME"

func (f ClientKillFlag) clientFilter() tokens {
	t := flag(groupNone, f, KillSelfToo)
	t.args[t.n] = word("no")
	t.n++
	return t
}

// ClientKill closes the connections for which all filters hold and returns how
// many there were, itself excepted unless [KillSelfToo] is given. O(N). Since 2.8.12
// in this form; each filter says since when it has it.
func ClientKill(filters ...ClientFilter) Cmd[int64] {
	r := newRequest(&specClientKill)
	if len(filters) == 0 {
		r.fail(badArgument("no filter: it would close every connection"))
	}
	for i := range filters {
		switch f := filters[i].(type) {
		case nil:
			r.fail(badArgument("an option is nil"))
		case ClientWhere:
			f.add(&r)
		default:
			r.option(f.clientFilter())
		}
	}
	for i := range filters {
		if filters[i] != nil && slices.ContainsFunc(filters[:i], sameFilter(filters[i])) {
			r.fail(badArgument("a filter of CLIENT KILL is there twice: only the last would hold"))
		}
	}
	return Cmd[int64]{r, decodeInt}
}
