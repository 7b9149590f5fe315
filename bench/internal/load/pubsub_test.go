package load

import (
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redchan-go/redchan/bench/internal/wire"
)

// A subscriber that the server has not missed yet doesn't count: awaitSubscribed would
// wait for one more than there will ever be. One that stays does.
func TestSubscriberOfTheTurnBefore(t *testing.T) {
	addr := miniredis.RunT(t).Addr()
	dial := func() *wire.Conn {
		conn, err := wire.Dial(t.Context(), "tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	f, admin := flood{channels: 1}, dial()
	subscribe := func() *wire.Conn {
		conn := dial()
		if _, err := conn.Do("SUBSCRIBE", f.names()[0]); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	leaver := subscribe()
	time.AfterFunc(10*pollInterval, func() { leaver.Close() })
	if count, err := f.subscriptionsLeft(admin); count != 0 || err != nil {
		t.Errorf("there are %d subscribers left, error %v", count, err)
	}
	subscribe()
	if count, err := f.subscriptionsLeft(admin); count != 1 || err != nil {
		t.Errorf("there are %d subscribers left of one that stays, error %v", count, err)
	}
}
