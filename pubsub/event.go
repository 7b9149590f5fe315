package pubsub

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redchan-go/redchan/internal/recent"
)

// EventKind tells what an [Event] is about.
type EventKind uint8

// The kinds of events. The zero Event, which a closed channel gives, is of none.
const (
	EventSubscribed   EventKind = iota + 1 // Name is confirmed, for the first time or again; Count
	EventUnsubscribed                      // nothing arrives for Name any more; Count
	EventDisconnected                      // the connection was lost: Err
	EventConnected                         // there is a connection again; EventSubscribed follows for each name. Not reported for shard channels in a cluster
	EventPong                              // the answer to [Subscription.Ping]: Data
	EventOverflow                          // the consumer is too slow, messages begin to be dropped: Gap
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

// Event is something that happened to a [Subscription], told at once and beside
// the stream of messages.
type Event struct {
	Kind EventKind
	Name Name // for EventSubscribed and EventUnsubscribed
	// Count is how many names of this subscription are confirmed after this
	// event: channels and patterns together, shard channels apart.
	Count int
	// Node is, in a cluster, the address of the node that has confirmed Name, for
	// EventSubscribed, that has taken it away, for EventUnsubscribed with Err, or whose
	// connection was lost, for EventDisconnected.
	Node string
	// Err is why the connection was lost, or why the server took the name away.
	Err error
	// Gap is set when Name is confirmed again after a loss, and for
	// EventOverflow.
	Gap  *Gap
	Data string // of EventPong
	Time time.Time
	// Missed counts events in front of this one that were thrown away because
	// nobody received them.
	Missed int
}

// String describes e for people.
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

// newEvents returns what hands out events, guarded by its Subscription's mu.
func newEvents() recent.Channel[Event] {
	return recent.Channel[Event]{Max: maxEvents, Missed: func(e *Event) *int { return &e.Missed }}
}
