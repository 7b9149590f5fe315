package redisjson

import (
	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/module/internal/wire"
)

// ArrAppend appends values to each array that a JSONPath matches and returns their new
// lengths. A key that does not exist is an error. O(1) for each value, or O(N) where the
// path may match several. Since JSON 1.0.0.
func ArrAppend(key, path string, values ...any) command.Cmd[[]command.Optional[int64]] {
	a := at(key, path)
	jsonValues(a, values)
	return wire.Command(a, "JSON.ARRAPPEND", wire.OptionalInts)
}

// ArrIndex returns where a value first stands in each array that a JSONPath matches, -1
// where it does not. A key that does not exist is an error. O(N). Since JSON 1.0.0.
func ArrIndex(key, path string, value any) command.Cmd[[]command.Optional[int64]] {
	a := at(key, path)
	a.Value(command.JSON(value))
	return wire.Reader(a, "JSON.ARRINDEX", wire.OptionalInts)
}

// ArrIndexWithin is [ArrIndex] for the elements from start on and in front of stop, where
// negative numbers count from the end and a stop of 0 stands for it. O(N).
// Since JSON 1.0.0.
func ArrIndexWithin(key, path string, value any, start, stop int64) command.Cmd[[]command.Optional[int64]] {
	a := at(key, path)
	a.Value(command.JSON(value))
	a.Int(start)
	a.Int(stop)
	return wire.Reader(a, "JSON.ARRINDEX", wire.OptionalInts)
}

// ArrInsert inserts values in front of the element index of each array that a JSONPath
// matches, where negative numbers count from the end, and returns their new lengths. An
// index that an array does not have, or a key that does not exist, is an error. O(N).
// Since JSON 1.0.0.
func ArrInsert(key, path string, index int64, values ...any) command.Cmd[[]command.Optional[int64]] {
	a := at(key, path)
	a.Int(index)
	jsonValues(a, values)
	return wire.Command(a, "JSON.ARRINSERT", wire.OptionalInts)
}

// ArrLen returns the length of each array that a JSONPath matches. A key that does not
// exist is an error, or [command.Nil] on older servers. O(1), or O(N) where the path may
// match several. Since JSON 1.0.0.
func ArrLen(key, path string) command.Cmd[[]command.Optional[int64]] {
	return wire.Reader(at(key, path), "JSON.ARRLEN", wire.OptionalInts)
}

// ArrPop removes the element index of each array that a JSONPath matches and returns it
// as text. Negative numbers count from the end, -1 is the last; what is beyond an end
// stands for that end. An element of the result is missing where the array is empty,
// too. A key that does not exist is an error. O(N), or O(1) for the last element.
// Since JSON 1.0.0.
func ArrPop(key, path string, index int64) command.Cmd[[]command.Optional[string]] {
	a := at(key, path)
	a.Int(index)
	return wire.Command(a, "JSON.ARRPOP", wire.OptionalTexts)
}

// ArrPopInto is [ArrPop] with each element decoded by encoding/json into a T. The element
// is gone also where it does not fit into a T. O(N), or O(1) for the last element.
// Since JSON 1.0.0.
func ArrPopInto[T any](key, path string, index int64) command.Cmd[[]command.Optional[T]] {
	a := at(key, path)
	a.Int(index)
	return wire.Command(a, "JSON.ARRPOP", decodeEachInto[T])
}

// ArrTrim keeps the elements from start to stop, both included, of each array that a
// JSONPath matches, and returns their new lengths. Negative numbers count from the end.
// A key that does not exist is an error. O(N). Since JSON 1.0.0.
func ArrTrim(key, path string, start, stop int64) command.Cmd[[]command.Optional[int64]] {
	a := at(key, path)
	a.Int(start)
	a.Int(stop)
	return wire.Command(a, "JSON.ARRTRIM", wire.OptionalInts)
}
