package pubsub

import (
	"fmt"
	"strconv"
	"strings"
)

// Keyspace returns the name of a subscription to notifications of what happens to keys. keys is
// a pattern for the names of the keys; [EscapePattern] makes a pattern from a single key. db is
// the database; a negative db means all databases. Servers send these notifications if
// notify-keyspace-events contains K and the classes of events, such as "KEA". [AsKeyEvents]
// decodes them. Since 2.8.0.
//
// In a cluster each primary sends notifications for its own keys only.
func Keyspace(db int, keys string) Name { return Pattern("__keyspace@" + database(db) + "__:" + keys) }

// Keyevent is like [Keyspace], but selects by event: "expired", "del", "set", or a pattern. The
// server's setting must contain E. Since 2.8.0.
func Keyevent(db int, event string) Name {
	return Pattern("__keyevent@" + database(db) + "__:" + event)
}

func database(db int) string {
	if db < 0 {
		return "*"
	}
	return strconv.Itoa(db)
}

// EscapePattern returns a pattern that matches only text.
func EscapePattern(text string) string {
	const special = `\*?[]^`
	if !strings.ContainsAny(text, special) {
		return text
	}
	var b strings.Builder
	for i := range len(text) {
		if strings.IndexByte(special, text[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// KeyEvent is something that happened to a key.
type KeyEvent struct {
	DB    int
	Key   string
	Event string // as the server names it: "set", "expired", "evicted", ...
	// Gap reports, as in [Message], that events are missing before this one. With [GapMarkers]
	// it comes as a separate item without a key.
	Gap *Gap
	// Err is set if a message is not a notification.
	Err error
	// Node is the address of the primary that sent the event, in a cluster.
	Node string
}

// AsKeyEvents returns the notifications of a subscription to [Keyspace] and [Keyevent] names. It
// takes over the subscription's messages and ends with the subscription, as [As] does. An event
// that matches names of both kinds comes twice.
func AsKeyEvents(s *Subscription) <-chan KeyEvent {
	return readAs(s, func(msg *Message) (KeyEvent, bool) {
		if !msg.Kind.isMessage() {
			return KeyEvent{Gap: msg.Gap}, msg.Kind == KindGap
		}
		event, err := keyEvent(msg)
		if err != nil {
			s.countUndecoded()
			event = KeyEvent{Err: &DecodeError{*msg, err}}
		}
		event.Gap = msg.Gap
		return event, true
	})
}

// keyEvent decodes a notification.
func keyEvent(msg *Message) (KeyEvent, error) {
	rest, space := strings.CutPrefix(msg.Channel, "__keyspace@")
	if !space {
		var event bool
		if rest, event = strings.CutPrefix(msg.Channel, "__keyevent@"); !event {
			return KeyEvent{}, fmt.Errorf("it is no notification of a key")
		}
	}
	db, name, ok := strings.Cut(rest, "__:")
	n, err := strconv.Atoi(db)
	if !ok || err != nil {
		return KeyEvent{}, fmt.Errorf("it is no notification of a key")
	}
	if space {
		return KeyEvent{DB: n, Key: name, Event: msg.Payload}, nil
	}
	return KeyEvent{DB: n, Key: msg.Payload, Event: name}, nil
}
