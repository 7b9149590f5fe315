// Mutate finds what the tests do not notice. It makes one small mistake after the other in the
// packages given, such as a condition turned around or a statement left out, runs the tests for each,
// and lists the mistakes that no test has noticed.
//
//	go -C tools run ./mutate -n 100 -seed 1 -tests "./internal/hub ./pubsub" ./internal/hub
//
// It chooses -n mistakes by -seed; 0 stands for all. Files on disk stay as they are: the compiler is
// given an overlay. A mistake that makes no difference is listed in tools/mutate/equivalent.txt with
// the reason, and does not count.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	var o options
	flag.IntVar(&o.n, "n", 100, "how many mistakes to make; 0 for all")
	flag.Uint64Var(&o.seed, "seed", 1, "which ones")
	flag.StringVar(&o.tests, "tests", "", "the `packages` whose tests are run; those of the mistakes where it is empty")
	flag.DurationVar(&o.timeout, "timeout", 2*time.Minute, "how long the tests may take; a test that hangs has noticed")
	flag.StringVar(&o.root, "root", "..", "the folder of the module")
	flag.Float64Var(&o.atLeast, "at-least", 0, "fail where fewer than so many percent were noticed")
	flag.Parse()
	if err := run(&o, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

type options struct {
	n       int
	seed    uint64
	tests   string
	timeout time.Duration
	root    string
	atLeast float64
}

func run(o *options, packages []string) error {
	if len(packages) == 0 {
		return errors.New("give the packages to make mistakes in, such as ./internal/hub")
	}
	root, err := filepath.Abs(o.root)
	if err != nil {
		return err
	}
	o.root = root
	tests := strings.Fields(o.tests)
	if len(tests) == 0 {
		tests = packages
	}
	equivalent, err := readEquivalent(filepath.Join(root, "tools", "mutate", "equivalent.txt"))
	if err != nil {
		return err
	}
	var all []mutant
	for _, name := range packages {
		found, err := mutantsOf(root, name)
		if err != nil {
			return err
		}
		all = append(all, found...)
	}
	fmt.Printf("%d possible mistakes in %s\n", len(all), strings.Join(packages, " "))
	rand.New(rand.NewPCG(o.seed, 0)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })

	dir, err := os.MkdirTemp("", "mutate-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if outcome, output := test(o, dir, nil, tests); outcome != survived {
		return fmt.Errorf("the tests fail without a mistake:\n%s", output)
	}
	var count struct{ killed, survived, invalid, equivalent int }
	var left []mutant
	for i := range all {
		if made := count.killed + count.survived; o.n > 0 && made >= o.n {
			break
		}
		m := &all[i]
		if _, ok := equivalent[m.key()]; ok {
			count.equivalent++
			continue
		}
		start := time.Now()
		outcome, _ := test(o, dir, m, tests)
		switch outcome {
		case killed:
			count.killed++
		case survived:
			count.survived++
			left = append(left, *m)
		case invalid:
			count.invalid++
		}
		fmt.Printf("%-9s %5.1fs %s\n", outcome, time.Since(start).Seconds(), m)
	}
	total := count.killed + count.survived
	if total == 0 {
		return errors.New("no mistake could be made")
	}
	score := 100 * float64(count.killed) / float64(total)
	fmt.Printf("\n%d of %d mistakes were noticed: %.1f %% (%d did not compile, %d make no difference)\n",
		count.killed, total, score, count.invalid, count.equivalent)
	for i := range left {
		fmt.Printf("not noticed: %s\n             %s\n", &left[i], left[i].key())
	}
	if score < o.atLeast {
		return fmt.Errorf("%.1f %% are fewer than %.0f %%", score, o.atLeast)
	}
	return nil
}

// outcome is what came of a mistake.
type outcome string

const (
	killed   outcome = "noticed"
	survived outcome = "SURVIVED"
	invalid  outcome = "invalid" // it does not compile
)

// test runs the tests with a mistake; nil stands for none.
func test(o *options, dir string, m *mutant, tests []string) (outcome, string) {
	args := []string{"test", "-vet=off", "-short", "-failfast", "-timeout=" + o.timeout.String()}
	if m != nil {
		overlay, err := m.overlay(dir)
		if err != nil {
			return invalid, err.Error()
		}
		args = append(args, "-count=1", "-overlay="+overlay)
		build := exec.Command("go", append([]string{"build", "-overlay=" + overlay}, tests...)...)
		build.Dir = o.root
		if output, err := build.CombinedOutput(); err != nil {
			return invalid, string(output)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*o.timeout)
	defer cancel()
	command := exec.CommandContext(ctx, "go", append(args, tests...)...)
	command.Dir = o.root
	output, err := command.CombinedOutput()
	if err != nil {
		return killed, string(output)
	}
	return survived, string(output)
}

// readEquivalent reads the mistakes that make no difference: a key and, behind " # ", the reason.
func readEquivalent(name string) (map[string]string, error) {
	data, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	known := map[string]string{}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, reason, ok := strings.Cut(line, " # ")
		if !ok || reason == "" {
			return nil, fmt.Errorf("%s: a line without a reason: %s", name, line)
		}
		known[strings.TrimSpace(key)] = reason
	}
	return known, nil
}
