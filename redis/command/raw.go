package command

import "strings"

// rawRequest builds the request of [Raw].
func rawRequest(name string, args []any) Request {
	name = strings.ToUpper(name)
	r := Request{raw: name}
	if name == "" || strings.ContainsAny(name, " \r\n\t") {
		r.fail(badArgument("a command's name is one word; a sub-command is the first argument"))
	}
	if why := instead(name); why != "" {
		r.fail(badArgument("%s changes the state of a connection that others share: %s", name, why))
	}
	if spec := Lookup(name); spec != nil {
		r.spec, r.blocks = spec, spec.Blocking()
	}
	if r.spec == nil && len(args) > 0 {
		if sub, ok := args[0].(string); ok {
			if spec := Lookup(name + " " + sub); spec != nil {
				r.spec, r.blocks = spec, spec.Blocking()
				args = args[1:]
			}
		}
	}
	r.grow(len(args))
	for i := range args {
		r.value(args[i])
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
		last += s.NumWords + r.n
	}
	for i := s.FirstKey; i <= last; i += s.KeyStep {
		if at := i - s.NumWords; at >= 0 && at < r.n {
			r.at(at).key = true
		}
	}
}

// instead returns what serves in place of a command that no shared connection
// may see, and nothing for all others.
func instead(name string) string {
	switch name {
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
