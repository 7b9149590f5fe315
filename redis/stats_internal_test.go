package redis

import (
	"context"
	"sync"
	"testing"

	"github.com/redchan-go/redchan/internal/conn"
	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/redistest"
)

// What was answered is never counted twice, and never left out while a connection goes.
func TestStatsAnsweredOnlyGrows(t *testing.T) {
	server := redistest.NewServer(t)
	client, err := New(Options{Dial: server.Dial})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	l := client.links[0]
	// One connection that has answered one request stands for all.
	go func() {
		nc := server.AcceptReady()
		nc.Expect("GET", "k")
		nc.Null()
	}()
	c, err := client.dialer.Dial(t.Context(), conn.Role{})
	if err != nil {
		t.Fatal(err)
	}
	get := command.Get("k").Request()
	if _, err := c.Do(t.Context(), &get); err != nil {
		t.Fatal(err)
	}
	c.Fail(errGivenUp)
	<-c.Done()
	stop, cancel := context.WithCancel(t.Context())
	var looking sync.WaitGroup
	looking.Go(func() {
		for last := uint64(0); stop.Err() == nil; {
			now := client.Stats().Answered
			if now < last {
				t.Errorf("%d answered, after %d", now, last)
				return
			}
			last = now
		}
	})
	const connections = 5000
	for range connections {
		l.change(c, nil)
		l.lost(c)
	}
	cancel()
	looking.Wait()
	if got := client.Stats().Answered; got != connections {
		t.Errorf("%d answered", got)
	}
}
