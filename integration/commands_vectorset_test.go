package integration

import (
	"math"
	"slices"
	"testing"

	"github.com/redchan-go/redchan/redis/command"
)

func TestVectorSetCommands(t *testing.T) {
	shared(t, func(f *fixture) {
		c := f.open()
		if f.server.Role() != "redis8" {
			refused(f, c, command.VAdd("v", command.Vector{1}, "a"), "ERR")
			refused(f, c, command.VCard("v"), "ERR")
			return
		}
		type attributes struct{ Year int }
		equal(f, c, command.VCard("v"), 0)
		refused(f, c, command.VDim("v"), "ERR")
		missing(f, c, command.VInfo("v"))
		plain, links := command.NoQuantization, command.VectorLinks(8)
		equal(f, c, command.VAdd("v", command.Vector{2, 0}, "east", plain, links,
			command.VectorAttributes(command.JSON(attributes{1980})), command.VectorEF(50)), true)
		equal(f, c, command.VAdd("v", command.Vector{0, 1}, "north", plain, links, command.VectorCAS), true)
		equal(f, c, command.VAdd("v", command.Vector{1, 1}, "between", plain, links), true)
		equal(f, c, command.VAdd("v", command.Vector{0, 1}, "north", plain, links), false)
		refused(f, c, command.VAdd("v", command.Vector{1, 2, 3}, "x", plain, links), "ERR") // other dimensions
		refused(f, c, command.VAdd("v", command.Vector{1, 2}, "x", plain), "ERR")           // other links
		equal(f, c, command.VCard("v"), 3)
		equal(f, c, command.VDim("v"), 2)
		equal(f, c, command.VIsMember("v", "east"), true)
		equal(f, c, command.VIsMember("v", "west"), false)

		equal(f, c, command.VEmb("v", "east"), []float64{2, 0})
		missing(f, c, command.VEmb("v", "west"))
		missing(f, c, command.VEmb("none", "east"))
		equal(f, c, command.VEmbRaw("v", "east"), command.RawVector{
			Quantization: "f32", Data: []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0}, Norm: 2,
		})
		missing(f, c, command.VEmbRaw("v", "west"))

		equal(f, c, command.AsJSON[attributes](command.VGetAttr("v", "east")), attributes{1980})
		missing(f, c, command.VGetAttr("v", "north"))
		missing(f, c, command.VGetAttr("none", "north"))
		equal(f, c, command.VSetAttr("v", "north", `{"Year":1990}`), true)
		equal(f, c, command.VGetAttr("v", "north"), `{"Year":1990}`)
		equal(f, c, command.VSetAttr("v", "west", "{}"), false)

		info := result(f, c, command.VInfo("v"))
		if info.Quantization != "f32" || info.Links != 8 || info.Dimensions != 2 || info.ProjectedFrom != 0 || info.Size != 3 || info.Attributes != 2 {
			f.Errorf("VINFO = %+v", info)
		}

		missing(f, c, command.VRandMember("none"))
		equal(f, c, command.VRandMemberCount("none", 3), []string{})
		all := []string{"between", "east", "north"}
		if got := result(f, c, command.VRandMember("v")); !slices.Contains(all, got) {
			f.Errorf("VRANDMEMBER = %q", got)
		}
		got := result(f, c, command.VRandMemberCount("v", 5))
		slices.Sort(got)
		if !slices.Equal(got, all) {
			f.Errorf("VRANDMEMBER 5 = %q", got)
		}
		if got := result(f, c, command.VRandMemberCount("v", -7)); len(got) != 7 {
			f.Errorf("VRANDMEMBER -7 = %q", got)
		}
		vectorSearches(f, c)

		equal(f, c, command.VSetAttr("v", "north", ""), true)
		missing(f, c, command.VGetAttr("v", "north"))
		equal(f, c, command.VRem("v", "north"), true)
		equal(f, c, command.VRem("v", "north"), false)
		equal(f, c, command.VRem("none", "north"), false)

		// The other ways to hold numbers.
		equal(f, c, command.VAdd("q8", command.Vector{3, 4}, "e", command.Quantize8), true)
		raw := result(f, c, command.VEmbRaw("q8", "e"))
		if raw.Quantization != "int8" || len(raw.Data) != 2 || math.Abs(raw.Norm-5) > 0.01 || math.Abs(raw.Range.Value-0.8) > 0.01 {
			f.Errorf("VEMB RAW of int8 = %+v", raw)
		}
		equal(f, c, command.VAdd("bin", command.Vector{3, -4}, "e", command.QuantizeBinary), true)
		equal(f, c, command.VEmb("bin", "e"), []float64{1, -1})
		if raw := result(f, c, command.VEmbRaw("bin", "e")); raw.Quantization != "bin" || raw.Range.Present {
			f.Errorf("VEMB RAW of bin = %+v", raw)
		}
		equal(f, c, command.VAdd("small", command.Vector{1, 2, 3, 4}, "e", command.VectorReduce(2)), true)
		if info := result(f, c, command.VInfo("small")); info.Dimensions != 2 || info.ProjectedFrom != 4 {
			f.Errorf("VINFO of a reduced set = %+v", info)
		}
	})
}

// vectorSearches searches in the set of TestVectorSetCommands: east, between and north have
// 45 degrees from one to the next, and the score is (1+cos)/2.
func vectorSearches(f *fixture, c command.Doer) {
	f.Helper()
	half := (1 + math.Sqrt2/2) / 2
	near := func(name string, got []command.ScoredMember, want ...command.ScoredMember) {
		f.Helper()
		ok := len(got) == len(want)
		for i := range min(len(got), len(want)) {
			ok = ok && got[i].Member == want[i].Member && math.Abs(got[i].Score-want[i].Score) < 1e-6
		}
		if !ok {
			f.Errorf("%s = %v, want %v", name, got, want)
		}
	}
	east := command.SimilarTo("east")
	equal(f, c, command.VSim("v", east), []string{"east", "between", "north"})
	equal(f, c, command.VSim("v", command.Vector{0, 5}, command.Count(2), command.VectorEF(100), command.VectorNoThread), []string{"north", "between"})
	equal(f, c, command.VSim("v", east, command.VectorEpsilon(0.2)), []string{"east", "between"})
	equal(f, c, command.VSim("v", east, command.VectorFilter(".Year > 1985"), command.VectorFilterEF(100)), []string{"north"})
	equal(f, c, command.VSim("none", east), []string{})
	refused(f, c, command.VSim("v", command.SimilarTo("west")), "ERR")
	near("VSIM WITHSCORES", result(f, c, command.VSimWithScores("v", east, command.VectorTruth)), scored("east", 1, "between", half, "north", 0.5)...)

	found := result(f, c, command.VSimWithAttribs("v", east))
	if len(found) != 3 || found[0].Element != "east" || found[0].Attributes.Value != `{"Year":1980}` ||
		found[1].Element != "between" || found[1].Attributes.Present || math.Abs(found[1].Score-half) > 1e-6 {
		f.Errorf("VSIM WITHSCORES WITHATTRIBS = %+v", found)
	}

	// On the lowest level of so small a set all are linked with each other.
	links := result(f, c, command.VLinks("v", "east"))
	lowest := slices.Clone(links[len(links)-1])
	slices.Sort(lowest)
	if !slices.Equal(lowest, []string{"between", "north"}) {
		f.Errorf("VLINKS = %q", links)
	}
	withScores := result(f, c, command.VLinksWithScores("v", "east"))
	last := slices.Clone(withScores[len(withScores)-1])
	slices.SortFunc(last, func(a, b command.ScoredMember) int { return int(math.Copysign(1, b.Score-a.Score)) })
	near("VLINKS WITHSCORES", last, scored("between", half, "north", 0.5)...)
	missing(f, c, command.VLinks("v", "west"))
	missing(f, c, command.VLinksWithScores("none", "east"))
}
