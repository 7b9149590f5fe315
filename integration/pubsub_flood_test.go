package integration

import (
	"testing"
	"time"

	"github.com/redchan-go/redchan/pubsub"
	"github.com/redchan-go/redchan/redis/command"
)

// TestFlood publishes 400,000 small messages as fast as the server takes them: a consumer that
// does nothing but receive loses none of them with the default bounds.
func TestFlood(t *testing.T) {
	const total, each = 400_000, 1000
	shared(t, func(f *fixture) {
		client := f.open()
		sub := f.subscribe(f.open(), pubsub.Channels("flood"))
		received := make(chan int)
		go func() {
			n := 0
			for msg := range sub.Messages() {
				if msg.Gap != nil {
					f.Errorf("%v in front of message %d", msg.Gap, n)
				}
				if n++; n == total {
					break
				}
			}
			received <- n
		}()
		const script = "for i = 1, 1000 do redis.call('PUBLISH', 'flood', i) end"
		for range total / each {
			if _, err := command.Eval(script, nil).Do(f.ctx, client); err != nil {
				f.Fatal(err)
			}
		}
		select {
		case n := <-received:
			if stats := sub.Stats(); n != total || stats.Dropped != 0 {
				f.Errorf("%d messages received, %+v", n, stats)
			}
		case <-time.After(time.Minute):
			f.Errorf("not all have come: %+v", sub.Stats())
			_ = sub.Close()
			<-received
		}
	})
}
