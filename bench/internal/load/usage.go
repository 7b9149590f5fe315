package load

import (
	"fmt"
	"runtime"
	"strconv"
	"time"

	"github.com/redchan-go/redchan/bench/internal/result"
	"github.com/redchan-go/redchan/bench/internal/wire"
)

// usage is what this process, and the server, have used up to now. Negative numbers
// are not known on this machine.
type usage struct {
	at          time.Time
	cpu, server time.Duration
	allocs      uint64
	bytes       uint64
	calls       calls
}

// calls counts system calls.
type calls struct{ reads, writes int64 }

// begin takes the usage at the begin of a measurement: the process's own time last.
func begin(admin *wire.Conn) (usage, error) {
	var u usage
	var err error
	if u.server, err = serverCPU(admin); err != nil {
		return u, err
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	u.allocs, u.bytes = memory.Mallocs, memory.TotalAlloc
	u.calls = systemCalls()
	u.cpu = ProcessCPU()
	u.at = time.Now()
	return u, nil
}

// end takes the usage at the end: in the opposite order, so that measuring is not
// measured.
func end(admin *wire.Conn) (usage, error) {
	u := usage{at: time.Now(), cpu: ProcessCPU(), calls: systemCalls()}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	u.allocs, u.bytes = memory.Mallocs, memory.TotalAlloc
	var err error
	u.server, err = serverCPU(admin)
	return u, err
}

// serverCPU asks the server for the CPU time that it has used; negative where it does
// not say.
func serverCPU(admin *wire.Conn) (time.Duration, error) {
	fields, err := admin.Info("cpu")
	if err != nil {
		return 0, fmt.Errorf("INFO cpu: %w", err)
	}
	var total time.Duration
	for _, name := range []string{"used_cpu_sys", "used_cpu_user"} {
		seconds, err := strconv.ParseFloat(fields[name], 64)
		if err != nil {
			return -1, nil
		}
		total += time.Duration(seconds * float64(time.Second))
	}
	return total, nil
}

// perOperation turns two usages into the metrics of n operations.
func perOperation(before, after usage, n int64) map[result.Metric]float64 {
	values := map[result.Metric]float64{}
	if n == 0 {
		return values
	}
	count := float64(n)
	micros := func(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) / count }
	values[result.Rate] = count / after.at.Sub(before.at).Seconds()
	values[result.Allocs] = float64(after.allocs-before.allocs) / count
	values[result.Bytes] = float64(after.bytes-before.bytes) / count
	if before.cpu >= 0 {
		values[result.CPU] = micros(after.cpu - before.cpu)
	}
	if before.server >= 0 {
		values[result.ServerCPU] = micros(after.server - before.server)
	}
	if before.cpu >= 0 && before.server >= 0 {
		values[result.TotalCPU] = values[result.CPU] + values[result.ServerCPU]
	}
	if before.calls.reads >= 0 {
		values[result.Reads] = float64(after.calls.reads-before.calls.reads) / count
		values[result.Writes] = float64(after.calls.writes-before.calls.writes) / count
	}
	return values
}
