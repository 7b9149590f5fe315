package command

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/redchan-go/redchan/proto"
)

// ClusterState is what CLUSTER INFO tells: how the cluster does, as the node sees it.
type ClusterState struct {
	OK            bool // the node answers queries; false: "cluster_state:fail"
	SlotsAssigned int64
	SlotsOK       int64 // of nodes that are well
	SlotsPFail    int64 // of nodes that may have failed
	SlotsFail     int64 // of nodes that have failed
	KnownNodes    int64 // replicas too
	Size          int64 // how many primaries serve slots
	CurrentEpoch  int64
	MyEpoch       int64
	// Sent and Received are messages between the nodes.
	Sent, Received int64
	// Fields are all fields as the server names them.
	Fields map[string]string
}

// ClusterInfo returns how the cluster does. O(1). Since 3.0.0.
func ClusterInfo() Cmd[ClusterState] {
	return Cmd[ClusterState]{newRequest(&specClusterInfo), decodeClusterState}
}

func decodeClusterState(v proto.Value) (ClusterState, error) {
	const wanted = "the cluster's state"
	text, err := decodeText(v)
	if err != nil {
		return ClusterState{}, want(wanted)
	}
	state := ClusterState{Fields: map[string]string{}}
	numbers := map[string]*int64{
		"cluster_slots_assigned":          &state.SlotsAssigned,
		"cluster_slots_ok":                &state.SlotsOK,
		"cluster_slots_pfail":             &state.SlotsPFail,
		"cluster_slots_fail":              &state.SlotsFail,
		"cluster_known_nodes":             &state.KnownNodes,
		"cluster_size":                    &state.Size,
		"cluster_current_epoch":           &state.CurrentEpoch,
		"cluster_my_epoch":                &state.MyEpoch,
		"cluster_stats_messages_sent":     &state.Sent,
		"cluster_stats_messages_received": &state.Received,
	}
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		if !ok {
			continue
		}
		state.Fields[name] = value
		if to := numbers[name]; to != nil {
			if err := parseInto(to, value); err != nil {
				return ClusterState{}, wantCause(wanted, err)
			}
		}
	}
	state.OK = state.Fields["cluster_state"] == "ok"
	return state, nil
}

// ClusterNode is a node as CLUSTER NODES tells it.
type ClusterNode struct {
	ID       string
	IP       string // empty where the node asked does not know its own
	Port     int
	BusPort  int
	Hostname string            // empty where none is announced
	Extra    map[string]string // what else is announced, such as "shard-id"; nil for nothing
	// Flags are such as "myself", "master", "slave", "fail?", "fail", "handshake",
	// "noaddr", "nofailover".
	Flags     []string
	PrimaryID string    // of a replica; empty for a primary
	PingSent  time.Time // of the ping that waits for its answer; zero for none
	PongSeen  time.Time // of the last answer; zero for none
	Epoch     int64
	Connected bool        // by the cluster's bus
	Slots     []SlotRange // of a primary
	// Migrating and Importing are open slots, told by the node itself alone.
	Migrating, Importing []OpenSlot
}

// OpenSlot is a slot on its way from or to another node.
type OpenSlot struct {
	Slot int
	Node string // the other node's ID
}

// Is reports whether the node has a flag.
func (n ClusterNode) Is(flag string) bool { return slices.Contains(n.Flags, flag) }

// ClusterNodes returns all nodes that the node asked knows, itself included. O(N).
// Since 3.0.0.
func ClusterNodes() Cmd[[]ClusterNode] {
	return Cmd[[]ClusterNode]{newRequest(&specClusterNodes), decodeClusterNodes}
}

// ClusterReplicas returns the replicas of a primary. O(N). Since 5.0.0.
func ClusterReplicas(node string) Cmd[[]ClusterNode] {
	r := newRequest(&specClusterReplicas)
	r.word(node)
	return Cmd[[]ClusterNode]{r, decodeClusterReplicas}
}

// ClusterSlaves is [ClusterReplicas] by its old name. Superseded by [ClusterReplicas].
// O(N). Since 3.0.0.
func ClusterSlaves(node string) Cmd[[]ClusterNode] {
	r := newRequest(&specClusterSlaves)
	r.word(node)
	return Cmd[[]ClusterNode]{r, decodeClusterReplicas}
}

func decodeClusterNodes(v proto.Value) ([]ClusterNode, error) {
	text, err := decodeText(v)
	if err != nil {
		return nil, want("lines of nodes")
	}
	t := textsOf(v)
	var nodes []ClusterNode
	for line := range strings.Lines(text) {
		node, err := t.parseClusterNode(line)
		if err != nil {
			return nil, wantCause("lines of nodes", err)
		}
		nodes = append(nodes, node)
	}
	return nodes, nil
}

// decodeClusterReplicas decodes an array of lines of nodes.
func decodeClusterReplicas(v proto.Value) ([]ClusterNode, error) {
	t := textsOf(v)
	return decodeEach(v, "lines of nodes", func(v proto.Value) (ClusterNode, error) {
		line, err := decodeText(v)
		if err != nil {
			return ClusterNode{}, err
		}
		return t.parseClusterNode(line)
	})
}

var errNodeLine = errors.New("a node's line has fewer than 8 fields")

// parseClusterNode parses "<id> <ip:port@cport[,hostname[,name=value]]> <flags>
// <primary> <ping-sent> <pong-recv> <epoch> <link-state> <slot> ...".
func (t *texts) parseClusterNode(line string) (ClusterNode, error) {
	var n ClusterNode
	f := strings.Fields(line)
	const fixed = 8
	if len(f) < fixed {
		return n, errNodeLine
	}
	n.ID = t.text(f[0])
	n.Flags = strings.Split(t.text(f[2]), ",")
	if f[3] != "-" {
		n.PrimaryID = t.text(f[3])
	}
	n.Connected = f[7] == "connected"
	err := errors.Join(
		t.parseNodeAddress(&n, f[1]),
		parseUnixMilli(&n.PingSent, f[4]),
		parseUnixMilli(&n.PongSeen, f[5]),
		parseInto(&n.Epoch, f[6]),
	)
	for _, slots := range f[fixed:] {
		err = errors.Join(err, t.parseNodeSlots(&n, slots))
	}
	return n, err
}

// parseNodeAddress parses "ip:port@cport[,hostname[,name=value]]".
func (t *texts) parseNodeAddress(n *ClusterNode, field string) error {
	field, names, _ := strings.Cut(field, ",")
	for i, name := range strings.Split(names, ",") {
		if i == 0 {
			n.Hostname = t.text(name)
		} else if key, value, ok := strings.Cut(name, "="); ok {
			if n.Extra == nil {
				n.Extra = map[string]string{}
			}
			n.Extra[t.text(key)] = t.text(value)
		}
	}
	address, bus, hasBus := strings.Cut(field, "@")
	var err error
	if hasBus {
		err = parseInto(&n.BusPort, bus)
	}
	colon := strings.LastIndexByte(address, ':') // an IPv6 address has more of them
	if colon < 0 {
		return err
	}
	n.IP = t.text(address[:colon])
	return errors.Join(err, parseInto(&n.Port, address[colon+1:]))
}

// parseNodeSlots parses "7", "3-9", "[7->-id]" for one that migrates there, or "[7-<-id]"
// for one that is imported from there.
func (t *texts) parseNodeSlots(n *ClusterNode, field string) error {
	open, ok := strings.CutPrefix(field, "[")
	if !ok {
		slots, err := parseSlots(field)
		n.Slots = append(n.Slots, slots)
		return err
	}
	open = strings.TrimSuffix(open, "]")
	to := &n.Migrating
	slot, node, ok := strings.Cut(open, "->-")
	if !ok {
		to = &n.Importing
		slot, node, _ = strings.Cut(open, "-<-")
	}
	o := OpenSlot{Node: t.text(node)}
	err := parseInto(&o.Slot, slot)
	*to = append(*to, o)
	return err
}

// SlotNode is a node that serves slots, as CLUSTER SLOTS tells it.
type SlotNode struct {
	Endpoint string // the address to connect to as the node prefers it; "" is the one asked
	Port     int
	ID       string
	// Names are other addresses and facts, such as "ip", "hostname" and
	// "availability-zone". Since 7.0.0.
	Names map[string]string
}

// SlotNodes is a run of slots with the nodes that serve it.
type SlotNodes struct {
	SlotRange
	Primary  SlotNode
	Replicas []SlotNode
}

// ClusterSlots returns which nodes serve which slots; [ClusterShards] tells more. O(N).
// Since 3.0.0.
func ClusterSlots() Cmd[[]SlotNodes] {
	return Cmd[[]SlotNodes]{newRequest(&specClusterSlots), decodeClusterSlots}
}

func decodeClusterSlots(v proto.Value) ([]SlotNodes, error) {
	return decodeEach(v, "slots and nodes", textsOf(v).slotNodes)
}

func (t *texts) slotNodes(v proto.Value) (SlotNodes, error) {
	var s SlotNodes
	const before = 2 // the two ends of the run
	if v.Kind() != proto.KindArray || v.Len() <= before {
		return s, want("slots and nodes")
	}
	s.From, s.To = int(v.Index(0).Int()), int(v.Index(1).Int())
	i := 0
	for element := range v.All() {
		if i >= before {
			node, err := t.slotNode(element)
			if err != nil {
				return s, err
			}
			if i == before {
				s.Primary = node
			} else {
				s.Replicas = append(s.Replicas, node)
			}
		}
		i++
	}
	return s, nil
}

// slotNode decodes endpoint, port, ID (since 4.0.0) and names (since 7.0.0).
func (t *texts) slotNode(v proto.Value) (SlotNode, error) {
	var n SlotNode
	if v.Kind() != proto.KindArray || v.Len() < 2 {
		return n, want("a node")
	}
	err := errors.Join(
		into(&n.Endpoint, v.Index(0), t.maybeString),
		into(&n.Port, v.Index(1), decodeNumber),
	)
	if v.Len() > 2 {
		err = errors.Join(err, into(&n.ID, v.Index(2), t.string))
	}
	if v.Len() > 3 && v.Index(3).Len() > 0 {
		err = errors.Join(err, into(&n.Names, v.Index(3), t.stringMap))
	}
	return n, err
}

// ClusterLink is a connection between two nodes: each pair has two.
type ClusterLink struct {
	Direction string // "to" the other node or "from" it
	Node      string // the other node's ID
	Created   time.Time
	Events    string // what the node waits for: "r", "w" or both
	// SendBufferAllocated and SendBufferUsed are bytes.
	SendBufferAllocated, SendBufferUsed int64
}

// ClusterLinks returns the connections of the node to the other nodes. O(N).
// Since 7.0.0.
func ClusterLinks() Cmd[[]ClusterLink] {
	return Cmd[[]ClusterLink]{newRequest(&specClusterLinks), decodeClusterLinks}
}

func decodeClusterLinks(v proto.Value) ([]ClusterLink, error) {
	return decodeEach(v, "links", textsOf(v).clusterLink)
}

func (t *texts) clusterLink(v proto.Value) (ClusterLink, error) {
	var l ClusterLink
	err := decodeRecord(v, "a link", func(name string, v proto.Value) error {
		switch name {
		case "direction":
			return into(&l.Direction, v, t.string)
		case "node":
			return into(&l.Node, v, t.string)
		case "create-time":
			return into(&l.Created, v, decodeUnixMilli)
		case "events":
			return into(&l.Events, v, t.string)
		case "send-buffer-allocated":
			return into(&l.SendBufferAllocated, v, decodeInt)
		case "send-buffer-used":
			return into(&l.SendBufferUsed, v, decodeInt)
		}
		return nil
	})
	return l, err
}

// ClusterMyID returns the ID of the node. O(1). Since 3.0.0.
func ClusterMyID() Cmd[string] { return Cmd[string]{newRequest(&specClusterMyid), decodeText} }

// ClusterMyShardID returns the ID of the node's shard. O(1). Since 7.2.0.
func ClusterMyShardID() Cmd[string] {
	return Cmd[string]{newRequest(&specClusterMyshardid), decodeText}
}

// ClusterCountFailureReports returns how many nodes told of late that a node may have
// failed. O(N). Since 3.0.0.
func ClusterCountFailureReports(node string) Cmd[int64] {
	r := newRequest(&specClusterCountFailureReports)
	r.word(node)
	return Cmd[int64]{r, decodeInt}
}
