package command

import (
	"encoding"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/redchan-go/redchan/proto"
)

// want returns a decoder's error; command, key and shape are filled in later.
func want(what string) error { return &DecodeError{Want: what} }

// wantCause is want with the error that made the decoder give up.
func wantCause(what string, err error) error { return &DecodeError{Want: what, Err: err} }

// bare returns the reason of a strconv error without the text that it quotes,
// which is somebody's data.
func bare(err error) error {
	var e *strconv.NumError
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

// isText reports whether v has a text: a string of any kind.
func isText(v proto.Value) bool {
	switch v.Kind() {
	case proto.KindBulk, proto.KindSimple, proto.KindVerbatim, proto.KindBigNumber:
		return true
	}
	return false
}

// decodeValue gives the reply as it came.
func decodeValue(v proto.Value) (proto.Value, error) { return v, nil }

// decodeString decodes a text, which null is missing from.
func decodeString(v proto.Value) (string, error) {
	switch v.Kind() {
	case proto.KindBulk, proto.KindSimple, proto.KindVerbatim, proto.KindBigNumber:
		return v.Str(), nil
	case proto.KindInt:
		return strconv.FormatInt(v.Int(), 10), nil
	case proto.KindDouble:
		return decimal(v.Double()), nil
	case proto.KindBool: // 1 or 0 in RESP2
		if v.Bool() {
			return "1", nil
		}
		return "0", nil
	case proto.KindNull:
		return "", Nil
	}
	return "", want("string")
}

// decimal returns a double as RESP2 has it: in decimal, with an exponent where it is very
// large or small, "inf" and "-inf".
func decimal(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	case math.IsNaN(f):
		return "nan"
	}
	const large, small = 1e17, 1e-5
	if abs := math.Abs(f); abs != 0 && (abs >= large || abs < small) {
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// decodeBytes decodes a text into bytes of the caller's own.
func decodeBytes(v proto.Value) ([]byte, error) {
	s, err := decodeString(v)
	if err != nil {
		return nil, err
	}
	return []byte(s), nil
}

// decodeInt decodes an integer, also one that came as text, as a boolean, or as a
// double, which is text in RESP2.
func decodeInt(v proto.Value) (int64, error) {
	if v.Kind() == proto.KindInt {
		return v.Int(), nil
	}
	text, err := decodeString(v)
	if err != nil {
		return 0, missingOr(err, "int64")
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, wantCause("int64", bare(err))
	}
	return n, nil
}

// missingOr returns Nil for a value that is missing, and else the error for one that
// does not fit.
func missingOr(err error, wanted string) error {
	if err == Nil { //nolint:errorlint // decoders return Nil itself
		return Nil
	}
	return want(wanted)
}

// decodeFloat decodes a double, also one that came as text or as an integer.
func decodeFloat(v proto.Value) (float64, error) {
	switch {
	case v.Kind() == proto.KindDouble:
		return v.Double(), nil
	case v.Kind() == proto.KindInt:
		return float64(v.Int()), nil
	}
	text, err := decodeString(v)
	if err != nil {
		return 0, missingOr(err, "float64")
	}
	f, err := parseFloat(text, 64)
	if err != nil {
		return 0, wantCause("float64", bare(err))
	}
	return f, nil
}

// parseFloat reads a number in decimal. What Go takes beyond that, 1_000 and 0x1p4, is a
// text: no server writes a number so.
func parseFloat(text string, bits int) (float64, error) {
	switch {
	case strings.ContainsAny(text, "_xX"):
		return 0, strconv.ErrSyntax
	case text == "-nan": // as C libraries print it, and Lua in scripts
		return math.NaN(), nil
	}
	return strconv.ParseFloat(text, bits)
}

// decodeBool decodes a boolean, the integers 1 and 0, or a text that says one.
func decodeBool(v proto.Value) (bool, error) {
	if v.Kind() == proto.KindBool {
		return v.Bool(), nil
	}
	text, err := decodeString(v)
	if err != nil {
		return false, missingOr(err, "bool")
	}
	b, err := strconv.ParseBool(text)
	if err != nil {
		return false, wantCause("bool", bare(err))
	}
	return b, nil
}

// decodeOK decodes the "+OK" of commands that have nothing else to say.
func decodeOK(v proto.Value) (struct{}, error) {
	if isText(v) && v.Str() == "OK" {
		return struct{}{}, nil
	}
	return struct{}{}, want("OK")
}

// decodeApplied decodes OK as true and null as false: a command under a
// condition.
func decodeApplied(v proto.Value) (bool, error) {
	if v.IsNull() {
		return false, nil
	}
	_, err := decodeOK(v)
	return err == nil, err
}

// shareLimit is how many bytes a string may keep alive besides its own: the
// strings of a reply up to this size share its memory.
const shareLimit = 64 << 10

// texts gives out the strings of one reply. Those of a small reply share its
// memory; those of a large one are copied into pieces of shareLimit, so that a
// string that is kept does not keep all of a large reply.
type texts struct {
	copying bool
	piece   strings.Builder
}

// textsOf returns the texts of a reply.
func textsOf(v proto.Value) *texts { return &texts{copying: v.Size() > shareLimit} }

// text returns s, or a copy of it.
func (t *texts) text(s string) string {
	if !t.copying {
		return s
	}
	if len(s) > shareLimit/4 {
		return strings.Clone(s)
	}
	if t.piece.Len()+len(s) > t.piece.Cap() {
		t.piece.Reset()
		t.piece.Grow(shareLimit)
	}
	from := t.piece.Len()
	t.piece.WriteString(s)
	return t.piece.String()[from:]
}

// string decodes an element as a string that is not missing.
func (t *texts) string(v proto.Value) (string, error) {
	if v.Kind() == proto.KindBulk {
		return t.text(v.Str()), nil
	}
	s, err := decodeString(v)
	if err != nil {
		return "", want("string")
	}
	return t.text(s), nil
}

// decodeStrings decodes an array or set of texts. Null is empty: no command
// that uses it tells an empty list from a missing one.
func decodeStrings(v proto.Value) ([]string, error) {
	if v.IsNull() {
		return nil, nil
	}
	return decodeEach(v, "[]string", textsOf(v).string)
}

// decodeOptionalStrings decodes an array of texts and nulls.
func decodeOptionalStrings(v proto.Value) ([]Optional[string], error) {
	if v.Kind() != proto.KindArray {
		return nil, want("[]Optional[string]")
	}
	return decodeEach(v, "[]Optional[string]", optional(textsOf(v).string))
}

// decodeOptionalInts decodes an array of integers and nulls.
func decodeOptionalInts(v proto.Value) ([]Optional[int64], error) {
	return decodeEach(v, "[]Optional[int64]", optional(decodeInt))
}

// optional makes a decoder take null for a missing value.
func optional[T any](decode func(proto.Value) (T, error)) func(proto.Value) (Optional[T], error) {
	return func(v proto.Value) (Optional[T], error) {
		if v.IsNull() {
			return Optional[T]{}, nil
		}
		value, err := decode(v)
		return Optional[T]{value, err == nil}, err
	}
}

// decodeEach decodes an array or set, each element by decode; null, where decode
// does not take it, does not fit. Error replies among the elements are a
// [*PartialError] beside the others.
func decodeEach[T any](v proto.Value, wanted string, decode func(proto.Value) (T, error)) ([]T, error) {
	if v.Kind() != proto.KindArray && v.Kind() != proto.KindSet {
		return nil, want(wanted)
	}
	var bad partial
	result := make([]T, 0, v.Len())
	e := v.Elems()
	for e.Next() {
		if bad.takes(len(result), "", e.Value()) {
			result = append(result, *new(T))
			continue
		}
		one, err := decode(e.Value())
		if err != nil {
			return nil, want(wanted)
		}
		result = append(result, one)
	}
	return result, bad.err(len(result))
}

// decodeInts decodes an array of integers.
func decodeInts(v proto.Value) ([]int64, error) { return decodeEach(v, "[]int64", decodeInt) }

// decodeBools decodes an array of ones and zeros.
func decodeBools(v proto.Value) ([]bool, error) { return decodeEach(v, "[]bool", decodeBool) }

// decodeRecord gives each field of a record to field: of a map, or of the flat array
// that RESP2 has in its place. What field does not know it skips, because servers
// add fields.
func decodeRecord(v proto.Value, wanted string, field func(name string, value proto.Value) error) error {
	if !isPairs(v) {
		return want(wanted)
	}
	e := v.Elems()
	for e.Next() {
		name := e.Value()
		if !isText(name) || !e.Next() {
			return want(wanted)
		}
		if err := field(name.Str(), e.Value()); err != nil {
			return want(wanted)
		}
	}
	return nil
}

// into decodes a field of a record to where it belongs.
func into[T any](to *T, v proto.Value, decode func(proto.Value) (T, error)) error {
	value, err := decode(v)
	if err == nil {
		*to = value
	}
	return err
}

// isPairs reports whether v can be read two by two: a map, or the flat array
// that RESP2 has in its place.
func isPairs(v proto.Value) bool {
	return v.Kind() == proto.KindMap || v.Kind() == proto.KindArray && v.Len()%2 == 0
}

// decodeStringMap decodes a map of texts.
func decodeStringMap(v proto.Value) (map[string]string, error) {
	if !isPairs(v) {
		return nil, want("map[string]string")
	}
	t := textsOf(v)
	result := make(map[string]string, v.Len()/2)
	e := v.Elems()
	for e.Next() {
		key, err := t.string(e.Value())
		if err != nil || !e.Next() {
			return nil, want("map[string]string")
		}
		if result[key], err = t.string(e.Value()); err != nil {
			return nil, want("map[string]string")
		}
	}
	return result, nil
}

// AsBytes returns cmd with its text as bytes, which are the caller's own.
func AsBytes[U any](cmd Cmd[U]) Cmd[[]byte] { return As(cmd, decodeBytes) }

// AsString returns cmd with its reply as text; numbers become their decimal
// form.
func AsString[U any](cmd Cmd[U]) Cmd[string] { return As(cmd, decodeString) }

// AsStrings returns cmd with its array or set of texts as a slice. Names and values, such
// as those of [HGetAll] or [ZRangeWithScores], take turns.
func AsStrings[U any](cmd Cmd[U]) Cmd[[]string] {
	form := cmd.request.form()
	return As(cmd, func(v proto.Value) ([]string, error) {
		if v.IsNull() {
			return nil, nil
		}
		return decodeElems(form, v, "[]string", textsOf(v).string)
	})
}

// decodeElems is decodeEach for the elements of a reply as RESP2 has them.
func decodeElems[T any](f form, v proto.Value, wanted string, decode func(proto.Value) (T, error)) ([]T, error) {
	if !isList(v) {
		return nil, want(wanted)
	}
	var bad partial
	result := make([]T, 0, v.Len())
	for e := range f.elems(v) {
		if bad.takes(len(result), "", e) {
			result = append(result, *new(T))
			continue
		}
		one, err := decode(e)
		if err != nil {
			return nil, wantInside("an array of ", e, err)
		}
		result = append(result, one)
	}
	return result, bad.err(len(result))
}

// AsInt returns cmd with its integer, also one that is stored as text.
func AsInt[U any](cmd Cmd[U]) Cmd[int64] { return As(cmd, decodeInt) }

// AsFloat returns cmd with its number, also one that is stored as text. One that is too
// large for a float64 is an error; "inf" and "-inf" are infinities.
func AsFloat[U any](cmd Cmd[U]) Cmd[float64] { return As(cmd, decodeFloat) }

// AsBool returns cmd with its reply as a boolean: RESP3's own, 1 and 0, or a text that
// [strconv.ParseBool] reads, such as "true" or "false".
func AsBool[U any](cmd Cmd[U]) Cmd[bool] { return As(cmd, decodeBool) }

// AsJSON returns cmd with its text decoded by encoding/json into a T:
//
//	user, err := command.AsJSON[User](command.Get("user:1")).Do(ctx, client)
//
// A missing value is [Nil].
func AsJSON[T, U any](cmd Cmd[U]) Cmd[T] {
	return As(cmd, func(v proto.Value) (T, error) {
		var result T
		text, err := decodeBytes(v)
		if err != nil {
			return result, err
		}
		if err := json.Unmarshal(text, &result); err != nil {
			var zero T
			return zero, wantCause("JSON", err)
		}
		return result, nil
	})
}

// AsBinary returns cmd with its text decoded by T's own UnmarshalBinary.
func AsBinary[T any, P interface {
	*T
	encoding.BinaryUnmarshaler
}, U any](cmd Cmd[U]) Cmd[T] {
	return As(cmd, func(v proto.Value) (T, error) {
		var result T
		data, err := decodeBytes(v)
		if err != nil {
			return result, err
		}
		if err := P(&result).UnmarshalBinary(data); err != nil {
			var zero T
			return zero, wantCause("the type's binary form", err)
		}
		return result, nil
	})
}

// decodeUint decodes an unsigned integer, also one that came as text.
func decodeUint(v proto.Value) (uint64, error) {
	switch {
	case v.Kind() == proto.KindInt && v.Int() >= 0:
		return uint64(v.Int()), nil
	}
	text, err := decodeString(v)
	if err != nil || v.Kind() == proto.KindInt {
		return 0, want("uint64")
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, wantCause("uint64", bare(err))
	}
	return n, nil
}
