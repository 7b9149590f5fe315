package proto

import (
	"bytes"
	"errors"
	"io"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

// tree is a value with everything in it, for comparing.
type tree struct {
	Kind   Kind
	Text   string // of strings, errors and big numbers; a double's bits
	Format string
	Int    int64
	Bool   bool
	Attrs  []tree
	Elems  []tree
}

// treeOf takes v apart by its methods.
func treeOf(v Value) tree {
	t := tree{Kind: v.Kind(), Text: v.Str(), Format: v.Format(), Bool: v.Bool()}
	if v.Kind() == KindInt { // of texts, TestIntOfText
		t.Int = v.Int()
	}
	if t.Kind == KindDouble {
		t.Text = doubleBits(v.Double())
	}
	for e := range v.Attrs().All() {
		t.Attrs = append(t.Attrs, treeOf(e))
	}
	e := v.Elems()
	for e.Next() {
		t.Elems = append(t.Elems, treeOf(e.Value()))
	}
	return t
}

func doubleBits(f float64) string {
	if math.IsNaN(f) {
		return "nan"
	}
	return strconv.FormatUint(math.Float64bits(f), 16)
}

// decoder is the slow and plain decoder that the Reader is held against. It has
// all bytes at hand, decodes by recursion and looks at one byte after the other.
type decoder struct {
	data   []byte
	limits Limits
	pos    int
	// removed counts the bytes of the pushes that were inside the reply.
	removed int
	depth   int
	inPush  bool
	values  []tree
}

// decodeAll returns the values of data in the order in which the Reader has to
// return them, and why there are no more.
func decodeAll(data []byte, limits Limits) ([]tree, error) {
	d := &decoder{data: data, limits: limits.withDefaults()}
	for {
		if d.pos == len(d.data) {
			return d.values, io.EOF
		}
		v, _, err := d.element(KindNull, false, 0)
		if err != nil {
			return d.values, err
		}
		d.values = append(d.values, v)
	}
}

// fail returns a ProtocolError; the tests compare nothing but its offset.
func fail(offset int) error { return &ProtocolError{Offset: int64(offset)} }

func (d *decoder) peek() (byte, error) {
	if d.pos == len(d.data) {
		return 0, io.ErrUnexpectedEOF
	}
	return d.data[d.pos], nil
}

// expect reads the bytes of s.
func (d *decoder) expect(s string) error {
	for i := range len(s) {
		c, err := d.peek()
		if err != nil {
			return err
		}
		if c != s[i] {
			return fail(d.pos)
		}
		d.pos++
	}
	return nil
}

// number reads an integer and the end of its line.
func (d *decoder) number(plus bool) (int64, error) {
	c, err := d.peek()
	if err != nil {
		return 0, err
	}
	text := ""
	if c == '-' || plus && c == '+' {
		text = string(c)
		d.pos++
	}
	first := d.pos
	for {
		c, err := d.peek()
		if err != nil {
			return 0, err
		}
		if c == '\r' && d.pos > first {
			break
		}
		if c < '0' || c > '9' || d.pos > first && d.data[first] == '0' {
			return 0, fail(d.pos)
		}
		text += string(c)
		if n, _ := new(big.Int).SetString(text, 10); !n.IsInt64() {
			return 0, fail(d.pos)
		}
		d.pos++
	}
	if text == "-0" {
		return 0, fail(first)
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		panic(err)
	}
	return n, d.expect("\r\n")
}

// line reads text up to the end of the line.
func (d *decoder) line(limit int, allowed func(byte) bool) (string, error) {
	first := d.pos
	for {
		c, err := d.peek()
		switch {
		case err != nil:
			return "", err
		case c == '\r':
			text := string(d.data[first:d.pos])
			return text, d.expect("\r\n")
		case !allowed(c) || d.pos-first == limit:
			return "", fail(d.pos)
		}
		d.pos++
	}
}

// body reads n bytes and CR LF.
func (d *decoder) body(n int64) (string, error) {
	if int64(len(d.data)-d.pos) < n {
		return "", io.ErrUnexpectedEOF
	}
	text := string(d.data[d.pos : d.pos+int(n)])
	d.pos += int(n)
	return text, d.expect("\r\n")
}

// bounded reads a number that has to be from least to most.
func (d *decoder) bounded(least, most int) (int, error) {
	mark := d.pos - 1
	n, err := d.number(false)
	if err == nil && (n < int64(least) || n > int64(most)) {
		err = fail(mark)
	}
	return int(n), err
}

// raw is the length of the reply so far.
func (d *decoder) raw() int { return d.pos - d.removed }

var doubles = regexp.MustCompile(`^(-?inf|[-+]?(?i:nan)(\([a-zA-Z0-9_]*\))?|[-+]?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?)$`)

// element reads the next element of an aggregate of streamed length or not, with
// the attributes and pushes in front of it, or the end mark. have is the number
// of elements that came. A reply is the only element at depth 0.
func (d *decoder) element(kind Kind, streamed bool, have int) (v tree, end bool, err error) {
	for {
		start := d.raw()
		c, err := d.peek()
		if err != nil {
			return tree{}, false, err
		}
		var attrs []tree
		attributed := c == '|'
		if attributed {
			if attrs, err = d.attributes(); err != nil {
				return tree{}, false, err
			}
			if c, err = d.peek(); err != nil {
				return tree{}, false, err
			}
		}
		if streamed && have == d.limits.MaxElements && !bytes.ContainsRune([]byte(".>|"), rune(c)) {
			return tree{}, false, fail(d.pos)
		}
		if c == '.' {
			if !streamed || attributed || kind == KindMap && have%2 == 1 {
				return tree{}, false, fail(d.pos)
			}
			return tree{}, true, d.expect(".\r\n")
		}
		if c == '|' {
			mark := d.pos
			if _, err := d.header(2); err != nil {
				return tree{}, false, err
			}
			return tree{}, false, fail(mark)
		}
		v, err := d.value()
		v.Attrs = attrs
		if err != nil || v.Kind != KindPush || d.depth == 0 {
			return v, false, err
		}
		d.values = append(d.values, v)
		d.removed += d.raw() - start
	}
}

// header reads the header of an aggregate of at most MaxElements, and checks
// that the aggregate may begin here. The -1 of a null array is its caller's.
func (d *decoder) header(each int) (n int, err error) {
	mark := d.pos
	least := 0
	if d.data[mark] == '>' {
		least = 1
	}
	d.pos++
	if n, err = d.bounded(least, d.limits.MaxElements/each); err != nil {
		return 0, err
	}
	if d.depth == d.limits.MaxDepth {
		return 0, fail(mark)
	}
	return n, nil
}

func (d *decoder) attributes() ([]tree, error) {
	start := d.raw()
	n, err := d.header(2)
	if err != nil {
		return nil, err
	}
	elems, err := d.elements(KindMap, false, 2*n)
	if err == nil && d.raw()-start > d.limits.MaxBulk {
		err = fail(d.pos - 1)
	}
	return elems, err
}

// elements reads n elements, or those up to the end mark.
func (d *decoder) elements(kind Kind, streamed bool, n int) ([]tree, error) {
	d.depth++
	defer func() { d.depth-- }()
	var elems []tree
	for streamed || len(elems) < n {
		v, end, err := d.element(kind, streamed, len(elems))
		if err != nil || end {
			return elems, err
		}
		elems = append(elems, v)
	}
	return elems, nil
}

// aggregate reads an array, set, map or push.
func (d *decoder) aggregate(kind Kind, each int) (tree, error) {
	mark := d.pos
	rest := d.data[mark+1:]
	if len(rest) > 0 && rest[0] == '?' {
		if kind == KindPush {
			return tree{}, fail(mark + 1)
		}
		d.pos += 2
		if err := d.expect("\r\n"); err != nil {
			return tree{}, err
		}
		if d.depth == d.limits.MaxDepth {
			return tree{}, fail(mark)
		}
		elems, err := d.elements(kind, true, 0)
		return tree{Kind: kind, Elems: elems}, err
	}
	if kind == KindArray && bytes.HasPrefix(rest, []byte("-1\r\n")) {
		d.pos += len("*-1\r\n")
		return tree{}, nil
	}
	if kind == KindArray && bytes.HasPrefix([]byte("-1\r\n"), rest) {
		return tree{}, io.ErrUnexpectedEOF
	}
	n, err := d.header(each)
	if err != nil {
		return tree{}, err
	}
	if kind == KindPush {
		if d.inPush {
			return tree{}, fail(mark)
		}
		d.inPush = true
		defer func() { d.inPush = false }()
	}
	elems, err := d.elements(kind, false, each*n)
	return tree{Kind: kind, Elems: elems}, err
}

// bulk reads a string with a length.
func (d *decoder) bulk(kind Kind) (tree, error) {
	mark := d.pos
	d.pos++
	c, err := d.peek()
	if err != nil {
		return tree{}, err
	}
	if c == '?' {
		if kind != KindBulk {
			return tree{}, fail(d.pos)
		}
		if err := d.expect("?\r\n"); err != nil {
			return tree{}, err
		}
		return d.chunks()
	}
	n, err := d.number(false)
	switch {
	case err != nil:
		return tree{}, err
	case n == -1 && kind == KindBulk:
		return tree{}, nil
	case n < 0 || n > int64(d.limits.MaxBulk) || kind == KindVerbatim && n < 4:
		return tree{}, fail(mark)
	}
	t := tree{Kind: kind}
	if kind == KindVerbatim {
		format := d.data[d.pos:]
		if len(format) < 4 {
			return tree{}, io.ErrUnexpectedEOF
		}
		if format[3] != ':' {
			return tree{}, fail(d.pos + 3)
		}
		t.Format = string(format[:3])
		d.pos += 4
		n -= 4
	}
	t.Text, err = d.body(n)
	return t, err
}

func (d *decoder) chunks() (tree, error) {
	text := ""
	for {
		mark := d.pos
		if err := d.expect(";"); err != nil {
			return tree{}, err
		}
		n, err := d.number(false)
		switch {
		case err != nil:
			return tree{}, err
		case n < 0 || n > int64(d.limits.MaxBulk-len(text)):
			return tree{}, fail(mark)
		case n == 0:
			return tree{Kind: KindBulk, Text: text}, nil
		}
		chunk, err := d.body(n)
		if err != nil {
			return tree{}, err
		}
		text += chunk
	}
}

// value reads anything but attributes and end marks.
func (d *decoder) value() (tree, error) {
	mark := d.pos
	anything := func(c byte) bool { return c != '\n' }
	digit := func(c byte) bool { return '0' <= c && c <= '9' }
	switch d.data[mark] {
	case '$':
		return d.bulk(KindBulk)
	case '=':
		return d.bulk(KindVerbatim)
	case '!':
		return d.bulk(KindError)
	case '*':
		return d.aggregate(KindArray, 1)
	case '~':
		return d.aggregate(KindSet, 1)
	case '%':
		return d.aggregate(KindMap, 2)
	case '>':
		return d.aggregate(KindPush, 1)
	case '+':
		d.pos++
		text, err := d.line(d.limits.MaxLine, anything)
		return tree{Kind: KindSimple, Text: text}, err
	case '-':
		d.pos++
		text, err := d.line(d.limits.MaxErrorLine, anything)
		return tree{Kind: KindError, Text: text}, err
	case ':':
		d.pos++
		n, err := d.number(true)
		return tree{Kind: KindInt, Int: n}, err
	case '_':
		return tree{}, d.expect("_\r\n")
	case '#':
		d.pos++
		c, err := d.peek()
		if err != nil {
			return tree{}, err
		}
		if c != 't' && c != 'f' {
			return tree{}, fail(d.pos)
		}
		d.pos++
		return tree{Kind: KindBool, Bool: c == 't'}, d.expect("\r\n")
	case ',':
		d.pos++
		text := d.data[d.pos:]
		end := bytes.IndexAny(text[:min(len(text), maxDouble+1)], "\r\n")
		if end >= 0 && text[end] == '\n' {
			return tree{}, fail(d.pos + end)
		}
		if end < 0 && len(text) <= maxDouble {
			return tree{}, io.ErrUnexpectedEOF
		}
		if end < 0 || end > maxDouble || !doubles.Match(text[:end]) {
			return tree{}, fail(mark)
		}
		d.pos += end
		f, err := strconv.ParseFloat(string(text[:end]), 64)
		if errors.Is(err, strconv.ErrSyntax) {
			f = math.NaN()
		}
		return tree{Kind: KindDouble, Text: doubleBits(f)}, d.expect("\r\n")
	case '(':
		d.pos++
		sign := ""
		if c, err := d.peek(); err != nil {
			return tree{}, err
		} else if c == '-' || c == '+' {
			sign = string(c)
			d.pos++
		}
		if c, err := d.peek(); err == nil && c == '\r' {
			return tree{}, fail(d.pos)
		}
		text, err := d.line(d.limits.MaxBigNumber, digit)
		return tree{Kind: KindBigNumber, Text: sign + text}, err
	}
	if first := string(d.data); mark == 0 {
		for _, opening := range []string{"HTTP/1.", "\x15\x03", "\x16\x03"} {
			if strings.HasPrefix(opening, first) && first != opening {
				return tree{}, io.ErrUnexpectedEOF
			}
		}
	}
	return tree{}, fail(mark)
}
