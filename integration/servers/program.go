package servers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// versionPattern finds the version in what a server prints with --version:
// "Redis server v=7.0.15 sha=00000000:0 ...".
var versionPattern = regexp.MustCompile(`\bv=([0-9]+\.[0-9]+\.[0-9]+)`)

// programVersion asks the server of an unpacked tree for its version.
func programVersion(ctx context.Context, tree string, version Version) (number string, err error) {
	program := "/usr/bin/" + version.Binary
	files, err := closure(ctx, tree, program)
	if err != nil {
		return "", err
	}
	loader, err := interpreter(files[program])
	if err != nil {
		return "", err
	}
	// The name given matters: one program is the server and its checking tools. Loaders
	// before glibc 2.33 can't be given another name than the path.
	named, err := os.MkdirTemp("", directoryPrefix+version.Role+"-program-")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(named)) }()
	link := filepath.Join(named, version.Binary)
	if err := os.Symlink(files[program], link); err != nil {
		return "", err
	}
	return askVersion(exec.CommandContext(ctx, files[loader],
		"--library-path", filepath.Dir(files[loader]), link, "--version"), version)
}

// localProgram returns the path of the machine's own server of a version, for use
// without a Docker engine.
func (e *engine) localProgram(ctx context.Context, version Version) (string, error) {
	file, err := exec.LookPath(version.Binary)
	if err == nil {
		_, err = askVersion(exec.CommandContext(ctx, file, "--version"), version)
	}
	if err != nil {
		return "", fmt.Errorf("%w: %v: no Docker engine answers (%w) and there is no local server of this version (%w); "+
			"start a Docker engine, or install a %s %sx so that %s is on PATH",
			ErrUnavailable, version, e.noDocker, err, version.Product, version.Prefix, version.Binary)
	}
	return file, nil
}

// askVersion runs a server with --version and fails unless it is the wanted version.
func askVersion(command *exec.Cmd, version Version) (string, error) {
	output, err := command.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s --version: %w\n%s", version.Binary, err, output)
	}
	match := versionPattern.FindSubmatch(output)
	if match == nil {
		return "", fmt.Errorf("%s --version tells no version: %q", version.Binary, output)
	}
	number := string(match[1])
	if !strings.HasPrefix(number, version.Prefix) {
		return "", fmt.Errorf("%s is version %s, wanted %sx", version.Binary, number, version.Prefix)
	}
	return number, nil
}
