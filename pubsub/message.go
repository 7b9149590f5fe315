package pubsub

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redchan-go/redchan/internal/hub"
)

// Kind is the kind of a [Message].
type Kind uint8

// The kinds of messages.
const (
	KindMessage        Kind = iota // published to a channel subscribed by name
	KindPatternMessage             // published to a channel that matches a pattern
	KindShardMessage               // published to a shard channel
	KindGap                        // not a message: a separate Gap, see [GapMarkers] and [IncompleteError]
	KindSubscribed                 // not a message: a name is confirmed, see [Confirmations]
	KindUnsubscribed               // not a message: a name has gone, see [Confirmations]
)

var kindNames = [...]string{"message", "pattern message", "shard message", "gap", "subscribed", "unsubscribed"}

// confirms reports whether an item of this kind reports a confirmation by the server.
func (k Kind) confirms() bool { return k == KindSubscribed || k == KindUnsubscribed }

// isMessage reports whether an item of this kind was published.
func (k Kind) isMessage() bool { return k <= KindShardMessage }

// String returns the kind in words, such as "pattern message".
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "kind " + strconv.Itoa(int(k))
}

// Message is one item of a subscription's stream. A message that matches both a channel and a
// pattern of one subscription comes twice, as the server sends it.
//
// A receive from a closed channel gives the zero Message, which looks like an empty message on
// the channel "". Use msg, ok to tell them apart.
type Message struct {
	Kind Kind
	// NameKind and Count are set for KindSubscribed and KindUnsubscribed. NameKind is the kind
	// of the name in Channel. Count is the number of confirmed names of this subscription;
	// channels and patterns are counted together, shard channels separately.
	NameKind NameKind
	Count    int32
	Channel  string // the channel that the message was published to, or the name that was confirmed
	Pattern  string // the pattern that matched, for KindPatternMessage
	Payload  string // all three are empty for KindGap, but see [Subscription.Run]
	// Gap, if not nil, reports that the stream is not continuous between the previous item and
	// this one. It is always set for KindGap.
	Gap *Gap
}

// String returns a readable description of m. It truncates a long payload.
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

// size returns the number of bytes that m counts for in a bound.
func (m *Message) size() int { return len(m.Channel) + len(m.Pattern) + len(m.Payload) }

// Reason is a set of reasons for a [Gap].
type Reason uint8

// The reasons for a gap.
const (
	Reconnect Reason = 1 << iota // the connection was lost
	Overflow                     // the consumer was slower than its buffer allows
	Moved                        // the server gave away the slot of the shard channel
	Closed                       // the subscription, a run, or the unsubscribing of a name ended first
)

// String returns the reasons separated by a bar, as in "reconnect|overflow".
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

// Gap marks a place in the stream where messages are missing, or may be missing. Adjacent gaps
// that were not read yet are merged into one. A Gap belongs to the subscription as a whole; the
// events say which of its names it concerns, by an EventSubscribed with a Gap.
type Gap struct {
	Reason Reason
	// From and To are times of the local clock. For a lost connection, From is the last time
	// that the connection was known to be alive, or the time when the server confirmed the name
	// if that is later. To is the time when the server confirmed the name again, or when the
	// name was given up. On a quiet connection From may be a whole keep-alive interval before
	// the outage, so the reported gap is longer than the outage. For messages that were dropped
	// here, From and To are the times of the first and the last drop. For a name whose
	// unsubscribing was not acknowledged, they are the times of the call.
	//
	// For Moved, in a cluster, From is the time when the node said that it had lost the channel
	// to another shard. If the node said nothing, if [Block] delayed the notice, or if a replica
	// has taken the node's place, which the node may have learned late, From is the time when
	// another node last said that the node had the channel. After such a gap messages may come a
	// second time, and later than others, because two nodes may have had the channel for a
	// moment. The same can happen to plain channels after a node has died.
	//
	// Other clocks date the messages, and messages take time to arrive. A program that fetches
	// missing messages by time should begin somewhat earlier than From and end later than To.
	From, To time.Time
	// Dropped is the number of messages that arrived and were dropped here. The number of
	// messages published while there was no connection is unknown, and not included.
	Dropped uint64
}

// Duration returns the time from From to To.
func (g *Gap) Duration() time.Duration { return g.To.Sub(g.From) }

// String returns a readable description of g. Its duration is rounded to the millisecond, or to
// the microsecond if it is shorter than one millisecond.
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

// publicGap converts a loss reported by a hub to a Gap. Both use the same reasons.
func publicGap(l hub.Loss) Gap { return Gap{Reason: Reason(l.Reason), From: l.From, To: l.To} }

// merge extends g to cover other too. The zero Gap covers nothing.
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
