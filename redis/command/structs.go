package command

import (
	"encoding"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/redchan-go/redchan/proto"
)

// AsStruct returns cmd with its fields and values, such as those of [HGetAll], in a
// struct T. Each exported field that has a tag takes the field of that name:
//
//	type User struct {
//		Name  string        `redis:"name"`
//		Born  time.Time     `redis:"born"`    // RFC 3339, or seconds since 1970
//		Quota time.Duration `redis:"quota"`   // "1h30m", or seconds
//		Tags  []string      `redis:"tags,json"`
//		Login *int64        `redis:"login"`   // nil where it is missing
//	}
//
//	u, err := command.AsStruct[User](command.HGetAll("user:1")).Do(ctx, client)
//
// Fields can be strings, byte slices, numbers, booleans (1, 0, true, false), times,
// durations, types made from these, pointers to them, and what has an UnmarshalText or
// UnmarshalBinary; with ",json" anything that JSON has. What the reply does not have
// stays zero, and what the struct does not have is left out. Structs that are embedded
// count as part of T.
//
// [Nil]: there are no fields at all, as for a key that does not exist. [Struct] is the
// other direction.
func AsStruct[T, U any](cmd Cmd[U]) Cmd[T] {
	return As(cmd, func(v proto.Value) (T, error) {
		var result T
		if v.IsNull() || isPairs(v) && v.Len() == 0 {
			return result, Nil
		}
		if !isPairs(v) {
			return result, want("fields and values")
		}
		into, err := fieldsOf(reflect.ValueOf(&result).Elem())
		if err != nil {
			return result, err
		}
		for name, value := range v.Pairs() {
			text, err := decodeString(value)
			if err != nil {
				return result, want("fields and values")
			}
			if err := into.set(name.Str(), text); err != nil {
				var none T
				return none, err
			}
		}
		return result, nil
	})
}

// Scan puts the fields of an entry into the struct that to points to, by the rules of
// [AsStruct].
func (e Entry) Scan(to any) error {
	v := reflect.ValueOf(to)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return badArgument("a %T is no pointer to a struct", to)
	}
	into, err := fieldsOf(v.Elem())
	if err != nil {
		return err
	}
	for _, f := range e.Fields {
		if err := into.set(f.Name, f.Value); err != nil {
			return err
		}
	}
	return nil
}

// Struct gives the fields of a struct, or of what v points to, as fields and values to
// [HSet], [XAdd] and their kind, by the tags of [AsStruct]. A field with ",omitempty"
// is left out where it is zero, and so is a nil pointer. Times are sent as RFC 3339,
// durations as 1h30m0s, booleans as 1 and 0.
func Struct(v any) FieldValues { return structFields{v} }

type structFields struct{ v any }

func (s structFields) appendFields(r *Request, asKeys bool) {
	v := reflect.ValueOf(s.v)
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	fields, err := fieldsOf(v)
	if err != nil {
		r.fail(err)
		return
	}
	for _, f := range fields.list {
		text, present, err := f.text()
		r.fail(err)
		if present && err == nil {
			r.add(argument{key: asKeys, text: f.name})
			r.word(text)
		}
	}
}

// fields are the fields of a struct that have a tag.
type fields struct{ list []field }

type field struct {
	name      string
	value     reflect.Value
	asJSON    bool
	omitEmpty bool
}

// fieldsOf finds the fields of a struct.
func fieldsOf(v reflect.Value) (fields, error) {
	var f fields
	if v.Kind() != reflect.Struct {
		what := "nil"
		if v.IsValid() {
			what = "a " + v.Type().String()
		}
		return f, badArgument("%s is no struct", what)
	}
	if err := f.add(v); err != nil {
		return f, err
	}
	if len(f.list) == 0 {
		return f, badArgument("a %s has no exported field with a tag `redis:\"name\"`", v.Type())
	}
	return f, nil
}

func (f *fields) add(v reflect.Value) error {
	for i := range v.NumField() {
		info := v.Type().Field(i)
		tag, tagged := info.Tag.Lookup("redis")
		switch {
		case info.Anonymous && !tagged && info.Type.Kind() == reflect.Struct:
			if err := f.add(v.Field(i)); err != nil {
				return err
			}
			continue
		case !tagged || tag == "-":
			continue
		case !info.IsExported():
			return badArgument("the field %s of %s has a tag and is not exported", info.Name, v.Type())
		}
		name, options, _ := strings.Cut(tag, ",")
		one := field{name: name, value: v.Field(i)}
		for option := range strings.SplitSeq(options, ",") {
			switch option {
			case "json":
				one.asJSON = true
			case "omitempty":
				one.omitEmpty = true
			case "":
			default:
				return badArgument("the field %s of %s has an unknown option in its tag: %q", info.Name, v.Type(), option)
			}
		}
		if name == "" {
			return badArgument("the field %s of %s has a tag without a name", info.Name, v.Type())
		}
		f.list = append(f.list, one)
	}
	return nil
}

// set sets the field of a name; the last one where there are several.
func (f *fields) set(name, text string) error {
	for i := len(f.list) - 1; i >= 0; i-- {
		if f.list[i].name == name {
			if err := f.list[i].set(text); err != nil {
				return wantCause(fmt.Sprintf("a %s in the field %q", f.list[i].value.Type(), name), err)
			}
			return nil
		}
	}
	return nil
}

func (f *field) set(text string) error {
	v := f.value
	if f.asJSON {
		return json.Unmarshal([]byte(text), v.Addr().Interface())
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	return setText(v, text)
}

// setText sets v, which can be set, from its text.
func setText(v reflect.Value, text string) error {
	switch to := v.Addr().Interface().(type) {
	case *time.Time:
		t, err := parseTime(text)
		*to = t
		return err
	case *time.Duration:
		d, err := parseDuration(text)
		*to = d
		return err
	case encoding.TextUnmarshaler:
		return to.UnmarshalText([]byte(text))
	case encoding.BinaryUnmarshaler:
		return to.UnmarshalBinary([]byte(text))
	}
	bits := 0
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return bare(err)
		}
		v.SetBool(b)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		bits = v.Type().Bits()
		n, err := strconv.ParseInt(text, 10, bits)
		if err != nil {
			return bare(err)
		}
		v.SetInt(n)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		bits = v.Type().Bits()
		n, err := strconv.ParseUint(text, 10, bits)
		if err != nil {
			return bare(err)
		}
		v.SetUint(n)
	case reflect.Float32, reflect.Float64:
		n, err := strconv.ParseFloat(text, v.Type().Bits())
		if err != nil {
			return bare(err)
		}
		v.SetFloat(n)
	default:
		if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte(text))
			return nil
		}
		return badArgument("text does not become a %s: give it an UnmarshalText, or the option ,json in its tag", v.Type())
	}
	return nil
}

// text returns what is to be sent for a field, and whether anything is.
func (f *field) text() (text string, present bool, err error) {
	v := f.value
	if f.omitEmpty && v.IsZero() {
		return "", false, nil
	}
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return "", false, nil
	}
	if f.asJSON {
		data, err := json.Marshal(v.Interface())
		return string(data), true, err
	}
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if !v.CanAddr() { // methods may want a pointer
		copied := reflect.New(v.Type()).Elem()
		copied.Set(v)
		v = copied
	}
	switch from := v.Addr().Interface().(type) {
	case *time.Time:
		return from.Format(time.RFC3339Nano), true, nil
	case *time.Duration:
		return from.String(), true, nil
	case encoding.TextMarshaler:
		data, err := from.MarshalText()
		return string(data), true, err
	case encoding.BinaryMarshaler:
		data, err := from.MarshalBinary()
		return string(data), true, err
	}
	if v.Kind() == reflect.Bool {
		if v.Bool() {
			return "1", true, nil
		}
		return "0", true, nil
	}
	a, err := madeValue(v)
	if err != nil {
		return "", false, badArgument("the field %q: %v; or give it the option ,json in its tag", f.name, err)
	}
	one := Request{n: 1}
	one.inline[0] = a
	return one.text(0), true, nil
}

// parseTime reads a time: RFC 3339, or seconds since 1970, with a fraction or not.
func parseTime(text string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t, nil
	}
	seconds, fraction, _ := strings.Cut(text, ".")
	n, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("it is neither RFC 3339 nor seconds: %w", bare(err))
	}
	nanos, err := nanosOf(fraction)
	if strings.HasPrefix(text, "-") {
		nanos = -nanos
	}
	return time.Unix(n, nanos), err
}

// nanosOf returns the nanoseconds of a decimal fraction's digits.
func nanosOf(fraction string) (int64, error) {
	const digits = 9
	if fraction == "" {
		return 0, nil
	}
	if len(fraction) > digits {
		fraction = fraction[:digits]
	}
	n, err := strconv.ParseUint(fraction+strings.Repeat("0", digits-len(fraction)), 10, 32)
	return int64(n), bare(err)
}

// parseDuration reads a duration as Go writes it, or as seconds.
func parseDuration(text string) (time.Duration, error) {
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		if d, err := time.ParseDuration(text + "s"); err == nil {
			return d, nil // exactly
		}
		// It has an exponent, or is too much.
		nanos := math.Round(seconds * float64(time.Second))
		if nanos >= math.MinInt64 && nanos < math.MaxInt64 { // which is 1<<63 as a float64
			return time.Duration(nanos), nil
		}
		return 0, fmt.Errorf("more than a duration can hold")
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("it is neither a duration such as 1h30m nor seconds")
	}
	return d, nil
}
