package servers

import (
	"context"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// parseLoaderList reads what the dynamic loader prints with --list, and returns the
// paths of the libraries in the order given. The kernel's own object has no path;
// the loader's line is left out, because the caller knows the loader.
func parseLoaderList(text string) ([]string, error) {
	var libraries []string
	for line := range strings.Lines(text) {
		name, target, ok := strings.Cut(strings.TrimSpace(line), " => ")
		if !ok || strings.HasPrefix(name, "/") {
			continue
		}
		if strings.HasPrefix(target, "not found") {
			return nil, fmt.Errorf("library %s not found", name)
		}
		if file, _, ok := strings.Cut(target, " (0x"); ok {
			libraries = append(libraries, file)
		}
	}
	return libraries, nil
}

// resolveIn follows the symbolic links of a path in a tree that is to become a root
// directory: an absolute link begins at the tree's root. It returns the path in the
// tree, absolute, without links.
func resolveIn(root, name string) (string, error) {
	done := "/"
	rest := strings.Split(path.Clean("/" + name)[1:], "/")
	for links := 0; len(rest) > 0; {
		next := path.Join(done, rest[0])
		rest = rest[1:]
		info, err := os.Lstat(filepath.Join(root, next))
		if err != nil {
			return "", err
		}
		if info.Mode()&os.ModeSymlink == 0 {
			done = next
			continue
		}
		if links++; links > 40 {
			return "", fmt.Errorf("%s: too many symbolic links", name)
		}
		target, err := os.Readlink(filepath.Join(root, next))
		if err != nil {
			return "", err
		}
		if !path.IsAbs(target) {
			target = path.Join(done, target)
		}
		rest = append(strings.Split(path.Clean(target)[1:], "/"), rest...)
		done = "/"
	}
	return done, nil
}

// interpreter returns the dynamic loader that an ELF program names.
func interpreter(file string) (string, error) {
	program, err := elf.Open(file)
	if err != nil {
		return "", err
	}
	defer program.Close()
	for _, header := range program.Progs {
		if header.Type != elf.PT_INTERP {
			continue
		}
		name := make([]byte, header.Filesz)
		if _, err := header.ReadAt(name, 0); err != nil {
			return "", fmt.Errorf("%s: reading the loader's name: %w", file, err)
		}
		return strings.TrimRight(string(name), "\x00"), nil
	}
	return "", fmt.Errorf("%s: names no dynamic loader", file)
}

// closure returns the files that a program of an unpacked tree needs to run, by the
// tree's own loader: the path in an image, and the file that has the contents.
func closure(ctx context.Context, root, program string) (map[string]string, error) {
	resolved, err := resolveIn(root, program)
	if err != nil {
		return nil, err
	}
	files := map[string]string{program: filepath.Join(root, resolved)}
	loader, err := interpreter(files[program])
	if err != nil {
		return nil, err
	}
	resolvedLoader, err := resolveIn(root, loader)
	if err != nil {
		return nil, fmt.Errorf("loader of %s: %w", program, err)
	}
	files[loader] = filepath.Join(root, resolvedLoader)

	directories := []string{filepath.Join(root, path.Dir(resolvedLoader)), filepath.Join(root, "usr/lib")}
	list := exec.CommandContext(ctx, files[loader], "--list",
		"--library-path", strings.Join(slices.Compact(directories), ":"), files[program])
	output, err := list.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("loader of %s: %w\n%s", program, err, output)
	}
	libraries, err := parseLoaderList(string(output))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", program, err)
	}
	for _, library := range libraries {
		inside, err := filepath.Rel(root, library)
		if err != nil || strings.HasPrefix(inside, "..") {
			return nil, fmt.Errorf("%s would use %s, which is not of its own suite", program, library)
		}
		if resolved, err = resolveIn(root, inside); err != nil {
			return nil, err
		}
		files["/"+inside] = filepath.Join(root, resolved)
	}
	return files, nil
}
