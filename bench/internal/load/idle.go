package load

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/redchan-go/redchan/bench/internal/peer"
	"github.com/redchan-go/redchan/bench/internal/result"
	"github.com/redchan-go/redchan/bench/internal/wire"
)

const (
	// idleClients is how many clients stand by, so that what one costs shows.
	idleClients = 50
	// burstCallers and burstCalls are what a burst is, for each client.
	burstCallers = 64
	burstCalls   = 20
	// settle is how long a client has after a burst to give its memory back, in full
	// runs and quick ones alike.
	settle = 3 * time.Second
	// freshSettle is how long a client has after its first command.
	freshSettle = 500 * time.Millisecond
	// idleTime is how long the CPU of idle connections is measured at least: in less
	// the process itself shows.
	idleTime = time.Second
	// idleTurns is how much longer than other turns it is measured, so that timers
	// which go off every few seconds have their share.
	idleTurns = 10
)

// idle is the kind of workload that does nothing with open connections.
type idle struct {
	burst bool // it has done much before
	crew  *crew
}

// crew are the goroutines of all bursts. They stay, because the stacks of goroutines
// that have come and gone would be taken for those of connections: memory for stacks
// is counted in spans of several, of which some are free.
type crew struct {
	tasks   chan func()
	members sync.WaitGroup
}

func newCrew() *crew {
	c := &crew{tasks: make(chan func())}
	for range burstCallers {
		c.members.Go(func() {
			for task := range c.tasks {
				task()
			}
		})
	}
	return c
}

func (c *crew) dismiss() {
	close(c.tasks)
	c.members.Wait()
}

// standing is what the process and the server hold.
type standing struct {
	memory      uint64
	goroutines  int
	connections int
}

// stand takes stock after garbage collection; twice, because pools survive one.
func stand(admin *wire.Conn) (standing, error) {
	runtime.GC()
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	fields, err := admin.Info("clients")
	if err != nil {
		return standing{}, err
	}
	connections, err := strconv.Atoi(fields["connected_clients"])
	if err != nil {
		return standing{}, fmt.Errorf("INFO clients: connected_clients: %w", err)
	}
	return standing{
		memory:      memory.HeapAlloc + memory.StackInuse,
		goroutines:  runtime.NumGoroutine(),
		connections: connections,
	}, nil
}

// measure opens clients, uses each, and looks at what they hold while they stand by.
func (i idle) measure(ctx context.Context, cell *cell) (result.Cell, error) {
	i.crew = newCrew()
	defer i.crew.dismiss()
	// What the library sets up once for all clients is not a connection's.
	if err := i.once(ctx, cell); err != nil {
		return result.Cell{}, err
	}
	before, err := stand(cell.admin)
	if err != nil {
		return result.Cell{}, err
	}
	for range idleClients {
		client, err := peer.Open(ctx, cell.spec.Client, cell.options())
		if err != nil {
			return result.Cell{}, err
		}
		defer client.Close()
		if err := i.use(ctx, client); err != nil {
			return result.Cell{}, err
		}
	}
	if i.burst {
		wait(ctx, settle)
	} else {
		wait(ctx, freshSettle)
	}
	after, err := stand(cell.admin)
	if err != nil {
		return result.Cell{}, err
	}
	connections := after.connections - before.connections
	if connections <= 0 {
		return result.Cell{}, fmt.Errorf("%d clients have %d connections", idleClients, connections)
	}

	from, err := begin(cell.admin)
	if err != nil {
		return result.Cell{}, err
	}
	wait(ctx, max(idleTurns*cell.spec.Duration, idleTime))
	to, err := end(cell.admin)
	if err != nil {
		return result.Cell{}, err
	}
	each := float64(connections)
	seconds := to.at.Sub(from.at).Seconds()
	values := map[result.Metric]float64{
		result.IdleMemory: (float64(after.memory) - float64(before.memory)) / each / 1024,
		result.Goroutines: float64(after.goroutines-before.goroutines) / each,
		result.Conns:      each / idleClients,
	}
	if from.cpu >= 0 {
		values[result.IdleCPU] = float64(to.cpu-from.cpu) / float64(time.Microsecond) / each / seconds
	}
	return result.Cell{
		Workload: cell.spec.Workload, Client: cell.spec.Client,
		Seconds: seconds, Values: values,
	}, ctx.Err()
}

// once opens, uses and closes one client.
func (i idle) once(ctx context.Context, cell *cell) error {
	client, err := peer.Open(ctx, cell.spec.Client, cell.options())
	if err != nil {
		return err
	}
	defer client.Close()
	return i.use(ctx, client)
}

// use makes a client do something: one command, or a burst of many callers with
// large replies among them.
func (i idle) use(ctx context.Context, client peer.Client) error {
	if !i.burst {
		_, err := client.Get(ctx, smallKeyNames()[0])
		return err
	}
	work := mix()
	var callers sync.WaitGroup
	failed := make(chan error, burstCallers)
	for id := range burstCallers {
		callers.Add(1)
		i.crew.tasks <- func() {
			defer callers.Done()
			for n := range burstCalls {
				if err := work.call(ctx, client, id*7+n); err != nil {
					failed <- err
					return
				}
			}
		}
	}
	callers.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}
