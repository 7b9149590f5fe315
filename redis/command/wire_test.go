package command_test

import (
	"errors"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redchan-go/redchan/redis/command"
)

func TestWire(t *testing.T) {
	at := time.UnixMilli(1700000000500)
	for want, request := range map[string]command.Request{
		"GET k":                              command.Get("k").Request(),
		"SET k v":                            command.Set("k", "v").Request(),
		"SET k v NX EX 60":                   command.SetIf("k", "v", command.NX, command.EX(time.Minute)).Request(),
		"SET k v XX PX 1500":                 command.SetIf("k", "v", command.XX, command.EX(1500*time.Millisecond)).Request(),
		"SET k v PXAT 1700000000500":         command.Set("k", "v", command.EXAT(at)).Request(),
		"SET k v EXAT 1700000001":            command.Set("k", "v", command.EXAT(at.Add(500*time.Millisecond))).Request(),
		"SET k v IFEQ 7 KEEPTTL":             command.SetIf("k", "v", command.IfEqual(7), command.KeepTTL).Request(),
		"SET k 1":                            command.Set("k", command.Bool(true)).Request(),
		"SET k 0":                            command.Set("k", command.Bool(false)).Request(),
		"SET k ::1":                          command.Set("k", command.Text(netip.IPv6Loopback())).Request(),
		"SET k none":                         command.Set("k", "none", command.EXIf(0)).Request(),
		"SET k some EX 60":                   command.Set("k", "some", command.EXIf(time.Minute)).Request(),
		"GETEX k":                            command.GetEX("k", command.EXIf(0)).Request(),
		"SET k v GET NX":                     command.SetGet("k", "v", command.NX).Request(),
		"MGET a b":                           command.MGet("a", "b").Request(),
		"MSET a 1 b 2":                       command.MSet(command.Map{"b": 2, "a": 1}).Request(),
		"INCRBY k -5":                        command.IncrBy("k", -5).Request(),
		"EXPIRE k 60":                        command.Expire("k", time.Minute).Request(),
		"PEXPIRE k 1500":                     command.Expire("k", 1500*time.Millisecond).Request(),
		"HSET k a 1 b 2":                     command.HSet("k", command.Map{"b": 2, "a": 1}).Request(),
		"HSET k b 2 a 1":                     command.HSet("k", command.Pairs("b", 2, "a", 1)).Request(),
		"HDEL k a b":                         command.HDel("k", "a", "b").Request(),
		"ZADD k 1.5 a 2 b":                   command.ZAdd("k", command.Scores{"b": 2, "a": 1.5}).Request(),
		"ZADD k XX GT CH inf a":              command.ZAdd("k", command.Scored{{Member: "a", Score: math.Inf(1)}}, command.XX, command.GT, command.Changed).Request(),
		"ZADD k NX INCR 1 a":                 command.ZAddIncr("k", 1, "a", command.NX).Request(),
		"ZREM k a b":                         command.ZRem("k", "a", "b").Request(),
		"ZREMRANGEBYSCORE k -inf (1.5":       command.ZRemRangeByScore("k", command.Score(math.Inf(-1)), command.Beyond(1.5)).Request(),
		"LTRIM k 0 9":                        command.LTrim("k", 0, 9).Request(),
		"ZRANGE k 0 -1 WITHSCORES":           command.ZRangeWithScores("k", command.ByRank(0, -1)).Request(),
		"XADD s NOMKSTREAM MAXLEN ~ 9 * a 1": command.XAdd("s", "*", command.Pairs("a", 1), command.NoMakeStream, command.MaxLen(9)).Request(),
		"XREADGROUP GROUP g c COUNT 2 BLOCK 1 NOACK STREAMS s t > 0-1": command.XReadGroup("g", "c",
			[]command.StreamPosition{{"s", ">"}, {"t", "0-1"}}, command.Count(2), command.BlockFor(time.Microsecond), command.NoAck).Request(),
		"XGROUP CREATE s g $ MKSTREAM":                                command.XGroupCreate("s", "g", "$", command.MakeStream).Request(),
		"SORT k BY w_* LIMIT 0 5 DESC ALPHA":                          command.Sort("k", command.By("w_*"), command.Limit(0, 5), command.Desc, command.Alpha).Request(),
		"SORT k GET # GET o_*":                                        command.SortGet("k", []string{"#", "o_*"}).Request(),
		"GEOSEARCH g FROMMEMBER m BYRADIUS 5 km ASC COUNT 3 ANY":      command.GeoSearch("g", command.FromMember("m"), command.ByRadius(5, command.Kilometers), command.Asc, command.CountAny(3)).Request(),
		"GEOSEARCH g FROMLONLAT 1.5 2 BYBOX 3 4 m DESC COUNT 1":       command.GeoSearch("g", command.FromPosition(1.5, 2), command.ByBox(3, 4, command.Meters), command.Desc, command.Count(1)).Request(),
		"BITFIELD k OVERFLOW FAIL INCRBY u8 8 1 GET i5 0 SET u4 0 15": command.BitField("k", command.BitOverflow(command.OverflowFail), command.BitIncrBy("u8", 8, 1), command.BitGet("i5", 0), command.BitSet("u4", 0, 15)).Request(),
		"CLIENT KILL TYPE pubsub USER bob SKIPME no":                  command.ClientKill(command.WhereType("pubsub"), command.WhereUser("bob"), command.KillSelfToo).Request(),
		"LMPOP 2 a b RIGHT COUNT 3":                                   command.LMPop(command.Right, []string{"a", "b"}, command.Count(3)).Request(),
		"BLPOP a b 0":                                                 command.BLPop(0, "a", "b").Request(),
		"BLPOP a 0.002":                                               command.BLPop(time.Nanosecond, "a").Request(), // 0 would be for ever
		"BLPOP a 1.25":                                                command.BLPop(1250*time.Millisecond, "a").Request(),
		"SCAN 18446744073709551615 COUNT 10 MATCH a* TYPE hash":       command.Scan(math.MaxUint64, command.Count(10), command.Match("a*"), command.OfType("hash")).Request(),
		"INFO server":                                                 command.Info("server").Request(),
		"OBJECT ENCODING k":                                           command.ObjectEncoding("k").Request(),
		"EVAL return_1 2 a b x 1":                                     command.Eval("return_1", []string{"a", "b"}, "x", 1).Request(),
		"CLUSTER SHARDS":                                              command.ClusterShards().Request(),
		"PUBLISH c m":                                                 command.Publish("c", "m").Request(),
		"PUBSUB NUMSUB a b":                                           command.PubSubNumSub("a", "b").Request(),
		"ACL SETUSER bob on >s3cret":                                  command.ACLSetUser("bob", "on", ">s3cret").Request(),
		"CONFIG SET maxmemory 1 save x":                               command.ConfigSet(map[string]string{"save": "x", "maxmemory": "1"}).Request(),
		"CLIENT PAUSE 1500 WRITE":                                     command.ClientPause(1500*time.Millisecond, command.WritesOnly).Request(),
		"GEOADD g 1.5 -2 m":                                           command.GeoAdd("g", []command.GeoMember{{Name: "m", Position: command.Position{Longitude: 1.5, Latitude: -2}}}).Request(),
		"JSON.GET k $":                                                command.Raw("json.get", "k", "$").Request(),
		"MEMORY USAGE k":                                              command.Raw("memory", "usage", "k").Request(),
		"PEXPIRE k 1":                                                 command.Expire("k", time.Microsecond).Request(), // 0 would delete it
	} {
		expectWire(t, request, want)
	}
}

// What can't be sent is refused, before it is given to anyone.
func TestRefused(t *testing.T) {
	type point struct{ X, Y int }
	for why, request := range map[string]command.Request{
		"nil":                       command.Set("k", nil).Request(),
		"bool":                      command.Set("k", true).Request(),
		"struct":                    command.Set("k", point{}).Request(),
		"pointer":                   command.Set("k", &point{}).Request(),
		"map":                       command.Set("k", map[string]int{}).Request(),
		"slice":                     command.Set("k", []string{"a"}).Request(),
		"time.Duration":             command.Set("k", time.Second).Request(),
		"time.Time":                 command.Set("k", time.Now()).Request(),
		"NaN":                       command.Set("k", math.NaN()).Request(),
		"Refuse":                    command.Raw("m.x", command.Refuse("no")).Request(),
		"NaN score":                 command.ZAdd("k", command.Scores{"a": math.NaN()}).Request(),
		"JSON":                      command.Set("k", command.JSON(func() {})).Request(),
		"SetIf without a condition": command.SetIf("k", "v", nil).Request(),
		"SetGet with NX and XX":     command.SetGet("k", "v", command.NX, command.XX).Request(),
		"SetGet with NX and IFEQ":   command.SetGet("k", "v", command.NX, command.IfEqual("o")).Request(),
		"EX and KEEPTTL":            command.Set("k", "v", command.EX(time.Minute), command.KeepTTL).Request(),
		"no expiry":                 command.Set("k", "v", command.EX(0)).Request(),
		"negative expiry":           command.Set("k", "v", command.EX(-time.Second)).Request(),
		"NX and GT":                 command.ZAdd("k", command.Scores{"a": 1}, command.NX, command.GT).Request(),
		"NaN bound":                 command.ZRemRangeByScore("k", command.Score(0), command.Beyond(math.NaN())).Request(),
		"GT and LT":                 command.ZAdd("k", command.Scores{"a": 1}, command.GT, command.LT).Request(),
		"no members":                command.ZAdd("k", command.Scores{}).Request(),
		"nil members":               command.ZAdd("k", nil).Request(),
		"no keys":                   command.Del().Request(),
		"no keys of MGET":           command.MGet().Request(),
		"no keys of MSET":           command.MSet(nil).Request(),
		"no fields":                 command.HSet("k", command.Map{}).Request(),
		"nil fields":                command.HSet("k", nil).Request(),
		"a field without value":     command.HSet("k", command.Pairs("a", 1, "b")).Request(),
		"no fields of HDEL":         command.HDel("k").Request(),
		"no values":                 command.LPush("k").Request(),
		"no ID":                     command.XAdd("s", "", command.Pairs("a", 1)).Request(),
		"negative MAXLEN":           command.XAdd("s", "*", command.Pairs("a", 1), command.MaxLenExactly(-1)).Request(),
		"no streams":                command.XReadGroup("g", "c", nil).Request(),
		"negative block":            command.XReadGroup("g", "c", []command.StreamPosition{{"s", ">"}}, command.BlockFor(-1)).Request(),
		"negative pop":              command.BLPop(-1, "k").Request(),
		"COUNT 0":                   command.Scan(0, command.Count(0)).Request(),
		"COUNT twice":               command.Scan(0, command.Count(1), command.Count(2)).Request(),
		"no origin":                 command.GeoSearch("g", nil, command.ByRadius(1, command.Miles)).Request(),
		"negative radius":           command.GeoSearch("g", command.FromMember("m"), command.ByRadius(-1, command.Feet)).Request(),
		"negative box":              command.GeoSearch("g", command.FromMember("m"), command.ByBox(1, -1, command.Feet)).Request(),
		"no operations":             command.BitField("k").Request(),
		"bit type":                  command.BitField("k", command.BitGet("8", 0)).Request(),
		"bit offset":                command.BitField("k", command.BitGet("u8", -1)).Request(),
		"nil option":                command.Set("k", "v", nil).Request(),
		"nil filter":                command.ClientKill(nil).Request(),
		"nil ZADD option":           command.ZAdd("k", command.Scores{"a": 1}, nil).Request(),
		"nil scan option":           command.Scan(0, nil).Request(),
		"nil operation":             command.BitField("k", nil).Request(),
		"nil geo option":            command.GeoSearch("g", command.FromMember("m"), command.ByRadius(1, command.Miles), nil).Request(),
		"nil Binary":                command.Set("k", command.Binary(nil)).Request(),
		"no unit":                   command.GeoSearch("g", command.FromMember("m"), command.ByRadius(1, "")).Request(),
		"no end":                    command.LMPop("", []string{"k"}).Request(),
		"bits":                      command.BitField("k", command.BitGet("u64", 0)).Request(),
		"overflow":                  command.BitField("k", command.BitOverflow("")).Request(),
		"the same filter twice":     command.ClientKill(command.WhereID(1), command.WhereID(2)).Request(),
		"no age":                    command.ClientKill(command.WhereOlderThan(-1)).Request(),
		"a negative pause":          command.ClientPause(-1).Request(),
		"CLIENT REPLY":              command.Raw("client", "reply", "SKIP").Request(),
		"CLIENT REPLY, bytes":       command.Raw("client", []byte("reply"), "SKIP").Request(),
		"CLIENT TRACKING":           command.Raw("CLIENT", "TRACKING", "ON").Request(),
		"CLIENT SETNAME":            command.Raw("CLIENT", "SETNAME", "x").Request(),
		"REPLCONF":                  command.Raw("REPLCONF", "ACK", 1).Request(),
		"SCRIPT DEBUG":              command.Raw("SCRIPT", "DEBUG", "YES").Request(),
		"an empty request":          {},
		"an empty command":          command.Cmd[string]{}.Request(),
		"no patterns":               command.SortGet("k", nil).Request(),
		"kill everybody":            command.ClientKill().Request(),
		"no pause":                  command.ClientPause(0).Request(),
		"SELECT":                    command.Raw("select", 1).Request(),
		"SUBSCRIBE":                 command.Raw("SUBSCRIBE", "c").Request(),
		"MULTI":                     command.Raw("MULTI").Request(),
		"MONITOR":                   command.Raw("MONITOR").Request(),
		"no name":                   command.Raw("").Request(),
		"two words in one":          command.Raw("CLIENT LIST").Request(),
		"a line end in the name":    command.Raw("GET\r\nDEL").Request(),
	} {
		if err := request.Err(); !errors.Is(err, command.ErrArgument) {
			t.Errorf("%s: %v", why, err)
		}
	}
	// What stands in a name by mistake is not shown.
	if _, err := command.Raw("CONFIG SET requirepass s3cret").Do(t.Context(), &double{}); err == nil || strings.Contains(strings.ToLower(err.Error()), "s3cret") {
		t.Errorf("%v", err)
	}
	if _, err := (command.Cmd[string]{}).Do(t.Context(), &double{}); !errors.Is(err, command.ErrArgument) {
		t.Errorf("a zero Cmd: %v", err)
	}
	// The error says what to do, names the command, and that nothing was sent.
	_, err := command.Set("k", point{}).Do(t.Context(), &double{})
	if !errors.Is(err, command.ErrNotSent) || !strings.Contains(err.Error(), "SET") || !strings.Contains(err.Error(), "command.JSON") {
		t.Errorf("%v", err)
	}
}

func TestValues(t *testing.T) {
	type status string
	type id int32
	type weight float32
	type blob []byte
	for want, v := range map[string]any{
		"text": "text", "bytes": []byte("bytes"), "made": status("made"), "blob": blob("blob"),
		"-1": -1, "-8": int8(-8), "-16": int16(-16), "-32": int32(-32), "-64": int64(-64),
		"1": uint(1), "8": uint8(8), "16": uint16(16), "32": uint32(32), "18446744073709551615": uint64(math.MaxUint64),
		"7": id(7), "0.1": float32(0.1), "0.25": weight(0.25), "1.5": 1.5, "-inf": math.Inf(-1), "1e+100": 1e100,
		`{"X":1}`:              command.JSON(struct{ X int }{1}),
		"2023-11-14T22:13:20Z": command.JSON(time.Unix(1700000000, 0).UTC()),
	} {
		if want == "2023-11-14T22:13:20Z" {
			want = `"` + want + `"`
		}
		got := wire(command.Set("k", v).Request())
		if len(got) != 3 || got[2] != want {
			t.Errorf("%#v is sent as %q, want %q", v, got, want)
		}
	}
	when := time.Unix(1700000000, 0).UTC()
	encoded, _ := when.MarshalBinary()
	if got := wire(command.Set("k", command.Binary(when)).Request()); got[2] != string(encoded) {
		t.Errorf("Binary is sent as %q", got)
	}
}

func TestKeys(t *testing.T) {
	many := make([]string, 100)
	for i := range many {
		many[i] = strings.Repeat("k", i+1)
	}
	for name, test := range map[string]struct {
		request command.Request
		want    []string
	}{
		"GET":        {command.Get("a").Request(), []string{"a"}},
		"MGET":       {command.MGet(many...).Request(), many},
		"MSET":       {command.MSet(command.Map{"a": 1, "b": 2}).Request(), []string{"a", "b"}},
		"LMPOP":      {command.LMPop(command.Left, []string{"a", "b"}).Request(), []string{"a", "b"}},
		"EVAL":       {command.Eval("s", []string{"a", "b"}, "c").Request(), []string{"a", "b"}},
		"XREADGROUP": {command.XReadGroup("g", "c", []command.StreamPosition{{"s", ">"}, {"t", ">"}}).Request(), []string{"s", "t"}},
		"PUBLISH":    {command.Publish("c", "m").Request(), nil},
		"raw SET":    {command.Raw("set", "a", "v").Request(), []string{"a"}},
		"raw MSET":   {command.Raw("mset", "a", 1, "b", 2).Request(), []string{"a", "b"}},
		"raw OBJECT": {command.Raw("object", "encoding", "a").Request(), []string{"a"}},
		"raw BLPOP":  {command.Raw("blpop", "a", "b", 0).Request(), []string{"a", "b"}},
		"unknown":    {command.Raw("json.get", "a").Request(), nil},
	} {
		if got := slices.Collect(test.request.Keys()); !slices.Equal(got, test.want) {
			t.Errorf("%s: keys %q, want %q", name, got, test.want)
		}
	}
}

func TestFlags(t *testing.T) {
	for name, test := range map[string]struct {
		request          command.Request
		readOnly, blocks bool
	}{
		"GET":              {command.Get("a").Request(), true, false},
		"SET":              {command.Set("a", "b").Request(), false, false},
		"BLPOP":            {command.BLPop(0, "a").Request(), false, true},
		"XREADGROUP":       {command.XReadGroup("g", "c", []command.StreamPosition{{"s", ">"}}).Request(), false, false},
		"XREADGROUP BLOCK": {command.XReadGroup("g", "c", []command.StreamPosition{{"s", ">"}}, command.BlockFor(0)).Request(), false, true},
		"raw get":          {command.Raw("get", "a").Request(), true, false},
		"raw blpop":        {command.Raw("blpop", "a", 0).Request(), false, true},
		"unknown":          {command.Raw("json.get", "a").Request(), false, false},
		"EVAL":             {command.Eval("s", nil).Request(), false, false},
	} {
		if got := test.request.ReadOnly(); got != test.readOnly {
			t.Errorf("%s: read-only %v", name, got)
		}
		if got := test.request.Blocks(); got != test.blocks {
			t.Errorf("%s: blocks %v", name, got)
		}
	}
}

func TestLookup(t *testing.T) {
	all := command.All()
	for i, spec := range all {
		if command.Lookup(strings.ToLower(spec.Name)) != spec {
			t.Errorf("%s is not found", spec.Name)
		}
		if i > 0 && all[i-1].Name >= spec.Name {
			t.Errorf("%s is not in order", spec.Name)
		}
	}
	if command.Lookup("NO SUCH") != nil {
		t.Error("a name that does not exist is found")
	}
}
