package command

// ClusterMeet makes the node know another one, by IP address and port, and so the
// cluster that it belongs to. A busPort of 0 stands for 10,000 above port. It answers
// before they have met. O(1). Since 3.0.0; the bus port since 4.0.0.
func ClusterMeet(ip string, port, busPort int) Cmd[struct{}] {
	r := newRequest(&specClusterMeet)
	r.word(ip)
	r.int(int64(port))
	if busPort != 0 {
		r.int(int64(busPort))
	}
	if !isPort(port) || busPort != 0 && !isPort(busPort) {
		r.fail(badArgument("a port is a number from 1 to 65535"))
	}
	return Cmd[struct{}]{r, decodeOK}
}

// isPort reports whether n can be a TCP port.
func isPort(n int) bool { return n > 0 && n < 1<<16 }

// ClusterForget makes the node forget another one. The others must be told within a
// minute, or they bring it back. O(1). Since 3.0.0.
func ClusterForget(node string) Cmd[struct{}] {
	r := newRequest(&specClusterForget)
	r.word(node)
	return Cmd[struct{}]{r, decodeOK}
}

// ClusterReplicate makes the node a replica of a primary. O(1). Since 3.0.0.
func ClusterReplicate(node string) Cmd[struct{}] {
	r := newRequest(&specClusterReplicate)
	r.word(node)
	return Cmd[struct{}]{r, decodeOK}
}

// ClusterReplicateNoOne makes a replica a primary without slots, of a shard of its own.
// O(1). Since Valkey 9.0.0.
func ClusterReplicateNoOne() Cmd[struct{}] {
	r := newRequest(&specClusterReplicate)
	r.word("NO")
	r.word("ONE")
	return Cmd[struct{}]{r, decodeOK}
}

// ClusterResetOption is an option of [ClusterReset]: [Hard].
type ClusterResetOption interface{ clusterResetOption() tokens }

// ClusterResetFlag is an option of [ClusterReset]: [Hard].
type ClusterResetFlag string

// Hard lets [ClusterReset] give the node a new ID and epoch 0 besides: the option HARD.
const Hard ClusterResetFlag = "HARD"

func (f ClusterResetFlag) clusterResetOption() tokens { return flag(groupCondition, f, Hard) }

// ClusterReset makes the node leave its cluster; a replica becomes an empty primary. A
// primary must have no keys. O(N). Since 3.0.0.
func ClusterReset(opts ...ClusterResetOption) Cmd[struct{}] {
	r := newRequest(&specClusterReset)
	addOptions(&r, opts, ClusterResetOption.clusterResetOption)
	return Cmd[struct{}]{r, decodeOK}
}

// ClusterSaveConfig writes the node's view of the cluster to its file. O(1). Since 3.0.0.
func ClusterSaveConfig() Cmd[struct{}] {
	return Cmd[struct{}]{newRequest(&specClusterSaveconfig), decodeOK}
}

// ClusterSetConfigEpoch sets the epoch of a new node that knows no other one yet.
// O(1). Since 3.0.0.
func ClusterSetConfigEpoch(epoch int64) Cmd[struct{}] {
	r := newRequest(&specClusterSetConfigEpoch)
	r.int(epoch)
	if epoch < 0 {
		r.fail(badArgument("an epoch can't be negative"))
	}
	return Cmd[struct{}]{r, decodeOK}
}

// ClusterBumpEpoch gives the node an epoch of its own that is the highest, and returns
// "BUMPED" or, where it had that already, "STILL", and the epoch. O(1). Since 3.0.0.
func ClusterBumpEpoch() Cmd[string] {
	return Cmd[string]{newRequest(&specClusterBumpepoch), decodeText}
}

// ClusterFailoverOption is an option of [ClusterFailover]: [FailoverForce],
// [FailoverTakeover].
type ClusterFailoverOption interface{ clusterFailoverOption() tokens }

// ClusterFailoverFlag is an option of [ClusterFailover]: [FailoverTakeover].
type ClusterFailoverFlag string

// FailoverTakeover lets [ClusterFailover] ask neither the primary, which may be down, nor
// the other primaries: the option TAKEOVER.
const FailoverTakeover ClusterFailoverFlag = "TAKEOVER"

func (f ClusterFailoverFlag) clusterFailoverOption() tokens {
	return flag(groupCondition, f, FailoverTakeover)
}

// ClusterFailover makes the replica that it is sent to the primary of its shard, as soon
// as it has all that the primary had. It answers before that is done. O(1). Since 3.0.0.
func ClusterFailover(opts ...ClusterFailoverOption) Cmd[struct{}] {
	r := newRequest(&specClusterFailover)
	addOptions(&r, opts, ClusterFailoverOption.clusterFailoverOption)
	return Cmd[struct{}]{r, decodeOK}
}
