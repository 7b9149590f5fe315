package cluster

import (
	"time"
)

// A node that is paused, or cut off, answers nothing and closes nothing. Its connections would
// notice only after ReplyTimeout, and by then the cluster has long promoted a replica. So while
// something is in flight, the refresher checks a few times a second whether nodes are stalled.
// It refreshes the topology while one is, or while calls wait for a retry. As soon as the
// topology says that the node has failed, its client is closed and its callers get an answer.

const (
	// watchEvery is the interval between checks of the nodes.
	watchEvery = 250 * time.Millisecond
	// standsAfter is how long a node may answer nothing before it counts as stalled.
	standsAfter = time.Second
	// quietBeats is how many checks must find nothing in flight before the checks stop.
	quietBeats = 4
)

// pulse is what the refresher has seen of a node. Only the refresher uses it.
type pulse struct {
	answered uint64
	since    time.Time // when answered was first seen
	stands   bool
}

// awake starts the checks, with the first command after a time without any.
func (c *Client) awake() {
	if c.watched.CompareAndSwap(false, true) {
		c.watch.Reset(watchEvery)
	}
}

// beat checks all nodes, and stops the checks if nothing has been in flight for a while.
func (c *Client) beat() {
	busy, stands, paused := c.stillness()
	if stands || paused {
		c.refreshSoon()
	}
	if busy {
		c.quiet = 0
		return
	}
	if c.quiet++; c.quiet < quietBeats {
		return
	}
	c.quiet = 0
	c.watch.Stop()
	c.watched.Store(false)
	if busy, _, _ := c.stillness(); busy {
		c.awake() // for callers that came meanwhile, and did not see that the checks have stopped
	}
}

// stillness reports whether something is in flight anywhere, whether a node is stalled, and
// whether calls wait for a retry.
func (c *Client) stillness() (busy, stands, paused bool) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range c.nodes {
		s := n.client.Stats()
		p := &n.pulse
		waits := s.InFlight+s.Waiting > 0
		if !waits || s.Answered != p.answered || p.since.IsZero() {
			p.answered, p.since = s.Answered, now
		}
		if p.stands = waits && now.Sub(p.since) >= standsAfter; p.stands {
			n.suspect.Store(true) // no reads until it answers
		}
		busy, stands = busy || waits, stands || p.stands
	}
	paused = c.paused > 0
	return busy || paused, stands, paused
}
