package integration

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redchan-go/redchan/integration/servers"
	"github.com/redchan-go/redchan/redis"
)

// clusterTimeout bounds every test of a cluster of its own, once that is healthy.
const clusterTimeout = 2 * time.Minute

// clusterFixture is a fixture with a cluster. Its server is the first node.
type clusterFixture struct {
	*fixture
	cluster *servers.Cluster
}

// nodeOptions returns what connects to one node by the fixture's protocol.
func (f *clusterFixture) nodeOptions(node *servers.Node) redis.Options {
	options := f.options()
	options.Addr = node.Addr
	return options
}

// openNode returns a client of one node, closed at the end of the test.
func (f *clusterFixture) openNode(node *servers.Node) *redis.Client {
	f.Helper()
	return f.openWith(f.nodeOptions(node))
}

// at sends a command to a node beside the client under test.
func (f *clusterFixture) at(node *servers.Node, words ...string) string {
	f.Helper()
	reply, err := node.Command(f.ctx, words...)
	if err != nil {
		f.Fatal(err)
	}
	return reply
}

// must fails the test where a fault could not be brought about, or its end not be
// seen.
func (f *clusterFixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// sharedCluster runs a test on every version's shared cluster, three primaries with
// a replica each, in both protocols. The cluster is healthy, as it was started, and
// has no keys and no clients; the test must leave its settings, slots and roles as
// they are, and must not run parallel to others.
func sharedCluster(t *testing.T, test func(f *clusterFixture)) {
	servers.Each(t, func(t *testing.T, version servers.Version) {
		cluster := theSharedCluster(t, version)
		for _, protocol := range protocols {
			t.Run(protocol.name, func(t *testing.T) {
				f := &clusterFixture{newFixture(t, cluster.Nodes()[0].Server, protocol.resp2, testTimeout), cluster}
				f.clean()
				test(f)
			})
		}
	})
}

// clean removes keys, and waits until the servers have noticed that the clients of
// former tests are gone.
func (f *clusterFixture) clean() {
	f.Helper()
	view, err := f.cluster.Agreed(f.ctx)
	f.must(err)
	for i, node := range f.cluster.Nodes() {
		member, _ := view.Of(node)
		if primary := i < 3; member.Primary != primary {
			f.Fatalf("a former test left the shared cluster with other roles: %+v", view)
		}
		if member.Primary {
			f.at(node, "FLUSHALL")
		}
	}
	f.must(f.cluster.AwaitHealthy(f.ctx))
	for _, node := range f.cluster.Nodes() {
		f.eventually("a node without clients of former tests", func() bool {
			const one = 1 // who asks
			return strings.Count(f.at(node, "CLIENT", "LIST", "TYPE", "normal"), "\n") == one &&
				f.at(node, "CLIENT", "LIST", "TYPE", "pubsub") == ""
		})
	}
}

// ownCluster runs a test on a cluster of its own for every version, one after the
// other, because each is several servers. The protocol is RESP3.
func ownCluster(t *testing.T, config servers.ClusterConfig, test func(f *clusterFixture)) {
	servers.Each(t, func(t *testing.T, version servers.Version) {
		if config.Proxied && version.Before62 {
			servers.LeftOut(t.Name(), "cutting a cluster's bus (since 7.0)")
			t.Skip("left out: the bus can't be cut before Redis 7.0, which has bind-source-addr")
		}
		cluster := servers.StartClusterT(t, version, config)
		test(&clusterFixture{newFixture(t, cluster.Nodes()[0].Server, false, clusterTimeout), cluster})
	})
}

// sharedClusters are the clusters of sharedCluster, by role, started when first asked
// for.
var sharedClusters struct {
	sync.Mutex
	byRole map[string]*servers.Cluster
}

func theSharedCluster(t *testing.T, version servers.Version) *servers.Cluster {
	t.Helper()
	s := &sharedClusters
	s.Lock()
	defer s.Unlock()
	if cluster := s.byRole[version.Role]; cluster != nil {
		return cluster
	}
	cluster, err := servers.StartCluster(t.Context(), version, servers.ClusterConfig{Replicas: 1})
	if err != nil {
		t.Fatal(err)
	}
	if s.byRole == nil {
		s.byRole = map[string]*servers.Cluster{}
	}
	s.byRole[version.Role] = cluster
	return cluster
}

// closeSharedClusters closes the shared clusters after the last test.
func closeSharedClusters() error {
	s := &sharedClusters
	s.Lock()
	defer s.Unlock()
	var errs []error
	for _, cluster := range s.byRole {
		errs = append(errs, cluster.Close())
	}
	s.byRole = nil
	return errors.Join(errs...)
}
