package timeseries

import (
	"time"

	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/module/internal/wire"
)

// Sample is a value and its time.
type Sample struct {
	Time  time.Time
	Value float64 // can be NaN
}

// GetOption is an option of [Get]: [Latest].
type GetOption interface{ get() wire.Part }

// RangeOption is an option of [Range] and [RevRange]: [Latest], [FilterByTime],
// [FilterByValue], [Count], [Aggregate].
type RangeOption interface{ rangeOf() wire.Part }

type latest struct{}

// LatestOption is an option of all commands that read samples.
type LatestOption interface {
	GetOption
	RangeOption
	MGetOption
	MRangeOption
}

// Latest lets a series that is computed from another one include the bucket that is still
// growing. Since TimeSeries 1.8.0.
func Latest() LatestOption { return latest{} }

func (latest) get() wire.Part       { return wire.NewPart("LATEST", "LATEST") }
func (l latest) rangeOf() wire.Part { return l.get() }
func (l latest) mget() wire.Part    { return l.get() }
func (l latest) mrange() wire.Part  { return l.get() }

// FilterByTime keeps only the samples of these times.
type FilterByTime []time.Time

func (f FilterByTime) rangeOf() wire.Part {
	p := wire.NewPart("FILTER_BY_TS", "FILTER_BY_TS")
	if len(f) == 0 {
		p.Refuse("no times to filter by")
	}
	for _, t := range f {
		if t.IsZero() {
			p.Refuse("a zero time to filter by")
		}
		moment(&p.Args, t, "0")
	}
	return p
}

func (f FilterByTime) mrange() wire.Part { return f.rangeOf() }

// FilterByValue keeps only the samples from one value to another, both included.
type FilterByValue struct{ Min, Max float64 }

func (f FilterByValue) rangeOf() wire.Part {
	p := wire.NewPart("FILTER_BY_VALUE", "FILTER_BY_VALUE")
	p.Finite("a value to filter by", f.Min)
	p.Finite("a value to filter by", f.Max)
	return p
}

func (f FilterByValue) mrange() wire.Part { return f.rangeOf() }

// Count is how many samples, or buckets, there are at most, of each series.
type Count int64

func (c Count) rangeOf() wire.Part {
	p := wire.NewPart("COUNT", "COUNT")
	p.Positive("COUNT", int64(c))
	return p
}

func (c Count) mrange() wire.Part { return c.rangeOf() }

// Aggregation is what several values become one by.
type Aggregation string

// The aggregations.
const (
	Avg    Aggregation = "AVG"
	Sum    Aggregation = "SUM"
	Min    Aggregation = "MIN"
	Max    Aggregation = "MAX"
	Spread Aggregation = "RANGE" // the difference between maximum and minimum
	Number Aggregation = "COUNT"
	First  Aggregation = "FIRST" // no reducer of a group
	Last   Aggregation = "LAST"  // no reducer of a group
	StdP   Aggregation = "STD.P" // standard deviation of the whole
	StdS   Aggregation = "STD.S" // standard deviation of a sample
	VarP   Aggregation = "VAR.P" // variance of the whole
	VarS   Aggregation = "VAR.S" // variance of a sample
	TWA    Aggregation = "TWA"   // average weighted by time; no reducer of a group. Since TimeSeries 1.8.0.
)

// append appends the word of an aggregation that there is.
func (by Aggregation) append(a *wire.Args) {
	switch by {
	case Avg, Sum, Min, Max, Spread, Number, First, Last, StdP, StdS, VarP, VarS, TWA:
	default:
		a.Refuse("%q is no aggregation", string(by))
	}
	a.Word(string(by))
}

// Aggregate makes one sample of each bucket of samples.
type Aggregate struct {
	By     Aggregation
	Bucket time.Duration // a millisecond at least
	Align  Alignment     // where buckets start; the zero one is 1970
	At     BucketTime    // the time of a bucket; the zero one is BucketStart
	Empty  bool          // gives buckets without samples too. Since TimeSeries 1.8.0.
}

func (g Aggregate) rangeOf() wire.Part {
	p := wire.NewPart("AGGREGATION")
	if g.Align.word != "" {
		p.Word("ALIGN")
		if g.Align.word == "at" {
			moment(&p.Args, g.Align.at, "0")
		} else {
			p.Word(g.Align.word)
		}
	}
	p.Word("AGGREGATION")
	g.By.append(&p.Args)
	p.Millis("the bucket", g.Bucket)
	switch g.At {
	case "":
	case BucketStart, BucketMid, BucketEnd:
		p.Word("BUCKETTIMESTAMP", string(g.At))
	default:
		p.Refuse("%q is no time of a bucket", string(g.At))
	}
	if g.Empty {
		p.Word("EMPTY")
	}
	return p
}

func (g Aggregate) mrange() wire.Part { return g.rangeOf() }

// Alignment is where buckets start: [AlignStart], [AlignEnd], [AlignAt].
type Alignment struct {
	word string
	at   time.Time
}

// AlignStart lets a bucket start where the range does, which must have a begin.
func AlignStart() Alignment { return Alignment{word: "start"} }

// AlignEnd lets a bucket start where the range ends, which must have an end.
func AlignEnd() Alignment { return Alignment{word: "end"} }

// AlignAt lets a bucket start at a time.
func AlignAt(t time.Time) Alignment { return Alignment{word: "at", at: t} }

// BucketTime is the time of a bucket. Since TimeSeries 1.8.0.
type BucketTime string

// The times.
const (
	BucketStart BucketTime = "-"
	BucketMid   BucketTime = "~"
	BucketEnd   BucketTime = "+"
)

// Get returns the newest sample of a series. [command.Nil]: the series is empty. A key
// that does not exist is an error. O(1). Since TimeSeries 1.0.0.
func Get(key string, opts ...GetOption) command.Cmd[Sample] {
	a := only(key)
	wire.Parts(a, opts, GetOption.get)
	return wire.Reader(a, "TS.GET", decodeSample)
}

// Range returns the samples from one time to another, both included, the oldest first;
// zero times are the begin and the end of the series. A key that does not exist is an
// error. O(n/m+k) for n samples, chunks of m samples, and k samples in the range.
// Since TimeSeries 1.0.0.
func Range(key string, from, to time.Time, opts ...RangeOption) command.Cmd[[]Sample] {
	return wire.Reader(rangeArgs(key, from, to, opts), "TS.RANGE", decodeSamples)
}

// RevRange is [Range] with the newest first. O(n/m+k) for n samples, chunks of m samples,
// and k samples in the range. Since TimeSeries 1.4.0.
func RevRange(key string, from, to time.Time, opts ...RangeOption) command.Cmd[[]Sample] {
	return wire.Reader(rangeArgs(key, from, to, opts), "TS.REVRANGE", decodeSamples)
}

func rangeArgs(key string, from, to time.Time, opts []RangeOption) *wire.Args {
	a := only(key)
	between(a, from, to)
	wire.Parts(a, opts, RangeOption.rangeOf)
	for _, o := range opts {
		aligned(a, o, from, to)
	}
	return a
}

// between appends the ends of a range.
func between(a *wire.Args, from, to time.Time) {
	moment(a, from, "-")
	moment(a, to, "+")
}

// aligned refuses an alignment to an end that a range does not have.
func aligned(a *wire.Args, option any, from, to time.Time) {
	g, _ := option.(Aggregate)
	if g.Align.word == "start" && from.IsZero() || g.Align.word == "end" && to.IsZero() {
		a.Refuse("buckets can't be aligned to an end that the range does not have")
	}
}

// decodeSample decodes a time and a value; an empty array is none.
func decodeSample(v proto.Value) (Sample, error) {
	var s Sample
	switch {
	case v.IsNull() || v.Kind() == proto.KindArray && v.Len() == 0:
		return s, command.Nil
	case v.Kind() != proto.KindArray || v.Len() != 2:
		return s, wire.Want("Sample")
	}
	var err error
	if s.Time, err = decodeTime(v.Index(0)); err != nil {
		return Sample{}, wire.Want("Sample")
	}
	if s.Value, err = wire.Float(v.Index(1)); err != nil {
		return Sample{}, wire.Want("Sample")
	}
	return s, nil
}

func decodeSamples(v proto.Value) ([]Sample, error) {
	return wire.Each(v, "[]Sample", decodeSample)
}
