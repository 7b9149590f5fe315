package server

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
)

// images are the Docker images that are looked for, best first: those of this
// repository's tests, and the official ones.
var images = []string{"redchan-test/redis8", "redis", "redchan-test/valkey9", "valkey/valkey", "redchan-test/redis7"}

// Labels by which the tests of this repository find containers of processes that have
// ended, and remove them: they keep off this one's while this process runs, and clean
// up behind it if it is killed.
const (
	labelOwner     = "com.github.redchan-go.test"
	labelProcess   = "com.github.redchan-go.test.process"
	labelDirectory = "com.github.redchan-go.test.directory"
)

// findImage returns an image that is there already.
func findImage(ctx context.Context) (string, error) {
	if runtime.GOOS != "linux" {
		return "", ErrNone // elsewhere containers run in a virtual machine
	}
	output, err := exec.CommandContext(ctx, "docker", "images", "--format", "{{.Repository}}:{{.Tag}}").Output()
	if err != nil {
		return "", fmt.Errorf("%w (docker images: %w)", ErrNone, err)
	}
	image, ok := choose(strings.Fields(string(output)))
	if !ok {
		return "", ErrNone
	}
	return image, nil
}

// choose returns the image that comes first in images.
func choose(found []string) (string, bool) {
	for _, wanted := range images {
		for _, image := range found {
			if repository, tag, _ := strings.Cut(image, ":"); repository == wanted && tag != "<none>" {
				return image, true
			}
		}
	}
	return "", false
}

// containerCommand returns the command line that runs a server in a container, on the
// network of this machine, so that no proxy is measured, and as this user, so that
// the server's CPU can be chosen.
func containerCommand(image, name, directory string) []string {
	binary := "redis-server"
	if strings.Contains(image, "valkey") {
		binary = "valkey-server"
	}
	return []string{
		"docker", "run", "--rm", "--name=" + name, "--network=host", "--user=" + strconv.Itoa(os.Getuid()),
		"--label=" + labelOwner + "=server", "--label=" + labelProcess + "=" + strconv.Itoa(os.Getpid()),
		"--label=" + labelDirectory + "=" + directory,
		"--volume=" + directory + ":" + directory, "--entrypoint=" + binary, image,
	}
}

// containerProcess returns the process, on this machine, of a container.
func containerProcess(ctx context.Context, name string) (int, error) {
	output, err := exec.CommandContext(ctx, "docker", "inspect", "--format", "{{.State.Pid}}", name).Output()
	if err != nil {
		return 0, fmt.Errorf("docker inspect %s: %w", name, err)
	}
	return strconv.Atoi(strings.TrimSpace(string(output)))
}
