package pubsub

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/internal/hub"
)

func numbers(from, to int) []string {
	var list []string
	for i := from; i < to; i++ {
		list = append(list, strconv.Itoa(i))
	}
	return list
}

func TestUnsubscribingTheLastNameDrains(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channel("x"), Pattern("p*"))
		w.publish("x", numbers(0, 200)...)
		result := async(func() error { return sub.Unsubscribe(context.Background()) })
		w.confirmAll()
		w.wantResult(result, nil)
		w.publish("x", "too late")
		w.push("pmessage", "p*", "p", "last")
		result = async(func() error { return sub.PUnsubscribe(context.Background()) })
		w.confirmAll()
		w.wantResult(result, nil)
		if !w.hub.Idle() {
			t.Error("the hub is not idle while a subscription drains")
		}
		select {
		case <-sub.Done():
			t.Error("done before it is drained")
		default:
		}
		if err := sub.Subscribe(context.Background(), "z"); !errors.Is(err, ErrEnded) {
			t.Errorf("the error is %v", err)
		}
		for i := range 200 {
			if msg, err := sub.Next(context.Background()); err != nil || msg.Payload != strconv.Itoa(i) {
				t.Fatal(i, msg, err)
			}
		}
		w.want(sub, "p*~p:last", "closed")
		<-sub.Done()
		if sub.Err() != nil {
			t.Errorf("Err is %v", sub.Err())
		}
		if _, err := sub.Next(context.Background()); err != ErrEnded {
			t.Errorf("Next: %v", err)
		}
		if got := sub.Stats(); got != (Stats{Delivered: 201}) {
			t.Errorf("stats are %+v", got)
		}
		w.wantEvents(sub, "subscribed x 1", "subscribed p* 2", "unsubscribed x 1", "unsubscribed p* 0", "closed")
		w.wantClean()
	})
}

func TestCloseWhileDraining(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channel("x"))
		w.publish("x", numbers(0, 100)...)
		result := async(func() error { return sub.Unsubscribe(context.Background(), "x") })
		w.confirmAll()
		w.wantResult(result, nil)
		sub.Close()
		if got := len(read(sub, -1)); got != 65 { // and "closed"
			t.Errorf("%d items", got)
		}
		gap := sub.Stats().FinalGap
		if gap == nil || gap.Reason != Closed || gap.Dropped != 36 {
			t.Errorf("the final gap is %v", gap)
		}
	})
}

func TestCloseKeepsWhatIsInTheChannel(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channel("x"), Buffer(10, 0))
		w.publish("x", numbers(0, 12)...)
		sub.Close()
		sub.Close()
		w.want(sub, "x:0", "x:1", "x:2", "x:3", "x:4", "x:5", "x:6", "x:7", "x:8", "closed")
		got := sub.Stats()
		if got.Delivered != 9 || got.Dropped != 3 || got.Queued != 0 {
			t.Errorf("stats are %+v", got)
		}
		if g := got.FinalGap; g == nil || g.Reason != Overflow|Closed || g.Dropped != 3 {
			t.Errorf("the final gap is %v", g)
		}
		if sub.Err() != nil {
			t.Errorf("Err is %v", sub.Err())
		}
	})
}

func TestContextIsTheSubscriptionsLife(t *testing.T) {
	story(t, func(w *world) {
		ctx, cancel := context.WithCancelCause(context.Background())
		var sub *Subscription
		result := async(func() (err error) { sub, err = subscribeTo(ctx, w.hub, Channel("x")); return err })
		w.confirmAll()
		w.wantResult(result, nil)
		w.publish("x", "1")
		cancel(io.ErrNoProgress)
		w.want(sub, "x:1", "closed")
		const want = "pubsub: the context given to Subscribe ended (it bounds the subscription's life, not the call): "
		if err := sub.Err(); !errors.Is(err, io.ErrNoProgress) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("Err is %v", err)
		}
		if _, err := sub.Next(context.Background()); !errors.Is(err, io.ErrNoProgress) {
			t.Errorf("Next: %v", err)
		}
		w.wantSent("UNSUBSCRIBE x")
		w.confirmAll()
		w.wantClean()

		if _, err := subscribeTo(ctx, w.hub, Channel("x")); !errors.Is(err, io.ErrNoProgress) {
			t.Errorf("the error is %v", err)
		}
		w.wantSent()
	})
}

func TestCloseWhileNextWaits(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channel("x"))
		result := async(func() error { _, err := sub.Next(context.Background()); return err })
		w.wantBusy(result)
		async(sub.Close)
		w.wantResult(result, ErrEnded)
	})
}

func TestNext(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channel("x"))
		if _, ok := sub.TryNext(); ok {
			t.Error("there is a message")
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := sub.Next(ctx); err != context.Canceled {
			t.Errorf("Next: %v", err)
		}
		w.publish("x", "1")
		if msg, err := sub.Next(ctx); err != nil || msg.Payload != "1" {
			t.Errorf("a message does not beat a cancelled context: %v, %v", msg, err)
		}
	})
}

func TestNothingArrivesAfterUnsubscribe(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channels("x", "y"))
		other := w.subscribe(Channel("x"))
		result := async(func() error { return sub.Unsubscribe(context.Background(), "x") })
		w.wantSent("PING " + pingToken)
		w.publish("x", "before")
		w.confirm()
		w.wantResult(result, nil)
		w.publish("x", "1")
		w.publish("y", "2")
		w.want(sub, "x:before", "y:2")
		w.want(other, "x:before", "x:1")
		w.wantEvents(sub, "subscribed x 1", "subscribed y 2", "unsubscribed x 1")
	})
}

func TestSubscriptionWithoutNames(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe()
		w.wantSent()
		if w.hub.Idle() {
			t.Error("the hub is idle")
		}
		if err := sub.Unsubscribe(context.Background()); err != nil {
			t.Error(err)
		}
		result := async(func() error { return sub.SSubscribe(context.Background(), "s") })
		w.confirmAll()
		w.wantResult(result, nil)
		w.push("smessage", "s", "1")
		w.want(sub, "s:1")
		result = async(func() error { return sub.SUnsubscribe(context.Background(), "s") })
		w.confirmAll()
		w.wantResult(result, nil)
		w.want(sub, "closed")
	})
}

// A subscription that has ended says so, also to who adds nothing.
func TestSubscribeNothingAfterTheEnd(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channel("x"))
		if err := sub.Subscribe(context.Background()); !errors.Is(err, errNoNames) {
			t.Error(err)
		}
		sub.Close()
		for _, call := range []func(context.Context, ...string) error{sub.Subscribe, sub.PSubscribe, sub.SSubscribe} {
			if err := call(context.Background()); !errors.Is(err, ErrEnded) {
				t.Errorf("the call returned %v", err)
			}
		}
		w.confirmAll()
		w.wantClean()
	})
}

func TestShardChannelsAreCountedApart(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channels("a", "b"), Pattern("p"), ShardChannels("s", "t"))
		w.wantEvents(sub, "subscribed a 1", "subscribed b 2", "subscribed p 3", "subscribed s 1", "subscribed t 2")
	})
}

func TestGapMarkerComesWhenAllNamesAreBack(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(GapMarkers(), Channel("x"), Pattern("p*"))
		plain := w.subscribe(Channel("x"))
		w.linkLost()
		w.linkUp()
		w.confirm()
		w.want(sub)
		w.confirm()
		w.want(sub, "gap(reconnect,0)")
		w.publish("x", "1")
		w.want(sub, "x:1")
		w.want(plain, "gap(reconnect,0) x:1")
		if got := sub.Stats(); got.Gaps != 1 || got.Delivered != 1 {
			t.Errorf("stats are %+v", got)
		}
	})
}

func TestGapMarkerInFrontOfAnEarlyMessage(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(GapMarkers(), Channel("x"), Pattern("p*"))
		w.linkLost()
		w.linkUp()
		c, _ := w.link.pop()
		w.confirmNames(c)
		if c.op == hub.OpSubscribe {
			w.publish("x", "1")
			w.want(sub, "gap(reconnect,0)", "x:1")
		} else {
			w.push("pmessage", "p*", "p", "1")
			w.want(sub, "gap(reconnect,0)", "p*~p:1")
		}
		c.done(nil)
		w.confirm()
		w.want(sub, "gap(reconnect,0)") // of the other name
	})
}

func TestGapMarkerWaitsInTheQueue(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(GapMarkers(), Channel("x"), Buffer(3, 0))
		w.publish("x", "1", "2")
		for range 3 {
			w.linkLost()
			w.linkUp()
			w.confirmAll()
		}
		// One is in the pump's hand, the other two became one in the queue.
		w.want(sub, "x:1", "x:2", "gap(reconnect,0)", "gap(reconnect,0)")
	})
}

func TestLossOfANameThatLeavesIsTold(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channels("x", "y"))
		w.linkLost()
		_ = sub.Unsubscribe(context.Background(), "x")
		_ = sub.Unsubscribe(context.Background(), "y")
		w.want(sub, "gap(reconnect,0)", "closed")
	})
}

func TestEventsAreBoundedAndCountWhatIsMissed(t *testing.T) {
	for _, asked := range []bool{false, true} {
		story(t, func(w *world) {
			sub := w.subscribe(Channel("x"))
			if asked {
				sub.Events()
			}
			for range 50 { // two events each
				w.linkLost()
				w.linkUp()
			}
			told := 0
			for len(sub.Events()) > 0 {
				e := <-sub.Events()
				told += 1 + e.Missed
			}
			if told != 101 {
				t.Errorf("%d events told or missed, want 101", told)
			}
			w.linkLost()
			if e := <-sub.Events(); e.Missed != 0 || e.Kind != EventDisconnected || e.Err != io.ErrUnexpectedEOF {
				t.Errorf("then came %v", e)
			}
			sub.Close()
			if _, ok := <-sub.Events(); ok {
				t.Error("the events are not closed")
			}
		})
	}
}

func TestBlockedReaderIsFreedByClose(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channels("x", "y"), Block(time.Hour), Buffer(2, 0))
		published := async(func() error { w.publish("x", "1", "2", "3"); return nil })
		w.wantBusy(published)
		if !w.hub.Main().Blocked() {
			t.Error("the hub does not tell that the reader is blocked")
		}
		_, joining := w.subscribing(Channel("z")) // the hub's lock is free
		start := time.Now()
		sub.Close()
		w.wantResult(published, nil)
		if time.Since(start) != 0 || w.hub.Main().Blocked() {
			t.Error("Close did not get through at once")
		}
		w.confirmAll()
		w.wantResult(joining, nil)
		w.want(sub, "x:1", "closed")
		// x:2 was in the pump's hand, x:3 in that of the reader.
		if got := sub.Stats(); got.Delivered != 1 || got.Dropped != 2 || got.FinalGap == nil || got.FinalGap.Dropped != 2 {
			t.Errorf("stats are %+v", got)
		}
	})
}

func TestUnsubscribeWhileTheReaderIsBlocked(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channels("x", "y"), Block(time.Minute), Buffer(2, 0))
		published := async(func() error { w.publish("x", "1", "2", "3"); return nil })
		w.wantBusy(published)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := sub.Unsubscribe(ctx, "x"); !errors.Is(err, context.DeadlineExceeded) { // who should read the answer?
			t.Error(err)
		}
		w.want(sub, "x:1", "x:2")
		w.wantResult(published, nil)
		w.publish("y", "4")
		w.want(sub, "gap(closed,1) y:4") // in place of x:3
		sub.Close()
		synctest.Wait()
		if got := sub.Stats(); got.Delivered != 3 || got.Dropped != 1 {
			t.Errorf("stats are %+v", got)
		}
	})
}

// The client is told what the options ask of it.
func TestPlan(t *testing.T) {
	for _, test := range []struct {
		opts []Option
		want hub.Plan
	}{
		{nil, hub.Plan{}},
		{[]Option{Channel("x"), FailSlow}, hub.Plan{Others: true}},
		{[]Option{Pattern("x"), Block(time.Second)}, hub.Plan{Others: true, Own: true}},
		{[]Option{Block(time.Second), DropNewest}, hub.Plan{}},
		{[]Option{ShardChannels("x", "y")}, hub.Plan{Shards: true}},
		{[]Option{Channels("x"), ShardChannel("y")}, hub.Plan{Shards: true, Others: true}},
	} {
		refused := errors.New("no hub")
		var got hub.Plan
		_, err := New(t.Context(), func(p *hub.Plan) (*hub.Hub, func(), error) {
			got = *p
			return nil, nil, refused
		}, test.opts...)
		if err != refused || got.Own != test.want.Own || got.Shards != test.want.Shards || got.Others != test.want.Others {
			t.Errorf("%v: asked for %+v, and returned %v", test.want, got, err)
		}
	}
}

// A client that has names of some kinds alone refuses the others, also later.
func TestPlanRefuses(t *testing.T) {
	story(t, func(w *world) {
		no := errors.New("not here")
		open := func(p *hub.Plan) (*hub.Hub, func(), error) {
			p.Refuse = func(kind hub.Kind) error {
				if kind == hub.Shard {
					return no
				}
				return nil
			}
			return w.hub, func() {}, nil
		}
		sub, err := New(w.Context(), open)
		if err != nil {
			t.Fatal(err)
		}
		defer sub.Close()
		var refused *RefusedError
		if err := sub.SSubscribe(w.Context(), "s"); !errors.As(err, &refused) || refused.Name != ShardChannel("s") || !errors.Is(err, no) {
			t.Errorf("SSubscribe: %v", err)
		}
		w.wantSent()
		added := async(func() error { return sub.Subscribe(w.Context(), "x") })
		w.confirmAll()
		w.wantResult(added, nil)
		if _, err := New(w.Context(), open, ShardChannel("s")); !errors.Is(err, no) {
			t.Errorf("New: %v", err)
		}
	})
}

// The kinds and reasons of the hub have the values of those here.
func TestHubValues(t *testing.T) {
	for kind, want := range map[NameKind]hub.Kind{NameChannel: hub.Channel, NamePattern: hub.Pattern, NameShard: hub.Shard} {
		if hub.Kind(kind) != want || publicName(hubName(Name{kind, "x"})) != (Name{kind, "x"}) {
			t.Errorf("%v is %d in the hub, want %d", kind, kind, want)
		}
	}
	if Reason(hub.Reconnect) != Reconnect || Reason(hub.Moved) != Moved {
		t.Error("the reasons differ")
	}
}
