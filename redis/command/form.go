package command

import (
	"errors"
	"iter"
	"strings"
	"time"

	"github.com/redchan-go/redchan/proto"
)

// form is the shape of a command's reply where RESP2 and RESP3 differ, or where the
// reply alone does not say what its elements are. Decoders go by it, so that they give
// the same in both protocols and never guess.
type form uint8

const (
	formOfCommand form = iota // of Request.as: as the command says
	formOther                 // what the reply itself says
	formMap                   // names and values: a map, or a flat array in RESP2
	formPairs                 // names and values in order: an array of pairs, or flat in RESP2
	formScores                // formPairs, of members and their scores
	formOneScore              // one member and its score, flat in both protocols
	formNamed                 // one value for each name in the request, in that order
	formScore                 // a score: a double, or text in RESP2
	formScoreList             // an array of scores or nulls
)

// form returns the form of the request's reply. It goes by the command, not by the
// constructor, so that [Raw] commands are decoded alike.
func (r *Request) form() form {
	if r.as != formOfCommand {
		return r.as
	}
	switch r.spec {
	case &specHgetall, &specConfigGet, &specMemoryStats, &specAclGetuser, &specXinfoStream,
		&specClientTrackinginfo, &specFunctionStats, &specCommandDocs, &specLatencyHistogram,
		&specVinfo, &specXread, &specXreadgroup, &specPubsubNumsub, &specPubsubShardnumsub:
		return formMap
	case &specHrandfield:
		if r.hasWord("WITHVALUES", 2) {
			return formPairs
		}
	case &specZrange, &specZrevrange, &specZrangebyscore, &specZrevrangebyscore:
		if r.hasWord("WITHSCORES", 3) {
			return formScores
		}
	case &specZrandmember:
		if r.hasWord("WITHSCORES", 2) {
			return formScores
		}
	case &specVsim:
		if r.hasWord("WITHSCORES", 3) { // behind ELE and its element, or the vector
			return formMap
		}
	case &specZunion, &specZinter, &specZdiff:
		if n, ok := r.count0(); ok && r.hasWord("WITHSCORES", 1+n) {
			return formScores
		}
	case &specZpopmin, &specZpopmax:
		if r.Len() > 1 {
			return formScores
		}
		return formOneScore
	case &specZscore, &specZincrby:
		return formScore
	case &specZadd:
		if r.hasWord("INCR", 1) && r.Len() > 3 {
			return formScore
		}
	case &specZmscore:
		return formScoreList
	}
	if r.names() > 0 {
		return formNamed
	}
	return formOther
}

// valueForm returns the form of the values of a reply of the form f.
func (f form) valueForm() form {
	switch f {
	case formScores, formOneScore, formScoreList:
		return formScore
	}
	return formOther
}

// names returns how many arguments at the end of the request are the names of the
// values in its reply, in the same order; 0 where the reply has no such values.
func (r *Request) names() int {
	switch r.spec {
	case &specMget:
		return r.Len()
	case &specHmget, &specZmscore, &specSmismember, &specGeopos, &specGeohash:
		return max(r.Len()-1, 0)
	case &specHgetex, &specHgetdel, &specHttl, &specHpttl, &specHexpiretime, &specHpexpiretime,
		&specHpersist, &specHexpire, &specHpexpire, &specHexpireat, &specHpexpireat:
		for i := 1; i+1 < r.Len(); i++ {
			if strings.EqualFold(r.text(i), "FIELDS") {
				return r.Len() - i - 2
			}
		}
	}
	return 0
}

// hasWord reports whether an argument from number from on is word, in any case.
func (r *Request) hasWord(word string, from int) bool {
	for i := from; i < r.Len(); i++ {
		if !r.at(i).key && strings.EqualFold(r.text(i), word) {
			return true
		}
	}
	return false
}

// count0 returns the number that is the first argument.
func (r *Request) count0() (int, bool) {
	if r.Len() == 0 {
		return 0, false
	}
	var n int
	err := parseInto(&n, r.text(0))
	return n, err == nil && n >= 0 && n < r.Len()
}

// clock is what the integers of a reply count, for commands whose replies are times.
type clock struct {
	unit  time.Duration // 0: the reply is no time
	point bool          // since 1970, rather than from now on or for that long
}

// clock returns what the integers of the request's reply count.
func (r *Request) clock() clock {
	switch r.spec {
	case &specTtl, &specHttl, &specObjectIdletime:
		return clock{unit: time.Second}
	case &specPttl, &specHpttl:
		return clock{unit: time.Millisecond}
	case &specExpiretime, &specHexpiretime, &specLastsave:
		return clock{unit: time.Second, point: true}
	case &specPexpiretime, &specHpexpiretime:
		return clock{unit: time.Millisecond, point: true}
	}
	return clock{}
}

// paired reports whether the reply's elements are names and values by turns, once they
// are flat.
func (f form) paired() bool {
	return f == formMap || f == formPairs || f == formScores || f == formOneScore
}

// elems returns an iterator over the elements of a reply as RESP2 has them: maps and
// pairs are flat.
func (f form) elems(v proto.Value) iter.Seq[proto.Value] {
	if !f.paired() || !nested(v) {
		return v.All()
	}
	return func(yield func(proto.Value) bool) {
		for pair := range v.All() {
			if pair.Kind() == proto.KindError && !yield(pair) {
				return
			}
			for one := range pair.All() {
				if !yield(one) {
					return
				}
			}
		}
	}
}

// nested reports whether v is an array of pairs.
func nested(v proto.Value) bool {
	if v.Kind() != proto.KindArray || v.Len() == 0 {
		return false
	}
	for pair := range v.All() {
		if pair.Kind() != proto.KindError && (pair.Kind() != proto.KindArray || pair.Len() != 2) {
			return false
		}
	}
	return true
}

// isList reports whether v is an array or set, or a map, which is a flat array in RESP2.
func isList(v proto.Value) bool {
	return v.Kind() == proto.KindArray || v.Kind() == proto.KindSet || v.Kind() == proto.KindMap
}

// errNoPairs refuses to guess from an even number of elements.
var errNoPairs = errors.New("nothing tells that this array is names and values: say so by AsFields")

// fieldReader reads a reply as names and values.
type fieldReader struct {
	form  form
	names []string // of formNamed
}

// fieldReader returns how to read the request's reply as names and values.
func (r *Request) fieldReader() fieldReader {
	f := fieldReader{form: r.form()}
	for i := r.Len() - r.names(); i < r.Len(); i++ {
		f.names = append(f.names, r.text(i))
	}
	return f
}

// each gives the names and values of a reply to yield. Null is left out where the names
// are the request's: that value is missing. Where the reply does not say that it has
// names and values, and the command neither, it is not decoded.
func (f fieldReader) each(v proto.Value, wanted string, yield func(i int, name string, v proto.Value) error) error {
	switch {
	case v.Kind() == proto.KindMap || f.form.paired() && isList(v):
		return f.eachPair(v, wanted, yield)
	case len(f.names) > 0 && v.Kind() == proto.KindArray:
		if v.Len() != len(f.names) {
			return want(wanted)
		}
		i := 0
		for value := range v.All() {
			if !value.IsNull() {
				if err := yield(i, f.names[i], value); err != nil {
					return err
				}
			}
			i++
		}
		return nil
	case isList(v):
		return wantCause(wanted, errNoPairs)
	}
	return want(wanted)
}

// count returns how many values a reply has, those that are missing included.
func (f fieldReader) count(v proto.Value) int {
	switch {
	case len(f.names) > 0:
		return len(f.names)
	case nested(v):
		return v.Len()
	}
	return v.Len() / 2
}

// eachPair is each for names and values by turns.
func (f fieldReader) eachPair(v proto.Value, wanted string, yield func(i int, name string, v proto.Value) error) error {
	i, name, isValue := 0, "", false
	for e := range f.form.elems(v) {
		if isValue {
			if err := yield(i, name, e); err != nil {
				return err
			}
			i++
		} else {
			var err error
			if name, err = decodeString(e); err != nil {
				return want(wanted)
			}
		}
		isValue = !isValue
	}
	if isValue {
		return want(wanted)
	}
	return nil
}

// AsFields returns cmd with its names and values as a slice, in the order of the reply.
//
// It also says that an array which the command returns is names and values by turns. The
// replies of scripts, functions and [Raw] commands don't tell, so that [AsMap] and
// [AsStruct] refuse them without it:
//
//	user, err := command.AsStruct[User](command.AsFields(script.Run(keys))).Do(ctx, client)
func AsFields[U any](cmd Cmd[U]) Cmd[[]Field] {
	if !cmd.request.form().paired() && cmd.request.names() == 0 {
		cmd.request.as = formPairs
	}
	read := cmd.request.fieldReader()
	return As(cmd, func(v proto.Value) ([]Field, error) {
		if v.IsNull() {
			return nil, nil
		}
		t := textsOf(v)
		var bad partial
		fields := make([]Field, 0, v.Len()/2)
		err := read.each(v, "names and values", func(i int, name string, v proto.Value) error {
			if bad.takes(i, name, v) {
				return nil
			}
			value, err := t.string(v)
			fields = append(fields, Field{t.text(name), value})
			return err
		})
		if err != nil {
			return nil, err
		}
		return fields, bad.err(read.count(v))
	})
}
