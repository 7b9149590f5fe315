package proto

import "bytes"

// plainNumber reads digits and their CR LF from b[i:], and returns the number and the index
// after it. It is the fast path for the numbers that servers almost always send. It returns 0
// for next if number has to decide: at a sign, a leading zero, more than 18 digits, any mistake,
// or if b ends too early.
func plainNumber(b []byte, i int) (n int64, next int) {
	first := i
	for ; i < len(b); i++ {
		digit := b[i] - '0'
		if digit > 9 {
			break
		}
		n = n*10 + int64(digit)
	}
	digits := i - first
	if digits == 0 || digits > 18 || digits > 1 && b[first] == '0' {
		return 0, 0
	}
	if i+1 < len(b) && b[i] == '\r' && b[i+1] == '\n' {
		return n, i + 2
	}
	return 0, 0
}

// number reads a decimal number and its CR LF from the front of b, and returns the number and
// the count of bytes read. A size of 0 without a problem means that b ends too early. With a
// problem, size is the index of the offending byte.
//
// A number has only one spelling, the one that servers print: without leading zeros or minus
// zero. Only integers may have a plus sign.
func number(b []byte, plus bool) (n int64, size int, problem string) {
	i := 0
	negative := false
	bound := uint64(1<<63 - 1)
	if len(b) > 0 {
		switch {
		case b[0] == '-':
			negative, bound = true, 1<<63
			i = 1
		case b[0] == '+' && plus:
			i = 1
		}
	}
	first := i
	var u uint64
	for ; i < len(b); i++ {
		c := b[i]
		if c < '0' || c > '9' {
			break
		}
		if i > first && u == 0 {
			return 0, i, "leading zero"
		}
		digit := uint64(c - '0')
		if u > (bound-digit)/10 {
			return 0, i, "number out of range"
		}
		u = u*10 + digit
	}
	switch {
	case i == len(b):
		return 0, 0, ""
	case b[i] == '\n':
		return 0, i, problemBareLF
	case b[i] != '\r':
		return 0, i, "not a digit"
	case i == first:
		return 0, i, "no digits"
	case negative && u == 0:
		return 0, first, "minus zero"
	case i+1 == len(b):
		return 0, 0, ""
	case b[i+1] != '\n':
		return 0, i + 1, problemBareCR
	}
	n = int64(u)
	if negative {
		n = -n // -1<<63 is its own negation
	}
	return n, i + 2, ""
}

// isDouble reports whether line is a double as RESP3 spells it: an optional sign, digits, an
// optional point with digits, an optional exponent; or "inf", "-inf", or any spelling of NaN.
// Other spellings that strconv.ParseFloat accepts (hexadecimal, underscores, "Infinity", ".5")
// are not doubles.
func isDouble(line []byte) bool {
	switch string(line) {
	case "inf", "-inf", "nan":
		return true
	}
	line = trimSign(line)
	if isNaN(line) {
		return true
	}
	line, ok := trimDigits(line)
	if !ok {
		return false
	}
	if len(line) > 0 && line[0] == '.' {
		if line, ok = trimDigits(line[1:]); !ok {
			return false
		}
	}
	if len(line) > 0 && (line[0] == 'e' || line[0] == 'E') {
		if line, ok = trimDigits(trimSign(line[1:])); !ok {
			return false
		}
	}
	return len(line) == 0
}

// isNaN reports whether line, without its sign, is NaN as a C library may print it.
// Servers before Redis 7.2 send that text unchanged: "nan", "NAN", "nan(chars)".
func isNaN(line []byte) bool {
	const plain = len("nan")
	if len(line) < plain || !bytes.EqualFold(line[:plain], []byte("nan")) {
		return false
	}
	chars := line[plain:]
	if len(chars) == 0 {
		return true
	}
	if len(chars) < len("()") || chars[0] != '(' || chars[len(chars)-1] != ')' {
		return false
	}
	for _, c := range chars[1 : len(chars)-1] {
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return true
}

// trimSign returns b without a leading sign.
func trimSign(b []byte) []byte {
	if len(b) > 0 && (b[0] == '+' || b[0] == '-') {
		return b[1:]
	}
	return b
}

// trimDigits returns b without its leading digits, and whether it had any.
func trimDigits(b []byte) (rest []byte, ok bool) {
	i := 0
	for i < len(b) && b[i] >= '0' && b[i] <= '9' {
		i++
	}
	return b[i:], i > 0
}
