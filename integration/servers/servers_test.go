package servers

import (
	"context"
	"crypto/tls"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

// each runs a test for every version, side by side.
func each(t *testing.T, test func(t *testing.T, version Version)) {
	Each(t, func(t *testing.T, version Version) {
		t.Parallel()
		test(t, version)
	})
}

// first returns one version that this machine has.
func first(t *testing.T) Version {
	versions, err := Available(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return versions[0]
}

func timeout(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestStart(t *testing.T) {
	each(t, func(t *testing.T, version Version) {
		server := StartT(t, version, Config{})
		if !strings.HasPrefix(server.Version(), version.Prefix) {
			t.Errorf("version %s, want %sx", server.Version(), version.Prefix)
		}
		if want := "redis://" + server.Addr; server.URL() != want {
			t.Errorf("URL %q, want %q", server.URL(), want)
		}
		log, err := server.Logs(t.Context())
		if err != nil || !strings.Contains(log, "Ready to accept connections") {
			t.Errorf("log = %q, %v", log, err)
		}
	})
}

func TestKillAndStartAgain(t *testing.T) {
	each(t, func(t *testing.T, version Version) {
		server := StartT(t, version, Config{Lines: []string{"maxmemory 77mb"}})
		for _, end := range []func(context.Context) error{server.Kill, server.Stop} {
			if err := end(timeout(t, 20*time.Second)); err != nil {
				t.Fatal(err)
			}
			if _, err := server.Command(t.Context(), "PING"); err == nil {
				t.Fatal("an ended server answered")
			}
			if err := server.Start(timeout(t, 20*time.Second)); err != nil {
				t.Fatal(err)
			}
			info, err := server.Command(t.Context(), "INFO", "memory")
			if err != nil || !strings.Contains(info, "maxmemory:80740352") {
				t.Fatalf("the configuration was lost: %v", err)
			}
		}
	})
}

func TestPause(t *testing.T) {
	each(t, func(t *testing.T, version Version) {
		server := StartT(t, version, Config{})
		if err := server.Pause(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, err := server.Command(timeout(t, 100*time.Millisecond), "PING")
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a paused server: %v, want a deadline", err)
		}
		if err := server.Unpause(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := server.Command(timeout(t, 20*time.Second), "PING"); err != nil {
			t.Error(err)
		}
	})
}

func TestKillWhilePaused(t *testing.T) {
	server := StartT(t, first(t), Config{})
	if err := errors.Join(server.Pause(t.Context()), server.Kill(timeout(t, 20*time.Second))); err != nil {
		t.Fatal(err)
	}
	if err := server.Start(timeout(t, 20*time.Second)); err != nil {
		t.Fatal(err)
	}
}

func TestTLS(t *testing.T) {
	each(t, func(t *testing.T, version Version) {
		server := StartT(t, version, Config{TLS: true, Password: "secret"})
		if want := "rediss://:secret@" + server.Addr; server.URL() != want {
			t.Errorf("URL %q, want %q", server.URL(), want)
		}
		for _, name := range []string{"127.0.0.1", "localhost"} {
			conn, err := tls.Dial("tcp", server.Addr, &tls.Config{RootCAs: server.CertPool(), ServerName: name})
			if err != nil {
				t.Fatalf("handshake with %s: %v", name, err)
			}
			if err := conn.Close(); err != nil {
				t.Error(err)
			}
		}
		if conn, err := tls.Dial("tcp", server.Addr, &tls.Config{ServerName: "localhost"}); err == nil {
			conn.Close()
			t.Error("the certificate verified without its authority")
		}
	})
}

func TestUnixSocket(t *testing.T) {
	each(t, func(t *testing.T, version Version) {
		server := StartT(t, version, Config{Unix: true})
		reply, err := call(t.Context(), "unix", server.Socket, nil, nil, []string{"PING"})
		if err != nil || reply.Text != "PONG" {
			t.Errorf("PING = %q, %v", reply, err)
		}
	})
}

func TestUsers(t *testing.T) {
	each(t, func(t *testing.T, version Version) {
		server := StartT(t, version, Config{Users: []string{"default off", "reader on >r ~* +get"}})
		if _, err := call(t.Context(), "tcp", server.Addr, nil, nil, []string{"PING"}); err == nil {
			t.Error("the default user is on")
		}
		_, err := call(t.Context(), "tcp", server.Addr, nil, []string{"reader", "r"}, []string{"SET", "k", "v"})
		if err == nil || !strings.Contains(err.Error(), "NOPERM") {
			t.Errorf("SET by reader: %v, want NOPERM", err)
		}
	})
}

func TestClusterAndSentinel(t *testing.T) {
	each(t, func(t *testing.T, version Version) {
		node := StartT(t, version, Config{Cluster: true})
		info, err := node.Command(t.Context(), "CLUSTER", "INFO")
		if err != nil || !strings.Contains(info, "cluster_state:") {
			t.Errorf("CLUSTER INFO = %q, %v", info, err)
		}
		sentinel := StartT(t, version, Config{Sentinel: true})
		info, err = sentinel.Command(t.Context(), "INFO", "sentinel")
		if err != nil || !strings.Contains(info, "sentinel_masters:0") {
			t.Errorf("INFO sentinel = %q, %v", info, err)
		}
	})
}

func TestStartMatrix(t *testing.T) {
	started, err := StartMatrix(timeout(t, startTimeout), Config{})
	if err != nil {
		t.Fatal(err)
	}
	versions, err := Available(t.Context())
	if err != nil || len(started) != len(versions) {
		t.Fatalf("%d servers of %d versions, %v", len(started), len(versions), err)
	}
	for i, server := range started {
		if want := versions[i].Role; server.Role() != want {
			t.Errorf("server %d is %s, want %s", i, server.Role(), want)
		}
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if err := server.Close(); err != nil {
			t.Errorf("second Close: %v", err)
		}
	}
}

func TestStartSaysWhyItFailed(t *testing.T) {
	server, err := Start(timeout(t, startTimeout), first(t), Config{Lines: []string{"no-such-setting 1"}})
	if err == nil {
		server.Close()
		t.Fatal("a server with a wrong configuration started")
	}
	if !strings.Contains(err.Error(), "no-such-setting") {
		t.Errorf("the error does not show the server's log: %v", err)
	}
}
