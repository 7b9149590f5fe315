package search

import (
	"time"

	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/module/internal/wire"
)

// CreateOption is an option of [Create]: [OnHash], [OnJSON], [Prefix], [Filter],
// [Language], [Score], [StopWords], [Temporary], [SkipInitialScan], [Without].
type CreateOption interface{ create() wire.Part }

// AlterOption is an option of [Alter]: [SkipInitialScan].
type AlterOption interface{ alter() wire.Part }

type on string

// OnHash indexes hashes, as the server does by itself.
func OnHash() CreateOption { return on("HASH") }

// OnJSON indexes JSON documents; the names of fields are JSONPaths then.
func OnJSON() CreateOption { return on("JSON") }

func (o on) create() wire.Part { return wire.NewPart("ON", "ON", string(o)) }

// Prefix indexes keys with one of these prefixes only.
type Prefix []string

func (p Prefix) create() wire.Part {
	part := wire.NewPart("PREFIX", "PREFIX")
	part.Counted("prefixes", p)
	return part
}

// Filter is an expression such as "@age > 16". It lets [Create] index documents only for
// which it holds, and [Aggregate] go on with such rows only.
type Filter string

func (f Filter) create() wire.Part    { return f.part("FILTER") }
func (f Filter) aggregate() wire.Part { return f.part("") }

func (f Filter) part(group string) wire.Part {
	p := wire.NewPart(group, "FILTER", string(f))
	if f == "" {
		p.Refuse("an empty filter")
	}
	return p
}

// Language is the language of documents, or of a query, such as "english".
type Language string

func (l Language) create() wire.Part { return wire.NewPart("LANGUAGE", "LANGUAGE", string(l)) }
func (l Language) search() wire.Part { return l.create() }

// Score is the score of documents that don't have one of their own, from 0 to 1.
type Score float64

func (s Score) create() wire.Part {
	p := wire.NewPart("SCORE", "SCORE")
	if !(s >= 0 && s <= 1) {
		p.Refuse("a score must be from 0 to 1")
	}
	p.Float(float64(s))
	return p
}

// StopWords are the words that an index leaves out, in place of the server's own; with
// none it takes all words.
type StopWords []string

func (s StopWords) create() wire.Part {
	p := wire.NewPart("STOPWORDS", "STOPWORDS")
	p.Int(int64(len(s)))
	p.Word(s...)
	return p
}

// Temporary lets an index go when it was not used for so long: in whole seconds, one at
// least.
type Temporary time.Duration

func (d Temporary) create() wire.Part {
	p := wire.NewPart("TEMPORARY", "TEMPORARY")
	if time.Duration(d) < time.Second || time.Duration(d)%time.Second != 0 {
		p.Refuse("TEMPORARY takes whole seconds, one at least")
	}
	p.Int(int64(time.Duration(d) / time.Second))
	return p
}

type skipInitialScan struct{}

// SkipInitialScan leaves out the keys that exist already.
func SkipInitialScan() interface {
	CreateOption
	AlterOption
} {
	return skipInitialScan{}
}

func (skipInitialScan) create() wire.Part  { return wire.NewPart("SKIPINITIALSCAN", "SKIPINITIALSCAN") }
func (s skipInitialScan) alter() wire.Part { return s.create() }

// Without is what an index does without, to save memory.
type Without string

// What it can do without.
const (
	WithoutOffsets    Without = "NOOFFSETS" // no exact phrases, no highlighting
	WithoutHighlights Without = "NOHL"
	WithoutFields     Without = "NOFIELDS" // no queries of single fields
	WithoutFreqs      Without = "NOFREQS"  // scores don't count how often a word comes
)

func (w Without) create() wire.Part {
	p := wire.NewPart(string(w), string(w))
	switch w {
	case WithoutOffsets, WithoutHighlights, WithoutFields, WithoutFreqs:
	default:
		p.Refuse("%q is nothing that an index can do without", string(w))
	}
	return p
}

// words starts a command with words of which none may be empty; what names them.
func words(what string, list ...string) *wire.Args {
	a := new(wire.Args)
	for _, w := range list {
		if w == "" {
			a.Refuse("an empty name of %s", what)
		}
	}
	a.Word(list...)
	return a
}

// Create creates an index; the keys that exist are indexed in the background. An index
// that exists is an error. O(K) for K fields, and O(N) for N keys in the background.
// Since Search 1.0.0.
func Create(index string, fields []Field, opts ...CreateOption) command.Cmd[struct{}] {
	a := words("an index", index)
	wire.Parts(a, opts, CreateOption.create)
	a.Word("SCHEMA")
	appendFields(a, fields)
	return wire.Command(a, "FT.CREATE", wire.OK)
}

// Alter adds fields to an index. O(N) for N keys, in the background. Since Search 1.0.0.
func Alter(index string, fields []Field, opts ...AlterOption) command.Cmd[struct{}] {
	a := words("an index", index)
	wire.Parts(a, opts, AlterOption.alter)
	a.Word("SCHEMA", "ADD")
	appendFields(a, fields)
	return wire.Command(a, "FT.ALTER", wire.OK)
}

// DropIndex removes an index and leaves the documents. O(1). Since Search 2.0.0.
func DropIndex(index string) command.Cmd[struct{}] {
	return wire.Command(words("an index", index), "FT.DROPINDEX", wire.OK)
}

// DropIndexAndDocuments removes an index and the documents in it: the option DD. O(N) for
// N documents. Since Search 2.0.0.
func DropIndexAndDocuments(index string) command.Cmd[struct{}] {
	a := words("an index", index)
	a.Word("DD")
	return wire.Command(a, "FT.DROPINDEX", wire.OK)
}

// List returns the names of all indexes: the command FT._LIST. O(1). Since Search 2.0.0.
func List() command.Cmd[[]string] { return wire.Reader(new(wire.Args), "FT._LIST", wire.Texts) }

// AliasAdd gives an index another name. A name that is taken is an error. O(1).
// Since Search 1.0.0.
func AliasAdd(alias, index string) command.Cmd[struct{}] {
	return wire.Command(words("an index", alias, index), "FT.ALIASADD", wire.OK)
}

// AliasUpdate gives an index another name, also one that another index has had. O(1).
// Since Search 1.0.0.
func AliasUpdate(alias, index string) command.Cmd[struct{}] {
	return wire.Command(words("an index", alias, index), "FT.ALIASUPDATE", wire.OK)
}

// AliasDel takes another name away. O(1). Since Search 1.0.0.
func AliasDel(alias string) command.Cmd[struct{}] {
	return wire.Command(words("an index", alias), "FT.ALIASDEL", wire.OK)
}

// TagVals returns the tags that a [Tag] field has in all documents, in small letters
// unless it is [CaseSensitive]. O(N) for N tags. Since Search 1.0.0.
func TagVals(index, field string) command.Cmd[[]string] {
	return wire.Reader(words("an index or a field", index, field), "FT.TAGVALS", wire.Texts)
}

// DictAdd adds terms to a dictionary and returns how many are new. O(1) for each.
// Since Search 1.4.0.
func DictAdd(dictionary string, terms ...string) command.Cmd[int64] {
	a := words("a dictionary", dictionary)
	a.Words("terms", terms)
	return wire.Command(a, "FT.DICTADD", wire.Int)
}

// DictDel takes terms out of a dictionary and returns how many there were. O(1) for each.
// Since Search 1.4.0.
func DictDel(dictionary string, terms ...string) command.Cmd[int64] {
	a := words("a dictionary", dictionary)
	a.Words("terms", terms)
	return wire.Command(a, "FT.DICTDEL", wire.Int)
}

// DictDump returns the terms of a dictionary. O(N) for N terms. Since Search 1.4.0.
func DictDump(dictionary string) command.Cmd[[]string] {
	return wire.Reader(words("a dictionary", dictionary), "FT.DICTDUMP", wire.Texts)
}
