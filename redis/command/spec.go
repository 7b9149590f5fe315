package command

import (
	"slices"
	"strings"
)

// Flags are what a server says about a command in its COMMAND reply.
type Flags uint32

// The flags that a client has a use for, named as the server names them.
const (
	FlagReadOnly    Flags = 1 << iota // reads data, never writes
	FlagWrite                         // may write data
	FlagBlocking                      // may block the connection that it is sent on
	FlagAdmin                         // administers the server
	FlagPubSub                        // belongs to pub/sub
	FlagNoScript                      // refused inside a script
	FlagMovableKeys                   // key positions depend on the arguments
	FlagNoAuth                        // allowed before AUTH
	FlagLoading                       // allowed while the server loads its data
	FlagStale                         // allowed on a replica with stale data
	FlagFast                          // takes constant or logarithmic time
	FlagDenyOOM                       // refused when the server is out of memory
	FlagNoMulti                       // refused inside MULTI
)

// The servers whose answers the table is made from, as bits of [Spec.On].
const (
	OnRedis7  uint8 = 1 << iota // Redis 7.0
	OnRedis8                    // Redis 8.0
	OnValkey9                   // Valkey 9.1
)

// Spec is what servers say about one command or sub-command. Specs are
// generated from real servers' answers; they are constants in all but name,
// never to be changed.
type Spec struct {
	// Name is the command in capitals, with its container in front of a
	// sub-command: "GET", "CLIENT KILL".
	Name string
	// Words is Name as it goes over the wire, and NumWords how many words
	// it has.
	Words    string
	NumWords int
	// Arity counts all words with the name's own; where it is negative, at
	// least as many.
	Arity int
	Flags Flags
	// FirstKey, LastKey and KeyStep say which words are keys; FirstKey is 0
	// where there are none or where they can't be told by position alone.
	FirstKey, LastKey, KeyStep int
	// Since is the first server version that has the command.
	Since string
	// On says which of the servers of the table have the command.
	On uint8
}

// ReadOnly reports whether the command never writes, so that it can be sent
// again after its reply was lost.
func (s *Spec) ReadOnly() bool { return s.Flags&FlagReadOnly != 0 }

// Blocking reports whether the command may block its connection.
func (s *Spec) Blocking() bool { return s.Flags&FlagBlocking != 0 }

// Lookup returns the spec of a command by name, in any case, with one space
// between container and sub-command: Lookup("client kill"). It returns nil
// for a name that no server of the table has.
func Lookup(name string) *Spec {
	name = strings.ToUpper(name)
	i, found := slices.BinarySearchFunc(specs[:], name, func(s *Spec, name string) int {
		return strings.Compare(s.Name, name)
	})
	if !found {
		return nil
	}
	return specs[i]
}

// All returns the specs of all commands in the order of their names.
func All() []*Spec { return slices.Clone(specs[:]) }
