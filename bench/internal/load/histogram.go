package load

import (
	"math/bits"
	"time"
)

// A histogram's buckets: those of a power of two are split into 16, so that a value
// is known to 6 %.
const (
	subBits    = 4
	subBuckets = 1 << subBits
	powers     = 40 // up to 2^40 ns, 18 minutes
)

// Histogram counts durations in buckets of logarithmic width. The zero value is
// ready for use, by one goroutine.
type Histogram struct {
	counts [powers * subBuckets]uint32
	total  uint64
}

// newHistogram returns one that is not on the stack of who records: callers should
// have the small stacks that they would have without being measured.
//
//go:noinline
func newHistogram() *Histogram { return new(Histogram) }

// bucket returns the bucket of a number of nanoseconds.
func bucket(ns uint64) int {
	if ns < subBuckets {
		return int(ns)
	}
	power := bits.Len64(ns) - subBits - 1 // ns>>power is in [16, 32)
	return min((power+1)*subBuckets+int(ns>>power)-subBuckets, powers*subBuckets-1)
}

// middle returns a duration in the middle of a bucket.
func middle(bucket int) time.Duration {
	if bucket < subBuckets {
		return time.Duration(bucket)
	}
	power := bucket/subBuckets - 1
	low := uint64(bucket%subBuckets+subBuckets) << power
	return time.Duration(low + (uint64(1)<<power)/2)
}

// Record counts d; a negative one, of clocks that were set, as 0.
func (h *Histogram) Record(d time.Duration) {
	h.counts[bucket(uint64(max(d, 0)))]++
	h.total++
}

// Merge adds what other has counted.
func (h *Histogram) Merge(other *Histogram) {
	for i, count := range other.counts[:] {
		h.counts[i] += count
	}
	h.total += other.total
}

// Quantile returns the duration that a share q of those counted does not exceed; 0
// where nothing was counted.
func (h *Histogram) Quantile(q float64) time.Duration {
	if h.total == 0 {
		return 0
	}
	rank := min(uint64(q*float64(h.total)), h.total-1)
	seen := uint64(0)
	for i, count := range h.counts {
		if seen += uint64(count); seen > rank {
			return middle(i)
		}
	}
	return middle(len(h.counts) - 1)
}
