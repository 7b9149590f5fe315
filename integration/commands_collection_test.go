package integration

import (
	"math"
	"testing"

	"github.com/redchan-go/redchan/redis/command"
)

func TestSortedSetCommands(t *testing.T) {
	shared(t, func(f *fixture) {
		f.since("6.2", "ZADD GT and LT")
		c := f.open()
		equal(f, c, command.ZAdd("z", command.Scores{"a": 1, "b": 2}), 2)
		equal(f, c, command.ZAdd("z", command.Scored{{Member: "a", Score: 100}, {Member: "c", Score: 3}}, command.NX), 1)
		equal(f, c, command.ZScore("z", "a"), 1)
		equal(f, c, command.ZAdd("z", command.Scores{"a": 5, "d": 4}, command.XX, command.Changed), 1)
		missing(f, c, command.ZScore("z", "d"))
		equal(f, c, command.ZAdd("z", command.Scores{"a": 4, "b": 7, "e": 0.5}, command.GT, command.Changed), 2)
		equal(f, c, command.ZAdd("z", command.Scores{"a": 1e300, "b": -1.5}, command.LT, command.Changed), 1)
		equal(f, c, command.ZRangeWithScores("z", command.ByRank(0, -1)), []command.ScoredMember{
			{Member: "b", Score: -1.5}, {Member: "e", Score: 0.5}, {Member: "c", Score: 3}, {Member: "a", Score: 5},
		})
		equal(f, c, command.ZRangeWithScores("z", command.ByRank(-1, -1)), []command.ScoredMember{{Member: "a", Score: 5}})
		equal(f, c, command.ZRangeWithScores("none", command.ByRank(0, -1)), []command.ScoredMember{})

		equal(f, c, command.ZAddIncr("z", 2.25, "c"), 5.25)
		missing(f, c, command.ZAddIncr("z", 1, "c", command.NX))
		missing(f, c, command.ZAddIncr("z", 1, "none", command.XX))
		missing(f, c, command.ZAddIncr("z", -1, "c", command.GT))
		equal(f, c, command.ZAddIncr("z", 17, "new", command.NX), 17)

		equal(f, c, command.ZRem("z", "new", "none", "b"), 2)
		missing(f, c, command.ZScore("z", "b"))
		equal(f, c, command.ZRemRangeByScore("z", command.Score(0.5), command.Beyond(5)), 1) // e, and not a
		equal(f, c, command.ZRemRangeByScore("z", command.Beyond(5), command.Score(math.Inf(1))), 1)
		equal(f, c, command.ZRangeWithScores("z", command.ByRank(0, -1)), []command.ScoredMember{{Member: "a", Score: 5}})

		equal(f, c, command.ZAdd("edges", command.Scores{
			"top": math.Inf(1), "bottom": math.Inf(-1), "tenth": 0.1, "most": math.MaxFloat64, "least": math.SmallestNonzeroFloat64,
		}), 5)
		equal(f, c, command.ZRangeWithScores("edges", command.ByRank(0, -1)), []command.ScoredMember{
			{Member: "bottom", Score: math.Inf(-1)},
			{Member: "least", Score: math.SmallestNonzeroFloat64},
			{Member: "tenth", Score: 0.1},
			{Member: "most", Score: math.MaxFloat64},
			{Member: "top", Score: math.Inf(1)},
		})
	})
}

// The members of the geo tests, and where the searches begin.
var (
	palermo = command.GeoMember{Name: "Palermo", Position: command.Position{Longitude: 13.361389, Latitude: 38.115556}}
	catania = command.GeoMember{Name: "Catania", Position: command.Position{Longitude: 15.087269, Latitude: 37.502669}}
	oslo    = command.GeoMember{Name: "Oslo", Position: command.Position{Longitude: 10.738889, Latitude: 59.913333}}
	origin  = command.Position{Longitude: 15, Latitude: 37}
)

// distance returns the metres between two places on the sphere that servers
// compute with, by the haversine formula.
func distance(a, b command.Position) float64 {
	const radius = 6372797.560856
	rad := func(degrees float64) float64 { return degrees * math.Pi / 180 }
	u, v := math.Sin((rad(b.Latitude)-rad(a.Latitude))/2), math.Sin((rad(b.Longitude)-rad(a.Longitude))/2)
	return 2 * radius * math.Asin(math.Sqrt(u*u+math.Cos(rad(a.Latitude))*math.Cos(rad(b.Latitude))*v*v))
}

func TestGeoCommands(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		equal(f, c, command.GeoAdd("g", []command.GeoMember{palermo, catania}), 2)
		equal(f, c, command.GeoAdd("g", []command.GeoMember{oslo, palermo}), 1)
		from := command.FromPosition(origin.Longitude, origin.Latitude)
		equal(f, c, command.GeoSearch("g", from, command.ByRadius(200, command.Kilometers), command.Asc),
			[]string{"Catania", "Palermo"})
		equal(f, c, command.GeoSearch("g", from, command.ByRadius(200, command.Kilometers), command.Desc, command.Count(1)),
			[]string{"Palermo"})
		equal(f, c, command.GeoSearch("g", command.FromMember("Oslo"), command.ByBox(10, 10, command.Miles)),
			[]string{"Oslo"})
		if got := result(f, c, command.GeoSearch("g", from, command.ByRadius(1e7, command.Meters), command.CountAny(2))); len(got) != 2 {
			f.Errorf("COUNT 2 ANY found %q", got)
		}
		equal(f, c, command.GeoSearch("none", from, command.ByRadius(1, command.Feet)), []string{})

		found := result(f, c, command.GeoSearchLocations("g", from, command.ByRadius(200, command.Kilometers), command.Asc))
		if len(found) != 2 {
			f.Fatalf("GEOSEARCH found %v", found)
		}
		for i, want := range []command.GeoMember{catania, palermo} {
			got := found[i]
			// A position is stored in 52 bits, to less than a metre.
			if off := distance(got.Position, want.Position); got.Name != want.Name || off > 1 {
				f.Errorf("found %v, want %v, which is %g m away", got, want, off)
			}
			if want := distance(origin, want.Position) / 1000; math.Abs(got.Distance-want) > 0.001 {
				f.Errorf("%s is %g km away, want %g", got.Name, got.Distance, want)
			}
			// The index is a sorted set by hash.
			equal(f, c, command.ZScore("g", got.Name), float64(got.Hash))
		}
	})
}
