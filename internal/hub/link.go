package hub

import "strconv"

// Link is one live subscriber connection. Send and Ping never block and never
// call back before they return, so the [Hub] calls them with its mutex held:
// what it asks for is sent in the order in which it asked.
type Link interface {
	// Send sends one command with all the names, and behind it a fence: a PING
	// with a token. When the fence is answered done is called once, by the
	// goroutine that calls the Hub's Push, with the first error reply that
	// came in between, or nil. If the link is lost first, done is never called:
	// [Lane.LinkLost] tells.
	Send(op Op, names []string, done func(error))

	// Ping sends a PING with data. done is called like that of Send.
	Ping(data string, done func(error))

	// Fail closes the link because it misbehaves. [Lane.LinkLost] follows. It is called by
	// the goroutine that calls Push, without locks held, and may take its time.
	Fail(err error)
}

// Op is a command that a [Hub] asks its [Link] to send.
type Op uint8

// The commands.
const (
	OpSubscribe Op = iota
	OpPSubscribe
	OpSSubscribe
	OpUnsubscribe
	OpPUnsubscribe
	OpSUnsubscribe

	opPing // a fence alone, by Link.Ping
)

var opNames = [...]string{
	"SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE",
	"UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE",
	"PING",
}

// String returns the name of the command.
func (op Op) String() string {
	if int(op) < len(opNames) {
		return opNames[op]
	}
	return "op " + strconv.Itoa(int(op))
}

// Subscribes reports whether op is one of the three that subscribe.
func (op Op) Subscribes() bool { return op < OpUnsubscribe }

func subscribeOp(kind Kind) Op   { return OpSubscribe + Op(kind) }
func unsubscribeOp(kind Kind) Op { return OpUnsubscribe + Op(kind) }
