package proto

import (
	"fmt"
	"testing"
)

// A value prints as package fmt prints its like, whichever protocol it came by.
func TestPrint(t *testing.T) {
	for wire, want := range map[string]string{
		"+OK\r\n":                              "OK",
		"$5\r\nhello\r\n":                      "hello",
		"$0\r\n\r\n":                           "",
		"=7\r\ntxt:abc\r\n":                    "abc",
		"-ERR no\r\n":                          "ERR no",
		"!6\r\nERR no\r\n":                     "ERR no",
		":-7\r\n":                              "-7",
		",1.5\r\n":                             "1.5",
		",inf\r\n":                             "+Inf",
		"#t\r\n":                               "true",
		"#f\r\n":                               "false",
		"(123456789012345678901\r\n":           "123456789012345678901",
		"_\r\n":                                "<nil>",
		"$-1\r\n":                              "<nil>",
		"*-1\r\n":                              "<nil>",
		"*0\r\n":                               "[]",
		"*3\r\n$1\r\nk\r\n+z\r\n:1\r\n":        "[k z 1]",
		"*2\r\n*2\r\n:1\r\n_\r\n~1\r\n#t\r\n":  "[[1 <nil>] [true]]",
		"%2\r\n+b\r\n:1\r\n+a\r\n*1\r\n:2\r\n": "map[b:1 a:[2]]",
		"%0\r\n":                               "map[]",
		">2\r\n+message\r\n+c\r\n":             "[message c]",
		"|1\r\n+ttl\r\n:3\r\n$1\r\nv\r\n":      "v",
		"*1\r\n|1\r\n+ttl\r\n:3\r\n:4\r\n":     "[4]",
		"*?\r\n:1\r\n:2\r\n.\r\n":              "[1 2]",
	} {
		v := read(t, wire)
		if got := v.String(); got != want {
			t.Errorf("%q prints as %q, want %q", wire, got, want)
		}
		if got := fmt.Sprint(v); got != want {
			t.Errorf("%q prints as %q by fmt, want %q", wire, got, want)
		}
	}
	if got := (Value{}).String(); got != "<nil>" {
		t.Errorf("the zero Value prints as %q", got)
	}
}
