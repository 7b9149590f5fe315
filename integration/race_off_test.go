//go:build !race

package integration

// defaultStorm is the number of requests of TestCancellationStorm.
const defaultStorm = 1_000_000
