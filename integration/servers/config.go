package servers

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Config says how a server is to be started. Its zero value is a standalone server
// without a password.
type Config struct {
	// Lines are added to the configuration file, each as it would stand there:
	// "notify-keyspace-events KEA".
	Lines []string

	// Password is the default user's; empty for none.
	Password string

	// Users are ACL rules, each beginning with the user's name:
	// "reader on >secret ~* &* +@read". A rule for the default user is allowed.
	Users []string

	// ACLFile puts Users into a file of their own, which ACL LOAD reads and ACL SAVE
	// writes.
	ACLFile bool

	// TLS makes the server accept nothing but TLS at Addr, with a certificate for
	// 127.0.0.1 and localhost that Server.CertPool verifies.
	TLS bool

	// Unix adds a Unix socket, at Server.Socket.
	Unix bool

	// Cluster starts a cluster node that knows no slots and no other node yet. Its
	// bus listens 10,000 ports above.
	Cluster bool

	// Sentinel starts a Sentinel. Its Lines say what it monitors.
	Sentinel bool

	// certificate is one that several servers share, because they verify each other;
	// nil: the server gets one of its own.
	certificate *certificate
	// before62 is Version.Before62.
	before62 bool
}

// The harness' own user, present only where Users redefines the default user, so
// that Start can still ask the server for its version.
const (
	probeUser     = "harness"
	probePassword = "harness"
)

// Names inside a server's directory.
const (
	configFile = "server.conf"
	socketFile = "server.sock"
	certFile   = "server.crt"
	keyFile    = "server.key"
	caFile     = "ca.crt"
	aclFile    = "users.acl"
)

// definesDefaultUser reports whether Users has a rule for the default user, which
// may leave the harness without access.
func (c Config) definesDefaultUser() bool {
	for _, rule := range c.Users {
		if name, _, _ := strings.Cut(rule, " "); name == "default" {
			return true
		}
	}
	return false
}

// credentials returns the words after AUTH by which the harness gets in; none where
// the server wants no password.
func (c Config) credentials() []string {
	switch {
	case c.definesDefaultUser():
		return []string{probeUser, probePassword}
	case c.Password != "":
		return []string{c.Password}
	}
	return nil
}

// forVersion returns the configuration without what the version does not know.
func (c Config) forVersion(version Version) Config {
	if !version.Before62 {
		return c
	}
	c.before62 = true
	c.Users = slices.Clone(c.Users)
	for i, rule := range c.Users {
		c.Users[i] = withoutChannels(rule)
	}
	return c
}

// withoutChannels returns a user's rule without what it says about channels: before Redis
// 6.2 everybody may use all.
func withoutChannels(rule string) string {
	words := strings.Fields(rule)
	words = slices.DeleteFunc(words, func(word string) bool {
		return strings.HasPrefix(word, "&") || word == "allchannels" || word == "resetchannels"
	})
	return strings.Join(words, " ")
}

// write writes the configuration file and the certificate into a server's directory.
// The server sees that directory as inside.
func (c Config) write(directory, inside string, port int, certificate *certificate) error {
	if c.Cluster && c.Sentinel {
		return fmt.Errorf("a server is a cluster node or a Sentinel, not both")
	}
	lines := []string{
		"bind " + loopback,
		"protected-mode no",
		"dir " + inside,
		"daemonize no",
		`logfile ""`,
	}
	if c.TLS {
		lines = append(
			lines,
			"port 0",
			fmt.Sprintf("tls-port %d", port),
			"tls-cert-file "+path.Join(inside, certFile),
			"tls-key-file "+path.Join(inside, keyFile),
			"tls-ca-cert-file "+path.Join(inside, caFile),
			"tls-auth-clients no",
		)
		if err := certificate.write(directory); err != nil {
			return err
		}
	} else {
		lines = append(lines, fmt.Sprintf("port %d", port))
	}
	if c.Unix {
		lines = append(lines, "unixsocket "+path.Join(inside, socketFile), "unixsocketperm 777")
	}
	if c.Password != "" {
		lines = append(lines, "requirepass "+c.Password)
	}
	users := c.userLines()
	if c.ACLFile {
		lines = append(lines, "aclfile "+path.Join(inside, aclFile))
		// The server replaces the file, maybe as another user.
		if err := os.WriteFile(filepath.Join(directory, aclFile), []byte(strings.Join(users, "\n")), 0o666); err != nil {
			return err
		}
	} else {
		lines = append(lines, users...)
	}
	if c.Sentinel {
		lines = append(lines, "sentinel announce-ip "+loopback)
	} else {
		lines = append(lines, c.dataLines()...)
	}
	lines = append(lines, c.Lines...)
	text := strings.Join(lines, "\n") + "\n"
	// A Sentinel rewrites its file, maybe as another user.
	return os.WriteFile(filepath.Join(directory, configFile), []byte(text), 0o666)
}

// userLines are the users' rules, as they stand in the configuration or in an ACL file.
func (c Config) userLines() []string {
	var lines []string
	for _, rule := range c.Users {
		lines = append(lines, "user "+rule)
	}
	if c.definesDefaultUser() {
		rule := fmt.Sprintf("%s on >%s ~* &* +@all", probeUser, probePassword)
		if c.before62 {
			rule = withoutChannels(rule)
		}
		lines = append(lines, "user "+rule)
	}
	return lines
}

// dataLines are the settings that a Sentinel doesn't know.
func (c Config) dataLines() []string {
	lines := []string{
		`save ""`,
		"appendonly no",
		"replica-announce-ip " + loopback,
		"repl-diskless-sync-delay 0",
	}
	if !c.before62 {
		lines = append(lines, "enable-debug-command yes")
	}
	if c.Password != "" {
		lines = append(lines, "masterauth "+c.Password)
	}
	if c.Cluster {
		lines = append(lines, "cluster-enabled yes", "cluster-announce-ip "+loopback)
		if c.TLS {
			lines = append(lines, "tls-cluster yes")
		}
	}
	if c.TLS {
		lines = append(lines, "tls-replication yes")
	}
	return lines
}

// arguments returns the words of the server's command line after its name.
func (c Config) arguments(inside string) []string {
	arguments := []string{path.Join(inside, configFile)}
	if c.Sentinel {
		arguments = append(arguments, "--sentinel")
	}
	return arguments
}
