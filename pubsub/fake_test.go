package pubsub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/internal/hub"
	"github.com/redchan-go/redchan/proto"
)

// TestMain checks that the tests leave no goroutine behind.
func TestMain(m *testing.M) {
	before := runtime.NumGoroutine()
	code := m.Run()
	deadline := time.Now().Add(5 * time.Second)
	for code == 0 && runtime.NumGoroutine() > before {
		if time.Now().After(deadline) {
			buf := make([]byte, 1<<20)
			fmt.Fprintf(os.Stderr, "goroutines left behind:\n%s\n", buf[:runtime.Stack(buf, true)])
			code = 1
		}
		runtime.Gosched()
	}
	os.Exit(code)
}

// command is something that a hub has asked its link to send.
type command struct {
	op    hub.Op
	ping  bool
	names []string // the data, for a PING
	done  func(error)
}

func (c command) String() string {
	if c.ping {
		return "PING " + strings.Join(c.names, " ")
	}
	return c.op.String() + " " + strings.Join(c.names, " ")
}

// fakeLink is a Link that records what it is to send. What is not answered yet
// is in commands, in order.
type fakeLink struct {
	mu       sync.Mutex
	commands []command
	total    int
	failed   error
}

func (l *fakeLink) Send(op hub.Op, names []string, done func(error)) {
	l.record(command{op: op, names: names, done: done})
}

func (l *fakeLink) Ping(data string, done func(error)) {
	l.record(command{ping: true, names: []string{data}, done: done})
}

func (l *fakeLink) record(c command) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.commands = append(l.commands, c)
	l.total++
}

func (l *fakeLink) Fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed = err
}

func (l *fakeLink) pop() (command, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.commands) == 0 {
		return command{}, false
	}
	c := l.commands[0]
	l.commands = l.commands[1:]
	return c, true
}

// world is a hub with its fake link, told as a story by a test that plays the
// reader and the server. It is used in a synctest bubble.
type world struct {
	*testing.T
	hub  *hub.Hub
	link *fakeLink
	// collecting: what arrives is collected, as by a reader that has read more. What
	// is told of an answer, or of the link's end, stands behind a Flush.
	collecting bool
	on         *hub.Lane // nil: the hub's only one
}

func (w *world) lane() *hub.Lane {
	if w.on != nil {
		return w.on
	}
	return w.hub.Main()
}

// story runs a test in a bubble, with a hub whose link is up.
func story(t *testing.T, run func(w *world)) { storyWith(t, hub.Options{}, run) }

func storyWith(t *testing.T, opts hub.Options, run func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, hub: hub.New(opts)}
		w.linkUp()
		defer w.hub.Close(nil)
		run(w)
	})
}

func (w *world) linkUp() {
	w.link = &fakeLink{}
	w.lane().LinkUp(w.link)
}

func (w *world) linkLost() { w.lane().LinkLost(time.Time{}, io.ErrUnexpectedEOF) }

// async runs call and returns where its error will be.
func async(call func() error) <-chan error {
	done := make(chan error, 1)
	go func() { done <- call() }()
	synctest.Wait()
	return done
}

// subscribing begins a Subscribe and lets it come as far as it can.
func (w *world) subscribing(opts ...Option) (sub func() *Subscription, result <-chan error) {
	var s *Subscription
	result = async(func() (err error) {
		s, err = subscribeTo(context.Background(), w.hub, opts...)
		return err
	})
	return func() *Subscription { return s }, result
}

// subscribe subscribes, with a server that agrees to everything.
func (w *world) subscribe(opts ...Option) *Subscription {
	w.Helper()
	sub, result := w.subscribing(opts...)
	w.confirmAll()
	w.wantResult(result, nil)
	return sub()
}

// wantSent expects the next unanswered commands, and no others.
func (w *world) wantSent(want ...string) {
	w.Helper()
	synctest.Wait()
	w.link.mu.Lock()
	defer w.link.mu.Unlock()
	got := []string{}
	for _, c := range w.link.commands {
		got = append(got, c.String())
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		w.Fatalf("sent %q, want %q", got, want)
	}
}

// confirm answers the oldest command as a server that agrees.
func (w *world) confirm() {
	w.Helper()
	c, ok := w.link.pop()
	if !ok {
		w.Fatal("nothing to confirm")
	}
	w.confirmNames(c)
	w.lane().Flush()
	c.done(nil)
}

// confirmNames sends the confirmations of a command, without its fence.
func (w *world) confirmNames(c command) {
	w.Helper()
	if c.ping {
		return
	}
	for i, name := range c.names {
		w.push(strings.ToLower(c.op.String()), name, i+1)
	}
}

// confirmAll answers everything that was sent, and what is sent because of it.
func (w *world) confirmAll() {
	w.Helper()
	for {
		synctest.Wait()
		c, ok := w.link.pop()
		if !ok {
			return
		}
		w.confirmNames(c)
		w.lane().Flush()
		c.done(nil)
	}
}

// refuse answers the oldest command with an error.
func (w *world) refuse(code, message string) {
	w.Helper()
	c, ok := w.link.pop()
	if !ok {
		w.Fatal("nothing to refuse")
	}
	c.done(&proto.Error{Code: code, Message: message})
}

// push lets a push of RESP3 arrive.
func (w *world) push(fields ...any) {
	w.Helper()
	take := w.lane().Push
	if w.collecting {
		take = w.lane().Collect
	}
	if !take(value(w, ">", fields...)) {
		w.Fatalf("push %q was not taken", fields)
	}
}

// publish lets a message arrive on a channel.
func (w *world) publish(channel string, payloads ...string) {
	w.Helper()
	for _, payload := range payloads {
		w.push("message", channel, payload)
	}
}

// collect is publish, but the messages may be held back.
func (w *world) collect(channel string, payloads ...string) {
	w.Helper()
	w.collecting = true
	w.publish(channel, payloads...)
	w.collecting = false
}

func (w *world) wantResult(result <-chan error, want error) {
	w.Helper()
	synctest.Wait()
	select {
	case err := <-result:
		if !errors.Is(err, want) {
			w.Fatalf("the call returned %v, want %v", err, want)
		}
	default:
		w.Fatal("the call has not returned")
	}
}

func (w *world) wantBusy(result <-chan error) {
	w.Helper()
	synctest.Wait()
	select {
	case err := <-result:
		w.Fatalf("the call has returned already, with %v", err)
	default:
	}
}

// want expects the next items of a subscription, written as "channel:payload",
// with "gap(reasons,dropped) " in front of it where there is one; no more are
// to come for now.
func (w *world) want(sub *Subscription, want ...string) {
	w.Helper()
	got := read(sub, -1)
	if fmt.Sprint(got) != fmt.Sprint(want) {
		w.Fatalf("received %q, want %q", got, want)
	}
}

// read receives up to n items, or all that are there.
func read(sub *Subscription, n int) []string {
	got := []string{}
	for len(got) != n {
		synctest.Wait()
		select {
		case msg, ok := <-sub.Messages():
			if !ok {
				return append(got, "closed")
			}
			got = append(got, brief(msg))
			continue
		default:
		}
		return got
	}
	return got
}

func brief(msg Message) string {
	text := ""
	if msg.Gap != nil {
		text = fmt.Sprintf("gap(%v,%d)", msg.Gap.Reason, msg.Gap.Dropped)
	}
	if msg.Kind == KindGap {
		return text
	}
	if text != "" {
		text += " "
	}
	if msg.Kind == KindPatternMessage {
		text += msg.Pattern + "~"
	}
	return text + msg.Channel + ":" + msg.Payload
}

// wantEvents expects the events that are there, in short.
func (w *world) wantEvents(sub *Subscription, want ...string) {
	w.Helper()
	synctest.Wait()
	got := []string{}
	for {
		select {
		case e, ok := <-sub.Events():
			if !ok {
				got = append(got, "closed")
				break
			}
			text := e.Kind.String()
			switch e.Kind {
			case EventSubscribed, EventUnsubscribed:
				text = fmt.Sprintf("%v %s %d", e.Kind, e.Name.Name, e.Count)
			case EventPong:
				text += " " + e.Data
			}
			got = append(got, text)
			continue
		default:
		}
		break
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		w.Fatalf("events %q, want %q", got, want)
	}
}

func (w *world) wantFailed(part string) {
	w.Helper()
	if w.link.failed == nil || !strings.Contains(w.link.failed.Error(), part) {
		w.Fatalf("the link was told to fail with %v, want ...%s...", w.link.failed, part)
	}
}

// wantClean expects that nothing is wanted and nothing is on the way.
func (w *world) wantClean() {
	w.Helper()
	if got := w.hub.Stats(); got != (hub.Stats{}) {
		w.Fatalf("the hub holds %+v, want nothing", got)
	}
	if !w.hub.Idle() {
		w.Fatal("the hub is not idle")
	}
}

// value parses a push or an array of strings, integers and nils.
func value(tb testing.TB, mark string, fields ...any) proto.Value {
	tb.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "%s%d\r\n", mark, len(fields))
	for _, field := range fields {
		switch field := field.(type) {
		case string:
			fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(field), field)
		case int:
			fmt.Fprintf(&b, ":%d\r\n", field)
		case nil:
			b.WriteString("$-1\r\n")
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

func textLogger(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

// subscribeTo makes a subscription as a client does.
func subscribeTo(ctx context.Context, h *hub.Hub, opts ...Option) (*Subscription, error) {
	return New(ctx, func(*hub.Plan) (*hub.Hub, func(), error) { return h, func() {}, nil }, opts...)
}

// The constants of the hub that the stories depend on.
const (
	seekEvery     = 200 * time.Millisecond
	unproven      = 15 * time.Second
	pingToken     = "redchan unsubscribe"
	maxHops       = 4
	manyCollected = 64
	fewMembers    = 4
	manyConfirmed = 256
)
