package command

import "github.com/redchan-go/redchan/proto"

// SlotRange is a run of slots, both ends included.
type SlotRange struct{ From, To int }

// ShardNode is a node of a cluster as CLUSTER SHARDS tells it.
type ShardNode struct {
	ID       string
	Endpoint string // the address to connect to as the node prefers it: IP, host name, or "" for the one asked
	IP       string
	Hostname string // empty where none is announced
	Port     int    // 0 where the node takes only TLS
	TLSPort  int    // 0 where it takes none
	Role     string // "master" or "replica"
	Offset   int64  // of replication, in bytes
	Health   string // "online", "failed" or "loading"
}

// Shard is a primary with its replicas and the slots that they serve.
type Shard struct {
	Slots []SlotRange
	Nodes []ShardNode
}

// ClusterShards returns the shards of a cluster. O(N). Since 7.0.0.
func ClusterShards() Cmd[[]Shard] {
	return Cmd[[]Shard]{newRequest(&specClusterShards), decodeShards}
}

func decodeShards(v proto.Value) ([]Shard, error) {
	const wanted = "shards"
	if v.Kind() != proto.KindArray {
		return nil, want(wanted)
	}
	shards := make([]Shard, 0, v.Len())
	e := v.Elems()
	for e.Next() {
		var shard Shard
		if !isPairs(e.Value()) {
			return nil, want(wanted)
		}
		for name, value := range e.Value().Pairs() {
			switch name.Str() {
			case "slots":
				for from, to := range value.Pairs() {
					shard.Slots = append(shard.Slots, SlotRange{int(from.Int()), int(to.Int())})
				}
			case "nodes":
				for node := range value.All() {
					shard.Nodes = append(shard.Nodes, decodeShardNode(node))
				}
			}
		}
		shards = append(shards, shard)
	}
	return shards, nil
}

// decodeShardNode takes the fields that it knows; servers add to them.
func decodeShardNode(v proto.Value) ShardNode {
	var n ShardNode
	for name, value := range v.Pairs() {
		switch name.Str() {
		case "id":
			n.ID = value.Str()
		case "endpoint":
			n.Endpoint = value.Str()
		case "ip":
			n.IP = value.Str()
		case "hostname":
			n.Hostname = value.Str()
		case "port":
			n.Port = int(value.Int())
		case "tls-port":
			n.TLSPort = int(value.Int())
		case "role":
			n.Role = value.Str()
		case "replication-offset":
			n.Offset = value.Int()
		case "health":
			n.Health = value.Str()
		}
	}
	return n
}
