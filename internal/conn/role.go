package conn

import "github.com/redchan-go/redchan/proto"

// Role says what a connection is for, before it is made. The zero Role is for commands.
type Role struct {
	Subscriber bool // RESP2 arrays of pub/sub are pushes
	Monitor    bool // lines of MONITOR are pushes

	// OnPush is called by whoever reads, for every push. AfterPushes is called behind some
	// of these calls: before the replies that came after them, and when everything that was
	// read has been handed out. Both may be nil, and must not block for long.
	OnPush      func(proto.Value)
	AfterPushes func()
	// Held reports whether OnPush is waiting for a slow consumer: then no reply is late. It
	// may be nil.
	Held func() bool
}

// beginsPush reports whether what begins with mark may be a push.
func (r *Role) beginsPush(mark byte) bool {
	return mark == '>' || mark == '*' && r.Subscriber || mark == '+' && r.Monitor
}

// isPush reports whether v is a push, or what stands for one in RESP2.
func (r *Role) isPush(v proto.Value) bool {
	return v.Kind() == proto.KindPush || r.Subscriber && isPubSub(v) || r.Monitor && isMonitorLine(v)
}

// isPubSub reports whether a RESP2 array on a subscriber connection is a
// message or a confirmation. Such a connection carries nothing else but PING.
func isPubSub(v proto.Value) bool {
	if v.Kind() != proto.KindArray || v.Len() < 3 {
		return false
	}
	switch v.Index(0).Str() {
	case "message", "pmessage", "smessage", "subscribe", "psubscribe", "ssubscribe",
		"unsubscribe", "punsubscribe", "sunsubscribe":
		return true
	}
	return false
}

// isMonitorLine reports whether a reply on a monitoring connection is a line: replies to
// our own commands don't begin with a digit.
func isMonitorLine(v proto.Value) bool {
	text := v.Str()
	return v.Kind() == proto.KindSimple && text != "" && text[0] >= '0' && text[0] <= '9'
}
