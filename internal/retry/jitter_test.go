package retry_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/internal/retry"
)

// The draws of one instant are the same, so that a simulation repeats.
func TestJitterFollowsTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := retry.Jitter(time.Hour)
		if again := retry.Jitter(time.Hour); again != now {
			t.Errorf("two draws of one instant are %v and %v", now, again)
		}
	})
}

// Draws of neighboring nanoseconds are spread evenly over all of the bound.
func TestJitterIsSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const bound, parts, draws = time.Second, 10, 10_000
		var counts [parts]int
		for range draws {
			time.Sleep(time.Nanosecond)
			d := retry.Jitter(bound)
			if d < 0 || d >= bound {
				t.Fatalf("drew %v, want less than %v", d, bound)
			}
			counts[d/(bound/parts)]++
		}
		for i, n := range counts {
			if n < draws/parts*8/10 || n > draws/parts*12/10 {
				t.Errorf("%d of %d draws are in part %d of %d", n, draws, i, parts)
			}
		}
	})
}

func TestJitterWithoutBound(t *testing.T) {
	for _, bound := range []time.Duration{-1, 0, 1} {
		if d := retry.Jitter(bound); d != 0 {
			t.Errorf("Jitter(%d) is %v, want 0", bound, d)
		}
	}
}
