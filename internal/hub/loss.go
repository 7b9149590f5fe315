package hub

import "time"

// Reason is a set of reasons for a [Loss]. Its values are those of pubsub.Reason.
type Reason uint8

// The reasons that a hub knows of. A subscription has others of its own.
const (
	Reconnect Reason = 1 << 0 // the link was lost
	Moved     Reason = 1 << 2 // the server gave the name away
)

// Loss is a time for which messages of a name are missing, or may be. The zero Loss is none.
type Loss struct {
	Reason   Reason
	From, To time.Time
}

// merge makes l cover other too.
func (l *Loss) merge(other Loss) {
	switch {
	case other.Reason == 0:
		return
	case l.Reason == 0:
		*l = other
		return
	}
	l.Reason |= other.Reason
	if other.From.Before(l.From) {
		l.From = other.From
	}
	if other.To.After(l.To) {
		l.To = other.To
	}
}

// later returns the later of two times.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
