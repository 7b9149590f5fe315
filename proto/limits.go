package proto

// Limits bounds what a [Reader] accepts. A reply beyond a limit is a
// [ProtocolError], found as soon as it announces itself. A field that is zero
// or negative stands for its default, so the zero Limits is ready to use.
type Limits struct {
	// MaxBulk is the length in bytes of a bulk string, verbatim string or blob
	// error, of a streamed string in all, and of one value's attributes; the
	// default is 512 MiB, the largest string a server keeps.
	MaxBulk int
	// MaxDepth is how deep aggregates may nest; an array of integers has depth
	// 1. The default is 128.
	MaxDepth int
	// MaxElements is the number of elements of one aggregate; a pair of a map
	// counts as two. The default is 1,048,576.
	MaxElements int
	// MaxLine is the length in bytes of a simple string; the default is 64 KiB.
	MaxLine int
	// MaxErrorLine is the length in bytes of a simple error; the default is
	// 1 MiB, because a script's error may quote a large part of the script.
	MaxErrorLine int
	// MaxBigNumber is the number of digits of a big number, its sign not
	// counted; the default is 10,000.
	MaxBigNumber int
}

// The defaults of the fields of Limits.
const (
	defaultMaxBulk      = 512 << 20
	defaultMaxDepth     = 128
	defaultMaxElements  = 1 << 20
	defaultMaxLine      = 64 << 10
	defaultMaxErrorLine = 1 << 20
	defaultMaxBigNumber = 10_000
)

// withDefaults returns l with its unset fields set.
func (l Limits) withDefaults() Limits {
	set := func(field *int, value int) {
		if *field <= 0 {
			*field = value
		}
	}
	set(&l.MaxBulk, defaultMaxBulk)
	set(&l.MaxDepth, defaultMaxDepth)
	set(&l.MaxElements, defaultMaxElements)
	set(&l.MaxLine, defaultMaxLine)
	set(&l.MaxErrorLine, defaultMaxErrorLine)
	set(&l.MaxBigNumber, defaultMaxBigNumber)
	return l
}
