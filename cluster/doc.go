// Package cluster is a client of a Redis or Valkey cluster. The client has a method for every
// command and sends each command to the node that serves its keys:
//
//	client, err := cluster.Open(ctx, "redis+cluster://node1:6379,node2:6379")
//	if err != nil {
//		return err
//	}
//	defer client.Close()
//	err = client.Set(ctx, "user:1", "Ada")
//
// The client knows which node serves which slot. It learns of changes from redirects, from lost
// nodes, and by asking a node from time to time. It follows redirects, at most
// Options.MaxRedirects for one command. If a cluster refuses a command for a temporary reason,
// the client tries again while the caller's context lasts.
//
// # Keys and slots
//
// All keys of a command, and of a transaction, must be in one slot: give them a common hash tag,
// as in {user:1}:name and {user:1}:mail. Otherwise the client returns a [*CrossSlotError] and
// sends nothing. [MGet], [MSet], [Del], [Unlink], [Exists] and [Touch] split their keys by slot;
// they are not atomic.
//
// # Commands without keys
//
// A command without keys that any node can answer goes to one of the primaries. PUBLISH always
// goes to the same primary for a given channel, so that messages stay in order. The following
// commands are sent to several nodes at the same time, and the replies are combined. If one node
// returns an error, the command returns an error, which says whether other nodes have run the
// command:
//
//   - All primaries: DBSIZE (the sum), KEYS (all), FLUSHALL, FLUSHDB, FUNCTION LOAD, DELETE,
//     FLUSH and RESTORE; RANDOMKEY asks one after the other until one has a key.
//   - All nodes: PUBSUB CHANNELS and SHARDCHANNELS (each once, sorted), NUMSUB and
//     SHARDNUMSUB (sums by channel), NUMPAT (the sum); CONFIG SET, RESETSTAT and REWRITE;
//     ACL SETUSER, DELUSER (the highest), LOAD and SAVE; SCRIPT KILL and FUNCTION KILL,
//     which succeed where one node has killed something.
//   - All nodes that run scripts, which are the primaries, and the replicas too where
//     Options.ReadFrom reads from them: SCRIPT LOAD, SCRIPT FLUSH, and SCRIPT EXISTS (what
//     all of them know).
//
// INFO, ROLE, LASTSAVE, TIME and similar commands report on the node that answers. They go to
// each primary in turn.
//
// A SCAN cursor belongs to one node, so SCAN is refused; use [Client.ScanAll]. Commands that
// administer one node, such as BGSAVE or SLOWLOG GET, are refused too; use [Client.Node],
// [Client.ForEachNode] or [Client.ForEachPrimary].
//
// # Pub/sub
//
// [Client.Subscribe] subscribes on one node. Any node will do, because PUBLISH reaches all of
// them. If the node dies, another takes its place. [Client.SSubscribe] subscribes to shard
// channels on the nodes that serve their slots, and follows the slots when they move; package
// sharded describes the guarantees. [Client.KeyEvents] combines the notifications of all
// primaries, each of which reports only its own keys.
package cluster
