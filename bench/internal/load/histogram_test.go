package load

import (
	"math"
	"testing"
	"time"
)

func TestBucketsAreInOrderAndNarrow(t *testing.T) {
	last := -1
	for ns := uint64(0); ns < 1<<36; ns += ns/64 + 1 {
		b := bucket(ns)
		if b < last {
			t.Fatalf("bucket(%d) = %d, below the one before, %d", ns, b, last)
		}
		last = b
		if off := math.Abs(float64(middle(b)) - float64(ns)); off > float64(ns)/subBuckets+1 {
			t.Fatalf("%d ns is told as %d ns", ns, middle(b))
		}
	}
}

func TestBucketBounds(t *testing.T) {
	if got := bucket(math.MaxUint64); got != powers*subBuckets-1 {
		t.Errorf("the largest value is in bucket %d", got)
	}
	for _, ns := range []uint64{0, 1, 15, 16, 17, 31, 32} {
		if got := uint64(middle(bucket(ns))); got > ns+1 || ns > got {
			t.Errorf("%d ns is told as %d ns", ns, got)
		}
	}
}

func TestQuantile(t *testing.T) {
	var empty, low, all Histogram
	if got := empty.Quantile(0.99); got != 0 {
		t.Errorf("quantile of nothing is %v", got)
	}
	for i := range 500 {
		low.Record(time.Duration(i+1) * time.Microsecond)
		all.Record(time.Duration(i+501) * time.Microsecond)
	}
	all.Merge(&low) // 1 to 1,000 µs
	for _, test := range []struct {
		q    float64
		want time.Duration
	}{
		{0, time.Microsecond},
		{0.5, 501 * time.Microsecond},
		{0.99, 991 * time.Microsecond},
		{1, 1000 * time.Microsecond},
	} {
		got := all.Quantile(test.q)
		if off := (got - test.want).Abs(); off > test.want/subBuckets {
			t.Errorf("quantile %v is %v, wanted about %v", test.q, got, test.want)
		}
	}
}

func TestNegativeDurationsCountAsNothing(t *testing.T) {
	var h Histogram
	h.Record(-time.Second)
	if got := h.Quantile(1); got != 0 {
		t.Errorf("quantile is %v", got)
	}
}
