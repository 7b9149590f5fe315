package timeseries

import (
	"slices"
	"time"

	"github.com/redchan-go/redchan/redis/module/internal/wire"
)

// CreateOption is an option of [Create]: [Retention], [Encoding], [ChunkSize],
// [DuplicatePolicy], [Ignore], [Labels].
type CreateOption interface{ create() wire.Part }

// AlterOption is an option of [Alter]: [Retention], [ChunkSize], [DuplicatePolicy],
// [Ignore], [Labels].
type AlterOption interface{ alter() wire.Part }

// AddOption is an option of [Add]: [OnDuplicate], and those of [CreateOption], which are
// for a series that does not exist yet.
type AddOption interface{ add() wire.Part }

// IncrOption is an option of [IncrBy] and [DecrBy]: [At], and those of [CreateOption],
// which are for a series that does not exist yet.
type IncrOption interface{ incr() wire.Part }

// Retention is how old samples become, counted from the newest, before they go; 0 keeps
// them. What is below a millisecond is cut off.
type Retention time.Duration

func (r Retention) create() wire.Part {
	p := wire.NewPart("RETENTION", "RETENTION")
	if r < 0 || r > 0 && r < Retention(time.Millisecond) {
		p.Refuse("RETENTION must be 0, or a millisecond at least")
	}
	p.Int(time.Duration(r).Milliseconds())
	return p
}

func (r Retention) alter() wire.Part { return r.create() }
func (r Retention) add() wire.Part   { return r.create() }
func (r Retention) incr() wire.Part  { return r.create() }

// Encoding is how a series keeps its samples.
type Encoding string

// The encodings.
const (
	Compressed   Encoding = "COMPRESSED" // the server's own
	Uncompressed Encoding = "UNCOMPRESSED"
)

func (e Encoding) create() wire.Part {
	p := wire.NewPart("ENCODING", "ENCODING", string(e))
	if e != Compressed && e != Uncompressed {
		p.Refuse("%q is no encoding", string(e))
	}
	return p
}

func (e Encoding) add() wire.Part  { return e.create() }
func (e Encoding) incr() wire.Part { return e.create() }

// ChunkSize is how many bytes a series takes at a time: a multiple of 8 from 48 to
// 1048576.
type ChunkSize int64

func (c ChunkSize) create() wire.Part {
	p := wire.NewPart("CHUNK_SIZE", "CHUNK_SIZE")
	if c < 48 || c > 1<<20 || c%8 != 0 {
		p.Refuse("CHUNK_SIZE must be a multiple of 8 from 48 to 1048576")
	}
	p.Int(int64(c))
	return p
}

func (c ChunkSize) alter() wire.Part { return c.create() }
func (c ChunkSize) add() wire.Part   { return c.create() }
func (c ChunkSize) incr() wire.Part  { return c.create() }

// DuplicatePolicy is what happens to a sample whose time is taken: that of the series.
type DuplicatePolicy string

// The policies.
const (
	KeepNone  DuplicatePolicy = "BLOCK" // adding is an error: the server's own
	KeepFirst DuplicatePolicy = "FIRST" // the old one stays
	KeepLast  DuplicatePolicy = "LAST"  // the new one takes its place
	KeepMin   DuplicatePolicy = "MIN"
	KeepMax   DuplicatePolicy = "MAX"
	KeepSum   DuplicatePolicy = "SUM"
)

func (d DuplicatePolicy) part(name string) wire.Part {
	p := wire.NewPart(name, name, string(d))
	switch d {
	case KeepNone, KeepFirst, KeepLast, KeepMin, KeepMax, KeepSum:
	default:
		p.Refuse("%q is no duplicate policy", string(d))
	}
	return p
}

func (d DuplicatePolicy) create() wire.Part { return d.part("DUPLICATE_POLICY") }
func (d DuplicatePolicy) alter() wire.Part  { return d.create() }
func (d DuplicatePolicy) add() wire.Part    { return d.create() }
func (d DuplicatePolicy) incr() wire.Part   { return d.create() }

// OnDuplicate is a [DuplicatePolicy] for one [Add] only, over that of the series.
type OnDuplicate DuplicatePolicy

func (o OnDuplicate) add() wire.Part { return DuplicatePolicy(o).part("ON_DUPLICATE") }

// Ignore lets a series leave out samples that are close to the newest one: by time and by
// value. Both must hold, and the policy must be [KeepLast]. Since TimeSeries 1.12.0.
type Ignore struct {
	Time  time.Duration
	Value float64
}

func (i Ignore) create() wire.Part {
	p := wire.NewPart("IGNORE", "IGNORE")
	p.NotNegative("the time of IGNORE", i.Time.Milliseconds())
	if i.Value < 0 {
		p.Refuse("the value of IGNORE can't be negative")
	}
	p.Finite("the value of IGNORE", i.Value)
	return p
}

func (i Ignore) alter() wire.Part { return i.create() }
func (i Ignore) add() wire.Part   { return i.create() }
func (i Ignore) incr() wire.Part  { return i.create() }

// Labels are what series are found by, see [Filter]. For [Alter] they replace those that
// are there, and an empty map takes them away.
type Labels map[string]string

func (l Labels) create() wire.Part {
	p := wire.NewPart("LABELS", "LABELS")
	names := make([]string, 0, len(l))
	for name := range l {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if name == "" || l[name] == "" {
			p.Refuse("a label needs a name and a value")
		}
		p.Word(name, l[name])
	}
	return p
}

func (l Labels) alter() wire.Part { return l.create() }
func (l Labels) add() wire.Part   { return l.create() }
func (l Labels) incr() wire.Part  { return l.create() }

// At is the time of an [IncrBy] or [DecrBy], which otherwise is now. It can't be before
// the newest sample.
type At time.Time

func (at At) incr() wire.Part {
	p := wire.NewPart("TIMESTAMP", "TIMESTAMP")
	moment(&p.Args, time.Time(at), "*")
	return p
}

// moment appends a time, or a word for the zero one.
func moment(a *wire.Args, t time.Time, zero string) {
	switch ms := t.UnixMilli(); {
	case t.IsZero():
		a.Word(zero)
	case ms < 0:
		a.Refuse("a time is before 1970")
	default:
		a.Int(ms)
	}
}

// parts appends options, that of the group last behind the others.
func parts[O any](a *wire.Args, last string, opts []O, part func(O) wire.Part) {
	var tail wire.Args
	wire.Parts(a, opts, func(o O) wire.Part {
		p := part(o)
		if p.Group == last {
			tail.Append(p.Args)
			p.Args = wire.Args{}
		}
		return p
	})
	a.Append(tail)
}
