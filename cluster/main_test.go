package cluster_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestMain fails where tests have left goroutines behind.
func TestMain(m *testing.M) {
	code := m.Run()
	left := ""
	for range 100 { // those that are about to end need a moment
		if left = goroutines(); left == "" {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if left != "" {
		fmt.Fprintf(os.Stderr, "goroutines left:\n%s\n", left)
		code = 1
	}
	os.Exit(code)
}

// goroutines returns the stacks of goroutines of this module, but that of the caller.
func goroutines() string {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	var left []string
	for i, stack := range strings.Split(string(stacks), "\n\n") {
		if i > 0 && strings.Contains(stack, "redchan/") {
			left = append(left, stack)
		}
	}
	return strings.Join(left, "\n\n")
}
