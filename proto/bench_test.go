package proto

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// endless delivers the same bytes over and over, filling every Read.
type endless struct {
	data []byte
	at   int
}

func (e *endless) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		c := copy(p[n:], e.data[e.at:])
		n += c
		e.at = (e.at + c) % len(e.data)
	}
	return n, nil
}

// bulks returns n bulk strings of size bytes each.
func bulks(n, size int) string {
	return strings.Repeat(fmt.Sprintf("$%d\r\n%s\r\n", size, strings.Repeat("x", size)), n)
}

func BenchmarkNext(b *testing.B) {
	for _, bench := range []struct{ name, reply string }{
		{"OK", "+OK\r\n"},
		{"Integer", ":1234567\r\n"},
		{"Null", "_\r\n"},
		{"Double", ",3.1415926\r\n"},
		{"Error", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
		{"Bulk64B", bulks(1, 64)},
		{"Bulk1KiB", bulks(1, 1<<10)},
		{"Bulk1MiB", bulks(1, 1<<20)},
		{"Message", ">3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n" + bulks(1, 64)},
		{"Array10x64B", "*10\r\n" + bulks(10, 64)},
		{"Array1000x64B", "*1000\r\n" + bulks(1000, 64)},
		{"Array1000Integers", "*1000\r\n" + strings.Repeat(":12345\r\n", 1000)},
		{"Map1000", "%1000\r\n" + strings.Repeat(bulks(1, 16)+bulks(1, 64), 1000)},
	} {
		b.Run(bench.name, func(b *testing.B) {
			r := NewReader(&endless{data: []byte(bench.reply)}, Limits{})
			for range 200 { // let the buffer grow
				if _, err := r.Next(); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(int64(len(bench.reply)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Next(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkElems(b *testing.B) {
	for _, bench := range []struct{ name, reply string }{
		{"Array1000x64B", "*1000\r\n" + bulks(1000, 64)},
		{"Array1000x2", "*1000\r\n" + strings.Repeat("*2\r\n"+bulks(2, 16), 1000)},
	} {
		b.Run(bench.name, func(b *testing.B) {
			v, err := NewReader(bytes.NewReader([]byte(bench.reply)), Limits{}).Next()
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			size := 0
			for b.Loop() {
				e := v.Elems()
				for e.Next() {
					size += e.Value().Size()
				}
			}
		})
	}
}

func BenchmarkAppendCommand(b *testing.B) {
	buf := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendArray(buf[:0], 5)
		buf = AppendString(buf, "SET")
		buf = AppendString(buf, "user:1000:session")
		buf = AppendInt(buf, 1234567)
		buf = AppendString(buf, "EX")
		buf = AppendFloat(buf, 3.25)
	}
}
