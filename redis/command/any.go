package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/redchan-go/redchan/proto"
)

// AsAny returns cmd with its reply as the Go value that fits it: nil, string, int64,
// float64, bool, []any, and map[string]any. Null is nil and no error.
//
// Where the command is known, RESP2 gives the same as RESP3: [HGetAll] a map, [ZScore] a
// float64, [ZRangeWithScores] a []any for each member and score. What is inside of other
// replies, and what scripts return, is as the protocol has it: RESP2 has no maps, doubles
// and booleans.
func AsAny[U any](cmd Cmd[U]) Cmd[any] { return asAny(cmd, nil) }

func asAny[U any](cmd Cmd[U], text func(string) any) Cmd[any] {
	form := cmd.request.form()
	return As(cmd, func(v proto.Value) (any, error) { return form.toAny(v, text) })
}

// AsGuess is [AsAny] for stored text that may be anything: a text becomes what JSON
// makes of it, else a number, else text where it is UTF-8, else bytes. It suits tools
// that show what somebody else has stored; programs that know what they store say it.
func AsGuess[U any](cmd Cmd[U]) Cmd[any] { return asAny(cmd, Guess) }

// DoAny sends a command of any type through d and returns its reply as [ToAny] does.
func DoAny(ctx context.Context, d Doer, cmd Queueable, text func(string) any) (any, error) {
	c := asAny(Cmd[any]{request: cmd.Request()}, text)
	return do(ctx, d, &c.request, c.decode)
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

// toAny is [ToAny] for a reply of the form.
func (f form) toAny(v proto.Value, text func(string) any) (any, error) {
	switch {
	case f == formMap && v.Kind() == proto.KindArray:
		return f.toMap(v, text)
	case (f == formPairs || f == formScores) && v.Kind() == proto.KindArray:
		return f.toPairs(v, text)
	case f == formOneScore && v.Kind() == proto.KindArray && v.Len() == 2:
		return f.toPair(v.Index(0), v.Index(1), text)
	case f == formScore:
		return scoreOr(v, text)
	case f == formScoreList && v.Kind() == proto.KindArray:
		list := make([]any, 0, v.Len())
		for e := range v.All() {
			one, err := scoreOr(e, text)
			if err != nil {
				return nil, err
			}
			list = append(list, one)
		}
		return list, nil
	}
	return ToAny(v, text)
}

// toMap makes a map of names and values.
func (f form) toMap(v proto.Value, text func(string) any) (any, error) {
	m := make(map[string]any, v.Len()/2)
	err := fieldReader{form: f}.each(v, "a map with texts for keys", func(_ int, name string, v proto.Value) (err error) {
		m[name], err = ToAny(v, text)
		return err
	})
	if err != nil {
		return nil, err
	}
	return m, nil
}

// toPairs makes a slice of pairs.
func (f form) toPairs(v proto.Value, text func(string) any) (any, error) {
	list := make([]any, 0, v.Len())
	var name proto.Value
	second := false
	for e := range f.elems(v) {
		if second {
			pair, err := f.toPair(name, e, text)
			if err != nil {
				return nil, err
			}
			list = append(list, pair)
		}
		name, second = e, !second
	}
	if second {
		return nil, want("names and values")
	}
	return list, nil
}

// toPair makes a slice of a name and its value.
func (f form) toPair(name, value proto.Value, text func(string) any) (any, error) {
	first, err := ToAny(name, text)
	if err != nil {
		return nil, err
	}
	second, err := ToAny(value, text)
	if f != formPairs {
		second, err = scoreOr(value, text)
	}
	return []any{first, second}, err
}

// scoreOr returns a score as a float64, and what is none as [ToAny] does.
func scoreOr(v proto.Value, text func(string) any) (any, error) {
	if isText(v) {
		return decodeFloat(v)
	}
	return ToAny(v, text)
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
// not. The replies of commands such as [ExpireTime] are read in their own unit. Any other
// integer is refused, because nothing tells its unit: read it by [AsInt].
func AsTime[U any](cmd Cmd[U]) Cmd[time.Time] {
	of := cmd.request.clock()
	if of.unit > 0 && !of.point {
		cmd.request = cmd.request.refused(badArgument("%s returns a length of time: use AsDuration", cmd.request.Name()))
	}
	return As(cmd, func(v proto.Value) (time.Time, error) {
		if v.Kind() != proto.KindInt && v.Kind() != proto.KindBool { // an integer in RESP2
			return fromText(v, "time.Time", parseTime)
		}
		n, err := of.count(v.Int())
		if err != nil {
			return time.Time{}, missingOrCause(err, "time.Time")
		}
		if of.unit == time.Millisecond {
			return time.UnixMilli(n), nil
		}
		return time.Unix(n, 0), nil
	})
}

// AsDuration returns cmd with its duration: as Go writes it, such as 1h30m, or seconds,
// with a fraction or not. The replies of commands such as [TTL] are read in their own
// unit; a key without an expiry has no duration, which is an error, and a key that does
// not exist is [Nil]. Any other integer is refused, because nothing tells its unit: read
// it by [AsInt].
func AsDuration[U any](cmd Cmd[U]) Cmd[time.Duration] {
	of := cmd.request.clock()
	if of.point {
		cmd.request = cmd.request.refused(badArgument("%s returns a point in time: use AsTime", cmd.request.Name()))
	}
	return As(cmd, func(v proto.Value) (time.Duration, error) {
		if v.Kind() != proto.KindInt && v.Kind() != proto.KindBool { // an integer in RESP2
			return fromText(v, "time.Duration", parseDuration)
		}
		n, err := of.count(v.Int())
		if err != nil {
			return 0, missingOrCause(err, "time.Duration")
		}
		if n > int64(math.MaxInt64/of.unit) {
			return 0, wantCause("time.Duration", errTooLong)
		}
		return time.Duration(n) * of.unit, nil
	})
}

// Why an integer is no time.
var (
	errNoUnit   = errors.New("nothing tells the unit of this integer: read it by AsInt")
	errNoExpiry = errors.New("there is no expiry")
	errTooLong  = errors.New("more than a duration can hold")
)

// count returns how many units a reply counts.
func (c clock) count(n int64) (int64, error) {
	switch {
	case c.unit == 0:
		return 0, errNoUnit
	case n == codeMissing:
		return 0, Nil
	case n == codeNoExpiry:
		return 0, errNoExpiry
	case n < 0:
		return 0, errNoUnit
	}
	return n, nil
}

// missingOrCause is [Nil] where err is, and else a decoder's error with its cause.
func missingOrCause(err error, wanted string) error {
	if err == Nil { //nolint:errorlint // decoders return Nil itself
		return Nil
	}
	return wantCause(wanted, err)
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
// Names and values, such as those of [HGetAll], take turns. A missing element does not
// fit, unless element is [AsAny], [AsGuess] or [AsOptional]. Elements that are error replies are
// reported by a [*PartialError], with the others in the result.
func AsSlice[T, U any](cmd Cmd[U], element func(Cmd[U]) Cmd[T]) Cmd[[]T] {
	form := cmd.request.form()
	value, name := element(cmd.as(form.valueForm())), element(cmd.as(formOther))
	cmd.request = cmd.request.refused(value.request.Err())
	return As(cmd, func(v proto.Value) ([]T, error) {
		if v.IsNull() {
			return nil, nil
		}
		isName := false
		return decodeElems(form, v, "an array", func(v proto.Value) (T, error) {
			if isName = !isName && form.paired(); isName {
				return name.decode(v)
			}
			return value.decode(v)
		})
	})
}

// as returns the command for its values, which have a form of their own.
func (c Cmd[T]) as(f form) Cmd[T] {
	c.request.as = f
	return c
}

// AsMap returns cmd, whose reply is names and values, with each value decoded as one
// of the other functions says, see [AsSlice]:
//
//	command.AsMap(command.HGetAll("stock"), command.AsInt)
//	command.AsMap(command.HMGet("stock", "apples", "pears"), command.AsInt)
//
// A field that [HMGet] and its kind don't find is not in the map. An array of a command
// that does not say that it is names and values is refused, see [AsFields].
func AsMap[T, U any](cmd Cmd[U], value func(Cmd[U]) Cmd[T]) Cmd[map[string]T] {
	read := cmd.request.fieldReader()
	one := value(cmd.as(read.form.valueForm()))
	decode := one.decode
	cmd.request = cmd.request.refused(one.request.Err())
	return As(cmd, func(v proto.Value) (map[string]T, error) {
		var bad partial
		result := make(map[string]T, v.Len()/2)
		err := read.each(v, "a map", func(i int, name string, v proto.Value) error {
			if bad.takes(i, name, v) {
				return nil
			}
			one, err := decode(v)
			switch {
			case err == nil:
				result[name] = one
			case err == Nil && read.form == formNamed: //nolint:errorlint // decoders return Nil itself
			default:
				return wantInside("a map of ", v, err)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		return result, bad.err(read.count(v))
	})
}

// wantInside is the error for an element that does not fit.
func wantInside(of string, v proto.Value, err error) error {
	var inner *DecodeError
	if errors.As(err, &inner) {
		cause := fmt.Errorf("one is %s", shape(v))
		if inner.Err != nil {
			cause = fmt.Errorf("%w: %w", cause, inner.Err)
		}
		return &DecodeError{Want: of + inner.Want, Err: cause}
	}
	if err == Nil { //nolint:errorlint // decoders return Nil itself; it is not that the whole is missing
		return &DecodeError{Want: of + "values", Err: errors.New("one is missing")}
	}
	return &DecodeError{Want: of + "values", Err: fmt.Errorf("one is %s: %w", shape(v), err)}
}
