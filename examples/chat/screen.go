package main

import (
	"fmt"
	"hash/fnv"
	"io"
	"strings"
	"unicode"
)

// screen prints lines. On a terminal it colours names, and shows what was typed
// only once it has come back from the server: so everybody sees the same.
type screen struct {
	out   io.Writer
	typed bool // lines are typed on the terminal that out is
	color bool
}

func newScreen(out io.Writer, fromTerminal, toTerminal bool) *screen {
	return &screen{out: out, typed: fromTerminal && toTerminal, color: toTerminal}
}

const (
	clearLine = "\r\x1b[K"
	lineUp    = "\x1b[A"
	reset     = "\x1b[0m"
	dim       = "\x1b[2m"
	prompt    = "> "
)

// entry prints what a member said or did.
func (s *screen) entry(e entry) {
	time := s.paint(dim, e.Time.Local().Format("15:04"))
	name := s.name(e.From)
	switch e.Kind {
	case said:
		s.line("%s %s%s %s", time, name, strings.Repeat(" ", max(0, 8-len([]rune(e.From)))), printable(e.Text))
	case does:
		s.line("%s * %s %s", time, name, printable(e.Text))
	case joined, left:
		s.line("%s - %s %s", time, name, e.Kind)
	}
}

// note prints what the program itself has to say.
func (s *screen) note(format string, args ...any) {
	s.line("%s", s.paint(dim, "-- "+fmt.Sprintf(format, args...)))
}

func (s *screen) line(format string, args ...any) {
	text := fmt.Sprintf(format, args...) + "\n"
	if s.typed {
		text = clearLine + text + prompt
	}
	fmt.Fprint(s.out, text)
}

// entered is told of each line typed: the terminal has shown it already.
func (s *screen) entered() {
	if s.typed {
		fmt.Fprint(s.out, lineUp, clearLine, prompt)
	}
}

// end leaves the cursor at the beginning of a line.
func (s *screen) end() {
	if s.typed {
		fmt.Fprint(s.out, clearLine)
	}
}

// name paints a name, always in the same colour.
func (s *screen) name(name string) string {
	hash := fnv.New32a()
	hash.Write([]byte(name))
	return s.paint(fmt.Sprintf("\x1b[%dm", 31+hash.Sum32()%6), printable(name))
}

func (s *screen) paint(style, text string) string {
	if !s.color {
		return text
	}
	return style + text + reset
}

// printable takes out what could control the terminal: others wrote it.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
}
