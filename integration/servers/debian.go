package servers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// aptConfiguration is where a Debian machine says which archives it uses.
const aptConfiguration = "/etc/apt"

// machineKeyring holds the archive keys that a Debian machine trusts.
const machineKeyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

// newerKeyring is what the package debian-archive-keyring installs.
const newerKeyring = "usr/share/keyrings/debian-archive-keyring.gpg"

// aptRoot is a private package root: apt's state in a directory of its own, with
// nothing installed, so that an install downloads a package with all that it needs
// and touches nothing of the machine. Signatures are always checked.
type aptRoot struct {
	directory string
	archive   aptSource // of the machine's configuration
	keyring   string    // path of the keyring that is trusted; empty: apt's own
}

// newAptRoot makes a package root in an empty directory.
func newAptRoot(directory string) (*aptRoot, error) {
	for _, program := range []string{"apt-get", "dpkg-deb", "tar"} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, fmt.Errorf("images can be built from Debian packages only where %s is: %w", program, err)
		}
	}
	archive, err := debianSource(aptConfiguration)
	if err != nil {
		return nil, err
	}
	root := &aptRoot{directory: directory, archive: archive}
	if strings.HasPrefix(archive.signedBy, "-----BEGIN") {
		root.keyring = filepath.Join(directory, "machine.asc")
		if err := os.WriteFile(root.keyring, []byte(archive.signedBy), 0o644); err != nil {
			return nil, err
		}
	} else if archive.signedBy != "" {
		root.keyring = archive.signedBy
	} else if _, err := os.Stat(machineKeyring); err == nil {
		root.keyring = machineKeyring
	}
	return root, nil
}

// unpack downloads the packages of a suite with all that they depend on, and unpacks
// them into a tree that looks like a root directory.
func (r *aptRoot) unpack(ctx context.Context, suite string, packages []string) (tree string, err error) {
	if err := r.update(ctx, suite); err != nil {
		return "", err
	}
	files, err := r.download(ctx, suite, packages)
	if err != nil {
		return "", err
	}
	tree = filepath.Join(r.directory, suite, "tree")
	return tree, extract(ctx, tree, files)
}

// update fetches the package lists of a suite. Where the machine is too old to know
// the suite's key, the key comes from the machine's own suite, which it trusts.
func (r *aptRoot) update(ctx context.Context, suite string) error {
	err := r.apt(ctx, suite, "update")
	if err == nil || !strings.Contains(err.Error(), "NO_PUBKEY") || suite == r.archive.suite {
		return err
	}
	if keyErr := r.fetchKeyring(ctx); keyErr != nil {
		return errors.Join(err, fmt.Errorf("fetching newer archive keys from %s: %w", r.archive.suite, keyErr))
	}
	return r.apt(ctx, suite, "update")
}

// fetchKeyring makes the root trust the keys of the debian-archive-keyring package of
// the machine's own suite.
func (r *aptRoot) fetchKeyring(ctx context.Context) error {
	suite := r.archive.suite
	if err := r.apt(ctx, suite, "update"); err != nil {
		return err
	}
	files, err := r.download(ctx, suite, []string{"debian-archive-keyring"})
	if err != nil {
		return err
	}
	tree := filepath.Join(r.directory, "keys")
	if err := extract(ctx, tree, files); err != nil {
		return err
	}
	resolved, err := resolveIn(tree, newerKeyring)
	if err != nil {
		return err
	}
	r.keyring = filepath.Join(tree, resolved)
	return nil
}

// download fetches packages and what they depend on, and returns their files.
func (r *aptRoot) download(ctx context.Context, suite string, packages []string) ([]string, error) {
	arguments := append([]string{"install", "--yes", "--download-only"}, packages...)
	if err := r.apt(ctx, suite, arguments...); err != nil {
		return nil, err
	}
	return filepath.Glob(filepath.Join(r.directory, suite, "cache/archives/*.deb"))
}

// apt runs apt-get on the private state of a suite.
func (r *aptRoot) apt(ctx context.Context, suite string, arguments ...string) error {
	state := filepath.Join(r.directory, suite)
	for _, directory := range []string{"state/lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(state, directory), 0o755); err != nil {
			return err
		}
	}
	options := ""
	if r.keyring != "" {
		options = "[signed-by=" + r.keyring + "] "
	}
	entry := fmt.Sprintf("deb %s%s %s main\n", options, r.archive.uri, suite)
	list := filepath.Join(state, "sources.list")
	if err := os.WriteFile(list, []byte(entry), 0o644); err != nil {
		return err
	}
	status := filepath.Join(state, "status")
	if err := os.WriteFile(status, nil, 0o644); err != nil {
		return err
	}
	settings := []string{
		"Dir::Etc::SourceList=" + list,
		"Dir::Etc::SourceParts=-",
		"Dir::State=" + filepath.Join(state, "state"),
		"Dir::State::status=" + status,
		"Dir::Cache=" + filepath.Join(state, "cache"),
		"APT::Install-Recommends=false",
		"Acquire::Languages=none",
		"APT::Update::Error-Mode=any", // else a failed fetch is only a warning
		"Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false",
		"Debug::NoLocking=true",
	}
	command := make([]string, 0, 2*len(settings)+len(arguments))
	for _, setting := range settings {
		command = append(command, "-o", setting)
	}
	get := exec.CommandContext(ctx, "apt-get", append(command, arguments...)...)
	get.Env = append(os.Environ(), "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive")
	output, err := get.CombinedOutput()
	if err != nil {
		return fmt.Errorf("apt-get %s for suite %s: %w\n%s", arguments[0], suite, err, output)
	}
	return nil
}

// extract unpacks packages over the skeleton of a merged /usr, so that a package
// that still ships files in /lib lands where the others look.
func extract(ctx context.Context, tree string, files []string) error {
	for _, name := range []string{"bin", "sbin", "lib", "lib64"} {
		if err := os.MkdirAll(filepath.Join(tree, "usr", name), 0o755); err != nil {
			return err
		}
		if err := os.Symlink("usr/"+name, filepath.Join(tree, name)); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	for _, file := range files {
		if err := extractOne(ctx, tree, file); err != nil {
			return fmt.Errorf("unpacking %s: %w", filepath.Base(file), err)
		}
	}
	return nil
}

// extractOne unpacks one package. It is dpkg-deb -x, which would replace the
// skeleton's links by directories.
func extractOne(ctx context.Context, tree, file string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var contentsErrors, unpackErrors bytes.Buffer
	contents := exec.CommandContext(ctx, "dpkg-deb", "--fsys-tarfile", file)
	contents.Stderr = &contentsErrors
	unpack := exec.CommandContext(ctx, "tar", "--extract", "--no-same-owner", "--keep-directory-symlink", "--directory", tree)
	unpack.Stderr = &unpackErrors
	var err error
	if unpack.Stdin, err = contents.StdoutPipe(); err != nil {
		return err
	}
	if err := contents.Start(); err != nil {
		return err
	}
	if err := unpack.Run(); err != nil {
		cancel() // else dpkg-deb may wait for somebody to read
		return errors.Join(fmt.Errorf("tar: %w\n%s", err, unpackErrors.Bytes()), contents.Wait())
	}
	if err := contents.Wait(); err != nil {
		return fmt.Errorf("dpkg-deb: %w\n%s", err, contentsErrors.Bytes())
	}
	return nil
}
