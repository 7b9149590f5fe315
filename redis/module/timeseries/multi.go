package timeseries

import (
	"strings"
	"time"

	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/module/internal/wire"
)

// Filter says which series are meant, by their labels: [Equal], [NotEqual], [Has],
// [HasNot], or as the server's documentation writes it. Of several all must hold, and one
// at least must be of the kind of [Equal].
type Filter string

// Equal is for series whose label has one of the values. Filters have no quoting: a value
// with a = is refused, and one of several with a comma or a parenthesis.
func Equal(label string, values ...string) Filter { return compare(label, "=", values) }

// NotEqual is for series whose label has none of the values, or that don't have it. A value
// with a ! is refused too.
func NotEqual(label string, values ...string) Filter { return compare(label, "!=", values) }

// Has is for series that have a label.
func Has(label string) Filter { return filter(label, "!=", "") }

// HasNot is for series that don't have a label.
func HasNot(label string) Filter { return filter(label, "=", "") }

// compare writes a filter; one that is not possible is empty, and refused by the command.
// The server cuts a filter at each character of its sign, so that it would look for a part
// of a value that has one.
func compare(label, sign string, values []string) Filter {
	for _, v := range values {
		if strings.ContainsAny(v, sign) { // each sign has a =
			return ""
		}
		if v == "" || strings.HasPrefix(v, "(") || len(values) > 1 && strings.ContainsAny(v, ",()") {
			return ""
		}
	}
	switch len(values) {
	case 0:
		return ""
	case 1:
		return filter(label, sign, values[0])
	}
	return filter(label, sign, "("+strings.Join(values, ",")+")")
}

func filter(label, sign, value string) Filter {
	if label == "" || strings.ContainsAny(label, "=!") {
		return ""
	}
	return Filter(label + sign + value)
}

// appendFilters appends filters, of which there must be one at least.
func appendFilters(a *wire.Args, filters []Filter) {
	if len(filters) == 0 {
		a.Refuse("no filters")
	}
	for _, f := range filters {
		if !strings.Contains(string(f), "=") {
			a.Refuse("a filter has no label, no value, or one that a filter can't name")
		}
		a.Word(string(f))
	}
}

// QueryIndex returns the keys of the series that filters match. O(n) for n of them.
// Since TimeSeries 1.0.0.
func QueryIndex(filters ...Filter) command.Cmd[[]string] {
	var a wire.Args
	appendFilters(&a, filters)
	return wire.Reader(&a, "TS.QUERYINDEX", wire.Texts)
}

// MGetOption is an option of [MGet]: [Latest], [WithLabels], [SelectedLabels].
type MGetOption interface{ mget() wire.Part }

// MRangeOption is an option of [MRange] and [MRevRange]: [WithLabels], [SelectedLabels],
// [GroupBy], and those of [RangeOption].
type MRangeOption interface{ mrange() wire.Part }

type withLabels struct{}

// WithLabels gives the labels of each series.
func WithLabels() interface {
	MGetOption
	MRangeOption
} {
	return withLabels{}
}

func (withLabels) mget() wire.Part     { return wire.NewPart("labels", "WITHLABELS") }
func (w withLabels) mrange() wire.Part { return w.mget() }

// SelectedLabels gives some labels of each series; one that a series does not have is
// left out.
type SelectedLabels []string

func (s SelectedLabels) mget() wire.Part {
	p := wire.NewPart("labels", "SELECTED_LABELS")
	p.Words("labels", s)
	return p
}

func (s SelectedLabels) mrange() wire.Part { return s.mget() }

// GroupBy makes one series of those whose label has the same value.
type GroupBy struct {
	Label  string
	Reduce Aggregation // what samples of the same time become one by
}

func (g GroupBy) mrange() wire.Part {
	p := wire.NewPart("GROUPBY", "GROUPBY", g.Label, "REDUCE")
	if g.Label == "" {
		p.Refuse("no label to group by")
	}
	switch g.Reduce {
	case First, Last, TWA:
		p.Refuse("%s is no reducer of a group", string(g.Reduce))
	}
	g.Reduce.append(&p.Args)
	return p
}

// LastSample is the newest sample of a series.
type LastSample struct {
	Key    string
	Labels map[string]string // as [WithLabels] and [SelectedLabels] ask for
	Sample command.Optional[Sample]
}

// MGet returns the newest sample of each series that filters match; it is missing where
// the series is empty. O(n) for n series. Since TimeSeries 1.0.0.
func MGet(filters []Filter, opts ...MGetOption) command.Cmd[[]LastSample] {
	var a wire.Args
	wire.Parts(&a, opts, MGetOption.mget)
	a.Word("FILTER")
	appendFilters(&a, filters)
	return wire.Reader(&a, "TS.MGET", decodeLast)
}

func decodeLast(v proto.Value) ([]LastSample, error) {
	var result []LastSample
	err := eachSeries(v, 2, func(key string, rest []proto.Value) error {
		s := LastSample{Key: key}
		var err error
		if s.Labels, err = wire.TextMap(rest[0]); err != nil {
			return err
		}
		sample, err := decodeSample(rest[1])
		if err == command.Nil { //nolint:errorlint // Nil itself is what the decoder returns
			err = nil
		} else {
			s.Sample = command.Optional[Sample]{Value: sample, Present: err == nil}
		}
		result = append(result, s)
		return err
	})
	return result, err
}

// Series are samples of a series, or of a group of them.
type Series struct {
	Key    string            // of a group: its label and value, such as "area=north"
	Labels map[string]string // as [WithLabels] and [SelectedLabels] ask for
	// Aggregations are those of the samples, in small letters; servers tell them in RESP3.
	Aggregations []string
	// Reducers and Sources are of a group: what it was reduced by, and the keys that it
	// was made of. In RESP2 servers tell them with [WithLabels].
	Reducers, Sources []string
	Samples           []Sample
}

// MRange returns the samples from one time to another of each series that filters match,
// as [Range] does. O(n/m+k) for n samples, chunks of m samples, and k samples in the
// ranges. Since TimeSeries 1.0.0.
func MRange(from, to time.Time, filters []Filter, opts ...MRangeOption) command.Cmd[[]Series] {
	return wire.Reader(mrangeArgs(from, to, filters, opts), "TS.MRANGE", decodeSeries)
}

// MRevRange is [MRange] with the newest first. O(n/m+k) for n samples, chunks of m
// samples, and k samples in the ranges. Since TimeSeries 1.4.0.
func MRevRange(from, to time.Time, filters []Filter, opts ...MRangeOption) command.Cmd[[]Series] {
	return wire.Reader(mrangeArgs(from, to, filters, opts), "TS.MREVRANGE", decodeSeries)
}

func mrangeArgs(from, to time.Time, filters []Filter, opts []MRangeOption) *wire.Args {
	a := new(wire.Args)
	between(a, from, to)
	var behind []MRangeOption
	var before []MRangeOption
	for _, o := range opts {
		aligned(a, o, from, to)
		if _, ok := o.(GroupBy); ok {
			behind = append(behind, o)
		} else {
			before = append(before, o)
		}
	}
	wire.Parts(a, before, MRangeOption.mrange)
	a.Word("FILTER")
	appendFilters(a, filters)
	wire.Parts(a, behind, MRangeOption.mrange)
	return a
}

func decodeSeries(v proto.Value) ([]Series, error) {
	var result []Series
	err := eachSeries(v, 2, func(key string, rest []proto.Value) error {
		s := Series{Key: key}
		var err error
		if s.Labels, err = wire.TextMap(rest[0]); err != nil {
			return err
		}
		for _, extra := range rest[1 : len(rest)-1] {
			if err := s.extra(extra); err != nil {
				return err
			}
		}
		if name, ok := s.Labels["__reducer__"]; ok && s.Reducers == nil {
			s.Reducers = []string{name}
			delete(s.Labels, "__reducer__")
		}
		if names, ok := s.Labels["__source__"]; ok && s.Sources == nil {
			s.Sources = strings.Split(names, ",")
			delete(s.Labels, "__source__")
		}
		s.Samples, err = decodeSamples(rest[len(rest)-1])
		result = append(result, s)
		return err
	})
	return result, err
}

// extra decodes what RESP3 has between labels and samples: maps of one name.
func (s *Series) extra(v proto.Value) error {
	return wire.Record(v, "Series", func(name string, v proto.Value) error {
		switch name {
		case "aggregators":
			return wire.Into(&s.Aggregations, v, wire.Texts)
		case "reducers":
			return wire.Into(&s.Reducers, v, wire.Texts)
		case "sources":
			return wire.Into(&s.Sources, v, wire.Texts)
		}
		return nil
	})
}

// eachSeries gives the key of each series and what stands behind it, least values at
// least: RESP3 has a map of arrays by key, RESP2 an array of arrays with the key in front.
func eachSeries(v proto.Value, least int, one func(key string, rest []proto.Value) error) error {
	give := func(name proto.Value, rest []proto.Value) error {
		key, err := wire.Text(name)
		if err != nil || len(rest) < least {
			return wire.Want("series")
		}
		if one(key, rest) != nil {
			return wire.Want("series")
		}
		return nil
	}
	switch v.Kind() {
	case proto.KindMap:
		for name, rest := range v.Pairs() {
			if err := give(name, elements(rest)); err != nil {
				return err
			}
		}
	case proto.KindArray:
		for series := range v.All() {
			all := elements(series)
			if len(all) == 0 {
				return wire.Want("series")
			}
			if err := give(all[0], all[1:]); err != nil {
				return err
			}
		}
	default:
		return wire.Want("series")
	}
	return nil
}

// elements returns the elements of an array.
func elements(v proto.Value) []proto.Value {
	var all []proto.Value
	if v.Kind() == proto.KindArray {
		for e := range v.All() {
			all = append(all, e)
		}
	}
	return all
}
