package load

import (
	"strconv"
	"testing"
	"time"

	"github.com/redchan-go/redchan/bench/internal/peer"
	"github.com/redchan-go/redchan/bench/internal/result"
)

func TestParseCalls(t *testing.T) {
	got := parseCalls("rchar: 6976\nwchar: 0\nsyscr: 10\nsyscw: 3\nread_bytes: 0\n")
	if want := (calls{reads: 10, writes: 3}); got != want {
		t.Errorf("got %+v, wanted %+v", got, want)
	}
	if got, want := parseCalls("rchar: 1\n"), (calls{reads: -1, writes: -1}); got != want {
		t.Errorf("without the fields: got %+v, wanted %+v", got, want)
	}
}

func TestBacklog(t *testing.T) {
	list := "id=3 addr=127.0.0.1:1 omem=20504 tot-mem=1 cmd=subscribe\nid=4 omem=1048576 name=omem\nid=5 omem=x\n"
	if got := backlog(list); got != 1<<20 {
		t.Errorf("backlog is %d", got)
	}
	if got := backlog(""); got != 0 {
		t.Errorf("backlog of nobody is %d", got)
	}
}

func TestStamped(t *testing.T) {
	at := time.Unix(1_800_000_000, 123)
	payload := stamped(at)
	if len(payload) != smallSize {
		t.Errorf("the payload has %d bytes", len(payload))
	}
	if got, err := strconv.ParseInt(payload[:stampSize], 10, 64); err != nil || got != at.UnixNano() {
		t.Errorf("the stamp is %d, %v", got, err)
	}
}

func TestPerOperation(t *testing.T) {
	at := time.Now()
	before := usage{at: at, cpu: time.Second, server: -1, allocs: 10, bytes: 100, calls: calls{reads: 5, writes: 5}}
	after := usage{
		at: at.Add(2 * time.Second), cpu: 2 * time.Second, server: -1, allocs: 30, bytes: 1100,
		calls: calls{reads: 15, writes: 25},
	}
	got := perOperation(before, after, 10)
	want := map[result.Metric]float64{
		result.Rate: 5, result.CPU: 100_000, result.Allocs: 2, result.Bytes: 100, result.Reads: 1, result.Writes: 2,
	}
	for metric, value := range want {
		if got[metric] != value {
			t.Errorf("%s is %v, wanted %v", metric, got[metric], value)
		}
	}
	for _, metric := range []result.Metric{result.ServerCPU, result.TotalCPU} {
		if _, ok := got[metric]; ok {
			t.Errorf("%s is there though the server did not tell", metric)
		}
	}
	if got := perOperation(before, after, 0); len(got) != 0 {
		t.Errorf("without operations there are values: %v", got)
	}
}

func TestWorkloads(t *testing.T) {
	seen := map[string]bool{}
	for _, workload := range Workloads() {
		if seen[workload.Name] {
			t.Errorf("there are two workloads %s", workload.Name)
		}
		seen[workload.Name] = true
		if workload.About == "" || workload.Callers < 1 || workload.kind == nil {
			t.Errorf("%s is incomplete: %+v", workload.Name, workload)
		}
		offered := 0
		for _, client := range peer.Names() {
			if workload.Offers(client) {
				offered++
			}
		}
		if offered == 0 {
			t.Errorf("nobody can do %s", workload.Name)
		}
	}
	if _, err := Find("nothing"); err == nil {
		t.Error("found a workload that is not there")
	}
}

// The bytes of what the workloads store are counted ahead of time.
func TestReplyBytes(t *testing.T) {
	if got, want := bulkBytes(64), len("$64\r\n")+64+len("\r\n"); got != want {
		t.Errorf("a bulk string of 64 has %d bytes, wanted %d", got, want)
	}
	if got, want := arrayBytes(10, 5), len("*10\r\n")+10*len("$5\r\nabcde\r\n"); got != want {
		t.Errorf("an array of 10 has %d bytes, wanted %d", got, want)
	}
	field, value := hashField(elements)
	if len(field) != len(value) {
		t.Errorf("field %q and value %q differ in length", field, value)
	}
}
