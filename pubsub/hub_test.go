package pubsub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/internal/hub"
	"github.com/redchan-go/redchan/proto"
)

func TestSubscribeReturnsWhenEveryNameIsAcknowledged(t *testing.T) {
	story(t, func(w *world) {
		sub, result := w.subscribing(Channels("news", "sport"), Pattern("n*"))
		w.wantSent("SUBSCRIBE news sport", "PSUBSCRIBE n*")
		w.push("subscribe", "news", 1)
		w.push("subscribe", "sport", 2)
		w.wantBusy(result)
		w.publish("news", "early") // confirmed, so it counts from now on
		c, _ := w.link.pop()
		c.done(nil)
		w.wantBusy(result)
		w.confirm()
		w.wantResult(result, nil)

		w.push("message", "sport", "goal")
		w.push("pmessage", "n*", "nice", "day")
		w.publish("weather", "nobody asked")
		w.want(sub(), "news:early", "sport:goal", "n*~nice:day")
		w.wantEvents(sub(), "subscribed news 1", "subscribed sport 2", "subscribed n* 3")
		if got := fmt.Sprint(sub().Names()); got != `[channel "news" channel "sport" pattern "n*"]` {
			t.Errorf("names are %s", got)
		}
		if got := w.hub.Stats(); got != (hub.Stats{Subscriptions: 1, Channels: 2, Patterns: 1}) {
			t.Errorf("stats are %+v", got)
		}
	})
}

func TestNamesAreSharedAndIndependent(t *testing.T) {
	story(t, func(w *world) {
		a := w.subscribe(Channel("x"))
		b := w.subscribe(Channel("x"))
		w.wantSent()
		if w.link.total != 1 {
			t.Errorf("joining a confirmed name sent something")
		}
		w.publish("x", "1")
		w.want(a, "x:1")
		w.want(b, "x:1")
		w.wantEvents(b, "subscribed x 1")

		a.Close()
		w.wantSent()
		w.publish("x", "2")
		w.want(b, "x:2")
		w.want(a, "closed")

		b.Close()
		w.wantSent("UNSUBSCRIBE x")
		w.confirmAll()
		w.wantClean()
	})
}

func TestJoiningWhatIsOnTheWayWaitsForIt(t *testing.T) {
	story(t, func(w *world) {
		_, first := w.subscribing(Channel("x"))
		second, joined := w.subscribing(Channel("x"), Channel("y"))
		w.wantSent("SUBSCRIBE x", "SUBSCRIBE y")
		w.confirm()
		w.wantResult(first, nil)
		w.wantBusy(joined)
		w.confirm()
		w.wantResult(joined, nil)
		w.wantEvents(second(), "subscribed x 1", "subscribed y 2")
	})
}

func TestConfirmationOfAnOlderCommandDoesNotCount(t *testing.T) {
	storyWith(t, hub.Options{SubscribeTimeout: time.Second}, func(w *world) {
		ctx, cancel := context.WithCancel(context.Background())
		first := async(func() error { _, err := subscribeTo(ctx, w.hub, Channel("x")); return err })
		cancel()
		w.wantResult(first, context.Canceled)
		sub, second := w.subscribing(Channel("x"))
		w.wantSent("SUBSCRIBE x", "UNSUBSCRIBE x", "SUBSCRIBE x")

		w.confirm() // of the first SUBSCRIBE
		w.wantBusy(second)
		w.publish("x", "of the first")
		w.confirm() // of the UNSUBSCRIBE
		w.wantBusy(second)
		w.confirm()
		w.wantResult(second, nil)
		w.publish("x", "1")
		w.want(sub(), "x:1")
	})
}

func TestUnsubscribeInFlightThenSubscribeAgain(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channels("x", "y"))
		gone := async(func() error { return sub.Unsubscribe(context.Background(), "x") })
		back := async(func() error { return sub.Subscribe(context.Background(), "x") })
		w.wantSent("UNSUBSCRIBE x")
		w.publish("x", "old") // the server has not seen UNSUBSCRIBE yet
		w.confirm()
		w.wantResult(gone, nil)
		w.wantBusy(back)
		w.wantSent("SUBSCRIBE x")
		w.publish("x", "a straggler") // of whom ever
		w.confirm()
		w.wantResult(back, nil)
		w.publish("x", "new")
		w.want(sub, "x:old", "x:new")
		w.wantEvents(sub, "subscribed x 1", "subscribed y 2", "unsubscribed x 1", "subscribed x 2")
	})
}

func TestManyNamesAreSentInBatches(t *testing.T) {
	storyWith(t, hub.Options{CommandNames: 2, CommandBytes: 10}, func(w *world) {
		w.subscribing(Channels("a", "b", "c", "12345678", "90x", "a very long name indeed", "d"))
		w.wantSent("SUBSCRIBE a b", "SUBSCRIBE c 12345678", "SUBSCRIBE 90x",
			"SUBSCRIBE a very long name indeed", "SUBSCRIBE d")
		w.confirmAll()
	})
}

func TestDuplicateNames(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channels("x", "x"), Channel("x"), Pattern("x"))
		if w.link.total != 2 {
			t.Errorf("%d commands sent", w.link.total)
		}
		w.publish("x", "1")
		w.push("pmessage", "x", "x", "1")
		w.want(sub, "x:1", "x~x:1") // by name and by pattern gives two
		w.wantEvents(sub, "subscribed x 1", "subscribed x 2")
		sub.Close()
		w.confirmAll()
		w.wantClean()
	})
}

func TestNameOfNoKind(t *testing.T) {
	story(t, func(w *world) {
		_, err := subscribeTo(context.Background(), w.hub, Channel("a"), Name{Kind: 3, Name: "x"})
		var refused *RefusedError
		if !errors.As(err, &refused) || refused.Name.Name != "x" {
			t.Errorf("Subscribe: %v", err)
		}
		w.wantSent()
		w.wantClean()
	})
}

func TestRefusedNameIsFound(t *testing.T) {
	story(t, func(w *world) {
		old := w.subscribe(Channel("old"))
		_, result := w.subscribing(Channels("a", "b", "bad", "c"))
		other, joined := w.subscribing(Channel("a"))
		w.wantSent("SUBSCRIBE a b bad c")
		const noperm = "No permissions to access a channel"
		w.refuse("NOPERM", noperm)
		w.wantSent("SUBSCRIBE a b", "SUBSCRIBE bad c")
		w.confirm()
		w.refuse("NOPERM", noperm)
		w.wantResult(joined, nil)
		w.wantSent("SUBSCRIBE bad", "SUBSCRIBE c")
		w.refuse("NOPERM", noperm)

		synctest.Wait()
		err := <-result
		var refused *RefusedError
		var reply *proto.Error
		if !errors.As(err, &refused) || refused.Name != Channel("bad") || !errors.As(err, &reply) || reply.Code != "NOPERM" {
			t.Fatalf("the error is %v", err)
		}
		if want := `pubsub: channel "bad" refused: NOPERM ` + noperm; err.Error() != want {
			t.Errorf("the error reads %q", err)
		}
		w.wantSent("SUBSCRIBE c", "UNSUBSCRIBE b c") // nothing is left behind
		w.confirmAll()
		w.publish("old", "1")
		w.publish("a", "2")
		w.want(old, "old:1")
		w.want(other(), "a:2")
	})
}

// The culprit may have left before the server's answer: what remains of the
// command was refused for its sake and must be asked for again.
func TestRefusedForTheSakeOfOneThatLeft(t *testing.T) {
	story(t, func(w *world) {
		ctx, cancel := context.WithCancel(context.Background())
		result := async(func() error { _, err := subscribeTo(ctx, w.hub, Channels("bad", "x")); return err })
		sub, joined := w.subscribing(Channel("x"))
		cancel()
		w.wantResult(result, context.Canceled)
		w.wantSent("SUBSCRIBE bad x", "UNSUBSCRIBE bad")
		w.refuse("NOPERM", "no")
		w.wantSent("UNSUBSCRIBE bad", "SUBSCRIBE x")
		w.confirmAll()
		w.wantResult(joined, nil)
		w.publish("x", "1")
		w.want(sub(), "x:1")
	})
}

func TestOtherErrorsRefuseAllAtOnce(t *testing.T) {
	story(t, func(w *world) {
		_, result := w.subscribing(ShardChannel("a"), ShardChannel("b"))
		w.wantSent("SSUBSCRIBE a b")
		w.refuse("CLUSTERDOWN", "Hash slot not served")
		synctest.Wait()
		var reply *proto.Error
		if err := <-result; !errors.As(err, &reply) || reply.Code != "CLUSTERDOWN" {
			t.Fatalf("the error is %v", err)
		}
		w.wantSent()
		w.wantClean()
	})
}

func TestRefusalOfALaterNameLeavesTheSubscription(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channel("x"))
		result := async(func() error { return sub.PSubscribe(context.Background(), "y", "z*") })
		w.refuse("ERR", "no")
		synctest.Wait()
		var refused *RefusedError
		if err := <-result; !errors.As(err, &refused) {
			t.Fatalf("the error is %v", err)
		}
		w.publish("x", "1")
		w.want(sub, "x:1")
		if got := fmt.Sprint(sub.Names()); got != `[channel "x"]` {
			t.Errorf("names are %s", got)
		}
	})
}

func TestRefusalAfterReconnectEndsThatNamesSubscriptions(t *testing.T) {
	story(t, func(w *world) {
		one := w.subscribe(Channels("x", "y"))
		two := w.subscribe(Channel("y"))
		w.linkLost()
		w.linkUp()
		c, _ := w.link.pop()
		c.done(&proto.Error{Code: "NOPERM", Message: "no"})
		for _, name := range []string{c.names[0], c.names[1]} {
			if name == "x" {
				w.refuse("NOPERM", "no")
			} else {
				w.confirm()
			}
		}
		w.want(one, "closed")
		var refused *RefusedError
		if !errors.As(one.Err(), &refused) || refused.Name != Channel("x") {
			t.Errorf("Err is %v", one.Err())
		}
		if gap := one.Stats().FinalGap; gap == nil || gap.Reason != Reconnect {
			t.Errorf("the final gap is %v", gap)
		}
		w.publish("y", "1")
		w.want(two, "gap(reconnect,0) y:1")
		w.wantSent()
	})
}

func TestNeitherConfirmedNorRefused(t *testing.T) {
	story(t, func(w *world) {
		_, result := w.subscribing(Channels("x", "y"))
		w.push("subscribe", "x", 1)
		c, _ := w.link.pop()
		c.done(nil)
		w.wantFailed(`1 of 2 names are not confirmed, such as "y"`)
		w.linkLost()
		w.linkUp()
		w.confirmAll()
		w.wantResult(result, nil)
	})
}

func TestMalformedPushes(t *testing.T) {
	tests := []struct {
		fields []any
		failed bool
		taken  bool
	}{
		{fields: []any{"message", "x"}, taken: true, failed: true},
		{fields: []any{"message", "x", 1}, taken: true, failed: true},
		{fields: []any{"message", "x", "1", "2"}, taken: true, failed: true},
		{fields: []any{"message", nil, "1"}, taken: true, failed: true},
		{fields: []any{"pmessage", "x", "1"}, taken: true, failed: true},
		{fields: []any{"subscribe", "x", "1"}, taken: true, failed: true},
		{fields: []any{"subscribe", nil, 1}, taken: true, failed: true},
		{fields: []any{"subscribe", "x", 1}, taken: true, failed: true}, // nobody asked
		{fields: []any{"unsubscribe", "y", 1}, taken: true},
		{fields: []any{"unsubscribe", nil, 0}, taken: true},
		{fields: []any{"smessage", "y", ""}, taken: true},
		{fields: []any{"invalidate", nil}},
		{fields: []any{"pong", "x"}},
		{fields: []any{1, "x"}},
	}
	for _, mark := range []string{">", "*"} {
		for _, test := range tests {
			t.Run(fmt.Sprint(mark, test.fields), func(t *testing.T) {
				story(t, func(w *world) {
					w.subscribe(Channel("x"))
					if got := w.hub.Main().Push(value(w, mark, test.fields...)); got != test.taken {
						t.Errorf("Push returned %v", got)
					}
					if failed := w.link.failed != nil; failed != test.failed {
						t.Errorf("the link was told to fail with %v", w.link.failed)
					}
				})
			})
		}
	}
	story(t, func(w *world) {
		if w.hub.Main().Push(proto.Value{}) || w.hub.Main().Push(value(w, "*")) {
			t.Error("null or nothing is taken for pub/sub")
		}
	})
}

func TestReconnectSubscribesAgainAndTellsTheGap(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channels("x", "y"), Pattern("p*"))
		quiet := w.subscribe(Channel("x"))
		w.publish("x", "before")
		lost := time.Now()
		w.linkLost()
		w.publish("x", "of the old link")
		time.Sleep(time.Second)
		w.linkUp()
		time.Sleep(time.Second)
		synctest.Wait()
		if got := sortedCommands(w.link); got != "PSUBSCRIBE p*; SUBSCRIBE x y" {
			t.Errorf("sent %s", got)
		}
		w.publish("x", "not confirmed yet")
		w.confirmAll()
		w.publish("y", "after", "more")
		w.want(quiet, "x:before")

		if got := read(sub, 1); got[0] != "x:before" {
			t.Fatal(got)
		}
		msg, _ := sub.TryNext()
		if g := msg.Gap; g == nil || g.Reason != Reconnect || !g.From.Equal(lost) || g.To.Sub(lost) != 2*time.Second || g.Dropped != 0 {
			t.Errorf("the gap is %v", g)
		}
		w.want(sub, "y:more")
		w.wantEvents(quiet, "subscribed x 1", "disconnected", "connected", "subscribed x 1")
		w.publish("x", "after")
		w.want(quiet, "gap(reconnect,0) x:after")
	})
}

func sortedCommands(l *fakeLink) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []string
	for _, c := range l.commands {
		names := slices.Sorted(slices.Values(c.names))
		list = append(list, c.op.String()+" "+strings.Join(names, " "))
	}
	slices.Sort(list)
	return strings.Join(list, "; ")
}

func TestGapOfEachNameBeginsWhereItWasLost(t *testing.T) {
	story(t, func(w *world) {
		start := time.Now()
		sub := w.subscribe(Channel("x"))
		w.subscribe(Channel("y"))
		time.Sleep(time.Second)
		alive := time.Now()
		time.Sleep(time.Second) // silence, only then noticed
		w.hub.Main().LinkLost(alive, io.EOF)
		result := async(func() error { return sub.Subscribe(context.Background(), "new") })
		w.linkUp()
		w.confirmAll()
		w.wantResult(result, nil)
		var gaps []*Gap
		for {
			e := <-sub.Events()
			if e.Kind == EventSubscribed && e.Name == Channel("new") && e.Gap != nil {
				t.Error("a name that was never confirmed tells a gap")
			}
			if e.Gap != nil {
				gaps = append(gaps, e.Gap)
			}
			if len(sub.Events()) == 0 {
				break
			}
		}
		if len(gaps) != 1 || gaps[0].From.Sub(start) != time.Second || gaps[0].To.Sub(start) != 2*time.Second {
			t.Errorf("gaps are %v", gaps)
		}
	})
}

func TestSubscriptionMadeWithoutLinkHasNoGap(t *testing.T) {
	story(t, func(w *world) {
		old := w.subscribe(Channel("x"))
		w.linkLost()
		sub, result := w.subscribing(Channel("x"))
		w.linkUp()
		w.confirmAll()
		w.wantResult(result, nil)
		w.publish("x", "1")
		w.want(sub(), "x:1")
		w.want(old, "gap(reconnect,0) x:1")
	})
}

func TestLinkLostAgainBeforeAllIsBack(t *testing.T) {
	story(t, func(w *world) {
		start := time.Now()
		sub := w.subscribe(Channel("x"))
		w.linkLost()
		time.Sleep(time.Second)
		w.linkUp()
		w.linkLost()
		time.Sleep(time.Second)
		w.linkUp()
		w.confirmAll()
		w.publish("x", "1")
		msg, _ := sub.TryNext()
		if msg.Gap == nil || !msg.Gap.From.Equal(start) || msg.Gap.To.Sub(start) != 2*time.Second {
			t.Errorf("the gap is %v", msg.Gap)
		}
	})
}

func TestSubscribeTimeout(t *testing.T) {
	storyWith(t, hub.Options{LinkError: func() error { return io.ErrClosedPipe }}, func(w *world) {
		start := time.Now()
		_, result := w.subscribing(Channels("a", "b", "c", "d", "e"))
		w.push("subscribe", "a", 1)
		err := <-result
		if waited := time.Since(start); waited != time.Second {
			t.Errorf("it took %v", waited)
		}
		const want = `pubsub: 4 of 5 names not acknowledged (channel "b", channel "c", channel "d" and 1 more): not acknowledged in time (1s)`
		if !errors.Is(err, ErrSubscribeTimeout) || err.Error() != want {
			t.Errorf("the error is %v", err)
		}
		w.wantSent("SUBSCRIBE a b c d e", "UNSUBSCRIBE a b c d e")
		w.link.commands = nil
		w.linkLost()
		w.wantClean()

		_, result = w.subscribing(Channel("x"))
		err = <-result
		if !errors.Is(err, ErrSubscribeTimeout) || !errors.Is(err, ErrNotConnected) || !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("the error is %v", err)
		}
		w.wantClean()
	})
}

func TestFailedCallKeepsWhatAnotherCallAskedFor(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channel("old"))
		ctx, cancel := context.WithCancel(context.Background())
		one := async(func() error { return sub.Subscribe(ctx, "old", "shared", "mine") })
		two := async(func() error { return sub.Subscribe(context.Background(), "shared") })
		cancel()
		w.wantResult(one, context.Canceled)
		w.wantSent("SUBSCRIBE shared mine", "UNSUBSCRIBE mine")
		w.confirmAll()
		w.wantResult(two, nil)
		if got := fmt.Sprint(sub.Names()); got != `[channel "old" channel "shared"]` {
			t.Errorf("names are %s", got)
		}
	})
}

func TestUnsubscribeWhileSubscribing(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channel("x"))
		result := async(func() error { return sub.Subscribe(context.Background(), "y") })
		gone := async(func() error { return sub.Unsubscribe(context.Background(), "y") })
		w.wantResult(result, hub.ErrUnsubscribed)
		w.wantSent("SUBSCRIBE y", "UNSUBSCRIBE y")
		w.confirmAll()
		w.wantResult(gone, nil)
		w.publish("x", "1")
		w.want(sub, "x:1")
	})
}

func TestUnsubscribeWaitsButNotLong(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channels("x", "y", "z"))
		start := time.Now()
		var incomplete *IncompleteError
		err := sub.Unsubscribe(context.Background(), "x")
		if !errors.Is(err, ErrSubscribeTimeout) || !errors.As(err, &incomplete) || incomplete.Gap.Duration() != 100*time.Millisecond {
			t.Errorf("the error is %v", err)
		}
		if waited := time.Since(start); waited != 100*time.Millisecond {
			t.Errorf("it took %v", waited)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := sub.Unsubscribe(ctx, "y"); !errors.Is(err, context.Canceled) {
			t.Errorf("the error is %v", err)
		}
		w.linkLost()
		if err := sub.Unsubscribe(context.Background(), "nobody has it"); err != nil {
			t.Error(err)
		}
	})
}

func TestUnsubscribeEndsWithTheLink(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channels("x", "y"))
		result := async(func() error { return sub.Unsubscribe(context.Background(), "x") })
		w.linkLost()
		w.wantResult(result, ErrNotConnected)
	})
}

func TestShardChannelTakenAway(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(ShardChannel("s"), Channel("x"))
		w.push("sunsubscribe", "s", 0)
		w.wantSent("SSUBSCRIBE s") // first on the same connection
		w.push("smessage", "s", "a straggler")
		w.confirmAll()
		w.push("smessage", "s", "1")
		w.want(sub, "gap(moved,0) s:1")
		w.wantEvents(sub, "subscribed x 1", "subscribed s 1", "unsubscribed s 0", "subscribed s 1")

		w.push("sunsubscribe", "s", 0)
		w.refuse("MOVED", "1 127.0.0.1:7001")
		w.want(sub, "closed")
		var reply *proto.Error
		if !errors.As(sub.Err(), &reply) || reply.Code != "MOVED" {
			t.Errorf("Err is %v", sub.Err())
		}
	})
}

func TestShardChannelTakenAwayWhileItIsSubscribed(t *testing.T) {
	story(t, func(w *world) {
		sub, result := w.subscribing(ShardChannel("s"))
		c, _ := w.link.pop()
		w.push("ssubscribe", "s", 1)
		w.wantResult(result, nil)
		w.push("sunsubscribe", "s", 0)
		c.done(nil) // not a misbehaviour: s is another command's now
		w.wantSent("SSUBSCRIBE s")
		w.linkLost()
		w.linkUp()
		w.confirmAll()
		w.push("smessage", "s", "1")
		w.want(sub(), "gap(reconnect|moved,0) s:1")
		if w.link.failed != nil {
			t.Error(w.link.failed)
		}
	})
}

func TestFenceOfALostLinkIsIgnored(t *testing.T) {
	story(t, func(w *world) {
		sub, result := w.subscribing(Channel("x"))
		old, _ := w.link.pop()
		w.linkLost()
		w.linkUp()
		old.done(nil)
		w.confirmAll()
		w.wantResult(result, nil)
		w.publish("x", "1")
		w.want(sub(), "x:1")
	})
}

func TestPing(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channel("x"))
		result := async(func() error { return sub.Ping(context.Background(), "hello") })
		w.wantSent("PING hello")
		w.confirm()
		w.wantResult(result, nil)
		w.wantEvents(sub, "subscribed x 1", "pong hello")

		result = async(func() error { return sub.Ping(context.Background(), "lost") })
		w.linkLost()
		w.wantResult(result, ErrNotConnected)
		w.wantResult(async(func() error { return sub.Ping(context.Background(), "") }), ErrNotConnected)
	})
}

func TestHubClose(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channel("x"))
		_, waiting := w.subscribing(Channel("y"))
		for range 200 {
			w.publish("x", "1")
		}
		w.hub.Close(io.ErrClosedPipe)
		w.wantResult(waiting, io.ErrClosedPipe)
		if sub.Err() != io.ErrClosedPipe {
			t.Errorf("Err is %v", sub.Err())
		}
		if got := sub.Stats(); got.Delivered+got.Dropped != 200 || got.FinalGap.Reason != Closed {
			t.Errorf("stats are %+v", got)
		}
		if _, err := subscribeTo(context.Background(), w.hub, Channel("x")); !errors.Is(err, ErrEnded) || !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("the error is %v", err)
		}
		if err := sub.Subscribe(context.Background(), "z"); err != io.ErrClosedPipe {
			t.Errorf("the error is %v", err)
		}
		if !w.hub.Idle() {
			t.Error("the hub is not idle")
		}
		w.hub.Close(nil)
		w.hub.Main().LinkLost(time.Time{}, nil)
		w.hub.Main().LinkUp(&fakeLink{})
	})
}

// Each subscription of a name has a gap of its own: who changes it disturbs no other.
func TestEventGapIsOnesOwn(t *testing.T) {
	story(t, func(w *world) {
		subs := []*Subscription{w.subscribe(Channel("x")), w.subscribe(Channel("x"))}
		w.linkLost()
		w.linkUp()
		w.confirmAll()
		var gaps []*Gap
		for _, sub := range subs {
			sub.Close()
			for e := range sub.Events() {
				if e.Gap != nil {
					gaps = append(gaps, e.Gap)
				}
			}
		}
		if len(gaps) != 2 || gaps[0] == gaps[1] || *gaps[0] != *gaps[1] {
			t.Errorf("gaps are %v", gaps)
		}
	})
}

// A gap does not begin before the server has sent anything: the link may have been proven to
// live earlier than the name was confirmed over it.
func TestGapBeginsBehindTheConfirmation(t *testing.T) {
	story(t, func(w *world) {
		proven := time.Now()
		time.Sleep(time.Second)
		sub := w.subscribe(Channel("x"))
		confirmed := time.Now()
		time.Sleep(time.Second)
		w.lane().LinkLost(proven, io.ErrUnexpectedEOF)
		time.Sleep(time.Second)
		w.linkUp()
		w.confirmAll()
		w.publish("x", "1")
		synctest.Wait()
		if msg := <-sub.Messages(); msg.Gap == nil || !msg.Gap.From.Equal(confirmed) || msg.Gap.Duration() != 2*time.Second {
			t.Errorf("received %v", msg)
		}
		// Nor does the next one before the end of the first.
		again := time.Now()
		w.lane().LinkLost(proven, io.ErrUnexpectedEOF)
		w.linkUp()
		w.confirmAll()
		w.publish("x", "2")
		synctest.Wait()
		if msg := <-sub.Messages(); msg.Gap == nil || !msg.Gap.From.Equal(again) {
			t.Errorf("received %v", msg)
		}
	})
}
