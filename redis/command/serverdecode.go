package command

import (
	"strconv"
	"strings"
	"time"

	"github.com/redchan-go/redchan/proto"
)

// Decoders of what several replies of servers about themselves have in them.

// decodeUnixSeconds decodes a whole number of seconds since 1970.
func decodeUnixSeconds(v proto.Value) (time.Time, error) {
	n, err := decodeInt(v)
	if err != nil {
		return time.Time{}, err
	}
	return time.Unix(n, 0), nil
}

// decodeUnixMilli decodes milliseconds since 1970.
func decodeUnixMilli(v proto.Value) (time.Time, error) {
	n, err := decodeInt(v)
	if err != nil {
		return time.Time{}, err
	}
	return time.UnixMilli(n), nil
}

// decodeMicroseconds decodes a duration in microseconds.
func decodeMicroseconds(v proto.Value) (time.Duration, error) {
	n, err := decodeInt(v)
	return time.Duration(n) * time.Microsecond, err
}

// decodeMilliseconds decodes a duration in milliseconds.
func decodeMilliseconds(v proto.Value) (time.Duration, error) {
	n, err := decodeInt(v)
	return time.Duration(n) * time.Millisecond, err
}

// decodeFractionOfSeconds decodes a duration in seconds with a fraction.
func decodeFractionOfSeconds(v proto.Value) (time.Duration, error) {
	f, err := decodeFloat(v)
	return time.Duration(f * float64(time.Second)), err
}

// decodeNumber decodes an integer as an int.
func decodeNumber(v proto.Value) (int, error) {
	n, err := decodeInt(v)
	return int(n), err
}

// parseInto sets an integer from its text.
func parseInto[T int | int64](to *T, text string) error {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return bare(err)
	}
	*to = T(n)
	return nil
}

// parseSlots returns a run of slots from "7" or "3-9".
func parseSlots(text string) (SlotRange, error) {
	var slots SlotRange
	from, to, run := strings.Cut(text, "-")
	if !run {
		to = from
	}
	if err := parseInto(&slots.From, from); err != nil {
		return slots, err
	}
	return slots, parseInto(&slots.To, to)
}

// parseUnixMilli sets a time from milliseconds since 1970; 0 is the zero time.
func parseUnixMilli(to *time.Time, text string) error {
	var ms int64
	err := parseInto(&ms, text)
	if err == nil && ms != 0 {
		*to = time.UnixMilli(ms)
	}
	return err
}

// strings decodes an array or set of texts inside a reply, null as none.
func (t *texts) strings(v proto.Value) ([]string, error) {
	if v.IsNull() {
		return nil, nil
	}
	return decodeEach(v, "[]string", t.string)
}

// maybeString decodes a text, null as an empty one.
func (t *texts) maybeString(v proto.Value) (string, error) {
	if v.IsNull() {
		return "", nil
	}
	return t.string(v)
}

// stringMap decodes a map of texts inside a reply.
func (t *texts) stringMap(v proto.Value) (map[string]string, error) {
	result := make(map[string]string, v.Len()/2)
	return result, decodeRecord(v, "map[string]string", func(name string, v proto.Value) error {
		value, err := t.string(v)
		result[t.text(name)] = value
		return err
	})
}
