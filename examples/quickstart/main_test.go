package main

import (
	"bytes"
	"context"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/redchan-go/redchan/pubsub"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// line is what console prints: time, what it is about, text.
var line = regexp.MustCompile(`(?m)^ *(\d+\.\d+)s  (\S+) +(.*)$`)

func TestQuickstart(t *testing.T) {
	var out bytes.Buffer
	began := time.Now()
	if err := run(t.Context(), &out, ""); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
	defer func() {
		if t.Failed() {
			t.Logf("output:\n%s", &out)
		}
	}()

	// Every number is received, in order, or told as missed at its place.
	next, gaps := 1, 0
	for _, match := range line.FindAllStringSubmatch(out.String(), -1) {
		about, text := match[2], match[3]
		var numbers []string
		switch about {
		case "message":
			numbers = []string{text}
		case "GAP":
			gaps++
			_, missed, ok := strings.Cut(text, "; missed: ")
			if !ok || !strings.HasPrefix(text, "reconnect, ") {
				t.Errorf("the gap is told as %q", text)
			}
			numbers = strings.Fields(missed)
		}
		for _, number := range numbers {
			if number != strconv.Itoa(next) {
				t.Errorf("%s %s, want %d", about, number, next)
			}
			next++
		}
	}
	if next != last+1 {
		t.Errorf("the last number is %d, want %d", next-1, last)
	}
	if gaps != 1 {
		t.Errorf("%d gaps are told, want 1", gaps)
	}
	summary := line.FindAllStringSubmatch(out.String(), -1)
	if text := summary[len(summary)-1][3]; !regexp.MustCompile(`^19 numbers: (\d+) received, (\d+) missed, (\d+) of them told by a gap$`).MatchString(text) {
		t.Errorf("the summary is %q", text)
	}
	for _, want := range []string{"disconnected: the network is down", "connected", "INCR quickstart:ticks: 2"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the output lacks %q", want)
		}
	}
}

func TestEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	enough := errors.New("enough")
	out := writerFunc(func(b []byte) (int, error) {
		if strings.Contains(string(b), "message  3") {
			cancel(enough)
		}
		return len(b), nil
	})
	if err := run(ctx, out, ""); !errors.Is(err, enough) && !errors.Is(err, context.Canceled) {
		t.Errorf("run returned %v", err)
	}
}

func TestNoServer(t *testing.T) {
	server, err := startServer()
	if err != nil {
		t.Fatal(err)
	}
	url := "redis://" + server.Addr()
	server.Close()
	if err := run(t.Context(), &bytes.Buffer{}, url); err == nil || !strings.Contains(err.Error(), "can't connect") {
		t.Errorf("run returned %v", err)
	}
}

func TestTally(t *testing.T) {
	var count tally
	for _, msg := range []pubsub.Message{
		{Payload: "1"},
		{Payload: "4", Gap: &pubsub.Gap{Reason: pubsub.Reconnect}},
		{Payload: "6"}, // 5 is missed and not told
	} {
		if _, err := count.add(msg); err != nil {
			t.Fatal(err)
		}
	}
	if want := (tally{highest: 6, received: 3, missed: 3, untold: 1}); count != want {
		t.Errorf("counted %+v, want %+v", count, want)
	}
	if _, err := count.add(pubsub.Message{Payload: "x"}); err == nil {
		t.Error("a foreign payload is counted")
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }
