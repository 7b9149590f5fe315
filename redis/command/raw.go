package command

import "strings"

// Key is an argument of [Raw] that names a key, by which a cluster routes:
//
//	command.Raw("JSON.GET", command.Key("user:1"), "$.name")
type Key string

// Refuse returns an argument that no command takes: a [Raw] command that is given it
// fails with [ErrArgument] and the reason before anything is sent. It is for
// constructors that are built on Raw and check what they are given.
func Refuse(reason string) Encoded { return Encoded{err: badArgument("%s", reason)} }

// rawRequest builds the request of [Raw].
func rawRequest(name string, args []any) Request {
	name = strings.ToUpper(name)
	r := Request{rest: &rest{raw: name}}
	if name == "" || strings.ContainsAny(name, " \r\n\t") {
		r.rest.raw = "a raw command" // whatever stands behind the space is not to be shown
		r.fail(badArgument("a command's name is one word; a sub-command is the first argument"))
		return r
	}
	full := name
	if len(args) > 0 && Lookup(name) == nil {
		if sub, err := value(args[0]); err == nil {
			full += " " + strings.ToUpper(sub.text)
		}
	}
	if why := instead(name, full); why != "" {
		r.fail(badArgument("%s belongs to a connection, and connections are shared: %s", full, why))
	}
	if r.spec = Lookup(name); r.spec == nil {
		if r.spec = Lookup(full); r.spec != nil {
			args = args[1:]
		}
	}
	if r.spec != nil {
		r.blocks = r.spec.Blocking()
	}
	r.grow(len(args))
	for i := range args {
		if key, ok := args[i].(Key); ok {
			r.key(string(key))
		} else {
			r.value(args[i])
		}
	}
	if r.spec != nil {
		r.markKeys()
	}
	return r
}

// markKeys marks the keys that the spec tells by position.
func (r *Request) markKeys() {
	s := r.spec
	if s.FirstKey <= 0 || s.KeyStep <= 0 {
		return
	}
	last := s.LastKey
	if last < 0 {
		last += s.NumWords + r.Len()
	}
	for i := s.FirstKey; i <= last; i += s.KeyStep {
		if at := i - s.NumWords; at >= 0 && at < r.Len() {
			r.at(at).key = true
		}
	}
}

// instead returns what serves in place of a command that no shared connection
// may see, and nothing for all others. full has the sub-command too.
func instead(name, full string) string {
	switch full {
	case "CLIENT REPLY":
		return "every command has a reply"
	case "CLIENT TRACKING", "CLIENT CACHING":
		return "client-side caching needs a connection of its own"
	case "CLIENT SETNAME", "CLIENT SETINFO":
		return "the name is an option of the client"
	case "CLIENT NO-EVICT", "CLIENT NO-TOUCH", "CLIENT CAPA", "CLIENT IMPORT-SOURCE":
		return "it would hold for the commands of others too"
	case "SCRIPT DEBUG":
		return "use a debugger for scripts"
	case "CLUSTER SYNCSLOTS":
		return "it is for servers among themselves"
	}
	switch name {
	case "REPLCONF":
		return "it is for servers among themselves"
	case "SELECT":
		return "the database is an option of the client"
	case "AUTH":
		return "give user and password to the client's options"
	case "HELLO":
		return "the protocol and the user are options of the client"
	case "RESET":
		return "open a client of its own"
	case "QUIT":
		return "close the client"
	case "MULTI", "EXEC", "DISCARD", "WATCH", "UNWATCH":
		return "use a transaction"
	case "SUBSCRIBE":
		return "use the client's Subscribe"
	case "UNSUBSCRIBE":
		return "use a subscription's Unsubscribe"
	case "PSUBSCRIBE":
		return "use the client's PSubscribe"
	case "PUNSUBSCRIBE":
		return "use a subscription's PUnsubscribe"
	case "SSUBSCRIBE", "SUNSUBSCRIBE":
		return "use a shard subscription"
	case "MONITOR", "SYNC", "PSYNC":
		return "it turns the connection into a stream"
	case "ASKING":
		return "it belongs to the next command of the same connection"
	case "READONLY", "READWRITE":
		return "it belongs to cluster connections"
	}
	return ""
}
