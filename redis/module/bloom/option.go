package bloom

import (
	"github.com/redchan-go/redchan/redis/module/internal/wire"
)

// BFReserveOption is an option of [BFReserve]: [Expansion], [NonScaling].
type BFReserveOption interface{ bfReserve() wire.Part }

// BFInsertOption is an option of [BFInsert]: [Capacity], [ErrorRate], [Expansion],
// [NoCreate], [NonScaling].
type BFInsertOption interface{ bfInsert() wire.Part }

// CFReserveOption is an option of [CFReserve]: [BucketSize], [MaxIterations],
// [Expansion].
type CFReserveOption interface{ cfReserve() wire.Part }

// CFInsertOption is an option of [CFInsert] and [CFInsertNX]: [Capacity], [NoCreate].
type CFInsertOption interface{ cfInsert() wire.Part }

// positive is the part of an option with a number that must be above 0.
func positive(name string, n int64) wire.Part {
	p := wire.NewPart(name, name)
	p.Positive(name, n)
	return p
}

// Capacity is how many items a filter that is created by an insert has room for.
type Capacity int64

func (c Capacity) bfInsert() wire.Part { return positive("CAPACITY", int64(c)) }
func (c Capacity) cfInsert() wire.Part { return positive("CAPACITY", int64(c)) }

// ErrorRate is how often a filter that is created by an insert may be wrong, between 0
// and 1.
type ErrorRate float64

func (e ErrorRate) bfInsert() wire.Part {
	p := wire.NewPart("ERROR", "ERROR")
	fraction(&p.Args, "the error rate", float64(e))
	return p
}

// fraction appends a number between 0 and 1, both excluded.
func fraction(a *wire.Args, what string, f float64) {
	if !(f > 0 && f < 1) {
		a.Refuse("%s must be between 0 and 1", what)
	}
	a.Float(f)
}

// Expansion is how many times as large as the last one the next part of a filter that is
// full will be. A cuckoo filter with 0 does not grow; a Bloom filter takes [NonScaling]
// for that.
type Expansion int64

func (e Expansion) bfReserve() wire.Part { return e.part(1) }
func (e Expansion) bfInsert() wire.Part  { return e.part(1) }
func (e Expansion) cfReserve() wire.Part { return e.part(0) }

func (e Expansion) part(least int64) wire.Part {
	p := wire.NewPart("EXPANSION", "EXPANSION")
	if int64(e) < least {
		p.Refuse("EXPANSION must be %d at least", least)
	}
	p.Int(int64(e))
	return p
}

type nonScaling struct{}

// NonScaling keeps a Bloom filter from growing: when it is full, adding fails. It
// excludes [Expansion].
func NonScaling() interface {
	BFReserveOption
	BFInsertOption
} {
	return nonScaling{}
}

func (nonScaling) bfReserve() wire.Part  { return wire.NewPart("EXPANSION", "NONSCALING") }
func (n nonScaling) bfInsert() wire.Part { return n.bfReserve() }

type noCreate struct{}

// NoCreate makes an insert fail where the filter does not exist. It excludes [Capacity]
// and [ErrorRate].
func NoCreate() interface {
	BFInsertOption
	CFInsertOption
} {
	return noCreate{}
}

func (noCreate) bfInsert() wire.Part   { return wire.NewPart("NOCREATE", "NOCREATE") }
func (n noCreate) cfInsert() wire.Part { return n.bfInsert() }

// BucketSize is how many items a bucket of a cuckoo filter holds, 1 to 255: more use
// the memory better and make errors likelier.
type BucketSize int64

func (b BucketSize) cfReserve() wire.Part {
	p := positive("BUCKETSIZE", int64(b))
	if b > 255 {
		p.Refuse("BUCKETSIZE can't be above 255")
	}
	return p
}

// MaxIterations is how often a cuckoo filter tries to swap items before it grows.
type MaxIterations int64

func (m MaxIterations) cfReserve() wire.Part { return positive("MAXITERATIONS", int64(m)) }

// withoutCreate refuses what makes no sense where nothing is created.
func withoutCreate(a *wire.Args, seen map[string]bool) {
	if seen["NOCREATE"] && (seen["CAPACITY"] || seen["ERROR"]) {
		a.Refuse("NOCREATE can't go together with CAPACITY or ERROR")
	}
}
