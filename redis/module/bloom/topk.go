package bloom

import (
	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/module/internal/wire"
)

// TopKReserve creates a list of the k items that come most often, with the server's sizes
// for what it counts by. A key that exists is an error. O(1). Since Bloom 2.0.0.
func TopKReserve(key string, k int64) command.Cmd[struct{}] {
	a := only(key)
	a.Positive("k", k)
	return wire.Command(a, "TOPK.RESERVE", wire.OK)
}

// TopKSize is what the counters of a list for [TopKReserveSized] measure.
type TopKSize struct {
	Width, Depth int64   // the server's own are 8 and 7
	Decay        float64 // how likely a counter goes down on a collision, above 0 and 1 at most; the server's own is 0.9
}

// TopKReserveSized is [TopKReserve] with sizes of one's own. O(1). Since Bloom 2.0.0.
func TopKReserveSized(key string, k int64, size TopKSize) command.Cmd[struct{}] {
	a := only(key)
	a.Positive("k", k)
	a.Positive("the width", size.Width)
	a.Positive("the depth", size.Depth)
	if size.Decay == 0 {
		a.Refuse("the decay must be above 0")
	}
	share(a, "the decay", size.Decay)
	return wire.Command(a, "TOPK.RESERVE", wire.OK)
}

// share appends a number from 0 to 1.
func share(a *wire.Args, what string, f float64) {
	if !(f >= 0 && f <= 1) {
		a.Refuse("%s must be from 0 to 1", what)
	}
	a.Float(f)
}

// TopKAdd counts items and returns, for each, the item that it drove out of the list, if
// any. A key that does not exist is an error. O(n*k) for n items and the depth k.
// Since Bloom 2.0.0.
func TopKAdd(key string, vs ...any) command.Cmd[[]command.Optional[string]] {
	return wire.Command(items(key, vs), "TOPK.ADD", wire.OptionalTexts)
}

// TopKIncrBy counts items by more than 1, as [TopKAdd] does. An increment is 100000 at
// most. O(n*k*i) for n items, the depth k and the increment i. Since Bloom 2.0.0.
func TopKIncrBy(key string, list ...Increment) command.Cmd[[]command.Optional[string]] {
	a := increments(key, list)
	for _, i := range list {
		if i.By > 100_000 {
			a.Refuse("an increment can't be above 100000")
		}
	}
	return wire.Command(a, "TOPK.INCRBY", wire.OptionalTexts)
}

// TopKQuery reports for each item whether it is in the list. O(n) for n items.
// Since Bloom 2.0.0.
func TopKQuery(key string, vs ...any) command.Cmd[[]bool] {
	return wire.Reader(items(key, vs), "TOPK.QUERY", wire.Bools)
}

// TopKCount returns the counts of items, which can be too low. Servers advise against
// it: [TopKListWithCount] has the counts of the list. O(n) for n items. Since Bloom 2.0.0.
func TopKCount(key string, vs ...any) command.Cmd[[]int64] {
	return wire.Reader(items(key, vs), "TOPK.COUNT", wire.Ints)
}

// TopKList returns the items of the list, the most frequent first. O(k*log(k)) for k
// items. Since Bloom 2.0.0.
func TopKList(key string) command.Cmd[[]string] {
	return wire.Reader(only(key), "TOPK.LIST", wire.Texts)
}

// ItemCount is an item and how often it came.
type ItemCount struct {
	Item  string
	Count int64
}

// TopKListWithCount is [TopKList] with the counts: the option WITHCOUNT. O(k*log(k)) for k
// items. Since Bloom 2.0.0.
func TopKListWithCount(key string) command.Cmd[[]ItemCount] {
	a := only(key)
	a.Word("WITHCOUNT")
	return wire.Reader(a, "TOPK.LIST", decodeItemCounts)
}

func decodeItemCounts(v proto.Value) ([]ItemCount, error) {
	if !wire.IsPairs(v) {
		return nil, wire.Want("items and counts")
	}
	result := make([]ItemCount, 0, v.Len()/2)
	for item, count := range v.Pairs() {
		name, err := wire.Text(item)
		if err != nil {
			return nil, wire.Want("items and counts")
		}
		n, err := wire.Int(count)
		if err != nil {
			return nil, wire.Want("items and counts")
		}
		result = append(result, ItemCount{name, n})
	}
	return result, nil
}

// TopKStats is what [TopKInfo] tells of a list.
type TopKStats struct {
	K int64
	TopKSize
}

// TopKInfo returns what a list was created with. A key that does not exist is an error.
// O(1). Since Bloom 2.0.0.
func TopKInfo(key string) command.Cmd[TopKStats] {
	return wire.Reader(only(key), "TOPK.INFO", decodeTopKStats)
}

func decodeTopKStats(v proto.Value) (TopKStats, error) {
	var s TopKStats
	ints := intFields(map[string]*int64{"k": &s.K, "width": &s.Width, "depth": &s.Depth})
	err := wire.Record(v, "TopKStats", func(name string, v proto.Value) error {
		if name == "decay" {
			return wire.Into(&s.Decay, v, wire.Float)
		}
		return ints(name, v)
	})
	return s, err
}
