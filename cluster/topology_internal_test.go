package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/redchan-go/redchan/cluster/slot"
	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
)

// answered runs a command against a reply.
type answered string

func (a answered) Do(context.Context, command.Request) (proto.Value, error) {
	return proto.NewReader(strings.NewReader(string(a)), proto.Limits{}).Next()
}

// resp writes maps and arrays as servers do: a string is a bulk, nil is null.
func resp(v any) string {
	switch v := v.(type) {
	case nil:
		return "_\r\n"
	case int:
		return fmt.Sprintf(":%d\r\n", v)
	case string:
		return fmt.Sprintf("$%d\r\n%s\r\n", len(v), v)
	case []any:
		raw := fmt.Sprintf("*%d\r\n", len(v))
		for _, e := range v {
			raw += resp(e)
		}
		return raw
	case fields:
		raw := fmt.Sprintf("%%%d\r\n", len(v)/2)
		for _, e := range v {
			raw += resp(e)
		}
		return raw
	}
	panic(fmt.Sprintf("%T", v))
}

// fields are names and values in turn.
type fields []any

// node70 is a node as Redis 7.0 tells it, where TLS is off.
func node70(id, endpoint, ip string, port int, role, health string) fields {
	return fields{"id", id, "port", port, "ip", ip, "endpoint", endpoint, "role", role, "replication-offset", 7, "health", health}
}

func TestTopologyFromShards(t *testing.T) {
	for name, test := range map[string]struct {
		reply  []any
		tls    bool
		broken bool // the node that tells it sees that the cluster does not work
		mapped func(string) string
		want   []Shard
		failed []string
	}{
		"Redis 7.0": {
			reply: []any{
				fields{"slots", []any{0, 5460, 10923, 10923}, "nodes", []any{
					node70("a", "10.0.0.1", "10.0.0.1", 6379, "master", "online"),
					node70("b", "10.0.0.2", "10.0.0.2", 6379, "replica", "online"),
				}},
				fields{"slots", []any{5461, 10922}, "nodes", []any{node70("c", "10.0.0.3", "10.0.0.3", 6379, "master", "online")}},
			},
			want: []Shard{
				{
					Slots: []slot.Range{{From: 0, To: 5460}, {From: 10923, To: 10923}}, Primary: Node{ID: "a", Addr: "10.0.0.1:6379"},
					Replicas: []Node{{ID: "b", Addr: "10.0.0.2:6379"}},
				},
				{Slots: []slot.Range{{From: 5461, To: 10922}}, Primary: Node{ID: "c", Addr: "10.0.0.3:6379"}},
			},
		},
		"Redis 7.0, whose primary has failed: it stands alone, without slots": {
			reply: []any{
				fields{"slots", []any{}, "nodes", []any{node70("a", "10.0.0.1", "10.0.0.1", 6379, "master", "failed")}},
				fields{"slots", []any{0, 16383}, "nodes", []any{node70("b", "10.0.0.2", "10.0.0.2", 6379, "master", "online")}},
			},
			want:   []Shard{{Slots: []slot.Range{{From: 0, To: 16383}}, Primary: Node{ID: "b", Addr: "10.0.0.2:6379"}}},
			failed: []string{"10.0.0.1:6379"},
		},
		"Redis 8.0, whose primary has failed: it stands in its shard": {
			reply: []any{fields{"slots", []any{0, 16383}, "nodes", []any{
				node70("a", "10.0.0.1", "10.0.0.1", 6379, "master", "fail"),
				node70("b", "10.0.0.2", "10.0.0.2", 6379, "master", "online"),
				node70("c", "10.0.0.3", "10.0.0.3", 6379, "replica", "loading"),
			}}},
			want: []Shard{{
				Slots: []slot.Range{{From: 0, To: 16383}}, Primary: Node{ID: "b", Addr: "10.0.0.2:6379"},
				Replicas: []Node{{ID: "c", Addr: "10.0.0.3:6379", Loading: true}},
			}},
			failed: []string{"10.0.0.1:6379"},
		},
		"who is cut off takes all others for failed": {
			broken: true,
			reply: []any{fields{"slots", []any{0, 16383}, "nodes", []any{
				node70("a", "10.0.0.1", "10.0.0.1", 6379, "master", "failed"),
			}}},
			want: []Shard{{Slots: []slot.Range{{From: 0, To: 16383}}, Primary: Node{ID: "a", Addr: "10.0.0.1:6379"}}},
		},
		"a primary that has failed and that nobody has replaced": {
			reply: []any{fields{"slots", []any{0, 16383}, "nodes", []any{
				node70("a", "10.0.0.1", "10.0.0.1", 6379, "master", "failed"),
				node70("b", "10.0.0.2", "10.0.0.2", 6379, "replica", "online"),
			}}},
			want:   []Shard{{Slots: []slot.Range{{From: 0, To: 16383}}, Replicas: []Node{{ID: "b", Addr: "10.0.0.2:6379"}}}},
			failed: []string{"10.0.0.1:6379"},
		},
		"Valkey, with zones, host names and TLS": {
			tls: true,
			reply: []any{fields{"slots", []any{0, 16383}, "nodes", []any{
				fields{
					"id", "a", "port", 6379, "tls-port", 6380, "ip", "10.0.0.1", "endpoint", "a.example", "hostname", "a.example",
					"role", "master", "replication-offset", 7, "health", "online", "availability-zone", "west",
				},
				fields{ // takes no TLS: can't be connected to
					"id", "b", "port", 6379, "ip", "10.0.0.2", "endpoint", "b.example", "role", "replica", "replication-offset", 7,
					"health", "online", "availability-zone", "",
				},
			}}},
			want: []Shard{{Slots: []slot.Range{{From: 0, To: 16383}}, Primary: Node{ID: "a", Addr: "a.example:6380", Zone: "west"}}},
		},
		"hosts that are not told": {
			reply: []any{
				fields{"slots", []any{0, 0}, "nodes", []any{
					fields{"id", "a", "port", 1, "ip", "10.0.0.1", "endpoint", nil, "role", "master", "health", "online"},
				}},
				fields{"slots", []any{1, 1}, "nodes", []any{node70("b", "", "10.0.0.2", 2, "master", "online")}},
				fields{"slots", []any{2, 2}, "nodes", []any{node70("c", "?", "10.0.0.3", 3, "master", "online")}},
				fields{"slots", []any{3, 3}, "nodes", []any{node70("d", "?", "", 4, "master", "online")}},
				fields{"slots", []any{4, 4}, "nodes", []any{node70("e", "2001:db8::1", "", 5, "master", "online")}},
			},
			want: []Shard{
				{Slots: []slot.Range{{From: 0, To: 0}}, Primary: Node{ID: "a", Addr: "seed:1"}},
				{Slots: []slot.Range{{From: 1, To: 1}}, Primary: Node{ID: "b", Addr: "seed:2"}},
				{Slots: []slot.Range{{From: 2, To: 2}}, Primary: Node{ID: "c", Addr: "10.0.0.3:3"}},
				{Slots: []slot.Range{{From: 3, To: 3}}, Primary: Node{ID: "d", Addr: "seed:4"}},
				{Slots: []slot.Range{{From: 4, To: 4}}, Primary: Node{ID: "e", Addr: "[2001:db8::1]:5"}},
			},
		},
		"behind NAT": {
			mapped: func(addr string) string {
				_, port, _ := net.SplitHostPort(addr)
				return "gate.example:1" + port
			},
			reply: []any{fields{"slots", []any{0, 16383}, "nodes", []any{node70("a", "10.0.0.1", "10.0.0.1", 6379, "master", "online")}}},
			want:  []Shard{{Slots: []slot.Range{{From: 0, To: 16383}}, Primary: Node{ID: "a", Addr: "gate.example:16379"}}},
		},
		"slots that are none": {
			reply: []any{fields{"slots", []any{-5, 1, 16380, 99999, 7, 3}, "nodes", []any{node70("a", "a", "a", 1, "master", "online")}}},
			want:  []Shard{{Slots: []slot.Range{{From: 0, To: 1}, {From: 16380, To: 16383}}, Primary: Node{ID: "a", Addr: "a:1"}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			shards, err := command.ClusterShards().Do(t.Context(), answered(resp(test.reply)))
			if err != nil {
				t.Fatal(err)
			}
			topology := &Topology{OK: !test.broken}
			topology.fromShards(shards, &origin{addr: "seed:7000", tls: test.tls, mapAddr: test.mapped})
			if diff := cmp.Diff(test.want, topology.Shards()); diff != "" {
				t.Error(diff)
			}
			if !slices.Equal(topology.failed, test.failed) {
				t.Errorf("failed: %q", topology.failed)
			}
		})
	}
}

func TestTopologyFromSlots(t *testing.T) {
	run := func(from, to int, nodes ...any) []any { return append([]any{from, to}, nodes...) }
	for name, test := range map[string]struct {
		reply []any
		want  []Shard
	}{
		"Redis 6": {
			[]any{
				run(0, 5460, []any{"10.0.0.1", 6379, "a"}, []any{"10.0.0.2", 6379, "b"}),
				run(5461, 16382, []any{"10.0.0.3", 6379, "c"}),
				run(16383, 16383, []any{"10.0.0.1", 6379, "a"}, []any{"10.0.0.2", 6379, "b"}),
			},
			[]Shard{
				{
					Slots: []slot.Range{{From: 0, To: 5460}, {From: 16383, To: 16383}}, Primary: Node{ID: "a", Addr: "10.0.0.1:6379"},
					Replicas: []Node{{ID: "b", Addr: "10.0.0.2:6379"}},
				},
				{Slots: []slot.Range{{From: 5461, To: 16382}}, Primary: Node{ID: "c", Addr: "10.0.0.3:6379"}},
			},
		},
		"Redis 7 and Valkey, with names": {
			[]any{
				run(0, 0, []any{"a.example", 1, "a", []any{"ip", "10.0.0.1", "availability-zone", "west"}}),
				run(1, 1, []any{nil, 2, "b", []any{}}),
				run(2, 2, []any{"?", 3, "c", fields{"ip", "10.0.0.3"}}),
				run(3, 3, []any{"", 4, "d", []any{}}),
			},
			[]Shard{
				{Slots: []slot.Range{{From: 0, To: 0}}, Primary: Node{ID: "a", Addr: "a.example:1", Zone: "west"}},
				{Slots: []slot.Range{{From: 1, To: 1}}, Primary: Node{ID: "b", Addr: "seed:2"}},
				{Slots: []slot.Range{{From: 2, To: 2}}, Primary: Node{ID: "c", Addr: "10.0.0.3:3"}},
				{Slots: []slot.Range{{From: 3, To: 3}}, Primary: Node{ID: "d", Addr: "seed:4"}},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			slots, err := command.ClusterSlots().Do(t.Context(), answered(resp(test.reply)))
			if err != nil {
				t.Fatal(err)
			}
			topology := &Topology{OK: true}
			topology.fromSlots(slots, &origin{addr: "seed:7000"})
			if diff := cmp.Diff(test.want, topology.Shards()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTopologyBetter(t *testing.T) {
	all := func(t *Topology) *Topology { t.give(0, command.SlotRange{From: 0, To: slot.Count - 1}); return t }
	inOrder := []*Topology{
		nil, {OK: false, Epoch: 5}, {OK: false, Epoch: 9}, {OK: true, Epoch: 3}, {OK: true, Epoch: 4}, all(&Topology{OK: true, Epoch: 4}),
	}
	for i, a := range inOrder {
		for j, b := range inOrder {
			if a != nil && a.better(b) != (i > j) {
				t.Errorf("%d and %d: %v", i, j, a.better(b))
			}
		}
	}
}

func TestTopologyMoved(t *testing.T) {
	topology := &Topology{shards: []Shard{
		{Primary: Node{Addr: "a:1"}, Replicas: []Node{{Addr: "r:1"}, {Addr: "s:1"}}}, {Primary: Node{Addr: "b:1"}},
	}}
	topology.give(0, command.SlotRange{From: 0, To: 9})
	next := topology.moved(5, "b:1")
	if s, _ := next.ShardOf(5); s.Primary.Addr != "b:1" {
		t.Errorf("%v", s)
	}
	if s, _ := topology.ShardOf(5); s.Primary.Addr != "a:1" {
		t.Errorf("the topology before has changed: %v", s)
	}
	if topology.moved(5, "unknown:1") != nil || topology.moved(5, "a:1") != nil {
		t.Error("nothing is new")
	}
	// A replica has been promoted: the other slots follow one by one.
	next = topology.moved(5, "r:1").moved(6, "r:1")
	want := []Shard{
		{Slots: []slot.Range{{From: 0, To: 4}, {From: 7, To: 9}}, Primary: Node{Addr: "a:1"}, Replicas: []Node{{Addr: "s:1"}}},
		{Primary: Node{Addr: "b:1"}},
		{Slots: []slot.Range{{From: 5, To: 6}}, Primary: Node{Addr: "r:1"}},
	}
	if diff := cmp.Diff(want, next.Shards()); diff != "" {
		t.Error(diff)
	}
}

func TestParseRedirect(t *testing.T) {
	for message, want := range map[string]string{
		"MOVED 7 10.0.0.1:6379":      "7 10.0.0.1:6379",
		"MOVED 7 :6379":              "7 answered:6379",
		"MOVED 7 ?:6379":             "7 answered:6379",
		"MOVED 7 2001:db8::1:6379":   "7 [2001:db8::1]:6379",
		"MOVED 7 [2001:db8::1]:6379": "7 [2001:db8::1]:6379",
		"MOVED 7 a.example:6379":     "7 a.example:6379",
		"ASK 7 a:6379":               "ASK 7 a:6379",
		"MOVED 16384 a:6379":         "",
		"MOVED 7 a:0":                "",
		"ERR no":                     "",
	} {
		code, text, _ := strings.Cut(message, " ")
		err := fmt.Errorf("somewhere: %w", &command.Error{Err: &proto.Error{Code: code, Message: text}})
		got := ""
		if r, ok, wrong := parseRedirect(err); ok && wrong == nil {
			got = fmt.Sprint(r.Slot, " ", r.Addr("answered:1"))
			if r.Ask {
				got = "ASK " + got
			}
		}
		if got != want {
			t.Errorf("%s: %q", message, got)
		}
	}
	if _, ok, _ := parseRedirect(errors.New("MOVED 7 a:1")); ok {
		t.Error("any error is a redirect")
	}
}

// Every new topology is told to who asked for it, until they don't want it any more.
func TestOnTopology(t *testing.T) {
	o := Options{Addrs: []string{"nowhere:1"}}
	o.Node.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no") }
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var first, second []int64
	remove := c.onTopology(func(t *Topology) { first = append(first, t.Epoch) })
	c.onTopology(func(t *Topology) { second = append(second, t.Epoch) })
	_ = c.Close() // the refresher has gone: the test takes its place
	c.mu.Lock()
	c.nodes = map[string]*node{}
	c.mu.Unlock()
	install := func(epoch int64, ok bool) error { return c.install(&Topology{Epoch: epoch, OK: ok}) }
	if err := install(1, true); err != nil {
		t.Fatal(err)
	}
	remove()
	if err := install(3, true); err != nil {
		t.Fatal(err)
	}
	// An older view of a node that is cut off does not count; that of a cluster which
	// has begun anew does.
	if err := install(2, false); !errors.Is(err, errStale) {
		t.Errorf("%v", err)
	}
	for range olderViews - 1 { // it may have been stopped, and go on
		if err := install(2, true); !errors.Is(err, errStale) {
			t.Errorf("%v", err)
		}
	}
	if err := install(2, true); err != nil {
		t.Errorf("%v", err)
	}
	// A node with an address that is none does not spoil the others.
	odd := &Topology{Epoch: 9, OK: true, shards: []Shard{
		{Primary: Node{Addr: "a@b:1"}, Replicas: []Node{{Addr: "c/d:1"}, {Addr: "e:1"}}}, {Primary: Node{Addr: "f:1"}},
	}}
	if err := c.install(odd); err != nil {
		t.Error(err)
	}
	if r := c.routes.Load(); len(r.nodes()) != 2 || r.shards[0].primary != nil || r.shards[1].primary.addr != "f:1" {
		t.Errorf("%d nodes", len(r.nodes()))
	}
	if !slices.Equal(first, []int64{1}) || !slices.Equal(second, []int64{1, 3, 2, 9}) {
		t.Errorf("%v, %v", first, second)
	}
}

// The way of a command that succeeds costs no allocation beside those of the node's client.
func TestRoutingAllocatesNothing(t *testing.T) {
	c := &Client{options: Options{ReadFrom: PreferReplica}}
	n := &node{addr: "a:1"}
	topology := &Topology{}
	topology.give(0, command.SlotRange{From: 0, To: slot.Count - 1})
	c.routes.Store(&routes{topology: topology, shards: []*shard{{primary: n, replicas: []*node{n, n}, all: []*node{n, n, n}}}})
	request := command.Get("key").Request()
	if allocs := testing.AllocsPerRun(100, func() {
		r := request
		s, err := slotOf(&r)
		if err != nil || c.pick(c.routes.Load().of(s), r.ReadOnly(), nil) != n {
			t.Fatal("no node")
		}
	}); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}
