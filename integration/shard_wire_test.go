package integration

import (
	"slices"
	"strings"

	"github.com/redchan-go/redchan/integration/servers"
)

// shardWires are plain connections to one node, one in RESP2 and one in RESP3, to
// which the same happens. What a node sends them is compared word for word; of what
// is an array in RESP2 and a push in RESP3, the kind is left out: "[ssubscribe s 1]".
type shardWires struct {
	f     *clusterFixture
	node  *servers.Node
	wires [2]*servers.Wire // by protocol
}

// dialShards connects to a node.
func (f *clusterFixture) dialShards(node *servers.Node) *shardWires {
	f.Helper()
	s := &shardWires{f: f, node: node}
	for i := range s.wires {
		wire, err := node.Dial(f.ctx)
		f.must(err)
		f.Cleanup(func() { wire.Close() })
		s.wires[i] = wire
	}
	_, err := s.wires[1].Do(f.ctx, "HELLO", "3")
	f.must(err)
	return s
}

// listen connects to a node and subscribes to one shard channel.
func (f *clusterFixture) listen(node *servers.Node, channel string) *shardWires {
	f.Helper()
	s := f.dialShards(node)
	s.answers("[ssubscribe "+channel+" 1]", "SSUBSCRIBE", channel)
	return s
}

// receive returns what comes next on a connection.
func (s *shardWires) receive(protocol int) string {
	s.f.Helper()
	reply, err := s.wires[protocol].Receive(s.f.ctx)
	if err != nil {
		s.f.Fatalf("at %s: %v", s.node.Addr, err)
	}
	pushKind := []byte{'*', '>'}[protocol]
	text := reply.String()
	if reply.Kind == pushKind {
		return text[1:]
	}
	return text
}

// gets fails unless these come next, in any order.
func (s *shardWires) gets(want ...string) {
	s.f.Helper()
	want = slices.Sorted(slices.Values(want))
	for protocol := range s.wires {
		var got []string
		for range want {
			got = append(got, s.receive(protocol))
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			s.f.Errorf("at %s by %s came %q, want %q", s.node.Addr, protocols[1-protocol].name, got, want)
		}
	}
}

// answers sends a command and fails unless this comes next.
func (s *shardWires) answers(want string, words ...string) {
	s.f.Helper()
	for _, wire := range s.wires {
		s.f.must(wire.Send(s.f.ctx, words...))
	}
	for protocol := range s.wires {
		if got := s.receive(protocol); got != want {
			s.f.Errorf("%s at %s by %s = %q, want %q", strings.Join(words, " "), s.node.Addr, protocols[1-protocol].name, got, want)
		}
	}
}

// isSilent fails where anything has come that was not received yet, or where the
// connection is closed. It has a PING answered, which comes behind all that the node
// has sent before.
func (s *shardWires) isSilent() {
	s.f.Helper()
	const token = "fence"
	for protocol, wire := range s.wires {
		s.f.must(wire.Send(s.f.ctx, "PING", token))
		// A connection that is subscribed to something answers otherwise in RESP2.
		if got := s.receive(protocol); got != token && got != "[pong "+token+"]" {
			s.f.Errorf("at %s by %s came %q, want nothing", s.node.Addr, protocols[1-protocol].name, got)
		}
	}
}

// areClosed fails where anything comes but the end of the connections.
func (s *shardWires) areClosed() {
	s.f.Helper()
	for protocol, wire := range s.wires {
		if reply, err := wire.Receive(s.f.ctx); err == nil || s.f.ctx.Err() != nil {
			s.f.Errorf("at %s by %s came %v, %v, want the connection closed", s.node.Addr, protocols[1-protocol].name, reply, err)
		}
	}
}

// publish publishes to a shard channel at a node; want is what the node answers.
func (f *clusterFixture) publish(node *servers.Node, want, channel, payload string) {
	f.Helper()
	if got := f.at(node, "SPUBLISH", channel, payload); got != want {
		f.Errorf("SPUBLISH at %s = %s, want %s", node.Addr, got, want)
	}
}

// heard waits until a node has heard of another one twice by the bus: whatever the
// other one knew before it has told then.
func (f *clusterFixture) heard(node, other *servers.Node) {
	f.Helper()
	last := func() servers.Member {
		view, err := f.cluster.View(f.ctx, node)
		f.must(err)
		member, _ := view.Of(other)
		return member
	}
	for range 2 {
		before := last()
		f.eventually("a word of "+other.Addr+" at "+node.Addr, func() bool { return last().Pong.After(before.Pong) })
	}
}

// isDown waits until a node itself sees the cluster as down.
func (f *clusterFixture) isDown(node *servers.Node) {
	f.Helper()
	f.eventually("cluster_state:fail at "+node.Addr, func() bool {
		return strings.Contains(f.at(node, "CLUSTER", "INFO"), "cluster_state:fail\r")
	})
}
