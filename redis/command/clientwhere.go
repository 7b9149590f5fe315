package command

import (
	"slices"
	"time"
)

// ClientWhere is a filter of connections, for [ClientList] and [ClientKill].
type ClientWhere struct {
	name  string
	value argument
	ids   []int64 // of WhereID, in place of value
	err   error
}

// WhereType finds connections of a type: "normal", "pubsub", "master", "replica". In
// CLIENT KILL since 2.8.12, in CLIENT LIST since 5.0.0.
func WhereType(kind string) ClientWhere { return ClientWhere{name: "TYPE", value: word(kind)} }

// WhereID finds connections by ID. In CLIENT KILL since 2.8.12, several IDs since Valkey
// 8.1.0; in CLIENT LIST since 6.2.0.
func WhereID(ids ...int64) ClientWhere {
	w := ClientWhere{name: "ID", ids: slices.Clone(ids)}
	if len(ids) == 0 {
		w.err = badArgument("no IDs")
	}
	for _, id := range ids {
		if id <= 0 {
			w.err = badArgument("an ID must be positive")
		}
	}
	return w
}

// WhereUser finds connections of an ACL user. In CLIENT KILL since 6.0.0, in CLIENT LIST
// since Valkey 8.1.0.
func WhereUser(user string) ClientWhere { return ClientWhere{name: "USER", value: word(user)} }

// WhereAddr finds the connection from an address "host:port". In CLIENT KILL since
// 2.8.12, in CLIENT LIST since Valkey 8.1.0.
func WhereAddr(addr string) ClientWhere { return ClientWhere{name: "ADDR", value: word(addr)} }

// WhereLocalAddr finds connections to one of the server's addresses "host:port". In
// CLIENT KILL since 6.2.0, in CLIENT LIST since Valkey 8.1.0.
func WhereLocalAddr(addr string) ClientWhere { return ClientWhere{name: "LADDR", value: word(addr)} }

// WhereOlderThan finds connections that have lasted at least for d, rounded up to a
// second. In CLIENT KILL since Redis 7.4.0 and Valkey 8.0.0, in CLIENT LIST since Valkey 8.1.0.
func WhereOlderThan(d time.Duration) ClientWhere { return whereSeconds("MAXAGE", d) }

// WhereName finds connections of a name. Since Valkey 9.0.0.
func WhereName(name string) ClientWhere { return ClientWhere{name: "NAME", value: word(name)} }

// WhereIdle finds connections that have sent nothing at least for d, rounded up to a
// second. Since Valkey 9.0.0.
func WhereIdle(d time.Duration) ClientWhere { return whereSeconds("IDLE", d) }

func whereSeconds(name string, d time.Duration) ClientWhere {
	w := ClientWhere{name: name, value: integer(roundedUp(d, time.Second))}
	if d <= 0 {
		w.err = badArgument("%s must be positive", name)
	}
	return w
}

// WhereFlags finds connections that have all of some flags. Since Valkey 9.0.0.
func WhereFlags(flags ...ClientFlag) ClientWhere {
	letters := make([]byte, len(flags))
	for i, flag := range flags {
		letters[i] = byte(flag)
	}
	w := ClientWhere{name: "FLAGS", value: word(string(letters))}
	if len(flags) == 0 {
		w.err = badArgument("no flags")
	}
	return w
}

// WhereLibName finds connections of a client library. Since Valkey 9.0.0.
func WhereLibName(name string) ClientWhere { return ClientWhere{name: "LIB-NAME", value: word(name)} }

// WhereLibVer finds connections of a version of a client library. Since Valkey 9.0.0.
func WhereLibVer(version string) ClientWhere {
	return ClientWhere{name: "LIB-VER", value: word(version)}
}

// WhereDB finds connections that use a database. Since Valkey 9.0.0.
func WhereDB(db int) ClientWhere {
	w := ClientWhere{name: "DB", value: integer(int64(db))}
	if db < 0 {
		w.err = badArgument("a database can't be negative")
	}
	return w
}

// WhereCapa finds connections that said that they can something: "r" for redirections.
// Since Valkey 9.0.0.
func WhereCapa(letters string) ClientWhere { return ClientWhere{name: "CAPA", value: word(letters)} }

// WhereIP finds connections from an IP address. Since Valkey 9.0.0.
func WhereIP(ip string) ClientWhere { return ClientWhere{name: "IP", value: word(ip)} }

// WhereNot finds the connections that a filter does not find; not of [WhereOlderThan] and
// [WhereIdle]. Since Valkey 9.0.0.
func WhereNot(filter ClientWhere) ClientWhere {
	switch filter.name {
	case "MAXAGE", "IDLE":
		filter.err = badArgument("%s has no opposite", filter.name)
	case "":
	default:
		if len(filter.name) > 4 && filter.name[:4] == "NOT-" {
			filter.err = badArgument("WhereNot of WhereNot")
		}
		filter.name = "NOT-" + filter.name
	}
	return filter
}

// add appends the filter to a request.
func (w ClientWhere) add(r *Request) {
	if w.name == "" {
		r.fail(badArgument("an empty filter: make it by WhereType and its kind"))
		return
	}
	r.fail(w.err)
	r.word(w.name)
	if w.ids == nil {
		r.add(w.value)
	}
	for _, id := range w.ids {
		r.int(id)
	}
}

// sameWhere reports whether filters has one of the same kind.
func sameWhere(filters []ClientWhere, filter ClientWhere) bool {
	return slices.ContainsFunc(filters, func(other ClientWhere) bool { return other.name == filter.name })
}

// clientFilter names the filter; [ClientKill] appends it by add.
func (w ClientWhere) clientFilter() tokens { return tokens{name: w.name} }
