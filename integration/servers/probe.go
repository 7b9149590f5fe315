package servers

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// call sends one command over a connection of its own, after AUTH where credentials
// are given, and returns the text of its reply. It knows replies that are a simple
// string, an integer or a bulk string; an error reply is an error. Client code is
// not used here, because it is what the tests test.
func call(ctx context.Context, network, address string, config *tls.Config, credentials, words []string) (string, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if config != nil {
		conn = tls.Client(conn, config)
	}
	reader := bufio.NewReader(conn)
	if len(credentials) > 0 {
		if _, err := roundTrip(conn, reader, append([]string{"AUTH"}, credentials...)); err != nil {
			return "", fmt.Errorf("AUTH: %w", err)
		}
	}
	reply, err := roundTrip(conn, reader, words)
	if err != nil {
		return "", fmt.Errorf("%s: %w", words[0], errors.Join(err, ctx.Err()))
	}
	return reply, nil
}

// replyError is an error that the server answered.
type replyError string

func (e replyError) Error() string { return string(e) }

// roundTrip writes one command and reads one reply.
func roundTrip(w io.Writer, r *bufio.Reader, words []string) (string, error) {
	var request strings.Builder
	fmt.Fprintf(&request, "*%d\r\n", len(words))
	for _, word := range words {
		fmt.Fprintf(&request, "$%d\r\n%s\r\n", len(word), word)
	}
	if _, err := io.WriteString(w, request.String()); err != nil {
		return "", err
	}
	line, err := r.ReadString('\n')
	if err != nil {
		return "", err
	}
	line = strings.TrimSuffix(line, "\r\n")
	if line == "" {
		return "", errors.New("empty line instead of a reply")
	}
	switch kind, text := line[0], line[1:]; kind {
	case '+', ':':
		return text, nil
	case '-':
		return "", replyError(text)
	case '$':
		size, err := strconv.Atoi(text)
		if err != nil || size < 0 {
			return "", fmt.Errorf("bulk string of length %q", text)
		}
		bulk := make([]byte, size+2)
		if _, err := io.ReadFull(r, bulk); err != nil {
			return "", err
		}
		return string(bulk[:size]), nil
	default:
		return "", fmt.Errorf("reply of unexpected kind %q", line)
	}
}
