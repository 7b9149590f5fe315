package integration

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/netip"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
)

// account is what the tests of values store in hashes and streams.
type account struct {
	Name   string        `redis:"name"`
	Visits int64         `redis:"visits"`
	Ratio  float64       `redis:"ratio"`
	Active bool          `redis:"active"`
	Since  time.Time     `redis:"since"`
	Quota  time.Duration `redis:"quota"`
	Tags   []string      `redis:"tags,json"`
	Avatar []byte        `redis:"avatar"`
	Left   *time.Time    `redis:"left"`
}

func TestStructs(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		ada := account{
			Name: "Ada", Visits: 7, Ratio: 0.1, Active: true, Since: time.Date(1843, 9, 1, 0, 0, 0, 1, time.UTC),
			Quota: 90 * time.Minute, Tags: []string{"a", "b"}, Avatar: []byte{0, 255, '\r', '\n'},
		}
		equal(f, c, command.HSet("account:1", command.Struct(ada)), 8)
		// The server can count what is a number.
		equal(f, c, command.AsInt(command.Raw("HINCRBY", "account:1", "visits", 1)), 8)
		ada.Visits = 8
		equal(f, c, command.AsStruct[account](command.HGetAll("account:1")), ada)
		missing(f, c, command.AsStruct[account](command.HGetAll("account:2")))

		id := result(f, c, command.XAdd("joined", "*", command.Struct(ada)))
		equal(f, c, command.XGroupCreate("joined", "g", "0"), done)
		for _, stream := range result(f, c, command.XReadGroup("g", "c", []command.StreamPosition{{Stream: "joined", After: ">"}})) {
			for _, entry := range stream.Entries {
				var got account
				if err := entry.Scan(&got); err != nil || entry.ID != id || !reflect.DeepEqual(got, ada) {
					f.Errorf("%v: %v (-want +got):\n%s", entry, err, cmp.Diff(ada, got))
				}
			}
		}
		equal(f, c, command.HSet("account:3", command.Map{"visits": "many"}), 1)
		var wrong *command.DecodeError
		if _, err := command.AsStruct[account](command.HGetAll("account:3")).Do(f.ctx, c); !errors.As(err, &wrong) || wrong.Key != "account:3" || strings.Contains(err.Error(), "many") {
			f.Errorf("%v", err)
		}
	})
}

func TestDecoders(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		when := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
		for key, value := range map[string]any{
			"text": "text", "n": -7, "big": uint64(1<<64 - 1), "ratio": 0.5, "when": when.Format(time.RFC3339Nano),
			"wait": "1m30s", "json": command.JSON(map[string]int{"a": 1}), "bytes": []byte{0xff, 0},
		} {
			equal(f, c, command.Set(key, value), done)
		}
		equal(f, c, command.AsBytes(command.Get("bytes")), []byte{0xff, 0})
		equal(f, c, command.AsInt(command.Get("n")), -7)
		equal(f, c, command.AsUint(command.Get("big")), 1<<64-1)
		equal(f, c, command.AsFloat(command.Get("ratio")), 0.5)
		equal(f, c, command.AsTime(command.Get("when")), when)
		equal(f, c, command.AsDuration(command.Get("wait")), 90*time.Second)
		equal(f, c, command.AsJSON[map[string]int](command.Get("json")), map[string]int{"a": 1})
		equal(f, c, command.AsBool(command.Raw("EXISTS", "text")), true)
		equal(f, c, command.AsAny(command.Raw("EXISTS", "text")), any(int64(1)))
		equal(f, c, command.Set("addr", "::1"), done)
		equal(f, c, command.AsText[netip.Addr](command.Get("addr")), netip.MustParseAddr("::1"))

		equal(f, c, command.RPush("list", 1, 2, 3), 3)
		equal(f, c, command.AsSlice(command.LRange("list", 0, -1), command.AsInt), []int64{1, 2, 3})
		equal(f, c, command.HSet("hash", command.Map{"a": 1, "b": 0.5}), 2)
		equal(f, c, command.AsMap(command.HGetAll("hash"), command.AsFloat), map[string]float64{"a": 1, "b": 0.5})
		equal(f, c, command.AsMap(command.HMGet("hash", "b", "none"), command.AsFloat), map[string]float64{"b": 0.5})
		equal(f, c, command.AsOptionals(command.HMGet("hash", "b", "none"), command.AsFloat), []command.Optional[float64]{{Value: 0.5, Present: true}, {}})
		set := command.NewScriptOf("redis.call('SET', KEYS[1], ARGV[1]); return {redis.call('GET', KEYS[1]), false, 7}", func(cmd command.Cmd[proto.Value]) command.Cmd[[]command.Optional[int64]] {
			return command.AsOptionals(cmd, command.AsInt)
		})
		equal(f, c, set.Call([]string{"flag"}, command.Bool(true)), []command.Optional[int64]{{Value: 1, Present: true}, {}, {Value: 7, Present: true}})
		equal(f, c, command.AsBool(command.Get("flag")), true)
		equal(f, c, command.AsOptional(command.Get("flag"), command.AsInt), command.Optional[int64]{Value: 1, Present: true})
		equal(f, c, command.AsOptional(command.Get("no flag"), command.AsInt), command.Optional[int64]{})
		equal(f, c, command.AsMap(command.AsFields(command.Eval("return redis.call('HGETALL', KEYS[1])", []string{"hash"})), command.AsFloat), map[string]float64{"a": 1, "b": 0.5})

		for key, want := range map[string]any{
			"text": "text", "n": int64(-7), "ratio": 0.5, "json": map[string]any{"a": int64(1)}, "bytes": []byte{0xff, 0}, "none": nil,
		} {
			equal(f, c, command.AsGuess(command.Get(key)), want)
		}
		// By the client's mode: texts as they are, or guessed.
		guessing := c.View(redis.Decoding{Text: command.Guess})
		for want, ask := range map[any]func() (any, error){
			"-7":      func() (any, error) { return c.Any(f.ctx, command.Get("n")) },
			int64(-7): func() (any, error) { return guessing.Any(f.ctx, command.Get("n")) },
		} {
			if got, err := ask(); got != want || err != nil {
				f.Errorf("Any: %#v, %v, want %#v", got, err, want)
			}
		}
		got, err := guessing.Any(f.ctx, command.LRange("list", 0, -1))
		if diff := cmp.Diff([]any{int64(1), int64(2), int64(3)}, got); err != nil || diff != "" {
			f.Errorf("Any: %v (-want +got):\n%s", err, diff)
		}
	})
}

// Clients that read replies in different ways share the connections of one.
func TestViewsShareConnections(t *testing.T) {
	unpack := func(v proto.Value) (proto.Value, error) {
		r, err := gzip.NewReader(strings.NewReader(v.Str()))
		if err != nil {
			return v, err
		}
		text, err := io.ReadAll(r)
		return proto.Bulk(string(text)), err
	}
	shared(t, func(f *fixture) {
		c := f.open()
		text := strings.Repeat("a long text ", 100)
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		if _, err := w.Write([]byte(text)); err != nil {
			f.Fatal(err)
		}
		if err := w.Close(); err != nil {
			f.Fatal(err)
		}
		equal(f, c, command.Set("k", packed.Bytes()), done)
		views := []*redis.View{
			c.View(redis.Decoding{Replies: map[string]func(proto.Value) (proto.Value, error){"GET": unpack}}),
			c.View(redis.Decoding{}),
		}
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() { equal(f, views[0], command.Get("k"), text) })
			all.Go(func() { equal(f, views[1], command.Get("k"), packed.String()) })
		}
		all.Wait()
		missing(f, views[0], command.Get("none"))
		p := views[0].Pipeline()
		a, b := p.Get("k"), p.StrLen("k")
		if err := p.Multi(f.ctx); err != nil || a.Value() != text || b.Value() != int64(packed.Len()) {
			f.Errorf("a transaction: %v", err)
		}
		// One connection for all of them.
		if info := result(f, c, command.Info("clients")); info.Get("connected_clients") != "1" {
			f.Errorf("%s connections", info.Get("connected_clients"))
		}
	})
}
