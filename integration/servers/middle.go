package servers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/moby/moby/client"
)

// Middle is a proxy that stands between clients and a server, a package of Debian.
type Middle struct {
	Program string // and the name of its package
	// Config returns its configuration, for where it listens and what it stands before.
	Config func(listen, target string) string
	// Arguments returns its arguments, given the path of its configuration and a port that
	// is free.
	Arguments func(config string, port int) []string
}

// middleSuite is the Debian suite that proxies come from.
const middleSuite = "bookworm"

// Nutcracker is twemproxy, which speaks RESP2, knows a part of the commands, and ends the
// connection on all others.
func Nutcracker() Middle {
	return Middle{
		Program: "nutcracker",
		Config: func(listen, target string) string {
			return fmt.Sprintf("pool:\n  listen: %s\n  hash: fnv1a_64\n  distribution: ketama\n  redis: true\n"+
				"  timeout: 2000\n  servers:\n   - %s:1\n", listen, target)
		},
		Arguments: func(config string, port int) []string {
			return []string{"-c", config, "-o", "/dev/stderr", "-a", loopback, "-s", strconv.Itoa(port)}
		},
	}
}

// HAProxy is haproxy, which passes bytes on, and ends connections that are idle for 2 s.
func HAProxy() Middle {
	return Middle{
		Program: "haproxy",
		Config: func(listen, target string) string {
			return fmt.Sprintf("defaults\n  mode tcp\n  timeout connect 2s\n  timeout client 2s\n  timeout server 2s\n"+
				"listen redis\n  bind %s\n  server one %s\n", listen, target)
		},
		Arguments: func(config string, _ int) []string { return []string{"-db", "-f", config} },
	}
}

// StartMiddleT starts a proxy in front of a server, and returns where it listens. It ends
// with the test.
func StartMiddleT(t testing.TB, middle Middle, target string) (addr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	e, err := setup(ctx, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	addr = net.JoinHostPort(loopback, strconv.Itoa(port))
	directory, err := os.MkdirTemp("", directoryPrefix+middle.Program+"-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(directory); err != nil {
			t.Error(err)
		}
	})
	runner, err := e.newMiddle(ctx, middle, directory, addr, target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		if t.Failed() {
			log, err := runner.logs(ctx)
			t.Logf("log of %s:\n%s%v", middle.Program, log, err)
		}
		if err := runner.remove(ctx); err != nil {
			t.Error(err)
		}
	})
	if err := runner.start(ctx); err != nil {
		t.Fatal(err)
	}
	for {
		nc, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			nc.Close()
			return addr
		}
		if running, stateErr := runner.running(ctx); stateErr != nil || !running {
			t.Fatalf("%s has ended: %v", middle.Program, errors.Join(err, stateErr))
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// newMiddle returns what will run a proxy.
func (e *engine) newMiddle(ctx context.Context, middle Middle, directory, addr, target string) (runner, error) {
	const name = "proxy.conf"
	spare, err := freePort()
	if err != nil {
		return nil, err
	}
	// The proxy of a container may be another user.
	if err := os.Chmod(directory, 0o777); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(directory, name), []byte(middle.Config(addr, target)), 0o644); err != nil {
		return nil, err
	}
	if e.docker == nil {
		program, err := exec.LookPath(middle.Program)
		if err != nil {
			return nil, fmt.Errorf("%w: no Docker engine answers (%w), and: %w", ErrUnavailable, e.noDocker, err)
		}
		return &processRunner{program: program, arguments: middle.Arguments(filepath.Join(directory, name), spare)}, nil
	}
	image, err := e.middleImage(ctx, middle)
	if err != nil {
		return nil, err
	}
	arguments := middle.Arguments(filepath.Join(insideDirectory, name), spare)
	return newContainer(ctx, image, directory, append([]string{"/usr/sbin/" + middle.Program}, arguments...))
}

// middleImage returns the image of a proxy, which is built from its Debian package where
// there is none yet.
func (e *engine) middleImage(ctx context.Context, middle Middle) (reference string, err error) {
	e.middles.Lock()
	defer e.middles.Unlock()
	reference = imageRepository + middle.Program + ":" + middleSuite
	list, err := e.docker.Client().ImageList(ctx, client.ImageListOptions{
		Filters: make(client.Filters).Add("reference", reference),
	})
	if err != nil || len(list.Items) > 0 {
		return reference, err
	}
	end := e.progress.step(middle.Program, "building an image from Debian packages of "+middleSuite)
	defer func() { end(err) }()
	directory, err := os.MkdirTemp("", directoryPrefix+middle.Program+"-packages-")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(directory)) }()
	if err := os.Chmod(directory, 0o755); err != nil { // apt fetches as a user of its own
		return "", err
	}
	packages, err := newAptRoot(directory)
	if err != nil {
		return "", err
	}
	tree, err := packages.unpack(ctx, middleSuite, []string{middle.Program})
	if err != nil {
		return "", err
	}
	program := "/usr/sbin/" + middle.Program
	files, err := closure(ctx, tree, program)
	if err != nil {
		return "", err
	}
	archive, err := imageContext(files, program)
	if err != nil {
		return "", err
	}
	return reference, e.buildImage(ctx, reference, middle.Program, archive)
}
