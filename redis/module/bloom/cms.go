package bloom

import (
	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/module/internal/wire"
)

// Increment is an item and how much to count for it.
type Increment struct {
	Item any // a value as everywhere in package command
	By   int64
}

// increments starts a command for increments of a key, of which there must be one at
// least.
func increments(key string, list []Increment) *wire.Args {
	a := only(key)
	if len(list) == 0 {
		a.Refuse("no increments")
	}
	for _, i := range list {
		a.Value(i.Item)
		a.NotNegative("an increment", i.By)
	}
	return a
}

// CMSInitByDim creates a count-min sketch: width bounds the error, depth how likely a
// greater one is. A key that exists is an error. O(1). Since Bloom 2.0.0.
func CMSInitByDim(key string, width, depth int64) command.Cmd[struct{}] {
	a := only(key)
	a.Positive("the width", width)
	a.Positive("the depth", depth)
	return wire.Command(a, "CMS.INITBYDIM", wire.OK)
}

// CMSInitByProb creates a count-min sketch whose counts are too high by errorRate of all
// that is counted at most, but for a share of probability; both are between 0 and 1. A
// key that exists is an error. O(1). Since Bloom 2.0.0.
func CMSInitByProb(key string, errorRate, probability float64) command.Cmd[struct{}] {
	a := only(key)
	fraction(a, "the error rate", errorRate)
	fraction(a, "the probability", probability)
	return wire.Command(a, "CMS.INITBYPROB", wire.OK)
}

// CMSIncrBy counts items and returns their new counts. A key that does not exist is an
// error; where a count overflows, the error is the server's, and the counts before it
// are returned beside it. O(n) for n items. Since Bloom 2.0.0.
func CMSIncrBy(key string, list ...Increment) command.Cmd[[]int64] {
	return wire.Command(increments(key, list), "CMS.INCRBY", wire.Ints)
}

// CMSQuery returns the counts of items, 0 for one that was never counted; a count can be
// too high, never too low. O(n) for n items. Since Bloom 2.0.0.
func CMSQuery(key string, vs ...any) command.Cmd[[]int64] {
	return wire.Reader(items(key, vs), "CMS.QUERY", wire.Ints)
}

// CMSMerge puts the sum of sketches into destination, which must exist and have the same
// width and depth, and loses what it had. Weights multiply the sketches: there are none
// or one for each. O(n) for n sketches. Since Bloom 2.0.0.
func CMSMerge(destination string, sources []string, weights ...int64) command.Cmd[struct{}] {
	a := only(destination)
	a.Int(int64(len(sources)))
	a.Keys(sources)
	if len(weights) > 0 {
		if len(weights) != len(sources) {
			a.Refuse("%d weights for %d sketches", len(weights), len(sources))
		}
		a.Word("WEIGHTS")
		for _, w := range weights {
			a.Int(w)
		}
	}
	return wire.Command(a, "CMS.MERGE", wire.OK)
}

// CMSStats is what [CMSInfo] tells of a count-min sketch.
type CMSStats struct {
	Width, Depth int64
	Count        int64 // sum of all that was counted
}

// CMSInfo returns what there is to know about a count-min sketch. A key that does not
// exist is an error. O(1). Since Bloom 2.0.0.
func CMSInfo(key string) command.Cmd[CMSStats] {
	return wire.Reader(only(key), "CMS.INFO", decodeCMSStats)
}

func decodeCMSStats(v proto.Value) (CMSStats, error) {
	var s CMSStats
	err := wire.Record(v, "CMSStats", intFields(map[string]*int64{
		"width": &s.Width, "depth": &s.Depth, "count": &s.Count,
	}))
	return s, err
}
