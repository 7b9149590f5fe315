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

// The refresher is one goroutine, and only it replaces the topology as a whole. Callers that
// suspect an outdated topology wake it through a channel of capacity 1. So however many callers
// are redirected at the same time, nodes are asked once, and once more for callers that came
// while they were being asked.

// refreshApart is the minimum time between two refreshes.
const refreshApart = 100 * time.Millisecond

// gathering is how long a refresh waits for other callers that want one. A lost node has many
// callers, and each of them wakes the refresher; without the wait, later callers would cause a
// second refresh.
const gathering = time.Millisecond

// refreshSoon starts a refresh of the topology.
func (c *Client) refreshSoon() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// refreshAvoiding starts a refresh of the topology that asks another node than the one at avoid,
// if avoid is not empty.
func (c *Client) refreshAvoiding(avoid string) {
	if avoid != "" {
		c.mu.Lock()
		c.avoid = avoid
		c.mu.Unlock()
	}
	c.refreshSoon()
}

// lastError returns the error of the last refresh, or nil if it succeeded.
func (c *Client) lastError() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lastErr
}

// run refreshes the topology on request, and also regularly after the first time. It watches the
// nodes while something is in flight.
func (c *Client) run() {
	defer close(c.done)
	every := time.NewTimer(c.jittered())
	every.Stop()
	defer every.Stop()
	defer c.watch.Stop()
	var last time.Time // when a refresh ended
	for {
		select {
		case <-c.watch.C: // checks that became due during a refresh come first: the next refresh may take long too
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
		if !retry.Sleep(c.ctx, nil, wait) {
			return
		}
		select {
		case <-c.wake: // from callers that came meanwhile
		default:
		}
		c.refresh()
		last = time.Now()
		every.Reset(c.jittered())
	}
}

// jittered returns the time until the next refresh.
func (c *Client) jittered() time.Duration {
	d := c.options.RefreshEvery
	return d - d/4 + retry.Jitter(d/2+1)
}

// refresh replaces the topology by the nodes' current answers.
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

// olderViews is how many times in a row nodes of a working cluster must report an older epoch to
// be believed. A node that was suspended reports an old state for a moment when it resumes. A
// cluster that was created anew keeps its lower epoch.
const olderViews = 3

// errStale reports a view older than the current topology.
var errStale = errors.New("the nodes that answer see an older state of the cluster")

// install makes t the current topology, unless t comes from a node that is cut off from the
// cluster.
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

// ready returns the routes. It waits for the first topology while ctx lasts. Without a deadline
// it gives up after retry.MaxAttempts failed refreshes, or after retry.Limit. If once is set, it
// always gives up after one failed refresh.
func (c *Client) ready(ctx context.Context, once bool) (*routes, error) {
	if r := c.routes.Load(); r != nil {
		return r, nil
	}
	bounded := ctx
	_, hasDeadline := ctx.Deadline()
	attempts := retry.MaxAttempts
	switch {
	case once:
		attempts = 1
	case hasDeadline:
		attempts = math.MaxInt
	}
	if !hasDeadline {
		var cancel context.CancelFunc
		bounded, cancel = context.WithTimeout(ctx, retry.Limit)
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
			return nil, fmt.Errorf("%w: %w", retry.Ended(ctx), lastErr)
		}
	}
}

// probe measures the latency of nodes if reads depend on it, asks for zones that the topology
// does not contain, and checks whether suspect nodes answer again. It runs beside the refresher,
// one probe at a time.
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

// learnZone asks the node for its availability zone. Servers report it in INFO since Valkey
// 8.0.0, but in the topology only in later versions.
func (n *node) learnZone(ctx context.Context) {
	info, err := n.client.Info(ctx, "server")
	if err != nil {
		return
	}
	name := info.Get("availability_zone") // "" if it has none; it is not asked again
	n.zone.Store(&name)
}

// The parameters of probes.
const (
	probeTime = time.Second
	probes    = 3
)

// measure sets the node's latency to the median of a few PINGs, and clears its suspicion.
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
