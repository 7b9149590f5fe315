package main

import (
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	redisserver "github.com/alicebob/miniredis/v2/server"
	"golang.org/x/sync/errgroup"
)

// Thousands of browsers, on one connection to Redis: each gets every message of its
// channels, in order.
func TestThousands(t *testing.T) {
	const (
		rooms   = 50
		numbers = 40 // messages of each channel
	)
	s := newSite(t, limits{})
	room := func(i int) string { return fmt.Sprintf("room %d", i%rooms) }

	var ready, readers errgroup.Group
	ready.SetLimit(64)
	followers := make([]*follower, crowd)
	for i := range crowd {
		ready.Go(func() error {
			f, err := s.newFollower("channel=news&channel=" + url.QueryEscape(room(i)))
			if err != nil {
				return err
			}
			followers[i] = f
			for {
				it, err := f.read()
				if err != nil || it.link().State == linkUp {
					return err
				}
			}
		})
	}
	if err := ready.Wait(); err != nil {
		t.Fatal(err)
	}
	if n := s.redis.CurrentConnectionCount(); n != 2 {
		t.Errorf("%d connections to Redis for %d browsers, want 2: one subscribed, one for commands", n, crowd)
	}

	for i, f := range followers {
		readers.Go(func() error {
			next := map[string]int{"news": 1, room(i): 1}
			for range 2 * numbers {
				it, err := f.read()
				if err != nil {
					return fmt.Errorf("browser %d: %w", i, err)
				}
				m := it.message()
				if want := strconv.Itoa(next[m.Channel]); m.Payload != want {
					return fmt.Errorf("browser %d gets %s %s, want a message %s of %s", i, it.kind, it.data, want, m.Channel)
				}
				next[m.Channel]++
			}
			return nil
		})
	}
	for number := 1; number <= numbers; number++ {
		s.publish("news", strconv.Itoa(number))
		for i := range rooms {
			s.publish(room(i), strconv.Itoa(number))
		}
	}
	if err := readers.Wait(); err != nil {
		t.Error(err)
	}

	for _, f := range followers {
		f.conn.Close()
	}
	eventually(t, "all streams have ended", func() bool { return len(s.server.places) == 0 })
	eventually(t, "nothing is subscribed", func() bool { return len(s.redis.PubSubChannels("*")) == 0 })
}

// A browser that takes nothing for a while is told how many messages it has missed,
// exactly and in their place. The others miss none.
func TestSlowBrowser(t *testing.T) {
	const (
		step  = 50
		total = 100 * step
	)
	s := newSite(t, limits{messages: 100})
	slow := s.follow("channel=news")
	fast := []*follower{s.follow("channel=news"), s.follow("channel=news"), s.follow("channel=news")}

	for number := 1; number <= total; number++ {
		s.publish("news", fmt.Sprintf("%d %s", number, strings.Repeat("x", 100)))
		if number%step > 0 {
			continue
		}
		for _, f := range fast { // they keep up
			for want := number - step + 1; want <= number; want++ {
				it := f.next()
				if got := numberOf(t, it); got != want {
					t.Fatalf("a fast browser gets %s %.40s, want message %d", it.kind, it.data, want)
				}
			}
		}
	}

	received, dropped, last := 0, 0, 0
	for last < total {
		it := slow.next()
		if it.kind == itemGap {
			gap := it.gap()
			if !slices.Equal(gap.Reasons, []string{"overflow"}) || gap.From > gap.To || gap.Dropped == 0 {
				t.Errorf("the gap is told as %s", it.data)
			}
			dropped += int(gap.Dropped)
			last += int(gap.Dropped) // exactly here
			continue
		}
		received++
		last++
		if got := numberOf(t, it); got != last {
			t.Fatalf("after %d messages and %d dropped comes %d", received-1, dropped, got)
		}
	}
	t.Logf("%d received, %d told as dropped", received, dropped)
	if received+dropped != total || dropped < total/2 {
		t.Errorf("%d received and %d told as dropped, of %d", received, dropped, total)
	}
}

func numberOf(t *testing.T, it item) int {
	t.Helper()
	digits, _, _ := strings.Cut(it.message().Payload, " ")
	number, err := strconv.Atoi(digits)
	if err != nil {
		t.Fatalf("%s %s is no number", it.kind, it.data)
	}
	return number
}

// A browser that takes nothing at all is given up in the end.
func TestStuckBrowser(t *testing.T) {
	s := newSite(t, limits{stuck: 50 * time.Millisecond, messages: 10})
	s.follow("channel=news")
	eventually(t, "the stream has ended", func() bool {
		s.redis.Publish("news", strings.Repeat("x", 1000)) // in the end nobody is there
		return len(s.server.places) == 0
	})
}

// All browsers are told when the link to Redis is lost, when it is back, and what they
// may have missed.
func TestLinkLost(t *testing.T) {
	s := newSite(t, limits{})
	var followers []*follower
	for range 5 {
		followers = append(followers, s.follow("channel=news&channel=sport"))
	}
	s.publish("news", "before")
	for _, f := range followers {
		if m := f.next().message(); m.Channel != "news" || m.Payload != "before" {
			t.Errorf("got %+v", m)
		}
	}

	lost := time.Now()
	s.redis.Close()
	for _, f := range followers {
		if it := f.next(); it.link().State != linkLost {
			t.Errorf("got %s %s, want a lost link", it.kind, it.data)
		}
	}
	late, err := s.newFollower("channel=news") // comes while Redis is away
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []linkState{linkConnecting, linkLost} {
		if it := late.next(); it.link().State != want {
			t.Errorf("who comes while Redis is away gets %s %s, want %s", it.kind, it.data, want)
		}
	}
	if err := s.redis.Restart(); err != nil {
		t.Fatal(err)
	}
	for _, f := range followers {
		if it := f.next(); it.link().State != linkUp {
			t.Errorf("got %s %s, want the link back", it.kind, it.data)
		}
		it := f.next()
		gap := it.gap()
		if !slices.Equal(gap.Reasons, []string{"reconnect"}) || gap.From > lost.UnixMilli() || gap.To < lost.UnixMilli() || gap.Dropped != 0 {
			t.Errorf("got %s %s, want a gap that covers %d", it.kind, it.data, lost.UnixMilli())
		}
	}
	if it := late.next(); it.link().State != linkUp {
		t.Errorf("who came while Redis was away gets %s %s", it.kind, it.data)
	}
	s.publish("news", "after")
	for _, f := range append(followers, late) {
		if m := f.next().message(); m.Payload != "after" {
			t.Errorf("got %+v", m)
		}
	}
}

// A browser that comes back is told since when it may have missed messages.
func TestBrowserReturns(t *testing.T) {
	s := newSite(t, limits{heartbeat: 10 * time.Millisecond})
	f := s.follow("channel=news")
	s.publish("news", "before")
	it := f.wants(itemMessage)
	f.conn.Close()
	seen := it.message().Time
	for _, back := range []*follower{
		s.follow("channel=news", "Last-Event-ID", it.id),
		s.follow("channel=news&last=" + it.id),
	} {
		gap := back.next().gap()
		if !slices.Equal(gap.Reasons, []string{browserGone}) || gap.From < seen || gap.From > seen+1000 || gap.To < gap.From || gap.Dropped != 0 {
			t.Errorf("the gap is told as %+v, seen until %d", gap, seen)
		}
	}

	// While nothing comes, the stream shows that it lives, and dates the browser's id.
	quiet := s.follow("channel=nothing")
	for comments := 0; comments < 3; {
		line, err := quiet.body.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if line != ": alive\n" {
			continue
		}
		comments++
		if line, err := quiet.body.ReadString('\n'); err != nil || !strings.HasPrefix(line, "id: ") {
			t.Errorf("after a heartbeat comes %q, %v", line, err)
		}
	}
}

// What can't be shown, or would break the framing, arrives as well as can be.
func TestPayloads(t *testing.T) {
	s := newSite(t, limits{})
	f := s.follow("channel=news")
	for _, test := range []messageData{
		{Payload: ""},
		{Payload: "two\nlines\r\n\nevent: gap\ndata: {}"},
		{Payload: "<b>bold</b> \u2028 ü 😀"},
		{Payload: "a\xffb", Binary: true},
	} {
		s.publish("news", test.Payload)
		want := strings.ToValidUTF8(test.Payload, "\ufffd")
		if m := f.next().message(); m.Payload != want || m.Binary != test.Binary {
			t.Errorf("%q arrives as %+v", test.Payload, m)
		}
	}
}

// What Redis refuses is told, and ends the stream.
func TestRefused(t *testing.T) {
	s := newSite(t, limits{})
	s.redis.Server().SetPreHook(func(peer *redisserver.Peer, command string, args ...string) bool {
		refused := command == "SUBSCRIBE" && slices.Contains(args, "secret")
		if refused {
			peer.WriteError("NOPERM this user has no permissions to access one of the channels used as arguments")
		}
		return refused
	})
	f, err := s.newFollower("channel=secret")
	if err != nil {
		t.Fatal(err)
	}
	it := f.wants(itemRefused)
	if text := decode[refusedData](it, itemRefused).Error; text != `Redis refuses channel "secret"` {
		t.Errorf("told as %q", text)
	}
	if _, err := f.read(); err != io.EOF {
		t.Errorf("the stream goes on: %v", err)
	}
	s.follow("channel=news") // which nobody refuses
}

// The outage may be longer than a browser may be stuck.
func TestRedisGoneForLong(t *testing.T) {
	s := newSite(t, limits{stuck: 1500 * time.Millisecond})
	s.redis.Close()
	f, err := s.newFollower("channel=news")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []linkState{linkConnecting, linkLost} {
		if it := f.next(); it.link().State != want {
			t.Errorf("got %s %s, want %s", it.kind, it.data, want)
		}
	}
	for range 4 { // a sign of life with each attempt to subscribe
		for {
			line, err := f.body.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if line == ": alive\n" {
				break
			}
		}
	}
	if err := s.redis.Restart(); err != nil {
		t.Fatal(err)
	}
	if it := f.wants(itemLink); it.link().State != linkUp {
		t.Errorf("got %s %s, want the link", it.kind, it.data)
	}
}
