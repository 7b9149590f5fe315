// Package cluster is a client of a Redis or Valkey cluster. It has the methods of every
// command and sends each to the node that serves its keys:
//
//	client, err := cluster.Open(ctx, "redis+cluster://node1:6379,node2:6379")
//	if err != nil {
//		return err
//	}
//	defer client.Close()
//	err = client.Set(ctx, "user:1", "Ada")
//
// The client knows which node serves which slot, and learns when that changes: from
// redirects, from nodes that are lost, and by asking now and then. Redirects are followed,
// at most Options.MaxRedirects for a command; what a cluster refuses for a reason that
// passes is tried again while the caller's context lasts.
//
// # Keys and slots
//
// All keys of a command, and of a transaction, must be of one slot: give them a common hash
// tag, as in {user:1}:name and {user:1}:mail. Others are refused before anything is sent,
// with a [*CrossSlotError]. [MGet], [MSet], [Del], [Unlink], [Exists] and [Touch] split
// their keys by slots; they are not atomic.
//
// # Commands without keys
//
// A command without keys that any node can answer goes to one of the primaries, PUBLISH
// always to the same one for a channel, so that its messages stay in order. These are sent to
// several nodes, at once, and their replies put together; an error of one node is the
// command's, and says whether others have run it:
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
// INFO, ROLE, LASTSAVE, TIME and their kind tell of the node that answers, which is one of the
// primaries in turn.
//
// A cursor of SCAN belongs to a node: SCAN is refused, use [Client.ScanAll]. Commands that
// administer one node, such as BGSAVE or SLOWLOG GET, are refused too: use [Client.Node],
// [Client.ForEachNode] or [Client.ForEachPrimary].
//
// # Pub/sub
//
// [Client.Subscribe] subscribes on one node, any of them, because PUBLISH reaches all; another
// one takes its place when it dies. [Client.SSubscribe] subscribes to shard channels on the nodes
// that serve their slots, wherever these move: package sharded tells what is guaranteed.
// [Client.KeyEvents] has the notifications of all primaries, each of which tells of its own keys.
package cluster
