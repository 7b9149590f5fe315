package search

import (
	"strings"
	"time"

	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/module/internal/wire"
)

// AggregateOption is a step of an [Aggregate]: [Load], [LoadAs], [LoadAll], [GroupBy],
// [Sort], [Apply], [Filter], [Limit]; or an option of it: [Verbatim], [Params],
// [Dialect], [Timeout]. Steps are done in their order, and can come several times.
type AggregateOption interface{ aggregate() wire.Part }

// property returns the name of a property as the steps of an aggregation write it.
func property(a *wire.Args, name string) string {
	if name == "" || name == "@" {
		a.Refuse("an empty name of a property")
	}
	if strings.HasPrefix(name, "@") {
		return name
	}
	return "@" + name
}

// Load reads fields of the documents, which costs much more than sortable ones. A field
// can be a JSONPath, to which [LoadAs] gives a name.
type Load []string

func (l Load) aggregate() wire.Part {
	list := make(LoadAs, len(l))
	for i, name := range l {
		list[i] = Renamed{Field: name}
	}
	return list.aggregate()
}

// LoadAs is [Load] with the name that each field shall have.
type LoadAs []Renamed

func (l LoadAs) aggregate() wire.Part {
	p := wire.NewPart("", "LOAD")
	var list []string
	for _, f := range l {
		name := f.Field
		if !strings.HasPrefix(name, "$") {
			name = property(&p.Args, name)
		}
		list = append(list, name)
		if f.As != "" {
			list = append(list, "AS", f.As)
		}
	}
	p.Counted("fields to load", list)
	return p
}

type loadAll struct{}

// LoadAll reads all fields of the documents: LOAD *.
func LoadAll() AggregateOption { return loadAll{} }

func (loadAll) aggregate() wire.Part { return wire.NewPart("LOAD *", "LOAD", "*") }

// GroupBy makes one row of all rows whose properties By are the same; of all rows where By
// is empty.
type GroupBy struct {
	By     []string // with or without the @
	Reduce []Reducer
}

func (g GroupBy) aggregate() wire.Part {
	p := wire.NewPart("", "GROUPBY")
	p.Int(int64(len(g.By)))
	for _, name := range g.By {
		p.Word(property(&p.Args, name))
	}
	for _, r := range g.Reduce {
		if r.name == "" {
			p.Refuse("a reducer is empty")
		}
		p.Word("REDUCE", r.name)
		p.Int(int64(len(r.args)))
		p.Word(r.args...)
		if r.as != "" {
			p.Word("AS", r.as)
		}
		if r.reason != "" {
			p.Refuse("%s", r.reason)
		}
	}
	return p
}

// Sort sorts rows by properties.
type Sort struct {
	By  []SortBy
	Max int64 // rows that are kept; 0 for all
}

func (s Sort) aggregate() wire.Part {
	p := wire.NewPart("", "SORTBY")
	var list []string
	for _, by := range s.By {
		list = append(list, property(&p.Args, by.Field), direction(by.Order))
	}
	p.Counted("properties to sort by", list)
	if s.Max != 0 {
		p.Word("MAX")
		p.Positive("MAX", s.Max)
	}
	return p
}

// Apply gives each row a property more, which an expression has the value of.
type Apply struct{ Expression, As string }

func (f Apply) aggregate() wire.Part {
	p := wire.NewPart("", "APPLY", f.Expression, "AS", f.As)
	if f.Expression == "" || f.As == "" {
		p.Refuse("APPLY needs an expression and a name")
	}
	return p
}

// Rows is the result of an [Aggregate].
type Rows struct {
	// Total is what the server tells; it is no number of rows that one can rely on.
	Total    int64
	Rows     []Row
	Warnings []string // as of [Found]
}

// Row is the properties of a row by name, without the @.
type Row map[string]Value

// Value is the value of a property: a text, or the decimal form of a number; or a list.
// It is missing where Present is false.
type Value struct {
	Text    string
	List    []Value // not nil where it is a list
	Present bool
}

// Float returns the number of a value. [command.Nil]: it is missing.
func (v Value) Float() (float64, error) {
	switch {
	case !v.Present:
		return 0, command.Nil
	case v.List != nil:
		return 0, wire.Want("float64")
	}
	return wire.Float(proto.Bulk(v.Text))
}

// Int returns the whole number of a value. [command.Nil]: it is missing.
func (v Value) Int() (int64, error) {
	switch {
	case !v.Present:
		return 0, command.Nil
	case v.List != nil:
		return 0, wire.Want("int64")
	}
	return wire.Int(proto.Bulk(v.Text))
}

// Texts returns the texts of a list; a single value is a list of one.
func (v Value) Texts() []string {
	if v.List == nil {
		if !v.Present {
			return nil
		}
		return []string{v.Text}
	}
	texts := make([]string, len(v.List))
	for i, one := range v.List {
		texts[i] = one.Text
	}
	return texts
}

// Aggregate runs steps over the documents that a query matches and returns the rows that
// come out. O(N) for N matches and simple steps. Since Search 1.1.0.
func Aggregate(index, query string, steps ...AggregateOption) command.Cmd[Rows] {
	return wire.Reader(aggregate(index, query, steps), "FT.AGGREGATE", decodeRows)
}

func aggregate(index, query string, steps []AggregateOption) *wire.Args {
	a := words("an index", index)
	a.Word(query)
	wire.Parts(a, steps, AggregateOption.aggregate)
	return a
}

// Page is a part of the rows of an aggregation.
type Page struct {
	Rows
	Cursor int64 // what to give to [CursorRead]; 0 is the end
}

// AggregatePaged is [Aggregate] with count rows at a time: the option WITHCURSOR. The
// cursor goes when nothing was read for idle, in milliseconds, or for the server's own
// time where idle is 0. O(N) for N matches and simple steps. Since Search 1.1.0.
func AggregatePaged(index, query string, count int64, idle time.Duration, steps ...AggregateOption) command.Cmd[Page] {
	a := aggregate(index, query, steps)
	a.Word("WITHCURSOR", "COUNT")
	a.Positive("COUNT", count)
	if idle != 0 {
		a.Word("MAXIDLE")
		a.Millis("MAXIDLE", idle)
	}
	return wire.Command(a, "FT.AGGREGATE", decodePage)
}

// CursorRead returns the next rows of an [AggregatePaged], as many as it said. O(1).
// Since Search 1.1.0.
func CursorRead(index string, cursor int64) command.Cmd[Page] {
	return wire.Command(cursorArgs("READ", index, cursor), "FT.CURSOR", decodePage)
}

// CursorDel ends an [AggregatePaged] before its end. O(1). Since Search 1.1.0.
func CursorDel(index string, cursor int64) command.Cmd[struct{}] {
	return wire.Command(cursorArgs("DEL", index, cursor), "FT.CURSOR", wire.OK)
}

func cursorArgs(what, index string, cursor int64) *wire.Args {
	a := words("an index", what, index)
	if cursor == 0 {
		a.Refuse("a cursor of 0 is at its end")
	}
	a.Int(cursor)
	return a
}

func decodePage(v proto.Value) (Page, error) {
	var p Page
	if v.Kind() != proto.KindArray || v.Len() < 2 {
		return p, wire.Want("rows and cursor")
	}
	var err error
	if p.Rows, err = decodeRows(v.Index(0)); err == nil {
		p.Cursor, err = wire.Int(v.Index(1))
	}
	return p, err
}

// decodeRows decodes the map of RESP3, or the array of RESP2: the total and then rows.
func decodeRows(v proto.Value) (Rows, error) {
	const wanted = "rows"
	var r Rows
	if v.Kind() == proto.KindMap {
		err := wire.Record(v, wanted, func(name string, v proto.Value) error {
			switch name {
			case "total_results":
				return wire.Into(&r.Total, v, wire.Int)
			case "warning":
				return wire.Into(&r.Warnings, v, decodeWarnings)
			case "results":
				return wire.Into(&r.Rows, v, decodeResults)
			}
			return nil
		})
		return r, err
	}
	e := v.Elems()
	if v.Kind() != proto.KindArray || !e.Next() {
		return r, wire.Want(wanted)
	}
	var err error
	if r.Total, err = wire.Int(e.Value()); err != nil {
		return r, wire.Want(wanted)
	}
	for e.Next() {
		row, err := decodeRow(e.Value())
		if err != nil {
			return Rows{}, wire.Want(wanted)
		}
		r.Rows = append(r.Rows, row)
	}
	return r, nil
}

// decodeResults decodes rows of RESP3, which stand one level deeper.
func decodeResults(v proto.Value) ([]Row, error) {
	rows, err := wire.Each(v, "rows", func(v proto.Value) (Row, error) {
		var row Row
		err := wire.Record(v, "a row", func(name string, v proto.Value) error {
			if name == "extra_attributes" {
				return wire.Into(&row, v, decodeRow)
			}
			return nil
		})
		return row, err
	})
	if len(rows) == 0 {
		rows = nil
	}
	return rows, err
}

// decodeRow decodes the properties of a row.
func decodeRow(v proto.Value) (Row, error) {
	row := Row{}
	err := wire.Record(v, "a row", func(name string, v proto.Value) error {
		value, err := decodeValue(v)
		row[strings.Clone(name)] = value
		return err
	})
	return row, err
}

func decodeValue(v proto.Value) (Value, error) {
	switch {
	case v.IsNull():
		return Value{}, nil
	case wire.IsList(v):
		list, err := wire.Each(v, "a list", decodeValue)
		return Value{List: list, Present: true}, err
	}
	text, err := wire.Text(v)
	return Value{Text: text, Present: true}, err
}
