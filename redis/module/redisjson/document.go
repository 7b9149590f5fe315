package redisjson

import (
	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/module/internal/wire"
)

// Set puts a value where the path points to, and reports whether it did: false where
// the condition, [command.NX] or [command.XX], did not hold, or the path leads nowhere.
// A new key takes the path "$" only. O(M+N) for the old and the new value.
// Since JSON 1.0.0.
func Set(key, path string, value any, condition ...command.Condition) command.Cmd[bool] {
	var a wire.Args
	a.Key(key)
	anyPath(&a, path)
	a.Value(command.JSON(value))
	if len(condition) > 1 {
		a.Refuse("NX and XX can't go together")
	}
	for _, c := range condition {
		switch c {
		case command.NX:
			a.Word("NX")
		case command.XX:
			a.Word("XX")
		default:
			a.Refuse("an unknown condition")
		}
	}
	return wire.Command(&a, "JSON.SET", wire.Applied)
}

// Document is a value and where [MSet] puts it.
type Document struct {
	Key, Path string
	Value     any // encoded by encoding/json
}

// MSet puts several values where their paths point to, in one step that nobody sees half
// of, and reports whether all were put: false where a path leads nowhere, and then others
// may have been put. A key that is of another type is an error, and nothing is put.
// O(K*(M+N)) for K documents. Since JSON 2.6.0.
func MSet(documents ...Document) command.Cmd[bool] {
	var a wire.Args
	if len(documents) == 0 {
		a.Refuse("no documents")
	}
	for _, d := range documents {
		a.Key(d.Key)
		anyPath(&a, d.Path)
		a.Value(command.JSON(d.Value))
	}
	return wire.Command(&a, "JSON.MSET", wire.Applied)
}

// Merge merges a value into what the path points to, as RFC 7396 has it: null takes a
// member away, arrays are replaced. It reports whether it did; a path that leads
// nowhere is false. O(M+N) for the old and the new value. Since JSON 2.6.0.
func Merge(key, path string, value any) command.Cmd[bool] {
	var a wire.Args
	a.Key(key)
	anyPath(&a, path)
	a.Value(command.JSON(value))
	return wire.Command(&a, "JSON.MERGE", wire.Applied)
}

// Get returns what paths match, as text: for one path an array of the matches, for
// several an object of such arrays by path, for none the document itself.
// [command.Nil]: the key does not exist. O(N) for the values matched, or for the
// document. Since JSON 1.0.0.
func Get(key string, paths ...string) command.Cmd[string] {
	return GetFormatted(key, Format{}, paths...)
}

// Format is what [GetFormatted] puts between the parts of a text. The zero Format puts
// nothing.
type Format struct {
	Indent  string // in front of each line, once for each level
	Newline string // at the end of each line
	Space   string // between a key and its value
}

// GetFormatted is [Get] with a text that is laid out for people. O(N) for the values
// matched, or for the document. Since JSON 1.0.0.
func GetFormatted(key string, format Format, paths ...string) command.Cmd[string] {
	var a wire.Args
	a.Key(key)
	for _, o := range [...]struct{ name, text string }{
		{"INDENT", format.Indent},
		{"NEWLINE", format.Newline},
		{"SPACE", format.Space},
	} {
		if o.text != "" {
			a.Word(o.name, o.text)
		}
	}
	for _, path := range paths {
		anyPath(&a, path)
	}
	return wire.Reader(&a, "JSON.GET", wire.Text)
}

// GetInto returns what a JSONPath matches, each match decoded by encoding/json into a T.
// [command.Nil]: the key does not exist. O(N) for the values matched, or for the
// document. Since JSON 1.0.0.
func GetInto[T any](key, path string) command.Cmd[[]T] {
	return wire.Reader(at(key, path), "JSON.GET", decodeInto[[]T])
}

// GetFirst returns the first value that a JSONPath matches, decoded by encoding/json
// into a T. [command.Nil]: the key does not exist, or the path matches nothing. O(N) for
// the values matched, or for the document. Since JSON 1.0.0.
func GetFirst[T any](key, path string) command.Cmd[T] {
	return wire.Reader(at(key, path), "JSON.GET", decodeFirst[T])
}

func decodeFirst[T any](v proto.Value) (T, error) {
	var none T
	all, err := decodeInto[[]T](v)
	switch {
	case err != nil:
		return none, err
	case len(all) == 0:
		return none, command.Nil
	}
	return all[0], nil
}

// GetPaths returns what each of several JSONPaths matches, by path, each match decoded
// by encoding/json into a T. There must be two at least: [GetInto] is for one.
// [command.Nil]: the key does not exist. O(N) for the values matched, or for the
// document. Since JSON 1.0.0.
func GetPaths[T any](key string, paths ...string) command.Cmd[map[string][]T] {
	var a wire.Args
	a.Key(key)
	if len(paths) < 2 {
		a.Refuse("there must be two paths at least")
	}
	for _, path := range paths {
		jsonPath(&a, path)
	}
	return wire.Reader(&a, "JSON.GET", decodeInto[map[string][]T])
}

// MGet returns what a path matches in each of several documents, as text: for a JSONPath
// an array of the matches. An element is missing where its key does not exist or has no
// JSON. O(M*N) for M keys. Since JSON 1.0.0.
func MGet(keys []string, path string) command.Cmd[[]command.Optional[string]] {
	var a wire.Args
	a.Keys(keys)
	anyPath(&a, path)
	return wire.Reader(&a, "JSON.MGET", wire.OptionalTexts)
}

// MGetInto returns what a JSONPath matches in each of several documents, each match
// decoded by encoding/json into a T. An element is missing where its key does not exist
// or has no JSON. O(M*N) for M keys. Since JSON 1.0.0.
func MGetInto[T any](keys []string, path string) command.Cmd[[]command.Optional[[]T]] {
	var a wire.Args
	a.Keys(keys)
	jsonPath(&a, path)
	return wire.Reader(&a, "JSON.MGET", decodeEachInto[[]T])
}

// decodeEachInto decodes an array of texts of JSON, and of nulls.
func decodeEachInto[T any](v proto.Value) ([]command.Optional[T], error) {
	return wire.Each(v, "an array of JSON", wire.Optional(decodeInto[T]))
}

// Del deletes what a path matches and returns how many values went; "$" deletes the key.
// O(N). Since JSON 1.0.0.
func Del(key, path string) command.Cmd[int64] { return del("JSON.DEL", key, path) }

// Forget is [Del] by its other name. O(N). Since JSON 1.0.0.
func Forget(key, path string) command.Cmd[int64] { return del("JSON.FORGET", key, path) }

func del(name, key, path string) command.Cmd[int64] {
	var a wire.Args
	a.Key(key)
	anyPath(&a, path)
	return wire.Command(&a, name, wire.Int)
}

// Clear empties the arrays and objects that a path matches, sets its numbers to 0, and
// returns how many values it changed. O(N). Since JSON 2.0.0.
func Clear(key, path string) command.Cmd[int64] { return del("JSON.CLEAR", key, path) }

// Type is the type of a JSON value.
type Type string

// The types. Whole numbers are of a type of their own.
const (
	Null    Type = "null"
	Boolean Type = "boolean"
	Integer Type = "integer"
	Number  Type = "number"
	String  Type = "string"
	Object  Type = "object"
	Array   Type = "array"
)

// TypeOf returns the type of each value that a JSONPath matches: the command JSON.TYPE.
// [command.Nil]: the key does not exist. O(1), or O(N) where the path may match several.
// Since JSON 1.0.0.
func TypeOf(key, path string) command.Cmd[[]Type] {
	return wire.Reader(at(key, path), "JSON.TYPE", decodeTypes)
}

// decodeTypes decodes an array of types, which RESP3 has inside of another one.
func decodeTypes(v proto.Value) ([]Type, error) {
	if first := v.Index(0); v.Len() == 1 && (first.IsNull() || first.IsAggregate()) {
		v = first
	}
	return wire.Each(v, "[]Type", func(v proto.Value) (Type, error) {
		name, err := wire.Text(v)
		return Type(name), err
	})
}

// DebugMemory returns the bytes that each value takes that a JSONPath matches; none
// where the key does not exist. O(N). Since JSON 1.0.0.
func DebugMemory(key, path string) command.Cmd[[]int64] {
	var a wire.Args
	a.Word("MEMORY")
	a.Key(key)
	jsonPath(&a, path)
	return wire.Reader(&a, "JSON.DEBUG", wire.Ints)
}
