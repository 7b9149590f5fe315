package command

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"time"
)

// ErrArgument is found by errors.Is in the error for an argument that can't be
// sent. Nothing has been sent then.
var ErrArgument = errors.New("bad argument")

// badArgument says what is wrong with an argument.
func badArgument(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrArgument, fmt.Sprintf(format, args...))
}

// argument is one argument of a [Request], ready to be encoded. It is small,
// because requests are passed by value.
type argument struct {
	kind argumentKind
	key  bool   // names a key, by which a cluster routes
	num  int64  // the number; of bytes the place, see Request.bytes
	text string // of argumentText
}

type argumentKind uint8

const (
	argumentText argumentKind = iota
	argumentBytes
	argumentInt
	argumentUint
	argumentFloat
)

// word returns a text argument.
func word(s string) argument { return argument{text: s} }

// integer returns an integer argument.
func integer(n int64) argument { return argument{kind: argumentInt, num: n} }

// unsigned returns an unsigned integer argument.
func unsigned(n uint64) argument { return argument{kind: argumentUint, num: int64(n)} }

// float returns a floating-point argument. It must not be NaN.
func float(f float64) argument {
	return argument{kind: argumentFloat, num: int64(math.Float64bits(f))}
}

// value turns what a caller gave into an argument. It takes strings, byte
// slices, integers and floats, types made from them, and what [JSON] and
// [Binary] return. The rest is refused with the likely remedy. A type that a
// program made from time.Duration counts as the integer that it is. Bytes are
// copied.
//
// It must not let v itself escape: then a caller's string that is passed as
// an any costs no allocation.
func value(v any) (argument, error) {
	switch v := v.(type) {
	case string:
		return word(v), nil
	case []byte:
		return word(string(v)), nil
	case int:
		return integer(int64(v)), nil
	case int64:
		return integer(v), nil
	case int32:
		return integer(int64(v)), nil
	case int16:
		return integer(int64(v)), nil
	case int8:
		return integer(int64(v)), nil
	case uint:
		return unsigned(uint64(v)), nil
	case uint64:
		return unsigned(v), nil
	case uint32:
		return integer(int64(v)), nil
	case uint16:
		return integer(int64(v)), nil
	case uint8:
		return integer(int64(v)), nil
	case float64:
		return number(v)
	case float32:
		return single(float64(v))
	case Encoded:
		return word(string(v.data)), v.err
	case time.Duration:
		return argument{}, badArgument("a time.Duration has no one meaning as a value: " +
			"give d.Milliseconds(), d.Seconds() or d.String()")
	case time.Time:
		return argument{}, badArgument("a time.Time has no one meaning as a value: " +
			"give t.UnixMilli(), t.Format(...), or command.Text(t), which is RFC 3339")
	case bool:
		return argument{}, badArgument("a bool has no one meaning as a value: " +
			"give command.Bool(v), which is 1 or 0, or command.Text or command.JSON of what you made of it")
	case nil:
		return argument{}, badArgument("nil can't be stored: delete the key, or give an empty string")
	}
	return madeValue(reflect.ValueOf(v))
}

// madeValue is value for types that a program made from the simple ones.
func madeValue(v reflect.Value) (argument, error) {
	switch v.Kind() {
	case reflect.String:
		return word(v.String()), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return integer(v.Int()), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return unsigned(v.Uint()), nil
	case reflect.Float32:
		return single(v.Float())
	case reflect.Float64:
		return number(v.Float())
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return word(string(v.Bytes())), nil
		}
		return argument{}, badArgument("a %s is not one value: spread it with ..., or wrap it in command.JSON", v.Type())
	case reflect.Pointer:
		return argument{}, badArgument("a %s is a pointer: give what it points to", v.Type())
	}
	return argument{}, badArgument("a %s can't be stored as it is: wrap it in command.JSON or command.Binary", v.Type())
}

// number returns a float argument, refusing NaN, which no command takes.
func number(f float64) (argument, error) {
	if math.IsNaN(f) {
		return argument{}, badArgument("NaN is no number that a server takes")
	}
	return float(f), nil
}

// single returns a float32 as an argument, by way of text: 0.1 stays 0.1.
func single(v float64) (argument, error) {
	f, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', -1, 32), 64)
	return number(f)
}

// Encoded is a value that [JSON], [Binary], [Text] or [Bool] turned into bytes. It can
// stand wherever a command takes a value. The command reports an error of the encoding
// before anything is sent.
type Encoded struct {
	data []byte
	err  error
}

// JSON encodes v as encoding/json does, to be given as a value:
//
//	client.Set(ctx, "user:1", command.JSON(user))
//
// Read it back with [AsJSON].
func JSON(v any) Encoded {
	data, err := json.Marshal(v)
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrArgument, err)
	}
	return Encoded{data, err}
}

// Binary encodes m by its own MarshalBinary, to be given as a value.
func Binary(m encoding.BinaryMarshaler) Encoded {
	if m == nil {
		return Encoded{err: badArgument("nil can't be stored: delete the key, or give an empty string")}
	}
	data, err := m.MarshalBinary()
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrArgument, err)
	}
	return Encoded{data, err}
}

// Text encodes v by its own MarshalText, to be given as a value: a netip.Addr, a big.Int, a
// time.Time as RFC 3339. Read it back with [AsText].
func Text(v encoding.TextMarshaler) Encoded {
	if v == nil {
		return Encoded{err: badArgument("nil can't be stored: delete the key, or give an empty string")}
	}
	data, err := v.MarshalText()
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrArgument, err)
	}
	return Encoded{data, err}
}

// Bool encodes true as 1 and false as 0, to be given as a value. Read it back with
// [AsBool].
func Bool(v bool) Encoded {
	if v {
		return Encoded{data: []byte("1")}
	}
	return Encoded{data: []byte("0")}
}
