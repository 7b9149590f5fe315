package proto

// Limits bounds what a [Reader] accepts. A reply that exceeds a limit is a [ProtocolError],
// which is returned as soon as the reply announces its size. A zero or negative field means the
// default, so the zero Limits is ready to use.
type Limits struct {
	// MaxBulk is the maximum length in bytes of a bulk string, verbatim string or blob error, of
	// a whole streamed string, and of the attributes of one value. The default is 512 MiB, the
	// largest string that a server stores.
	MaxBulk int
	// MaxDepth is the maximum nesting depth of aggregates; an array of integers has depth 1. The
	// default is 128.
	MaxDepth int
	// MaxElements is the maximum number of elements of one aggregate; each pair of a map counts
	// as two. The default is 1,048,576.
	MaxElements int
	// MaxLine is the maximum length in bytes of a simple string. The default is 64 KiB.
	MaxLine int
	// MaxErrorLine is the maximum length in bytes of a simple error. The default is 1 MiB,
	// because a script's error may quote a large part of the script.
	MaxErrorLine int
	// MaxBigNumber is the maximum number of digits of a big number, not counting its sign. The
	// default is 10,000.
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

// withDefaults returns l with the defaults filled in.
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
