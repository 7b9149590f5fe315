package command

import (
	"strconv"
	"strings"

	"github.com/redchan-go/redchan/proto"
)

// MemoryUsageOption is an option of [MemoryUsage]: [Samples].
type MemoryUsageOption interface{ memoryUsageOption() tokens }

// Samples is how many elements of a value [MemoryUsage] looks at: 5 without it, all for 0.
type Samples int64

func (s Samples) memoryUsageOption() tokens {
	t := option(groupCount, "SAMPLES", integer(int64(s)))
	if s < 0 {
		t.err = badArgument("SAMPLES can't be negative")
	}
	return t
}

// MemoryUsage returns how many bytes a key takes with its value. [Nil]: the key does not
// exist. O(N) for N samples. Since 4.0.0.
func MemoryUsage(key string, opts ...MemoryUsageOption) Cmd[int64] {
	r := newRequest(&specMemoryUsage)
	r.key(key)
	addOptions(&r, opts, MemoryUsageOption.memoryUsageOption)
	return Cmd[int64]{r, decodeInt}
}

// MemoryReport is where a server's memory goes, in bytes where nothing else is said.
// What the server does not tell is 0.
type MemoryReport struct {
	PeakAllocated    int64
	TotalAllocated   int64
	StartupAllocated int64

	ReplicationBacklog int64
	ReplicaBuffers     int64 // of a full synchronization; since Redis 8.0.0, Valkey 9.0.0
	ReplicaClients     int64
	NormalClients      int64
	ClusterLinks       int64 // since 7.0.0
	SlotImport         int64 // since Valkey 9.0.0
	SlotExport         int64 // since Valkey 9.0.0
	AOFBuffer          int64
	LuaCaches          int64
	FunctionCaches     int64            // since 7.0.0
	ScriptVMs          int64            // since Redis 8.0.0
	Databases          []DatabaseMemory // those that are in use
	HashTableLUT       int64            // lookup tables of all databases; since 7.4.0
	HashTableRehashing int64            // since 7.4.0
	OverheadTotal      int64            // all of the above but what is allocated in total

	Keys              int64 // how many
	BytesPerKey       int64
	RehashingTables   int64 // how many; since 7.4.0
	DatasetBytes      int64
	DatasetPercentage float64
	PeakPercentage    float64 // of now in the peak

	AllocatorAllocated     int64
	AllocatorActive        int64
	AllocatorResident      int64
	AllocatorMuzzy         int64 // since 7.4.0
	AllocatorFragmentation float64
	AllocatorFragBytes     int64
	AllocatorRSSRatio      float64
	AllocatorRSSBytes      int64
	RSSOverheadRatio       float64
	RSSOverheadBytes       int64
	Fragmentation          float64
	FragmentationBytes     int64
}

// DatabaseMemory is what the tables of a database take, in bytes.
type DatabaseMemory struct {
	DB        int
	MainTable int64
	Expires   int64
}

// MemoryStats returns where the server's memory goes. O(1). Since 4.0.0.
func MemoryStats() Cmd[MemoryReport] {
	return Cmd[MemoryReport]{newRequest(&specMemoryStats), decodeMemoryReport}
}

func decodeMemoryReport(v proto.Value) (MemoryReport, error) {
	var m MemoryReport
	bytes, ratios := m.bytes(), m.ratios()
	err := decodeRecord(v, "a memory report", func(name string, v proto.Value) error {
		if to := bytes[name]; to != nil {
			return into(to, v, decodeInt)
		}
		if to := ratios[name]; to != nil {
			return into(to, v, decodeFloat)
		}
		if db, ok := strings.CutPrefix(name, "db."); ok {
			if n, err := strconv.Atoi(db); err == nil {
				d, err := decodeDatabaseMemory(v)
				d.DB = n
				m.Databases = append(m.Databases, d)
				return err
			}
		}
		return nil
	})
	return m, err
}

// bytes says where the fields that are integers belong.
func (m *MemoryReport) bytes() map[string]*int64 {
	return map[string]*int64{
		"peak.allocated":                  &m.PeakAllocated,
		"total.allocated":                 &m.TotalAllocated,
		"startup.allocated":               &m.StartupAllocated,
		"replication.backlog":             &m.ReplicationBacklog,
		"replica.fullsync.buffer":         &m.ReplicaBuffers, // Redis
		"replicas.repl.buffer":            &m.ReplicaBuffers, // Valkey
		"clients.slaves":                  &m.ReplicaClients,
		"clients.normal":                  &m.NormalClients,
		"cluster.links":                   &m.ClusterLinks,
		"cluster.slot_import":             &m.SlotImport,
		"cluster.slot_export":             &m.SlotExport,
		"aof.buffer":                      &m.AOFBuffer,
		"lua.caches":                      &m.LuaCaches,
		"functions.caches":                &m.FunctionCaches,
		"script.VMs":                      &m.ScriptVMs,
		"overhead.db.hashtable.lut":       &m.HashTableLUT,
		"overhead.db.hashtable.rehashing": &m.HashTableRehashing,
		"overhead.total":                  &m.OverheadTotal,
		"db.dict.rehashing.count":         &m.RehashingTables,
		"keys.count":                      &m.Keys,
		"keys.bytes-per-key":              &m.BytesPerKey,
		"dataset.bytes":                   &m.DatasetBytes,
		"allocator.allocated":             &m.AllocatorAllocated,
		"allocator.active":                &m.AllocatorActive,
		"allocator.resident":              &m.AllocatorResident,
		"allocator.muzzy":                 &m.AllocatorMuzzy,
		"allocator-fragmentation.bytes":   &m.AllocatorFragBytes,
		"allocator-rss.bytes":             &m.AllocatorRSSBytes,
		"rss-overhead.bytes":              &m.RSSOverheadBytes,
		"fragmentation.bytes":             &m.FragmentationBytes,
	}
}

// ratios says where the fields that are ratios and percentages belong.
func (m *MemoryReport) ratios() map[string]*float64 {
	return map[string]*float64{
		"dataset.percentage":            &m.DatasetPercentage,
		"peak.percentage":               &m.PeakPercentage,
		"allocator-fragmentation.ratio": &m.AllocatorFragmentation,
		"allocator-rss.ratio":           &m.AllocatorRSSRatio,
		"rss-overhead.ratio":            &m.RSSOverheadRatio,
		"fragmentation":                 &m.Fragmentation,
	}
}

func decodeDatabaseMemory(v proto.Value) (DatabaseMemory, error) {
	var d DatabaseMemory
	err := decodeRecord(v, "a database's memory", func(name string, v proto.Value) error {
		switch name {
		case "overhead.hashtable.main":
			return into(&d.MainTable, v, decodeInt)
		case "overhead.hashtable.expires":
			return into(&d.Expires, v, decodeInt)
		}
		return nil
	})
	return d, err
}

// MemoryDoctor returns what the server makes of its memory, for people. O(1). Since 4.0.0.
func MemoryDoctor() Cmd[string] { return Cmd[string]{newRequest(&specMemoryDoctor), decodeText} }

// MemoryMallocStats returns what the server's allocator tells, for people. O(N). Since 4.0.0.
func MemoryMallocStats() Cmd[string] {
	return Cmd[string]{newRequest(&specMemoryMallocStats), decodeText}
}

// MemoryPurge asks the server's allocator to give back memory, which may be slow. O(N).
// Since 4.0.0.
func MemoryPurge() Cmd[struct{}] {
	return Cmd[struct{}]{newRequest(&specMemoryPurge), decodeOK}
}
