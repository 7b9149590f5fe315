package integration

import (
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/redchan-go/redchan/redis/command"
)

func TestStreamCommands(t *testing.T) {
	shared(t, func(f *fixture) {
		f.since("6.2", "XADD NOMKSTREAM")
		c := f.open()
		missing(f, c, command.XAdd("s", "*", command.Map{"n": 0}, command.NoMakeStream))
		equal(f, c, command.XLen("s"), 0)
		equal(f, c, command.XGroupCreate("s", "g", "0", command.MakeStream), done)
		refused(f, c, command.XGroupCreate("s", "g", "0", command.MakeStream), "BUSYGROUP")
		refused(f, c, command.XReadGroup("none", "c", []command.StreamPosition{{Stream: "s", After: ">"}}), "NOGROUP")

		equal(f, c, command.XAdd("s", "1-1", command.Pairs("n", 1, "n", "again")), "1-1")
		equal(f, c, command.XAdd("s", "2-1", command.Map{"n": 2, "a": "x"}), "2-1")
		equal(f, c, command.XAdd("s", "3-1", command.Map{"n": 3}), "3-1")
		equal(f, c, command.XLen("s"), 3)

		fresh := []command.StreamPosition{{Stream: "s", After: ">"}}
		pending := []command.StreamPosition{{Stream: "s", After: "0"}}
		one := command.Entry{ID: "1-1", Fields: []command.Field{{Name: "n", Value: "1"}, {Name: "n", Value: "again"}}}
		two := command.Entry{ID: "2-1", Fields: []command.Field{{Name: "a", Value: "x"}, {Name: "n", Value: "2"}}}
		three := command.Entry{ID: "3-1", Fields: []command.Field{{Name: "n", Value: "3"}}}
		equal(f, c, command.XReadGroup("g", "c", fresh, command.Count(2)),
			[]command.StreamEntries{{Stream: "s", Entries: []command.Entry{one, two}}})
		equal(f, c, command.XReadGroup("g", "c", fresh, command.NoAck),
			[]command.StreamEntries{{Stream: "s", Entries: []command.Entry{three}}})

		// What is pending and was deleted has an ID and no fields.
		if got := integer(f, c, "XDEL", "s", "1-1"); got != 1 {
			f.Errorf("XDEL = %d", got)
		}
		equal(f, c, command.XReadGroup("g", "c", pending),
			[]command.StreamEntries{{Stream: "s", Entries: []command.Entry{{ID: "1-1"}, two}}})
		equal(f, c, command.XAck("s", "g", "1-1", "2-1", "3-1"), 2)
		equal(f, c, command.XReadGroup("g", "c", pending),
			[]command.StreamEntries{{Stream: "s", Entries: []command.Entry{}}})

		missing(f, c, command.XReadGroup("g", "c", fresh))
		began := time.Now()
		missing(f, c, command.XReadGroup("g", "c", fresh, command.BlockFor(120*time.Millisecond)))
		if waited := time.Since(began); waited < 120*time.Millisecond {
			f.Errorf("XREADGROUP BLOCK gave up after %v of 120 ms", waited)
		}

		id := result(f, c, command.XAdd("s", "*", command.Map{"n": 4}, command.MaxLenExactly(1)))
		equal(f, c, command.XLen("s"), 1)
		equal(f, c, command.XReadGroup("g", "c", fresh, command.BlockFor(0)), []command.StreamEntries{
			{Stream: "s", Entries: []command.Entry{{ID: id, Fields: []command.Field{{Name: "n", Value: "4"}}}}},
		})
		result(f, c, command.XAdd("s", "*", command.Map{"n": 5}, command.MaxLen(1000)))
		equal(f, c, command.XLen("s"), 2)
	})
}

// TestReadSeveralStreams reads two streams in one call: a map in RESP3, an array
// in RESP2, whose order is that of the call.
func TestReadSeveralStreams(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		want := map[string][]command.Entry{}
		positions := []command.StreamPosition{}
		for _, stream := range []string{"s1", "s2", "empty"} {
			equal(f, c, command.XGroupCreate(stream, "g", "$", command.MakeStream), done)
			positions = append(positions, command.StreamPosition{Stream: stream, After: ">"})
		}
		for _, stream := range []string{"s1", "s2"} {
			equal(f, c, command.XAdd(stream, "7-0", command.Map{"of": stream}), "7-0")
			want[stream] = []command.Entry{{ID: "7-0", Fields: []command.Field{{Name: "of", Value: stream}}}}
		}
		got := map[string][]command.Entry{}
		for _, entries := range result(f, c, command.XReadGroup("g", "c", positions)) {
			got[entries.Stream] = entries.Entries
		}
		if !reflect.DeepEqual(got, want) {
			f.Errorf("XREADGROUP = %v, want %v", got, want)
		}
	})
}

// streamEntries makes entries with one field "n" from IDs and values that take turns.
func streamEntries(idsAndValues ...string) []command.Entry {
	list := []command.Entry{}
	for pair := range slices.Chunk(idsAndValues, 2) {
		list = append(list, command.Entry{ID: pair[0], Fields: []command.Field{{Name: "n", Value: pair[1]}}})
	}
	return list
}

// fillStream adds 1-1 to n-1 with the field "n".
func fillStream(f *fixture, c command.Doer, stream string, n int) {
	f.Helper()
	for i := 1; i <= n; i++ {
		id := strconv.Itoa(i) + "-1"
		equal(f, c, command.XAdd(stream, id, command.Map{"n": i}), id)
	}
}

func TestStreamRanges(t *testing.T) {
	shared(t, func(f *fixture) {
		f.since("6.2", "exclusive ranges")
		c := f.open()
		equal(f, c, command.XRange("s", "-", "+"), streamEntries())
		missing(f, c, command.XRead([]command.StreamPosition{{Stream: "s", After: "0"}}))
		fillStream(f, c, "s", 4)
		equal(f, c, command.XRange("s", "-", "+", command.Count(2)), streamEntries("1-1", "1", "2-1", "2"))
		equal(f, c, command.XRange("s", "(2-1", "3"), streamEntries("3-1", "3"))
		equal(f, c, command.XRevRange("s", "+", "-", command.Count(1)), streamEntries("4-1", "4"))
		equal(f, c, command.XRevRange("s", "2", "0"), streamEntries("2-1", "2", "1-1", "1"))
		equal(f, c, command.XRead([]command.StreamPosition{{Stream: "s", After: "2-1"}, {Stream: "none", After: "0"}}, command.Count(1)),
			[]command.StreamEntries{{Stream: "s", Entries: streamEntries("3-1", "3")}})

		equal(f, c, command.XDel("s", "2-1", "9-9"), 1)
		equal(f, c, command.XRange("s", "-", "+"), streamEntries("1-1", "1", "3-1", "3", "4-1", "4"))
		equal(f, c, command.XSetID("s", "7-1"), done)
		refused(f, c, command.XAdd("s", "6-1", command.Map{"n": 6}), "ERR")
		equal(f, c, command.XSetID("s", "8-1", command.EntriesAdded(10), command.MaxDeletedID("5-1")), done)
		info := result(f, c, command.XInfoStream("s"))
		if info.LastGeneratedID != "8-1" || info.EntriesAdded != 10 || info.MaxDeletedEntryID != "5-1" {
			f.Errorf("XSETID made %+v", info)
		}
		refused(f, c, command.XSetID("none", "1-1"), "ERR")

		// What comes while it waits.
		read := command.XRead([]command.StreamPosition{{Stream: "s", After: "$"}}, command.BlockFor(0)).Go(f.ctx, c)
		f.eventually("a blocked client", func() bool {
			return result(f, c, command.Info("clients")).Get("blocked_clients") == "1"
		})
		equal(f, c, command.XAdd("s", "9-1", command.Map{"n": 9}), "9-1")
		want := []command.StreamEntries{{Stream: "s", Entries: streamEntries("9-1", "9")}}
		if r := <-read; r.Err != nil || !reflect.DeepEqual(r.Value, want) {
			f.Errorf("XREAD BLOCK = %v, %v", r.Value, r.Err)
		}
		missing(f, c, command.XRead([]command.StreamPosition{{Stream: "s", After: "$"}}, command.BlockFor(20*time.Millisecond)))
	})
}

func TestStreamTrims(t *testing.T) {
	shared(t, func(f *fixture) {
		f.since("6.2", "XTRIM MINID")
		c := f.open()
		fillStream(f, c, "s", 10)
		equal(f, c, command.XTrim("s", command.MaxLenExactly(8)), 2)
		equal(f, c, command.XTrim("s", command.MinIDExactly("5")), 2)
		equal(f, c, command.XLen("s"), 6)
		// Nodes hold 100 entries: there is none to remove as a whole.
		equal(f, c, command.XTrim("s", command.MaxLen(0), command.TrimLimit(3)), 0)
		equal(f, c, command.XTrim("none", command.MinID("5")), 0)
		equal(f, c, command.XAdd("s", "11-1", command.Map{"n": 11}, command.MinIDExactly("10-1")), "11-1")
		equal(f, c, command.XRange("s", "-", "+"), streamEntries("10-1", "10", "11-1", "11"))
		equal(f, c, command.XAdd("s", "12-1", command.Map{"n": 12}, command.TrimLimit(10), command.MaxLen(1)), "12-1")
		equal(f, c, command.XLen("s"), 3)
	})
}

func TestStreamGroups(t *testing.T) {
	shared(t, func(f *fixture) {
		f.since("7.0", "ENTRIESREAD")
		c := f.open()
		refused(f, c, command.XInfoStream("s"), "ERR")
		refused(f, c, command.XGroupCreateConsumer("s", "g", "c"), "ERR")
		fillStream(f, c, "s", 3)
		equal(f, c, command.XInfoGroups("s"), []command.GroupInfo{})
		equal(f, c, command.XGroupCreate("s", "g", "0", command.EntriesRead(0)), done)
		equal(f, c, command.XGroupCreateConsumer("s", "g", "c"), true)
		equal(f, c, command.XGroupCreateConsumer("s", "g", "c"), false)
		equal(f, c, command.XPending("s", "g"), command.PendingSummary{})
		equal(f, c, command.XPendingEntries("s", "g", "-", "+", 10), []command.PendingEntry{})
		some := func(n int64) command.Optional[int64] { return command.Optional[int64]{Value: n, Present: true} }
		equal(f, c, command.XInfoGroups("s"), []command.GroupInfo{
			{Name: "g", Consumers: 1, LastDeliveredID: "0-0", EntriesRead: some(0), Lag: some(3)},
		})
		idle := result(f, c, command.XInfoConsumers("s", "g"))
		if len(idle) != 1 || idle[0].Name != "c" || idle[0].Pending != 0 || idle[0].Idle < 0 || idle[0].Idle > time.Minute || idle[0].Inactive.Present {
			f.Errorf("XINFO CONSUMERS = %+v", idle)
		}

		before := serverNow()
		fresh := []command.StreamPosition{{Stream: "s", After: ">"}}
		result(f, c, command.XReadGroup("g", "c", fresh, command.Count(2)))
		equal(f, c, command.XPending("s", "g"), command.PendingSummary{
			Count: 2, Lowest: "1-1", Highest: "2-1", Consumers: []command.ConsumerPending{{Consumer: "c", Count: 2}},
		})
		pending := result(f, c, command.XPendingEntries("s", "g", "-", "+", 10, command.OfConsumer("c")))
		if len(pending) != 2 || pending[1].ID != "2-1" || pending[1].Consumer != "c" || pending[1].Deliveries != 1 || pending[1].Idle > time.Minute {
			f.Errorf("XPENDING = %+v", pending)
		}
		equal(f, c, command.XPendingEntries("s", "g", "-", "+", 10, command.MinIdle(time.Hour)), []command.PendingEntry{})
		equal(f, c, command.XPendingEntries("s", "g", "-", "+", 10, command.OfConsumer("d"), command.MinIdle(0)), []command.PendingEntry{})
		if got := result(f, c, command.XPendingEntries("s", "g", "(1-1", "+", 10)); len(got) != 1 {
			f.Errorf("XPENDING behind 1-1 = %+v", got)
		}
		equal(f, c, command.XInfoGroups("s"), []command.GroupInfo{
			{Name: "g", Consumers: 1, Pending: 2, LastDeliveredID: "2-1", EntriesRead: some(2), Lag: some(1)},
		})
		knowsActive := f.has("7.2") // since 7.2
		if got := result(f, c, command.XInfoConsumers("s", "g")); len(got) != 1 || got[0].Pending != 2 || got[0].Inactive.Present != knowsActive || got[0].Inactive.Value > time.Minute {
			f.Errorf("XINFO CONSUMERS = %+v", got)
		}

		info := result(f, c, command.XInfoStream("s"))
		first := command.Optional[command.Entry]{Value: streamEntries("1-1", "1")[0], Present: true}
		last := command.Optional[command.Entry]{Value: streamEntries("3-1", "3")[0], Present: true}
		if info.RadixTreeKeys < 1 || info.RadixTreeNodes < 1 {
			f.Errorf("XINFO STREAM = %+v", info)
		}
		info.RadixTreeKeys, info.RadixTreeNodes = 0, 0
		if want := (command.StreamInfo{
			Length: 3, Groups: 1, LastGeneratedID: "3-1", MaxDeletedEntryID: "0-0", EntriesAdded: 3, RecordedFirstEntryID: "1-1",
			FirstEntry: first, LastEntry: last,
		}); !reflect.DeepEqual(info, want) {
			f.Errorf("XINFO STREAM = %+v, want %+v", info, want)
		}

		full := result(f, c, command.XInfoStreamFull("s", 2))
		if full.Length != 3 || full.LastGeneratedID != "3-1" || full.MaxDeletedEntryID != "0-0" || full.EntriesAdded != 3 || full.RecordedFirstEntryID != "1-1" ||
			full.RadixTreeKeys < 1 || full.RadixTreeNodes < 1 || !reflect.DeepEqual(full.Entries, streamEntries("1-1", "1", "2-1", "2")) || len(full.Groups) != 1 {
			f.Fatalf("XINFO STREAM FULL = %+v", full)
		}
		group := full.Groups[0]
		if group.Name != "g" || group.LastDeliveredID != "2-1" || group.EntriesRead != some(2) || group.Lag != some(1) || group.PendingCount != 2 ||
			len(group.Pending) != 2 || len(group.Consumers) != 1 {
			f.Fatalf("XINFO STREAM FULL: group %+v", group)
		}
		recent := func(what string, moment time.Time) {
			f.Helper()
			if moment.Before(before) || moment.After(time.Now().Add(time.Second)) {
				f.Errorf("%s at %v", what, moment)
			}
		}
		recent("delivered", group.Pending[0].Delivered)
		if p := group.Pending[0]; p.ID != "1-1" || p.Consumer != "c" || p.Deliveries != 1 {
			f.Errorf("XINFO STREAM FULL: pending %+v", p)
		}
		consumer := group.Consumers[0]
		recent("seen", consumer.Seen)
		if knowsActive {
			recent("active", consumer.Active.Value)
		}
		if consumer.Name != "c" || consumer.Active.Present != knowsActive || consumer.PendingCount != 2 || len(consumer.Pending) != 2 ||
			consumer.Pending[1].ID != "2-1" || consumer.Pending[1].Deliveries != 1 {
			f.Errorf("XINFO STREAM FULL: consumer %+v", consumer)
		} else {
			recent("delivered", consumer.Pending[1].Delivered)
		}
		if all := result(f, c, command.XInfoStreamFull("s", 0)); len(all.Entries) != 3 {
			f.Errorf("XINFO STREAM FULL COUNT 0 has %d entries", len(all.Entries))
		}

		// The server can't know the lag behind an ID in the middle of a stream with gaps.
		equal(f, c, command.XDel("s", "2-1"), 1)
		equal(f, c, command.XGroupSetID("s", "g", "1-1"), done)
		if got := result(f, c, command.XInfoGroups("s")); len(got) != 1 || got[0].Lag.Present {
			f.Errorf("XINFO GROUPS = %+v", got)
		}
		equal(f, c, command.XGroupSetID("s", "g", "0", command.EntriesRead(0)), done)
		refused(f, c, command.XGroupSetID("s", "none", "0"), "NOGROUP")
		equal(f, c, command.XGroupDelConsumer("s", "g", "c"), 2)
		equal(f, c, command.XGroupDelConsumer("s", "g", "c"), 0)
		equal(f, c, command.XInfoConsumers("s", "g"), []command.ConsumerInfo{})
		equal(f, c, command.XGroupDestroy("s", "g"), true)
		equal(f, c, command.XGroupDestroy("s", "g"), false)
		equal(f, c, command.XDel("s", "1-1", "3-1"), 2)
		if info := result(f, c, command.XInfoStream("s")); info.Length != 0 || info.FirstEntry.Present || info.LastEntry.Present {
			f.Errorf("XINFO STREAM of an empty stream = %+v", info)
		}
	})
}

func TestStreamClaims(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		fillStream(f, c, "s", 4)
		equal(f, c, command.XGroupCreate("s", "g", "0"), done)
		result(f, c, command.XReadGroup("g", "a", []command.StreamPosition{{Stream: "s", After: ">"}}, command.Count(3)))
		deliveries := func(id string) command.PendingEntry {
			f.Helper()
			got := result(f, c, command.XPendingEntries("s", "g", id, id, 1))
			if len(got) != 1 {
				f.Fatalf("%s is not pending", id)
			}
			return got[0]
		}

		equal(f, c, command.XClaim("s", "g", "b", time.Hour, []string{"1-1", "2-1"}), streamEntries())
		equal(f, c, command.XClaim("s", "g", "b", 0, []string{"1-1", "9-9"}), streamEntries("1-1", "1"))
		if p := deliveries("1-1"); p.Consumer != "b" || p.Deliveries != 2 {
			f.Errorf("claimed: %+v", p)
		}
		equal(f, c, command.XClaimJustID("s", "g", "b", 0, []string{"2-1"}, command.ClaimIdle(time.Hour)), []string{"2-1"})
		if p := deliveries("2-1"); p.Consumer != "b" || p.Deliveries != 1 || p.Idle < time.Hour || p.Idle > time.Hour+time.Minute {
			f.Errorf("claimed with IDLE: %+v", p)
		}
		equal(f, c, command.XClaim("s", "g", "b", time.Minute, []string{"2-1"}, command.ClaimRetryCount(7), command.ClaimTime(time.Now().Add(-2*time.Hour))),
			streamEntries("2-1", "2"))
		if p := deliveries("2-1"); p.Deliveries != 7 || p.Idle < 2*time.Hour-time.Minute || p.Idle > 2*time.Hour+time.Minute {
			f.Errorf("claimed with TIME: %+v", p)
		}
		equal(f, c, command.XClaimJustID("s", "g", "b", 0, []string{"4-1"}), []string{})
		equal(f, c, command.XClaimJustID("s", "g", "b", 0, []string{"4-1"}, command.ClaimForce, command.ClaimLastID("4-1")), []string{"4-1"})
		if got := result(f, c, command.XInfoGroups("s")); got[0].LastDeliveredID != "4-1" || got[0].Pending != 4 {
			f.Errorf("claimed with LASTID: %+v", got)
		}

		equal(f, c, command.XDel("s", "2-1"), 1)
		equal(f, c, command.XAutoClaim("s", "g", "c", 0, "0-0", command.Count(1)),
			command.AutoClaimed{Next: "2-1", Entries: streamEntries("1-1", "1"), Deleted: []string{}})
		equal(f, c, command.XAutoClaim("s", "g", "c", 0, "2-1"),
			command.AutoClaimed{Next: "0-0", Entries: streamEntries("3-1", "3", "4-1", "4"), Deleted: []string{"2-1"}})
		equal(f, c, command.XAutoClaim("s", "g", "c", time.Hour, "0-0"),
			command.AutoClaimed{Next: "0-0", Entries: streamEntries(), Deleted: []string{}})
		equal(f, c, command.XDel("s", "3-1"), 1)
		equal(f, c, command.XAutoClaimJustID("s", "g", "d", 0, "0-0", command.Count(10)),
			command.AutoClaimedIDs{Next: "0-0", IDs: []string{"1-1", "4-1"}, Deleted: []string{"3-1"}})
		refused(f, c, command.XAutoClaim("s", "none", "c", 0, "0-0"), "NOGROUP")
	})
}
