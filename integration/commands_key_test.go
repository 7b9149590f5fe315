package integration

import (
	"errors"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redchan-go/redchan/integration/servers"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
)

// lives compares the time that a key has left with what it was given, less than ten
// seconds ago on any machine.
func lives(f *fixture, client command.Doer, key string, most time.Duration) {
	f.Helper()
	got := result(f, client, command.TTL(key))
	if got.Forever || got.Left > most || got.Left < most-10*time.Second {
		f.Errorf("%s lives for %v, %v, want about %v", key, got.Left, got.Forever, most)
	}
}

func TestKeyCommands(t *testing.T) {
	shared(t, func(f *fixture) {
		f.since("7.0", "listpacks")
		c := f.open()
		equal(f, c, command.MSet(command.Map{"a": 1, "b": 2, "c": 3}), done)
		equal(f, c, command.DBSize(), 3)
		equal(f, c, command.Exists("a", "a", "none", "b"), 3)
		equal(f, c, command.Del("a", "none"), 1)
		equal(f, c, command.Unlink("b", "none"), 1)

		equal(f, c, command.Expire("none", time.Minute), false)
		equal(f, c, command.Expire("c", time.Hour), true)
		if left := integer(f, c, "PTTL", "c"); left <= 3_590_000 || left > 3_600_000 {
			f.Errorf("an hour is %d ms", left)
		}
		equal(f, c, command.Expire("c", 90*time.Minute+7*time.Millisecond), true)
		if left := integer(f, c, "PTTL", "c"); left <= 5_390_000 || left > 5_400_007 {
			f.Errorf("90 minutes and 7 ms are %d ms", left)
		}
		equal(f, c, command.Expire("c", 0), true) // removes it
		equal(f, c, command.DBSize(), 0)

		equal(f, c, command.Set("int", 12345), done)
		equal(f, c, command.ObjectEncoding("int"), "int")
		equal(f, c, command.Set("raw", strings.Repeat("x", 2000)), done)
		equal(f, c, command.ObjectEncoding("raw"), "raw")
		equal(f, c, command.HSet("hash", command.Map{"f": "v"}), 1)
		equal(f, c, command.ObjectEncoding("hash"), "listpack")
		missing(f, c, command.ObjectEncoding("none"))

		equal(f, c, command.FlushDB(), done)
		equal(f, c, command.DBSize(), 0)
	})
}

func TestExpiry(t *testing.T) {
	shared(t, func(f *fixture) {
		f.since("7.0", "options of EXPIRE")
		c := f.open()
		missing(f, c, command.TTL("k"))
		missing(f, c, command.TTLSeconds("k"))
		missing(f, c, command.ExpireTime("k"))
		missing(f, c, command.ExpireTimeSeconds("k"))
		equal(f, c, command.Set("k", "v"), done)
		equal(f, c, command.TTL("k"), command.Lifetime{Forever: true})
		equal(f, c, command.TTLSeconds("k"), command.Lifetime{Forever: true})
		equal(f, c, command.ExpireTime("k"), command.Deadline{Never: true})
		equal(f, c, command.ExpireTimeSeconds("k"), command.Deadline{Never: true})
		equal(f, c, command.Persist("k"), false)

		at := time.Now().Add(time.Hour).Truncate(time.Second)
		equal(f, c, command.ExpireAt("k", at), true)
		equal(f, c, command.ExpireTime("k"), command.Deadline{At: at})
		equal(f, c, command.ExpireTimeSeconds("k"), command.Deadline{At: at})
		lives(f, c, "k", time.Hour)
		if left := result(f, c, command.TTLSeconds("k")).Left; left%time.Second != 0 || left < 59*time.Minute || left > time.Hour {
			f.Errorf("TTL in seconds: %v", left)
		}
		fraction := at.Add(123 * time.Millisecond)
		equal(f, c, command.ExpireAt("k", fraction), true)
		equal(f, c, command.ExpireTime("k"), command.Deadline{At: fraction})

		// There is an expiry now: an hour, about.
		equal(f, c, command.Expire("k", time.Minute, command.NX), false)
		equal(f, c, command.Expire("k", time.Minute, command.GT), false)
		equal(f, c, command.Expire("k", 2*time.Hour, command.LT), false)
		equal(f, c, command.Expire("k", time.Minute, command.LT), true)
		equal(f, c, command.Expire("k", 2*time.Hour+time.Millisecond, command.XX, command.GT), true)
		lives(f, c, "k", 2*time.Hour+time.Millisecond)
		equal(f, c, command.ExpireAt("k", at, command.GT), false)
		equal(f, c, command.ExpireAt("k", at, command.XX, command.LT), true)
		equal(f, c, command.Persist("k"), true)
		// There is none now, which is later than any.
		equal(f, c, command.Expire("k", time.Minute, command.XX), false)
		equal(f, c, command.Expire("k", time.Minute, command.GT), false)
		equal(f, c, command.ExpireAt("k", at, command.NX), true)
		equal(f, c, command.ExpireAt("k", time.Unix(1, 0)), true) // removes it
		equal(f, c, command.Exists("k"), 0)
		equal(f, c, command.Persist("k"), false)
		equal(f, c, command.ExpireAt("k", at), false)
	})
}

func TestNamesOfKeys(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		missing(f, c, command.RandomKey())
		missing(f, c, command.Type("k"))
		equal(f, c, command.Keys("*"), []string{})
		equal(f, c, command.Set("k", "v"), done)
		equal(f, c, command.RandomKey(), "k")
		equal(f, c, command.Type("k"), "string")
		equal(f, c, command.Rename("k", "other"), done)
		refused(f, c, command.Rename("k", "other"), "ERR")
		equal(f, c, command.Set("k", "w"), done)
		equal(f, c, command.RenameNX("k", "other"), false)
		equal(f, c, command.RenameNX("k", "third"), true)
		equal(f, c, command.Get("third"), "w")
		inAnyOrder(f, c, command.Keys("*"), "other", "third")
		equal(f, c, command.Keys("t?ird"), []string{"third"})
		equal(f, c, command.Touch("third", "other", "none"), 2)
		equal(f, c, command.RPush("list", 1), 1)
		equal(f, c, command.Type("list"), "list")
		equal(f, c, command.ZAdd("zset", command.Scores{"a": 1}), 1)
		equal(f, c, command.Type("zset"), "zset")
	})
}

func TestCopyAndMove(t *testing.T) {
	shared(t, func(f *fixture) {
		f.since("6.2", "COPY")
		c := f.open()
		options := f.options()
		options.DB = 1
		second := f.openWith(options)
		equal(f, c, command.Copy("k", "copy"), false)
		equal(f, c, command.Set("k", "v", command.EX(time.Hour)), done)
		equal(f, c, command.Copy("k", "copy"), true)
		lives(f, c, "copy", time.Hour)
		equal(f, c, command.Copy("k", "copy"), false)
		equal(f, c, command.Set("k", "w"), done)
		equal(f, c, command.Copy("k", "copy", command.Replace), true)
		equal(f, c, command.Get("copy"), "w")
		equal(f, c, command.Copy("k", "k", command.ToDB(1)), true)
		equal(f, c, command.Copy("k", "k", command.ToDB(1)), false)
		equal(f, c, command.Copy("k", "k", command.ToDB(1), command.Replace), true)
		equal(f, second, command.Get("k"), "w")

		equal(f, c, command.Move("k", 1), false)
		equal(f, c, command.Move("copy", 1), true)
		equal(f, c, command.Move("copy", 1), false)
		equal(f, second, command.Get("copy"), "w")
		refused(f, c, command.Move("k", 1<<20), "ERR")
	})
}

func TestDumpAndRestore(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		missing(f, c, command.Dump("k"))
		equal(f, c, command.RPush("k", "a", "b", 3), 3)
		dump := result(f, c, command.Dump("k"))
		refused(f, c, command.Restore("k", dump), "BUSYKEY")
		refused(f, c, command.Restore("new", dump[1:]), "ERR")
		equal(f, c, command.Restore("new", dump), done)
		equal(f, c, command.LRange("new", 0, -1), []string{"a", "b", "3"})
		equal(f, c, command.TTL("new"), command.Lifetime{Forever: true})
		equal(f, c, command.Restore("new", dump, command.Replace, command.EX(90*time.Second)), done)
		lives(f, c, "new", 90*time.Second)
		at := time.Now().Add(time.Hour).Truncate(time.Millisecond)
		equal(f, c, command.Restore("new", dump, command.EXAT(at), command.Replace), done)
		equal(f, c, command.ExpireTime("new"), command.Deadline{At: at})

		equal(f, c, command.Restore("old", dump, command.IdleTime(1000*time.Second)), done)
		if idle := result(f, c, command.ObjectIdleTime("old")); idle < 1000*time.Second || idle > 1010*time.Second {
			f.Errorf("idle for %v", idle)
		}
		equal(f, c, command.Touch("old"), 1)
		if idle := result(f, c, command.ObjectIdleTime("old")); idle > 10*time.Second {
			f.Errorf("idle for %v, and just touched", idle)
		}
		missing(f, c, command.ObjectIdleTime("none"))
		equal(f, c, command.Set("string", strings.Repeat("x", 100)), done)
		equal(f, c, command.ObjectRefCount("string"), 1)
		missing(f, c, command.ObjectRefCount("none"))
		refused(f, c, command.ObjectFreq("old"), "ERR") // the server counts no use of keys
	})
}

// TestObjectFreq asks servers that count how often keys are used.
func TestObjectFreq(t *testing.T) {
	own(t, servers.Config{Lines: []string{"maxmemory-policy allkeys-lfu"}}, func(f *fixture) {
		c := f.open()
		missing(f, c, command.ObjectFreq("k"))
		equal(f, c, command.Set("k", "v"), done)
		dump := result(f, c, command.Dump("k"))
		equal(f, c, command.Restore("often", dump, command.Frequency(200)), done)
		// It decays with the minutes.
		if n := result(f, c, command.ObjectFreq("often")); n < 190 || n > 200 {
			f.Errorf("a frequency of %d, want 200", n)
		}
		refused(f, c, command.ObjectIdleTime("k"), "ERR")
	})
}

func TestMigrate(t *testing.T) {
	const password = "s3cret-of-target"
	servers.Each(t, func(t *testing.T, version servers.Version) {
		target := servers.StartT(t, version, servers.Config{Password: password})
		host, port, err := net.SplitHostPort(target.Addr)
		if err != nil {
			t.Fatal(err)
		}
		number, _ := strconv.Atoi(port)
		to := command.Target{Host: host, Port: number}
		for _, protocol := range protocols {
			t.Run(protocol.name, func(t *testing.T) {
				f := newFixture(t, sharedServer(t, version), protocol.resp2, testTimeout)
				f.command("FLUSHALL")
				c := f.open()
				options := redis.Options{Addr: target.Addr, Password: redis.NewSecret(password), RESP2: protocol.resp2}
				there := f.openWith(options)
				options.DB = 1
				elsewhere := f.openWith(options)
				equal(f, there, command.FlushDB(), done)
				equal(f, elsewhere, command.FlushDB(), done)

				login := command.WithPassword(password)
				equal(f, c, command.Migrate(to, []string{"none"}, 5*time.Second, login), false)
				equal(f, c, command.MSet(command.Map{"a": 1, "b": 2, "c": 3}), done)
				equal(f, c, command.Migrate(to, []string{"a"}, 5*time.Second, login), true)
				equal(f, c, command.Exists("a"), 0)
				equal(f, there, command.Get("a"), "1")
				user := command.WithUser("default", password)
				equal(f, c, command.Migrate(to, []string{"b", "none", "c"}, 5*time.Second, user, command.KeepSource), true)
				equal(f, c, command.Exists("b", "c"), 2)
				equal(f, there, command.MGet("b", "c"), []command.Optional[string]{{Value: "2", Present: true}, {Value: "3", Present: true}})
				equal(f, c, command.Set("b", 5), done)
				refused(f, c, command.Migrate(to, []string{"b"}, 5*time.Second, login), "ERR") // it is there
				equal(f, c, command.Migrate(to, []string{"b"}, 5*time.Second, login, command.Replace), true)
				equal(f, there, command.Get("b"), "5")

				wrong := command.Migrate(to, []string{"c"}, 5*time.Second, command.WithUser("nobody", "wrong-password"))
				refused(f, c, wrong, "ERR")
				if _, err := wrong.Do(f.ctx, c); err == nil || strings.Contains(err.Error(), "wrong-password") {
					f.Errorf("with a wrong password: %v", err)
				}
				inDB1 := to
				inDB1.DB = 1
				equal(f, c, command.Migrate(inDB1, []string{"c"}, 5*time.Second, login), true)
				equal(f, elsewhere, command.Get("c"), "3")
			})
		}
	})
}

// TestWait waits in a batch, behind the writes that are waited for. There are no
// replicas.
func TestWait(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		for _, err := range []error{
			second(command.Wait(0, time.Second).Do(f.ctx, c)),
			second(command.WaitAOF(0, 0, time.Second).Do(f.ctx, c)),
		} {
			if !errors.Is(err, redis.ErrArgument) || !errors.Is(err, redis.ErrNotSent) {
				f.Errorf("alone: %v, want ErrArgument and ErrNotSent", err)
			}
		}
		var b command.Batch
		b.Set("k", "v")
		none, one := command.Wait(0, 0).Queue(&b), command.Wait(1, 20*time.Millisecond).Queue(&b)
		if err := c.Exec(f.ctx, &b); err != nil || none.Value() != 0 || one.Value() != 0 {
			f.Errorf("WAIT = %d, %d, %v", none.Value(), one.Value(), err)
		}

		b.Set("k", "v")
		onDisk := command.WaitAOF(0, 1, 20*time.Millisecond).Queue(&b)
		err := c.Exec(f.ctx, &b)
		if !f.has("7.2") { // it does not have the command
			if replyCode(err) != "ERR" {
				f.Errorf("WAITAOF: %v", err)
			}
		} else if err != nil || onDisk.Value() != (command.Persisted{}) {
			f.Errorf("WAITAOF = %v, %v", onDisk.Value(), err)
		}
	})
}

// TestWaitAOF asks servers that write a file to append to.
func TestWaitAOF(t *testing.T) {
	own(t, servers.Config{Lines: []string{"appendonly yes"}}, func(f *fixture) {
		f.since("7.2", "WAITAOF")
		c := f.open()
		var b command.Batch
		b.Set("k", "v")
		onDisk := command.WaitAOF(1, 0, 30*time.Second).Queue(&b)
		if err := c.Exec(f.ctx, &b); err != nil || onDisk.Value() != (command.Persisted{Local: true}) {
			f.Errorf("WAITAOF = %v, %v", onDisk.Value(), err)
		}
	})
}

// second returns the error of a call.
func second[T any](_ T, err error) error { return err }

func TestScanFindsEveryKey(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		values := command.Map{}
		for i := range 3000 {
			values["key:"+strconv.Itoa(i)] = i
		}
		equal(f, c, command.MSet(values), done)
		equal(f, c, command.HSet("a hash", command.Map{"f": "v"}), 1)

		scan := func(opts ...command.ScanOption) []string {
			found := map[string]bool{}
			for cursor := uint64(0); ; {
				page := result(f, c, command.Scan(cursor, opts...))
				for _, key := range page.Keys {
					found[key] = true
				}
				if cursor = page.Cursor; cursor == 0 {
					return slices.Sorted(maps.Keys(found))
				}
			}
		}
		if got := scan(); len(got) != 3001 {
			f.Errorf("SCAN found %d keys of 3001", len(got))
		}
		if got := scan(command.Count(500), command.Match("key:1?")); len(got) != 10 || got[0] != "key:10" || got[9] != "key:19" {
			f.Errorf("SCAN MATCH key:1? found %q", got)
		}
		if got := scan(command.OfType("hash")); !slices.Equal(got, []string{"a hash"}) {
			f.Errorf("SCAN TYPE hash found %q", got)
		}
	})
}

func TestSort(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		equal(f, c, command.RPush("l", 10, 9, 1, 3), 4)
		equal(f, c, command.Sort("l"), []string{"1", "3", "9", "10"})
		equal(f, c, command.Sort("l", command.Desc, command.Limit(1, 2)), []string{"9", "3"})
		equal(f, c, command.Sort("l", command.Alpha, command.Asc), []string{"1", "10", "3", "9"})
		equal(f, c, command.Sort("none"), []string{})
		equal(f, c, command.MSet(command.Map{"w_10": 1, "w_9": 2, "w_1": 3, "w_3": 4, "name_9": "nine"}), done)
		equal(f, c, command.Sort("l", command.By("w_*")), []string{"10", "9", "1", "3"})
		equal(f, c, command.SortGet("l", []string{"#", "name_*"}, command.By("w_*"), command.Limit(0, 2)),
			[]command.Optional[string]{{Value: "10", Present: true}, {}, {Value: "9", Present: true}, {Value: "nine", Present: true}})

		equal(f, c, command.SortRO("l", command.By("w_*"), command.Desc), []string{"3", "1", "9", "10"})
		equal(f, c, command.SortRO("none"), []string{})
		equal(f, c, command.SortROGet("l", []string{"name_*"}, command.By("w_*"), command.Limit(1, 2)),
			[]command.Optional[string]{{Value: "nine", Present: true}, {}})
		equal(f, c, command.SortStore("l", "sorted", nil, command.Limit(0, 3)), 3)
		equal(f, c, command.LRange("sorted", 0, -1), []string{"1", "3", "9"})
		equal(f, c, command.SortStore("l", "sorted", []string{"#", "name_*"}, command.By("w_*"), command.Limit(0, 2)), 4)
		equal(f, c, command.LRange("sorted", 0, -1), []string{"10", "", "9", "nine"})
	})
}
