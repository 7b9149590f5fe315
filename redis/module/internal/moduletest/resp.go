package moduletest

import (
	"strconv"
	"strings"
)

// What follows writes replies as they go over the wire.
const (
	OK     = "+OK\r\n"
	Null   = "_\r\n"   // of RESP3
	NoBulk = "$-1\r\n" // of RESP2
	NoList = "*-1\r\n" // of RESP2
	True   = "#t\r\n"
	False  = "#f\r\n"
)

// Bulk is a bulk string.
func Bulk(s string) string { return "$" + strconv.Itoa(len(s)) + "\r\n" + s + "\r\n" }

// Simple is a simple string.
func Simple(s string) string { return "+" + s + "\r\n" }

// Int is an integer.
func Int(n int64) string { return ":" + strconv.FormatInt(n, 10) + "\r\n" }

// Double is a double as it is written.
func Double(s string) string { return "," + s + "\r\n" }

// Error is an error.
func Error(s string) string { return "-" + s + "\r\n" }

// Array is an array of what is written already.
func Array(elems ...string) string { return list("*", len(elems), elems) }

// Set is a set of what is written already.
func Set(elems ...string) string { return list("~", len(elems), elems) }

// Map is a map of keys and values that are written already.
func Map(elems ...string) string { return list("%", len(elems)/2, elems) }

// Bulks is an array of bulk strings.
func Bulks(texts ...string) string {
	elems := make([]string, len(texts))
	for i, s := range texts {
		elems[i] = Bulk(s)
	}
	return Array(elems...)
}

// Ints is an array of integers.
func Ints(numbers ...int64) string {
	elems := make([]string, len(numbers))
	for i, n := range numbers {
		elems[i] = Int(n)
	}
	return Array(elems...)
}

func list(mark string, n int, elems []string) string {
	return mark + strconv.Itoa(n) + "\r\n" + strings.Join(elems, "")
}
