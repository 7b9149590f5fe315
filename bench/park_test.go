package main

import (
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/redchan-go/redchan/bench/internal/load"
)

// BenchmarkPark is what a Go channel for each call costs by itself: callers that queue
// themselves and wait, and one goroutine that wakes them, without a client or a server.
//
//	go -C bench test -run none -bench Park .
func BenchmarkPark(b *testing.B) {
	for _, callers := range []int{64, 512, 4096} {
		b.Run(fmt.Sprint(callers), func(b *testing.B) {
			var mu sync.Mutex
			var queue []chan struct{}
			wake := make(chan struct{}, 1)
			before := load.ProcessCPU()
			var all, waker sync.WaitGroup
			for range callers {
				all.Go(func() {
					ready := make(chan struct{}, 1)
					for range b.N/callers + 1 {
						mu.Lock()
						queue = append(queue, ready)
						mu.Unlock()
						select {
						case wake <- struct{}{}:
						default:
						}
						<-ready
					}
				})
			}
			waker.Go(func() {
				var mine []chan struct{}
				for range wake {
					runtime.Gosched()
					mu.Lock()
					mine, queue = queue, mine[:0]
					mu.Unlock()
					for _, ready := range mine {
						ready <- struct{}{}
					}
				}
			})
			all.Wait()
			close(wake)
			waker.Wait()
			calls := float64(callers * (b.N/callers + 1))
			b.ReportMetric(float64(load.ProcessCPU()-before)/calls, "cpu-ns/op")
			b.ReportMetric(0, "ns/op")
		})
	}
}
