package load

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redchan-go/redchan/bench/internal/peer"
	"github.com/redchan-go/redchan/bench/internal/result"
)

// sampled is one of how many calls is timed where there are many: reading the clock
// twice costs as much as a twentieth of a call.
const sampled = 8

// kind is how a workload is measured.
type kind interface {
	measure(ctx context.Context, cell *cell) (result.Cell, error)
}

// callers runs the goroutines of a workload of commands: all warm up, stop together,
// and are measured from a common start.
type callers struct {
	work   commands
	client peer.Client

	warm, stop atomic.Bool
	warmed     sync.WaitGroup
	start      chan struct{} // closed when the measurement begins
	ended      sync.WaitGroup

	mu      sync.Mutex
	total   int64
	latency Histogram
	err     error // the first one
}

// measure runs the workload with one client.
func (work commands) measure(ctx context.Context, cell *cell) (result.Cell, error) {
	if cell.spec.Client == peer.RawLoop {
		return work.measureRaw(ctx, cell)
	}
	client, err := peer.Open(ctx, cell.spec.Client, cell.options())
	if err != nil {
		return result.Cell{}, err
	}
	defer client.Close()
	run := &callers{work: work, client: client, start: make(chan struct{})}
	for id := range cell.workload.Callers {
		callCtx := context.Background()
		if cell.workload.Cancellable {
			var cancel context.CancelFunc
			callCtx, cancel = context.WithCancel(ctx)
			defer cancel()
		}
		run.warmed.Add(1)
		run.ended.Go(func() { run.loop(callCtx, id) })
	}
	stopBurning := burn(cell.workload.Burners)
	defer stopBurning()

	wait(ctx, cell.spec.Warmup)
	run.warm.Store(true)
	run.warmed.Wait()
	before, err := begin(cell.admin)
	close(run.start)
	if err == nil {
		wait(ctx, cell.spec.Duration)
	}
	run.stop.Store(true)
	run.ended.Wait()
	after, endErr := end(cell.admin)
	for _, err := range []error{err, run.err, endErr, ctx.Err()} {
		if err != nil {
			return result.Cell{}, err
		}
	}
	return cell.result(before, after, run.total, &run.latency), nil
}

// loop is one caller.
func (run *callers) loop(ctx context.Context, id int) {
	n := id * 7
	var err error
	for err == nil && !run.warm.Load() {
		err = run.work.call(ctx, run.client, n)
		n++
	}
	run.warmed.Done()
	<-run.start

	latency := newHistogram()
	calls := 0
	for ; err == nil && !run.stop.Load(); n++ {
		if calls%sampled == 0 {
			at := time.Now()
			err = run.work.call(ctx, run.client, n)
			latency.Record(time.Since(at))
		} else {
			err = run.work.call(ctx, run.client, n)
		}
		calls++
	}

	run.mu.Lock()
	defer run.mu.Unlock()
	run.total += int64(calls * run.work.perCall)
	run.latency.Merge(latency)
	if run.err == nil {
		run.err = err
	}
}

// measureRaw runs the workload with the raw loop: the requests of all callers in one
// write, then all replies.
func (work commands) measureRaw(ctx context.Context, cell *cell) (result.Cell, error) {
	raw, err := peer.OpenRaw(ctx, cell.options())
	if err != nil {
		return result.Cell{}, err
	}
	defer raw.Close()
	var requests []byte
	replyBytes := 0
	for n := range cell.workload.Callers {
		var reply int
		requests, reply = work.request(requests, n)
		replyBytes += reply
	}
	stopBurning := burn(cell.workload.Burners)
	defer stopBurning()

	for until := time.Now().Add(cell.spec.Warmup); time.Now().Before(until); {
		if err := raw.Exchange(requests, replyBytes); err != nil {
			return result.Cell{}, err
		}
	}
	var latency Histogram
	total := int64(0)
	before, err := begin(cell.admin)
	if err != nil {
		return result.Cell{}, err
	}
	at := time.Now()
	for until := at.Add(cell.spec.Duration); at.Before(until); {
		if err := raw.Exchange(requests, replyBytes); err != nil {
			return result.Cell{}, err
		}
		total += int64(cell.workload.Callers * work.perCall)
		now := time.Now()
		latency.Record(now.Sub(at))
		at = now
	}
	after, err := end(cell.admin)
	if err != nil {
		return result.Cell{}, err
	}
	return cell.result(before, after, total, &latency), nil
}

// burnTime is how long a burner burns, and then sleeps.
const burnTime = 200 * time.Microsecond

// burn starts n goroutines that stand for the rest of a busy program. The function
// that it returns ends them.
func burn(n int) (stop func()) {
	done := make(chan struct{})
	var burners sync.WaitGroup
	for range n {
		burners.Go(func() {
			sleep := time.NewTimer(0)
			defer sleep.Stop()
			for {
				select {
				case <-done:
					return
				case <-sleep.C:
					for at := time.Now(); time.Since(at) < burnTime; {
					}
					sleep.Reset(burnTime)
				}
			}
		})
	}
	return func() {
		close(done)
		burners.Wait()
	}
}

// wait waits for d, or until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
