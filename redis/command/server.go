package command

import (
	"errors"
	"strings"
	"time"

	"github.com/redchan-go/redchan/proto"
)

// ServerInfo is what INFO tells: fields by section, both as the server names
// them, sections in small letters. Of a field that comes several times, such as
// "module", the values are lines.
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
	var section map[string]string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if name, ok := strings.CutPrefix(line, "# "); ok {
			section = map[string]string{}
			info[strings.ToLower(name)] = section
		} else if field, value, ok := strings.Cut(line, ":"); ok {
			if section == nil {
				section = map[string]string{}
				info[""] = section
			}
			if before, again := section[field]; again { // "module", for each of them
				value = before + "\n" + value
			}
			section[field] = value
		}
	}
	return info, nil
}

// DBSize returns the number of keys in the database. O(1). Since 1.0.0.
func DBSize() Cmd[int64] {
	return Cmd[int64]{newRequest(&specDbsize), decodeInt}
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

// ConfigResetStat sets the server's statistics to zero: those of INFO and of the
// latency histograms. O(1). Since 2.0.0.
func ConfigResetStat() Cmd[struct{}] {
	return Cmd[struct{}]{newRequest(&specConfigResetstat), decodeOK}
}

// ConfigRewrite writes the server's settings into the file that it was started with.
// O(1). Since 2.8.0.
func ConfigRewrite() Cmd[struct{}] {
	return Cmd[struct{}]{newRequest(&specConfigRewrite), decodeOK}
}

// FlushOption is an option of [FlushDB], [FlushAll], [ClusterFlushSlot], [ScriptFlush] and
// [FunctionFlush]: [Async] and [Sync].
type FlushOption interface{ flushOption() tokens }

// FlushMode is an option of commands that remove everything: [Async] and [Sync]. Without
// it the server's setting lazyfree-lazy-user-flush decides.
type FlushMode uint8

// The two ways to free memory.
const (
	// Async frees memory in the background. Since 4.0.0.
	Async FlushMode = iota
	// Sync frees memory before the reply. Since 6.2.0.
	Sync
)

func (m FlushMode) flushOption() tokens {
	if m == Async {
		return option(groupBlock, "ASYNC")
	}
	return option(groupBlock, "SYNC")
}

// FlushDB removes all keys of the database. O(N). Since 1.0.0.
func FlushDB(opts ...FlushOption) Cmd[struct{}] {
	r := newRequest(&specFlushdb)
	addOptions(&r, opts, FlushOption.flushOption)
	return Cmd[struct{}]{r, decodeOK}
}

// FlushAll removes all keys of all databases. O(N). Since 1.0.0.
func FlushAll(opts ...FlushOption) Cmd[struct{}] {
	r := newRequest(&specFlushall)
	addOptions(&r, opts, FlushOption.flushOption)
	return Cmd[struct{}]{r, decodeOK}
}

// SwapDB exchanges two databases, for all clients. O(N). Since 4.0.0.
func SwapDB(first, second int) Cmd[struct{}] {
	r := newRequest(&specSwapdb)
	r.int(int64(first))
	r.int(int64(second))
	if first < 0 || second < 0 {
		r.fail(badArgument("a database can't be negative"))
	}
	return Cmd[struct{}]{r, decodeOK}
}

// Time returns the server's time, to the microsecond. O(1). Since 2.6.0.
func Time() Cmd[time.Time] { return Cmd[time.Time]{newRequest(&specTime), decodeTime} }

func decodeTime(v proto.Value) (time.Time, error) {
	const wanted = "seconds and microseconds"
	if v.Kind() != proto.KindArray || v.Len() != 2 {
		return time.Time{}, want(wanted)
	}
	var seconds, micro int64
	err := errors.Join(into(&seconds, v.Index(0), decodeInt), into(&micro, v.Index(1), decodeInt))
	if err != nil {
		return time.Time{}, want(wanted)
	}
	return time.Unix(seconds, micro*int64(time.Microsecond)), nil
}

// LolWut returns a piece of art and the server's version. O(1). Since 5.0.0.
func LolWut() Cmd[string] { return Cmd[string]{newRequest(&specLolwut), decodeText} }

// LolWutVersion is [LolWut] as a version of the server had it, with that one's arguments:
// for 5, the columns and the squares in a row and in a column. O(1). Since 5.0.0.
func LolWutVersion(version int, args ...int) Cmd[string] {
	r := newRequest(&specLolwut)
	r.word("VERSION")
	r.int(int64(version))
	for _, arg := range args {
		r.int(int64(arg))
	}
	return Cmd[string]{r, decodeText}
}
