package redisjson

import (
	"encoding/json"
	"strings"

	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/module/internal/wire"
)

// anyPath appends a path of either kind.
func anyPath(a *wire.Args, path string) {
	if path == "" {
		a.Refuse(`a path is empty: the whole document is "$"`)
	}
	a.Word(path)
}

// jsonPath appends a path that must be a JSONPath, because the reply has another shape
// for other ones.
func jsonPath(a *wire.Args, path string) {
	if !strings.HasPrefix(path, "$") {
		a.Refuse(`a JSONPath starts with "$"`)
	}
	a.Word(path)
}

// at starts a command for a JSONPath of a key.
func at(key, path string) *wire.Args {
	a := new(wire.Args)
	a.Key(key)
	jsonPath(a, path)
	return a
}

// jsonValues appends values as JSON, of which there must be one at least.
func jsonValues(a *wire.Args, values []any) {
	if len(values) == 0 {
		a.Refuse("no values")
	}
	for _, v := range values {
		a.Value(command.JSON(v))
	}
}

// parse decodes a text of JSON.
func parse[T any](text string) (T, error) {
	var result T
	if err := json.Unmarshal([]byte(text), &result); err != nil {
		var none T
		return none, wire.WantCause("JSON", err)
	}
	return result, nil
}

// decodeInto decodes a reply that is a text of JSON.
func decodeInto[T any](v proto.Value) (T, error) {
	text, err := wire.Text(v)
	if err != nil {
		var none T
		return none, err
	}
	return parse[T](text)
}

// optionalBools decodes an array of booleans, ones and zeros, and nulls.
func optionalBools(v proto.Value) ([]command.Optional[bool], error) {
	return wire.Each(v, "[]Optional[bool]", wire.Optional(wire.Bool))
}
