package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/redchan-go/redchan/bench/internal/load"
	"github.com/redchan-go/redchan/bench/internal/report"
	"github.com/redchan-go/redchan/bench/internal/result"
	"github.com/redchan-go/redchan/bench/internal/server"
)

// maxWarmup bounds how long a client warms up before it is measured.
const maxWarmup = 300 * time.Millisecond

// turn is one client's run of one workload in one round.
type turn struct {
	workload load.Workload
	client   string
	round    int // from 1
}

// plan is the order of all turns.
type plan struct {
	settings settings
	target   *server.Server
	turns    []turn
}

// newPlan orders the turns: for each workload round after round, all clients in
// each. Every round begins with another client, so that no one always follows the
// same.
func newPlan(s settings, workloads []load.Workload, clients []string, target *server.Server) plan {
	p := plan{settings: s, target: target}
	for _, workload := range workloads {
		for round := range s.rounds {
			for i := range clients {
				client := clients[(i+round)%len(clients)]
				if workload.Offers(client) {
					p.turns = append(p.turns, turn{workload, client, round + 1})
				}
			}
		}
	}
	return p
}

// run takes all turns and tells out of them, a line for each round of a workload. It
// returns what was measured until ctx or the server ended.
func (p plan) run(ctx context.Context, out io.Writer) ([]result.Cell, error) {
	var cells []result.Cell
	begun := time.Now()
	for i, turn := range p.turns {
		if i == 0 || turn.workload.Name != p.turns[i-1].workload.Name || turn.round != p.turns[i-1].round {
			fmt.Fprintf(out, "\n%s %-22s round %d/%d ", progress(begun, i, len(p.turns)), turn.workload.Name,
				turn.round, p.settings.rounds)
		}
		measured, err := load.Spawn(ctx, p.spec(turn))
		if ctx.Err() != nil {
			fmt.Fprintln(out, "interrupted: what was measured is reported")
			break
		}
		if died := p.target.Died(); died != nil {
			fmt.Fprintln(out)
			return cells, died
		}
		if err != nil {
			measured = result.Cell{Workload: turn.workload.Name, Client: turn.client, Err: err.Error()}
		}
		measured.Round = turn.round
		cells = append(cells, measured)
		fmt.Fprintf(out, " %s %s", turn.client, brief(measured))
	}
	fmt.Fprintln(out)
	return cells, nil
}

// spec returns what the process of a turn is told.
func (p plan) spec(t turn) load.Spec {
	spec := load.Spec{
		Workload: t.workload.Name,
		Client:   t.client,
		Addr:     p.target.Addr,
		Socket:   p.target.Socket,

		ServerPID: p.target.PID,

		Warmup:   min(p.settings.duration/2, maxWarmup),
		Duration: p.settings.duration,
	}
	if p.settings.profiles != "" {
		name := strings.ReplaceAll(t.workload.Name, "/", "-")
		spec.Profile = filepath.Join(p.settings.profiles, fmt.Sprintf("%s.%s.%d.pprof", name, t.client, t.round))
	}
	return spec
}

// progress says how far the run is: elapsed and, once it can be told, left.
func progress(begun time.Time, done, all int) string {
	elapsed := time.Since(begun)
	left := "?"
	if done > 0 {
		rest := elapsed / time.Duration(done) * time.Duration(all-done)
		left = clock(rest)
	}
	return fmt.Sprintf("[%*d/%d, %s, left about %s]", len(fmt.Sprint(all)), done, all, clock(elapsed), left)
}

// clock writes a duration as minutes and seconds.
func clock(d time.Duration) string {
	seconds := int(d.Round(time.Second).Seconds())
	return fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
}

// brief says the most telling figure of a cell.
func brief(cell result.Cell) string {
	if cell.Err != "" {
		return "failed"
	}
	if memory, ok := cell.Values[result.IdleMemory]; ok {
		return report.Number(memory) + " KiB"
	}
	if strings.HasPrefix(cell.Workload, "busy/") {
		return report.Number(cell.Values[result.Rate]) + "/s"
	}
	if cpu, ok := cell.Values[result.CPU]; ok {
		return report.Number(cpu) + " µs"
	}
	return report.Number(cell.Values[result.Rate]) + "/s"
}
