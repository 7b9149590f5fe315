package pubsub

import (
	"fmt"
	"strconv"
	"strings"
)

// Keyspace names the notifications of what happens to keys: those whose names match a
// pattern, in database db, in all of them where it is negative. [EscapePattern] makes a
// pattern of a key. Servers send them where notify-keyspace-events has K and the classes
// of events, such as "KEA"; read them by [AsKeyEvents]. Since 2.8.0.
//
// In a cluster each primary tells of its own keys.
func Keyspace(db int, keys string) Name { return Pattern("__keyspace@" + database(db) + "__:" + keys) }

// Keyevent is [Keyspace] by the event: "expired", "del", "set", or a pattern. The setting
// needs E. Since 2.8.0.
func Keyevent(db int, event string) Name {
	return Pattern("__keyevent@" + database(db) + "__:" + event)
}

func database(db int) string {
	if db < 0 {
		return "*"
	}
	return strconv.Itoa(db)
}

// EscapePattern returns a pattern that matches text alone.
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

// KeyEvent is something that has happened to a key.
type KeyEvent struct {
	DB    int
	Key   string
	Event string // as the server names it: "set", "expired", "evicted", ...
	// Gap says, as in [Message], that events are missing in front of this one. With
	// [GapMarkers] it comes as an item of its own, without a key.
	Gap *Gap
	// Err tells of a message that is no notification.
	Err error
	// Node is, in a cluster, the address of the primary that the event is from.
	Node string
}

// AsKeyEvents returns the notifications of a subscription to [Keyspace] and [Keyevent]
// names. It owns the subscription's messages and ends with it, as [As] does. A key that
// matches names of both kinds comes twice.
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

// keyEvent reads a notification.
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
