// Package slot computes which of a cluster's 16,384 slots a key or a shard channel belongs to,
// and represents ranges of slots:
//
//	slot.Of("foo")       // 12182
//	slot.Of("{foo}:bar") // 12182: only the part in braces counts
//
// All keys of one command, and of one transaction, must be in one slot.
package slot

import (
	"fmt"
	"strconv"
	"strings"
)

// Count is the number of slots in a cluster.
const Count = 16384

// Of returns the slot of a key or shard channel. If key has a hash tag, only the tag counts.
func Of(key string) int {
	return int(crc16(Tag(key)) % Count)
}

// Tag returns the part of a key that determines its slot: the text between the first { and the
// first } after it, or the whole key if there is no such pair or nothing in between.
func Tag(key string) string {
	_, behind, open := strings.Cut(key, "{")
	if !open {
		return key
	}
	tag, _, closed := strings.Cut(behind, "}")
	if !closed || tag == "" {
		return key
	}
	return tag
}

// crc16 is CRC-16/XMODEM: polynomial 0x1021, no reflection, initial value 0.
func crc16(s string) uint16 {
	var crc uint16
	for i := range len(s) {
		crc = crc<<8 ^ table[byte(crc>>8)^s[i]]
	}
	return crc
}

// Range is a range of slots, including both ends.
type Range struct{ From, To int }

// Contains reports whether slot is in the range.
func (r Range) Contains(slot int) bool { return r.From <= slot && slot <= r.To }

// Len returns the number of slots in the range.
func (r Range) Len() int { return r.To - r.From + 1 }

// String returns the range in the servers' notation: "0-5460", or "7" for a single slot.
func (r Range) String() string {
	if r.From == r.To {
		return strconv.Itoa(r.From)
	}
	return strconv.Itoa(r.From) + "-" + strconv.Itoa(r.To)
}

// Parse parses a range in the servers' notation.
func Parse(text string) (Range, error) {
	from, to, several := strings.Cut(text, "-")
	if !several {
		to = from
	}
	a, err := number(from)
	if err != nil {
		return Range{}, fmt.Errorf("slot: %q is no range of slots: %w", text, err)
	}
	b, err := number(to)
	if err != nil {
		return Range{}, fmt.Errorf("slot: %q is no range of slots: %w", text, err)
	}
	if a > b {
		return Range{}, fmt.Errorf("slot: %q is no range of slots: it ends before it begins", text)
	}
	return Range{a, b}, nil
}

// number parses the number of a slot.
func number(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("%q is no number", text)
	}
	if n >= Count {
		return 0, fmt.Errorf("slots are below %d", Count)
	}
	return int(n), nil
}

// Ranges returns slots, which must be sorted, as the smallest number of ranges.
func Ranges(slots []int) []Range {
	var ranges []Range
	for _, slot := range slots {
		if last := len(ranges) - 1; last >= 0 && ranges[last].To+1 >= slot {
			ranges[last].To = slot
			continue
		}
		ranges = append(ranges, Range{slot, slot})
	}
	return ranges
}
