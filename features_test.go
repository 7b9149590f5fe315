package redchan_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every row of docs/features.md either is open or names tests that exist.
func TestFeatures(t *testing.T) {
	tests := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, match := range declared.FindAllSubmatch(source, -1) {
			tests[string(match[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}

	page, err := os.ReadFile("docs/features.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`((?:Test|Fuzz)\\w+)`")
	id := regexp.MustCompile(`^[A-G]\d+$`)
	rows := 0
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		row := strings.TrimSpace(cells[0])
		if !id.MatchString(row) {
			continue
		}
		rows++
		if len(cells) != 4 {
			t.Errorf("%s has %d cells", row, len(cells))
			continue
		}
		if strings.TrimSpace(cells[2]) == "open" {
			continue
		}
		found := named.FindAllStringSubmatch(cells[3], -1)
		if len(found) == 0 {
			t.Errorf("%s is not open, and names no test", row)
		}
		for _, match := range found {
			if !tests[match[1]] {
				t.Errorf("%s names %s, which does not exist", row, match[1])
			}
		}
	}
	if rows != 90 {
		t.Errorf("there are %d rows", rows)
	}
}
