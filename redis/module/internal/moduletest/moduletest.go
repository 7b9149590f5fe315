// Package moduletest is what the tests of the module packages share: tables of
// constructors and the words that they send, and of replies and what they become.
package moduletest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/redistest"
)

// Sent is a request and the words that it must send.
type Sent struct {
	words   string
	request command.Request
}

// Sends is a command and the words that it must send, with a space between them.
func Sends[T any](words string, cmd command.Cmd[T]) Sent { return Sent{words, cmd.Request()} }

// Wire checks what requests send, in full and that keys are known as such: a word that
// stands in angle brackets in the table is a key.
func Wire(t *testing.T, table ...Sent) {
	t.Helper()
	for _, s := range table {
		if err := s.request.Err(); err != nil {
			t.Errorf("%s: %v", s.words, err)
			continue
		}
		var words, keys []string
		for word := range strings.SplitSeq(s.words, " ") {
			if strings.HasPrefix(word, "<") {
				word = strings.Trim(word, "<>")
				keys = append(keys, word)
			}
			words = append(words, word)
		}
		var sent, known []string
		for word := range parse(string(s.request.Append(nil))).All() {
			sent = append(sent, word.Str())
		}
		for key := range s.request.Keys() {
			known = append(known, key)
		}
		if diff := cmp.Diff(words, sent); diff != "" {
			t.Errorf("%s (-want +sent):\n%s", s.words, diff)
		}
		if diff := cmp.Diff(keys, known); diff != "" {
			t.Errorf("keys of %s (-want +got):\n%s", s.words, diff)
		}
	}
}

// Writes are the commands, of all that a package has, that are not read-only.
func Writes(t *testing.T, table []Sent, readers ...string) {
	t.Helper()
	reads := map[string]bool{}
	for _, name := range readers {
		reads[name] = true
	}
	for _, s := range table {
		if got := s.request.ReadOnly(); got != reads[s.request.Name()] {
			t.Errorf("%s counts as read-only: %v", s.words, got)
		}
	}
}

// Refused checks that requests are refused before they are sent.
func Refused(t *testing.T, table map[string]command.Request) {
	t.Helper()
	for name, r := range table {
		if err := r.Err(); !errors.Is(err, command.ErrArgument) {
			t.Errorf("%s is not refused: %v", name, err)
		}
	}
}

// Case is a command with its reply in both protocols and what it becomes.
type Case struct {
	name         string
	resp2, resp3 string
	run          func(ctx context.Context, d command.Doer) string
}

// Reply is a command whose reply becomes want.
func Reply[T any](cmd command.Cmd[T], want T, resp2, resp3 string) Case {
	return both(cmd, resp2, resp3, func(got T, err error) string {
		if err != nil {
			return err.Error()
		}
		return cmp.Diff(want, got)
	})
}

// Missing is a command whose reply says that there is nothing.
func Missing[T any](cmd command.Cmd[T], resp2, resp3 string) Case {
	return both(cmd, resp2, resp3, func(got T, err error) string {
		if err != command.Nil { //nolint:errorlint // Nil itself is what decoders return
			return "not Nil but " + cmp.Diff(nil, got) + errorText(err)
		}
		return ""
	})
}

// Failed is a command whose reply ends in an error reply of the server: an error that
// has the code, beside what came before.
func Failed[T any](cmd command.Cmd[T], before T, text, resp2, resp3 string) Case {
	return both(cmd, resp2, resp3, func(got T, err error) string {
		var reply *proto.Error
		if !errors.As(err, &reply) || reply.Error() != text {
			return "not the server's error but " + errorText(err)
		}
		return cmp.Diff(before, got)
	})
}

// Unfit is a command whose reply does not fit, in either protocol.
func Unfit[T any](cmd command.Cmd[T], replies ...string) []Case {
	var cases []Case
	for _, reply := range replies {
		cases = append(cases, both(cmd, reply, reply, func(_ T, err error) string {
			var wrong *command.DecodeError
			if !errors.As(err, &wrong) {
				return "not a DecodeError but " + errorText(err)
			}
			return ""
		}))
	}
	return cases
}

func errorText(err error) string {
	if err == nil {
		return "no error"
	}
	return err.Error()
}

func both[T any](cmd command.Cmd[T], resp2, resp3 string, check func(T, error) string) Case {
	r := cmd.Request()
	return Case{r.Name(), resp2, resp3, func(ctx context.Context, d command.Doer) string {
		return check(cmd.Do(ctx, d))
	}}
}

// Replies runs the cases through a client, in both protocols.
func Replies(t *testing.T, cases ...Case) {
	t.Helper()
	for _, resp2 := range []bool{false, true} {
		name := "RESP3"
		if resp2 {
			name = "RESP2"
		}
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { replies(t, resp2, cases) })
		})
	}
}

func replies(t *testing.T, resp2 bool, cases []Case) {
	server := redistest.NewServer(t)
	client, err := redis.New(redis.Options{Dial: server.Dial, RESP2: resp2})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	}()
	var conn *redistest.Conn
	for _, c := range cases {
		wrong := make(chan string, 1)
		go func() { wrong <- c.run(t.Context(), client) }()
		switch {
		case conn != nil:
		case resp2:
			conn = server.Accept()
			conn.HandshakeRESP2()
		default:
			conn = server.AcceptReady()
		}
		words := conn.Next()
		if words[0] != c.name {
			t.Fatalf("%s came as %s", c.name, words[0])
		}
		raw := c.resp3
		if resp2 {
			raw = c.resp2
		}
		conn.Send(raw)
		if diff := <-wrong; diff != "" {
			t.Errorf("%s: %q:\n%s", strings.Join(words, " "), raw, diff)
		}
	}
}

// Answers returns a Doer for examples, which gives the replies one after the other.
func Answers(replies ...string) command.Doer { return &answers{replies} }

type answers struct{ replies []string }

func (a *answers) Do(_ context.Context, r command.Request) (proto.Value, error) {
	if err := r.Err(); err != nil {
		return proto.Value{}, &command.Error{Command: r.Name(), Outcome: command.NotSent, Err: err}
	}
	v := parse(a.replies[0])
	a.replies = a.replies[1:]
	return v, command.ReplyError(&r, "", v)
}

// parse reads one reply.
func parse(raw string) proto.Value {
	v, err := proto.NewReader(strings.NewReader(raw), proto.Limits{}).Next()
	if err != nil {
		panic(err)
	}
	return v
}
