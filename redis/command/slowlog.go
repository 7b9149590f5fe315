package command

import (
	"errors"
	"time"

	"github.com/redchan-go/redchan/proto"
)

// SlowLogEntry is a command that took long.
type SlowLogEntry struct {
	ID   int64 // unique, growing
	At   time.Time
	Took time.Duration // without waiting and sending
	// Args are the name and the arguments, long ones shortened, and of many the first.
	Args       []string
	Client     string // "host:port"
	ClientName string
}

// SlowLogGet returns up to count commands that took longer than the server's
// slowlog-log-slower-than, the newest first; -1 stands for all. O(N). Since 2.2.12;
// all since 7.0.0.
func SlowLogGet(count int64) Cmd[[]SlowLogEntry] {
	r := newRequest(&specSlowlogGet)
	r.entries(count)
	return Cmd[[]SlowLogEntry]{r, decodeSlowLog}
}

// entries appends how many entries of a log are wanted, -1 for all.
func (r *Request) entries(count int64) {
	r.int(count)
	if count < -1 || count == 0 {
		r.fail(badArgument("the number of entries must be positive, or -1 for all"))
	}
}

func decodeSlowLog(v proto.Value) ([]SlowLogEntry, error) {
	return decodeEach(v, "entries of the slow log", textsOf(v).slowLogEntry)
}

func (t *texts) slowLogEntry(v proto.Value) (SlowLogEntry, error) {
	var s SlowLogEntry
	e, err := t.commandLogEntry(v)
	if err == nil {
		s = SlowLogEntry{e.ID, e.At, e.Took(), e.Args, e.Client, e.ClientName}
	}
	return s, err
}

// SlowLogLen returns the number of entries of the slow log. O(1). Since 2.2.12.
func SlowLogLen() Cmd[int64] { return Cmd[int64]{newRequest(&specSlowlogLen), decodeInt} }

// SlowLogReset removes the entries of the slow log. O(N). Since 2.2.12.
func SlowLogReset() Cmd[struct{}] {
	return Cmd[struct{}]{newRequest(&specSlowlogReset), decodeOK}
}

// CommandLogKind is a log of commands: [LogSlow], [LogLargeRequest], [LogLargeReply].
type CommandLogKind string

// The logs of commands.
const (
	LogSlow         CommandLogKind = "SLOW"          // of those that took long
	LogLargeRequest CommandLogKind = "LARGE-REQUEST" // of those with many bytes
	LogLargeReply   CommandLogKind = "LARGE-REPLY"   // of those with many bytes of reply
)

// CommandLogEntry is a command that took long, or was large.
type CommandLogEntry struct {
	ID int64 // unique in its log, growing
	At time.Time
	// Amount is what the command is in the log for: microseconds in [LogSlow], bytes in
	// the others.
	Amount int64
	// Args are the name and the arguments, long ones shortened, and of many the first.
	Args       []string
	Client     string // "host:port"
	ClientName string
}

// Took returns the time that a command of [LogSlow] took.
func (e CommandLogEntry) Took() time.Duration { return time.Duration(e.Amount) * time.Microsecond }

// logKind appends a log's name.
func (r *Request) logKind(kind CommandLogKind) {
	switch kind {
	case LogSlow, LogLargeRequest, LogLargeReply:
	default:
		r.fail(badArgument("no such log of commands"))
	}
	r.word(string(kind))
}

// CommandLogGet returns up to count entries of a log of commands, the newest first; -1
// stands for all. O(N). Since Valkey 8.1.0.
func CommandLogGet(count int64, kind CommandLogKind) Cmd[[]CommandLogEntry] {
	r := newRequest(&specCommandlogGet)
	r.entries(count)
	r.logKind(kind)
	return Cmd[[]CommandLogEntry]{r, decodeCommandLog}
}

func decodeCommandLog(v proto.Value) ([]CommandLogEntry, error) {
	return decodeEach(v, "entries of a log of commands", textsOf(v).commandLogEntry)
}

// commandLogEntry decodes an entry; client and name are there since 4.0.0.
func (t *texts) commandLogEntry(v proto.Value) (CommandLogEntry, error) {
	var e CommandLogEntry
	const least, most = 4, 6
	if v.Kind() != proto.KindArray || v.Len() < least {
		return e, want("an entry of a log of commands")
	}
	err := errors.Join(
		into(&e.ID, v.Index(0), decodeInt),
		into(&e.At, v.Index(1), decodeUnixSeconds),
		into(&e.Amount, v.Index(2), decodeInt),
		into(&e.Args, v.Index(3), t.strings),
	)
	if v.Len() >= most {
		err = errors.Join(
			err,
			into(&e.Client, v.Index(4), t.string),
			into(&e.ClientName, v.Index(5), t.string),
		)
	}
	return e, err
}

// CommandLogLen returns the number of entries of a log of commands. O(1).
// Since Valkey 8.1.0.
func CommandLogLen(kind CommandLogKind) Cmd[int64] {
	r := newRequest(&specCommandlogLen)
	r.logKind(kind)
	return Cmd[int64]{r, decodeInt}
}

// CommandLogReset removes the entries of a log of commands. O(N). Since Valkey 8.1.0.
func CommandLogReset(kind CommandLogKind) Cmd[struct{}] {
	r := newRequest(&specCommandlogReset)
	r.logKind(kind)
	return Cmd[struct{}]{r, decodeOK}
}
