package pubsub

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/redchan-go/redchan/internal/hub"
)

func TestStrings(t *testing.T) {
	start := time.Unix(0, 0)
	gap := &Gap{Reason: Reconnect | Overflow, From: start, To: start.Add(2 * time.Second), Dropped: 3}
	tests := []struct {
		value fmt.Stringer
		want  string
	}{
		{Channel("a\n"), `channel "a\n"`},
		{Pattern("a*"), `pattern "a*"`},
		{ShardChannel("a"), `shard channel "a"`},
		{NameKind(9), "name kind 9"},
		{hub.OpSUnsubscribe, "SUNSUBSCRIBE"},
		{hub.Op(9), "op 9"},
		{Kind(9), "kind 9"},
		{EventKind(9), "event 9"},
		{Event{}, "event 0"}, // of a closed channel
		{Reason(0), "none"},
		{Moved | Closed, "moved|closed"},
		{&Gap{Reason: Closed, From: start, To: start.Add(1234567 * time.Microsecond)}, "gap (closed) of 1.235s"},
		{&Gap{Reason: Closed, From: start, To: start.Add(12345 * time.Nanosecond)}, "gap (closed) of 12µs"},
		{gap, "gap (reconnect|overflow) of 2s, 3 dropped"},
		{Message{Channel: "a", Payload: "b"}, `message "a": "b"`},
		{
			Message{Kind: KindPatternMessage, Channel: "a", Pattern: "*", Payload: strings.Repeat("b", 65)},
			`pattern message "a" ("*"): "` + strings.Repeat("b", 64) + `"... (65 bytes)`,
		},
		{Message{Channel: "a", Gap: gap}, `message "a": "" after a gap (reconnect|overflow) of 2s, 3 dropped`},
		{Message{Kind: KindGap, Gap: gap}, "gap (reconnect|overflow) of 2s, 3 dropped"},
		{Event{Kind: EventSubscribed, Name: Channel("a"), Count: 2}, `subscribed channel "a", 2 in all`},
		{Event{Kind: EventDisconnected, Err: io.EOF, Missed: 2}, "disconnected: EOF (2 events missed)"},
		{Event{Kind: EventPong, Data: "x"}, `pong "x"`},
		{Event{Kind: EventOverflow, Gap: gap}, "overflow after a gap (reconnect|overflow) of 2s, 3 dropped"},
	}
	if got := gap.Duration(); got != 2*time.Second {
		t.Errorf("the gap is %v long", got)
	}
	for _, test := range tests {
		if got := test.value.String(); got != test.want {
			t.Errorf("%#v is written %s, want %s", test.value, got, test.want)
		}
	}
}

func TestMergedGapCoversBoth(t *testing.T) {
	at := func(second int) time.Time { return time.Unix(int64(second), 0) }
	a := Gap{Reason: Overflow, From: at(2), To: at(3), Dropped: 1}
	b := Gap{Reason: Reconnect, From: at(1), To: at(4)}
	want := Gap{Reason: Overflow | Reconnect, From: at(1), To: at(4), Dropped: 1}
	for _, pair := range [][2]Gap{{a, b}, {b, a}, {want, {}}, {{}, want}} {
		got := pair[0]
		got.merge(pair[1])
		if got != want {
			t.Errorf("%v and %v are merged to %v", pair[0], pair[1], got)
		}
	}
}
