package command

import (
	"time"

	"github.com/redchan-go/redchan/proto"
)

// FCall calls a function of a library that the server has, with keys and arguments. Its
// reply has the shape that the function gives it: read it with [AsInt], [AsStrings], [As]
// and their kind. It is never repeated by itself. [Library] loads what is not there.
// O(1), and what the function costs. Since 7.0.0.
func FCall(function string, keys []string, args ...any) Cmd[proto.Value] {
	return Cmd[proto.Value]{callRequest(&specFcall, function, keys, args), decodeValue}
}

// FCallRO is [FCall] for a function that is registered with the flag no-writes: it may
// run on replicas, and again after its reply was lost. O(1), and what the function costs.
// Since 7.0.0.
func FCallRO(function string, keys []string, args ...any) Cmd[proto.Value] {
	return Cmd[proto.Value]{callRequest(&specFcallRo, function, keys, args), decodeValue}
}

// FunctionLoadOption is an option of [FunctionLoad]: [Replace].
type FunctionLoadOption interface{ functionLoadOption() tokens }

// FunctionLoad gives a library to the server and returns its name: code that begins with
// "#!lua name=mylib". A library of that name is an error unless [Replace] is given.
// O(1). Since 7.0.0.
func FunctionLoad(code string, opts ...FunctionLoadOption) Cmd[string] {
	r := newRequest(&specFunctionLoad)
	addOptions(&r, opts, FunctionLoadOption.functionLoadOption)
	if code == "" {
		r.fail(badArgument("a library without code"))
	}
	r.word(code)
	return Cmd[string]{r, decodeText}
}

// FunctionDelete removes a library with its functions. O(1). Since 7.0.0.
func FunctionDelete(library string) Cmd[struct{}] {
	r := newRequest(&specFunctionDelete)
	r.word(library)
	return Cmd[struct{}]{r, decodeOK}
}

// FunctionFlush removes all libraries. O(N) for N functions. Since 7.0.0.
func FunctionFlush(opts ...FlushOption) Cmd[struct{}] {
	r := newRequest(&specFunctionFlush)
	addOptions(&r, opts, FlushOption.flushOption)
	return Cmd[struct{}]{r, decodeOK}
}

// FunctionKill ends the function that is running, unless it has written. The error NOTBUSY
// says that none is running, UNKILLABLE that it has written. O(1). Since 7.0.0.
func FunctionKill() Cmd[struct{}] {
	return Cmd[struct{}]{newRequest(&specFunctionKill), decodeOK}
}

// FunctionDump returns all libraries in the server's own form, for [FunctionRestore].
// O(N) for N functions. Since 7.0.0.
func FunctionDump() Cmd[[]byte] {
	return Cmd[[]byte]{newRequest(&specFunctionDump), decodeBytes}
}

// FunctionRestoreOption is an option of [FunctionRestore]: [RestorePolicy].
type FunctionRestoreOption interface{ functionRestoreOption() tokens }

// RestorePolicy says what [FunctionRestore] does with the libraries that are there.
type RestorePolicy string

// What it can do.
const (
	RestoreAppend   RestorePolicy = "APPEND"  // keep them; one of the same name is an error; the default
	RestoreFlushing RestorePolicy = "FLUSH"   // remove all of them
	RestoreInPlace  RestorePolicy = "REPLACE" // keep them but for those of the same name
)

func (p RestorePolicy) functionRestoreOption() tokens {
	t := option(groupType, string(p))
	if p != RestoreAppend && p != RestoreFlushing && p != RestoreInPlace {
		t.err = badArgument("%q is no way to restore", string(p))
	}
	return t
}

// FunctionRestore loads the libraries of a [FunctionDump]. O(N) for N functions.
// Since 7.0.0.
func FunctionRestore(dump []byte, opts ...FunctionRestoreOption) Cmd[struct{}] {
	r := newRequest(&specFunctionRestore)
	r.data(dump)
	addOptions(&r, opts, FunctionRestoreOption.functionRestoreOption)
	return Cmd[struct{}]{r, decodeOK}
}

// FunctionInfo is what FUNCTION LIST tells of a function.
type FunctionInfo struct {
	Name        string
	Description string   // empty for none
	Flags       []string // such as "no-writes"
}

// LibraryInfo is what FUNCTION LIST tells of a library.
type LibraryInfo struct {
	Name      string
	Engine    string // such as "LUA"
	Functions []FunctionInfo
	Code      string // empty without WithCode
}

// FunctionListOption is an option of [FunctionList]: [LibraryName], [WithCode].
type FunctionListOption interface{ functionListOption() tokens }

// LibraryName lets [FunctionList] return only libraries whose names match a pattern with
// *, ? and [...].
type LibraryName string

func (n LibraryName) functionListOption() tokens {
	return option(groupMatch, "LIBRARYNAME", word(string(n)))
}

// FunctionListFlag is an option of [FunctionList]: [WithCode].
type FunctionListFlag string

// WithCode lets [FunctionList] tell the code of the libraries.
const WithCode FunctionListFlag = "WITHCODE"

func (f FunctionListFlag) functionListOption() tokens { return flag(groupType, f, WithCode) }

// FunctionList returns the libraries that the server has. O(N) for N functions.
// Since 7.0.0.
func FunctionList(opts ...FunctionListOption) Cmd[[]LibraryInfo] {
	r := newRequest(&specFunctionList)
	addOptions(&r, opts, FunctionListOption.functionListOption)
	return Cmd[[]LibraryInfo]{r, decodeLibraries}
}

func decodeLibraries(v proto.Value) ([]LibraryInfo, error) {
	return decodeEach(v, "libraries", textsOf(v).library)
}

func (t *texts) library(v proto.Value) (LibraryInfo, error) {
	var library LibraryInfo
	err := decodeRecord(v, "library", func(name string, value proto.Value) (err error) {
		switch name {
		case "library_name":
			return into(&library.Name, value, t.string)
		case "engine":
			return into(&library.Engine, value, t.string)
		case "library_code":
			return into(&library.Code, value, t.string)
		case "functions":
			library.Functions, err = decodeEach(value, "functions", t.function)
			return err
		}
		return nil
	})
	return library, err
}

func (t *texts) function(v proto.Value) (FunctionInfo, error) {
	var function FunctionInfo
	err := decodeRecord(v, "function", func(name string, value proto.Value) error {
		switch name {
		case "name":
			return into(&function.Name, value, t.string)
		case "description":
			if value.IsNull() {
				return nil
			}
			return into(&function.Description, value, t.string)
		case "flags":
			return into(&function.Flags, value, decodeStrings)
		}
		return nil
	})
	return function, err
}

// RunningFunction is the function that is running.
type RunningFunction struct {
	Name    string
	Command []string // the call with its arguments
	Lasted  time.Duration
}

// EngineStats is what an engine that runs functions has.
type EngineStats struct {
	Engine    string // such as "LUA"
	Libraries int64
	Functions int64
}

// FunctionStatistics is what FUNCTION STATS tells.
type FunctionStatistics struct {
	Running Optional[RunningFunction]
	Engines []EngineStats
}

// FunctionStats returns what function is running, and how many there are. O(1).
// Since 7.0.0.
func FunctionStats() Cmd[FunctionStatistics] {
	return Cmd[FunctionStatistics]{newRequest(&specFunctionStats), decodeFunctionStatistics}
}

func decodeFunctionStatistics(v proto.Value) (FunctionStatistics, error) {
	var stats FunctionStatistics
	err := decodeRecord(v, "statistics of functions", func(name string, value proto.Value) error {
		switch name {
		case "running_script":
			return into(&stats.Running, value, optional(decodeRunningFunction))
		case "engines":
			return into(&stats.Engines, value, decodeEngines)
		}
		return nil
	})
	return stats, err
}

func decodeRunningFunction(v proto.Value) (RunningFunction, error) {
	var running RunningFunction
	err := decodeRecord(v, "running function", func(name string, value proto.Value) error {
		switch name {
		case "name":
			return into(&running.Name, value, decodeText)
		case "command":
			return into(&running.Command, value, decodeStrings)
		case "duration_ms":
			return into(&running.Lasted, value, decodeMilliseconds)
		}
		return nil
	})
	return running, err
}

func decodeEngines(v proto.Value) ([]EngineStats, error) {
	var engines []EngineStats
	err := decodeRecord(v, "engines", func(engine string, value proto.Value) error {
		stats := EngineStats{Engine: engine}
		err := decodeRecord(value, "engine", func(name string, value proto.Value) error {
			switch name {
			case "libraries_count":
				return into(&stats.Libraries, value, decodeInt)
			case "functions_count":
				return into(&stats.Functions, value, decodeInt)
			}
			return nil
		})
		engines = append(engines, stats)
		return err
	})
	return engines, err
}
