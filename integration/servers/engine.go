package servers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	testlog "github.com/testcontainers/testcontainers-go/log"
)

// Containers carry these labels, by which left-over ones are found and removed.
const (
	labelOwner     = "com.github.redchan-go.test"
	labelProcess   = "com.github.redchan-go.test.process"
	labelDirectory = "com.github.redchan-go.test.directory"
)

// directoryPrefix begins the name of every temporary directory.
const directoryPrefix = "redchan-test-"

// loopback is where servers listen and what they announce.
const loopback = "127.0.0.1"

// ErrUnavailable says that a server of this role can't be had on this machine; the
// error around it says what to install.
var ErrUnavailable = errors.New("server not available")

// engine is what runs servers: a Docker engine, or the machine itself.
type engine struct {
	docker   *testcontainers.DockerProvider // nil: child processes
	noDocker error                          // why docker is nil
	progress *progress

	building chan struct{} // capacity 2: that many images are made at once
	middles  sync.Mutex    // held while the image of a proxy is looked for and made
	leftOut  sync.Once     // tells which versions are not tested

	mu       sync.Mutex
	images   map[string]*image    // by role
	running  map[*Server]struct{} // started and not yet closed
	registry *registry
}

// current is the engine of this process, made by Setup.
var current struct {
	sync.Mutex
	engine *engine
}

// Setup chooses what runs servers in this process and removes the containers that
// earlier, ended processes left behind. What takes long is told to out, a line for
// each step. Start calls it with standard error where the program has not; the
// program ends with Close.
func Setup(ctx context.Context, out io.Writer) error {
	_, err := setup(ctx, out)
	return err
}

func setup(ctx context.Context, out io.Writer) (*engine, error) {
	current.Lock()
	defer current.Unlock()
	if current.engine != nil {
		return current.engine, nil
	}
	e := &engine{
		progress: &progress{out: out},
		building: make(chan struct{}, 2),
		images:   map[string]*image{},
		running:  map[*Server]struct{}{},
		registry: &registry{},
	}
	e.docker, e.noDocker = dialDocker(ctx)
	if e.docker != nil {
		if err := e.checkDaemonHost(ctx); err != nil {
			return nil, errors.Join(err, e.docker.Close())
		}
		if err := e.removeLeftovers(ctx); err != nil {
			return nil, errors.Join(err, e.docker.Close())
		}
	}
	current.engine = e
	return e, nil
}

// Close closes the servers that still run and what Setup opened.
func Close() error {
	current.Lock()
	e := current.engine
	current.engine = nil
	current.Unlock()
	if e == nil {
		return nil
	}
	e.mu.Lock()
	left := make([]*Server, 0, len(e.running))
	for server := range e.running {
		left = append(left, server)
	}
	e.mu.Unlock()
	var errs []error
	for _, server := range left {
		errs = append(errs, server.Close())
	}
	if e.docker != nil {
		errs = append(errs, e.docker.Close())
	}
	return errors.Join(errs...)
}

// dialDocker returns the provider of the local Docker engine, or why there is none.
func dialDocker(ctx context.Context) (*testcontainers.DockerProvider, error) {
	// Read by testcontainers once, when it is first used. Its reaper needs an image
	// from a registry; removeLeftovers does its work. Where it takes the machine for
	// a container it would dial the default gateway rather than this host.
	for name, value := range map[string]string{
		"TESTCONTAINERS_RYUK_DISABLED": "true",
		"TESTCONTAINERS_HOST_OVERRIDE": loopback,
	} {
		if err := os.Setenv(name, value); err != nil {
			return nil, err
		}
	}
	testlog.SetDefault(silent{})
	provider, err := newProvider()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if _, err := provider.Client().Ping(ctx, client.PingOptions{}); err != nil {
		return nil, errors.Join(err, provider.Close())
	}
	return provider, nil
}

// newProvider returns a client of the Docker engine. Every container has one of its own:
// testcontainers closes a container's client after most of what it does, and what another
// one has begun at this moment would fail.
func newProvider() (*testcontainers.DockerProvider, error) {
	return testcontainers.NewDockerProvider(
		testcontainers.WithLogger(silent{}),
		testcontainers.WithDefaultBridgeNetwork(testcontainers.Bridge), // else it makes a network
	)
}

// silent drops testcontainers' own account of every container.
type silent struct{}

func (silent) Printf(string, ...any) {}

// checkDaemonHost fails unless containers can be reached at the loopback address.
func (e *engine) checkDaemonHost(ctx context.Context) error {
	if address := e.docker.Client().DaemonHost(); strings.HasPrefix(address, "tcp") || strings.HasPrefix(address, "ssh") {
		return fmt.Errorf("the Docker engine is at %s: servers use the host's network, so the tests need the engine of this machine; unset DOCKER_HOST", address)
	}
	host, err := e.docker.DaemonHost(ctx)
	if err != nil {
		return fmt.Errorf("asking for the host of the Docker engine: %w", err)
	}
	if host != loopback {
		return fmt.Errorf("testcontainers would dial containers at %s rather than %s: was it used before servers.Setup?", host, loopback)
	}
	return nil
}

// removeLeftovers removes the containers of processes that ended without Close.
func (e *engine) removeLeftovers(ctx context.Context) error {
	list, err := e.docker.Client().ContainerList(ctx, client.ContainerListOptions{
		All:     true,
		Filters: make(client.Filters).Add("label", labelOwner),
	})
	if err != nil {
		return fmt.Errorf("listing left-over containers: %w", err)
	}
	for _, found := range list.Items {
		if ownerRuns(found) {
			continue
		}
		e.progress.printf("removing a container that an earlier run left: %s", found.ID[:12])
		_, err := e.docker.Client().ContainerRemove(ctx, found.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
		if err != nil && !strings.Contains(err.Error(), "already in progress") {
			return fmt.Errorf("removing a left-over container: %w", err)
		}
		// A label is not proof that the directory is ours; its name and place are.
		directory := filepath.Clean(found.Labels[labelDirectory])
		if matched, _ := filepath.Match(filepath.Join(os.TempDir(), directoryPrefix+"*"), directory); matched {
			if err := os.RemoveAll(directory); err != nil {
				return fmt.Errorf("removing a left-over directory: %w", err)
			}
		}
	}
	return nil
}

// ownerRuns reports whether the process that started a container still runs: test
// binaries of several packages run side by side.
func ownerRuns(found container.Summary) bool {
	process, err := strconv.Atoi(found.Labels[labelProcess])
	if err != nil {
		return false
	}
	err = syscall.Kill(process, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}
