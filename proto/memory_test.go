package proto

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
)

// feed delivers head and then as many bytes of body, again and again, as told,
// in reads of at most step bytes; it watches the memory at each.
type feed struct {
	head, body string
	left       int // of body
	step       int
	received   int
	at         int
	watch      func(received int)
	reads      int
}

func (f *feed) Read(p []byte) (int, error) {
	if f.reads++; f.reads%8 == 1 {
		f.watch(f.received)
	}
	p = p[:min(len(p), f.step)]
	n := copy(p, f.head)
	f.head = f.head[n:]
	for n < len(p) && f.left > 0 {
		c := copy(p[n:min(len(p), n+f.left)], f.body[f.at:])
		n += c
		f.left -= c
		f.at = (f.at + c) % len(f.body)
	}
	f.received += n
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// allocated returns the bytes allocated since the program began. It counts what
// was freed too: staying in a bound by it is harder than by the heap's size, and
// does not depend on when the garbage is collected.
func allocated() int {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int(stats.TotalAlloc)
}

// live returns the bytes in use behind a collection.
func live() int {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int(stats.HeapAlloc)
}

// TestMemory holds the Reader to its promise: at most twice the bytes received
// and 1 MiB, whatever is declared.
func TestMemory(t *testing.T) {
	const mib = 1 << 20
	elements := bulks(1, 190) + ":12\r\n" + bulks(1, 3) + bulks(1, 40)
	block := strings.Repeat("x", 4093)
	for _, test := range []struct {
		name, head, body string
		size             int
		step             int
		want             error
	}{
		{"declared elements", "*1000000000\r\n", "", 0, 1, nil},
		{"declared elements within limits", "*1048576\r\n", ":1\r\n", 400, 1, io.ErrUnexpectedEOF},
		{"declared bulk", "$536870912\r\n", block, 3000, 1, io.ErrUnexpectedEOF},
		{"declared bulk, some MiB", "$536870912\r\n", block, 3 * mib, mib, io.ErrUnexpectedEOF},
		{"declared chunk", "$?\r\n;536870912\r\n", block, 200 << 10, mib, io.ErrUnexpectedEOF},
		{"just too large to trust", fmt.Sprintf("$%d\r\n", 2*mib), block, 700 << 10, mib, io.ErrUnexpectedEOF},
		{"nested", strings.Repeat("*1048576\r\n", 127), ":1\r\n", 400, 7, io.ErrUnexpectedEOF},
		{"nested maps", strings.Repeat("%524288\r\n", 127), "", 0, 1, io.ErrUnexpectedEOF},
		{"nested in a push", ">1048576\r\n" + strings.Repeat("*1048576\r\n", 126), ":1\r\n", 1 * mib, mib, io.ErrUnexpectedEOF},
		{"million digits", "(", "7", mib, mib, nil},
		{"error line", "-", "e", mib, mib, io.ErrUnexpectedEOF},
		{"endless line", "+", "e", 2 * mib, mib, nil},
		{"streamed, never ended", "$?\r\n", ";4\r\nabcd\r\n", 16 * mib, mib, io.ErrUnexpectedEOF},
		{"streamed array, never ended", "*?\r\n", ":1\r\n", 4 * mib, mib, io.ErrUnexpectedEOF},
		{"real bulk, small", fmt.Sprintf("$%d\r\n", 100<<10), block, 100 << 10, mib, io.ErrUnexpectedEOF},
		{"real bulk", fmt.Sprintf("$%d\r\n", 64*mib-2), strings.Repeat("\r\n", 2000), 64 * mib, mib, io.EOF},
		{"real bulk in small reads", fmt.Sprintf("$%d\r\n", 16*mib-2), "\r\n", 16 * mib, 1000, io.EOF},
		{"real array", fmt.Sprintf("*%d\r\n", mib), elements, mib / 4 * len(elements), mib, io.EOF},
		{"real attribute and bulk", fmt.Sprintf("|1\r\n%s%s$%d\r\n", bulks(1, 300<<10), bulks(1, 300<<10), 8*mib-2), "\r\n", 8 * mib, mib, io.EOF},
	} {
		t.Run(test.name, func(t *testing.T) {
			start := allocated()
			feed := &feed{head: test.head, body: test.body, left: test.size, step: test.step}
			feed.watch = func(received int) {
				if got := allocated() - start; got > 2*received+mib {
					t.Fatalf("%d bytes allocated after %d received", got, received)
				}
			}
			r := NewReader(feed, Limits{})
			var err error
			for err == nil {
				_, err = r.Next()
				feed.watch(feed.received)
			}
			if test.want != nil && err != test.want {
				t.Errorf("error %v, want %v", err, test.want)
			}
		})
	}
}

// TestMemoryLive looks at what stays in use where values are taken out of, or
// put together from, what was received.
func TestMemoryLive(t *testing.T) {
	const mib = 1 << 20
	for _, test := range []struct{ name, reply string }{
		{"streamed string", "$?\r\n" + strings.Repeat(";1000\r\n"+strings.Repeat("x", 1000)+"\r\n", 8000) + ";0\r\n"},
		{"large pushes in array", "*1\r\n" + strings.Repeat(">2\r\n"+bulks(2, 100<<10), 30) + ":1\r\n"},
		{"many pushes", "*3\r\n" + bulks(1, 1000) + strings.Repeat(">1\r\n+x\r\n", 100_000) + bulks(1, 1000) + ":1\r\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			start := live()
			r := NewReader(strings.NewReader(test.reply), Limits{})
			var kept []Value
			for {
				v, err := r.Next()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				if v.Kind() != KindPush || v.Size() > 100 {
					kept = append(kept, v)
				}
			}
			if got := live() - start; got > len(test.reply)+mib {
				t.Errorf("%d bytes in use for %d received", got, len(test.reply))
			}
			runtime.KeepAlive(kept)
			runtime.KeepAlive(r)
		})
	}
}

// A text that is kept does not keep the attributes in front of it, which were needed
// for a moment.
func TestAttributesAreLetGo(t *testing.T) {
	const mib = 1 << 20
	for name, value := range map[string]string{"bulk": "$1\r\nx\r\n", "error": "-ERR x\r\n", "verbatim": "=5\r\ntxt:x\r\n", "simple": "+x\r\n"} {
		start := live()
		reply := "|1\r\n+a\r\n" + bulks(1, 4*mib) + value
		v, err := NewReader(strings.NewReader(reply), Limits{}).Next()
		if err != nil {
			t.Fatal(err)
		}
		kept := []any{v.Str(), v.Err()} // and v itself no longer
		if got := live() - start; got > mib {
			t.Errorf("%s: %d bytes in use", name, got)
		}
		runtime.KeepAlive(kept)
	}
}
