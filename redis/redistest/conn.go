package redistest

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redchan-go/redchan/proto"
)

// Any matches any word in [Conn.Expect].
const Any = "\x00any"

// Conn is the server's end of one connection. Only one goroutine at a time may call its
// methods, preferably the test's own. If the client does something unexpected, they fail
// the test with t.Fatalf, which ends only the goroutine that called it.
type Conn struct {
	t      testing.TB
	end    *end
	reader *proto.Reader
	resp2  bool
}

func newConn(t testing.TB, e *end) *Conn {
	return &Conn{t: t, end: e, reader: proto.NewReader(e, proto.Limits{})}
}

// Next returns the next command.
func (c *Conn) Next() []string {
	c.t.Helper()
	words, err := c.next()
	if err != nil {
		c.t.Fatalf("redistest: waiting for a command: %v", err)
	}
	return words
}

func (c *Conn) next() ([]string, error) {
	_ = c.end.SetReadDeadline(time.Now().Add(patience))
	v, err := c.reader.Next()
	if err != nil {
		return nil, err
	}
	if v.Kind() != proto.KindArray || v.Len() == 0 {
		return nil, fmt.Errorf("the client sent no command but a %v", v.Kind())
	}
	var words []string
	for word := range v.All() {
		words = append(words, word.Str())
	}
	return words, nil
}

// Expect reads the next command, and fails the test if it is a different one. [Any] matches
// any word.
func (c *Conn) Expect(words ...string) {
	c.t.Helper()
	got := c.Next()
	same := slices.EqualFunc(got, words, func(a, b string) bool { return b == Any || a == b })
	if !same {
		c.t.Fatalf("redistest: the client sent %s, expected %s", short(got), short(words))
	}
}

// ExpectEnd waits until the client has closed the connection. It fails the test if a
// command arrives instead, or nothing happens.
func (c *Conn) ExpectEnd() {
	c.t.Helper()
	words, err := c.next()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Fatalf("redistest: the client has not closed the connection within %v", patience)
	}
	if err == nil {
		c.t.Fatalf("redistest: the client sent %s, expected the connection's end", short(words))
	}
}

// ExpectNothing waits for d, and fails the test if a command arrives in that time or the
// connection ends.
func (c *Conn) ExpectNothing(d time.Duration) {
	c.t.Helper()
	_ = c.end.SetReadDeadline(time.Now().Add(d))
	v, err := c.reader.Next()
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Fatalf("redistest: expected nothing for %v, but received a %v (%v)", d, v.Kind(), err)
	}
}

// Send writes bytes as they are: part of a reply, several replies, or nonsense. Writing to
// a connection that the client has closed does nothing.
func (c *Conn) Send(raw string) {
	_, _ = c.end.Write([]byte(raw))
}

// OK replies +OK.
func (c *Conn) OK() { c.Send("+OK\r\n") }

// Simple replies with a simple string.
func (c *Conn) Simple(s string) { c.Send("+" + s + "\r\n") }

// Bulk replies with a bulk string.
func (c *Conn) Bulk(s string) { c.Send(bulk(s)) }

// Int replies with an integer.
func (c *Conn) Int(n int64) { c.Send(":" + strconv.FormatInt(n, 10) + "\r\n") }

// Null replies with a null.
func (c *Conn) Null() {
	if c.resp2 {
		c.Send("$-1\r\n")
	} else {
		c.Send("_\r\n")
	}
}

// Error replies with an error, such as "ERR no".
func (c *Conn) Error(text string) { c.Send("-" + text + "\r\n") }

// Array replies with an array of bulk strings.
func (c *Conn) Array(elems ...string) { c.Send(aggregate('*', elems)) }

// Push sends a push of bulk strings. In RESP2 it sends an array.
func (c *Conn) Push(elems ...string) { c.Send(aggregate(c.pushMark(), elems)) }

func (c *Conn) pushMark() byte {
	if c.resp2 {
		return '*'
	}
	return '>'
}

// Message sends a message that was published to a channel.
func (c *Conn) Message(channel, payload string) { c.Push("message", channel, payload) }

// PatternMessage sends a message published to a channel that matched a pattern.
func (c *Conn) PatternMessage(pattern, channel, payload string) {
	c.Push("pmessage", pattern, channel, payload)
}

// Confirm sends the confirmation of one name. kind is "subscribe", "psubscribe",
// "unsubscribe" and so on. count is the number of subscriptions that the server reports.
func (c *Conn) Confirm(kind, name string, count int) {
	c.Send(fmt.Sprintf("%c3\r\n%s%s:%d\r\n", c.pushMark(), bulk(kind), bulk(name), count))
}

// ExpectSubscribe reads a command of the SUBSCRIBE kind for the given names, in any order,
// and the fence after it. It answers both as a server does.
func (c *Conn) ExpectSubscribe(command string, names ...string) {
	c.t.Helper()
	got := c.ExpectNames(command, names...)
	for i, name := range got {
		c.Confirm(strings.ToLower(command), name, i+1)
	}
	c.Fence()
}

// ExpectNames reads a command with the given names, in any order. It returns the names in
// the order in which they arrived.
func (c *Conn) ExpectNames(command string, names ...string) []string {
	c.t.Helper()
	got := c.Next()
	if got[0] != command || !sameSet(got[1:], names) {
		c.t.Fatalf("redistest: the client sent %s, expected %s of %s", short(got), command, short(names))
	}
	return got[1:]
}

// Fence reads the PING after a command of the SUBSCRIBE kind and answers it.
func (c *Conn) Fence() {
	c.t.Helper()
	got := c.Next()
	if got[0] != "PING" || len(got) != 2 {
		c.t.Fatalf("redistest: the client sent %s, expected a PING with a token", short(got))
	}
	c.Pong(got[1])
}

// Pong answers a PING with data on a subscribed connection.
func (c *Conn) Pong(data string) {
	if c.resp2 {
		c.Array("pong", data)
	} else {
		c.Bulk(data)
	}
}

// Handshake reads and answers the first commands of a client that speaks RESP3, up to the
// PING that ends the handshake.
func (c *Conn) Handshake() {
	c.t.Helper()
	hello := c.Next()
	if hello[0] != "HELLO" {
		c.t.Fatalf("redistest: the client sent %s, expected HELLO", short(hello))
	}
	c.Send(hailed)
	c.finish(c.Next(), c.OK)
}

// hailed is an answer to HELLO 3.
const hailed = "%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n8.0.0\r\n" +
	"$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:1\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n" +
	"$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n"

// finish answers the handshake from the given command to the PING that ends it.
func (c *Conn) finish(words []string, setInfo func()) {
	c.t.Helper()
	for ; ; words = c.Next() {
		switch {
		case words[0] == "PING" && len(words) == 2:
			c.Bulk(words[1])
			return
		case words[0] == "PING":
			c.Simple("PONG")
			return
		case words[0] == "CLIENT" && words[1] == "SETINFO":
			setInfo()
		case words[0] == "CLIENT", words[0] == "SELECT", words[0] == "READONLY", words[0] == "AUTH":
			c.OK()
		default:
			c.t.Fatalf("redistest: the client sent %s before the PING that ends the handshake", short(words))
		}
	}
}

// HandshakeRESP2 reads and answers the first commands that a client sends to a server that
// does not know HELLO, or to one with which it must speak RESP2.
func (c *Conn) HandshakeRESP2() {
	c.t.Helper()
	c.resp2 = true
	refuse := func() { c.Error("ERR unknown subcommand or wrong number of arguments for 'SETINFO'") }
	first := c.Next()
	if first[0] == "HELLO" {
		c.Error("ERR unknown command `HELLO`, with args beginning with: `3`, ")
		c.finish(c.Next(), refuse)
		first = c.Next()
	}
	c.finish(first, refuse)
}

// Serve answers every command with what reply returns, in wire format, until the connection
// ends or reply returns false. It is the only method that may run in a separate goroutine.
func (c *Conn) Serve(reply func(words []string) (raw string, ok bool)) {
	for {
		_ = c.end.SetReadDeadline(time.Time{})
		v, err := c.reader.Next()
		if err != nil {
			return
		}
		var words []string
		for word := range v.All() {
			words = append(words, word.Str())
		}
		raw, ok := reply(words)
		if !ok {
			return
		}
		c.Send(raw)
	}
}

// Close closes the connection. The client reads what has been sent, and then the end of the
// connection.
func (c *Conn) Close() { _ = c.end.Close() }

func bulk(s string) string { return fmt.Sprintf("$%d\r\n%s\r\n", len(s), s) }

func aggregate(mark byte, elems []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%c%d\r\n", mark, len(elems))
	for _, e := range elems {
		b.WriteString(bulk(e))
	}
	return b.String()
}

func sameSet(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

// short quotes words for the text of a failure. It cuts long words and long lists.
func short(words []string) string {
	const maxWords, maxLen = 10, 100
	var b strings.Builder
	for i, word := range words {
		if i == maxWords {
			fmt.Fprintf(&b, " and %d more", len(words)-i)
			break
		}
		if i > 0 {
			b.WriteByte(' ')
		}
		if len(word) > maxLen {
			fmt.Fprintf(&b, "%q... (%d bytes)", word[:maxLen], len(word))
		} else {
			fmt.Fprintf(&b, "%q", word)
		}
	}
	return b.String()
}
