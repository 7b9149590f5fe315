package command

// The forms that searches in a circle had before GEOSEARCH.

// GeoRadius returns the members of a geo index in a circle around a place. It counts as
// writing, because the server's command can: see [GeoRadiusRO]. Superseded by
// [GeoSearch]. O(N+log(M)). Since 3.2.0.
func GeoRadius(key string, center Position, radius float64, unit Unit, opts ...GeoSearchOption) Cmd[[]string] {
	r := newRequest(&specGeoradius)
	r.circle(key, center, radius, unit)
	addOptions(&r, opts, GeoSearchOption.geoSearchOption)
	return Cmd[[]string]{r, decodeStrings}
}

// GeoRadiusRO is [GeoRadius] as a command that never writes. Superseded by [GeoSearch].
// O(N+log(M)). Since 3.2.10.
func GeoRadiusRO(key string, center Position, radius float64, unit Unit, opts ...GeoSearchOption) Cmd[[]string] {
	r := newRequest(&specGeoradiusRo)
	r.circle(key, center, radius, unit)
	addOptions(&r, opts, GeoSearchOption.geoSearchOption)
	return Cmd[[]string]{r, decodeStrings}
}

// GeoRadiusStore stores in destination what [GeoRadius] finds in source, in place of what
// is there, and returns how many members these are. Superseded by [GeoSearchStore].
// O(N+log(M)). Since 3.2.0.
func GeoRadiusStore(destination, source string, center Position, radius float64, unit Unit, opts ...GeoSearchStoreOption) Cmd[int64] {
	r := newRequest(&specGeoradius)
	r.circle(source, center, radius, unit)
	r.store(destination, opts)
	return Cmd[int64]{r, decodeInt}
}

// GeoRadiusByMember returns the members of a geo index in a circle around one of them. It
// counts as writing, because the server's command can: see [GeoRadiusByMemberRO].
// Superseded by [GeoSearch]. O(N+log(M)). Since 3.2.0.
func GeoRadiusByMember(key, member string, radius float64, unit Unit, opts ...GeoSearchOption) Cmd[[]string] {
	r := newRequest(&specGeoradiusbymember)
	r.circleOf(key, member, radius, unit)
	addOptions(&r, opts, GeoSearchOption.geoSearchOption)
	return Cmd[[]string]{r, decodeStrings}
}

// GeoRadiusByMemberRO is [GeoRadiusByMember] as a command that never writes. Superseded by
// [GeoSearch]. O(N+log(M)). Since 3.2.10.
func GeoRadiusByMemberRO(key, member string, radius float64, unit Unit, opts ...GeoSearchOption) Cmd[[]string] {
	r := newRequest(&specGeoradiusbymemberRo)
	r.circleOf(key, member, radius, unit)
	addOptions(&r, opts, GeoSearchOption.geoSearchOption)
	return Cmd[[]string]{r, decodeStrings}
}

// GeoRadiusByMemberStore stores in destination what [GeoRadiusByMember] finds in source,
// in place of what is there, and returns how many members these are. Superseded by
// [GeoSearchStore]. O(N+log(M)). Since 3.2.0.
func GeoRadiusByMemberStore(destination, source, member string, radius float64, unit Unit, opts ...GeoSearchStoreOption) Cmd[int64] {
	r := newRequest(&specGeoradiusbymember)
	r.circleOf(source, member, radius, unit)
	r.store(destination, opts)
	return Cmd[int64]{r, decodeInt}
}

// circle appends a circle around a place.
func (r *Request) circle(key string, center Position, radius float64, unit Unit) {
	r.key(key)
	r.float(center.Longitude)
	r.float(center.Latitude)
	r.radius(radius, unit)
}

// circleOf appends a circle around a member.
func (r *Request) circleOf(key, member string, radius float64, unit Unit) {
	r.key(key)
	r.word(member)
	r.radius(radius, unit)
}

func (r *Request) radius(radius float64, unit Unit) {
	if radius < 0 {
		r.fail(badArgument("a negative radius"))
	}
	r.fail(unit.check())
	r.float(radius)
	r.word(string(unit))
}

// store appends the options of a search that stores: here the key of the result stands
// behind the word that says what is stored.
func (r *Request) store(destination string, opts []GeoSearchStoreOption) {
	store := "STORE"
	others := make([]GeoSearchStoreOption, 0, len(opts))
	for _, opt := range opts {
		if opt == GeoSearchStoreOption(StoreDist) {
			store = "STOREDIST"
		} else {
			others = append(others, opt)
		}
	}
	addOptions(r, others, GeoSearchStoreOption.geoSearchStoreOption)
	r.word(store)
	r.key(destination)
}
