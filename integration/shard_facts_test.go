package integration

import (
	"testing"

	"github.com/redchan-go/redchan/integration/servers"
)

// TestShardFacts holds what servers do with subscriptions to shard channels while
// slots move and nodes fail, on which the sharded client is built. Where servers
// differ, the branches here are the account of it.
func TestShardFacts(t *testing.T) {
	facts := func(name string, config servers.ClusterConfig, story func(f *shardFacts)) {
		t.Run(name, func(t *testing.T) {
			ownCluster(t, config, func(f *clusterFixture) {
				f.since("7.0", "shard channels")
				role := f.cluster.Role()
				story(&shardFacts{f, role == "redis7", role == "redis8"})
			})
		})
	}
	facts("SlotMoves", servers.ClusterConfig{Replicas: 1}, (*shardFacts).slotMoves)
	facts("SlotIsDeleted", servers.ClusterConfig{Replicas: 1}, (*shardFacts).slotIsDeleted)
	facts("Failover", servers.ClusterConfig{Replicas: 2}, (*shardFacts).failover)
	facts("ReplicaOfAReplica", servers.ClusterConfig{Replicas: 2, Proxied: true}, (*shardFacts).replicaOfAReplica)
	facts("Partition", servers.ClusterConfig{Replicas: 1, Proxied: true}, (*shardFacts).partition)
	facts("ForgottenReplica", servers.ClusterConfig{Replicas: 1}, (*shardFacts).forgottenReplica)
	facts("ForgottenPrimary", servers.ClusterConfig{}, (*shardFacts).forgottenPrimary)
}

// shardFacts is a fixture that knows the two servers that differ: Redis 7.0, which
// pushes only where a slot is lost; and Redis 8.0, where SUNSUBSCRIBE is routed as a
// command for keys is, while SSUBSCRIBE isn't.
type shardFacts struct {
	*clusterFixture
	redis7, redis8 bool
}

// Channels whose slots the first node has.
const (
	channel      = "{06S}" // slot 0
	sameSlot     = "x{06S}"
	otherChannel = "{1LV}" // slot 7
)

func moved(to *servers.Node) string { return "-MOVED 0 " + to.Addr }

const (
	notServed = "-CLUSTERDOWN Hash slot not served"
	down      = "-CLUSTERDOWN The cluster is down"
)

// takenOrKept is what a node does with subscriptions to a slot that it takes over:
// Redis 7.0 keeps them, the others remove them, with a push.
func (f *shardFacts) takenOrKept(s *shardWires) {
	f.Helper()
	if f.redis7 {
		s.isSilent()
		return
	}
	s.gets("[sunsubscribe " + channel + " 0]")
}

func (f *shardFacts) slotMoves() {
	nodes := f.cluster.Nodes()
	from, to := nodes[0], nodes[1]
	source := f.listen(from, channel)
	replica := f.listen(nodes[3], channel)
	source.answers("[ssubscribe "+otherChannel+" 2]", "SSUBSCRIBE", otherChannel)
	source.answers("-CROSSSLOT Keys in request don't hash to the same slot", "SSUBSCRIBE", channel, otherChannel)
	leaving := f.listen(from, sameSlot)

	// Until its end the source serves an open slot, and only who asks with ASKING is
	// served by the target, for one command.
	f.must(f.cluster.OpenSlot(f.ctx, 0, from, to))
	source.answers("[ssubscribe "+channel+" 2]", "SSUBSCRIBE", channel)
	f.publish(from, "2", channel, "open")
	source.gets("[smessage " + channel + " open]")
	replica.gets("[smessage " + channel + " open]")
	target := f.dialShards(to)
	target.answers(moved(from), "SSUBSCRIBE", channel)
	target.answers("OK", "ASKING")
	target.answers("[ssubscribe "+channel+" 1]", "SSUBSCRIBE", channel)
	target.answers(moved(from), "SSUBSCRIBE", channel)
	if f.redis8 {
		// It sends away who wants to leave, who stays subscribed; without a name it
		// lets go.
		leaving.answers("-ASK 0 "+to.Addr, "SUNSUBSCRIBE", sameSlot)
		f.publish(from, "2", sameSlot, "still here")
		leaving.gets("[smessage " + sameSlot + " still here]")
		leaving.answers("[sunsubscribe "+sameSlot+" 0]", "SUNSUBSCRIBE")
	} else {
		leaving.answers("[sunsubscribe "+sameSlot+" 0]", "SUNSUBSCRIBE", sameSlot)
	}

	f.must(f.cluster.AssignSlot(f.ctx, 0, from, to))
	source.gets("[sunsubscribe " + channel + " 1]")
	replica.gets("[sunsubscribe " + channel + " 0]")
	f.takenOrKept(target)
	target.answers("[ssubscribe "+channel+" 1]", "SSUBSCRIBE", channel)
	f.publish(to, "2", channel, "assigned")
	target.gets("[smessage " + channel + " assigned]")

	// The connections stay open, other slots' channels stay subscribed, and both
	// commands answer where the slot is.
	for _, lost := range []*shardWires{source, replica} {
		lost.isSilent()
		lost.answers(moved(to), "SSUBSCRIBE", channel)
		lost.answers(moved(to), "SUNSUBSCRIBE", channel)
	}
	f.publish(from, "2", otherChannel, "v")
	source.gets("[smessage " + otherChannel + " v]")

	// Without being told by anybody but gossip the source does the same.
	f.must(f.cluster.OpenSlot(f.ctx, 7, from, to))
	f.at(to, "CLUSTER", "SETSLOT", "7", "NODE", to.ID())
	source.gets("[sunsubscribe " + otherChannel + " 0]")
	source.answers("[sunsubscribe nil 0]", "SUNSUBSCRIBE")
}

func (f *shardFacts) slotIsDeleted() {
	nodes := f.cluster.Nodes()
	owner := f.listen(nodes[0], channel)
	replica := f.listen(nodes[3], channel)
	owner.answers("[ssubscribe "+otherChannel+" 2]", "SSUBSCRIBE", otherChannel)

	f.must(f.cluster.DelSlots(f.ctx, 0))
	owner.gets("[sunsubscribe " + channel + " 1]")
	replica.gets("[sunsubscribe " + channel + " 0]")
	f.isDown(nodes[0])
	for _, lost := range []*shardWires{owner, replica} {
		for _, command := range []string{"SSUBSCRIBE", "SUNSUBSCRIBE"} {
			lost.answers(notServed, command, channel)
		}
	}
	// The cluster is down as a whole, but not for channels of other slots.
	owner.answers("[ssubscribe "+otherChannel+" 1]", "SSUBSCRIBE", otherChannel)
	f.publish(nodes[0], "2", otherChannel, "v")
	owner.gets("[smessage " + otherChannel + " v]")
	if f.redis8 {
		owner.answers(down, "SUNSUBSCRIBE", otherChannel)
		owner.answers("[sunsubscribe "+otherChannel+" 0]", "SUNSUBSCRIBE")
	} else {
		owner.answers("[sunsubscribe "+otherChannel+" 0]", "SUNSUBSCRIBE", otherChannel)
	}

	// Given back, the slot comes without its subscriptions.
	f.must(f.cluster.AddSlots(f.ctx, nodes[0], 0))
	f.publish(nodes[0], "0", channel, "v")
	owner.isSilent()
	owner.answers("[ssubscribe "+channel+" 1]", "SSUBSCRIBE", channel)
}

// failover fails over by hand, then by a primary that is stopped, then by one that is
// killed.
func (f *shardFacts) failover() {
	nodes := f.cluster.Nodes()
	shard := []*servers.Node{nodes[0], nodes[3], nodes[6]}
	listeners := map[*servers.Node]*shardWires{}
	for _, node := range shard {
		listeners[node] = f.listen(node, channel)
	}
	lost := "[sunsubscribe " + channel + " 0]"
	// pushes is what comes of a new primary at each node, the one that is away left
	// out.
	pushes := func(promoted, away *servers.Node) {
		f.Helper()
		for _, node := range shard {
			switch node {
			case away:
			case promoted:
				f.takenOrKept(listeners[node])
			default: // the former primary, and other replicas
				listeners[node].gets(lost)
			}
		}
	}
	// again subscribes again. No node says MOVED: replicas serve their shard's channels.
	again := func(primary *servers.Node) {
		f.Helper()
		f.must(f.cluster.AwaitHealthy(f.ctx))
		for _, node := range shard {
			listeners[node].answers("[ssubscribe "+channel+" 1]", "SSUBSCRIBE", channel)
		}
		f.publish(primary, "2", channel, "again")
		for _, node := range shard {
			listeners[node].gets("[smessage " + channel + " again]")
		}
	}

	byHand := shard[1]
	f.must(f.cluster.Failover(f.ctx, byHand))
	pushes(byHand, nil)
	again(byHand)

	f.must(byHand.Pause(f.ctx))
	byItself := f.successor(byHand)
	pushes(byItself, byHand)
	f.must(byHand.Unpause(f.ctx))
	listeners[byHand].gets(lost) // by then at last
	again(byItself)

	// A replica follows the primary of other slots.
	f.at(byHand, "CLUSTER", "REPLICATE", nodes[1].ID())
	f.must(f.cluster.AwaitHealthy(f.ctx))
	f.takenOrKept(listeners[byHand]) // it has lost the slot, but Redis 7.0 doesn't say so
	f.publish(byItself, "2", channel, "elsewhere")
	for _, node := range shard {
		if node != byHand {
			listeners[node].gets("[smessage " + channel + " elsewhere]")
		}
	}
	f.heard(byHand, byItself)
	listeners[byHand].isSilent()
	listeners[byHand].answers(moved(byItself), "SSUBSCRIBE", channel)

	f.must(byItself.Kill(f.ctx))
	listeners[byItself].areClosed()
	f.takenOrKept(listeners[f.successor(byItself)])
}

// replicaOfAReplica lets a replica hear of a failover from the former primary first, which
// happens without a fault too, but seldom.
func (f *shardFacts) replicaOfAReplica() {
	nodes := f.cluster.Nodes()
	former, promoted, sibling := nodes[0], nodes[3], nodes[6]
	listener := f.listen(sibling, channel)
	f.must(f.cluster.Partition(sibling))
	f.at(promoted, "CLUSTER", "FAILOVER")
	f.must(f.cluster.AwaitPromoted(f.ctx, promoted, former, former, promoted))
	f.must(f.cluster.Partition(former, sibling))
	f.eventually("the former primary as a replica", func() bool {
		view, err := f.cluster.View(f.ctx, sibling)
		f.must(err)
		member, _ := view.Of(former)
		return !member.Primary
	})
	f.must(f.cluster.Heal())
	listener.gets("[sunsubscribe " + channel + " 0]")
	f.heard(sibling, promoted)
	view, err := f.cluster.View(f.ctx, sibling)
	f.must(err)
	member, _ := view.Of(sibling)
	reader := f.dialShards(sibling)
	reader.answers("OK", "READONLY")
	if f.redis8 {
		// It stays a replica of the former primary, and serves nothing.
		if member.PrimaryID != former.ID() {
			f.Errorf("the sibling follows %s, want the former primary %s", member.PrimaryID, former.ID())
		}
		reader.answers(moved(promoted), "GET", channel)
		listener.answers(moved(promoted), "SSUBSCRIBE", channel)
	} else {
		if member.PrimaryID != promoted.ID() {
			f.Errorf("the sibling follows %s, want the new primary %s", member.PrimaryID, promoted.ID())
		}
		reader.answers("nil", "GET", channel)
	}
	// The cluster is healthy when the sibling was told whom to follow.
	f.must(f.cluster.AwaitHealthy(f.ctx))
	listener.answers("[ssubscribe "+channel+" 1]", "SSUBSCRIBE", channel)
}

// successor waits until all nodes see another owner of the channel's slot.
func (f *shardFacts) successor(former *servers.Node) *servers.Node {
	f.Helper()
	var owner *servers.Node
	f.eventually("a successor of "+former.Addr, func() bool {
		var err error
		owner, err = f.cluster.NodeOf(f.ctx, 0)
		f.must(err)
		return owner != former
	})
	return owner
}

// partition cuts off a primary, which goes on as if nothing had happened.
func (f *shardFacts) partition() {
	nodes := f.cluster.Nodes()
	minority, successor := f.listen(nodes[0], channel), f.listen(nodes[3], channel)
	f.must(f.cluster.Partition(nodes[0]))
	f.must(f.cluster.AwaitPromoted(f.ctx, nodes[3], nodes[0], nodes[1:]...))
	f.takenOrKept(successor)
	successor.answers("[ssubscribe "+channel+" 1]", "SSUBSCRIBE", channel)
	f.isDown(nodes[0])

	minority.isSilent()
	minority.answers("[ssubscribe "+channel+" 1]", "SSUBSCRIBE", channel)
	f.publish(nodes[0], "2", channel, "minority")
	minority.gets("[smessage " + channel + " minority]")
	leaving := f.listen(nodes[0], sameSlot)
	if f.redis8 {
		leaving.answers(down, "SUNSUBSCRIBE", sameSlot)
		f.publish(nodes[0], "2", sameSlot, "still here")
		leaving.gets("[smessage " + sameSlot + " still here]")
		leaving.answers("[sunsubscribe "+sameSlot+" 0]", "SUNSUBSCRIBE")
	} else {
		leaving.answers("[sunsubscribe "+sameSlot+" 0]", "SUNSUBSCRIBE", sameSlot)
	}
	f.publish(nodes[3], "2", channel, "majority")
	successor.gets("[smessage " + channel + " majority]")
	minority.isSilent()

	f.must(f.cluster.Heal())
	minority.gets("[sunsubscribe " + channel + " 0]")
	f.must(f.cluster.AwaitHealthy(f.ctx))
	minority.answers("[ssubscribe "+channel+" 1]", "SSUBSCRIBE", channel)
}

// forgottenReplica is a replica that all others have forgotten: it follows its primary
// as before, and takes subscribers, but nothing that is published comes to them.
func (f *shardFacts) forgottenReplica() {
	nodes := f.cluster.Nodes()
	primary, replica := f.listen(nodes[0], channel), f.listen(nodes[3], channel)
	f.must(f.cluster.Forget(f.ctx, nodes[3]))
	f.publish(nodes[0], "2", channel, "v")
	primary.gets("[smessage " + channel + " v]")
	f.heard(nodes[3], nodes[0])
	replica.isSilent()
	replica.answers("[ssubscribe "+channel+" 1]", "SSUBSCRIBE", channel)

	// Reset, it has nothing; Redis 7.0 doesn't say so.
	f.must(f.cluster.Rejoin(f.ctx, nodes[3], nodes[1]))
	f.takenOrKept(replica)
	replica.answers(moved(nodes[0]), "SSUBSCRIBE", channel)
}

// forgottenPrimary is a primary that all others have forgotten. They answer it still,
// so it learns of a new owner of its slots, but only by a higher epoch than its own.
func (f *shardFacts) forgottenPrimary() {
	nodes := f.cluster.Nodes()
	successor, forgotten := nodes[0], nodes[2]
	const last, channel = "16383", "{6ZJ}"
	listener := f.listen(forgotten, channel)
	f.must(f.cluster.Forget(f.ctx, forgotten))
	f.at(successor, "CLUSTER", "ADDSLOTSRANGE", "10923", last)
	f.must(f.cluster.AwaitOK(f.ctx, successor, nodes[1]))
	f.heard(forgotten, successor)
	listener.isSilent()
	listener.answers("[ssubscribe "+channel+" 1]", "SSUBSCRIBE", channel)
	f.publish(forgotten, "2", channel, "forgotten")
	listener.gets("[smessage " + channel + " forgotten]")
	f.publish(successor, "0", channel, "successor")
	f.heard(forgotten, successor)
	listener.isSilent()

	f.at(successor, "CLUSTER", "BUMPEPOCH")
	listener.gets("[sunsubscribe " + channel + " 0]")
	listener.answers("-MOVED "+last+" "+successor.Addr, "SSUBSCRIBE", channel)
}
