package proto

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

func TestAppend(t *testing.T) {
	const negativeZero = "-0"
	for _, test := range []struct {
		name string
		got  []byte
		want string
	}{
		{"array", AppendArray(nil, 0), "*0\r\n"},
		{"array", AppendArray(nil, 9), "*9\r\n"},
		{"array", AppendArray(nil, 10), "*10\r\n"},
		{"array", AppendArray(nil, 1234567), "*1234567\r\n"},
		{"string", AppendString(nil, ""), "$0\r\n\r\n"},
		{"string", AppendString(nil, "a\r\nb"), "$4\r\na\r\nb\r\n"},
		{"string", AppendString(nil, strings.Repeat("x", 123)), "$123\r\n" + strings.Repeat("x", 123) + "\r\n"},
		{"bytes", AppendBytes(nil, nil), "$0\r\n\r\n"},
		{"bytes", AppendBytes([]byte("before"), []byte{0, 255}), "before$2\r\n\x00\xff\r\n"},
		{"int", AppendInt(nil, 0), "$1\r\n0\r\n"},
		{"int", AppendInt(nil, -1), "$2\r\n-1\r\n"},
		{"int", AppendInt(nil, math.MaxInt64), "$19\r\n9223372036854775807\r\n"},
		{"int", AppendInt(nil, math.MinInt64), "$20\r\n-9223372036854775808\r\n"},
		{"uint", AppendUint(nil, math.MaxUint64), "$20\r\n18446744073709551615\r\n"},
		{"float", AppendFloat(nil, 0), "$1\r\n0\r\n"},
		{"float", AppendFloat(nil, math.Copysign(0, -1)), "$2\r\n" + negativeZero + "\r\n"},
		{"float", AppendFloat(nil, 0.1), "$3\r\n0.1\r\n"},
		{"float", AppendFloat(nil, -1e300), "$7\r\n-1e+300\r\n"},
		{"float", AppendFloat(nil, math.Inf(1)), "$3\r\ninf\r\n"},
		{"float", AppendFloat(nil, math.Inf(-1)), "$4\r\n-inf\r\n"},
		{"float", AppendFloat(nil, math.NaN()), "$3\r\nnan\r\n"},
		{"command", AppendCommand(nil, "GET", "key"), "*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n"},
		{"command", AppendCommand(nil), "*0\r\n"},
	} {
		if string(test.got) != test.want {
			t.Errorf("%s: appended %q, want %q", test.name, test.got, test.want)
		}
	}
}

// TestAppendRoundTrip decodes random commands with the slow decoder.
func TestAppendRoundTrip(t *testing.T) {
	for range 2000 {
		var want []string
		n := rand.IntN(6)
		b := AppendArray(nil, n)
		for range n {
			switch rand.IntN(5) {
			case 0:
				word := strings.Repeat("\r\n$*x", rand.IntN(50))
				b, want = AppendString(b, word), append(want, word)
			case 1:
				word := strconv.Itoa(rand.Int())
				b, want = AppendBytes(b, []byte(word)), append(want, word)
			case 2:
				i := int64(rand.Uint64()) >> rand.IntN(64)
				b, want = AppendInt(b, i), append(want, strconv.FormatInt(i, 10))
			case 3:
				u := rand.Uint64() >> rand.IntN(64)
				b, want = AppendUint(b, u), append(want, strconv.FormatUint(u, 10))
			case 4:
				f := math.Float64frombits(rand.Uint64())
				if math.IsNaN(f) || math.IsInf(f, 0) {
					f = 0.5
				}
				b, want = AppendFloat(b, f), append(want, strconv.FormatFloat(f, 'g', -1, 64))
			}
		}
		values, _ := decodeAll(b, Limits{})
		if len(values) != 1 || values[0].Kind != KindArray || len(values[0].Elems) != n {
			t.Fatalf("%q decodes to %+v", b, values)
		}
		for i, word := range values[0].Elems {
			if word.Kind != KindBulk || word.Text != want[i] {
				t.Fatalf("word %d of %q is %+v, want %q", i, b, word, want[i])
			}
		}
	}
}
