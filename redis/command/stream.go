package command

import (
	"time"

	"github.com/redchan-go/redchan/proto"
)

// Entry is one entry of a stream.
type Entry struct {
	// ID is milliseconds and a number, such as "1526919030474-55".
	ID string
	// Fields are in the order they were added in; a name can be there twice.
	// They are nil where a pending entry has been deleted from the stream.
	Fields []Field
}

// Get returns the value of the first field with a name.
func (e Entry) Get(name string) (string, bool) {
	for _, f := range e.Fields {
		if f.Name == name {
			return f.Value, true
		}
	}
	return "", false
}

// StreamEntries are entries of one stream.
type StreamEntries struct {
	Stream  string
	Entries []Entry
}

// XAddOption is an option of [XAdd]: [MaxLen], [NoMakeStream].
type XAddOption interface{ xaddOption() tokens }

type maxLen struct {
	n      int64
	approx bool
}

// MaxLen trims the stream to about n entries while adding, which costs little:
// some more may stay. exactly makes it exact.
func MaxLen(n int64, exactly bool) XAddOption { return maxLen{n, !exactly} }

func (m maxLen) xaddOption() tokens {
	sign := "="
	if m.approx {
		sign = "~"
	}
	t := option(groupTrim, "MAXLEN", word(sign), integer(m.n))
	if m.n < 0 {
		t.err = badArgument("MAXLEN can't be negative")
	}
	return t
}

type noMakeStream struct{}

// NoMakeStream keeps [XAdd] from creating the stream: the option NOMKSTREAM.
// Since 6.2.0.
func NoMakeStream() XAddOption { return noMakeStream{} }

func (noMakeStream) xaddOption() tokens { return option(groupFlag, "NOMKSTREAM") }

// XAdd adds an entry to a stream and returns its ID; the id "*" lets the server
// choose it. [Nil]: NoMakeStream, and the stream does not exist.
// O(1), or O(N) for N entries trimmed. Since 5.0.0.
func XAdd(key, id string, fields FieldValues, opts ...XAddOption) Cmd[string] {
	r := newRequest(&specXadd)
	r.key(key)
	addOptions(&r, opts, XAddOption.xaddOption)
	if id == "" {
		r.fail(badArgument(`an entry has no ID: give "*" to let the server choose`))
	}
	r.word(id)
	r.fields(fields)
	return Cmd[string]{r, decodeString}
}

// XLen returns the number of entries of a stream, 0 where it does not exist.
// O(1). Since 5.0.0.
func XLen(key string) Cmd[int64] {
	r := newRequest(&specXlen)
	r.key(key)
	return Cmd[int64]{r, decodeInt}
}

// XAck tells that a consumer group is done with entries and returns how many
// were pending. O(1) for each. Since 5.0.0.
func XAck(key, group string, ids ...string) Cmd[int64] {
	r := newRequest(&specXack)
	r.key(key)
	r.word(group)
	r.words("IDs", ids)
	return Cmd[int64]{r, decodeInt}
}

// XGroupCreate creates a consumer group that starts behind the entry id: "$" is
// the last one, "0" the begin of the stream. With makeStream the stream is
// created where it does not exist. O(1). Since 5.0.0.
func XGroupCreate(key, group, id string, makeStream bool) Cmd[struct{}] {
	r := newRequest(&specXgroupCreate)
	r.key(key)
	r.word(group)
	r.word(id)
	if makeStream {
		r.word("MKSTREAM")
	}
	return Cmd[struct{}]{r, decodeOK}
}

// XReadGroupOption is an option of [XReadGroup]: [Count], [BlockFor], [NoAck].
type XReadGroupOption interface{ xreadOption() tokens }

type blockFor time.Duration

// BlockFor lets XREADGROUP wait for entries up to d, without end where it is 0.
// The call then runs on a connection of its own. Since 5.0.0.
func BlockFor(d time.Duration) XReadGroupOption { return blockFor(d) }

func (b blockFor) xreadOption() tokens {
	ms := time.Duration(b).Milliseconds()
	if ms == 0 && b > 0 {
		ms = 1
	}
	t := option(groupBlock, "BLOCK", integer(ms))
	if b < 0 {
		t.err = badArgument("a negative time")
	}
	return t
}

// blockTime returns the time of a BlockFor among options.
func blockTime(opts []XReadGroupOption) time.Duration {
	for _, opt := range opts {
		if b, ok := opt.(blockFor); ok {
			return time.Duration(b)
		}
	}
	return 0
}

type noAck struct{}

// NoAck lets XREADGROUP count entries as acknowledged when they are delivered.
// Since 5.0.0.
func NoAck() XReadGroupOption { return noAck{} }

func (noAck) xreadOption() tokens { return option(groupFlag, "NOACK") }

// StreamPosition is a stream and the ID behind which to read it.
type StreamPosition struct{ Stream, After string }

// XReadGroup returns entries of streams for a consumer of a group. The position
// ">" stands for what was never delivered to anyone; another ID for what is
// pending for this consumer behind it. [Nil]: nothing came in time.
// O(M) for M entries. Since 5.0.0.
func XReadGroup(group, consumer string, streams []StreamPosition, opts ...XReadGroupOption) Cmd[[]StreamEntries] {
	r := newRequest(&specXreadgroup)
	r.word("GROUP")
	r.word(group)
	r.word(consumer)
	seen := addOptions(&r, opts, XReadGroupOption.xreadOption)
	r.blocks = false
	if seen&groupBlock != 0 {
		r.mayBlock(blockTime(opts))
	}
	if len(streams) == 0 {
		r.fail(badArgument("no streams"))
	}
	r.word("STREAMS")
	r.grow(2 * len(streams))
	for _, s := range streams {
		r.key(s.Stream)
	}
	for _, s := range streams {
		r.word(s.After)
	}
	return Cmd[[]StreamEntries]{r, decodeStreams}
}

// decodeStreams decodes a map of streams, or RESP2's array of pairs.
func decodeStreams(v proto.Value) ([]StreamEntries, error) {
	if v.IsNull() {
		return nil, Nil
	}
	const wanted = "entries by stream"
	t := textsOf(v)
	var result []StreamEntries
	one := func(name, list proto.Value) error {
		stream, err := t.string(name)
		if err != nil {
			return want(wanted)
		}
		entries, err := t.decodeEntries(list)
		result = append(result, StreamEntries{stream, entries})
		return err
	}
	switch v.Kind() {
	case proto.KindMap:
		for name, list := range v.Pairs() {
			if err := one(name, list); err != nil {
				return nil, err
			}
		}
	case proto.KindArray:
		e := v.Elems()
		for e.Next() {
			if err := one(e.Value().Index(0), e.Value().Index(1)); err != nil {
				return nil, err
			}
		}
	default:
		return nil, want(wanted)
	}
	return result, nil
}

// decodeEntries decodes an array of entries.
func (t *texts) decodeEntries(v proto.Value) ([]Entry, error) {
	if v.Kind() != proto.KindArray {
		return nil, want("entries")
	}
	entries := make([]Entry, 0, v.Len())
	e := v.Elems()
	for e.Next() {
		id, err := t.string(e.Value().Index(0))
		if err != nil {
			return nil, want("entries")
		}
		entry := Entry{ID: id}
		if fields := e.Value().Index(1); !fields.IsNull() {
			if entry.Fields, err = t.decodeFields(fields); err != nil {
				return nil, err
			}
		}
		entries = append(entries, entry)
	}
	return entries, nil
}
