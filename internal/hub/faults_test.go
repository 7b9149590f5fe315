package hub

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/redchan-go/redchan/proto"
)

// A server that refuses the connection for good ends the calls that wait, and no others.
func TestFailCalls(t *testing.T) {
	story(t, func(w *world) {
		first := w.add()
		done, _, err := first.Want([]Name{x})
		if err != nil {
			t.Fatal(err)
		}
		w.confirmAll()
		waits := w.add()
		c, _, err := waits.Want([]Name{x, y})
		if err != nil {
			t.Fatal(err)
		}
		w.FailCalls(io.ErrClosedPipe)
		select {
		case <-c.Done():
		default:
			t.Error("the call waits still")
		}
		w.FailCalls(io.EOF) // too late
		if o := waits.Settle(c); o.Succeeded || o.Err != io.ErrClosedPipe || len(o.Missing) != 1 || o.Missing[0] != y || o.Of != 2 {
			t.Errorf("the call ended with %+v", o)
		}
		if o := first.Settle(done); !o.Succeeded {
			t.Errorf("a call that was acknowledged ended with %+v", o)
		}
		if got := w.Stats().Channels; got != 1 {
			t.Errorf("%d channels are wanted", got)
		}
	})
}

// What a refused name takes down: the calls that wait for it and the subscriptions that rely on
// it, and nothing else.
func TestRefused(t *testing.T) {
	story(t, func(w *world) {
		relies, other := w.subscribe(x), w.subscribe(y)
		w.Main().LinkLost(time.Time{}, io.EOF)
		waits := w.add()
		c, _, err := waits.Want([]Name{x})
		if err != nil {
			t.Fatal(err)
		}
		relies.told, other.told = nil, nil
		w.link = &fakeLink{}
		w.Main().LinkUp(w.link)
		no := &proto.Error{Code: "NOPERM", Message: "no"}
		w.link.done[0](no) // both names: which of them it is, is not known
		w.link.sent, w.link.done = w.link.sent[1:], w.link.done[1:]
		for len(w.link.sent) > 0 {
			if w.link.sent[0] == "SUBSCRIBE x" {
				w.link.done[0](no)
			} else {
				w.push("subscribe", "y", 1)
				w.link.done[0](nil)
			}
			w.link.sent, w.link.done = w.link.sent[1:], w.link.done[1:]
		}
		<-c.Done()
		var refused *RefusedError
		if o := waits.Settle(c); !errors.As(o.Err, &refused) || refused.Name != x || !errors.Is(refused, no) {
			t.Errorf("the call ended with %+v", o)
		}
		<-relies.Done()
		if last := relies.told[len(relies.told)-1]; !strings.HasPrefix(last, `stopped: channel "x" refused: NOPERM`) {
			t.Errorf("the subscription that relies on it was told %q", relies.told)
		}
		other.wantTold(t, "connected", `confirmed channel "y" on "", lost true`)
	})
}

// What Want refuses is refused before anything is sent.
func TestWantRefuses(t *testing.T) {
	story(t, func(w *world) {
		s := &fakeSink{stopped: make(chan struct{})}
		noShards := errors.New("no shards")
		if err := w.Hub.Add(&s.Subscriber, s, func(kind Kind) error {
			if kind == Shard {
				return noShards
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		var refused *RefusedError
		if _, _, err := s.Want([]Name{x, {Shard, "s"}}); !errors.As(err, &refused) || !errors.Is(err, noShards) || refused.Name.Name != "s" {
			t.Errorf("a shard channel: %v", err)
		}
		if _, _, err := s.Want([]Name{{Kinds, "z"}}); !errors.Is(err, errNoKind) || !strings.Contains(err.Error(), "name kind 3") {
			t.Errorf("no kind: %v", err)
		}
		w.wantSent()
		if len(s.Names()) != 0 {
			t.Errorf("subscribed to %v", s.Names())
		}
		s.Stop(nil)
		if _, _, err := s.Want([]Name{x}); err != ErrOver {
			t.Errorf("after the end: %v", err)
		}
		if _, err := s.Depart(Channel, nil); err != ErrOver {
			t.Errorf("Depart after the end: %v", err)
		}
	})
}

// A link that was told to fail counts as lost from then on: what came later is not known to be
// whole.
func TestLostSinceItFailed(t *testing.T) {
	story(t, func(w *world) {
		s := w.subscribe(x)
		time.Sleep(time.Second)
		failed := time.Now()
		w.push("message", "x") // malformed
		time.Sleep(time.Second)
		w.Main().LinkLost(time.Now(), io.EOF)
		time.Sleep(time.Second)
		w.link = &fakeLink{}
		w.Main().LinkUp(w.link)
		w.confirmAll()
		if s.loss.Reason != Reconnect || !s.loss.From.Equal(failed) || !s.loss.To.Equal(time.Now()) {
			t.Errorf("lost %+v, failed at %v", s.loss, failed)
		}
	})
}

// What comes from a link that is gone counts for nothing, also a second message of its end.
func TestGoneLink(t *testing.T) {
	story(t, func(w *world) {
		s := w.add()
		if _, _, err := s.Want([]Name{x}); err != nil {
			t.Fatal(err)
		}
		former := w.link
		w.Main().LinkLost(time.Time{}, io.EOF)
		w.Main().LinkLost(time.Time{}, io.EOF)
		w.push("subscribe", "x", 1)
		former.done[0](nil)
		if got := w.Stats(); got.Unconfirmed != 1 || got.InFlight != 0 || w.Linked() {
			t.Errorf("%+v", got)
		}
		s.wantTold(t, `disconnected from "": EOF`)
		if _, err := s.Ping("data", nil); err != ErrNoLink {
			t.Errorf("PING: %v", err)
		}
	})
}

// A name that is taken away while it is being unsubscribed has lost what was owed since.
func TestTakenAwayWhileLeaving(t *testing.T) {
	story(t, func(w *world) {
		s := w.subscribe(Name{Shard, "s"})
		d, _ := s.Depart(Shard, nil)
		said := time.Now()
		w.push("sunsubscribe", "s", 0) // by the server's own wish
		time.Sleep(time.Second)
		w.push("sunsubscribe", "s", 0) // by ours
		w.link.done[0](nil)
		<-d.Done()
		if lost, err := d.Result(); err != nil || lost.Reason != Moved || !lost.From.Equal(said) {
			t.Errorf("lost %+v, %v, taken away at %v", lost, err, said)
		}
		if !s.Conclude(d) {
			t.Error("it does not drain")
		}
	})
}

// What is lost of several names is one time that covers them all.
func TestLossesAreMerged(t *testing.T) {
	at := func(n int) time.Time { return time.Unix(int64(n), 0) }
	for _, test := range []struct{ a, b, want Loss }{
		{Loss{}, Loss{}, Loss{}},
		{Loss{Moved, at(2), at(3)}, Loss{}, Loss{Moved, at(2), at(3)}},
		{Loss{}, Loss{Moved, at(2), at(3)}, Loss{Moved, at(2), at(3)}},
		{Loss{Moved, at(2), at(3)}, Loss{Reconnect, at(1), at(4)}, Loss{Moved | Reconnect, at(1), at(4)}},
		{Loss{Moved, at(1), at(4)}, Loss{Moved, at(2), at(3)}, Loss{Moved, at(1), at(4)}},
	} {
		got := test.a
		got.merge(test.b)
		if got != test.want {
			t.Errorf("%v and %v are %v, want %v", test.a, test.b, got, test.want)
		}
	}
}

// An error text has no more of a name than the beginning.
func TestLongNames(t *testing.T) {
	story(t, func(w *world) {
		var told error
		w.link.fails = func(err error) { told = err }
		w.push("subscribe", strings.Repeat("n", 1000), 1)
		if told == nil || len(told.Error()) > 200 || !strings.Contains(told.Error(), "nnn\"...") {
			t.Errorf("the link was told %v", told)
		}
	})
}
