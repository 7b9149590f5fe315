package command_test

import (
	"errors"
	"testing"

	"github.com/redchan-go/redchan/redis/command"
)

// Options that are one word are constants, and their types take no other word.
func TestFlagsRefused(t *testing.T) {
	fields := command.Map{"f": 1}
	read := []command.StreamPosition{{Stream: "s", After: ">"}}
	for why, request := range map[string]command.Request{
		"SET":              command.Set("k", "v", command.ExpiryKept("x")).Request(),
		"GETEX":            command.GetEX("k", command.ExpiryRemoved("x")).Request(),
		"COPY":             command.Copy("a", "b", command.Replacing("")).Request(),
		"ZADD":             command.ZAdd("k", command.Scores{"a": 1}, command.CountFlag("x")).Request(),
		"ZRANGE":           command.ZRange("k", command.ByRank(0, 1), command.ZRangeFlag("x")).Request(),
		"SORT":             command.Sort("k", command.SortFlag("x")).Request(),
		"GEOSEARCH":        command.GeoSearchStore("a", "b", command.FromMember("m"), command.ByRadius(1, command.Miles), command.GeoStoreFlag("x")).Request(),
		"GEORADIUS":        command.GeoRadiusStore("a", "b", command.Position{}, 1, command.Miles, command.GeoStoreFlag("x")).Request(),
		"XADD":             command.XAdd("s", "*", fields, command.XAddFlag("x")).Request(),
		"XREADGROUP":       command.XReadGroup("g", "c", read, command.XReadGroupFlag("x")).Request(),
		"XGROUP CREATE":    command.XGroupCreate("s", "g", "0", command.XGroupCreateFlag("x")).Request(),
		"FUNCTION LOAD":    command.FunctionLoad("code", command.Replacing("x")).Request(),
		"CLIENT PAUSE":     command.ClientPause(1e9, command.ClientPauseFlag("x")).Request(),
		"CLIENT UNBLOCK":   command.ClientUnblock(1, command.ClientUnblockFlag("x")).Request(),
		"CLUSTER RESET":    command.ClusterReset(command.ClusterResetFlag("SOFT")).Request(),
		"CLUSTER FAILOVER": command.ClusterFailover(command.ClusterFailoverFlag("x")).Request(),
		"FAILOVER":         command.Failover(command.FailoverFlag("x")).Request(),
		"XCLAIM":           command.XClaim("s", "g", "c", 0, []string{"1"}, command.XClaimFlag("x")).Request(),
		"MIGRATE":          command.Migrate(command.Target{Host: "h", Port: 1}, []string{"k"}, 1, command.MigrateFlag("x")).Request(),
		"SHUTDOWN":         command.Shutdown(command.ShutdownFlag("ABORT")).Request(),
		"FUNCTION LIST":    command.FunctionList(command.FunctionListFlag("x")).Request(),
		"CLIENT KILL":      command.ClientKill(command.ClientKillFlag("x")).Request(),
		"VADD":             command.VAdd("k", command.Vector{1}, "e", command.VAddFlag("x")).Request(),
		"VADD, kept":       command.VAdd("k", command.Vector{1}, "e", command.Quantization("Q4")).Request(),
		"VSIM":             command.VSim("k", command.SimilarTo("e"), command.VSimFlag("x")).Request(),
	} {
		if err := request.Err(); !errors.Is(err, command.ErrArgument) {
			t.Errorf("%s: %v", why, err)
		}
	}
}
