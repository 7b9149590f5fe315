package command

import (
	"errors"
	"strings"
	"time"

	"github.com/redchan-go/redchan/proto"
)

// numSlots is how many slots a cluster has.
const numSlots = 1 << 14

// slot appends the number of a slot.
func (r *Request) slot(slot int) {
	if slot < 0 || slot >= numSlots {
		r.fail(badArgument("a slot is a number from 0 to %d", numSlots-1))
	}
	r.int(int64(slot))
}

// slots appends slots, of which there must be one at least.
func (r *Request) slots(slots []int) {
	if len(slots) == 0 {
		r.fail(badArgument("no slots"))
	}
	r.grow(len(slots))
	for _, slot := range slots {
		r.slot(slot)
	}
}

// slotRanges appends runs of slots, of which there must be one at least.
func (r *Request) slotRanges(ranges []SlotRange) {
	if len(ranges) == 0 {
		r.fail(badArgument("no slots"))
	}
	r.grow(2 * len(ranges))
	for _, slots := range ranges {
		if slots.From > slots.To {
			r.fail(badArgument("a run of slots ends before it begins"))
		}
		r.slot(slots.From)
		r.slot(slots.To)
	}
}

// ClusterAddSlots makes the node serve slots that nobody serves yet, all or none. O(N).
// Since 3.0.0.
func ClusterAddSlots(slots ...int) Cmd[struct{}] {
	r := newRequest(&specClusterAddslots)
	r.slots(slots)
	return Cmd[struct{}]{r, decodeOK}
}

// ClusterAddSlotsRange is [ClusterAddSlots] for runs of slots. O(N). Since 7.0.0.
func ClusterAddSlotsRange(ranges ...SlotRange) Cmd[struct{}] {
	r := newRequest(&specClusterAddslotsrange)
	r.slotRanges(ranges)
	return Cmd[struct{}]{r, decodeOK}
}

// ClusterDelSlots makes the node forget who serves slots. O(N). Since 3.0.0.
func ClusterDelSlots(slots ...int) Cmd[struct{}] {
	r := newRequest(&specClusterDelslots)
	r.slots(slots)
	return Cmd[struct{}]{r, decodeOK}
}

// ClusterDelSlotsRange is [ClusterDelSlots] for runs of slots. O(N). Since 7.0.0.
func ClusterDelSlotsRange(ranges ...SlotRange) Cmd[struct{}] {
	r := newRequest(&specClusterDelslotsrange)
	r.slotRanges(ranges)
	return Cmd[struct{}]{r, decodeOK}
}

// ClusterFlushSlots makes the node forget who serves all its slots; it must have no keys.
// O(1). Since 3.0.0.
func ClusterFlushSlots() Cmd[struct{}] {
	return Cmd[struct{}]{newRequest(&specClusterFlushslots), decodeOK}
}

// ClusterFlushSlot removes all keys of a slot. O(N). Since Valkey 9.0.0.
func ClusterFlushSlot(slot int, opts ...FlushOption) Cmd[struct{}] {
	r := newRequest(&specClusterFlushslot)
	r.slot(slot)
	addOptions(&r, opts, FlushOption.flushOption)
	return Cmd[struct{}]{r, decodeOK}
}

// ClusterKeySlot returns the slot of a key. O(N). Since 3.0.0.
func ClusterKeySlot(key string) Cmd[int64] {
	r := newRequest(&specClusterKeyslot)
	r.word(key) // any node can tell
	return Cmd[int64]{r, decodeInt}
}

// ClusterCountKeysInSlot returns how many keys of a slot the node has. O(1). Since 3.0.0.
func ClusterCountKeysInSlot(slot int) Cmd[int64] {
	r := newRequest(&specClusterCountkeysinslot)
	r.slot(slot)
	return Cmd[int64]{r, decodeInt}
}

// ClusterGetKeysInSlot returns up to count keys of a slot that the node has. O(N).
// Since 3.0.0.
func ClusterGetKeysInSlot(slot, count int) Cmd[[]string] {
	r := newRequest(&specClusterGetkeysinslot)
	r.slot(slot)
	r.int(int64(count))
	if count <= 0 {
		r.fail(badArgument("the number of keys must be positive"))
	}
	return Cmd[[]string]{r, decodeStrings}
}

// SetSlotOption is an option of [ClusterSetSlotNode] and its kind: [SetSlotTimeout].
type SetSlotOption interface{ setSlotOption() tokens }

type setSlotTimeout time.Duration

// SetSlotTimeout bounds how long CLUSTER SETSLOT waits for the node's replicas, to the
// millisecond; without it, it is two seconds. Since Valkey 8.0.0.
func SetSlotTimeout(d time.Duration) SetSlotOption { return setSlotTimeout(d) }

func (d setSlotTimeout) setSlotOption() tokens {
	t := option(groupBlock, "TIMEOUT", integer(milliseconds(time.Duration(d))))
	if d <= 0 {
		t.err = badArgument("a timeout must be positive")
	}
	return t
}

// ClusterSetSlotImporting prepares the node to take a slot from another one. O(1).
// Since 3.0.0.
func ClusterSetSlotImporting(slot int, from string, opts ...SetSlotOption) Cmd[struct{}] {
	return setSlot(slot, "IMPORTING", from, opts)
}

// ClusterSetSlotMigrating prepares the node to give a slot to another one. O(1).
// Since 3.0.0.
func ClusterSetSlotMigrating(slot int, to string, opts ...SetSlotOption) Cmd[struct{}] {
	return setSlot(slot, "MIGRATING", to, opts)
}

// ClusterSetSlotNode says which node serves a slot. O(1). Since 3.0.0.
func ClusterSetSlotNode(slot int, node string, opts ...SetSlotOption) Cmd[struct{}] {
	return setSlot(slot, "NODE", node, opts)
}

// ClusterSetSlotStable ends what [ClusterSetSlotImporting] or [ClusterSetSlotMigrating]
// began. O(1). Since 3.0.0.
func ClusterSetSlotStable(slot int, opts ...SetSlotOption) Cmd[struct{}] {
	return setSlot(slot, "STABLE", "", opts)
}

func setSlot(slot int, state, node string, opts []SetSlotOption) Cmd[struct{}] {
	r := newRequest(&specClusterSetslot)
	r.slot(slot)
	r.word(state)
	if state != "STABLE" {
		r.word(node)
	}
	addOptions(&r, opts, SetSlotOption.setSlotOption)
	return Cmd[struct{}]{r, decodeOK}
}

// SlotStats is what a node counted for a slot. All but Keys is counted where the server's
// cluster-slot-stats-enabled is yes.
type SlotStats struct {
	Slot     int
	Keys     int64
	CPU      time.Duration
	BytesIn  int64
	BytesOut int64
}

// ClusterSlotStats returns what the node counted for those slots of a run that it serves.
// O(N). Since Valkey 8.0.0.
func ClusterSlotStats(slots SlotRange) Cmd[[]SlotStats] {
	r := newRequest(&specClusterSlotStats)
	r.word("SLOTSRANGE")
	r.slotRanges([]SlotRange{slots})
	return Cmd[[]SlotStats]{r, decodeSlotStats}
}

// SlotMetric is what [ClusterSlotStatsBy] orders by.
type SlotMetric string

// The metrics of slots.
const (
	SlotKeys     SlotMetric = "KEY-COUNT"
	SlotCPU      SlotMetric = "CPU-USEC"
	SlotBytesIn  SlotMetric = "NETWORK-BYTES-IN"
	SlotBytesOut SlotMetric = "NETWORK-BYTES-OUT"
)

// ClusterSlotStatsBy returns what the node counted for up to limit of its slots, in
// the order of a metric. O(N*log(N)). Since Valkey 8.0.0.
func ClusterSlotStatsBy(metric SlotMetric, limit int, order Order) Cmd[[]SlotStats] {
	r := newRequest(&specClusterSlotStats)
	r.word("ORDERBY")
	switch metric {
	case SlotKeys, SlotCPU, SlotBytesIn, SlotBytesOut:
		r.word(string(metric))
	default:
		r.fail(badArgument("no such metric of slots"))
	}
	r.word("LIMIT")
	r.int(int64(limit))
	if limit <= 0 || limit > numSlots {
		r.fail(badArgument("a limit of slots is a number from 1 to %d", numSlots))
	}
	r.option(order.tokens())
	return Cmd[[]SlotStats]{r, decodeSlotStats}
}

func decodeSlotStats(v proto.Value) ([]SlotStats, error) {
	return decodeEach(v, "statistics of slots", decodeOneSlotStats)
}

func decodeOneSlotStats(v proto.Value) (SlotStats, error) {
	const wanted = "statistics of slots"
	var s SlotStats
	if v.Kind() != proto.KindArray || v.Len() < 2 {
		return s, want(wanted)
	}
	s.Slot = int(v.Index(0).Int())
	err := decodeRecord(v.Index(1), wanted, func(name string, v proto.Value) error {
		switch name {
		case "key-count":
			return into(&s.Keys, v, decodeInt)
		case "cpu-usec":
			return into(&s.CPU, v, decodeMicroseconds)
		case "network-bytes-in":
			return into(&s.BytesIn, v, decodeInt)
		case "network-bytes-out":
			return into(&s.BytesOut, v, decodeInt)
		}
		return nil
	})
	return s, err
}

// SlotTransfer is slots that a node is to be given.
type SlotTransfer struct {
	Slots []SlotRange
	Node  string // the ID of the node that gets them
}

// ClusterMigrateSlots begins to move slots of the node, with their keys, to other nodes.
// [ClusterGetSlotMigrations] tells how it goes on. O(N). Since Valkey 9.0.0.
func ClusterMigrateSlots(transfers ...SlotTransfer) Cmd[struct{}] {
	r := newRequest(&specClusterMigrateslots)
	if len(transfers) == 0 {
		r.fail(badArgument("no slots"))
	}
	for _, transfer := range transfers {
		r.word("SLOTSRANGE")
		r.slotRanges(transfer.Slots)
		r.word("NODE")
		r.word(transfer.Node)
	}
	return Cmd[struct{}]{r, decodeOK}
}

// SlotMigration is slots on their way, or arrived not long ago.
type SlotMigration struct {
	Name      string // an ID
	Operation string // "EXPORT" on the node that had them, "IMPORT" on the other
	Slots     []SlotRange
	Source    string // the ID of the node that had them
	Target    string
	State     string    // "success", "failed", "cancelled", or what it is at
	Message   string    // why it failed
	Created   time.Time // times are in whole seconds
	Updated   time.Time
	LastAck   time.Time
	// CopyOnWrite and Remaining are bytes: of memory for the snapshot, and of changes
	// that are still to be sent.
	CopyOnWrite, Remaining int64
}

// ClusterGetSlotMigrations returns the slots on their way from or to the node, the newest
// first. O(N). Since Valkey 9.0.0.
func ClusterGetSlotMigrations() Cmd[[]SlotMigration] {
	return Cmd[[]SlotMigration]{newRequest(&specClusterGetslotmigrations), decodeSlotMigrations}
}

func decodeSlotMigrations(v proto.Value) ([]SlotMigration, error) {
	return decodeEach(v, "migrations of slots", textsOf(v).slotMigration)
}

func (t *texts) slotMigration(v proto.Value) (SlotMigration, error) {
	var m SlotMigration
	err := decodeRecord(v, "a migration of slots", func(name string, v proto.Value) error {
		switch name {
		case "name":
			return into(&m.Name, v, t.string)
		case "operation":
			return into(&m.Operation, v, t.string)
		case "slot_ranges":
			return into(&m.Slots, v, decodeSlotRanges)
		case "source_node":
			return into(&m.Source, v, t.string)
		case "target_node":
			return into(&m.Target, v, t.string)
		case "state":
			return into(&m.State, v, t.string)
		case "message":
			return into(&m.Message, v, t.string)
		case "create_time":
			return into(&m.Created, v, decodeUnixSeconds)
		case "last_update_time":
			return into(&m.Updated, v, decodeUnixSeconds)
		case "last_ack_time":
			return into(&m.LastAck, v, decodeUnixSeconds)
		case "cow_size":
			return into(&m.CopyOnWrite, v, decodeInt)
		case "remaining_repl_size":
			return into(&m.Remaining, v, decodeInt)
		}
		return nil
	})
	return m, err
}

// decodeSlotRanges decodes "0-10 20 30-40".
func decodeSlotRanges(v proto.Value) ([]SlotRange, error) {
	text, err := decodeText(v)
	var ranges []SlotRange
	for field := range strings.FieldsSeq(text) {
		slots, wrong := parseSlots(field)
		ranges, err = append(ranges, slots), errors.Join(err, wrong)
	}
	return ranges, err
}

// ClusterCancelSlotMigrations ends all exports of slots that the node is at. O(N).
// Since Valkey 9.0.0.
func ClusterCancelSlotMigrations() Cmd[struct{}] {
	return Cmd[struct{}]{newRequest(&specClusterCancelslotmigrations), decodeOK}
}

// ClusterScanOption is an option of [ClusterScan]: [Count], [Match], [OfType], [InSlot].
type ClusterScanOption interface{ clusterScanOption() tokens }

func (c Count) clusterScanOption() tokens  { return c.tokens() }
func (m Match) clusterScanOption() tokens  { return m.scanOption() }
func (t OfType) clusterScanOption() tokens { return t.scanOption() }

type inSlot int

// InSlot lets [ClusterScan] scan one slot only.
func InSlot(slot int) ClusterScanOption { return inSlot(slot) }

func (s inSlot) clusterScanOption() tokens {
	t := option(groupFrom, "SLOT", integer(int64(s)))
	if s < 0 || s >= numSlots {
		t.err = badArgument("a slot is a number from 0 to %d", numSlots-1)
	}
	return t
}

// ClusterScanPage is one part of a scan of a cluster. It can be empty in the middle of one.
type ClusterScanPage struct {
	// Cursor is what to give to the next call; "0" is the end of the scan. It has
	// a hash tag of the slot where the scan goes on.
	Cursor string
	Keys   []string
}

// ClusterScan returns a part of the keys of a cluster, slot by slot. A scan starts
// with the cursor "0" and ends when a page's Cursor is "0"; each call goes to the node that
// serves the slot of its cursor. A key that exists all the time is found at least once,
// possibly twice. O(N). Since Valkey 9.1.0.
func ClusterScan(cursor string, opts ...ClusterScanOption) Cmd[ClusterScanPage] {
	r := newRequest(&specClusterscan)
	r.word(cursor)
	if cursor == "" {
		r.fail(badArgument(`no cursor: a scan starts with "0"`))
	}
	addOptions(&r, opts, ClusterScanOption.clusterScanOption)
	return Cmd[ClusterScanPage]{r, decodeClusterScanPage}
}

func decodeClusterScanPage(v proto.Value) (ClusterScanPage, error) {
	var page ClusterScanPage
	if v.Kind() != proto.KindArray || v.Len() != 2 {
		return page, want("cursor and keys")
	}
	t := textsOf(v)
	err := errors.Join(
		into(&page.Cursor, v.Index(0), t.string),
		into(&page.Keys, v.Index(1), t.strings),
	)
	if err != nil {
		return ClusterScanPage{}, want("cursor and keys")
	}
	return page, nil
}
