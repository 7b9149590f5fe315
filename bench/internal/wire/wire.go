// Package wire speaks just enough RESP2 to drive a server without any of the clients
// that are compared: it encodes commands ahead of time and reads small replies.
package wire

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// Timeout bounds one command of [Conn.Do].
const Timeout = 10 * time.Second

// AppendCommand appends a command to b as it goes over the wire.
func AppendCommand(b []byte, words ...string) []byte {
	b = append(b, '*')
	b = strconv.AppendInt(b, int64(len(words)), 10)
	b = append(b, "\r\n"...)
	for _, word := range words {
		b = AppendBulk(b, word)
	}
	return b
}

// AppendBulk appends a bulk string to b.
func AppendBulk(b []byte, s string) []byte {
	b = append(b, '$')
	b = strconv.AppendInt(b, int64(len(s)), 10)
	b = append(b, "\r\n"...)
	b = append(b, s...)
	return append(b, "\r\n"...)
}

// Error is an error reply.
type Error string

func (e Error) Error() string { return string(e) }

// Conn is a connection for a command now and then. It is for one goroutine.
type Conn struct {
	net.Conn
	reader *bufio.Reader
}

// Dial connects to a server; network is "tcp" or "unix".
func Dial(ctx context.Context, network, addr string) (*Conn, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &Conn{Conn: conn, reader: bufio.NewReader(conn)}, nil
}

// Do runs one command. The reply is a string, an int64, a []any of those, or nil; an
// error reply is an [Error].
func (c *Conn) Do(words ...string) (any, error) {
	c.SetDeadline(time.Now().Add(Timeout))
	defer c.SetDeadline(time.Time{})
	if _, err := c.Write(AppendCommand(nil, words...)); err != nil {
		return nil, err
	}
	return c.Reply()
}

// Text is Do for commands that reply with a string.
func (c *Conn) Text(words ...string) (string, error) {
	reply, err := c.Do(words...)
	if err != nil {
		return "", err
	}
	text, ok := reply.(string)
	if !ok {
		return "", fmt.Errorf("%s: the reply is a %T, wanted a string", words[0], reply)
	}
	return text, nil
}

// Info returns the fields of one section of INFO; none where the server has no such
// section.
func (c *Conn) Info(section string) (map[string]string, error) {
	text, err := c.Text("INFO", section)
	var refused Error
	if errors.As(err, &refused) {
		return map[string]string{}, nil
	}
	if err != nil {
		return nil, err
	}
	fields := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			fields[name] = value
		}
	}
	return fields, nil
}

// Reply reads one reply, of a command that was written by Write.
func (c *Conn) Reply() (any, error) {
	line, err := c.reader.ReadString('\n')
	if err != nil {
		return nil, err
	}
	line = strings.TrimSuffix(line, "\r\n")
	if line == "" {
		return nil, errors.New("the server sent an empty line")
	}
	rest := line[1:]
	switch line[0] {
	case '+':
		return rest, nil
	case '-':
		return nil, Error(rest)
	case ':':
		return strconv.ParseInt(rest, 10, 64)
	case '$':
		return c.readBulk(rest)
	case '*':
		return c.readArray(rest)
	}
	return nil, fmt.Errorf("unknown reply %q", line)
}

func (c *Conn) readBulk(length string) (any, error) {
	n, err := strconv.Atoi(length)
	if err != nil || n < 0 {
		return nil, err
	}
	data := make([]byte, n+len("\r\n"))
	if _, err := io.ReadFull(c.reader, data); err != nil {
		return nil, err
	}
	return string(data[:n]), nil
}

func (c *Conn) readArray(length string) (any, error) {
	n, err := strconv.Atoi(length)
	if err != nil || n < 0 {
		return nil, err
	}
	array := make([]any, n)
	for i := range array {
		if array[i], err = c.Reply(); err != nil {
			return nil, err
		}
	}
	return array, nil
}
