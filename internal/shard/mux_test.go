package shard

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/cluster/slot"
	"github.com/redchan-go/redchan/pubsub"
)

// world is a model of a cluster with a Mux that the test tells of it.
type world struct {
	*testing.T
	*cluster
	mux     *Mux
	avoided []string // what refreshes were to avoid
	asked   int
}

// story runs a test with three primaries and their replicas.
func story(t *testing.T, change func(*Options), test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, cluster: newCluster(1, 3, channels)}
		w.quietBus = true
		stop := make(chan struct{})
		defer close(stop)
		go w.Serve(stop)
		o := Options{
			Connect: w.carry,
			Refresh: func(avoid string) {
				w.cluster.mu.Lock()
				defer w.cluster.mu.Unlock()
				w.asked++
				if avoid != "" {
					w.avoided = append(w.avoided, avoid)
				}
			},
		}
		if change != nil {
			change(&o)
		}
		w.mux = New(o)
		defer w.mux.Close(nil)
		test(w)
	})
}

// update tells the mux what a node says.
func (w *world) update(from int) {
	w.cluster.mu.Lock()
	v := w.nodes[from].view()
	w.cluster.mu.Unlock()
	w.mux.Update(v)
	synctest.Wait()
}

// wait lets time pass.
func (w *world) wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// do changes the cluster.
func (w *world) do(f func()) {
	w.cluster.mu.Lock()
	defer w.cluster.mu.Unlock()
	f()
}

// connected returns how many connections there are to each node.
func (w *world) connected() (counts []int) {
	w.do(func() {
		for _, n := range w.nodes {
			counts = append(counts, len(n.links))
		}
	})
	return counts
}

// subscribe subscribes, or fails the test.
func (w *world) subscribe(opts ...pubsub.Option) *pubsub.Subscription {
	w.Helper()
	sub, err := subscribeTo(w.mux, opts...)
	if err != nil {
		w.Fatal(err)
	}
	return sub
}

// hears publishes on a channel, and wants the message to come.
func (w *world) hears(sub *pubsub.Subscription, channel string) {
	w.Helper()
	w.publish(channel)
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if msg, err := sub.Next(ctx, pubsub.KindGap); err != nil || msg.Channel != channel {
		w.Fatalf("%s: received %v, %v", channel, msg, err)
	}
}

func equal(a []int, b ...int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// Connections are made to all primaries for the first subscription, and closed a while after
// the last.
func TestConnections(t *testing.T) {
	story(t, nil, func(w *world) {
		w.update(3)
		if got := w.connected(); !equal(got, 0, 0, 0, 0, 0, 0) {
			t.Errorf("connections before the first subscription: %v", got)
		}
		sub := w.subscribe(pubsub.ShardChannels("a", "b", "c"))
		for _, channel := range []string{"a", "b", "c"} {
			w.hears(sub, channel)
		}
		if got := w.connected(); !equal(got, 1, 1, 1, 0, 0, 0) {
			t.Errorf("connections with a subscription: %v", got)
		}
		_ = sub.Close()
		w.update(3)
		if got := w.connected(); !equal(got, 1, 1, 1, 0, 0, 0) {
			t.Errorf("connections just after the last: %v", got)
		}
		w.update(3)
		w.wait(100 * time.Millisecond) // they end
		if got := w.connected(); !equal(got, 0, 0, 0, 0, 0, 0) {
			t.Errorf("connections a while after the last: %v", got)
		}
		w.hears(w.subscribe(pubsub.ShardChannel("a")), "a")
	})
}

// A subscription that comes before the first view waits for it.
func TestSubscribeBeforeTheFirstView(t *testing.T) {
	story(t, nil, func(w *world) {
		done := make(chan error, 1)
		go func() {
			_, err := subscribeTo(w.mux, pubsub.ShardChannel("a"))
			done <- err
		}()
		w.wait(500 * time.Millisecond)
		if w.asked == 0 {
			t.Error("nobody was asked for a view")
		}
		w.update(1)
		w.wait(100 * time.Millisecond)
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		default:
			t.Error("it waits still")
		}
		// And one without any ends in time.
		w.mux.Close(nil)
	})
	story(t, func(o *Options) { o.LinkError = func() error { return io.ErrClosedPipe } }, func(w *world) {
		var missing *pubsub.UnacknowledgedError
		start := time.Now()
		_, err := subscribeTo(w.mux, pubsub.ShardChannel("a"))
		if !errors.As(err, &missing) || !errors.Is(err, io.ErrClosedPipe) || time.Since(start) != time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}

// A node that no view has told of yet is connected to when a MOVED names it.
func TestMovedToANewNode(t *testing.T) {
	story(t, nil, func(w *world) {
		w.update(0)
		sub := w.subscribe(pubsub.ShardChannel("a"), pubsub.GapMarkers())
		fresh := &simNode{c: w.cluster, addr: "node:8000", believes: map[int]belief{}, links: map[*simLink]bool{}}
		w.do(func() {
			w.nodes = append(w.nodes, fresh)
			w.move(slot.Of("a"), fresh)
		})
		w.wait(300 * time.Millisecond) // nobody has told a view
		w.hears(sub, "a")
		if got := w.connected(); got[6] != 1 {
			t.Errorf("connections: %v", got)
		}
	})
}

// What a node tells of itself proves nothing: another one is asked, where none has told for a
// while.
func TestOthersAreAsked(t *testing.T) {
	story(t, nil, func(w *world) {
		w.update(0)
		w.subscribe(pubsub.ShardChannels(channels...))
		for range 3 {
			w.update(3)
			w.update(0)
			w.update(1)
			w.update(2)
		}
		if len(w.avoided) > 0 {
			t.Errorf("all have told just now, and %v were to be avoided", w.avoided)
		}
		w.wait(10 * time.Second)
		w.update(0)
		w.update(1) // which says that of node 0
		if len(w.avoided) != 1 || w.avoided[0] != w.nodes[0].addr {
			t.Errorf("to be avoided: %v", w.avoided)
		}
		w.wait(10 * time.Second)
		w.update(3)
		w.update(0)
		if len(w.avoided) != 1 {
			t.Errorf("a replica has told, and %v were to be avoided", w.avoided)
		}
	})
}

// A node that is the only one to answer, as in a cluster of one, is not asked again and again.
func TestNoOtherToAsk(t *testing.T) {
	story(t, nil, func(w *world) {
		w.update(0)
		w.subscribe(pubsub.ShardChannel("a"))
		w.avoided = nil
		for range 600 { // a minute of views as close to each other as can be
			w.wait(100 * time.Millisecond)
			w.update(0)
		}
		if n := len(w.avoided); n < 5 || n > 60/int(proofAge/time.Second) {
			t.Errorf("in a minute another one was asked for %d times", n)
		}
	})
}

// In a cluster of one node nobody else can tell, and there is nobody that it could be cut off
// from: a gap begins when the connection was lost, and no other node is asked for.
func TestClusterOfOneNode(t *testing.T) {
	story(t, nil, func(w *world) {
		addr := w.nodes[0].addr
		update := func() {
			w.mux.Update(View{From: addr, At: time.Now(), Shards: []Shard{{Slots: []slot.Range{{From: 0, To: slot.Count - 1}}, Primary: addr}}})
			synctest.Wait()
		}
		update()
		sub := w.subscribe(pubsub.ShardChannel("a"), pubsub.GapMarkers())
		for range 6 {
			w.wait(10 * time.Second)
			update()
		}
		w.hears(sub, "a")
		lost := time.Now()
		w.do(func() {
			for l := range w.nodes[0].links {
				l.cut(io.EOF)
			}
		})
		w.wait(time.Second)
		if msg, ok := sub.TryNext(); !ok || msg.Kind != pubsub.KindGap || msg.Gap.From.Before(lost.Add(-time.Second)) {
			t.Errorf("received %v", msg)
		}
		if len(w.avoided) > 0 {
			t.Errorf("to be avoided: %v", w.avoided)
		}
	})
}

// A view that is older than the last one changes nothing.
func TestOldView(t *testing.T) {
	story(t, nil, func(w *world) {
		w.cluster.mu.Lock()
		old := w.nodes[0].view()
		w.cluster.mu.Unlock()
		w.wait(time.Second)
		w.do(func() { w.move(slot.Of("a"), w.nodes[2]) })
		w.update(0)
		sub := w.subscribe(pubsub.ShardChannel("a"), pubsub.GapMarkers())
		w.mux.Update(old)
		w.wait(time.Second)
		w.hears(sub, "a")
		if sub.Stats().Gaps > 0 {
			t.Error("there is a gap")
		}
	})
}

// Nodes may name addresses that mean something to themselves alone.
func TestMapAddr(t *testing.T) {
	story(t, func(o *Options) {
		o.MapAddr = func(addr string) string {
			if addr == "inside:1" {
				return "node:8000"
			}
			return addr
		}
	}, func(w *world) {
		w.update(0)
		sub := w.subscribe(pubsub.ShardChannel("a"), pubsub.GapMarkers())
		fresh := &simNode{c: w.cluster, addr: "node:8000", named: "inside:1", believes: map[int]belief{}, links: map[*simLink]bool{}}
		w.do(func() {
			w.nodes = append(w.nodes, fresh)
			w.move(slot.Of("a"), fresh)
		})
		w.wait(300 * time.Millisecond)
		w.hears(sub, "a")
	})
}

// A primary that is cut off goes on to answer: the view of another node moves its channels,
// with a gap since it was last proven.
func TestSilentPrimary(t *testing.T) {
	story(t, nil, func(w *world) {
		w.update(4)
		sub := w.subscribe(pubsub.ShardChannels("a", "b"), pubsub.GapMarkers())
		w.hears(sub, "a")
		w.update(4)
		proven := time.Now()
		w.wait(time.Second)
		old := w.owner[slot.Of("a")]
		w.do(func() {
			old.cutOff = true
			for _, n := range w.nodes {
				if n.master == old {
					w.promote(n)
					break
				}
			}
		})
		w.wait(10 * time.Second)
		w.update(4)
		w.wait(300 * time.Millisecond)
		gap, err := sub.Next(context.Background())
		if err != nil || gap.Kind != pubsub.KindGap || gap.Gap.Reason != pubsub.Moved || !gap.Gap.From.Equal(proven) {
			t.Fatalf("received %v, %v", gap, err)
		}
		w.hears(sub, "a")
		w.hears(sub, "b")
		w.do(func() {
			for l := range old.links {
				if l.subscribed["a"] {
					t.Error("it is left behind at the old primary")
				}
			}
		})
	})
}

func TestReplicasAreRead(t *testing.T) {
	story(t, func(o *Options) { o.Replicas = true }, func(w *world) {
		w.update(0)
		sub := w.subscribe(pubsub.ShardChannels("a", "b", "c"))
		for range 3 {
			event := <-sub.Events()
			if event.Node < "node:7003" {
				t.Errorf("%v: that is a primary", event)
			}
		}
		w.hears(sub, "b")
		// Where the replica is lost, and no other is there, the primary is read.
		w.wait(settling)
		w.do(func() {
			for _, n := range w.nodes[3:] {
				n.kill()
			}
		})
		w.update(0)
		w.wait(time.Second)
		for _, channel := range []string{"a", "b", "c"} {
			w.hears(sub, channel)
		}
	})
}

// A replica that can't be reached, which nobody has noticed yet, does not make the first
// subscription fail: the primary is read in time.
func TestReplicaOutOfReach(t *testing.T) {
	story(t, func(o *Options) { o.Replicas = true }, func(w *world) {
		w.update(0)
		w.do(func() {
			for _, n := range w.nodes[3:] {
				n.kill()
			}
		})
		sub := w.subscribe(pubsub.ShardChannels("a", "b", "c"))
		for _, channel := range []string{"a", "b", "c"} {
			w.hears(sub, channel)
		}
	})
}

// Two subscriptions that block wait for their own consumers only, and a consumer that comes
// back gets all, though several nodes wait for it.
func TestBlockOnSeveralNodes(t *testing.T) {
	story(t, nil, func(w *world) {
		w.update(0)
		sub := w.subscribe(pubsub.ShardChannels(channels...), pubsub.Block(time.Minute), pubsub.Buffer(2, 0))
		const each = 10
		for range each {
			for _, channel := range channels {
				w.publish(channel)
			}
		}
		w.wait(time.Second)
		start := time.Now()
		for range each * len(channels) {
			if msg, err := sub.Next(context.Background()); err != nil || msg.Gap != nil {
				t.Fatalf("received %v, %v", msg, err)
			}
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("it took %v: a node has waited for its time to be over", took)
		}
	})
}

func TestClose(t *testing.T) {
	story(t, nil, func(w *world) {
		w.update(0)
		sub := w.subscribe(pubsub.ShardChannel("a"))
		why := errors.New("because")
		w.mux.Close(why)
		<-sub.Done()
		if !errors.Is(sub.Err(), why) {
			t.Errorf("the subscription ended with %v", sub.Err())
		}
		w.mux.Close(why)
		w.update(0)
		if _, err := subscribeTo(w.mux, pubsub.ShardChannel("a")); !errors.Is(err, pubsub.ErrEnded) || !errors.Is(err, why) {
			t.Errorf("Subscribe after Close: %v", err)
		}
		if got := w.connected(); !equal(got, 0, 0, 0, 0, 0, 0) {
			t.Errorf("connections after Close: %v", got)
		}
	})
}

// subscribeTo makes a subscription as a client does.
func subscribeTo(m *Mux, opts ...pubsub.Option) (*pubsub.Subscription, error) {
	return muxClient{m}.NewShardSubscription(context.Background(), opts...)
}

// muxClient is a client of a cluster that has a Mux alone.
type muxClient struct{ mux *Mux }

func (c muxClient) NewShardSubscription(ctx context.Context, opts ...pubsub.Option) (*pubsub.Subscription, error) {
	return pubsub.New(ctx, c.mux.Open, opts...)
}
