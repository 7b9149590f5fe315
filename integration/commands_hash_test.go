package integration

import (
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/redchan-go/redchan/redis/command"
)

func TestHashCommands(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		equal(f, c, command.HGetAll("h"), map[string]string{})
		missing(f, c, command.HGet("h", "name"))
		equal(f, c, command.HSet("h", command.Map{"name": "Ada", "born": 1815, "": "empty name"}), 3)
		equal(f, c, command.HSet("h", command.Pairs("name", "Ada Lovelace", "died", 1852)), 1)
		equal(f, c, command.HGet("h", "name"), "Ada Lovelace")
		missing(f, c, command.HGet("h", "none"))
		equal(f, c, command.HGetAll("h"), map[string]string{
			"name": "Ada Lovelace", "born": "1815", "died": "1852", "": "empty name",
		})
		equal(f, c, command.HDel("h", "born", "none", "died"), 2)
		equal(f, c, command.HGetAll("h"), map[string]string{"name": "Ada Lovelace", "": "empty name"})

		// A reply of more than 64 KiB is decoded into pieces of memory.
		fields, want := command.Map{}, map[string]string{}
		for i := range 20_000 {
			name := "field " + strconv.Itoa(i)
			fields[name], want[name] = i, strconv.Itoa(i)
		}
		equal(f, c, command.HSet("large", fields), 20_000)
		equal(f, c, command.HGetAll("large"), want)
	})
}

func TestFieldsOfHashes(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		equal(f, c, command.HExists("h", "f"), false)
		equal(f, c, command.HSetNX("h", "f", "Hello"), true)
		equal(f, c, command.HSetNX("h", "f", "World"), false)
		equal(f, c, command.HExists("h", "f"), true)
		equal(f, c, command.HExists("h", "g"), false)
		equal(f, c, command.HMSet("h", command.Map{"n": 5, "x": "10.50"}), done)
		equal(f, c, command.HMGet("h", "f", "none", "n"), []command.Optional[string]{{Value: "Hello", Present: true}, {}, {Value: "5", Present: true}})
		equal(f, c, command.HMGet("none", "f", "g"), []command.Optional[string]{{}, {}})
		equal(f, c, command.HIncrBy("h", "n", 1), 6)
		equal(f, c, command.HIncrBy("h", "n", -10), -4)
		equal(f, c, command.HIncrBy("h", "m", 3), 3)
		refused(f, c, command.HIncrBy("h", "f", 1), "ERR")
		equal(f, c, command.HIncrByFloat("h", "x", 0.1), 10.6)
		equal(f, c, command.HIncrByFloat("h", "x", -5), 5.6)
		equal(f, c, command.HLen("h"), 4)
		equal(f, c, command.HLen("none"), 0)
		equal(f, c, command.HStrLen("h", "f"), 5)
		equal(f, c, command.HStrLen("h", "none"), 0)
		inAnyOrder(f, c, command.HKeys("h"), "f", "m", "n", "x")
		inAnyOrder(f, c, command.HVals("h"), "-4", "3", "5.6", "Hello")
		equal(f, c, command.HKeys("none"), []string{})
		equal(f, c, command.HVals("none"), []string{})
	})
}

func TestRandomFields(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		missing(f, c, command.HRandField("none"))
		equal(f, c, command.HRandFieldCount("none", 2), []string{})
		equal(f, c, command.HRandFieldWithValues("none", 2), []command.Field{})
		equal(f, c, command.HSet("one", command.Map{"f": 1}), 1)
		equal(f, c, command.HRandField("one"), "f")
		equal(f, c, command.HRandFieldCount("one", -3), []string{"f", "f", "f"})
		equal(f, c, command.HRandFieldWithValues("one", 5), []command.Field{{Name: "f", Value: "1"}})
		equal(f, c, command.HRandFieldWithValues("one", -2), []command.Field{{Name: "f", Value: "1"}, {Name: "f", Value: "1"}})
		equal(f, c, command.HSet("h", command.Map{"a": 1, "b": 2, "c": 3}), 3)
		inAnyOrder(f, c, command.HRandFieldCount("h", 10), "a", "b", "c")
		if got := result(f, c, command.HRandFieldCount("h", 2)); len(got) != 2 || got[0] == got[1] {
			f.Errorf("two of three fields: %q", got)
		}
	})
}

func TestHashScan(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		fields, want := command.Map{}, map[string]string{}
		for i := range 3000 {
			name := "field:" + strconv.Itoa(i)
			fields[name], want[name] = i, strconv.Itoa(i)
		}
		equal(f, c, command.HSet("h", fields), 3000)
		equal(f, c, command.HScan("none", 0), command.HScanPage{Fields: []command.Field{}})
		found := map[string]string{}
		for cursor := uint64(0); ; {
			page := result(f, c, command.HScan("h", cursor, command.Count(500)))
			for _, field := range page.Fields {
				found[field.Name] = field.Value
			}
			if cursor = page.Cursor; cursor == 0 {
				break
			}
		}
		if !maps.Equal(found, want) {
			f.Errorf("HSCAN found %d other fields", len(found))
		}
		clear(found)
		for field, err := range c.HScanAll(f.ctx, "h", command.Match("field:1?")) {
			if err != nil {
				f.Fatal(err)
			}
			found[field.Name] = field.Value
		}
		if len(found) != 10 || found["field:17"] != "17" {
			f.Errorf("HSCAN MATCH found %v", found)
		}

		if !f.has("7.2") {
			refused(f, c, command.HScanNoValues("h", 0), "ERR")
			return
		}
		equal(f, c, command.HSet("small", command.Map{"a": 1, "b": 2}), 2)
		page := result(f, c, command.HScanNoValues("small", 0))
		slices.Sort(page.Fields)
		if page.Cursor != 0 || !slices.Equal(page.Fields, []string{"a", "b"}) {
			f.Errorf("HSCAN NOVALUES = %v", page)
		}
	})
}

func TestFieldExpiry(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		fields := []string{"f", "none"}
		if !f.has("7.2") { // fields expire since Redis 7.4
			refused(f, c, command.HExpire("h", time.Minute, fields), "ERR")
			refused(f, c, command.HExpireAt("h", time.Now(), fields), "ERR")
			refused(f, c, command.HPersist("h", "f"), "ERR")
			refused(f, c, command.HTTL("h", "f"), "ERR")
			refused(f, c, command.HTTLSeconds("h", "f"), "ERR")
			refused(f, c, command.HExpireTime("h", "f"), "ERR")
			refused(f, c, command.HExpireTimeSeconds("h", "f"), "ERR")
			return
		}
		type lifetimes = []command.Optional[command.Lifetime]
		type deadlines = []command.Optional[command.Deadline]
		type expiries = []command.FieldExpiry
		forever := command.Optional[command.Lifetime]{Value: command.Lifetime{Forever: true}, Present: true}
		never := command.Optional[command.Deadline]{Value: command.Deadline{Never: true}, Present: true}
		deadline := func(t time.Time) command.Optional[command.Deadline] {
			return command.Optional[command.Deadline]{Value: command.Deadline{At: t}, Present: true}
		}
		const missing, none, unchanged = command.FieldMissing, command.FieldNoExpiry, command.FieldUnchanged
		const changed, removed = command.FieldChanged, command.FieldRemoved

		equal(f, c, command.HTTL("h", "f", "g"), lifetimes{{}, {}})
		equal(f, c, command.HExpire("h", time.Minute, fields), expiries{missing, missing})
		equal(f, c, command.HSet("h", command.Map{"f": 1, "g": 2, "h": 3}), 3)
		equal(f, c, command.HTTL("h", "f", "none"), lifetimes{forever, {}})
		equal(f, c, command.HTTLSeconds("h", "f", "none"), lifetimes{forever, {}})
		equal(f, c, command.HExpireTime("h", "f", "none"), deadlines{never, {}})
		equal(f, c, command.HExpireTimeSeconds("h", "f", "none"), deadlines{never, {}})

		equal(f, c, command.HExpire("h", time.Minute, fields), expiries{changed, missing})
		equal(f, c, command.HExpire("h", 90*time.Second+time.Millisecond, []string{"f", "g"}, command.NX), expiries{unchanged, changed})
		left := result(f, c, command.HTTL("h", "f", "g"))
		for i, most := range []time.Duration{time.Minute, 90*time.Second + time.Millisecond} {
			if got := left[i].Value; !left[i].Present || got.Forever || got.Left > most || got.Left < most-10*time.Second {
				f.Errorf("HTTL[%d] = %v, want about %v", i, left[i], most)
			}
		}
		equal(f, c, command.HExpire("h", time.Second, []string{"f"}, command.GT), expiries{unchanged})
		equal(f, c, command.HExpire("h", time.Hour, []string{"f"}, command.LT), expiries{unchanged})
		equal(f, c, command.HExpire("h", time.Hour, []string{"f", "h"}, command.XX), expiries{changed, unchanged})

		at := time.Now().Add(time.Hour).Truncate(time.Second)
		equal(f, c, command.HExpireAt("h", at, []string{"f"}), expiries{changed})
		equal(f, c, command.HExpireTimeSeconds("h", "f"), deadlines{deadline(at)})
		if left := result(f, c, command.HTTLSeconds("h", "f"))[0].Value.Left; left%time.Second != 0 || left < 59*time.Minute || left > time.Hour {
			f.Errorf("HTTL in seconds: %v", left)
		}
		fraction := at.Add(123 * time.Millisecond)
		equal(f, c, command.HExpireAt("h", fraction, []string{"g"}, command.GT), expiries{changed})
		equal(f, c, command.HExpireTime("h", "f", "g", "h", "none"), deadlines{deadline(at), deadline(fraction), never, {}})
		equal(f, c, command.HPersist("h", "f", "h", "none"), expiries{changed, none, missing})
		equal(f, c, command.HTTL("h", "f"), lifetimes{forever})
		equal(f, c, command.HExpire("h", -time.Minute, []string{"f"}), expiries{removed})
		equal(f, c, command.HExpireAt("h", time.Unix(1, 0), []string{"g"}), expiries{removed})
		equal(f, c, command.HKeys("h"), []string{"h"})
	})
}

func TestHashGetAndSetWithExpiry(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		fields := []string{"f", "none"}
		if !f.has("7.2") {
			refused(f, c, command.HGetDel("h", "f"), "ERR")
			refused(f, c, command.HGetEX("h", fields), "ERR")
			refused(f, c, command.HSetEX("h", command.Map{"f": 1}), "ERR")
			return
		}
		type values = []command.Optional[string]
		some := func(s string) command.Optional[string] { return command.Optional[string]{Value: s, Present: true} }
		within := func(most time.Duration) {
			f.Helper()
			got := result(f, c, command.HTTL("h", "f"))[0]
			if !got.Present || got.Value.Forever || got.Value.Left > most || got.Value.Left < most-10*time.Second {
				f.Errorf("the field lives for %v, want about %v", got, most)
			}
		}
		never := []command.Optional[command.Lifetime]{{Value: command.Lifetime{Forever: true}, Present: true}}

		equal(f, c, command.HGetEX("h", fields), values{{}, {}})
		equal(f, c, command.HGetDel("h", fields...), values{{}, {}})
		equal(f, c, command.HSetEX("h", command.Map{"f": 1}, command.FXX, command.EX(time.Minute)), false)
		equal(f, c, command.HSetEX("h", command.Map{"f": 1, "g": 2}, command.FNX, command.EX(time.Minute)), true)
		within(time.Minute)
		equal(f, c, command.HSetEX("h", command.Pairs("f", 3, "x", 4), command.FNX), false)
		equal(f, c, command.HSetEX("h", command.Pairs("f", 3), command.KeepTTL), true)
		within(time.Minute)
		equal(f, c, command.HSetEX("h", command.Pairs("f", 5), command.FXX, command.EX(90*time.Second+time.Millisecond)), true)
		within(90*time.Second + time.Millisecond)
		equal(f, c, command.HSetEX("h", command.Pairs("f", 6)), true)
		equal(f, c, command.HTTL("h", "f"), never)

		equal(f, c, command.HGetEX("h", fields, command.EX(time.Hour)), values{some("6"), {}})
		within(time.Hour)
		at := time.Now().Add(2 * time.Hour).Truncate(time.Millisecond)
		equal(f, c, command.HGetEX("h", fields, command.EXAT(at)), values{some("6"), {}})
		equal(f, c, command.HExpireTime("h", "f"), []command.Optional[command.Deadline]{{Value: command.Deadline{At: at}, Present: true}})
		equal(f, c, command.HGetEX("h", fields, command.Forever), values{some("6"), {}})
		equal(f, c, command.HTTL("h", "f"), never)
		equal(f, c, command.HGetDel("h", "f", "none", "g"), values{some("6"), {}, some("2")})
		equal(f, c, command.Exists("h"), 0)

		// The condition on the key is Valkey's own.
		absent := command.HSetEX("h", command.Map{"f": 1}, command.XX)
		if f.server.Role() == "valkey9" {
			equal(f, c, absent, false)
			equal(f, c, command.HSetEX("h", command.Map{"f": 1}, command.NX), true)
			equal(f, c, command.HSetEX("h", command.Map{"f": 1}, command.NX), false)
		} else {
			refused(f, c, absent, "ERR")
		}
	})
}
