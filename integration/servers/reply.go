package servers

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Reply is one reply or push as a server sent it, in either protocol. Client code is
// not used to read it, because that is what the tests test.
type Reply struct {
	// Kind is the byte that it began with: '+', '-', ':', '$', '*', '>', '%' and so on.
	Kind byte

	// Text is what a reply without elements says; an error without its '-'.
	Text string

	// Null tells a missing value from an empty one.
	Null bool

	// Elements are those of an array, set or push; of a map the keys and values by
	// turns.
	Elements []Reply
}

// String returns the reply in short: "OK", "-MOVED 1 127.0.0.1:7000", "nil",
// ">[sunsubscribe news 0]". Only errors and what has elements begin with their kind.
func (r Reply) String() string {
	switch {
	case r.Null:
		return "nil"
	case r.aggregate():
		words := make([]string, len(r.Elements))
		for i, element := range r.Elements {
			words[i] = element.String()
		}
		return string(r.Kind) + "[" + strings.Join(words, " ") + "]"
	case r.err() != nil:
		return "-" + r.Text
	}
	return r.Text
}

// aggregate reports whether it is of a kind that has elements.
func (r Reply) aggregate() bool {
	switch r.Kind {
	case '*', '>', '~', '%':
		return true
	}
	return false
}

// err returns an error reply as an error; nil for any other.
func (r Reply) err() error {
	if r.Kind == '-' || r.Kind == '!' {
		return replyError(r.Text)
	}
	return nil
}

// replyError is an error that the server answered.
type replyError string

func (e replyError) Error() string { return string(e) }

// writeCommand writes one command.
func writeCommand(w io.Writer, words []string) error {
	var request strings.Builder
	fmt.Fprintf(&request, "*%d\r\n", len(words))
	for _, word := range words {
		fmt.Fprintf(&request, "$%d\r\n%s\r\n", len(word), word)
	}
	_, err := io.WriteString(w, request.String())
	return err
}

// readReply reads one reply.
func readReply(r *bufio.Reader) (Reply, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return Reply{}, err
	}
	line = strings.TrimSuffix(line, "\r\n")
	if line == "" {
		return Reply{}, errors.New("empty line instead of a reply")
	}
	reply := Reply{Kind: line[0]}
	text := line[1:]
	switch reply.Kind {
	case '+', '-', ':', '#', ',', '(':
		reply.Text = text
		return reply, nil
	case '_':
		reply.Null = true
		return reply, nil
	}
	size, err := strconv.Atoi(text)
	if err != nil {
		return Reply{}, fmt.Errorf("reply of unexpected kind or length: %q", line)
	}
	if size < 0 {
		reply.Null = true
		return reply, nil
	}
	switch reply.Kind {
	case '$', '!', '=':
		bulk := make([]byte, size+2)
		if _, err := io.ReadFull(r, bulk); err != nil {
			return Reply{}, err
		}
		reply.Text = string(bulk[:size])
		return reply, nil
	case '%':
		size *= 2
	case '*', '>', '~':
	default:
		return Reply{}, fmt.Errorf("reply of unexpected kind: %q", line)
	}
	for range size {
		element, err := readReply(r)
		if err != nil {
			return Reply{}, err
		}
		reply.Elements = append(reply.Elements, element)
	}
	return reply, nil
}
