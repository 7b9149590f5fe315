package hub

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/proto"
)

// fakeLink records what it is to send.
type fakeLink struct {
	sent  []string
	done  []func(error)
	fails func(error)
}

func (l *fakeLink) Send(op Op, names []string, done func(error)) {
	l.sent = append(l.sent, op.String()+" "+strings.Join(names, " "))
	l.done = append(l.done, done)
}

func (l *fakeLink) Ping(data string, done func(error)) {
	l.sent = append(l.sent, "PING "+data)
	l.done = append(l.done, done)
}

func (l *fakeLink) Fail(err error) {
	if l.fails != nil {
		l.fails(err)
	}
}

// fakeSink is a subscription that records what it is told.
type fakeSink struct {
	Subscriber
	mu      sync.Mutex
	told    []string
	loss    Loss // of the last confirmation
	takes   int  // messages that Deliver takes at a time; 0 for all
	stopped chan struct{}
}

func (s *fakeSink) tell(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, fmt.Sprintf(format, args...))
}

func (s *fakeSink) Deliver(l *Lane, some []Delivery) (n int, done bool) {
	for i := range some {
		if s.takes > 0 && i == s.takes {
			return i, true
		}
		if some[i].Current(l) {
			s.tell("%v: %s %s", some[i].Name(), some[i].Channel, some[i].Payload)
		}
	}
	return len(some), true
}

func (s *fakeSink) DeliverBlocking(*Lane, *Delivery) { panic("it never blocks") }

func (s *fakeSink) Confirmed(name Name, node string, loss Loss) {
	s.loss = loss
	s.tell("confirmed %v on %q, lost %v", name, node, loss.Reason != 0)
}

func (s *fakeSink) Lost(name Name, node string, err error) {
	s.tell("lost %v on %q: %v", name, node, err)
}

func (s *fakeSink) Left(name Name, joined bool, loss Loss, err error) {
	s.tell("left %v, joined %v, lost %v: %v", name, joined, loss.Reason != 0, err)
}

func (s *fakeSink) Missed(Loss)    { s.tell("missed") }
func (s *fakeSink) Owed(time.Time) { s.tell("owed") }
func (s *fakeSink) Connected()     { s.tell("connected") }
func (s *fakeSink) Disconnected(node string, err error) {
	s.tell("disconnected from %q: %v", node, err)
}

func (s *fakeSink) LifeOver(ctx context.Context) { s.Stop(context.Cause(ctx)) }

func (s *fakeSink) Done() <-chan struct{} { return s.stopped }

func (s *fakeSink) Stop(err error) {
	s.tell("stopped: %v", err)
	s.Release()
	s.Forget()
	close(s.stopped)
}

// wantTold expects what a subscription was told since the last time.
func (s *fakeSink) wantTold(t *testing.T, want ...string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(s.told, want) {
		t.Errorf("the subscription was told %q, want %q", s.told, want)
	}
	s.told = nil
}

// world is a hub with a link, whose server and reader a test plays.
type world struct {
	*testing.T
	*Hub
	link *fakeLink
}

func story(t *testing.T, run func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, Hub: New(Options{}), link: &fakeLink{}}
		w.Main().LinkUp(w.link)
		defer w.Hub.Close(nil)
		run(w)
	})
}

// add makes a subscription.
func (w *world) add() *fakeSink {
	w.Helper()
	s := &fakeSink{stopped: make(chan struct{})}
	if err := w.Hub.Add(&s.Subscriber, s, nil); err != nil {
		w.Fatal(err)
	}
	return s
}

// subscribe makes a subscription to names, with a server that agrees.
func (w *world) subscribe(names ...Name) *fakeSink {
	w.Helper()
	s := w.add()
	c, _, err := s.Want(names)
	if err != nil {
		w.Fatal(err)
	}
	w.confirmAll()
	if o := s.Settle(c); !o.Succeeded {
		w.Fatalf("%+v", o)
	}
	s.told = nil
	return s
}

// confirmAll answers everything that was sent, as a server that agrees.
func (w *world) confirmAll() {
	for len(w.link.sent) > 0 {
		command, names, _ := strings.Cut(w.link.sent[0], " ")
		done := w.link.done[0]
		w.link.sent, w.link.done = w.link.sent[1:], w.link.done[1:]
		if command != "PING" {
			for _, name := range strings.Fields(names) {
				w.push(strings.ToLower(command), name, 1)
			}
		}
		done(nil)
	}
}

// wantSent expects what was sent and is not answered.
func (w *world) wantSent(want ...string) {
	w.Helper()
	if !slices.Equal(w.link.sent, want) {
		w.Errorf("sent %q, want %q", w.link.sent, want)
	}
}

// push lets a push arrive.
func (w *world) push(fields ...any) {
	w.Helper()
	if !w.Main().Push(push(w, fields...)) {
		w.Errorf("push %q was not taken", fields)
	}
}

// collect lets a push arrive that the reader has read more behind.
func (w *world) collect(fields ...any) { w.Main().Collect(push(w, fields...)) }

// push is a push of strings and integers.
func push(tb testing.TB, fields ...any) proto.Value {
	tb.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, ">%d\r\n", len(fields))
	for _, field := range fields {
		switch field := field.(type) {
		case string:
			fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(field), field)
		case int:
			fmt.Fprintf(&b, ":%d\r\n", field)
		default:
			tb.Fatalf("no such field: %T", field)
		}
	}
	v, err := proto.NewReader(strings.NewReader(b.String()), proto.Limits{}).Next()
	if err != nil {
		tb.Fatal(err)
	}
	return v
}
