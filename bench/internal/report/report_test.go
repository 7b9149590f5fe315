package report

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/redchan-go/redchan/bench/internal/load"
	"github.com/redchan-go/redchan/bench/internal/peer"
	"github.com/redchan-go/redchan/bench/internal/result"
)

// cpu returns a cell that has a CPU figure and nothing else.
func cpu(workload, client string, round int, micros float64) result.Cell {
	return result.Cell{
		Workload: workload, Client: client, Round: round, Operations: 1,
		Values: map[result.Metric]float64{result.CPU: micros},
	}
}

func TestSpread(t *testing.T) {
	for _, test := range []struct {
		values []float64
		want   Spread
	}{
		{[]float64{3}, Spread{3, 3, 3, 1}},
		{[]float64{5, 1, 3}, Spread{3, 1, 5, 3}},
		{[]float64{4, 1, 3, 2}, Spread{2.5, 1, 4, 4}},
	} {
		if got := spread(test.values); got != test.want {
			t.Errorf("spread(%v) = %+v, wanted %+v", test.values, got, test.want)
		}
	}
}

func TestCheck(t *testing.T) {
	s := Summarize([]result.Cell{
		cpu("get/64", peer.Redchan, 1, 1), cpu("get/64", peer.Redchan, 2, 3), cpu("get/64", peer.Redchan, 3, 2),
		cpu("get/64", peer.Rueidis, 1, 8),
		cpu("get/64", peer.Redigo, 1, 4),
		cpu("get/64", peer.RawLoop, 1, 0.1),
	})
	for _, test := range []struct {
		name     string
		goal     Goal
		measured float64
		against  string
		pass     bool
	}{
		{"a peer", Goal{Against: peer.Rueidis, Bound: 0.25}, 0.25, peer.Rueidis, true},
		{"above the bound", Goal{Against: peer.Rueidis, Bound: 0.2}, 0.25, peer.Rueidis, false},
		{"the best peer is not the raw loop", Goal{Against: bestPeer, Bound: 0.6}, 0.5, peer.Redigo, true},
		{"at least", Goal{Against: bestPeer, Bound: 0.2, AtLeast: true}, 0.25, peer.Rueidis, true},
		{"below a lower bound", Goal{Against: peer.Redigo, Bound: 0.6, AtLeast: true}, 0.5, peer.Redigo, false},
		{"absolute", Goal{Bound: 1.5}, 2, "", false},
	} {
		test.goal.Workload, test.goal.Metric = "get/64", result.CPU
		got := check(test.goal, s)
		if !got.Known || got.Measured != test.measured || got.Peer != test.against || got.Pass != test.pass {
			t.Errorf("%s: got %+v", test.name, got)
		}
	}
	unknown := check(Goal{Workload: "get/64", Metric: result.CPU, Against: peer.GoRedis, Bound: 1}, s)
	if unknown.Known || unknown.Pass {
		t.Errorf("a peer that was not measured: %+v", unknown)
	}
}

// A goal of a workload or a client that is not there would never be checked.
func TestGoalsNameWhatThereIs(t *testing.T) {
	for _, goal := range Goals() {
		workload, err := load.Find(goal.Workload)
		if err != nil {
			t.Errorf("%v: %v", goal, err)
			continue
		}
		if !workload.Offers(peer.Redchan) {
			t.Errorf("%v: redchan can't do it", goal)
		}
		if goal.Against != "" && goal.Against != bestPeer && !workload.Offers(goal.Against) {
			t.Errorf("%v: the peer can't do it", goal)
		}
		if Title(goal.Metric) == "" || goal.Bound <= 0 {
			t.Errorf("%v is incomplete", goal)
		}
	}
}

func TestNumber(t *testing.T) {
	for _, test := range []struct {
		v    float64
		want string
	}{
		{0, "0.00"},
		{0.0432, "0.043"},
		{0.9951, "1.00"},
		{1.234, "1.23"},
		{9.96, "10.0"},
		{12.34, "12.3"},
		{99.6, "100"},
		{1234, "1,234"},
		{1234567, "1,234,567"},
		{-1234, "-1,234"},
		{100000, "100,000"},
	} {
		if got := Number(test.v); got != test.want {
			t.Errorf("Number(%v) = %q, wanted %q", test.v, got, test.want)
		}
	}
}

func testRun() result.Run {
	return result.Run{
		Machine: "a <machine>", Server: "Redis 8", Date: "today", Settings: "rounds: 2",
		Versions: map[string]string{"example.com/peer": "v1.2.3"},
		Cells: []result.Cell{
			cpu("get/64", peer.Redchan, 1, 1), cpu("get/64", peer.Redchan, 2, 2),
			cpu("get/64", peer.Rueidis, 1, 6), cpu("get/64", peer.Rueidis, 2, 6),
			cpu("get/64", peer.GoRedis, 1, 30), cpu("get/64", peer.GoRedis, 2, 30),
			{Workload: "get/64", Client: peer.Redigo, Round: 1, Err: "no connection"},
		},
	}
}

func testWorkloads(t *testing.T) []load.Workload {
	t.Helper()
	workload, err := load.Find("get/64")
	if err != nil {
		t.Fatal(err)
	}
	return []load.Workload{workload}
}

func TestMarkdown(t *testing.T) {
	var b strings.Builder
	if err := Markdown(&b, testRun(), testWorkloads(t), "picture.svg"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"- example.com/peer v1.2.3\n",
		"](picture.svg)",
		"| get/64 | client CPU, µs per operation | rueidis | ≤ 0.30 | 0.25 | pass |\n",
		"| get/64 | GET of 64 bytes, 64 callers |\n",
		"## Client CPU, µs per operation\n\n| | redchan | rueidis | go-redis | go-redis-auto | redigo | raw |\n",
		"| get/64 | **1.50** [1.00–2.00] | 6.00 [6.00–6.00] ×0.250 | 30.0 [30.0–30.0] ×0.050 | – | failed | – |\n",
		"- get/64, redigo: no connection\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "## Operations a second") {
		t.Error("the report has a table of what was not measured")
	}
}

func TestPicture(t *testing.T) {
	var b strings.Builder
	drawn, err := Picture(&b, testRun(), testWorkloads(t))
	if err != nil || !drawn {
		t.Fatalf("drawn: %v, %v", drawn, err)
	}
	bars := 0
	decoder := xml.NewDecoder(strings.NewReader(b.String()))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the picture is not XML: %v\n%s", err, b.String())
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "rect" {
			bars++
		}
	}
	// The ground, and for each of three clients a bar and one in the legend.
	if bars != 1+2*3 {
		t.Errorf("there are %d rectangles", bars)
	}
	for _, want := range []string{"×4.00  (6.00 µs)", "» ×20.0  (30.0 µs)", "a &lt;machine&gt;"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the picture lacks %q", want)
		}
	}
}

func TestPictureOfNothing(t *testing.T) {
	var b strings.Builder
	drawn, err := Picture(&b, result.Run{}, testWorkloads(t))
	if drawn || err != nil || b.Len() > 0 {
		t.Errorf("drawn: %v, %v, %q", drawn, err, b.String())
	}
}
