package command

import "github.com/redchan-go/redchan/proto"

// GeoDist returns the distance between two members of a geo index. [Nil]: the key or one
// of them does not exist. O(1). Since 3.2.0.
func GeoDist(key, member1, member2 string, unit Unit) Cmd[float64] {
	r := newRequest(&specGeodist)
	r.key(key)
	r.word(member1)
	r.word(member2)
	r.fail(unit.check())
	r.word(string(unit))
	return Cmd[float64]{r, decodeFloat}
}

// GeoHash returns the places of members as geohashes of eleven letters and digits, in
// the members' order; what is no member is missing. O(1) for each. Since 3.2.0.
func GeoHash(key string, members ...string) Cmd[[]Optional[string]] {
	r := newRequest(&specGeohash)
	r.key(key)
	r.words("members", members)
	return Cmd[[]Optional[string]]{r, decodeOptionalStrings}
}

// GeoPos returns the places of members in the members' order; what is no member is
// missing. O(1) for each. Since 3.2.0.
func GeoPos(key string, members ...string) Cmd[[]Optional[Position]] {
	r := newRequest(&specGeopos)
	r.key(key)
	r.words("members", members)
	return Cmd[[]Optional[Position]]{r, decodeOptionalPositions}
}

func decodeOptionalPositions(v proto.Value) ([]Optional[Position], error) {
	return decodeEach(v, "[]Optional[Position]", optional(decodePosition))
}

func decodePosition(v proto.Value) (Position, error) {
	if v.Kind() != proto.KindArray || v.Len() != 2 {
		return Position{}, want("longitude and latitude")
	}
	longitude, err := decodeFloat(v.Index(0))
	if err != nil {
		return Position{}, err
	}
	latitude, err := decodeFloat(v.Index(1))
	return Position{longitude, latitude}, err
}

// GeoSearchStoreOption is an option of [GeoSearchStore], [GeoRadiusStore] and
// [GeoRadiusByMemberStore]: [Asc], [Desc], [Count], [CountAny], [StoreDist].
type GeoSearchStoreOption interface{ geoSearchStoreOption() tokens }

// GeoStoreFlag is an option of [GeoSearchStore] and its kind: [StoreDist].
type GeoStoreFlag string

// StoreDist lets [GeoSearchStore] store the distances from the origin as scores, in the
// unit of the area, where it otherwise makes another geo index: the option STOREDIST.
const StoreDist GeoStoreFlag = "STOREDIST"

func (f GeoStoreFlag) geoSearchStoreOption() tokens { return flag(groupFlag, f, StoreDist) }

// GeoSearchStore stores in destination what [GeoSearch] finds in source, in place of what
// is there, and returns how many members these are. O(N+log(M)). Since 6.2.0.
func GeoSearchStore(destination, source string, origin GeoOrigin, area GeoArea, opts ...GeoSearchStoreOption) Cmd[int64] {
	r := newRequest(&specGeosearchstore)
	r.key(destination)
	r.key(source)
	r.search(origin, area)
	addOptions(&r, opts, GeoSearchStoreOption.geoSearchStoreOption)
	return Cmd[int64]{r, decodeInt}
}
