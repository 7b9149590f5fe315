package cluster

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"

	"github.com/redchan-go/redchan/cluster/slot"
	"github.com/redchan-go/redchan/internal/retry"
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
		first, err := c.ready(ctx, false)
		if err != nil {
			yield("", notSent("SCAN", "", err))
			return
		}
		scanned := map[*node]bool{}
		for s := range slot.Count {
			now := c.routes.Load().of(s)
			if first.of(s) == nil || now != nil && scanned[now.primary] {
				continue
			}
			n, ok := c.scanShard(ctx, s, opts, yield)
			if !ok {
				return
			}
			scanned[n] = true
		}
	}
}

// scanShard scans the shard that serves a slot. It returns the node that was scanned to its end,
// and whether to go on. It stays with a node as long as that is a primary: where the slot moves,
// others stay.
func (c *Client) scanShard(ctx context.Context, s int, opts []command.ScanOption, yield func(string, error) bool) (n *node, ok bool) {
	for cursor := uint64(0); ; {
		if !c.watched.Load() {
			c.awake()
		}
		page, now, err := c.scanPage(ctx, s, n, cursor, opts)
		if err != nil {
			yield("", err)
			return nil, false
		}
		n = now
		for _, key := range page.Keys {
			if ctx.Err() != nil {
				yield("", retry.Ended(ctx))
				return nil, false
			}
			if !yield(key, nil) {
				return nil, false
			}
		}
		if cursor = page.Cursor; cursor == 0 {
			return n, true
		}
	}
}

// scanPage returns the page behind a cursor of a node, or the first one of the primary that serves the
// slot where the node, which may be nil, is no primary any more; and which node it is of.
func (c *Client) scanPage(ctx context.Context, s int, n *node, cursor uint64, opts []command.ScanOption) (page command.ScanPage, of *node, err error) {
	e := effort{client: c, name: "SCAN", slot: s, repeats: true, keeps: n}
	e.send = func(now *node, _ bool) (err error) {
		if now != e.keeps {
			e.keeps, cursor = now, 0 // the cursor was another node's
		}
		page, err = now.client.Scan(ctx, cursor, opts...)
		return err
	}
	err = e.run(ctx)
	return page, e.keeps, err
}
