package command_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/redchan-go/redchan/redis/command"
)

// Durations and times are rounded up to a millisecond in every command, so that nothing
// ends early and nothing positive becomes 0.
func TestRoundedUp(t *testing.T) {
	const (
		bit   = time.Nanosecond
		more  = 1500*time.Millisecond + bit
		whole = 2*time.Second - bit
	)
	at := time.UnixMilli(1700000000500)
	read := []command.StreamPosition{{Stream: "s", After: "0"}}
	ids := []string{"1-1"}
	for _, c := range []struct {
		want    string
		request command.Request
	}{
		{"SET k v PX 1", command.Set("k", "v", command.EX(bit)).Request()},
		{"SET k v PX 1501", command.Set("k", "v", command.EX(more)).Request()},
		{"SET k v EX 2", command.Set("k", "v", command.EX(whole)).Request()},
		{"SET k v PXAT 1700000000501", command.Set("k", "v", command.EXAT(at.Add(bit))).Request()},
		{"SET k v EXAT 1700000001", command.Set("k", "v", command.EXAT(at.Add(500*time.Millisecond-bit))).Request()},
		{"GETEX k PX 1", command.GetEX("k", command.EX(bit)).Request()},
		{"PSETEX k 1501 v", command.SetEX("k", more, "v").Request()},
		{"PSETEX k 1 v", command.SetEX("k", bit, "v").Request()},
		{"SETEX k 2 v", command.SetEX("k", whole, "v").Request()},
		{"RESTORE k 1501 d", command.Restore("k", []byte("d"), command.EX(more)).Request()},
		{"RESTORE k 0 d IDLETIME 2", command.Restore("k", []byte("d"), command.IdleTime(more)).Request()},
		{"PEXPIRE k 1", command.Expire("k", bit).Request()},
		{"PEXPIRE k 1501", command.Expire("k", more).Request()},
		{"EXPIRE k 2", command.Expire("k", whole).Request()},
		{"EXPIRE k 0", command.Expire("k", -bit).Request()},
		{"PEXPIRE k -1500", command.Expire("k", -more).Request()},
		{"PEXPIREAT k 1700000000501", command.ExpireAt("k", at.Add(bit)).Request()},
		{"EXPIREAT k 1700000001", command.ExpireAt("k", at.Add(500*time.Millisecond-bit)).Request()},
		{"HPEXPIRE k 1 FIELDS 1 f", command.HExpire("k", bit, []string{"f"}).Request()},
		{"HPEXPIRE k 1501 FIELDS 1 f", command.HExpire("k", more, []string{"f"}).Request()},
		{"HEXPIRE k 2 FIELDS 1 f", command.HExpire("k", whole, []string{"f"}).Request()},
		{"HPEXPIREAT k 1700000000501 FIELDS 1 f", command.HExpireAt("k", at.Add(bit), []string{"f"}).Request()},
		{"BLPOP k 0.002", command.BLPop(bit, "k").Request()},
		{"BLPOP k 1.501", command.BLPop(more, "k").Request()},
		{"BLPOP k 2", command.BLPop(whole, "k").Request()},
		{"BZPOPMIN k 1.501", command.BZPopMin(more, "k").Request()},
		{"XREAD BLOCK 1501 STREAMS s 0", command.XRead(read, command.BlockFor(more)).Request()},
		{"XPENDING s g IDLE 1501 - + 1", command.XPendingEntries("s", "g", "-", "+", 1, command.MinIdle(more)).Request()},
		{"XCLAIM s g c 1501 1-1 IDLE 1", command.XClaim("s", "g", "c", more, ids, command.ClaimIdle(bit)).Request()},
		{"XCLAIM s g c 0 1-1 TIME 1700000000501", command.XClaim("s", "g", "c", 0, ids, command.ClaimTime(at.Add(bit))).Request()},
		{"XAUTOCLAIM s g c 1 0-0", command.XAutoClaim("s", "g", "c", bit, "0-0").Request()},
		{"WAIT 1 1501", command.Wait(1, more).Request()},
		{"WAITAOF 1 0 1501", command.WaitAOF(1, 0, more).Request()},
		{"MIGRATE h 1 k 0 1501", command.Migrate(command.Target{Host: "h", Port: 1}, []string{"k"}, more).Request()},
		{"CLIENT PAUSE 1", command.ClientPause(bit).Request()},
		{"FAILOVER TIMEOUT 1501", command.Failover(command.FailoverTimeout(more)).Request()},
		{"CLUSTER SETSLOT 1 NODE n TIMEOUT 1501", command.ClusterSetSlotNode(1, "n", command.SetSlotTimeout(more)).Request()},
		{"CLIENT LIST MAXAGE 2", command.ClientList(command.WhereOlderThan(more)).Request()},
		{"CLIENT KILL IDLE 1", command.ClientKill(command.WhereIdle(bit)).Request()},
	} {
		expectWire(t, c.request, c.want)
	}
}

// The error of an expiry says what was looked at.
func TestExpiryRefused(t *testing.T) {
	for _, c := range []struct {
		want    string
		request command.Request
	}{
		{"must be positive", command.Set("k", "v", command.EX(0)).Request()},
		{"must be positive", command.Set("k", "v", command.EX(-time.Second)).Request()},
		{"must be positive", command.SetEX("k", -time.Nanosecond, "v").Request()},
		{"after the begin of 1970", command.Set("k", "v", command.EXAT(time.Unix(0, 0))).Request()},
		{"after the begin of 1970", command.Set("k", "v", command.EXAT(time.Time{})).Request()},
	} {
		if err := c.request.Err(); !errors.Is(err, command.ErrArgument) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want one with %q", err, c.want)
		}
	}
}
