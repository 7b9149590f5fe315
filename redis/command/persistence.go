package command

import (
	"maps"
	"slices"
	"time"

	"github.com/redchan-go/redchan/proto"
)

// Save writes the data to disk. The server does nothing else until that is done: see [BGSave].
// O(N). Since 1.0.0.
func Save() Cmd[struct{}] { return Cmd[struct{}]{newRequest(&specSave), decodeOK} }

// BGSave begins to write the data to disk in the background, and returns in the server's
// words that it has. An error: it is writing already. O(1). Since 1.0.0.
func BGSave() Cmd[string] { return Cmd[string]{newRequest(&specBgsave), decodeText} }

// BGSaveSchedule is [BGSave] that begins later where the server is just rewriting its
// append-only file: the option SCHEDULE. O(1). Since 3.2.2.
func BGSaveSchedule() Cmd[string] {
	r := newRequest(&specBgsave)
	r.word("SCHEDULE")
	return Cmd[string]{r, decodeText}
}

// BGSaveCancel ends a [BGSave], also one that is scheduled, and returns in the server's
// words what it has ended. An error: there was none. O(1). Since Valkey 8.1.0.
func BGSaveCancel() Cmd[string] {
	r := newRequest(&specBgsave)
	r.word("CANCEL")
	return Cmd[string]{r, decodeText}
}

// BGRewriteAOF begins to rewrite the append-only file in the background, or schedules it
// behind a [BGSave], and returns in the server's words which. O(1). Since 1.0.0.
func BGRewriteAOF() Cmd[string] { return Cmd[string]{newRequest(&specBgrewriteaof), decodeText} }

// LastSave returns when the data were written to disk last, in whole seconds; a
// server that never did tells when it was started. O(1). Since 1.0.0.
func LastSave() Cmd[time.Time] {
	return Cmd[time.Time]{newRequest(&specLastsave), decodeUnixSeconds}
}

// ShutdownOption is an option of [Shutdown]: [ShutdownSave], [ShutdownNoSave],
// [ShutdownNow], [ShutdownForce], [ShutdownSafe], [ShutdownFailover].
type ShutdownOption interface{ shutdownOption() tokens }

// ShutdownFlag is an option of [Shutdown].
type ShutdownFlag string

// The options of [Shutdown].
const (
	// ShutdownSave writes the data to disk also where no save points are set.
	ShutdownSave ShutdownFlag = "SAVE"
	// ShutdownNoSave does not write the data to disk although save points are set.
	ShutdownNoSave ShutdownFlag = "NOSAVE"
	// ShutdownNow does not wait for replicas that are behind. Since 7.0.0.
	ShutdownNow ShutdownFlag = "NOW"
	// ShutdownForce ignores errors, such as of writing the data to disk. Since 7.0.0.
	ShutdownForce ShutdownFlag = "FORCE"
	// ShutdownSafe refuses where it would lose slots: on a primary of a cluster that
	// serves some. Since Valkey 9.0.0.
	ShutdownSafe ShutdownFlag = "SAFE"
	// ShutdownFailover lets a replica take over first, in a cluster. Since Valkey 9.0.0.
	ShutdownFailover ShutdownFlag = "FAILOVER"
)

func (f ShutdownFlag) shutdownOption() tokens {
	if f == ShutdownSave || f == ShutdownNoSave {
		return option(groupCondition, string(f))
	}
	return flag(groupFlag, f, ShutdownNow, ShutdownForce, ShutdownSafe, ShutdownFailover)
}

// Shutdown ends the server, after its replicas have all that it has and the data are
// written to disk where save points are set. Success is a lost connection: an error
// for which errors.Is finds [ErrMaybeExecuted]. An answer is the reason why the server
// does not end. It is never repeated by itself. O(N) when saving, otherwise O(1). Since 1.0.0.
func Shutdown(opts ...ShutdownOption) Cmd[struct{}] {
	r := newRequest(&specShutdown)
	addOptions(&r, opts, ShutdownOption.shutdownOption)
	return Cmd[struct{}]{r, decodeOK}
}

// ShutdownAbort ends a [Shutdown] that waits for replicas. An error: there is none.
// O(1). Since 7.0.0.
func ShutdownAbort() Cmd[struct{}] {
	r := newRequest(&specShutdown)
	r.word("ABORT")
	return Cmd[struct{}]{r, decodeOK}
}

// Module is a module that a server has loaded.
type Module struct {
	Name    string
	Version int64
	Path    string   // since 7.0.0; empty for a module that is built in
	Args    []string // since 7.0.0
}

// ModuleList returns the modules that the server has loaded. O(N). Since 4.0.0.
func ModuleList() Cmd[[]Module] { return Cmd[[]Module]{newRequest(&specModuleList), decodeModules} }

func decodeModules(v proto.Value) ([]Module, error) {
	return decodeEach(v, "modules", textsOf(v).module)
}

func (t *texts) module(v proto.Value) (Module, error) {
	var m Module
	err := decodeRecord(v, "a module", func(name string, v proto.Value) error {
		switch name {
		case "name":
			return into(&m.Name, v, t.string)
		case "ver":
			return into(&m.Version, v, decodeInt)
		case "path":
			return into(&m.Path, v, t.string)
		case "args":
			return into(&m.Args, v, t.strings)
		}
		return nil
	})
	return m, err
}

// ModuleLoad loads a module from a file of the server's machine, with arguments. The
// server must allow it: enable-module-command. O(1). Since 4.0.0.
func ModuleLoad(path string, args ...string) Cmd[struct{}] {
	r := newRequest(&specModuleLoad)
	r.word(path)
	r.grow(len(args))
	for _, arg := range args {
		r.word(arg)
	}
	return Cmd[struct{}]{r, decodeOK}
}

// ModuleLoadEx is [ModuleLoad] with settings of the module. O(1). Since 7.0.0.
func ModuleLoadEx(path string, settings map[string]string, args ...string) Cmd[struct{}] {
	r := newRequest(&specModuleLoadex)
	r.word(path)
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		r.word("CONFIG")
		r.word(name)
		r.word(settings[name])
	}
	if len(args) > 0 {
		r.word("ARGS")
		r.words("arguments", args)
	}
	return Cmd[struct{}]{r, decodeOK}
}

// ModuleUnload unloads a module by the name that it gave itself. O(1). Since 4.0.0.
func ModuleUnload(name string) Cmd[struct{}] {
	r := newRequest(&specModuleUnload)
	r.word(name)
	return Cmd[struct{}]{r, decodeOK}
}
