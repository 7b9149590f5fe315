package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/redchan-go/redchan/proto"
)

// AsAny returns cmd with its reply as the Go value that fits it: nil, string, int64,
// float64, bool, []any, and map[string]any for RESP3's maps. Null is nil and no error.
func AsAny[U any](cmd Cmd[U]) Cmd[any] {
	return As(cmd, func(v proto.Value) (any, error) { return ToAny(v, nil) })
}

// AsGuess is [AsAny] for stored text that may be anything: a text becomes what JSON
// makes of it, else a number, else text where it is UTF-8, else bytes. It suits tools
// that show what somebody else has stored; programs that know what they store say it.
func AsGuess[U any](cmd Cmd[U]) Cmd[any] {
	return As(cmd, func(v proto.Value) (any, error) { return ToAny(v, Guess) })
}

// DoAny sends a command of any type through d and returns its reply as [ToAny] does.
func DoAny(ctx context.Context, d Doer, cmd Queueable, text func(string) any) (any, error) {
	c := Cmd[any]{cmd.Request(), func(v proto.Value) (any, error) { return ToAny(v, text) }}
	return c.do(ctx, d)
}

// Guess returns what a text most likely stands for: JSON's value, else a number, else the
// text itself, else, where it is no UTF-8, its bytes. It is what [AsGuess] does. Whole
// numbers are int64 where they fit, also inside of JSON, and others float64. What begins
// with a zero that JSON does not allow, such as 007, is a text, and so are inf and nan.
func Guess(text string) any {
	if v, ok := guessJSON(text); ok {
		return v
	}
	if looksDecimal(text) {
		if f, err := strconv.ParseFloat(text, 64); err == nil {
			return f
		}
	}
	if !utf8.ValidString(text) {
		return []byte(text)
	}
	return text
}

// guessJSON reads a text that is JSON.
func guessJSON(text string) (any, bool) {
	if text == "" || !json.Valid([]byte(text)) {
		return nil, false
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, false
	}
	return withNumbers(v), true
}

// withNumbers turns the numbers in what JSON was decoded to into int64 and float64.
func withNumbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, err := v.Float64()
		if err != nil { // too large for a float64
			return v.String()
		}
		return f
	case []any:
		for i := range v {
			v[i] = withNumbers(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = withNumbers(v[key])
		}
	}
	return v
}

// looksDecimal reports whether a text is a decimal number that JSON spells otherwise:
// with a plus in front, or without a digit on one side of the point.
func looksDecimal(text string) bool {
	text = strings.TrimLeft(text, "+-")
	digits := false
	for i := range len(text) {
		switch ch := text[i]; {
		case ch >= '0' && ch <= '9':
			if ch == '0' && i == 0 && len(text) > 1 && text[1] >= '0' && text[1] <= '9' {
				return false
			}
			digits = true
		case ch == '.', digits && (ch == 'e' || ch == 'E'), i > 0 && (ch == '+' || ch == '-'):
		default:
			return false
		}
	}
	return digits
}

// ToAny returns a reply as the Go value that fits it, see [AsAny], and its texts as text
// makes them, such as [Guess]; nil leaves them strings. An error reply inside of an
// aggregate is a [*proto.Error] in its place.
func ToAny(v proto.Value, text func(string) any) (any, error) {
	switch v.Kind() {
	case proto.KindNull:
		return nil, nil
	case proto.KindError:
		return v.Err(), nil
	case proto.KindInt:
		return v.Int(), nil
	case proto.KindDouble:
		return v.Double(), nil
	case proto.KindBool:
		return v.Bool(), nil
	case proto.KindMap:
		m := make(map[string]any, v.Len()/2)
		for key, value := range v.Pairs() {
			name, err := decodeString(key)
			if err != nil {
				return nil, want("a map with texts for keys")
			}
			if m[name], err = ToAny(value, text); err != nil {
				return nil, err
			}
		}
		return m, nil
	case proto.KindArray, proto.KindSet, proto.KindPush:
		list := make([]any, 0, v.Len())
		e := v.Elems()
		for e.Next() {
			one, err := ToAny(e.Value(), text)
			if err != nil {
				return nil, err
			}
			list = append(list, one)
		}
		return list, nil
	}
	if text == nil {
		return v.Str(), nil
	}
	return text(v.Str()), nil
}

// AsUint returns cmd with its number as an unsigned one, also one that is stored as
// text.
func AsUint[U any](cmd Cmd[U]) Cmd[uint64] {
	return As(cmd, func(v proto.Value) (uint64, error) {
		if v.IsNull() {
			return 0, Nil
		}
		return decodeUint(v)
	})
}

// AsTime returns cmd with its time: RFC 3339, or seconds since 1970, with a fraction or
// not.
func AsTime[U any](cmd Cmd[U]) Cmd[time.Time] {
	return As(cmd, func(v proto.Value) (time.Time, error) { return fromText(v, "time.Time", parseTime) })
}

// AsDuration returns cmd with its duration: as Go writes it, such as 1h30m, or seconds,
// with a fraction or not.
func AsDuration[U any](cmd Cmd[U]) Cmd[time.Duration] {
	return As(cmd, func(v proto.Value) (time.Duration, error) { return fromText(v, "time.Duration", parseDuration) })
}

// fromText decodes what stands in a text.
func fromText[T any](v proto.Value, wanted string, parse func(string) (T, error)) (T, error) {
	var none T
	text, err := decodeString(v)
	if err != nil {
		return none, err
	}
	result, err := parse(text)
	if err != nil {
		return none, wantCause(wanted, err)
	}
	return result, nil
}

// AsText returns cmd with its text decoded by T's own UnmarshalText.
func AsText[T any, P interface {
	*T
	UnmarshalText(text []byte) error
}, U any](cmd Cmd[U]) Cmd[T] {
	return As(cmd, func(v proto.Value) (T, error) {
		return fromText(v, "the type's text form", func(text string) (T, error) {
			var result T
			err := P(&result).UnmarshalText([]byte(text))
			return result, err
		})
	})
}

// AsSlice returns cmd, whose reply is an array or set, with each element decoded as one
// of the other functions says:
//
//	command.AsSlice(command.LRange("scores", 0, -1), command.AsInt)
//
// A missing element does not fit, unless element is [AsAny] or [AsGuess].
func AsSlice[T, U any](cmd Cmd[U], element func(Cmd[U]) Cmd[T]) Cmd[[]T] {
	one := element(cmd)
	decode := one.decode
	cmd.request = cmd.request.refused(one.request.Err())
	return As(cmd, func(v proto.Value) ([]T, error) {
		if v.IsNull() {
			return nil, nil
		}
		if v.Kind() != proto.KindArray && v.Kind() != proto.KindSet {
			return nil, want("an array")
		}
		result := make([]T, 0, v.Len())
		e := v.Elems()
		for e.Next() {
			one, err := decode(e.Value())
			if err != nil {
				return nil, wantInside("an array of ", e.Value(), err)
			}
			result = append(result, one)
		}
		return result, nil
	})
}

// AsMap returns cmd, whose reply is fields and values, with each value decoded as one
// of the other functions says, see [AsSlice]:
//
//	command.AsMap(command.HGetAll("stock"), command.AsInt)
func AsMap[T, U any](cmd Cmd[U], value func(Cmd[U]) Cmd[T]) Cmd[map[string]T] {
	one := value(cmd)
	decode := one.decode
	cmd.request = cmd.request.refused(one.request.Err())
	return As(cmd, func(v proto.Value) (map[string]T, error) {
		if !isPairs(v) {
			return nil, want("a map")
		}
		result := make(map[string]T, v.Len()/2)
		for key, value := range v.Pairs() {
			name, err := decodeString(key)
			if err != nil {
				return nil, want("a map with texts for keys")
			}
			if result[name], err = decode(value); err != nil {
				return nil, wantInside("a map of ", value, err)
			}
		}
		return result, nil
	})
}

// wantInside is the error for an element that does not fit.
func wantInside(of string, v proto.Value, err error) error {
	var inner *DecodeError
	if errors.As(err, &inner) {
		return &DecodeError{Want: of + inner.Want, Err: fmt.Errorf("one is %s", shape(v))}
	}
	if err == Nil { //nolint:errorlint // decoders return Nil itself; it is not that the whole is missing
		return &DecodeError{Want: of + "values", Err: errors.New("one is missing")}
	}
	return &DecodeError{Want: of + "values", Err: fmt.Errorf("one is %s: %w", shape(v), err)}
}
