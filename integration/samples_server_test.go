package integration

import (
	"slices"
	"time"

	"github.com/redchan-go/redchan/redis/command"
)

// serverSamples returns a request of every constructor for servers, connections, clusters and
// pub/sub.
func serverSamples() []command.Request {
	requests := []command.Request{
		command.Publish("channel", "m").Request(),
		command.PubSubChannels("*").Request(),
		command.PubSubNumSub("channel").Request(),
		command.PubSubNumPat().Request(),
		command.Ping().Request(),
		command.Echo("m").Request(),
		command.ClientID().Request(),
		command.ClientGetName().Request(),
		command.ClientPause(time.Second, command.WritesOnly).Request(),
		command.ClientKill(command.WhereID(1)).Request(),
		command.Info("server").Request(),
		command.DBSize().Request(),
		command.FlushDB().Request(),
		command.ConfigSet(map[string]string{"a": "1"}).Request(),
		command.ConfigGet("a*").Request(),
		command.ACLSetUser("user", "on").Request(),
		command.ClusterShards().Request(),
	}
	return slices.Concat(requests, adminSamples(), clusterSamples(), introspectionSamples())
}

// adminSamples are of what administers a server: its users, clients, data and replicas.
func adminSamples() []command.Request {
	return []command.Request{
		command.ACLGetUser("user").Request(),
		command.ACLDelUser("a", "b").Request(),
		command.ACLList().Request(),
		command.ACLUsers().Request(),
		command.ACLWhoAmI().Request(),
		command.ACLLoad().Request(),
		command.ACLSave().Request(),
		command.ACLCat().Request(),
		command.ACLCatCommands("read").Request(),
		command.ACLGenPass(8).Request(),
		command.ACLDryRun("user", "SET", "k", 1).Request(),
		command.ACLLog(1).Request(),
		command.ACLLogReset().Request(),
		command.PingMessage("m").Request(),
		command.ClientInfo().Request(),
		command.ClientList(command.WhereID(1, 2)).Request(),
		command.ClientKill(command.WhereName("n"), command.WhereNot(command.WhereType("pubsub"))).Request(),
		command.ClientTrackingInfo().Request(),
		command.ClientGetRedir().Request(),
		command.ClientUnblock(1, command.WithError).Request(),
		command.ClientUnpause().Request(),
		command.ConfigResetStat().Request(),
		command.ConfigRewrite().Request(),
		command.FlushDB(command.Async).Request(),
		command.FlushAll(command.Sync).Request(),
		command.SwapDB(0, 1).Request(),
		command.Save().Request(),
		command.BGSave().Request(),
		command.BGSaveSchedule().Request(),
		command.BGSaveCancel().Request(),
		command.BGRewriteAOF().Request(),
		command.LastSave().Request(),
		command.Shutdown(command.ShutdownNoSave, command.ShutdownNow).Request(),
		command.ShutdownAbort().Request(),
		command.ModuleList().Request(),
		command.ModuleLoad("/m.so", "a").Request(),
		command.ModuleLoadEx("/m.so", map[string]string{"a": "1"}, "b").Request(),
		command.ModuleUnload("m").Request(),
		command.ReplicaOf("127.0.0.1", 1).Request(),
		command.ReplicaOfNoOne().Request(),
		command.SlaveOf("127.0.0.1", 1).Request(),
		command.SlaveOfNoOne().Request(),
		command.Failover(command.FailoverTo("127.0.0.1", 1), command.FailoverForce, command.FailoverTimeout(time.Second)).Request(),
		command.FailoverAbort().Request(),
		command.Role().Request(),
	}
}

// clusterSamples are of what runs a cluster.
func clusterSamples() []command.Request {
	slots := command.SlotRange{From: 1, To: 2}
	return []command.Request{
		command.ClusterInfo().Request(),
		command.ClusterNodes().Request(),
		command.ClusterReplicas("node").Request(),
		command.ClusterSlaves("node").Request(),
		command.ClusterSlots().Request(),
		command.ClusterLinks().Request(),
		command.ClusterMyID().Request(),
		command.ClusterMyShardID().Request(),
		command.ClusterCountFailureReports("node").Request(),
		command.ClusterMeet("127.0.0.1", 1, 2).Request(),
		command.ClusterForget("node").Request(),
		command.ClusterReplicate("node").Request(),
		command.ClusterReplicateNoOne().Request(),
		command.ClusterReset(command.Hard).Request(),
		command.ClusterSaveConfig().Request(),
		command.ClusterSetConfigEpoch(1).Request(),
		command.ClusterBumpEpoch().Request(),
		command.ClusterFailover(command.FailoverForce).Request(),
		command.ClusterAddSlots(1, 2).Request(),
		command.ClusterAddSlotsRange(slots).Request(),
		command.ClusterDelSlots(1, 2).Request(),
		command.ClusterDelSlotsRange(slots).Request(),
		command.ClusterFlushSlots().Request(),
		command.ClusterFlushSlot(1, command.Async).Request(),
		command.ClusterKeySlot("k").Request(),
		command.ClusterCountKeysInSlot(1).Request(),
		command.ClusterGetKeysInSlot(1, 2).Request(),
		command.ClusterSetSlotImporting(1, "node").Request(),
		command.ClusterSetSlotMigrating(1, "node").Request(),
		command.ClusterSetSlotNode(1, "node", command.SetSlotTimeout(time.Second)).Request(),
		command.ClusterSetSlotStable(1).Request(),
		command.ClusterSlotStats(slots).Request(),
		command.ClusterSlotStatsBy(command.SlotKeys, 1, command.Desc).Request(),
		command.ClusterMigrateSlots(command.SlotTransfer{Slots: []command.SlotRange{slots}, Node: "node"}).Request(),
		command.ClusterGetSlotMigrations().Request(),
		command.ClusterCancelSlotMigrations().Request(),
		command.ClusterScan("0", command.Match("*"), command.Count(1), command.OfType("set"), command.InSlot(1)).Request(),
		command.SPublish("channel", "m").Request(),
		command.PubSubShardChannels("*").Request(),
		command.PubSubShardNumSub("channel").Request(),
	}
}

// introspectionSamples are of what a server tells of itself.
func introspectionSamples() []command.Request {
	return []command.Request{
		command.CommandCount().Request(),
		command.CommandList(command.Match("*")).Request(),
		command.CommandList(command.InModule("m")).Request(),
		command.CommandList(command.InCategory("read")).Request(),
		command.CommandGetKeys("GET", "k").Request(),
		command.CommandGetKeysAndFlags("GET", "k").Request(),
		command.CommandInfo("get").Request(),
		command.CommandDocs("get").Request(),
		command.CommandLogGet(1, command.LogSlow).Request(),
		command.CommandLogLen(command.LogLargeReply).Request(),
		command.CommandLogReset(command.LogLargeRequest).Request(),
		command.SlowLogGet(1).Request(),
		command.SlowLogLen().Request(),
		command.SlowLogReset().Request(),
		command.LatencyLatest().Request(),
		command.LatencyHistory("command").Request(),
		command.LatencyHistogram("get").Request(),
		command.LatencyReset("command").Request(),
		command.LatencyGraph("command").Request(),
		command.LatencyDoctor().Request(),
		command.MemoryUsage("k", command.Samples(3)).Request(),
		command.MemoryStats().Request(),
		command.MemoryDoctor().Request(),
		command.MemoryMallocStats().Request(),
		command.MemoryPurge().Request(),
		command.Time().Request(),
		command.LolWut().Request(),
		command.LolWutVersion(5, 1, 1, 1).Request(),
	}
}
