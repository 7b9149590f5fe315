package command_test

import (
	"errors"
	"math"
	"testing"

	"github.com/redchan-go/redchan/redis/command"
)

func TestGeoAddOptions(t *testing.T) {
	members := []command.GeoMember{
		{Name: "m", Position: command.Position{Longitude: 1, Latitude: 2}},
		{Name: "n", Position: command.Position{Longitude: 3, Latitude: 4}},
	}
	expectWire(t, command.GeoAdd("g", members).Request(), "GEOADD g 1 2 m 3 4 n")
	expectWire(t, command.GeoAdd("g", members[:1], command.NX).Request(), "GEOADD g NX 1 2 m")
	expectWire(t, command.GeoAdd("g", members[:1], command.XX, command.Changed).Request(), "GEOADD g XX CH 1 2 m")
	for why, request := range map[string]command.Request{
		"no members": command.GeoAdd("g", nil, command.NX).Request(),
		"NX and XX":  command.GeoAdd("g", members, command.NX, command.XX).Request(),
		"a word":     command.GeoAdd("g", members, command.CountFlag("x")).Request(),
		"nil":        command.GeoAdd("g", members, nil).Request(),
		"no place":   command.GeoAdd("g", []command.GeoMember{{Name: "m", Position: command.Position{Longitude: math.NaN()}}}).Request(),
	} {
		if err := request.Err(); !errors.Is(err, command.ErrArgument) {
			t.Errorf("%s: %v", why, err)
		}
	}
}

func TestGeoPolygon(t *testing.T) {
	corners := []command.Position{{Longitude: 12, Latitude: 36}, {Longitude: 16, Latitude: 36}, {Longitude: 16.5, Latitude: -39}}
	polygon := command.ByPolygon(corners...)
	const within = "BYPOLYGON 3 12 36 16 36 16.5 -39"
	expectWire(t, command.GeoSearch("g", nil, polygon, command.Asc, command.Count(2)).Request(), "GEOSEARCH g "+within+" ASC COUNT 2")
	expectWire(t, command.GeoSearchLocations("g", nil, polygon).Request(), "GEOSEARCH g "+within+" WITHCOORD WITHDIST WITHHASH")
	expectWire(t, command.GeoSearchStore("to", "g", nil, polygon, command.StoreDist).Request(), "GEOSEARCHSTORE to g "+within+" STOREDIST")
	corners[0] = command.Position{} // it is the caller's
	expectWire(t, command.GeoSearch("g", nil, polygon).Request(), "GEOSEARCH g "+within)

	circle := command.ByRadius(1, command.Miles)
	for why, request := range map[string]command.Request{
		"a member for its origin": command.GeoSearch("g", command.FromMember("m"), polygon).Request(),
		"a place for its origin":  command.GeoSearchStore("to", "g", command.FromPosition(1, 2), polygon).Request(),
		"two corners":             command.GeoSearch("g", nil, command.ByPolygon(corners[:2]...)).Request(),
		"no corners":              command.GeoSearch("g", nil, command.ByPolygon()).Request(),
		"a corner nowhere":        command.GeoSearch("g", nil, command.ByPolygon(corners[0], corners[1], command.Position{Latitude: math.NaN()})).Request(),
		"a circle around nothing": command.GeoSearch("g", nil, circle).Request(),
		"a box around nothing":    command.GeoSearch("g", nil, command.ByBox(1, 1, command.Miles)).Request(),
		"no area":                 command.GeoSearch("g", command.FromMember("m"), nil).Request(),
	} {
		if err := request.Err(); !errors.Is(err, command.ErrArgument) {
			t.Errorf("%s: %v", why, err)
		}
	}
}
