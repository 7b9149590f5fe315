package wire

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
)

// Want is the error for a reply of another shape than wanted.
func Want(what string) error { return &command.DecodeError{Want: what} }

// WantCause is [Want] with the error that made the decoder give up.
func WantCause(what string, err error) error { return &command.DecodeError{Want: what, Err: err} }

// bare returns the reason of a strconv error without the text that it quotes, which is
// somebody's data.
func bare(err error) error {
	var e *strconv.NumError
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

// IsText reports whether v has a text: a string of any kind.
func IsText(v proto.Value) bool {
	switch v.Kind() {
	case proto.KindBulk, proto.KindSimple, proto.KindVerbatim, proto.KindBigNumber:
		return true
	}
	return false
}

// IsList reports whether v is an array or a set.
func IsList(v proto.Value) bool { return v.Kind() == proto.KindArray || v.Kind() == proto.KindSet }

// IsPairs reports whether v can be read two by two: a map, or the flat array that RESP2
// has in its place.
func IsPairs(v proto.Value) bool {
	return v.Kind() == proto.KindMap || v.Kind() == proto.KindArray && v.Len()%2 == 0
}

// shareLimit is how many bytes a string may keep alive besides its own.
const shareLimit = 64 << 10

// Text decodes a text; numbers become their decimal form, null is [command.Nil]. A text
// that is cut from a large reply is copied.
func Text(v proto.Value) (string, error) {
	switch v.Kind() {
	case proto.KindBulk, proto.KindSimple, proto.KindVerbatim, proto.KindBigNumber:
		if s := v.Str(); v.Size() <= shareLimit || len(s) > v.Size()/2 {
			return s, nil
		}
		return strings.Clone(v.Str()), nil
	case proto.KindInt:
		return strconv.FormatInt(v.Int(), 10), nil
	case proto.KindDouble:
		return strconv.FormatFloat(v.Double(), 'g', -1, 64), nil
	case proto.KindNull:
		return "", command.Nil
	}
	return "", Want("string")
}

// Bytes decodes a text into bytes of the caller's own; null is none.
func Bytes(v proto.Value) ([]byte, error) {
	switch {
	case v.IsNull():
		return nil, nil
	case IsText(v):
		return []byte(v.Str()), nil
	}
	return nil, Want("[]byte")
}

// Int decodes an integer, also one that came as text or as a double.
func Int(v proto.Value) (int64, error) {
	switch {
	case v.Kind() == proto.KindInt:
		return v.Int(), nil
	case v.Kind() == proto.KindDouble && v.Double() == math.Trunc(v.Double()) && math.Abs(v.Double()) < 1<<53:
		return int64(v.Double()), nil
	case IsText(v):
		n, err := strconv.ParseInt(v.Str(), 10, 64)
		if err != nil {
			return 0, WantCause("int64", bare(err))
		}
		return n, nil
	case v.IsNull():
		return 0, command.Nil
	}
	return 0, Want("int64")
}

// Float decodes a number, also one that came as text; "nan" and "-nan" among them.
func Float(v proto.Value) (float64, error) {
	switch {
	case v.Kind() == proto.KindDouble:
		return v.Double(), nil
	case v.Kind() == proto.KindInt:
		return float64(v.Int()), nil
	case IsText(v):
		if strings.EqualFold(v.Str(), "-nan") {
			return math.NaN(), nil
		}
		f, err := strconv.ParseFloat(v.Str(), 64)
		if err != nil && !math.IsInf(f, 0) {
			return 0, WantCause("float64", bare(err))
		}
		return f, nil
	case v.IsNull():
		return 0, command.Nil
	}
	return 0, Want("float64")
}

// Bool decodes a boolean, or the integers 1 and 0 that RESP2 has in its place.
func Bool(v proto.Value) (bool, error) {
	switch {
	case v.Kind() == proto.KindBool:
		return v.Bool(), nil
	case v.Kind() == proto.KindInt && (v.Int() == 0 || v.Int() == 1):
		return v.Int() == 1, nil
	case v.IsNull():
		return false, command.Nil
	}
	return false, Want("bool")
}

// OK decodes the OK of commands that have nothing else to say.
func OK(v proto.Value) (struct{}, error) {
	if IsText(v) && v.Str() == "OK" {
		return struct{}{}, nil
	}
	return struct{}{}, Want("OK")
}

// Applied decodes OK as true and null as false: a command under a condition.
func Applied(v proto.Value) (bool, error) {
	if v.IsNull() {
		return false, nil
	}
	_, err := OK(v)
	return err == nil, err
}

// Each decodes an array or set, each element by decode. An error reply in the place of
// an element ends it: what came before is returned beside that error.
func Each[T any](v proto.Value, wanted string, decode func(proto.Value) (T, error)) ([]T, error) {
	if v.IsNull() {
		return nil, command.Nil
	}
	if !IsList(v) {
		return nil, Want(wanted)
	}
	result := make([]T, 0, v.Len())
	e := v.Elems()
	for e.Next() {
		if err := e.Value().Err(); err != nil {
			return result, WantCause(wanted, err)
		}
		one, err := decode(e.Value())
		if err != nil {
			return nil, inside(wanted, err)
		}
		result = append(result, one)
	}
	return result, nil
}

// inside is the error for an element that does not fit: the deepest one that has a
// cause keeps it.
func inside(wanted string, err error) error {
	var inner *command.DecodeError
	if errors.As(err, &inner) && inner.Err != nil {
		return WantCause(wanted, inner.Err)
	}
	return Want(wanted)
}

// Optional makes a decoder take null for a missing value.
func Optional[T any](decode func(proto.Value) (T, error)) func(proto.Value) (command.Optional[T], error) {
	return func(v proto.Value) (command.Optional[T], error) {
		if v.IsNull() {
			return command.Optional[T]{}, nil
		}
		value, err := decode(v)
		return command.Optional[T]{Value: value, Present: err == nil}, err
	}
}

// Texts decodes an array or set of texts.
func Texts(v proto.Value) ([]string, error) { return Each(v, "[]string", Text) }

// Ints decodes an array of integers.
func Ints(v proto.Value) ([]int64, error) { return Each(v, "[]int64", Int) }

// Floats decodes an array of numbers.
func Floats(v proto.Value) ([]float64, error) { return Each(v, "[]float64", Float) }

// Bools decodes an array of booleans, or of ones and zeros.
func Bools(v proto.Value) ([]bool, error) { return Each(v, "[]bool", Bool) }

// OptionalInts decodes an array of integers and nulls.
func OptionalInts(v proto.Value) ([]command.Optional[int64], error) {
	return Each(v, "[]Optional[int64]", Optional(Int))
}

// OptionalTexts decodes an array of texts and nulls.
func OptionalTexts(v proto.Value) ([]command.Optional[string], error) {
	return Each(v, "[]Optional[string]", Optional(Text))
}

// Record gives each field of a record to field: of a map, or of the flat array that
// RESP2 has in its place. What field does not know it skips, because servers add
// fields.
func Record(v proto.Value, wanted string, field func(name string, value proto.Value) error) error {
	if v.IsNull() {
		return command.Nil
	}
	if !IsPairs(v) {
		return Want(wanted)
	}
	for name, value := range v.Pairs() {
		if !IsText(name) {
			return Want(wanted)
		}
		if err := field(name.Str(), value); err != nil {
			return inside(wanted, err)
		}
	}
	return nil
}

// Into decodes a field of a record to where it belongs; null leaves it as it is.
func Into[T any](to *T, v proto.Value, decode func(proto.Value) (T, error)) error {
	if v.IsNull() {
		return nil
	}
	value, err := decode(v)
	if err == nil {
		*to = value
	}
	return err
}

// TextMap decodes texts by name, of a map, of the flat array of RESP2, or of an array
// of pairs. Names whose value is null are left out.
func TextMap(v proto.Value) (map[string]string, error) {
	const wanted = "map[string]string"
	result := map[string]string{}
	add := func(name, value proto.Value) error {
		if !IsText(name) {
			return Want(wanted)
		}
		if value.IsNull() {
			return nil
		}
		text, err := Text(value)
		if err != nil {
			return inside(wanted, err)
		}
		result[strings.Clone(name.Str())] = text
		return nil
	}
	if v.Kind() == proto.KindArray && v.Index(0).IsAggregate() {
		for pair := range v.All() {
			if pair.Len() != 2 {
				return nil, Want(wanted)
			}
			if err := add(pair.Index(0), pair.Index(1)); err != nil {
				return nil, err
			}
		}
		return result, nil
	}
	if !IsPairs(v) {
		return nil, Want(wanted)
	}
	for name, value := range v.Pairs() {
		if err := add(name, value); err != nil {
			return nil, err
		}
	}
	return result, nil
}
