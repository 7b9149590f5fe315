package cluster

import "github.com/redchan-go/redchan/redis"

// Stats returns the combined statistics of the shared connections to all nodes. It does not
// include nodes that have left the cluster.
func (c *Client) Stats() redis.Stats {
	c.mu.Lock()
	clients := make([]*redis.Client, 0, len(c.nodes))
	for _, n := range c.nodes {
		clients = append(clients, n.client)
	}
	c.mu.Unlock()
	var sum redis.Stats
	for _, client := range clients {
		s := client.Stats()
		sum.InFlight += s.InFlight
		sum.Waiting += s.Waiting
		sum.Answered += s.Answered
	}
	return sum
}
