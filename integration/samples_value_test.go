package integration

import (
	"slices"
	"time"

	"github.com/redchan-go/redchan/redis/command"
)

// valueSamples returns a request of every constructor for strings, keys, hashes, lists and sets.
func valueSamples() []command.Request {
	return slices.Concat(stringSamples(), keySamples(), hashSamples(), listSamples(), setSamples())
}

func stringSamples() []command.Request {
	return []command.Request{
		command.Get("k").Request(),
		command.Set("k", "v").Request(),
		command.SetIf("k", "v", command.NX, command.EX(time.Minute)).Request(),
		command.SetGet("k", "v", command.KeepTTL).Request(),
		command.MGet("a", "b", "c", "d", "e", "f", "g").Request(),
		command.MSet(command.Map{"a": 1, "b": 2, "c": 3}).Request(),
		command.Incr("k").Request(),
		command.IncrBy("k", 2).Request(),
		command.StrLen("k").Request(),
		command.BitField("k", command.BitGet("u8", 0), command.BitIncrBy("u8", 0, 1)).Request(),
		command.Append("k", "v").Request(),
		command.Decr("k").Request(),
		command.DecrBy("k", 2).Request(),
		command.IncrByFloat("k", 1.5).Request(),
		command.GetDel("k").Request(),
		command.GetEX("k", command.EX(time.Minute)).Request(),
		command.GetRange("k", 0, -1).Request(),
		command.SubStr("k", 0, -1).Request(),
		command.SetRange("k", 1, "v").Request(),
		command.GetSet("k", "v").Request(),
		command.SetNX("k", "v").Request(),
		command.SetEX("k", time.Second, "v").Request(),
		command.SetEX("k", time.Millisecond, "v").Request(),
		command.DelIfEq("k", "v").Request(),
		command.MSetNX(command.Pairs("b", 2, "a", 1)).Request(),
		command.MSetEX(command.Pairs("b", 2, "a", 1), command.NX, command.EX(time.Minute)).Request(),
		command.LCS("a", "b").Request(),
		command.LCSLen("a", "b").Request(),
		command.LCSIndexes("a", "b", command.MinMatchLen(4)).Request(),
		command.GetBit("k", 7).Request(),
		command.SetBit("k", 7, true).Request(),
		command.BitCount("k", command.InBits(5, 30)).Request(),
		command.BitPos("k", true, command.FromByte(2)).Request(),
		command.BitOp(command.BitXor, "to", "a", "b").Request(),
		command.BitFieldRO("k", command.BitGet("u8", 0), command.BitGet("i5", 9)).Request(),
		command.PFAdd("k", "a", "b").Request(),
		command.PFCount("a", "b").Request(),
		command.PFMerge("to", "a", "b").Request(),
	}
}

func keySamples() []command.Request {
	target := command.Target{Host: "host", Port: 6379}
	dump := []byte("dump")
	return []command.Request{
		command.Copy("a", "b", command.ToDB(3), command.Replace).Request(),
		command.Dump("k").Request(),
		command.Restore("k", dump, command.EX(time.Second), command.Replace, command.IdleTime(time.Second)).Request(),
		command.Restore("k", dump, command.EXAT(time.Now()), command.Frequency(9)).Request(),
		command.Expire("k", time.Minute, command.XX, command.GT).Request(),
		command.ExpireAt("k", time.Unix(1700000000, 0), command.NX).Request(),
		command.ExpireAt("k", time.UnixMilli(1700000000500), command.LT).Request(),
		command.ExpireTime("k").Request(),
		command.ExpireTimeSeconds("k").Request(),
		command.TTL("k").Request(),
		command.TTLSeconds("k").Request(),
		command.Persist("k").Request(),
		command.Keys("a*").Request(),
		command.Move("k", 3).Request(),
		command.Migrate(target, []string{"k"}, time.Second, command.WithUser("user", "password")).Request(),
		command.Migrate(target, []string{"a", "b"}, time.Second, command.KeepSource, command.WithPassword("password")).Request(),
		command.ObjectFreq("k").Request(),
		command.ObjectIdleTime("k").Request(),
		command.ObjectRefCount("k").Request(),
		command.RandomKey().Request(),
		command.Rename("a", "b").Request(),
		command.RenameNX("a", "b").Request(),
		command.SortRO("k", command.By("w_*"), command.Limit(0, 5)).Request(),
		command.SortROGet("k", []string{"#", "o_*"}, command.Desc).Request(),
		command.SortStore("k", "to", []string{"o_*"}, command.By("w_*")).Request(),
		command.Touch("a", "b").Request(),
		command.Type("k").Request(),
		command.Wait(1, time.Second).Request(),
		command.WaitAOF(1, 1, time.Second).Request(),
		command.Del("a", "b").Request(),
		command.Unlink("a", "b").Request(),
		command.Exists("a", "b").Request(),
		command.Expire("k", time.Second).Request(),
		command.Expire("k", time.Millisecond).Request(),
		command.ObjectEncoding("k").Request(),
		command.Scan(0, command.Match("*"), command.Count(1), command.OfType("set")).Request(),
		command.Sort("k", command.Alpha).Request(),
		command.SortGet("k", []string{"#"}).Request(),
	}
}

func hashSamples() []command.Request {
	fields := []string{"f", "g"}
	return []command.Request{
		command.HExists("k", "f").Request(),
		command.HSetNX("k", "f", 1).Request(),
		command.HMGet("k", "f", "g").Request(),
		command.HMSet("k", command.Map{"f": 1, "g": 2}).Request(),
		command.HIncrBy("k", "f", 1).Request(),
		command.HIncrByFloat("k", "f", 0.5).Request(),
		command.HKeys("k").Request(),
		command.HVals("k").Request(),
		command.HLen("k").Request(),
		command.HStrLen("k", "f").Request(),
		command.HRandField("k").Request(),
		command.HRandFieldCount("k", -2).Request(),
		command.HRandFieldWithValues("k", 2).Request(),
		command.HScan("k", 5, command.Count(10), command.Match("a*")).Request(),
		command.HScanNoValues("k", 0, command.Match("a*")).Request(),
		command.HExpire("k", time.Minute, fields).Request(),
		command.HExpire("k", time.Millisecond, fields, command.GT).Request(),
		command.HExpireAt("k", time.Unix(1700000000, 0), fields, command.XX).Request(),
		command.HExpireAt("k", time.UnixMilli(1700000000500), fields).Request(),
		command.HPersist("k", "f", "g").Request(),
		command.HTTL("k", "f", "g").Request(),
		command.HTTLSeconds("k", "f", "g").Request(),
		command.HExpireTime("k", "f", "g").Request(),
		command.HExpireTimeSeconds("k", "f", "g").Request(),
		command.HGetDel("k", "f", "g").Request(),
		command.HGetEX("k", fields, command.EX(time.Minute)).Request(),
		command.HSetEX("k", command.Map{"f": 1, "g": 2}, command.FNX, command.EX(time.Minute)).Request(),
		command.HSet("k", command.Map{"f": 1, "g": 2}).Request(),
		command.HGet("k", "f").Request(),
		command.HDel("k", "f", "g").Request(),
		command.HGetAll("k").Request(),
	}
}

func listSamples() []command.Request {
	lists := []string{"a", "b"}
	return []command.Request{
		command.LPushX("k", 1, 2).Request(),
		command.RPushX("k", 1, 2).Request(),
		command.LIndex("k", -1).Request(),
		command.LSet("k", 1, "v").Request(),
		command.LRem("k", -2, "v").Request(),
		command.LInsert("k", command.Before, "p", "v").Request(),
		command.LPos("k", "v", command.MatchRank(-1), command.MaxCompared(9)).Request(),
		command.LPosCount("k", "v", 0, command.MatchRank(2)).Request(),
		command.LPop("k").Request(),
		command.LPopCount("k", 2).Request(),
		command.RPop("k").Request(),
		command.RPopCount("k", 2).Request(),
		command.LMove("a", "b", command.Left, command.Right).Request(),
		command.BLMove("a", "b", command.Right, command.Left, time.Second).Request(),
		command.RPopLPush("a", "b").Request(),
		command.BRPopLPush("a", "b", time.Second).Request(),
		command.BRPop(time.Second, "a", "b").Request(),
		command.BLMPop(time.Second, command.Left, lists, command.Count(3)).Request(),
		command.LPush("k", 1, 2).Request(),
		command.RPush("k", 1, 2).Request(),
		command.LRange("k", 0, -1).Request(),
		command.LLen("k").Request(),
		command.LTrim("k", 0, -1).Request(),
		command.BLPop(time.Second, "a", "b").Request(),
		command.LMPop(command.Left, []string{"a", "b"}, command.Count(2)).Request(),
	}
}

func setSamples() []command.Request {
	sets := []string{"a", "b"}
	return []command.Request{
		command.SAdd("k", "a", 1).Request(),
		command.SRem("k", "a", 1).Request(),
		command.SCard("k").Request(),
		command.SMembers("k").Request(),
		command.SIsMember("k", "a").Request(),
		command.SMIsMember("k", "a", 1).Request(),
		command.SMove("a", "b", "m").Request(),
		command.SPop("k").Request(),
		command.SPopCount("k", 2).Request(),
		command.SRandMember("k").Request(),
		command.SRandMemberCount("k", -2).Request(),
		command.SDiff("a", "b").Request(),
		command.SDiffStore("to", "a", "b").Request(),
		command.SInter("a", "b").Request(),
		command.SInterStore("to", "a", "b").Request(),
		command.SInterCard(sets, command.StopAt(5)).Request(),
		command.SUnion("a", "b").Request(),
		command.SUnionStore("to", "a", "b").Request(),
		command.SScan("k", 5, command.Match("a*"), command.Count(1)).Request(),
	}
}
