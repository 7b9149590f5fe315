//go:build !race

// The race detector allocates on its own, so this file is left out with it; the task
// "integration-tests" runs it once without.

package integration

import (
	"testing"
)

// TestAllocations holds the client to what a call may allocate, over a real socket:
// GET the string that it returns, SET nothing.
func TestAllocations(t *testing.T) {
	const runs = 5000
	shared(t, func(f *fixture) {
		client := f.open()
		check := func(what string, most float64, call func() error) {
			f.Helper()
			var failed error
			// The average is cut off to a whole number, so that a buffer that
			// grows once does not count.
			allocs := testing.AllocsPerRun(runs, func() {
				if err := call(); err != nil {
					failed = err
				}
			})
			if failed != nil {
				f.Errorf("%s: %v", what, failed)
			}
			if allocs > most {
				f.Errorf("%s allocates %v times a call, want %v at most", what, allocs, most)
			}
		}
		check("SET", 0, func() error {
			err := client.Set(f.ctx, "key", "a value of some length, too long for any trick")
			return err
		})
		check("GET", 1, func() error {
			_, err := client.Get(f.ctx, "key")
			return err
		})
		check("INCR", 0, func() error {
			_, err := client.Incr(f.ctx, "counter")
			return err
		})
	})
}

// TestClusterAllocations is TestAllocations for a cluster: finding the node costs nothing.
func TestClusterAllocations(t *testing.T) {
	const runs = 5000
	sharedCluster(t, func(f *clusterFixture) {
		client := f.openCluster(nil)
		for name, call := range map[string]func() error{
			"SET": func() error {
				err := client.Set(f.ctx, "key", "a value of some length, too long for any trick")
				return err
			},
			"INCR": func() error {
				_, err := client.Incr(f.ctx, "counter")
				return err
			},
		} {
			var failed error
			allocs := testing.AllocsPerRun(runs, func() {
				if err := call(); err != nil {
					failed = err
				}
			})
			if failed != nil || allocs > 0 {
				f.Errorf("%s allocates %v times a call: %v", name, allocs, failed)
			}
		}
	})
}
