package servers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// await asks again and again until check returns nil. When the context ends first,
// the error says what was waited for and what was wrong at last.
func await(ctx context.Context, what string, check func() error) error {
	const interval = 10 * time.Millisecond
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	var last error
	for {
		err := check()
		if err == nil {
			return nil
		}
		if last == nil || ctx.Err() == nil {
			last = err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w: %w", what, ctx.Err(), last)
		}
	}
}

// AwaitOwner waits until all nodes, or those given, see that a node serves a slot; a
// nil owner: that nobody does.
func (c *Cluster) AwaitOwner(ctx context.Context, number int, owner *Node, among ...*Node) error {
	return await(ctx, fmt.Sprintf("the owner of slot %d", number), func() error {
		for _, node := range c.answering(among) {
			view, err := c.View(ctx, node)
			if err != nil {
				return err
			}
			if found := view.Owner(number); found != owner {
				return fmt.Errorf("%s sees it at %s", node.Addr, found.name())
			}
		}
		return nil
	})
}

// name returns the address, for messages, also of a nil node.
func (n *Node) name() string {
	if n == nil {
		return "no node"
	}
	return n.Addr
}

// AwaitOK waits until all nodes, or those given, serve commands: cluster_state:ok.
func (c *Cluster) AwaitOK(ctx context.Context, among ...*Node) error {
	return await(ctx, "cluster_state:ok", func() error {
		for _, node := range c.answering(among) {
			if err := node.ok(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

func (n *Node) ok(ctx context.Context) error {
	info, err := n.Command(ctx, "CLUSTER", "INFO")
	if err == nil && !strings.Contains(info, "cluster_state:ok\r") {
		err = fmt.Errorf("%s: %q", n.Addr, info)
	}
	return err
}

// settle waits until all nodes have heard the epochs of all primaries, and no two are
// the same. Who takes slots makes its epoch the highest that it knows: where slots
// move faster than epochs become known, nodes stay with the former owner.
func (c *Cluster) settle(ctx context.Context) error {
	return await(ctx, "epochs that all nodes know", func() error {
		epochs := map[string]int{} // by ID
		used := map[int]string{}
		for _, node := range c.answering(nil) {
			view, err := c.View(ctx, node)
			if err != nil {
				return err
			}
			for _, member := range view {
				if !member.Primary || member.Node == nil || !member.Node.Answering() {
					continue
				}
				epoch, known := epochs[member.ID]
				if known && epoch != member.Epoch {
					return fmt.Errorf("%s has epoch %d at %s, %d at another", member.Node.Addr, member.Epoch, node.Addr, epoch)
				}
				if other, taken := used[member.Epoch]; taken && other != member.ID {
					return fmt.Errorf("%s and %s have the same epoch", member.ID, other)
				}
				epochs[member.ID], used[member.Epoch] = member.Epoch, member.ID
			}
		}
		return nil
	})
}

// AwaitHealthy waits until every node of the cluster, whoever is primary, serves
// commands, agrees with the others, reaches all of them, and tells clients of all
// replicas; and until every replica is in sync. Where a node doesn't answer that
// never comes. What a node does not mend by itself is mended, see unchain.
func (c *Cluster) AwaitHealthy(ctx context.Context) error {
	return await(ctx, "a healthy cluster", func() error {
		if err := c.healthy(ctx); err != nil {
			return err
		}
		return c.unchain(ctx)
	})
}

// unchain makes a replica of a replica one of the primary, and fails if there was any.
// Redis 8.0 may leave one behind when a primary that has other replicas changes places
// with one of them: a node that hears of it from the former primary first gives the
// slots to the new one, and then doesn't see in its claim that anything has changed. To
// clients such a replica answers MOVED for its primary's slots, and so it stays.
func (c *Cluster) unchain(ctx context.Context) error {
	view, err := c.View(ctx, c.nodes[0])
	if err != nil {
		return err
	}
	members := map[string]Member{}
	for _, member := range view {
		members[member.ID] = member
	}
	for _, member := range view {
		follows := members[member.PrimaryID]
		if follows.PrimaryID == "" {
			continue
		}
		chained := fmt.Errorf("%s follows the replica %s", member.Node.Addr, follows.Node.Addr)
		return errors.Join(chained, member.Node.run(ctx, []string{"CLUSTER", "REPLICATE", follows.PrimaryID}))
	}
	return nil
}

func (c *Cluster) healthy(ctx context.Context) error {
	var first View
	for _, node := range c.nodes {
		view, err := c.View(ctx, node)
		if err != nil {
			return err
		}
		if first == nil {
			first = view
		}
		if len(view) != len(c.nodes) || view.roles() != first.roles() {
			return fmt.Errorf("%s sees\n%sbut another\n%s", node.Addr, view.roles(), first.roles())
		}
		for _, member := range view {
			if !member.well() {
				return fmt.Errorf("%s sees %+v", node.Addr, member)
			}
		}
		if err := node.ok(ctx); err != nil {
			return err
		}
		if err := node.inSync(ctx, first); err != nil {
			return err
		}
		if err := node.tells(ctx, first); err != nil {
			return err
		}
	}
	return nil
}

// well reports whether the asked node sees nothing wrong with a member.
func (m Member) well() bool {
	for _, flag := range []string{"fail", "fail?", "handshake", "noaddr"} {
		if m.Is(flag) {
			return false
		}
	}
	return m.Node != nil && (m.Connected || m.Is("myself"))
}

// inSync fails unless a replica has its primary's data, or a primary all its replicas.
func (n *Node) inSync(ctx context.Context, view View) error {
	info, err := n.Command(ctx, "INFO", "replication")
	if err != nil {
		return err
	}
	if own, _ := view.Of(n); own.PrimaryID != "" {
		if !strings.Contains(info, "master_link_status:up\r") {
			return fmt.Errorf("replica %s: %q", n.Addr, info)
		}
		return nil
	}
	if want := len(view.Replicas(n)); strings.Count(info, "state=online") != want {
		return fmt.Errorf("primary %s has not %d replicas: %q", n.Addr, want, info)
	}
	return nil
}

// tells fails unless CLUSTER SLOTS has every replica. A node leaves out replicas of
// which it has not heard that they have data.
func (n *Node) tells(ctx context.Context, view View) error {
	reply, err := n.Call(ctx, "CLUSTER", "SLOTS")
	if err != nil {
		return err
	}
	for _, run := range reply.Elements {
		const bounds, id = 2, 2 // the first and last slot; an ID behind address and port
		if len(run.Elements) <= bounds || len(run.Elements[bounds].Elements) <= id {
			return errors.New("CLUSTER SLOTS is of another form: " + run.String())
		}
		members := run.Elements[bounds:]
		for _, member := range view {
			if member.ID == members[0].Elements[id].Text && len(members) != 1+len(view.Replicas(member.Node)) {
				return fmt.Errorf("%s tells %v", n.Addr, run)
			}
		}
	}
	return nil
}
