package cluster

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/redchan-go/redchan/internal/retry"
	"github.com/redchan-go/redchan/redis"
)

// The refresher is one goroutine, which alone replaces the topology as a whole. Whoever has
// reason to think that it is out of date wakes it, by a channel of capacity 1: so however
// many are redirected at the same time, nodes are asked once, and once more for those who
// came while they were asked.

// refreshApart is how long at least lies between two refreshes.
const refreshApart = 100 * time.Millisecond

// gathering is how long a refresh waits for others who want it too: a node that is lost has many
// callers, and each of them wakes the refresher. Whoever came later would have it asked once more.
const gathering = time.Millisecond

// refreshSoon has the topology refreshed.
func (c *Client) refreshSoon() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// refreshAvoiding has the topology refreshed, and told by another node than the one at avoid,
// if that is not empty.
func (c *Client) refreshAvoiding(avoid string) {
	if avoid != "" {
		c.mu.Lock()
		c.avoid = avoid
		c.mu.Unlock()
	}
	c.refreshSoon()
}

// lastError returns why the last refresh has failed; nil where it has not.
func (c *Client) lastError() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lastErr
}

// run refreshes the topology whenever it is asked to, and from the first time on every now
// and then, and watches the nodes while something is in flight.
func (c *Client) run() {
	defer close(c.done)
	every := time.NewTimer(c.jittered())
	every.Stop()
	defer every.Stop()
	defer c.watch.Stop()
	var last time.Time // when a refresh ended
	for {
		select {
		case <-c.watch.C: // what was due during a refresh comes first: the next one may take long too
			c.beat()
			continue
		default:
		}
		select {
		case <-c.ctx.Done():
			return
		case <-c.watch.C:
			c.beat()
			continue
		case <-c.wake:
		case <-every.C:
		}
		wait := max(refreshApart-time.Since(last), 0)
		if c.routes.Load() != nil {
			wait += gathering
		}
		if !sleep(c.ctx, wait) {
			return
		}
		select {
		case <-c.wake: // of those who came meanwhile
		default:
		}
		c.refresh()
		last = time.Now()
		every.Reset(c.jittered())
	}
}

// jittered returns the time to the next refresh.
func (c *Client) jittered() time.Duration {
	d := c.options.RefreshEvery
	return d - d/4 + retry.Jitter(d/2+1)
}

// refresh replaces the topology by what nodes tell now.
func (c *Client) refresh() {
	t, err := c.look(c.ctx)
	if c.ctx.Err() != nil {
		return
	}
	switch {
	case err == nil:
		c.lostAt = time.Time{}
		err = c.install(t)
	case c.lostAt.IsZero():
		c.lostAt = time.Now()
	}
	if err != nil {
		c.options.Logger.Warn("cluster: can't tell who serves which slots", "error", err)
	}
	c.mu.Lock()
	if c.lastErr = err; err != nil {
		c.failures++
	}
	close(c.changed)
	c.changed = make(chan struct{})
	c.mu.Unlock()
}

// olderViews is how often in a row nodes must tell an older epoch, in a cluster that works, to
// be believed: one that was stopped tells what was for a moment when it goes on. A
// cluster that was made anew has a lower epoch for good.
const olderViews = 3

// errStale tells of a view that is older than the one there is.
var errStale = errors.New("the nodes that answer see an older state of the cluster")

// install makes a topology the one to go by, unless it is that of a node which is cut off
// from the cluster.
func (c *Client) install(t *Topology) error {
	old := c.routes.Load()
	switch {
	case old == nil || t.Epoch >= old.topology.Epoch:
		c.older = 0
	case !t.OK:
		return errStale
	default:
		if c.older++; c.older < olderViews {
			c.refreshSoon()
			return errStale
		}
	}
	r, err := c.routesTo(t)
	if err != nil {
		return err
	}
	c.routes.Store(r)
	if old == nil || old.topology.Epoch != t.Epoch || old.topology.covered() != t.covered() || old.topology.OK != t.OK {
		c.tellWaiting()
		c.options.Logger.Info("cluster: topology", "epoch", t.Epoch, "ok", t.OK, "shards", len(t.shards), "told by", t.From)
	}
	c.prune(t)
	c.probe(r)
	c.mu.Lock()
	hooks := c.hooks
	c.mu.Unlock()
	for _, hook := range hooks {
		(*hook)(t)
	}
	return nil
}

// ready returns the routes, waiting for the first ones while ctx lasts. Without a deadline
// it gives up after maxAttempts refreshes have failed, or patienceLimit; where once says so,
// after one, and in any case.
func (c *Client) ready(ctx context.Context, once bool) (*routes, error) {
	if r := c.routes.Load(); r != nil {
		return r, nil
	}
	bounded := ctx
	_, hasDeadline := ctx.Deadline()
	attempts := maxAttempts
	switch {
	case once:
		attempts = 1
	case hasDeadline:
		attempts = math.MaxInt
	}
	if !hasDeadline {
		var cancel context.CancelFunc
		bounded, cancel = context.WithTimeout(ctx, patienceLimit)
		defer cancel()
	}
	first := -1
	for {
		c.mu.Lock()
		failures, lastErr, changed, closed := c.failures, c.lastErr, c.changed, c.nodes == nil
		c.mu.Unlock()
		if r := c.routes.Load(); r != nil {
			return r, nil
		}
		if first < 0 {
			first = failures
		}
		if lastErr == nil {
			lastErr = ErrNoTopology
		}
		switch {
		case closed || c.isClosed():
			return nil, redis.ErrClosed
		case failures-first >= attempts:
			return nil, lastErr
		}
		c.refreshSoon()
		select {
		case <-changed:
		case <-c.closing:
		case <-bounded.Done():
			if ctx.Err() == nil {
				return nil, lastErr
			}
			return nil, fmt.Errorf("%w: %w", ended(ctx), lastErr)
		}
	}
}

// probe measures the latency of nodes where reads go by it, asks for zones that the topology
// does not tell, and looks whether those nodes answer that were given up. It does so beside the refresher, once at a time.
func (c *Client) probe(r *routes) {
	nodes := r.nodes()
	_, byZone := c.options.ReadFrom.(zone)
	if c.options.ReadFrom != LowestLatency {
		nodes = slices.DeleteFunc(nodes, func(n *node) bool {
			return healthy(n) && (!byZone || n.zone.Load() != nil)
		})
	}
	if len(nodes) == 0 || !c.probing.CompareAndSwap(false, true) {
		return
	}
	c.tasks.Go(func() {
		defer c.probing.Store(false)
		ctx, cancel := context.WithTimeout(c.ctx, probeTime)
		defer cancel()
		done := make(chan struct{}, len(nodes))
		for _, n := range nodes {
			c.tasks.Go(func() {
				n.measure(ctx)
				if byZone && n.zone.Load() == nil {
					n.learnZone(ctx)
				}
				done <- struct{}{}
			})
		}
		for range nodes {
			<-done
		}
	})
}

// learnZone asks the node itself for its availability zone, which servers tell since Valkey
// 8.0.0, and the topology only later.
func (n *node) learnZone(ctx context.Context) {
	info, err := n.client.Info(ctx, "server")
	if err != nil {
		return
	}
	name := info.Get("availability_zone") // none: "", which is not asked for again
	n.zone.Store(&name)
}

// How nodes are probed.
const (
	probeTime = time.Second
	probes    = 3
)

// measure sets the node's latency to the median of a few PINGs, and clears its name.
func (n *node) measure(ctx context.Context) {
	var took []time.Duration
	for range probes {
		start := time.Now()
		if _, err := n.client.Ping(ctx); err != nil {
			n.suspect.Store(true)
			return
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	n.latency.Store(int64(max(took[len(took)/2], 1)))
	n.answered()
	n.suspect.Store(false)
}
