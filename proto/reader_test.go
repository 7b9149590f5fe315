package proto

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// corpus holds well-formed input: every type, nested, streamed, with attributes
// and with pushes inside.
var corpus = []string{
	"",
	"+OK\r\n+PONG\r\n+QUEUED\r\n+\r\n+other words\r\n",
	"-ERR unknown command\r\n-WRONGTYPE\r\n-\r\n-lower case\r\n",
	":0\r\n:1\r\n:-1\r\n:+5\r\n:9223372036854775807\r\n:-9223372036854775808\r\n",
	"$0\r\n\r\n$5\r\nhello\r\n$2\r\n\r\n\r\n$11\r\nhello world\r\n$-1\r\n",
	"_\r\n#t\r\n#f\r\n*-1\r\n",
	",1\r\n,1.5\r\n,-0.25\r\n,1e5\r\n,1E-05\r\n,+2.5e+10\r\n,inf\r\n,-inf\r\n,nan\r\n,-nan\r\n,NAN\r\n,+NaN\r\n,nan(0x7_F)\r\n,-nan()\r\n,1e999\r\n,-0\r\n",
	"(0\r\n(-123\r\n(+007\r\n(3492890328409238509324850943850943825024385\r\n",
	"=4\r\ntxt:\r\n=15\r\ntxt:Some string\r\n=8\r\nmkd:# \r\n\r\n",
	"!0\r\n\r\n!21\r\nSYNTAX invalid syntax\r\n",
	"*0\r\n~0\r\n%0\r\n",
	"*3\r\n:1\r\n$3\r\ntwo\r\n+three\r\n",
	"*4\r\n*0\r\n*-1\r\n*1\r\n*2\r\n$-1\r\n_\r\n%1\r\n+k\r\n~2\r\n#t\r\n,2.5\r\n:1\r\n",
	"%2\r\n$1\r\na\r\n:1\r\n$1\r\nb\r\n*2\r\n:2\r\n:3\r\n~3\r\n+a\r\n+b\r\n(12\r\n",
	">3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nhello\r\n:1\r\n",
	// What Redis 7.0 sends when EXEC publishes to its own connection.
	"*1\r\n>3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n:1\r\n",
	// Pushes at every place in a reply.
	"*2\r\n>1\r\n+a\r\n*2\r\n>1\r\n+b\r\n:1\r\n>1\r\n+c\r\n:2\r\n>1\r\n+d\r\n:3\r\n>1\r\n+e\r\n",
	// Attributes at top level, nested, empty, in attributes, and with pushes.
	"|1\r\n+key-popularity\r\n%2\r\n$1\r\na\r\n,0.1923\r\n$1\r\nb\r\n,0.0012\r\n*2\r\n:2039123\r\n:9543892\r\n",
	"*3\r\n:1\r\n:2\r\n|1\r\n+ttl\r\n:3600\r\n:3\r\n",
	"|0\r\n$2\r\nhi\r\n|1\r\n|1\r\n:1\r\n:2\r\n:3\r\n:4\r\n_\r\n|1\r\n:1\r\n:2\r\n=5\r\ntxt:x\r\n",
	"|1\r\n:1\r\n:2\r\n#t\r\n|1\r\n:1\r\n:2\r\n,1.5\r\n|1\r\n:1\r\n:2\r\n:7\r\n|1\r\n:1\r\n:2\r\n-ERR x\r\n|1\r\n:1\r\n:2\r\n%1\r\n:1\r\n:2\r\n",
	"|1\r\n+a\r\n+b\r\n>1\r\n+push\r\n*1\r\n|1\r\n+a\r\n+b\r\n>1\r\n+push\r\n:1\r\n",
	"|1\r\n>1\r\n+p\r\n+a\r\n>2\r\n+p\r\n+q\r\n+b\r\n>1\r\n+r\r\n|1\r\n>1\r\n+p\r\n:1\r\n:2\r\n*1\r\n|1\r\n>1\r\n+s\r\n:1\r\n:2\r\n:3\r\n",
	// Streamed.
	"$?\r\n;0\r\n$?\r\n;4\r\nHell\r\n;5\r\no wor\r\n;1\r\nd\r\n;0\r\n",
	"*?\r\n.\r\n~?\r\n.\r\n%?\r\n.\r\n*?\r\n:1\r\n*?\r\n:2\r\n.\r\n%?\r\n:1\r\n:2\r\n:3\r\n$?\r\n;1\r\nx\r\n;0\r\n.\r\n:4\r\n.\r\n:5\r\n",
	"*?\r\n>1\r\n+a\r\n:1\r\n>1\r\n+b\r\n.\r\n%?\r\n>1\r\n+a\r\n:1\r\n>1\r\n+b\r\n:2\r\n>1\r\n+c\r\n.\r\n",
	"*1\r\n|1\r\n:1\r\n$?\r\n;2\r\nab\r\n;0\r\n*?\r\n|1\r\n:1\r\n:2\r\n$?\r\n;1\r\nx\r\n;0\r\n.\r\n",
	">2\r\n+a\r\n*?\r\n+b\r\n.\r\n*1\r\n$?\r\n;1\r\nz\r\n;0\r\n",
	strings.Repeat("*1\r\n", 128) + ":1\r\n",
	strings.Repeat("*2\r\n:1\r\n", 20) + ":1\r\n",
}

// bigCorpus holds input that does not fit the read buffer.
var bigCorpus = []string{
	bulks(1, 70<<10) + "+OK\r\n",
	bulks(1, 300<<10) + bulks(1, 1<<20) + bulks(1, 2<<20) + ":1\r\n",
	"*1000\r\n" + bulks(1000, 300) + "*2\r\n" + bulks(1, 100<<10) + bulks(1, 10),
	"$?\r\n" + strings.Repeat(";1000\r\n"+strings.Repeat("y", 1000)+"\r\n", 200) + ";0\r\n+OK\r\n",
	"-" + strings.Repeat("e", 1<<20) + "\r\n+" + strings.Repeat("s", 64<<10) + "\r\n",
	"(" + strings.Repeat("7", 10_000) + "\r\n",
	// A large push inside a large reply, and small pushes.
	"*4\r\n" + bulks(1, 100<<10) + ">2\r\n" + bulks(2, 200<<10) + bulks(1, 10) +
		strings.Repeat(">1\r\n+x\r\n", 3000) + bulks(1, 1<<10) + ">2\r\n" + bulks(2, 50<<10) + ":1\r\n+OK\r\n",
	"|1\r\n" + bulks(2, 100<<10) + bulks(1, 900<<10) + "|1\r\n" + bulks(2, 40<<10) + "*3\r\n" + bulks(3, 40<<10),
	"%?\r\n" + bulks(600, 500) + ".\r\n~30000\r\n" + strings.Repeat("#t\r\n", 30000),
}

// script is a source that delivers data in pieces of the given sizes, the last
// size again and again. Between two pieces it fails once with a timeout.
type script struct {
	data  string
	sizes []int
	due   bool
	read  int64
}

func (s *script) Read(p []byte) (int, error) {
	if s.due = !s.due; !s.due {
		return 0, os.ErrDeadlineExceeded
	}
	if s.data == "" {
		return 0, io.EOF
	}
	n := min(s.sizes[0], len(p), len(s.data))
	copy(p, s.data[:n])
	s.data = s.data[n:]
	s.read += int64(n)
	if s.sizes[0] -= n; s.sizes[0] == 0 && len(s.sizes) > 1 {
		s.sizes = s.sizes[1:]
	} else if len(s.sizes) == 1 {
		s.sizes[0] += n
	}
	return n, nil
}

// readAll returns the values from src and the error that ended it, which is no
// timeout.
func readAll(t *testing.T, src io.Reader, limits Limits) ([]tree, error) {
	t.Helper()
	var values []tree
	r := NewReader(src, limits)
	for {
		v, err := r.Next()
		if s, ok := src.(*script); ok {
			if got := r.Offset() + int64(r.Buffered()); got != s.read {
				t.Fatalf("Offset %d and Buffered %d are not the %d bytes read", r.Offset(), r.Buffered(), s.read)
			}
		}
		switch {
		case err == nil:
			values = append(values, treeOf(v))
		case !errors.Is(err, os.ErrDeadlineExceeded):
			if again, err2 := r.Next(); err != err2 && !errors.Is(err2, os.ErrDeadlineExceeded) || !again.IsNull() {
				t.Fatalf("after %v Next returned %v, %v", err, again.Kind(), err2)
			}
			return values, err
		}
		r.Shrink()
	}
}

// check reads src and compares with what the slow decoder makes of data.
func check(t *testing.T, name, data string, src io.Reader, limits Limits) {
	t.Helper()
	want, wantErr := decodeAll([]byte(data), limits)
	checkAgainst(t, name, want, wantErr, src, limits)
}

func checkAgainst(t *testing.T, name string, want []tree, wantErr error, src io.Reader, limits Limits) {
	t.Helper()
	got, err := readAll(t, src, limits)
	compare(t, name, want, wantErr, got, err)
}

// compare fails the test where values, or what ended them, are not those wanted.
func compare(t *testing.T, name string, want []tree, wantErr error, got []tree, err error) {
	t.Helper()
	// cmp takes time exponential in the depth: it is only for the report.
	if !reflect.DeepEqual(want, got) {
		diff := cmp.Diff(fmt.Sprintf("%+v", want), fmt.Sprintf("%+v", got))
		t.Fatalf("%s: values differ (-want +got):\n%.2000s", name, diff)
	}
	var protocol, wantProtocol *ProtocolError
	if errors.As(wantErr, &wantProtocol) {
		if !errors.As(err, &protocol) || protocol.Offset != wantProtocol.Offset {
			t.Fatalf("%s: error %v, want one at byte %d", name, err, wantProtocol.Offset)
		}
	} else if err != wantErr {
		t.Fatalf("%s: error %v, want %v", name, err, wantErr)
	}
}

// TestSplits delivers the corpus in two pieces, cut at every byte, and byte by
// byte, with a timeout in between.
func TestSplits(t *testing.T) {
	for i, data := range corpus {
		want, err := decodeAll([]byte(data), Limits{})
		if err != io.EOF {
			t.Fatalf("corpus %d: %v", i, err)
		}
		checkAgainst(t, fmt.Sprintf("%q", data), want, err, strings.NewReader(data), Limits{})
		for cut := range len(data) {
			src := &script{data: data, sizes: []int{cut + 1, len(data)}}
			checkAgainst(t, fmt.Sprintf("%q + %q", data[:cut], data[cut:]), want, err, src, Limits{})
		}
		checkAgainst(t, fmt.Sprintf("%q by bytes", data), want, err, &script{data: data, sizes: []int{1}}, Limits{})
	}
}

// TestSplitsBig delivers large replies in pieces of random sizes.
func TestSplitsBig(t *testing.T) {
	for i, data := range bigCorpus {
		want, err := decodeAll([]byte(data), Limits{})
		if err != io.EOF {
			t.Fatalf("big corpus %d: %v", i, err)
		}
		name := fmt.Sprintf("big corpus %d", i)
		checkAgainst(t, name, want, err, strings.NewReader(data), Limits{})
		checkAgainst(t, name, want, err, iotest.DataErrReader(strings.NewReader(data)), Limits{})
		for range 5 {
			var sizes []int
			for range 100 {
				sizes = append(sizes, 1+rand.IntN(1<<rand.IntN(17)))
			}
			name := fmt.Sprintf("big corpus %d in pieces of %v", i, sizes)
			sizes = append(sizes, 50_000)
			checkAgainst(t, name, want, err, &script{data: data, sizes: slices.Clone(sizes)}, Limits{})
			checkMixed(t, name, want, err, rand.Uint64(), &script{data: data, sizes: sizes}, Limits{})
		}
	}
}

// TestTruncated ends the corpus at every byte.
func TestTruncated(t *testing.T) {
	for _, data := range corpus {
		for end := range len(data) {
			check(t, fmt.Sprintf("%q", data[:end]), data[:end], strings.NewReader(data[:end]), Limits{})
			check(t, fmt.Sprintf("%q with EOF", data[:end]), data[:end], iotest.DataErrReader(strings.NewReader(data[:end])), Limits{})
		}
	}
}

// TestMutated changes the corpus at random and compares with the slow decoder.
func TestMutated(t *testing.T) {
	const alphabet = "$*:+-(,#_%~>|=!;.?0123456789\r\nabtfinxe "
	tight := Limits{MaxBulk: 12, MaxDepth: 3, MaxElements: 4, MaxLine: 6, MaxErrorLine: 8, MaxBigNumber: 5}
	for range 6_000 {
		data := []byte(corpus[rand.IntN(len(corpus))])
		if len(data) == 0 {
			continue
		}
		for range 1 + rand.IntN(3) {
			at := rand.IntN(len(data))
			switch c := alphabet[rand.IntN(len(alphabet))]; rand.IntN(4) {
			case 0:
				data[at] = c
			case 1:
				data = append(data[:at], append([]byte{c}, data[at:]...)...)
			case 2:
				data = append(data[:at:at], data[min(at+1, len(data)-1):]...)
			case 3:
				other := corpus[rand.IntN(len(corpus))]
				data = append(data[:at:at], append([]byte(other[:rand.IntN(len(other)+1)]), data[at:]...)...)
			}
		}
		for _, limits := range []Limits{{}, tight} {
			name := fmt.Sprintf("%q", data)
			check(t, name, string(data), bytes.NewReader(data), limits)
			want, wantErr := decodeAll(data, limits)
			size := 1 + rand.IntN(5)
			checkAgainst(t, name, want, wantErr, &script{data: string(data), sizes: []int{size}}, limits)
			checkMixed(t, name, want, wantErr, rand.Uint64(), &script{data: string(data), sizes: []int{10 * size}}, limits)
		}
	}
}

// generate returns random well-formed values, with pushes between them.
func generate(rnd *rand.Rand, depth int) string {
	var b strings.Builder
	many := func(n int) string {
		var b strings.Builder
		for range n {
			if rnd.IntN(12) == 0 {
				fmt.Fprintf(&b, ">1\r\n%s", generate(rnd, 0)) // which has no push in it
			}
			b.WriteString(generate(rnd, depth-1))
		}
		return b.String()
	}
	if rnd.IntN(15) == 0 && depth > 0 {
		n := rnd.IntN(3)
		fmt.Fprintf(&b, "|%d\r\n%s", n, many(2*n))
	}
	choice := rnd.IntN(17)
	if depth <= 0 {
		choice = rnd.IntN(11)
	}
	n := rnd.IntN(5)
	if rnd.IntN(50) == 0 {
		n = rnd.IntN(300)
	}
	text := strings.Repeat("\r\nx", n)
	switch choice {
	case 0, 1:
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(text), text)
	case 2:
		fmt.Fprintf(&b, ":%d\r\n", rnd.Int64()-rnd.Int64())
	case 3:
		b.WriteString("+" + strings.Repeat("s", n) + "\r\n")
	case 4:
		b.WriteString("-ERR" + strings.Repeat(" e", n) + "\r\n")
	case 5:
		fmt.Fprintf(&b, ",%v\r\n", rnd.NormFloat64())
	case 6:
		fmt.Fprintf(&b, "=%d\r\ntxt:%s\r\n", 4+len(text), text)
	case 7:
		fmt.Fprintf(&b, "!%d\r\n%s\r\n", len(text), text)
	case 8:
		fmt.Fprintf(&b, "(%d%d\r\n", rnd.Int64(), rnd.Uint64())
	case 9:
		b.WriteString([]string{"#t\r\n", "#f\r\n", "_\r\n", "$-1\r\n", "*-1\r\n"}[rnd.IntN(5)])
	case 10:
		b.WriteString("$?\r\n" + strings.Repeat(";3\r\nabc\r\n", n) + ";0\r\n")
	case 11:
		fmt.Fprintf(&b, "~%d\r\n%s", n, many(n))
	case 12:
		fmt.Fprintf(&b, "%%%d\r\n%s", n, many(2*n))
	case 13:
		b.WriteString("*?\r\n" + many(n) + ".\r\n")
	case 14:
		b.WriteString("%?\r\n" + many(2*n) + ".\r\n")
	default:
		fmt.Fprintf(&b, "*%d\r\n%s", n, many(n))
	}
	return b.String()
}

func TestGenerated(t *testing.T) {
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		data := generate(rnd, 4) + generate(rnd, 3)
		want, err := decodeAll([]byte(data), Limits{})
		if err != io.EOF {
			t.Fatalf("%q: %v", data, err)
		}
		checkAgainst(t, fmt.Sprintf("%q", data), want, err, strings.NewReader(data), Limits{})
		if len(data) < 20_000 {
			src := &script{data: data, sizes: []int{1 + rnd.IntN(20)}}
			checkAgainst(t, fmt.Sprintf("%q", data), want, err, src, Limits{})
		}
	}
}

func TestProtocolErrors(t *testing.T) {
	long := strings.Repeat("x", 70<<10)
	for _, test := range []struct{ data, want string }{
		// Lengths and integers.
		{"$-2\r\n", "bulk length at byte 0: negative"},
		{"$-10\r\n", "bulk length at byte 0: negative"},
		{"$+5\r\nhello\r\n", "bulk length at byte 1: not a digit"},
		{"$0x5\r\nhello\r\n", "bulk length at byte 2: not a digit"},
		{"$1_0\r\n", "bulk length at byte 2: not a digit"},
		{"$ 5\r\n", "bulk length at byte 1: not a digit"},
		{"$5 \r\n", "bulk length at byte 2: not a digit"},
		{"$05\r\n", "bulk length at byte 2: leading zero"},
		{"$00\r\n", "bulk length at byte 2: leading zero"},
		{"$-0\r\n", "bulk length at byte 2: minus zero"},
		{"$\r\n", "bulk length at byte 1: no digits"},
		{"$-\r\n", "bulk length at byte 2: no digits"},
		{"$5\n", "bulk length at byte 2: LF without CR"},
		{"$5\rx", "bulk length at byte 3: CR without LF"},
		{"$536870913\r\n", "bulk length at byte 0: 536870913 bytes, over the limit of 536870912 (Limits.MaxBulk)"},
		{"$9223372036854775808\r\n", "bulk length at byte 19: number out of range"},
		{"$18446744073709551621\r\n", "bulk length at byte 20: number out of range"},
		{":\r\n", "integer at byte 1: no digits"},
		{":+\r\n", "integer at byte 2: no digits"},
		{":-0\r\n", "integer at byte 2: minus zero"},
		{":007\r\n", "integer at byte 2: leading zero"},
		{":+05\r\n", "integer at byte 3: leading zero"},
		{":0x1F\r\n", "integer at byte 2: not a digit"},
		{":1_000\r\n", "integer at byte 2: not a digit"},
		{":9223372036854775808\r\n", "integer at byte 19: number out of range"},
		{":-9223372036854775809\r\n", "integer at byte 20: number out of range"},
		{":--1\r\n", "integer at byte 2: not a digit"},
		{":1.5\r\n", "integer at byte 2: not a digit"},
		// Bodies.
		{"$5\r\nhelloworld\r\n", "bulk string at byte 9: CR LF missing at its end"},
		{"$5\r\nhello\n", "bulk string at byte 9: LF without CR"},
		{"$5\r\nhello\r\r", "bulk string at byte 10: CR without LF"},
		{"=3\r\ntxt\r\n", "verbatim string length at byte 0: shorter than its format"},
		{"=-1\r\n", "verbatim string length at byte 0: negative"},
		{"=5\r\nabcde\r\n", "verbatim string at byte 7: no colon behind its format"},
		{"=5\r\ntxt:xyz", "verbatim string at byte 9: CR LF missing at its end"},
		{"=?\r\n", "verbatim string length at byte 1: can't be streamed"},
		{"!-1\r\n", "blob error length at byte 0: negative"},
		{"!?\r\n", "blob error length at byte 1: can't be streamed"},
		{"!1\r\nab", "blob error at byte 5: CR LF missing at its end"},
		// Streamed strings.
		{"$?x", "bulk length at byte 2: CR LF missing at its end"},
		{"$?\r\n$1\r\n", "chunk length at byte 4: a streamed string without its end"},
		{"$?\r\n;-1\r\n", "chunk length at byte 4: negative"},
		{"$?\r\n;1\r\nab", "chunk at byte 9: CR LF missing at its end"},
		{"$?\r\n;536870912\r", "end"},
		{"$?\r\n;1\r\nx\r\n;536870912\r\n", "chunk length at byte 11: over the limit of 536870912 (Limits.MaxBulk)"},
		{";1\r\nx\r\n", "chunk length at byte 0: outside a streamed string"},
		{"*1\r\n;0\r\n", "chunk length at byte 4: outside a streamed string"},
		// Aggregates.
		{"*-2\r\n", "array header at byte 0: negative"},
		{"~-1\r\n", "set header at byte 0: negative"},
		{"%-1\r\n", "map header at byte 0: negative"},
		{">-1\r\n", "push header at byte 0: negative"},
		{"|-1\r\n", "attribute header at byte 0: negative"},
		{">0\r\n", "push header at byte 0: a push without its kind"},
		{">?\r\n", "push header at byte 1: can't be streamed"},
		{"|?\r\n", "attribute header at byte 1: can't be streamed"},
		{">1\r\n>1\r\n+a\r\n", "push header at byte 4: a push inside a push"},
		{">2\r\n*1\r\n|1\r\n>1\r\n", "push header at byte 12: a push inside a push"},
		{"*1\r\n>1\r\n*?\r\n>1\r\n", "push header at byte 12: a push inside a push"},
		{"*1048577\r\n", "array header at byte 0: 1048577 elements, over the limit of 1048576 (Limits.MaxElements)"},
		{"%524289\r\n", "map header at byte 0: 1048578 elements, over the limit of 1048576 (Limits.MaxElements)"},
		{"|524289\r\n", "attribute header at byte 0: 1048578 elements, over the limit of 1048576 (Limits.MaxElements)"},
		{"*+1\r\n", "array header at byte 1: not a digit"},
		{".\r\n", "end mark at byte 0: outside a streamed aggregate"},
		{"*1\r\n.\r\n", "end mark at byte 4: outside a streamed aggregate"},
		{"*?\r\n*1\r\n.\r\n", "end mark at byte 8: outside a streamed aggregate"},
		{"*?\r\n.x", "end mark at byte 5: CR LF missing at its end"},
		{"%?\r\n:1\r\n.\r\n", "end mark at byte 8: a key without a value"},
		{"*?\r\n|0\r\n.\r\n", "end mark at byte 8: attributes without a value"},
		{"|0\r\n|0\r\n", "attribute header at byte 4: attributes behind attributes"},
		{strings.Repeat("*1\r\n", 129), "array header at byte 512: nested too deep, over the limit of 128 (Limits.MaxDepth)"},
		{strings.Repeat("*?\r\n", 129), "array header at byte 512: nested too deep, over the limit of 128 (Limits.MaxDepth)"},
		{strings.Repeat("|1\r\n", 129), "attribute header at byte 512: nested too deep, over the limit of 128 (Limits.MaxDepth)"},
		// Lines.
		{"+a\nb\r\n", "simple string at byte 2: LF without CR"},
		{"+a\rb\r\n", "simple string at byte 3: CR without LF"},
		{"-a\r\r\n", "error at byte 3: CR without LF"},
		{"+" + long, "simple string at byte 65537: over the limit of 65536 (Limits.MaxLine)"},
		{"-" + strings.Repeat(long, 20), "error at byte 1048577: over the limit of 1048576 (Limits.MaxErrorLine)"},
		{"_x\r\n", "null at byte 1: CR LF missing at its end"},
		{"_\n", "null at byte 1: LF without CR"},
		{"#x\r\n", "boolean at byte 1: neither t nor f"},
		{"#T\r\n", "boolean at byte 1: neither t nor f"},
		{"#true\r\n", "boolean at byte 2: CR LF missing at its end"},
		// Doubles and big numbers.
		{",\r\n", "double at byte 0: not a number"},
		{",.5\r\n", "double at byte 0: not a number"},
		{",1.\r\n", "double at byte 0: not a number"},
		{",1e\r\n", "double at byte 0: not a number"},
		{",0x1p-2\r\n", "double at byte 0: not a number"},
		{",1_0\r\n", "double at byte 0: not a number"},
		{",+inf\r\n", "double at byte 0: not a number"},
		{",Infinity\r\n", "double at byte 0: not a number"},
		{",nano\r\n", "double at byte 0: not a number"},
		{",nan(\r\n", "double at byte 0: not a number"},
		{",nan(a-b)\r\n", "double at byte 0: not a number"},
		{",1\n,\r\n", "double at byte 2: LF without CR"},
		{",1.5\n", "double at byte 4: LF without CR"},
		{",1\rx", "double at byte 3: CR without LF"},
		{"," + strings.Repeat("1", 513), "double at byte 0: longer than 512 bytes"},
		{"(\r\n", "big number at byte 1: no digits"},
		{"(-\r\n", "big number at byte 2: no digits"},
		{"(--1\r\n", "big number at byte 2: not a digit"},
		{"(1a\r\n", "big number at byte 2: not a digit"},
		{"(1\n", "big number at byte 2: LF without CR"},
		{"(-" + strings.Repeat("1", 10_001), "big number at byte 10002: over the limit of 10000 (Limits.MaxBigNumber)"},
		// What is no RESP at all.
		{"x", "reply at byte 0: unknown type"},
		{"\r\n", "reply at byte 0: unknown type"},
		{"+OK\r\n\r\n", "reply at byte 5: unknown type"},
		{"HTTP/1.1 400 Bad Request\r\n", "reply at byte 0: this is an HTTP server"},
		{"HTTP/2", "reply at byte 0: unknown type"},
		{"+OK\r\nHTTP/1.1", "reply at byte 5: unknown type"},
		{"\x15\x03\x01\x00\x02\x02\x16", "reply at byte 0: this is TLS: use rediss://"},
	} {
		_, err := readAll(t, strings.NewReader(test.data), Limits{})
		if test.want == "end" {
			if err != io.ErrUnexpectedEOF {
				t.Errorf("%.50q: error %v, want %v", test.data, err, io.ErrUnexpectedEOF)
			}
			continue
		}
		if want := "proto: bad " + test.want; err.Error() != want {
			t.Errorf("%.50q: error %q, want %q", test.data, err, want)
		}
		if len(test.data) > 1000 {
			continue
		}
		// Whatever the pieces, the error is the same.
		if _, other := readAll(t, &script{data: test.data, sizes: []int{1}}, Limits{}); !cmp.Equal(err, other) {
			t.Errorf("%.50q by bytes: error %q, want %q", test.data, other, err)
		}
	}
}

// TestErrorBeforeEnd expects an error as soon as the byte at fault is there,
// while the source would still wait for more.
func TestErrorBeforeEnd(t *testing.T) {
	for _, data := range []string{"$-2\r\n", "$12a", "*1048577\r\n", "+a\n", "(1a", "$99999999999999999999", ",\r", "x", ">0\r\n", ",1.5\n", ">1\r\n>1\r\n"} {
		r := NewReader(&script{data: data, sizes: []int{100}}, Limits{})
		_, err := r.Next()
		if protocol := (*ProtocolError)(nil); !errors.As(err, &protocol) {
			t.Errorf("%q: error %v, want a ProtocolError", data, err)
		}
	}
}

func TestLimits(t *testing.T) {
	limits := Limits{MaxBulk: 10, MaxDepth: 2, MaxElements: 3, MaxLine: 4, MaxErrorLine: 6, MaxBigNumber: 3}
	for _, test := range []struct {
		data string
		ok   bool
	}{
		{bulks(1, 10), true},
		{bulks(1, 11), false},
		{"!11\r\n", false},
		{"=11\r\n", false},
		{"$?\r\n;6\r\nabcdef\r\n;4\r\nabcd\r\n;0\r\n", true},
		{"$?\r\n;6\r\nabcdef\r\n;5\r\nabcde\r\n;0\r\n", false},
		{"*1\r\n*1\r\n:1\r\n", true},
		{"*1\r\n*1\r\n*0\r\n", false},
		{"*3\r\n:1\r\n:1\r\n:1\r\n", true},
		{"*4\r\n", false},
		{"%1\r\n:1\r\n:1\r\n", true},
		{"%2\r\n", false},
		{"*?\r\n:1\r\n:1\r\n:1\r\n.\r\n", true},
		{"*?\r\n:1\r\n:1\r\n:1\r\n>1\r\n+p\r\n|0\r\n>1\r\n+p\r\n.\r\n", true},
		{"*?\r\n:1\r\n:1\r\n:1\r\n:1\r\n.\r\n", false},
		{"*?\r\n:1\r\n:1\r\n:1\r\n|0\r\n:1\r\n.\r\n", false},
		{"+abcd\r\n", true},
		{"+abcde\r\n", false},
		{"-abcdef\r\n", true},
		{"-abcdefg\r\n", false},
		{"(-123\r\n", true},
		{"(1234\r\n", false},
		{"|1\r\n+\r\n+\r\n:1\r\n", true},
		{"|1\r\n+\r\n+x\r\n:1\r\n", false},
	} {
		for _, src := range []io.Reader{strings.NewReader(test.data), iotest.OneByteReader(strings.NewReader(test.data))} {
			if _, err := readAll(t, src, limits); (err == io.EOF) != test.ok {
				t.Errorf("%q: error %v, want accepted: %v", test.data, err, test.ok)
			}
		}
	}
	if got, want := (Limits{MaxDepth: -1, MaxLine: 7}).withDefaults(), (Limits{
		MaxBulk: 512 << 20, MaxDepth: 128, MaxElements: 1 << 20, MaxLine: 7, MaxErrorLine: 1 << 20, MaxBigNumber: 10_000,
	}); got != want {
		t.Errorf("defaults are %+v, want %+v", got, want)
	}
}

// readFunc is a source made of a function.
type readFunc func(p []byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

func TestSources(t *testing.T) {
	t.Run("nothing and no error", func(t *testing.T) {
		r := NewReader(readFunc(func([]byte) (int, error) { return 0, nil }), Limits{})
		if _, err := r.Next(); err != io.ErrNoProgress {
			t.Errorf("error %v, want %v", err, io.ErrNoProgress)
		}
	})
	t.Run("impossible count", func(t *testing.T) {
		for _, n := range []int{-1, 1 << 30} {
			r := NewReader(readFunc(func([]byte) (int, error) { return n, nil }), Limits{})
			if _, err := r.Next(); err != errBadRead {
				t.Errorf("count %d: error %v, want %v", n, err, errBadRead)
			}
		}
	})
	t.Run("bytes with an error", func(t *testing.T) {
		broken := errors.New("broken")
		first := true
		r := NewReader(readFunc(func(p []byte) (int, error) {
			if !first {
				return 0, io.EOF
			}
			first = false
			return copy(p, "+OK\r\n:12"), broken
		}), Limits{})
		if v, err := r.Next(); err != nil || v.Str() != "OK" {
			t.Errorf("first Next returned %q, %v", v.Str(), err)
		}
		for _, want := range []error{broken, io.ErrUnexpectedEOF, io.ErrUnexpectedEOF} {
			if _, err := r.Next(); err != want {
				t.Errorf("Next returned error %v, want %v", err, want)
			}
		}
		if r.Offset() != 5 || r.Buffered() != 3 {
			t.Errorf("Offset %d, Buffered %d, want 5 and 3", r.Offset(), r.Buffered())
		}
	})
}

// TestBuffer watches the read buffer grow with the traffic, shrink after it, and
// go away when it is told to.
func TestBuffer(t *testing.T) {
	light := false // one reply at a time
	src := &endless{data: []byte(bulks(1, 90))}
	r := NewReader(readFunc(func(p []byte) (int, error) {
		if light {
			p = p[:min(len(p), len(src.data)-src.at)]
		}
		return src.Read(p)
	}), Limits{})
	next := func(n int) {
		t.Helper()
		for range n {
			if _, err := r.Next(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(r.buf) != 0 {
		t.Errorf("%d bytes before the first read", len(r.buf))
	}
	next(1)
	if len(r.buf) != minBuffer {
		t.Errorf("%d bytes for the first read, want %d", len(r.buf), minBuffer)
	}
	next(10_000)
	if len(r.buf) != maxBuffer {
		t.Errorf("%d bytes in heavy traffic, want %d", len(r.buf), maxBuffer)
	}
	light = true
	next(10_000)
	if len(r.buf) != minBuffer {
		t.Errorf("%d bytes in light traffic, want %d", len(r.buf), minBuffer)
	}
	for r.Buffered() > 0 {
		next(1)
	}
	r.Shrink()
	if len(r.buf) > minBuffer {
		t.Errorf("%d bytes after Shrink", len(r.buf))
	}
	next(10)
}

// With limits that bound nothing, a length that no memory can hold was a panic once its
// string did not fit the buffer.
func TestLongestLength(t *testing.T) {
	for _, head := range []string{"$", "!", "=", "$?\r\n;"} {
		data := head + "9223372036854775807\r\ntxt:" + strings.Repeat("x", 1<<20)
		_, err := readAll(t, strings.NewReader(data), Limits{MaxBulk: math.MaxInt})
		if err != io.ErrUnexpectedEOF {
			t.Errorf("%q: %v", head, err)
		}
	}
}

// The smallest limit of elements is a limit like others.
func TestLimitOfOneElement(t *testing.T) {
	for _, text := range []string{"%1\r\n+a\r\n+b\r\n", "|1\r\n+a\r\n+b\r\n+c\r\n", "*2\r\n+a\r\n+b\r\n"} {
		_, err := NewReader(strings.NewReader(text), Limits{MaxElements: 1}).Next()
		if err == nil || !strings.Contains(err.Error(), "Limits.MaxElements") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
