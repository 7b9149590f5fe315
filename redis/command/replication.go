package command

import (
	"errors"
	"time"

	"github.com/redchan-go/redchan/proto"
)

// ReplicaOf makes the server a replica of another one, whose data replace its own. It
// answers before that is done. O(1). Since 5.0.0.
func ReplicaOf(host string, port int) Cmd[struct{}] { return replicaOf(&specReplicaof, host, port) }

// ReplicaOfNoOne makes a replica a primary, which keeps its data. O(1). Since 5.0.0.
func ReplicaOfNoOne() Cmd[struct{}] { return replicaOfNoOne(&specReplicaof) }

// SlaveOf is [ReplicaOf] by its old name. Superseded by [ReplicaOf]. O(1). Since 1.0.0.
func SlaveOf(host string, port int) Cmd[struct{}] { return replicaOf(&specSlaveof, host, port) }

// SlaveOfNoOne is [ReplicaOfNoOne] by its old name. Superseded by [ReplicaOfNoOne].
// O(1). Since 1.0.0.
func SlaveOfNoOne() Cmd[struct{}] { return replicaOfNoOne(&specSlaveof) }

func replicaOf(spec *Spec, host string, port int) Cmd[struct{}] {
	r := newRequest(spec)
	r.word(host)
	r.int(int64(port))
	if host == "" || !isPort(port) {
		r.fail(badArgument("a server is a host and a port from 1 to 65535"))
	}
	return Cmd[struct{}]{r, decodeStatus}
}

func replicaOfNoOne(spec *Spec) Cmd[struct{}] {
	r := newRequest(spec)
	r.word("NO")
	r.word("ONE")
	return Cmd[struct{}]{r, decodeStatus}
}

// decodeStatus decodes a status in whatever words: "OK Already connected to specified
// master" is as good as "OK".
func decodeStatus(v proto.Value) (struct{}, error) {
	if !isText(v) {
		return struct{}{}, want("OK")
	}
	return struct{}{}, nil
}

// FailoverOption is an option of [Failover]: [FailoverTo], [FailoverTimeout],
// [FailoverForce].
type FailoverOption interface{ failoverOption() tokens }

type failoverOption tokens

func (o failoverOption) failoverOption() tokens { return tokens(o) }

// FailoverFlag is an option of [Failover] and [ClusterFailover]: [FailoverForce].
type FailoverFlag string

// FailoverForce lets the replica of [FailoverTo] take over when [FailoverTimeout] is over,
// even if it does not have everything yet; [ClusterFailover] does not ask the primary,
// which may be down. It is the option FORCE.
const FailoverForce FailoverFlag = "FORCE"

func (f FailoverFlag) failoverOption() tokens        { return f.tokens() }
func (f FailoverFlag) clusterFailoverOption() tokens { return f.tokens() }
func (f FailoverFlag) tokens() tokens                { return flag(groupCondition, f, FailoverForce) }

// FailoverTo says which replica takes over.
func FailoverTo(host string, port int) FailoverOption {
	t := option(groupFrom, "TO", word(host), integer(int64(port)))
	if host == "" || !isPort(port) {
		t.err = badArgument("a server is a host and a port from 1 to 65535")
	}
	return failoverOption(t)
}

// FailoverTimeout bounds how long the primary holds back writes until the replica has all
// of them, to the millisecond; without it that has no bound.
func FailoverTimeout(d time.Duration) FailoverOption {
	t := option(groupBlock, "TIMEOUT", integer(milliseconds(d)))
	if d <= 0 {
		t.err = badArgument("a timeout must be positive")
	}
	return failoverOption(t)
}

// Failover makes a replica of the server the primary, and the server its replica. It answers
// before that is done: see [Role]. O(1). Since 6.2.0.
func Failover(opts ...FailoverOption) Cmd[struct{}] {
	r := newRequest(&specFailover)
	seen := addOptions(&r, opts, FailoverOption.failoverOption)
	const needed = groupFrom | groupBlock
	if seen&groupCondition != 0 && seen&needed != needed {
		r.fail(badArgument("FailoverForce needs FailoverTo and FailoverTimeout"))
	}
	return Cmd[struct{}]{r, decodeOK}
}

// FailoverAbort ends a [Failover] that is not done yet. An error: there is none. O(1).
// Since 6.2.0.
func FailoverAbort() Cmd[struct{}] {
	r := newRequest(&specFailover)
	r.word("ABORT")
	return Cmd[struct{}]{r, decodeOK}
}

// ServerRole is what a server is to others.
type ServerRole struct {
	Role string // "master", "slave" or "sentinel"
	// Offset is how far replication is, in bytes. -1: a replica that is not connected
	// yet. Of a Sentinel it is 0.
	Offset int64
	// Replicas are those of a primary.
	Replicas []ReplicaState
	// Host and Port are of a replica's primary, and State how the replica is connected to
	// it: "connect", "connecting", "handshake", "sync" or "connected".
	Host  string
	Port  int
	State string
	// Primaries are the names of what a Sentinel watches over.
	Primaries []string
}

// ReplicaState is a replica as its primary sees it.
type ReplicaState struct {
	Host   string
	Port   int
	Offset int64 // what it has acknowledged, in bytes
}

// Role returns what the server is to others: a primary with its replicas, a replica,
// a Sentinel. O(1). Since 2.8.12.
func Role() Cmd[ServerRole] { return Cmd[ServerRole]{newRequest(&specRole), decodeRole} }

func decodeRole(v proto.Value) (ServerRole, error) {
	const wanted = "a role"
	var s ServerRole
	if v.Kind() != proto.KindArray || v.Len() < 2 {
		return s, want(wanted)
	}
	t := textsOf(v)
	err := into(&s.Role, v.Index(0), t.string)
	switch {
	case s.Role == "master" && v.Len() >= 3:
		err = errors.Join(
			err,
			into(&s.Offset, v.Index(1), decodeInt),
			into(&s.Replicas, v.Index(2), t.replicaStates),
		)
	case s.Role == "slave" && v.Len() >= 5:
		err = errors.Join(
			err,
			into(&s.Host, v.Index(1), t.string),
			into(&s.Port, v.Index(2), decodeNumber),
			into(&s.State, v.Index(3), t.string),
			into(&s.Offset, v.Index(4), decodeInt),
		)
	case s.Role == "sentinel":
		err = errors.Join(err, into(&s.Primaries, v.Index(1), t.strings))
	default:
		err = want(wanted)
	}
	if err != nil {
		return ServerRole{}, want(wanted)
	}
	return s, nil
}

func (t *texts) replicaStates(v proto.Value) ([]ReplicaState, error) {
	return decodeEach(v, "replicas", func(v proto.Value) (ReplicaState, error) {
		var s ReplicaState
		if v.Kind() != proto.KindArray || v.Len() < 3 {
			return s, want("a replica")
		}
		return s, errors.Join(
			into(&s.Host, v.Index(0), t.string),
			into(&s.Port, v.Index(1), decodeNumber),
			into(&s.Offset, v.Index(2), decodeInt),
		)
	})
}
