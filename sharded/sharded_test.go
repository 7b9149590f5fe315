package sharded_test

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
	"github.com/redchan-go/redchan/pubsub"
	"github.com/redchan-go/redchan/sharded"
)

// node is a node of a cluster with a connection to it, whose server agrees to everything.
type node struct {
	*hub.Lane
	pending []func() // what the server answers next
}

func (n *node) Send(op hub.Op, names []string, done func(error)) {
	n.pending = append(n.pending, func() {
		for _, name := range names {
			n.push(strings.ToLower(op.String()), name, ":1")
		}
		n.Flush()
		done(nil)
	})
}

func (n *node) Ping(_ string, done func(error)) {
	n.pending = append(n.pending, func() { n.Flush(); done(nil) })
}

func (n *node) Fail(err error) { panic(err) }

// push lets a push of three elements arrive; one that begins with a colon is an integer.
func (n *node) push(fields ...string) {
	b := fmt.Appendf(nil, ">%d\r\n", len(fields))
	for _, field := range fields {
		if strings.HasPrefix(field, ":") {
			b = append(b, field+"\r\n"...)
		} else {
			b = proto.AppendString(b, field)
		}
	}
	v, err := proto.NewReader(strings.NewReader(string(b)), proto.Limits{}).Next()
	if err != nil {
		panic(err)
	}
	n.Collect(v)
}

// cluster is a client of two nodes, of which serving serves all channels.
type cluster struct {
	*testing.T
	hub     *hub.Hub
	a, b    *node
	serving *node
}

func (c *cluster) Group(hub.Name) int                       { return 0 }
func (c *cluster) Lanes(int) []*hub.Lane                    { return []*hub.Lane{c.serving.Lane} }
func (c *cluster) Everywhere(int, *hub.Lane) []*hub.Lane    { return c.Lanes(0) }
func (c *cluster) Migrated(*hub.Lane, *hub.Lane) bool       { return true }
func (c *cluster) Refused(*hub.Lane, int, error) *hub.Lane  { return nil }
func (c *cluster) Seeking()                                 {}
func (c *cluster) Pause(int) time.Duration                  { return 0 }
func (c *cluster) open(*hub.Plan) (*hub.Hub, func(), error) { return c.hub, func() {}, nil }
func (c *cluster) NewShardSubscription(ctx context.Context, opts ...pubsub.Option) (*pubsub.Subscription, error) {
	return pubsub.New(ctx, c.open, opts...)
}

// story runs a test with two nodes, the first of which serves everything.
func story(t *testing.T, run func(c *cluster)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{T: t}
		c.hub = hub.New(hub.Options{Router: c})
		c.a, c.b = &node{Lane: c.hub.NewLane("a:1")}, &node{Lane: c.hub.NewLane("b:1")}
		c.serving = c.a
		c.a.LinkUp(c.a)
		c.b.LinkUp(c.b)
		defer c.hub.Close(nil)
		run(c)
	})
}

// answer answers everything that was sent.
func (c *cluster) answer() {
	for {
		synctest.Wait()
		n := c.a
		if len(n.pending) == 0 {
			n = c.b
		}
		if len(n.pending) == 0 {
			return
		}
		next := n.pending[0]
		n.pending = n.pending[1:]
		next()
	}
}

// subscribe makes a subscription.
func (c *cluster) subscribe(opts ...pubsub.Option) *sharded.Subscription {
	c.Helper()
	var sub *sharded.Subscription
	done := make(chan error, 1)
	go func() {
		var err error
		sub, err = sharded.NewSubscription(context.Background(), c, opts...)
		done <- err
	}()
	c.answer()
	if err := <-done; err != nil {
		c.Fatal(err)
	}
	return sub
}

// move lets the node that serves all channels lose some to the other one.
func (c *cluster) move(channels ...string) {
	from := c.serving
	if c.serving = c.a; from == c.a {
		c.serving = c.b
	}
	for _, channel := range channels {
		from.push("sunsubscribe", channel, ":0")
	}
	from.Flush()
}

// wantNode expects where a channel is.
func (c *cluster) wantNode(sub *sharded.Subscription, channel, want string) {
	c.Helper()
	synctest.Wait()
	if addr, served := sub.Node(channel); addr != want || served != (want != "") {
		c.Errorf("%s is on %q, %v, want %q", channel, addr, served, want)
	}
}

// wantMoves expects the moves that were not received.
func (c *cluster) wantMoves(sub *sharded.Subscription, want ...string) {
	c.Helper()
	synctest.Wait()
	var got []string
	for {
		select {
		case move, ok := <-sub.Moves():
			if ok {
				got = append(got, move.String())
				continue
			}
			got = append(got, "closed")
		default:
		}
		break
	}
	if !slices.Equal(got, want) {
		c.Errorf("moves %q, want %q", got, want)
	}
}

func TestMove(t *testing.T) {
	story(t, func(c *cluster) {
		sub := c.subscribe(pubsub.ShardChannels("x", "y"), pubsub.GapMarkers())
		c.wantNode(sub, "x", "a:1")
		c.wantNode(sub, "y", "a:1")
		c.wantNode(sub, "z", "")
		c.wantMoves(sub)

		began := time.Now()
		c.move("x")
		c.wantNode(sub, "x", "")
		c.wantNode(sub, "y", "a:1")
		time.Sleep(3 * time.Millisecond)
		c.answer()
		c.wantNode(sub, "x", "b:1")
		move := <-sub.Moves()
		want := sharded.Move{
			Channel: "x", From: "a:1", To: "b:1", Time: time.Now(),
			Gap: pubsub.Gap{Reason: pubsub.Moved, From: began, To: time.Now()},
		}
		if move != want {
			t.Errorf("%+v, want %+v", move, want)
		}
		// The stream has the same gap.
		if msg, ok := sub.TryNext(); !ok || msg.Kind != pubsub.KindGap || *msg.Gap != want.Gap {
			t.Errorf("received %v", msg)
		}
		c.b.push("smessage", "x", "1")
		c.b.Flush()
		if msg, ok := sub.TryNext(); !ok || msg.Payload != "1" {
			t.Errorf("received %v", msg)
		}
	})
}

// A connection that is lost and comes back moves nothing; where another node has the channels
// by then, they have moved.
func TestLostConnection(t *testing.T) {
	story(t, func(c *cluster) {
		sub := c.subscribe(pubsub.ShardChannel("x"))
		c.a.LinkLost(time.Time{}, io.EOF)
		c.a.pending = nil
		c.wantNode(sub, "x", "")
		c.a.LinkUp(c.a)
		c.answer()
		c.wantNode(sub, "x", "a:1")
		c.wantMoves(sub)

		c.serving = c.b
		c.a.LinkLost(time.Time{}, io.EOF)
		time.Sleep(2 * time.Second)
		c.answer()
		c.wantNode(sub, "x", "b:1")
		c.wantMoves(sub, "x moved from a:1 to b:1, gap (reconnect) of 2s")
	})
}

// A channel that was unsubscribed is nowhere, and has not moved when it is subscribed again.
func TestUnsubscribed(t *testing.T) {
	story(t, func(c *cluster) {
		sub := c.subscribe(pubsub.ShardChannels("x", "y"))
		call := func(do func(context.Context, ...string) error) {
			done := make(chan error, 1)
			go func() { done <- do(context.Background(), "x") }()
			c.answer()
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		call(sub.SUnsubscribe)
		c.wantNode(sub, "x", "")
		c.wantNode(sub, "y", "a:1")
		c.serving = c.b
		call(sub.SSubscribe)
		c.wantNode(sub, "x", "b:1")
		c.wantMoves(sub)
	})
}

// Moves that nobody receives are kept, up to a bound, and those beyond it are counted.
func TestMovesAreBounded(t *testing.T) {
	for name, asked := range map[string]bool{"asked for at once": true, "asked for later": false} {
		t.Run(name, func(t *testing.T) {
			story(t, func(c *cluster) {
				sub := c.subscribe(pubsub.ShardChannel("x"))
				if asked {
					c.wantMoves(sub)
				}
				for range 300 {
					c.move("x")
					c.answer()
				}
				kept, missed := 0, 0
				for len(sub.Moves()) > 0 {
					kept++
					missed += (<-sub.Moves()).Missed
				}
				if kept != 256 || missed != 300-256 {
					t.Errorf("%d are kept, %d missed", kept, missed)
				}
				c.wantNode(sub, "x", "a:1")
			})
		})
	}
}

// The moves end with the subscription; those that were told stay readable.
func TestEnd(t *testing.T) {
	story(t, func(c *cluster) {
		sub, idle := c.subscribe(pubsub.ShardChannel("x")), c.subscribe(pubsub.ShardChannel("x"))
		c.wantMoves(idle)
		c.move("x")
		c.answer()
		_ = sub.Close()
		_ = idle.Close()
		c.answer()
		c.wantNode(sub, "x", "")
		c.wantMoves(sub, "x moved from a:1 to b:1, gap (moved) of 0s", "closed")
		c.wantMoves(idle, "x moved from a:1 to b:1, gap (moved) of 0s", "closed")
	})
}

// What the caller's options say holds, and what the client says is returned.
func TestOptions(t *testing.T) {
	story(t, func(c *cluster) {
		began := time.Now()
		_, err := sharded.NewSubscription(context.Background(), c, pubsub.ShardChannel("x"), pubsub.Timeouts(time.Minute, 0))
		if !errors.Is(err, pubsub.ErrSubscribeTimeout) || time.Since(began) != time.Minute {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		if _, err := sharded.Subscribe(context.Background(), c); err == nil || !strings.Contains(err.Error(), "no names") {
			t.Errorf("without channels: %v", err)
		}
		c.answer()
		later := c.subscribe()
		c.wantNode(later, "x", "")
	})
}

// A move prints what it is, and how many before it were missed.
func TestMoveString(t *testing.T) {
	m := sharded.Move{Channel: "c", From: "a:1", To: "b:1"}
	if s := m.String(); !strings.HasPrefix(s, "c moved from a:1 to b:1, ") || strings.Contains(s, "missed") {
		t.Errorf("%q", s)
	}
	m.Missed = 3
	if s := m.String(); !strings.HasSuffix(s, " (3 moves missed)") {
		t.Errorf("%q", s)
	}
}
