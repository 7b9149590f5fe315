package wire

import (
	"errors"
	"net"
	"reflect"
	"testing"
)

func TestAppendCommand(t *testing.T) {
	got := string(AppendCommand(nil, "SET", "k", ""))
	if want := "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n"; got != want {
		t.Errorf("got %q, wanted %q", got, want)
	}
}

// serve returns the address of a server that replies the same to the first command.
func serve(t *testing.T, reply string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		if _, err := conn.Read(make([]byte, 100)); err == nil {
			_, _ = conn.Write([]byte(reply))
		}
	}()
	return listener.Addr().String()
}

func TestDo(t *testing.T) {
	for _, test := range []struct {
		reply string
		want  any
	}{
		{"+OK\r\n", "OK"},
		{":-12\r\n", int64(-12)},
		{"$5\r\na\r\nbc\r\n", "a\r\nbc"},
		{"$-1\r\n", nil},
		{"*3\r\n+a\r\n:1\r\n$0\r\n\r\n", []any{"a", int64(1), ""}},
	} {
		conn, err := Dial(t.Context(), "tcp", serve(t, test.reply))
		if err != nil {
			t.Fatal(err)
		}
		got, err := conn.Do("PING")
		conn.Close()
		if err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%q: got %#v, %v", test.reply, got, err)
		}
	}
}

func TestDoFails(t *testing.T) {
	for _, reply := range []string{"", "\r\n", "?\r\n", "$x\r\n", "$5\r\nab", ":x\r\n"} {
		conn, err := Dial(t.Context(), "tcp", serve(t, reply))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := conn.Do("PING"); err == nil {
			t.Errorf("%q: got %v", reply, got)
		}
		conn.Close()
	}
}

func TestErrorReply(t *testing.T) {
	conn, err := Dial(t.Context(), "tcp", serve(t, "-ERR no\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = conn.Do("PING")
	var refused Error
	if !errors.As(err, &refused) || refused != "ERR no" {
		t.Errorf("got %v", err)
	}
}
