package pubsub

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redchan-go/redchan/internal/recent"
)

// EventKind is the kind of an [Event].
type EventKind uint8

// The kinds of events. A receive from a closed channel gives the zero Event, which has none of
// these kinds.
const (
	EventSubscribed   EventKind = iota + 1 // Name is confirmed, for the first time or again; Count is set
	EventUnsubscribed                      // no more messages arrive for Name; Count is set
	EventDisconnected                      // the connection was lost; Err is set
	EventConnected                         // there is a connection again; EventSubscribed follows for each name. Not reported for shard channels in a cluster
	EventPong                              // the answer to [Subscription.Ping]; Data is set
	EventOverflow                          // the consumer is too slow and messages begin to be dropped; Gap is set
)

var eventKindNames = [...]string{
	EventSubscribed: "subscribed", EventUnsubscribed: "unsubscribed",
	EventDisconnected: "disconnected", EventConnected: "connected",
	EventPong: "pong", EventOverflow: "overflow",
}

// String returns the kind in words, such as "disconnected".
func (k EventKind) String() string {
	if k != 0 && int(k) < len(eventKindNames) {
		return eventKindNames[k]
	}
	return "event " + strconv.Itoa(int(k))
}

// Event is something that happened to a [Subscription]. Events are reported at once, separately
// from the stream of messages.
type Event struct {
	Kind EventKind
	Name Name // for EventSubscribed and EventUnsubscribed
	// Count is the number of confirmed names of this subscription after this event. Channels and
	// patterns are counted together, shard channels separately.
	Count int
	// Node is the address of a node, in a cluster. For EventSubscribed it is the node that
	// confirmed Name. For EventUnsubscribed with Err it is the node that took the name away. For
	// EventDisconnected it is the node whose connection was lost.
	Node string
	// Err says why the connection was lost, or why the server took the name away.
	Err error
	// Gap is set when Name is confirmed again after a loss, and for
	// EventOverflow.
	Gap  *Gap
	Data string // for EventPong
	Time time.Time
	// Missed is the number of events before this one that were discarded because nobody received
	// them.
	Missed int
}

// String returns a readable description of e.
func (e Event) String() string {
	var b strings.Builder
	b.WriteString(e.Kind.String())
	switch e.Kind {
	case EventSubscribed, EventUnsubscribed:
		fmt.Fprintf(&b, " %v", e.Name)
		if e.Node != "" {
			fmt.Fprintf(&b, " on %s", e.Node)
		}
		fmt.Fprintf(&b, ", %d in all", e.Count)
	case EventPong:
		fmt.Fprintf(&b, " %q", e.Data)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	if e.Gap != nil {
		fmt.Fprintf(&b, " after a %v", e.Gap)
	}
	if e.Missed > 0 {
		fmt.Fprintf(&b, " (%d events missed)", e.Missed)
	}
	return b.String()
}

// maxEvents bounds the events that wait to be received.
const maxEvents = 64

// newEvents returns the channel of events. Its Subscription's mu guards it.
func newEvents() recent.Channel[Event] {
	return recent.Channel[Event]{Max: maxEvents, Missed: func(e *Event) *int { return &e.Missed }}
}
