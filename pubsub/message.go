package pubsub

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redchan-go/redchan/internal/hub"
)

// Kind tells how a [Message] came about.
type Kind uint8

// The kinds of messages.
const (
	KindMessage        Kind = iota // published to a channel subscribed by name
	KindPatternMessage             // published to a channel that matches a pattern
	KindShardMessage               // published to a shard channel
	KindGap                        // no message: a Gap of its own, see [GapMarkers] and [IncompleteError]
	KindSubscribed                 // no message: a name is confirmed, see [Confirmations]
	KindUnsubscribed               // no message: a name has gone, see [Confirmations]
)

var kindNames = [...]string{"message", "pattern message", "shard message", "gap", "subscribed", "unsubscribed"}

// confirms reports whether an item of this kind tells what the server has confirmed.
func (k Kind) confirms() bool { return k == KindSubscribed || k == KindUnsubscribed }

// isMessage reports whether an item of this kind was published by somebody.
func (k Kind) isMessage() bool { return k <= KindShardMessage }

// String returns the kind in words, such as "pattern message".
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "kind " + strconv.Itoa(int(k))
}

// Message is one item of a subscription's stream. A message that matches a
// channel and a pattern of one subscription comes twice, as the server sends it.
//
// The zero Message is what a closed channel gives, and looks like an empty
// message of the channel "": tell them apart by msg, ok.
type Message struct {
	Kind Kind
	// NameKind and Count are for KindSubscribed and KindUnsubscribed: what Channel
	// names there, and how many names of this subscription are confirmed now,
	// channels and patterns together, shard channels apart.
	NameKind NameKind
	Count    int32
	Channel  string // the channel it was published to, or the name confirmed
	Pattern  string // the pattern that matched, for KindPatternMessage
	Payload  string // all three are empty for KindGap, but see [Subscription.Run]
	// Gap, where it is not nil, says that the stream is not continuous between
	// the item before this one and this one. It is always set for KindGap.
	Gap *Gap
}

// String describes m for people; a long payload is cut off.
func (m Message) String() string {
	if m.Kind == KindGap && m.Gap != nil {
		return m.Gap.String()
	}
	if m.Kind.confirms() {
		return fmt.Sprintf("%v %v, %d in all", m.Kind, Name{m.NameKind, m.Channel}, m.Count)
	}
	const most = 64
	payload, more := m.Payload, ""
	if len(payload) > most {
		payload, more = payload[:most], fmt.Sprintf("... (%d bytes)", len(m.Payload))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%v %q", m.Kind, m.Channel)
	if m.Kind == KindPatternMessage {
		fmt.Fprintf(&b, " (%q)", m.Pattern)
	}
	fmt.Fprintf(&b, ": %q%s", payload, more)
	if m.Gap != nil {
		fmt.Fprintf(&b, " after a %v", m.Gap)
	}
	return b.String()
}

// size is what m counts for in a bound of bytes.
func (m *Message) size() int { return len(m.Channel) + len(m.Pattern) + len(m.Payload) }

// Reason is a set of reasons for a [Gap].
type Reason uint8

// The reasons.
const (
	Reconnect Reason = 1 << iota // the connection was lost
	Overflow                     // the consumer was too slow for its buffer
	Moved                        // the server gave the shard channel's slot away
	Closed                       // it ended first: the subscription, a run, or a name's unsubscribing
)

// String returns the reasons with a bar between them, as "reconnect|overflow".
func (r Reason) String() string {
	var parts []string
	for i, name := range [...]string{"reconnect", "overflow", "moved", "closed"} {
		if r&(1<<i) != 0 {
			parts = append(parts, name)
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, "|")
}

// Gap tells of a place where messages are missing, or may be. Neighbouring gaps
// that were not read yet are merged into one. It is of the subscription: which of its
// names it concerns the events tell, as EventSubscribed with a Gap.
type Gap struct {
	Reason Reason
	// From and To are by the local clock. For a lost connection, From is the last time
	// that it was known to live, or when the server confirmed the name if that was
	// later, and To is when the server confirmed the name again, or when the name was
	// given up. On a quiet connection From may be a whole
	// keep-alive interval before the outage, so the gap is told longer than that
	// was. For what was dropped here they are the times of the first and the last
	// drop. For a name whose unsubscribing was not acknowledged they are those of
	// the call.
	//
	// In a cluster, for Moved: From is when the node said that it has lost the channel to
	// another shard. Where it said nothing, or [Block] held that up, or a replica has taken its
	// place, which it may have heard of late, From is when another node last said that it had
	// the channel. Behind such a gap messages may come a second time, and later than others:
	// two nodes may have had the channel for a moment. Plain channels may have that too after
	// a node has died.
	//
	// Messages are dated by other clocks, and were on their way for a while: who
	// fetches by time what is missing should begin somewhat earlier than From,
	// and end later than To.
	From, To time.Time
	// Dropped counts the messages that arrived and were dropped here. What was
	// published while there was no connection is not known, and not counted.
	Dropped uint64
}

// Duration returns how long g is: from From to To.
func (g *Gap) Duration() time.Duration { return g.To.Sub(g.From) }

// String describes g for people, its duration to the millisecond, or to the
// microsecond if it is shorter than one.
func (g *Gap) String() string {
	duration := g.Duration()
	precision := time.Millisecond
	if duration < precision {
		precision = time.Microsecond
	}
	text := fmt.Sprintf("gap (%v) of %v", g.Reason, duration.Round(precision))
	if g.Dropped > 0 {
		text += fmt.Sprintf(", %d dropped", g.Dropped)
	}
	return text
}

// publicGap returns what a hub knows of a loss as a gap: their reasons are the same.
func publicGap(l hub.Loss) Gap { return Gap{Reason: Reason(l.Reason), From: l.From, To: l.To} }

// merge makes g cover other too. The zero Gap covers nothing.
func (g *Gap) merge(other Gap) {
	switch {
	case other.Reason == 0:
		return
	case g.Reason == 0:
		*g = other
		return
	}
	g.Reason |= other.Reason
	g.Dropped += other.Dropped
	if other.From.Before(g.From) {
		g.From = other.From
	}
	if other.To.After(g.To) {
		g.To = other.To
	}
}
