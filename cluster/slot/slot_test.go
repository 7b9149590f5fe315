package slot

import (
	"fmt"
	"slices"
	"testing"
)

func TestTable(t *testing.T) {
	for i := range table {
		crc := uint16(i) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
		if table[i] != crc {
			t.Errorf("%d: %#x, want %#x", i, table[i], crc)
		}
	}
	// The check value of CRC-16/XMODEM.
	if got := crc16("123456789"); got != 0x31c3 {
		t.Errorf("%#x", got)
	}
}

func TestOf(t *testing.T) {
	// Of the cluster specification: keys with one tag are of one slot.
	for _, same := range [][]string{
		{"{user1000}.following", "{user1000}.followers", "user1000"},
		{"foo{{bar}}zap", "{bar"},
		{"foo{bar}{zap}", "bar"},
	} {
		for _, key := range same {
			if Of(key) != Of(same[0]) {
				t.Errorf("%q and %q are of the slots %d and %d", key, same[0], Of(key), Of(same[0]))
			}
		}
	}
	// And where there is none, the whole key counts.
	for key, tag := range map[string]string{
		"": "", "{}": "{}", "{}key": "{}key", "foo{}{bar}": "foo{}{bar}", "{": "{", "}{": "}{", "{a": "{a", "a}": "a}",
		"{a}": "a", "x{a}y": "a", "foo{{bar}}zap": "{bar", "\x00{\xff}": "\xff",
	} {
		if got := Tag(key); got != tag {
			t.Errorf("the tag of %q is %q, want %q", key, got, tag)
		}
	}
}

func TestRanges(t *testing.T) {
	for text, want := range map[string]Range{"0-5460": {0, 5460}, "7": {7, 7}, "16383": {16383, 16383}, "7-7": {7, 7}} {
		got, err := Parse(text)
		if err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
		if again, err := Parse(got.String()); err != nil || again != want {
			t.Errorf("%q is written as %q", text, got)
		}
	}
	for _, text := range []string{"", "-", "1-", "-1", "16384", "0-16384", "5-4", "1-2-3", "+1", "a"} {
		if got, err := Parse(text); err == nil {
			t.Errorf("%q is read as %v", text, got)
		}
	}
	r := Range{10, 12}
	if r.Len() != 3 || !r.Contains(10) || !r.Contains(12) || r.Contains(9) || r.Contains(13) {
		t.Errorf("%v", r)
	}
	if got := Ranges([]int{0, 1, 2, 4, 6, 7, 7}); !slices.Equal(got, []Range{{0, 2}, {4, 4}, {6, 7}}) {
		t.Errorf("%v", got)
	}
	if got := Ranges(nil); got != nil {
		t.Errorf("%v", got)
	}
}

func ExampleOf() {
	fmt.Println(Of("foo"), Of("{foo}:bar"), Of("bar"))
	// Output: 12182 12182 5061
}
