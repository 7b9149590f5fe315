package redis

import (
	"context"
	"sync"
	"testing"
)

// What was answered is never counted twice, and never left out while a connection goes.
func TestStatsAnsweredOnlyGrows(t *testing.T) {
	client, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	l := client.links[0]
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
		c := &conn{answered: 1, cause: errGivenUp}
		l.change(c, nil)
		l.lost(c)
	}
	cancel()
	looking.Wait()
	if got := client.Stats().Answered; got != connections {
		t.Errorf("%d answered", got)
	}
}
