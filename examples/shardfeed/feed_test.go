//go:build !windows

package main

import (
	"context"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redchan-go/redchan/cluster/slot"
	"github.com/redchan-go/redchan/integration/servers"
)

func TestMain(m *testing.M) { os.Exit(servers.Main(m)) }

// patience bounds what is waited for.
const patience = time.Minute

// The whole program on a cluster of its own: prices come of all symbols, and the table shows
// the new node, and the gap, after a slot has moved and after a primary has died.
func TestFeed(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*patience)
	defer cancel()
	d, err := startDemo(ctx, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.cluster.Close(); err != nil { // servers.Main closes the rest
			t.Error(err)
		}
	})
	symbols := []string{"EURUSD", "USDJPY", "GBPUSD", "USDCHF", "AUDUSD", "USDCAD"}
	show := newDisplay(t)
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() {
		done <- run(running, config{url: d.url(), publish: true, symbols: symbols}, newScreen(show, true))
	}()
	defer func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("the program ends with %v", err)
		}
		show.ends()
	}()

	owner := func(symbol string) string {
		t.Helper()
		node, err := d.cluster.NodeOf(ctx, slot.Of(channel(symbol)))
		if err != nil {
			t.Fatal(err)
		}
		return node.Addr
	}
	for _, symbol := range symbols {
		show.row("from the start", symbol, owner(symbol), "")
	}

	// A slot moves.
	before := owner("EURUSD")
	ignore := func(string) {}
	if err := d.move(ctx, "EURUSD", ignore); err != nil {
		t.Fatal(err)
	}
	after := owner("EURUSD")
	if after == before {
		t.Fatalf("EURUSD has stayed on %s", before)
	}
	show.row("after its slot has moved", "EURUSD", after, `moved, \S+`)
	show.sees("EURUSD moved from " + before + " to " + after + ", gap (moved) of ")
	show.sees(", the last: moved, ")

	// A primary dies.
	before = owner("USDCHF")
	if err := d.kill(ctx, "USDCHF", ignore); err != nil {
		t.Fatal(err)
	}
	after = owner("USDCHF")
	if after == before {
		t.Fatalf("USDCHF has stayed on %s", before)
	}
	show.row("after a failover", "USDCHF", after, `\S+, \S+`)
	show.sees("USDCHF moved from " + before + " to " + after + ", gap (reconnect) of ")
	for _, symbol := range symbols {
		show.row("at the end", symbol, owner(symbol), "")
	}
}

// A cluster that can't be reached is told at once.
func TestNoCluster(t *testing.T) {
	show := newDisplay(t)
	err := run(t.Context(), config{url: "redis+cluster://127.0.0.1:1", symbols: []string{"EURUSD"}}, newScreen(show, true))
	if err == nil || !strings.Contains(err.Error(), "can't connect") {
		t.Errorf("the program ends with %v", err)
	}
}

func TestParseSymbols(t *testing.T) {
	if got, want := parseSymbols("EURUSD, USDJPY,,EURUSD "), []string{"EURUSD", "USDJPY"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if err := run(t.Context(), config{symbols: parseSymbols(" ,")}, nil); err == nil || !strings.Contains(err.Error(), "no symbols") {
		t.Errorf("without symbols: %v", err)
	}
}

func TestTooManySymbols(t *testing.T) {
	err := run(t.Context(), config{symbols: make([]string, maxSymbols+1)}, newScreen(newDisplay(t), true))
	if err == nil || err.Error() != "33 symbols are more than 32" {
		t.Errorf("the program ends with %v", err)
	}
}

// display is the terminal of a test: it knows what stands on it now, and what has ever.
type display struct {
	t *testing.T

	mu      sync.Mutex
	frame   string
	all     strings.Builder
	changed chan struct{} // closed and replaced with each frame
}

func newDisplay(t *testing.T) *display {
	s := &display{t: t, changed: make(chan struct{})}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the last table:\n%s", s.frame)
		}
	})
	return s
}

// Write takes one frame.
func (s *display) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := string(b)
	s.all.WriteString(text)
	if _, frame, ok := strings.Cut(text, home); ok {
		s.frame = strings.NewReplacer(clearLine, "", clearDown, "").Replace(frame)
	}
	close(s.changed)
	s.changed = make(chan struct{})
	return len(b), nil
}

// until waits until what stands on the display is so.
func (s *display) until(what string, so func(frame string) bool) {
	s.t.Helper()
	tooLong := time.After(patience)
	for {
		s.mu.Lock()
		frame, changed := s.frame, s.changed
		s.mu.Unlock()
		if so(frame) {
			return
		}
		select {
		case <-changed:
		case <-tooLong:
			s.t.Fatalf("the display never shows %s", what)
		}
	}
}

// sees waits until a text stands on the display.
func (s *display) sees(text string) {
	s.t.Helper()
	s.until(text, func(frame string) bool { return strings.Contains(frame, text) })
}

// row waits until a symbol has a price, messages, a node, and behind that a gap which matches a
// pattern.
func (s *display) row(when, symbol, node, gap string) {
	s.t.Helper()
	pattern := `(?m)^[> ] ` + symbol + ` +\d+\.\d{5} +([1-9]\d*\.\d|0\.[1-9]) +\d+  ` + regexp.QuoteMeta(node)
	if gap != "" {
		pattern += ` +` + gap + `$`
	}
	row := regexp.MustCompile(pattern)
	s.until(symbol+" on "+node+" "+when, row.MatchString)
}

// ends fails where the terminal was not left as it was.
func (s *display) ends() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if text := s.all.String(); !strings.HasPrefix(text, begin) || !strings.HasSuffix(text, finish) {
		s.t.Error("the terminal is not as it was")
	}
}
