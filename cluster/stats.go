package cluster

import "github.com/redchan-go/redchan/redis"

// Stats returns what the shared connections to all nodes are at together. Of a node that has
// left the cluster nothing is counted any more.
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
