package command

import (
	"encoding/binary"
	"math"

	"github.com/redchan-go/redchan/proto"
)

// Vector is the numbers of an element of a vector set. It is sent as 32-bit floating-point
// numbers.
type Vector []float32

// appendVector appends a vector as FP32.
func (r *Request) appendVector(vector Vector) {
	if len(vector) == 0 {
		r.fail(badArgument("a vector without numbers"))
	}
	data := make([]byte, 0, 4*len(vector))
	for _, x := range vector {
		if x != x || math.IsInf(float64(x), 0) {
			r.fail(badArgument("a vector has finite numbers only"))
		}
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(x))
	}
	r.word("FP32")
	r.data(data)
}

// VAddOption is an option of [VAdd]: [VectorReduce], [VectorCAS], [NoQuantization],
// [Quantize8], [QuantizeBinary], [VectorEF], [VectorAttributes], [VectorLinks].
type VAddOption interface{ vaddOption() tokens }

// VectorReduce lets [VAdd] project vectors to a smaller number of dimensions by chance:
// the option REDUCE.
type VectorReduce int64

func (n VectorReduce) vaddOption() tokens {
	t := option(groupBy, "REDUCE", integer(int64(n)))
	if n <= 0 {
		t.err = badArgument("REDUCE must be positive")
	}
	return t
}

// VAddFlag is an option of [VAdd]: [VectorCAS].
type VAddFlag string

// VectorCAS lets [VAdd] look for neighbours in a thread of its own: the option CAS.
const VectorCAS VAddFlag = "CAS"

func (f VAddFlag) vaddOption() tokens { return flag(groupFlag, f, VectorCAS) }

// Quantization is an option of [VAdd] that says how a new set keeps its numbers.
type Quantization string

// The ways to keep numbers.
const (
	// NoQuantization keeps the numbers as they are: the option NOQUANT. Every VAdd to
	// that set must say so.
	NoQuantization Quantization = "NOQUANT"
	// Quantize8 keeps the numbers in 8 bits, which is the default: the option Q8.
	Quantize8 Quantization = "Q8"
	// QuantizeBinary keeps the numbers in one bit: the option BIN. Every VAdd to that
	// set must say so.
	QuantizeBinary Quantization = "BIN"
)

func (q Quantization) vaddOption() tokens {
	return flag(groupType, q, NoQuantization, Quantize8, QuantizeBinary)
}

// VectorEF is the option EF of [VAdd] and [VSim]: how many candidates are looked at. More
// is slower and finds better neighbours.
type VectorEF int64

func (n VectorEF) vaddOption() tokens { return n.tokens() }
func (n VectorEF) vsimOption() tokens { return n.tokens() }

func (n VectorEF) tokens() tokens {
	t := option(groupLimit, "EF", integer(int64(n)))
	if n <= 0 {
		t.err = badArgument("EF must be positive")
	}
	return t
}

type vectorAttributes struct{ value any }

// VectorAttributes lets [VAdd] set the attributes of the element: a JSON object as text, or
// what [JSON] encodes. It is the option SETATTR.
func VectorAttributes(attributes any) VAddOption { return vectorAttributes{attributes} }

func (a vectorAttributes) vaddOption() tokens {
	v, err := value(a.value)
	t := option(groupMatch, "SETATTR", v)
	t.err = err
	return t
}

// VectorLinks is the option M of [VAdd]: how many neighbours each element of the set is
// linked with, 16 by default. Every VAdd to that set must say the same.
type VectorLinks int64

func (n VectorLinks) vaddOption() tokens {
	t := option(groupCount, "M", integer(int64(n)))
	if n <= 0 {
		t.err = badArgument("M must be positive")
	}
	return t
}

// VAdd adds an element to a vector set, or gives it another vector. True: it is new.
// O(log(N)). Since Redis 8.0.0.
func VAdd(key string, vector Vector, element string, opts ...VAddOption) Cmd[bool] {
	r := newRequest(&specVadd)
	r.key(key)
	// REDUCE stands in front of the vector, the others behind the element.
	var before, behind []VAddOption
	for _, opt := range opts {
		if _, ok := opt.(VectorReduce); ok {
			before = append(before, opt)
		} else {
			behind = append(behind, opt)
		}
	}
	addOptions(&r, before, VAddOption.vaddOption)
	r.appendVector(vector)
	r.word(element)
	addOptions(&r, behind, VAddOption.vaddOption)
	return Cmd[bool]{r, decodeBool}
}

// VRem removes an element of a vector set. False: the key or the element does not exist.
// O(log(N)). Since Redis 8.0.0.
func VRem(key, element string) Cmd[bool] {
	return Cmd[bool]{vectorRequest(&specVrem, key, element), decodeBool}
}

// VCard returns the number of elements of a vector set, 0 where the key does not exist.
// O(1). Since Redis 8.0.0.
func VCard(key string) Cmd[int64] {
	r := newRequest(&specVcard)
	r.key(key)
	return Cmd[int64]{r, decodeInt}
}

// VDim returns how many dimensions the vectors of a set have. The key must exist.
// O(1). Since Redis 8.0.0.
func VDim(key string) Cmd[int64] {
	r := newRequest(&specVdim)
	r.key(key)
	return Cmd[int64]{r, decodeInt}
}

// VIsMember reports whether an element is in a vector set. O(1). Since Redis 8.0.0.
func VIsMember(key, element string) Cmd[bool] {
	return Cmd[bool]{vectorRequest(&specVismember, key, element), decodeBool}
}

// VEmb returns the vector of an element, about as it was added: quantization and
// normalization cost precision. [Nil]: the key or the element does not exist.
// O(N) for N dimensions. Since Redis 8.0.0.
func VEmb(key, element string) Cmd[[]float64] {
	return Cmd[[]float64]{vectorRequest(&specVemb, key, element), decodeVector}
}

func vectorRequest(spec *Spec, key, element string) Request {
	r := newRequest(spec)
	r.key(key)
	r.word(element)
	return r
}

func decodeVector(v proto.Value) ([]float64, error) {
	if v.IsNull() {
		return nil, Nil
	}
	return decodeEach(v, "[]float64", decodeFloat)
}

// RawVector is a vector as the server holds it.
type RawVector struct {
	Quantization string            // "f32", "int8" or "bin"
	Data         []byte            // the numbers of the normalized vector
	Norm         float64           // what they are to be multiplied with
	Range        Optional[float64] // of int8: the number that 127 stands for
}

// VEmbRaw returns the vector of an element as the server holds it: VEMB RAW. [Nil]: the
// key or the element does not exist. O(N) for N dimensions. Since Redis 8.0.0.
func VEmbRaw(key, element string) Cmd[RawVector] {
	r := vectorRequest(&specVemb, key, element)
	r.word("RAW")
	return Cmd[RawVector]{r, decodeRawVector}
}

func decodeRawVector(v proto.Value) (RawVector, error) {
	if v.IsNull() {
		return RawVector{}, Nil
	}
	const wanted = "quantization, data and norm"
	if v.Kind() != proto.KindArray || v.Len() < 3 {
		return RawVector{}, want(wanted)
	}
	var raw RawVector
	var err error
	if raw.Quantization, err = decodeText(v.Index(0)); err != nil {
		return RawVector{}, want(wanted)
	}
	if raw.Data, err = decodeBytes(v.Index(1)); err != nil {
		return RawVector{}, want(wanted)
	}
	if raw.Norm, err = decodeFloat(v.Index(2)); err != nil {
		return RawVector{}, want(wanted)
	}
	if raw.Range, err = optional(decodeFloat)(v.Index(3)); err != nil {
		return RawVector{}, want(wanted)
	}
	return raw, nil
}

// VGetAttr returns the attributes of an element, which are JSON: read them by [AsJSON].
// [Nil]: the key or the element does not exist, or has none. O(1). Since Redis 8.0.0.
func VGetAttr(key, element string) Cmd[string] {
	return Cmd[string]{vectorRequest(&specVgetattr, key, element), decodeString}
}

// VSetAttr sets the attributes of an element: a JSON object as text, or what [JSON]
// encodes; an empty text removes them. False: the key or the element does not exist.
// O(1). Since Redis 8.0.0.
func VSetAttr(key, element string, attributes any) Cmd[bool] {
	r := vectorRequest(&specVsetattr, key, element)
	r.value(attributes)
	return Cmd[bool]{r, decodeBool}
}

// VRandMember returns an element by chance. [Nil]: the key does not exist. O(1).
// Since Redis 8.0.0.
func VRandMember(key string) Cmd[string] {
	r := newRequest(&specVrandmember)
	r.key(key)
	return Cmd[string]{r, decodeString}
}

// VRandMemberCount returns up to count different elements by chance; -count makes it
// exactly so many, of which some can be the same. Empty where the key does not exist.
// O(N) for N elements returned. Since Redis 8.0.0.
func VRandMemberCount(key string, count int64) Cmd[[]string] {
	r := newRequest(&specVrandmember)
	r.key(key)
	r.int(count)
	return Cmd[[]string]{r, decodeStrings}
}
