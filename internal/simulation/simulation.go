// Package simulation runs a model's random histories by seed, and proves that the model
// finds faults that are injected. It is for tests alone.
package simulation

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// Simulation is what a package's flags ask of its TestModel: -seeds, -seed and -fault.
type Simulation struct {
	histories, short int

	seeds *int
	seed  *uint64
	fault *string
}

// New adds the flags to those of the test binary. TestModel runs so many histories, and
// fewer with -short. It is called once, where a test file declares its variables.
func New(histories, short int) *Simulation {
	return &Simulation{
		histories: histories,
		short:     short,
		seeds:     flag.Int("seeds", 0, "random histories for TestModel; 0: as many as CI runs, or fewer with -short"),
		seed:      flag.Uint64("seed", 0, "the one history for TestModel to run"),
		fault:     flag.String("fault", "", "what goes wrong in TestModel"),
	}
}

// Fault reports whether this is what is to go wrong, as if the code under test did it.
func (s *Simulation) Fault(name string) bool { return *s.fault == name }

// Run runs the histories from seed 1 on, each as a subtest that has the seed as its
// name; or the one that was asked for.
func (s *Simulation) Run(t *testing.T, history func(t *testing.T, seed uint64)) {
	if *s.seed != 0 {
		history(t, *s.seed)
		return
	}
	histories := s.histories
	switch {
	case *s.seeds > 0:
		histories = *s.seeds
	case testing.Short():
		histories = s.short
	}
	for seed := range uint64(histories) {
		t.Run(strconv.FormatUint(seed+1, 10), func(t *testing.T) {
			t.Parallel()
			history(t, seed+1)
		})
	}
}

// FindsFaults proves that TestModel finds what it is there to find: for each fault it runs
// it in a process of its own, with so many histories, and there it must fail, name the
// seed, and say what belongs to the fault.
func (s *Simulation) FindsFaults(t *testing.T, histories int, faults map[string]string) {
	if *s.fault != "" {
		return
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, says := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			output, err := exec.CommandContext(t.Context(), program, "-test.run=^TestModel$", "-seeds="+strconv.Itoa(histories), "-fault="+name).CombinedOutput()
			var failed *exec.ExitError
			if !errors.As(err, &failed) {
				t.Fatalf("with the fault %q, TestModel gave %v", name, err)
			}
			if !strings.Contains(string(output), says) || !strings.Contains(string(output), "--- FAIL: TestModel/") {
				t.Errorf("with the fault %q, TestModel said\n%.2000s\nwant one that says %q", name, output, says)
			}
		})
	}
}
