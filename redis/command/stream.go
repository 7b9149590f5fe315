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

// XAddOption is an option of [XAdd]: [MaxLen], [MaxLenExactly], [MinID], [MinIDExactly],
// [TrimLimit], [NoMakeStream].
type XAddOption interface{ xaddOption() tokens }

// XAddFlag is an option of [XAdd]: [NoMakeStream].
type XAddFlag string

// NoMakeStream keeps [XAdd] from creating the stream: the option NOMKSTREAM.
// Since 6.2.0.
const NoMakeStream XAddFlag = "NOMKSTREAM"

func (f XAddFlag) xaddOption() tokens { return flag(groupFlag, f, NoMakeStream) }

// XAdd adds an entry to a stream and returns its ID; the id "*" lets the server
// choose it. [Nil]: NoMakeStream, and the stream does not exist.
// O(1), or O(N) for N entries trimmed. Since 5.0.0.
func XAdd(key, id string, fields FieldValues, opts ...XAddOption) Cmd[string] {
	r := newRequest(&specXadd)
	r.key(key)
	addOptions(&r, opts, XAddOption.xaddOption)
	checkTrimLimit(&r, opts)
	if id == "" {
		r.fail(badArgument(`an entry has no ID: give "*" to let the server choose`))
	}
	r.word(id)
	r.fields(fields)
	return Cmd[string]{r, decodeString}
}

// XDel removes entries of a stream and returns how many there were. O(1) for each.
// Since 5.0.0.
func XDel(key string, ids ...string) Cmd[int64] {
	r := newRequest(&specXdel)
	r.key(key)
	r.words("IDs", ids)
	return Cmd[int64]{r, decodeInt}
}

// XRangeOption is an option of [XRange] and [XRevRange]: [Count].
type XRangeOption interface{ xrangeOption() tokens }

// XRange returns the entries of a stream with IDs from start to end, both included:
// "-" and "+" are the first and the last, "(" in front of an ID leaves it out. Empty
// where there are none. O(N) for N entries. Since 5.0.0; "(" since 6.2.0.
func XRange(key, start, end string, opts ...XRangeOption) Cmd[[]Entry] {
	return Cmd[[]Entry]{xrangeRequest(&specXrange, key, start, end, opts), decodeEntries}
}

// XRevRange is [XRange] backwards, from end down to start. O(N) for N entries.
// Since 5.0.0; "(" since 6.2.0.
func XRevRange(key, end, start string, opts ...XRangeOption) Cmd[[]Entry] {
	return Cmd[[]Entry]{xrangeRequest(&specXrevrange, key, end, start, opts), decodeEntries}
}

func xrangeRequest(spec *Spec, key, from, to string, opts []XRangeOption) Request {
	r := newRequest(spec)
	r.key(key)
	r.bounds(from, to)
	addOptions(&r, opts, XRangeOption.xrangeOption)
	return r
}

// bounds appends the ends of a range of IDs.
func (r *Request) bounds(from, to string) {
	if from == "" || to == "" {
		r.fail(badArgument(`a range of IDs has two ends: give "-" and "+" for all`))
	}
	r.word(from)
	r.word(to)
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

// XReadGroupOption is an option of [XReadGroup]: [Count], [BlockFor], [NoAck].
type XReadGroupOption interface{ xreadGroupOption() tokens }

// BlockFor lets XREAD and XREADGROUP wait for entries so long, without end where it
// is 0. The call then runs on a connection of its own. Since 5.0.0.
type BlockFor time.Duration

func (b BlockFor) xreadOption() tokens      { return b.tokens() }
func (b BlockFor) xreadGroupOption() tokens { return b.tokens() }

func (b BlockFor) tokens() tokens {
	t := option(groupBlock, "BLOCK", integer(milliseconds(time.Duration(b))))
	if b < 0 {
		t.err = badArgument("a negative time")
	}
	return t
}

// blockTime returns the time of a BlockFor among options.
func blockTime[O any](opts []O) time.Duration {
	for _, opt := range opts {
		if b, ok := any(opt).(BlockFor); ok {
			return time.Duration(b)
		}
	}
	return 0
}

// XReadGroupFlag is an option of [XReadGroup]: [NoAck].
type XReadGroupFlag string

// NoAck lets XREADGROUP count entries as acknowledged when they are delivered.
// Since 5.0.0.
const NoAck XReadGroupFlag = "NOACK"

func (f XReadGroupFlag) xreadGroupOption() tokens { return flag(groupFlag, f, NoAck) }

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
	seen := addOptions(&r, opts, XReadGroupOption.xreadGroupOption)
	r.blocks = false
	if seen&groupBlock != 0 {
		r.mayBlock(blockTime(opts))
	}
	r.streams(streams)
	return Cmd[[]StreamEntries]{r, decodeStreams}
}

// XReadOption is an option of [XRead]: [Count], [BlockFor].
type XReadOption interface{ xreadOption() tokens }

// XRead returns entries of streams behind a position: an ID, or "$" for what is added
// while it blocks, or "+" for the last entry (since 7.4.0 of Redis). [Nil]: there is
// none, or nothing came in time. O(M) for M entries. Since 5.0.0.
func XRead(streams []StreamPosition, opts ...XReadOption) Cmd[[]StreamEntries] {
	r := newRequest(&specXread)
	seen := addOptions(&r, opts, XReadOption.xreadOption)
	r.blocks = false
	if seen&groupBlock != 0 {
		r.mayBlock(blockTime(opts))
	}
	r.streams(streams)
	return Cmd[[]StreamEntries]{r, decodeStreams}
}

// streams appends the streams and behind them the positions.
func (r *Request) streams(streams []StreamPosition) {
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
		if e.Value().IsNull() { // claimed and deleted, before 7.0
			continue
		}
		entry, err := t.entry(e.Value())
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry)
	}
	return entries, nil
}

// entry decodes one entry.
func (t *texts) entry(v proto.Value) (Entry, error) {
	id, err := t.string(v.Index(0))
	if err != nil {
		return Entry{}, want("entries")
	}
	entry := Entry{ID: id}
	if fields := v.Index(1); !fields.IsNull() {
		entry.Fields, err = t.decodeFields(fields)
	}
	return entry, err
}

// decodeEntries decodes an array of entries.
func decodeEntries(v proto.Value) ([]Entry, error) { return textsOf(v).decodeEntries(v) }
