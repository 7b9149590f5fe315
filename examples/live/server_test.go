package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// What makes no sense is answered with what is wrong, in words.
func TestBadRequests(t *testing.T) {
	s := newSite(t, limits{})
	many := func(n int) string {
		query := make(url.Values)
		for i := range n {
			query.Add("channel", fmt.Sprint(i))
		}
		return query.Encode()
	}
	form := func(channel, message string) string {
		return url.Values{"channel": {channel}, "message": {message}}.Encode()
	}
	for _, test := range []struct {
		method, target, body string
		status               int
		text                 string
	}{
		{"GET", "/events", "", 400, "no channel: ask for /events?channel=name, and &channel=other for more"},
		{"GET", "/events?channel=", "", 400, "a channel's name is empty"},
		{"GET", "/events?" + many(17), "", 400, "17 channels: a stream has 16 at most"},
		{"GET", "/events?channel=" + strings.Repeat("x", 101), "", 400, "a channel's name is 101 bytes long: 100 are the most"},
		{"GET", "/events?channel=a%ff", "", 400, `a channel's name is not UTF-8: "a\xff"`},
		{"GET", "/events?channel=a%0ab", "", 400, `a channel's name has characters that can't be printed: "a\nb"`},
		{"GET", "/events?channel=a&last=yesterday", "", 400, `"yesterday" is not the id of an item of a stream`},
		{"GET", "/events?channel=a&last=-5-1", "", 400, `"-5-1" is not the id of an item of a stream`},
		{"GET", "/events?channel=a&last=99999999999999-1", "", 400, `"99999999999999-1" is not the id of an item of a stream`},
		{"GET", "/nowhere", "", 404, "404 page not found"},
		{"GET", "/publish", "", 404, "404 page not found"},
		{"PUT", "/events", "", 405, "Method Not Allowed"},
		{"POST", "/publish", "", 400, "a form with channel and message is wanted, as application/x-www-form-urlencoded"},
		{"POST", "/publish", "%zz", 400, `the form can't be read: invalid URL escape "%zz"`},
		{"POST", "/publish", "channel=news", 400, "a form with channel and message is wanted, as application/x-www-form-urlencoded"},
		{"POST", "/publish", form("", "x"), 400, "a channel's name is empty"},
		{"POST", "/publish", form("news", strings.Repeat("x", maxText+1)), 413, "the message is 16385 bytes long: 16384 are the most"},
		{"POST", "/publish", form("news", strings.Repeat("x", maxBody)), 413, "the form is too large: 65536 bytes are the most"},
	} {
		status, text, _ := s.ask(test.method, test.target, test.body)
		if status != test.status || text != test.text {
			t.Errorf("%s %.60s is answered %d %q, want %d %q", test.method, test.target, status, text, test.status, test.text)
		}
	}
	if n := len(s.redis.PubSubChannels("*")); n != 0 {
		t.Errorf("%d channels are subscribed", n)
	}
	if status, _, h := s.ask("HEAD", "/events?channel=a", ""); status != 200 || h.Get("Content-Type") != "text/event-stream" {
		t.Errorf("HEAD is answered %d, %v", status, h)
	}
}

func TestPublish(t *testing.T) {
	s := newSite(t, limits{})
	f := s.follow("channel=news")
	for _, text := range []string{"hello", "", "two\nlines & more", strings.Repeat("ü", maxText/2)} {
		form := url.Values{"channel": {"news"}, "message": {text}}.Encode()
		if status, answer, _ := s.ask("POST", "/publish", form); status != http.StatusNoContent {
			t.Fatalf("answered %d %s", status, answer)
		}
		if m := f.next().message(); m.Payload != text {
			t.Errorf("%.40q arrives as %.40q", text, m.Payload)
		}
	}

	// No page of another site can publish.
	status, text, _ := s.ask("POST", "/publish", "channel=news&message=evil", "Sec-Fetch-Site", "cross-site")
	if status != http.StatusForbidden {
		t.Errorf("another site is answered %d %s", status, text)
	}
}

// Without Redis publishing fails, in time and in words.
func TestPublishWithoutRedis(t *testing.T) {
	s := newSite(t, limits{reply: 100 * time.Millisecond})
	s.redis.Close()
	var status int
	var text string
	eventually(t, "the client has noticed", func() bool {
		status, text, _ = s.ask("POST", "/publish", "channel=news&message=hello")
		return status != http.StatusGatewayTimeout // maybe sent, on a connection that was lost already
	})
	if status != http.StatusServiceUnavailable || !strings.HasPrefix(text, "Not published: ") {
		t.Errorf("answered %d %s", status, text)
	}
}

func TestTooManyBrowsers(t *testing.T) {
	s := newSite(t, limits{browsers: 2})
	first := s.follow("channel=news")
	s.follow("channel=news")
	status, text, h := s.ask("GET", "/events?channel=news", "")
	if status != http.StatusServiceUnavailable || text != "too many browsers: try again in a while" || h.Get("Retry-After") == "" {
		t.Errorf("the third is answered %d %q %v", status, text, h)
	}
	first.conn.Close()
	eventually(t, "there is room again", func() bool { return len(s.server.places) == 1 })
	s.follow("channel=news")
}

func TestPage(t *testing.T) {
	s := newSite(t, limits{})
	for target, kind := range map[string]string{
		"/": "text/html", "/page.css": "text/css", "/page.js": "text/javascript", "/icon.svg": "image/svg+xml",
	} {
		status, text, h := s.ask("GET", target, "")
		if status != 200 || !strings.HasPrefix(h.Get("Content-Type"), kind) || text == "" {
			t.Errorf("%s is answered %d, %s, %d bytes", target, status, h.Get("Content-Type"), len(text))
		}
		if policy := h.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; ") {
			t.Errorf("%s has the policy %q", target, policy)
		}
		// The name space of SVG is a name, nothing is loaded from there.
		text = strings.ReplaceAll(text, "http://www.w3.org/2000/svg", "")
		if address := regexp.MustCompile(`(https?:)?//[a-z]+\.[a-z]+`).FindString(text); address != "" {
			t.Errorf("%s mentions %s", target, address)
		}
	}
}

// A browser that asks for the page and takes nothing of it is given up.
func TestPageIsNotTaken(t *testing.T) {
	s := newSite(t, limits{stuck: 100 * time.Millisecond})
	conn, err := s.pipes.dial()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprint(conn, "GET /page.js HTTP/1.1\r\nHost: live.test\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	// Nobody reads this, so that writing ends with the connection.
	if _, err := conn.Write(make([]byte, 1<<20)); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("the connection is not closed: %v", err)
	}
}

// A shutdown ends streams at once, also those of browsers that take nothing.
func TestShutdown(t *testing.T) {
	s := newSite(t, limits{})
	var quiet []*follower
	for range 10 {
		quiet = append(quiet, s.follow("channel=quiet"))
	}
	s.follow("channel=news")
	for range 100 {
		s.publish("news", strings.Repeat("x", 1000))
	}
	began := time.Now()
	s.stop()
	for _, f := range quiet {
		f.ends()
	}
	<-s.done
	if took := time.Since(began); took > s.server.limits.goodbye {
		t.Errorf("it took %v", took)
	}
	if _, err := s.pipes.dial(); err == nil {
		t.Error("there is still somebody who listens")
	}
}

// The program as a whole, with a server of its own.
func TestRun(t *testing.T) {
	addresses := make(chan string, 1)
	log := slog.New(slog.NewTextHandler(writerFunc(func(line []byte) (int, error) {
		if match := regexp.MustCompile(`url=(\S+) embedded=true`).FindSubmatch(line); match != nil {
			addresses <- string(match[1])
		}
		return len(line), nil
	}), nil))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- run(ctx, "127.0.0.1:0", "", log) }()

	var address string
	select {
	case address = <-addresses:
	case err := <-done:
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+"/events?channel=clock", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	transport := new(http.Transport)
	defer transport.CloseIdleConnections()
	answer, err := (&http.Client{Transport: transport, Timeout: patience}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	f := newFollowerOf(t, answer.Body)
	if m := f.wants(itemMessage).message(); m.Channel != "clock" || !strings.HasPrefix(m.Payload, "It is ") {
		t.Errorf("the clock says %+v", m)
	}
	cancel()
	f.ends()
	if err := <-done; err != nil {
		t.Errorf("run returned %v", err)
	}
}

// What can't begin says why.
func TestRunFails(t *testing.T) {
	silent := slog.New(slog.DiscardHandler)
	server, err := startServer()
	if err != nil {
		t.Fatal(err)
	}
	taken := server.Addr()
	if err := run(t.Context(), taken, "", silent); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("on an address that is taken run returned %v", err)
	}
	server.Close()
	if err := run(t.Context(), "127.0.0.1:0", "redis://"+taken, silent); err == nil || !strings.Contains(err.Error(), "can't connect") {
		t.Errorf("without Redis run returned %v", err)
	}
	if err := run(t.Context(), "127.0.0.1:0", "nonsense://", silent); err == nil {
		t.Error("a URL that makes no sense is taken")
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }
