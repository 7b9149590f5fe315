package conn

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/redistest"
)

// A line too many that was read with many replies is nobody's, also where those who have
// been answered ask again before it is looked at.
func TestReplyReadBeforeItsRequest(t *testing.T) {
	onConn(t, func(t *testing.T, c *Conn, server *redistest.Conn) {
		var all []*call
		for i := range len(c.handOut.replies) - 1 {
			all = append(all, enqueued(t, t.Context(), c, server, fmt.Sprint(i)))
		}
		var late *slot
		c.Fence(proto.AppendCommand(nil, "PING", "token"), &Fence{Token: "token", Done: func(error) {
			late = c.slots.Get().(*slot)
			late.left = 1
			if _, err := c.enqueue(t.Context(), late, commandOf("late"), nil); err != nil {
				t.Error(err)
			}
		}})
		synctest.Wait()
		server.Expect("PING", "token")
		server.Send(strings.Repeat("$1\r\nv\r\n", len(all)) + "$5\r\ntoken\r\n$6\r\nothers\r\n")
		for _, l := range all {
			l.expect("v")
		}
		<-c.done
		if <-late.ready; !errors.Is(late.err, errUnasked) || late.value.Str() != "" {
			t.Errorf("the late one has %q, %v", late.value.Str(), late.err)
		}
	})
}

// What comes on an idle socket is found before the next request is written, which can go
// over another connection then.
func TestSocketIsLookedAtBeforeARequest(t *testing.T) {
	for name, unasked := range map[string]string{"a reply": "+OK\r\n", "half a reply": "$13\r\nhe", "the end": ""} {
		t.Run(name, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			near, err := net.Dial("tcp", listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer near.Close()
			far, err := listener.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer far.Close()
			c := newConn(near, "here", Role{}, proto.Limits{})
			c.peeker = newDirect(near)
			if c.peeker == (*direct)(nil) {
				t.Skip("callers don't write to sockets here")
			}
			if err := c.peek(); err != nil {
				t.Errorf("nothing has come: %v", err)
			}
			want := errUnasked
			if unasked == "" {
				want = errServerClosed
				far.Close()
			} else if _, err := far.Write([]byte(unasked)); err != nil {
				t.Fatal(err)
			}
			for err == nil { // until it has come
				err = c.peek()
			}
			if !errors.Is(err, want) {
				t.Errorf("%v, expected %v", err, want)
			}
		})
	}
}
