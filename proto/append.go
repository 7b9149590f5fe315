package proto

import (
	"math"
	"strconv"
)

// AppendArray appends the header of an array of n elements to b. A client sends a command as an
// array of n words: its name and arguments. The words must follow, each appended as a bulk
// string by one of the functions below. Each word carries its length, so no byte in it can end a
// command or start another. n must not be negative.
func AppendArray(b []byte, n int) []byte {
	return appendHeader(b, '*', n)
}

// AppendString appends s as a bulk string.
func AppendString(b []byte, s string) []byte {
	b = appendHeader(b, '$', len(s))
	b = append(b, s...)
	return append(b, "\r\n"...)
}

// AppendBytes appends p as a bulk string.
func AppendBytes(b, p []byte) []byte {
	b = appendHeader(b, '$', len(p))
	b = append(b, p...)
	return append(b, "\r\n"...)
}

// AppendInt appends n in decimal as a bulk string.
func AppendInt(b []byte, n int64) []byte {
	if n >= 0 {
		return AppendUint(b, uint64(n))
	}
	magnitude := -uint64(n)
	b = appendHeader(b, '$', len("-")+digits(magnitude))
	b = append(b, '-')
	b = strconv.AppendUint(b, magnitude, 10)
	return append(b, "\r\n"...)
}

// AppendUint appends n in decimal as a bulk string.
func AppendUint(b []byte, n uint64) []byte {
	b = appendHeader(b, '$', digits(n))
	b = strconv.AppendUint(b, n, 10)
	return append(b, "\r\n"...)
}

// AppendFloat appends f as a bulk string, in the fewest digits that identify f among all float64
// values, such as "0.1", "1e+21" or "-inf". For NaN it appends "nan", which servers refuse: a
// caller that may have a NaN must check for it.
func AppendFloat(b []byte, f float64) []byte {
	switch {
	case math.IsInf(f, 1):
		return AppendString(b, "inf")
	case math.IsInf(f, -1):
		return AppendString(b, "-inf")
	case math.IsNaN(f):
		return AppendString(b, "nan")
	}
	var text [32]byte // the longest text has 24 bytes
	return AppendBytes(b, strconv.AppendFloat(text[:0], f, 'g', -1, 64))
}

// AppendCommand appends a complete command: its name and arguments.
func AppendCommand(b []byte, words ...string) []byte {
	b = AppendArray(b, len(words))
	for _, word := range words {
		b = AppendString(b, word)
	}
	return b
}

// appendHeader appends mark and n as a line.
func appendHeader(b []byte, mark byte, n int) []byte {
	if n >= 0 && n <= 9 {
		return append(b, mark, '0'+byte(n), '\r', '\n')
	}
	b = append(b, mark)
	b = strconv.AppendInt(b, int64(n), 10)
	return append(b, '\r', '\n')
}

// digits returns the number of decimal digits of n.
func digits(n uint64) int {
	count := 1
	for n >= 10 {
		n /= 10
		count++
	}
	return count
}
