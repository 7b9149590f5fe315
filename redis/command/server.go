package command

import (
	"strings"

	"github.com/redchan-go/redchan/proto"
)

// ServerInfo is what INFO tells: fields by section, both as the server names
// them, sections in small letters.
type ServerInfo map[string]map[string]string

// Get returns a field of whatever section.
func (i ServerInfo) Get(field string) string {
	for _, fields := range i {
		if v, ok := fields[field]; ok {
			return v
		}
	}
	return ""
}

// Info returns facts about the server: those of the sections named, such as
// "server" or "replication", or of the usual ones. O(1). Since 1.0.0; several
// sections since 7.0.0.
func Info(sections ...string) Cmd[ServerInfo] {
	r := newRequest(&specInfo)
	r.grow(len(sections))
	for _, s := range sections {
		r.word(s)
	}
	return Cmd[ServerInfo]{r, decodeInfo}
}

func decodeInfo(v proto.Value) (ServerInfo, error) {
	text, err := decodeText(v)
	if err != nil {
		return nil, want("INFO's sections")
	}
	info := ServerInfo{}
	section := map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if name, ok := strings.CutPrefix(line, "# "); ok {
			section = map[string]string{}
			info[strings.ToLower(name)] = section
		} else if field, value, ok := strings.Cut(line, ":"); ok {
			section[field] = value
		}
	}
	return info, nil
}

// DBSize returns the number of keys in the database. O(1). Since 1.0.0.
func DBSize() Cmd[int64] {
	return Cmd[int64]{newRequest(&specDbsize), decodeInt}
}

// FlushDB removes all keys of the database. O(N). Since 1.0.0.
func FlushDB() Cmd[struct{}] {
	return Cmd[struct{}]{newRequest(&specFlushdb), decodeOK}
}

// ConfigSet changes settings of the server while it runs, all or none.
// O(N). Since 2.0.0; several since 7.0.0.
func ConfigSet(settings map[string]string) Cmd[struct{}] {
	r := newRequest(&specConfigSet)
	m := make(Map, len(settings))
	for name, value := range settings {
		m[name] = value
	}
	r.fields(m)
	return Cmd[struct{}]{r, decodeOK}
}

// ConfigGet returns settings of the server whose names match a pattern with *.
// O(N). Since 2.0.0; several patterns since 7.0.0.
func ConfigGet(patterns ...string) Cmd[map[string]string] {
	r := newRequest(&specConfigGet)
	r.words("patterns", patterns)
	return Cmd[map[string]string]{r, decodeStringMap}
}

// ACLSetUser creates or changes a user by rules such as "on", ">password",
// "~*" and "+@read". O(N). Since 6.0.0.
func ACLSetUser(user string, rules ...string) Cmd[struct{}] {
	r := newRequest(&specAclSetuser)
	r.word(user)
	r.grow(len(rules))
	for _, rule := range rules {
		r.word(rule)
	}
	return Cmd[struct{}]{r, decodeOK}
}
