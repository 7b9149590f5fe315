package command_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
)

// Proxies, and servers other than Redis, answer INFO without the lines of sections.
func TestInfoWithoutSections(t *testing.T) {
	got, err := command.Info().Do(t.Context(), &double{reply: bulkText("redis_version:7\r\nuptime:5\r\n").in(true)})
	want := command.ServerInfo{"": {"redis_version": "7", "uptime": "5"}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if v := got.Get("uptime"); v != "5" {
		t.Errorf("uptime is %q", v)
	}
}

// The path of a Unix socket may have spaces.
func TestClientAddressesWithSpaces(t *testing.T) {
	const line = "id=5 addr=/run/my redis/a=b.sock:0 laddr=/run/my redis/a=b.sock:0 fd=9 name=worker age=3 idle=1 flags=U db=2"
	want := command.ConnectedClient{
		ID: 5, Addr: "/run/my redis/a=b.sock:0", LocalAddr: "/run/my redis/a=b.sock:0", FD: 9, Name: "worker",
		Age: 3 * time.Second, Idle: time.Second, Flags: "U", DB: 2,
	}
	clients, err := command.ClientList().Do(t.Context(), &double{reply: bulkText(line + "\n" + line + "\n").in(true)})
	if diff := cmp.Diff([]command.ConnectedClient{want, want}, clients); err != nil || diff != "" {
		t.Errorf("CLIENT LIST: %v (-want +got):\n%s", err, diff)
	}
	// Redis 6.0 has no laddr.
	old, err := command.ClientInfo().Do(t.Context(), &double{reply: bulkText("id=5 addr=/run/my redis.sock:0 fd=9 name= age=3").in(true)})
	if err != nil || old.Addr != "/run/my redis.sock:0" || old.FD != 9 || old.Name != "" || old.Age != 3*time.Second {
		t.Errorf("CLIENT INFO: %+v, %v", old, err)
	}
	entries, err := command.ACLLog(1).Do(t.Context(), &double{reply: list{record{bulkText("count"), whole(1), bulkText("client-info"), bulkText(line)}}.in(true)})
	if err != nil || len(entries) != 1 || !cmp.Equal(entries[0].Client, want) {
		t.Errorf("ACL LOG: %+v, %v", entries, err)
	}
}

// Servers before 7.0.8 block for ever on 0.001, which they round to 0.
func TestShortestTimeouts(t *testing.T) {
	for d, want := range map[time.Duration]string{time.Nanosecond: "0.002", time.Millisecond: "0.002", 2 * time.Millisecond: "0.002", 3 * time.Millisecond: "0.003", 0: "0"} {
		for _, cmd := range []command.Queueable{
			command.BLPop(d, "k"), command.BRPop(d, "k"), command.BLMove("k", "l", command.Left, command.Left, d),
			command.BZPopMin(d, "k"), command.BLMPop(d, command.Left, []string{"k"}), command.BZMPop(d, command.Lowest, []string{"k"}),
		} {
			r := cmd.Request()
			if wire := string(r.Append(nil)); !strings.Contains(wire, "\r\n"+want+"\r\n") {
				t.Errorf("%s for %v: %q, want %s", r.Name(), d, wire, want)
			}
		}
	}
}

// fipsDouble is a server that knows scripts by their hash.
type fipsDouble struct {
	sent []string
	load string // reply to SCRIPT LOAD
}

func (d *fipsDouble) Do(_ context.Context, r command.Request) (proto.Value, error) {
	d.sent = append(d.sent, r.Name()+" "+r.Arg(0))
	reply := ":7\r\n"
	if r.Name() == "SCRIPT LOAD" {
		reply = d.load
	}
	v := parse(reply)
	return v, command.ReplyError(&r, "", v)
}

// Where Go's FIPS 140 mode forbids SHA-1, the server computes the hash.
func TestScriptsWithoutSHA1(t *testing.T) {
	if os.Getenv("REDCHAN_TEST_FIPS") == "" {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestScriptsWithoutSHA1$", "-test.v")
		cmd.Env = append(os.Environ(), "GODEBUG=fips140=only", "REDCHAN_TEST_FIPS=1")
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS: TestScriptsWithoutSHA1") {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	script := command.NewScript("return 7")
	hash := strings.Repeat("ab", 20)
	d := &fipsDouble{load: bulkText(hash).in(true)}
	for range 2 {
		if n, err := command.AsInt(script.Call(nil)).Do(t.Context(), d); n != 7 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	}
	if want := []string{"SCRIPT LOAD return 7", "EVALSHA " + hash, "EVALSHA " + hash}; !cmp.Equal(d.sent, want) || script.Hash() != hash {
		t.Errorf("sent %q; the hash is %q", d.sent, script.Hash())
	}
	// A user who may not load scripts sends the text.
	denied := &fipsDouble{load: "-NOPERM no\r\n"}
	if n, err := command.AsInt(command.NewScript("return 7").Call(nil)).Do(t.Context(), denied); n != 7 || err != nil || denied.sent[1] != "EVALSHA return 7" {
		t.Errorf("%d, %v, sent %q", n, err, denied.sent)
	}
	// A batch has the text in it.
	var b command.Batch
	command.NewScript("return 8").Call(nil).Queue(&b)
	batch := &double{reply: ":8\r\n"}
	if err := b.Exec(t.Context(), batch); err != nil {
		t.Error(err)
	}
}
