package integration

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redchan-go/redchan/integration/servers"
)

// program is a complete program in the documentation, and what it prints.
type program struct {
	line         int // of the file, where it begins
	source, want string
}

// programs returns the Go programs of a document: the blocks that begin with "package
// main", each with the block behind it, which is its output.
func programs(t *testing.T, file string) []program {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var found []program
	var block *strings.Builder
	isProgram, wantsOutput := false, false
	for i, line := range strings.SplitAfter(string(data), "\n") {
		switch {
		case block == nil && strings.HasPrefix(line, "```"):
			block = new(strings.Builder)
			isProgram = strings.HasPrefix(line, "```go")
		case block != nil && strings.HasPrefix(line, "```"):
			text := block.String()
			block = nil
			switch {
			case isProgram && strings.HasPrefix(text, "package main"):
				if wantsOutput {
					t.Fatalf("%s:%d: the program before has no output", file, i+1)
				}
				found = append(found, program{line: i + 1, source: text})
				wantsOutput = true
			case wantsOutput && !isProgram:
				found[len(found)-1].want = text
				wantsOutput = false
			}
		case block != nil:
			block.WriteString(line)
		}
	}
	if wantsOutput {
		t.Fatalf("%s: the last program has no output", file)
	}
	return found
}

// TestDocs builds the programs of the documentation, and runs them on every server:
// they print what the document says.
func TestDocs(t *testing.T) {
	files, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, file := range files {
		for _, p := range programs(t, file) {
			total++
			name := filepath.Base(file)
			directory := t.TempDir()
			source, binary := filepath.Join(directory, "main.go"), filepath.Join(directory, "program")
			if err := os.WriteFile(source, []byte(p.source), 0o600); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			output, err := exec.CommandContext(ctx, "go", "build", "-o", binary, source).CombinedOutput()
			cancel()
			if err != nil {
				t.Errorf("%s:%d: %v\n%s", name, p.line, err, output)
				continue
			}
			servers.Each(t, func(t *testing.T, version servers.Version) {
				var f *fixture
				var env string
				if strings.Contains(p.source, "REDIS_CLUSTER") {
					c := theSharedCluster(t, version)
					f = newFixture(t, c.Nodes()[0].Server, false, testTimeout)
					(&clusterFixture{f, c}).clean()
					env = "REDIS_CLUSTER=" + strings.Join(c.Addrs(), ",")
				} else {
					f = newFixture(t, sharedServer(t, version), false, testTimeout)
					f.command("FLUSHALL")
					env = "REDIS_URL=" + f.server.URL()
				}
				if strings.Contains(p.source, "ShardSubscription") {
					f.since("7.0", "shard channels")
				}
				run := exec.CommandContext(f.ctx, binary)
				run.Env = append(os.Environ(), env)
				output, err := run.CombinedOutput()
				if err != nil || string(output) != p.want {
					t.Errorf("%s, the program that ends at line %d: %v; it printed\n%s\nwant\n%s", name, p.line, err, output, p.want)
				}
			})
		}
	}
	const atLeast = 3 // were there fewer, they would not be found any more
	if total < atLeast {
		t.Errorf("the documentation has %d programs only", total)
	}
}
