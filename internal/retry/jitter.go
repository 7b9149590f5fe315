package retry

import (
	"math/rand/v2"
	"time"
)

// Jitter returns a random time from 0 up to bound, which is excluded; 0 where bound is not positive.
func Jitter(bound time.Duration) time.Duration {
	return time.Duration(Int64N(int64(bound)))
}

// Int64N returns a random number below n; 0 where n is not positive.
func Int64N(n int64) int64 {
	if n <= 1 {
		return 0
	}
	return Random().Int64N(n)
}

// Random returns a source of random numbers whose seed is the clock's nanosecond. Two programs that
// lose the same server read different nanoseconds, so their pauses differ. In a simulation the clock
// is virtual: there the pauses repeat with the history, whatever the order is in which goroutines
// ask at one instant.
func Random() *rand.Rand {
	return rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
}
