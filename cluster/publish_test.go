package cluster_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/redchan-go/redchan/cluster"
	"github.com/redchan-go/redchan/cluster/slot"
)

// What is published to slots that nobody serves is spread over all nodes, and what is published to
// one of them goes to one node, so that its messages stay in order.
func TestPublishWithoutTheSlotsIsSpread(t *testing.T) {
	story(t, 3, true, nil, func(t *testing.T, c *cluster.Client, s *sim) {
		const channels, messages = 60, 3
		for i := range channels {
			s.owner[slot.Of(strconv.Itoa(i))] = nil
		}
		for i := range channels {
			for range messages {
				if _, err := c.Publish(t.Context(), strconv.Itoa(i), "m"); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, n := range s.nodes {
			published, count := map[string]int{}, 0
			for _, command := range n.commands() {
				if words := strings.Fields(command); words[0] == "PUBLISH" {
					published[words[1]]++
					count++
				}
			}
			if count == 0 || count > channels*messages/2 {
				t.Errorf("%s got %d of %d messages", n.addr, count, channels*messages)
			}
			for channel, n := range published {
				if n != messages {
					t.Errorf("a node got %d of the messages of %q", n, channel)
				}
			}
		}
	})
}
