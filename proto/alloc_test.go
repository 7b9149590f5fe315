package proto

import (
	"strings"
	"testing"
)

func TestAllocs(t *testing.T) {
	for _, test := range []struct {
		reply string
		want  float64
	}{
		{"+OK\r\n", 0},
		{"+PONG\r\n", 0},
		{"+QUEUED\r\n", 0},
		{"+other\r\n", 1},
		{":1234567\r\n", 0},
		{"_\r\n", 0},
		{"$-1\r\n", 0},
		{"*-1\r\n", 0},
		{"#t\r\n", 0},
		{",3.14\r\n", 0},
		{",-1.7976931348623157e+308\r\n", 0},
		{bulks(1, 64), 1},
		{bulks(1, 10_000), 1},
		{bulks(1, 100_000), 1}, // the string, allocated at once
		{"*0\r\n", 1},
		{"*1000\r\n" + bulks(1000, 30), 1},
		{"*1000\r\n" + bulks(1000, 64), 1}, // larger than the read buffer
		{">3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nhello\r\n", 1},
		{strings.Repeat("*1\r\n", 128) + ":1\r\n", 1},
	} {
		r := NewReader(&endless{data: []byte(test.reply)}, Limits{})
		next := func() {
			v, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			e := v.Elems()
			for e.Next() {
				_ = e.Value().Kind()
			}
		}
		for range 2*maxBuffer/len(test.reply) + 10 { // until the buffer has grown
			next()
		}
		got := testing.AllocsPerRun(100, next)
		if strings.HasPrefix(test.reply, "*1\r\n*1") {
			got -= 5 // the cursor's own stack for the depth
		}
		if got > test.want {
			t.Errorf("%.20q: %v allocations, want %v", test.reply, got, test.want)
		}
	}
}

func TestAppendAllocs(t *testing.T) {
	buf := make([]byte, 0, 1024)
	word := []byte("word")
	if got := testing.AllocsPerRun(100, func() {
		b := AppendArray(buf, 8)
		b = AppendString(b, "SET")
		b = AppendBytes(b, word)
		b = AppendInt(b, -1<<63)
		b = AppendUint(b, 1<<64-1)
		b = AppendFloat(b, -1.2345678901234567e-300)
		AppendCommand(b, "GET", "key")
	}); got != 0 {
		t.Errorf("%v allocations, want none", got)
	}
}
