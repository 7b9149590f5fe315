package cluster

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"

	"github.com/redchan-go/redchan/cluster/slot"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
)

// ForEachPrimary calls fn with the client of every primary, at the same time, and returns
// when all calls have. The error joins theirs, each with the node's address. The context of
// the calls ends with ctx alone: one that fails does not end the others. See [Client.Node]
// for what may be done with the clients.
func (c *Client) ForEachPrimary(ctx context.Context, fn func(ctx context.Context, node *redis.Client) error) error {
	return c.forEach(ctx, (*routes).primaries, fn)
}

// ForEachNode is [Client.ForEachPrimary] for all nodes, replicas too.
func (c *Client) ForEachNode(ctx context.Context, fn func(ctx context.Context, node *redis.Client) error) error {
	return c.forEach(ctx, (*routes).nodes, fn)
}

func (c *Client) forEach(ctx context.Context, which func(*routes) []*node, fn func(context.Context, *redis.Client) error) error {
	r, err := c.ready(ctx, false)
	if err != nil {
		return fmt.Errorf("cluster: %w", err)
	}
	if !c.watched.Load() {
		c.awake()
	}
	nodes := which(r)
	errs := make([]error, len(nodes))
	var calls sync.WaitGroup
	for i, n := range nodes {
		calls.Go(func() {
			if err := fn(ctx, n.client); err != nil {
				errs[i] = fmt.Errorf("node %s: %w", n.addr, c.explain(err))
			}
		})
	}
	calls.Wait()
	return errors.Join(errs...)
}

// ScanAll iterates over the keys of the cluster, one primary after the other:
//
//	for key, err := range client.ScanAll(ctx, command.Match("user:*")) {
//		if err != nil {
//			return err
//		}
//		...
//	}
//
// It asks for a page at a time. An error is the last item, also the end of ctx. A key that
// exists all the time is found at least once, possibly several times, unless its slot moves
// to another node meanwhile. Where a primary fails, its shard is scanned from the start
// again, at the primary that takes its place. Since 2.8.0.
func (c *Client) ScanAll(ctx context.Context, opts ...command.ScanOption) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		r, err := c.ready(ctx, false)
		if err != nil {
			yield("", notSent("SCAN", "", err))
			return
		}
		for _, s := range firstSlots(r.topology) {
			if !c.scanShard(ctx, s, opts, yield) {
				return
			}
		}
	}
}

// firstSlots returns the first slot of each shard that has any.
func firstSlots(t *Topology) []int {
	seen := make([]bool, len(t.shards)+1)
	seen[0] = true
	var firsts []int
	for i := range slot.Count {
		if owner := t.owner[i]; !seen[owner] {
			seen[owner] = true
			firsts = append(firsts, i)
		}
	}
	return firsts
}

// scanShard scans the shard that serves a slot, and reports whether to go on.
func (c *Client) scanShard(ctx context.Context, s int, opts []command.ScanOption, yield func(string, error) bool) bool {
	p := newPatience(ctx)
	var n *node
	for cursor := uint64(0); ; {
		if !c.watched.Load() {
			c.awake()
		}
		var page command.ScanPage
		now, err := c.target(ctx, s, false, nil)
		asked := now // nil where there is none: that says nothing of the one before
		switch {
		case err != nil:
			err = notSent("SCAN", "", err)
		default:
			if now != n {
				n, cursor = now, 0 // the cursor was another node's
			}
			page, err = n.client.Scan(ctx, cursor, opts...)
			err = c.explain(err)
		}
		if err != nil {
			if to := c.judge(ctx, asked, err, true); to.next == final || !p.another(ctx, c, to.lost) {
				yield("", err)
				return false
			}
			continue
		}
		p = newPatience(ctx)
		for _, key := range page.Keys {
			if ctx.Err() != nil {
				yield("", ended(ctx))
				return false
			}
			if !yield(key, nil) {
				return false
			}
		}
		if cursor = page.Cursor; cursor == 0 {
			return true
		}
	}
}
