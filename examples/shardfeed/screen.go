package main

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
)

// screen shows a table: on a terminal always at the same place, elsewhere as lines, what
// happens at once and the table now and then.
type screen struct {
	out      io.Writer
	terminal bool
	drawn    time.Time // zero: not yet
}

func newScreen(out io.Writer, terminal bool) *screen { return &screen{out: out, terminal: terminal} }

const (
	linesEvery = 5 * time.Second // between tables where there is no terminal

	begin     = "\x1b[2J\x1b[?25l\x1b[?7l" // clear it, hide the cursor, cut long lines off
	home      = "\x1b[H"
	clearLine = "\x1b[K"
	clearDown = "\x1b[J"
	finish    = "\x1b[?7h\x1b[?25h" // what begin has changed
)

// draw shows the table as it is now.
func (s *screen) draw(now time.Time, t *table) {
	first := s.drawn.IsZero()
	if !s.terminal && !first && now.Sub(s.drawn) < linesEvery {
		return
	}
	s.drawn = now
	text := printable(t.text(now))
	if s.terminal {
		text = home + strings.ReplaceAll(text+printable(t.history()), "\n", clearLine+"\n") + clearDown
		if first {
			text = begin + text
		}
	}
	fmt.Fprint(s.out, text)
}

// line shows what has happened: at once where there is no terminal; on one the next table
// has it.
func (s *screen) line(h happening) {
	if !s.terminal {
		fmt.Fprintln(s.out, printable(h.String()))
	}
}

// end leaves the terminal as it was, with the last table on it.
func (s *screen) end() {
	if s.terminal {
		fmt.Fprint(s.out, finish)
	}
}

// printable takes out what could control the terminal: a server wrote some of it.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) || r == '\n' {
			return r
		}
		return ' '
	}, text)
}
