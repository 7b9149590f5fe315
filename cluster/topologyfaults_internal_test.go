package cluster

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/redchan-go/redchan/cluster/slot"
	"github.com/redchan-go/redchan/redis/command"
)

// What nodes tell while one has failed, and where something stands between them and the client.
func TestTopologyFromOddShards(t *testing.T) {
	all := []any{0, slot.Count - 1}
	every := []slot.Range{{From: 0, To: slot.Count - 1}}
	tlsOnly := fields{"id", "a", "tls-port", 6380, "ip", "10.0.0.1", "endpoint", "a", "role", "master", "health", "online"}
	for name, test := range map[string]struct {
		nodes []any
		tls   bool
		fails bool // cluster_state:fail
		want  Shard
	}{
		"a failed primary stands in front of the one that took its place": {
			nodes: []any{node70("a", "a", "", 1, "master", "fail"), node70("b", "b", "", 1, "master", "online")},
			want:  Shard{Primary: Node{ID: "b", Addr: "b:1"}},
		},
		"also where the cluster is down": {
			fails: true,
			nodes: []any{node70("a", "a", "", 1, "master", "fail"), node70("b", "b", "", 1, "master", "online")},
			want:  Shard{Primary: Node{ID: "b", Addr: "b:1"}},
		},
		"who took its place stands in front": {
			fails: true,
			nodes: []any{node70("b", "b", "", 1, "master", "online"), node70("a", "a", "", 1, "master", "fail")},
			want:  Shard{Primary: Node{ID: "b", Addr: "b:1"}},
		},
		"nobody took its place, and the cluster is down": {
			fails: true,
			nodes: []any{
				node70("r", "r", "", 1, "replica", "failed"), node70("a", "a", "", 1, "master", "fail"),
				node70("b", "b", "", 1, "master", "failed"),
			},
			want: Shard{Primary: Node{ID: "a", Addr: "a:1"}, Replicas: []Node{{ID: "r", Addr: "r:1"}}},
		},
		"TLS in front of nodes that don't know of it": {
			tls:   true,
			nodes: []any{node70("a", "a", "", 6379, "master", "online"), node70("b", "b", "", 6379, "replica", "online")},
			want:  Shard{Primary: Node{ID: "a", Addr: "a:6379"}, Replicas: []Node{{ID: "b", Addr: "b:6379"}}},
		},
		"no TLS in front of nodes that have nothing else": {
			nodes: []any{tlsOnly},
			want:  Shard{Primary: Node{ID: "a", Addr: "a:6380"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			shards, err := command.ClusterShards().Do(t.Context(), answered(resp([]any{fields{"slots", all, "nodes", test.nodes}})))
			if err != nil {
				t.Fatal(err)
			}
			topology := &Topology{OK: !test.fails}
			topology.fromShards(shards, &origin{addr: "seed:7000", tls: test.tls})
			test.want.Slots = every
			if diff := cmp.Diff([]Shard{test.want}, topology.Shards()); diff != "" {
				t.Error(diff)
			}
		})
	}
}
