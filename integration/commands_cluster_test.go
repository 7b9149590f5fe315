package integration

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redchan-go/redchan/integration/servers"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
)

// allSlots are the slots of a cluster.
var allSlots = command.SlotRange{From: 0, To: 16383}

// TestClusterOfOne is a node that serves all slots: a cluster of one.
func TestClusterOfOne(t *testing.T) {
	own(t, servers.Config{Cluster: true}, func(f *fixture) {
		f.since("7.0", "CLUSTER ADDSLOTSRANGE")
		c := f.open()
		host, port := address(f, f.server.Addr)
		state := result(f, c, command.ClusterInfo())
		if state.OK || state.SlotsAssigned != 0 || state.KnownNodes != 1 || state.Fields["cluster_state"] != "fail" {
			f.Errorf("CLUSTER INFO of a new node = %+v", state)
		}
		equal(f, c, command.ClusterSetConfigEpoch(5), done)
		equal(f, c, command.ClusterBumpEpoch(), "STILL 5") // it is the highest
		refused(f, c, command.ClusterSetConfigEpoch(6), "ERR")
		equal(f, c, command.ClusterSlots(), []command.SlotNodes{})

		equal(f, c, command.ClusterAddSlots(0, 5001), done)
		equal(f, c, command.ClusterAddSlotsRange(command.SlotRange{From: 1, To: 5000}, command.SlotRange{From: 5002, To: 16383}), done)
		refused(f, c, command.ClusterAddSlots(7), "ERR") // it has it already
		equal(f, c, command.ClusterSaveConfig(), done)
		f.eventually("a cluster that is well", func() bool { return result(f, c, command.ClusterInfo()).OK })
		state = result(f, c, command.ClusterInfo())
		if state.SlotsAssigned != 16384 || state.SlotsOK != 16384 || state.SlotsPFail != 0 || state.SlotsFail != 0 || state.Size != 1 || state.MyEpoch != 5 || state.CurrentEpoch != 5 {
			f.Errorf("CLUSTER INFO = %+v", state)
		}

		id := result(f, c, command.ClusterMyID())
		if len(id) != 40 {
			f.Errorf("CLUSTER MYID = %q", id)
		}
		if !f.has("7.2") { // it came with Redis 7.2
			refused(f, c, command.ClusterMyShardID(), "ERR")
		} else if shard := result(f, c, command.ClusterMyShardID()); len(shard) != 40 || shard == id {
			f.Errorf("CLUSTER MYSHARDID = %q", shard)
		}
		nodes := result(f, c, command.ClusterNodes())
		if len(nodes) != 1 || nodes[0].ID != id || nodes[0].IP != host || nodes[0].Port != port || nodes[0].BusPort != port+10000 ||
			!nodes[0].Is("myself") || !nodes[0].Is("master") || nodes[0].PrimaryID != "" || nodes[0].Epoch != 5 || !nodes[0].Connected ||
			!slices.Equal(nodes[0].Slots, []command.SlotRange{allSlots}) {
			f.Errorf("CLUSTER NODES = %+v", nodes)
		}
		equal(f, c, command.ClusterSlots(), []command.SlotNodes{{SlotRange: allSlots, Primary: command.SlotNode{Endpoint: host, Port: port, ID: id}}})
		equal(f, c, command.ClusterLinks(), []command.ClusterLink{})
		equal(f, c, command.ClusterReplicas(id), []command.ClusterNode{})
		equal(f, c, command.ClusterSlaves(id), []command.ClusterNode{})
		equal(f, c, command.ClusterCountFailureReports(id), 0)
		for _, nobody := range []command.Cmd[[]command.ClusterNode]{command.ClusterReplicas("nobody"), command.ClusterSlaves("nobody")} {
			refused(f, c, nobody, "ERR")
		}
		refused(f, c, command.ClusterCountFailureReports("nobody"), "ERR")
		refused(f, c, command.ClusterForget(id), "ERR") // itself
		refused(f, c, command.ClusterReplicate("nobody"), "ERR")
		refused(f, c, command.ClusterFailover(), "ERR")
		refused(f, c, command.ClusterMeet("nowhere", 1, 0), "ERR")

		testSlotKeys(f, c)

		equal(f, c, command.ClusterDelSlots(0, 1), done)
		equal(f, c, command.ClusterDelSlotsRange(command.SlotRange{From: 2, To: 9}, command.SlotRange{From: 100, To: 100}), done)
		if n := result(f, c, command.ClusterInfo()).SlotsAssigned; n != 16384-11 {
			f.Errorf("after CLUSTER DELSLOTS there are %d slots", n)
		}
		equal(f, c, command.ClusterFlushSlots(), done)
		if n := result(f, c, command.ClusterInfo()).SlotsAssigned; n != 0 {
			f.Errorf("after CLUSTER FLUSHSLOTS there are %d slots", n)
		}
		equal(f, c, command.ClusterReset(), done)
		equal(f, c, command.ClusterMyID(), id)
		equal(f, c, command.ClusterReset(command.Hard), done)
		if again := result(f, c, command.ClusterMyID()); again == id {
			f.Error("CLUSTER RESET HARD left the ID")
		}
		if epoch := result(f, c, command.ClusterBumpEpoch()); epoch != "BUMPED 1" {
			f.Errorf("CLUSTER BUMPEPOCH = %q", epoch)
		}
	})
}

// testSlotKeys is what a node tells of the keys of its slots. It leaves no key.
func testSlotKeys(f *fixture, c *redis.Client) {
	f.Helper()
	const slot = 11058 // as the documentation has it
	equal(f, c, command.ClusterKeySlot("somekey"), slot)
	equal(f, c, command.ClusterKeySlot("foo{hash_tag}"), 2515)
	equal(f, c, command.ClusterCountKeysInSlot(slot), 0)
	equal(f, c, command.Set("somekey", 1), done)
	equal(f, c, command.ClusterCountKeysInSlot(slot), 1)
	equal(f, c, command.ClusterGetKeysInSlot(slot, 10), []string{"somekey"})
	equal(f, c, command.ClusterGetKeysInSlot(slot-1, 10), []string{})
	refused(f, c, command.ClusterFlushSlots(), "ERR") // there are keys
	equal(f, c, command.SPublish("news", 1), 0)
	equal(f, c, command.ClusterSetSlotStable(slot), done)

	run := command.SlotRange{From: slot, To: slot + 1}
	if f.server.Role() != "valkey9" {
		refused(f, c, command.ClusterFlushSlot(slot), "ERR")
		refused(f, c, command.ClusterSlotStats(run), "ERR")
		refused(f, c, command.ClusterSlotStatsBy(command.SlotKeys, 1, command.Desc), "ERR")
		refused(f, c, command.ClusterScan("0"), "ERR")
		refused(f, c, command.ClusterGetSlotMigrations(), "ERR")
		refused(f, c, command.ClusterCancelSlotMigrations(), "ERR")
		refused(f, c, command.ClusterMigrateSlots(command.SlotTransfer{Slots: []command.SlotRange{run}, Node: "x"}), "ERR")
		refused(f, c, command.ClusterReplicateNoOne(), "ERR")
		equal(f, c, command.Del("somekey"), 1)
		return
	}
	equal(f, c, command.ClusterSlotStats(run), []command.SlotStats{{Slot: slot, Keys: 1}, {Slot: slot + 1}})
	equal(f, c, command.ConfigSet(map[string]string{"cluster-slot-stats-enabled": "yes"}), done)
	equal(f, c, command.Get("somekey"), "1")
	busiest := result(f, c, command.ClusterSlotStatsBy(command.SlotBytesIn, 2, command.Desc))
	if len(busiest) != 2 || busiest[0].Slot != slot || busiest[0].Keys != 1 || busiest[0].BytesIn <= 0 || busiest[0].BytesOut <= 0 || busiest[0].CPU < 0 {
		f.Errorf("CLUSTER SLOT-STATS = %+v", busiest)
	}
	if most := result(f, c, command.ClusterSlotStatsBy(command.SlotKeys, 1, command.Desc)); len(most) != 1 || most[0].Slot != slot {
		f.Errorf("CLUSTER SLOT-STATS = %+v", most)
	}
	if least := result(f, c, command.ClusterSlotStatsBy(command.SlotCPU, 3, command.Asc)); len(least) != 3 || least[0].Slot == slot {
		f.Errorf("CLUSTER SLOT-STATS = %+v", least)
	}

	var found []string
	cursor := "0"
	for {
		page := result(f, c, command.ClusterScan(cursor, command.InSlot(slot), command.Match("some*"), command.Count(100), command.OfType("string")))
		found = append(found, page.Keys...)
		if cursor = page.Cursor; cursor == "0" {
			break
		}
	}
	if !slices.Equal(found, []string{"somekey"}) {
		f.Errorf("CLUSTERSCAN finds %q", found)
	}
	if page := result(f, c, command.ClusterScan("0")); page.Cursor == "0" {
		f.Errorf("CLUSTERSCAN = %+v", page)
	}
	equal(f, c, command.ClusterFlushSlot(slot+1, command.Async), done)
	equal(f, c, command.ClusterCountKeysInSlot(slot), 1)
	equal(f, c, command.ClusterFlushSlot(slot, command.Sync), done)
	equal(f, c, command.ClusterCountKeysInSlot(slot), 0)
	equal(f, c, command.ClusterGetSlotMigrations(), []command.SlotMigration{})
	refused(f, c, command.ClusterCancelSlotMigrations(), "ERR") // there are none
	equal(f, c, command.ClusterReplicateNoOne(), done)          // it is a primary already
}

// quickCluster is a node that notices soon what others do.
var quickCluster = servers.Config{Cluster: true, Lines: []string{"cluster-node-timeout 1000"}}

// pair is a cluster of two nodes, the first of which serves all slots.
type pair struct {
	first, second     *redis.Client
	firstID, secondID string
}

func newPair(f *fixture) pair {
	f.Helper()
	server, options := f.another(quickCluster), f.options()
	options.Addr = server.Addr
	p := pair{first: f.open(), second: f.openWith(options)}
	p.firstID, p.secondID = result(f, p.first, command.ClusterMyID()), result(f, p.second, command.ClusterMyID())
	equal(f, p.first, command.ClusterSetConfigEpoch(1), done)
	equal(f, p.second, command.ClusterSetConfigEpoch(2), done)
	equal(f, p.first, command.ClusterAddSlotsRange(allSlots), done)
	host, port := address(f, server.Addr)
	equal(f, p.first, command.ClusterMeet(host, port, port+10000), done)
	f.eventually("two nodes that know each other", func() bool {
		return result(f, p.first, command.ClusterInfo()).OK && result(f, p.second, command.ClusterInfo()).OK &&
			len(result(f, p.first, command.ClusterLinks())) == 2 && len(result(f, p.second, command.ClusterLinks())) == 2 &&
			p.node(f, p.first, p.secondID).Connected && p.node(f, p.second, p.firstID).Connected
	})
	return p
}

// node returns what a node says of another one.
func (p pair) node(f *fixture, client *redis.Client, id string) command.ClusterNode {
	f.Helper()
	for _, node := range result(f, client, command.ClusterNodes()) {
		if node.ID == id {
			return node
		}
	}
	return command.ClusterNode{}
}

// TestClusterSlotsMove gives slots from a node to another one.
func TestClusterSlotsMove(t *testing.T) {
	own(t, quickCluster, func(f *fixture) {
		f.since("7.0", "CLUSTER ADDSLOTSRANGE")
		p := newPair(f)
		links := result(f, p.first, command.ClusterLinks())
		directions := []string{links[0].Direction, links[1].Direction}
		slices.Sort(directions)
		if !slices.Equal(directions, []string{"from", "to"}) || links[0].Node != p.secondID || time.Since(links[0].Created) > testTimeout || !strings.Contains(links[0].Events, "r") {
			f.Errorf("CLUSTER LINKS = %+v", links)
		}
		other := p.node(f, p.first, p.secondID)
		if !other.Is("master") || other.Is("myself") || time.Since(other.PongSeen) > testTimeout || len(other.Slots) != 0 {
			f.Errorf("CLUSTER NODES = %+v", other)
		}

		var opts []command.SetSlotOption
		if f.server.Role() == "valkey9" {
			opts = append(opts, command.SetSlotTimeout(time.Second))
		} else {
			refused(f, p.first, command.ClusterSetSlotStable(100, command.SetSlotTimeout(time.Second)), "ERR")
		}
		equal(f, p.second, command.ClusterSetSlotImporting(100, p.firstID, opts...), done)
		equal(f, p.first, command.ClusterSetSlotMigrating(100, p.secondID, opts...), done)
		if open := p.node(f, p.first, p.firstID); !slices.Equal(open.Migrating, []command.OpenSlot{{Slot: 100, Node: p.secondID}}) || open.Importing != nil {
			f.Errorf("CLUSTER NODES = %+v", open)
		}
		if open := p.node(f, p.second, p.secondID); !slices.Equal(open.Importing, []command.OpenSlot{{Slot: 100, Node: p.firstID}}) || open.Migrating != nil {
			f.Errorf("CLUSTER NODES = %+v", open)
		}
		equal(f, p.first, command.ClusterSetSlotStable(100, opts...), done)
		if open := p.node(f, p.first, p.firstID); open.Migrating != nil {
			f.Errorf("CLUSTER NODES = %+v", open)
		}
		equal(f, p.second, command.ClusterSetSlotNode(100, p.secondID, opts...), done)
		equal(f, p.first, command.ClusterSetSlotNode(100, p.secondID, opts...), done)
		f.eventually("a slot that has moved", func() bool {
			return slices.Equal(p.node(f, p.first, p.secondID).Slots, []command.SlotRange{{From: 100, To: 100}})
		})
		if f.server.Role() == "valkey9" {
			testMigrateSlots(f, p)
		}
	})
}

// testMigrateSlots lets the servers move slots by themselves.
func testMigrateSlots(f *fixture, p pair) {
	f.Helper()
	runs := []command.SlotRange{{From: 200, To: 210}, {From: 220, To: 220}}
	began := serverNow()
	equal(f, p.first, command.ClusterMigrateSlots(command.SlotTransfer{Slots: runs, Node: p.secondID}), done)
	var export []command.SlotMigration
	f.eventually("slots that have arrived", func() bool {
		export = result(f, p.first, command.ClusterGetSlotMigrations())
		return len(export) == 1 && export[0].State == "success"
	})
	e := export[0]
	if len(e.Name) != 40 || e.Operation != "EXPORT" || !slices.Equal(e.Slots, runs) || e.Source != p.firstID || e.Target != p.secondID || e.Message != "" ||
		e.Created.Before(began) || e.Updated.Before(e.Created) || time.Since(e.LastAck) > testTimeout {
		f.Errorf("CLUSTER GETSLOTMIGRATIONS = %+v", e)
	}
	imported := result(f, p.second, command.ClusterGetSlotMigrations())
	if len(imported) != 1 || imported[0].Operation != "IMPORT" || imported[0].Name != e.Name {
		f.Errorf("CLUSTER GETSLOTMIGRATIONS = %+v", imported)
	}
	// One that can't end soon, because changes are not let through, can be cancelled.
	equal(f, p.first, command.ConfigSet(map[string]string{"slot-migration-max-failover-repl-bytes": "0"}), done)
	equal(f, p.first, command.Set("k", 1), done)
	equal(f, p.second, command.ConfigSet(map[string]string{"key-load-delay": "1000000"}), done)
	slot := int(result(f, p.first, command.ClusterKeySlot("k")))
	equal(f, p.first, command.ClusterMigrateSlots(command.SlotTransfer{Slots: []command.SlotRange{{From: slot, To: slot}}, Node: p.secondID}), done)
	equal(f, p.first, command.ClusterCancelSlotMigrations(), done)
	f.eventually("a migration that is cancelled", func() bool {
		return result(f, p.first, command.ClusterGetSlotMigrations())[0].State == "cancelled"
	})
}

// TestClusterReplication makes a node the replica of another one, and lets it take over.
func TestClusterReplication(t *testing.T) {
	own(t, quickCluster, func(f *fixture) {
		f.since("7.0", "CLUSTER ADDSLOTSRANGE")
		p := newPair(f)
		f.eventually("a replica", func() bool {
			// It may not know yet that the other one is a primary.
			_, err := command.ClusterReplicate(p.firstID).Do(f.ctx, p.second)
			return err == nil
		})
		var replicas []command.ClusterNode
		f.eventually("a primary that knows its replica", func() bool {
			replicas = result(f, p.first, command.ClusterReplicas(p.firstID))
			return len(replicas) == 1 && result(f, p.second, command.Role()).State == "connected"
		})
		if r := replicas[0]; r.ID != p.secondID || r.PrimaryID != p.firstID || !r.Is("slave") || !r.Connected {
			f.Errorf("CLUSTER REPLICAS = %+v", r)
		}
		if slaves := result(f, p.first, command.ClusterSlaves(p.firstID)); len(slaves) != 1 || slaves[0].ID != p.secondID {
			f.Errorf("CLUSTER SLAVES = %+v", slaves)
		}
		f.eventually("slots with a replica", func() bool {
			slots := result(f, p.first, command.ClusterSlots())
			return len(slots) == 1 && slots[0].Primary.ID == p.firstID && len(slots[0].Replicas) == 1 && slots[0].Replicas[0].ID == p.secondID
		})
		equal(f, p.second, command.ClusterFailover(command.FailoverTakeover), done)
		f.eventually("a replica that took over", func() bool {
			return p.node(f, p.second, p.secondID).Is("master") && p.node(f, p.first, p.firstID).PrimaryID == p.secondID &&
				result(f, p.first, command.Role()).State == "connected"
		})
		f.eventually("a failover back", func() bool {
			_, err := command.ClusterFailover(command.FailoverTakeover).Do(f.ctx, p.first)
			return err == nil
		})
		f.eventually("the first node as primary", func() bool {
			return p.node(f, p.first, p.firstID).Is("master") && p.node(f, p.second, p.secondID).PrimaryID == p.firstID
		})
		if f.server.Role() == "valkey9" {
			equal(f, p.second, command.ClusterReplicateNoOne(), done)
			f.eventually("a primary without slots", func() bool { return p.node(f, p.first, p.secondID).Is("master") })
		}
		equal(f, p.second, command.ClusterReset(), done)
		equal(f, p.first, command.ClusterForget(p.secondID), done)
		if nodes := result(f, p.first, command.ClusterNodes()); len(nodes) != 1 {
			f.Errorf("CLUSTER NODES = %+v", nodes)
		}
	})
}
