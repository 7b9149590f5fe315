package bloom

import (
	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/module/internal/wire"
)

// item starts a command for one item of a key.
func item(key string, v any) *wire.Args {
	a := new(wire.Args)
	a.Key(key)
	a.Value(v)
	return a
}

// items starts a command for items of a key, of which there must be one at least.
func items(key string, vs []any) *wire.Args {
	a := new(wire.Args)
	a.Key(key)
	a.Values("items", vs)
	return a
}

// only starts a command for a key and nothing else.
func only(key string) *wire.Args {
	a := new(wire.Args)
	a.Key(key)
	return a
}

// BFReserve creates a Bloom filter for capacity items that is wrong as often as
// errorRate, between 0 and 1, says. A key that exists is an error. O(1).
// Since Bloom 1.0.0.
func BFReserve(key string, errorRate float64, capacity int64, opts ...BFReserveOption) command.Cmd[struct{}] {
	a := only(key)
	fraction(a, "the error rate", errorRate)
	a.Positive("the capacity", capacity)
	wire.Parts(a, opts, BFReserveOption.bfReserve)
	return wire.Command(a, "BF.RESERVE", wire.OK)
}

// BFAdd adds an item to a Bloom filter, which is created where it does not exist, and
// reports whether it is new; false may be a mistake. O(k) for k hash functions.
// Since Bloom 1.0.0.
func BFAdd(key string, v any) command.Cmd[bool] {
	return wire.Command(item(key, v), "BF.ADD", wire.Bool)
}

// BFMAdd is [BFAdd] for several items. Where a filter that can't grow is full, the error
// is the server's, and what came before is returned beside it. O(k*n) for n items and k
// hash functions. Since Bloom 1.0.0.
func BFMAdd(key string, vs ...any) command.Cmd[[]bool] {
	return wire.Command(items(key, vs), "BF.MADD", wire.Bools)
}

// BFInsert is [BFMAdd] with options for a filter that does not exist yet. O(k*n) for n
// items and k hash functions. Since Bloom 1.0.0.
func BFInsert(key string, vs []any, opts ...BFInsertOption) command.Cmd[[]bool] {
	a := only(key)
	withoutCreate(a, wire.Parts(a, opts, BFInsertOption.bfInsert))
	a.Word("ITEMS")
	a.Values("items", vs)
	return wire.Command(a, "BF.INSERT", wire.Bools)
}

// BFExists reports whether a Bloom filter may have seen an item; false is certain.
// O(k) for k hash functions. Since Bloom 1.0.0.
func BFExists(key string, v any) command.Cmd[bool] {
	return wire.Reader(item(key, v), "BF.EXISTS", wire.Bool)
}

// BFMExists is [BFExists] for several items. O(k*n) for n items and k hash functions.
// Since Bloom 1.0.0.
func BFMExists(key string, vs ...any) command.Cmd[[]bool] {
	return wire.Reader(items(key, vs), "BF.MEXISTS", wire.Bools)
}

// BFCard returns how many items were added to a Bloom filter and taken for new; 0 where
// it does not exist. O(1). Since Bloom 2.4.4.
func BFCard(key string) command.Cmd[int64] {
	return wire.Reader(only(key), "BF.CARD", wire.Int)
}

// BFStats is what [BFInfo] tells of a Bloom filter.
type BFStats struct {
	Capacity  int64 // items that it has room for before it grows
	Size      int64 // bytes in memory
	Filters   int64 // parts that it consists of
	Items     int64 // items that were added
	Expansion int64 // how much larger the next part will be; 0 where it can't grow
}

// BFInfo returns what there is to know about a Bloom filter. A key that does not exist is
// an error. O(1). Since Bloom 1.0.0.
func BFInfo(key string) command.Cmd[BFStats] {
	return wire.Reader(only(key), "BF.INFO", decodeBFStats)
}

func decodeBFStats(v proto.Value) (BFStats, error) {
	var s BFStats
	err := wire.Record(v, "BFStats", intFields(map[string]*int64{
		"Capacity": &s.Capacity, "Size": &s.Size, "Number of filters": &s.Filters,
		"Number of items inserted": &s.Items, "Expansion rate": &s.Expansion,
	}))
	return s, err
}

// intFields decodes the fields of a record that are integers.
func intFields(fields map[string]*int64) func(string, proto.Value) error {
	return func(name string, v proto.Value) error {
		if to := fields[name]; to != nil {
			return wire.Into(to, v, wire.Int)
		}
		return nil
	}
}

// Chunk is a part of a filter that is copied elsewhere. The data is opaque.
type Chunk struct {
	// Iterator is what to give to the next dump, and to the load of this chunk; 0 is
	// the end, and there is nothing to load then.
	Iterator int64
	Data     []byte
}

// BFScanDump returns a part of a Bloom filter: the first one for iterator 0, and the next
// one for the Iterator of the last. Give each to [BFLoadChunk] with its own Iterator.
// The filter must not change meanwhile. O(n) for the capacity n. Since Bloom 1.0.0.
func BFScanDump(key string, iterator int64) command.Cmd[Chunk] {
	return wire.Reader(dump(key, iterator), "BF.SCANDUMP", decodeChunk)
}

// BFLoadChunk puts a part of a filter that [BFScanDump] returned into a new filter, in
// the same order. O(n) for the capacity n. Since Bloom 1.0.0.
func BFLoadChunk(key string, c Chunk) command.Cmd[struct{}] {
	return wire.Command(load(key, c), "BF.LOADCHUNK", wire.OK)
}

// dump starts a command that asks for a part of a filter.
func dump(key string, iterator int64) *wire.Args {
	a := only(key)
	a.NotNegative("the iterator", iterator)
	return a
}

// load starts a command that loads a part of a filter.
func load(key string, c Chunk) *wire.Args {
	a := only(key)
	a.Positive("the iterator", c.Iterator)
	a.Value(c.Data)
	return a
}

func decodeChunk(v proto.Value) (Chunk, error) {
	var c Chunk
	if v.Kind() != proto.KindArray || v.Len() != 2 {
		return c, wire.Want("iterator and data")
	}
	var err error
	if c.Iterator, err = wire.Int(v.Index(0)); err == nil {
		c.Data, err = wire.Bytes(v.Index(1))
	}
	return c, err
}
