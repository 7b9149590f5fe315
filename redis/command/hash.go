package command

import (
	"maps"
	"slices"

	"github.com/redchan-go/redchan/proto"
)

// FieldValues are names with their values, as commands take them: the fields of a
// hash or of a stream's entry, the keys of [MSet]. They are a [Map], [Pairs] or a
// [Struct].
type FieldValues interface {
	// appendFields appends them; the names are keys where asKeys says so.
	appendFields(r *Request, asKeys bool)
}

// Map is names and values without an order. They are sent in the order of
// their names, so that the same map is always the same command.
type Map map[string]any

func (m Map) appendFields(r *Request, asKeys bool) {
	r.grow(2 * len(m))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		r.add(argument{key: asKeys, text: name})
		r.value(m[name])
	}
}

// Pairs is names and values in the order given, taking turns:
//
//	command.Pairs("name", "Ada", "born", 1815)
func Pairs(fieldsAndValues ...any) FieldValues { return pairs(fieldsAndValues) }

type pairs []any

func (p pairs) appendFields(r *Request, asKeys bool) {
	if len(p)%2 != 0 {
		r.fail(badArgument("the name at the end has no value"))
	}
	r.grow(len(p))
	for i := range p {
		r.value(p[i])
		if asKeys && i%2 == 0 {
			r.at(r.Len() - 1).key = true
		}
	}
}

// fields appends fields and values, and returns how many fields they are.
func (r *Request) fields(f FieldValues) int { return r.namesAndValues("fields", f, false) }

// keyValues appends keys and values, and returns how many keys they are.
func (r *Request) keyValues(f FieldValues) int { return r.namesAndValues("keys", f, true) }

// namesAndValues appends names and values, of which there must be one pair at
// least; what calls the names in the error.
func (r *Request) namesAndValues(what string, f FieldValues, asKeys bool) int {
	from := r.Len()
	if f != nil {
		f.appendFields(r, asKeys)
	}
	if r.Len() == from {
		r.fail(badArgument("no %s", what))
	}
	return (r.Len() - from) / 2
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

// HExists reports whether a hash has a field. O(1). Since 2.0.0.
func HExists(key, field string) Cmd[bool] {
	r := newRequest(&specHexists)
	r.key(key)
	r.word(field)
	return Cmd[bool]{r, decodeBool}
}

// HSetNX sets a field of a hash that does not exist yet. False: it does, and keeps
// its value. O(1). Since 2.0.0.
func HSetNX(key, field string, value any) Cmd[bool] {
	r := newRequest(&specHsetnx)
	r.key(key)
	r.word(field)
	r.value(value)
	return Cmd[bool]{r, decodeBool}
}

// HMGet returns several fields of a hash in their order; what does not exist is
// missing. O(N). Since 2.0.0.
func HMGet(key string, fields ...string) Cmd[[]Optional[string]] {
	r := newRequest(&specHmget)
	r.key(key)
	r.words("fields", fields)
	return Cmd[[]Optional[string]]{r, decodeOptionalStrings}
}

// HIncrBy adds delta to the integer of a field, which is 0 where it does not exist,
// and returns the sum. O(1). Since 2.0.0.
func HIncrBy(key, field string, delta int64) Cmd[int64] {
	r := newRequest(&specHincrby)
	r.key(key)
	r.word(field)
	r.int(delta)
	return Cmd[int64]{r, decodeInt}
}

// HIncrByFloat adds delta to the number of a field, which is 0 where it does not
// exist, and returns the sum. O(1). Since 2.6.0.
func HIncrByFloat(key, field string, delta float64) Cmd[float64] {
	r := newRequest(&specHincrbyfloat)
	r.key(key)
	r.word(field)
	r.finite(delta)
	return Cmd[float64]{r, decodeFloat}
}

// HKeys returns the names of all fields of a hash; empty where the key does not
// exist. O(N). Since 2.0.0.
func HKeys(key string) Cmd[[]string] {
	r := newRequest(&specHkeys)
	r.key(key)
	return Cmd[[]string]{r, decodeStrings}
}

// HVals returns the values of all fields of a hash; empty where the key does not
// exist. O(N). Since 2.0.0.
func HVals(key string) Cmd[[]string] {
	r := newRequest(&specHvals)
	r.key(key)
	return Cmd[[]string]{r, decodeStrings}
}

// HLen returns the number of fields of a hash, 0 where the key does not exist.
// O(1). Since 2.0.0.
func HLen(key string) Cmd[int64] {
	r := newRequest(&specHlen)
	r.key(key)
	return Cmd[int64]{r, decodeInt}
}

// HStrLen returns the length of a field's value in bytes, 0 where the key or the
// field does not exist. O(1). Since 3.2.0.
func HStrLen(key, field string) Cmd[int64] {
	r := newRequest(&specHstrlen)
	r.key(key)
	r.word(field)
	return Cmd[int64]{r, decodeInt}
}

// HRandField returns the name of some field of a hash. [Nil]: the key does not
// exist. O(1). Since 6.2.0.
func HRandField(key string) Cmd[string] {
	r := newRequest(&specHrandfield)
	r.key(key)
	return Cmd[string]{r, decodeString}
}

// HRandFieldCount returns the names of up to count different fields of a hash; with
// a negative count as many as that, of which some may be the same. Empty where the
// key does not exist. O(N). Since 6.2.0.
func HRandFieldCount(key string, count int64) Cmd[[]string] {
	r := newRequest(&specHrandfield)
	r.key(key)
	r.int(count)
	return Cmd[[]string]{r, decodeStrings}
}

// HRandFieldWithValues is [HRandFieldCount] with the values of the fields. O(N).
// Since 6.2.0.
func HRandFieldWithValues(key string, count int64) Cmd[[]Field] {
	r := newRequest(&specHrandfield)
	r.key(key)
	r.int(count)
	r.word("WITHVALUES")
	return Cmd[[]Field]{r, decodeFieldList}
}

// Field is a name with its value, of a hash or of a stream's entry.
type Field struct{ Name, Value string }

// decodeFieldList decodes names and values in their order: flat, or nested as
// RESP3 has some of them.
func decodeFieldList(v proto.Value) ([]Field, error) {
	if v.Kind() != proto.KindArray || v.Len() == 0 || v.Index(0).Kind() != proto.KindArray {
		return textsOf(v).decodeFields(v)
	}
	t := textsOf(v)
	return decodeEach(v, "fields and values", func(pair proto.Value) (Field, error) {
		one, err := t.decodeFields(pair)
		if err != nil || len(one) != 1 {
			return Field{}, want("a field and its value")
		}
		return one[0], nil
	})
}

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
