package servers

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
)

// programs returns the paths of what an image of the version holds: the server and
// its client, and the Sentinel where the tree has one.
func (v Version) programs(tree string) []string {
	programs := []string{"/usr/bin/" + v.Binary, "/usr/bin/" + v.CLI}
	sentinel := "/usr/bin/redis-sentinel"
	if v.Product == "Valkey" {
		sentinel = "/usr/bin/valkey-sentinel"
	}
	if _, err := resolveIn(tree, sentinel); err == nil {
		programs = append(programs, sentinel)
	}
	return programs
}

// buildContext returns the tar archive from which the engine builds an image that
// holds only the server's programs and the libraries they load.
func buildContext(ctx context.Context, version Version, tree string) (*bytes.Buffer, error) {
	files := map[string]string{}
	for _, program := range version.programs(tree) {
		needed, err := closure(ctx, tree, program)
		if err != nil {
			return nil, err
		}
		maps.Copy(files, needed)
	}
	return imageContext(files, "/usr/bin/"+version.Binary)
}

// imageContext returns the tar archive from which the engine builds an image of files, by
// their paths in it, that runs a program.
func imageContext(files map[string]string, program string) (*bytes.Buffer, error) {
	var buffer bytes.Buffer
	archive := tar.NewWriter(&buffer)
	dockerfile := fmt.Sprintf("FROM scratch\nCOPY root /\nWORKDIR /data\nCMD [%q]\n", program)
	header := &tar.Header{Name: "Dockerfile", Mode: 0o644, Size: int64(len(dockerfile))}
	if err := archive.WriteHeader(header); err != nil {
		return nil, err
	}
	if _, err := io.WriteString(archive, dockerfile); err != nil {
		return nil, err
	}
	for _, directory := range []string{"tmp", "data"} {
		header := &tar.Header{Name: path.Join("root", directory) + "/", Typeflag: tar.TypeDir, Mode: 0o1777}
		if err := archive.WriteHeader(header); err != nil {
			return nil, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := addFile(archive, path.Join("root", name), files[name]); err != nil {
			return nil, err
		}
	}
	return &buffer, archive.Close()
}

// addFile copies one regular file into the archive.
func addFile(archive *tar.Writer, name, file string) error {
	source, err := os.Open(filepath.Clean(file))
	if err != nil {
		return err
	}
	defer source.Close()
	info, err := source.Stat()
	if err != nil {
		return err
	}
	if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: info.Size()}); err != nil {
		return err
	}
	_, err = io.Copy(archive, source)
	return err
}
