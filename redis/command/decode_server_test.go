package command_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/redchan-go/redchan/redis/command"
)

// The elements of a reply that servers write differently in RESP3 and RESP2.
type (
	pairs []any  // a map; flat in RESP2
	set   []any  // a set; an array in RESP2
	text  string // a verbatim string; a bulk string in RESP2
	ok    string // a simple string
)

// encode returns a reply as a server of the protocol writes it.
func encode(v any, resp2 bool) string {
	list := func(kind string, n int, elements []any) string {
		b := kind + strconv.Itoa(n) + "\r\n"
		for _, e := range elements {
			b += encode(e, resp2)
		}
		return b
	}
	switch v := v.(type) {
	case nil:
		if resp2 {
			return "$-1\r\n"
		}
		return "_\r\n"
	case string:
		return fmt.Sprintf("$%d\r\n%s\r\n", len(v), v)
	case ok:
		return "+" + string(v) + "\r\n"
	case text:
		if resp2 {
			return encode(string(v), true)
		}
		return fmt.Sprintf("=%d\r\ntxt:%s\r\n", 4+len(v), string(v))
	case int, int64:
		return fmt.Sprintf(":%d\r\n", v)
	case float64:
		if resp2 {
			return encode(strconv.FormatFloat(v, 'g', -1, 64), true)
		}
		return fmt.Sprintf(",%v\r\n", v)
	case []any:
		return list("*", len(v), v)
	case set:
		if resp2 {
			return list("*", len(v), v)
		}
		return list("~", len(v), v)
	case pairs:
		if resp2 {
			return list("*", len(v), v)
		}
		return list("%", len(v)/2, v)
	}
	panic(fmt.Sprintf("%T", v))
}

const (
	clientLine = "id=5 addr=127.0.0.1:54048 laddr=127.0.0.1:6379 fd=11 name=w age=90 idle=2 flags=bP db=3 sub=1 psub=2 ssub=4 multi=-1 watch=6 qbuf=26 qbuf-free=20448 argv-mem=10 multi-mem=7 rbs=16384 rbp=16385 obl=1 oll=2 omem=3 tot-mem=37786 events=r cmd=client|list user=bob redir=-1 resp=3 lib-name=redchan lib-ver=1.0 io-thread=2 capa=r tot-net-in=48 tot-net-out=210 tot-cmds=9 future=x"
	nodeLine   = "07c3 127.0.0.1:30004@31004,hostname4,shard-id=ab slave,fail? e7d1 1426238317100 1426238317239 4 connected\n"
	myLine     = "e7d1 ::1:30001@31001 myself,master - 0 0 1 disconnected 0-5460 5462 [5461->-292f] [77-<-67ed]\n"
)

func TestDecodeServers(t *testing.T) {
	client := command.ConnectedClient{
		ID: 5, Addr: "127.0.0.1:54048", LocalAddr: "127.0.0.1:6379", FD: 11, Name: "w", User: "bob", LibName: "redchan", LibVer: "1.0",
		Flags: "bP", Events: "r", Command: "client|list", Protocol: 3, DB: 3, IOThread: 2, Capa: "r",
		Age: 90 * time.Second, Idle: 2 * time.Second,
		Subscriptions: 1, Patterns: 2, ShardSubscriptions: 4, Queued: -1, Watched: 6, Redirect: -1,
		QueryBuffer: 26, QueryBufferFree: 20448, ArgvMemory: 10, MultiMemory: 7, ReplyBuffer: 16384, ReplyBufferPeak: 16385,
		OutputBuffer: 1, OutputList: 2, OutputMemory: 3, TotalMemory: 37786, BytesIn: 48, BytesOut: 210, Commands: 9,
	}
	replica := command.ClusterNode{
		ID: "07c3", IP: "127.0.0.1", Port: 30004, BusPort: 31004, Hostname: "hostname4", Extra: map[string]string{"shard-id": "ab"},
		Flags: []string{"slave", "fail?"}, PrimaryID: "e7d1", PingSent: time.UnixMilli(1426238317100), PongSeen: time.UnixMilli(1426238317239),
		Epoch: 4, Connected: true,
	}
	me := command.ClusterNode{
		ID: "e7d1", IP: "::1", Port: 30001, BusPort: 31001, Flags: []string{"myself", "master"}, Epoch: 1,
		Slots:     []command.SlotRange{{From: 0, To: 5460}, {From: 5462, To: 5462}},
		Migrating: []command.OpenSlot{{Slot: 5461, Node: "292f"}}, Importing: []command.OpenSlot{{Slot: 77, Node: "67ed"}},
	}
	at := time.Unix(1700000000, 0)
	for _, test := range []struct {
		name  string
		reply any
		got   func(*double) (any, error)
		want  any
		err   error
	}{
		{
			"ACL GETUSER",
			pairs{
				"flags",
				set{"on", "nopass"},
				"passwords",
				[]any{"ab12"},
				"commands", "-@all +get", "keys", "~a*", "channels", "&c*", "databases", "alldbs", "future", 1,
				"selectors",
				[]any{pairs{"commands", "+set", "keys", "~b*", "channels", ""}},
			},
			do(command.ACLGetUser("bob")),
			command.ACLUser{
				Flags: []string{"on", "nopass"}, Passwords: []string{"ab12"},
				ACLRules:  command.ACLRules{Commands: "-@all +get", Keys: "~a*", Channels: "&c*", Databases: "alldbs"},
				Selectors: []command.ACLRules{{Commands: "+set", Keys: "~b*"}},
			},
			nil,
		},
		{
			"ACL GETUSER before 7.0",
			pairs{
				"flags",
				[]any{"on", "nopass"},
				"passwords",
				[]any{},
				"commands", "+@all", "keys",
				[]any{"a*", "b*"},
				"channels",
				[]any{"*"},
			},
			do(command.ACLGetUser("bob")),
			command.ACLUser{
				Flags: []string{"on", "nopass"}, Passwords: []string{},
				ACLRules: command.ACLRules{Commands: "+@all", Keys: "~a* ~b*", Channels: "&*"},
			},
			nil,
		},
		{"ACL GETUSER of nobody", nil, do(command.ACLGetUser("bob")), command.ACLUser{}, command.Nil},
		{"ACL DRYRUN", ok("OK"), do(command.ACLDryRun("bob", "get", "k")), command.ACLVerdict{Allowed: true}, nil},
		{"ACL DRYRUN refused", "no permissions", do(command.ACLDryRun("bob", "get", "k")), command.ACLVerdict{Reason: "no permissions"}, nil},
		{
			"ACL LOG",
			[]any{pairs{
				"count", 2, "reason", "key", "context", "toplevel", "object", "k", "username", "bob", "age-seconds", 4.5, "client-info", clientLine,
				"entry-id", 3, "timestamp-created", int64(1700000000000), "timestamp-last-updated", int64(1700000000500),
			}},
			do(command.ACLLog(9)),
			[]command.ACLLogEntry{{
				ID: 3, Count: 2, Reason: "key", Context: "toplevel", Object: "k", Username: "bob", Age: 4500 * time.Millisecond, Client: client,
				Created: at, Updated: at.Add(500 * time.Millisecond),
			}},
			nil,
		},
		{"CLIENT INFO", text(clientLine + "\n"), do(command.ClientInfo()), client, nil},
		{"CLIENT LIST", text(clientLine + "\nid=7 name=\n"), do(command.ClientList()), []command.ConnectedClient{client, {ID: 7}}, nil},
		{"CLIENT LIST of nobody", text(""), do(command.ClientList()), []command.ConnectedClient{}, nil},
		{
			"CLIENT TRACKINGINFO",
			pairs{"flags", set{"on", "bcast"}, "redirect", 0, "prefixes", []any{"a"}},
			do(command.ClientTrackingInfo()),
			command.TrackingInfo{Flags: []string{"on", "bcast"}, Prefixes: []string{"a"}},
			nil,
		},
		{"CLUSTER NODES", text(nodeLine + myLine), do(command.ClusterNodes()), []command.ClusterNode{replica, me}, nil},
		{"CLUSTER REPLICAS", []any{strings.TrimSpace(nodeLine)}, do(command.ClusterReplicas("e7d1")), []command.ClusterNode{replica}, nil},
		{"CLUSTER SLAVES", []any{strings.TrimSpace(nodeLine)}, do(command.ClusterSlaves("e7d1")), []command.ClusterNode{replica}, nil},
		{
			"CLUSTER SLOTS",
			[]any{
				[]any{0, 5460, []any{"127.0.0.1", 30001, "09db", pairs{"hostname", "h1"}}, []any{nil, 30004, "821d", pairs{}}},
				[]any{5461, 5461, []any{"", 30002}},
			},
			do(command.ClusterSlots()),
			[]command.SlotNodes{
				{
					SlotRange: command.SlotRange{From: 0, To: 5460},
					Primary:   command.SlotNode{Endpoint: "127.0.0.1", Port: 30001, ID: "09db", Names: map[string]string{"hostname": "h1"}},
					Replicas:  []command.SlotNode{{Port: 30004, ID: "821d"}},
				},
				{SlotRange: command.SlotRange{From: 5461, To: 5461}, Primary: command.SlotNode{Port: 30002}},
			},
			nil,
		},
		{
			"CLUSTER LINKS",
			[]any{pairs{"direction", "to", "node", "8149", "create-time", int64(1700000000000), "events", "rw", "send-buffer-allocated", 4512, "send-buffer-used", 7, "future", 1}},
			do(command.ClusterLinks()),
			[]command.ClusterLink{{Direction: "to", Node: "8149", Created: at, Events: "rw", SendBufferAllocated: 4512, SendBufferUsed: 7}},
			nil,
		},
		{
			"CLUSTER SLOT-STATS",
			[]any{[]any{93, pairs{"key-count", 3, "cpu-usec", 1500, "network-bytes-in", 5, "network-bytes-out", 6, "future", 1}}, []any{94, pairs{"key-count", 0}}},
			do(command.ClusterSlotStats(command.SlotRange{From: 93, To: 94})),
			[]command.SlotStats{{Slot: 93, Keys: 3, CPU: 1500 * time.Microsecond, BytesIn: 5, BytesOut: 6}, {Slot: 94}},
			nil,
		},
		{
			"CLUSTER GETSLOTMIGRATIONS",
			[]any{pairs{
				"name", "d519", "operation", "EXPORT", "slot_ranges", "0-10 20", "target_node", "36ee", "source_node", "e929",
				"create_time", 1700000000, "last_update_time", 1700000001, "last_ack_time", 1700000002, "state", "failed", "message", "why", "cow_size", 5, "remaining_repl_size", 6,
			}},
			do(command.ClusterGetSlotMigrations()),
			[]command.SlotMigration{{
				Name: "d519", Operation: "EXPORT", Slots: []command.SlotRange{{From: 0, To: 10}, {From: 20, To: 20}}, Target: "36ee", Source: "e929",
				Created: at, Updated: at.Add(time.Second), LastAck: at.Add(2 * time.Second), State: "failed", Message: "why", CopyOnWrite: 5, Remaining: 6,
			}},
			nil,
		},
		{"CLUSTERSCAN", []any{"0-{06S}-0", []any{"k"}}, do(command.ClusterScan("0")), command.ClusterScanPage{Cursor: "0-{06S}-0", Keys: []string{"k"}}, nil},
		{"TIME", []any{"1700000000", "250"}, do(command.Time()), at.Add(250 * time.Microsecond), nil},
		{"LASTSAVE", 1700000000, do(command.LastSave()), at, nil},
		{"FLUSHALL", ok("OK"), do(command.FlushAll()), struct{}{}, nil},
		{"BGSAVE", ok("Background saving started"), do(command.BGSave()), "Background saving started", nil},
		{
			"MODULE LIST",
			[]any{pairs{"name", "lua", "ver", 1, "path", "/lua.so", "args", []any{"a"}}},
			do(command.ModuleList()),
			[]command.Module{{Name: "lua", Version: 1, Path: "/lua.so", Args: []string{"a"}}},
			nil,
		},
		{"REPLICAOF", ok("OK Already connected to specified master"), do(command.ReplicaOf("h", 1)), struct{}{}, nil},
		{
			"ROLE, primary",
			[]any{"master", 3129659, []any{[]any{"127.0.0.1", "9001", "3129242"}}},
			do(command.Role()),
			command.ServerRole{Role: "master", Offset: 3129659, Replicas: []command.ReplicaState{{Host: "127.0.0.1", Port: 9001, Offset: 3129242}}},
			nil,
		},
		{
			"ROLE, replica",
			[]any{"slave", "127.0.0.1", 9000, "connected", 3167038},
			do(command.Role()),
			command.ServerRole{Role: "slave", Host: "127.0.0.1", Port: 9000, State: "connected", Offset: 3167038},
			nil,
		},
		{"ROLE, Sentinel", []any{"sentinel", []any{"resque", "metrics"}}, do(command.Role()), command.ServerRole{Role: "sentinel", Primaries: []string{"resque", "metrics"}}, nil},
		{
			"SLOWLOG GET",
			[]any{[]any{14, 1700000000, 15, []any{"ping"}, "127.0.0.1:58217", "worker"}, []any{13, 1700000000, 7, []any{"get", "k"}}},
			do(command.SlowLogGet(2)),
			[]command.SlowLogEntry{
				{ID: 14, At: at, Took: 15 * time.Microsecond, Args: []string{"ping"}, Client: "127.0.0.1:58217", ClientName: "worker"},
				{ID: 13, At: at, Took: 7 * time.Microsecond, Args: []string{"get", "k"}},
			},
			nil,
		},
		{
			"COMMANDLOG GET",
			[]any{[]any{14, 1700000000, 1048576, []any{"get", "k"}, "127.0.0.1:58217", ""}},
			do(command.CommandLogGet(2, command.LogLargeReply)),
			[]command.CommandLogEntry{{ID: 14, At: at, Amount: 1048576, Args: []string{"get", "k"}, Client: "127.0.0.1:58217"}},
			nil,
		},
		{
			"LATENCY LATEST",
			[]any{[]any{"command", 1700000000, 251, 1001}, []any{"fork", 1700000000, 20, 30, 50, 2}},
			do(command.LatencyLatest()),
			[]command.LatencyEvent{
				{Name: "command", At: at, Latest: 251 * time.Millisecond, Max: 1001 * time.Millisecond},
				{Name: "fork", At: at, Latest: 20 * time.Millisecond, Max: 30 * time.Millisecond, Sum: 50 * time.Millisecond, Count: 2},
			},
			nil,
		},
		{"LATENCY HISTORY", []any{[]any{1700000000, 251}}, do(command.LatencyHistory("command")), []command.LatencySample{{At: at, Took: 251 * time.Millisecond}}, nil},
		{
			"LATENCY HISTOGRAM",
			pairs{"set", pairs{"calls", 100000, "histogram_usec", pairs{1, 99583, 2, 99852, 4, 100000}}},
			do(command.LatencyHistogram("set")),
			[]command.CommandLatency{{Command: "set", Calls: 100000, Buckets: []command.LatencyBucket{
				{UpTo: time.Microsecond, Calls: 99583}, {UpTo: 2 * time.Microsecond, Calls: 99852}, {UpTo: 4 * time.Microsecond, Calls: 100000},
			}}},
			nil,
		},
		{
			"MEMORY STATS",
			pairs{
				"peak.allocated", 423995952, "replicas.repl.buffer", 7, "db.dict.rehashing.count", 3, "db.3",
				pairs{"overhead.hashtable.main", 72, "overhead.hashtable.expires", 8, "future", 1},
				"keys.count", 5, "dataset.percentage", 35.75, "fragmentation", 1.5, "future", "x",
			},
			do(command.MemoryStats()),
			command.MemoryReport{
				PeakAllocated: 423995952, ReplicaBuffers: 7, RehashingTables: 3, Databases: []command.DatabaseMemory{{DB: 3, MainTable: 72, Expires: 8}},
				Keys: 5, DatasetPercentage: 35.75, Fragmentation: 1.5,
			},
			nil,
		},
		{"MEMORY USAGE of nothing", nil, do(command.MemoryUsage("k")), int64(0), command.Nil},
		{"COMMAND GETKEYSANDFLAGS", []any{[]any{"a", set{ok("RW"), ok("access")}}}, do(command.CommandGetKeysAndFlags("lpop", "a")), []command.KeyFlags{{"a", []string{"RW", "access"}}}, nil},
		{
			"COMMAND INFO",
			[]any{
				[]any{
					"eval", -3,
					set{ok("noscript")},
					0, 0, 0,
					set{ok("@scripting")},
					set{"tip"},
					set{pairs{
						"notes", "n", "flags",
						set{ok("RW")},
						"begin_search",
						pairs{"type", "keyword", "spec", pairs{"keyword", "KEYS", "startfrom", -2}},
						"find_keys",
						pairs{"type", "keynum", "spec", pairs{"keynumidx", 2, "firstkey", 1, "keystep", 1}},
					}},
					set{[]any{"eval|sub", 2, set{}, 1, -1, 2, set{}, set{}, set{pairs{
						"begin_search",
						pairs{"type", "index", "spec", pairs{"index", 1}},
						"find_keys",
						pairs{"type", "range", "spec", pairs{"lastkey", -1, "keystep", 2, "limit", 0}},
					}}, []any{}}},
				},
				nil,
				[]any{"get", 2, []any{ok("readonly"), ok("fast")}, 1, 1, 1},        // as before 6.0
				[]any{"set", -3, []any{ok("write")}, 1, 1, 1, []any{ok("@write")}}, // as before 7.0
			},
			do(command.CommandInfo("eval", "none", "get", "set")),
			[]command.Optional[command.CommandDescription]{
				{Present: true, Value: command.CommandDescription{
					Name: "eval", Arity: -3, Flags: []string{"noscript"}, Categories: []string{"@scripting"}, Tips: []string{"tip"},
					KeySpecs: []command.KeySpec{{
						Notes: "n", Flags: []string{"RW"}, Begin: command.KeyBegin{Type: "keyword", Keyword: "KEYS", From: -2},
						Find: command.KeyFind{Type: "keynum", KeyNum: 2, FirstKey: 1, KeyStep: 1},
					}},
					Subcommands: []command.CommandDescription{{
						Name: "eval|sub", Arity: 2, Flags: []string{}, FirstKey: 1, LastKey: -1, KeyStep: 2, Categories: []string{}, Tips: []string{},
						KeySpecs: []command.KeySpec{{
							Begin: command.KeyBegin{Type: "index", Index: 1},
							Find:  command.KeyFind{Type: "range", LastKey: -1, KeyStep: 2},
						}},
						Subcommands: []command.CommandDescription{},
					}},
				}},
				{},
				{Present: true, Value: command.CommandDescription{Name: "get", Arity: 2, Flags: []string{"readonly", "fast"}, FirstKey: 1, LastKey: 1, KeyStep: 1}},
				{Present: true, Value: command.CommandDescription{
					Name: "set", Arity: -3, Flags: []string{"write"}, FirstKey: 1, LastKey: 1, KeyStep: 1, Categories: []string{"@write"},
				}},
			},
			nil,
		},
		{
			"COMMAND DOCS",
			pairs{"x", pairs{
				"summary", "s", "since", "1.0.0", "group", "g", "complexity", "O(1)", "module", "m", "doc_flags",
				set{ok("deprecated")},
				"deprecated_since", "2.0.0", "replaced_by", "`Y`",
				"history",
				set{[]any{"3.0.0", "changed"}},
				"arguments",
				[]any{pairs{
					"name", "a", "type", "oneof", "token", "A", "summary", "as", "since", "3.1.0", "deprecated_since", "3.2.0", "flags",
					set{ok("optional"), ok("multiple"), ok("multiple_token")},
					"arguments",
					[]any{pairs{"name", "k", "type", "key", "display_text", "key", "key_spec_index", 0}},
				}},
				"subcommands",
				pairs{"x|y", pairs{"summary", "t", "future", 1}},
			}},
			do(command.CommandDocs("x")),
			[]command.CommandDoc{{
				Name: "x", Summary: "s", Since: "1.0.0", Group: "g", Complexity: "O(1)", Module: "m", Flags: []string{"deprecated"}, DeprecatedSince: "2.0.0", ReplacedBy: "`Y`",
				History: []command.CommandChange{{Version: "3.0.0", Change: "changed"}},
				Arguments: []command.CommandArgument{{
					Name: "a", Type: "oneof", Token: "A", Summary: "as", Since: "3.1.0", DeprecatedSince: "3.2.0", Optional: true, Multiple: true, MultipleToken: true,
					Arguments: []command.CommandArgument{{Name: "k", Type: "key", DisplayText: "key", KeySpec: command.Optional[int64]{Present: true}}},
				}},
				Subcommands: []command.CommandDoc{{Name: "x|y", Summary: "t"}},
			}},
			nil,
		},
		{"PUBSUB SHARDNUMSUB", []any{"a", 2}, do(command.PubSubShardNumSub("a")), []command.ChannelCount{{Channel: "a", Subscribers: 2}}, nil},
	} {
		for _, resp2 := range []bool{false, true} {
			got, err := test.got(&double{reply: encode(test.reply, resp2)})
			if !errors.Is(err, test.err) {
				t.Errorf("%s, RESP2 %v: %v, want %v", test.name, resp2, err, test.err)
				continue
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("%s, RESP2 %v (-want +got):\n%s", test.name, resp2, diff)
			}
		}
	}
}

func TestDecodeClusterInfo(t *testing.T) {
	lines := "cluster_state:ok\r\ncluster_slots_assigned:16384\r\ncluster_slots_ok:16000\r\ncluster_slots_pfail:300\r\ncluster_slots_fail:84\r\ncluster_known_nodes:6\r\ncluster_size:3\r\ncluster_current_epoch:7\r\ncluster_my_epoch:2\r\ncluster_stats_messages_sent:9\r\ncluster_stats_messages_received:8\r\nfuture:x\r\n"
	for _, resp2 := range []bool{false, true} {
		got, err := command.ClusterInfo().Do(t.Context(), &double{reply: encode(text(lines), resp2)})
		if err != nil || got.Fields["future"] != "x" || len(got.Fields) != 12 {
			t.Fatalf("%+v, %v", got, err)
		}
		got.Fields = nil
		want := command.ClusterState{OK: true, SlotsAssigned: 16384, SlotsOK: 16000, SlotsPFail: 300, SlotsFail: 84, KnownNodes: 6, Size: 3, CurrentEpoch: 7, MyEpoch: 2, Sent: 9, Received: 8}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("RESP2 %v (-want +got):\n%s", resp2, diff)
		}
	}
}

// Replies of a wrong shape are errors, and don't show what is in them.
func TestDecodeServerErrors(t *testing.T) {
	wrong := []any{
		text("private"),
		[]any{"private"},
		[]any{"private", []any{"private"}, set{1}},
		pairs{"private", []any{}},
		nil, -7,
		[]any{[]any{"private", "private", "private", "private", "private", "private"}},
		[]any{pairs{"count", "private", "name", []any{}, "direction", 1.5, "create-time", "private", "create_time", "private"}},
	}
	for name, test := range map[string]struct {
		got  func(*double) (any, error)
		fits int // how many of wrong fit nevertheless
	}{
		"ACL GETUSER":               {do(command.ACLGetUser("bob")), 1},
		"ACL LOG":                   {do(command.ACLLog(1)), 0},
		"CLIENT TRACKINGINFO":       {do(command.ClientTrackingInfo()), 1},
		"CLUSTER NODES":             {do(command.ClusterNodes()), 0},
		"CLUSTER REPLICAS":          {do(command.ClusterReplicas("x")), 0},
		"CLUSTER SLOTS":             {do(command.ClusterSlots()), 0},
		"CLUSTER LINKS":             {do(command.ClusterLinks()), 0},
		"CLUSTER SLOT-STATS":        {do(command.ClusterSlotStats(command.SlotRange{})), 0},
		"CLUSTER GETSLOTMIGRATIONS": {do(command.ClusterGetSlotMigrations()), 0},
		"CLUSTERSCAN":               {do(command.ClusterScan("0")), 0},
		"TIME":                      {do(command.Time()), 0},
		"MODULE LIST":               {do(command.ModuleList()), 0},
		"ROLE":                      {do(command.Role()), 0},
		"SLOWLOG GET":               {do(command.SlowLogGet(1)), 0},
		"COMMANDLOG GET":            {do(command.CommandLogGet(1, command.LogSlow)), 0},
		"LATENCY LATEST":            {do(command.LatencyLatest()), 0},
		"LATENCY HISTORY":           {do(command.LatencyHistory("x")), 0},
		"LATENCY HISTOGRAM":         {do(command.LatencyHistogram()), 1},
		"COMMAND INFO":              {do(command.CommandInfo()), 0},
		"COMMAND GETKEYSANDFLAGS":   {do(command.CommandGetKeysAndFlags("x")), 0},
		"COMMAND DOCS":              {do(command.CommandDocs()), 1},
	} {
		fits := 0
		for i, reply := range wrong {
			_, err := test.got(&double{reply: encode(reply, false)})
			if err == nil || errors.Is(err, command.Nil) {
				fits++
				continue
			}
			var decoding *command.DecodeError
			if !errors.As(err, &decoding) || strings.Contains(err.Error(), "private") || decoding.Command != name {
				t.Errorf("%s, reply %d: %v", name, i, err)
			}
		}
		if fits > test.fits+1 {
			t.Errorf("%s: %d wrong replies fit", name, fits)
		}
	}
	for name, got := range map[string]func(*double) (any, error){
		"CLIENT LIST":  do(command.ClientList()),
		"CLIENT INFO":  do(command.ClientInfo()),
		"CLUSTER INFO": do(command.ClusterInfo()),
	} {
		line := map[bool]string{true: "cluster_size:private\r\n", false: "id=private\n"}[name == "CLUSTER INFO"]
		for _, reply := range []any{text(line), nil, []any{}} {
			_, err := got(&double{reply: encode(reply, false)})
			var decoding *command.DecodeError
			if !errors.As(err, &decoding) || strings.Contains(err.Error(), "private") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestServerAccessors(t *testing.T) {
	if u := (command.ACLUser{Flags: []string{"off"}}); u.Enabled() {
		t.Error("a user that is off is enabled")
	}
	if u := (command.ACLUser{Flags: []string{"on"}}); !u.Enabled() {
		t.Error("a user that is on is not enabled")
	}
	if f := command.ClientFlags("bP"); !f.Has(command.ClientBlocked) || !f.Has(command.ClientSubscribed) || f.Has(command.ClientInMulti) {
		t.Errorf("flags %q", f)
	}
	if n := (command.ClusterNode{Flags: []string{"fail?"}}); n.Is("fail") || !n.Is("fail?") {
		t.Error("a node that may have failed has failed")
	}
	if e := (command.CommandLogEntry{Amount: 1500}); e.Took() != 1500*time.Microsecond {
		t.Errorf("took %v", e.Took())
	}
}

// Servers repeat words in errors: what may be a password is taken out.
func TestServerSecrets(t *testing.T) {
	reply := &double{reply: "-ERR no such thing as 'hunter2'\r\n"}
	for name, got := range map[string]func(*double) (any, error){
		"ACL DRYRUN":    do(command.ACLDryRun("bob", "AUTH", "hunter2")),
		"MODULE LOAD":   do(command.ModuleLoad("/m.so", "hunter2")),
		"MODULE LOADEX": do(command.ModuleLoadEx("/m.so", map[string]string{"password": "hunter2"})),
	} {
		if _, err := got(reply); err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "no such thing") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
