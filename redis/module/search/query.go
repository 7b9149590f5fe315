package search

import (
	"slices"
	"time"

	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/module/internal/wire"
)

// QueryOption is an option of [Search]: [NoContent], [Verbatim], [WithScores], [InKeys],
// [InFields], [Return], [SortBy], [Limit], [Params], [Dialect], [Timeout], [Language],
// [Scorer].
type QueryOption interface{ search() wire.Part }

// ExplainOption is an option of [Explain]: [Dialect].
type ExplainOption interface{ explain() wire.Part }

type flag string

func (f flag) search() wire.Part    { return wire.NewPart(string(f), string(f)) }
func (f flag) aggregate() wire.Part { return f.search() }

// NoContent gives the IDs of documents only.
func NoContent() QueryOption { return flag("NOCONTENT") }

// WithScores gives the scores of documents.
func WithScores() QueryOption { return flag("WITHSCORES") }

// Verbatim takes the words of a query as they are.
func Verbatim() interface {
	QueryOption
	AggregateOption
} {
	return flag("VERBATIM")
}

// InKeys looks at these documents only.
type InKeys []string

func (k InKeys) search() wire.Part {
	p := wire.NewPart("INKEYS", "INKEYS")
	p.Counted("keys", k)
	return p
}

// InFields looks at these text fields only.
type InFields []string

func (f InFields) search() wire.Part {
	p := wire.NewPart("INFIELDS", "INFIELDS")
	p.Counted("fields", f)
	return p
}

// Return gives these fields of documents only; where one is a JSONPath, [ReturnAs] gives
// it a name.
type Return []string

func (r Return) search() wire.Part {
	p := wire.NewPart("RETURN", "RETURN")
	p.Counted("fields to return", r)
	return p
}

// ReturnAs is [Return] with the name that each field, a name or a JSONPath, shall have.
type ReturnAs []Renamed

// Renamed is a field and its new name.
type Renamed struct {
	Field, As string // an empty As keeps the name
}

func (r ReturnAs) search() wire.Part {
	p := wire.NewPart("RETURN", "RETURN")
	var list []string
	for _, f := range r {
		list = append(list, f.Field)
		if f.As != "" {
			list = append(list, "AS", f.As)
		}
	}
	p.Counted("fields to return", list)
	return p
}

// SortBy sorts by a field, the smallest first or, with [command.Desc], the largest.
type SortBy struct {
	Field string
	Order command.Order
}

func (s SortBy) search() wire.Part {
	p := wire.NewPart("SORTBY", "SORTBY", s.Field)
	if s.Field == "" {
		p.Refuse("no field to sort by")
	}
	p.Word(direction(s.Order))
	return p
}

func direction(o command.Order) string {
	if o == command.Desc {
		return "DESC"
	}
	return "ASC"
}

// Limit gives Count results from the one of number Offset on, which is counted from 0;
// the server's own is 10 from 0 for a search. With a Count of 0 there is the total only.
type Limit struct{ Offset, Count int64 }

func (l Limit) search() wire.Part    { return l.part("LIMIT") }
func (l Limit) aggregate() wire.Part { return l.part("") }

func (l Limit) part(group string) wire.Part {
	p := wire.NewPart(group, "LIMIT")
	p.NotNegative("an offset", l.Offset)
	p.NotNegative("a count", l.Count)
	return p
}

// Params are values for the names with a $ in a query: texts, numbers, and the bytes of a
// vector, see [Float32s]. They need a [Dialect] of 2 or more. Since Search 2.4.0.
type Params map[string]any

func (m Params) search() wire.Part {
	p := wire.NewPart("PARAMS", "PARAMS")
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	if len(names) == 0 {
		p.Refuse("no parameters")
	}
	p.Int(int64(2 * len(names)))
	for _, name := range names {
		p.Word(name)
		p.Value(m[name])
	}
	return p
}

func (m Params) aggregate() wire.Part { return m.search() }

// Dialect is the version of the query language, 1 to 4. Since Search 2.4.0.
type Dialect int

func (d Dialect) search() wire.Part {
	p := wire.NewPart("DIALECT", "DIALECT")
	if d < 1 || d > 4 {
		p.Refuse("there is no dialect %d", int(d))
	}
	p.Int(int64(d))
	return p
}

func (d Dialect) aggregate() wire.Part { return d.search() }
func (d Dialect) explain() wire.Part   { return d.search() }

// Timeout is how long the server may work on a query, in place of its own; a millisecond
// at least.
type Timeout time.Duration

func (t Timeout) search() wire.Part {
	p := wire.NewPart("TIMEOUT", "TIMEOUT")
	p.Millis("a timeout", time.Duration(t))
	return p
}

func (t Timeout) aggregate() wire.Part { return t.search() }

// Scorer is the function that documents get their scores by, such as "BM25".
type Scorer string

func (s Scorer) search() wire.Part { return wire.NewPart("SCORER", "SCORER", string(s)) }

// Found is what a [Search] found.
type Found struct {
	Total     int64 // documents that match, of which there is a part here
	Documents []Document
	// Warnings say what is wrong with the result, such as that time ran out. Servers tell
	// them in RESP3.
	Warnings []string
}

// Document is a document that was found.
type Document struct {
	ID    string  // its key
	Score float64 // 0 without [WithScores]
	// Fields are its fields as text; none with [NoContent], or where it went meanwhile. A
	// JSON document without [Return] has one, "$", with all of it.
	Fields map[string]string
}

// Search returns the documents of an index that a query matches, 10 of them without a
// [Limit]. O(N) for N matches of a simple query. Since Search 1.0.0.
func Search(index, query string, opts ...QueryOption) command.Cmd[Found] {
	a := words("an index", index)
	a.Word(query)
	seen := wire.Parts(a, opts, QueryOption.search)
	return wire.Reader(a, "FT.SEARCH", func(v proto.Value) (Found, error) {
		if v.Kind() == proto.KindMap {
			return decodeFoundMap(v)
		}
		return decodeFoundArray(v, seen["WITHSCORES"], !seen["NOCONTENT"])
	})
}

// decodeFoundArray decodes the flat array of RESP2: the total, and for each document its
// ID, its score and its fields, as far as they were asked for.
func decodeFoundArray(v proto.Value, scores, fields bool) (Found, error) {
	const wanted = "documents"
	var f Found
	e := v.Elems()
	if v.Kind() != proto.KindArray || !e.Next() {
		return f, wire.Want(wanted)
	}
	var err error
	if f.Total, err = wire.Int(e.Value()); err != nil {
		return f, wire.Want(wanted)
	}
	for e.Next() {
		var d Document
		if d.ID, err = wire.Text(e.Value()); err != nil {
			return Found{}, wire.Want(wanted)
		}
		if scores {
			if !e.Next() {
				return Found{}, wire.Want(wanted)
			}
			if d.Score, err = wire.Float(e.Value()); err != nil {
				return Found{}, wire.Want(wanted)
			}
		}
		if fields {
			if !e.Next() {
				return Found{}, wire.Want(wanted)
			}
			if err = wire.Into(&d.Fields, e.Value(), wire.TextMap); err != nil {
				return Found{}, wire.Want(wanted)
			}
		}
		f.Documents = append(f.Documents, d)
	}
	return f, nil
}

// decodeFoundMap decodes the map of RESP3.
func decodeFoundMap(v proto.Value) (Found, error) {
	var f Found
	err := wire.Record(v, "documents", func(name string, v proto.Value) error {
		switch name {
		case "total_results":
			return wire.Into(&f.Total, v, wire.Int)
		case "warning":
			return wire.Into(&f.Warnings, v, decodeWarnings)
		case "results":
			return wire.Into(&f.Documents, v, decodeDocuments)
		}
		return nil
	})
	return f, err
}

// decodeWarnings decodes warnings, which are nil where there is none.
func decodeWarnings(v proto.Value) ([]string, error) {
	list, err := wire.Texts(v)
	if len(list) == 0 {
		list = nil
	}
	return list, err
}

func decodeDocuments(v proto.Value) ([]Document, error) {
	list, err := wire.Each(v, "documents", func(v proto.Value) (Document, error) {
		var d Document
		err := wire.Record(v, "a document", func(name string, v proto.Value) error {
			switch name {
			case "id":
				return wire.Into(&d.ID, v, wire.Text)
			case "score":
				return wire.Into(&d.Score, v, wire.Float)
			case "extra_attributes":
				return wire.Into(&d.Fields, v, wire.TextMap)
			}
			return nil
		})
		return d, err
	})
	if len(list) == 0 {
		list = nil
	}
	return list, err
}

// Explain returns how the server understands a query, as text for people. O(1).
// Since Search 1.0.0.
func Explain(index, query string, opts ...ExplainOption) command.Cmd[string] {
	a := words("an index", index)
	a.Word(query)
	wire.Parts(a, opts, ExplainOption.explain)
	return wire.Reader(a, "FT.EXPLAIN", wire.Text)
}
