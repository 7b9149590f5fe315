package integration

import (
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redchan-go/redchan/integration/servers"
	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
)

func TestConnectionCommands(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		equal(f, c, command.Ping(), "PONG")
		equal(f, c, command.Echo("a\r\nb"), "a\r\nb")
		missing(f, c, command.ClientGetName())
		options := f.options()
		options.ClientName = "worker"
		named := f.openWith(options)
		equal(f, named, command.ClientGetName(), "worker")
		if a, b := result(f, c, command.ClientID()), result(f, named, command.ClientID()); a == b || a <= 0 || b <= 0 {
			f.Errorf("two connections have the IDs %d and %d", a, b)
		}
	})
}

// TestClientKill closes a victim's connection by every filter; the victim comes
// back with a new one.
func TestClientKill(t *testing.T) {
	shared(t, func(f *fixture) {
		f.since("6.2", "CLIENT KILL LADDR")
		c, victim := f.open(), f.open()
		killed := func(what string, want int64, filters ...command.ClientFilter) {
			f.Helper()
			before := result(f, victim, command.ClientID())
			for i := range filters {
				if filters[i] == nil { // stands for the ID that the victim has now
					filters[i] = command.WhereID(before)
				}
			}
			equal(f, c, command.ClientKill(filters...), want)
			// GET only reads, so it is repeated where the victim has not seen the
			// end of its connection yet.
			missing(f, victim, command.Get("k"))
			after := result(f, victim, command.ClientID())
			if (after != before) != (want > 0) {
				f.Errorf("%s: the victim's connection was %d and is %d", what, before, after)
			}
		}
		killed("ID", 1, nil)
		killed("an ID that nobody has", 0, command.WhereID(1<<40))
		killed("TYPE", 1, command.WhereType("normal"))
		killed("TYPE and USER", 1, command.WhereType("normal"), command.WhereUser("default"))
		killed("LADDR", 1, command.WhereLocalAddr(f.server.Addr))
		killed("ADDR of nobody", 0, command.WhereAddr("127.0.0.1:1"))
		for field := range strings.FieldsSeq(asString(f, victim, "CLIENT", "INFO")) {
			if addr, ok := strings.CutPrefix(field, "addr="); ok {
				killed("ADDR", 1, command.WhereAddr(addr))
			}
		}
		if !f.has("7.2") { // MAXAGE came with Redis 7.4
			refused(f, c, command.ClientKill(command.WhereOlderThan(time.Hour)), "ERR")
		} else {
			killed("MAXAGE", 0, command.WhereOlderThan(time.Hour))
		}

		// The reply comes before the connection that carried it is closed.
		id := result(f, c, command.ClientID())
		equal(f, c, command.ClientKill(command.WhereID(id), command.KillSelfToo), 1)
		missing(f, c, command.Get("k"))
		if again := result(f, c, command.ClientID()); again == id {
			f.Error("SKIPME no left the own connection open")
		}
	})
}

// asString returns the text in the reply of a command without a constructor.
func asString(f *fixture, client command.Doer, name string, args ...any) string {
	f.Helper()
	return result(f, client, command.AsString(command.Raw(name, args...)))
}

func TestClientPause(t *testing.T) {
	shared(t, func(f *fixture) {
		f.since("6.2", "CLIENT PAUSE WRITE")
		c := f.open()
		const pause = 200 * time.Millisecond
		const least = pause - 2*time.Millisecond // the server's clock goes in milliseconds
		began := time.Now()
		equal(f, c, command.ClientPause(pause, command.WritesOnly), done)
		missing(f, c, command.Get("k")) // reading goes on
		equal(f, c, command.Set("k", 1), done)
		if took := time.Since(began); took < least {
			f.Errorf("a write came through after %v of a pause of %v", took, pause)
		}
		began = time.Now()
		equal(f, c, command.ClientPause(pause), done)
		equal(f, c, command.Get("k"), "1")
		if took := time.Since(began); took < least {
			f.Errorf("a read came through after %v of a pause of %v", took, pause)
		}
	})
}

func TestServerCommands(t *testing.T) {
	shared(t, func(f *fixture) {
		f.since("7.0", "INFO of several sections")
		c := f.open()
		info := result(f, c, command.Info())
		if got := info["server"]["tcp_port"]; got == "" || !strings.HasSuffix(f.server.Addr, ":"+got) {
			f.Errorf("INFO tells the port %q of %s", got, f.server.Addr)
		}
		some := result(f, c, command.Info("clients", "replication"))
		if len(some) != 2 || some["replication"]["role"] != "master" || some.Get("blocked_clients") != "0" {
			f.Errorf("INFO clients replication = %v", some)
		}

		equal(f, c, command.ConfigGet("slowlog-max-len"), map[string]string{"slowlog-max-len": "128"})
		equal(f, c, command.ConfigSet(map[string]string{"slowlog-max-len": "99", "timeout": "0"}), done)
		equal(f, c, command.ConfigGet("slowlog-max-*"), map[string]string{"slowlog-max-len": "99"})
		equal(f, c, command.ConfigSet(map[string]string{"slowlog-max-len": "128"}), done)
		refused(f, c, command.ConfigSet(map[string]string{"no-such-setting": "1"}), "ERR")

		equal(f, c, command.ACLSetUser("reader", "on", ">secret", "~*", "+get", "+ping"), done)
		options := f.options()
		options.Username, options.Password = "reader", redis.NewSecret("secret")
		reader, err := redis.New(options)
		if err != nil {
			f.Fatal(err)
		}
		defer reader.Close()
		missing(f, reader, command.Get("k"))
		refused(f, reader, command.Set("k", 1), "NOPERM")
		if got := integer(f, c, "ACL", "DELUSER", "reader"); got != 1 {
			f.Errorf("ACL DELUSER = %d", got)
		}
	})
}

func TestEval(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		equal(f, c, command.AsInt(command.Eval("return redis.call('INCRBY', KEYS[1], ARGV[1])", []string{"n"}, 42)), 42)
		equal(f, c, command.AsString(command.Eval("return KEYS[2] .. ARGV[1]", []string{"a", "b"}, "c")), "bc")
		equal(f, c, command.AsStrings(command.Eval("return {KEYS[1], ARGV[1], 'x'}", []string{"k"}, 1.5)), []string{"k", "1.5", "x"})
		equal(f, c, command.AsFloat(command.Eval("return '2.5'", nil)), 2.5)
		equal(f, c, command.AsBool(command.Eval("return true", nil)), true)
		equal(f, c, command.AsBool(command.Eval("return 0", nil)), false)
		equal(f, c, command.AsBytes(command.Eval("return '\\0\\255'", nil)), []byte{0, 255})
		if f.has("7.0") { // Debian's Redis 6.0 loads cjson from another package, which its image has not
			equal(f, c, command.AsJSON[map[string]int](command.Eval("return cjson.encode({a = 1})", nil)), map[string]int{"a": 1})
		}
		missing(f, c, command.AsString(command.Eval("return false", nil)))
		equal(f, c, command.As(command.Eval("return {1, {2, {3}}}", nil), depth), 3)
		_, err := command.Eval("return redis.error_reply('MINE it went wrong')", nil).Do(f.ctx, c)
		if replyCode(err) != "MINE" {
			f.Errorf("a script's own error came as %v", err)
		}
	})
}

// depth decodes how deep arrays are nested.
func depth(v proto.Value) (int, error) {
	deepest := 0
	for element := range v.All() {
		inner, _ := depth(element)
		deepest = max(deepest, inner)
	}
	if !v.IsAggregate() {
		return 0, nil
	}
	return deepest + 1, nil
}

func TestPubSubCommands(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		equal(f, c, command.Publish("news", "nobody hears it"), 0)
		equal(f, c, command.PubSubChannels(""), []string{})
		equal(f, c, command.PubSubNumPat(), 0)
		listener := f.open()
		sub, err := listener.Subscribe(f.ctx, "news", "sport")
		if err != nil {
			f.Fatal(err)
		}
		if err := sub.PSubscribe(f.ctx, "n*", "x*"); err != nil {
			f.Fatal(err)
		}
		equal(f, c, command.Publish("news", 1), 2) // by name and by pattern
		equal(f, c, command.Publish("sport", []byte{0}), 1)
		channels := result(f, c, command.PubSubChannels(""))
		slices.Sort(channels)
		if !slices.Equal(channels, []string{"news", "sport"}) {
			f.Errorf("PUBSUB CHANNELS = %q", channels)
		}
		equal(f, c, command.PubSubChannels("s*"), []string{"sport"})
		equal(f, c, command.PubSubNumSub("sport", "none", "news"), []command.ChannelCount{
			{Channel: "sport", Subscribers: 1}, {Channel: "none"}, {Channel: "news", Subscribers: 1},
		})
		equal(f, c, command.PubSubNumPat(), 2)
	})
}

func TestClusterShards(t *testing.T) {
	own(t, servers.Config{Cluster: true}, func(f *fixture) {
		f.since("7.0", "CLUSTER SHARDS")
		f.command("CLUSTER", "ADDSLOTSRANGE", "0", "5000", "5002", "16383")
		c := f.open()
		id := f.command("CLUSTER", "MYID")
		shards := result(f, c, command.ClusterShards())
		if len(shards) != 1 || len(shards[0].Nodes) != 1 {
			f.Fatalf("CLUSTER SHARDS = %+v", shards)
		}
		if want := []command.SlotRange{{From: 0, To: 5000}, {From: 5002, To: 16383}}; !slices.Equal(shards[0].Slots, want) {
			f.Errorf("slots %v, want %v", shards[0].Slots, want)
		}
		node := shards[0].Nodes[0]
		host, port, _ := strings.Cut(f.server.Addr, ":")
		if node.ID != id || node.Role != "master" || node.Health != "online" ||
			node.IP != host || node.Endpoint != host || port != strconv.Itoa(node.Port) || node.TLSPort != 0 {
			f.Errorf("node %+v, want %s at %s", node, id, f.server.Addr)
		}
		// What needs slots that nobody serves is rejected: it has not run.
		// Without a deadline it is tried three times.
		_, err := command.Get("k68254").Do(context.WithoutCancel(f.ctx), c) // of slot 5001
		if !errors.Is(err, redis.ErrRejected) || !redis.SafeToRetry(err) || replyCode(err) != "CLUSTERDOWN" {
			f.Errorf("GET in an unserved slot: %v, want CLUSTERDOWN, rejected", err)
		}
	})
}

func TestBatch(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		var b command.Batch
		set := b.Set("k", "v")
		wrong := b.LPush("k", 1)
		again := b.Incr("k")
		none := b.Get("none")
		hash := b.HSet("h", command.Map{"a": 1})
		all := b.HGetAll("h")
		scores := b.ZAdd("z", command.Scores{"m": 1.5})
		ranked := b.ZRangeWithScores("z", command.ByRank(0, -1))
		raw := command.AsInt(command.Raw("STRLEN", "k")).Queue(&b)
		err := c.Exec(f.ctx, &b)
		var failed *command.BatchError
		if !errors.As(err, &failed) || failed.Index != 1 || failed.Command != "LPUSH" || replyCode(err) != "WRONGTYPE" {
			f.Errorf("Exec = %v, want WRONGTYPE of command 2", err)
		}
		if err := set.Err(); err != nil {
			f.Errorf("SET: %v", err)
		}
		if replyCode(wrong.Err()) != "WRONGTYPE" || replyCode(again.Err()) != "ERR" || !errors.Is(none.Err(), redis.Nil) {
			f.Errorf("LPUSH: %v; INCR: %v; GET: %v", wrong.Err(), again.Err(), none.Err())
		}
		if hash.Value() != 1 || all.Value()["a"] != "1" || scores.Value() != 1 || raw.Value() != 1 ||
			!slices.Equal(ranked.Value(), []command.ScoredMember{{Member: "m", Score: 1.5}}) {
			f.Errorf("behind the error: %v %v %v %v %v", hash.Value(), all.Value(), scores.Value(), ranked.Value(), raw.Value())
		}

		// A batch that is larger than any buffer; and one that may block.
		for range 50_000 {
			b.Incr("n")
		}
		last := b.Incr("n")
		if err := c.Exec(f.ctx, &b); err != nil || last.Value() != 50_001 {
			f.Errorf("50,001 INCR = %d, %v", last.Value(), err)
		}
		b.RPush("l", "x")
		popped := b.BLPop(time.Second, "l")
		if err := c.Exec(f.ctx, &b); err != nil || popped.Value().Value != "x" {
			f.Errorf("BLPOP in a batch = %v, %v", popped.Value(), err)
		}
	})
}

func TestRaw(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		equal(f, c, command.AsString(command.Raw("set", "k", "v")), "OK")
		equal(f, c, command.AsInt(command.Raw("APPEND", "k", 12)), 3)
		equal(f, c, command.AsStrings(command.Raw("COMMAND", "GETKEYS", "MSET", "a", 1, "b", 2)), []string{"a", "b"})
		equal(f, c, command.AsBool(command.Raw("SISMEMBER", "none", "x")), false)
		refused(f, c, command.Raw("NO.SUCH.COMMAND", "secret"), "ERR")
		_, err := command.Raw("NO.SUCH.COMMAND", "secret").Do(f.ctx, c)
		if strings.Contains(err.Error(), "secret") {
			f.Errorf("the error shows an argument: %v", err)
		}
		for _, name := range []string{"SELECT", "MULTI", "SUBSCRIBE", "MONITOR", "HELLO", "RESET"} {
			if _, err := command.Raw(name, "0").Do(f.ctx, c); !errors.Is(err, redis.ErrArgument) {
				f.Errorf("%s on a shared connection: %v, want ErrArgument", name, err)
			}
		}
	})
}

func TestFlush(t *testing.T) {
	shared(t, func(f *fixture) {
		f.since("6.2", "FLUSHDB SYNC")
		c := f.open()
		options := f.options()
		options.DB = 1
		other := f.openWith(options)
		fill := func() {
			equal(f, c, command.Set("k", 0), done)
			equal(f, other, command.Set("k", 1), done)
		}
		for _, opts := range [][]command.FlushOption{nil, {command.Async}, {command.Sync}} {
			fill()
			equal(f, c, command.FlushDB(opts...), done)
			missing(f, c, command.Get("k"))
			equal(f, other, command.Get("k"), "1")
			equal(f, c, command.FlushAll(opts...), done)
			missing(f, other, command.Get("k"))
		}
		fill()
		equal(f, c, command.SwapDB(0, 1), done)
		equal(f, c, command.Get("k"), "1")
		equal(f, other, command.Get("k"), "0")
		refused(f, c, command.SwapDB(0, 1000), "ERR")
	})
}

func TestServerFacts(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		now := result(f, c, command.Time())
		if off := time.Since(now); off < -time.Second || off > time.Minute { // the server is on this machine
			f.Errorf("TIME = %v", now)
		}
		for _, cmd := range []command.Cmd[string]{command.LolWut(), command.LolWutVersion(5, 10, 2, 2)} {
			if art := result(f, c, cmd); !strings.Contains(art, f.server.Version()) {
				f.Errorf("LOLWUT does not name the version: %q", art)
			}
		}
		modules := result(f, c, command.ModuleList())
		known := func(name string) bool {
			return slices.ContainsFunc(modules, func(m command.Module) bool { return m.Name == name && m.Version == 1 })
		}
		switch f.server.Role() {
		case "redis7":
			equal(f, c, command.ModuleList(), []command.Module{})
		case "redis8":
			if !known("vectorset") {
				f.Errorf("MODULE LIST = %+v", modules)
			}
		case "valkey9":
			if !known("lua") {
				f.Errorf("MODULE LIST = %+v", modules)
			}
		}
		// No server has a module that could be loaded: see TestServerWire.
		refused(f, c, command.ModuleLoad("/none.so", "a"), "ERR")
		refused(f, c, command.ModuleLoadEx("/none.so", map[string]string{"a": "1"}, "b"), "ERR")
		refused(f, c, command.ModuleUnload("none"), "ERR")
		// Tests before may have had replicas, and so an offset.
		offset, err := strconv.ParseInt(result(f, c, command.Info("replication")).Get("master_repl_offset"), 10, 64)
		if err != nil {
			f.Error(err)
		}
		equal(f, c, command.Role(), command.ServerRole{Role: "master", Offset: offset, Replicas: []command.ReplicaState{}})
		equal(f, c, command.ConfigResetStat(), done)
		if n := result(f, c, command.Info("stats")).Get("total_connections_received"); n != "0" {
			f.Errorf("after CONFIG RESETSTAT there were %s connections", n)
		}
	})
}

// TestPersistence runs on servers of its own, in whose directories they write.
func TestPersistence(t *testing.T) {
	own(t, servers.Config{}, func(f *fixture) {
		f.since("7.0", "SHUTDOWN NOW")
		c := f.open()
		began := serverNow()
		equal(f, c, command.Save(), done)
		saved := result(f, c, command.LastSave())
		if saved.Before(began) || time.Since(saved) > testTimeout {
			f.Errorf("LASTSAVE = %v, SAVE was a second after %v", saved, began)
		}
		if told := result(f, c, command.Info("persistence")).Get("rdb_last_save_time"); told != strconv.FormatInt(saved.Unix(), 10) {
			f.Errorf("LASTSAVE = %d, INFO says %s", saved.Unix(), told)
		}
		idle := func() {
			f.Helper()
			f.eventually("the end of a save", func() bool {
				info := result(f, c, command.Info("persistence"))
				return info.Get("rdb_bgsave_in_progress") == "0" && info.Get("aof_rewrite_in_progress") == "0" &&
					info.Get("aof_rewrite_scheduled") == "0"
			})
		}
		equal(f, c, command.BGSave(), "Background saving started")
		idle()
		equal(f, c, command.BGSaveSchedule(), "Background saving started")
		idle()
		equal(f, c, command.BGRewriteAOF(), "Background append only file rewriting started")
		idle()
		refused(f, c, command.BGSaveCancel(), "ERR") // there is none, or the server does not know it
		if f.server.Role() == "valkey9" {
			equal(f, c, command.ConfigSet(map[string]string{"rdb-key-save-delay": "1000000"}), done)
			equal(f, c, command.Set("k", 1), done)
			equal(f, c, command.BGSave(), "Background saving started")
			equal(f, c, command.BGSaveCancel(), "Background saving cancelled")
		}
		equal(f, c, command.ConfigSet(map[string]string{"slowlog-max-len": "77"}), done)
		equal(f, c, command.ConfigRewrite(), done)

		refused(f, c, command.ShutdownAbort(), "ERR") // there is none
		_, err := command.Shutdown(command.ShutdownNoSave, command.ShutdownNow, command.ShutdownForce).Do(f.ctx, c)
		if !errors.Is(err, redis.ErrMaybeExecuted) {
			f.Errorf("SHUTDOWN: %v, want ErrMaybeExecuted", err)
		}
		f.eventually("a server that is gone", func() bool {
			_, err := f.server.Command(f.ctx, "PING")
			return err != nil
		})
	})
}

// TestReplication makes one server the replica of another, and both change places.
func TestReplication(t *testing.T) {
	own(t, servers.Config{}, func(f *fixture) {
		f.since("6.2", "FAILOVER")
		second := f.another(servers.Config{})
		primary, options := f.open(), f.options()
		options.Addr = second.Addr
		replica := f.openWith(options)
		host, port := address(f, f.server.Addr)
		replicaHost, replicaPort := address(f, second.Addr)

		equal(f, replica, command.ReplicaOf(host, port), done)
		equal(f, replica, command.SlaveOf(host, port), done) // it is one already
		var role command.ServerRole
		f.eventually("a replica that is connected", func() bool {
			role = result(f, primary, command.Role())
			return result(f, replica, command.Role()).State == "connected" && len(role.Replicas) == 1
		})
		if r := role.Replicas[0]; role.Role != "master" || r.Host != replicaHost || r.Port != replicaPort || r.Offset < 0 {
			f.Errorf("ROLE = %+v", role)
		}
		if r := result(f, replica, command.Role()); r.Role != "slave" || r.Host != host || r.Port != port || r.Offset < 0 {
			f.Errorf("ROLE = %+v", r)
		}

		refused(f, primary, command.FailoverAbort(), "ERR") // there is none
		refused(f, primary, command.Failover(command.FailoverTo("127.0.0.1", 1)), "ERR")
		f.eventually("a replica that can take over", func() bool {
			_, err := command.Failover(command.FailoverTo(replicaHost, replicaPort), command.FailoverForce, command.FailoverTimeout(time.Minute)).Do(f.ctx, primary)
			return err == nil
		})
		f.eventually("a failover", func() bool {
			return result(f, replica, command.Role()).Role == "master" && result(f, primary, command.Role()).Role == "slave"
		})
		equal(f, primary, command.ReplicaOfNoOne(), done)
		equal(f, replica, command.SlaveOfNoOne(), done)
		equal(f, primary, command.Set("k", 1), done)
		equal(f, replica, command.Set("k", 1), done)
	})
}

// address returns host and port of an address.
func address(f *fixture, addr string) (string, int) {
	f.Helper()
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		f.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		f.Fatal(err)
	}
	return host, port
}

func TestShardChannels(t *testing.T) {
	shared(t, func(f *fixture) {
		f.since("7.0", "shard channels")
		c := f.open()
		equal(f, c, command.SPublish("news", "nobody hears it"), 0)
		equal(f, c, command.PubSubShardChannels(""), []string{})
		equal(f, c, command.PubSubShardChannels("n*"), []string{})
		equal(f, c, command.PubSubShardNumSub("news", "sport"), []command.ChannelCount{{Channel: "news"}, {Channel: "sport"}})
	})
}
