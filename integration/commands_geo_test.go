package integration

import (
	"math"
	"testing"

	"github.com/redchan-go/redchan/redis/command"
)

func TestGeoPlaces(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		equal(f, c, command.GeoAdd("g", []command.GeoMember{palermo, catania}), 2)

		// The figures of the servers' documentation.
		for unit, want := range map[command.Unit]float64{
			command.Meters: 166274.1516, command.Kilometers: 166.2742, command.Miles: 103.3182,
		} {
			equal(f, c, command.GeoDist("g", "Palermo", "Catania", unit), want)
		}
		if got := result(f, c, command.GeoDist("g", "Palermo", "Catania", command.Feet)); math.Abs(got*0.3048-166274.1516) > 0.01 {
			f.Errorf("GEODIST in feet: %v", got)
		}
		missing(f, c, command.GeoDist("g", "Palermo", "none", command.Meters))
		missing(f, c, command.GeoDist("none", "a", "b", command.Meters))
		equal(f, c, command.GeoHash("g", "Palermo", "none", "Catania"), []command.Optional[string]{
			{Value: "sqc8b49rny0", Present: true}, {}, {Value: "sqdtr74hyu0", Present: true},
		})
		equal(f, c, command.GeoHash("none", "a"), []command.Optional[string]{{}})

		places := result(f, c, command.GeoPos("g", "none", "Catania"))
		if len(places) != 2 || places[0].Present || !places[1].Present || distance(places[1].Value, catania.Position) > 1 {
			f.Errorf("GEOPOS = %v", places)
		}
		equal(f, c, command.GeoPos("none", "a"), []command.Optional[command.Position]{{}})
	})
}

func TestGeoStore(t *testing.T) {
	shared(t, func(f *fixture) {
		f.since("6.2", "GEOSEARCHSTORE")
		c := f.open()
		equal(f, c, command.GeoAdd("g", []command.GeoMember{palermo, catania, oslo}), 3)
		from, area := command.FromPosition(origin.Longitude, origin.Latitude), command.ByRadius(200, command.Kilometers)
		byDistance := func(want ...string) {
			f.Helper()
			equal(f, c, command.ZRange("near", command.ByRank(0, -1)), want)
			equal(f, c, command.Del("near"), 1)
		}

		equal(f, c, command.GeoSearchStore("near", "g", from, area), 2)
		equal(f, c, command.GeoSearch("near", command.FromMember("Catania"), area, command.Asc), []string{"Catania", "Palermo"})
		equal(f, c, command.GeoSearchStore("near", "g", from, area, command.Desc, command.Count(1)), 1)
		byDistance("Palermo")
		equal(f, c, command.GeoSearchStore("near", "g", from, area, command.StoreDist), 2)
		// The distance is the score, in the unit of the area.
		want := distance(origin, catania.Position) / 1000
		if got := result(f, c, command.ZScore("near", "Catania")); math.Abs(got-want) > 0.001 {
			f.Errorf("the distance of Catania is stored as %v, want %v", got, want)
		}
		byDistance("Catania", "Palermo")
		equal(f, c, command.GeoSearchStore("near", "none", from, area), 0)

		// The forms that are superseded.
		near := []string{"Catania", "Palermo"}
		equal(f, c, command.GeoRadius("g", origin, 200, command.Kilometers, command.Asc), near)
		equal(f, c, command.GeoRadiusRO("g", origin, 200_000, command.Meters, command.Desc, command.Count(1)), []string{"Palermo"})
		equal(f, c, command.GeoRadiusByMember("g", "Palermo", 200, command.Kilometers, command.Desc), near)
		equal(f, c, command.GeoRadiusByMemberRO("g", "Palermo", 1, command.Feet), []string{"Palermo"})
		equal(f, c, command.GeoRadius("none", origin, 200, command.Kilometers), []string{})
		refused(f, c, command.GeoRadiusByMember("g", "none", 1, command.Meters), "ERR")
		equal(f, c, command.GeoRadiusStore("near", "g", origin, 200, command.Kilometers, command.StoreDist), 2)
		byDistance("Catania", "Palermo")
		equal(f, c, command.GeoRadiusStore("near", "g", origin, 200, command.Kilometers, command.Count(1), command.Asc), 1)
		byDistance("Catania")
		equal(f, c, command.GeoRadiusByMemberStore("near", "g", "Palermo", 200, command.Kilometers, command.StoreDist), 2)
		byDistance("Palermo", "Catania")
		equal(f, c, command.GeoRadiusByMemberStore("near", "g", "Oslo", 1, command.Meters), 1)
		byDistance("Oslo")
	})
}

func TestGeoAddOptions(t *testing.T) {
	shared(t, func(f *fixture) {
		f.since("6.2", "options of GEOADD")
		c := f.open()
		moved := command.GeoMember{Name: palermo.Name, Position: catania.Position}
		equal(f, c, command.GeoAdd("g", []command.GeoMember{palermo}), 1)
		equal(f, c, command.GeoAdd("g", []command.GeoMember{moved, catania}, command.NX), 1)
		if got := result(f, c, command.GeoDist("g", palermo.Name, catania.Name, command.Meters)); got == 0 {
			f.Error("GEOADD NX has moved a member")
		}
		equal(f, c, command.GeoAdd("g", []command.GeoMember{moved, oslo}, command.XX), 0)
		equal(f, c, command.GeoDist("g", palermo.Name, catania.Name, command.Meters), 0)
		missing(f, c, command.ZScore("g", oslo.Name))
		equal(f, c, command.GeoAdd("g", []command.GeoMember{palermo, catania, oslo}, command.Changed), 2)
	})
}

// middle returns the mean of places on the sphere.
func middle(places []command.Position) command.Position {
	const degree = math.Pi / 180
	var x, y, z float64
	for _, p := range places {
		sinLongitude, cosLongitude := math.Sincos(p.Longitude * degree)
		sinLatitude, cosLatitude := math.Sincos(p.Latitude * degree)
		x += cosLatitude * cosLongitude
		y += cosLatitude * sinLongitude
		z += sinLatitude
	}
	return command.Position{Longitude: math.Atan2(y, x) / degree, Latitude: math.Atan2(z, math.Hypot(x, y)) / degree}
}

func TestGeoPolygon(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		equal(f, c, command.GeoAdd("g", []command.GeoMember{palermo, catania, oslo}), 3)
		corner := func(longitude, latitude float64) command.Position {
			return command.Position{Longitude: longitude, Latitude: latitude}
		}
		corners := []command.Position{corner(12, 36), corner(16, 36), corner(16, 39), corner(12, 39)}
		sicily, middle := command.ByPolygon(corners...), middle(corners)
		if f.server.Role() != "valkey9" {
			refused(f, c, command.GeoSearch("g", nil, sicily), "ERR")
			return
		}
		equal(f, c, command.GeoSearch("g", nil, sicily, command.Asc), []string{"Palermo", "Catania"})
		equal(f, c, command.GeoSearch("g", nil, sicily, command.Desc, command.Count(1)), []string{"Catania"})
		east := command.ByPolygon(corner(12, 36), corner(16, 36), corner(16, 39))
		equal(f, c, command.GeoSearch("g", nil, east), []string{"Catania"})
		equal(f, c, command.GeoSearch("none", nil, east), []string{})

		found := result(f, c, command.GeoSearchLocations("g", nil, sicily, command.Asc))
		if len(found) != 2 {
			f.Fatalf("GEOSEARCH BYPOLYGON found %v", found)
		}
		for i, want := range []command.GeoMember{palermo, catania} {
			if got := found[i]; got.Name != want.Name || distance(got.Position, want.Position) > 1 ||
				math.Abs(got.Distance-distance(middle, want.Position)) > 1 {
				f.Errorf("found %v, want %v in %g m", got, want, distance(middle, want.Position))
			}
		}

		equal(f, c, command.GeoSearchStore("near", "g", nil, sicily, command.StoreDist), 2)
		if got := result(f, c, command.ZScore("near", "Catania")); math.Abs(got-distance(middle, catania.Position)) > 1 {
			f.Errorf("the distance of Catania is stored as %v", got)
		}
	})
}
