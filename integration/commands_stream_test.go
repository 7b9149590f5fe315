package integration

import (
	"reflect"
	"testing"
	"time"

	"github.com/redchan-go/redchan/redis/command"
)

func TestStreamCommands(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		missing(f, c, command.XAdd("s", "*", command.Map{"n": 0}, command.NoMakeStream()))
		equal(f, c, command.XLen("s"), 0)
		equal(f, c, command.XGroupCreate("s", "g", "0", true), done)
		refused(f, c, command.XGroupCreate("s", "g", "0", true), "BUSYGROUP")
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
		equal(f, c, command.XReadGroup("g", "c", fresh, command.NoAck()),
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

		id := result(f, c, command.XAdd("s", "*", command.Map{"n": 4}, command.MaxLen(1, true)))
		equal(f, c, command.XLen("s"), 1)
		equal(f, c, command.XReadGroup("g", "c", fresh, command.BlockFor(0)), []command.StreamEntries{
			{Stream: "s", Entries: []command.Entry{{ID: id, Fields: []command.Field{{Name: "n", Value: "4"}}}}},
		})
		result(f, c, command.XAdd("s", "*", command.Map{"n": 5}, command.MaxLen(1000, false)))
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
			equal(f, c, command.XGroupCreate(stream, "g", "$", true), done)
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
