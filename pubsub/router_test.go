package pubsub

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/internal/hub"
	"github.com/redchan-go/redchan/proto"
)

// fakeRouter sends names where the test says.
type fakeRouter struct {
	serving map[string]string // the lane that serves a group, by the first letter of a name
	lanes   map[string]*world
	moved   map[string]string // what Refused says, by the group
	seeking int
}

func (r *fakeRouter) Group(name hub.Name) int { return int(name.Name[0]) }

func (r *fakeRouter) Everywhere(int, *hub.Lane) []*hub.Lane {
	return []*hub.Lane{r.lanes["a"].on, r.lanes["b"].on, r.lanes["c"].on}
}

func (r *fakeRouter) Migrated(*hub.Lane, *hub.Lane) bool { return true }

func (r *fakeRouter) Lanes(group int) []*hub.Lane {
	if w := r.lanes[r.serving[string(rune(group))]]; w != nil {
		return []*hub.Lane{w.on}
	}
	return nil
}

func (r *fakeRouter) Refused(_ *hub.Lane, group int, _ error) *hub.Lane {
	if w := r.lanes[r.moved[string(rune(group))]]; w != nil {
		return w.on
	}
	return nil
}

func (r *fakeRouter) Seeking() { r.seeking++ }

func (r *fakeRouter) Pause(int) time.Duration { return 0 }

// cluster is a hub with three lanes, whose links are up: each a world of its own.
type cluster struct {
	*testing.T
	*fakeRouter
	hub     *hub.Hub
	a, b, c *world
}

// lanesStory runs a test with names x, y and z, which lane a serves.
func lanesStory(t *testing.T, run func(c *cluster)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		router := &fakeRouter{serving: map[string]string{"x": "a", "y": "a", "z": "b"}, lanes: map[string]*world{}, moved: map[string]string{}}
		c := &cluster{T: t, fakeRouter: router, hub: hub.New(hub.Options{Router: router})}
		for name, w := range map[string]**world{"a": &c.a, "b": &c.b, "c": &c.c} {
			*w = &world{T: t, hub: c.hub, on: c.hub.NewLane(name)}
			router.lanes[name] = *w
			(*w).linkUp()
		}
		defer c.hub.Close(nil)
		run(c)
	})
}

// subscribe subscribes to shard channels, with servers that agree.
func (c *cluster) subscribe(names ...string) *Subscription {
	c.Helper()
	sub, result := c.a.subscribing(ShardChannels(names...), GapMarkers())
	for _, w := range c.lanes {
		w.confirmAll()
	}
	c.a.wantResult(result, nil)
	return sub()
}

// message lets a message arrive on a lane.
func (c *cluster) message(w *world, channel, payload string) {
	c.Helper()
	w.push("smessage", channel, payload)
}

var moved = &proto.Error{Code: "MOVED", Message: "1 b:1"}

// refuse answers the oldest command of a lane with MOVED.
func (c *cluster) refuse(w *world) {
	c.Helper()
	w.refuse(moved.Code, moved.Message)
}

func TestGroupsGoToTheirLanes(t *testing.T) {
	lanesStory(t, func(c *cluster) {
		sub, result := c.a.subscribing(ShardChannels("x1", "y1", "x2", "z1"))
		c.a.wantSent("SSUBSCRIBE x1 x2", "SSUBSCRIBE y1")
		c.b.wantSent("SSUBSCRIBE z1")
		c.c.wantSent()
		c.a.confirmAll()
		c.a.wantBusy(result)
		c.b.confirmAll()
		c.a.wantResult(result, nil)
		c.message(c.a, "x2", "1")
		c.message(c.b, "z1", "2")
		c.message(c.b, "x1", "not from here")
		c.a.want(sub(), "x2:1", "z1:2")
		for range 4 {
			if e := <-sub().Events(); e.Name.Name == "z1" != (e.Node == "b") {
				t.Errorf("the event names the wrong node: %v", e)
			}
		}
		if err := sub().Subscribe(context.Background(), "c"); !strings.Contains(err.Error(), "of shard channels alone") {
			t.Errorf("a channel that is not sharded: %v", err)
		}
	})
}

func TestMovedAsksEverywhere(t *testing.T) {
	lanesStory(t, func(c *cluster) {
		sub := c.subscribe("x1", "x2", "y")
		c.message(c.a, "x1", "1")
		// One read brings the news of both names, which are asked for together.
		c.a.collecting = true
		c.a.push("sunsubscribe", "x1", 2)
		c.a.push("sunsubscribe", "x2", 1)
		c.a.wantSent()
		c.a.on.Flush()
		for _, w := range c.lanes {
			w.wantSent("SSUBSCRIBE x1 x2")
		}
		c.a.collecting = false
		time.Sleep(time.Second)
		c.refuse(c.a)
		c.message(c.b, "x1", "too early")
		c.b.confirmAll()
		c.message(c.b, "x1", "2")
		c.message(c.a, "x1", "not from here any more")
		c.refuse(c.c)
		c.message(c.a, "y", "3") // where it always was
		c.a.want(sub, "x1:1", "gap(moved,0)", "x1:2", "y:3")
		for _, w := range c.lanes {
			w.wantSent()
		}
		if c.seeking > 0 {
			t.Error("it seeks, although all has been found")
		}
	})
}

// The first to confirm has the name, and the others are told to forget it.
func TestTwoConfirm(t *testing.T) {
	lanesStory(t, func(c *cluster) {
		sub := c.subscribe("x")
		c.a.push("sunsubscribe", "x", 0)
		c.refuse(c.a)
		c.c.confirm()
		c.b.confirm()
		c.b.wantSent("SUNSUBSCRIBE x")
		c.message(c.b, "x", "from the wrong one")
		c.message(c.c, "x", "1")
		c.b.confirmAll()
		c.message(c.c, "x", "2")
		c.a.want(sub, "gap(moved,0)", "x:1", "x:2")
		c.c.wantSent()
	})
}

func TestMovedIsFollowed(t *testing.T) {
	lanesStory(t, func(c *cluster) {
		c.moved["x"] = "b"
		_, result := c.a.subscribing(ShardChannels("x1", "x2"))
		c.refuse(c.a)
		c.b.wantSent("SSUBSCRIBE x1 x2")
		c.b.confirmAll()
		c.a.wantResult(result, nil)
		c.a.wantSent()
	})
}

// Two nodes that send to each other are asked a few times, and then after a pause.
func TestMovedInCircles(t *testing.T) {
	lanesStory(t, func(c *cluster) {
		_, result := c.a.subscribing(ShardChannels("x"), Timeouts(time.Minute, 0))
		at, to := c.a, c.b
		asked := 0
		for c.seeking == 0 {
			asked++
			c.moved["x"] = to.on.Node()
			c.refuse(at)
			at, to = to, at
		}
		if asked != maxHops+1 {
			t.Errorf("asked %d times", asked)
		}
		at.wantSent()
		if n, _ := c.hub.Seek(); n != 1 {
			t.Errorf("Seek: %d names are not confirmed", n)
		}
		c.a.wantSent("SSUBSCRIBE x")
		c.a.confirmAll()
		c.a.wantResult(result, nil)
		if n, _ := c.hub.Seek(); n != 0 {
			t.Errorf("Seek: %d names are not confirmed", n)
		}
	})
}

// A slot that nobody serves is waited for.
func TestUncoveredIsWaitedFor(t *testing.T) {
	lanesStory(t, func(c *cluster) {
		delete(c.serving, "x")
		_, result := c.a.subscribing(ShardChannels("x"))
		if c.seeking == 0 {
			t.Error("nobody is told that it seeks")
		}
		c.serving["x"] = "c"
		c.hub.Seek()
		c.c.confirm()
		c.a.wantResult(result, nil)

		c.serving["x"] = "b" // that one says that nobody serves it
		_, result = c.a.subscribing(ShardChannels("x9"))
		c.b.refuse("CLUSTERDOWN", "Hash slot not served")
		c.a.wantBusy(result)
		time.Sleep(time.Second)
		c.a.wantResult(result, ErrSubscribeTimeout)
	})
}

// What the router says is elsewhere moves when that one confirms, and until then is taken
// where it is. The gap begins when it was last proven to be in its place.
func TestReviewMoves(t *testing.T) {
	lanesStory(t, func(c *cluster) {
		sub := c.subscribe("x", "y")
		proven := time.Now()
		c.hub.Review(proven, func(l *hub.Lane) bool { return l == c.a.on })
		for _, w := range c.lanes {
			w.wantSent()
		}
		time.Sleep(10 * time.Second)
		c.hub.Review(time.Now(), func(*hub.Lane) bool { return false }) // which proves nothing
		c.serving["x"] = "b"
		c.hub.Review(time.Now(), func(*hub.Lane) bool { return true })
		c.b.wantSent("SSUBSCRIBE x")
		c.hub.Review(time.Now(), func(*hub.Lane) bool { return true })
		c.b.wantSent("SSUBSCRIBE x") // it is asked already
		c.message(c.a, "x", "1")
		time.Sleep(time.Second)
		c.b.confirm()
		c.a.wantSent("SUNSUBSCRIBE x")
		c.message(c.a, "x", "from the wrong one")
		c.message(c.b, "x", "2")
		if msg := <-sub.Messages(); msg.Payload != "1" {
			t.Fatalf("received %v", msg)
		}
		gap := <-sub.Messages()
		if gap.Kind != KindGap || gap.Gap.Reason != Moved || !gap.Gap.From.Equal(proven) || !gap.Gap.To.Equal(time.Now()) {
			t.Errorf("told %v from %v, want it from %v", gap, gap.Gap.From, proven)
		}
		c.a.confirmAll()
		c.message(c.a, "y", "3")
		c.a.want(sub, "x:2", "y:3")
	})
}

func TestReviewIsRefused(t *testing.T) {
	lanesStory(t, func(c *cluster) {
		sub := c.subscribe("x")
		c.serving["x"], c.moved["x"] = "b", "c"
		c.hub.Review(time.Now(), func(*hub.Lane) bool { return true })
		c.refuse(c.b)
		c.c.wantSent()
		c.message(c.a, "x", "1")
		c.a.want(sub, "x:1")
		if c.seeking == 0 {
			t.Error("nobody comes back to it when its pause is over")
		}
		// A lane that comes later is asked as soon as it is there.
		c.b.linkLost()
		c.hub.Review(time.Now(), func(*hub.Lane) bool { return true })
		c.b.linkUp()
		c.b.wantSent("SSUBSCRIBE x")
	})
}

// The loss of a lane concerns its names alone.
func TestLaneIsLost(t *testing.T) {
	lanesStory(t, func(c *cluster) {
		onA, onB := c.subscribe("x"), c.subscribe("z")
		c.a.wantEvents(onA, "subscribed x 1")
		c.a.wantEvents(onB, "subscribed z 1")
		c.serving["x"] = "c"
		c.a.linkLost()
		c.c.wantSent("SSUBSCRIBE x")
		c.c.confirm()
		c.message(c.c, "x", "1")
		c.message(c.b, "z", "2")
		c.a.want(onA, "gap(reconnect,0)", "x:1")
		c.a.want(onB, "z:2")
		c.a.wantEvents(onA, "disconnected", "subscribed x 1")
		c.a.wantEvents(onB)
		c.a.linkUp()
		c.a.wantSent()
	})
}

func TestUnsubscribeWhileSeeking(t *testing.T) {
	lanesStory(t, func(c *cluster) {
		sub := c.subscribe("x", "y")
		c.a.push("sunsubscribe", "x", 1)
		result := async(func() error { return sub.SUnsubscribe(context.Background(), "x") })
		for _, w := range c.lanes {
			w.wantSent("SSUBSCRIBE x", "SUNSUBSCRIBE x")
			c.a.wantBusy(result)
			w.confirmAll()
		}
		c.a.wantResult(result, nil)
		result = async(func() error { return sub.SUnsubscribe(context.Background()) })
		c.a.wantSent("SUNSUBSCRIBE y")
		c.a.confirmAll()
		c.a.wantResult(result, nil)
		c.a.want(sub, "gap(moved,0)", "closed")
		if stats := c.hub.Stats(); stats != (hub.Stats{}) {
			t.Errorf("the hub holds %+v", stats)
		}
	})
}

// A subscription that leaves names on several lanes, which others stay with, waits for all
// of them.
func TestUnsubscribeOnSeveralLanes(t *testing.T) {
	lanesStory(t, func(c *cluster) {
		stays := c.subscribe("x", "z")
		sub := c.subscribe("x", "z")
		result := async(func() error { return sub.SUnsubscribe(context.Background()) })
		c.a.wantSent("PING " + pingToken)
		c.b.wantSent("PING " + pingToken)
		c.a.confirmAll()
		c.a.wantBusy(result)
		c.message(c.b, "z", "1")
		c.b.confirmAll()
		c.a.wantResult(result, nil)
		c.a.want(sub, "z:1", "closed")
		c.a.want(stays, "z:1")
	})
}

// Servers may refuse to let a name go: they are asked again, unless it is wanted by then.
func TestUnsubscribeIsRefused(t *testing.T) {
	for _, wantedAgain := range []bool{false, true} {
		lanesStory(t, func(c *cluster) {
			c.subscribe("y")
			sub := c.subscribe("x")
			result := async(func() error { return sub.SUnsubscribe(context.Background()) })
			c.a.wantSent("SUNSUBSCRIBE x")
			c.a.refuse("CLUSTERDOWN", "The cluster is down")
			c.a.wantResult(result, nil)
			c.message(c.a, "x", "nobody wants it")
			c.a.wantSent()
			if wantedAgain {
				c.subscribe("x")
			}
			c.hub.Review(time.Now(), func(*hub.Lane) bool { return true })
			if wantedAgain {
				c.a.wantSent()
				return
			}
			c.a.wantSent("SUNSUBSCRIBE x")
			c.a.confirmAll()
			c.hub.Review(time.Now(), func(*hub.Lane) bool { return true })
			c.a.wantSent()
		})
	}
}

// One that says MOVED has let it go already.
func TestUnsubscribeIsMoved(t *testing.T) {
	lanesStory(t, func(c *cluster) {
		c.subscribe("y")
		sub := c.subscribe("x")
		result := async(func() error { return sub.SUnsubscribe(context.Background()) })
		c.refuse(c.a)
		c.a.wantResult(result, nil)
		c.hub.Review(time.Now(), func(*hub.Lane) bool { return true })
		c.a.wantSent()
	})
}

// Where one of several lanes is lost while a subscription leaves, the others' answers are
// waited for still.
func TestLaneIsLostWhileUnsubscribing(t *testing.T) {
	lanesStory(t, func(c *cluster) {
		sub := c.subscribe("x", "z")
		result := async(func() error { return sub.SUnsubscribe(context.Background()) })
		c.a.wantSent("SUNSUBSCRIBE x")
		c.b.wantSent("SUNSUBSCRIBE z")
		c.a.linkLost()
		c.a.wantBusy(result)
		c.message(c.b, "z", "on its way")
		c.b.confirmAll()
		c.a.wantResult(result, ErrNotConnected)
		c.a.want(sub, "z:on its way", "gap(reconnect,0)", "closed")
	})
}

func TestLaneRefusesForGood(t *testing.T) {
	lanesStory(t, func(c *cluster) {
		sub := c.subscribe("x")
		c.a.push("sunsubscribe", "x", 0)
		c.refuse(c.a)
		// One of those that were asked because nobody knew: it may be none of its business.
		c.b.refuse("NOPERM", "no access to the channel")
		c.c.refuse("ERR", "something else")
		if c.seeking != 1 {
			t.Errorf("told %d times that it seeks", c.seeking)
		}
		c.hub.Seek()
		c.a.refuse("NOPERM", "no access to the channel")
		var refused *RefusedError
		<-sub.Done()
		if !errors.As(sub.Err(), &refused) || refused.Name != ShardChannel("x") {
			t.Errorf("ended with %v", sub.Err())
		}
	})
}

// A node that is busy does not end what another one is about to serve.
func TestAnotherLaneIsBusy(t *testing.T) {
	lanesStory(t, func(c *cluster) {
		sub := c.subscribe("x")
		c.a.push("sunsubscribe", "x", 0)
		c.c.refuse("BUSY", "a script is running")
		c.refuse(c.a)
		c.b.confirm()
		c.message(c.b, "x", "1")
		c.a.want(sub, "gap(moved,0)", "x:1")
	})
}

// What was asked for on a lane that says nothing is asked for where it should be.
func TestReviewOfWhatIsAskedFor(t *testing.T) {
	lanesStory(t, func(c *cluster) {
		sub := c.subscribe("x")
		c.a.linkLost()
		c.a.linkUp()
		c.a.wantSent("SSUBSCRIBE x")
		c.hub.Review(time.Now(), func(*hub.Lane) bool { return true })
		c.b.wantSent()
		c.serving["x"] = "b"
		c.hub.Review(time.Now(), func(*hub.Lane) bool { return true })
		c.b.confirm()
		c.message(c.b, "x", "1")
		c.a.confirm() // late
		c.a.wantSent("SUNSUBSCRIBE x")
		c.a.want(sub, "gap(reconnect,0)", "x:1")
	})
}

// A node that was cut off for long pushes when it finds out: what was lost was lost before.
func TestGapOfWhatWasUnproven(t *testing.T) {
	for _, after := range []time.Duration{10 * time.Second, 30 * time.Second} {
		lanesStory(t, func(c *cluster) {
			sub := c.subscribe("x")
			confirmed := time.Now()
			time.Sleep(after)
			pushed := time.Now()
			c.a.push("sunsubscribe", "x", 0)
			c.b.confirm()
			want := pushed
			if after > unproven {
				want = confirmed
			}
			if gap := <-sub.Messages(); !gap.Gap.From.Equal(want) {
				t.Errorf("after %v: the gap begins %v before the push", after, pushed.Sub(gap.Gap.From))
			}
		})
	}
}

func TestLanes(t *testing.T) {
	lanesStory(t, func(c *cluster) {
		sub := c.subscribe("z")
		pinged := async(func() error { return sub.Ping(context.Background(), "data") })
		c.b.wantSent("PING data")
		c.b.confirm()
		c.a.wantResult(pinged, nil)
		if c.a.on.InUse() || !c.b.on.InUse() {
			t.Error("lane b has a name, and lane a has none")
		}
		c.c.on.LinkLost(time.Time{}, io.EOF)
		c.c.on.Drop()
		c.b.on.LinkLost(time.Time{}, io.EOF)
		c.a.on.LinkLost(time.Time{}, io.EOF)
		if err := sub.Ping(context.Background(), "data"); !errors.Is(err, ErrNotConnected) {
			t.Errorf("PING without a link: %v", err)
		}
	})
}

// A reader that a slow consumer holds up learns late that a name was taken away: the gap begins
// when it was last known to be there.
func TestGapOfWhatWasReadLate(t *testing.T) {
	lanesStory(t, func(c *cluster) {
		sub, result := c.a.subscribing(ShardChannels("x1"), Block(time.Minute), Buffer(2, 0))
		c.a.confirmAll()
		c.a.wantResult(result, nil)
		confirmed := time.Now()
		time.Sleep(time.Second)
		read := async(func() error {
			for range 5 {
				c.message(c.a, "x1", "1")
			}
			c.a.push("sunsubscribe", "x1", 0)
			return nil
		})
		time.Sleep(5 * time.Second) // the news waits as long
		c.a.wantBusy(read)
		for range 5 {
			<-sub().Messages()
			synctest.Wait()
		}
		c.a.wantResult(read, nil)
		c.b.confirmAll()
		c.message(c.b, "x1", "2")
		if msg := <-sub().Messages(); msg.Gap == nil || msg.Gap.Reason != Moved || !msg.Gap.From.Equal(confirmed) {
			t.Errorf("received %v, %v", msg, msg.Gap)
		}
	})
}

// What one lane has collected, or waits with for room, when another one takes the name over
// is not delivered behind that: the gap would be told in front of it, and not in front of what
// is missing.
func TestTakenOverWhileAMessageIsHeld(t *testing.T) {
	lanesStory(t, func(c *cluster) {
		sub := c.subscribe("x")
		c.serving["x"] = "b"
		c.hub.Review(time.Now(), func(*hub.Lane) bool { return true })
		c.message(c.a, "x", "1")
		c.a.collecting = true
		c.message(c.a, "x", "2")
		c.b.confirm()
		c.a.on.Flush()
		c.message(c.b, "x", "4")
		c.a.want(sub, "x:1", "gap(moved,0)", "x:4")
	})
	lanesStory(t, func(c *cluster) {
		s, result := c.a.subscribing(ShardChannels("x"), Block(time.Minute), Buffer(2, 0))
		c.a.confirmAll()
		c.a.wantResult(result, nil)
		sub := s()
		c.serving["x"] = "b"
		c.hub.Review(time.Now(), func(*hub.Lane) bool { return true })
		held := async(func() error {
			for _, payload := range []string{"1", "2", "3", "4"} {
				c.message(c.a, "x", payload)
			}
			return nil
		})
		c.a.wantBusy(held)
		waiting := uint64(sub.Stats().Queued)
		c.b.confirm()
		got := read(sub, 3)
		c.a.wantResult(held, nil)
		c.message(c.b, "x", "6")
		got = append(got, read(sub, -1)...)
		if want := []string{"x:1", "x:2", "gap(moved,1) x:6"}; !slices.Equal(got, want) {
			t.Errorf("received %q, want %q", got, want)
		}
		if stats := sub.Stats(); stats.Delivered+stats.Dropped != waiting+1 {
			t.Errorf("stats are %+v, and %d waited", stats, waiting)
		}
	})
}
