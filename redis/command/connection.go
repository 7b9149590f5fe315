package command

import (
	"slices"
	"time"
)

// Ping asks the server for a sign of life: "PONG". O(1). Since 1.0.0.
func Ping() Cmd[string] {
	return Cmd[string]{newRequest(&specPing), decodeText}
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

// ClientPause holds back the commands of all clients for d; writesOnly lets
// commands that only read pass. O(1). Since 3.0.0; writesOnly since 6.2.0.
func ClientPause(d time.Duration, writesOnly bool) Cmd[struct{}] {
	r := newRequest(&specClientPause)
	r.int(d.Milliseconds())
	if d < time.Millisecond {
		r.fail(badArgument("a pause must be a millisecond at least"))
	}
	if writesOnly {
		r.word("WRITE")
	}
	return Cmd[struct{}]{r, decodeOK}
}

// ClientFilter says which connections [ClientKill] closes: [KillID],
// [KillType], [KillUser], [KillAddr], [KillLocalAddr], [KillOlderThan],
// [KillSelfToo].
type ClientFilter interface{ clientFilter() tokens }

type clientFilter tokens

func (f clientFilter) clientFilter() tokens { return tokens(f) }

func killBy(name string, arg argument) ClientFilter {
	return clientFilter(option(groupNone, name, arg))
}

// KillID closes the connection with an ID. Since 2.8.12.
func KillID(id int64) ClientFilter { return killBy("ID", integer(id)) }

// KillType closes the connections of a type: "normal", "pubsub", "master",
// "replica". Since 2.8.12.
func KillType(kind string) ClientFilter { return killBy("TYPE", word(kind)) }

// KillUser closes the connections of an ACL user. Since 6.0.0.
func KillUser(user string) ClientFilter { return killBy("USER", word(user)) }

// KillAddr closes the connection from an address "host:port". Since 2.8.12.
func KillAddr(addr string) ClientFilter { return killBy("ADDR", word(addr)) }

// KillLocalAddr closes the connections to one of the server's addresses
// "host:port". Since 6.2.0.
func KillLocalAddr(addr string) ClientFilter { return killBy("LADDR", word(addr)) }

// KillOlderThan closes connections that have lasted longer than d, in seconds.
// Since 7.4.0 (Redis), 8.0.0 (Valkey).
func KillOlderThan(d time.Duration) ClientFilter {
	f := tokens(killBy("MAXAGE", integer(int64(d/time.Second))).(clientFilter))
	if d < time.Second {
		f.err = badArgument("an age must be a second at least")
	}
	return clientFilter(f)
}

// sameFilter returns a function that finds filters of the same kind.
func sameFilter(f ClientFilter) func(ClientFilter) bool {
	name := f.clientFilter().name
	return func(other ClientFilter) bool { return other != nil && other.clientFilter().name == name }
}

// KillSelfToo lets CLIENT KILL close the connection that it runs on as well:
// SKIPME no. Since 2.8.12.
func KillSelfToo() ClientFilter { return killBy("SKIPME", word("no")) }

// ClientKill closes the connections for which all filters hold and returns how
// many there were. O(N). Since 2.8.12 in this form.
func ClientKill(filters ...ClientFilter) Cmd[int64] {
	r := newRequest(&specClientKill)
	if len(filters) == 0 {
		r.fail(badArgument("no filter: it would close every connection"))
	}
	addOptions(&r, filters, ClientFilter.clientFilter)
	for i := range filters {
		if filters[i] != nil && slices.ContainsFunc(filters[:i], sameFilter(filters[i])) {
			r.fail(badArgument("a filter of CLIENT KILL is there twice: only the last would hold"))
		}
	}
	return Cmd[int64]{r, decodeInt}
}
