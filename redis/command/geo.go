package command

import (
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

// GeoAdd puts members into a geo index, or moves those that are there, and
// returns how many are new. O(log(N)) for each. Since 3.2.0.
func GeoAdd(key string, members ...GeoMember) Cmd[int64] {
	r := newRequest(&specGeoadd)
	r.key(key)
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

// GeoArea is the area of a [GeoSearch]: [ByRadius] or [ByBox].
type GeoArea interface{ geoArea() tokens }

type byRadius struct {
	radius float64
	unit   Unit
}

// ByRadius searches in a circle.
func ByRadius(radius float64, unit Unit) GeoArea { return byRadius{radius, unit} }

func (b byRadius) geoArea() tokens {
	radius, err := number(b.radius)
	t := option(groupBy, "BYRADIUS", radius, word(string(b.unit)))
	if t.err = err; b.radius < 0 {
		t.err = badArgument("a negative radius")
	}
	if t.err == nil {
		t.err = b.unit.check()
	}
	return t
}

type byBox struct {
	width, height float64
	unit          Unit
}

// ByBox searches in a rectangle along the axes, with the origin in its middle.
func ByBox(width, height float64, unit Unit) GeoArea { return byBox{width, height, unit} }

func (b byBox) geoArea() tokens {
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
	return t
}

// GeoSearchOption is an option of [GeoSearch]: [Asc], [Desc], [Count], [CountAny].
type GeoSearchOption interface{ geoSearchOption() tokens }

type countAny int64

// CountAny is [Count] that stops at the first n found, near or far, which is
// faster: COUNT n ANY.
func CountAny(n int64) GeoSearchOption { return countAny(n) }

func (c countAny) geoSearchOption() tokens {
	t := Count(c).tokens()
	t.args[t.n] = word("ANY")
	t.n++
	return t
}

// GeoSearch returns the members of a geo index within an area around an origin.
// O(N+log(M)). Since 6.2.0.
func GeoSearch(key string, origin GeoOrigin, area GeoArea, opts ...GeoSearchOption) Cmd[[]string] {
	return Cmd[[]string]{geoSearchRequest(key, origin, area, opts), decodeStrings}
}

// GeoLocation is a member that [GeoSearchLocations] found.
type GeoLocation struct {
	Name     string
	Distance float64 // from the origin, in the unit of the area
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
	if origin == nil || area == nil {
		r.fail(badArgument("a search needs an origin and an area"))
		return r
	}
	r.option(origin.geoOrigin())
	r.option(area.geoArea())
	addOptions(&r, opts, GeoSearchOption.geoSearchOption)
	return r
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
