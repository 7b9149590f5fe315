package proto

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// mixed reads by TryShared, TryNext and Next in random order.
type mixed struct {
	values []tree
	err    error // what ended it, which is no timeout
	// shared counts the values that TryShared returned, and runs how often these
	// were several.
	shared, runs     int
	offset, buffered int64
}

// readMixed returns what src delivers.
func readMixed(t *testing.T, rnd *rand.Rand, src io.Reader, limits Limits) mixed {
	t.Helper()
	var m mixed
	var values []Value
	r := NewReader(src, limits)
	for m.err == nil || errors.Is(m.err, os.ErrDeadlineExceeded) {
		var v Value
		ok := false
		switch rnd.IntN(4) {
		case 0, 1:
			some := make([]Value, rnd.IntN(6))
			n := r.TryShared(some)
			for _, v := range some[:n] {
				if v.IsAggregate() {
					t.Fatalf("TryShared returned a %v", v.Kind())
				}
			}
			if m.shared += n; n > 1 {
				m.runs++
			}
			values = append(values, some[:n]...)
		case 2:
			v, ok, m.err = r.TryNext()
		case 3:
			v, m.err = r.Next()
			ok = m.err == nil
		}
		if ok {
			values = append(values, v)
		}
		if s, ok := src.(*script); ok && r.Offset()+int64(r.Buffered()) != s.read {
			t.Fatalf("Offset %d and Buffered %d are not the %d bytes read", r.Offset(), r.Buffered(), s.read)
		}
		if rnd.IntN(8) == 0 {
			r.Shrink()
		}
	}
	m.offset, m.buffered = r.Offset(), int64(r.Buffered())
	// Only now, when the read buffer has been used for others.
	for _, v := range values {
		m.values = append(m.values, treeOf(v))
	}
	return m
}

// checkMixed is checkAgainst for readMixed.
func checkMixed(t *testing.T, name string, want []tree, wantErr error, seed uint64, src io.Reader, limits Limits) mixed {
	t.Helper()
	name = fmt.Sprintf("%s, mixed by seed %d", name, seed)
	m := readMixed(t, rand.New(rand.NewPCG(seed, 1)), src, limits)
	compare(t, name, want, wantErr, m.values, m.err)
	return m
}

// stream returns random replies and pushes, most of them simple, as a pipeline's are.
func stream(rnd *rand.Rand) string {
	var b strings.Builder
	for range 1 + rnd.IntN(40) {
		switch rnd.IntN(10) {
		case 0:
			b.WriteString(generate(rnd, 2))
		case 1:
			b.WriteString(">2\r\n+kind\r\n" + generate(rnd, 0))
		default:
			b.WriteString(generate(rnd, 0))
		}
	}
	return b.String()
}

// TestSharedStreams reads random streams, of which every second one is cut off, in
// pieces of random sizes.
func TestSharedStreams(t *testing.T) {
	runs := 0
	for seed := range uint64(400) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		data := stream(rnd)
		if seed%2 == 1 {
			data = data[:rnd.IntN(len(data))]
		}
		var sizes []int
		for range 20 {
			sizes = append(sizes, 1+rnd.IntN(1<<(4+rnd.IntN(8))))
		}
		name := fmt.Sprintf("seed %d: %q", seed, data)
		want, wantErr := decodeAll([]byte(data), Limits{})
		checkAgainst(t, name, want, wantErr, &script{data: data, sizes: slices.Clone(sizes)}, Limits{})

		alone := NewReader(strings.NewReader(data), Limits{})
		for {
			if _, err := alone.Next(); err != nil {
				break
			}
		}
		m := checkMixed(t, name, want, wantErr, seed, &script{data: data, sizes: sizes}, Limits{})
		if m.offset != alone.Offset() || m.buffered != int64(alone.Buffered()) {
			t.Fatalf("%s: Offset %d and Buffered %d, by Next alone %d and %d", name, m.offset, m.buffered, alone.Offset(), alone.Buffered())
		}
		runs += m.runs
	}
	if runs < 400 {
		t.Errorf("TryShared returned several values %d times only: the test has lost its subject", runs)
	}
}

// A malformed reply takes nothing from the good ones in front of it, and its error is
// the one that Next alone returns.
func TestSharedMalformed(t *testing.T) {
	const good = "+OK\r\n$3\r\none\r\n:2\r\n-ERR three\r\n_\r\n"
	for _, bad := range []string{
		"$1\r\nab\r\n", "$01\r\na\r\n", "$-2\r\n", ":1x\r\n", "+a\nb\r\n", "-a\rb", ",1.\r\n", "#x\r\n", "_x\r\n",
		"(1a\r\n", "=5\r\nabcde\r\n", "$?\r\n;1\r\nab", "!1\r\nab", "*-2\r\n", ">0\r\n", "|0\r\n|0\r\n", ".\r\n", "x\r\n",
	} {
		data := good + bad + "+behind\r\n"
		want, wantErr := readAll(t, strings.NewReader(data), Limits{})
		if len(want) != 5 {
			t.Fatalf("%q: %d good values, %v", data, len(want), wantErr)
		}
		r := NewReader(strings.NewReader(data), Limits{})
		v, err := r.Next() // which reads
		if err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		got := []tree{treeOf(v)}
		values := make([]Value, 10)
		for _, v := range values[:r.TryShared(values)] {
			got = append(got, treeOf(v))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: values differ (-want +got):\n%s", data, diff)
		}
		for range 2 { // the first one may find the mistake, the second one knows it
			if n := r.TryShared(values); n != 0 {
				t.Errorf("%q: %d values behind a malformed reply", data, n)
			}
			if _, ok, err := r.TryNext(); ok || !cmp.Equal(err, wantErr) {
				t.Errorf("%q: error %v, want %v", data, err, wantErr)
			}
		}
		if r.Offset() != int64(len(good)) || r.Buffered() != len(data)-len(good) {
			t.Errorf("%q: Offset %d, Buffered %d", data, r.Offset(), r.Buffered())
		}
	}
}

// However many replies are taken together, they cost one allocation.
func TestSharedAllocs(t *testing.T) {
	const first = "+OK\r\n" // costs none
	for _, test := range []struct {
		replies string
		n       int
	}{
		{bulks(1, 3), 1},
		{bulks(50, 20), 50},
		{strings.Repeat("$5\r\nhello\r\n:1\r\n+text\r\n-ERR x\r\n=5\r\ntxt:x\r\n(123\r\n,1.5\r\n#t\r\n_\r\n$-1\r\n", 10), 100},
	} {
		// One read delivers all of them.
		src := readFunc(func(p []byte) (int, error) {
			if len(p) < len(first)+len(test.replies) {
				return 0, io.ErrShortBuffer
			}
			return copy(p, first) + copy(p[len(first):], test.replies), nil
		})
		r := NewReader(src, Limits{})
		values := make([]Value, 200)
		if got := testing.AllocsPerRun(100, func() {
			if _, err := r.Next(); err != nil {
				t.Fatal(err)
			}
			if n := r.TryShared(values); n != test.n {
				t.Fatalf("TryShared returned %d values, want %d", n, test.n)
			}
		}); got != 1 {
			t.Errorf("%d replies cost %v allocations, want 1", test.n, got)
		}
	}
}

// A reply that the source broke off is left to Next, which goes on with it; what
// comes behind it is for TryShared again.
func TestSharedInterrupted(t *testing.T) {
	for _, reply := range []string{
		"$5\r\nhello\r\n", "$0\r\n\r\n", "$-1\r\n", "$?\r\n;2\r\nab\r\n;0\r\n", "+text\r\n", "-ERR x\r\n", ":-12\r\n", ",1.5\r\n",
		"#t\r\n", "_\r\n", "(-123\r\n", "=5\r\ntxt:x\r\n", "!5\r\nERR x\r\n", "*2\r\n$1\r\na\r\n:1\r\n", "|1\r\n+a\r\n+b\r\n$1\r\na\r\n",
	} {
		want, err := decodeAll([]byte(reply+":7\r\n+behind\r\n"), Limits{})
		if err != io.EOF {
			t.Fatalf("%q: %v", reply, err)
		}
		for cut := 1; cut < len(reply); cut++ {
			name := fmt.Sprintf("%q + %q", reply[:cut], reply[cut:])
			r := NewReader(&script{data: reply + ":7\r\n+behind\r\n", sizes: []int{cut, 100}}, Limits{})
			values := make([]Value, 10)
			if n := r.TryShared(values); n != 0 {
				t.Fatalf("%s: %d values before the first byte", name, n)
			}
			if _, err := r.Next(); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatalf("%s: error %v, want a timeout", name, err)
			}
			if n := r.TryShared(values); n != 0 || r.Buffered() != cut || r.Offset() != 0 {
				t.Fatalf("%s: %d values of half a reply, Buffered %d, Offset %d", name, n, r.Buffered(), r.Offset())
			}
			v, err := r.Next()
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got := []tree{treeOf(v)}
			for _, v := range values[:r.TryShared(values)] {
				got = append(got, treeOf(v))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%s: values differ (-want +got):\n%s", name, diff)
			}
		}
	}
}

// TryShared stops for what is not simple, and takes nothing out of the reply around a
// push.
func TestSharedStops(t *testing.T) {
	for _, test := range []struct {
		data string
		want int // values behind the first, by TryShared
	}{
		{"+a\r\n+b\r\n>1\r\n+push\r\n+c\r\n", 1},
		{"+a\r\n+b\r\n*0\r\n+c\r\n", 1},
		{"+a\r\n+b\r\n*-1\r\n+c\r\n", 1},
		{"+a\r\n+b\r\n%0\r\n+c\r\n", 1},
		{"+a\r\n+b\r\n|1\r\n+k\r\n+v\r\n+c\r\n", 1},
		{">1\r\n+push\r\n+a\r\n+b\r\n", 2},
		// The first value is the push inside.
		{"*2\r\n>1\r\n+push\r\n:1\r\n:2\r\n+a\r\n", 0},
		{"|1\r\n>1\r\n+push\r\n:1\r\n:2\r\n:3\r\n+a\r\n", 0},
		{"*?\r\n>1\r\n+push\r\n:1\r\n.\r\n", 0},
	} {
		r := NewReader(strings.NewReader(test.data), Limits{})
		if _, err := r.Next(); err != nil {
			t.Fatalf("%q: %v", test.data, err)
		}
		if n := r.TryShared(make([]Value, 10)); n != test.want {
			t.Errorf("%q: %d values behind the first, want %d", test.data, n, test.want)
		}
	}
	// No more than there is room for.
	r := NewReader(strings.NewReader("+a\r\n+b\r\n+c\r\n+d\r\n"), Limits{})
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"", "b", "c d", ""} {
		values := make([]Value, len(strings.Fields(want)))
		n := r.TryShared(values)
		var got []string
		for _, v := range values[:n] {
			got = append(got, v.Str())
		}
		if strings.Join(got, " ") != want {
			t.Errorf("TryShared with room for %d returned %q, want %q", len(values), got, want)
		}
	}
}
