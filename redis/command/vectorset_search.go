package command

import "github.com/redchan-go/redchan/proto"

// VectorQuery is what [VSim] compares with: [SimilarTo] or a [Vector].
type VectorQuery interface{ appendQuery(r *Request) }

// SimilarTo lets [VSim] compare with an element of the set.
type SimilarTo string

func (element SimilarTo) appendQuery(r *Request) {
	r.word("ELE")
	r.word(string(element))
}

func (v Vector) appendQuery(r *Request) { r.appendVector(v) }

// VSimOption is an option of [VSim] and its kind: [Count], [VectorEF], [VectorEpsilon],
// [VectorFilter], [VectorFilterEF], [VectorTruth], [VectorNoThread].
type VSimOption interface{ vsimOption() tokens }

// VectorEpsilon lets [VSim] leave out what is farther away than this, from 0 to 1: the
// option EPSILON. Since Redis 8.2.0; Redis 8.0.6 has it too.
type VectorEpsilon float64

func (e VectorEpsilon) vsimOption() tokens {
	n, err := number(float64(e))
	t := option(groupCompare, "EPSILON", n)
	if t.err = err; e < 0 || e > 1 {
		t.err = badArgument("EPSILON must be from 0 to 1")
	}
	return t
}

// VectorFilter lets [VSim] return only elements for whose attributes an expression holds,
// such as ".year >= 1980": the option FILTER.
type VectorFilter string

func (f VectorFilter) vsimOption() tokens { return option(groupMatch, "FILTER", word(string(f))) }

// VectorFilterEF bounds how many elements [VSim] tries a filter on: the option FILTER-EF. 0
// is without a bound.
type VectorFilterEF int64

func (n VectorFilterEF) vsimOption() tokens {
	t := option(groupFrom, "FILTER-EF", integer(int64(n)))
	if n < 0 {
		t.err = badArgument("FILTER-EF can't be negative")
	}
	return t
}

// VSimFlag is an option of [VSim] and its kind: [VectorTruth], [VectorNoThread].
type VSimFlag string

// The options of [VSim] that are a word.
const (
	// VectorTruth lets [VSim] compare with every element, which is exact and slow: the
	// option TRUTH.
	VectorTruth VSimFlag = "TRUTH"
	// VectorNoThread lets [VSim] run in the server's main thread: the option NOTHREAD.
	VectorNoThread VSimFlag = "NOTHREAD"
)

func (f VSimFlag) vsimOption() tokens { return flag(groupFlag, f, VectorTruth, VectorNoThread) }

// VSim returns the elements of a vector set that are most similar to a vector or an
// element, which is among them, the most similar first; ten unless [Count] says otherwise.
// Empty where the key does not exist. O(log(N)) for N elements. Since Redis 8.0.0.
func VSim(key string, query VectorQuery, opts ...VSimOption) Cmd[[]string] {
	return Cmd[[]string]{vsimRequest(key, query, opts), decodeStrings}
}

// VSimWithScores is [VSim] with the similarities as scores, from 0 to 1. O(log(N)).
// Since Redis 8.0.0.
func VSimWithScores(key string, query VectorQuery, opts ...VSimOption) Cmd[[]ScoredMember] {
	r := vsimRequest(key, query, opts)
	r.word("WITHSCORES")
	return Cmd[[]ScoredMember]{r, decodeScores}
}

// VectorMatch is an element that [VSimWithAttribs] found.
type VectorMatch struct {
	Element    string
	Score      float64          // how similar it is, from 0 to 1
	Attributes Optional[string] // JSON
}

// VSimWithAttribs is [VSim] with the similarities and attributes of the elements: WITHSCORES
// WITHATTRIBS. O(log(N)). Since Redis 8.2.0; Redis 8.0.6 has it too.
func VSimWithAttribs(key string, query VectorQuery, opts ...VSimOption) Cmd[[]VectorMatch] {
	r := vsimRequest(key, query, opts)
	r.word("WITHSCORES")
	r.word("WITHATTRIBS")
	return Cmd[[]VectorMatch]{r, decodeVectorMatches}
}

func vsimRequest(key string, query VectorQuery, opts []VSimOption) Request {
	r := newRequest(&specVsim)
	r.key(key)
	if query == nil {
		r.fail(badArgument("nothing to compare with: give SimilarTo or a Vector"))
	} else {
		query.appendQuery(&r)
	}
	addOptions(&r, opts, VSimOption.vsimOption)
	return r
}

// decodeScores decodes a map of scores by element, or RESP2's flat array.
func decodeScores(v proto.Value) ([]ScoredMember, error) {
	const wanted = "elements and scores"
	if v.IsNull() {
		return nil, Nil
	}
	if !isPairs(v) {
		return nil, want(wanted)
	}
	t := textsOf(v)
	result := make([]ScoredMember, 0, v.Len()/2)
	e := v.Elems()
	for e.Next() {
		element, err := t.string(e.Value())
		if err != nil || !e.Next() {
			return nil, want(wanted)
		}
		score, err := decodeFloat(e.Value())
		if err != nil {
			return nil, want(wanted)
		}
		result = append(result, ScoredMember{element, score})
	}
	return result, nil
}

// decodeVectorMatches decodes a map of score and attributes by element, or RESP2's flat
// array of three for each element.
func decodeVectorMatches(v proto.Value) ([]VectorMatch, error) {
	const wanted = "elements with scores and attributes"
	flat := v.Kind() == proto.KindArray
	if !flat && v.Kind() != proto.KindMap {
		return nil, want(wanted)
	}
	t := textsOf(v)
	attributes := optional(t.string)
	var result []VectorMatch
	e := v.Elems()
	for e.Next() {
		var match VectorMatch
		var err error
		if match.Element, err = t.string(e.Value()); err != nil || !e.Next() {
			return nil, want(wanted)
		}
		score := e.Value()
		var attribs proto.Value
		if flat {
			if !e.Next() {
				return nil, want(wanted)
			}
			attribs = e.Value()
		} else {
			score, attribs = score.Index(0), score.Index(1)
		}
		if match.Score, err = decodeFloat(score); err != nil {
			return nil, want(wanted)
		}
		if match.Attributes, err = attributes(attribs); err != nil {
			return nil, want(wanted)
		}
		result = append(result, match)
	}
	return result, nil
}

// VLinks returns the neighbours that an element is linked with, by the levels of the
// graph, the highest first. [Nil]: the key or the element does not exist. O(1).
// Since Redis 8.0.0.
func VLinks(key, element string) Cmd[[][]string] {
	return Cmd[[][]string]{vectorRequest(&specVlinks, key, element), decodeLinks}
}

// VLinksWithScores is [VLinks] with how similar the neighbours are. [Nil]: the key or the
// element does not exist. O(1). Since Redis 8.0.0.
func VLinksWithScores(key, element string) Cmd[[][]ScoredMember] {
	r := vectorRequest(&specVlinks, key, element)
	r.word("WITHSCORES")
	return Cmd[[][]ScoredMember]{r, decodeScoredLinks}
}

func decodeLinks(v proto.Value) ([][]string, error) {
	if v.IsNull() {
		return nil, Nil
	}
	return decodeEach(v, "neighbours by level", decodeStrings)
}

func decodeScoredLinks(v proto.Value) ([][]ScoredMember, error) {
	if v.IsNull() {
		return nil, Nil
	}
	return decodeEach(v, "neighbours with scores by level", decodeScores)
}

// VectorSetInfo is what VINFO tells of a vector set.
type VectorSetInfo struct {
	Quantization  string // "f32", "int8" or "bin"
	Links         int64  // how many neighbours each element is linked with: M
	Dimensions    int64
	ProjectedFrom int64 // the dimensions before REDUCE; 0 without
	Size          int64 // the number of elements
	MaxLevel      int64 // of the graph
	Attributes    int64 // how many elements have attributes
	UID           int64 // of the set
	MaxNodeUID    int64
}

// VInfo returns facts about a vector set. [Nil]: the key does not exist. O(1).
// Since Redis 8.0.0.
func VInfo(key string) Cmd[VectorSetInfo] {
	r := newRequest(&specVinfo)
	r.key(key)
	return Cmd[VectorSetInfo]{r, decodeVectorSetInfo}
}

func decodeVectorSetInfo(v proto.Value) (VectorSetInfo, error) {
	var info VectorSetInfo
	if v.IsNull() {
		return info, Nil
	}
	err := decodeRecord(v, "facts about a vector set", func(name string, value proto.Value) error {
		switch name {
		case "quant-type":
			return into(&info.Quantization, value, decodeText)
		case "hnsw-m":
			return into(&info.Links, value, decodeInt)
		case "vector-dim":
			return into(&info.Dimensions, value, decodeInt)
		case "projection-input-dim":
			return into(&info.ProjectedFrom, value, decodeInt)
		case "size":
			return into(&info.Size, value, decodeInt)
		case "max-level":
			return into(&info.MaxLevel, value, decodeInt)
		case "attributes-count":
			return into(&info.Attributes, value, decodeInt)
		case "vset-uid":
			return into(&info.UID, value, decodeInt)
		case "hnsw-max-node-uid":
			return into(&info.MaxNodeUID, value, decodeInt)
		}
		return nil
	})
	return info, err
}
