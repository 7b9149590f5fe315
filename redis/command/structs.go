package command

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
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
// stays zero, and what the struct does not have is left out. Structs that are embedded,
// or pointers to them, count as part of T.
//
// The fields of [HMGet], [HGetEX] and [MGet] go by the names that were asked for. An
// array of a command that does not say that it is names and values is refused, see
// [AsFields].
//
// A T that is no such struct is [ErrArgument], before anything is sent.
//
// [Nil]: there are no fields at all, as for a key that does not exist. Fields that are
// error replies are reported by a [*PartialError], with the others in the result. [Struct]
// is the other direction.
func AsStruct[T, U any](cmd Cmd[U]) Cmd[T] {
	layout := layoutOf(reflect.TypeFor[T]())
	cmd.request = cmd.request.refused(layout.unread)
	read := cmd.request.fieldReader()
	return As(cmd, func(v proto.Value) (T, error) {
		const wanted = "fields and values"
		var result, none T
		if v.IsNull() {
			return none, Nil
		}
		var bad partial
		found := false
		into := reflect.ValueOf(&result).Elem()
		err := read.each(v, wanted, func(i int, name string, v proto.Value) error {
			found = true
			if bad.takes(i, name, v) {
				return nil
			}
			text, err := decodeString(v)
			if err != nil {
				return want(wanted)
			}
			return layout.set(into, name, text)
		})
		switch {
		case err != nil:
			return none, err
		case !found:
			return none, Nil
		}
		return result, bad.err(read.count(v))
	})
}

// Scan puts the fields of an entry into the struct that to points to, by the rules of
// [AsStruct].
func (e Entry) Scan(to any) error {
	v := reflect.ValueOf(to)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return badArgument("a %T is no pointer to a struct", to)
	}
	layout := layoutOf(v.Elem().Type())
	if layout.err != nil {
		return layout.err
	}
	for _, f := range e.Fields {
		if err := layout.set(v.Elem(), f.Name, f.Value); err != nil {
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
	if !v.IsValid() {
		r.fail(badArgument("nil is no struct"))
		return
	}
	layout := layoutOf(v.Type())
	if layout.err != nil {
		r.fail(layout.err)
		return
	}
	for i := range layout.fields {
		f := &layout.fields[i]
		text, present, err := f.text(v)
		if err != nil && !errors.Is(err, ErrArgument) {
			err = fmt.Errorf("%w: the field %q: %w", ErrArgument, f.name, err)
		}
		r.fail(err)
		if present && err == nil {
			r.add(argument{key: asKeys, text: f.name})
			r.word(text)
		}
	}
}

// layout is what the tags of a struct say.
type layout struct {
	fields []field
	err    error // why the type is of no use
	unread error // why nothing can be read into it: err, or what only writing can do with
}

// field is a field that has a tag.
type field struct {
	name      string
	of        reflect.Type
	path      []int // to the field, through the structs that are embedded
	asJSON    bool
	omitEmpty bool
}

// layouts has the layouts that were asked for, by their reflect.Type.
var layouts sync.Map

// layoutOf returns the layout of a type.
func layoutOf(t reflect.Type) *layout {
	if known, ok := layouts.Load(t); ok {
		return known.(*layout) //nolint:forcetypeassert // it has nothing else
	}
	l := new(layout)
	if t.Kind() != reflect.Struct {
		l.err = badArgument("a %s is no struct", t)
	} else if l.err = l.add(t, nil, nil); l.err == nil && len(l.fields) == 0 {
		l.err = badArgument("a %s has no exported field with a tag `redis:\"name\"`", t)
	}
	if l.err != nil {
		l.unread = l.err
	}
	for _, f := range l.fields {
		if l.unread == nil && !f.asJSON && !readable(f.of) {
			l.unread = unreadable(f.of)
		}
	}
	layouts.Store(t, l)
	return l
}

// add adds the fields of a struct that is found at a path, inside of others.
func (l *layout) add(t reflect.Type, path []int, inside []reflect.Type) error {
	if slices.Contains(inside, t) {
		return nil // it embeds a pointer to itself
	}
	inside = append(slices.Clip(inside), t)
	for i := range t.NumField() {
		info := t.Field(i)
		at := append(slices.Clip(path), i)
		tag, tagged := info.Tag.Lookup("redis")
		embedded := info.Type
		if embedded.Kind() == reflect.Pointer {
			embedded = embedded.Elem()
		}
		switch {
		case info.Anonymous && !tagged && embedded.Kind() == reflect.Struct:
			before := len(l.fields)
			if err := l.add(embedded, at, inside); err != nil {
				return err
			}
			if embedded != info.Type && !info.IsExported() && len(l.fields) > before {
				l.unread = badArgument("the pointer %s that %s embeds is not exported: embed the struct itself", info.Name, t)
			}
			continue
		case !tagged || tag == "-":
			continue
		case !info.IsExported():
			return badArgument("the field %s of %s has a tag and is not exported", info.Name, t)
		}
		name, options, _ := strings.Cut(tag, ",")
		one := field{name: name, of: info.Type, path: at}
		for option := range strings.SplitSeq(options, ",") {
			switch option {
			case "json":
				one.asJSON = true
			case "omitempty":
				one.omitEmpty = true
			case "":
			default:
				return badArgument("the field %s of %s has an unknown option in its tag: %q", info.Name, t, option)
			}
		}
		if name == "" {
			return badArgument("the field %s of %s has a tag without a name", info.Name, t)
		}
		l.fields = append(l.fields, one)
	}
	return nil
}

// readable reports whether setText knows what to do with a type, or what it points to.
func readable(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	to := reflect.PointerTo(t)
	if to.Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) || to.Implements(reflect.TypeFor[encoding.BinaryUnmarshaler]()) {
		return true
	}
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return true
	}
	return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8
}

// unreadable is the error for a type that is not readable.
func unreadable(t reflect.Type) error {
	return badArgument("text does not become a %s: give it an UnmarshalText, or the option ,json in its tag", t)
}

// set sets the field of a name in a struct; the last one where there are several.
func (l *layout) set(in reflect.Value, name, text string) error {
	for i := len(l.fields) - 1; i >= 0; i-- {
		if f := &l.fields[i]; f.name == name {
			if err := f.set(in, text); err != nil {
				return wantCause(fmt.Sprintf("a %s in the field %q", f.of, name), err)
			}
			return nil
		}
	}
	return nil
}

// set sets the field in a struct that can be set, and makes the embedded structs on the
// way to it.
func (f *field) set(v reflect.Value, text string) error {
	for _, i := range f.path {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				if !v.CanSet() {
					return badArgument("the embedded pointer to %s is nil and not exported", v.Type().Elem())
				}
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(i)
	}
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
		n, err := parseFloat(text, v.Type().Bits())
		if err != nil {
			return bare(err)
		}
		v.SetFloat(n)
	default:
		if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte(text))
			return nil
		}
		return unreadable(v.Type())
	}
	return nil
}

// text returns what is to be sent for a field of a struct, and whether anything is.
func (f *field) text(v reflect.Value) (text string, present bool, err error) {
	v, err = v.FieldByIndexErr(f.path)
	if err != nil { // an embedded pointer on the way is nil
		return "", false, nil //nolint:nilerr // so the field is not there
	}
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
	if seconds, err := parseFloat(text, 64); err == nil {
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
