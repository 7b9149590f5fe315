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
	// AvailabilityZone is empty where none is announced. Since Valkey 8.1.0.
	AvailabilityZone string
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
	return decodeEach(v, "shards", decodeShard)
}

func decodeShard(v proto.Value) (Shard, error) {
	var s Shard
	return s, decodeRecord(v, "a shard", func(name string, value proto.Value) (err error) {
		switch name {
		case "slots":
			s.Slots, err = decodeShardSlots(value)
		case "nodes":
			s.Nodes, err = decodeEach(value, "nodes", decodeShardNode)
		}
		return err
	})
}

// decodeShardSlots decodes the ends of ranges, one after the other.
func decodeShardSlots(v proto.Value) ([]SlotRange, error) {
	ends, err := decodeInts(v)
	if err != nil || len(ends)%2 != 0 {
		return nil, want("ranges of slots")
	}
	var ranges []SlotRange
	for i := 0; i < len(ends); i += 2 {
		ranges = append(ranges, SlotRange{int(ends[i]), int(ends[i+1])})
	}
	return ranges, nil
}

// decodeShardNode takes the fields that it knows; servers add to them.
func decodeShardNode(v proto.Value) (ShardNode, error) {
	var n ShardNode
	return n, decodeRecord(v, "a node", func(name string, value proto.Value) error {
		switch name {
		case "id":
			return into(&n.ID, value, decodeText)
		case "endpoint":
			return into(&n.Endpoint, value, decodeMaybeText)
		case "ip":
			return into(&n.IP, value, decodeMaybeText)
		case "hostname":
			return into(&n.Hostname, value, decodeMaybeText)
		case "port":
			return into(&n.Port, value, decodeNumber)
		case "tls-port":
			return into(&n.TLSPort, value, decodeNumber)
		case "role":
			return into(&n.Role, value, decodeText)
		case "replication-offset":
			return into(&n.Offset, value, decodeInt)
		case "health":
			return into(&n.Health, value, decodeText)
		case "availability-zone":
			return into(&n.AvailabilityZone, value, decodeMaybeText)
		}
		return nil
	})
}

// decodeMaybeText decodes a text, for which null stands where there is none.
func decodeMaybeText(v proto.Value) (string, error) {
	if v.IsNull() {
		return "", nil
	}
	return decodeString(v)
}
