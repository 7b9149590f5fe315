package command_test

import (
	"errors"
	"testing"

	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
)

// What servers say when they refuse a command without running it: Redis 6.0 to 8.0 and
// Valkey 8.1 and 9.1.
var refusals = []string{
	"LOADING Redis is loading the dataset in memory",
	"LOADING Valkey is loading the dataset in memory",
	"TRYAGAIN Multiple keys request during rehashing of slot",
	"CLUSTERDOWN The cluster is down",
	"CLUSTERDOWN The cluster is down and only accepts read commands",
	"CLUSTERDOWN Hash slot not served",
	"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
	"READONLY You can't write against a read only replica.",
	"READONLY Can not run script with write flag on readonly replica.",
	"MOVED 12182 10.0.0.1:7000",
	"ASK 12182 10.0.0.1:7000",
	"MOVED 12182 :7000",
	"UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)",
}

// What a script or function says for itself, though it may use the servers' codes.
var ownErrors = []string{
	"TRYAGAIN later", "TRYAGAIN", "LOADING the truck", "CLUSTERDOWN no idea", "MASTERDOWN", "READONLY account",
	"MOVED 1 10.0.0.1:7000", "MOVED to Rome", "ASK 1 10.0.0.1:7000", "ASK me later", "UNBLOCKED account",
	"READONLY You can't write against a read only replica. script: 1f2a, on @user_script:1.",
	"ERR of mine",
}

func rejected(t *testing.T, cmd command.Queueable, reply string) bool {
	t.Helper()
	r := cmd.Request()
	err := command.ReplyError(&r, "", parse("-"+reply+"\r\n"))
	var server *proto.Error
	if !errors.As(err, &server) {
		t.Fatalf("%q: %v", reply, err)
	}
	return errors.Is(err, command.ErrRejected)
}

// A script may use any code in its errors, and these are final: it has run.
func TestErrorsOfScriptsAreFinal(t *testing.T) {
	keys := []string{"foo"} // of slot 12182
	script := command.NewScript("return 1")
	library := command.NewLibrary("#!lua name=l\n")
	for name, cmd := range map[string]command.Queueable{
		"EVAL": command.Eval("return 1", keys), "EVALSHA": script.Call(keys), "EVALSHA_RO": script.ReadOnly().Call(keys),
		"FCALL": library.Call("f", keys), "FCALL_RO": library.CallReadOnly("f", keys),
		"a raw EVAL": command.Raw("EVAL", "return 1", 1, command.Key("foo")), "a command of a module": command.Raw("X.Y", command.Key("foo")),
	} {
		for _, words := range refusals {
			if !rejected(t, cmd, words) {
				t.Errorf("%s: the server refused it with %q, and it is not rejected", name, words)
			}
		}
		for _, words := range ownErrors {
			if rejected(t, cmd, words) {
				t.Errorf("%s: %q is of its own, and it counts as rejected", name, words)
			}
		}
	}
	// Without keys there is no slot that could have moved.
	if rejected(t, command.Eval("return 1", nil), "MOVED 12182 10.0.0.1:7000") {
		t.Error("a script without keys is moved")
	}
}

// A server's own command has no errors of its own with these codes, however they are worded.
func TestRefusalsOfCommands(t *testing.T) {
	for _, words := range append(refusals, "LOADING Dragonfly is loading", "CLUSTERDOWN the proxy has no backend", "READONLY no") {
		if !rejected(t, command.Set("foo", 1), words) {
			t.Errorf("%q is not rejected", words)
		}
	}
	// What CLIENT UNBLOCK wants is an error, not another attempt.
	if rejected(t, command.BLPop(0, "foo"), "UNBLOCKED client unblocked via CLIENT UNBLOCK") {
		t.Error("CLIENT UNBLOCK is undone")
	}
}

// A redirect that can't be followed is no redirect.
func TestRedirectsThatCannotBeRead(t *testing.T) {
	for _, words := range []string{"MOVED 1", "MOVED", "MOVED 99999 10.0.0.1:7000", "MOVED 1 10.0.0.1:99999", "MOVED 1 10.0.0.1", "ASK 1", "ASK x 10.0.0.1:7000"} {
		if rejected(t, command.Get("foo"), words) {
			t.Errorf("%q is rejected, and so tried again", words)
		}
	}
}
