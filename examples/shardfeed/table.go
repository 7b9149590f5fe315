package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redchan-go/redchan/cluster/slot"
	"github.com/redchan-go/redchan/pubsub"
)

// table is what is known of the feed. It belongs to one goroutine.
type table struct {
	rows      []*row
	byChannel map[string]*row
	counted   time.Time // when rates were reckoned last
	gaps      int       // told in the stream
	lastGap   *pubsub.Gap
	happened  []happening // the last ones
}

// row is a symbol.
type row struct {
	symbol  string
	slot    int
	price   float64 // 0: none has come
	come    int     // messages since rates were reckoned
	rate    float64 // messages a second
	node    string  // that serves it; empty while none does
	before  string  // the last node, while none serves it
	changed time.Time
	gap     *pubsub.Gap // the last one
}

// happening is something that has happened, in words.
type happening struct {
	when time.Time
	text string
}

// String returns it with its time of day.
func (h happening) String() string { return h.when.Format(time.TimeOnly) + "  " + h.text }

const (
	happenings = 10              // that a table shows
	fresh      = 3 * time.Second // for so long a row is marked that has another node
)

func newTable(symbols []string) *table {
	t := &table{byChannel: map[string]*row{}}
	for _, symbol := range symbols {
		r := &row{symbol: symbol, slot: slot.Of(channel(symbol))}
		t.rows = append(t.rows, r)
		t.byChannel[channel(symbol)] = r
	}
	return t
}

// price notes a message.
func (t *table) price(channel, payload string) {
	r := t.byChannel[channel]
	if r == nil {
		return
	}
	r.come++
	if price, err := strconv.ParseFloat(payload, 64); err == nil { // else somebody else publishes there
		r.price = price
	}
}

// gap notes a gap of the stream.
func (t *table) gap(g *pubsub.Gap) {
	t.gaps++
	t.lastGap = g
}

// note notes what has happened.
func (t *table) note(h happening) {
	t.happened = append(t.happened, h)
	if surplus := len(t.happened) - happenings; surplus > 0 {
		t.happened = slices.Delete(t.happened, 0, surplus)
	}
}

// event notes an event, and returns what it says for people: nothing where the row says
// all.
func (t *table) event(e pubsub.Event) string {
	if e.Missed > 0 {
		t.note(happening{e.Time, fmt.Sprintf("%d events missed", e.Missed)})
		e.Missed = 0
	}
	text := ""
	r := t.byChannel[e.Name.Name]
	switch {
	case e.Kind == pubsub.EventSubscribed && r != nil:
		text = r.confirmed(e)
	case e.Kind == pubsub.EventUnsubscribed && r != nil:
		if r.node != "" {
			r.node, r.before = "", r.node
		}
		// Where it stays so the row says it.
	default:
		text = e.String()
	}
	if text != "" {
		t.note(happening{e.Time, text})
	}
	return text
}

// confirmed notes which node serves a row, and returns what is to be said of it.
func (r *row) confirmed(e pubsub.Event) string {
	before := r.node
	if before == "" {
		before = r.before
	}
	r.node, r.before = e.Node, ""
	if e.Gap != nil {
		r.gap = e.Gap
	}
	text := ""
	switch before {
	case "": // the first time
		return ""
	case e.Node:
		text = fmt.Sprintf("%s is back on %s", r.symbol, e.Node)
	default:
		r.changed = e.Time
		text = fmt.Sprintf("%s moved from %s to %s", r.symbol, before, e.Node)
	}
	if e.Gap != nil {
		text += ", " + e.Gap.String()
	}
	return text
}

// count reckons the rates, once a second. It is called more often.
func (t *table) count(now time.Time) {
	if t.counted.IsZero() {
		t.counted = now
	}
	elapsed := now.Sub(t.counted)
	if elapsed < time.Second {
		return
	}
	t.counted = now
	for _, r := range t.rows {
		r.rate = float64(r.come) / elapsed.Seconds()
		r.come = 0
	}
}

// text returns the table as lines.
func (t *table) text(now time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "  %-8s %9s %6s %6s  %-21s  %s\n", "symbol", "price", "msg/s", "slot", "node", "last gap")
	for _, r := range t.rows {
		mark, price, node, gap := " ", "-", "nobody", ""
		if !r.changed.IsZero() && now.Sub(r.changed) < fresh {
			mark = ">"
		}
		if r.price != 0 {
			price = strconv.FormatFloat(r.price, 'f', 5, 64)
		}
		if r.node != "" {
			node = r.node
		}
		if r.gap != nil {
			gap = short(r.gap)
		}
		line := fmt.Sprintf("%s %-8s %9s %6.1f %6d  %-21s  %s", mark, r.symbol, price, r.rate, r.slot, node, gap)
		fmt.Fprintln(&b, strings.TrimRight(line, " "))
	}
	fmt.Fprintf(&b, "\ngaps in the stream: %d", t.gaps)
	if t.lastGap != nil {
		fmt.Fprintf(&b, ", the last: %s", short(t.lastGap))
	}
	b.WriteString("\n")
	return b.String()
}

// history returns what has happened last as lines.
func (t *table) history() string {
	var b strings.Builder
	for _, h := range t.happened {
		b.WriteString(h.String() + "\n")
	}
	return b.String()
}

// short is a gap in a few words.
func short(g *pubsub.Gap) string {
	precision := time.Millisecond
	if g.Duration() < precision {
		precision = time.Microsecond
	}
	text := fmt.Sprintf("%v, %v", g.Reason, g.Duration().Round(precision))
	if g.Dropped > 0 {
		text += fmt.Sprintf(", %d dropped", g.Dropped)
	}
	return text
}
