// Package integration tests the client against real servers: every version of
// the matrix and, where it can matter, both protocols by the same test body.
package integration

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redchan-go/redchan/integration/servers"
	"github.com/redchan-go/redchan/redis"
)

func TestMain(m *testing.M) { os.Exit(servers.Main(m, closeShared, closeSharedClusters)) }

// testTimeout bounds every test by its context, but for the cancellation storm.
const testTimeout = time.Minute

// fixture is what the body of a test is given: one server, the protocol to speak
// with it, and a context that bounds the test.
type fixture struct {
	*testing.T
	ctx    context.Context
	server *servers.Server
	resp2  bool
}

// options returns what connects to the fixture's server by its protocol.
func (f *fixture) options() redis.Options {
	return redis.Options{Addr: f.server.Addr, RESP2: f.resp2}
}

// open returns a client of the fixture's server.
func (f *fixture) open() *redis.Client { return f.openWith(f.options()) }

// openWith returns a client that is closed at the end of the test.
func (f *fixture) openWith(options redis.Options) *redis.Client {
	f.Helper()
	client, err := redis.OpenWith(f.ctx, options)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { client.Close() })
	return client
}

// command sends a command to the server beside the client under test.
func (f *fixture) command(words ...string) string {
	f.Helper()
	reply, err := f.server.Command(f.ctx, words...)
	if err != nil {
		f.Fatal(err)
	}
	return reply
}

// since ends a test of what came with a version of Redis that the server has not reached
// yet, and has it listed. Valkey has all that Redis 7.2 has.
func (f *fixture) since(version, what string) {
	f.Helper()
	if f.has(version) {
		return
	}
	servers.LeftOut(f.Name(), fmt.Sprintf("%s (since %s)", what, version))
	f.Skipf("left out on %s %s: %s came with %s", f.server.Role(), f.server.Version(), what, version)
}

// has reports whether the server has what came with a version of Redis up to 7.2.
func (f *fixture) has(version string) bool {
	if f.server.Role() == "valkey9" {
		return true
	}
	var want, got [2]int
	_, err := fmt.Sscanf(version, "%d.%d", &want[0], &want[1])
	if err == nil {
		_, err = fmt.Sscanf(f.server.Version(), "%d.%d", &got[0], &got[1])
	}
	if err != nil {
		f.Fatal(err)
	}
	return slices.Compare(got[:], want[:]) >= 0
}

// eventually asks again and again until holds returns true; it fails the test
// when that doesn't come within the test's context. It is for what a server tells
// only when it is asked.
func (f *fixture) eventually(what string, holds func() bool) {
	f.Helper()
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	for !holds() {
		select {
		case <-ticker.C:
		case <-f.ctx.Done():
			f.Fatalf("never came: %s", what)
		}
	}
}

// newFixture bounds a test and names its protocol.
func newFixture(t *testing.T, server *servers.Server, resp2 bool, limit time.Duration) *fixture {
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return &fixture{T: t, ctx: ctx, server: server, resp2: resp2}
}

var protocols = []struct {
	name  string
	resp2 bool
}{{"RESP3", false}, {"RESP2", true}}

// shared runs a test on every version's shared server in both protocols. The
// server has no keys and no clients; the test must leave the server's settings as
// they are, and must not run parallel to others.
func shared(t *testing.T, test func(f *fixture)) {
	servers.Each(t, func(t *testing.T, version servers.Version) {
		server := sharedServer(t, version)
		for _, protocol := range protocols {
			t.Run(protocol.name, func(t *testing.T) {
				f := newFixture(t, server, protocol.resp2, testTimeout)
				f.command("FLUSHALL")
				// The server notices later than the client that a connection is closed.
				f.eventually("a server without clients of former tests", func() bool {
					return strings.Contains(f.command("INFO", "clients"), "connected_clients:1\r")
				})
				test(f)
			})
		}
	})
}

// own runs a test on a server of its own for every version and protocol, all of
// them side by side: for tests that break servers, and so mostly wait.
func own(t *testing.T, config servers.Config, test func(f *fixture)) {
	servers.Each(t, func(t *testing.T, version servers.Version) {
		for _, protocol := range protocols {
			t.Run(protocol.name, func(t *testing.T) {
				t.Parallel()
				server := servers.StartT(t, version, config)
				test(newFixture(t, server, protocol.resp2, testTimeout))
			})
		}
	})
}

// sharedServers are the servers of shared, by role, started when first asked for.
var sharedServers struct {
	sync.Mutex
	byRole map[string]*servers.Server
}

func sharedServer(t *testing.T, version servers.Version) *servers.Server {
	t.Helper()
	s := &sharedServers
	s.Lock()
	defer s.Unlock()
	if server := s.byRole[version.Role]; server != nil {
		return server
	}
	server, err := servers.Start(t.Context(), version, servers.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if s.byRole == nil {
		s.byRole = map[string]*servers.Server{}
	}
	s.byRole[version.Role] = server
	return server
}

// closeShared closes the shared servers after the last test.
func closeShared() error {
	s := &sharedServers
	s.Lock()
	defer s.Unlock()
	var errs []error
	for _, server := range s.byRole {
		errs = append(errs, server.Close())
	}
	s.byRole = nil
	return errors.Join(errs...)
}

// another starts one more server like the fixture's, of the same version.
func (f *fixture) another(config servers.Config) *servers.Server {
	f.Helper()
	for _, version := range servers.Matrix() {
		if version.Role == f.server.Role() {
			return servers.StartT(f.T, version, config)
		}
	}
	f.Fatalf("no version is called %s", f.server.Role())
	return nil
}
