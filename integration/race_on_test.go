//go:build race

package integration

// defaultStorm is the number of requests of TestCancellationStorm: under the race
// detector each takes several times as long.
const defaultStorm = 200_000
