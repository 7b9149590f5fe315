package pubsub

import (
	"strconv"

	"github.com/redchan-go/redchan/internal/hub"
)

// NameKind is the kind of a [Name].
type NameKind uint8

// The kinds of names.
const (
	NameChannel NameKind = iota // a channel, by SUBSCRIBE
	NamePattern                 // a glob-style pattern of channels, by PSUBSCRIBE
	NameShard                   // a shard channel, by SSUBSCRIBE (Redis 7.0)
)

var nameKindNames = [...]string{"channel", "pattern", "shard channel"}

// String returns "channel", "pattern" or "shard channel".
func (k NameKind) String() string {
	if int(k) < len(nameKindNames) {
		return nameKindNames[k]
	}
	return "name kind " + strconv.Itoa(int(k))
}

// Name is something to subscribe to. Names of different kinds are different even if they are
// spelled alike. A Name is also an [Option] of a new subscription.
type Name struct {
	Kind NameKind
	Name string
}

// Channel returns the name of a channel.
func Channel(name string) Name { return Name{NameChannel, name} }

// Pattern returns a glob-style pattern, which stands for all channels that match it.
func Pattern(pattern string) Name { return Name{NamePattern, pattern} }

// ShardChannel returns the name of a shard channel.
func ShardChannel(name string) Name { return Name{NameShard, name} }

// String returns the kind and the quoted name, as in: channel "news".
func (n Name) String() string { return n.Kind.String() + " " + strconv.Quote(n.Name) }

func (n Name) apply(c *config) { c.names = append(c.names, n) }

// named returns Names of one kind.
func named(kind NameKind, names []string) []Name {
	list := make([]Name, len(names))
	for i, name := range names {
		list[i] = Name{kind, name}
	}
	return list
}

// hubName and publicName convert names to those of the hub and back. Both use the same kinds.
func hubName(n Name) hub.Name { return hub.Name{Kind: hub.Kind(n.Kind), Name: n.Name} }

func publicName(n hub.Name) Name { return Name{NameKind(n.Kind), n.Name} }

func hubNames(names []Name) []hub.Name {
	list := make([]hub.Name, len(names))
	for i, n := range names {
		list[i] = hubName(n)
	}
	return list
}

func publicNames(names []hub.Name) []Name {
	list := make([]Name, len(names))
	for i, n := range names {
		list[i] = publicName(n)
	}
	return list
}
