package bloom

import (
	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/module/internal/wire"
)

// TDigestCreateOption is an option of [TDigestCreate]: [Compression].
type TDigestCreateOption interface{ tdigestCreate() wire.Part }

// TDigestMergeOption is an option of [TDigestMerge]: [Compression], [Override].
type TDigestMergeOption interface{ tdigestMerge() wire.Part }

// Compression is how exact a t-digest is and how much memory it takes; the server's own
// is 100.
type Compression int64

func (c Compression) tdigestCreate() wire.Part { return positive("COMPRESSION", int64(c)) }
func (c Compression) tdigestMerge() wire.Part  { return c.tdigestCreate() }

type override struct{}

// Override lets [TDigestMerge] take away what the destination has; without it that is
// part of the result.
func Override() TDigestMergeOption { return override{} }

func (override) tdigestMerge() wire.Part { return wire.NewPart("OVERRIDE", "OVERRIDE") }

// floats starts a command for numbers of a key, of which there must be one at least.
func floats(key, what string, numbers []float64) *wire.Args {
	a := only(key)
	if len(numbers) == 0 {
		a.Refuse("no %s", what)
	}
	for _, f := range numbers {
		a.Finite(what, f)
	}
	return a
}

// TDigestCreate creates an empty t-digest. A key that exists is an error. O(1).
// Since Bloom 2.4.0.
func TDigestCreate(key string, opts ...TDigestCreateOption) command.Cmd[struct{}] {
	a := only(key)
	wire.Parts(a, opts, TDigestCreateOption.tdigestCreate)
	return wire.Command(a, "TDIGEST.CREATE", wire.OK)
}

// TDigestReset empties a t-digest. O(1). Since Bloom 2.4.0.
func TDigestReset(key string) command.Cmd[struct{}] {
	return wire.Command(only(key), "TDIGEST.RESET", wire.OK)
}

// TDigestAdd adds numbers to a t-digest, which must exist. O(N) for N numbers.
// Since Bloom 2.4.0.
func TDigestAdd(key string, numbers ...float64) command.Cmd[struct{}] {
	return wire.Command(floats(key, "numbers", numbers), "TDIGEST.ADD", wire.OK)
}

// TDigestMerge adds t-digests to destination, which is created where it does not exist.
// O(N*K) for N centroids and K t-digests. Since Bloom 2.4.0.
func TDigestMerge(destination string, sources []string, opts ...TDigestMergeOption) command.Cmd[struct{}] {
	a := only(destination)
	a.Int(int64(len(sources)))
	a.Keys(sources)
	wire.Parts(a, opts, TDigestMergeOption.tdigestMerge)
	return wire.Command(a, "TDIGEST.MERGE", wire.OK)
}

// TDigestMin returns the smallest number of a t-digest, NaN where it is empty. O(1).
// Since Bloom 2.4.0.
func TDigestMin(key string) command.Cmd[float64] {
	return wire.Reader(only(key), "TDIGEST.MIN", wire.Float)
}

// TDigestMax returns the largest number of a t-digest, NaN where it is empty. O(1).
// Since Bloom 2.4.0.
func TDigestMax(key string) command.Cmd[float64] {
	return wire.Reader(only(key), "TDIGEST.MAX", wire.Float)
}

// TDigestQuantile returns for each quantile, from 0 to 1, the number that this share of
// all numbers is below; NaN where there are none. O(N) for N quantiles.
// Since Bloom 2.4.0.
func TDigestQuantile(key string, quantiles ...float64) command.Cmd[[]float64] {
	a := only(key)
	if len(quantiles) == 0 {
		a.Refuse("no quantiles")
	}
	for _, q := range quantiles {
		share(a, "a quantile", q)
	}
	return wire.Reader(a, "TDIGEST.QUANTILE", wire.Floats)
}

// TDigestCDF returns for each number the share of all numbers that are not above it; NaN
// where there are none. O(N) for N numbers. Since Bloom 2.4.0.
func TDigestCDF(key string, numbers ...float64) command.Cmd[[]float64] {
	return wire.Reader(floats(key, "numbers", numbers), "TDIGEST.CDF", wire.Floats)
}

// TDigestTrimmedMean returns the mean of the numbers between two quantiles, from 0 to 1;
// NaN where there are none. O(N) for N centroids. Since Bloom 2.4.0.
func TDigestTrimmedMean(key string, low, high float64) command.Cmd[float64] {
	a := only(key)
	share(a, "a quantile", low)
	share(a, "a quantile", high)
	if low >= high {
		a.Refuse("the low quantile must be below the high one")
	}
	return wire.Reader(a, "TDIGEST.TRIMMED_MEAN", wire.Float)
}

// TDigestRank returns for each number how many numbers are below it, and half of those
// that are equal: -1 where it is below all, the number of all where it is above, and -2
// where there are none. O(N) for N numbers. Since Bloom 2.4.0.
func TDigestRank(key string, numbers ...float64) command.Cmd[[]int64] {
	return wire.Reader(floats(key, "numbers", numbers), "TDIGEST.RANK", wire.Ints)
}

// TDigestRevRank returns for each number how many numbers are above it, and half of those
// that are equal: -1 where it is above all, the number of all where it is below, and -2
// where there are none. O(N) for N numbers. Since Bloom 2.4.0.
func TDigestRevRank(key string, numbers ...float64) command.Cmd[[]int64] {
	return wire.Reader(floats(key, "numbers", numbers), "TDIGEST.REVRANK", wire.Ints)
}

// TDigestByRank returns for each rank, 0 is the smallest number's, the number; infinity
// where the rank is too high, NaN where there are no numbers. O(N) for N ranks.
// Since Bloom 2.4.0.
func TDigestByRank(key string, ranks ...int64) command.Cmd[[]float64] {
	return wire.Reader(byRank(key, ranks), "TDIGEST.BYRANK", wire.Floats)
}

// TDigestByRevRank returns for each rank, 0 is the largest number's, the number; minus
// infinity where the rank is too high, NaN where there are no numbers. O(N) for N ranks.
// Since Bloom 2.4.0.
func TDigestByRevRank(key string, ranks ...int64) command.Cmd[[]float64] {
	return wire.Reader(byRank(key, ranks), "TDIGEST.BYREVRANK", wire.Floats)
}

func byRank(key string, ranks []int64) *wire.Args {
	a := only(key)
	if len(ranks) == 0 {
		a.Refuse("no ranks")
	}
	for _, r := range ranks {
		a.NotNegative("a rank", r)
	}
	return a
}

// TDigestStats is what [TDigestInfo] tells of a t-digest.
type TDigestStats struct {
	Compression    int64
	Capacity       int64 // centroids that it has room for
	MergedNodes    int64 // centroids
	UnmergedNodes  int64 // numbers that are no centroid yet
	MergedWeight   int64 // numbers in the centroids
	UnmergedWeight int64
	Observations   int64 // numbers that were added
	Compressions   int64 // how often numbers were put into centroids
	MemoryUsage    int64 // bytes
}

// TDigestInfo returns what there is to know about a t-digest. A key that does not exist
// is an error. O(1). Since Bloom 2.4.0.
func TDigestInfo(key string) command.Cmd[TDigestStats] {
	return wire.Reader(only(key), "TDIGEST.INFO", decodeTDigestStats)
}

func decodeTDigestStats(v proto.Value) (TDigestStats, error) {
	var s TDigestStats
	err := wire.Record(v, "TDigestStats", intFields(map[string]*int64{
		"Compression": &s.Compression, "Capacity": &s.Capacity, "Merged nodes": &s.MergedNodes,
		"Unmerged nodes": &s.UnmergedNodes, "Merged weight": &s.MergedWeight,
		"Unmerged weight": &s.UnmergedWeight, "Observations": &s.Observations,
		"Total compressions": &s.Compressions, "Memory usage": &s.MemoryUsage,
	}))
	return s, err
}
