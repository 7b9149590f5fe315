// Command where tells where the CPU time of a client went, from the profiles that
// the benchmark left:
//
//	go -C bench run . -only 'get/64$' -clients redchan -profile /tmp/profiles
//	go -C bench run ./cmd/where /tmp/profiles
//
// It sorts samples by what their stacks have in them. The kernel's time is that of the
// call that it was spent in.
package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// kinds are what time is spent on, the first one that a stack has something of.
var kinds = []struct {
	name    string
	pattern *regexp.Regexp
}{
	{"garbage collector", regexp.MustCompile(`gcBgMark|bgsweep|bgscavenge|gcAssist|gcDrain|gcStart|wbBuf`)},
	{"socket", regexp.MustCompile(`syscall\.(read|write|Syscall)\b`)},
	{"scheduling", regexp.MustCompile(`runtime\.(schedule|findRunnable|mcall|park_m|gosched_m|goschedImpl|futex|` +
		`notewakeup|notesleep|wakep|startm|stopm|ready|netpoll|chansend|chanrecv|selectgo|gopark|goready|casgstatus|` +
		`sellock|selunlock|mstart|morestack|semacquire1|semrelease1)\b|lockSlow|unlockSlow`)},
	{"allocating", regexp.MustCompile(`runtime\.(mallocgc|growslice|makeslice)`)},
	{"client", regexp.MustCompile(`.`)},
}

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "where:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string) error {
	if len(arguments) != 1 {
		return fmt.Errorf("usage: where DIRECTORY, as given to -profile")
	}
	files, err := filepath.Glob(filepath.Join(arguments[0], "*.pprof"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("no profiles in %s", arguments[0])
	}
	fmt.Print("| |")
	for _, kind := range kinds {
		fmt.Printf(" %s |", kind.name)
	}
	fmt.Printf("\n|---|%s\n", strings.Repeat("--:|", len(kinds)))
	for _, file := range files {
		traces, err := exec.CommandContext(ctx, "go", "tool", "pprof", "-traces", file).Output()
		if err != nil {
			return fmt.Errorf("go tool pprof -traces %s: %w", file, err)
		}
		share := shares(traces)
		fmt.Printf("| %s |", strings.TrimSuffix(filepath.Base(file), ".pprof"))
		for _, kind := range kinds {
			fmt.Printf(" %.0f %% |", 100*share[kind.name])
		}
		fmt.Println()
	}
	return nil
}

// shares sorts what pprof prints with -traces: stacks, the innermost function first, with
// the time in front of it.
func shares(traces []byte) map[string]float64 {
	share := map[string]float64{}
	var total, spent time.Duration
	var stack []string
	end := func() {
		text := strings.Join(stack, "\n")
		for _, kind := range kinds {
			if len(stack) > 0 && kind.pattern.MatchString(text) {
				share[kind.name] += float64(spent)
				total += spent
				break
			}
		}
		stack = nil
	}
	for lines := bufio.NewScanner(bytes.NewReader(traces)); lines.Scan(); {
		line := lines.Text()
		if strings.HasPrefix(line, "-----------+") {
			end()
			continue
		}
		first, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if d, err := time.ParseDuration(first); err == nil && rest != "" {
			spent, stack = d, []string{rest}
		} else if len(stack) > 0 {
			stack = append(stack, line)
		}
	}
	end()
	for name := range share {
		share[name] /= float64(total)
	}
	return share
}
