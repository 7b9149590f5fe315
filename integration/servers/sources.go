package servers

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// aptSource is one package archive of the machine's apt configuration.
type aptSource struct {
	uri        string
	suite      string
	components []string
	signedBy   string // path of a keyring, or an armored key; empty: apt's own trusted keys
}

// debianSuites are the suites that only the Debian archive has. Other archives
// have a component called main too, but none of these suites.
var debianSuites = []string{
	"oldoldstable", "oldstable", "stable", "testing", "unstable",
	"bullseye", "bookworm", "trixie", "forky", "duke", "sid",
}

// servesDebian reports whether the source is the Debian archive itself, rather than
// its updates or security archive or somebody else's.
func (s aptSource) servesDebian() bool {
	return slices.Contains(debianSuites, s.suite) && slices.Contains(s.components, "main")
}

// debianSource returns the Debian archive that the machine's apt uses, from the
// configuration directory, normally /etc/apt.
func debianSource(directory string) (aptSource, error) {
	files := []string{filepath.Join(directory, "sources.list")}
	for _, pattern := range []string{"*.list", "*.sources"} {
		found, err := filepath.Glob(filepath.Join(directory, "sources.list.d", pattern))
		if err != nil {
			return aptSource{}, err
		}
		files = append(files, found...)
	}
	for _, name := range files {
		sources, err := readSources(name)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return aptSource{}, err
		}
		for _, source := range sources {
			if source.servesDebian() {
				return source, nil
			}
		}
	}
	return aptSource{}, fmt.Errorf("apt's configuration in %s names no Debian archive (a suite such as bookworm with component main)", directory)
}

// readSources reads one file of apt's configuration, in either format.
func readSources(name string) ([]aptSource, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if strings.HasSuffix(name, ".sources") {
		return parseStanzas(file)
	}
	return parseLines(file)
}

// parseLines reads the one-line format: deb [options] uri suite component...
func parseLines(r io.Reader) ([]aptSource, error) {
	var sources []aptSource
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		text, _, _ := strings.Cut(lines.Text(), "#")
		rest, ok := strings.CutPrefix(strings.TrimSpace(text), "deb")
		if !ok || rest == "" || !strings.ContainsAny(rest[:1], " \t[") {
			continue // empty, a comment, deb-src, or not of this format
		}
		var source aptSource
		if options, after, ok := cutOptions(rest); ok {
			rest = after
			for option := range strings.FieldsSeq(options) {
				if path, ok := strings.CutPrefix(strings.ToLower(option), "signed-by="); ok {
					source.signedBy = option[len(option)-len(path):]
				}
			}
		}
		fields := strings.Fields(rest)
		if len(fields) < 3 {
			continue // a flat archive, which has no components
		}
		source.uri, source.suite, source.components = fields[0], fields[1], fields[2:]
		sources = append(sources, source)
	}
	return sources, lines.Err()
}

// cutOptions takes the bracketed options from the rest of a one-line entry.
func cutOptions(rest string) (options, after string, ok bool) {
	inside, ok := strings.CutPrefix(strings.TrimSpace(rest), "[")
	if !ok {
		return "", rest, false
	}
	return strings.Cut(inside, "]")
}

// parseStanzas reads the deb822 format: stanzas of fields, parted by empty lines.
// A stanza stands for each of its URIs with each of its suites.
func parseStanzas(r io.Reader) ([]aptSource, error) {
	var sources []aptSource
	fields := map[string]string{}
	last := ""
	flush := func() {
		sources = append(sources, stanzaSources(fields)...)
		clear(fields)
		last = ""
	}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "#"):
		case strings.TrimSpace(line) == "":
			flush()
		case line[0] == ' ' || line[0] == '\t':
			if last != "" {
				fields[last] += "\n" + strings.TrimSpace(line)
			}
		default:
			name, value, ok := strings.Cut(line, ":")
			if !ok {
				return nil, fmt.Errorf("apt source has a line without a colon: %q", line)
			}
			last = strings.ToLower(strings.TrimSpace(name))
			fields[last] = strings.TrimSpace(value)
		}
	}
	flush()
	return sources, lines.Err()
}

// stanzaSources returns the sources of one deb822 stanza; none for a stanza that is
// empty, switched off or only of source packages.
func stanzaSources(fields map[string]string) []aptSource {
	if !slices.Contains(strings.Fields(fields["types"]), "deb") || strings.EqualFold(fields["enabled"], "no") {
		return nil
	}
	var sources []aptSource
	for uri := range strings.FieldsSeq(fields["uris"]) {
		for suite := range strings.FieldsSeq(fields["suites"]) {
			sources = append(sources, aptSource{
				uri:        uri,
				suite:      suite,
				components: strings.Fields(fields["components"]),
				signedBy:   signedBy(fields["signed-by"]),
			})
		}
	}
	return sources
}

// signedBy undoes deb822's escaping of an embedded key, whose empty lines are
// written as a dot. A path stays as it is.
func signedBy(value string) string {
	if !strings.Contains(value, "-----BEGIN") {
		return value
	}
	lines := strings.Split(strings.TrimSpace(value), "\n")
	for i, line := range lines {
		if line == "." {
			lines[i] = ""
		}
	}
	return strings.Join(lines, "\n") + "\n"
}
