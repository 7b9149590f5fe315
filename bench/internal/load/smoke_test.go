package load

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redchan-go/redchan/bench/internal/peer"
	"github.com/redchan-go/redchan/bench/internal/result"
	"github.com/redchan-go/redchan/bench/internal/server"
	"github.com/redchan-go/redchan/bench/internal/wire"
)

// Cells and publishers are this test binary, started again.
func TestMain(m *testing.M) {
	hidden, err := Hidden(context.Background(), os.Args)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if !hidden {
		os.Exit(m.Run())
	}
}

// testServer returns the address of a server with the workloads' data: a real one
// where there is one on PATH, else miniredis.
func testServer(t *testing.T) (addr, socket string) {
	t.Helper()
	// Processes of a binary with the race detector sleep for a second at their end.
	t.Setenv("GORACE", "atexit_sleep_ms=0")
	addr = miniredis.RunT(t).Addr()
	_, onPath := server.OnPath()
	if onPath || os.Getenv(server.Variable) != "" {
		started, err := server.Start(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := started.Close(); err != nil {
				t.Error(err)
			}
		})
		addr, socket = started.Addr, started.Socket
	}
	admin, err := wire.Dial(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if err := Fill(admin); err != nil {
		t.Fatal(err)
	}
	return addr, socket
}

// Every client does a bit of everything, so that a client that does something else
// than the others is found before a long run.
func TestEveryClientInEveryWorkload(t *testing.T) {
	addr, socket := testServer(t)
	for _, workload := range Workloads() {
		if workload.Callers > 64 || workload.Unix && socket == "" {
			continue // the same as with 64 callers and over TCP
		}
		if _, isIdle := workload.kind.(idle); isIdle {
			continue // below
		}
		for _, client := range peer.Names() {
			if !workload.Offers(client) {
				continue
			}
			t.Run(workload.Name+"/"+client, func(t *testing.T) {
				// On a busy machine a short turn may end before the first operation has:
				// it is to be as long as one takes.
				var cell result.Cell
				for duration := 10 * time.Millisecond; cell.Operations == 0 && duration < 10*time.Second; duration *= 4 {
					var err error
					cell, err = Measure(t.Context(), Spec{
						Workload: workload.Name, Client: client, Addr: addr, Socket: socket,
						Warmup: 5 * time.Millisecond, Duration: duration,
					})
					if err != nil {
						t.Fatal(err)
					}
				}
				if cell.Operations == 0 || cell.Values[result.Rate] <= 0 {
					t.Errorf("nothing was done: %+v", cell)
				}
				if lost := cell.Values[result.Lost]; client == peer.RawLoop && lost != 0 {
					t.Errorf("the raw loop lost %v of 100 messages", lost)
				}
			})
		}
	}
}

// A cell of each client in a process of its own, as the program runs them.
func TestSpawn(t *testing.T) {
	addr, _ := testServer(t)
	for _, client := range peer.Names() {
		for _, workload := range []string{"get/8/cancel", "set/1/onecpu"} {
			cell, err := Spawn(t.Context(), Spec{
				Workload: workload, Client: client, Addr: addr,
				Warmup: 20 * time.Millisecond, Duration: 100 * time.Millisecond,
			})
			if err != nil {
				t.Errorf("%s: %v", client, err)
				continue
			}
			if cell.Client != client || cell.Workload != workload || cell.Operations == 0 || cell.Values[result.P99] <= 0 {
				t.Errorf("%s measured %+v", client, cell)
			}
		}
	}
}

func TestSpawnTellsWhyItFailed(t *testing.T) {
	spec := Spec{Workload: "get/1", Client: "nobody", Addr: miniredis.RunT(t).Addr()}
	if _, err := Spawn(t.Context(), spec); err == nil {
		t.Error("a client that is not there was measured")
	}
}

func TestIdle(t *testing.T) {
	addr, _ := testServer(t)
	cell, err := Measure(t.Context(), Spec{Workload: "idle", Client: peer.Redchan, Addr: addr})
	if err != nil {
		t.Fatal(err)
	}
	for _, metric := range []result.Metric{result.IdleMemory, result.Goroutines, result.Conns} {
		if cell.Values[metric] <= 0 {
			t.Errorf("%s is %v", metric, cell.Values[metric])
		}
	}
}
