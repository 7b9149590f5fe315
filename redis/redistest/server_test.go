package redistest_test

import (
	"context"
	"errors"
	"io"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/redistest"
)

// The demonstration: a subscriber whose server is away for an hour, told as the
// conversation that it is.
func TestConversation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := redistest.NewServer(t)
		client, err := redis.New(redis.Options{Dial: server.Dial, KeepAlive: 24 * time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()

		// A command.
		set := command.SetIf("k", "v", command.NX).Go(t.Context(), client)
		conn := server.AcceptReady()
		conn.Expect("SET", "k", "v", "NX")
		conn.OK()
		if r := <-set; !r.Value || r.Err != nil {
			t.Errorf("SET gave %v, %v", r.Value, r.Err)
		}

		// A subscription, on a connection of its own.
		go func() {
			conn := server.AcceptReady()
			conn.ExpectSubscribe("SUBSCRIBE", "news")
			conn.Message("news", "one")
			server.Refuse(errors.New("the server is away"))
			conn.Close()
			time.Sleep(time.Hour) // virtual
			server.Refuse(nil)

			conn = server.AcceptReady()
			conn.ExpectSubscribe("SUBSCRIBE", "news")
			conn.Message("news", "two")
		}()
		sub, err := client.Subscribe(t.Context(), "news")
		if err != nil {
			t.Fatal(err)
		}
		if msg := <-sub.Messages(); msg.Payload != "one" || msg.Gap != nil {
			t.Errorf("the first message is %v", msg)
		}
		if msg := <-sub.Messages(); msg.Payload != "two" || msg.Gap == nil || msg.Gap.To.Sub(msg.Gap.From) < time.Hour {
			t.Errorf("the second message is %v", msg)
		}
	})
}

func TestDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := redistest.NewServer(t)
		nc, err := server.Dial(t.Context(), "tcp", "anywhere")
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		conn := server.Accept()

		_ = nc.SetReadDeadline(time.Now().Add(time.Second))
		start := time.Now()
		if _, err := nc.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("Read: %v after %v", err, time.Since(start))
		}
		// A deadline set by another goroutine wakes a read that waits already.
		_ = nc.SetReadDeadline(time.Time{})
		go func() {
			time.Sleep(time.Second)
			_ = nc.SetReadDeadline(time.Now())
		}()
		if _, err := nc.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Read: %v", err)
		}
		_ = nc.SetReadDeadline(time.Time{})
		conn.Send("x")
		p := make([]byte, 8)
		if n, err := nc.Read(p); string(p[:n]) != "x" || err != nil {
			t.Errorf("Read after a deadline: %q, %v", p[:n], err)
		}
		// Nobody reads: a write waits once the buffers are full.
		_ = nc.SetWriteDeadline(time.Now().Add(time.Second))
		if n, err := nc.Write(make([]byte, 1<<20)); !errors.Is(err, os.ErrDeadlineExceeded) || n != 64<<10 {
			t.Errorf("Write: %d, %v", n, err)
		}
		conn.Close()
		if _, err := nc.Read(p); err != io.EOF {
			t.Errorf("Read at the end: %v", err)
		}
	})
}

func TestRefuse(t *testing.T) {
	server := redistest.NewServer(t)
	refusal := errors.New("no route")
	server.Refuse(refusal)
	if _, err := server.Dial(context.Background(), "", ""); err != refusal {
		t.Errorf("Dial: %v", err)
	}
	server.Refuse(nil)
	nc, err := server.Dial(context.Background(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	conn := server.Accept()
	nc.Close()
	conn.ExpectEnd()
}
