package pubsub

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/proto"
)

// wantResubscribed expects x and y to be asked for again, in any order.
func (w *world) wantResubscribed() {
	w.Helper()
	synctest.Wait()
	w.link.mu.Lock()
	defer w.link.mu.Unlock()
	if len(w.link.commands) != 1 || len(w.link.commands[0].names) != 2 {
		w.Fatalf("sent %v", w.link.commands)
	}
}

// A server that is busy with a script when everything is subscribed again ends nothing: it
// is asked until it can.
func TestBusyServer(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Channels("x", "y"), GapMarkers())
		w.linkLost()
		w.linkUp()
		for range 3 {
			w.refuse("BUSY", "a script is running")
			w.wantSent()
			time.Sleep(seekEvery)
			w.wantResubscribed()
		}
		w.confirmAll()
		w.publish("x", "1")
		w.want(sub, "gap(reconnect,0)", "x:1")

		// Who subscribes meanwhile is told what the server says.
		_, result := w.subscribing(Channel("z"))
		for range 5 {
			w.refuse("BUSY", "a script is running")
			time.Sleep(seekEvery)
			synctest.Wait()
		}
		err := <-result
		var reply *proto.Error
		if !errors.Is(err, ErrSubscribeTimeout) || !errors.As(err, &reply) || reply.Code != "BUSY" {
			t.Errorf("Subscribe: %v", err)
		}
	})
}
