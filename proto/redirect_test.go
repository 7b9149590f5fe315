package proto

import (
	"net"
	"strconv"
	"strings"
	"testing"
)

func TestParseRedirect(t *testing.T) {
	for _, test := range []struct {
		text string
		want Redirect
		err  error
	}{
		{"MOVED 3999 127.0.0.1:6381", Redirect{Slot: 3999, Host: "127.0.0.1", Port: 6381}, nil},
		{"ASK 0 node-1.example.com:1", Redirect{Ask: true, Host: "node-1.example.com", Port: 1}, nil},
		{"MOVED 16383 redis_1:65535", Redirect{Slot: 16383, Host: "redis_1", Port: 65535}, nil},
		{"MOVED 1 :6379", Redirect{Slot: 1, Port: 6379}, nil},
		{"MOVED 1 ?:6379", Redirect{Slot: 1, Port: 6379}, nil},
		{"MOVED 1 ::1:6379", Redirect{Slot: 1, Host: "::1", Port: 6379}, nil},
		{"MOVED 1 2001:db8::2:1:6379", Redirect{Slot: 1, Host: "2001:db8::2:1", Port: 6379}, nil},
		{"MOVED 1 [::1]:6379", Redirect{Slot: 1, Host: "::1", Port: 6379}, nil},
		{"MOVED 1 ::ffff:10.0.0.1:6379", Redirect{Slot: 1, Host: "::ffff:10.0.0.1", Port: 6379}, nil},
		{"ERR 1 a:6379", Redirect{}, errNoRedirect},
		{"moved 1 a:6379", Redirect{}, errNoRedirect},
		{"MOVED", Redirect{}, errRedirectForm},
		{"MOVED 1", Redirect{}, errRedirectForm},
		{"MOVED 1 6379", Redirect{}, errRedirectForm},
		{"MOVED  1 a:6379", Redirect{}, errRedirectSlot},
		{"MOVED 16384 a:6379", Redirect{}, errRedirectSlot},
		{"MOVED -1 a:6379", Redirect{}, errRedirectSlot},
		{"MOVED +1 a:6379", Redirect{}, errRedirectSlot},
		{"MOVED 01 a:6379", Redirect{}, errRedirectSlot},
		{"MOVED x a:6379", Redirect{}, errRedirectSlot},
		{"MOVED 99999999999999999999999 a:6379", Redirect{}, errRedirectSlot},
		{"MOVED 1 a:0", Redirect{}, errRedirectPort},
		{"MOVED 1 a:65536", Redirect{}, errRedirectPort},
		{"MOVED 1 a:", Redirect{}, errRedirectPort},
		{"MOVED 1 a:6379 ", Redirect{}, errRedirectPort},
		{"MOVED 1 a:6379@16379", Redirect{}, errRedirectPort},
		{"MOVED 1  a:6379", Redirect{}, errRedirectHost},
		{"MOVED 1 a b:6379", Redirect{}, errRedirectHost},
		{"MOVED 1 a/b:6379", Redirect{}, errRedirectHost},
		{"MOVED 1 -a:6379", Redirect{}, errRedirectHost},
		{"MOVED 1 a\nb:6379", Redirect{}, errRedirectHost},
		{"MOVED 1 [::1:6379", Redirect{}, errRedirectHost},
		{"MOVED 1 ::1]:6379", Redirect{}, errRedirectHost},
		{"MOVED 1 [host]:6379", Redirect{}, errRedirectHost},
		{"MOVED 1 [127.0.0.1]:6379", Redirect{}, errRedirectHost},
		{"MOVED 1 host:1:6379", Redirect{}, errRedirectHost},
		{"MOVED 1 fe80::1%eth0:6379", Redirect{}, errRedirectHost},
		{"MOVED 1 [fe80::1%eth0]:6379", Redirect{}, errRedirectHost},
		{"MOVED 1 " + strings.Repeat("a", 254) + ":6379", Redirect{}, errRedirectHost},
	} {
		got, err := ParseRedirect(newError(test.text))
		if got != test.want || err != test.err {
			t.Errorf("%q: %+v, %v; want %+v, %v", test.text, got, err, test.want, test.err)
		}
	}
	if _, err := ParseRedirect(nil); err != errNoRedirect {
		t.Errorf("nil: error %v, want %v", err, errNoRedirect)
	}
}

func TestRedirectAddr(t *testing.T) {
	for _, test := range []struct{ host, answered, want string }{
		{"10.0.0.1", "10.0.0.9:1", "10.0.0.1:6379"},
		{"::1", "10.0.0.9:1", "[::1]:6379"},
		{"", "10.0.0.9:1", "10.0.0.9:6379"},
		{"", "[::2]:1", "[::2]:6379"},
		{"", "node:1", "node:6379"},
		{"", "node", "node:6379"},
		{"", "[::2]", "[::2]:6379"},
		{"", "::2", "[::2]:6379"},
	} {
		r := Redirect{Host: test.host, Port: 6379}
		if got := r.Addr(test.answered); got != test.want {
			t.Errorf("host %q from %q: %q, want %q", test.host, test.answered, got, test.want)
		}
	}
}

func FuzzRedirect(f *testing.F) {
	for _, text := range []string{
		"MOVED 3999 127.0.0.1:6381", "ASK 1 [::1]:6379", "MOVED 1 ::1:6379", "MOVED 1 ?:1", "ASK 16383 a-b.c_d:65535",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseRedirect(newError(text))
		if err != nil {
			if r != (Redirect{}) {
				t.Errorf("%+v with error %v", r, err)
			}
			return
		}
		if r.Slot < 0 || r.Slot > 16383 || r.Port < 1 || r.Port > 65535 {
			t.Errorf("%+v is out of range", r)
		}
		host, port, err := net.SplitHostPort(r.Addr("fallback:1"))
		if err != nil || port != strconv.Itoa(r.Port) || host != r.Host && (r.Host != "" || host != "fallback") {
			t.Errorf("address of %+v splits to %q, %q, %v", r, host, port, err)
		}
	})
}
