package command

import (
	"time"

	"github.com/redchan-go/redchan/proto"
)

// XGroupCreateOption is an option of [XGroupCreate]: [MakeStream], [EntriesRead].
type XGroupCreateOption interface{ xgroupCreateOption() tokens }

// XGroupSetIDOption is an option of [XGroupSetID]: [EntriesRead].
type XGroupSetIDOption interface{ xgroupSetIDOption() tokens }

// XGroupCreateFlag is an option of [XGroupCreate]: [MakeStream].
type XGroupCreateFlag string

// MakeStream lets [XGroupCreate] create the stream where it does not exist: the option
// MKSTREAM.
const MakeStream XGroupCreateFlag = "MKSTREAM"

func (f XGroupCreateFlag) xgroupCreateOption() tokens { return flag(groupFlag, f, MakeStream) }

// EntriesRead tells a consumer group how many entries it has read, for the server to
// know its lag. Since 7.0.0.
type EntriesRead int64

func (n EntriesRead) xgroupCreateOption() tokens { return n.tokens() }
func (n EntriesRead) xgroupSetIDOption() tokens  { return n.tokens() }

func (n EntriesRead) tokens() tokens {
	t := option(groupCount, "ENTRIESREAD", integer(int64(n)))
	if n < 0 {
		t.err = badArgument("ENTRIESREAD can't be negative")
	}
	return t
}

// XGroupCreate creates a consumer group that starts behind the entry id: "$" is
// the last one, "0" the begin of the stream. The stream must exist unless [MakeStream]
// is given. O(1). Since 5.0.0; [EntriesRead] since 7.0.0.
func XGroupCreate(key, group, id string, opts ...XGroupCreateOption) Cmd[struct{}] {
	r := newRequest(&specXgroupCreate)
	r.key(key)
	r.word(group)
	r.word(id)
	addOptions(&r, opts, XGroupCreateOption.xgroupCreateOption)
	return Cmd[struct{}]{r, decodeOK}
}

// XGroupSetID lets a consumer group go on behind another entry: "$" is the last one,
// "0" the begin of the stream. O(1). Since 5.0.0; [EntriesRead] since 7.0.0.
func XGroupSetID(key, group, id string, opts ...XGroupSetIDOption) Cmd[struct{}] {
	r := newRequest(&specXgroupSetid)
	r.key(key)
	r.word(group)
	r.word(id)
	addOptions(&r, opts, XGroupSetIDOption.xgroupSetIDOption)
	return Cmd[struct{}]{r, decodeOK}
}

// XGroupDestroy removes a consumer group with what is pending in it. False: it does not
// exist. O(N) for N pending entries. Since 5.0.0.
func XGroupDestroy(key, group string) Cmd[bool] {
	r := newRequest(&specXgroupDestroy)
	r.key(key)
	r.word(group)
	return Cmd[bool]{r, decodeBool}
}

// XGroupCreateConsumer creates a consumer in a group. False: it is there already.
// O(1). Since 6.2.0.
func XGroupCreateConsumer(key, group, consumer string) Cmd[bool] {
	r := newRequest(&specXgroupCreateconsumer)
	r.key(key)
	r.word(group)
	r.word(consumer)
	return Cmd[bool]{r, decodeBool}
}

// XGroupDelConsumer removes a consumer from a group and returns how many entries were
// pending for it: nobody can claim these any more. O(1). Since 5.0.0.
func XGroupDelConsumer(key, group, consumer string) Cmd[int64] {
	r := newRequest(&specXgroupDelconsumer)
	r.key(key)
	r.word(group)
	r.word(consumer)
	return Cmd[int64]{r, decodeInt}
}

// ConsumerPending is how many entries are pending for a consumer.
type ConsumerPending struct {
	Consumer string
	Count    int64
}

// PendingSummary is what is pending in a consumer group.
type PendingSummary struct {
	Count           int64
	Lowest, Highest string // the IDs; empty where nothing is pending
	Consumers       []ConsumerPending
}

// XPending returns how many entries are pending in a consumer group, in all and for each
// consumer that has any. O(N) for N consumers. Since 5.0.0.
func XPending(key, group string) Cmd[PendingSummary] {
	r := newRequest(&specXpending)
	r.key(key)
	r.word(group)
	return Cmd[PendingSummary]{r, decodePendingSummary}
}

func decodePendingSummary(v proto.Value) (PendingSummary, error) {
	const wanted = "count, IDs and consumers"
	if v.Kind() != proto.KindArray || v.Len() != 4 {
		return PendingSummary{}, want(wanted)
	}
	var summary PendingSummary
	var err error
	if summary.Count, err = decodeInt(v.Index(0)); err != nil {
		return PendingSummary{}, want(wanted)
	}
	if summary.Count == 0 { // the rest is null
		return summary, nil
	}
	t := textsOf(v)
	if summary.Lowest, err = t.string(v.Index(1)); err != nil {
		return PendingSummary{}, want(wanted)
	}
	if summary.Highest, err = t.string(v.Index(2)); err != nil {
		return PendingSummary{}, want(wanted)
	}
	summary.Consumers, err = decodeEach(v.Index(3), wanted, func(v proto.Value) (c ConsumerPending, err error) {
		if c.Consumer, err = t.string(v.Index(0)); err != nil {
			return c, err
		}
		c.Count, err = decodeInt(v.Index(1))
		return c, err
	})
	if err != nil {
		return PendingSummary{}, err
	}
	return summary, nil
}

// PendingEntry is an entry that a consumer was given and has not acknowledged.
type PendingEntry struct {
	ID         string
	Consumer   string
	Idle       time.Duration // since it was delivered the last time
	Deliveries int64         // how often it was delivered
}

// XPendingOption is an option of [XPendingEntries]: [MinIdle], [OfConsumer].
type XPendingOption interface{ xpendingOption() tokens }

// MinIdle lets [XPendingEntries] leave out what was delivered less than so long ago, in
// milliseconds: the option IDLE. Since 6.2.0.
type MinIdle time.Duration

func (d MinIdle) xpendingOption() tokens {
	t := option(groupExpiry, "IDLE", integer(milliseconds(time.Duration(d))))
	if d < 0 {
		t.err = badArgument("a negative time")
	}
	return t
}

// OfConsumer lets [XPendingEntries] return only what is pending for one consumer.
type OfConsumer string

func (c OfConsumer) xpendingOption() tokens { return option(groupFrom, string(c)) }

// XPendingEntries returns up to count entries that are pending in a consumer group, with
// IDs from start to end as in [XRange]. O(N) for N entries looked at. Since 5.0.0.
func XPendingEntries(key, group, start, end string, count int64, opts ...XPendingOption) Cmd[[]PendingEntry] {
	r := newRequest(&specXpending)
	r.key(key)
	r.word(group)
	// IDLE stands in front of the range, the consumer behind it.
	var before, behind []XPendingOption
	for _, opt := range opts {
		if _, ok := opt.(MinIdle); ok {
			before = append(before, opt)
		} else {
			behind = append(behind, opt)
		}
	}
	addOptions(&r, before, XPendingOption.xpendingOption)
	r.bounds(start, end)
	r.int(count)
	if count <= 0 {
		r.fail(badArgument("the number of entries must be positive"))
	}
	addOptions(&r, behind, XPendingOption.xpendingOption)
	return Cmd[[]PendingEntry]{r, decodePendingEntries}
}

func decodePendingEntries(v proto.Value) ([]PendingEntry, error) {
	t := textsOf(v)
	return decodeEach(v, "pending entries", func(v proto.Value) (p PendingEntry, err error) {
		if p.ID, err = t.string(v.Index(0)); err != nil {
			return p, err
		}
		if p.Consumer, err = t.string(v.Index(1)); err != nil {
			return p, err
		}
		if p.Idle, err = decodeMilliseconds(v.Index(2)); err != nil {
			return p, err
		}
		p.Deliveries, err = decodeInt(v.Index(3))
		return p, err
	})
}
