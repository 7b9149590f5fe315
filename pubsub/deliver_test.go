package pubsub

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestDropOldest(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channel("x"), Buffer(70, 0)) // 64 in the channel, 6 behind
		start := time.Now()
		w.publish("x", numbers(0, 65)...)
		synctest.Wait() // the pump has 64 in its hand
		w.publish("x", numbers(65, 70)...)
		if got := sub.Stats(); got.Delivered != 64 || got.Queued != 70 || got.Dropped != 0 {
			t.Errorf("stats are %+v", got)
		}
		time.Sleep(time.Second)
		w.publish("x", "70")
		time.Sleep(time.Second)
		w.publish("x", "71")
		if got := sub.Stats(); got.Delivered != 64 || got.Queued != 70 || got.Dropped != 2 {
			t.Errorf("stats are %+v", got)
		}
		if got := read(sub, 65); got[64] != "x:64" {
			t.Errorf("received %s", got)
		}
		synctest.Wait()
		msg, _ := sub.TryNext()
		gap := msg.Gap
		if msg.Payload != "67" || gap == nil || gap.Reason != Overflow || gap.Dropped != 2 ||
			gap.From.Sub(start) != time.Second || gap.To.Sub(start) != 2*time.Second {
			t.Errorf("received %v", msg)
		}
		w.want(sub, "x:68", "x:69", "x:70", "x:71")
		w.wantEvents(sub, "subscribed x 1", "overflow")
	})
}

// With the smallest buffer the last value is what is kept.
func TestDropOldestKeepsTheLast(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channel("x"), Buffer(1, 0))
		for i := range 100 {
			w.publish("x", strconv.Itoa(i))
			if i%3 == 0 {
				synctest.Wait()
			}
		}
		w.want(sub, "gap(overflow,99) x:99")
	})
}

func TestDropOldestByBytes(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channel("x"), Buffer(2, 100)) // 1 in the channel
		big := strings.Repeat("b", 200)
		w.publish("x", "1", "2")
		synctest.Wait()
		w.publish("x", big) // alone it is accepted
		w.want(sub, "x:1", "gap(overflow,1) x:"+big)
		w.publish("x", "3", big)
		w.want(sub, "x:3", "x:"+big)
	})
}

// A policy that there is not is the default.
func TestNoSuchPolicy(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channel("x"), Policy(200), Buffer(70, 0))
		w.publish("x", numbers(0, 100)...)
		if got := read(sub, -1); sub.Stats().Dropped == 0 || got[len(got)-1] != "x:99" {
			t.Errorf("received %q, %+v", got, sub.Stats())
		}
	})
}

func TestDropNewest(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channel("x"), DropNewest, Buffer(4, 0))
		w.publish("x", "1", "2", "3", "4", "5", "6")
		w.want(sub, "x:1", "x:2", "x:3", "x:4")
		w.publish("x", "7")
		w.want(sub, "gap(overflow,2) x:7")
		w.wantEvents(sub, "subscribed x 1", "overflow")
	})
}

func TestDropNewestWithMarkersTellsAtOnce(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channel("x"), DropNewest, GapMarkers(), Buffer(4, 0))
		w.publish("x", "1", "2", "3", "4", "5", "6")
		w.want(sub, "x:1", "x:2", "x:3", "x:4", "gap(overflow,2)")
		w.publish("x", "7")
		w.want(sub, "x:7")
	})
}

func TestDropOldestWithMarkers(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channel("x"), GapMarkers(), Buffer(4, 0))
		w.publish("x", "1", "2", "3", "4", "5", "6")
		w.want(sub, "x:1", "x:2", "x:3", "gap(overflow,2)", "x:6")
	})
}

func TestFailSlow(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channel("x"), FailSlow, Buffer(4, 0))
		other := w.subscribe(Channel("x"))
		w.publish("x", "1", "2", "3", "4", "5", "6")
		w.want(sub, "x:1", "x:2", "x:3", "closed")
		if sub.Err() != ErrSlowConsumer {
			t.Errorf("Err is %v", sub.Err())
		}
		got := sub.Stats()
		if got.Delivered != 3 || got.Dropped != 2 || got.FinalGap.Reason != Overflow|Closed || got.FinalGap.Dropped != 2 {
			t.Errorf("stats are %+v", got)
		}
		w.want(other, "x:1", "x:2", "x:3", "x:4", "x:5", "x:6")
	})
}

func TestBlock(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channel("x"), Block(time.Second), Buffer(4, 0))
		published := async(func() error { w.publish("x", "1", "2", "3", "4", "5", "6"); return nil })
		w.wantBusy(published)
		time.Sleep(999 * time.Millisecond)
		if got := read(sub, 1); got[0] != "x:1" {
			t.Errorf("received %s", got)
		}
		time.Sleep(999 * time.Millisecond) // each message has its own second
		w.wantBusy(published)
		w.want(sub, "x:2", "x:3", "x:4", "x:5", "x:6")
		w.wantResult(published, nil)

		start := time.Now()
		w.publish("x", numbers(0, 10)...)
		if time.Since(start) != time.Second || sub.Err() != ErrSlowConsumer {
			t.Errorf("after %v Err is %v", time.Since(start), sub.Err())
		}
		w.want(sub, "x:0", "x:1", "x:2", "closed")
		if got := sub.Stats(); got.Delivered != 9 || got.Dropped != 2 {
			t.Errorf("stats are %+v", got)
		}
	})
}

func TestMemoryIsGivenBack(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channel("x"))
		w.publish("x", numbers(0, 1000)...)
		read(sub, -1)
		sub.mu.Lock()
		defer sub.mu.Unlock()
		if sub.pumping || sub.queue.ring.items != nil {
			t.Error("an empty queue holds memory or a goroutine")
		}
	})
}

// TestExactAccounting lets a consumer with moods read what a fast sender sends, which
// is collected and flushed at random places, and checks for each message that the gap in front of it tells exactly how
// many are missing there.
func TestExactAccounting(t *testing.T) {
	policies := map[string]Option{
		"oldest": DropOldest, "newest": DropNewest, "fail": FailSlow, "block": Block(time.Minute),
	}
	for name, policy := range policies {
		for _, markers := range []bool{false, true} {
			for _, buffer := range []int{1, 2, 3, 20, 64, 65, 66, 200} {
				t.Run(fmt.Sprintf("%s/markers=%v/%d", name, markers, buffer), func(t *testing.T) {
					opts := []Option{policy, Buffer(buffer, 4000)}
					if markers {
						opts = append(opts, GapMarkers())
					}
					checkAccounting(t, opts)
				})
			}
		}
	}
}

func checkAccounting(t *testing.T, opts []Option) {
	h, _, subs := joined(t, 1, func(int) string { return "x" }, opts...)
	s := subs[0]

	const total = 3000
	sent := 0
	senderLeft := make(chan struct{})
	go func() {
		defer close(senderLeft)
		random := rand.New(rand.NewPCG(1, 2))
		for ; sent < total; sent++ {
			payload := strings.Repeat("0", random.IntN(100)) + strconv.Itoa(sent)
			h.Main().Collect(value(t, ">", "message", "x", payload))
			if random.IntN(15) == 0 {
				h.Main().Flush()
			}
			if random.IntN(20) == 0 {
				runtime.Gosched()
			}
			if s.Err() != nil {
				sent++
				break
			}
		}
		h.Main().Flush()
		s.drain()
	}()

	next, received := 0, 0
	var missing uint64
	random := rand.New(rand.NewPCG(3, 4))
	for msg := range s.Messages() {
		if msg.Gap != nil {
			missing += msg.Gap.Dropped
			if msg.Gap.Reason != Overflow || msg.Gap.Dropped == 0 {
				t.Fatalf("gap %v", msg.Gap)
			}
		}
		if msg.Kind == KindGap {
			continue
		}
		if s.markers && msg.Gap != nil {
			t.Fatal("a message carries a gap")
		}
		n, _ := strconv.Atoi(msg.Payload)
		if n != next+int(missing) {
			t.Fatalf("message %d came after %d, but the gap tells of %d", n, next-1, missing)
		}
		next, missing = n+1, 0
		received++
		for range random.IntN(3) {
			runtime.Gosched()
		}
		if random.IntN(500) == 0 {
			time.Sleep(100 * time.Microsecond)
		}
	}
	<-s.Done()
	<-senderLeft
	got := s.Stats()
	if gap := got.FinalGap; gap != nil {
		missing += gap.Dropped
	}
	told := next + int(missing)
	if s.Err() != nil && told <= sent && told > sent-manyCollected {
		sent = told // what was collected behind the one too many is nobody's any more
	}
	if told != sent {
		t.Errorf("%d sent, but the last one told of is %d", sent, told)
	}
	if got.Delivered != uint64(received) || got.Delivered+got.Dropped != uint64(sent) || got.Queued != 0 || got.QueuedBytes != 0 {
		t.Errorf("%d sent, %d received, stats are %+v", sent, received, got)
	}
	if s.policy == block && received != total {
		t.Errorf("%d of %d received", received, total)
	}
}

func TestMessageCostsNoAllocation(t *testing.T) {
	h, _, subs := joined(t, 3, func(int) string { return "news" })
	v := value(t, ">", "message", "news", "payload")
	allocs := testing.AllocsPerRun(100, func() {
		h.Main().Push(v)
		for _, sub := range subs {
			<-sub.Messages()
		}
	})
	if allocs != 0 {
		t.Errorf("a message costs %v allocations", allocs)
	}
	h.Main().Collect(v)
	h.Main().Flush() // beyond the capacity of the first few
	allocs = testing.AllocsPerRun(100, func() {
		for range 10 {
			h.Main().Collect(v)
		}
		h.Main().Flush()
		for _, sub := range subs {
			for range 10 {
				<-sub.Messages()
			}
		}
	})
	if allocs != 0 {
		t.Errorf("messages that are collected cost %v allocations", allocs)
	}
}
