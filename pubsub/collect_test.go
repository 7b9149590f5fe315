package pubsub

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestCollectHoldsBackUntilFlush(t *testing.T) {
	story(t, func(w *world) {
		a := w.subscribe(Channel("x"), Pattern("p*"))
		b := w.subscribe(Channels("x", "y"))
		w.collecting = true
		w.publish("x", "1")
		w.push("pmessage", "p*", "p", "2")
		w.publish("y", "3")
		w.publish("x", "4")
		w.want(a)
		w.want(b)
		w.hub.Main().Flush()
		w.want(a, "x:1", "p*~p:2", "x:4")
		w.want(b, "x:1", "y:3", "x:4")
		w.hub.Main().Flush()
		w.want(a) // not once more
	})
}

func TestPushDeliversAtOnceBehindWhatWasCollected(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channels("x", "y"))
		w.collect("x", "1", "2")
		w.publish("y", "3")
		w.want(sub, "x:1", "x:2", "y:3")
	})
}

func TestConfirmationComesBehindWhatWasCollected(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channel("x"), ShardChannel("s"))
		subscribed := async(func() error { return sub.Subscribe(context.Background(), "y") })
		w.collecting = true
		w.publish("x", "1")
		w.push("subscribe", "y", 2)
		w.want(sub, "x:1")
		c, _ := w.link.pop()
		c.done(nil)
		w.wantResult(subscribed, nil)

		unsubscribed := w.unsubscribing(sub, "y")
		w.publish("y", "2")
		w.push("unsubscribe", "y", 1)
		w.want(sub, "y:2")
		c, _ = w.link.pop()
		c.done(nil)
		w.wantResult(unsubscribed, nil)

		w.push("smessage", "s", "3")
		w.push("sunsubscribe", "s", 0)
		w.want(sub, "s:3")
	})
}

// Confirmations are collected too, and taken with one turn of the hub's lock: with one for each,
// the readers of several connections that have thousands of names confirmed after a loss wait for
// each other. What comes behind one sees it.
func TestConfirmationsAreTakenTogether(t *testing.T) {
	story(t, func(w *world) {
		names := numbers(0, manyConfirmed)
		sub, subscribed := w.subscribing(Channels(names...), Channel("x"))
		c, _ := w.link.pop()
		w.collecting = true
		unconfirmed := func(want int) {
			t.Helper()
			if got := w.hub.Stats().Unconfirmed; got != want {
				t.Fatalf("%d names are not confirmed, want %d", got, want)
			}
		}
		for i, name := range names[:100] {
			w.push("subscribe", name, i+1)
		}
		unconfirmed(manyConfirmed + 1)
		w.publish("0", "1") // which was sent behind its confirmation
		unconfirmed(manyConfirmed + 1 - 100)
		for i, name := range names[100:] {
			w.push("subscribe", name, 100+i+1)
		}
		w.lane().Flush()
		unconfirmed(1)
		w.push("subscribe", "x", len(names)+1)
		c.done(nil)
		w.wantResult(subscribed, nil)
		w.want(sub(), "0:1")
		unconfirmed(0)
	})
}

// What came before the server took a name away, and before it gave it back, is in
// front of the gap.
func TestGapComesBehindWhatWasCollected(t *testing.T) {
	for _, kind := range []string{"", "s"} {
		for _, markers := range []bool{false, true} {
			t.Run(fmt.Sprintf("%sunsubscribe/markers=%v", kind, markers), func(t *testing.T) {
				story(t, func(w *world) {
					name, opts := Name{NameChannel, "x"}, []Option{Channel("other")}
					if kind == "s" {
						name.Kind = NameShard
					}
					if opts = append(opts, name); markers {
						opts = append(opts, GapMarkers())
					}
					sub := w.subscribe(opts...)
					w.collecting = true
					w.push(kind+"message", "x", "1")
					w.push(kind+"unsubscribe", "x", 0)
					w.publish("other", "2")
					w.hub.Main().Flush() // asks again
					w.confirmAll()
					w.push(kind+"message", "x", "3")
					w.hub.Main().Flush()
					want := []string{"x:1", "other:2", "gap(moved,0) x:3"}
					if markers {
						want = []string{"x:1", "other:2", "gap(moved,0)", "x:3"}
					}
					w.want(sub, want...)
				})
			})
		}
	}
}

func TestManyCollectedAreFlushed(t *testing.T) {
	for members := 1; members <= fewMembers; members++ {
		story(t, func(w *world) {
			var subs []*Subscription
			for range members {
				subs = append(subs, w.subscribe(Channel("x")))
			}
			// The last of these makes it so many deliveries.
			n := (manyCollected + members - 1) / members
			w.collect("x", numbers(1, n)...)
			for _, sub := range subs {
				w.want(sub)
			}
			w.collect("x", strconv.Itoa(n))
			w.collect("x", "late")
			for _, sub := range subs {
				if got := read(sub, -1); len(got) != n || got[n-1] != "x:"+strconv.Itoa(n) {
					t.Fatalf("with %d members, received %q", members, got)
				}
			}
			w.hub.Main().Flush()
			for _, sub := range subs {
				w.want(sub, "x:late")
			}
		})
	}
}

// The messages of a name with many members are not held back, nor do they overtake.
func TestNameWithManyMembersKeepsTheOrder(t *testing.T) {
	story(t, func(w *world) {
		var subs []*Subscription
		own := func(i int) string { return "own" + strconv.Itoa(i) }
		for i := range fewMembers + 1 {
			subs = append(subs, w.subscribe(Channels("many", own(i))))
		}
		for i := range subs {
			w.collect(own(i), "1", "2")
			w.want(subs[i])
		}
		w.collect("many", "3")
		for i, sub := range subs {
			w.want(sub, own(i)+":1", own(i)+":2", "many:3")
		}
		subs[0].Close()
		w.collect("many", "4") // of few now
		for _, sub := range subs[1:] {
			w.want(sub)
		}
		w.subscribe(Channel("many")) // of many again
		w.collect("many", "5")
		for _, sub := range subs[1:] {
			w.want(sub, "many:4", "many:5")
		}
	})
}

func TestLeavingBetweenCollectAndFlush(t *testing.T) {
	story(t, func(w *world) {
		stays, closes := w.subscribe(Channels("x", "y")), w.subscribe(Channels("x", "y"))
		leaves := w.subscribe(Channels("x", "y"))
		joins := w.subscribe(Channel("z"))
		w.collect("x", "1")
		w.collect("y", "2")
		closes.Close()
		// Not acknowledged in time, so what was owed may be missing.
		w.wantResult(waited(w.unsubscribing(leaves, "x")), ErrSubscribeTimeout)
		w.wantResult(async(func() error { return joins.Subscribe(context.Background(), "x") }), nil)
		w.hub.Main().Flush()
		w.want(stays, "x:1", "y:2")
		w.want(leaves, "gap(closed,0) y:2")
		w.want(joins)
		w.want(closes, "closed")
		if got := closes.Stats(); got != (Stats{}) {
			t.Errorf("stats of who closed are %+v", got)
		}
		w.publish("x", "3")
		w.want(joins, "x:3")

		w.collect("x", "4")
		w.hub.Close(nil)
		w.hub.Main().Flush()
		w.want(stays, "x:3", "closed") // without 4
	})
}

// waited returns a call's result when it is there.
func waited(result <-chan error) <-chan error {
	again := make(chan error, 1)
	again <- <-result
	return again
}

// The members of a name with many may leave while the reader delivers what was
// collected before, which may take its time.
func TestLeavingWhileTheReaderFlushes(t *testing.T) {
	story(t, func(w *world) {
		blocked := w.subscribe(Channel("b"), Block(time.Hour), Buffer(1, 0))
		var subs []*Subscription
		for range fewMembers + 2 {
			subs = append(subs, w.subscribe(Channel("many")))
		}
		w.collect("b", "1", "2")
		delivered := async(func() error { w.collect("many", "3"); return nil })
		w.wantBusy(delivered)
		subs[0].Close()
		w.wantResult(waited(w.unsubscribing(subs[1], "many")), ErrSubscribeTimeout)
		w.want(blocked, "b:1", "b:2")
		w.wantResult(delivered, nil)
		w.want(subs[0], "closed")
		w.want(subs[1], "gap(closed,0)", "closed")
		for _, sub := range subs[2:] {
			w.want(sub, "many:3")
		}
	})
}

// A message for others is not held up by the end of one in the same Flush.
func TestFlushGoesOnBehindOneThatFails(t *testing.T) {
	story(t, func(w *world) {
		fails := w.subscribe(Channels("x", "z"), FailSlow, Buffer(2, 0))
		other := w.subscribe(Channel("x"), Channel("y"))
		w.collect("x", "1")
		w.collect("z", "2", "one too many", "behind the end")
		w.collect("x", "3", "4")
		w.collect("y", "5")
		w.hub.Main().Flush()
		w.want(other, "x:1", "x:3", "x:4", "y:5")
		w.want(fails, "x:1", "closed")
		if got := fails.Stats(); fails.Err() != ErrSlowConsumer || got.Delivered != 1 || got.Dropped != 2 {
			t.Errorf("Err is %v, stats are %+v", fails.Err(), got)
		}
	})
}

// Blocked at the bounds, the reader is woken when half of them is free, by whole batches
// of the pump.
func TestBlockedReaderIsWokenWhenHalfIsFree(t *testing.T) {
	for _, test := range []struct{ behind, left int }{
		{2 + 2*pumpBatch, 1 + pumpBatch}, // half, exactly
		{8 + 2*pumpBatch, 7},             // with a batch more left it is more than half
		{2 + 10*pumpBatch, 1 + 5*pumpBatch},
	} {
		size := len("x") + len("100")
		for name, buffer := range map[string]Option{
			"messages": Buffer(maxChannel+test.behind, 0),
			"bytes":    Buffer(1000, test.behind*size),
		} {
			t.Run(fmt.Sprint(test.behind, name), func(t *testing.T) {
				story(t, func(w *world) {
					sub := w.subscribe(Channel("x"), Block(time.Hour), buffer)
					const first = 100
					last := first + maxChannel + test.behind // one too many
					w.publish("x", numbers(first, first+maxChannel+1)...)
					synctest.Wait() // the pump has one in its hand, and whole batches from there on
					published := async(func() error { w.publish("x", numbers(first+maxChannel+1, last+1)...); return nil })
					w.wantBusy(published)
					taken := 0
					for w.hub.Main().Blocked() {
						if got := read(sub, 1); len(got) == 0 || got[0] != fmt.Sprint("x:", first+taken) {
							t.Fatalf("received %q behind %d messages", got, taken)
						}
						taken++
						synctest.Wait()
					}
					if left := test.behind - taken; left != test.left {
						t.Errorf("woken with %d left, want %d", left, test.left)
					}
					w.wantResult(published, nil)
					if got := sub.Stats(); got.Queued != last+1-first-taken {
						t.Errorf("behind %d of them, stats are %+v", taken, got)
					}
				})
			})
		}
	}
}

// blockBuffers are buffers of messages of 4 bytes: bounded by messages, and by bytes.
var blockBuffers = []struct{ messages, bytes, holds int }{
	{1, 0, 1},
	{2, 0, 2},
	{5, 0, 5},
	{64, 0, 64},
	{65, 0, 65},
	{66, 0, 66},
	{104, 0, 104},
	{300, 0, 300},
	{1000, 1, 65},
	{1000, 4, 65},
	{1000, 40, 74},
	{1000, 160, 104},
}

// One message in less than the time is enough, though the reader is not told of each.
func TestBlockLosesNothingOfASteadyConsumer(t *testing.T) {
	for _, buffer := range blockBuffers {
		story(t, func(w *world) {
			sub := w.subscribe(Channel("x"), Block(time.Second), Buffer(buffer.messages, buffer.bytes))
			const first, last = 100, 600
			published := async(func() error {
				for i := first; i < last; i++ {
					w.collect("x", strconv.Itoa(i))
					if i%7 == 0 {
						w.hub.Main().Flush()
					}
				}
				w.hub.Main().Flush()
				return nil
			})
			for i := first; i < last; i++ {
				time.Sleep(time.Second - 1)
				if got := read(sub, 1); len(got) == 0 || got[0] != "x:"+strconv.Itoa(i) {
					t.Fatalf("buffer %v: received %q in place of %d, Err is %v", buffer, got, i, sub.Err())
				}
			}
			w.wantResult(published, nil)
			if got := sub.Stats(); got != (Stats{Delivered: last - first}) || sub.Err() != nil {
				t.Errorf("buffer %v: Err is %v, stats are %+v", buffer, sub.Err(), got)
			}
		})
	}
}

func TestBlockEndsAConsumerThatTakesNone(t *testing.T) {
	for _, buffer := range blockBuffers {
		story(t, func(w *world) {
			const wait = 3 * time.Second
			sub := w.subscribe(Channel("x"), Block(wait), Buffer(buffer.messages, buffer.bytes))
			other := w.subscribe(Channel("y"))
			start := time.Now()
			w.collect("x", numbers(100, 100+buffer.holds)...)
			w.hub.Main().Flush()
			if time.Since(start) != 0 || sub.Err() != nil {
				t.Fatalf("buffer %v: after %v Err is %v", buffer, time.Since(start), sub.Err())
			}
			w.collect("x", "997", "998", "999")
			w.collect("y", "1")
			w.hub.Main().Flush()
			if time.Since(start) != wait || sub.Err() != ErrSlowConsumer || w.hub.Main().Blocked() {
				t.Errorf("buffer %v: after %v Err is %v", buffer, time.Since(start), sub.Err())
			}
			w.want(other, "y:1")
			<-sub.Done()
			inChannel := min(maxChannel, buffer.messages-1)
			got := sub.Stats()
			if gap := got.FinalGap; gap == nil || gap.Dropped != got.Dropped || gap.Reason&Overflow == 0 {
				t.Errorf("buffer %v: the final gap is %v", buffer, gap)
			}
			// 997 was one too many; 998 came behind the end.
			if got.Delivered != uint64(inChannel) || got.Delivered+got.Dropped != uint64(buffer.holds+1) {
				t.Errorf("buffer %v: stats are %+v", buffer, got)
			}
		})
	}
}

func TestBlockTakesWhatIsBiggerThanTheBound(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channel("x"), Block(time.Minute), Buffer(maxChannel+100, 100))
		big := strings.Repeat("b", 1000)
		w.publish("x", numbers(100, 100+maxChannel)...)
		w.publish("x", "1", "2", "3") // these wait behind the channel
		published := async(func() error { w.publish("x", big, "4"); return nil })
		w.wantBusy(published)
		got := read(sub, 2)
		w.wantBusy(published) // one still waits
		synctest.Wait()
		if behind := sub.Stats().QueuedBytes; behind != len("x3") {
			t.Fatalf("%d bytes wait", behind)
		}
		got = append(got, read(sub, 1)...)
		synctest.Wait()
		if behind := sub.Stats().QueuedBytes; behind != len("x")+len(big) {
			t.Fatalf("%d bytes wait, the big one does not", behind)
		}
		w.wantBusy(published) // for 4, behind it
		got = append(got, read(sub, -1)...)
		w.wantResult(published, nil)
		want := append(numbers(100, 100+maxChannel), "1", "2", "3", big, "4")
		for i := range want {
			want[i] = "x:" + want[i]
		}
		if !slices.Equal(got, want) || sub.Err() != nil {
			t.Errorf("received %q, Err is %v", got, sub.Err())
		}
	})
}

// The time is that of one message: what is taken meanwhile does not prolong it, if that
// makes no room.
func TestBlockTimeIsNotProlonged(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channel("x"), Block(time.Second), Buffer(1000, 200))
		w.publish("x", numbers(100, 100+maxChannel+1)...)
		synctest.Wait()                      // the pump has one in its hand
		w.publish("x", numbers(200, 239)...) // 160 bytes wait
		start := time.Now()
		published := async(func() error { w.publish("x", strings.Repeat("b", 1000)); return nil })
		for range 19 { // the reader is told of room behind 17
			time.Sleep(time.Second / 20)
			read(sub, 1)
			w.wantBusy(published)
		}
		<-sub.Done()
		if time.Since(start) != time.Second || sub.Err() != ErrSlowConsumer {
			t.Errorf("after %v Err is %v", time.Since(start), sub.Err())
		}
		w.wantResult(published, nil)
	})
}
