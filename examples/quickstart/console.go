package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// console prints lines with the time since the start and what they are about.
// It may be used by several goroutines.
type console struct {
	start time.Time

	mu  sync.Mutex
	out io.Writer
}

func newConsole(out io.Writer) *console { return &console{start: time.Now(), out: out} }

func (c *console) line(about, format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fmt.Fprintf(c.out, "%6.3fs  %-8s %s\n", time.Since(c.start).Seconds(), about, fmt.Sprintf(format, args...))
}

// rounded is d as people read it.
func rounded(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
