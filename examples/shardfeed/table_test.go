package main

import (
	"strings"
	"testing"
	"time"

	"github.com/redchan-go/redchan/pubsub"
	"github.com/redchan-go/redchan/sharded"
)

// The table as people see it, after what can happen to a channel.
func TestTable(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.Local)
	at := func(seconds float64) time.Time {
		return start.Add(time.Duration(seconds * float64(time.Second)))
	}
	table := newTable([]string{"EURUSD", "USDJPY", "GBPUSD"})
	table.count(start)
	for range 5 {
		table.price(channel("EURUSD"), "1.08421")
	}
	table.price(channel("GBPUSD"), "\x1b[2J") // somebody else publishes there
	table.price("another", "7")

	moved := &pubsub.Gap{Reason: pubsub.Moved, From: at(0.1), To: at(0.112)}
	lost := &pubsub.Gap{Reason: pubsub.Reconnect | pubsub.Overflow, From: at(0.2), To: at(1.4), Dropped: 3}
	said := table.move(sharded.Move{
		Channel: channel("EURUSD"), From: "10.0.0.1:7000", To: "10.0.0.2:7000", Time: at(0.112), Gap: *moved,
	})
	table.note(said)
	table.move(sharded.Move{Channel: channel("USDJPY"), From: "10.0.0.3:7000", To: "10.0.0.1:7000", Time: at(-2), Gap: *lost})
	table.move(sharded.Move{Channel: "another"}) // of no row
	nodes := map[string]string{channel("EURUSD"): "10.0.0.2:7000", channel("USDJPY"): "10.0.0.1:7000"}
	table.locate(func(channel string) (string, bool) {
		addr, served := nodes[channel]
		return addr, served
	})
	table.gap(moved)
	table.gap(lost)
	table.note(happening{at(1.5), "demo: something"})
	table.count(at(0.5)) // too early
	table.count(at(2))

	const wantTable = `  symbol       price  msg/s   slot  node                   last move
> EURUSD     1.08421    2.5   6586  10.0.0.2:7000          moved, 12ms
  USDJPY           -    0.0   2840  10.0.0.1:7000          reconnect|overflow, 1.2s, 3 dropped
  GBPUSD           -    0.5   7196  nobody

gaps in the stream: 2, the last: reconnect|overflow, 1.2s, 3 dropped
`
	if text := table.text(at(2)); text != wantTable {
		t.Errorf("the table is\n%s\nwant\n%s", text, wantTable)
	}
	const wantHistory = `03:04:05  EURUSD moved from 10.0.0.1:7000 to 10.0.0.2:7000, gap (moved) of 12ms
03:04:06  demo: something
`
	if text := table.history(); text != wantHistory {
		t.Errorf("the history is\n%s\nwant\n%s", text, wantHistory)
	}

	for want, g := range map[string]*pubsub.Gap{
		"moved, 750µs":  {Reason: pubsub.Moved, From: start, To: start.Add(750*time.Microsecond + 1)},
		"moved, 1.235s": {Reason: pubsub.Moved, From: start, To: start.Add(1234567 * time.Microsecond)},
	} {
		if text := short(g); text != want {
			t.Errorf("a gap is %q, want %q", text, want)
		}
	}

	// Later nothing is marked, and nothing comes.
	table.count(at(5))
	if text := table.text(at(5)); strings.Contains(text, ">") || !strings.Contains(text, "EURUSD     1.08421    0.0 ") {
		t.Errorf("later the table is\n%s", text)
	}
}

// What has happened is bounded.
func TestHistoryIsBounded(t *testing.T) {
	table := newTable(nil)
	for range 3 * happenings {
		table.note(happening{time.Now(), "something"})
	}
	if n := strings.Count(table.history(), "\n"); n != happenings {
		t.Errorf("it has %d lines", n)
	}
}

func TestScreen(t *testing.T) {
	now := time.Now()
	table := newTable([]string{"EUR\x1b[31mUSD\a"})
	h := happening{now, "beep\a"}
	table.note(h)

	// As lines: the history at once, the table now and then.
	var b strings.Builder
	s := newScreen(&b, false)
	s.line(h)
	s.draw(now, table)
	s.draw(now.Add(linesEvery/2), table)
	s.draw(now.Add(linesEvery), table)
	s.end()
	if text := b.String(); strings.ContainsAny(text, "\x1b\a") || strings.Count(text, "symbol") != 2 || strings.Count(text, "beep") != 1 {
		t.Errorf("as lines: %q", text)
	}

	// On a terminal: always at the same place, whole.
	b.Reset()
	s = newScreen(&b, true)
	s.line(h)
	s.draw(now, table)
	s.draw(now.Add(time.Millisecond), table)
	s.end()
	text := b.String()
	if !strings.HasPrefix(text, begin+home) || !strings.HasSuffix(text, clearDown+finish) || strings.Count(text, home) != 2 ||
		strings.Count(text, "beep ") != 2 || strings.Contains(text, "\x1b[31m") || strings.Contains(text, "\a") {
		t.Errorf("on a terminal: %q", text)
	}
}
