package command_test

import (
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/redchan-go/redchan/redis/command"
)

// What the commands for strings, keys, hashes, lists and sets send.
func TestValueWire(t *testing.T) {
	at := time.UnixMilli(1700000000500)
	whole := time.Unix(1700000000, 0)
	millis := 1500 * time.Millisecond
	fields := []string{"f", "g"}
	both := []string{"a", "b"}
	for want, request := range map[string]command.Request{
		// Strings.
		"APPEND k v":                      command.Append("k", "v").Request(),
		"DECR k":                          command.Decr("k").Request(),
		"DECRBY k 5":                      command.DecrBy("k", 5).Request(),
		"INCRBYFLOAT k -0.5":              command.IncrByFloat("k", -0.5).Request(),
		"GETDEL k":                        command.GetDel("k").Request(),
		"GETEX k":                         command.GetEX("k").Request(),
		"GETEX k EX 60":                   command.GetEX("k", command.EX(time.Minute)).Request(),
		"GETEX k PX 1500":                 command.GetEX("k", command.EX(millis)).Request(),
		"GETEX k PXAT 1700000000500":      command.GetEX("k", command.EXAT(at)).Request(),
		"GETEX k PERSIST":                 command.GetEX("k", command.Forever).Request(),
		"GETRANGE k 0 -1":                 command.GetRange("k", 0, -1).Request(),
		"SUBSTR k 1 2":                    command.SubStr("k", 1, 2).Request(),
		"SETRANGE k 6 v":                  command.SetRange("k", 6, "v").Request(),
		"GETSET k v":                      command.GetSet("k", "v").Request(),
		"SETNX k 1":                       command.SetNX("k", 1).Request(),
		"SETEX k 60 v":                    command.SetEX("k", time.Minute, "v").Request(),
		"PSETEX k 1500 v":                 command.SetEX("k", millis, "v").Request(),
		"DELIFEQ k 7":                     command.DelIfEq("k", 7).Request(),
		"MSET b 2 a 1":                    command.MSet(command.Pairs("b", 2, "a", 1)).Request(),
		"MSETNX a 1 b 2":                  command.MSetNX(command.Map{"b": 2, "a": 1}).Request(),
		"MSETEX 1 a 1":                    command.MSetEX(command.Map{"a": 1}).Request(),
		"MSETEX 2 a 1 b 2 NX EX 60":       command.MSetEX(command.Map{"a": 1, "b": 2}, command.NX, command.EX(time.Minute)).Request(),
		"MSETEX 2 b 2 a 1 KEEPTTL XX":     command.MSetEX(command.Pairs("b", 2, "a", 1), command.KeepTTL, command.XX).Request(),
		"LCS a b":                         command.LCS("a", "b").Request(),
		"LCS a b LEN":                     command.LCSLen("a", "b").Request(),
		"LCS a b IDX":                     command.LCSIndexes("a", "b").Request(),
		"LCS a b IDX MINMATCHLEN 4":       command.LCSIndexes("a", "b", command.MinMatchLen(4)).Request(),
		"GETBIT k 7":                      command.GetBit("k", 7).Request(),
		"SETBIT k 7 1":                    command.SetBit("k", 7, true).Request(),
		"SETBIT k 8 0":                    command.SetBit("k", 8, false).Request(),
		"BITCOUNT k":                      command.BitCount("k").Request(),
		"BITCOUNT k 1 -1":                 command.BitCount("k", command.InBytes(1, -1)).Request(),
		"BITCOUNT k 5 30 BIT":             command.BitCount("k", command.InBits(5, 30)).Request(),
		"BITPOS k 1":                      command.BitPos("k", true).Request(),
		"BITPOS k 0 2":                    command.BitPos("k", false, command.FromByte(2)).Request(),
		"BITPOS k 1 2 -1":                 command.BitPos("k", true, command.InBytes(2, -1)).Request(),
		"BITPOS k 1 7 15 BIT":             command.BitPos("k", true, command.InBits(7, 15)).Request(),
		"BITOP AND to a b":                command.BitOp(command.BitAnd, "to", "a", "b").Request(),
		"BITOP NOT to a":                  command.BitOp(command.BitNot, "to", "a").Request(),
		"BITOP DIFF1 to a b":              command.BitOp(command.BitDiff1, "to", "a", "b").Request(),
		"BITFIELD_RO k GET u8 0 GET i5 9": command.BitFieldRO("k", command.BitGet("u8", 0), command.BitGet("i5", 9)).Request(),
		"PFADD k":                         command.PFAdd("k").Request(),
		"PFADD k a 1":                     command.PFAdd("k", "a", 1).Request(),
		"PFCOUNT a b":                     command.PFCount("a", "b").Request(),
		"PFMERGE to a b":                  command.PFMerge("to", "a", "b").Request(),

		// Keys.
		"COPY a b":                            command.Copy("a", "b").Request(),
		"COPY a b DB 3 REPLACE":               command.Copy("a", "b", command.ToDB(3), command.Replace).Request(),
		"DUMP k":                              command.Dump("k").Request(),
		"RESTORE k 0 dump":                    command.Restore("k", []byte("dump")).Request(),
		"RESTORE k 1500 dump REPLACE":         command.Restore("k", []byte("dump"), command.EX(millis), command.Replace).Request(),
		"RESTORE k 60000 dump IDLETIME 90":    command.Restore("k", []byte("dump"), command.EX(time.Minute), command.IdleTime(90*time.Second)).Request(),
		"RESTORE k 1700000000500 dump ABSTTL": command.Restore("k", []byte("dump"), command.EXAT(at)).Request(),
		"RESTORE k 0 dump FREQ 255":           command.Restore("k", []byte("dump"), command.Frequency(255)).Request(),
		"EXPIRE k 60 NX":                      command.Expire("k", time.Minute, command.NX).Request(),
		"EXPIRE k 60 XX GT":                   command.Expire("k", time.Minute, command.XX, command.GT).Request(),
		"PEXPIRE k 1500 LT":                   command.Expire("k", millis, command.LT).Request(),
		"EXPIRE k -60":                        command.Expire("k", -time.Minute).Request(),
		"EXPIREAT k 1700000000":               command.ExpireAt("k", whole).Request(),
		"PEXPIREAT k 1700000000500 XX":        command.ExpireAt("k", at, command.XX).Request(),
		"PEXPIRETIME k":                       command.ExpireTime("k").Request(),
		"EXPIRETIME k":                        command.ExpireTimeSeconds("k").Request(),
		"PTTL k":                              command.TTL("k").Request(),
		"TTL k":                               command.TTLSeconds("k").Request(),
		"PERSIST k":                           command.Persist("k").Request(),
		"KEYS a*":                             command.Keys("a*").Request(),
		"MOVE k 3":                            command.Move("k", 3).Request(),
		"OBJECT FREQ k":                       command.ObjectFreq("k").Request(),
		"OBJECT IDLETIME k":                   command.ObjectIdleTime("k").Request(),
		"OBJECT REFCOUNT k":                   command.ObjectRefCount("k").Request(),
		"RANDOMKEY":                           command.RandomKey().Request(),
		"RENAME a b":                          command.Rename("a", "b").Request(),
		"RENAMENX a b":                        command.RenameNX("a", "b").Request(),
		"SORT_RO k ALPHA":                     command.SortRO("k", command.Alpha).Request(),
		"SORT_RO k BY w_* GET # GET o_*":      command.SortROGet("k", []string{"#", "o_*"}, command.By("w_*")).Request(),
		"SORT k LIMIT 0 5 STORE to":           command.SortStore("k", "to", nil, command.Limit(0, 5)).Request(),
		"SORT k GET o_* STORE to":             command.SortStore("k", "to", []string{"o_*"}).Request(),
		"TOUCH a b":                           command.Touch("a", "b").Request(),
		"TYPE k":                              command.Type("k").Request(),
		"WAIT 2 1500":                         command.Wait(2, millis).Request(),
		"WAIT 1 1":                            command.Wait(1, time.Microsecond).Request(), // 0 would be for ever
		"WAITAOF 1 2 0":                       command.WaitAOF(1, 2, 0).Request(),
		"WAITAOF 0 1 1000":                    command.WaitAOF(0, 1, time.Second).Request(),
		"MIGRATE host 6379 k 3 1500":          command.Migrate(command.Target{Host: "host", Port: 6379, DB: 3}, []string{"k"}, millis).Request(),
		"MIGRATE h 1  0 1000 COPY AUTH p KEYS a b": command.Migrate(command.Target{Host: "h", Port: 1}, both, time.Second,
			command.KeepSource, command.WithPassword("p")).Request(),
		"MIGRATE h 1 k 0 1000 REPLACE AUTH2 u p": command.Migrate(command.Target{Host: "h", Port: 1}, []string{"k"}, time.Second,
			command.Replace, command.WithUser("u", "p")).Request(),

		// Hashes.
		"HEXISTS k f":                              command.HExists("k", "f").Request(),
		"HSETNX k f 1":                             command.HSetNX("k", "f", 1).Request(),
		"HMGET k f g":                              command.HMGet("k", "f", "g").Request(),
		"HMSET k f 1 g 2":                          command.HMSet("k", command.Map{"g": 2, "f": 1}).Request(),
		"HINCRBY k f -5":                           command.HIncrBy("k", "f", -5).Request(),
		"HINCRBYFLOAT k f 0.5":                     command.HIncrByFloat("k", "f", 0.5).Request(),
		"HKEYS k":                                  command.HKeys("k").Request(),
		"HVALS k":                                  command.HVals("k").Request(),
		"HLEN k":                                   command.HLen("k").Request(),
		"HSTRLEN k f":                              command.HStrLen("k", "f").Request(),
		"HRANDFIELD k":                             command.HRandField("k").Request(),
		"HRANDFIELD k -2":                          command.HRandFieldCount("k", -2).Request(),
		"HRANDFIELD k 2 WITHVALUES":                command.HRandFieldWithValues("k", 2).Request(),
		"HSCAN k 5 COUNT 10 MATCH a*":              command.HScan("k", 5, command.Count(10), command.Match("a*")).Request(),
		"HSCAN k 0 MATCH a* NOVALUES":              command.HScanNoValues("k", 0, command.Match("a*")).Request(),
		"HEXPIRE k 60 FIELDS 2 f g":                command.HExpire("k", time.Minute, fields).Request(),
		"HPEXPIRE k 1500 NX FIELDS 2 f g":          command.HExpire("k", millis, fields, command.NX).Request(),
		"HPEXPIRE k 1 GT FIELDS 2 f g":             command.HExpire("k", time.Nanosecond, fields, command.GT).Request(),
		"HEXPIRE k 0 FIELDS 2 f g":                 command.HExpire("k", -time.Minute, fields).Request(),
		"HEXPIREAT k 1700000000 FIELDS 1 f":        command.HExpireAt("k", whole, []string{"f"}).Request(),
		"HPEXPIREAT k 1700000000500 LT FIELDS 1 f": command.HExpireAt("k", at, []string{"f"}, command.LT).Request(),
		"HPERSIST k FIELDS 2 f g":                  command.HPersist("k", "f", "g").Request(),
		"HPTTL k FIELDS 2 f g":                     command.HTTL("k", "f", "g").Request(),
		"HTTL k FIELDS 1 f":                        command.HTTLSeconds("k", "f").Request(),
		"HPEXPIRETIME k FIELDS 2 f g":              command.HExpireTime("k", "f", "g").Request(),
		"HEXPIRETIME k FIELDS 1 f":                 command.HExpireTimeSeconds("k", "f").Request(),
		"HGETDEL k FIELDS 2 f g":                   command.HGetDel("k", "f", "g").Request(),
		"HGETEX k FIELDS 2 f g":                    command.HGetEX("k", fields).Request(),
		"HGETEX k EXAT 1700000000 FIELDS 2 f g":    command.HGetEX("k", fields, command.EXAT(whole)).Request(),
		"HGETEX k PERSIST FIELDS 2 f g":            command.HGetEX("k", fields, command.Forever).Request(),
		"HSETEX k FIELDS 1 f 1":                    command.HSetEX("k", command.Map{"f": 1}).Request(),
		"HSETEX k FNX PX 1500 FIELDS 2 f 1 g 2":    command.HSetEX("k", command.Map{"g": 2, "f": 1}, command.FNX, command.EX(millis)).Request(),
		"HSETEX k XX FXX KEEPTTL FIELDS 2 g 2 f 1": command.HSetEX("k", command.Pairs("g", 2, "f", 1), command.XX, command.FXX, command.KeepTTL).Request(),

		// Lists.
		"LPUSHX k 1 2":                  command.LPushX("k", 1, 2).Request(),
		"RPUSHX k 1 2":                  command.RPushX("k", 1, 2).Request(),
		"LINDEX k -1":                   command.LIndex("k", -1).Request(),
		"LSET k 1 v":                    command.LSet("k", 1, "v").Request(),
		"LREM k -2 v":                   command.LRem("k", -2, "v").Request(),
		"LINSERT k BEFORE p v":          command.LInsert("k", command.Before, "p", "v").Request(),
		"LINSERT k AFTER 1 2":           command.LInsert("k", command.After, 1, 2).Request(),
		"LPOS k v":                      command.LPos("k", "v").Request(),
		"LPOS k v RANK -1 MAXLEN 9":     command.LPos("k", "v", command.MatchRank(-1), command.MaxCompared(9)).Request(),
		"LPOS k v RANK 2 COUNT 0":       command.LPosCount("k", "v", 0, command.MatchRank(2)).Request(),
		"LPOP k":                        command.LPop("k").Request(),
		"LPOP k 2":                      command.LPopCount("k", 2).Request(),
		"RPOP k":                        command.RPop("k").Request(),
		"RPOP k 2":                      command.RPopCount("k", 2).Request(),
		"LMOVE a b LEFT RIGHT":          command.LMove("a", "b", command.Left, command.Right).Request(),
		"BLMOVE a b RIGHT LEFT 1.5":     command.BLMove("a", "b", command.Right, command.Left, millis).Request(),
		"RPOPLPUSH a b":                 command.RPopLPush("a", "b").Request(),
		"BRPOPLPUSH a b 0":              command.BRPopLPush("a", "b", 0).Request(),
		"BRPOP a b 1.5":                 command.BRPop(millis, "a", "b").Request(),
		"BLMPOP 1.5 2 a b LEFT COUNT 3": command.BLMPop(millis, command.Left, both, command.Count(3)).Request(),

		// Sets.
		"SADD k a 1":                 command.SAdd("k", "a", 1).Request(),
		"SREM k a 1":                 command.SRem("k", "a", 1).Request(),
		"SCARD k":                    command.SCard("k").Request(),
		"SMEMBERS k":                 command.SMembers("k").Request(),
		"SISMEMBER k a":              command.SIsMember("k", "a").Request(),
		"SMISMEMBER k a 1":           command.SMIsMember("k", "a", 1).Request(),
		"SMOVE a b m":                command.SMove("a", "b", "m").Request(),
		"SPOP k":                     command.SPop("k").Request(),
		"SPOP k 2":                   command.SPopCount("k", 2).Request(),
		"SRANDMEMBER k":              command.SRandMember("k").Request(),
		"SRANDMEMBER k -2":           command.SRandMemberCount("k", -2).Request(),
		"SDIFF a b":                  command.SDiff("a", "b").Request(),
		"SDIFFSTORE to a b":          command.SDiffStore("to", "a", "b").Request(),
		"SINTER a b":                 command.SInter("a", "b").Request(),
		"SINTERSTORE to a b":         command.SInterStore("to", "a", "b").Request(),
		"SINTERCARD 2 a b":           command.SInterCard(both).Request(),
		"SINTERCARD 2 a b LIMIT 5":   command.SInterCard(both, command.StopAt(5)).Request(),
		"SUNION a b":                 command.SUnion("a", "b").Request(),
		"SUNIONSTORE to a b":         command.SUnionStore("to", "a", "b").Request(),
		"SSCAN k 5 MATCH a* COUNT 1": command.SScan("k", 5, command.Match("a*"), command.Count(1)).Request(),
	} {
		expectWire(t, request, want)
	}
}

// What these commands refuse, before it is given to anyone.
func TestValueRefused(t *testing.T) {
	target := command.Target{Host: "h", Port: 1}
	key, fields := []string{"k"}, []string{"f"}
	for why, request := range map[string]command.Request{
		"nil to append":              command.Append("k", nil).Request(),
		"an infinite sum":            command.IncrByFloat("k", math.Inf(1)).Request(),
		"an infinite sum of a field": command.HIncrByFloat("k", "f", math.Inf(-1)).Request(),
		"NaN":                        command.IncrByFloat("k", math.NaN()).Request(),
		"two expiries":               command.GetEX("k", command.EX(time.Second), command.Forever).Request(),
		"GETEX in the past":          command.GetEX("k", command.EX(-time.Second)).Request(),
		"nil option of GETEX":        command.GetEX("k", nil).Request(),
		"a negative offset":          command.SetRange("k", -1, "v").Request(),
		"SETEX in no time":           command.SetEX("k", 0, "v").Request(),
		"SETEX in less than none":    command.SetEX("k", -1, "v").Request(),
		"MSET without keys":          command.MSet(command.Map{}).Request(),
		"MSET of nil":                command.MSet(nil).Request(),
		"MSETNX without keys":        command.MSetNX(command.Pairs()).Request(),
		"a key without a value":      command.MSetNX(command.Pairs("a", 1, "b")).Request(),
		"only a key":                 command.MSetNX(command.Pairs("a")).Request(),
		"MSETEX without keys":        command.MSetEX(nil, command.NX).Request(),
		"MSETEX NX and XX":           command.MSetEX(command.Map{"a": 1}, command.NX, command.XX).Request(),
		"MSETEX with two expiries":   command.MSetEX(command.Map{"a": 1}, command.KeepTTL, command.EX(time.Second)).Request(),
		"a negative MINMATCHLEN":     command.LCSIndexes("a", "b", command.MinMatchLen(-1)).Request(),
		"a negative bit":             command.GetBit("k", -1).Request(),
		"a negative bit to set":      command.SetBit("k", -1, true).Request(),
		"two ranges":                 command.BitCount("k", command.InBits(0, 1), command.InBytes(0, 1)).Request(),
		"two starts":                 command.BitPos("k", true, command.FromByte(0), command.InBytes(0, 1)).Request(),
		"no operation":               command.BitOp("", "to", "a").Request(),
		"NOT of two":                 command.BitOp(command.BitNot, "to", "a", "b").Request(),
		"DIFF of one":                command.BitOp(command.BitDiff, "to", "a").Request(),
		"AND of none":                command.BitOp(command.BitAnd, "to").Request(),
		"nothing to get":             command.BitFieldRO("k").Request(),
		"a bit type":                 command.BitFieldRO("k", command.BitGet("x8", 0)).Request(),
		"no bit type":                command.BitFieldRO("k", command.BitFieldGet{}).Request(),
		"no HyperLogLog":             command.PFCount().Request(),

		"a negative database":     command.Copy("a", "b", command.ToDB(-1)).Request(),
		"two databases":           command.Copy("a", "b", command.ToDB(1), command.ToDB(2)).Request(),
		"MOVE to nowhere":         command.Move("k", -1).Request(),
		"a negative idle time":    command.Restore("k", nil, command.IdleTime(-1)).Request(),
		"a frequency":             command.Restore("k", nil, command.Frequency(256)).Request(),
		"idle time and frequency": command.Restore("k", nil, command.Frequency(1), command.IdleTime(1)).Request(),
		"RESTORE in the past":     command.Restore("k", nil, command.EX(-time.Second)).Request(),
		"RESTORE twice":           command.Restore("k", nil, command.EX(time.Second), command.EXAT(time.Now())).Request(),
		"nil option of RESTORE":   command.Restore("k", nil, nil).Request(),
		"EXPIRE NX and XX":        command.Expire("k", time.Second, command.NX, command.XX).Request(),
		"EXPIRE NX and GT":        command.Expire("k", time.Second, command.NX, command.GT).Request(),
		"EXPIRE LT and NX":        command.ExpireAt("k", time.Now(), command.LT, command.NX).Request(),
		"EXPIRE GT and LT":        command.Expire("k", time.Second, command.GT, command.LT).Request(),
		"EXPIREAT never set":      command.ExpireAt("k", time.Time{}).Request(),
		"no patterns":             command.SortROGet("k", nil).Request(),
		"nothing to touch":        command.Touch().Request(),
		"negative replicas":       command.Wait(-1, 0).Request(),
		"a negative wait":         command.Wait(1, -1).Request(),
		"two local servers":       command.WaitAOF(2, 1, 0).Request(),
		"negative local servers":  command.WaitAOF(-1, 1, 0).Request(),
		"negative AOF replicas":   command.WaitAOF(1, -1, 0).Request(),
		"no target":               command.Migrate(command.Target{}, key, time.Second).Request(),
		"no port":                 command.Migrate(command.Target{Host: "h", Port: 1 << 16}, key, time.Second).Request(),
		"no target database":      command.Migrate(command.Target{Host: "h", Port: 1, DB: -1}, key, time.Second).Request(),
		"nothing to migrate":      command.Migrate(target, nil, time.Second).Request(),
		"no time to migrate":      command.Migrate(target, key, 0).Request(),
		"two logins":              command.Migrate(target, key, time.Second, command.WithPassword("p"), command.WithUser("u", "p")).Request(),

		"no fields of HMGET":        command.HMGet("k").Request(),
		"no fields of HMSET":        command.HMSet("k", nil).Request(),
		"HSCAN COUNT 0":             command.HScan("k", 0, command.Count(0)).Request(),
		"two patterns":              command.HScanNoValues("k", 0, command.Match("a"), command.Match("b")).Request(),
		"no fields of HEXPIRE":      command.HExpire("k", time.Second, nil).Request(),
		"HEXPIRE XX and GT":         command.HExpire("k", time.Second, fields, command.XX, command.GT).Request(),
		"HEXPIREAT never set":       command.HExpireAt("k", time.Time{}, fields).Request(),
		"no fields of HPERSIST":     command.HPersist("k").Request(),
		"no fields of HTTL":         command.HTTL("k").Request(),
		"no fields of HEXPIRETIME":  command.HExpireTime("k").Request(),
		"no fields of HGETDEL":      command.HGetDel("k").Request(),
		"no fields of HGETEX":       command.HGetEX("k", nil).Request(),
		"no fields of HSETEX":       command.HSetEX("k", command.Map{}).Request(),
		"FNX and FXX":               command.HSetEX("k", command.Map{"f": 1}, command.FNX, command.FXX).Request(),
		"HSETEX EX and KEEPTTL":     command.HSetEX("k", command.Map{"f": 1}, command.EX(time.Second), command.KeepTTL).Request(),
		"nil option of HSETEX":      command.HSetEX("k", command.Map{"f": 1}, nil).Request(),
		"a field without its value": command.HSetEX("k", command.Pairs("f")).Request(),

		"nothing to push":           command.LPushX("k").Request(),
		"nothing to push at all":    command.RPushX("k").Request(),
		"no side":                   command.LInsert("k", "", "p", "v").Request(),
		"rank 0":                    command.LPos("k", "v", command.MatchRank(0)).Request(),
		"negative MAXLEN of LPOS":   command.LPos("k", "v", command.MaxCompared(-1)).Request(),
		"a negative number of LPOS": command.LPosCount("k", "v", -1).Request(),
		"a negative LPOP":           command.LPopCount("k", -1).Request(),
		"a negative RPOP":           command.RPopCount("k", -1).Request(),
		"no end to take from":       command.LMove("a", "b", "", command.Left).Request(),
		"no end to put to":          command.BLMove("a", "b", command.Left, "UP", 0).Request(),
		"a negative time of BLMOVE": command.BLMove("a", "b", command.Left, command.Left, -1).Request(),
		"no lists":                  command.BLMPop(0, command.Left, nil).Request(),
		"a negative time of BRPOP":  command.BRPop(-1, "k").Request(),

		"no members to add":     command.SAdd("k").Request(),
		"no members to remove":  command.SRem("k").Request(),
		"no members to ask for": command.SMIsMember("k").Request(),
		"a negative SPOP":       command.SPopCount("k", -1).Request(),
		"no sets of SDIFF":      command.SDiff().Request(),
		"no sets of SUNION":     command.SUnionStore("to").Request(),
		"no sets of SINTERCARD": command.SInterCard(nil).Request(),
		"a negative LIMIT":      command.SInterCard(key, command.StopAt(-1)).Request(),
	} {
		if err := request.Err(); !errors.Is(err, command.ErrArgument) {
			t.Errorf("%s: %v", why, err)
		}
	}
}

// A client that gives each call a connection of its own has to know which ones block,
// and for how long.
func TestValueBlocking(t *testing.T) {
	for name, request := range map[string]command.Request{
		"BRPOP":      command.BRPop(time.Second, "k").Request(),
		"BLMOVE":     command.BLMove("a", "b", command.Left, command.Left, time.Second).Request(),
		"BLMPOP":     command.BLMPop(time.Second, command.Left, []string{"k"}).Request(),
		"BRPOPLPUSH": command.BRPopLPush("a", "b", time.Second).Request(),
		"WAIT":       command.Wait(1, time.Second).Request(),
		"WAITAOF":    command.WaitAOF(0, 1, time.Second).Request(),
	} {
		if !request.Blocks() || request.BlockFor() != time.Second {
			t.Errorf("%s: %v, %v", name, request.Blocks(), request.BlockFor())
		}
	}
}

// Keys are marked wherever names stand for keys, and nowhere else.
func TestValueKeys(t *testing.T) {
	for name, test := range map[string]struct {
		request command.Request
		want    []string
	}{
		"MSET":          {command.MSet(command.Pairs("a", "1", []byte("b"), "2", 3, "4")).Request(), []string{"a", "b", "3"}},
		"MSETEX":        {command.MSetEX(command.Map{"a": 1, "b": 2}, command.NX).Request(), []string{"a", "b"}},
		"HSET":          {command.HSet("k", command.Pairs("a", 1)).Request(), []string{"k"}},
		"SORT":          {command.SortStore("k", "to", nil).Request(), []string{"k", "to"}},
		"MIGRATE":       {command.Migrate(command.Target{Host: "h", Port: 1}, []string{"a", "b"}, 1).Request(), []string{"a", "b"}},
		"MIGRATE alone": {command.Migrate(command.Target{Host: "h", Port: 1}, []string{"a"}, 1).Request(), []string{"a"}},
	} {
		if got := slices.Collect(test.request.Keys()); !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}
