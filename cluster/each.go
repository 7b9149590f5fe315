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

// ForEachPrimary calls fn concurrently with the client of each primary, and returns when all
// calls have returned. The error joins the errors of the calls, each with the node's address.
// The context passed to fn ends only with ctx: a failed call does not cancel the others.
// [Client.Node] says how the clients may be used.
func (c *Client) ForEachPrimary(ctx context.Context, fn func(ctx context.Context, node *redis.Client) error) error {
	return c.forEach(ctx, (*routes).primaries, fn)
}

// ForEachNode is like [Client.ForEachPrimary], for all nodes including replicas.
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
// ScanAll asks for one page at a time. If an error occurs or ctx ends, the error is the last
// item. A key that exists during the whole scan is returned at least once, possibly several
// times, unless its slot moves to another node during the scan. If a primary fails, its shard is
// scanned again from the start, at the primary that takes its place. Since 2.8.0.
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

// scanShard scans the shard that serves a slot. It returns the node that it has scanned to the
// end, and whether to continue. It stays with a node as long as the node is a primary: if the
// slot moves away, other slots stay.
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

// scanPage returns the next page after a cursor of node n, and the node that the page is from.
// If n is nil or no longer a primary, it returns the first page of the primary that serves the
// slot.
func (c *Client) scanPage(ctx context.Context, s int, n *node, cursor uint64, opts []command.ScanOption) (page command.ScanPage, of *node, err error) {
	e := effort{client: c, name: "SCAN", slot: s, repeats: true, keeps: n}
	e.send = func(now *node, _ bool) (err error) {
		if now != e.keeps {
			e.keeps, cursor = now, 0 // the cursor belonged to another node
		}
		page, err = now.client.Scan(ctx, cursor, opts...)
		return err
	}
	err = e.run(ctx)
	return page, e.keeps, err
}
