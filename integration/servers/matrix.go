// Package servers starts the real Redis and Valkey servers that the integration
// tests and the command-table generator talk to.
//
// A server is obtained, in this order, from
//
//  1. a Docker engine: an image that is there already, else the official image
//     where a registry answers, else an image built from Debian packages;
//  2. a redis-server or valkey-server of the machine, run as a child process,
//     where no Docker engine answers;
//  3. nothing: then every start fails and says what to install.
//
// A test binary uses it so:
//
//	func TestMain(m *testing.M) { os.Exit(servers.Main(m)) }
//
//	func TestPing(t *testing.T) {
//		servers.Each(t, func(t *testing.T, version servers.Version) {
//			server := servers.StartT(t, version, servers.Config{})
//			...
//		})
//	}
//
// StartCluster starts and joins the nodes of a cluster, whose faults are methods of
// Cluster: failovers, slots that move, nodes that are forgotten or cut off.
//
// Servers listen on 127.0.0.1 with persistence off. Containers use the host's
// network, so what a server announces of itself (to a cluster, to a Sentinel) can
// be reached as it stands.
package servers

import (
	"fmt"
	"strings"
)

// Version is one kind of server that the tests run against. Tests name it by its
// role, so that a newer patch release changes no test.
type Version struct {
	Role    string // name in tests and image tags: "redis7"
	Product string // "Redis" or "Valkey"
	Prefix  string // what the version that the server reports begins with: "7."
	Image   string // official image: "redis:7.0"

	Suite    string   // Debian suite that has this version: "bookworm"
	Packages []string // Debian packages that bring the binaries

	Binary string // the server: "redis-server"
	CLI    string // the command-line client: "redis-cli"

	// Before62 says that the server has no rules for channels in its ACLs, and no
	// setting that allows DEBUG, which it always does.
	Before62 bool
}

// Matrix returns the versions that the tests run against, oldest first.
func Matrix() []Version {
	return []Version{
		{
			Role: "redis6", Product: "Redis", Prefix: "6.0.", Image: "redis:6.0",
			Suite: "bullseye", Packages: []string{"redis-server", "redis-tools"},
			Binary: "redis-server", CLI: "redis-cli", Before62: true,
		},
		{
			Role: "redis7", Product: "Redis", Prefix: "7.", Image: "redis:7.0",
			Suite: "bookworm", Packages: []string{"redis-server", "redis-tools"},
			Binary: "redis-server", CLI: "redis-cli",
		},
		{
			Role: "redis8", Product: "Redis", Prefix: "8.", Image: "redis:8.0",
			Suite: "forky", Packages: []string{"redis-server", "redis-tools"},
			Binary: "redis-server", CLI: "redis-cli",
		},
		{
			Role: "valkey9", Product: "Valkey", Prefix: "9.", Image: "valkey/valkey:9.1",
			Suite: "forky", Packages: []string{"valkey-server", "valkey-tools"},
			Binary: "valkey-server", CLI: "valkey-cli",
		},
	}
}

// Lookup returns the version of a role, as "valkey9".
func Lookup(role string) (Version, error) {
	var roles []string
	for _, version := range Matrix() {
		if version.Role == role {
			return version, nil
		}
		roles = append(roles, version.Role)
	}
	return Version{}, fmt.Errorf("no server role %q: the roles are %s", role, strings.Join(roles, ", "))
}

// String returns the product and the wanted major version: "Redis 7".
func (v Version) String() string {
	return v.Product + " " + strings.TrimSuffix(v.Prefix, ".")
}

// reported finds the server's own version in the text of INFO. Valkey reports the
// Redis version that it is compatible with as well, under the other name.
func (v Version) reported(info string) (string, error) {
	field := strings.ToLower(v.Product) + "_version:"
	for line := range strings.Lines(info) {
		if found, ok := strings.CutPrefix(line, field); ok {
			return strings.TrimSpace(found), nil
		}
	}
	return "", fmt.Errorf("INFO has no field %q: is this server a %s?", strings.TrimSuffix(field, ":"), v.Product)
}
