package servers

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// startTimeout bounds a start in a test, the making of an image included.
const startTimeout = 5 * time.Minute

// Main runs the tests of a package that uses servers. It prepares the process before
// the first test, and afterwards fails where a test left a server or a goroutine.
//
//	func TestMain(m *testing.M) { os.Exit(servers.Main(m)) }
//
// Before it looks for what is left it calls atEnd, in order, which close what the
// tests shared.
func Main(m *testing.M, atEnd ...func() error) int {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	e, err := setup(ctx, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "servers:", err)
		return 1
	}
	code := m.Run()
	printLeftOut(os.Stderr)
	for _, end := range atEnd {
		if err := end(); err != nil {
			fmt.Fprintln(os.Stderr, "servers:", err)
			code = max(code, 1)
		}
	}
	e.mu.Lock()
	left := len(e.running)
	e.mu.Unlock()
	if left > 0 {
		fmt.Fprintf(os.Stderr, "servers: the tests left %d servers running\n", left)
		code = max(code, 1)
	}
	if err := Close(); err != nil {
		fmt.Fprintln(os.Stderr, "servers:", err)
		code = max(code, 1)
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, "servers: the tests left goroutines running:", err)
			code = 1
		}
	}
	return code
}

// StartT is Start for a test: it fails the test, and closes the server when the test
// has ended. The log of the server is printed where the test failed.
func StartT(t testing.TB, version Version, config Config) *Server {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	server, err := Start(ctx, version, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			log, err := server.Logs(context.Background())
			t.Logf("log of %s at %s:\n%s%v", server.Role(), server.Addr, log, err)
		}
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// Each runs a test as a subtest for every version that this machine has; see
// Available. The test may call t.Parallel.
func Each(t *testing.T, test func(t *testing.T, version Version)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	versions, err := Available(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range versions {
		t.Run(version.Role, func(t *testing.T) { test(t, version) })
	}
}

// StartClusterT is StartCluster for a test: it fails the test, and closes the cluster
// when the test has ended. The nodes' logs are printed where the test failed.
func StartClusterT(t testing.TB, version Version, config ClusterConfig) *Cluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	cluster, err := StartCluster(ctx, version, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(cluster.logs(context.Background()))
		}
		if err := cluster.Close(); err != nil {
			t.Error(err)
		}
	})
	return cluster
}

// leftOut has what tests left out for a server's version, by their names.
var leftOut struct {
	sync.Mutex
	tests map[string][]string
}

// LeftOut notes that a test leaves out what its server's version does not have. [Main]
// lists all of it at the end.
func LeftOut(test, what string) {
	leftOut.Lock()
	defer leftOut.Unlock()
	if leftOut.tests == nil {
		leftOut.tests = map[string][]string{}
	}
	if !slices.Contains(leftOut.tests[test], what) {
		leftOut.tests[test] = append(leftOut.tests[test], what)
	}
}

// printLeftOut lists what was left out.
func printLeftOut(w io.Writer) {
	leftOut.Lock()
	defer leftOut.Unlock()
	for _, test := range slices.Sorted(maps.Keys(leftOut.tests)) {
		fmt.Fprintf(w, "servers: left out for the server's version: %s: %s\n", test, strings.Join(leftOut.tests[test], ", "))
	}
}
