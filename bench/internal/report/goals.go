package report

import (
	"fmt"

	"github.com/redchan-go/redchan/bench/internal/peer"
	"github.com/redchan-go/redchan/bench/internal/result"
)

// bestPeer stands for the peer that is best at a workload.
const bestPeer = "the best peer"

// Goal is a bound of redchan's figure: of its ratio to a peer's, or of the figure
// itself.
type Goal struct {
	Workload string
	Metric   result.Metric
	Against  string // a peer, or bestPeer; empty for a bound of the figure itself
	Bound    float64
	AtLeast  bool // the bound is a lower one
}

// String describes what is bounded.
func (g Goal) String() string {
	relation := "at most"
	if g.AtLeast {
		relation = "at least"
	}
	text := fmt.Sprintf("%s: %s, %s %.2f", g.Workload, Title(g.Metric), relation, g.Bound)
	if g.Against != "" {
		text += " of " + g.Against
	}
	return text
}

// below is a goal of CPU against rueidis and against the best peer.
func below(workload string, rueidis, best float64) []Goal {
	return []Goal{
		{Workload: workload, Metric: result.CPU, Against: peer.Rueidis, Bound: rueidis},
		{Workload: workload, Metric: result.CPU, Against: bestPeer, Bound: best},
	}
}

// together are goals of several workloads.
func together(goals ...[]Goal) []Goal {
	var all []Goal
	for _, some := range goals {
		all = append(all, some...)
	}
	return all
}

// Goals returns the bounds that redchan is built to pass.
func Goals() []Goal {
	return together(
		below("get/1/onecpu", 1.00, 1.00),
		below("get/1/cancel/onecpu", 0.85, 1.05),
		below("get/8", 0.85, 0.90),
		below("get/8/onecpu", 0.40, 0.90),
		manyCallers(),
		below("pipeline/1", 0.80, 0.80),
		below("pipeline/16", 0.60, 0.60),
		below("lrange/8", 0.45, 0.65),
		below("hgetall/8", 0.45, 0.70),
		below("get16k/8", 0.80, 0.85),
		[]Goal{
			{Workload: "get1m/1", Metric: result.TotalCPU, Against: peer.Rueidis, Bound: 1.05},
			{Workload: "get1m/1", Metric: result.TotalCPU, Against: bestPeer, Bound: 1.05},
			{Workload: "busy/1/cancel", Metric: result.Rate, Against: peer.Rueidis, Bound: 8, AtLeast: true},
			{Workload: "busy/1/cancel", Metric: result.Rate, Against: peer.Redigo, Bound: 0.9, AtLeast: true},
		},
		messages(),
		absolute(),
	)
}

// manyCallers are the goals of GET and SET where callers come together.
func manyCallers() []Goal {
	var all []Goal
	for _, command := range []string{"get", "set"} {
		for _, cpus := range []string{"", "/onecpu"} {
			at := func(callers string) string { return command + "/" + callers + cpus }
			all = append(
				all,
				Goal{Workload: at("64"), Metric: result.CPU, Against: peer.Rueidis, Bound: 0.30},
				Goal{Workload: at("64"), Metric: result.CPU, Against: peer.GoRedisAuto, Bound: 0.60},
			)
			all = append(all, below(at("512"), 0.30, 0.60)...)
			all = append(all, below(at("4096"), 0.40, 0.70)...)
		}
		for _, callers := range []string{"64", "512", "4096"} {
			all = append(all, Goal{
				Workload: command + "/" + callers, Metric: result.P99, Against: bestPeer, Bound: 1,
			})
		}
	}
	return all
}

// messages are the goals of pub/sub.
func messages() []Goal {
	var all []Goal
	for _, workload := range []string{"pubsub/1", "pubsub/1000", "pubsub/pattern"} {
		all = append(
			all,
			Goal{Workload: workload, Metric: result.CPU, Against: peer.Rueidis, Bound: 0.70},
			Goal{Workload: workload, Metric: result.CPU, Against: peer.GoRedis, Bound: 0.60},
			Goal{Workload: workload, Metric: result.Allocs, Bound: 1 + noise},
		)
	}
	return all
}

// What a process does beside its operations must not fail a goal: its timers and the
// measurement allocate a little, and take some CPU time.
const (
	noise   = 0.05
	idleCPU = 50 // µs a second for each connection, 0.005 % of a CPU: a timer every few seconds
)

// absolute are the goals that compare with nobody.
func absolute() []Goal {
	goals := []Goal{
		{Workload: "get/64", Metric: result.Allocs, Bound: 1 + noise},
		{Workload: "get/64", Metric: result.Writes, Bound: 0.08},
		{Workload: "set/64", Metric: result.Writes, Bound: 0.08},
	}
	for _, workload := range []string{"idle", "idle/burst"} {
		goals = append(
			goals,
			Goal{Workload: workload, Metric: result.IdleMemory, Bound: 20},
			Goal{Workload: workload, Metric: result.IdleCPU, Bound: idleCPU},
		)
	}
	return goals
}

// Verdict is a goal held against a run.
type Verdict struct {
	Goal     Goal
	Measured float64 // the ratio, or the figure itself
	Peer     string  // that it was compared with; empty for a bound of the figure itself
	Known    bool    // the run has what it takes
	Pass     bool
}

// Check holds goals against a run.
func Check(goals []Goal, s Summary) []Verdict {
	verdicts := make([]Verdict, len(goals))
	for i, goal := range goals {
		verdicts[i] = check(goal, s)
	}
	return verdicts
}

func check(goal Goal, s Summary) Verdict {
	v := Verdict{Goal: goal, Peer: goal.Against}
	switch goal.Against {
	case "":
		figure, ok := s.Figure(goal.Workload, peer.Redchan, goal.Metric)
		v.Measured, v.Known = figure.Median, ok
	case bestPeer:
		best, ok := s.best(goal.Workload, Peers(), goal.Metric, goal.AtLeast)
		if ok {
			v.Peer = best
			v.Measured, v.Known = s.ratio(goal.Workload, peer.Redchan, best, goal.Metric)
		}
	default:
		v.Measured, v.Known = s.ratio(goal.Workload, peer.Redchan, goal.Against, goal.Metric)
	}
	if goal.AtLeast {
		v.Pass = v.Known && v.Measured >= goal.Bound
	} else {
		v.Pass = v.Known && v.Measured <= goal.Bound
	}
	return v
}

// Peers returns the clients that redchan is compared with. The raw loop is none.
func Peers() []string {
	return []string{peer.Rueidis, peer.GoRedis, peer.GoRedisAuto, peer.Redigo}
}
