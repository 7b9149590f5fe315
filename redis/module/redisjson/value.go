package redisjson

import (
	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/module/internal/wire"
)

// NumIncrBy adds to each number that a JSONPath matches and returns the new numbers.
// Whole numbers above 2^53 lose digits in a float64: read these with [GetInto].
// A key that does not exist is an error. O(1), or O(N) where the path may match several.
// Since JSON 1.0.0.
func NumIncrBy(key, path string, by float64) command.Cmd[[]command.Optional[float64]] {
	a := at(key, path)
	a.Finite("the increment", by)
	return wire.Command(a, "JSON.NUMINCRBY", decodeNumbers)
}

// NumMultBy multiplies each number that a JSONPath matches and returns the new numbers,
// as [NumIncrBy] does. O(1), or O(N) where the path may match several. Since JSON 1.0.0.
func NumMultBy(key, path string, by float64) command.Cmd[[]command.Optional[float64]] {
	a := at(key, path)
	a.Finite("the factor", by)
	return wire.Command(a, "JSON.NUMMULTBY", decodeNumbers)
}

// decodeNumbers decodes an array of numbers and nulls, for which RESP2 has a text of
// JSON.
func decodeNumbers(v proto.Value) ([]command.Optional[float64], error) {
	if !wire.IsText(v) {
		return wire.Each(v, "[]Optional[float64]", wire.Optional(wire.Float))
	}
	numbers, err := parse[[]*float64](v.Str())
	if err != nil {
		return nil, err
	}
	result := make([]command.Optional[float64], len(numbers))
	for i, n := range numbers {
		if n != nil {
			result[i] = command.Optional[float64]{Value: *n, Present: true}
		}
	}
	return result, nil
}

// StrAppend appends a text to each string that a JSONPath matches and returns their new
// lengths in bytes. A key that does not exist is an error. O(1), or O(N) where the path
// may match several. Since JSON 1.0.0.
func StrAppend(key, path, text string) command.Cmd[[]command.Optional[int64]] {
	a := at(key, path)
	a.Value(command.JSON(text))
	return wire.Command(a, "JSON.STRAPPEND", wire.OptionalInts)
}

// StrLen returns the length in bytes of each string that a JSONPath matches. A key that
// does not exist is an error, or [command.Nil] on older servers. O(1), or O(N) where the
// path may match several. Since JSON 1.0.0.
func StrLen(key, path string) command.Cmd[[]command.Optional[int64]] {
	return wire.Reader(at(key, path), "JSON.STRLEN", wire.OptionalInts)
}

// Toggle turns over each boolean that a JSONPath matches and returns the new ones. A key
// that does not exist is an error. O(1), or O(N) where the path may match several.
// Since JSON 2.0.0.
func Toggle(key, path string) command.Cmd[[]command.Optional[bool]] {
	return wire.Command(at(key, path), "JSON.TOGGLE", optionalBools)
}

// ObjKeys returns the names of the members of each object that a JSONPath matches. A key
// that does not exist is an error, or [command.Nil] on older servers. O(N) for the
// members, or for the document. Since JSON 1.0.0.
func ObjKeys(key, path string) command.Cmd[[]command.Optional[[]string]] {
	return wire.Reader(at(key, path), "JSON.OBJKEYS", decodeNames)
}

func decodeNames(v proto.Value) ([]command.Optional[[]string], error) {
	return wire.Each(v, "[]Optional[[]string]", wire.Optional(wire.Texts))
}

// ObjLen returns the number of members of each object that a JSONPath matches. A key that
// does not exist is an error, or [command.Nil] on older servers. O(1), or O(N) where the
// path may match several. Since JSON 1.0.0.
func ObjLen(key, path string) command.Cmd[[]command.Optional[int64]] {
	return wire.Reader(at(key, path), "JSON.OBJLEN", wire.OptionalInts)
}
