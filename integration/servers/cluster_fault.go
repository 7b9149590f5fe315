package servers

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Failover makes a replica the primary of its slots, as an operator would while all
// is well, and returns when all nodes see it so and its former primary follows it. A
// replica that was promoted a few seconds ago and demoted since may need a second
// attempt, which is made after 6 s: with the votes of its former election it takes
// itself for elected, and nobody else does (Redis 7.0 and 8.0).
func (c *Cluster) Failover(ctx context.Context, replica *Node) error {
	return c.promote(ctx, replica, "CLUSTER", "FAILOVER")
}

// Takeover is Failover without asking anybody, the primary included, which may be
// gone.
func (c *Cluster) Takeover(ctx context.Context, replica *Node) error {
	return c.promote(ctx, replica, "CLUSTER", "FAILOVER", "TAKEOVER")
}

func (c *Cluster) promote(ctx context.Context, replica *Node, words ...string) error {
	former, err := c.PrimaryOf(ctx, replica)
	if err != nil {
		return err
	}
	if former == nil {
		return fmt.Errorf("%s is no replica", replica.Addr)
	}
	const patience = 6 * time.Second // a server gives an election up after 5 s
	for {
		if err := replica.run(ctx, words); err != nil {
			return err
		}
		attempt, cancel := context.WithTimeout(ctx, patience)
		err := c.AwaitPromoted(attempt, replica, former)
		cancel()
		if err == nil || ctx.Err() != nil {
			return err
		}
		view, err := c.View(ctx, replica)
		if err != nil {
			return err
		}
		if now, _ := view.Of(replica); now.Primary {
			return c.AwaitPromoted(ctx, replica, former)
		}
	}
}

// AwaitPromoted waits until all nodes, or those given, see that a replica has taken
// the slots of its former primary; and that the former primary follows it, where that
// one is asked too.
func (c *Cluster) AwaitPromoted(ctx context.Context, replica, former *Node, among ...*Node) error {
	return await(ctx, replica.Addr+" in place of "+former.Addr, func() error {
		for _, node := range c.answering(among) {
			view, err := c.View(ctx, node)
			if err != nil {
				return err
			}
			now, _ := view.Of(replica)
			then, _ := view.Of(former)
			if !now.Primary || len(now.Slots) == 0 || len(then.Slots) > 0 || node == former && then.PrimaryID != replica.ID() {
				return fmt.Errorf("%s sees\n%s", node.Addr, view.roles())
			}
		}
		return nil
	})
}

// AwaitFailed waits until all other nodes, or those given, see that a node has failed
// for good.
func (c *Cluster) AwaitFailed(ctx context.Context, failed *Node, among ...*Node) error {
	return await(ctx, failed.Addr+" failing", func() error {
		for _, node := range c.answering(among) {
			view, err := c.View(ctx, node)
			if err != nil {
				return err
			}
			if member, _ := view.Of(failed); node != failed && !member.Is("fail") {
				return fmt.Errorf("%s sees %+v", node.Addr, member)
			}
		}
		return nil
	})
}

// Restart stops a node, starts it again on the same ports with its nodes.conf, and
// returns when the cluster is healthy. The data of a primary are gone, and its
// replicas lose them too, unless ClusterConfig.Lines say "appendonly yes".
func (c *Cluster) Restart(ctx context.Context, node *Node) error {
	if err := node.Stop(ctx); err != nil {
		return err
	}
	if err := node.Start(ctx); err != nil {
		return err
	}
	return c.AwaitHealthy(ctx)
}

// RollingRestart restarts all nodes, one after the other, in the order of Nodes.
func (c *Cluster) RollingRestart(ctx context.Context) error {
	for _, node := range c.nodes {
		if err := c.Restart(ctx, node); err != nil {
			return fmt.Errorf("restarting %s: %w", node.Addr, err)
		}
	}
	return nil
}

// Forget makes all other nodes forget a node, which itself isn't told, and returns
// when they have. A primary can't be forgotten by its replicas: that is an error.
func (c *Cluster) Forget(ctx context.Context, forgotten *Node) error {
	for _, node := range c.answering(nil) {
		if node == forgotten {
			continue
		}
		err := node.run(ctx, []string{"CLUSTER", "FORGET", forgotten.ID()})
		// Since Redis 7.2 nodes tell each other.
		if err != nil && !strings.Contains(err.Error(), "Unknown node") {
			return err
		}
	}
	return await(ctx, "nodes that have forgotten "+forgotten.Addr, func() error {
		for _, node := range c.answering(nil) {
			view, err := c.View(ctx, node)
			if err != nil {
				return err
			}
			if _, known := view.Of(forgotten); known && node != forgotten {
				return fmt.Errorf("%s knows it", node.Addr)
			}
		}
		return nil
	})
}

// Rejoin undoes Forget: the node becomes a replica of a primary, under a new ID and
// without its data, and the cluster is healthy. Under its old ID it couldn't: for a
// minute servers since Redis 7.2 go on to tell each other to forget that.
func (c *Cluster) Rejoin(ctx context.Context, forgotten, primary *Node) error {
	if role, err := forgotten.Call(ctx, "ROLE"); err != nil {
		return err
	} else if role.Elements[0].Text == "master" {
		// Who has keys can't be reset; a replica loses them by itself.
		if err := forgotten.run(ctx, []string{"FLUSHALL"}); err != nil {
			return err
		}
	}
	if err := forgotten.run(ctx, []string{"CLUSTER", "RESET", "HARD"}); err != nil {
		return err
	}
	if err := forgotten.learnID(ctx); err != nil {
		return err
	}
	for _, node := range c.answering(nil) {
		if node == forgotten {
			continue
		}
		if err := node.meet(ctx, forgotten); err != nil {
			return err
		}
	}
	if err := forgotten.follow(ctx, primary); err != nil {
		return err
	}
	return c.AwaitHealthy(ctx)
}
