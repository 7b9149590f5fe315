package pubsub

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"testing"
)

// A subscription that never reads holds what it may hold while a million messages pass,
// and its sibling misses none of them.
func TestNeverReading(t *testing.T) {
	const payload = 1000 // bytes
	for name, opts := range map[string][]Option{
		"messages":      {DropOldest},
		"newest":        {DropNewest},
		"bytes":         {Buffer(1<<20, 1<<20)},
		"with payloads": {DropOldest, GapMarkers()},
	} {
		t.Run(name, func(t *testing.T) {
			total := 100_000
			if name == "messages" && !testing.Short() {
				total = 1_000_000
			}
			h, _, subs := joined(t, 1, func(int) string { return "x" }, opts...)
			idle := subs[0]
			sibling, err := subscribeTo(context.Background(), h, Channel("x"), Buffer(total, 1<<30))
			if err != nil {
				t.Fatal(err)
			}
			received := make(chan int)
			go func() {
				n := 0
				for msg := range sibling.Messages() {
					if msg.Gap != nil || msg.Payload[:len(strconv.Itoa(n))] != strconv.Itoa(n) {
						t.Errorf("message %d is %v", n, msg)
						break
					}
					n++
				}
				received <- n
			}()
			most, bytes := 0, 0
			filler := fmt.Sprintf("%0*d", payload, 0)
			size := payload
			if name != "bytes" {
				size = 8
			}
			for i := range total {
				h.Main().Collect(value(t, ">", "message", "x", (strconv.Itoa(i) + " " + filler)[:size]))
				if i%50 == 0 {
					h.Main().Flush()
				}
				if i%1000 == 0 {
					stats := idle.Stats()
					most, bytes = max(most, stats.Queued), max(bytes, stats.QueuedBytes)
					for name == "bytes" && sibling.Stats().Queued > 10_000 { // the test's own memory
						runtime.Gosched()
					}
				}
			}
			h.Main().Flush()
			if most > idle.maxMessages+maxChannel+1 || bytes > idle.maxBytes {
				t.Errorf("%d messages of %d bytes waited", most, bytes)
			}
			idle.Close()
			if stats := idle.Stats(); stats.Delivered+stats.Dropped != uint64(total) {
				t.Errorf("%+v of %d", stats, total)
			}
			sibling.drain()
			if n := <-received; n != total {
				t.Errorf("the sibling has received %d of %d", n, total)
			}
		})
	}
}
