package main

import (
	"slices"
	"testing"
	"time"

	"github.com/redchan-go/redchan/bench/internal/load"
	"github.com/redchan-go/redchan/bench/internal/peer"
	"github.com/redchan-go/redchan/bench/internal/server"
)

func TestParse(t *testing.T) {
	full, err := parse(nil)
	if err != nil || full.rounds != 5 || full.duration != 500*time.Millisecond {
		t.Errorf("without arguments: %+v, %v", full, err)
	}
	quick, err := parse([]string{"-quick", "-rounds", "2"})
	if err != nil || quick.rounds != 2 || quick.duration != 150*time.Millisecond {
		t.Errorf("quick: %+v, %v", quick, err)
	}
	if _, err := parse([]string{"get/1"}); err == nil {
		t.Error("an argument that is no flag was taken")
	}
}

func TestWorkloadsAndClients(t *testing.T) {
	workloads, err := settings{only: "^idle$"}.workloads()
	if err != nil || len(workloads) != 1 {
		t.Errorf("idle: %v, %v", workloads, err)
	}
	if _, err := (settings{only: "nothing"}).workloads(); err == nil {
		t.Error("nothing was found")
	}
	clients, err := settings{clients: "raw, redchan"}.clientNames()
	if err != nil || !slices.Equal(clients, []string{peer.Redchan, peer.RawLoop}) {
		t.Errorf("clients: %v, %v", clients, err)
	}
	if _, err := (settings{clients: "redchan,nobody"}).clientNames(); err == nil {
		t.Error("nobody was found")
	}
}

// Rounds are interleaved, and each begins with another client.
func TestPlan(t *testing.T) {
	workload, err := load.Find("pubsub/1") // go-redis-auto can't do it
	if err != nil {
		t.Fatal(err)
	}
	clients := []string{peer.Redchan, peer.GoRedisAuto, peer.Redigo}
	p := newPlan(settings{rounds: 2}, []load.Workload{workload}, clients, &server.Server{})
	var got []string
	for _, turn := range p.turns {
		got = append(got, turn.client)
	}
	if want := []string{peer.Redchan, peer.Redigo, peer.Redigo, peer.Redchan}; !slices.Equal(got, want) {
		t.Errorf("turns: %v, wanted %v", got, want)
	}
	if p.turns[1].round != 1 || p.turns[2].round != 2 {
		t.Errorf("rounds: %+v", p.turns)
	}
}

func TestClock(t *testing.T) {
	if got := clock(125 * time.Second); got != "2:05" {
		t.Errorf("got %q", got)
	}
}
