// Package report turns measured cells into medians, ratios, checked goals, tables and
// a picture.
package report

import (
	"slices"

	"github.com/redchan-go/redchan/bench/internal/result"
)

// Spread is a figure over all rounds.
type Spread struct {
	Median, Min, Max float64
	Rounds           int
}

// spread sums values up; they are not empty.
func spread(values []float64) Spread {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return Spread{
		Median: (sorted[(n-1)/2] + sorted[n/2]) / 2,
		Min:    sorted[0],
		Max:    sorted[n-1],
		Rounds: n,
	}
}

// key names a figure of the summary.
type key struct {
	workload, client string
	metric           result.Metric
}

// Summary holds every figure's spread.
type Summary struct {
	spreads map[key]Spread
	errors  map[key]string // metric is empty
}

// Summarize sums the cells of all rounds up.
func Summarize(cells []result.Cell) Summary {
	values := map[key][]float64{}
	s := Summary{spreads: map[key]Spread{}, errors: map[key]string{}}
	for _, cell := range cells {
		if cell.Err != "" {
			s.errors[key{workload: cell.Workload, client: cell.Client}] = cell.Err
		}
		for metric, value := range cell.Values {
			k := key{cell.Workload, cell.Client, metric}
			values[k] = append(values[k], value)
		}
	}
	for k, list := range values {
		s.spreads[k] = spread(list)
	}
	return s
}

// Figure returns a figure; ok is false where it was not measured.
func (s Summary) Figure(workload, client string, metric result.Metric) (figure Spread, ok bool) {
	figure, ok = s.spreads[key{workload, client, metric}]
	return figure, ok
}

// Failure returns why a cell failed, in one round at least; empty if it did not.
func (s Summary) Failure(workload, client string) string {
	return s.errors[key{workload: workload, client: client}]
}

// ratio returns ours divided by a peer's figure.
func (s Summary) ratio(workload, ours, peer string, metric result.Metric) (float64, bool) {
	a, ok := s.Figure(workload, ours, metric)
	b, peerOK := s.Figure(workload, peer, metric)
	if !ok || !peerOK || b.Median == 0 {
		return 0, false
	}
	return a.Median / b.Median, true
}

// best returns the peer with the best figure: the smallest, or the largest.
func (s Summary) best(workload string, peers []string, metric result.Metric, largest bool) (string, bool) {
	best, found := "", false
	var figure float64
	for _, peer := range peers {
		f, ok := s.Figure(workload, peer, metric)
		if !ok {
			continue
		}
		if !found || largest && f.Median > figure || !largest && f.Median < figure {
			best, figure, found = peer, f.Median, true
		}
	}
	return best, found
}
