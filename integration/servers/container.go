package servers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
)

// runner is what a server runs in: a container, or a child process.
type runner interface {
	// start starts the server, for the first time or again.
	start(ctx context.Context) error
	// signal ends it, with "SIGTERM" or "SIGKILL", and returns when it has ended.
	signal(ctx context.Context, name string) error
	// pause stops it without ending it; the kernel still accepts connections.
	pause(ctx context.Context) error
	unpause(ctx context.Context) error
	// running reports whether it has not ended.
	running(ctx context.Context) (bool, error)
	// logs returns what it has printed in all its runs.
	logs(ctx context.Context) (string, error)
	// remove ends it and removes what is left of it.
	remove(ctx context.Context) error
}

// insideDirectory is where a container sees the server's directory.
const insideDirectory = "/run/redchan-test"

// containerRunner runs a server in a container.
type containerRunner struct {
	docker    *testcontainers.DockerProvider
	container testcontainers.Container
}

// newContainer creates, but does not start, a container of the image, which runs the
// command and sees the directory.
func newContainer(ctx context.Context, image, directory string, command []string) (*containerRunner, error) {
	docker, err := newProvider()
	if err != nil {
		return nil, err
	}
	created, err := docker.CreateContainer(ctx, testcontainers.ContainerRequest{
		Image:      image,
		Entrypoint: command,
		Labels: map[string]string{
			labelOwner:     "server",
			labelProcess:   strconv.Itoa(os.Getpid()),
			labelDirectory: directory,
		},
		HostConfigModifier: func(host *container.HostConfig) {
			host.NetworkMode = "host"
			host.Binds = []string{directory + ":" + insideDirectory}
		},
	})
	if err != nil {
		err = fmt.Errorf("creating a container of %s: %w", image, err)
		if created != nil {
			err = errors.Join(err, created.Terminate(context.WithoutCancel(ctx)))
		}
		return nil, errors.Join(err, docker.Close())
	}
	return &containerRunner{docker: docker, container: created}, nil
}

func (r *containerRunner) client() client.APIClient { return r.docker.Client() }

func (r *containerRunner) id() string { return r.container.GetContainerID() }

func (r *containerRunner) start(ctx context.Context) error {
	_, err := r.client().ContainerStart(ctx, r.id(), client.ContainerStartOptions{})
	return err
}

func (r *containerRunner) signal(ctx context.Context, name string) error {
	// Asked before the signal, so that the end can't be missed.
	waitCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	wait := r.client().ContainerWait(waitCtx, r.id(), client.ContainerWaitOptions{Condition: container.WaitConditionNextExit})
	_, err := r.client().ContainerKill(ctx, r.id(), client.ContainerKillOptions{Signal: name})
	if err != nil {
		cancel()
	}
	// One of the two answers, always: the client's goroutine ends with it.
	select {
	case <-wait.Result:
		return err
	case waitErr := <-wait.Error:
		if err != nil {
			return err
		}
		return fmt.Errorf("waiting for the container to end: %w", waitErr)
	}
}

func (r *containerRunner) pause(ctx context.Context) error {
	_, err := r.client().ContainerPause(ctx, r.id(), client.ContainerPauseOptions{})
	return err
}

func (r *containerRunner) unpause(ctx context.Context) error {
	_, err := r.client().ContainerUnpause(ctx, r.id(), client.ContainerUnpauseOptions{})
	return err
}

func (r *containerRunner) running(ctx context.Context) (bool, error) {
	state, err := r.container.State(ctx)
	if err != nil {
		return false, err
	}
	return state.Running, nil
}

func (r *containerRunner) logs(ctx context.Context) (string, error) {
	stream, err := r.client().ContainerLogs(ctx, r.id(), client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true})
	if err != nil {
		return "", err
	}
	defer stream.Close()
	var text bytes.Buffer
	_, err = stdcopy.StdCopy(&text, &text, stream)
	return text.String(), err
}

func (r *containerRunner) remove(ctx context.Context) error {
	_, err := r.client().ContainerRemove(ctx, r.id(), client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	return errors.Join(err, r.docker.Close())
}
