package search

import (
	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/module/internal/wire"
)

// SugAddOption is an option of [SugAdd]: [Increment], [Payload].
type SugAddOption interface{ sugAdd() wire.Part }

// SugGetOption is an option of [SugGet] and [SugGetFull]: [Fuzzy], [Max].
type SugGetOption interface{ sugGet() wire.Part }

type increment struct{}

// Increment adds to the score of a suggestion that is there, in place of a new score.
func Increment() SugAddOption { return increment{} }

func (increment) sugAdd() wire.Part { return wire.NewPart("INCR", "INCR") }

// Payload is kept with a suggestion.
type Payload string

func (p Payload) sugAdd() wire.Part { return wire.NewPart("PAYLOAD", "PAYLOAD", string(p)) }

type fuzzy struct{}

// Fuzzy finds also what is one letter away.
func Fuzzy() SugGetOption { return fuzzy{} }

func (fuzzy) sugGet() wire.Part { return wire.NewPart("FUZZY", "FUZZY") }

// Max is how many suggestions there are at most; the server's own is 5.
type Max int64

func (m Max) sugGet() wire.Part {
	p := wire.NewPart("MAX", "MAX")
	p.Positive("MAX", int64(m))
	return p
}

// SugAdd adds a suggestion to a dictionary of them, and returns how many it has. O(1).
// Since Search 1.0.0.
func SugAdd(key, text string, score float64, opts ...SugAddOption) command.Cmd[int64] {
	var a wire.Args
	a.Key(key)
	a.Word(text)
	a.Finite("a score", score)
	wire.Parts(&a, opts, SugAddOption.sugAdd)
	return wire.Command(&a, "FT.SUGADD", wire.Int)
}

// SugGet returns the suggestions for a prefix, the best first; none where the key does not
// exist. O(1). Since Search 1.0.0.
func SugGet(key, prefix string, opts ...SugGetOption) command.Cmd[[]string] {
	return wire.Reader(sugGet(key, prefix, opts), "FT.SUGGET", decodeTexts)
}

// Suggestion is a suggestion with what is kept with it.
type Suggestion struct {
	Text    string
	Score   float64 // relative to the prefix, not that of SugAdd
	Payload string  // empty where there is none
}

// SugGetFull is [SugGet] with scores and payloads: the options WITHSCORES and
// WITHPAYLOADS. O(1). Since Search 1.0.0.
func SugGetFull(key, prefix string, opts ...SugGetOption) command.Cmd[[]Suggestion] {
	a := sugGet(key, prefix, opts)
	a.Word("WITHSCORES", "WITHPAYLOADS")
	return wire.Reader(a, "FT.SUGGET", decodeSuggestions)
}

func sugGet(key, prefix string, opts []SugGetOption) *wire.Args {
	a := new(wire.Args)
	a.Key(key)
	a.Word(prefix)
	wire.Parts(a, opts, SugGetOption.sugGet)
	return a
}

// decodeTexts decodes texts; null is none.
func decodeTexts(v proto.Value) ([]string, error) {
	if v.IsNull() {
		return nil, nil
	}
	return wire.Texts(v)
}

// decodeSuggestions decodes texts, scores and payloads in turns; null is none.
func decodeSuggestions(v proto.Value) ([]Suggestion, error) {
	if v.IsNull() {
		return nil, nil
	}
	const wanted = "[]Suggestion"
	if v.Kind() != proto.KindArray || v.Len()%3 != 0 {
		return nil, wire.Want(wanted)
	}
	result := make([]Suggestion, 0, v.Len()/3)
	e := v.Elems()
	for e.Next() {
		var s Suggestion
		var err error
		if s.Text, err = wire.Text(e.Value()); err != nil || !e.Next() {
			return nil, wire.Want(wanted)
		}
		if s.Score, err = wire.Float(e.Value()); err != nil || !e.Next() {
			return nil, wire.Want(wanted)
		}
		if err = wire.Into(&s.Payload, e.Value(), wire.Text); err != nil {
			return nil, wire.Want(wanted)
		}
		result = append(result, s)
	}
	return result, nil
}

// SugDel takes a suggestion away and reports whether it was there. O(1).
// Since Search 1.0.0.
func SugDel(key, text string) command.Cmd[bool] {
	var a wire.Args
	a.Key(key)
	a.Word(text)
	return wire.Command(&a, "FT.SUGDEL", wire.Bool)
}

// SugLen returns how many suggestions there are. O(1). Since Search 1.0.0.
func SugLen(key string) command.Cmd[int64] {
	var a wire.Args
	a.Key(key)
	return wire.Reader(&a, "FT.SUGLEN", wire.Int)
}
