package command

import (
	"slices"

	"github.com/redchan-go/redchan/proto"
)

// Position is a place on earth in degrees.
type Position struct{ Longitude, Latitude float64 }

// Unit is a unit of length.
type Unit string

// The units that servers know.
const (
	Meters     Unit = "m"
	Kilometers Unit = "km"
	Miles      Unit = "mi"
	Feet       Unit = "ft"
)

// check refuses what is no unit.
func (u Unit) check() error {
	switch u {
	case Meters, Kilometers, Miles, Feet:
		return nil
	}
	return badArgument("%q is no unit of length that servers know", string(u))
}

// GeoMember is a member of a geo index and its place.
type GeoMember struct {
	Name string
	Position
}

// GeoAddOption is an option of [GeoAdd]: [NX], [XX], [Changed].
type GeoAddOption interface{ geoAddOption() tokens }

// GeoAdd puts members into a geo index, or moves those that are there, and
// returns how many are new. O(log(N)) for each. Since 3.2.0; options since 6.2.0.
func GeoAdd(key string, members []GeoMember, opts ...GeoAddOption) Cmd[int64] {
	r := newRequest(&specGeoadd)
	r.key(key)
	addOptions(&r, opts, GeoAddOption.geoAddOption)
	if len(members) == 0 {
		r.fail(badArgument("no members"))
	}
	r.grow(3 * len(members))
	for _, m := range members {
		r.float(m.Longitude)
		r.float(m.Latitude)
		r.word(m.Name)
	}
	return Cmd[int64]{r, decodeInt}
}

// GeoOrigin is the centre of a [GeoSearch]: [FromMember] or [FromPosition].
type GeoOrigin interface{ geoOrigin() tokens }

type fromMember string

// FromMember searches around a member of the index.
func FromMember(member string) GeoOrigin { return fromMember(member) }

func (m fromMember) geoOrigin() tokens {
	return option(groupFrom, "FROMMEMBER", word(string(m)))
}

type fromPosition Position

// FromPosition searches around a place.
func FromPosition(longitude, latitude float64) GeoOrigin {
	return fromPosition{longitude, latitude}
}

func (p fromPosition) geoOrigin() tokens {
	longitude, err := number(p.Longitude)
	latitude, err2 := number(p.Latitude)
	t := option(groupFrom, "FROMLONLAT", longitude, latitude)
	if t.err = err; err == nil {
		t.err = err2
	}
	return t
}

// GeoArea is the area of a [GeoSearch]: [ByRadius], [ByBox] or [ByPolygon].
type GeoArea interface {
	// appendArea appends the origin and the area around it.
	appendArea(r *Request, origin GeoOrigin)
}

type byRadius struct {
	radius float64
	unit   Unit
}

// ByRadius searches in a circle.
func ByRadius(radius float64, unit Unit) GeoArea { return byRadius{radius, unit} }

func (b byRadius) appendArea(r *Request, origin GeoOrigin) {
	r.around(origin)
	radius, err := number(b.radius)
	t := option(groupBy, "BYRADIUS", radius, word(string(b.unit)))
	if t.err = err; b.radius < 0 {
		t.err = badArgument("a negative radius")
	}
	if t.err == nil {
		t.err = b.unit.check()
	}
	r.option(t)
}

type byBox struct {
	width, height float64
	unit          Unit
}

// ByBox searches in a rectangle along the axes, with the origin in its middle.
func ByBox(width, height float64, unit Unit) GeoArea { return byBox{width, height, unit} }

func (b byBox) appendArea(r *Request, origin GeoOrigin) {
	r.around(origin)
	width, err := number(b.width)
	height, err2 := number(b.height)
	t := option(groupBy, "BYBOX", width, height, word(string(b.unit)))
	if t.err = err; err == nil {
		t.err = err2
	}
	if b.width < 0 || b.height < 0 {
		t.err = badArgument("a negative width or height")
	}
	if t.err == nil {
		t.err = b.unit.check()
	}
	r.option(t)
}

type byPolygon []Position

// ByPolygon searches within a polygon of three corners or more, of which the last is
// joined to the first. The search has no origin then: give nil. Distances are from the
// mean of the corners, in meters. Since Valkey 9.0.0.
func ByPolygon(corners ...Position) GeoArea { return byPolygon(slices.Clone(corners)) }

func (b byPolygon) appendArea(r *Request, origin GeoOrigin) {
	const fewest = 3
	switch {
	case origin != nil:
		r.fail(badArgument("a search within a polygon has no origin: give nil"))
	case len(b) < fewest:
		r.fail(badArgument("a polygon has three corners at least"))
	}
	r.word("BYPOLYGON")
	r.grow(1 + 2*len(b))
	r.int(int64(len(b)))
	for _, corner := range b {
		r.float(corner.Longitude)
		r.float(corner.Latitude)
	}
}

// GeoSearchOption is an option of [GeoSearch]: [Asc], [Desc], [Count], [CountAny].
type GeoSearchOption interface{ geoSearchOption() tokens }

// CountAny is [Count] that stops at the first n found, near or far, which is
// faster: COUNT n ANY.
type CountAny int64

func (c CountAny) geoSearchOption() tokens      { return c.tokens() }
func (c CountAny) geoSearchStoreOption() tokens { return c.tokens() }

func (c CountAny) tokens() tokens {
	t := Count(c).tokens()
	t.args[t.n] = word("ANY")
	t.n++
	return t
}

// GeoSearch returns the members of a geo index within an area around an origin, which is
// nil for [ByPolygon]. O(N+log(M)). Since 6.2.0; ByPolygon since Valkey 9.0.0.
func GeoSearch(key string, origin GeoOrigin, area GeoArea, opts ...GeoSearchOption) Cmd[[]string] {
	return Cmd[[]string]{geoSearchRequest(key, origin, area, opts), decodeStrings}
}

// GeoLocation is a member that [GeoSearchLocations] found.
type GeoLocation struct {
	Name     string
	Distance float64 // from the origin, in the unit of the area; see ByPolygon
	Hash     int64   // the 52 bits by which the index is sorted
	Position
}

// GeoSearchLocations is [GeoSearch] with distance, hash and place of each
// member. O(N+log(M)). Since 6.2.0.
func GeoSearchLocations(key string, origin GeoOrigin, area GeoArea, opts ...GeoSearchOption) Cmd[[]GeoLocation] {
	r := geoSearchRequest(key, origin, area, opts)
	r.word("WITHCOORD")
	r.word("WITHDIST")
	r.word("WITHHASH")
	return Cmd[[]GeoLocation]{r, decodeGeoLocations}
}

func geoSearchRequest(key string, origin GeoOrigin, area GeoArea, opts []GeoSearchOption) Request {
	r := newRequest(&specGeosearch)
	r.key(key)
	r.search(origin, area)
	addOptions(&r, opts, GeoSearchOption.geoSearchOption)
	return r
}

// search appends where to search.
func (r *Request) search(origin GeoOrigin, area GeoArea) {
	if area == nil {
		r.fail(badArgument("a search needs an area"))
		return
	}
	area.appendArea(r, origin)
}

// around appends the origin of a search in an area that needs one.
func (r *Request) around(origin GeoOrigin) {
	if origin == nil {
		r.fail(badArgument("a search needs an origin, but for one within a polygon"))
		return
	}
	r.option(origin.geoOrigin())
}

func decodeGeoLocations(v proto.Value) ([]GeoLocation, error) {
	const wanted = "members with distance, hash and position"
	if v.Kind() != proto.KindArray {
		return nil, want(wanted)
	}
	t := textsOf(v)
	result := make([]GeoLocation, 0, v.Len())
	e := v.Elems()
	for e.Next() {
		item := e.Value()
		if item.Len() != 4 || item.Index(3).Len() != 2 {
			return nil, want(wanted)
		}
		var loc GeoLocation
		var errs [5]error
		loc.Name, errs[0] = t.string(item.Index(0))
		loc.Distance, errs[1] = decodeFloat(item.Index(1))
		loc.Hash, errs[2] = decodeInt(item.Index(2))
		loc.Longitude, errs[3] = decodeFloat(item.Index(3).Index(0))
		loc.Latitude, errs[4] = decodeFloat(item.Index(3).Index(1))
		for _, err := range errs {
			if err != nil {
				return nil, want(wanted)
			}
		}
		result = append(result, loc)
	}
	return result, nil
}
