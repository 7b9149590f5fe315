package integration

import (
	"fmt"
	"slices"
	"testing"

	"github.com/redchan-go/redchan/integration/servers"
	"github.com/redchan-go/redchan/redis/command"
)

// TestClusterTopology compares what the typed commands tell of a cluster with what
// the harness reads of it, at every node.
func TestClusterTopology(t *testing.T) {
	sharedCluster(t, func(f *clusterFixture) {
		view, err := f.cluster.Agreed(f.ctx)
		f.must(err)
		for _, asked := range f.cluster.Nodes() {
			client := f.openNode(asked)
			nodes := result(f.fixture, client, command.ClusterNodes())
			if len(nodes) != len(view) {
				f.Errorf("%s tells %d nodes, want %d", asked.Addr, len(nodes), len(view))
			}
			for _, node := range nodes {
				found := f.cluster.Node(node.ID)
				if found == nil {
					f.Errorf("%s tells %+v", asked.Addr, node)
					continue
				}
				member, _ := view.Of(found)
				if fmt.Sprintf("%s:%d", node.IP, node.Port) != found.Addr || node.Is("master") != member.Primary ||
					node.PrimaryID != member.PrimaryID || node.Is("myself") != (found == asked) || len(node.Slots) != len(member.Slots) {
					f.Errorf("%s tells %+v, want %+v", asked.Addr, node, member)
				}
			}
			f.tellsSlots(result(f.fixture, client, command.ClusterSlots()))
			f.tellsShards(result(f.fixture, client, command.ClusterShards()))
		}
	})
}

// tellsSlots fails unless every run of slots is told with its primary and replicas.
func (f *clusterFixture) tellsSlots(runs []command.SlotNodes) {
	f.Helper()
	slices.SortFunc(runs, func(a, b command.SlotNodes) int { return a.From - b.From })
	nodes := f.cluster.Nodes()
	if len(runs) != 3 || runs[0].From != 0 || runs[2].To != 16383 {
		f.Fatalf("CLUSTER SLOTS = %+v", runs)
	}
	for i, run := range runs {
		primary, replica := nodes[i], nodes[3+i]
		if run.Primary.ID != primary.ID() || len(run.Replicas) != 1 || run.Replicas[0].ID != replica.ID() ||
			fmt.Sprintf("%s:%d", run.Replicas[0].Endpoint, run.Replicas[0].Port) != replica.Addr {
			f.Errorf("CLUSTER SLOTS: %+v, want %s and %s", run, primary.Addr, replica.Addr)
		}
	}
}

// tellsShards fails unless every shard is told with its nodes.
func (f *clusterFixture) tellsShards(shards []command.Shard) {
	f.Helper()
	if len(shards) != 3 {
		f.Fatalf("CLUSTER SHARDS = %+v", shards)
	}
	nodes := f.cluster.Nodes()
	for _, shard := range shards {
		i := slices.IndexFunc(nodes[:3], func(primary *servers.Node) bool {
			return slices.ContainsFunc(shard.Nodes, func(n command.ShardNode) bool { return n.ID == primary.ID() })
		})
		if i < 0 || len(shard.Nodes) != 2 || len(shard.Slots) != 1 {
			f.Errorf("CLUSTER SHARDS: %+v", shard)
			continue
		}
		for _, node := range shard.Nodes {
			wanted, role := nodes[i], "master"
			if node.ID != wanted.ID() {
				wanted, role = nodes[3+i], "replica"
			}
			if node.ID != wanted.ID() || node.Role != role || node.Health != "online" || fmt.Sprintf("%s:%d", node.IP, node.Port) != wanted.Addr {
				f.Errorf("CLUSTER SHARDS: %+v, want the %s %s", node, role, wanted.Addr)
			}
		}
	}
}
