package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"go.uber.org/goleak"
)

// What the tests share: a site, and browsers that are no more than a connection.

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long what must happen may take.
const patience = 30 * time.Second

// site is a server with a Redis of its own, for one test.
type site struct {
	t      *testing.T
	redis  *miniredis.Miniredis
	server *server
	pipes  *pipeListener
	stop   context.CancelFunc // shuts down
	done   chan struct{}      // closed when serve has returned, after err
	err    error
}

// newSite serves connections in memory, which need no file descriptors.
func newSite(t *testing.T, l limits) *site {
	pipes := newPipeListener()
	s := newSiteOn(t, l, pipes)
	s.pipes = pipes
	return s
}

// newSiteOn serves on listener, until the test ends or stop is called.
func newSiteOn(t *testing.T, l limits, listener net.Listener) *site {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	s := &site{t: t, redis: miniredis.RunT(t), done: make(chan struct{})}
	client, err := open(t.Context(), "redis://"+s.redis.Addr(), log)
	if err != nil {
		t.Fatal(err)
	}
	s.server = newServer(client, log, l)
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	go func() {
		defer close(s.done)
		s.err = s.server.serve(ctx, listener)
	}()
	t.Cleanup(func() {
		stop()
		<-s.done
		client.Close()
		if s.err != nil {
			t.Errorf("serve returned %v", s.err)
		}
	})
	return s
}

// follow opens a stream and reads until it is subscribed.
func (s *site) follow(query string, header ...string) *follower {
	s.t.Helper()
	f, err := s.newFollower(query, header...)
	if err != nil {
		s.t.Fatal(err)
	}
	for {
		if f.next().link().State == linkUp {
			return f
		}
	}
}

// publish publishes on the Redis server itself. It has one subscriber, however many
// browsers there are.
func (s *site) publish(channel, text string) {
	s.t.Helper()
	if n := s.redis.Publish(channel, text); n != 1 {
		s.t.Errorf("%d connections are subscribed to %q, want 1", n, channel)
	}
}

// follower is a browser, as far as its stream is concerned.
type follower struct {
	t    *testing.T
	conn net.Conn
	body *bufio.Reader
	beat int // comments read
}

// newFollower asks for a stream. It may be called on any goroutine.
func (s *site) newFollower(query string, header ...string) (*follower, error) {
	conn, err := s.pipes.dial()
	if err != nil {
		return nil, err
	}
	s.t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(2 * patience)); err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, "http://live.test/events?"+query, http.NoBody)
	if err != nil {
		return nil, err
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	if err := r.Write(conn); err != nil {
		return nil, err
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), r)
	if err != nil {
		return nil, err
	}
	s.t.Cleanup(func() {
		conn.Close() // first: closing the body waits for the end of the stream
		answer.Body.Close()
	})
	if kind := answer.Header.Get("Content-Type"); answer.StatusCode != http.StatusOK || kind != "text/event-stream" {
		return nil, fmt.Errorf("%s, %s", answer.Status, kind)
	}
	f := newFollowerOf(s.t, answer.Body)
	f.conn = conn
	return f, nil
}

func newFollowerOf(t *testing.T, body io.Reader) *follower {
	return &follower{t: t, body: bufio.NewReader(body)}
}

// item is an item of a stream as it came.
type item struct {
	kind itemKind
	id   string
	data []byte
}

// read reads an item. Its error is io.EOF where the server has ended the stream.
func (f *follower) read() (item, error) {
	var it item
	for {
		line, err := f.body.ReadBytes('\n')
		if err != nil {
			return it, err
		}
		name, value, _ := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte(": "))
		switch string(name) {
		case "event":
			it.kind = itemKind(value)
		case "id":
			it.id = string(value)
		case "data":
			it.data = value
		case "retry":
		case "":
			if len(value) > 0 {
				f.beat++
			} else if it.data != nil {
				return it, nil
			}
		default:
			return it, fmt.Errorf("not a line of a stream: %q", line)
		}
	}
}

// next is read where the test can't go on without.
func (f *follower) next() item {
	f.t.Helper()
	it, err := f.read()
	if err != nil {
		f.t.Fatalf("the stream ended: %v", err)
	}
	return it
}

// wants reads until an item of the kind comes.
func (f *follower) wants(kind itemKind) item {
	f.t.Helper()
	for {
		if it := f.next(); it.kind == kind {
			return it
		}
	}
}

// ends reads until the server ends the stream.
func (f *follower) ends() {
	f.t.Helper()
	for {
		if _, err := f.read(); err != nil {
			if err != io.EOF {
				f.t.Errorf("the stream ended with %v", err)
			}
			return
		}
	}
}

func (it item) message() messageData { return decode[messageData](it, itemMessage) }
func (it item) gap() gapData         { return decode[gapData](it, itemGap) }
func (it item) link() linkData       { return decode[linkData](it, itemLink) }

// decode returns zero data where the item is of another kind.
func decode[T any](it item, kind itemKind) (data T) {
	if it.kind != kind {
		return data
	}
	if err := json.Unmarshal(it.data, &data); err != nil {
		panic(err) // the server has encoded it
	}
	return data
}

// ask asks for anything but a stream.
func (s *site) ask(method, target, body string, header ...string) (status int, text string, h http.Header) {
	s.t.Helper()
	client := http.Client{Transport: &http.Transport{
		DialContext:       func(context.Context, string, string) (net.Conn, error) { return s.pipes.dial() },
		DisableKeepAlives: true,
	}, Timeout: patience}
	r, err := http.NewRequestWithContext(s.t.Context(), method, "http://live.test"+target, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	all, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer.StatusCode, strings.TrimSpace(string(all)), answer.Header
}

// pipeListener is a network in memory. Its connections hold nothing: what one end
// writes waits until the other reads.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *pipeListener) dial() (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case l.conns <- there:
		return here, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "pipe"} }

// eventually waits until what holds does.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for tooLong := time.After(patience); !holds(); {
		select {
		case <-ticker.C:
		case <-tooLong:
			t.Fatalf("not after %v: %s", patience, what)
		}
	}
}
