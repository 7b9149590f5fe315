package cluster

// Paused returns how many calls wait before they try again.
func (c *Client) Paused() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.paused
}
