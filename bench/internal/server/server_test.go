package server

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/alicebob/miniredis/v2"
)

func TestChoose(t *testing.T) {
	for _, test := range []struct {
		found []string
		want  string
	}{
		{nil, ""},
		{[]string{"debian:13", "redis-tools:1"}, ""},
		{[]string{"redis:<none>"}, ""},
		{[]string{"valkey/valkey:9.1", "redis:8.0"}, "redis:8.0"},
		{[]string{"redis:8.0", "redchan-test/redis8:8.0.6"}, "redchan-test/redis8:8.0.6"},
	} {
		got, ok := choose(test.found)
		if got != test.want || ok != (test.want != "") {
			t.Errorf("of %q: %q, %v", test.found, got, ok)
		}
	}
}

func TestNothingToStart(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("TMPDIR", t.TempDir())
	t.Setenv(Variable, "")
	if _, err := Start(t.Context(), ""); !errors.Is(err, ErrNone) {
		t.Errorf("got %v", err)
	}
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "redchan-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}

func TestStartSaysWhyItFailed(t *testing.T) {
	if _, err := Start(t.Context(), "false"); err == nil {
		t.Error("a program that is no server was started")
	}
}

func TestUse(t *testing.T) {
	running := miniredis.RunT(t)
	used, err := Use(t.Context(), running.Addr())
	if err != nil {
		t.Fatal(err)
	}
	if used.Addr != running.Addr() || used.PID != 0 || used.Died() != nil {
		t.Errorf("used %+v", used)
	}
	if err := used.Close(); err != nil {
		t.Error(err)
	}
}
