package servers

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestParseLines(t *testing.T) {
	const text = `
# a comment
deb http://archive.example/debian bookworm main contrib # trailing
deb-src http://archive.example/debian bookworm main
deb [arch=amd64 Signed-By=/keys/A.gpg] http://other.example/repo nodistro main
deb	http://tab.example/debian	trixie	main
debian is not a type
deb http://flat.example/repo ./
`
	got, err := parseLines(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	want := []aptSource{
		{uri: "http://archive.example/debian", suite: "bookworm", components: []string{"main", "contrib"}},
		{uri: "http://other.example/repo", suite: "nodistro", components: []string{"main"}, signedBy: "/keys/A.gpg"},
		{uri: "http://tab.example/debian", suite: "trixie", components: []string{"main"}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestParseStanzas(t *testing.T) {
	const text = `Types: deb deb-src
# a comment inside
URIs: http://archive.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /keys/debian.gpg

Types: deb-src
URIs: http://source.example/debian
Suites: bookworm
Components: main

Types: deb
Enabled: no
URIs: http://off.example/debian
Suites: bookworm
Components: main


types: deb
uris: http://inline.example/debian
suites: sid
components: main
signed-by:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
 -----END PGP PUBLIC KEY BLOCK-----
`
	got, err := parseStanzas(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	want := []aptSource{
		{uri: "http://archive.example/debian", suite: "bookworm", components: []string{"main"}, signedBy: "/keys/debian.gpg"},
		{uri: "http://archive.example/debian", suite: "bookworm-updates", components: []string{"main"}, signedBy: "/keys/debian.gpg"},
		{
			uri: "http://inline.example/debian", suite: "sid", components: []string{"main"},
			signedBy: "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nabc\n-----END PGP PUBLIC KEY BLOCK-----\n",
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if _, err := parseStanzas(strings.NewReader("nonsense\n")); err == nil {
		t.Error("a line without a colon was accepted")
	}
}

func TestDebianSource(t *testing.T) {
	directory := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(directory, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := debianSource(directory); err == nil {
		t.Error("an empty configuration gave a source")
	}
	write("sources.list", "deb http://security.example/debian-security bookworm-security main\n")
	write("sources.list.d/a.list", "deb http://vendor.example/apt vendor-bookworm main\n")
	write("sources.list.d/b.list.disabled", "deb http://disabled.example/debian bookworm main\n")
	write("sources.list.d/c.sources", "Types: deb\nURIs: http://archive.example/debian\nSuites: bookworm\nComponents: main\n")
	source, err := debianSource(directory)
	if err != nil {
		t.Fatal(err)
	}
	if want := "http://archive.example/debian"; source.uri != want {
		t.Errorf("uri = %q, want %q", source.uri, want)
	}
}
