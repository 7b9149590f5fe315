package search

import (
	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/module/internal/wire"
)

// Stats is what [Info] tells of an index.
type Stats struct {
	Name       string
	Options    []string // as given to [Create], such as "NOFREQS"
	OnJSON     bool     // it indexes JSON documents, not hashes
	Prefixes   []string
	Filter     string
	Language   string  // the server's own where it is empty
	Score      float64 // of documents that don't have one
	Attributes []Attribute

	Documents int64
	Terms     int64
	Records   int64
	MaxDocID  int64

	InvertedMB float64 // megabytes of the inverted index
	VectorMB   float64 // megabytes of vectors
	TotalMB    float64 // megabytes of all, where the server tells

	Indexing       bool    // documents are being indexed in the background
	PercentIndexed float64 // from 0 to 1
	Failures       int64   // documents that could not be indexed
	LastFailure    string  // why, of the last one
	LastFailureKey string
}

// Attribute is a field of an index.
type Attribute struct {
	Identifier string // the name in a hash, or the JSONPath
	Name       string // what queries call it
	Type       string // such as "TEXT"
	Weight     float64
	Separator  string
	Flags      Flag
	// These are of vectors.
	Algorithm Algorithm
	Element   Element
	Dim       int64
	Metric    Metric
}

// Info returns what there is to know about an index. One that does not exist is an error.
// O(1). Since Search 1.0.0.
func Info(index string) command.Cmd[Stats] {
	return wire.Reader(words("an index", index), "FT.INFO", decodeStats)
}

func decodeStats(v proto.Value) (Stats, error) {
	var s Stats
	err := wire.Record(v, "Stats", func(name string, v proto.Value) error {
		switch name {
		case "index_name":
			return wire.Into(&s.Name, v, wire.Text)
		case "index_options":
			return wire.Into(&s.Options, v, decodeWarnings)
		case "index_definition":
			return s.definition(v)
		case "attributes":
			return wire.Into(&s.Attributes, v, decodeAttributes)
		case "num_docs":
			return wire.Into(&s.Documents, v, wire.Int)
		case "num_terms":
			return wire.Into(&s.Terms, v, wire.Int)
		case "num_records":
			return wire.Into(&s.Records, v, wire.Int)
		case "max_doc_id":
			return wire.Into(&s.MaxDocID, v, wire.Int)
		case "inverted_sz_mb":
			return wire.Into(&s.InvertedMB, v, wire.Float)
		case "vector_index_sz_mb":
			return wire.Into(&s.VectorMB, v, wire.Float)
		case "total_index_memory_sz_mb":
			return wire.Into(&s.TotalMB, v, wire.Float)
		case "indexing":
			n, err := wire.Int(v)
			s.Indexing = n != 0
			return err
		case "percent_indexed":
			return wire.Into(&s.PercentIndexed, v, wire.Float)
		case "hash_indexing_failures":
			return wire.Into(&s.Failures, v, wire.Int)
		case "Index Errors":
			return s.failures(v)
		}
		return nil
	})
	return s, err
}

func (s *Stats) definition(v proto.Value) error {
	return wire.Record(v, "index_definition", func(name string, v proto.Value) error {
		switch name {
		case "key_type":
			kind, err := wire.Text(v)
			s.OnJSON = kind == "JSON"
			return err
		case "prefixes":
			return wire.Into(&s.Prefixes, v, wire.Texts)
		case "filter":
			return wire.Into(&s.Filter, v, wire.Text)
		case "default_language":
			return wire.Into(&s.Language, v, wire.Text)
		case "default_score":
			return wire.Into(&s.Score, v, wire.Float)
		}
		return nil
	})
}

func (s *Stats) failures(v proto.Value) error {
	return wire.Record(v, "Index Errors", func(name string, v proto.Value) error {
		switch name {
		case "indexing failures":
			return wire.Into(&s.Failures, v, wire.Int)
		case "last indexing error":
			return notApplicable(&s.LastFailure, v)
		case "last indexing error key":
			return notApplicable(&s.LastFailureKey, v)
		}
		return nil
	})
}

// notApplicable decodes a text for which servers say N/A where there is none.
func notApplicable(to *string, v proto.Value) error {
	err := wire.Into(to, v, wire.Text)
	if *to == "N/A" {
		*to = ""
	}
	return err
}

func decodeAttributes(v proto.Value) ([]Attribute, error) {
	return wire.Each(v, "[]Attribute", decodeAttribute)
}

// decodeAttribute decodes a field: a map with a list of flags, or RESP2's array of names
// and values behind which flags stand alone.
func decodeAttribute(v proto.Value) (Attribute, error) {
	var a Attribute
	if v.Kind() == proto.KindMap {
		err := wire.Record(v, "Attribute", func(name string, v proto.Value) error {
			_, err := a.set(name, v)
			return err
		})
		return a, err
	}
	if v.Kind() != proto.KindArray {
		return a, wire.Want("Attribute")
	}
	e := v.Elems()
	for more := e.Next(); more; {
		name := e.Value()
		more = e.Next()
		if !wire.IsText(name) {
			continue // of what is not known
		}
		if flag, ok := flagOf(name.Str()); ok {
			a.Flags |= flag
			continue
		}
		if !more {
			break
		}
		known, err := a.set(name.Str(), e.Value())
		if err != nil {
			return a, err
		}
		if known {
			more = e.Next()
		}
	}
	return a, nil
}

// set sets what belongs to a name, and reports whether it knows the name.
func (a *Attribute) set(name string, v proto.Value) (known bool, err error) {
	switch name {
	case "identifier":
		err = wire.Into(&a.Identifier, v, wire.Text)
	case "attribute":
		err = wire.Into(&a.Name, v, wire.Text)
	case "type":
		err = wire.Into(&a.Type, v, wire.Text)
	case "WEIGHT":
		err = wire.Into(&a.Weight, v, wire.Float)
	case "SEPARATOR":
		err = wire.Into(&a.Separator, v, wire.Text)
	case "algorithm":
		err = wire.Into(&a.Algorithm, v, word[Algorithm])
	case "data_type":
		err = wire.Into(&a.Element, v, word[Element])
	case "dim":
		err = wire.Into(&a.Dim, v, wire.Int)
	case "distance_metric":
		err = wire.Into(&a.Metric, v, word[Metric])
	case "flags":
		var list []string
		if list, err = wire.Texts(v); err == nil {
			for _, name := range list {
				flag, _ := flagOf(name)
				a.Flags |= flag
			}
		}
	default:
		return false, nil
	}
	return true, err
}

func word[T ~string](v proto.Value) (T, error) {
	text, err := wire.Text(v)
	return T(text), err
}

// flagOf returns the flag of a word.
func flagOf(name string) (Flag, bool) {
	for _, w := range flagWords() {
		if w.word == name {
			return w.flag, true
		}
	}
	return 0, false
}
