package bloom

import (
	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/module/internal/wire"
)

// CFReserve creates a cuckoo filter for capacity items. A key that exists is an error.
// O(1). Since Bloom 1.0.0.
func CFReserve(key string, capacity int64, opts ...CFReserveOption) command.Cmd[struct{}] {
	a := only(key)
	a.Positive("the capacity", capacity)
	wire.Parts(a, opts, CFReserveOption.cfReserve)
	return wire.Command(a, "CF.RESERVE", wire.OK)
}

// CFAdd adds an item to a cuckoo filter, which is created where it does not exist; an
// item that is there already is there twice then. It returns true; a filter that is full
// is an error. O(k+i) for k parts and i iterations. Since Bloom 1.0.0.
func CFAdd(key string, v any) command.Cmd[bool] {
	return wire.Command(item(key, v), "CF.ADD", wire.Bool)
}

// CFAddNX adds an item to a cuckoo filter unless it seems to be there, and reports
// whether it was added. O(k+i) for k parts and i iterations. Since Bloom 1.0.0.
func CFAddNX(key string, v any) command.Cmd[bool] {
	return wire.Command(item(key, v), "CF.ADDNX", wire.Bool)
}

// CFInsert is [CFAdd] for several items, with options for a filter that does not exist
// yet. It reports for each item whether it was added: false where the filter was full.
// O(n*(k+i)) for n items, k parts and i iterations. Since Bloom 1.0.0.
func CFInsert(key string, vs []any, opts ...CFInsertOption) command.Cmd[[]bool] {
	return wire.Command(insert(key, vs, opts), "CF.INSERT", decodeAdded)
}

// CFInserted is what became of an item of [CFInsertNX].
type CFInserted int8

// What can have become of it.
const (
	CFNoRoom       CFInserted = -1 // not added: the filter was full
	CFAlreadyThere CFInserted = 0  // not added: it seems to be there
	CFWasAdded     CFInserted = 1
)

// CFInsertNX is [CFAddNX] for several items, with options for a filter that does not
// exist yet. O(n*(k+i)) for n items, k parts and i iterations. Since Bloom 1.0.0.
func CFInsertNX(key string, vs []any, opts ...CFInsertOption) command.Cmd[[]CFInserted] {
	return wire.Command(insert(key, vs, opts), "CF.INSERTNX", decodeInserted)
}

func insert(key string, vs []any, opts []CFInsertOption) *wire.Args {
	a := only(key)
	withoutCreate(a, wire.Parts(a, opts, CFInsertOption.cfInsert))
	a.Word("ITEMS")
	a.Values("items", vs)
	return a
}

// decodeAdded decodes booleans, or the integers 1 and -1 that RESP2 has in their place.
func decodeAdded(v proto.Value) ([]bool, error) {
	return wire.Each(v, "[]bool", func(v proto.Value) (bool, error) {
		if v.Kind() == proto.KindInt && v.Int() == -1 {
			return false, nil
		}
		return wire.Bool(v)
	})
}

// decodeInserted decodes the integers 1, 0 and -1.
func decodeInserted(v proto.Value) ([]CFInserted, error) {
	const wanted = "[]CFInserted"
	return wire.Each(v, wanted, func(v proto.Value) (CFInserted, error) {
		n, err := wire.Int(v)
		if err != nil || n < -1 || n > 1 {
			return 0, wire.Want(wanted)
		}
		return CFInserted(n), nil
	})
}

// CFExists reports whether a cuckoo filter may have an item; false is certain. O(k) for k
// parts. Since Bloom 1.0.0.
func CFExists(key string, v any) command.Cmd[bool] {
	return wire.Reader(item(key, v), "CF.EXISTS", wire.Bool)
}

// CFMExists is [CFExists] for several items. O(k*n) for n items and k parts.
// Since Bloom 1.0.0.
func CFMExists(key string, vs ...any) command.Cmd[[]bool] {
	return wire.Reader(items(key, vs), "CF.MEXISTS", wire.Bools)
}

// CFCount returns how many times an item may be in a cuckoo filter; it can be too many,
// never too few. O(k) for k parts. Since Bloom 1.0.0.
func CFCount(key string, v any) command.Cmd[int64] {
	return wire.Reader(item(key, v), "CF.COUNT", wire.Int)
}

// CFDel takes an item out of a cuckoo filter, once, and reports whether it seemed to be
// there. Only take out what was added: otherwise another item may be gone. O(k) for k
// parts. Since Bloom 1.0.0.
func CFDel(key string, v any) command.Cmd[bool] {
	return wire.Command(item(key, v), "CF.DEL", wire.Bool)
}

// CFStats is what [CFInfo] tells of a cuckoo filter.
type CFStats struct {
	Size          int64 // bytes in memory
	Buckets       int64
	Filters       int64 // parts that it consists of
	Items         int64 // items that were added
	Deleted       int64 // items that were taken out
	BucketSize    int64 // items of one bucket
	Expansion     int64 // how much larger the next part will be; 0 where it can't grow
	MaxIterations int64
}

// CFInfo returns what there is to know about a cuckoo filter. A key that does not exist
// is an error. O(1). Since Bloom 1.0.0.
func CFInfo(key string) command.Cmd[CFStats] {
	return wire.Reader(only(key), "CF.INFO", decodeCFStats)
}

func decodeCFStats(v proto.Value) (CFStats, error) {
	var s CFStats
	err := wire.Record(v, "CFStats", intFields(map[string]*int64{
		"Size": &s.Size, "Number of buckets": &s.Buckets, "Number of filters": &s.Filters,
		"Number of items inserted": &s.Items, "Number of items deleted": &s.Deleted,
		"Bucket size": &s.BucketSize, "Expansion rate": &s.Expansion, "Max iterations": &s.MaxIterations,
	}))
	return s, err
}

// CFScanDump returns a part of a cuckoo filter, as [BFScanDump] does. O(n) for the
// capacity n. Since Bloom 1.0.0.
func CFScanDump(key string, iterator int64) command.Cmd[Chunk] {
	return wire.Reader(dump(key, iterator), "CF.SCANDUMP", decodeChunk)
}

// CFLoadChunk puts a part of a filter that [CFScanDump] returned into a new filter, as
// [BFLoadChunk] does. O(n) for the capacity n. Since Bloom 1.0.0.
func CFLoadChunk(key string, c Chunk) command.Cmd[struct{}] {
	return wire.Command(load(key, c), "CF.LOADCHUNK", wire.OK)
}
