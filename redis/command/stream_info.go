package command

import (
	"time"

	"github.com/redchan-go/redchan/proto"
)

// StreamInfo is what XINFO STREAM tells of a stream.
type StreamInfo struct {
	Length                int64
	RadixTreeKeys         int64
	RadixTreeNodes        int64
	Groups                int64  // the number of consumer groups
	LastGeneratedID       string // the highest ID that was added
	MaxDeletedEntryID     string // the highest ID that was removed; "0-0" for none
	EntriesAdded          int64  // how many were added in all
	RecordedFirstEntryID  string
	FirstEntry, LastEntry Optional[Entry]
}

// XInfoStream returns facts about a stream. The key must exist. O(1). Since 5.0.0.
func XInfoStream(key string) Cmd[StreamInfo] {
	r := newRequest(&specXinfoStream)
	r.key(key)
	return Cmd[StreamInfo]{r, decodeStreamInfo}
}

func decodeStreamInfo(v proto.Value) (StreamInfo, error) {
	var info StreamInfo
	t := textsOf(v)
	err := decodeRecord(v, "facts about a stream", func(name string, value proto.Value) error {
		switch name {
		case "length":
			return into(&info.Length, value, decodeInt)
		case "radix-tree-keys":
			return into(&info.RadixTreeKeys, value, decodeInt)
		case "radix-tree-nodes":
			return into(&info.RadixTreeNodes, value, decodeInt)
		case "groups":
			return into(&info.Groups, value, decodeInt)
		case "last-generated-id":
			return into(&info.LastGeneratedID, value, t.string)
		case "max-deleted-entry-id":
			return into(&info.MaxDeletedEntryID, value, t.string)
		case "entries-added":
			return into(&info.EntriesAdded, value, decodeInt)
		case "recorded-first-entry-id":
			return into(&info.RecordedFirstEntryID, value, t.string)
		case "first-entry":
			return into(&info.FirstEntry, value, optional(t.entry))
		case "last-entry":
			return into(&info.LastEntry, value, optional(t.entry))
		}
		return nil
	})
	return info, err
}

// StreamDetails is what XINFO STREAM FULL tells of a stream.
type StreamDetails struct {
	Length               int64
	RadixTreeKeys        int64
	RadixTreeNodes       int64
	LastGeneratedID      string // the highest ID that was added
	MaxDeletedEntryID    string // the highest ID that was removed; "0-0" for none
	EntriesAdded         int64  // how many were added in all
	RecordedFirstEntryID string
	Entries              []Entry // the first ones
	Groups               []GroupDetails
}

// GroupDetails is what XINFO STREAM FULL tells of a consumer group.
type GroupDetails struct {
	Name            string
	LastDeliveredID string
	EntriesRead     Optional[int64] // missing where the server can't know it
	Lag             Optional[int64] // entries not delivered yet; missing where the server can't know it
	PendingCount    int64
	Pending         []GroupPending // the first ones
	Consumers       []ConsumerDetails
}

// GroupPending is an entry that is pending in a consumer group.
type GroupPending struct {
	ID         string
	Consumer   string
	Delivered  time.Time // the last time
	Deliveries int64
}

// ConsumerDetails is what XINFO STREAM FULL tells of a consumer.
type ConsumerDetails struct {
	Name         string
	Seen         time.Time           // when it last tried to do something
	Active       Optional[time.Time] // when it last was given an entry; missing for never, and before 7.2
	PendingCount int64
	Pending      []ConsumerEntry // the first ones
}

// ConsumerEntry is an entry that is pending for a consumer.
type ConsumerEntry struct {
	ID         string
	Delivered  time.Time // the last time
	Deliveries int64
}

// XInfoStreamFull returns facts about a stream, its consumer groups and their consumers,
// with up to count entries of each; 0 is all of them. The key must exist.
// O(N) for N entries returned. Since 6.0.0.
func XInfoStreamFull(key string, count int64) Cmd[StreamDetails] {
	r := newRequest(&specXinfoStream)
	r.key(key)
	r.word("FULL")
	r.word("COUNT")
	r.int(count)
	if count < 0 {
		r.fail(badArgument("COUNT can't be negative"))
	}
	return Cmd[StreamDetails]{r, decodeStreamDetails}
}

func decodeStreamDetails(v proto.Value) (StreamDetails, error) {
	var info StreamDetails
	const wanted = "facts about a stream"
	t := textsOf(v)
	err := decodeRecord(v, wanted, func(name string, value proto.Value) (err error) {
		switch name {
		case "length":
			return into(&info.Length, value, decodeInt)
		case "radix-tree-keys":
			return into(&info.RadixTreeKeys, value, decodeInt)
		case "radix-tree-nodes":
			return into(&info.RadixTreeNodes, value, decodeInt)
		case "last-generated-id":
			return into(&info.LastGeneratedID, value, t.string)
		case "max-deleted-entry-id":
			return into(&info.MaxDeletedEntryID, value, t.string)
		case "entries-added":
			return into(&info.EntriesAdded, value, decodeInt)
		case "recorded-first-entry-id":
			return into(&info.RecordedFirstEntryID, value, t.string)
		case "entries":
			return into(&info.Entries, value, t.decodeEntries)
		case "groups":
			info.Groups, err = decodeEach(value, wanted, t.groupDetails)
			return err
		}
		return nil
	})
	return info, err
}

func (t *texts) groupDetails(v proto.Value) (GroupDetails, error) {
	var group GroupDetails
	const wanted = "facts about a consumer group"
	err := decodeRecord(v, wanted, func(name string, value proto.Value) (err error) {
		switch name {
		case "name":
			return into(&group.Name, value, t.string)
		case "last-delivered-id":
			return into(&group.LastDeliveredID, value, t.string)
		case "entries-read":
			return into(&group.EntriesRead, value, optional(decodeInt))
		case "lag":
			return into(&group.Lag, value, optional(decodeInt))
		case "pel-count":
			return into(&group.PendingCount, value, decodeInt)
		case "pending", "pel":
			group.Pending, err = decodeEach(value, wanted, t.groupPending)
			return err
		case "consumers":
			group.Consumers, err = decodeEach(value, wanted, t.consumerDetails)
			return err
		}
		return nil
	})
	return group, err
}

func (t *texts) groupPending(v proto.Value) (p GroupPending, err error) {
	if p.ID, err = t.string(v.Index(0)); err != nil {
		return p, err
	}
	if p.Consumer, err = t.string(v.Index(1)); err != nil {
		return p, err
	}
	if p.Delivered, err = decodeUnixMilli(v.Index(2)); err != nil {
		return p, err
	}
	p.Deliveries, err = decodeInt(v.Index(3))
	return p, err
}

func (t *texts) consumerDetails(v proto.Value) (ConsumerDetails, error) {
	var consumer ConsumerDetails
	const wanted = "facts about a consumer"
	err := decodeRecord(v, wanted, func(name string, value proto.Value) (err error) {
		switch name {
		case "name":
			return into(&consumer.Name, value, t.string)
		case "seen-time":
			return into(&consumer.Seen, value, decodeUnixMilli)
		case "active-time":
			return into(&consumer.Active, value, unlessNegative(decodeUnixMilli))
		case "pel-count":
			return into(&consumer.PendingCount, value, decodeInt)
		case "pending", "pel":
			consumer.Pending, err = decodeEach(value, wanted, t.consumerEntry)
			return err
		}
		return nil
	})
	return consumer, err
}

func (t *texts) consumerEntry(v proto.Value) (p ConsumerEntry, err error) {
	if p.ID, err = t.string(v.Index(0)); err != nil {
		return p, err
	}
	if p.Delivered, err = decodeUnixMilli(v.Index(1)); err != nil {
		return p, err
	}
	p.Deliveries, err = decodeInt(v.Index(2))
	return p, err
}

// unlessNegative makes a decoder take -1 for a missing time.
func unlessNegative[T any](decode func(proto.Value) (T, error)) func(proto.Value) (Optional[T], error) {
	return func(v proto.Value) (Optional[T], error) {
		if n, err := decodeInt(v); err != nil || n < 0 {
			return Optional[T]{}, err
		}
		value, err := decode(v)
		return Optional[T]{value, err == nil}, err
	}
}

// GroupInfo is what XINFO GROUPS tells of a consumer group.
type GroupInfo struct {
	Name            string
	Consumers       int64
	Pending         int64 // entries that are not acknowledged
	LastDeliveredID string
	EntriesRead     Optional[int64] // missing where the server can't know it
	Lag             Optional[int64] // entries not delivered yet; missing where the server can't know it
}

// XInfoGroups returns the consumer groups of a stream. The key must exist. O(N) for
// N groups. Since 5.0.0; EntriesRead and Lag since 7.0.0.
func XInfoGroups(key string) Cmd[[]GroupInfo] {
	r := newRequest(&specXinfoGroups)
	r.key(key)
	return Cmd[[]GroupInfo]{r, decodeGroupInfos}
}

func decodeGroupInfos(v proto.Value) ([]GroupInfo, error) {
	t := textsOf(v)
	return decodeEach(v, "consumer groups", func(v proto.Value) (group GroupInfo, err error) {
		err = decodeRecord(v, "consumer group", func(name string, value proto.Value) error {
			switch name {
			case "name":
				return into(&group.Name, value, t.string)
			case "consumers":
				return into(&group.Consumers, value, decodeInt)
			case "pending":
				return into(&group.Pending, value, decodeInt)
			case "last-delivered-id":
				return into(&group.LastDeliveredID, value, t.string)
			case "entries-read":
				return into(&group.EntriesRead, value, optional(decodeInt))
			case "lag":
				return into(&group.Lag, value, optional(decodeInt))
			}
			return nil
		})
		return group, err
	})
}

// ConsumerInfo is what XINFO CONSUMERS tells of a consumer.
type ConsumerInfo struct {
	Name     string
	Pending  int64                   // entries that it has not acknowledged
	Idle     time.Duration           // since it last tried to do something
	Inactive Optional[time.Duration] // since it last was given an entry; missing for never, and before 7.2
}

// XInfoConsumers returns the consumers of a consumer group. The key must exist. O(N) for
// N consumers. Since 5.0.0; Inactive since 7.2.0.
func XInfoConsumers(key, group string) Cmd[[]ConsumerInfo] {
	r := newRequest(&specXinfoConsumers)
	r.key(key)
	r.word(group)
	return Cmd[[]ConsumerInfo]{r, decodeConsumerInfos}
}

func decodeConsumerInfos(v proto.Value) ([]ConsumerInfo, error) {
	t := textsOf(v)
	return decodeEach(v, "consumers", func(v proto.Value) (consumer ConsumerInfo, err error) {
		err = decodeRecord(v, "consumer", func(name string, value proto.Value) error {
			switch name {
			case "name":
				return into(&consumer.Name, value, t.string)
			case "pending":
				return into(&consumer.Pending, value, decodeInt)
			case "idle":
				return into(&consumer.Idle, value, decodeMilliseconds)
			case "inactive":
				return into(&consumer.Inactive, value, unlessNegative(decodeMilliseconds))
			}
			return nil
		})
		return consumer, err
	})
}
