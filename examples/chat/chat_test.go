package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"go.uber.org/goleak"

	"github.com/redchan-go/redchan/redis"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A room with two members, as both see it.
func TestTwoMembers(t *testing.T) {
	server := miniredis.RunT(t)
	ann := enter(t, server, "ann")
	ann.types("is anybody here?")
	ann.sees("ann      is anybody here?")

	bob := enter(t, server, "bob")
	bob.sees("said before:")
	bob.sees("ann      is anybody here?") // the history
	ann.sees("- bob joined")

	bob.types("yes, I am")
	ann.sees("bob      yes, I am")
	ann.types("/me waves")
	bob.sees("* ann waves")

	ann.types("/who")
	ann.sees("here: ann, bob")
	ann.types("/dance")
	ann.sees("there is no /dance")

	bob.types("/quit")
	bob.leaves()
	ann.sees("- bob left")
	ann.types("/who")
	ann.sees("here: ann\n")

	for _, line := range []string{"ann      is anybody here?", "bob      yes, I am", "* ann waves"} {
		if n := strings.Count(bob.text(), line); n != 1 {
			t.Errorf("bob sees %q %d times", line, n)
		}
	}
}

// Everybody is told how long the link was lost, and what was said meanwhile.
func TestLinkLost(t *testing.T) {
	server := miniredis.RunT(t)
	ann := enter(t, server, "ann")
	ann.types("before")
	ann.sees("ann      before")

	server.Close()
	ann.sees("the link is lost: ")
	missed, err := json.Marshal(entry{ID: "1", Time: time.Now(), From: "bob", Kind: said, Text: "did you hear?"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.Lpush("chat:{lobby}:history", string(missed)); err != nil {
		t.Fatal(err)
	}
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	ann.sees("messages may be missing (reconnect) from ")
	ann.sees("said meanwhile:\n")
	ann.sees("bob      did you hear?")

	ann.types("after")
	ann.sees("ann      after")
	if n := strings.Count(ann.text(), "ann      before"); n != 1 {
		t.Errorf("ann sees what was said before the loss %d times", n)
	}
}

// What was shown is not shown again, however many have come and gone since.
func TestLinkLostAfterManyVisitors(t *testing.T) {
	server := miniredis.RunT(t)
	ann := enter(t, server, "ann")
	ann.types("before")
	ann.sees("ann      before")
	for i := range 3 * historyLength {
		visit, err := json.Marshal(entry{ID: fmt.Sprint(i), From: fmt.Sprint("visitor", i), Kind: joined})
		if err != nil {
			t.Fatal(err)
		}
		server.Publish("chat:{lobby}", string(visit))
	}
	ann.sees(fmt.Sprintf("- visitor%d joined", 3*historyLength-1))

	server.Close()
	ann.sees("the link is lost: ")
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	ann.sees("messages may be missing (reconnect) from ")
	ann.types("after")
	ann.sees("ann      after")
	if n := strings.Count(ann.text(), "ann      before"); n != 1 {
		t.Errorf("ann sees what was said before the loss %d times", n)
	}
}

// What somebody else has put into the history keeps nobody out.
func TestForeignHistory(t *testing.T) {
	server := miniredis.RunT(t)
	if _, err := server.Lpush("chat:{lobby}:history", "not of a chat"); err != nil {
		t.Fatal(err)
	}
	ann := enter(t, server, "ann")
	ann.sees("what arrived is no entry of a chat")
}

// Who has left is not here any more, also when the link is lost before the farewell is back.
func TestLinkLostWhileLeaving(t *testing.T) {
	server := miniredis.RunT(t)
	ann := enter(t, server, "ann")
	client, err := redis.Open(t.Context(), "redis://"+server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	links := make(chan net.Conn, 10)
	listener, err := redis.New(redis.Options{Addr: server.Addr(), Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		links <- conn
		return conn, err
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	// Another room's channel, on which the farewell never comes.
	sub, err := newRoom(listener, "elsewhere", "bob").subscribe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	bob := &member{t: t, name: "bob", changed: make(chan struct{})}
	c := &chat{room: newRoom(client, "lobby", "bob"), out: newScreen(bob, false, false)}
	if err := c.room.enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	interrupted, interrupt := context.WithCancel(t.Context())
	interrupt()
	done := make(chan error)
	go func() { done <- c.talk(interrupted, t.Context(), sub, nil) }()
	ann.sees("- bob left")
	(<-links).Close()
	bob.sees("messages may be missing (reconnect) from ")
	if err := <-done; err != nil {
		t.Error(err)
	}
	ann.types("/who")
	ann.sees("here: ")
	if strings.Contains(ann.text(), "here: ann, bob") {
		t.Error("bob is still here")
	}
}

// While the server can't be reached, the program says so and can be left.
func TestServerGone(t *testing.T) {
	server := miniredis.RunT(t)
	ann := enter(t, server, "ann")
	server.Close()
	ann.sees("the link is lost: ")
	ann.types("hello?")
	ann.sees(" sent") // or maybe so: the other connection may not have noticed yet
	ann.types("hello again?")
	ann.sees("not sent; say it again in a while")
	ann.types("/quit")
	ann.leaves()
}

// The end of the input and an interrupt are ways to leave too.
func TestWaysToLeave(t *testing.T) {
	server := miniredis.RunT(t)
	ann := enter(t, server, "ann")

	bob := enter(t, server, "bob")
	ann.sees("- bob joined")
	bob.types("that's all")
	bob.in.Close()
	bob.leaves()
	bob.sees("bob      that's all")
	ann.sees("- bob left")

	cat := enter(t, server, "cat")
	cat.interrupt()
	cat.leaves()
	ann.sees("- cat left")
}

func TestNameTaken(t *testing.T) {
	server := miniredis.RunT(t)
	enter(t, server, "ann")
	err := run(t.Context(), "redis://"+server.Addr(), "ann", "lobby", strings.NewReader(""), newScreen(io.Discard, false, false))
	if !errors.Is(err, errNameTaken) {
		t.Errorf("the second ann gets %v", err)
	}
}

// The first terminal serves, the second finds it.
func TestServe(t *testing.T) {
	first, at := serve("127.0.0.1:0")
	if first == nil {
		t.Fatal("the first terminal does not serve")
	}
	defer first.Close()
	if second, found := serve(at); second != nil || found != at {
		t.Errorf("the second terminal serves at %s", found)
	}
}

func TestScreen(t *testing.T) {
	var b strings.Builder
	s := newScreen(&b, false, false)
	s.entry(entry{From: "m\x1b[31mal", Kind: said, Text: "beep\a\x1b[2J"})
	if text := b.String(); strings.ContainsAny(text, "\x1b\a") {
		t.Errorf("control characters reach the terminal: %q", text)
	}

	b.Reset()
	s = newScreen(&b, true, true)
	s.entered()
	s.entry(entry{From: "ann", Kind: said, Text: "hi"})
	// What was typed goes, what came back stands in its place, the prompt follows.
	text := b.String()
	if !strings.HasPrefix(text, lineUp+clearLine) || !strings.HasSuffix(text, "hi\n"+prompt) {
		t.Errorf("on a terminal: %q", text)
	}
}

// member is somebody in the room of a test.
type member struct {
	t         *testing.T
	name      string
	in        *io.PipeWriter
	interrupt context.CancelFunc
	done      chan struct{} // closed when run has returned, after err
	err       error

	mu      sync.Mutex
	out     strings.Builder
	changed chan struct{} // closed and replaced when out has grown
}

// enter runs the program for a new member, until the test ends.
func enter(t *testing.T, server *miniredis.Miniredis, name string) *member {
	ctx, cancel := context.WithCancel(context.Background())
	read, write := io.Pipe()
	m := &member{t: t, name: name, in: write, interrupt: cancel, done: make(chan struct{}), changed: make(chan struct{})}
	go func() {
		defer close(m.done)
		m.err = run(ctx, "redis://"+server.Addr(), name, "lobby", read, newScreen(m, false, false))
	}()
	t.Cleanup(func() {
		cancel()
		<-m.done
		write.Close()
		if t.Failed() {
			t.Logf("%s saw:\n%s", name, m.text())
		}
	})
	m.sees("- " + name + " joined")
	return m
}

func (m *member) Write(b []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.out.Write(b)
	close(m.changed)
	m.changed = make(chan struct{})
	return len(b), nil
}

func (m *member) text() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.out.String()
}

func (m *member) types(line string) {
	m.t.Helper()
	if _, err := fmt.Fprintln(m.in, line); err != nil {
		m.t.Fatalf("%s can't type %q: %v", m.name, line, err)
	}
}

// sees waits until text stands on the screen.
func (m *member) sees(text string) {
	m.t.Helper()
	tooLong := time.After(20 * time.Second)
	for {
		m.mu.Lock()
		seen, changed := strings.Contains(m.out.String(), text), m.changed
		m.mu.Unlock()
		if seen {
			return
		}
		select {
		case <-changed:
		case <-tooLong:
			m.t.Fatalf("%s does not see %q", m.name, text)
		}
	}
}

// leaves waits until the program has ended.
func (m *member) leaves() {
	m.t.Helper()
	select {
	case <-m.done:
		if m.err != nil {
			m.t.Errorf("%s ends with %v", m.name, m.err)
		}
	case <-time.After(20 * time.Second):
		m.t.Fatalf("%s does not leave", m.name)
	}
}
