package load

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime/pprof"
	"time"

	"github.com/redchan-go/redchan/bench/internal/peer"
	"github.com/redchan-go/redchan/bench/internal/result"
	"github.com/redchan-go/redchan/bench/internal/wire"
)

// The words by which the program starts itself again, as the process that measures or
// as the one that publishes. JSON follows.
const (
	cellWord    = "internal-cell"
	publishWord = "internal-publish"
)

// cellSlack is how long a cell may take beyond its own times: starting, draining.
const cellSlack = 30 * time.Second

// cell is one client's measurement while it runs.
type cell struct {
	spec     Spec
	workload Workload
	admin    *wire.Conn
}

// options returns how to open the client.
func (c *cell) options() peer.Options {
	options := peer.Options{Network: "tcp", Addr: c.spec.Addr, Callers: c.workload.Callers}
	if c.workload.Unix {
		options.Network, options.Addr = "unix", c.spec.Socket
	}
	return options
}

// result puts together what was measured.
func (c *cell) result(before, after usage, operations int64, latency *Histogram) result.Cell {
	values := perOperation(before, after, operations)
	if latency.total > 0 {
		values[result.P50] = float64(latency.Quantile(0.50)) / float64(time.Microsecond)
		values[result.P99] = float64(latency.Quantile(0.99)) / float64(time.Microsecond)
	}
	return result.Cell{
		Workload:   c.spec.Workload,
		Client:     c.spec.Client,
		Operations: operations,
		Seconds:    after.at.Sub(before.at).Seconds(),
		Values:     values,
	}
}

// Measure measures in this process. The program runs it in a process of its own, by
// [Spawn].
func Measure(ctx context.Context, spec Spec) (_ result.Cell, err error) {
	workload, err := Find(spec.Workload)
	if err != nil {
		return result.Cell{}, err
	}
	if !workload.Offers(spec.Client) {
		return result.Cell{}, fmt.Errorf("%s can't do %s", spec.Client, spec.Workload)
	}
	if workload.Unix && spec.Socket == "" {
		return result.Cell{}, errors.New("there is no Unix socket")
	}
	admin, err := wire.Dial(ctx, "tcp", spec.Addr)
	if err != nil {
		return result.Cell{}, err
	}
	defer admin.Close()
	if spec.Profile != "" {
		stop, err := profile(spec.Profile)
		if err != nil {
			return result.Cell{}, err
		}
		defer func() { err = errors.Join(err, stop()) }()
	}
	return workload.kind.measure(ctx, &cell{spec: spec, workload: workload, admin: admin})
}

// profile writes a CPU profile of this process to a file until stop is called.
func profile(name string) (stop func() error, err error) {
	file, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return file.Close()
	}, nil
}

// Spawn measures in a process of its own, on one CPU where the workload wants that.
func Spawn(ctx context.Context, spec Spec) (result.Cell, error) {
	workload, err := Find(spec.Workload)
	if err != nil {
		return result.Cell{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, spec.Warmup+spec.Duration+cellSlack)
	defer cancel()
	command, err := again(ctx, cellWord, spec)
	if err != nil {
		return result.Cell{}, err
	}
	var output, problems bytes.Buffer
	command.Stdout, command.Stderr = &output, &problems
	release := func() error { return nil }
	if workload.OneCPU {
		command.Env = append(os.Environ(), "GOMAXPROCS=1")
		release, err = startOnOneCPU(command, spec.ServerPID)
	} else {
		err = command.Start()
	}
	if err != nil {
		return result.Cell{}, err
	}
	err = command.Wait()
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		return result.Cell{}, errors.Join(fmt.Errorf("%w: %s", err, lastLine(problems.Bytes())), release())
	}
	if err := release(); err != nil {
		return result.Cell{}, err
	}
	var measured result.Cell
	if err := json.Unmarshal(output.Bytes(), &measured); err != nil {
		return result.Cell{}, fmt.Errorf("what the cell printed: %w", err)
	}
	return measured, nil
}

// lastLine returns the last line of what a process printed.
func lastLine(text []byte) []byte {
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return lines[len(lines)-1]
}

// again prepares a command that runs this program again, in one of its hidden ways.
func again(ctx context.Context, word string, spec any) (*exec.Cmd, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(spec)
	if err != nil {
		return nil, err
	}
	return exec.CommandContext(ctx, program, word, string(text)), nil
}

// Hidden does what the program was started again for, and reports whether it was;
// args are those of the command line. The program calls it first.
func Hidden(ctx context.Context, args []string) (bool, error) {
	if len(args) != 3 {
		return false, nil
	}
	switch args[1] {
	case cellWord:
		var spec Spec
		if err := json.Unmarshal([]byte(args[2]), &spec); err != nil {
			return true, err
		}
		measured, err := Measure(ctx, spec)
		if err != nil {
			return true, err
		}
		return true, json.NewEncoder(os.Stdout).Encode(measured)
	case publishWord:
		var work publication
		if err := json.Unmarshal([]byte(args[2]), &work); err != nil {
			return true, err
		}
		return true, work.run(ctx, os.Stdin, os.Stdout)
	}
	return false, nil
}
