package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redchan-go/redchan/cluster/slot"
	"github.com/redchan-go/redchan/pubsub"
	"github.com/redchan-go/redchan/sharded"
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
	changed time.Time
	gap     *pubsub.Gap // that of its last move
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

// move notes that another node serves a channel.
func (t *table) move(m sharded.Move) happening {
	if r := t.byChannel[m.Channel]; r != nil {
		r.changed, r.gap = m.Time, &m.Gap
		m.Channel = r.symbol
	}
	return happening{m.Time, m.String()}
}

// locate looks up which node serves each row.
func (t *table) locate(node func(channel string) (addr string, served bool)) {
	for _, r := range t.rows {
		r.node, _ = node(channel(r.symbol))
	}
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
	fmt.Fprintf(&b, "  %-8s %9s %6s %6s  %-21s  %s\n", "symbol", "price", "msg/s", "slot", "node", "last move")
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
