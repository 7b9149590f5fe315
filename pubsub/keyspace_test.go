package pubsub

import (
	"errors"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

func TestKeyEvents(t *testing.T) {
	story(t, func(w *world) {
		sub := w.subscribe(Keyspace(0, "user:*"), Keyevent(-1, "expired"), Channel("other"), GapMarkers())
		if diff := cmp.Diff([]Name{Channel("other"), Pattern("__keyevent@*__:expired"), Pattern("__keyspace@0__:user:*")}, sub.Names()); diff != "" {
			t.Error(diff)
		}
		events := AsKeyEvents(sub)
		w.push("pmessage", "__keyspace@0__:user:*", "__keyspace@0__:user:__:1", "set")
		w.push("pmessage", "__keyevent@*__:expired", "__keyevent@15__:expired", "user:__:1")
		w.publish("other", "x")
		w.push("pmessage", "__keyevent@*__:expired", "__keyevent@x__:expired", "k")
		w.linkLost()
		w.linkUp()
		w.confirmAll()
		synctest.Wait()
		for _, want := range []KeyEvent{
			{Key: "user:__:1", Event: "set"},
			{DB: 15, Key: "user:__:1", Event: "expired"},
		} {
			if diff := cmp.Diff(want, <-events); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
		for range 2 {
			var wrong *DecodeError
			if e := <-events; !errors.As(e.Err, &wrong) {
				t.Errorf("%+v", e)
			}
		}
		if e := <-events; e.Gap == nil || e.Gap.Reason != Reconnect || e.Key != "" || e.Err != nil {
			t.Errorf("%+v", e)
		}
		sub.Close()
		if _, ok := <-events; ok || sub.Stats().Undecoded != 2 {
			t.Errorf("%v, %+v", ok, sub.Stats())
		}
	})
}

func TestEscapePattern(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "plain:1": "plain:1", `a*b?c[d]\^`: `a\*b\?c\[d\]\\\^`, "\x00é": "\x00é",
	} {
		if got := EscapePattern(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
