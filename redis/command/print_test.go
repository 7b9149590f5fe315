package command_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redchan-go/redchan/redis/command"
)

// What programs print says something, and no secret.
func TestPrint(t *testing.T) {
	request := command.Set("k", "value").Request()
	var b command.Batch
	got, missing, open := b.Get("k"), b.Get("none"), new(command.Batch).Get("k")
	if err := b.Exec(t.Context(), &double{reply: "$1\r\nv\r\n$-1\r\n"}); err != nil {
		t.Fatal(err)
	}
	for want, v := range map[string]any{
		`GET "k"`:                  command.Get("k"),
		`SET "k" ...`:              &request,
		`MGET "a" "b c"`:           command.MGet("a", "b c"),
		"PING":                     command.Ping(),
		"CONFIG SET ...":           command.ConfigSet(map[string]string{"requirepass": "s3cret"}),
		"<nil>":                    command.Optional[string]{},
		"7":                        command.Optional[int64]{Value: 7, Present: true},
		"[x <nil>]":                []command.Optional[string]{{Value: "x", Present: true}, {}},
		"v":                        got,
		"redis: nil":               missing,
		"NX":                       command.NX,
		"XX":                       command.XX,
		"GT":                       command.GT,
		"LT":                       command.LT,
		"EX 60":                    command.EX(time.Minute),
		"PX 1500":                  command.EX(1500 * time.Millisecond),
		"":                         command.EXIf(0),
		"PXAT 1500":                command.EXAT(time.UnixMilli(1500)),
		"1m0s":                     command.Lifetime{Left: time.Minute},
		"forever":                  command.Lifetime{Forever: true},
		"never":                    command.Deadline{Never: true},
		"2026-01-02T03:04:05.006Z": command.Deadline{At: time.Date(2026, 1, 2, 3, 4, 5, 6_000_000, time.UTC)},
	} {
		if printed := fmt.Sprint(v); printed != want {
			t.Errorf("%T prints as %q, want %q", v, printed, want)
		}
	}
	if s := open.String(); !strings.Contains(s, "has not been executed") {
		t.Errorf("a future of a batch that waits prints as %q", s)
	}
}
