package proto

import (
	"fmt"
	"strings"
	"testing"
	"testing/iotest"
)

// TestBulkRuns holds the quick way for runs of bulk strings, which takes them when
// they are there as a whole, against the slow decoder and against the same bytes one
// at a time, where it takes none. Every stream is cut off at every byte.
func TestBulkRuns(t *testing.T) {
	elements := []string{
		"$1\r\na\r\n", "$0\r\n\r\n", bulks(1, 9), bulks(1, 10), bulks(1, 11), "$2\r\n\r\n\r\n",
		// Lengths.
		"$01\r\na\r\n", "$00\r\n\r\n", "$-1\r\n", "$-2\r\n", "$+1\r\na\r\n", "$\r\n\r\n\r\n", "$:\r\n", "$/\r\n", "$1:\r\na\r\n", "$1/\r\na\r\n",
		// With as many bytes as the number would be, were the neighbors of the digits such.
		"$:\r\n0123456789\r\n", "$1:\r\n01234567890123456789\r\n", "$1/\r\n012345678\r\n",
		"$12345\r\na\r\n", "$123456\r\na\r\n", "$1234567890123456789\r\n", "$99999999999999999999\r\n", "$18446744073709551617\r\na\r\n",
		// Ends of lines.
		"$1\n\r\na\r\n", "$1\rxa\r\n", "$1\r\r\na\r\n", "$1\r\na\n\r", "$1\r\na\rx", "$1\r\nab\r\n", "$2\r\na\r\n", "$1\r\na\r\r\n", "$1\r\na\n",
		// What is none, and what may stand around it.
		":1\r\n", "+a\r\n", "_\r\n", "*2\r\n$1\r\nx\r\n$1\r\ny\r\n", "$?\r\n;1\r\na\r\n;0\r\n", "=5\r\ntxt:a\r\n", "x",
		"|1\r\n+k\r\n+v\r\n$1\r\na\r\n", "|1\r\n$1\r\nk\r\n$1\r\nv\r\n$1\r\na\r\n", "|0\r\n|0\r\n$1\r\na\r\n",
		">2\r\n$1\r\np\r\n$1\r\nq\r\n$1\r\na\r\n", "|1\r\n$1\r\nk\r\n$1\r\nv\r\n>2\r\n$1\r\np\r\n$1\r\nq\r\n$1\r\na\r\n",
	}
	around := []struct {
		name, head string
		n          int
	}{
		{"array", "*3\r\n", 3},
		{"map", "%2\r\n", 4},
		{"attributes", "|1\r\n", 2},
		{"streamed array", "*?\r\n", 3},
	}
	for _, limits := range []Limits{{}, {MaxBulk: 10}} {
		for _, around := range around {
			for _, element := range elements {
				for place := range around.n {
					all := make([]string, around.n)
					for i := range all {
						all[i] = fmt.Sprintf("$1\r\n%d\r\n", i)
					}
					all[place] = element
					sameInOneByteReads(t, around.head+strings.Join(all, "")+"$1\r\nz\r\n:7\r\n", limits)
				}
			}
		}
	}
}

// sameInOneByteReads cuts data off at every byte and fails the test where it comes to
// something else at once than by single bytes.
func sameInOneByteReads(t *testing.T, data string, limits Limits) {
	t.Helper()
	for end := 1; end <= len(data); end++ {
		data := data[:end]
		check(t, fmt.Sprintf("%q", data), data, strings.NewReader(data), limits)
		bytewise := NewReader(iotest.OneByteReader(strings.NewReader(data)), limits)
		whole := NewReader(strings.NewReader(data), limits)
		for {
			_, want := bytewise.Next()
			_, err := whole.Next()
			// Not the offset alone, by which the slow decoder is compared.
			if fmt.Sprint(err) != fmt.Sprint(want) || whole.Offset() != bytewise.Offset() {
				t.Fatalf("%q: error %v at offset %d, by single bytes %v at %d", data, err, whole.Offset(), want, bytewise.Offset())
			}
			if err != nil {
				break
			}
		}
	}
}

// TestBulkRunsLong is TestBulkRuns for bodies around the longest that the quick way
// takes, of five digits, which are too long to be cut off at every byte.
func TestBulkRunsLong(t *testing.T) {
	for _, size := range []int{999, 1000, 9_999, 10_000, 20_000, 99_999, 100_000} {
		for _, limits := range []Limits{{}, {MaxBulk: size}, {MaxBulk: size - 1}} {
			data := "*4\r\n$1\r\na\r\n" + bulks(2, size) + "$1\r\nb\r\n+OK\r\n"
			name := fmt.Sprintf("%d bytes, limit %d", size, limits.MaxBulk)
			check(t, name, data, strings.NewReader(data), limits)
			for _, end := range []int{len(data) - 1, len(data) - 12, len(data) - 13, len(data) - 14, len(data) - 15, size, size + 20} {
				check(t, name, data[:end], strings.NewReader(data[:end]), limits)
			}
		}
	}
}

// TestBulks looks at what the quick way takes: leaving it all to the slow one would
// be right, and slow.
func TestBulks(t *testing.T) {
	const a, b, c = "$1\r\na\r\n", "$2\r\nbc\r\n", "$0\r\n\r\n"
	long := bulks(1, 10_000)
	for _, test := range []struct {
		data string
		left int
		want string // what it takes
		then int    // how many are left then
	}{
		{a + b + c, 4, a + b + c, 1},
		{a + b + c, 3, a + b, 1}, // the last one ends the aggregate
		{a + b + c, 9, a + b + c, 6},
		{long + a, 9, long + a, 7},
		{bulks(1, 99_999) + a, 9, bulks(1, 99_999) + a, 7},
		{a + bulks(1, 100_000), 9, a, 8},
		{a + ":1\r\n" + b, 9, a, 8},
		{a + b[:len(b)-1], 9, a, 8},
		{a + "$", 9, a, 8},
		{a + "$01\r\nx\r\n", 9, a, 8},
		{a + "$1\r\nxy\r\n", 9, a, 8},
		{":1\r\n" + a, 9, "", 9},
		{a, 1, "", 1},
		{bulks(1, 20_000) + bulks(1, 20_001) + a, 9, bulks(1, 20_000), 8}, // the limit
	} {
		limits := Limits{}
		if strings.HasPrefix(test.data, "$20000") {
			limits.MaxBulk = 20_000
		}
		s := newScanner(limits)
		s.frame = frame{left: test.left, mark: '*'}
		s.attributed = true
		n := s.bulks([]byte(test.data))
		if n != len(test.want) || s.frame.left != test.then {
			t.Errorf("%.40q, %d left: took %d bytes and left %d, want %d and %d", test.data, test.left, n, s.frame.left, len(test.want), test.then)
		}
		// Attributes have their value once one was taken, and not before.
		if s.attributed != (n == 0) {
			t.Errorf("%.40q: took %d bytes, and attributes wait for a value: %v", test.data, n, s.attributed)
		}
	}
}
