package report

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/redchan-go/redchan/bench/internal/load"
	"github.com/redchan-go/redchan/bench/internal/peer"
	"github.com/redchan-go/redchan/bench/internal/result"
)

// titles says what the metrics are, in words.
var titles = map[result.Metric]string{
	result.CPU:        "client CPU, µs per operation",
	result.Rate:       "operations a second",
	result.P50:        "median latency, µs",
	result.P99:        "99th percentile of the latency, µs",
	result.Allocs:     "allocations per operation",
	result.Bytes:      "allocated bytes per operation",
	result.Writes:     "write system calls per operation",
	result.Reads:      "read system calls per operation",
	result.ServerCPU:  "server CPU, µs per operation",
	result.TotalCPU:   "client and server CPU, µs per operation",
	result.Lost:       "messages lost, of 100",
	result.IdleMemory: "memory of an idle connection, KiB",
	result.IdleCPU:    "CPU of an idle connection, µs a second",
	result.Goroutines: "goroutines of an idle connection",
	result.Conns:      "connections of a client",
}

// order is the order of the tables; the first one shows spreads and ratios.
var order = []result.Metric{
	result.CPU, result.Rate, result.P50, result.P99, result.Allocs, result.Bytes, result.Writes, result.Reads,
	result.ServerCPU, result.TotalCPU, result.Lost,
	result.IdleMemory, result.IdleCPU, result.Goroutines, result.Conns,
}

// Title returns what a metric is, in words.
func Title(metric result.Metric) string { return titles[metric] }

// Markdown writes the whole report. The workloads are those that were run.
func Markdown(w io.Writer, run result.Run, workloads []load.Workload, picture string) error {
	summary := Summarize(run.Cells)
	var b strings.Builder
	fmt.Fprintf(&b, "# redchan and its peers\n\n")
	fmt.Fprintf(&b, "%s; server: %s; %s; %s.\n\n", run.Machine, run.Server, run.Date, run.Settings)
	for _, module := range slices.Sorted(maps.Keys(run.Versions)) {
		fmt.Fprintf(&b, "- %s %s\n", module, run.Versions[module])
	}
	b.WriteString("\nEach figure is the median of the rounds; where there is more than one round, the smallest and the " +
		"largest stand in brackets. `×0.30` is redchan's figure divided by that client's. `raw` is no client: " +
		"a loop that moves the same bytes, the bound.\n\n")
	if picture != "" {
		fmt.Fprintf(&b, "![Client CPU per operation, relative to redchan](%s)\n\n", picture)
	}
	writeGoals(&b, Check(Goals(), summary))
	writeWorkloads(&b, workloads)
	for _, metric := range order {
		writeTable(&b, summary, workloads, metric)
	}
	writeFailures(&b, summary, workloads)
	_, err := io.WriteString(w, b.String())
	return err
}

// writeGoals writes what was reached.
func writeGoals(b *strings.Builder, verdicts []Verdict) {
	b.WriteString("## Goals\n\n")
	b.WriteString("| workload | figure | against | bound | measured | |\n|---|---|---|--:|--:|---|\n")
	missing := 0
	for _, v := range verdicts {
		if !v.Known {
			missing++
			continue
		}
		against, relation, mark := "–", "≤", "pass"
		if v.Peer != "" {
			against = v.Peer
		}
		if v.Goal.Against == bestPeer {
			against += " (best)"
		}
		if v.Goal.AtLeast {
			relation = "≥"
		}
		if !v.Pass {
			mark = "**fail**"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s %.2f | %.2f | %s |\n",
			v.Goal.Workload, Title(v.Goal.Metric), against, relation, v.Goal.Bound, v.Measured, mark)
	}
	if missing > 0 {
		fmt.Fprintf(b, "\n%d goals were not measured: their workloads or clients were left out of this run.\n", missing)
	}
	b.WriteString("\n")
}

// writeWorkloads writes what the names stand for.
func writeWorkloads(b *strings.Builder, workloads []load.Workload) {
	b.WriteString("## Workloads\n\n| name | what is done |\n|---|---|\n")
	for _, workload := range workloads {
		fmt.Fprintf(b, "| %s | %s |\n", workload.Name, workload.About)
	}
	b.WriteString("\n")
}

// writeTable writes the figures of one metric; nothing where none was measured.
func writeTable(b *strings.Builder, s Summary, workloads []load.Workload, metric result.Metric) {
	var rows strings.Builder
	for _, workload := range workloads {
		cells := make([]string, 0, len(peer.Names()))
		measured := false
		for _, client := range peer.Names() {
			figure, ok := s.Figure(workload.Name, client, metric)
			text := "–"
			switch {
			case ok:
				measured = true
				text = s.describe(workload.Name, client, metric, figure)
			case s.Failure(workload.Name, client) != "":
				text = "failed"
			}
			cells = append(cells, text)
		}
		if measured {
			fmt.Fprintf(&rows, "| %s | %s |\n", workload.Name, strings.Join(cells, " | "))
		}
	}
	if rows.Len() == 0 {
		return
	}
	fmt.Fprintf(b, "## %s\n\n", upperFirst(Title(metric)))
	fmt.Fprintf(b, "| | %s |\n|---%s|\n", strings.Join(peer.Names(), " | "), strings.Repeat("|--:", len(peer.Names())))
	b.WriteString(rows.String())
	b.WriteString("\n")
}

// describe writes one figure: with its spread, and its ratio where it is a peer's.
func (s Summary) describe(workload, client string, metric result.Metric, figure Spread) string {
	text := Number(figure.Median)
	if figure.Rounds > 1 {
		text += fmt.Sprintf(" [%s–%s]", Number(figure.Min), Number(figure.Max))
	}
	if client == peer.Redchan {
		return "**" + Number(figure.Median) + "**" + strings.TrimPrefix(text, Number(figure.Median))
	}
	if ratio, ok := s.ratio(workload, peer.Redchan, client, metric); ok && metric != result.Conns {
		text += " ×" + Number(ratio)
	}
	return text
}

// writeFailures writes why cells failed.
func writeFailures(b *strings.Builder, s Summary, workloads []load.Workload) {
	heading := "## Failures\n\n"
	for _, workload := range workloads {
		for _, client := range peer.Names() {
			if failure := s.Failure(workload.Name, client); failure != "" {
				fmt.Fprintf(b, "%s- %s, %s: %s\n", heading, workload.Name, client, failure)
				heading = ""
			}
		}
	}
}

// Number writes a figure with three digits that count, or whole above that.
func Number(v float64) string {
	switch size := math.Abs(v); {
	case size >= 99.5:
		return thousands(v)
	case size >= 9.95:
		return fmt.Sprintf("%.1f", v)
	case size >= 0.995 || size == 0:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.3f", v)
}

// thousands writes a whole number, its digits in groups of three.
func thousands(v float64) string {
	digits := fmt.Sprintf("%.0f", math.Abs(v))
	var groups []string
	for len(digits) > 3 {
		groups = append(groups, digits[len(digits)-3:])
		digits = digits[:len(digits)-3]
	}
	groups = append(groups, digits)
	slices.Reverse(groups)
	text := strings.Join(groups, ",")
	if v < 0 {
		return "-" + text
	}
	return text
}

// upperFirst writes the first letter, of the titles' ASCII, large.
func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
