package hub

import "strconv"

// Kind tells what a [Name] names. Its values are those of pubsub.NameKind.
type Kind uint8

// The kinds of names.
const (
	Channel Kind = iota // by SUBSCRIBE
	Pattern             // by PSUBSCRIBE
	Shard               // a shard channel, by SSUBSCRIBE

	Kinds = iota
)

var kindNames = [Kinds]string{"channel", "pattern", "shard channel"}

// Name is something to subscribe to. Names of different kinds differ even if
// they are spelled alike.
type Name struct {
	Kind Kind
	Name string
}

// String returns the kind and the quoted name: channel "news".
func (n Name) String() string {
	kind := "name kind " + strconv.Itoa(int(n.Kind))
	if int(n.Kind) < len(kindNames) {
		kind = kindNames[n.Kind]
	}
	return kind + " " + strconv.Quote(n.Name)
}

// quoted shortens names of unknown length for an error text.
func quoted(name string) string {
	const most = 64
	if len(name) > most {
		return strconv.Quote(name[:most]) + "..."
	}
	return strconv.Quote(name)
}
