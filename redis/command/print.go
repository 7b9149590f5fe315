package command

import (
	"fmt"
	"strconv"
)

// String returns the command for people: its name and its keys. It leaves out all other
// arguments, which may be secrets.
func (r *Request) String() string {
	b := []byte(r.Name())
	keys := 0
	for key := range r.Keys() {
		b = strconv.AppendQuote(append(b, ' '), key)
		keys++
	}
	if keys < r.Len() {
		b = append(b, " ..."...)
	}
	return string(b)
}

// String returns the command for people: its name and its keys. It leaves out all other
// arguments, which may be secrets.
func (c Cmd[T]) String() string { return c.request.String() }

// String returns the result for people: the value, or the text of the error.
func (f *Future[T]) String() string {
	v, err := f.Result()
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(v)
}

// String returns the option as it is sent.
func (c Condition) String() string {
	if c == NX {
		return "NX"
	}
	return "XX"
}

// String returns the option as it is sent.
func (c Comparison) String() string {
	if c == GT {
		return "GT"
	}
	return "LT"
}

// String returns the option as it is sent, such as "EX 60"; nothing where none is.
func (e Expiry) String() string {
	if e.none {
		return ""
	}
	t := e.tokens()
	return t.name + " " + strconv.FormatInt(t.args[1].num, 10)
}

// String returns how long it lives, such as "1m0s", or "forever".
func (l Lifetime) String() string {
	if l.Forever {
		return "forever"
	}
	return l.Left.String()
}

// String returns when it expires in the format of RFC 3339, or "never".
func (d Deadline) String() string {
	if d.Never {
		return "never"
	}
	return d.At.Format("2006-01-02T15:04:05.999Z07:00")
}
