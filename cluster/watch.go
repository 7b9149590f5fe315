package cluster

import (
	"time"
)

// A node that is paused, or cut off, answers nothing and closes nothing. Its connections
// would notice only when ReplyTimeout has passed, and by then the cluster has long promoted
// a replica. So while something is in flight the refresher looks a few times a second
// whether nodes stand still, and has the topology refreshed while one does, or while calls wait
// to be tried again: as soon as that
// says that the node has failed, its client is closed and its callers are answered.

const (
	// watchEvery is how often nodes are looked at.
	watchEvery = 250 * time.Millisecond
	// standsAfter is how long a node may answer nothing before it stands still.
	standsAfter = time.Second
	// quietBeats is for how many looks nothing may be in flight before they end.
	quietBeats = 4
)

// pulse is what the refresher has seen of a node; nobody else looks at it.
type pulse struct {
	answered uint64
	since    time.Time // when answered was seen first
	stands   bool
}

// awake has the nodes watched, from the first command after a time without any.
func (c *Client) awake() {
	if c.watched.CompareAndSwap(false, true) {
		c.watch.Reset(watchEvery)
	}
}

// beat looks at all nodes, and ends the looks where nothing is in flight any more.
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
		c.awake() // for who came meanwhile, and did not see that nobody watches
	}
}

// stillness reports whether something is in flight anywhere, whether a node stands still, and
// whether calls wait to be tried again.
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
