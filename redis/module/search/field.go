package search

import (
	"encoding/binary"
	"math"

	"github.com/redchan-go/redchan/redis/module/internal/wire"
)

// Field is a field of an index: [Text], [Tag], [Numeric], [Geo], [Vector].
type Field interface{ field() wire.Args }

// Flag is what a field may have beside its type; several are joined by |.
type Flag uint16

// The flags.
const (
	Sortable       Flag = 1 << iota // keeps values for sorting
	UNF                             // keeps them as they are written; needs Sortable
	NoIndex                         // leaves the field out of the index, as with Sortable only
	IndexEmpty                      // finds empty texts and tags. Since Search 2.10.0.
	IndexMissing                    // finds documents without the field. Since Search 2.10.0.
	NoStem                          // of a text: takes words as they are
	WithSuffixTrie                  // of texts and tags: makes *suffix and *infix* fast. Since Search 2.6.0.
	CaseSensitive                   // of a tag
)

// What fields of a type may have.
const (
	ofAny  = Sortable | UNF | NoIndex | IndexMissing
	ofText = ofAny | IndexEmpty | NoStem | WithSuffixTrie
	ofTag  = ofAny | IndexEmpty | WithSuffixTrie | CaseSensitive
)

// flagWords are the words of the flags, in the order of the server's documentation.
func flagWords() []struct {
	flag Flag
	word string
} {
	return []struct {
		flag Flag
		word string
	}{
		{CaseSensitive, "CASESENSITIVE"},
		{NoStem, "NOSTEM"},
		{WithSuffixTrie, "WITHSUFFIXTRIE"},
		{IndexEmpty, "INDEXEMPTY"},
		{IndexMissing, "INDEXMISSING"},
		{Sortable, "SORTABLE"},
		{UNF, "UNF"},
		{NoIndex, "NOINDEX"},
	}
}

// append appends the flags of a field whose type allows some.
func (f Flag) append(a *wire.Args, allowed Flag) {
	if f&^allowed != 0 {
		a.Refuse("a field has a flag that its type does not have")
	}
	if f&UNF != 0 && f&Sortable == 0 {
		a.Refuse("UNF needs SORTABLE")
	}
	for _, w := range flagWords() {
		if f&w.flag != 0 {
			a.Word(w.word)
		}
	}
}

// named starts a field with its name and type.
func named(name, as, kind string) wire.Args {
	var a wire.Args
	if name == "" {
		a.Refuse("a field has no name")
	}
	a.Word(name)
	if as != "" {
		a.Word("AS", as)
	}
	a.Word(kind)
	return a
}

// Text is a field that is searched by words.
type Text struct {
	Name     string  // of a hash's field, or a JSONPath
	As       string  // what queries call it; empty for its name
	Weight   float64 // 0 for the server's own, which is 1
	Phonetic string  // how it finds what sounds alike, such as "dm:en"; empty for not at all
	Flags    Flag
}

func (f Text) field() wire.Args {
	a := named(f.Name, f.As, "TEXT")
	if f.Weight != 0 {
		if f.Weight < 0 {
			a.Refuse("a weight can't be negative")
		}
		a.Word("WEIGHT")
		a.Finite("a weight", f.Weight)
	}
	if f.Phonetic != "" {
		a.Word("PHONETIC", f.Phonetic)
	}
	f.Flags.append(&a, ofText)
	return a
}

// Tag is a field that is searched by whole values.
type Tag struct {
	Name, As  string // as of [Text]
	Separator string // one character between tags; empty for the server's own, a comma
	Flags     Flag
}

func (f Tag) field() wire.Args {
	a := named(f.Name, f.As, "TAG")
	if f.Separator != "" {
		if len(f.Separator) != 1 {
			a.Refuse("a separator is one character")
		}
		a.Word("SEPARATOR", f.Separator)
	}
	f.Flags.append(&a, ofTag)
	return a
}

// Numeric is a field that is searched by ranges of numbers.
type Numeric struct {
	Name, As string // as of [Text]
	Flags    Flag
}

func (f Numeric) field() wire.Args {
	a := named(f.Name, f.As, "NUMERIC")
	f.Flags.append(&a, ofAny)
	return a
}

// Geo is a field with a longitude and a latitude, searched by distance.
type Geo struct {
	Name, As string // as of [Text]
	Flags    Flag
}

func (f Geo) field() wire.Args {
	a := named(f.Name, f.As, "GEO")
	f.Flags.append(&a, ofAny)
	return a
}

// Algorithm is how a vector field is searched.
type Algorithm string

// The algorithms.
const (
	Flat Algorithm = "FLAT" // exact: compares with every vector
	HNSW Algorithm = "HNSW" // approximate and fast
)

// Element is the type of a vector's elements.
type Element string

// The types. The small ones are not known to old servers.
const (
	Float32  Element = "FLOAT32"
	Float64  Element = "FLOAT64"
	Float16  Element = "FLOAT16"
	BFloat16 Element = "BFLOAT16"
	Int8     Element = "INT8"
	Uint8    Element = "UINT8"
)

// Metric is how far vectors are from each other.
type Metric string

// The metrics.
const (
	L2     Metric = "L2"     // Euclidean distance
	IP     Metric = "IP"     // inner product
	Cosine Metric = "COSINE" // angle
)

// Vector is a field that is searched by nearness.
type Vector struct {
	Name, As  string // as of [Text]
	Algorithm Algorithm
	Type      Element
	Dim       int64 // elements of a vector
	Metric    Metric
	// The others are 0 for the server's own.
	InitialCap     int64
	BlockSize      int64   // of Flat only
	M              int64   // of HNSW only: edges of a node
	EFConstruction int64   // of HNSW only
	EFRuntime      int64   // of HNSW only
	Epsilon        float64 // of HNSW only: how far range queries look beyond the range
	Flags          Flag    // IndexMissing only
}

func (f Vector) field() wire.Args {
	a := named(f.Name, f.As, "VECTOR")
	switch f.Algorithm {
	case Flat:
		if f.M != 0 || f.EFConstruction != 0 || f.EFRuntime != 0 || f.Epsilon != 0 {
			a.Refuse("a vector field has attributes of HNSW and is FLAT")
		}
	case HNSW:
		if f.BlockSize != 0 {
			a.Refuse("a vector field has attributes of FLAT and is HNSW")
		}
	default:
		a.Refuse("%q is no algorithm", string(f.Algorithm))
	}
	switch f.Type {
	case Float32, Float64, Float16, BFloat16, Int8, Uint8:
	default:
		a.Refuse("%q is no type of a vector's elements", string(f.Type))
	}
	switch f.Metric {
	case L2, IP, Cosine:
	default:
		a.Refuse("%q is no metric", string(f.Metric))
	}
	var attributes wire.Args
	attributes.Word("TYPE", string(f.Type), "DIM")
	attributes.Positive("DIM", f.Dim)
	attributes.Word("DISTANCE_METRIC", string(f.Metric))
	n := int64(6)
	for _, o := range [...]struct {
		name  string
		value int64
	}{
		{"INITIAL_CAP", f.InitialCap},
		{"BLOCK_SIZE", f.BlockSize},
		{"M", f.M},
		{"EF_CONSTRUCTION", f.EFConstruction},
		{"EF_RUNTIME", f.EFRuntime},
	} {
		if o.value != 0 {
			attributes.Word(o.name)
			attributes.Positive(o.name, o.value)
			n += 2
		}
	}
	if f.Epsilon != 0 {
		if f.Epsilon < 0 {
			a.Refuse("EPSILON can't be negative")
		}
		attributes.Word("EPSILON")
		attributes.Finite("EPSILON", f.Epsilon)
		n += 2
	}
	a.Word(string(f.Algorithm))
	a.Int(n)
	a.Append(attributes)
	f.Flags.append(&a, IndexMissing)
	return a
}

// Float32s returns a vector as servers keep it in a hash and take it for a parameter: for
// fields whose Type is [Float32].
func Float32s(vector []float32) []byte {
	b := make([]byte, 0, 4*len(vector))
	for _, f := range vector {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(f))
	}
	return b
}

// Float64s is [Float32s] for fields whose Type is [Float64].
func Float64s(vector []float64) []byte {
	b := make([]byte, 0, 8*len(vector))
	for _, f := range vector {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(f))
	}
	return b
}

// appendFields appends fields, of which there must be one at least.
func appendFields(a *wire.Args, fields []Field) {
	if len(fields) == 0 {
		a.Refuse("no fields")
	}
	for _, f := range fields {
		if f == nil {
			a.Refuse("a field is nil")
			continue
		}
		a.Append(f.field())
	}
}
