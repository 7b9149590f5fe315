package cluster_test

import (
	"testing"

	"github.com/redchan-go/redchan/cluster"
	"github.com/redchan-go/redchan/redis"
)

// Stats counts what all nodes have answered.
func TestStats(t *testing.T) {
	story(t, 3, false, nil, func(t *testing.T, c *cluster.Client, s *sim) {
		if _, err := c.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		before := c.Stats()
		for _, n := range s.primaries {
			if err := c.Set(t.Context(), s.keyAt(n, 0), "v"); err != nil {
				t.Fatal(err)
			}
		}
		if got := c.Stats(); got != (redis.Stats{Answered: before.Answered + 3}) {
			t.Errorf("%+v, before %+v", got, before)
		}
	})
}
