//go:build !race

package redis_test

// raceDetector says whether the tests run with it, and slowness how much longer
// what takes real time may take then.
const (
	raceDetector = false
	slowness     = 1
)
