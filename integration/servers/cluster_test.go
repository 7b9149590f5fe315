package servers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// eachCluster runs a test on a cluster of its own for every version, one at a time:
// each is six servers.
func eachCluster(t *testing.T, config ClusterConfig, test func(t *testing.T, c *Cluster)) {
	Each(t, func(t *testing.T, version Version) {
		if config.Proxied && version.Before62 {
			LeftOut(t.Name(), "cutting a cluster's bus (since 7.0)")
			t.Skip("left out: the bus can't be cut before Redis 7.0, which has bind-source-addr")
		}
		begin := time.Now()
		cluster := StartClusterT(t, version, config)
		t.Logf("started in %v", time.Since(begin))
		test(t, cluster)
	})
}

func TestClusterStart(t *testing.T) {
	eachCluster(t, ClusterConfig{Replicas: 1, Lines: []string{"maxmemory 77mb"}}, func(t *testing.T, c *Cluster) {
		ctx := timeout(t, time.Minute)
		if len(c.Addrs()) != 6 || len(c.Nodes()) != 6 {
			t.Fatalf("nodes at %v", c.Addrs())
		}
		view, err := c.Agreed(ctx)
		if err != nil {
			t.Fatal(err)
		}
		lastSlots := []int{5460, 10922, 16383}
		for i, want := range []string{"[0-5460]", "[5461-10922]", "[10923-16383]"} {
			primary, replica := c.Nodes()[i], c.Nodes()[i+3]
			member, _ := view.Of(primary)
			if slots := fmt.Sprint(member.Slots); !member.Primary || slots != want || member.PrimaryID != "" {
				t.Errorf("primary %d has slots %s, want %s: %+v", i, slots, want, member)
			}
			member, _ = view.Of(replica)
			if member.Primary || member.PrimaryID != primary.ID() || member.Slots != nil {
				t.Errorf("replica of %d: %+v", i, member)
			}
			if found, err := c.NodeOf(ctx, lastSlots[i]); err != nil || found != primary {
				t.Errorf("slot %d is at %s, %v", lastSlots[i], found.name(), err)
			}
			if found, err := c.PrimaryOf(ctx, replica); err != nil || found != primary {
				t.Errorf("the primary of %s is %s, %v", replica.Addr, found.name(), err)
			}
			if found, err := c.ReplicasOf(ctx, primary); err != nil || len(found) != 1 || found[0] != replica {
				t.Errorf("the replicas of %s are %v, %v", primary.Addr, found, err)
			}
		}
		for _, node := range c.Nodes() {
			if reply, err := node.Call(ctx, "CONFIG", "GET", "maxmemory"); err != nil || reply.String() != "*[maxmemory 80740352]" {
				t.Errorf("CONFIG GET = %v, %v", reply, err)
			}
		}
	})
}

func TestMigrateSlot(t *testing.T) {
	eachCluster(t, ClusterConfig{Replicas: 1}, func(t *testing.T, c *Cluster) {
		ctx := timeout(t, time.Minute)
		const number, keys = 0, 250
		from, to := c.Nodes()[0], c.Nodes()[1]
		for i := range keys {
			run(t, from, "OK", "SET", fmt.Sprintf("{06S}%d", i), "v") // its slot is 0
		}
		begin := time.Now()
		if err := c.OpenSlot(ctx, number, from, to); err != nil {
			t.Fatal(err)
		}
		if moved, err := c.MoveKeys(ctx, number, from, to, 10); err != nil || moved != 10 {
			t.Fatalf("moved %d keys, %v", moved, err)
		}
		run(t, from, fmt.Sprintf("ASK 0 %s", to.Addr), "GET", "{06S}absent")
		run(t, to, fmt.Sprintf("MOVED 0 %s", from.Addr), "GET", "{06S}absent")
		if err := c.MigrateSlot(ctx, number, from, to); err != nil {
			t.Fatal(err)
		}
		t.Logf("migrated in %v", time.Since(begin))
		run(t, to, fmt.Sprint(keys), "CLUSTER", "COUNTKEYSINSLOT", "0")
		run(t, from, "0", "CLUSTER", "COUNTKEYSINSLOT", "0")
		run(t, from, fmt.Sprintf("MOVED 0 %s", to.Addr), "GET", "{06S}1")

		// Opened and closed again it stays.
		if err := errors.Join(c.OpenSlot(ctx, number, to, from), c.CloseSlot(ctx, number, to, from)); err != nil {
			t.Fatal(err)
		}
		run(t, to, "v", "GET", "{06S}1")

		// A slot that moves on at once is nowhere lost.
		begin = time.Now()
		for i := range 12 {
			from, to := c.Nodes()[(i+1)%3], c.Nodes()[(i+2)%3]
			if err := c.MigrateSlot(ctx, number, from, to); err != nil {
				t.Fatal(err)
			}
		}
		t.Logf("migrated 12 times in %v", time.Since(begin))
		if err := c.AwaitHealthy(ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestDelSlots(t *testing.T) {
	eachCluster(t, ClusterConfig{Replicas: 1}, func(t *testing.T, c *Cluster) {
		ctx := timeout(t, time.Minute)
		begin := time.Now()
		if err := c.DelSlots(ctx, 0, 7); err != nil {
			t.Fatal(err)
		}
		deleted := time.Now()
		if owner, err := c.NodeOf(ctx, 7); err != nil || owner != nil {
			t.Fatalf("slot 7 is at %s, %v", owner.name(), err)
		}
		if err := c.AddSlots(ctx, c.Nodes()[2], 0, 7); err != nil {
			t.Fatal(err)
		}
		t.Logf("deleted in %v, given in %v", deleted.Sub(begin), time.Since(deleted))
		if owner, err := c.NodeOf(ctx, 7); err != nil || owner != c.Nodes()[2] {
			t.Fatalf("slot 7 is at %s, %v", owner.name(), err)
		}
		if err := c.AwaitHealthy(ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestFailover(t *testing.T) {
	eachCluster(t, ClusterConfig{Replicas: 1}, func(t *testing.T, c *Cluster) {
		ctx := timeout(t, time.Minute)
		primary, replica := c.Nodes()[0], c.Nodes()[3]
		begin := time.Now()
		if err := c.Failover(ctx, replica); err != nil {
			t.Fatal(err)
		}
		t.Logf("failed over in %v", time.Since(begin))
		if owner, err := c.NodeOf(ctx, 0); err != nil || owner != replica {
			t.Fatalf("slot 0 is at %s, %v", owner.name(), err)
		}
		if err := c.Failover(ctx, replica); err == nil {
			t.Error("a primary failed over to itself")
		}
		if err := c.AwaitHealthy(ctx); err != nil {
			t.Fatal(err)
		}
		begin = time.Now()
		if err := c.Takeover(ctx, primary); err != nil {
			t.Fatal(err)
		}
		t.Logf("taken over in %v", time.Since(begin))
		if err := c.AwaitHealthy(ctx); err != nil {
			t.Error(err)
		}
	})
}

// TestNodeGone ends one primary and stops another one, each until its replica has
// taken over.
func TestNodeGone(t *testing.T) {
	eachCluster(t, ClusterConfig{Replicas: 1}, func(t *testing.T, c *Cluster) {
		ctx := timeout(t, time.Minute)
		faults := []struct {
			name       string
			node       *Node
			begin, end func(*Node, context.Context) error
		}{
			{"killed", c.Nodes()[0], (*Node).Kill, (*Node).Start},
			{"paused", c.Nodes()[1], (*Node).Pause, (*Node).Unpause},
		}
		for i, fault := range faults {
			replica := c.Nodes()[3+i]
			begin := time.Now()
			if err := fault.begin(fault.node, ctx); err != nil {
				t.Fatal(err)
			}
			if fault.node.Answering() {
				t.Errorf("%s, but meant to answer", fault.name)
			}
			if err := c.AwaitPromoted(ctx, replica, fault.node); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(c.AwaitFailed(ctx, fault.node), c.AwaitOK(ctx)); err != nil {
				t.Fatal(err)
			}
			promoted := time.Now()
			if err := errors.Join(fault.end(fault.node, ctx), c.AwaitHealthy(ctx)); err != nil {
				t.Fatal(err)
			}
			t.Logf("%s: promoted in %v, healthy again in %v", fault.name, promoted.Sub(begin), time.Since(promoted))
			if primary, err := c.PrimaryOf(ctx, fault.node); err != nil || primary != replica {
				t.Errorf("%s: it follows %s, %v", fault.name, primary.name(), err)
			}
		}
	})
}

func TestRollingRestart(t *testing.T) {
	eachCluster(t, ClusterConfig{Replicas: 1, Lines: []string{"appendonly yes"}}, func(t *testing.T, c *Cluster) {
		ctx := timeout(t, 2*time.Minute)
		run(t, c.Nodes()[0], "OK", "SET", "{06S}", "v")
		ids := map[string]string{}
		for _, node := range c.Nodes() {
			ids[node.Addr] = node.ID()
		}
		begin := time.Now()
		if err := c.RollingRestart(ctx); err != nil {
			t.Fatal(err)
		}
		t.Logf("restarted in %v", time.Since(begin))
		for _, node := range c.Nodes() {
			run(t, node, ids[node.Addr], "CLUSTER", "MYID")
		}
		owner, err := c.NodeOf(ctx, 0)
		if err != nil {
			t.Fatal(err)
		}
		run(t, owner, "v", "GET", "{06S}")
	})
}

func TestForget(t *testing.T) {
	eachCluster(t, ClusterConfig{Replicas: 1}, func(t *testing.T, c *Cluster) {
		ctx := timeout(t, time.Minute)
		forgotten := c.Nodes()[5]
		begin := time.Now()
		if err := c.Forget(ctx, forgotten); err != nil {
			t.Fatal(err)
		}
		done := time.Now()
		if err := c.AwaitOK(ctx); err != nil {
			t.Fatal(err)
		}
		view, err := c.View(ctx, forgotten)
		if err != nil || len(view) != 6 {
			t.Errorf("the forgotten node sees %v, %v", view, err)
		}
		if view, err = c.View(ctx, c.Nodes()[0]); err != nil || len(view) != 5 {
			t.Errorf("the others see %v, %v", view, err)
		}
		id := forgotten.ID()
		if err := c.Rejoin(ctx, forgotten, c.Nodes()[0]); err != nil {
			t.Fatal(err)
		}
		t.Logf("forgotten in %v, back in %v", done.Sub(begin), time.Since(done))
		if primary, err := c.PrimaryOf(ctx, forgotten); err != nil || primary != c.Nodes()[0] || forgotten.ID() == id {
			t.Errorf("back it follows %s, %v", primary.name(), err)
		}
	})
}

func TestPartition(t *testing.T) {
	eachCluster(t, ClusterConfig{Replicas: 1, Proxied: true}, func(t *testing.T, c *Cluster) {
		ctx := timeout(t, time.Minute)
		minority, replica := c.Nodes()[0], c.Nodes()[3]
		majority := slices.Delete(c.Nodes(), 0, 1)
		wire, err := minority.Dial(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer wire.Close()
		begin := time.Now()
		if err := c.Partition(minority); err != nil {
			t.Fatal(err)
		}
		if err := c.AwaitPromoted(ctx, replica, minority, majority...); err != nil {
			t.Fatal(err)
		}
		promoted := time.Now()
		if err := c.AwaitOK(ctx, majority...); err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct{ command, reply string }{
			{"PING", "PONG"},
			{"SSUBSCRIBE {06S}", "*[ssubscribe {06S} 1]"},
			{"PING", "*[pong ]"},
		} {
			if reply, err := wire.Do(ctx, strings.Fields(step.command)...); err != nil || reply.String() != step.reply {
				t.Errorf("%s in the minority = %v, %v, want %s", step.command, reply, err, step.reply)
			}
		}
		if err := c.AwaitOwner(ctx, 0, minority, minority); err != nil {
			t.Error(err)
		}
		healed := time.Now()
		if err := errors.Join(c.Heal(), c.AwaitHealthy(ctx)); err != nil {
			t.Fatal(err)
		}
		t.Logf("promoted in %v, healthy in %v", promoted.Sub(begin), time.Since(healed))
		if primary, err := c.PrimaryOf(ctx, minority); err != nil || primary != replica {
			t.Errorf("behind the partition the node follows %s, %v", primary.name(), err)
		}
	})
}

func TestPartitionNeedsProxies(t *testing.T) {
	if err := (&Cluster{}).Partition(); err == nil {
		t.Error("a cluster without proxies was cut")
	}
}

// TestClusterSecured is a cluster whose nodes verify each other and their clients.
func TestClusterSecured(t *testing.T) {
	eachCluster(t, ClusterConfig{Password: "secret", TLS: true}, func(t *testing.T, c *Cluster) {
		ctx := timeout(t, time.Minute)
		run(t, c.Nodes()[0], "OK", "SET", "{06S}", "v")
		if err := c.MigrateSlot(ctx, 0, c.Nodes()[0], c.Nodes()[1]); err != nil {
			t.Fatal(err)
		}
		run(t, c.Nodes()[1], "v", "GET", "{06S}")
	})
}

// run sends a command to a node; want is its reply or error.
func run(t *testing.T, node *Node, want string, words ...string) {
	t.Helper()
	got, err := node.Command(t.Context(), words...)
	if err != nil {
		got = strings.TrimPrefix(err.Error(), words[0]+": ")
	}
	if got != want {
		t.Errorf("%v at %s = %q, want %q", words, node.Addr, got, want)
	}
}
