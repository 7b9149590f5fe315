package command

import (
	"maps"
	"slices"

	"github.com/redchan-go/redchan/proto"
)

// FieldValues are the fields of a hash or of a stream's entry with their
// values, as commands take them: a [Map] or [Pairs].
type FieldValues interface{ appendFields(r *Request) }

// Map is fields and values without an order. They are sent in the order of
// their names, so that the same map is always the same command.
type Map map[string]any

func (m Map) appendFields(r *Request) {
	if len(m) == 0 {
		r.fail(badArgument("no fields"))
	}
	r.grow(2 * len(m))
	for _, field := range slices.Sorted(maps.Keys(m)) {
		r.word(field)
		r.value(m[field])
	}
}

// Pairs is fields and values in the order given, taking turns:
//
//	command.Pairs("name", "Ada", "born", 1815)
func Pairs(fieldsAndValues ...any) FieldValues { return pairs(fieldsAndValues) }

type pairs []any

func (p pairs) appendFields(r *Request) {
	if len(p) == 0 {
		r.fail(badArgument("no fields"))
	}
	if len(p)%2 != 0 {
		r.fail(badArgument("the field at the end has no value"))
	}
	r.values(p)
}

// fields appends fields and values.
func (r *Request) fields(f FieldValues) {
	if f == nil {
		r.fail(badArgument("no fields"))
		return
	}
	f.appendFields(r)
}

// HSet sets fields of a hash and returns how many of them are new.
// O(N). Since 2.0.0; several fields since 4.0.0.
func HSet(key string, fields FieldValues) Cmd[int64] {
	r := newRequest(&specHset)
	r.key(key)
	r.fields(fields)
	return Cmd[int64]{r, decodeInt}
}

// HGet returns one field of a hash. [Nil]: the key or the field does not
// exist. O(1). Since 2.0.0.
func HGet(key, field string) Cmd[string] {
	r := newRequest(&specHget)
	r.key(key)
	r.word(field)
	return Cmd[string]{r, decodeString}
}

// HDel removes fields of a hash and returns how many there were.
// O(N). Since 2.0.0; several fields since 2.4.0.
func HDel(key string, fields ...string) Cmd[int64] {
	r := newRequest(&specHdel)
	r.key(key)
	r.words("fields", fields)
	return Cmd[int64]{r, decodeInt}
}

// HGetAll returns all fields of a hash with their values; empty where the key
// does not exist. O(N). Since 2.0.0.
func HGetAll(key string) Cmd[map[string]string] {
	r := newRequest(&specHgetall)
	r.key(key)
	return Cmd[map[string]string]{r, decodeStringMap}
}

// Field is a name with its value, of a stream's entry.
type Field struct{ Name, Value string }

// decodeFields decodes names and values in their order.
func (t *texts) decodeFields(v proto.Value) ([]Field, error) {
	if !isPairs(v) {
		return nil, want("fields and values")
	}
	fields := make([]Field, 0, v.Len()/2)
	for name, value := range v.Pairs() {
		n, err := t.string(name)
		if err != nil {
			return nil, err
		}
		s, err := t.string(value)
		if err != nil {
			return nil, err
		}
		fields = append(fields, Field{n, s})
	}
	return fields, nil
}
