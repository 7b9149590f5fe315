package servers

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestParseLoaderList(t *testing.T) {
	const text = `	linux-vdso.so.1 (0x00007febabbb1000)
	libatomic.so.1 => /tree/usr/lib/libatomic.so.1 (0x00007febabb9e000)
	libc.so.6 => /tree/usr/lib/libc.so.6 (0x00007febaa40a000)
	/lib64/ld-linux-x86-64.so.2 => tree/lib64/ld-linux-x86-64.so.2 (0x00007febabbb3000)
`
	got, err := parseLoaderList(text)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"/tree/usr/lib/libatomic.so.1", "/tree/usr/lib/libc.so.6"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if _, err := parseLoaderList("\tliblzf.so.1 => not found\n"); err == nil {
		t.Error("a missing library was accepted")
	}
}

func TestResolveIn(t *testing.T) {
	root := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.MkdirAll(filepath.Join(root, "usr/lib/deep"), 0o755))
	must(os.WriteFile(filepath.Join(root, "usr/lib/deep/ld-1.so"), nil, 0o644))
	must(os.Symlink("usr/lib", filepath.Join(root, "lib")))
	must(os.Symlink("/lib/deep/ld-1.so", filepath.Join(root, "usr/lib/ld.so")))
	must(os.Symlink("loop", filepath.Join(root, "loop")))

	got, err := resolveIn(root, "/lib/ld.so")
	must(err)
	if want := "/usr/lib/deep/ld-1.so"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if _, err := resolveIn(root, "/loop"); err == nil {
		t.Error("a loop of links was accepted")
	}
	if _, err := resolveIn(root, "/lib/none"); err == nil {
		t.Error("a missing file was accepted")
	}
}
